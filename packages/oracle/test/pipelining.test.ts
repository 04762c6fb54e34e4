/** Statements that go to the server together: the same values, one round trip, and nobody's trouble is another's. */
import { assert, describe, it } from "@effect/vitest"
import { OracleBind, type OracleConnection, OracleStatement } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Effect, Exit, Fiber, Result, Schema } from "effect"
import { isReal } from "./database.ts"
import { watched } from "./watchedPool.ts"

const together = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, OracleStatement.Pipelining, true)

const number = (connection: OracleConnection.OracleConnection, n: number) =>
  Effect.map(connection.query("select :n as n from dual", { n }), ([row]) => row?.["N"])

/** Every kind of column whose value depends on how the driver is asked for it. */
const manyTypes = `select
  9007199254740993 as big, 0.1 as tenth, 1e-30 as small, date '0001-01-01' as year_one, date '2024-02-29' as day,
  timestamp '2024-02-29 12:34:56.789' as moment, to_clob(rpad('x', 5000, 'y')) as text, hextoraw('00ff') as bytes,
  cast(null as number) as nothing, cast(1.5 as binary_double) as real from dual`

describe.skipIf(isReal)("a pipeline", () => {
  it.live("gives what each statement gives by itself, on a server with pipelines and on one without", () =>
    Effect.gen(function*() {
      for (const protocol of [{}, { fieldVersion: 14, netVersion: 318, endOfResponse: false }]) {
        const { pool } = yield* watched({ numbers: "string" }, { protocol })
        yield* pool.use((connection) =>
          Effect.gen(function*() {
            const alone = yield* connection.query(manyTypes)
            const [first, second, third] = yield* connection.pipeline([
              OracleStatement.query(manyTypes),
              OracleStatement.query("select :n as n from dual", { n: 7 }, {
                schema: Schema.Struct({ N: Schema.FiniteFromString })
              }),
              OracleStatement.query(manyTypes, [], { numbers: "bigDecimal" })
            ])
            assert.deepStrictEqual(first, alone)
            assert.deepStrictEqual(second, [{ N: 7 }])
            assert.deepStrictEqual(third, yield* connection.query(manyTypes, [], { numbers: "bigDecimal" }))
          })
        )
      }
    }))

  it.live("runs every statement, fails with the first failure and names its statement, or gives each outcome", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched()
      yield* pool.use((connection) => connection.execute("create table piped (id number primary key)"))
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          const statements = [
            OracleStatement.execute("insert into piped values (1)"),
            OracleStatement.execute("insert into piped values (1)"),
            OracleStatement.executeMany("insert into piped values (:1)", [[2], [3]]),
            OracleStatement.query("select count(*) as n from piped")
          ] as const
          const error = yield* Effect.flip(connection.pipeline(statements))
          assert.isTrue(error._tag === "OracleError" && error.codes.includes("ORA-00001"))
          assert.strictEqual(error._tag === "OracleError" ? error.sql : "", "insert into piped values (1)")
          assert.deepStrictEqual(yield* connection.query("select count(*) as n from piped"), [{ N: 3 }])
          yield* connection.rollback
          const outcomes = yield* connection.pipeline(statements, { mode: "result" })
          assert.deepStrictEqual(outcomes.map((outcome) => outcome._tag), ["Success", "Failure", "Success", "Success"])
          assert.deepStrictEqual(outcomes[3], Result.succeed([{ N: 3 }]))
          // Nothing is committed when one has failed.
          yield* connection.pipeline([statements[1]], { mode: "result", commit: true })
          yield* connection.rollback
          yield* connection.pipeline([statements[0], statements[2]], { commit: true })
          yield* connection.rollback
          assert.deepStrictEqual(yield* connection.query("select count(*) as n from piped"), [{ N: 3 }])
        })
      )
    }))

  it.live("tells the server of a changed context before the statements that are called after the change", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched()
      yield* pool.use((connection) => {
        const tenant = Effect.map(
          connection.query("select sys_context('clientcontext', 'tenant') as t from dual"),
          ([row]) => row?.["T"]
        )
        const found = Effect.all([
          tenant,
          Effect.as(connection.setContext({ attributes: { tenant: "one" } }), undefined),
          tenant,
          tenant
        ], { concurrency: "unbounded" })
        return Effect.map(together(found), (all) => assert.deepStrictEqual(all, [null, undefined, "one", "one"]))
      })
    }))

  it.live("fails as a lost connection when its session was ended", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched()
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          yield* connection.ping
          for (const session of yield* server.sessions) yield* server.kill(session.sid, session.serial)
          const outcomes = yield* connection.pipeline([
            OracleStatement.query("select 1 as n from dual"),
            OracleStatement.query("select 2 as n from dual")
          ], { mode: "result" })
          for (const outcome of outcomes) {
            const error = Result.isFailure(outcome) ? outcome.failure : undefined
            assert.isTrue(error?._tag === "OracleError" && error.reason._tag === "ConnectionError", String(error))
          }
          // What comes later does not wait for an answer that nothing gives.
          const later = yield* Effect.flip(together(number(connection, 3)))
          assert.isTrue(later._tag === "OracleError" && later.reason._tag === "ConnectionError", String(later))
        })
      )
      assert.strictEqual(yield* pool.use((connection) => number(connection, 7)), 7)
    }))

  it.live("is one round trip for statements that are ready together", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ min: 1 })
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          yield* connection.ping
          const count = Effect.map(
            server.requests,
            (requests) => requests.filter((request) => request.function === "pipelineEnd").length
          )
          const before = yield* count
          const found = yield* together(
            Effect.forEach(Array.from({ length: 20 }, (_, n) => n), (n) => number(connection, n), {
              concurrency: "unbounded"
            })
          )
          assert.deepStrictEqual(found, Array.from({ length: 20 }, (_, n) => n))
          assert.strictEqual((yield* count) - before, 1)
          // What waits while a call runs goes together, too; and off is off.
          const running = yield* Effect.forkChild(connection.execute("begin dbms_session.sleep(0.1); end;"))
          yield* Effect.yieldNow
          yield* together(Effect.forEach([1, 2, 3], (n) => number(connection, n), { concurrency: "unbounded" }))
          yield* Fiber.join(running)
          assert.strictEqual((yield* count) - before, 2)
          yield* Effect.forEach([1, 2, 3], (n) => number(connection, n), { concurrency: "unbounded" })
          assert.strictEqual((yield* count) - before, 2)
        })
      )
    }))

  it.live("keeps the order of statements around one that cannot be part of it", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched()
      yield* pool.use((connection) => connection.execute("create table ordered (id number, text clob)"))
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          const [, , counts, [long]] = yield* connection.pipeline([
            OracleStatement.execute("insert into ordered values (1, 'short')"),
            OracleStatement.execute("insert into ordered values (2, :text)", { text: "ö".repeat(40_000) }),
            OracleStatement.query("select count(*) as n from ordered"),
            OracleStatement.query("select text from ordered where id = 2"),
            OracleStatement.execute("begin delete from ordered; end;"),
            OracleStatement.query("select count(*) as n from ordered")
          ])
          assert.deepStrictEqual(counts, [{ N: 2 }])
          assert.strictEqual(long?.["TEXT"], "ö".repeat(40_000))
          assert.deepStrictEqual(yield* connection.query("select count(*) as n from ordered"), [{ N: 0 }])
        })
      )
    }))

  it.live("sends nothing of a statement whose bind is wrong, and all of the others", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched()
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          const outcomes = yield* connection.pipeline([
            OracleStatement.query("select :n as n from dual", { n: 1 }),
            OracleStatement.query("select :n as n from dual", { n: Infinity }),
            OracleStatement.query("select :d as d from dual", { d: new Date(Number.NaN) }),
            OracleStatement.query("select :n as n from dual", { n: 4 })
          ], { mode: "result" })
          assert.deepStrictEqual(outcomes.map((outcome) => outcome._tag), ["Success", "Failure", "Failure", "Success"])
          assert.strictEqual(yield* number(connection, 5), 5)
        })
      )
      assert.strictEqual((yield* pool.statistics).opened, 1)
    }))

  it.live("lets a fiber leave without harm to the others, and is broken when the last has left", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      const slow = yield* server.inject(Fault.delay({ sql: /slow/, milliseconds: 400, times: 9 }))
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          const fibers = yield* together(Effect.forEach(
            ["select 1 as n from dual", "select /* slow */ 2 as n from dual", "select 3 as n from dual"],
            (sql) => Effect.forkChild(connection.query(sql))
          ))
          yield* Effect.sleep("50 millis")
          yield* Fiber.interrupt(fibers[0]!)
          assert.deepStrictEqual(yield* Fiber.join(fibers[2]!), [{ "N": 3 }])
          assert.deepStrictEqual(yield* Fiber.join(fibers[1]!), [{ "N": 2 }])
          const all = yield* Effect.forkChild(together(
            Effect.forEach([1, 2, 3], (n) => connection.query(`select /* slow */ ${n} as n from dual`), {
              concurrency: "unbounded"
            })
          ))
          yield* Effect.sleep("50 millis")
          yield* Fiber.interrupt(all)
          const exit = yield* Fiber.await(all)
          assert.isTrue(Exit.hasInterrupts(exit))
          assert.strictEqual(yield* number(connection, 5), 5)
        })
      )
      yield* slow.remove
      assert.strictEqual(yield* pool.use((connection) => number(connection, 6)), 6)
    }))

  it.live("ends with the lease", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      yield* server.inject(Fault.delay({ sql: /slow/, milliseconds: 300 }))
      const connection = yield* pool.acquire()
      const running = yield* Effect.forkChild(Effect.exit(together(
        Effect.forEach([1, 2], (n) => connection.query(`select /* slow */ ${n} as n from dual`), {
          concurrency: "unbounded"
        })
      )))
      yield* Effect.sleep("50 millis")
      yield* pool.release(connection)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(running)))
      assert.strictEqual(yield* pool.use((next) => number(next, 6)), 6)
    }))

  it.live("is bounded by the call timeout, by one timer for all of it", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      yield* server.inject(Fault.delay({ sql: /slow/, milliseconds: 3000 }))
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          yield* connection.setCallTimeout("200 millis")
          const outcomes = yield* connection.pipeline([
            OracleStatement.query("select 1 as n from dual"),
            OracleStatement.query("select /* slow */ 2 as n from dual")
          ], { mode: "result" })
          assert.isTrue(Result.isFailure(outcomes[1]))
          assert.isTrue(
            Result.isFailure(outcomes[1]) && outcomes[1].failure._tag === "OracleError"
              && outcomes[1].failure.codes.includes("NJS-123")
          )
          yield* connection.setCallTimeout(0)
          assert.strictEqual(yield* number(connection, 5), 5)
        })
      )
    }))

  it.live("gives OUT binds and RETURNING as by itself", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched()
      yield* pool.use((connection) => connection.execute("create table numbered (id number, name varchar2(10))"))
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          const insert = (id: number) =>
            OracleStatement.execute("insert into numbered values (:id, 'x') returning id * 2 into :twice", {
              id,
              twice: OracleBind.returning("number")
            })
          const [first, second] = yield* connection.pipeline([insert(1), insert(2)])
          assert.deepStrictEqual([first.outBinds.twice, second.outBinds.twice], [[2], [4]])
          assert.deepStrictEqual([first.rowsAffected, second.rowsAffected], [1, 1])
        })
      )
    }))
})

describe.skipIf(isReal)("connection.driver", () => {
  it.live("reaches the driver's connection in turn, typed and interruptible, and leaves nothing to the next", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      const info = yield* pool.use((connection) =>
        connection.driver((driver) => driver.getStatementInfo("select 1 as one from dual"))
      )
      assert.deepStrictEqual(info.metaData?.map(({ name }) => name), ["ONE"])
      const failed = yield* Effect.flip(
        pool.use((connection) => connection.driver((driver) => driver.execute("select nothing from dual", [], {})))
      )
      assert.isTrue(failed._tag === "OracleError" && failed.reason._tag === "SqlSyntaxError")
      yield* pool.use((connection) =>
        connection.driver(async (driver) => {
          driver.clientId = "alice"
          driver.callTimeout = 50
          await driver.ping()
        })
      )
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          const [row] = yield* connection.query("select sys_context('userenv', 'client_identifier') as who from dual")
          assert.isNull(row?.["WHO"])
          yield* connection.execute("begin dbms_session.sleep(0.2); end;")
          const sleeping = yield* Effect.forkChild(
            connection.driver((driver) => driver.execute("begin dbms_session.sleep(20); end;", [], {}))
          )
          yield* Effect.sleep("100 millis")
          yield* Fiber.interrupt(sleeping)
          assert.strictEqual(yield* number(connection, 5), 5)
        })
      )
      assert.lengthOf(yield* server.sessions, 1)
    }))
})
