import { assert, describe, it } from "@effect/vitest"
import { PoolError } from "@sessionpool/core"
import { OracleClient, OracleError } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Effect, Redacted } from "effect"
import { SqlError } from "effect/sql"
import { classify, commitFailed, toSqlError } from "../src/internal/sqlReason.ts"
import { embedded, isReal, table } from "./database.ts"
import { openClient, withPeople } from "./openClient.ts"

const reasonOf = <A>(effect: Effect.Effect<A, SqlError.SqlError>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

describe("reasons", () => {
  it("are those of the table, with its answer to retrying", () => {
    for (const [code, meaning] of OracleError.classifications) {
      const error = OracleError.fromDriver(Object.assign(new Error(`${code}: x`), { code }))
      const reason = classify(error, "execute")
      const own = meaning.reason === "ResourceError" || meaning.reason === "InterruptedError"
      assert.strictEqual(reason._tag, own ? "UnknownError" : error.reason._tag, code)
      assert.strictEqual(reason.isRetryable, error.isRetryable, code)
      const wrapped = new SqlError.SqlError({ reason })
      assert.strictEqual(wrapped.isRetryable, error.isRetryable, code)
      assert.strictEqual(wrapped.reason.cause, error)
    }
  })

  it("of the pool give its own answer to retrying (A11)", () => {
    const snapshot = { opened: 1, busy: 1, opening: 0, pending: 1, max: 1, leases: [] }
    const pool = "hr"
    const down = OracleError.fromDriver(Object.assign(new Error("NJS-511: x"), { code: "NJS-511" }))
    const errors = [
      new PoolError.PoolClosedError({ pool }),
      new PoolError.PoolBusyError({ pool, busy: 1 }),
      new PoolError.PoolExhaustedError({ pool, snapshot }),
      new PoolError.AcquireTimeoutError({ pool, waitedMillis: 1, request: "scott", snapshot }),
      new PoolError.QueueFullError({ pool, queueMax: 1, snapshot }),
      new PoolError.PoolOverloadedError({ pool, expectedWaitMillis: 1, targetMillis: 1, snapshot }),
      ...[true, false].map((isAuthentication) =>
        new PoolError.OpenSessionError({ pool, identity: "scott", isAuthentication, attempts: 1, cause: down })
      ),
      new PoolError.CredentialsNotAllowedError({ pool }),
      new PoolError.InvalidTagError({ pool, tag: "A", problem: "x" }),
      new PoolError.InvalidOptionsError({ pool, problems: [] }),
      new PoolError.ConnectionReleasedError({ pool, session: 1 })
    ]
    for (const error of errors) assert.strictEqual(toSqlError(error, "x").isRetryable, error.isRetryable, error._tag)
  })

  it("leave a SqlError as it is", () => {
    const error = toSqlError(new Error("x"), "execute")
    assert.strictEqual(toSqlError(error, "other"), error)
    assert.strictEqual(error.reason._tag, "ConnectionError")
    assert.isFalse(error.isRetryable)
  })

  it.live("name the constraint that was broken", () =>
    Effect.gen(function*() {
      const { people, pool, sql } = yield* withPeople()
      const name = yield* table(
        pool,
        "id number, kind varchar2(3) not null, constraint sp_uq unique (id), constraint sp_ck check (id > 0)"
      )
      yield* sql`insert into ${sql(name)} ${sql.insert({ id: 1, kind: "a" })}`
      const unique = yield* reasonOf(sql`insert into ${sql(name)} ${sql.insert({ id: 1, kind: "a" })}`)
      assert.match(unique._tag === "UniqueViolation" ? unique.constraint : "", /\.SP_UQ$/)
      const check = yield* reasonOf(sql`insert into ${sql(name)} ${sql.insert({ id: 0, kind: "a" })}`)
      assert.strictEqual(check._tag, "ConstraintError")
      assert.match(OracleError.isOracleError(check.cause) ? check.cause.constraint ?? "" : "", /\.SP_CK$/)
      const missing = yield* reasonOf(sql`insert into ${sql(people)} ${sql.insert({ age: 1 })}`)
      assert.strictEqual(missing._tag, "ConstraintError")
      assert.match(missing.message ?? "", /FIRST_NAME/)
    }))

  it.live("tell syntax from everything else", () =>
    Effect.gen(function*() {
      const { sql } = yield* openClient()
      assert.strictEqual((yield* reasonOf(sql`selec 1 from dual`))._tag, "SqlSyntaxError")
      assert.strictEqual((yield* reasonOf(sql`select 1 from sp_nothing_here`))._tag, "SqlSyntaxError")
      const caught = yield* sql`select 1 from sp_nothing_here`.pipe(
        Effect.as("found"),
        Effect.catchReason("SqlError", "SqlSyntaxError", () => Effect.succeed("caught"))
      )
      assert.strictEqual(caught, "caught")
    }))

  it.live("name a wait for a lock", () =>
    Effect.gen(function*() {
      const { people, sql } = yield* withPeople()
      yield* sql`insert into ${sql(people)} ${sql.insert({ firstName: "Ada" })}`
      const reason = yield* sql.withTransaction(Effect.andThen(
        sql`update ${sql(people)} set age = 1`,
        sql.useConnection(() =>
          reasonOf(Effect.scoped(Effect.flatMap(sql.reserve, (other) =>
            Effect.andThen(
              other.execute("savepoint here", [], undefined),
              other.execute(`select id from ${people} for update nowait`, [], undefined)
            ))))
        )
      ))
      assert.strictEqual(reason._tag, "LockTimeoutError")
      assert.isTrue(reason.isRetryable)
    }))

  it.live("tell a refused password from a database that is away", () =>
    Effect.gen(function*() {
      if (isReal) return
      const { connect, server } = yield* embedded()
      const open = (password: string) =>
        Effect.gen(function*() {
          const sql = yield* OracleClient.OracleClient
          return yield* sql`select 1 from dual`
        }).pipe(
          Effect.provide(OracleClient.layer({ ...connect, password: Redacted.make(password), getMode: "timedWait" }))
        )
      const refused = yield* reasonOf(open("wrong"))
      assert.strictEqual(refused._tag, "AuthenticationError")
      assert.isFalse(refused.isRetryable)
      yield* server.shutdown()
      const away = yield* reasonOf(open("tiger"))
      assert.strictEqual(away._tag, "ConnectionError")
    }))
})

describe("a failed commit", () => {
  const failing = (text: string, fields: object) =>
    commitFailed(OracleError.fromDriver(Object.assign(new Error(text), fields), { operation: "commit" }))

  it("is unknown in its outcome when the answer was lost", () => {
    const lost = failing("ORA-03113: end-of-file on communication channel", { errorNum: 3113 })
    assert.strictEqual(lost.outcome, "unknown")
    assert.isFalse(lost.isRetryable)
    assert.isTrue(SqlError.isSqlErrorReason(lost))
    assert.strictEqual(failing("ORA-02054: transaction in-doubt", { errorNum: 2054 }).outcome, "unknown")
  })

  it("is rolled back when the database says so, and names the deferred constraint", () => {
    const undone = failing("ORA-02091: transaction rolled back\nORA-00001: unique constraint (HR.UQ) violated", {
      errorNum: 2091
    })
    assert.strictEqual(undone.outcome, "rolled back")
    assert.strictEqual(undone.constraint, "HR.UQ")
    assert.strictEqual(OracleError.isOracleError(undone.cause) && undone.cause.reason._tag, "UniqueViolation")
  })

  it.live("reaches the caller of withTransaction as a reason of its own", () =>
    Effect.gen(function*() {
      if (isReal) return
      const { connect, server } = yield* embedded()
      yield* server.script("create table t (id number)")
      const committing = (fault: Fault.Fault) =>
        Effect.gen(function*() {
          const sql = yield* OracleClient.OracleClient
          return yield* sql.withTransaction(Effect.gen(function*() {
            yield* sql`insert into t values (1)`
            yield* server.inject(fault)
          }))
        }).pipe(
          Effect.as("committed"),
          OracleClient.catchCommitFailed((reason) => Effect.succeed(reason.outcome)),
          Effect.provide(OracleClient.layer(connect))
        )
      assert.strictEqual(yield* committing(Fault.error({ on: "commit", code: 2091 })), "rolled back")
      assert.strictEqual(yield* committing(Fault.disconnect({ on: "commit", when: "after" })), "unknown")
      assert.strictEqual(yield* committing(Fault.disconnect({ on: "commit", when: "before" })), "unknown")
    }))
})
