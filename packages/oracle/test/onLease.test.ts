import { assert, describe, it } from "@effect/vitest"
import { OracleContext } from "@sessionpool/oracle"
import { Effect } from "effect"
import { isReal } from "./database.ts"
import { watched } from "./watchedPool.ts"

describe.skipIf(isReal)("onLease of an Oracle pool", () => {
  it.live("sees for whom a lease is, at the database, and may refuse it: the session goes to the next", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({
        max: 1,
        onLease: (connection) =>
          Effect.gen(function*() {
            const sql = "select sys_context('userenv', 'client_identifier') as client from dual"
            const [row] = yield* connection.query(sql)
            if (row?.["CLIENT"] === "mallory") return yield* connection.setTag("no tag")
          })
      })
      const as = (clientId: string) =>
        Effect.provideService(pool.use(({ id }) => Effect.succeed(id)), OracleContext, {
          clientIdentifier: clientId
        })
      assert.strictEqual(yield* as("alice"), 1)
      const refusal = yield* Effect.flip(as("mallory"))
      assert.strictEqual(refusal._tag, "InvalidTagError")
      assert.strictEqual(yield* as("bob"), 1)
    }))
})
