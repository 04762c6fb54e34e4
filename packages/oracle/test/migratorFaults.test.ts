import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OracleMigrator } from "@sessionpool/oracle"
import { Deferred, Duration, Effect, Fiber } from "effect"
import { prepared, statement } from "./preparedMigrator.ts"

const kindAndMessage = (error: { readonly _tag: string; readonly message: string; readonly kind?: string }) => [
  error.kind ?? error._tag,
  error.message
]

/** By the connection itself, past the SQL client. */
const byConnection = (...texts: ReadonlyArray<string>) =>
  Effect.flatMap(
    OracleClient.OracleClient,
    (client) =>
      client.useConnection((connection) => Effect.forEach(texts, (text) => connection.execute(text), { discard: true }))
  )

describe("sessions of the migrator", () => {
  it.live("are enough for several runs at once on a pool of four, one after the other (H6)", () =>
    Effect.gen(function*() {
      const { name, pool, run } = yield* prepared
      for (const [index, max] of [4, 3].entries()) {
        yield* pool.reconfigure({ max })
        const migrations = {
          [`${index + 1}_t`]: Effect.andThen(
            Effect.sleep("20 millis"),
            statement(`create table ${name(`t${max}`)} (id number)`)
          )
        }
        const ran = yield* Effect.all([run(migrations), run(migrations), run(migrations)], { concurrency: "unbounded" })
        assert.deepStrictEqual(ran.map(({ length }) => length).sort(), [0, 0, 1])
        assert.strictEqual((yield* pool.statistics).busy, 0)
      }
    }))

  it.live("that others hold are waited for no longer than lockTimeout, and nothing is locked meanwhile (H6)", () =>
    Effect.gen(function*() {
      const { pool, run, sql, table } = yield* prepared
      yield* pool.reconfigure({ max: 4 })
      yield* run({})
      const released = yield* Deferred.make<void>()
      const holders = yield* Effect.forEach([1, 2], () => Effect.forkChild(pool.use(() => Deferred.await(released))))
      yield* Effect.repeat(Effect.yieldNow, { until: () => Effect.map(pool.statistics, ({ busy }) => busy === 2) })
      const error = yield* Effect.flip(run({ "1_a": Effect.void }, { lockTimeout: "150 millis" }))
      const [kind, message] = kindAndMessage(error)
      assert.strictEqual(kind, "Locked")
      assert.match(String(message), /could not take 3 sessions of the pool .* within 150ms \(lockTimeout\).* max is 4/)
      assert.strictEqual((yield* pool.statistics).busy, 2)
      // A lock that had been taken would fail this at once.
      yield* sql.withTransaction(sql`select id from ${sql(`${table}_lock`)} where id = 1 for update nowait`)
      yield* Deferred.succeed(released, undefined)
      yield* Effect.forEach(holders, Fiber.join)
      assert.deepStrictEqual(yield* run({ "1_a": Effect.void }), [[1, "a"]])
    }))

  it.live("are waited for in turn no longer than lockTimeout, without a session of their own (H6)", () =>
    Effect.gen(function*() {
      const { pool, run } = yield* prepared
      const begun = yield* Deferred.make<void>()
      const slow = yield* Effect.forkChild(
        run({ "1_slow": Effect.andThen(Deferred.succeed(begun, undefined), Effect.never) })
      )
      yield* Deferred.await(begun)
      const { busy } = yield* pool.statistics
      const error = yield* Effect.flip(run({ "1_slow": Effect.void }, { lockTimeout: 100 }))
      assert.match(String(kindAndMessage(error)), /Locked,Another migrator of the pool .* is running/)
      assert.strictEqual((yield* pool.statistics).busy, busy)
      yield* Fiber.interrupt(slow)
      assert.deepStrictEqual(yield* run({ "1_slow": Effect.void }), [[1, "slow"]])
    }))
})

describe("a migration that fails", () => {
  const stays = (work: (table: string) => ReadonlyArray<string>) =>
    Effect.scoped(Effect.gen(function*() {
      const { name, provided, records, run, sql } = yield* prepared
      const people = name("people")
      yield* sql`create table ${sql(people)} (id number)`
      const broken = {
        "1_work": provided(Effect.andThen(byConnection(...work(people)), Effect.fail("no")))
      }
      const error = yield* Effect.flip(run(broken))
      const [record] = yield* records
      const rows = yield* sql`select id from ${sql(people)}`.values
      return { message: error.message, record, rows, again: yield* Effect.exit(run({ "1_work": Effect.void })) }
    }))

  it.live("after a commit by its connection is half-applied (H7)", () =>
    Effect.gen(function*() {
      for (
        const work of [
          (table: string) => [`insert into ${table} values (1)`, `create table ${table}_2 (id number)`],
          (table: string) => [`<<outside>> begin insert into ${table} values (1); commit; end;`],
          // The mark is gone with the rollback, and another transaction was committed.
          (table: string) => ["rollback", `insert into ${table} values (1)`, "commit"]
        ]
      ) {
        const { again, message, record, rows } = yield* stays(work)
        assert.match(message, /is half-applied/)
        assert.deepStrictEqual(rows, [[1]])
        assert.strictEqual(record?.state, "failed")
        assert.strictEqual(again._tag, "Failure")
      }
    }))

  it.live("without one is undone whole, blocks included, and may run again (H7)", () =>
    Effect.gen(function*() {
      const { again, message, record, rows } = yield* stays((table) => [
        `insert into ${table} values (1)`,
        `begin insert into ${table} values (2); end;`
      ])
      assert.match(message, /All of its work was undone/)
      assert.deepStrictEqual(rows, [])
      assert.isUndefined(record)
      assert.strictEqual(again._tag, "Success")
    }))

  it.live("is told half-applied also when its migrator died before it could say so (H7)", () =>
    Effect.gen(function*() {
      const { records, resolve, run, sql, table } = yield* prepared
      yield* run({})
      yield* sql`insert into ${sql(table)} (migration_id, name, state) values (7, 'died', 'running')`
      // Nothing of it was committed: it simply runs again.
      assert.deepStrictEqual(yield* run({ "7_died": Effect.void }), [[7, "died"]])
      yield* sql`update ${sql(table)} set state = 'running'`
      yield* sql`insert into ${sql(`${table}_lock`)} (id) values (-8)`
      assert.deepStrictEqual((yield* records).map(({ isHalfApplied }) => isHalfApplied), [true])
      assert.match((yield* Effect.flip(run({}))).message, /"7_died" is half-applied: it was interrupted, after/)
      yield* resolve(7, "again")
      assert.deepStrictEqual(yield* run({ "7_died": Effect.void }), [[7, "died"]])
      assert.deepStrictEqual((yield* records).map(({ isHalfApplied }) => isHalfApplied), [false])
    }))

  it.live("after ALTER SESSION is undone: that does not commit (H8)", () =>
    Effect.gen(function*() {
      const { name, records, run, sql } = yield* prepared
      const people = name("people")
      yield* sql`create table ${sql(people)} (id number)`
      const insert = Effect.andThen(
        statement("alter session set nls_date_format = 'YYYY'"),
        statement(`insert into ${people} values (1)`)
      )
      const error = yield* Effect.flip(run({ "1_rows": Effect.andThen(insert, Effect.fail("no")) }))
      assert.match(error.message, /All of its work was undone/)
      assert.deepStrictEqual(yield* run({ "1_rows": insert }), [[1, "rows"]])
      assert.deepStrictEqual((yield* records).map(({ committedSteps, steps }) => [steps, committedSteps]), [[2, 0]])
    }))
})

describe("what a run is given", () => {
  it.live("may be numbered by time stamps and named in any script (H9)", () =>
    Effect.gen(function*() {
      const { records, run } = yield* prepared
      const name = "€".repeat(100)
      assert.deepStrictEqual(yield* run({ [`20240115093000_${name}`]: Effect.void }), [[20240115093000, name]])
      assert.deepStrictEqual((yield* records).map((record) => [record.id, record.name, record.state]), [
        [20240115093000, name, "done"]
      ])
      const refused = (key: string) => Effect.map(Effect.flip(run({ [key]: Effect.void })), kindAndMessage)
      assert.match(String(yield* refused("99999999999999999999_a")), /BadState,.*must be an integer from 0 to/)
      assert.match(String(yield* refused(`20250101000000_${"x".repeat(256)}`)), /BadState,.*longer than 255/)
    }))

  it.live("is refused under the option's name, and nothing is changed (H9)", () =>
    Effect.gen(function*() {
      const { name, provided, records, resolve, run, sql } = yield* prepared
      const refused = (options: object) => Effect.map(Effect.flip(run({ "1_a": Effect.void }, options)), kindAndMessage)
      for (const lockTimeout of ["1 minit", -1, {}, Number.NaN, null]) {
        assert.match(String(yield* refused({ lockTimeout })), /BadState,.*lockTimeout must be a duration/)
      }
      for (const table of ["", 7, "a\"b"]) {
        assert.match(String(yield* refused({ table })), /BadState,.*option table must be/)
      }
      assert.deepStrictEqual(yield* run({ "1_a": Effect.void }, { lockTimeout: "infinity" }), [[1, "a"]])
      assert.deepStrictEqual(yield* run({ "2_b": Effect.void }, { lockTimeout: Duration.infinity }), [[2, "b"]])
      const half = { "3_c": Effect.andThen(statement(`create table ${name("c")} (id number)`), Effect.fail("no")) }
      yield* Effect.flip(run(half))
      const bogus = "bogus" as "done"
      assert.match((yield* Effect.flip(resolve(3, bogus))).message, /takes "done" or "again"; nothing was changed/)
      assert.strictEqual((yield* records).find(({ id }) => id === 3)?.state, "failed")

      const [row] = yield* sql<{ readonly owner: string }>`select user as owner from dual`
      const qualified = `${row!.owner.toLowerCase()}.${name("own")}`
      name("own_lock")
      assert.deepStrictEqual(yield* run({ "1_a": Effect.void }, { table: qualified }), [[1, "a"]])
      const found = yield* provided(OracleMigrator.records({ table: name("own") }))
      assert.deepStrictEqual(found.map(({ id }) => id), [1])
    }))
})
