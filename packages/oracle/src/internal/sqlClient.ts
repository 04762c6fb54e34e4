/** The client of `effect/sql` over a pool: how it gets connections, compiles and ends transactions. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Client from "effect/sql/SqlClient"
import type * as SqlConnection from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import type { ClientOptions, OracleClient, OracleDialect } from "../OracleClient.ts"
import type { OracleConnection } from "../OracleConnection.ts"
import type { OracleSessionPool } from "../OracleSessionPool.ts"
import { OracleCompiler } from "./sqlCompiler.ts"
import { OracleSqlConnection, SharedState } from "./sqlConnection.ts"
import { type Abilities, abilitiesOf } from "./sqlParameter.ts"
import { asSqlError, toSqlError } from "./sqlReason.ts"

let transactions = 0

interface Functions {
  readonly [dialect: string]: (() => unknown) | undefined
}

const notAnswered =
  "sql.onDialect was asked on Oracle by code that has no answer for it: give one under `oracle`, or use onDialectOrElse."

/** `onDialect` and `onDialectOrElse` with Oracle among the answers. */
const withDialect = <C extends Statement.Constructor>(client: C): C & OracleDialect =>
  Object.assign(client, {
    onDialect: (options: Functions) => {
      if (options["oracle"] === undefined) throw new Error(notAnswered)
      return options["oracle"]()
    },
    onDialectOrElse: (options: Functions) => (options["oracle"] ?? options["orElse"])?.()
  }) as C & OracleDialect

const abilities = (
  pool: OracleSessionPool.Pool<unknown>,
  options: ClientOptions
): Effect.Effect<Abilities, SqlError> => {
  const known = options.serverVersion === undefined
    ? asSqlError("connect")(pool.use((connection) => connection.serverVersion))
    : Effect.succeed(options.serverVersion)
  return Effect.map(known, (version) => {
    const found = abilitiesOf(version)
    return options.booleans === undefined ? found : { ...found, booleans: options.booleans === "boolean" }
  })
}

/** A client over `pool`, which stays its owner's. */
export const makeClient = Effect.fnUntraced(function*(pool: OracleSessionPool.Pool<unknown>, options: ClientOptions) {
  const shared = new SharedState(yield* abilities(pool, options))
  const wrap = (connection: OracleConnection) => new OracleSqlConnection(connection, shared)
  const acquirer = Effect.map(asSqlError("acquireConnection")(pool.acquire()), wrap)
  // What `f` fails with is not the pool's failure: it goes past the translation.
  const borrower: SqlConnection.Borrower = (f) =>
    Effect.flatten(asSqlError("acquireConnection")(pool.use((connection) => Effect.exit(f(wrap(connection))))))
  const transactionService = Context.Service<
    Client.TransactionConnection,
    readonly [connection: SqlConnection.Connection, depth: number]
  >(`@sessionpool/oracle/OracleClient/Transaction/${transactions++}`)
  const { port, serverAddress } = addressOf((yield* pool.settings).dsn)
  const spanAttributes: ReadonlyArray<readonly [string, unknown]> = [
    ...Object.entries(options.spanAttributes ?? {}),
    ["db.system.name", "oracle.db"],
    ...(serverAddress === undefined ? [] : [["server.address", serverAddress]] as const),
    ...(port === undefined ? [] : [["server.port", port]] as const)
  ]
  const compiler = new OracleCompiler({
    transform: options.transformQueryNames,
    multiRowValues: shared.abilities.multiRowValues
  })
  const transformRows = options.transformResultNames === undefined
    ? undefined
    : Statement.defaultTransforms(options.transformResultNames, options.transformJson ?? true).array

  const client = yield* Client.make({
    driver: "oracledb",
    acquirer,
    borrower,
    compiler,
    spanAttributes,
    transactionService,
    ...(transformRows !== undefined && { transformRows })
  })

  const withTransaction = Client.makeWithTransaction({
    // The same service: `acquirer` is the only one to put connections under it.
    transactionService: transactionService as unknown as Context.Key<
      Client.TransactionConnection,
      readonly [connection: OracleSqlConnection, depth: number]
    >,
    spanAttributes,
    acquireConnection: (restore) => restore(acquirer),
    begin: (connection, statement) => connection.begin(statement),
    savepoint: (connection, id) => connection.savepoint(id),
    commit: (connection) => connection.commit,
    onCommitFailure: (connection) => connection.rollback,
    rollback: (connection) => connection.rollback,
    rollbackSavepoint: (connection, id) => connection.rollbackSavepoint(id)
  })

  const useConnection: OracleClient["useConnection"] = (f) =>
    Effect.flatMap(
      Effect.serviceOption(transactionService),
      (current) =>
        current._tag === "Some" && current.value[0] instanceof OracleSqlConnection
          ? f(current.value[0].connection)
          : Effect.flatten(
            Effect.mapError(
              pool.use((connection) => Effect.exit(f(connection))),
              (failure) => toSqlError(failure, "acquireConnection")
            )
          )
    )

  const withoutTransforms = client.withoutTransforms
  const whole = Object.assign(withDialect(client), {
    pool,
    withTransaction,
    useConnection,
    withoutTransforms(this: Client.SqlClient) {
      const plain = withoutTransforms.call(whole)
      return plain === whole ? whole : withDialect(plain)
    }
  })
  return whole
})

/** Where the pool connects to, as far as an easy connect string says. */
const addressOf = (
  dsn: string | undefined
): { readonly serverAddress: string | undefined; readonly port: number | undefined } => {
  const match = /^(?:\w+:)?(?:\/\/)?(\[[^\]]+\]|[^:/?()]+)(?::(\d+))?\//.exec(dsn ?? "")
  return { serverAddress: match?.[1], port: match?.[2] === undefined ? undefined : Number(match[2]) }
}
