/**
 * The database of the integration tests, decided here and nowhere else: the real one that `ORACLE_CONNECT_STRING`,
 * `ORACLE_USER` and `ORACLE_PASSWORD` name, or an embedded server for each test.
 */
import { OracleSessionPool } from "@sessionpool/oracle"
import { OracleServer } from "@sessionpool/oracle-server"
import { Effect, Redacted } from "effect"

const {
  ORACLE_CONNECT_STRING: connectString,
  ORACLE_PASSWORD: password,
  ORACLE_USER: user,
  SESSIONPOOL_PIPELINING: pipelines
} = process.env

/** What pools of tests are made with unless a test says otherwise. The tests of values and transactions run with `pipelining` on, too. */
export const poolDefaults: Partial<OracleSessionPool.Options> = { max: 4, pipelining: pipelines === "on" }

/** Tests that hurt the server, or look into it, need the embedded one. */
export const isReal = connectString !== undefined && user !== undefined && password !== undefined

export const serverOptions: OracleServer.Options = {
  users: {
    scott: { password: "tiger", sysdba: true },
    hr: { password: "hr-secret", proxies: ["scott"] },
    ada: { password: "ada-secret" }
  },
  procedures: [
    {
      name: "raise_pay",
      parameters: [
        { name: "amount", type: "NUMBER" },
        { name: "pay", type: "NUMBER", direction: "inout" },
        { name: "note", type: "VARCHAR2", direction: "out" }
      ],
      run: ({ amount, pay }) => ({ pay: String(Number(pay) + Number(amount)), note: "raised" })
    },
    {
      name: "doubled",
      parameters: [{ name: "n", type: "NUMBER" }],
      returns: "NUMBER",
      run: ({ n }) => ({ return: String(Number(n) * 2) })
    }
  ]
}

/** How to connect, and the server behind it when it is the embedded one. */
export interface Database {
  readonly connect: {
    readonly connectString: string
    readonly user: string
    readonly password: Redacted.Redacted<string>
  }
}

/** The embedded server, for tests that need it. */
export const embedded = (options: OracleServer.Options = {}) =>
  Effect.map(OracleServer.make({ ...serverOptions, ...options }), (server) => ({
    server,
    connect: { connectString: server.connectString, user: "scott", password: Redacted.make("tiger") }
  }))

/** The database that the environment chooses. */
export const database = Effect.suspend(() =>
  connectString !== undefined && user !== undefined && password !== undefined
    ? Effect.succeed<Database>({ connect: { connectString, user, password: Redacted.make(password) } })
    : Effect.map(embedded(), ({ connect }): Database => ({ connect }))
)

/** A pool on the chosen database. */
export const makePool = (options: Partial<OracleSessionPool.Options> = {}) =>
  Effect.flatMap(
    database,
    ({ connect }) => OracleSessionPool.make<OracleSessionPool.Failure>({ ...connect, ...poolDefaults, ...options })
  )

/** A connection of such a pool, until the scope ends. */
export const connection = (options: Partial<OracleSessionPool.Options> = {}) =>
  Effect.flatMap(makePool(options), (pool) => pool.acquire())

let tables = 0

/** A table that exists until the scope ends. */
export const table = Effect.fnUntraced(function*(
  pool: Effect.Success<ReturnType<typeof makePool>>,
  columns: string
) {
  const name = `sp_test_${process.pid}_${++tables}`
  yield* pool.use((connection) => connection.execute(`create table ${name} (${columns})`))
  yield* Effect.addFinalizer(() => Effect.ignore(pool.use((connection) => connection.execute(`drop table ${name}`))))
  return name
})
