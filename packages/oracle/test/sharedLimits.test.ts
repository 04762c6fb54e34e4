/** Limits and circuits that several processes share over one table. */
import { assert, describe, it } from "@effect/vitest"
import { OracleCircuitBreaker, OracleClient, OracleRateLimiter } from "@sessionpool/oracle"
import { Context, Duration, Effect, Layer, Schedule } from "effect"
import { CircuitBreaker, RateLimiter } from "effect/persistence"
import { openClient } from "./openClient.ts"

let tables = 0

const prepared = Effect.gen(function*() {
  const { sql } = yield* openClient()
  const tableName = `sp_limits_${process.pid}_${++tables}`
  yield* Effect.addFinalizer(() =>
    Effect.forEach([tableName, `${tableName}_migrations`], (table) => Effect.ignore(sql`drop table ${sql(table)}`), {
      discard: true
    })
  )
  return { tableName, client: Layer.succeed(OracleClient.OracleClient, sql) }
})

describe("OracleRateLimiter", () => {
  it.live("lets processes together take no more of a window than its limit", () =>
    Effect.gen(function*() {
      const { client, tableName } = yield* prepared
      const open = Effect.provide(OracleRateLimiter.makeStore({ tableName }), client)
      const stores = yield* Effect.all([open, open, open])
      const takes = Array.from(
        { length: 30 },
        (_, index) =>
          stores[index % 3]!.fixedWindow({ key: "api", tokens: 1, refillRate: Duration.minutes(1), limit: 10 })
      )
      const counts = yield* Effect.all(takes, { concurrency: 6 })
      assert.lengthOf(counts.filter(([count]) => count <= 10), 10)
      assert.sameMembers(counts.map(([count]) => count).filter((count) => count <= 10), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      const [remaining] = yield* stores[0].tokenBucket({
        key: "api",
        tokens: 2,
        limit: 5,
        refillRate: Duration.minutes(1),
        allowOverflow: false
      })
      assert.strictEqual(remaining, 3)
    }))

  it.live("makes a limiter of Effect wait for its turn", () =>
    Effect.gen(function*() {
      const { client, tableName } = yield* prepared
      const context = yield* Layer.build(
        RateLimiter.layer.pipe(Layer.provide(OracleRateLimiter.layerStore({ tableName })), Layer.provide(client))
      )
      const limiter = Context.get(context, RateLimiter.RateLimiter)
      const consume = limiter.consume({
        key: "mail",
        algorithm: "fixed-window",
        onExceeded: "fail",
        limit: 2,
        window: "1 minute"
      })
      yield* consume
      yield* consume
      const refused = yield* Effect.flip(consume)
      assert.strictEqual(refused.reason._tag, "RateLimitExceeded")
    }))
})

describe("OracleCircuitBreaker", () => {
  it.live("opens for all processes, lets one call try, and closes for all", () =>
    Effect.gen(function*() {
      const { client, tableName } = yield* prepared
      const open = Effect.provide(OracleCircuitBreaker.makeStore({ tableName }), client)
      const [one, two] = yield* Effect.all([open, open])
      const ended = { key: "mail", tripPolicy: CircuitBreaker.consecutive(2), openFor: Duration.millis(300) }
      const fail = (store: typeof one) =>
        Effect.scoped(Effect.flatMap(store.admit("mail"), ({ generation }) =>
          store.record({ ...ended, generation, outcome: "Failure" })))
      assert.isUndefined(yield* fail(one))
      assert.strictEqual((yield* fail(two))?.to, "Open")
      assert.strictEqual((yield* one.state("mail"))._tag, "Open")
      assert.strictEqual((yield* Effect.flip(Effect.scoped(one.admit("mail")))).reason._tag, "CircuitOpen")
      const probe = yield* Effect.retry(one.admit("mail"), Schedule.spaced("50 millis"))
      assert.isTrue(probe.probe)
      assert.strictEqual((yield* Effect.flip(Effect.scoped(two.admit("mail")))).reason._tag, "CircuitHalfOpen")
      const closed = yield* one.record({ ...ended, generation: probe.generation, outcome: "Success" })
      assert.strictEqual(closed?.to, "Closed")
      assert.strictEqual((yield* two.state("mail"))._tag, "Closed")
    }))

  it.live("keeps the place of a probe that runs longer than its lease, and gives up that of one that is gone", () =>
    Effect.gen(function*() {
      const { client, tableName } = yield* prepared
      const store = yield* Effect.provide(
        OracleCircuitBreaker.makeStore({ tableName, probeLease: "300 millis" }),
        client
      )
      const ended = { key: "mail", tripPolicy: CircuitBreaker.consecutive(1), openFor: Duration.millis(1) }
      yield* Effect.scoped(
        Effect.flatMap(
          store.admit("mail"),
          ({ generation }) => store.record({ ...ended, generation, outcome: "Failure" })
        )
      )
      yield* Effect.scoped(Effect.gen(function*() {
        const probe = yield* Effect.retry(store.admit("mail"), Schedule.spaced("20 millis"))
        assert.isTrue(probe.probe)
        yield* Effect.sleep("900 millis")
        assert.strictEqual((yield* Effect.flip(Effect.scoped(store.admit("mail")))).reason._tag, "CircuitHalfOpen")
      }))
      const next = yield* Effect.retry(store.admit("mail"), Schedule.spaced("20 millis"))
      assert.isTrue(next.probe)
    }))
})
