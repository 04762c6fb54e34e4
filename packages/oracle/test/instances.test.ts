/** A pool on several instances of one database, one of which goes and comes back under load: no caller sees an error. */
import { assert, describe, it } from "@effect/vitest"
import type { OracleSessionPool } from "@sessionpool/oracle"
import { Effect, Fiber, Ref, Schedule } from "effect"
import { isReal } from "./database.ts"
import { counts, type Pool, watched } from "./watchedPool.ts"

const names = ["SALES1", "SALES2", "SALES3"]

const cluster = (options: Partial<OracleSessionPool.Options> = {}) =>
  watched({ min: 6, max: 6, timeout: 0, rebalanceInterval: "20 millis", ...options }, {
    databaseName: "SALES",
    instances: names.map((name) => ({ name })),
    loadBalance: true,
    script: "create table visits (n number)"
  })

/** Waits until something is so. How long that takes is not what is tested: the whole machine may be busy. */
const until = (condition: Effect.Effect<boolean>) =>
  Effect.repeat(condition, { schedule: Schedule.spaced("20 millis"), until: (holds) => holds })

const longest = 120_000

/** Open sessions by instance. */
const open = (pool: Pool) =>
  Effect.map(
    pool.statistics,
    ({ instances }) => Object.fromEntries(instances.map(({ instance, opened }) => [instance, opened]))
  )

/** Callers that read and write, until they are told to stop; what they have done, and the first failure. */
const load = (pool: Pool, callers = 4) =>
  Effect.gen(function*() {
    const isOver = yield* Ref.make(false)
    const done = yield* Ref.make(0)
    const visit = pool.use((held) =>
      Effect.gen(function*() {
        yield* held.query("select sys_context('userenv', 'instance_name') as name from dual")
        yield* held.withTransaction(held.execute("insert into visits values (1)"))
      })
    )
    const caller = Effect.gen(function*() {
      while (!(yield* Ref.get(isOver))) {
        yield* visit
        yield* Ref.update(done, (n) => n + 1)
        yield* Effect.sleep("5 millis")
      }
    })
    const fiber = yield* Effect.forkScoped(
      Effect.all(Array.from({ length: callers }, () => caller), { concurrency: "unbounded", discard: true })
    )
    const some = (more: number) =>
      Effect.flatMap(Ref.get(done), (before) => until(Effect.map(Ref.get(done), (now) => now >= before + more)))
    return { done: Ref.get(done), some, end: Effect.andThen(Ref.set(isOver, true), Fiber.join(fiber)) }
  })

describe.skipIf(isReal)("a session", () => {
  it.live("knows its instance from its log-on, before any call", () =>
    Effect.gen(function*() {
      const { pool } = yield* cluster({ min: 3, max: 3 })
      yield* counts(pool, { idle: 3 })
      const found = (yield* pool.sessions).map(({ instance }) => instance!)
      assert.includeMembers([...names], found)
      const expected: Record<string, number> = {}
      for (const name of found) expected[name] = (expected[name] ?? 0) + 1
      assert.deepStrictEqual(yield* open(pool), expected)
    }))
})

describe.skipIf(isReal)("an instance that goes and comes back under load", () => {
  it.live(
    "is drained by the pool before it goes: no caller sees an error, and it gets its share back",
    () =>
      Effect.gen(function*() {
        const { pool, server } = yield* cluster()
        yield* counts(pool, { opened: 6 })
        const callers = yield* load(pool)
        yield* callers.some(20)
        // The listener does not know yet: some sessions land there again, and move on.
        yield* pool.drain("SALES1")
        yield* callers.some(20)
        yield* server.shutdown({ instance: "SALES1", mode: "drain" })
        const left = Effect.map(
          pool.statistics,
          ({ instances, opened }) =>
            opened === 6 &&
            instances.some(({ closing, instance, opened }) => instance === "SALES1" && opened + closing === 0)
        )
        yield* until(left)
        yield* server.shutdown({ instance: "SALES1", mode: "abort" })
        yield* callers.some(20)
        yield* server.startup({ instance: "SALES1" })
        yield* pool.undrain("sales1")
        yield* until(
          Effect.map(open(pool), ({ SALES1 = 0, SALES2 = 0, SALES3 = 0 }) => Math.min(SALES1, SALES2, SALES3) >= 1)
        )
        yield* callers.end
        const [row] = yield* pool.use((held) => held.query("select count(*) as n from visits"))
        assert.strictEqual(Number(row!["N"]), yield* callers.done)
      }),
    longest
  )

  it.live(
    "announces its end in-band: the pool leaves it without being told",
    () =>
      Effect.gen(function*() {
        const { pool, server } = yield* cluster({ rebalanceInterval: 0 })
        yield* counts(pool, { opened: 6 })
        // More than sessions, so that each of these is looked at: there may be a single one on the instance.
        const callers = yield* load(pool, 12)
        yield* callers.some(20)
        yield* server.shutdown({ instance: "SALES2", mode: "drain" })
        yield* until(
          Effect.map(open(pool), ({ SALES1 = 0, SALES2 = 0, SALES3 = 0 }) => SALES2 === 0 && SALES1 + SALES3 === 6)
        )
        yield* server.shutdown({ instance: "SALES2", mode: "abort" })
        yield* callers.some(20)
        yield* callers.end
        const [row] = yield* pool.use((held) => held.query("select count(*) as n from visits"))
        assert.strictEqual(Number(row!["N"]), yield* callers.done)
      }),
    longest
  )

  it.live("announces its end while nothing is lent: the first that is looked at takes the others along", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* cluster({ min: 0, max: 6, rebalanceInterval: 0 })
      const held = yield* Effect.scoped(
        Effect.andThen(Effect.forEach([1, 2, 3, 4, 5, 6], () => pool.acquire()), pool.sessions)
      )
      assert.lengthOf(held, 6)
      yield* server.shutdown({ instance: "SALES1", mode: "drain" })
      yield* until(Effect.map(
        Effect.andThen(Effect.orDie(pool.use((held) => held.ping)), open(pool)),
        ({ SALES1 = 0 }) => SALES1 === 0
      ))
      assert.deepStrictEqual(yield* open(pool), { SALES1: 0, SALES2: 2, SALES3: 2 })
    }))
})
