/**
 * To borrow and give back, with one caller: plainly, and by tag and user. The two are rows, and so processes, of their own: V8 compiles a
 * pool for what it is used for, and few programs use one in every way.
 */
import { Clock, Effect, Pool, Redacted, type Scope } from "effect"
import { again, ratioTarget } from "./compare.ts"
import * as Floor from "./floor.ts"
import { allocatedEach } from "./heap.ts"
import { effectPool, genericPool, lendAll, lightningPool, type PromisePool, sessionPool, tarnPool } from "./peers.ts"
import { Figures, millisOfMedian, repeat, takeTurns } from "./rounds.ts"
import type { Figure, Row, Scale, Target } from "./row.ts"

interface Candidate {
  readonly group: string
  readonly name: string
  /** Borrows and gives back `times` times, one after the other. */
  readonly run: (times: number) => Promise<void>
}

/** Effects are made once where `lease` always answers the same. */
const inFiber = (group: string, name: string, lease: () => Effect.Effect<unknown, unknown>): Candidate => ({
  group,
  name,
  run: (times) => repeat(lease, times)
})

const withPromises = (group: string, name: string, pool: PromisePool): Candidate => ({
  group,
  name,
  run: async (times) => {
    for (let i = 0; i < times; i++) pool.release(await pool.acquire())
  }
})

export const groups = {
  once: "one lease, 10 idle sessions",
  anew: "one lease, its effect made anew each time, 10 idle sessions",
  tags: "one lease, its effect made anew each time, 10,000 idle sessions",
  users: "one lease, heterogeneous pool, 10 idle sessions"
} as const

const time = "time a lease"
const allocation = "allocation a lease"

const names = {
  use: "sessionpool use",
  acquire: "sessionpool acquire, scoped",
  effectUse: "Effect Pool.use",
  effectGet: "Effect Pool.get, scoped",
  floorUse: "floor: use",
  floorGet: "floor: scoped",
  untagged: "sessionpool use, no tags",
  oneTag: "sessionpool use, always one tag of 1,000",
  allTags: "sessionpool use, 1,000 tags in turn",
  untaggedScoped: "sessionpool acquire, scoped, no tags",
  allTagsScoped: "sessionpool acquire, scoped, 1,000 tags in turn",
  floorUntagged: "floor: use, no tags",
  floorTags: "floor: use, an array for each of 1,000 tags, in turn"
} as const

const promiseBased = ["generic-pool", "tarn", "lightning-pool"]

const done = () => Effect.void

/** The plainest lease, of everything. */
const plain = (size: number): Effect.Effect<ReadonlyArray<Candidate>, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const options = { max: size, idle: size }
    const clock = yield* Clock.Clock
    const pool = yield* sessionPool(options)
    const effects = yield* effectPool(options)
    const bare = Array.from({ length: size }, () => ({}))
    const timed = Array.from({ length: size }, () => ({ since: 0 }))
    const use = pool.use(done)
    const acquire = Effect.scoped(pool.acquire())
    const effectUse = Pool.use(effects, done)
    const effectGet = Effect.scoped(Pool.get(effects))
    const floorUse = Floor.use(bare, done)
    const floorTimed = Floor.useTimed(clock, timed, done)
    const floorGet = Effect.scoped(Floor.get(bare))
    const { anew, once } = groups
    return [
      inFiber(once, names.use, () => use),
      inFiber(once, again(names.use), () => use),
      inFiber(once, names.acquire, () => acquire),
      inFiber(once, again(names.acquire), () => acquire),
      inFiber(once, names.effectUse, () => effectUse),
      inFiber(once, again(names.effectUse), () => effectUse),
      inFiber(once, names.effectGet, () => effectGet),
      withPromises(once, "generic-pool", yield* genericPool(options)),
      withPromises(once, "tarn", yield* tarnPool(options)),
      withPromises(once, "lightning-pool", yield* lightningPool(options)),
      inFiber(once, names.floorUse, () => floorUse),
      inFiber(once, "floor: use, two looks at the clock", () => floorTimed),
      inFiber(once, names.floorGet, () => floorGet),
      inFiber(anew, names.use, () => pool.use(done)),
      inFiber(anew, names.acquire, () => Effect.scoped(pool.acquire())),
      inFiber(anew, names.effectUse, () => Pool.use(effects, done)),
      inFiber(anew, names.effectGet, () => Effect.scoped(Pool.get(effects))),
      inFiber(anew, "floor: use", () => Floor.use(bare, done)),
      inFiber(anew, "floor: scoped", () => Effect.scoped(Floor.get(bare)))
    ]
  })

/** From many idle sessions: of a pool where all have tags, and of one where none has. */
const tagged = (sessions: number, tagCount: number): Effect.Effect<ReadonlyArray<Candidate>, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const options = { max: sessions, idle: sessions }
    const tags = Array.from({ length: tagCount }, (_, index) => `TENANT=${index}`)
    const withoutTags = yield* sessionPool(options)
    const withTags = yield* sessionPool(options)
    yield* lendAll(withTags, sessions, (connection, index) => connection.setTag(tags[index % tagCount]))
    let turn = 0
    const next = () => tags[turn++ % tagCount]!
    const first = tags[0]!
    const bare = Array.from({ length: sessions }, () => ({}))
    const byTag = Map.groupBy(bare.map((_, index) => ({ tag: tags[index % tagCount]! })), ({ tag }) => tag)
    return [
      inFiber(groups.tags, names.untagged, () => withoutTags.use(done)),
      inFiber(groups.tags, again(names.untagged), () => withoutTags.use(done)),
      inFiber(groups.tags, names.oneTag, () => withTags.use({ tag: first }, done)),
      inFiber(groups.tags, names.allTags, () => withTags.use({ tag: next() }, done)),
      inFiber(groups.tags, names.untaggedScoped, () => Effect.scoped(withoutTags.acquire())),
      inFiber(groups.tags, names.allTagsScoped, () => Effect.scoped(withTags.acquire({ tag: next() }))),
      inFiber(groups.tags, names.floorUntagged, () => Floor.use(bare, done)),
      inFiber(groups.tags, names.floorTags, () => Floor.use(byTag.get(next())!, done))
    ]
  })

const users = (size: number): Effect.Effect<ReadonlyArray<Candidate>, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const request = { user: "scott", password: Redacted.make("tiger") }
    // Its sessions are those of the pool's user at first; room is left for those of the other.
    const pool = yield* sessionPool({ max: 2 * size, idle: size }, { homogeneous: false })
    yield* Effect.scoped(
      Effect.forEach(Array.from({ length: size }), () => pool.acquire(request), { discard: true })
    )
    return [
      inFiber(groups.users, "sessionpool use, as the pool's user", () => pool.use(done)),
      inFiber(groups.users, "sessionpool use, user and password", () => pool.use({ ...request }, done)),
      inFiber(
        groups.users,
        "sessionpool acquire, scoped, user and password",
        () => Effect.scoped(pool.acquire({ ...request }))
      )
    ]
  })

const sizes = {
  full: { idle: 10, sessions: 10_000, tags: 1000, leases: 1000, rounds: 31, allocations: 7, time: 25, warmup: 5 },
  smallest: { idle: 2, sessions: 20, tags: 2, leases: 10, rounds: 1, allocations: 1, time: 0, warmup: 0 }
} as const

type Bound = Omit<Parameters<typeof ratioTarget>[1], "direction" | "where">

const atMost = (group: string, targets: ReadonlyArray<Bound>) => (figures: ReadonlyArray<Figure>) =>
  targets.map((target): Target =>
    ratioTarget(figures, { ...target, direction: "at most", where: { group, metric: time } })
  )

const plainTargets = atMost(groups.once, [
  { text: "use, against Effect Pool.use", bound: 0.8, of: names.use, to: [names.effectUse] },
  { text: "use, against the floor", bound: 1.25, of: names.use, to: [names.floorUse] },
  { text: "scoped acquire, against scoped Effect Pool.get", bound: 1, of: names.acquire, to: [names.effectGet] },
  { text: "scoped acquire, against its floor", bound: 1, of: names.acquire, to: [names.floorGet] },
  { text: "use, against the fastest promise-based pool", bound: 1, of: names.use, to: promiseBased },
  { text: "scoped acquire, against the fastest promise-based pool", bound: 1, of: names.acquire, to: promiseBased }
])

const tagTargets = atMost(groups.tags, [
  { text: "exact tag, always the same, against no tag", bound: 1.1, of: names.oneTag, to: [names.untagged] },
  { text: "exact tag, 1,000 in turn, against no tag", bound: 1.15, of: names.allTags, to: [names.untagged] }
])

const notes = [
  "A run is 1,000 leases one after the other; a round lasts 25 ms for each candidate, and its figure is the median run.",
  "Everything borrows a resource that costs nothing and gives it back at once. The Effect candidates run in one fiber; the " +
  "promise-based pools in one async function that awaits every acquire.",
  "No other pool here has tags or users. node-oracledb's own pool lends only connections of a real driver: see the rows " +
  "that go through it."
]

type Candidates = Effect.Effect<ReadonlyArray<Candidate>, unknown, Scope.Scope>

const row = (
  id: string,
  title: string,
  make: (scale: Scale) => Candidates,
  targets: (figures: ReadonlyArray<Figure>) => ReadonlyArray<Target>
): Row => ({
  id,
  title,
  run: (scale) =>
    Effect.gen(function*() {
      const { allocations, leases, rounds, time: millis, warmup } = sizes[scale]
      const candidates = yield* make(scale)
      const figures = new Figures()
      yield* takeTurns(candidates, rounds, ({ group, name, run }) =>
        Effect.map(
          millisOfMedian(() => run(leases), { time: millis, warmup }),
          (each) => {
            figures.add({ group, candidate: name, metric: time, unit: "ns" }, each * 1e6 / leases)
          }
        ))
      yield* takeTurns(candidates, allocations, ({ group, name, run }) =>
        Effect.map(allocatedEach(run), (bytes) => {
          figures.add({ group, candidate: name, metric: allocation, unit: "bytes" }, bytes)
        }))
      const list = figures.list(candidates)
      return { figures: list, targets: targets(list), notes }
    })
})

export const lease = row(
  "lease",
  "Borrow and return, uncontended",
  (scale) => plain(sizes[scale].idle),
  plainTargets
)

export const tags = row(
  "tags",
  "Borrow and return by tag and by user",
  (scale) =>
    Effect.gen(function*() {
      const { idle, sessions, tags } = sizes[scale]
      return [...yield* tagged(sessions, tags), ...yield* users(idle)]
    }),
  tagTargets
)
