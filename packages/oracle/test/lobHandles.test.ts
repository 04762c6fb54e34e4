import { assert, describe, it } from "@effect/vitest"
import { OracleBind, OracleClient, type OracleLob } from "@sessionpool/oracle"
import { Effect, Exit, Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import { makePool, table } from "./database.ts"

describe("a LOB handle that is bound (D10)", () => {
  it.live("after its lease, after it was closed, or on another connection, is refused before anything is sent", () =>
    Effect.gen(function*() {
      const pool = yield* makePool({ max: 3 })
      const name = yield* table(pool, "id number, body clob")
      const insert = `insert into ${name} values (1, :body)`
      const held = yield* pool.acquire()
      const scope = yield* Scope.make()
      const other = yield* Scope.provide(pool.acquire(), scope)
      const foreign = yield* other.createLob("clob", "somebody else's")
      const closed = yield* held.createLob("clob", "closed")
      yield* closed.close
      const ways = (body: OracleLob.OracleLob) => [
        held.execute(insert, { body }),
        held.execute(insert, { body: OracleBind.input("clob", body) }),
        held.executeMany(insert, [{ body: "text" }, { body }]),
        held.query("select :body as body from dual", { body })
      ]
      for (const [lob, message] of [[foreign, /another connection/], [closed, /has been closed/]] as const) {
        for (const way of ways(lob)) {
          const error = yield* Effect.flip(Effect.asVoid(way as Effect.Effect<unknown, { readonly message: string }>))
          assert.match(error.message, message)
        }
      }
      yield* Scope.close(scope, Exit.void)
      for (const way of ways(foreign)) {
        const error = yield* Effect.flip(Effect.asVoid(way as Effect.Effect<unknown, { readonly _tag: string }>))
        assert.strictEqual(error._tag, "ConnectionReleasedError")
      }
      assert.deepStrictEqual(yield* held.query(`select count(*) as n from ${name}`), [{ N: 0 }])
      const own = yield* held.createLob("clob", "mine")
      yield* held.execute(insert, { body: own })
      assert.deepStrictEqual(yield* held.query(`select body from ${name}`), [{ BODY: "mine" }])
    }))

  it.live("is refused by the client of effect/sql in the same way", () =>
    Effect.gen(function*() {
      const pool = yield* makePool({ max: 2 })
      const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
      const held = yield* pool.acquire()
      const foreign = yield* held.createLob("clob", "somebody else's")
      const error = yield* Effect.flip(
        sql.withTransaction(sql.useConnection((connection) => connection.query("select :1 as c from dual", [foreign])))
      )
      assert.match(error.message, /another connection/)
    }))
})
