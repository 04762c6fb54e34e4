import { assert, describe, it } from "@effect/vitest"
import { PoolEvent } from "@sessionpool/core"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, watch } from "./openPool.ts"

describe("events", () => {
  it.effect("tell the life of a session, in order", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, timeout: "1 minute", database: { latency: { open: "300 millis" } } })
      const events = yield* watch(pool)
      yield* beside(
        pool.use({ tag: "A=1" }, (connection) => Effect.andThen(Effect.sleep("2 seconds"), connection.setTag("A=1")))
      )
      yield* TestClock.adjust("3 seconds")
      yield* served(pool, { tag: "A=1" })
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(events.map((event) => ({ ...event })), [
        { _tag: "RequestQueued", at: 0, pending: 1 },
        { _tag: "SessionOpened", at: 300, session: 1, identity: "the pool's user", instance: "test", tookMillis: 300 },
        {
          _tag: "SessionLent",
          at: 300,
          session: 1,
          requestedTag: "A=1",
          tag: undefined,
          hit: false,
          waitedMillis: 300
        },
        { _tag: "SessionUnprepared", at: 300, session: 1, requestedTag: "A=1", tag: undefined },
        { _tag: "SessionReturned", at: 2300, session: 1, tag: "A=1", heldMillis: 2000 },
        { _tag: "SessionLent", at: 3000, session: 1, requestedTag: "A=1", tag: "A=1", hit: true, waitedMillis: 0 },
        { _tag: "SessionReturned", at: 3000, session: 1, tag: "A=1", heldMillis: 0 },
        { _tag: "SessionClosed", at: 63_000, session: 1, reason: "idle", failure: undefined }
      ])
    }))

  it.effect("tell of requests that wait, give up and are refused", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, queueMax: 1 })
      yield* pool.acquire()
      const events = yield* watch(pool)
      yield* beside(Effect.exit(pool.acquire({ waitTimeout: "1 second" })))
      yield* Effect.exit(pool.acquire())
      yield* TestClock.adjust("1 second")
      yield* pool.reconfigure({ getMode: "noWait" })
      yield* Effect.exit(pool.acquire())
      yield* settled
      assert.deepStrictEqual(events.map((event) => ({ ...event })), [
        { _tag: "RequestQueued", at: 0, pending: 1 },
        { _tag: "RequestRefused", at: 0, reason: "queueFull" },
        { _tag: "RequestTimedOut", at: 1000, waitedMillis: 1000 },
        { _tag: "Reconfigured", at: 1000, changed: ["getMode"] },
        { _tag: "RequestRefused", at: 1000, reason: "exhausted" }
      ])
    }))

  it.effect("tell of failures to open, with their cause", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1 })
      const events = yield* watch(pool)
      yield* database.refuseToOpen()
      yield* Effect.exit(pool.acquire())
      yield* settled
      const failed = events.find((event) => event._tag === "SessionOpenFailed")
      assert.deepInclude(failed, { identity: "the pool's user", isAuthentication: false, attempts: 1 })
      assert.propertyVal(failed?.cause, "_tag", "TestDatabaseError")
    }))

  it.effect("tell when a session could not be closed cleanly", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1 })
      const events = yield* watch(pool)
      yield* database.behave("close", { outcome: "fail", times: 1 })
      yield* pool.drop(yield* pool.acquire())
      yield* settled
      // By force it was closed after all.
      assert.deepInclude(events.find((event) => event._tag === "SessionClosed"), { failure: undefined })
    }))

  it.effect("end with the pool, for those who listen and for those who come later", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const all = yield* beside(Stream.runCollect(pool.events))
      yield* pool.close()
      assert.deepStrictEqual((yield* Fiber.join(all)).map(({ _tag }) => _tag), ["PoolClosing", "PoolClosed"])
      assert.lengthOf(yield* Stream.runCollect(pool.events), 0)
    }))

  it.effect("reach every listener from when it began to listen", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const first = yield* watch(pool)
      yield* served(pool)
      const second = yield* watch(pool)
      yield* served(pool)
      yield* settled
      assert.strictEqual(first.filter(({ _tag }) => _tag === "SessionLent").length, 2)
      assert.strictEqual(second.filter(({ _tag }) => _tag === "SessionLent").length, 1)
    }))

  it.effect("a listener that stands still misses the oldest, and holds nobody up", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const seen: Array<number> = []
      let isStanding = true
      yield* beside(Stream.runForEach(pool.events, (event) =>
        Effect.suspend(() => {
          seen.push(event.at)
          return isStanding ? Effect.sleep("1 hour") : Effect.void
        })))
      yield* served(pool)
      yield* settled
      for (let i = 0; i < 4000; i++) {
        yield* TestClock.adjust(1)
        yield* served(pool)
      }
      isStanding = false
      yield* TestClock.adjust("2 hours")
      assert.isAtMost(seen.length, 4096 + 4)
      assert.isAbove(seen[4]!, 1000)
    }))
})

describe("PoolEvent", () => {
  it("$match with ignored handles what it names and nothing else", () => {
    const describe = PoolEvent.$match({
      ...PoolEvent.ignored,
      SessionClosed: ({ reason, session }) => `${session} ${reason}`
    })
    const closed = PoolEvent.PoolEvent.SessionClosed({ at: 0, session: 7, reason: "dead", failure: undefined })
    assert.strictEqual(describe(closed), "7 dead")
    assert.isUndefined(describe(PoolEvent.PoolEvent.PoolClosed({ at: 0 })))
  })
})
