/** What a persisted queue promises over Oracle: each element once while handlers succeed, again when they fail or die. */
import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OraclePersistedQueue } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Context, Deferred, Duration, Effect, Fiber, Layer, References, Schedule, Schema } from "effect"
import { PersistedQueue } from "effect/persistence"
import { embedded, isReal } from "./database.ts"
import { openClient } from "./openClient.ts"

let tables = 0

const Job = Schema.Struct({ n: Schema.Number, text: Schema.String })

const prepared = (options: Omit<OraclePersistedQueue.StoreOptions, "tableName"> = {}) =>
  Effect.gen(function*() {
    const { sql } = yield* openClient()
    const tableName = `sp_queue_${process.pid}_${++tables}`
    yield* Effect.addFinalizer(() =>
      Effect.forEach([tableName, `${tableName}_migrations`], (table) => Effect.ignore(sql`drop table ${sql(table)}`), {
        discard: true
      })
    )
    /** A process of its own, as far as the store can tell. */
    const open = (maxAttempts = 3) =>
      Effect.gen(function*() {
        const context = yield* Layer.build(
          PersistedQueue.layer.pipe(
            Layer.provideMerge(OraclePersistedQueue.layerStore({ tableName, pollInterval: "20 millis", ...options })),
            Layer.provide(Layer.succeed(OracleClient.OracleClient, sql))
          )
        )
        return yield* Effect.provide(
          Effect.gen(function*() {
            const store = yield* PersistedQueue.PersistedQueueStore
            const queue = yield* PersistedQueue.make({
              name: "jobs",
              schema: Job,
              maxAttempts,
              retrySchedule: Schedule.spaced("10 millis")
            })
            return { store, queue }
          }),
          context
        )
      })
    const states = Effect.map(
      sql<{ readonly id: string; readonly state: string; readonly attempts: number }>`
        select id, state, attempts from ${sql(tableName)} order by seq`,
      (rows) => rows.map(({ attempts, id, state }) => `${id} ${state} ${attempts}`)
    )
    return { sql, tableName, open, states }
  })

const job = (n: number) => ({ n, text: `job ${n}` })

describe("OraclePersistedQueue", () => {
  it.live("gives each element to one taker, in order, and keeps what an id has been offered under", () =>
    Effect.gen(function*() {
      const { open, states } = yield* prepared()
      const { queue } = yield* open()
      yield* queue.offer(job(1), { id: "one" })
      yield* queue.offer(job(2), { id: "two" })
      yield* queue.offer(job(9), { id: "one" })
      assert.deepStrictEqual(yield* queue.take(Effect.succeed), job(1))
      assert.deepStrictEqual(yield* queue.take((value, { attempts, id }) => Effect.succeed({ value, id, attempts })), {
        value: job(2),
        id: "two",
        attempts: 1
      })
      yield* queue.offer(job(1), { id: "one" })
      assert.deepStrictEqual(yield* states, ["one completed 1", "two completed 1"])
    }))

  it.live("wakes a taker that waits, at once for what is offered here and in due time for what is delayed", () =>
    Effect.gen(function*() {
      const { open } = yield* prepared({ pollInterval: "10 seconds" })
      const { queue } = yield* open()
      const taking = yield* Effect.forkChild(queue.take(Effect.succeed))
      yield* Effect.sleep("50 millis")
      yield* queue.offer(job(1))
      assert.deepStrictEqual(yield* Fiber.join(taking), job(1))
      const { queue: polling } = yield* (yield* prepared()).open()
      yield* polling.offer(job(2), { delay: "300 millis" })
      const [took, value] = yield* Effect.timed(polling.take(Effect.succeed))
      assert.deepStrictEqual(value, job(2))
      assert.isAtLeast(Duration.toMillis(took), 200)
    }))

  it.live("tries again what fails, up to the last attempt, and counts no interruption", () =>
    Effect.gen(function*() {
      const { open, states } = yield* prepared()
      const { queue } = yield* open()
      yield* queue.offer(job(1), { id: "one" })
      const begun = yield* Deferred.make<void>()
      const working = yield* Effect.forkChild(
        queue.take(() => Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
      )
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(working)
      assert.deepStrictEqual(yield* states, ["one pending 0"])
      for (let attempt = 1; attempt <= 3; attempt++) {
        const seen = yield* Effect.flip(queue.take((_, { attempts }) => Effect.fail({ attempts })))
        assert.deepStrictEqual(seen, { attempts: attempt })
      }
      assert.deepStrictEqual(yield* states, ["one failed 3"])
    }))

  it.live("takes over from a process that is gone, once its lock has lapsed, and not before", () =>
    Effect.gen(function*() {
      const { open, sql, states, tableName } = yield* prepared({
        lockExpiration: "500 millis",
        lockRefreshInterval: "100 millis"
      })
      const { queue } = yield* open()
      yield* queue.offer(job(1), { id: "one" })
      const begun = yield* Deferred.make<void>()
      const alive = yield* Effect.forkChild(
        queue.take(() =>
          Effect.andThen(Deferred.succeed(begun, undefined), Effect.as(Effect.sleep("1200 millis"), "first"))
        )
      )
      yield* Deferred.await(begun)
      const { queue: other } = yield* open()
      const waiting = yield* Effect.forkChild(other.take((_, { attempts }) => Effect.succeed(attempts)))
      assert.strictEqual(yield* Fiber.join(alive), "first")
      assert.deepStrictEqual(yield* states, ["one completed 1"])
      // As a process leaves it that dies while it works.
      yield* sql`insert into ${sql(tableName)}
        (id, queue_name, state, attempts, visible_at, acquired_at, acquired_by, created_at, updated_at, element)
        select 'two', queue_name, 'pending', 1, visible_at, sys_extract_utc(systimestamp), 'somebody', created_at, updated_at,
          element from ${sql(tableName)} where id = 'one'`
      assert.strictEqual(yield* Fiber.join(waiting), 2)
    }))

  it.live("renews a lock in time, also when it is told to do so less often than locks lapse", () =>
    Effect.gen(function*() {
      const { open, states } = yield* prepared({ lockExpiration: "600 millis", lockRefreshInterval: "1 hour" })
      const { queue } = yield* open()
      const { queue: other } = yield* open()
      yield* queue.offer(job(1), { id: "one" })
      const begun = yield* Deferred.make<void>()
      const alive = yield* Effect.forkChild(
        queue.take(() =>
          Effect.andThen(Deferred.succeed(begun, undefined), Effect.as(Effect.sleep("1800 millis"), "first"))
        )
      )
      yield* Deferred.await(begun)
      const waiting = yield* Effect.forkChild(other.take(() => Effect.succeed("second")))
      assert.strictEqual(yield* Fiber.join(alive), "first")
      assert.deepStrictEqual(yield* states, ["one completed 1"])
      yield* Fiber.interrupt(waiting)
    }))

  it.live.skipIf(isReal)(
    "waits while the database is away, and takes once what it may have taken already",
    () =>
      Effect.gen(function*() {
        const { connect, server } = yield* embedded()
        const context = yield* Layer.build(
          OraclePersistedQueue.layerStore({ pollInterval: "20 millis" }).pipe(
            Layer.provideMerge(OracleClient.layer({ ...connect, max: 4 }))
          )
        )
        const store = Context.get(context, PersistedQueue.PersistedQueueStore)
        const sql = Context.get(context, OracleClient.OracleClient)
        const offer = (id: string) => store.offer({ id, name: "jobs", element: id, isCustomId: true, delay: undefined })
        const taken = store.take({
          name: "jobs",
          maxAttempts: Infinity,
          retryDelay: () => Effect.succeed(Duration.zero)
        }).pipe(
          Effect.map(({ attempts, id }) => `${id} ${attempts}`),
          Effect.scoped
        )
        yield* offer("one")
        yield* server.inject(Fault.disconnect({ sql: /skip locked/i, times: 2 }))
        assert.strictEqual(yield* taken, "one 1")
        // The answer to the commit of a claim is lost: the element is claimed, and nothing says so.
        yield* offer("two")
        yield* server.inject(Fault.disconnect({ on: "commit", when: "after" }))
        assert.strictEqual(yield* taken, "two 1")
        // What no waiting mends is told.
        yield* sql`drop table effect_queue`
        assert.include(String((yield* Effect.flip(taken)).cause), "ORA-00942")
      }).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  )

  it.live("puts aside what cannot be read, and cleans up what is done", () =>
    Effect.gen(function*() {
      const { open, sql, states, tableName } = yield* prepared()
      const { queue, store } = yield* open()
      yield* queue.offer(job(1), { id: "broken" })
      yield* queue.offer(job(2), { id: "odd" })
      yield* queue.offer(job(3), { id: "good" })
      yield* sql`update ${sql(tableName)} set element = '{no json' where id = 'broken'`
      yield* sql`update ${sql(tableName)} set element = '{"n":"two"}' where id = 'odd'`
      assert.deepStrictEqual(yield* queue.take(Effect.succeed), job(3))
      assert.deepStrictEqual(yield* states, ["broken failed 1", "odd failed 1", "good completed 1"])
      yield* store.cleanup({ timeToLive: Duration.hours(1), failedTimeToLive: undefined })
      assert.lengthOf(yield* states, 3)
      yield* store.cleanup({ timeToLive: Duration.zero, failedTimeToLive: undefined })
      assert.deepStrictEqual(yield* states, ["broken failed 1", "odd failed 1"])
      yield* store.cleanup({ timeToLive: Duration.zero, failedTimeToLive: Duration.zero })
      assert.deepStrictEqual(yield* states, [])
    }))

  it.live("gives 120 elements to six takers in two processes, each once, long ones included", () =>
    Effect.gen(function*() {
      const { open } = yield* prepared()
      const [one, two] = [yield* open(), yield* open()]
      const text = "ü".repeat(20_000)
      yield* Effect.forEach(
        Array.from({ length: 120 }, (_, n) => n),
        (n) => one.queue.offer(n === 7 ? { n, text } : job(n)),
        { concurrency: 4, discard: true }
      )
      const seen: Array<number> = []
      const taker = (queue: typeof one.queue) =>
        Effect.repeat(queue.take(({ n }) => Effect.sync(() => seen.push(n))), { times: 19 })
      yield* Effect.all([one, one, one, two, two, two].map(({ queue }) => taker(queue)), { concurrency: 6 })
      assert.sameMembers(seen, Array.from({ length: 120 }, (_, n) => n))
    }))
})
