/** What a script is made of: plain data that can be drawn, shrunk and printed. */
import type { PoolOptions } from "@sessionpool/core"
import type { Defect, DriverFunction, Hook, Operation } from "./trouble.ts"

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
  readonly queueTarget: number
  readonly timeout: number
  readonly maxLifetimeSession: number
  readonly pingInterval: number
  readonly keepAlive: number
  readonly openTimeout: number
  readonly homogeneous: boolean
  readonly maxSessionsPerShard: number
  readonly drainTimeout: number
  readonly leakDetectionThreshold: number
  readonly maxUsesPerSession: number
  readonly maxSessionsPerIdentity: number
  readonly rebalanceInterval: number
  /** Whether the pool has a user of its own. */
  readonly hasOwnUser: boolean
  /** What `onSession` does; `"works"`: two statements, then it sets the tag. */
  readonly onSession: "absent" | "sets the tag" | "works" | "fails"
  /** What `resetSession` does; `"works"`: two statements. */
  readonly resetSession: "absent" | "succeeds" | "works" | "fails"
  /** Whether the pool asks an effect for its credentials, in place of the settings. */
  readonly hasCredentialsEffect: boolean
  /** Who listens to the pool's events: no one, one who reads them, or one who asks for a session at each that tells of one. */
  readonly listener: "absent" | "reads" | "asks"
  /** How many requests are made in the fiber that waits for `min` sessions, as soon as it has the pool; 0: it does not wait. */
  readonly asksAtOnce: number
  /** In which order tasks run that are ready at the same moment. */
  readonly tasks: "in order" | "shuffled"
}

/** The settings of a script when nothing else is said. */
export const plainSettings: ScriptSettings = {
  min: 0,
  max: 2,
  increment: 1,
  getMode: "wait",
  waitTimeout: 5000,
  queueMax: 500,
  queueTarget: 0,
  timeout: 60_000,
  maxLifetimeSession: 0,
  pingInterval: 60_000,
  keepAlive: 0,
  openTimeout: 60_000,
  homogeneous: true,
  maxSessionsPerShard: 0,
  drainTimeout: 5000,
  leakDetectionThreshold: 0,
  maxUsesPerSession: 0,
  maxSessionsPerIdentity: 0,
  rebalanceInterval: 60_000,
  hasOwnUser: true,
  onSession: "absent",
  resetSession: "absent",
  hasCredentialsEffect: false,
  listener: "absent",
  asksAtOnce: 0,
  tasks: "in order"
}

/** Settings of a script that are not settings of the pool. */
type ScriptOnly =
  | "hasOwnUser"
  | "onSession"
  | "resetSession"
  | "hasCredentialsEffect"
  | "listener"
  | "asksAtOnce"
  | "tasks"

/** What can be changed in a script while the pool runs. */
export type ScriptChanges = Partial<Omit<ScriptSettings, ScriptOnly>>

/** One step of a script. `which` chooses among those there are: leases, waiting requests, sessions. */
export type Command =
  | {
    readonly _tag: "Acquire"
    readonly request: ScriptRequest
    readonly by: "acquire" | "use"
    /** Whether the caller changes the parts of its request once it was made. */
    readonly changesRequest?: boolean | undefined
  }
  /** Callers that each hold a session for a while and then go. */
  | { readonly _tag: "Crowd"; readonly count: number; readonly request: ScriptRequest; readonly millis: number }
  | { readonly _tag: "Release"; readonly which: number; readonly tag?: string | undefined }
  | { readonly _tag: "End"; readonly which: number; readonly how: "success" | "failure" | "defect" }
  | { readonly _tag: "Drop"; readonly which: number }
  | { readonly _tag: "SetTag"; readonly which: number; readonly tag: string }
  | { readonly _tag: "Begin"; readonly which: number }
  | { readonly _tag: "Execute"; readonly which: number }
  /** A statement beside whatever else runs on the connection, in a fiber of its own. */
  | { readonly _tag: "Start"; readonly which: number }
  /** Interrupts one of the fibers that were started so. */
  | { readonly _tag: "InterruptStatement"; readonly which: number }
  /** Interrupts all that one caller has started, at once. */
  | { readonly _tag: "InterruptStatements"; readonly which: number }
  /** Says on whose behalf the caller works. */
  | { readonly _tag: "Identify"; readonly which: number }
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
  | {
    readonly _tag: "Defect"
    readonly of: DriverFunction | Hook
    readonly how: Defect
    readonly times: number
  }
  /** The system clock is set forward or back; no time passes. */
  | { readonly _tag: "SetClock"; readonly millis: number }
  /** The pool's own account has another password from now on: at the server, in the pool, or both. */
  | { readonly _tag: "Rotate"; readonly where: "server" | "pool" | "both" }
  /** Another pool of the same name opens, or the last one that did closes. */
  | { readonly _tag: "Twin"; readonly is: "opened" | "closed" }
  | { readonly _tag: "Reconfigure"; readonly changes: ScriptChanges }
  | { readonly _tag: "Steer"; readonly how: "refresh" | "suspend" | "resume" }
  /** An instance of the database is drained, or that is undone. */
  | { readonly _tag: "Drain"; readonly which: number; readonly is: "begun" | "undone" }
  /** An instance goes, with its sessions, with a word to them or without any effect on them, or is there again. */
  | { readonly _tag: "Instance"; readonly which: number; readonly is: "abort" | "announced" | "unlisted" | "up" }
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
const formatMillis = (millis: number): string =>
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
      return `${name} <- ${command.by} ${literal(command.request)}`.trimEnd() +
        (command.changesRequest === true ? ", then changes its request" : "")
    case "Crowd":
      return `${name} <- use ${literal(command.request)}, each for ${formatMillis(command.millis)}`
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
    case "Start":
      return `start ${name}`
    case "Identify":
      return `${name}.identify`
    case "InterruptStatement":
    case "InterruptStatements":
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
    case "Defect":
      return `${command.of} is to ${command.how} ${command.times} times`
    case "SetClock":
      return `the system clock is set ${command.millis < 0 ? "back" : "forward"} ${
        formatMillis(Math.abs(command.millis))
      }`
    case "Rotate":
      return command.where === "both"
        ? "the password changes"
        : `the password changes ${command.where === "server" ? "at the server" : "in the pool"}`
    case "Twin":
      return `another pool of the same name is ${command.is}`
    case "Reconfigure":
      return `reconfigure ${literal(command.changes)}`
    case "Steer":
      return command.how
    case "Drain":
      return command.is === "begun" ? `drain ${name}` : `undrain ${name}`
    case "Instance":
      return `instance ${name}: ${command.is}`
    case "Close":
      return `close ${command.how}`
  }
}
