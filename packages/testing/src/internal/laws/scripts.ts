/** How scripts are drawn: for each theme the settings and the commands that matter to it. */
import * as fc from "fast-check"
import {
  type Command,
  plainSettings,
  type Script,
  type ScriptChanges,
  type ScriptRequest,
  type ScriptSettings
} from "./command.ts"
import type { Operation } from "./subject.ts"

/** What a group of scripts is about. Every law is checked in each of them. */
export type Theme = "sizes" | "order" | "tags" | "identities" | "time" | "trouble" | "endings" | "everything"

/** The words of a theme, with what scripts of it are about. */
export const themes: Readonly<Record<Theme, { readonly laws: ReadonlyArray<number>; readonly title: string }>> = {
  sizes: { laws: [1, 2], title: "opened <= max, and every session is in exactly one state" },
  order: { laws: [3, 5, 6], title: "one holder a session, nobody waits for nothing, equal waiters in order" },
  tags: { laws: [8], title: "the tag rules" },
  identities: { laws: [9], title: "the identity rules" },
  time: { laws: [7], title: "nothing expired is lent, nothing in use evicted, eviction stops at min" },
  trouble: { laws: [2, 5], title: "sessions die, log-ins are refused, operations fail, hang or take long" },
  endings: { laws: [4], title: "every session that was opened is closed exactly once" },
  everything: { laws: [1, 2, 3, 4, 5, 6, 7, 8, 9], title: "all of it at once" }
}

/** What a subject can be asked for. */
export interface Abilities {
  readonly users: ReadonlyArray<string>
  readonly hasShards: boolean
}

type Weighted = fc.WeightedArbitrary<Command>

const which = fc.nat(7)
const tag = fc.constantFrom("A=1", "A=2", "A=1;B=2", "B=2;A=1", "B=2", "C=3;A=1;B=2")
const anyTag = fc.oneof({ weight: 8, arbitrary: tag }, { weight: 1, arbitrary: fc.constantFrom("", "A", "A=1;=2") })
const optional = <T>(arbitrary: fc.Arbitrary<T>, freq = 3) => fc.option(arbitrary, { nil: undefined, freq })

/** Leaves out what is undefined, which prints and shrinks better. */
const compact = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T

const tagged = fc.record({ tag: fc.oneof(anyTag, tag), matchAnyTag: optional(fc.boolean(), 1) })
const timed = fc.record({ waitTimeout: fc.constantFrom(0, 500, 3000, 20_000) })
const fresh = fc.constant<ScriptRequest>({ purity: "new" })
const named = ({ users }: Abilities): fc.Arbitrary<ScriptRequest> =>
  users.length === 0 ? fc.constant({}) : fc.oneof(
    fc.record({
      user: fc.constantFrom(...users),
      password: fc.constantFrom<"right" | "wrong">("right", "right", "wrong")
    }),
    fc.record({ user: fc.constantFrom(...users) }),
    fc.record({ proxy: fc.constantFrom(...users) }),
    fc.record({
      user: fc.constantFrom(...users),
      proxy: fc.constant("carol"),
      password: fc.constantFrom<"right" | "wrong">("right", "wrong")
    })
  )
const placed = ({ hasShards }: Abilities): fc.Arbitrary<ScriptRequest> =>
  hasShards
    ? fc.oneof(
      fc.record({ shardingKey: fc.constantFrom("north", "south") }),
      fc.record({ shardingKey: fc.constant("north"), superShardingKey: fc.constantFrom("x", "y") }),
      fc.record({ cclass: fc.constantFrom("web", "batch") })
    )
    : fc.constant({})

const plain: fc.Arbitrary<ScriptRequest> = fc.constant({})

const requests = (theme: Theme, abilities: Abilities): fc.Arbitrary<ScriptRequest> => {
  const mixed = fc.tuple(
    optional(tagged, 1),
    optional(named(abilities), 1),
    optional(placed(abilities), 1),
    optional(fresh, 1),
    optional(timed, 1)
  ).map((parts) => Object.assign({}, ...parts) as ScriptRequest)
  const kinds: Record<Theme, ReadonlyArray<fc.Arbitrary<ScriptRequest>>> = {
    sizes: [plain, plain, fresh, placed(abilities), timed],
    order: [plain, plain, tagged, fresh, timed],
    tags: [tagged, tagged, plain, fresh],
    identities: [named(abilities), named(abilities), placed(abilities), plain],
    time: [plain, plain, tagged],
    trouble: [plain, plain, tagged, named(abilities), timed],
    endings: [plain, tagged, timed],
    everything: [plain, mixed, mixed]
  }
  return fc.oneof(...kinds[theme]).map(compact)
}

const operations: ReadonlyArray<Operation> = ["open", "ping", "reset", "interrupt", "close", "execute"]

const changes = (theme: Theme): fc.Arbitrary<ScriptChanges> =>
  fc.record({
    min: fc.nat(3),
    max: fc.integer({ min: 1, max: 5 }),
    increment: fc.integer({ min: 1, max: 3 }),
    getMode: fc.constantFrom("wait", "noWait", "forceGet", "timedWait"),
    waitTimeout: fc.constantFrom(0, 1000, 5000),
    queueMax: fc.constantFrom(0, 1, 500),
    timeout: fc.constantFrom(0, 2000, 60_000),
    maxLifetimeSession: fc.constantFrom(0, 3000, 30_000),
    pingInterval: fc.constantFrom(0, 1000, 60_000),
    keepAlive: fc.constantFrom(0, 2000),
    maxSessionsPerShard: fc.nat(2),
    ...(theme === "identities" || theme === "everything" ? { homogeneous: fc.boolean() } : {})
  }, { requiredKeys: [] }).map(compact)

/** How the settings of a theme differ from the plain ones, beside `min`, `max` and `getMode`. */
const varied: Record<Theme, { readonly [K in keyof ScriptSettings]?: fc.Arbitrary<ScriptSettings[K]> }> = {
  sizes: { increment: fc.integer({ min: 1, max: 3 }), maxSessionsPerShard: fc.nat(2) },
  order: { pingInterval: fc.constantFrom(0, 60_000), queueMax: fc.constantFrom(500, 500, 2) },
  tags: { onSession: fc.constantFrom("absent", "absent", "sets the tag", "fails") },
  identities: {
    homogeneous: fc.constantFrom(false, false, false, true),
    hasOwnUser: fc.constantFrom(true, true, false),
    maxSessionsPerShard: fc.nat(2)
  },
  time: {
    timeout: fc.constantFrom(0, 2000, 10_000, 60_000),
    maxLifetimeSession: fc.constantFrom(0, 5000, 30_000),
    pingInterval: fc.constantFrom(0, 1000, 60_000),
    keepAlive: fc.constantFrom(0, 3000)
  },
  trouble: {
    homogeneous: fc.boolean(),
    pingInterval: fc.constantFrom(0, 1000, 60_000),
    keepAlive: fc.constantFrom(0, 0, 3000),
    openTimeout: fc.constantFrom(60_000, 2000)
  },
  endings: {
    drainTimeout: fc.constantFrom(0, 5000),
    resetSession: fc.boolean(),
    leakDetectionThreshold: fc.constantFrom(0, 1000, 30_000)
  },
  everything: {
    increment: fc.integer({ min: 1, max: 3 }),
    queueMax: fc.constantFrom(500, 500, 2),
    timeout: fc.constantFrom(0, 2000, 60_000),
    maxLifetimeSession: fc.constantFrom(0, 0, 5000),
    pingInterval: fc.constantFrom(0, 1000, 60_000),
    keepAlive: fc.constantFrom(0, 0, 3000),
    homogeneous: fc.constantFrom(false, false, true),
    hasOwnUser: fc.constantFrom(true, true, true, false),
    maxSessionsPerShard: fc.nat(2),
    onSession: fc.constantFrom("absent", "absent", "sets the tag", "fails"),
    resetSession: fc.boolean()
  }
}

const settings = (theme: Theme): fc.Arbitrary<ScriptSettings> => {
  const drawn: Record<string, fc.Arbitrary<unknown>> = {
    max: fc.integer({ min: 1, max: 4 }),
    min: fc.constantFrom(0, 0, 1, 2),
    getMode: fc.constantFrom("wait", "wait", "wait", "timedWait", "noWait", "forceGet"),
    ...varied[theme]
  }
  return fc.record(drawn).map((drawn) => {
    const settings = { ...plainSettings, ...drawn } as ScriptSettings
    return { ...settings, min: Math.min(settings.min, settings.max) }
  })
}

const command = (theme: Theme, abilities: Abilities): fc.Arbitrary<Command> => {
  const on = (tag: "Drop" | "Begin" | "Execute" | "InterruptHolder" | "InterruptWaiter" | "Kill" | "ReportFatal") =>
    fc.record({ _tag: fc.constant(tag), which })
  const always: ReadonlyArray<Weighted> = [
    {
      weight: 12,
      arbitrary: fc.record({
        _tag: fc.constant("Acquire" as const),
        request: requests(theme, abilities),
        by: fc.constantFrom("acquire" as const, "use" as const)
      })
    },
    {
      weight: 6,
      arbitrary: fc.record({
        _tag: fc.constant("End" as const),
        which,
        how: fc.constantFrom("success" as const, "success" as const, "failure" as const, "defect" as const)
      })
    },
    { weight: 2, arbitrary: on("InterruptWaiter") },
    { weight: 1, arbitrary: on("InterruptHolder") },
    { weight: 1, arbitrary: on("Drop") }
  ]
  const retag: ReadonlyArray<Weighted> = [
    {
      weight: 4,
      arbitrary: fc.record({ _tag: fc.constant("Release" as const), which, tag: optional(anyTag) }).map(compact)
    },
    { weight: 2, arbitrary: fc.record({ _tag: fc.constant("SetTag" as const), which, tag: anyTag }) }
  ]
  const time: ReadonlyArray<Weighted> = [{
    weight: 4,
    arbitrary: fc.constantFrom(1, 100, 1000, 2500, 5000, 12_000, 61_000).map((millis) => ({ _tag: "Advance", millis }))
  }]
  const resize: ReadonlyArray<Weighted> = [{
    weight: 2,
    arbitrary: changes(theme).map((changes) => ({ _tag: "Reconfigure", changes }))
  }]
  const slow: ReadonlyArray<Weighted> = [{
    weight: 2,
    arbitrary: fc.record({
      _tag: fc.constant("Slow" as const),
      operation: fc.constantFrom(...operations),
      millis: fc.constantFrom(0, 50, 1000, 8000)
    })
  }]
  const slowOpen: ReadonlyArray<Weighted> = [{
    weight: 1,
    arbitrary: fc.constantFrom(0, 100, 2000).map((millis) => ({ _tag: "Slow", operation: "open", millis }))
  }]
  const dying: ReadonlyArray<Weighted> = [
    { weight: 2, arbitrary: on("Kill") },
    { weight: 1, arbitrary: fc.constant({ _tag: "KillAll" }) },
    { weight: 1, arbitrary: on("ReportFatal") },
    { weight: 1, arbitrary: fc.record({ _tag: fc.constant("AnnounceShutdown" as const), which }) }
  ]
  const failing: ReadonlyArray<Weighted> = [
    {
      weight: 2,
      arbitrary: fc.record({
        _tag: fc.constant("RefuseToOpen" as const),
        times: optional(fc.integer({ min: 1, max: 3 }))
      }).map(compact)
    },
    {
      weight: 2,
      arbitrary: fc.record({
        _tag: fc.constant("Misbehave" as const),
        operation: fc.constantFrom(...operations),
        outcome: fc.constantFrom("fail" as const, "hang" as const),
        times: fc.integer({ min: 1, max: 2 })
      })
    },
    { weight: 2, arbitrary: fc.constant({ _tag: "Heal" }) }
  ]
  const working: ReadonlyArray<Weighted> = [
    { weight: 1, arbitrary: on("Begin") },
    { weight: 1, arbitrary: on("Execute") }
  ]
  const closing: ReadonlyArray<Weighted> = [{
    weight: 1,
    arbitrary: fc.constantFrom("plain" as const, "drain" as const, "force" as const)
      .map((how) => ({ _tag: "Close", how }))
  }]
  const parts: Record<Theme, ReadonlyArray<ReadonlyArray<Weighted>>> = {
    sizes: [resize, resize, slowOpen, time],
    order: [retag, slowOpen, time],
    tags: [retag, retag, time],
    identities: [time, slowOpen, resize],
    time: [time, time, retag, resize],
    trouble: [time, dying, failing, slow, working],
    endings: [time, slow, dying, working, closing, closing],
    everything: [retag, time, resize, slow, dying, failing, working, closing]
  }
  return fc.oneof(...always, ...parts[theme].flat())
}

/** Scripts of a theme, of at most so many commands. */
export const scripts = (theme: Theme, abilities: Abilities, length: number): fc.Arbitrary<Script> =>
  fc.record({
    settings: settings(theme),
    commands: fc.array(command(theme, abilities), { minLength: 1, maxLength: length, size: "max" })
  })
