/**
 * Transactions of a client of `effect/sql`, on a session of the pool or on one that the caller holds already: its own frame (connection, spans, callbacks after the commit) around the one
 * transaction state of the session, so that `sql.withTransaction` and `connection.withTransaction` nest in each other.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Client from "effect/sql/SqlClient"
import type * as SqlConnection from "effect/sql/SqlConnection"
import { SqlError } from "effect/sql/SqlError"
import type { OracleConnection } from "../OracleConnection.ts"
import { wrongArgument } from "./refusal.ts"
import type { ClientShape } from "./sqlClientTypes.ts"
import { OracleSqlConnection } from "./sqlConnection.ts"
import { toSqlError } from "./sqlReason.ts"
import { ended, Level, type Restore } from "./transaction.ts"

type WithTransaction = ClientShape["withTransaction"]

type TransactionService = Context.Key<
  Client.TransactionConnection,
  readonly [connection: SqlConnection.Connection, depth: number]
>

/** How far the caller can be interrupted: the frame runs where nothing can be. */
const Mask = Context.Reference<Restore>("@sessionpool/oracle/SqlTransactionMask", {
  defaultValue: () => (effect) => effect
})

/** The level that the frame is about to begin, when it is an inner one. */
const Inner = Context.Reference<Level | undefined>("@sessionpool/oracle/SqlTransactionLevel", {
  defaultValue: () => undefined
})

const inner = <A, E>(use: (level: Level) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.flatMap(
    Inner,
    (level) => level === undefined ? Effect.die("an inner transaction without a level") : use(level)
  )

/** Interruptible as far as the caller is. */
const masked = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Mask, (restore) => restore(effect))

const endedEarly = () => toSqlError(ended(), "transaction")

/** `withTransaction` over the connections that `acquirer` gives. */
export const transactions = (
  transactionService: TransactionService,
  spanAttributes: ReadonlyArray<readonly [string, unknown]>,
  acquirer: Effect.Effect<OracleSqlConnection, SqlError, Scope.Scope>
): WithTransaction => {
  const frame = Client.makeWithTransaction({
    // `acquirer` is the only one to put connections under it.
    transactionService: transactionService as unknown as Context.Key<
      Client.TransactionConnection,
      readonly [connection: OracleSqlConnection, depth: number]
    >,
    spanAttributes,
    acquireConnection: () => masked(acquirer),
    begin: (connection, statement) => masked(connection.begin(statement)),
    savepoint: (connection) => inner((level) => masked(connection.savepoint(level))),
    commit: (connection) => Effect.flatMap(Mask, (restore) => connection.commit(restore)),
    onCommitFailure: (connection) => connection.rollback,
    rollback: (connection) => connection.rollback,
    rollbackSavepoint: (connection) => inner((level) => connection.rollbackSavepoint(level))
  })

  const connectionOf = Effect.map(
    Effect.serviceOption(transactionService),
    (found) => found._tag === "Some" && found.value[0] instanceof OracleSqlConnection ? found.value[0] : undefined
  )

  const outermost = <A, E, R>(effect: Effect.Effect<A, E, R>, restore: Restore): Effect.Effect<A, E | SqlError, R> => {
    const level = new Level(undefined)
    const body = Effect.flatMap(
      connectionOf,
      (connection) => connection!.connection.transactions.body(level, effect, restore, endedEarly)
    )
    return Effect.provideService(frame(body), Mask, restore)
  }

  const nested = <A, E, R>(
    connection: OracleSqlConnection,
    parent: Level,
    effect: Effect.Effect<A, E, R>,
    restore: Restore
  ): Effect.Effect<A, E | SqlError, R> =>
    Effect.flatMap(restore(parent.inner.take(1)), () =>
      Effect.ensuring(
        Effect.suspend(() => {
          // It may have ended while its turn was waited for.
          if (parent.nearestOpen !== parent) return begin(effect, restore)
          const level = new Level(parent)
          const body = connection.connection.transactions.body(level, effect, restore, endedEarly)
          return frame(body).pipe(Effect.provideService(Inner, level), Effect.provideService(Mask, restore))
        }),
        parent.inner.release(1)
      ))

  const begin = <A, E, R>(effect: Effect.Effect<A, E, R>, restore: Restore): Effect.Effect<A, E | SqlError, R> =>
    Effect.flatMap(connectionOf, (connection) => {
      if (connection === undefined) return outermost(effect, restore)
      return Effect.flatMap(connection.connection.transactions.current, (parent) =>
        // The transaction that this fiber was forked inside is over.
        parent === undefined
          ? Effect.updateContext(outermost(effect, restore), (context: Context.Context<R>) =>
            Context.omit(transactionService)(context) as Context.Context<R>)
          : nested(connection, parent, effect, restore))
    })

  return (effect, options) => {
    const whole = Effect.uninterruptibleMask((restore) => begin(effect, restore))
    const schedule = options?.recover
    if (schedule === undefined) return whole
    if (!Schedule.isSchedule(schedule)) {
      return Effect.fail(
        toSqlError(wrongArgument("transaction", "The option recover", "a Schedule", schedule), "transaction")
      )
    }
    return Effect.flatMap(connectionOf, (connection) =>
      // Inside a transaction the work is part of that one, which may be gone.
      connection?.connection.transactions.isOpen === true
        ? whole
        : Effect.retry(whole, { schedule, while: (failure) => failure instanceof SqlError && failure.isRetryable }))
  }
}

const onConnections = new WeakMap<object, (connection: OracleConnection) => WithTransaction>()

/** Notes how a client makes transactions on a given connection. */
export const rememberTransactions = (client: object, on: (connection: OracleConnection) => WithTransaction): void => {
  onConnections.set(client, on)
}

/** `withTransaction` of `client` on a connection that the caller already holds. */
export const transactionOn = (client: ClientShape, connection: OracleConnection): WithTransaction =>
  onConnections.get(client)?.(connection) ?? client.withTransaction
