/**
 * End to end: leases with no, one and twenty statements, through the driver to a server in another process, and the round trips
 * that each lease makes.
 */
import { Effect, Schedule, type Scope } from "effect"
import { again } from "./compare.ts"
import * as Candidates from "./driverCandidates.ts"
import { type Figure, median, type Report, type Row, type Scale, type Target } from "./row.ts"
import { type ServerProcess, serverProcess } from "./serverProcess.ts"

const sessions = 8

const pool = "sessionpool"
const peers = ["node-oracledb pool, acquireUseRelease", "node-oracledb pool, acquireRelease"] as const

const makes: ReadonlyArray<Candidates.Make> = [
  Candidates.ours(pool),
  Candidates.ours(again(pool)),
  Candidates.oursScoped("sessionpool, scoped"),
  Candidates.driverPoolUse(peers[0]),
  Candidates.driverPoolScoped(peers[1]),
  Candidates.driverPoolPlain("node-oracledb pool, async/await"),
  Candidates.effectPool("Effect Pool"),
  Candidates.effectPool("Effect Pool, rolling back", Candidates.rollingBack)
]

interface Workload {
  readonly name: string
  readonly statements: number
}

const workloads: ReadonlyArray<Workload> = [
  { name: "no statement a lease", statements: 0 },
  { name: "1 statement a lease", statements: 1 },
  { name: "20 statements a lease", statements: 20 }
]

interface Plan {
  readonly callers: ReadonlyArray<number>
  readonly rounds: number
  /** How long a measurement should take, in milliseconds. */
  readonly millis: number
}

const plans: { readonly [S in Scale]: Plan } = {
  smallest: { callers: [1, sessions + 1], rounds: 1, millis: 1 },
  full: { callers: [1, 8, 64, 512], rounds: 5, millis: 120 }
}

/** What a measurement asks of a candidate. */
interface Load {
  readonly workload: Workload
  readonly callers: number
  readonly leases: number
}

interface Measurement {
  readonly perSecond: number
  readonly roundTrips: number
}

/** So many callers make so many leases between them. */
const loaded = (candidate: Candidates.Candidate, { callers, leases, workload }: Load): Effect.Effect<void, unknown> =>
  Effect.suspend(() => {
    let left = leases
    const next = () => left-- > 0
    return Effect.forEach(
      Array.from({ length: callers }, () => candidate.caller(workload.statements, next)),
      (caller) => caller,
      { concurrency: "unbounded", discard: true }
    )
  })

const timed = (candidate: Candidates.Candidate, load: Load): Effect.Effect<number, unknown> =>
  Effect.suspend(() => {
    const began = performance.now()
    return Effect.map(loaded(candidate, load), () => performance.now() - began)
  })

const measured = (
  server: ServerProcess,
  candidate: Candidates.Candidate,
  load: Load
): Effect.Effect<Measurement, unknown> =>
  Effect.gen(function*() {
    // What was not used for a while is pinged now, and not while time is taken.
    yield* loaded(candidate, { ...load, leases: Math.max(load.callers, sessions, load.leases / 10) })
    const before = yield* server.order("look")
    const millis = yield* timed(candidate, load)
    const after = yield* server.order("look")
    return {
      perSecond: load.leases / millis * 1000,
      roundTrips: (after.roundTrips - before.roundTrips) / load.leases
    }
  })

/** How many leases take as long as a measurement should; finding out warms the candidate up. */
const calibrated = (
  candidate: Candidates.Candidate,
  load: Omit<Load, "leases">,
  millis: number
): Effect.Effect<Load, unknown> =>
  Effect.gen(function*() {
    let leases = Math.max(load.callers, 10)
    for (;;) {
      const took = yield* timed(candidate, { ...load, leases })
      if (took >= millis / 2) return { ...load, leases: Math.ceil(leases * millis / took) }
      leases *= 2
    }
  })

/** What is still opened while round trips are counted would be counted with them. */
const allOpen = (server: ServerProcess, expected: number): Effect.Effect<unknown, unknown> =>
  server.order("look").pipe(
    Effect.repeat({
      schedule: Schedule.spaced("10 millis"),
      until: ({ sessions }) => sessions >= expected
    }),
    Effect.timeout("10 seconds")
  )

const rotated = <A>(items: ReadonlyArray<A>, by: number): ReadonlyArray<A> =>
  items.map((_, index) => items[(index + by) % items.length]!)

type Measurements = ReadonlyMap<string, ReadonlyArray<Measurement>>

const cell = Effect.fnUntraced(function*(
  server: ServerProcess,
  candidates: ReadonlyArray<Candidates.Candidate>,
  load: Omit<Load, "leases">,
  plan: Plan
) {
  const all = new Map<string, Array<Measurement>>(candidates.map(({ name }) => [name, []]))
  const loads = new Map<string, Load>()
  for (const candidate of candidates) loads.set(candidate.name, yield* calibrated(candidate, load, plan.millis))
  for (let round = 0; round < plan.rounds; round++) {
    for (const candidate of rotated(candidates, round)) {
      all.get(candidate.name)!.push(yield* measured(server, candidate, loads.get(candidate.name)!))
    }
  }
  return all as Measurements
})

const figuresOf = (measurements: Measurements, { name }: Workload, callers: number): ReadonlyArray<Figure> =>
  [...measurements].flatMap(([candidate, values]): ReadonlyArray<Figure> => {
    const shared = { group: name, size: callers, candidate }
    return [
      { ...shared, metric: "leases a second", unit: "per second", values: values.map(({ perSecond }) => perSecond) },
      { ...shared, metric: "round trips a lease", unit: "count", values: values.map(({ roundTrips }) => roundTrips) }
    ]
  })

/** This pool against the form of the driver's pool that was faster here, round by round. */
const targetOf = (measurements: Measurements, { name }: Workload, callers: number): Target => {
  const rates = (candidate: string) => measurements.get(candidate)!.map(({ perSecond }) => perSecond)
  const [first, second] = [rates(peers[0]), rates(peers[1])]
  const theirs = median(first) >= median(second) ? first : second
  return {
    text: `${name}, ${callers} callers: leases a second, to those of node-oracledb's pool, its faster form`,
    bound: 1,
    direction: "at least",
    measured: median(rates(pool).map((rate, round) => rate / theirs[round]!))
  }
}

const run = (scale: Scale): Effect.Effect<Report, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const plan = plans[scale]
    const server = yield* serverProcess({})
    const candidates = yield* Effect.forEach(makes, (make) => make(server, { min: sessions, max: sessions }))
    yield* allOpen(server, makes.length * sessions)
    const figures: Array<Figure> = []
    const targets: Array<Target> = []
    for (const workload of workloads) {
      for (const callers of plan.callers) {
        const measurements = yield* cell(server, candidates, { workload, callers }, plan)
        figures.push(...figuresOf(measurements, workload, callers))
        targets.push(targetOf(measurements, workload, callers))
      }
    }
    return { figures, targets, notes }
  })

const notes = [
  `Every pool keeps ${sessions} sessions, lets any number wait, and pings what was idle for a minute. The server is a process of its own on the same machine.`,
  "node-oracledb's pool is wrapped twice, and the target is held against the faster form; async/await is the same pool without Effect.",
  "sessionpool reads a NUMBER by its digits and refuses what a double cannot hold; the others take the driver's double.",
  "Effect's pool does not roll back what a lease has left open; \"rolling back\" does so, as the other pools do, when the server has said that a transaction is open.",
  "node-oracledb's queueMax is 500 by default, as this pool's is: with 512 callers both would refuse some."
]

export const endToEnd: Row = {
  id: "end-to-end",
  title: "End to end: statements through the driver, and their round trips",
  run
}
