/**
 * Recovery: what becomes of a steady load when every session is lost at one instant, and when the server is down for a while. How
 * long until the throughput is back, how many errors the callers saw, and how often the server was asked for a connection.
 */
import { Effect, Exit, Fiber, References, Schedule, type Scope } from "effect"
import { again } from "./compare.ts"
import * as Candidates from "./driverCandidates.ts"
import { firstSustained, sliced } from "./recoveryMoment.ts"
import { type Figure, median, type Report, type Row, type Scale, type Target } from "./row.ts"
import { type Order, type ServerProcess, serverProcess } from "./serverProcess.ts"

const sessions = 8
/** How long the server takes for a statement: the throughput is that of the sessions, not that of the machine. */
const executionMillis = 10
/** How long a caller waits after an error before it tries again. */
const pauseMillis = 10
/** The throughput is back with so much of what it was, told in slices of time. */
const part = 0.9
const sliceMillis = 1

/** How long a log-on may take a database that makes a process for each session; the embedded server is done at once. */
const slowLogOnMillis = 20

const pool = "sessionpool"
const eager = "sessionpool, openRetry every 25 ms"
const peer = "node-oracledb pool"

/** In which time the throughput must be back: a pause after the outage, of a hundredth of a second, or 2 % of a long one. */
const longestPause = (outageMillis: number): number => Math.min(1000, Math.max(100, outageMillis * 0.02))

const makes: ReadonlyArray<Candidates.Make> = [
  Candidates.ours(pool),
  Candidates.ours(again(pool)),
  Candidates.ours(eager, { openRetry: Schedule.spaced("25 millis") }),
  Candidates.driverPoolUse(peer),
  Candidates.effectPool("Effect Pool, invalidating", Candidates.invalidating)
]

/** What goes wrong, and at which server; what is an outage ends after so long. */
interface Trouble {
  readonly name: string
  readonly logOn: "fast" | "slow"
  readonly begin: Order
  readonly outageMillis?: number
}

const down = (outageMillis: number, index: number): Trouble => ({
  name: ["a short outage", "a long outage"][index]!,
  logOn: "fast",
  begin: "goDown",
  outageMillis
})

const troublesOf = ({ outages }: Plan): ReadonlyArray<Trouble> => [
  { name: "all sessions killed", logOn: "fast", begin: "kill" },
  { name: `all sessions killed, a log-on takes ${slowLogOnMillis} ms`, logOn: "slow", begin: "kill" },
  { name: "all connections reset", logOn: "fast", begin: "cut" },
  ...outages.map(down)
]

interface Plan {
  readonly callers: number
  readonly rounds: number
  /** Fewer where the trouble lasts. */
  readonly outageRounds: number
  /** How long the load runs before that, unwatched and watched, how long the server is down, and how long is watched after that. */
  readonly warmUpMillis: number
  readonly beforeMillis: number
  readonly outages: readonly [short: number, long: number]
  readonly afterMillis: number
  /** How many slices must have enough in them for the throughput to be back. */
  readonly slices: { readonly few: number; readonly many: number }
}

const plans: { readonly [S in Scale]: Plan } = {
  smallest: {
    callers: sessions + 1,
    rounds: 1,
    outageRounds: 1,
    warmUpMillis: 50,
    beforeMillis: 50,
    outages: [100, 150],
    afterMillis: 150,
    slices: { few: 20, many: 100 }
  },
  full: {
    callers: 32,
    rounds: 3,
    outageRounds: 1,
    warmUpMillis: 300,
    beforeMillis: 700,
    outages: [500, 5000],
    afterMillis: 1200,
    slices: { few: 100, many: 500 }
  }
}

/** What the callers of a trial have seen: when leases succeeded and when they failed, in milliseconds since 1970. */
class Load {
  readonly done: Array<number> = []
  readonly failed: Array<number> = []
  #isOver = false

  stop(): void {
    this.#isOver = true
  }

  /** Leases without an end; after a failure it tries again, always after the same pause. */
  caller(lease: Effect.Effect<unknown, unknown>): Effect.Effect<void> {
    const once = Effect.flatMap(Effect.exit(lease), (exit) => {
      if (Exit.isSuccess(exit)) {
        this.done.push(epochMillis())
        return Effect.void
      }
      this.failed.push(epochMillis())
      return Effect.sleep(pauseMillis)
    })
    return Effect.whileLoop({ while: () => !this.#isOver, body: () => once, step: () => {} })
  }
}

const epochMillis = (): number => performance.timeOrigin + performance.now()

/** What one trial has come to. */
interface Outcome {
  /** From the trouble, or from its end where it lasts, until the throughput was back; `undefined` when it was not. */
  readonly backMillis: number | undefined
  readonly errors: number
  readonly attempts: number
  readonly logons: number
  /** How many of the sessions that were open before were missing at the end. */
  readonly sessionsLost: number
  readonly callersStuck: number
}

const trial = (
  server: ServerProcess,
  make: Candidates.Make,
  trouble: Trouble,
  plan: Plan
): Effect.Effect<readonly [name: string, outcome: Outcome], unknown> =>
  Effect.gen(function*() {
    const candidate = yield* make(server, { min: 0, max: sessions })
    const load = new Load()
    const lease = candidate.lease(1)
    // A caller of a promise that never settles cannot be interrupted: no one may wait for it.
    const callers = yield* Effect.replicateEffect(Effect.forkDetach(load.caller(lease)), plan.callers)
    yield* Effect.sleep(plan.warmUpMillis + plan.beforeMillis)
    const before = yield* server.order("look")
    const began = yield* server.order(trouble.begin)
    if (trouble.outageMillis !== undefined) yield* Effect.sleep(trouble.outageMillis)
    const ended = trouble.outageMillis === undefined ? began : yield* server.order("startUp")
    yield* Effect.sleep(plan.afterMillis)
    const after = yield* server.order("look")
    load.stop()
    const stopped = yield* Effect.forEach(
      callers,
      (fiber) => Effect.timeoutOption(Fiber.await(fiber), "10 seconds"),
      { concurrency: "unbounded" }
    )
    return [candidate.name, {
      backMillis: backAfter(load, { began: began.at, ended: ended.at }, plan),
      errors: load.failed.filter((at) => at >= began.at).length,
      attempts: after.attempts - before.attempts,
      logons: after.logons - before.logons,
      sessionsLost: Math.max(0, before.sessions - after.sessions),
      callersStuck: stopped.filter((end) => end._tag === "None").length
    }] as const
  }).pipe(Effect.scoped)

const backAfter = (
  load: Load,
  { began, ended }: { readonly began: number; readonly ended: number },
  plan: Plan
): number | undefined => {
  const before = load.done.filter((at) => at >= began - plan.beforeMillis && at < began).length
  const usual = before / plan.beforeMillis * sliceMillis
  const after = sliced(load.done, { from: ended, to: ended + plan.afterMillis, slice: sliceMillis })
  const first = firstSustained(after, part * usual, plan.slices)
  return first === undefined ? undefined : first * sliceMillis
}

type Outcomes = ReadonlyMap<string, ReadonlyArray<Outcome>>

const outcomesOf = Effect.fnUntraced(function*(server: ServerProcess, trouble: Trouble, plan: Plan) {
  const outcomes = new Map<string, Array<Outcome>>()
  const rounds = trouble.outageMillis === undefined ? plan.rounds : plan.outageRounds
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < makes.length; turn++) {
      const [name, outcome] = yield* trial(server, makes[(round + turn) % makes.length]!, trouble, plan)
      outcomes.set(name, [...outcomes.get(name) ?? [], outcome])
    }
  }
  return outcomes as Outcomes
})

const metrics = {
  "time until throughput is back": "ms",
  "errors": "count",
  "connection attempts": "count",
  "log-ons": "count",
  "sessions lost": "count",
  "callers stuck": "count"
} as const

type Metric = keyof typeof metrics

/** The figures of a trial. A throughput that was not back in the time that was watched counts as if it came at its end. */
const valuesOf = (outcome: Outcome, plan: Plan): { readonly [M in Metric]: number } => ({
  "time until throughput is back": outcome.backMillis ?? plan.afterMillis,
  "errors": outcome.errors,
  "connection attempts": outcome.attempts,
  "log-ons": outcome.logons,
  "sessions lost": outcome.sessionsLost,
  "callers stuck": outcome.callersStuck
})

const metricNames = Object.keys(metrics) as ReadonlyArray<Metric>

const figuresOf = (outcomes: Outcomes, { name }: Trouble, plan: Plan): ReadonlyArray<Figure> =>
  [...outcomes].flatMap(([candidate, rounds]) =>
    metricNames.map((metric) => ({
      group: name,
      candidate,
      metric,
      unit: metrics[metric],
      values: rounds.map((outcome) => valuesOf(outcome, plan)[metric])
    }))
  )

const compared = (trouble: Trouble): ReadonlyArray<readonly [metric: Metric, bound: number]> =>
  trouble.outageMillis === undefined
    ? [["time until throughput is back", 1], ["errors", 1]]
    : [["errors", 1], ["connection attempts", 0.1]]

/** The medians of this pool and its peer, put so that none of something is as good as none. */
const targetsOf = (outcomes: Outcomes, trouble: Trouble, plan: Plan): ReadonlyArray<Target> => {
  const of = (candidate: string, metric: Metric) =>
    median(outcomes.get(candidate)!.map((outcome) => valuesOf(outcome, plan)[metric]))
  const { name, outageMillis } = trouble
  return [
    ...compared(trouble).map(([metric, bound]): Target => {
      const [ours, theirs] = [of(pool, metric), of(peer, metric)]
      return {
        text: `${name}: ${metric}, to ${peer}`,
        bound,
        direction: "at most",
        measured: ours === theirs ? 1 : ours / Math.max(theirs, 1)
      }
    }),
    ...(outageMillis === undefined ? [] : [{
      text: `${name}: milliseconds until throughput is back`,
      bound: longestPause(outageMillis),
      direction: "at most" as const,
      measured: of(pool, "time until throughput is back")
    }])
  ]
}

const run = (scale: Scale): Effect.Effect<Report, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const plan = plans[scale]
    const figures: Array<Figure> = []
    const targets: Array<Target> = []
    const servers = {
      fast: yield* serverProcess({ executionMillis }),
      slow: yield* serverProcess({ executionMillis, logOnMillis: slowLogOnMillis })
    }
    for (const trouble of troublesOf(plan)) {
      const outcomes = yield* outcomesOf(servers[trouble.logOn], trouble, plan)
      figures.push(...figuresOf(outcomes, trouble, plan))
      targets.push(...targetsOf(outcomes, trouble, plan))
    }
    return { figures, targets, notes: notes(plan) }
    // Each pool would tell of each trouble.
  }).pipe(Effect.provideService(References.MinimumLogLevel, "None"))

const notes = ({ afterMillis, callers, outages: [short, long], slices }: Plan): ReadonlyArray<string> => {
  const [few, many] = [slices.few * sliceMillis, slices.many * sliceMillis]
  return [
    `${callers} callers lease one after the other from a pool of at most ${sessions} sessions and none to keep, as is the default, and try again ${pauseMillis} ms after an error. A statement takes the server ${executionMillis} ms, so that the throughput is that of the sessions.`,
    `The throughput counts as back at the first moment from which on it is ${part} of what it was, over the next ${few} ms and over the next ${many} ms. What was not back after ${afterMillis} ms is put down as that.`,
    `An outage is of ${short} and of ${long} ms. While the server is down its connections are cut, and each new one is accepted, counted and reset at once. The time is from its return on.`,
    "A log-on costs client and server some milliseconds of computing each. Openings one by one take as long in sum as openings together, and the first ends sooner; this pool begins them 3 ms apart. With a database that needs time for a log-on and not the client's all of them one by one take longest.",
    "node-oracledb's pool opens sessions one by one, and after a failure opens the next as soon as somebody asks: it makes as many attempts to connect as its callers see errors. This pool pauses after a failure and then tries one session; where nothing can be reached, for 30 ms and 0.2 % of what that has lasted, unless `openRetry` says otherwise.",
    "Effect's pool lends a session again on which a statement has failed, unless it is told not to: here it is, by `Pool.invalidate`.",
    "Sessions are lost that were open before and are missing at the end. A caller is stuck that has not ended its lease ten seconds after it was told to stop."
  ]
}

export const recovery: Row = {
  id: "recovery",
  title: "Recovery: all sessions lost under load, and a server that is down for a while",
  run
}
