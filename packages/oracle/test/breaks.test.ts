import { assert, describe, it } from "@effect/vitest"
import { Fault } from "@sessionpool/oracle-server"
import { Effect, Exit, Fiber, Scope } from "effect"
import { isReal } from "./database.ts"
import { relayed } from "./relay.ts"
import { active, endless, until, watched } from "./watchedPool.ts"

const one = "select 1 as one from dual"

describe.skipIf(isReal)("a break", () => {
  it.live("is one for all who want it: two statements under one timeout (A14)", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* relayed({ max: 1 })
      yield* pool.use((held) => held.ping)
      yield* server.clearRequests
      const exit = yield* Effect.exit(pool.use((held) =>
        Effect.timeout(
          Effect.all([held.execute(endless), held.execute(endless)], { concurrency: "unbounded" }),
          "100 millis"
        )
      ))
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(yield* pool.use((held) => held.query(one)), [{ ONE: 1 }])
      const breaks = (yield* server.requests).filter((request) => request.function === "break")
      assert.lengthOf(breaks, 1)
      assert.deepInclude((yield* pool.statistics).totals, { opened: 1, closed: 0 })
    }))

  it.live("is one for all who want it: an interruption and the end of the lease (A14)", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* relayed({ max: 1 })
      for (let round = 0; round < 5; round++) {
        const scope = yield* Scope.make()
        const held = yield* Scope.provide(pool.acquire(), scope)
        const fiber = yield* Effect.forkDetach(held.execute(endless))
        yield* active(server, 1)
        fiber.interruptUnsafe()
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(yield* pool.use((next) => next.query(one)), [{ ONE: 1 }])
        yield* Fiber.await(fiber)
      }
      assert.deepInclude((yield* pool.statistics).totals, { opened: 1, closed: 0 })
    }))

  it.live("has its own limit, whatever the holder's is (C10)", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      yield* server.script("create table t (n number)")
      yield* server.inject(Fault.delay({ milliseconds: 120, on: ["ping", "rollback"], times: Infinity }))
      yield* pool.use((held) =>
        Effect.gen(function*() {
          yield* held.setCallTimeout("80 millis")
          const fiber = yield* Effect.forkChild(held.execute(endless))
          yield* active(server, 1)
          yield* Fiber.interrupt(fiber)
          yield* held.execute("insert into t values (1)")
          yield* Effect.ignore(
            held.withTransaction(Effect.andThen(held.execute("insert into t values (2)"), Effect.fail("no")))
          )
          yield* held.execute("insert into t values (3)")
        })
      )
      assert.deepStrictEqual(yield* pool.use((held) => held.query("select n from t")), [])
      assert.deepInclude((yield* pool.statistics).totals, { opened: 1, closed: 0 })
    }))

  it.live("of a call timeout has time to be answered over a slow network (C10)", () =>
    Effect.gen(function*() {
      const { pool } = yield* relayed({ max: 1, delay: 40 })
      const error = yield* Effect.flip(
        pool.use((held) => Effect.andThen(held.setCallTimeout("10 millis"), held.execute(endless)))
      )
      assert.strictEqual(error._tag === "OracleError" && error.reason._tag, "StatementTimeoutError")
      assert.deepStrictEqual(yield* pool.use((held) => held.query(one)), [{ ONE: 1 }])
      assert.deepInclude((yield* pool.statistics).totals, { opened: 1, closed: 0 })
    }))

  it.live("is bounded by the limit that the pool has at the time (C10)", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1, pingTimeout: "1 hour", closeTimeout: "100 millis" })
      yield* server.script("create table t (n number)")
      yield* pool.use((held) => held.ping)
      yield* pool.reconfigure({ pingTimeout: "100 millis" })
      yield* server.inject(Fault.hang({ on: "rollback" }))
      const failed = yield* Effect.exit(
        pool.use((held) =>
          held.withTransaction(Effect.andThen(held.execute("insert into t values (1)"), Effect.fail("no")))
        )
      )
      assert.isTrue(Exit.isFailure(failed))
      assert.deepStrictEqual(yield* pool.use((held) => held.query("select n from t")), [])
    }))

  it.live("does not end the next execution of a query that it has hit between two round trips (S8)", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* relayed({ max: 1 })
      yield* server.script("create table docs (body clob); insert into docs values ('once upon a time')")
      const read = "select body from docs"
      // The first execution asks for the columns, the second defines how they are read.
      const fault = yield* server.inject(Fault.hang({ sql: "docs", skip: 1 }))
      const fiber = yield* Effect.forkChild(pool.use((held) => held.query(read)))
      yield* until(Effect.map(fault.hits, (hits) => hits === 1))
      yield* Fiber.interrupt(fiber)
      for (let round = 0; round < 3; round++) {
        assert.deepStrictEqual(yield* pool.use((held) => held.query(read)), [{ BODY: "once upon a time" }])
      }
      assert.deepInclude((yield* pool.statistics).totals, { opened: 1, closed: 0 })
    }))

  it.live("of a call timeout does not either (S8)", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      yield* server.script("create table docs (body clob); insert into docs values ('once upon a time')")
      const read = "select body from docs"
      yield* server.inject(Fault.hang({ sql: "docs", skip: 1 }))
      const error = yield* Effect.flip(
        pool.use((held) => Effect.andThen(held.setCallTimeout("50 millis"), held.query(read)))
      )
      assert.strictEqual(error._tag === "OracleError" && error.reason._tag, "StatementTimeoutError")
      for (let round = 0; round < 3; round++) {
        assert.deepStrictEqual(yield* pool.use((held) => held.query(read)), [{ BODY: "once upon a time" }])
      }
    }))

  it.live("leaves no temporary LOB behind (D11)", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* relayed({ max: 1 })
      for (let round = 0; round < 20; round++) {
        yield* server.clearRequests
        const fiber = yield* Effect.forkChild(pool.use((held) => held.createLob("clob", "once upon a time")))
        // The creation, for the first also the question for the size of a chunk, and the write, on their way there or back.
        const step = round % 3
        yield* until(Effect.map(
          server.requests,
          (requests) => requests.filter((request) => request.function === "lobOperation").length >= step
        ))
        yield* Fiber.interrupt(fiber)
      }
      yield* pool.use((held) => held.ping)
      const [session] = yield* server.sessions
      assert.strictEqual(session?.temporaryLobs, 0)
      assert.deepInclude((yield* pool.statistics).totals, { opened: 1, closed: 0 })
    }))
})

describe.skipIf(isReal)("a session", () => {
  it.live("ends with its lease when it has no cursor left (F36)", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      yield* server.inject(Fault.error({ code: 1000, message: "maximum open cursors exceeded", sql: "one" }))
      const error = yield* Effect.flip(pool.use((held) => held.query(one)))
      assert.strictEqual(error._tag === "OracleError" && error.code, "ORA-01000")
      assert.deepStrictEqual(yield* pool.use((held) => held.query(one)), [{ ONE: 1 }])
      assert.deepInclude((yield* pool.statistics).totals, { opened: 2, closed: 1 })
    }))

  it.live("ends after a bounded number of answers that breaks have lost (F36)", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      for (let round = 1; round <= 100; round++) {
        const fault = yield* server.inject(Fault.hang({ on: "execute" }))
        const fiber = yield* Effect.forkChild(pool.use((held) => held.query(one)))
        yield* until(Effect.map(fault.hits, (hits) => hits === 1))
        yield* Fiber.interrupt(fiber)
        const { totals } = yield* pool.statistics
        if (round < 100) assert.deepInclude(totals, { opened: 1, closed: 0 })
      }
      assert.deepStrictEqual(yield* pool.use((held) => held.query(one)), [{ ONE: 1 }])
      assert.deepInclude((yield* pool.statistics).totals, { opened: 2, closed: 1 })
    }))

  it.live("is not lent again after a defect of the driver, alone or in a pipeline (S7)", () =>
    Effect.gen(function*() {
      for (const pipelining of [false, true]) {
        const { pool } = yield* watched({ max: 1, pipelining })
        const defect = new TypeError("Cannot read properties of undefined (reading 'values')")
        const error = yield* Effect.flip(pool.use((held) => {
          Object.assign(held.caller.session.attached!, { execute: () => Promise.reject(defect) })
          return held.query(one)
        }))
        assert.isTrue(error._tag === "OracleError" && error.isSessionFatal)
        assert.deepStrictEqual(yield* pool.use((held) => held.query(one)), [{ ONE: 1 }])
        assert.deepInclude((yield* pool.statistics).totals, { opened: 2, closed: 1 })
      }
    }))

  it.live("takes a call timeout that is longer than a timer can be (A23)", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      yield* server.inject(Fault.delay({ milliseconds: 30, sql: "one" }))
      const rows = yield* pool.use((held) => Effect.andThen(held.setCallTimeout("25 days"), held.query(one)))
      assert.deepStrictEqual(rows, [{ ONE: 1 }])
      assert.deepInclude((yield* pool.statistics).totals, { opened: 1, closed: 0 })
    }))
})
