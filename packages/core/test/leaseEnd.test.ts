import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, warm, watch } from "./openPool.ts"

describe("a lease ends once, however its scope ends", () => {
  const ends = {
    success: Effect.void,
    failure: Effect.fail("no luck"),
    defect: Effect.die("a slip"),
    interruption: Effect.interrupt
  }

  for (const [how, end] of Object.entries(ends)) {
    it.effect(`${how}: what was not committed is rolled back`, () =>
      Effect.gen(function*() {
        const { database, pool } = yield* openPool({ max: 1 })
        const work = (connection: Effect.Success<ReturnType<typeof pool.acquire>>) =>
          Effect.andThen(connection.begin, end)
        yield* Effect.exit(pool.use(work))
        yield* Effect.exit(Effect.scoped(Effect.flatMap(pool.acquire(), work)))
        assert.strictEqual(yield* database.count("reset"), 2)
        const next = yield* pool.acquire()
        assert.isFalse(next.session.inTransaction)
        assert.strictEqual(next.id, 1)
      }))
  }

  it.effect("committed work costs no round trip at the end", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1 })
      yield* pool.use((connection) => Effect.andThen(connection.begin, connection.commit))
      assert.strictEqual(yield* database.count("reset"), 0)
    }))

  it.effect("after release the end of the scope has nothing left to do", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1 })
      const scope = yield* Scope.make()
      const first = yield* Scope.provide(pool.acquire(), scope)
      yield* pool.release(first)
      const second = yield* pool.acquire()
      yield* Scope.close(scope, Exit.void)
      assert.isFalse(second.isReleased)
      assert.strictEqual(second.id, first.id)
      yield* second.begin
      assert.strictEqual(yield* database.count("reset"), 0)
    }))

  it.effect("release and drop within use end the lease there", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          yield* pool.release(connection)
          assert.strictEqual(yield* served(pool), connection.id)
        })
      )
      assert.deepInclude(yield* pool.statistics, { opened: 1, idle: 1 })
      yield* pool.use((connection) => pool.drop(connection))
      assert.deepInclude(yield* pool.statistics, { opened: 0, busy: 0 })
    }))

  it.effect("drop closes the session for good", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1 })
      const events = yield* watch(pool)
      const connection = yield* pool.acquire()
      yield* pool.drop(connection)
      yield* settled
      assert.isTrue(connection.isReleased)
      assert.lengthOf(yield* database.sessions, 0)
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "SessionClosed" ? [event.reason] : []),
        ["dropped"]
      )
    }))
})

describe("afterwards", () => {
  it.effect("every use of the connection fails, and reaches nobody's session", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, name: "hr" })
      const connection = yield* pool.acquire()
      yield* pool.release(connection)
      yield* pool.acquire()
      const uses: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string; readonly message: string }>> = [
        connection.execute("x"),
        connection.begin,
        connection.setTag("A=1"),
        pool.release(connection),
        pool.release(connection, { tag: "A=1" }),
        pool.drop(connection)
      ]
      for (const use of uses) {
        const error = yield* Effect.flip(use)
        assert.strictEqual(error._tag, "ConnectionReleasedError")
        assert.include(
          error.message,
          `A connection of session pool "hr" (session 1) was used after it was returned to the pool.`
        )
      }
      assert.strictEqual(yield* database.count("executed"), 0)
      assert.strictEqual((yield* pool.statistics).busy, 1)
    }))

  it.effect("a connection of another pool is refused, and stays lent there", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const { pool: other } = yield* openPool({ max: 1 })
      const foreign = yield* other.acquire()
      assert.strictEqual((yield* Effect.flip(pool.release(foreign)))._tag, "ConnectionReleasedError")
      assert.strictEqual((yield* Effect.flip(pool.drop(foreign)))._tag, "ConnectionReleasedError")
      assert.isFalse(foreign.isReleased)
      assert.strictEqual((yield* other.statistics).busy, 1)
    }))

  it.effect("server-side state stays with the session, as in Oracle's own pools", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      yield* pool.use((connection) => connection.setState("NLS_LANG", "FRENCH"))
      assert.strictEqual(
        yield* pool.use((connection) => Effect.succeed(connection.session.state.get("NLS_LANG"))),
        "FRENCH"
      )
    }))
})

describe("a reset that goes wrong", () => {
  for (const outcome of ["fail", "hang"] as const) {
    it.effect(`${outcome}: drops the session, and who waits gets a new one`, () =>
      Effect.gen(function*() {
        const { database, pool } = yield* openPool({ max: 1, pingTimeout: "3 seconds" })
        const events = yield* watch(pool)
        yield* database.behave("reset", { outcome, times: 1 })
        const held = yield* pool.acquire()
        yield* held.begin
        const waiting = yield* beside(pool.acquire())
        const release = yield* beside(pool.release(held))
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* Fiber.join(waiting)).id, 2)
        yield* Fiber.join(release)
        yield* settled
        assert.deepStrictEqual(
          events.flatMap((event) => event._tag === "SessionClosed" ? [[event.session, event.reason]] : []),
          [[1, "broken"]]
        )
        assert.strictEqual(yield* database.mostOpen, 1)
      }))
  }

  it.effect("a slow one is over before anybody else has the session", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1 })
      yield* database.behave("reset", { latency: "1 second" })
      const held = yield* pool.acquire()
      yield* held.begin
      const waiting = yield* beside(pool.acquire())
      yield* beside(pool.release(held))
      yield* TestClock.adjust("999 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(waiting)).id, 1)
      yield* database.behave("reset", { latency: 0 })
    }))
})

describe("resetSession", () => {
  it.effect("runs at the end of every lease, after the rollback, on a connection of its own", () =>
    Effect.gen(function*() {
      const seen: Array<readonly [number, string | undefined, boolean]> = []
      const { pool } = yield* openPool({
        max: 1,
        resetSession: (connection) =>
          Effect.andThen(
            connection.setState("NLS_LANG", "AMERICAN"),
            Effect.sync(() => seen.push([connection.id, connection.tag, connection.session.inTransaction]))
          )
      })
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          yield* connection.begin
          yield* connection.setState("NLS_LANG", "FRENCH")
          yield* connection.setTag("A=1")
        })
      )
      assert.deepStrictEqual(seen, [[1, "A=1", false]])
      const next = yield* pool.acquire({ tag: "A=1" })
      assert.strictEqual(next.session.state.get("NLS_LANG"), "AMERICAN")
    }))

  for (const [how, resetSession] of Object.entries({ failure: Effect.fail("no"), hanging: Effect.never })) {
    it.effect(`its ${how} drops the session`, () =>
      Effect.gen(function*() {
        const { pool } = yield* openPool({ max: 1, resetSession: () => resetSession })
        const first = yield* beside(served(pool))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(yield* Fiber.join(first), 1)
        const second = yield* beside(served(pool))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(yield* Fiber.join(second), 2)
      }))
  }
})

describe("a statement that is interrupted", () => {
  const slow = { database: { latency: { execute: "1 minute" } } } as const

  it.effect("is stopped at the server, and the session is pinged before the next lease", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, ...slow })
      const fiber = yield* beside(pool.use((connection) => connection.execute("slow")))
      yield* TestClock.adjust("1 second")
      const next = yield* beside(pool.use((connection) => Effect.succeed(connection.id)))
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* Fiber.join(next), 1)
      const what = (yield* database.ledger).map(({ event }) => event)
      assert.deepStrictEqual(what.slice(what.indexOf("lent")), ["lent", "interrupted", "pinged", "lent"])
    }))

  it.effect("leaves the connection usable for who holds it, with no late break for the next", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, ...slow })
      const connection = yield* pool.acquire()
      const fiber = yield* beside(Effect.timeoutOption(connection.execute("slow"), "1 second"))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      yield* pool.release(connection)
      yield* database.behave("execute", { latency: 0 })
      yield* pool.use((next) => next.execute("quick"))
      assert.deepStrictEqual(yield* database.violations, [])
      assert.strictEqual(yield* database.count("pinged"), 1)
    }))

  for (const outcome of ["fail", "hang"] as const) {
    it.effect(`is dropped with its session when the break cannot be had (${outcome})`, () =>
      Effect.gen(function*() {
        const { database, pool } = yield* openPool({ max: 1, pingTimeout: "2 seconds", ...slow })
        yield* database.behave("interrupt", { outcome, times: 1 })
        const fiber = yield* beside(pool.use((connection) => connection.execute("slow")))
        const next = yield* beside(served(pool))
        const interrupting = yield* beside(Fiber.interrupt(fiber))
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(interrupting)
        assert.strictEqual(yield* Fiber.join(next), 2)
        assert.strictEqual(yield* database.mostOpen, 1)
      }))
  }

  it.effect("is dropped with its session when the ping after the break fails", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, ...slow })
      yield* database.behave("ping", { outcome: "fail", times: 1 })
      const fiber = yield* beside(pool.use((connection) => connection.execute("slow")))
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* served(pool), 2)
    }))

  it.effect("one that another fiber still runs at release is stopped too", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, ...slow })
      const connection = yield* pool.acquire()
      yield* connection.begin
      yield* beside(Effect.exit(connection.execute("slow")))
      yield* pool.release(connection)
      const what = (yield* database.ledger).map(({ event }) => event)
      assert.deepStrictEqual(what.slice(what.indexOf("lent")), ["lent", "interrupted", "pinged", "reset"])
      assert.strictEqual(yield* served(pool), 1)
    }))
})

describe("what the caller changed in the driver", () => {
  it.effect("is put back to the pool's setting, as it is by then", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, stmtCacheSize: 10 })
      const first = yield* pool.acquire()
      assert.strictEqual(first.session.stmtCacheSize, 10)
      yield* pool.reconfigure({ stmtCacheSize: 50 })
      yield* pool.release(first)
      assert.strictEqual((yield* pool.acquire()).session.stmtCacheSize, 50)
      assert.strictEqual((yield* pool.statistics).stmtCacheSize, 50)
    }))

  it.effect("the warmest session is lent first", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 3 })
      const ids = yield* warm(pool, "", "", "")
      assert.strictEqual(yield* served(pool), ids[2])
      assert.strictEqual(yield* served(pool), ids[2])
    }))
})
