/** What `effect/sql` builds on a client: schemas, resolvers, models. */
import { assert, describe, it } from "@effect/vitest"
import { OracleClient } from "@sessionpool/oracle"
import { Cause, Effect, Option, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import { Model } from "effect/schema"
import { SqlClient, SqlError, SqlModel, SqlResolver, SqlSchema } from "effect/sql"
import { withPeople } from "./openClient.ts"

const Person = Schema.Struct({ id: Schema.Number, firstName: Schema.String })

class User extends Model.Class<User>("User")({
  id: Model.Field({ select: Schema.Int, update: Schema.Int, json: Schema.Int }),
  firstName: Schema.String,
  age: Schema.NullOr(Schema.Int)
}) {}

const prepared = Effect.gen(function*() {
  const { people, sql } = yield* withPeople()
  yield* sql`alter table ${sql(people)} drop column hired_at`
  const add = (names: ReadonlyArray<string>) =>
    Effect.forEach(names, (firstName) => sql`insert into ${sql(people)} ${sql.insert({ firstName })}`)
  return { people, sql, add }
})

describe("SqlSchema", () => {
  it.live("findAll, findOne, findOneOption, void", () =>
    Effect.gen(function*() {
      const { add, people, sql } = yield* prepared
      yield* add(["Ada", "Bob"])
      const all = SqlSchema.findAll({
        Request: Schema.Number,
        Result: Person,
        execute: (least) => sql`select * from ${sql(people)} where id >= ${least} order by id`
      })
      assert.deepStrictEqual(yield* all(1), [{ id: 1, firstName: "Ada" }, { id: 2, firstName: "Bob" }])
      const one = SqlSchema.findOneOption({
        Request: Schema.String,
        Result: Person,
        execute: (name) => sql`select * from ${sql(people)} where ${sql.in("firstName", [name])}`
      })
      assert.deepStrictEqual(yield* one("Bob"), Option.some({ id: 2, firstName: "Bob" }))
      assert.deepStrictEqual(yield* one("Eve"), Option.none())
      const remove = SqlSchema.void({
        Request: Schema.Number,
        execute: (id) => sql`delete from ${sql(people)} where id = ${id}`
      })
      yield* remove(1)
      assert.lengthOf(yield* all(0), 1)
    }))
})

describe("SqlResolver", () => {
  it.live("ordered: inserts that come together are one round trip", () =>
    Effect.gen(function*() {
      const { people, sql } = yield* prepared
      const batches: Array<ReadonlyArray<string>> = []
      const insert = SqlResolver.request(SqlResolver.ordered({
        Request: Schema.String,
        Result: Person,
        execute: (names) => {
          batches.push(names)
          const [first, ...rest] = names.map((firstName) => ({ firstName }))
          return sql`INSERT INTO ${sql(people)} ${sql.insert([first!, ...rest])} RETURNING *`
        }
      }))
      const found = yield* Effect.all({ one: insert("one"), two: insert("two") }, { concurrency: "unbounded" })
      assert.deepStrictEqual(found, { one: { id: 1, firstName: "one" }, two: { id: 2, firstName: "two" } })
      assert.deepStrictEqual(batches, [["one", "two"]])
    }))

  it.live("ordered: says when the number of results is wrong", () =>
    Effect.gen(function*() {
      const { add, people, sql } = yield* prepared
      yield* add(["Ada"])
      const select = SqlResolver.request(SqlResolver.ordered({
        Request: Schema.Number,
        Result: Person,
        execute: (ids) => sql`select * from ${sql(people)} where id in ${sql.in(ids)}`
      }))
      const error = yield* Effect.flip(Effect.all([select(1), select(101)], { concurrency: "unbounded" }))
      assert.isTrue(error instanceof SqlError.ResultLengthMismatch)
    }))

  it.live("grouped: by a value of the result", () =>
    Effect.gen(function*() {
      const { add, people, sql } = yield* prepared
      yield* add(["Ada", "Bob", "Ada"])
      const find = SqlResolver.request(SqlResolver.grouped({
        Request: Schema.String,
        RequestGroupKey: (name) => name,
        Result: Person,
        ResultGroupKey: (person) => person.firstName,
        execute: (names) => sql`select * from ${sql(people)} where ${sql.in("firstName", names)} order by id`
      }))
      const found = yield* Effect.all({ ada: find("Ada"), bob: find("Bob"), eve: Effect.flip(find("Eve")) }, {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(found.ada.map(({ id }) => id), [1, 3])
      assert.deepStrictEqual(found.bob.map(({ id }) => id), [2])
      assert.isTrue(Cause.isNoSuchElementError(found.eve))
    }))

  it.live("findById, also by raw rows, and inside a transaction", () =>
    Effect.gen(function*() {
      const { add, people, sql } = yield* prepared
      yield* add(["Ada", "Bob"])
      const find = SqlResolver.request(SqlResolver.findById({
        Id: Schema.Number,
        Result: Person,
        ResultId: (_, row) => (row as { readonly id: number }).id,
        execute: (ids) => sql`select * from ${sql(people)} where id in ${sql.in(ids)}`
      }))
      const both = Effect.all([find(1), find(2)], { concurrency: "unbounded" })
      assert.deepStrictEqual((yield* both).map(({ firstName }) => firstName), ["Ada", "Bob"])
      assert.isTrue(Cause.isNoSuchElementError(yield* Effect.flip(find(101))))
      yield* sql.withTransaction(Effect.gen(function*() {
        yield* sql`update ${sql(people)} set ${sql.update({ firstName: "Eve" })} where id = ${1}`
        assert.strictEqual((yield* find(1)).firstName, "Eve")
      }))
    }))
})

describe("SqlModel", () => {
  const repository = Effect.gen(function*() {
    const { people, sql } = yield* prepared
    const options = { tableName: people, idColumn: "id", spanPrefix: "Users" } as const
    const provide = Effect.provideService(SqlClient.SqlClient, sql)
    return {
      sql,
      repo: yield* provide(SqlModel.makeRepository(User, options)),
      loaders: yield* provide(SqlModel.makeResolvers(User, options))
    }
  })

  it.live("a repository inserts, updates, finds and deletes", () =>
    Effect.gen(function*() {
      const { repo } = yield* repository
      const ada = yield* repo.insert(User.insert.make({ firstName: "Ada", age: 36 }))
      assert.deepStrictEqual(ada, new User({ id: 1, firstName: "Ada", age: 36 }))
      assert.isUndefined(yield* repo.insertVoid(User.insert.make({ firstName: "Bob", age: null })))
      const older = yield* repo.update(User.update.make({ ...ada, age: 37 }))
      assert.strictEqual(older.age, 37)
      yield* repo.updateVoid(User.update.make({ ...ada, age: 38 }))
      assert.strictEqual((yield* repo.findById(ada.id)).age, 38)
      yield* repo.delete(ada.id)
      assert.isTrue(Cause.isNoSuchElementError(yield* Effect.flip(repo.findById(ada.id))))
    }))

  it.live("resolvers insert and find many at once", () =>
    Effect.gen(function*() {
      const { loaders } = yield* repository
      const insert = SqlResolver.request(loaders.insert)
      const [ada, bob] = yield* Effect.all([
        insert(User.insert.make({ firstName: "Ada", age: 1 })),
        insert(User.insert.make({ firstName: "Bob", age: null }))
      ], { concurrency: "unbounded" })
      const find = SqlResolver.request(loaders.findById)
      const found = yield* Effect.all([find(ada.id), find(bob.id)], { concurrency: "unbounded" })
      assert.deepStrictEqual(found, [ada, bob])
    }))

  it.live("works on databases without several rows after VALUES", () =>
    Effect.gen(function*() {
      const { people, sql } = yield* prepared
      const older = yield* Effect.provide(
        OracleClient.fromPool(sql.pool, { serverVersion: "19.3.0.0.0" }),
        Reactivity.layer
      )
      const rows = yield* older`insert into ${older(people)} ${
        older.insert([{ first_name: "a" }, { first_name: "b" }]).returning("first_name")
      }`
      assert.deepStrictEqual(rows, [{ first_name: "a" }, { first_name: "b" }])
    }))
})
