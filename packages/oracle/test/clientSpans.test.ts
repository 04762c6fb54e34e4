import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OracleMigrator, OracleSessionPool } from "@sessionpool/oracle"
import { Array, Effect, Exit, Redacted, type Scope, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, Statement } from "effect/sql"
import { inspect } from "node:util"
import { embedded, isReal, makePool } from "./database.ts"
import { openClient } from "./openClient.ts"
import { recordingTracer } from "./recordingTracer.ts"

const scoped = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => () => Effect.scoped(effect)

const attributesOf = (span: { readonly attributes: ReadonlyMap<string, unknown> } | undefined) =>
  Object.fromEntries(span?.attributes ?? [])

describe("spans of the client", () => {
  it.live(
    "have the name and the attributes of direct calls, and those of effect/sql (E8)",
    scoped(Effect.gen(function*() {
      const { pool, sql } = yield* openClient()
      const { spans, tracer } = recordingTracer()
      const text = "select a from (select 1 as a from dual) t"
      yield* Effect.withTracer(sql.unsafe(text, []), tracer)
      yield* Effect.withTracer(pool.use((connection) => connection.query(text)), tracer)
      const [ours, direct] = spans
      assert.lengthOf(spans, 2)
      assert.strictEqual(ours?.name, direct?.name)
      const attributes = attributesOf(ours)
      assert.deepInclude(attributes, attributesOf(direct))
      assert.deepInclude(attributes, { "effect.sql.method": "execute", "db.system.name": "oracle.db" })
      assert.isString(attributes["db.namespace"])
      assert.isString(attributes["server.address"])
      assert.isNumber(attributes["server.port"])
      assert.strictEqual(ours?.status._tag, "Ended")
    }))
  )

  it.live(
    "hold no literal, number or comment, however a statement is run (E7)",
    scoped(Effect.gen(function*() {
      const { sql } = yield* openClient()
      const { spans, tracer } = recordingTracer()
      const statement = sql`-- don't\nselect ${sql.literal("'private'")} as v, 918273 as n, ${"bound"} as b from dual`
      yield* Effect.withTracer(
        Effect.all([
          statement,
          statement.raw,
          statement.values,
          statement.valuesUnprepared,
          statement.unprepared,
          statement.withoutTransform,
          Stream.runCollect(statement.stream)
        ]),
        tracer
      )
      assert.lengthOf(spans, 7)
      for (const span of spans) {
        assert.strictEqual(span.name, "SELECT dual")
        assert.strictEqual(span.attributes.get("db.query.text"), "select ? as v, ? as n, :1 as b from dual")
        assert.strictEqual(span.attributes.get("db.collection.name"), "dual")
        assert.isString(span.attributes.get("oracle.db.service"))
      }
      assert.deepStrictEqual(spans.map((span) => span.attributes.get("effect.sql.method")), [
        "execute",
        "executeRaw",
        "executeValues",
        "executeValuesUnprepared",
        "executeUnprepared",
        "executeWithoutTransform",
        "executeStream"
      ])
    }))
  )

  it.live(
    "say how a statement failed, and how many rows of binds it sent (E8)",
    scoped(Effect.gen(function*() {
      const { sql } = yield* openClient()
      const { spans, tracer } = recordingTracer()
      const rows = Array.makeBy(150, (n) => ({ n }))
      yield* Effect.all([
        Effect.exit(sql`select * from no_such_table`),
        Effect.exit(Stream.runDrain(sql`select * from no_such_table`.stream)),
        Effect.exit(sql`insert into no_such_table ${sql.insert(rows).returning("n")}`)
      ]).pipe(Effect.withTracer(tracer))
      assert.lengthOf(spans, 3)
      for (const span of spans) {
        assert.deepInclude(attributesOf(span), {
          "error.type": "SqlSyntaxError",
          "db.response.status_code": "ORA-00942"
        })
      }
      assert.strictEqual(spans[2]?.attributes.get("db.operation.batch.size"), 150)
    }))
  )

  it.live(
    "are parents and children as with any client, and a transformer may change the statement",
    scoped(Effect.gen(function*() {
      const { sql } = yield* openClient()
      const { spans, tracer } = recordingTracer()
      yield* sql.withTransaction(sql`select 1 from dual`).pipe(
        Effect.provideService(
          Statement.CurrentTransformer,
          (_, sql) => Effect.succeed(sql`select 'x' as b from dual d`)
        ),
        Effect.provideService(Statement.SpanPropagationEnabled, true),
        Effect.withTracer(tracer)
      )
      assert.deepStrictEqual(spans.map((span) => span.name), ["sql.transaction", "SELECT dual"])
      assert.strictEqual(spans[1]?.attributes.get("db.query.text"), "select ? as b from dual d")
      assert.isNumber(spans[1]?.attributes.get("db.client.connection.wait_time_ms"))
      const untraced = recordingTracer()
      yield* Effect.withTracerEnabled(sql`select 1 from dual`, false).pipe(Effect.withTracer(untraced.tracer))
      assert.lengthOf(untraced.spans, 0)
    }))
  )

  it.live(
    "take the address from the descriptor, of any form, before a session is known (E8)",
    scoped(Effect.gen(function*() {
      if (isReal) return
      const { connect, server } = yield* embedded()
      const connectString = `(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT=${server.port}))`
        + `(CONNECT_DATA=(SERVICE_NAME=FREEPDB1)))`
      const pool = yield* OracleSessionPool.make({ ...connect, connectString })
      const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
      const { spans, tracer } = recordingTracer()
      yield* Effect.withTracer(sql.withTransaction(Effect.void), tracer)
      assert.strictEqual(spans[0]?.name, "sql.transaction")
      assert.deepInclude(attributesOf(spans[0]), {
        "db.namespace": "FREEPDB1",
        "server.address": "127.0.0.1",
        "server.port": server.port
      })
    }))
  )
})

const statements = [
  "alter user scott identified by Secret11",
  "alter user nosuch identified by \"a Secret11 b\" replace \"Secret11\"",
  "create user eve identified /* c */ by Secret11 default tablespace users",
  "grant connect to scott identified by Secret11",
  "create database link l connect to scott identified by Secret11 using 'db'",
  "create role r identified by Secret11",
  "set role r identified by Secret11",
  "administer key management set keystore open identified by Secret11",
  "begin execute immediate 'alter user scott identified by ' || 'Secret11'; end;"
]

describe("a password in a statement", () => {
  it.live(
    "is in no span, error or log, whichever way the statement goes (S1, S2)",
    scoped(Effect.gen(function*() {
      if (isReal) return
      const { pool, sql } = yield* openClient()
      const { spans, tracer } = recordingTracer()
      for (const text of statements) {
        const exits: ReadonlyArray<Exit.Exit<unknown, unknown>> = yield* Effect.all([
          Effect.exit(sql.unsafe(text)),
          Effect.exit(sql.unsafe(text).raw),
          Effect.exit(pool.use((connection) => connection.execute(text))),
          Effect.exit(pool.use((connection) => connection.query(text))),
          Effect.exit(pool.use((connection) => connection.executeMany(text, [[1]])))
        ]).pipe(Effect.withTracer(tracer))
        for (const exit of exits) {
          if (Exit.isSuccess(exit)) continue
          assert.notInclude(inspect(exit.cause, { depth: 12 }), "Secret11", text)
          assert.notInclude(JSON.stringify(exit.cause), "Secret11", text)
        }
      }
      assert.isAtLeast(spans.length, statements.length * 5)
      assert.notInclude(inspect(spans.map((span) => [span.name, [...span.attributes]]), { depth: 9 }), "Secret11")
    }))
  )

  it.live(
    "is in no failure to read a row or to send a bind either (S2)",
    scoped(Effect.gen(function*() {
      const { pool, sql } = yield* openClient()
      const text = "select 1 / 3 as n from dual where 'Secret11' <> nvl(:password, 'x')"
      const failures = [
        yield* Effect.flip(pool.use((connection) => connection.query(text, ["a"]))),
        yield* Effect.flip(pool.use((connection) => connection.query(text, [Infinity]))),
        yield* Effect.flip(sql.unsafe(text, ["a"]))
      ]
      for (const failure of failures) {
        assert.notInclude(inspect(failure, { depth: 12 }) + JSON.stringify(failure), "Secret11")
      }
    }))
  )

  it.live(
    "is not in what a migration leaves behind (S1)",
    scoped(Effect.gen(function*() {
      if (isReal) return
      const pool = yield* makePool()
      const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
      const failed = yield* OracleMigrator.run({
        loader: OracleMigrator.fromRecord({
          // What stands before it is committed, so that the record stays.
          "1_user": Effect.flatMap(
            SqlClient.SqlClient,
            (sql) =>
              Effect.andThen(sql`create table made (id number)`, sql.unsafe("alter user nosuch identified by Secret11"))
          )
        })
      }).pipe(
        Effect.provideService(OracleClient.OracleClient, sql),
        Effect.provideService(SqlClient.SqlClient, sql),
        Effect.flip
      )
      assert.notInclude(inspect(failed, { depth: 9 }), "Secret11")
      const kept = yield* pool.use((connection) => connection.query("select last_step from effect_sql_migrations"))
      assert.notInclude(JSON.stringify(kept), "Secret11")
      assert.include(JSON.stringify(kept), "alter user nosuch")
    }))
  )
})

describe("withRequest", () => {
  it.live(
    "chooses the session of statements, streams, transactions and connections (E16)",
    scoped(Effect.gen(function*() {
      if (isReal) return
      const pool = yield* makePool({ homogeneous: false })
      const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
      const who = sql<{ who: string }>`select user as who from dual`
      const hr = OracleClient.withRequest({ user: "hr", password: Redacted.make("hr-secret") })
      assert.deepStrictEqual(yield* who, [{ who: "SCOTT" }])
      assert.deepStrictEqual(yield* hr(who), [{ who: "HR" }])
      assert.deepStrictEqual(yield* hr(Stream.runCollect(who.stream)), [{ who: "HR" }])
      assert.deepStrictEqual(yield* hr(sql.withTransaction(who)), [{ who: "HR" }])
      assert.deepStrictEqual(
        yield* hr(sql.useConnection((connection) => connection.query("select user as who from dual"))),
        [
          { WHO: "HR" }
        ]
      )
      // A transaction keeps its session.
      assert.deepStrictEqual(yield* sql.withTransaction(hr(who)), [{ who: "SCOTT" }])
      const tag = sql.useConnection((connection) => Effect.succeed(connection.tag))
      const tagged = OracleClient.withRequest({ tag: "A=1" })
      yield* hr(tagged(sql.useConnection((connection) => connection.setTag("A=1"))))
      assert.strictEqual(yield* tagged(hr(tag)), "A=1")
      const refused = yield* Effect.flip(OracleClient.withRequest({ tag: "malformed" })(who))
      assert.strictEqual(refused.reason._tag, "ConnectionError")
      assert.match(refused.message, /malformed/)
    }))
  )
})
