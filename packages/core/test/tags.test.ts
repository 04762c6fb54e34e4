import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, warm, watch } from "./openPool.ts"

describe("choosing a session by its tag", () => {
  it.effect("(1) an idle session with that tag, whatever the order of its properties", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4 })
      const [, both] = yield* warm(pool, "A=1", "A=1;B=2", "B=2", "")
      assert.strictEqual(yield* served(pool, { tag: "B=2; A=1" }), both)
    }))

  it.effect("(1) of several with that tag the warmest", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4 })
      const [, , third] = yield* warm(pool, "A=1", "A=1", "A=1", "B=2")
      assert.strictEqual(yield* served(pool, { tag: "A=1" }), third)
    }))

  it.effect("(2) else an untagged one, before one that shares properties", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4 })
      const [, untagged] = yield* warm(pool, "A=1;B=2", "", "A=1;C=3")
      assert.strictEqual(yield* served(pool, { tag: "A=1", matchAnyTag: true }), untagged)
      assert.strictEqual((yield* pool.statistics).opened, 3)
    }))

  it.effect("(2) the warmest untagged one, and one that was never lent last", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ min: 4, max: 4 })
      const first = yield* pool.acquire()
      const second = yield* pool.acquire()
      yield* pool.release(second)
      yield* TestClock.adjust(1)
      yield* pool.release(first)
      const order = yield* Effect.forEach([{}, { tag: "A=1" }, {}], (request) => pool.acquire(request))
      assert.deepStrictEqual(order.slice(0, 2).map(({ id }) => id), [first.id, second.id])
      assert.notInclude([first.id, second.id], order[2]!.id)
    }))

  it.effect("(3) with matchAnyTag, else the session that shares most properties", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 8 })
      const ids = yield* warm(pool, "A=1", "A=1;B=2;D=4", "A=1;B=9;C=9", "X=1", "B=2;C=4")
      const nearest = (tag: string) => served(pool, { tag, matchAnyTag: true })
      assert.strictEqual(yield* nearest("A=1;B=2;C=3"), ids[1])
      assert.strictEqual(yield* nearest("B=2;C=4;X=2"), ids[4])
      assert.strictEqual((yield* pool.statistics).opened, 5)
    }))

  it.effect("(3) of those that share as many the warmest, and one that shares none rather than a new one", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 8 })
      const ids = yield* warm(pool, "A=1;B=1", "A=1;B=2", "C=1")
      assert.strictEqual(yield* served(pool, { tag: "A=1;B=3", matchAnyTag: true }), ids[1])
      assert.strictEqual(yield* served(pool, { tag: "Z=1", matchAnyTag: true }), ids[1])
      assert.strictEqual((yield* pool.statistics).opened, 3)
    }))

  it.effect("(4) without matchAnyTag a new session rather than one in another state", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2 })
      yield* warm(pool, "A=1;B=2")
      const connection = yield* pool.acquire({ tag: "A=1" })
      assert.strictEqual(connection.id, 2)
      assert.isUndefined(connection.tag)
    }))

  it.effect("(5) at max the longest-idle session is replaced by a new one, at once", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 3 })
      yield* warm(pool, "A=1", "B=2", "C=3")
      const events = yield* watch(pool)
      const connection = yield* pool.acquire({ tag: "D=4" })
      assert.strictEqual(connection.id, 4)
      assert.isUndefined(connection.tag)
      yield* settled
      const closed = events.filter((event) => event._tag === "SessionClosed")
      assert.deepStrictEqual(closed.map(({ reason, session }) => [session, reason]), [[1, "replaced"]])
      assert.strictEqual(yield* database.mostOpen, 3)
    }))

  it.effect("a request without tag never gets a tagged session: (4), then (5)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 3 })
      yield* warm(pool, "A=1", "B=2")
      const third = yield* pool.acquire()
      assert.deepStrictEqual([third.id, third.tag], [3, undefined])
      const fourth = yield* pool.acquire({ tag: "", matchAnyTag: true })
      assert.deepStrictEqual([fourth.id, fourth.tag], [4, undefined])
      assert.strictEqual(yield* database.mostOpen, 3)
    }))

  it.effect("a request that waits for a tag takes an untagged session or the tag, and replaces any other", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1 })
      const lend = (giveBack: string) =>
        Effect.gen(function*() {
          const held = yield* pool.acquire({ tag: "A=1" })
          const waiting = yield* beside(served(pool, { tag: "B=2" }))
          yield* pool.release(held, { tag: giveBack })
          return [held.id, yield* Fiber.join(waiting)]
        })
      assert.deepStrictEqual(yield* lend("B=2"), [1, 1])
      assert.deepStrictEqual(yield* lend(""), [2, 2])
      assert.deepStrictEqual(yield* lend("A=1"), [2, 3])
      assert.strictEqual(yield* database.mostOpen, 1)
    }))

  it.effect("a freed tagged session goes past those it does not fit to who waits for it", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2 })
      const first = yield* pool.acquire()
      const second = yield* pool.acquire()
      const untagged = yield* beside(pool.acquire())
      const tagged = yield* beside(pool.acquire({ tag: "A=1" }))
      yield* pool.release(first, { tag: "A=1" })
      assert.strictEqual((yield* Fiber.join(tagged)).id, first.id)
      yield* pool.release(second)
      assert.strictEqual((yield* Fiber.join(untagged)).id, second.id)
    }))

  it.effect("a request that waits with matchAnyTag takes whatever comes back, in its turn", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1 })
      const held = yield* pool.acquire()
      const nearest = yield* beside(pool.acquire({ tag: "B=2", matchAnyTag: true }))
      const exact = yield* beside(pool.acquire({ tag: "A=1" }))
      yield* pool.release(held, { tag: "A=1" })
      const connection = yield* Fiber.join(nearest)
      assert.deepStrictEqual([connection.id, connection.tag], [1, "A=1"])
      yield* pool.release(connection)
      assert.strictEqual((yield* Fiber.join(exact)).id, 1)
      assert.strictEqual(yield* database.count("opened"), 1)
    }))

  it.effect("a stream of requests for one tag does not starve a request for none", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const busy = Effect.forever(
        pool.use({ tag: "A=1" }, (connection) => Effect.andThen(connection.setTag("A=1"), Effect.sleep(10)))
      )
      yield* beside(busy)
      yield* beside(busy)
      const starving = yield* beside(served(pool))
      yield* TestClock.adjust("1 second")
      assert.isDefined(starving.pollUnsafe())
    }))
})

describe("what a session keeps when it goes back", () => {
  it.effect("the connection's tag, unless release names another", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4 })
      yield* pool.use((connection) => connection.setTag("A=1"))
      const first = yield* pool.acquire({ tag: "A=1" })
      assert.deepStrictEqual([first.id, first.tag], [1, "A=1"])
      yield* first.setTag("B=2")
      yield* pool.release(first, { tag: "C=3" })
      assert.strictEqual((yield* pool.acquire({ tag: "C=3" })).id, 1)
      assert.notStrictEqual((yield* pool.acquire({ tag: "B=2" })).id, 1)
    }))

  it.effect("an empty tag clears it, from release and from setTag", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      yield* warm(pool, "A=1")
      const clear = [
        (connection: { readonly setTag: (tag: string | undefined) => Effect.Effect<void, unknown> }) =>
          connection.setTag(""),
        (connection: { readonly setTag: (tag: string | undefined) => Effect.Effect<void, unknown> }) =>
          connection.setTag(undefined)
      ]
      for (const how of clear) {
        const connection = yield* pool.acquire({ tag: "A=1" })
        yield* how(connection)
        assert.isUndefined(connection.tag)
        yield* pool.release(connection)
        assert.strictEqual(yield* served(pool), 1)
        yield* pool.use((session) => session.setTag("A=1"))
      }
      const tagged = yield* pool.acquire({ tag: "A=1" })
      yield* pool.release(tagged, { tag: "" })
      assert.strictEqual(yield* served(pool), 1)
    }))

  it.effect("a tag set within a scope counts at its end, however the scope ends", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      yield* Effect.exit(Effect.scoped(Effect.gen(function*() {
        const connection = yield* pool.acquire()
        yield* connection.setTag("A=1")
        return yield* Effect.fail("the work failed")
      })))
      const connection = yield* pool.acquire({ tag: "A=1" })
      assert.deepStrictEqual([connection.id, connection.tag], [1, "A=1"])
    }))

  it.effect("a malformed tag is refused everywhere, and changes nothing", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, name: "hr" })
      const asked = yield* Effect.flip(pool.acquire({ tag: "A" }))
      assert.strictEqual(
        asked.message,
        `Session pool "hr" cannot use the tag "A": the property "A" has no "="; a tag has the form "name=value;name=value".`
      )
      assert.strictEqual(yield* database.count("openRequested"), 0)
      const connection = yield* pool.acquire()
      yield* connection.setTag("B=2")
      assert.strictEqual((yield* Effect.flip(connection.setTag("=2")))._tag, "InvalidTagError")
      assert.strictEqual(connection.tag, "B=2")
      assert.strictEqual((yield* Effect.flip(pool.release(connection, { tag: "A=1;A=2" })))._tag, "InvalidTagError")
      assert.isFalse(connection.isReleased)
      assert.strictEqual((yield* pool.statistics).busy, 1)
      yield* pool.release(connection)
      assert.strictEqual(yield* served(pool, { tag: "B=2" }), connection.id)
    }))
})

describe("onSession", () => {
  const recording = (seen: Array<readonly [number, string | undefined, string | undefined]>) => ({
    onSession: (
      connection: { readonly id: number; readonly tag: string | undefined } & {
        readonly setTag: (tag: string | undefined) => Effect.Effect<void, unknown>
      },
      { requestedTag }: { readonly requestedTag: string | undefined }
    ) =>
      Effect.andThen(
        Effect.sync(() => seen.push([connection.id, connection.tag, requestedTag])),
        Effect.orDie(connection.setTag(requestedTag))
      )
  })

  it.effect("runs when the session is new, or its tag is not the one asked for, and not else", () =>
    Effect.gen(function*() {
      const seen: Array<readonly [number, string | undefined, string | undefined]> = []
      const { pool } = yield* openPool({ max: 1, ...recording(seen) })
      yield* served(pool)
      yield* served(pool)
      assert.deepStrictEqual(seen.splice(0), [[1, undefined, undefined]])
      yield* served(pool, { tag: "A=1;B=2" })
      assert.deepStrictEqual(seen.splice(0), [[1, undefined, "A=1;B=2"]])
      yield* served(pool, { tag: "B=2;A=1" })
      assert.deepStrictEqual(seen.splice(0), [])
      // A superset differs.
      yield* served(pool, { tag: "A=1", matchAnyTag: true })
      assert.deepStrictEqual(seen.splice(0), [[1, "A=1;B=2", "A=1"]])
      assert.strictEqual(yield* served(pool, { tag: "A=1" }), 1)
      assert.deepStrictEqual(seen, [])
    }))

  it.effect("runs before the caller sees the session, which keeps the tag that it sets", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({
        max: 1,
        onSession: (connection, { requestedTag }) =>
          Effect.gen(function*() {
            yield* Effect.sleep("1 second")
            yield* connection.setState("TZ", requestedTag ?? "none")
            yield* connection.setTag(`${requestedTag};BY=onSession`)
          })
      })
      const fiber = yield* beside(pool.acquire({ tag: "TZ=UTC" }))
      yield* TestClock.adjust("999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const connection = yield* Fiber.join(fiber)
      assert.strictEqual(connection.session.state.get("TZ"), "TZ=UTC")
      assert.strictEqual(connection.tag, "TZ=UTC;BY=onSession")
    }))

  it.effect("runs again on a session that took the place of a dead one", () =>
    Effect.gen(function*() {
      const seen: Array<readonly [number, string | undefined, string | undefined]> = []
      const { database, pool } = yield* openPool({ max: 1, pingInterval: 0, ...recording(seen) })
      yield* served(pool, { tag: "A=1" })
      yield* database.killAll
      assert.strictEqual(yield* served(pool, { tag: "A=1" }), 2)
      assert.deepStrictEqual(seen, [[1, undefined, "A=1"], [2, undefined, "A=1"]])
    }))

  it.effect("its failure is the caller's, and the session is dropped", () =>
    Effect.gen(function*() {
      class NoSuchTimeZone {
        readonly _tag = "NoSuchTimeZone"
      }
      const { database, pool } = yield* openPool({ max: 1, onSession: () => Effect.fail(new NoSuchTimeZone()) })
      const events = yield* watch(pool)
      const failure = yield* Effect.flip(Effect.scoped(pool.acquire({ tag: "TZ=Nowhere" })))
      assert.instanceOf(failure, NoSuchTimeZone)
      assert.instanceOf(yield* Effect.flip(pool.use(() => Effect.void)), NoSuchTimeZone)
      yield* settled
      assert.deepInclude(yield* pool.statistics, { opened: 0, busy: 0 })
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "SessionClosed" ? [event.reason] : []),
        ["unprepared", "unprepared"]
      )
      assert.strictEqual(yield* database.mostOpen, 1)
    }))

  it.effect("its interruption drops the session, whose place the next request has", () =>
    Effect.gen(function*() {
      let isSlow = true
      const { database, pool } = yield* openPool({
        max: 1,
        onSession: () => isSlow ? Effect.never : Effect.void
      })
      const fiber = yield* beside(pool.acquire())
      const next = yield* beside(served(pool))
      isSlow = false
      yield* Fiber.interrupt(fiber)
      yield* settled
      assert.strictEqual(yield* Fiber.join(next), 2)
      assert.strictEqual(yield* database.mostOpen, 1)
    }))

  it.effect("its defect drops the session too", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, onSession: () => Effect.die("a slip") })
      yield* Effect.exit(pool.use(() => Effect.void))
      yield* settled
      assert.strictEqual((yield* database.sessions).length, 0)
    }))
})
