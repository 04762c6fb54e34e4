/** A program over a primary and a standby that is far behind, through the pool and through the client of `effect/sql`. */
import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OracleSessionPool, OracleStandby } from "@sessionpool/oracle"
import { Effect, Layer } from "effect"
import { Reactivity } from "effect/reactivity"
import { embedded, isReal } from "./database.ts"

const script = "create table orders (id number); insert into orders values (1); commit"

/** A copy that gets no changes is a standby that is far behind. */
const servers = Effect.gen(function*() {
  const { connect, server } = yield* embedded({ script })
  const copy = yield* server.fork()
  return { connect, copy, server, standby: { ...connect, connectString: copy.connectString } }
})

const pool = Layer.unwrap(
  Effect.map(
    servers,
    ({ connect, standby }) => OracleStandby.layer({ primary: { ...connect, max: 4 }, standby: { ...standby, max: 4 } })
  )
)

const client = OracleClient.layerFrom(Effect.flatMap(OracleSessionPool, (pool) => OracleClient.fromPool(pool))).pipe(
  Layer.provideMerge(pool)
)

describe.skipIf(isReal)("a primary and its standby", () => {
  it.live("serve the statements of effect/sql: reads from the standby, and from the primary after one's own writes", () =>
    Effect.gen(function*() {
      const sql = yield* OracleClient.OracleClient
      const ids = Effect.map(
        sql<{ readonly id: string }>`select id as "id" from orders order by id`,
        (rows) => rows.map(({ id }) => Number(id))
      )
      const read = OracleStandby.readOnly(ids)
      assert.deepStrictEqual(yield* OracleStandby.ownWrites(read), [1])
      yield* OracleStandby.ownWrites(Effect.gen(function*() {
        yield* sql`insert into orders values (2)`
        assert.deepStrictEqual(yield* read, [1, 2])
        assert.deepStrictEqual(yield* OracleStandby.readOnly(sql.withTransaction(ids)), [1, 2])
        assert.deepStrictEqual(yield* OracleStandby.ownWrites(OracleStandby.readOnly(sql.withTransaction(ids))), [1])
      }))
      assert.deepStrictEqual(yield* OracleStandby.ownWrites(read), [1])
      assert.deepStrictEqual(yield* OracleStandby.ownWrites(OracleStandby.newest(read)), [1, 2])
      // A transaction stays where it has begun, whatever is read in it.
      yield* OracleStandby.ownWrites(sql.withTransaction(Effect.gen(function*() {
        yield* sql`insert into orders values (3)`
        assert.deepStrictEqual(yield* read, [1, 2, 3])
      })))
      const writes = yield* OracleStandby.makeWrites
      const asUser = Effect.provideService(OracleStandby.CurrentWrites, writes)
      assert.deepStrictEqual(yield* asUser(read), [1])
      yield* asUser(sql`insert into orders values (4)`)
      assert.deepStrictEqual(yield* asUser(read), [1, 2, 3, 4])
    }).pipe(Effect.provide(client)))

  it.live("let reads go on when the standby is away, and return to it", () =>
    Effect.gen(function*() {
      const { connect, copy, standby } = yield* servers
      const both = yield* OracleStandby.make(
        yield* OracleSessionPool.make({ ...connect, name: "one" }),
        yield* OracleSessionPool.make({ ...standby, name: "two" }),
        { afterWrites: 0 }
      )
      const port = OracleStandby.readOnly(both.use((connection) =>
        Effect.map(connection.query("select count(*) as n from orders"), ([row]) => Number(row!["N"]))
      ))
      yield* both.use((connection) =>
        connection.withTransaction(connection.execute("insert into orders values (2)"))
      )
      assert.strictEqual(yield* port, 1)
      yield* copy.shutdown({ mode: "immediate" })
      // A session that dies under a query is an error like any other; the pool finds out by it.
      assert.strictEqual(yield* Effect.retry(port, { times: 3 }), 2)
      yield* copy.startup()
      yield* Effect.repeat(port, { until: (count) => count === 1 })
    }))

  it.live("are refused where they cannot be: a duration that is none, shared sessions", () =>
    Effect.gen(function*() {
      const { connect, standby } = yield* servers
      const primary = yield* OracleSessionPool.make(connect)
      const other = yield* OracleSessionPool.make({ ...standby, name: "standby" })
      const wrong = yield* Effect.flip(OracleStandby.make(primary, other, { afterWrites: "soon" as never }))
      assert.include(wrong.message, "afterWrites must be a duration of 0 or more")
      const misspelled = yield* Effect.flip(OracleStandby.make(primary, other, { afterWrite: "1 minute" } as object))
      assert.include(misspelled.message, "afterWrite is none of the options (afterWrites)")
      const layer = (options: object) =>
        Effect.map(Effect.flip(Layer.build(OracleStandby.layer(options as never))), ({ message }) => message)
      assert.include(yield* layer({ primary: connect, stanby: standby }), "stanby is none of the options")
      assert.include(yield* layer({ standby }), "primary must be the options of a pool")
      const both = yield* OracleStandby.make(primary, other)
      const refused = yield* Effect.flip(OracleClient.fromPool(both, { multiplex: { sessions: 2 } }))
      assert.include(String(refused.reason.cause), "multiplex")
      assert.include(String(refused.reason.cause), "OracleStandby")
    }).pipe(Effect.provide(Reactivity.layer)))
})
