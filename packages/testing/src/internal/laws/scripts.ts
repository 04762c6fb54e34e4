/** How scripts are drawn: for each theme the settings and the commands that matter to it. */
import * as fc from "fast-check"
import { type Command, plainSettings, type Script, type ScriptChanges, type ScriptSettings } from "./command.ts"
import { type Abilities, anyTag, anywhere, compact, optional, requests } from "./scriptRequests.ts"
import type { Theme } from "./themes.ts"
import type { DriverFunction, Hook, Operation } from "./trouble.ts"

type Weighted = fc.WeightedArbitrary<Command>

const which = fc.nat(7)
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

const order = fc.constantFrom<ScriptSettings["tasks"]>("in order", "in order", "shuffled")

/** How the settings of a theme differ from the plain ones, beside `min`, `max` and `getMode`. */
const varied: Record<Theme, { readonly [K in keyof ScriptSettings]?: fc.Arbitrary<ScriptSettings[K]> }> = {
  sizes: { increment: fc.integer({ min: 1, max: 3 }), maxSessionsPerShard: fc.nat(2) },
  order: { pingInterval: fc.constantFrom(0, 60_000), queueMax: fc.constantFrom(500, 500, 2) },
  tags: { onSession: fc.constantFrom("absent", "absent", "sets the tag", "fails") },
  identities: {
    maxSessionsPerIdentity: fc.constantFrom(0, 0, 1, 2),
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
    onSession: fc.constantFrom("absent", "absent", "works"),
    resetSession: fc.constantFrom("absent", "succeeds", "works"),
    leakDetectionThreshold: fc.constantFrom(0, 1000, 30_000),
    tasks: order
  },
  replacements: {
    listener: fc.constant("reads"),
    // So that sessions have the tags that they were asked for with, and few serve a request without one.
    onSession: fc.constant("sets the tag"),
    // Nothing else is to close a session.
    timeout: fc.constant(0),
    getMode: fc.constant("wait"),
    tasks: order
  },
  accounts: {
    homogeneous: fc.constant(false),
    getMode: fc.constantFrom("wait", "noWait"),
    max: fc.integer({ min: 1, max: 6 }),
    increment: fc.integer({ min: 1, max: 3 }),
    hasCredentialsEffect: fc.boolean(),
    maxSessionsPerShard: fc.constantFrom(0, 0, 1)
  },
  breaks: {
    max: fc.constantFrom(1, 1, 2),
    onSession: fc.constantFrom("absent", "absent", "works"),
    resetSession: fc.constantFrom("absent", "absent", "works"),
    pingInterval: fc.constantFrom(0, 60_000, 60_000),
    tasks: order
  },
  steps: {
    min: fc.integer({ min: 1, max: 3 }),
    max: fc.integer({ min: 3, max: 6 }),
    increment: fc.integer({ min: 1, max: 3 }),
    asksAtOnce: fc.nat(2),
    listener: fc.constantFrom("absent", "reads", "asks"),
    tasks: order
  },
  clocks: {
    timeout: fc.constantFrom(0, 2000, 10_000),
    maxLifetimeSession: fc.constantFrom(0, 5000, 30_000),
    pingInterval: fc.constantFrom(1000, 60_000),
    keepAlive: fc.constantFrom(0, 3000),
    getMode: fc.constantFrom("wait", "timedWait"),
    waitTimeout: fc.constantFrom(300, 5000),
    leakDetectionThreshold: fc.constantFrom(0, 1000),
    drainTimeout: fc.constantFrom(0, 5000),
    queueTarget: fc.constantFrom(0, 100)
  },
  defects: {
    homogeneous: fc.boolean(),
    hasCredentialsEffect: fc.boolean(),
    onSession: fc.constantFrom("absent", "sets the tag", "works", "fails"),
    resetSession: fc.constantFrom("absent", "succeeds", "works", "fails"),
    pingInterval: fc.constantFrom(0, 1000, 60_000),
    keepAlive: fc.constantFrom(0, 0, 3000),
    listener: fc.constantFrom("absent", "reads"),
    tasks: order
  },
  steering: {
    max: fc.integer({ min: 1, max: 5 }),
    getMode: fc.constantFrom("wait", "timedWait", "noWait", "forceGet"),
    waitTimeout: fc.constantFrom(300, 5000),
    queueTarget: fc.constantFrom(0, 0, 100),
    pingInterval: fc.constantFrom(0, 1000, 60_000),
    keepAlive: fc.constantFrom(0, 0, 3000),
    timeout: fc.constantFrom(0, 2000, 60_000),
    maxUsesPerSession: fc.constantFrom(0, 0, 1, 3),
    rebalanceInterval: fc.constantFrom(0, 1000, 60_000),
    onSession: fc.constantFrom("absent", "absent", "sets the tag", "fails"),
    tasks: order
  },
  everything: {
    maxUsesPerSession: fc.constantFrom(0, 0, 0, 2),
    rebalanceInterval: fc.constantFrom(0, 1000, 60_000),
    maxSessionsPerIdentity: fc.constantFrom(0, 0, 1),
    increment: fc.integer({ min: 1, max: 3 }),
    queueMax: fc.constantFrom(500, 500, 2),
    timeout: fc.constantFrom(0, 2000, 60_000),
    maxLifetimeSession: fc.constantFrom(0, 0, 5000),
    pingInterval: fc.constantFrom(0, 1000, 60_000),
    keepAlive: fc.constantFrom(0, 0, 3000),
    homogeneous: fc.constantFrom(false, false, true),
    hasOwnUser: fc.constantFrom(true, true, true, false),
    maxSessionsPerShard: fc.nat(2),
    onSession: fc.constantFrom("absent", "absent", "sets the tag", "works", "fails"),
    resetSession: fc.constantFrom("absent", "absent", "succeeds", "works", "fails"),
    hasCredentialsEffect: fc.boolean(),
    listener: fc.constantFrom("absent", "absent", "reads", "asks"),
    tasks: order
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

const driverFunctions: ReadonlyArray<DriverFunction | Hook> = [
  "open",
  "close",
  "ping",
  "reset",
  "interrupt",
  "isHealthy",
  "isAuthenticationFailure",
  "lease",
  "attributes",
  "onSession",
  "resetSession",
  "credentials"
]

/** Commands that are about one of what there is. */
type WithChoice = {
  [K in Command["_tag"]]: keyof Extract<Command, { readonly _tag: K }> extends "_tag" | "which" ? K : never
}[Command["_tag"]]

const command = (theme: Theme, abilities: Abilities): fc.Arbitrary<Command> => {
  const on = (tag: Exclude<WithChoice, "KillAll" | "Heal">): fc.Arbitrary<Command> =>
    fc.record({ _tag: fc.constant(tag), which })
  const always: ReadonlyArray<Weighted> = [
    {
      weight: 12,
      arbitrary: fc.record({
        _tag: fc.constant("Acquire" as const),
        request: requests(theme, abilities),
        by: fc.constantFrom("acquire" as const, "use" as const),
        changesRequest: theme === "identities" || theme === "everything"
          ? fc.constantFrom(undefined, undefined, true)
          : fc.constant(undefined)
      }).map(compact)
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
  const statements: ReadonlyArray<Weighted> = [
    { weight: 6, arbitrary: on("Start") },
    { weight: 4, arbitrary: on("InterruptStatement") },
    { weight: 2, arbitrary: on("InterruptStatements") },
    { weight: 2, arbitrary: on("Identify") },
    {
      weight: 4,
      arbitrary: fc.constantFrom(1, 5, 20, 60).map((millis) => ({ _tag: "Advance", millis }))
    },
    {
      weight: 2,
      arbitrary: fc.record({
        _tag: fc.constant("Slow" as const),
        operation: fc.constantFrom("execute", "ping", "reset", "close" as const),
        millis: fc.constantFrom(0, 10, 30, 1000)
      })
    },
    // No two breaks take the same time, so that one can overtake another.
    {
      weight: 2,
      arbitrary: fc.constantFrom(0, 10, 30).map((millis) => ({ _tag: "Slow", operation: "interrupt", millis }))
    }
  ]
  const crowds: ReadonlyArray<Weighted> = [{
    weight: 4,
    arbitrary: fc.record({
      _tag: fc.constant("Crowd" as const),
      count: fc.integer({ min: 2, max: theme === "replacements" ? 30 : 12 }),
      request: theme === "replacements" ? anywhere : fc.oneof(anywhere, requests(theme, abilities)),
      millis: fc.constantFrom(0, 10, 50)
    })
  }]
  const defects: ReadonlyArray<Weighted> = [
    {
      weight: 5,
      arbitrary: fc.record({
        _tag: fc.constant("Defect" as const),
        of: fc.constantFrom(...driverFunctions),
        how: fc.constantFrom("die" as const, "throw" as const),
        times: fc.integer({ min: 1, max: 2 })
      })
    },
    { weight: 1, arbitrary: fc.constant({ _tag: "Heal" }) }
  ]
  const clock: ReadonlyArray<Weighted> = [{
    weight: 3,
    arbitrary: fc.constantFrom(-3_600_000, -60_000, -100, 100, 60_000, 3_600_000)
      .map((millis) => ({ _tag: "SetClock", millis }))
  }]
  const rotations: ReadonlyArray<Weighted> = [{
    weight: 3,
    arbitrary: fc.constantFrom("server" as const, "pool" as const, "both" as const)
      .map((where) => ({ _tag: "Rotate", where }))
  }]
  const twins: ReadonlyArray<Weighted> = [{
    weight: 2,
    arbitrary: fc.constantFrom("opened" as const, "closed" as const).map((is) => ({ _tag: "Twin", is }))
  }]
  const working: ReadonlyArray<Weighted> = [
    { weight: 1, arbitrary: on("Begin") },
    { weight: 1, arbitrary: on("Execute") }
  ]
  const steering: ReadonlyArray<Weighted> = [
    { weight: 1, arbitrary: fc.constantFrom("refresh", "suspend").map((how) => ({ _tag: "Steer", how })) },
    // More often than it is suspended: most of a script is about a pool that works.
    { weight: 2, arbitrary: fc.constant({ _tag: "Steer", how: "resume" }) },
    {
      weight: 3,
      arbitrary: fc.record({
        _tag: fc.constant("Drain" as const),
        which: fc.nat(1),
        is: fc.constantFrom("begun" as const, "begun" as const, "undone" as const)
      })
    },
    {
      weight: 2,
      arbitrary: fc.record({
        _tag: fc.constant("Instance" as const),
        which: fc.nat(1),
        is: fc.constantFrom("abort" as const, "announced" as const, "unlisted" as const, "up" as const, "up" as const)
      })
    }
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
    endings: [time, slow, dying, working, statements, closing, closing, twins],
    replacements: [time, slowOpen, slowOpen, crowds, crowds],
    accounts: [time, slowOpen, rotations, rotations, resize],
    breaks: [statements, statements, closing],
    steps: [crowds, retag, time, slowOpen],
    clocks: [clock, clock, time, time, crowds, slowOpen],
    defects: [defects, defects, time, retag, working, statements, closing],
    steering: [steering, steering, time, time, retag, slowOpen, dying, failing, working, resize, crowds],
    everything: [
      steering,
      retag,
      time,
      resize,
      slow,
      dying,
      failing,
      working,
      closing,
      statements,
      crowds,
      defects,
      rotations,
      twins
    ]
  }
  return fc.oneof(...always, ...parts[theme].flat())
}

/** How slow operations are from the start, where a theme needs that to show anything. */
const opening = (theme: Theme): fc.Arbitrary<ReadonlyArray<Command>> => {
  const slow = (operation: Operation, ...millis: ReadonlyArray<number>): fc.Arbitrary<Command> =>
    fc.record({
      _tag: fc.constant("Slow" as const),
      operation: fc.constant(operation),
      millis: fc.constantFrom(...millis)
    })
  switch (theme) {
    case "breaks":
      return fc.tuple(slow("execute", 30, 1000, 1000), slow("interrupt", 30, 1000))
    case "replacements":
      return fc.tuple(slow("open", 100, 100, 1000))
    default:
      return fc.constant([])
  }
}

/** Scripts of a theme, of at most so many commands. */
export const scripts = (theme: Theme, abilities: Abilities, length: number): fc.Arbitrary<Script> =>
  fc.record({
    settings: settings(theme),
    opening: opening(theme),
    commands: fc.array(command(theme, abilities), { minLength: 1, maxLength: length, size: "max" })
  }).map(({ commands, opening, settings }) => ({ settings, commands: [...opening, ...commands] }))
