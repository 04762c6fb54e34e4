/** What a script is made of: plain data that can be drawn, shrunk and printed. */
import type { PoolOptions } from "@sessionpool/core"
import type { Operation } from "./subject.ts"

/** A request as a script writes it: the password is that of the account, a wrong one, or none. */
export interface ScriptRequest {
  readonly user?: string | undefined
  readonly proxy?: string | undefined
  readonly password?: "right" | "wrong" | undefined
  readonly cclass?: string | undefined
  readonly purity?: "default" | "new" | "self" | undefined
  readonly tag?: string | undefined
  readonly matchAnyTag?: boolean | undefined
  readonly shardingKey?: string | undefined
  readonly superShardingKey?: string | undefined
  readonly waitTimeout?: number | undefined
}

/** The settings that scripts vary. Durations are milliseconds, 0 means off as the pool has it. */
export interface ScriptSettings {
  readonly min: number
  readonly max: number
  readonly increment: number
  readonly getMode: PoolOptions.GetMode
  readonly waitTimeout: number
  readonly queueMax: number
  readonly timeout: number
  readonly maxLifetimeSession: number
  readonly pingInterval: number
  readonly keepAlive: number
  readonly openTimeout: number
  readonly homogeneous: boolean
  readonly maxSessionsPerShard: number
  readonly drainTimeout: number
  readonly leakDetectionThreshold: number
  /** Whether the pool has a user of its own. */
  readonly hasOwnUser: boolean
  /** What `onSession` does: nothing, put the session in the state asked for, or fail each time. */
  readonly onSession: "absent" | "sets the tag" | "fails"
  /** Whether `resetSession` is given. */
  readonly resetSession: boolean
}

/** The settings of a script when nothing else is said. */
export const plainSettings: ScriptSettings = {
  min: 0,
  max: 2,
  increment: 1,
  getMode: "wait",
  waitTimeout: 5000,
  queueMax: 500,
  timeout: 60_000,
  maxLifetimeSession: 0,
  pingInterval: 60_000,
  keepAlive: 0,
  openTimeout: 60_000,
  homogeneous: true,
  maxSessionsPerShard: 0,
  drainTimeout: 5000,
  leakDetectionThreshold: 0,
  hasOwnUser: true,
  onSession: "absent",
  resetSession: false
}

/** What can be changed in a script while the pool runs. */
export type ScriptChanges = Partial<Omit<ScriptSettings, "hasOwnUser" | "onSession" | "resetSession">>

/** One step of a script. `which` chooses among those there are: leases, waiting requests, sessions. */
export type Command =
  | { readonly _tag: "Acquire"; readonly request: ScriptRequest; readonly by: "acquire" | "use" }
  | { readonly _tag: "Release"; readonly which: number; readonly tag?: string | undefined }
  | { readonly _tag: "End"; readonly which: number; readonly how: "success" | "failure" | "defect" }
  | { readonly _tag: "Drop"; readonly which: number }
  | { readonly _tag: "SetTag"; readonly which: number; readonly tag: string }
  | { readonly _tag: "Begin"; readonly which: number }
  | { readonly _tag: "Execute"; readonly which: number }
  | { readonly _tag: "InterruptHolder"; readonly which: number }
  | { readonly _tag: "InterruptWaiter"; readonly which: number }
  | { readonly _tag: "Advance"; readonly millis: number }
  | { readonly _tag: "Kill"; readonly which: number }
  | { readonly _tag: "KillAll" }
  | { readonly _tag: "ReportFatal"; readonly which: number }
  | { readonly _tag: "AnnounceShutdown"; readonly which: number }
  | { readonly _tag: "RefuseToOpen"; readonly times?: number | undefined }
  | { readonly _tag: "Heal" }
  | { readonly _tag: "Slow"; readonly operation: Operation; readonly millis: number }
  | {
    readonly _tag: "Misbehave"
    readonly operation: Operation
    readonly outcome: "fail" | "hang"
    readonly times: number
  }
  | { readonly _tag: "Reconfigure"; readonly changes: ScriptChanges }
  | { readonly _tag: "Close"; readonly how: "plain" | "drain" | "force" }

/** A whole script. */
export interface Script {
  readonly settings: ScriptSettings
  readonly commands: ReadonlyArray<Command>
}

const literal = (value: object): string => {
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return fields.length === 0
    ? ""
    : `{ ${fields.map(([name, field]) => `${name}: ${JSON.stringify(field)}`).join(", ")} }`
}

/** Time as a person writes it. */
export const formatMillis = (millis: number): string =>
  millis >= 1000 && millis % 1000 === 0
    ? `${millis / 1000} second${millis === 1000 ? "" : "s"}`
    : `${millis} ms`

/** The first line of a script: its pool, without what is as usual. */
export const printSettings = (settings: ScriptSettings): string => {
  const changed = Object.entries(settings).filter(([name, value]) =>
    ["min", "max"].includes(name) || value !== plainSettings[name as keyof ScriptSettings]
  )
  return `pool ${literal(Object.fromEntries(changed))}`
}

/** One step as a line; `names` are those of the leases, requests or sessions that it is about. */
export const printCommand = (command: Command, name: string): string => {
  switch (command._tag) {
    case "Acquire":
      return `${name} <- ${command.by} ${literal(command.request)}`.trimEnd()
    case "Release":
      return command.tag === undefined ? `release ${name}` : `release ${name} { tag: ${JSON.stringify(command.tag)} }`
    case "End":
      return `end ${name} with ${command.how}`
    case "Drop":
      return `drop ${name}`
    case "SetTag":
      return `${name}.setTag ${JSON.stringify(command.tag)}`
    case "Begin":
      return `${name}.begin`
    case "Execute":
      return `${name}.execute`
    case "InterruptHolder":
    case "InterruptWaiter":
      return `interrupt ${name}`
    case "Advance":
      return `advance ${formatMillis(command.millis)}`
    case "Kill":
      return `kill session ${name}`
    case "KillAll":
      return "kill all"
    case "ReportFatal":
      return `report a fatal error on session ${name}`
    case "AnnounceShutdown":
      return `announce the shutdown of session ${name}`
    case "RefuseToOpen":
      return command.times === undefined ? "refuse to open" : `refuse to open ${command.times} times`
    case "Heal":
      return "heal"
    case "Slow":
      return `${command.operation} takes ${formatMillis(command.millis)}`
    case "Misbehave":
      return `${command.operation} is to ${command.outcome} ${command.times} times`
    case "Reconfigure":
      return `reconfigure ${literal(command.changes)}`
    case "Close":
      return `close ${command.how}`
  }
}
