/**
 * Over a network: the same work on eight sessions through a relay that delays each direction, and the round trips that it takes. Each
 * delay has a server of its own, in a process of its own.
 */
import { Effect, Exit, Schedule, Scope } from "effect"
import { again } from "./compare.ts"
import * as Candidates from "./networkCandidates.ts"
import { Figures, takeTurns } from "./rounds.ts"
import { type Figure, median, type Report, type Row, type Scale, type Target } from "./row.ts"
import { type ServerProcess, serverProcess } from "./serverProcess.ts"

const sessions = 8

const pool = "sessionpool"
const pipelined = "sessionpool, pipelining"
const shared = "sessionpool client, shared sessions"
const peers = ["node-oracledb pool", "Effect Pool"] as const

const makes: ReadonlyArray<Candidates.Make> = [
  Candidates.ours(pool),
  Candidates.ours(again(pool)),
  Candidates.ours(pipelined, { pipelining: true }),
  Candidates.driversPool(peers[0]),
  Candidates.effectPool(peers[1])
]

/** What a caller does with each of its leases. */
interface Workload {
  readonly name: string
  readonly callers: number
  readonly work: (session: Candidates.Session) => Effect.Effect<unknown, unknown>
  readonly more?: ReadonlyArray<Candidates.Make>
}

const repeated = (effect: Effect.Effect<unknown, unknown>, count: number): Effect.Effect<unknown, unknown> =>
  Effect.suspend(() => {
    let left = count
    return Effect.whileLoop({ while: () => left-- > 0, body: () => effect, step: () => {} })
  })

const statements = (count: number, callers: number): Workload => ({
  name: `${count} ${count === 1 ? "statement" : "statements"} a lease, ${callers} ${
    callers === 1 ? "caller" : "callers"
  }`,
  callers,
  work: ({ query }) => repeated(query, count)
})

const workloadsOf = ([one, some, many]: readonly [number, number, number]): ReadonlyArray<Workload> => [
  statements(1, one),
  statements(1, some),
  { ...statements(1, many), more: [Candidates.sharedSessions(shared)] },
  statements(20, one),
  statements(20, some),
  statements(20, many),
  {
    name: `20 statements at once on a lease, ${one} caller`,
    callers: one,
    work: ({ query }) =>
      Effect.all(Array.from({ length: 20 }, () => query), { concurrency: "unbounded", discard: true })
  },
  {
    name: `a transaction of 5 statements, ${some} callers`,
    callers: some,
    work: ({ transaction }) => transaction(5)
  }
]

const logOn = "log-on to first row"
const streamOf = (rows: number) => `a stream of ${rows.toLocaleString("en-US")} rows`

interface Plan {
  readonly delays: ReadonlyArray<number>
  readonly callers: readonly [one: number, some: number, many: number]
  readonly rounds: number
  /** How long callers go on, in milliseconds, beyond ten round trips. */
  readonly millis: number
  readonly logOns: number
  readonly rows: number
  readonly fetchArraySize: number
}

const plans: { readonly [S in Scale]: Plan } = {
  smallest: {
    delays: [0],
    callers: [1, sessions + 1, 2 * sessions],
    rounds: 1,
    millis: 1,
    logOns: 1,
    rows: 1000,
    fetchArraySize: 100
  },
  full: {
    delays: [0.5, 1, 5],
    callers: [1, 64, 512],
    rounds: 3,
    millis: 150,
    logOns: 5,
    rows: 100_000,
    fetchArraySize: 1000
  }
}

/** Where a candidate's round trips are counted, over all rounds. */
const tripsMetric = (unit: string) => `round trips a ${unit}`

/** Round trips of the server since `before`. */
const tripsSince = (server: ServerProcess, before: number) =>
  Effect.map(server.order("look"), ({ roundTrips }) => roundTrips - before)

/**
 * Callers that lease over and over for so long. Those that are still in the queue when time is up leave it without a statement, so that
 * a measurement takes as long with 512 callers as with one. All that was done counts for the round trips, and what was done in
 * time for the rate.
 */
const loaded = (server: ServerProcess, candidate: Candidates.Candidate, { callers, work }: Workload, millis: number) =>
  Effect.gen(function*() {
    const before = yield* server.order("look")
    const began = performance.now()
    const end = began + millis
    let inTime = 0
    let lastAt = began
    let all = 0
    // Every candidate does something, however slow it is.
    const isOver = () => all > 0 && performance.now() >= end
    const lease = candidate.lease((session) =>
      Effect.suspend(() =>
        isOver() ? Effect.void : Effect.map(work(session), () => {
          all++
          const now = performance.now()
          if (now > end && inTime > 0) return
          inTime++
          lastAt = now
        })
      )
    )
    const caller = Effect.whileLoop({ while: () => !isOver(), body: () => lease, step: () => {} })
    yield* Effect.all(Array.from({ length: callers }, () => caller), { concurrency: "unbounded", discard: true })
    return {
      perSecond: inTime / (lastAt - began) * 1000,
      roundTrips: (yield* tripsSince(server, before.roundTrips)) / all
    }
  })

/** Opens all sessions, and lets each parse its statements. */
const warm = (candidate: Candidates.Candidate, works: ReadonlyArray<Workload["work"]>) =>
  Effect.forEach(works, (work) =>
    Effect.all(
      Array.from({ length: sessions }, () =>
        candidate.lease((session) => Effect.andThen(work(session), Effect.sleep(5)))),
      { concurrency: "unbounded", discard: true }
    ), { discard: true })

/** Waits until so many sessions are open: the log-on of a later one would count among the round trips of a workload. */
const allOpen = (server: ServerProcess, count: number) =>
  server.order("look").pipe(
    Effect.repeat({ schedule: Schedule.spaced("5 millis"), until: ({ sessions }) => sessions >= count }),
    Effect.timeout("30 seconds")
  )

const atDelay = (figures: Figures, delay: number, plan: Plan) =>
  Effect.gen(function*() {
    const server = yield* serverProcess({
      delayMillis: delay,
      script: `
        create table written (n number);
        create table many_rows (id number, name varchar2(40));
        insert into many_rows select level, 'name ' || level from dual connect by level <= ${plan.rows};
      `
    })
    const add = (candidate: string, group: string, metric: string, unit: Figure["unit"], value: number) =>
      figures.add({ group, size: delay, candidate, metric, unit }, value)

    const firstRow = ({ make, name }: Candidates.Make) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const before = yield* server.order("look")
        const began = performance.now()
        const candidate = yield* Scope.provide(make(server, { min: 0, max: 1 }), scope)
        yield* candidate.lease(({ query }) => query)
        const millis = performance.now() - began
        const roundTrips = yield* tripsSince(server, before.roundTrips)
        yield* Scope.close(scope, Exit.void)
        add(name, logOn, "time", "ms", millis)
        add(name, logOn, tripsMetric("log-on"), "count", roundTrips)
      })
    yield* takeTurns(makes, plan.logOns, firstRow)

    const made = yield* Effect.forEach(makes, ({ make }) => make(server, { min: sessions, max: sessions }))
    const workloads = workloadsOf(plan.callers)
    let opened = made.length * sessions
    yield* allOpen(server, opened)
    for (const candidate of made) yield* warm(candidate, workloads.map(({ work }) => work))
    for (const workload of workloads) {
      const more = yield* Effect.forEach(workload.more ?? [], ({ make }) =>
        make(server, { min: sessions, max: sessions }))
      opened += more.length * sessions
      yield* allOpen(server, opened)
      for (const candidate of more) {
        yield* warm(candidate, [workload.work])
      }
      const { name: group } = workload
      yield* takeTurns([...made, ...more], plan.rounds, (candidate) =>
        Effect.map(loaded(server, candidate, workload, plan.millis + 20 * delay), ({ perSecond, roundTrips }) => {
          add(candidate.name, group, "leases a second", "per second", perSecond)
          add(candidate.name, group, tripsMetric("lease"), "count", roundTrips)
        }))
    }

    const sql = "select id, name from many_rows"
    yield* takeTurns(made, Math.min(plan.rounds, 2), (candidate) =>
      Effect.gen(function*() {
        const before = yield* server.order("look")
        const began = performance.now()
        let rows = 0
        yield* candidate.lease((session) =>
          Effect.map(session.stream(sql, plan.fetchArraySize), (count) => {
            rows = count
          })
        )
        const millis = performance.now() - began
        if (rows !== plan.rows) {
          return yield* Effect.die(`${candidate.name} has streamed ${rows} rows`)
        }
        add(candidate.name, streamOf(plan.rows), "time", "ms", millis)
        add(
          candidate.name,
          streamOf(plan.rows),
          tripsMetric("stream"),
          "count",
          yield* tripsSince(server, before.roundTrips)
        )
      }))
  }).pipe(Effect.scoped)

/** The worst delay counts. */
const worstOf = (
  figures: ReadonlyArray<Figure>,
  group: string,
  metric: (figure: Figure) => boolean,
  direction: Target["direction"],
  of = pool
): number => {
  const ofGroup = figures.filter((figure) => figure.group === group && metric(figure))
  const ratios = [...new Set(ofGroup.map(({ size }) => size))].map((size) => {
    const at = (candidate: string) =>
      median(ofGroup.find((figure) => figure.size === size && figure.candidate === candidate)!.values)
    const others = peers.map(at)
    return at(of) / (direction === "at most" ? Math.min(...others) : Math.max(...others))
  })
  return direction === "at most" ? Math.max(...ratios) : Math.min(...ratios)
}

const isTrips = ({ metric }: Figure) => metric.startsWith("round trips")

const targetsOf = (figures: ReadonlyArray<Figure>): ReadonlyArray<Target> => {
  const groups = [...new Set(figures.map(({ group }) => group))]
  return groups.flatMap((group): ReadonlyArray<Target> => {
    const isTime = figures.some((figure) => figure.group === group && figure.metric === "time")
    const direction = isTime ? "at most" : "at least"
    return [
      {
        text: `${group}: round trips, to the fewest of the other pools`,
        bound: 1,
        direction: "at most",
        measured: worstOf(figures, group, isTrips, "at most")
      },
      {
        text: `${group}: ${isTime ? "time" : "leases a second"}, to the best of the other pools`,
        bound: isTime ? 1.05 : 0.95,
        direction,
        measured: worstOf(figures, group, (figure) => !isTrips(figure), direction)
      },
      ...(group.startsWith("20 statements at once")
        ? [{
          text: `${group}: round trips with pipelining, to the fewest of the other pools`,
          bound: 0.1,
          direction: "at most" as const,
          measured: worstOf(figures, group, isTrips, "at most", pipelined)
        }]
        : [])
    ]
  })
}

const notes = [
  `Every pool keeps ${sessions} sessions and lets any number wait. Server and relay share a process of their own, client and server the ` +
  "machine's two processors; a size is the delay of each direction in milliseconds. Of the sizes the worst counts for a target.",
  "A round trip is counted by the relay: bytes from a client after an answer, or as the first of a connection.",
  "Where the network is what takes the time all pools are alike, and so they should be: 0.95 and 1.05 stand for \"no slower\" " +
  "beyond what two measurements of one pool differ by.",
  "node-oracledb's pool and Effect's run statements of one session that are asked for at once one after the other, and so does this one " +
  "without pipelining. Effect's pool does not look whether a lease has left a transaction open.",
  "A stream fetches 1,000 rows with each round trip; node-oracledb's is its queryStream."
]

export const network: Row = {
  id: "network",
  title: "Over a network: 0.5, 1 and 5 ms each way",
  run: (scale: Scale): Effect.Effect<Report, unknown, Scope.Scope> =>
    Effect.gen(function*() {
      const plan = plans[scale]
      const figures = new Figures()
      for (const delay of plan.delays) yield* atDelay(figures, delay, plan)
      const workloads = workloadsOf(plan.callers)
      const list = figures.list([logOn, ...workloads.map(({ name }) => name), streamOf(plan.rows)].flatMap((group) =>
        [...makes, { name: shared }].map(({ name }) => ({ group, name }))
      ))
      return { figures: list, targets: targetsOf(list), notes }
    })
}
