import { assert, describe, it } from "@effect/vitest"
import { OracleMigrator } from "@sessionpool/oracle"
import { Deferred, Effect, Fiber, FileSystem, Path } from "effect"
import { fileURLToPath } from "node:url"
import { prepared, statement } from "./preparedMigrator.ts"

describe("run", () => {
  it.live("runs what is new, once, in the order of the numbers", () =>
    Effect.gen(function*() {
      const { name, records, run, sql } = yield* prepared
      const people = name("people")
      const first = { "1_people": statement(`create table ${people} (id number)`) }
      assert.deepStrictEqual(yield* run(first), [[1, "people"]])
      assert.deepStrictEqual(yield* run(first), [])
      const all = {
        "10_more": statement(`insert into ${people} values (2)`),
        "2_some": statement(`insert into ${people} values (1)`),
        ...first
      }
      assert.deepStrictEqual(yield* run(all), [[2, "some"], [10, "more"]])
      assert.deepStrictEqual(yield* sql`select id from ${sql(people)} order by id`.values, [[1], [2]])
      const found = yield* records
      assert.deepStrictEqual(
        found.map(({ committedSteps, id, name, state, steps }) => [id, name, state, steps, committedSteps]),
        [
          [1, "people", "done", 1, 1],
          [2, "some", "done", 1, 0],
          [10, "more", "done", 1, 0]
        ]
      )
      assert.instanceOf(found[0]?.createdAt, Date)
    }))

  it.live("undoes a migration without DDL that fails, and runs it again", () =>
    Effect.gen(function*() {
      const { name, records, run, sql } = yield* prepared
      const people = name("people")
      const create = { "1_people": statement(`create table ${people} (id number)`) }
      const insert = statement(`insert into ${people} values (1)`)
      const error = yield* Effect.flip(run({ ...create, "2_rows": Effect.andThen(insert, Effect.fail("no")) }))
      assert.strictEqual(error._tag, "MigrationError")
      assert.match(error.message, /"2_rows" failed\. All of its work was undone/)
      assert.deepStrictEqual(yield* sql`select * from ${sql(people)}`, [])
      assert.deepStrictEqual((yield* records).map(({ id }) => id), [1])
      assert.deepStrictEqual(yield* run({ ...create, "2_rows": insert }), [[2, "rows"]])
    }))

  it.live("stops at a migration that is half-applied until it is resolved", () =>
    Effect.gen(function*() {
      const { name, records, resolve, run } = yield* prepared
      const [one, two] = [name("one"), name("two")]
      const broken = {
        "1_both": Effect.andThen(
          statement(`create table ${one} (id number)`),
          statement(`create table ${two} (id nothing)`)
        )
      }
      const failed = yield* Effect.flip(run(broken))
      assert.match(failed.message, /half-applied: it failed in step 2 \(create table .*_two \(id nothing\)\)/)
      const [record] = yield* records
      assert.deepStrictEqual([record?.state, record?.steps, record?.committedSteps], ["failed", 2, 2])
      const refused = yield* Effect.flip(run(broken))
      assert.strictEqual(refused._tag === "MigrationError" && refused.kind, "BadState")
      assert.match(refused.message, /half-applied: it failed in step 2/)
      yield* resolve(1, "again")
      const repaired = { "1_both": statement(`create table ${two} (id number)`) }
      assert.deepStrictEqual(yield* run(repaired), [[1, "both"]])
      assert.match((yield* Effect.flip(resolve(1, "done"))).message, /not left half-applied/)
    }))

  it.live("takes what was repaired by hand as done", () =>
    Effect.gen(function*() {
      const { name, records, resolve, run } = yield* prepared
      const half = { "1_a": Effect.andThen(statement(`create table ${name("a")} (id number)`), Effect.fail("no")) }
      yield* Effect.flip(run(half))
      yield* resolve(1, "done")
      assert.deepStrictEqual(yield* run(half), [])
      assert.deepStrictEqual((yield* records).map(({ state }) => state), ["done"])
    }))

  it.live("lets one migrator run at a time; the others find nothing left to do", () =>
    Effect.gen(function*() {
      const { name, pool, run, sql } = yield* prepared
      yield* pool.reconfigure({ max: 12 })
      const people = name("people")
      const migrations = {
        "1_people": statement(`create table ${people} (id number)`),
        "2_rows": Effect.andThen(Effect.sleep("50 millis"), statement(`insert into ${people} values (1)`))
      }
      const ran = yield* Effect.all([run(migrations), run(migrations), run(migrations)], { concurrency: "unbounded" })
      assert.deepStrictEqual(ran.map(({ length }) => length).sort(), [0, 0, 2])
      assert.deepStrictEqual(yield* sql`select count(*) as n from ${sql(people)}`, [{ n: 1 }])
    }))

  it.live("fails when another migrator does not end in time, and its lock ends with it", () =>
    Effect.gen(function*() {
      const { pool, run } = yield* prepared
      yield* pool.reconfigure({ max: 8 })
      const begun = yield* Deferred.make<void>()
      const slow = yield* Effect.forkChild(
        run({ "1_slow": Effect.andThen(Deferred.succeed(begun, undefined), Effect.never) })
      )
      yield* Deferred.await(begun)
      const error = yield* Effect.flip(run({ "1_slow": Effect.void }, { lockTimeout: "1 second" }))
      assert.strictEqual(error._tag === "MigrationError" && error.kind, "Locked")
      yield* Fiber.interrupt(slow)
      assert.deepStrictEqual(yield* run({ "1_slow": Effect.void }), [[1, "slow"]])
    }))

  it.live("refuses numbers that stand twice, modules without a migration, transactions and pools that are too small", () =>
    Effect.gen(function*() {
      const { pool, provided, run, sql, table } = yield* prepared
      const kindOf = (effect: ReturnType<typeof run>) =>
        Effect.map(Effect.flip(effect), (error) => error._tag === "MigrationError" ? error.kind : error._tag)
      assert.strictEqual(yield* kindOf(run({ "1_a": Effect.void, "01_b": Effect.void })), "Duplicates")
      const glob = (migrations: Record<string, () => Promise<unknown>>) =>
        provided(OracleMigrator.run({ loader: OracleMigrator.fromGlob(migrations), table }))
      assert.strictEqual(yield* kindOf(glob({ "1_a.ts": async () => ({}) })), "ImportError")
      assert.strictEqual(
        yield* kindOf(glob({ "1_a.ts": async () => Promise.reject(new Error("gone")) })),
        "ImportError"
      )
      assert.deepStrictEqual(yield* glob({ "1_a.ts": async () => ({ default: Effect.void }) }), [[1, "a"]])
      assert.strictEqual(yield* kindOf(sql.withTransaction(run({}))), "BadState")
      yield* pool.reconfigure({ max: 2 })
      assert.strictEqual(yield* kindOf(run({})), "BadState")
    }))

  it.live("keeps errors of the table of records apart from a lock", () =>
    Effect.gen(function*() {
      const { run, sql, table } = yield* prepared
      yield* run({})
      yield* sql`alter table ${sql(table)} add constraint ${sql(`${table}_ck`)} check (name = 'allowed')`
      const error = yield* Effect.flip(run({ "1_other": Effect.void }))
      assert.strictEqual(error._tag === "SqlError" && error.reason._tag, "ConstraintError")
    }))

  it.live("reads migrations from a folder", () =>
    Effect.gen(function*() {
      const { provided, table } = yield* prepared
      const folder = fileURLToPath(new URL("./migrations", import.meta.url))
      const loader = OracleMigrator.fromFileSystem(folder).pipe(
        Effect.provideService(
          FileSystem.FileSystem,
          FileSystem.makeNoop({
            readDirectory: () => Effect.succeed(["0002_second.ts", "0001_first.ts", "notes.md"])
          })
        ),
        Effect.provide(Path.layer)
      )
      const ran = yield* provided(OracleMigrator.run({ loader, table }))
      assert.deepStrictEqual(ran, [[1, "first"], [2, "second"]])
    }))
})
