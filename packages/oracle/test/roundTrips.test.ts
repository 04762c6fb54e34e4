import { assert, describe, it } from "@effect/vitest"
import { OracleSessionPool } from "@sessionpool/oracle"
import type { OracleServer } from "@sessionpool/oracle-server"
import { Effect, Redacted } from "effect"
import { driver, type DriverConnection } from "../src/internal/oracledb.ts"
import { embedded, isReal } from "./database.ts"

/** What one lease is used for, said once for each pool. */
interface Use {
  readonly name: string
  readonly ours: (pool: Pool) => Effect.Effect<unknown, unknown>
  readonly theirs: (connection: DriverConnection) => Promise<unknown>
}

type Pool = Effect.Success<ReturnType<typeof OracleSessionPool.make<OracleSessionPool.Failure>>>

const query = "select :n * 2 as doubled from dual"
const rows = "select level as n from dual connect by level <= 250"
const insert = "insert into t values (:1)"

const uses: ReadonlyArray<Use> = [
  { name: "nothing", ours: (pool) => pool.use(() => Effect.void), theirs: async () => {} },
  {
    name: "a query of one row",
    ours: (pool) => pool.use((held) => held.query(query, { n: 21 })),
    theirs: (connection) => connection.execute(query, { n: 21 }, {})
  },
  {
    name: "a query of 250 rows",
    ours: (pool) => pool.use((held) => held.query(rows)),
    theirs: (connection) => connection.execute(rows, [], {})
  },
  {
    name: "an insert that is committed",
    ours: (pool) => pool.use((held) => held.withTransaction(held.execute(insert, [1]))),
    theirs: async (connection) => {
      await connection.execute(insert, [1], {})
      await connection.commit()
    }
  },
  {
    name: "an insert that nobody commits",
    ours: (pool) => pool.use((held) => held.execute(insert, [1])),
    theirs: (connection) => connection.execute(insert, [1], {})
  }
]

const calls = (server: OracleServer.Service) =>
  Effect.map(
    server.requests,
    (requests) => requests.map((request) => `${request.piggyback ? "+" : ""}${request.function}`)
  )

describe.skipIf(isReal)("the round trips of a lease", () => {
  it.live("are those of node-oracledb's own pool", () =>
    Effect.gen(function*() {
      const { connect, server } = yield* embedded({ script: "create table t (n number)" })
      const ours = yield* OracleSessionPool.make<OracleSessionPool.Failure>({ ...connect, max: 1 })
      const theirs = yield* Effect.acquireRelease(
        Effect.promise(() =>
          driver.createPool({ ...connect, password: Redacted.value(connect.password), poolMax: 1, poolAlias: "peer" })
        ),
        (pool) => Effect.promise(() => pool.close(0))
      )
      const lease = (use: Use) =>
        Effect.promise(async () => {
          const connection = await theirs.getConnection()
          await use.theirs(connection)
          await connection.close()
        })
      for (const use of uses) {
        const logs: Array<ReadonlyArray<string>> = []
        for (const once of [use.ours(ours), lease(use)]) {
          // The first time opens sessions and parses statements.
          yield* once
          yield* server.clearRequests
          yield* once
          logs.push(yield* calls(server))
        }
        assert.deepStrictEqual(logs[0], logs[1], use.name)
      }
    }))
})
