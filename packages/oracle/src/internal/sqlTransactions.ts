/** Transactions of a client of `effect/sql`: on a session of the pool, or on one that the caller holds already. */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Client from "effect/sql/SqlClient"
import type * as SqlConnection from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import type { OracleClient } from "../OracleClient.ts"
import type { OracleConnection } from "../OracleConnection.ts"
import type { OracleSqlConnection } from "./sqlConnection.ts"

type WithTransaction = Client.SqlClient["withTransaction"]

type TransactionService = Context.Key<
  Client.TransactionConnection,
  readonly [connection: SqlConnection.Connection, depth: number]
>

/** `withTransaction` over the connections that `acquireConnection` gives. */
export const transactions = (
  transactionService: TransactionService,
  spanAttributes: ReadonlyArray<readonly [string, unknown]>,
  acquireConnection: (restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>) => Effect.Effect<
    OracleSqlConnection,
    SqlError,
    Scope.Scope
  >
): WithTransaction =>
  Client.makeWithTransaction({
    // The same service: `acquireConnection` is the only one to put connections under it.
    transactionService: transactionService as unknown as Context.Key<
      Client.TransactionConnection,
      readonly [connection: OracleSqlConnection, depth: number]
    >,
    spanAttributes,
    acquireConnection,
    begin: (connection, statement) => connection.begin(statement),
    savepoint: (connection, id) => connection.savepoint(id),
    commit: (connection) => connection.commit,
    onCommitFailure: (connection) => connection.rollback,
    rollback: (connection) => connection.rollback,
    rollbackSavepoint: (connection, id) => connection.rollbackSavepoint(id)
  })

const onConnections = new WeakMap<object, (connection: OracleConnection) => WithTransaction>()

/** Notes how a client makes transactions on a given connection. */
export const rememberTransactions = (client: object, on: (connection: OracleConnection) => WithTransaction): void => {
  onConnections.set(client, on)
}

/** `withTransaction` of `client` on a connection that the caller already holds. */
export const transactionOn = (client: OracleClient, connection: OracleConnection): WithTransaction =>
  onConnections.get(client)?.(connection) ?? client.withTransaction
