import { assert, describe, it } from "@effect/vitest"
import { OracleSessionPool } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Duration, Effect, Exit, Fiber, Stream } from "effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { embedded, isReal, makePool, table } from "./database.ts"

setFlagsFromString("--expose-gc")
const collectGarbage: () => void = runInNewContext("gc")

const sleep = (seconds: number) => `begin dbms_session.sleep(${seconds}); end;`
const one = "select 1 as one from dual"

const watched = (options: Partial<OracleSessionPool.Options> = {}) =>
  Effect.gen(function*() {
    const { connect, server } = yield* embedded()
    const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({ ...connect, max: 2, ...options })
    return { pool, server }
  })

describe("an interrupted call", () => {
  it.live("stops at the server, and the session is lent again", () =>
    Effect.gen(function*() {
      const pool = yield* makePool({ max: 1 })
      yield* pool.use((held) => held.ping)
      const [took, exit] = yield* Effect.timed(Effect.exit(
        pool.use((held) => Effect.timeout(held.execute(sleep(20)), "200 millis"))
      ))
      assert.isTrue(Exit.isFailure(exit))
      assert.isBelow(Duration.toMillis(took), 5000)
      assert.deepStrictEqual(yield* pool.use((held) => held.query(one)), [{ ONE: 1 }])
      const { totals } = yield* pool.statistics
      assert.deepInclude(totals, { opened: 1, closed: 0 })
    }))

  it.live("leaves the connection usable within the same lease", () =>
    Effect.gen(function*() {
      const pool = yield* makePool({ max: 1 })
      const held = yield* pool.acquire()
      for (let round = 0; round < 5; round++) {
        yield* Effect.ignore(Effect.timeout(held.execute(sleep(20)), `${20 + round * 7} millis`))
        assert.deepStrictEqual(yield* held.query(one), [{ ONE: 1 }])
      }
    }))

  it.live("is never the call of another fiber", () =>
    Effect.gen(function*() {
      const pool = yield* makePool({ max: 1 })
      const held = yield* pool.acquire()
      const first = yield* Effect.forkChild(held.execute(`begin dbms_session.sleep(1); end;`))
      yield* Effect.sleep("100 millis")
      const second = yield* Effect.forkChild(held.query(one))
      yield* Effect.sleep("100 millis")
      // The second waits for its turn: giving it up must not break the first.
      yield* Fiber.interrupt(second)
      assert.strictEqual((yield* Fiber.join(first)).rowsAffected, 0)
    }))

  it.live("leaves no break behind for the next borrower, however late it comes", () =>
    Effect.gen(function*() {
      const pool = yield* makePool({ max: 1 })
      for (let round = 0; round < 60; round++) {
        const fiber = yield* Effect.forkChild(pool.use((held) => held.query(one)))
        // From before the call is sent until after it has been answered.
        for (let yields = 0; yields < round; yields++) yield* Effect.yieldNow
        if (round % 3 === 0) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* pool.use((held) => held.query(one)), [{ ONE: 1 }])
      }
      const { totals } = yield* pool.statistics
      assert.deepInclude(totals, { opened: 1, closed: 0 })
    }))

  it.live("undoes what its transaction has done", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const name = yield* table(pool, "id number")
      yield* pool.use((held) =>
        held.withTransaction(Effect.gen(function*() {
          yield* held.execute(`insert into ${name} values (1)`)
          yield* held.execute(sleep(20))
        })).pipe(Effect.timeout("300 millis"), Effect.ignore)
      )
      assert.deepStrictEqual(yield* pool.use((held) => held.query(`select count(*) as n from ${name}`)), [{ N: 0 }])
    }))

  it.live("may be a stream, whose cursor is closed then", () =>
    Effect.gen(function*() {
      const pool = yield* makePool({ max: 1 })
      const held = yield* pool.acquire()
      const stream = held.queryStream("select level as n from dual connect by level <= 500", [], { fetchArraySize: 5 })
      const slow = Stream.runDrain(Stream.mapEffect(stream, () => Effect.sleep("20 millis")))
      yield* Effect.ignore(Effect.timeout(slow, "150 millis"))
      assert.deepStrictEqual(yield* held.query(one), [{ ONE: 1 }])
    }))

  it.live("is one that outlives its lease, too", () =>
    Effect.gen(function*() {
      const pool = yield* makePool({ max: 1 })
      const held = yield* pool.acquire()
      const fiber = yield* Effect.forkChild(Effect.exit(held.execute(sleep(20))))
      yield* Effect.sleep("100 millis")
      const [took] = yield* Effect.timed(pool.release(held))
      assert.isBelow(Duration.toMillis(took), 5000)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)))
      assert.deepStrictEqual(yield* pool.use((next) => next.query(one)), [{ ONE: 1 }])
    }))
})

describe.skipIf(isReal)("a server that does not answer", () => {
  /** From now on nothing comes from the server on any connection there is, and the connections stay. */
  const silence = Fault.cut({ direction: "toClient", after: 0, since: "now", then: "hang", times: 1 })

  it.live("loses the session whose call was interrupted, in bounded time", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1, pingTimeout: "300 millis", closeTimeout: "300 millis" })
      yield* pool.use((held) => held.ping)
      const fault = yield* server.inject(silence)
      const [took] = yield* Effect.timed(Effect.exit(
        pool.use((held) => Effect.timeout(held.query(one), "100 millis"))
      ))
      assert.isBelow(Duration.toMillis(took), 3000)
      yield* fault.remove
      assert.deepStrictEqual(yield* pool.use((held) => held.query(one)), [{ ONE: 1 }])
      yield* Effect.sleep("1 second")
      assert.strictEqual((yield* server.counters).openConnections, 1)
    }))

  it.live("holds up neither a statement of a transaction, nor its commit, nor its rollback", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1, pingTimeout: "300 millis", closeTimeout: "300 millis" })
      yield* server.script("create table t (n number)")
      for (const end of [Effect.void, Effect.fail("no"), Effect.never]) {
        yield* pool.use((held) => held.ping)
        const [took, exit] = yield* Effect.timed(Effect.exit(
          pool.use((held) =>
            held.withTransaction(Effect.gen(function*() {
              yield* held.execute("insert into t values (1)")
              yield* server.inject(silence)
              if (end === Effect.never) yield* held.query(one)
              yield* end
            }))
          ).pipe(Effect.timeout("100 millis"))
        ))
        assert.isTrue(Exit.isFailure(exit))
        assert.isBelow(Duration.toMillis(took), 3000)
        yield* server.clearFaults
        assert.deepStrictEqual(yield* pool.use((held) => held.query(one)), [{ ONE: 1 }])
        assert.strictEqual((yield* pool.statistics).opened, 1)
      }
    }))

  it.live("ends a call that has a call timeout", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      const error = yield* Effect.flip(pool.use((held) =>
        Effect.gen(function*() {
          yield* held.setCallTimeout("100 millis")
          yield* server.inject(silence)
          return yield* held.query(one)
        })
      ))
      assert.isTrue(error._tag === "OracleError" && error.isSessionFatal)
      yield* server.clearFaults
      assert.deepStrictEqual(yield* pool.use((held) => held.query(one)), [{ ONE: 1 }])
    }))

  it.live("does not keep an abandoned attempt to connect", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({
        openTimeout: "300 millis",
        getMode: "timedWait",
        waitTimeout: "500 millis"
      })
      yield* server.inject(Fault.hang({ on: "authPhaseOne", times: Infinity }))
      const error = yield* Effect.flip(pool.use((held) => held.ping))
      assert.include(["AcquireTimeoutError", "OpenSessionError"], error._tag)
      yield* pool.close({ force: true })
      yield* Effect.sleep("200 millis")
      assert.strictEqual((yield* server.counters).openConnections, 0)
      // What the driver does with a connection that is collected as garbage must not throw: nothing could catch it.
      collectGarbage()
      yield* Effect.sleep("50 millis")
    }))

  it.live("does not hold up a forced close", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched()
      const held = yield* pool.acquire()
      yield* server.inject(Fault.hang({ on: "execute" }))
      const fiber = yield* Effect.forkChild(Effect.exit(held.query(one)))
      yield* Effect.sleep("100 millis")
      const [took] = yield* Effect.timed(pool.close({ force: true }))
      assert.isBelow(Duration.toMillis(took), 2000)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)))
      yield* Effect.sleep("200 millis")
      assert.strictEqual((yield* server.counters).openConnections, 0)
    }))
})
