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

/** A connection that the caller holds already, for the outermost transaction; `isBegun` where others begin and end that. */
interface Given {
  readonly connection: OracleSqlConnection
  readonly isBegun: boolean
}

const Given = Context.Reference<Given | undefined>("@sessionpool/oracle/SqlTransactionConnection", {
  defaultValue: () => undefined
})

/** Nothing where others begin and end the transaction. */
const unlessBegun = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A | void, E> =>
  Effect.flatMap(Given, (given) => given?.isBegun === true ? Effect.void : effect)

/** The transactions of a client: all of them have one frame, so that they nest in each other. */
interface SqlTransactions {
  readonly withTransaction: WithTransaction
  /** The same on a connection that the caller holds. */
  readonly on: (connection: OracleSqlConnection) => WithTransaction
  /** Runs an effect inside the transaction that a connection is in already. */
  readonly inside: <A, E, R>(
    connection: OracleSqlConnection,
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | SqlError, R>
}

/** Transactions over the connections that `acquirer` gives. */
export const transactions = (
  transactionService: TransactionService,
  spanAttributes: ReadonlyArray<readonly [string, unknown]>,
  acquirer: Effect.Effect<OracleSqlConnection, SqlError, Scope.Scope>
): SqlTransactions => {
  const frame = Client.makeWithTransaction({
    // `acquirer` is the only one to put connections under it.
    transactionService: transactionService as unknown as Context.Key<
      Client.TransactionConnection,
      readonly [connection: OracleSqlConnection, depth: number]
    >,
    spanAttributes,
    acquireConnection: () =>
      Effect.flatMap(Given, (given) => given === undefined ? masked(acquirer) : Effect.succeed(given.connection)),
    begin: (connection, statement) => unlessBegun(masked(connection.begin(statement))),
    savepoint: (connection) => inner((level) => masked(connection.savepoint(level))),
    commit: (connection) => unlessBegun(Effect.flatMap(Mask, (restore) => connection.commit(restore))),
    onCommitFailure: (connection) => unlessBegun(connection.rollback),
    rollback: (connection) => unlessBegun(connection.rollback),
    rollbackSavepoint: (connection) => inner((level) => connection.rollbackSavepoint(level))
  })

  const connectionOf = Effect.map(
    Effect.serviceOption(transactionService),
    (found) => found._tag === "Some" && found.value[0] instanceof OracleSqlConnection ? found.value[0] : undefined
  )

  const outermost = <A, E, R>(effect: Effect.Effect<A, E, R>, restore: Restore): Effect.Effect<A, E | SqlError, R> => {
    const level = new Level(undefined)
    // Whatever begins inside, and outlives this transaction, has a connection of its own.
    const own = Effect.provideService(effect, Given, undefined)
    const body = Effect.flatMap(
      connectionOf,
      (connection) => connection!.connection.transactions.body(level, own, restore, endedEarly)
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

  const withTransaction: WithTransaction = (effect, options) => {
    if (!Effect.isEffect(effect)) {
      return Effect.fail(
        toSqlError(wrongArgument("transaction", "What runs in a transaction", "an effect", effect), "transaction")
      )
    }
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

  const inside: SqlTransactions["inside"] = (connection, effect) =>
    Effect.uninterruptibleMask((restore) =>
      frame(restore(Effect.provideService(effect, Given, undefined))).pipe(
        Effect.provideService(Given, { connection, isBegun: true })
      )
    )

  return {
    withTransaction,
    on: (connection) => (effect, options) =>
      Effect.provideService(withTransaction(effect, options), Given, { connection, isBegun: false }),
    inside
  }
}

type RunOn = (
  connection: OracleConnection
) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError, R>

const runners = new WeakMap<object, RunOn>()

/** Notes how the statements of a client run on a given connection, inside the transaction that it is in. */
export const rememberRunner = (client: object, on: RunOn): void => {
  runners.set(client, on)
}

/** Runs `effect` with the statements of `client` on `connection`. */
export const runOn = <A, E, R>(
  client: object,
  connection: OracleConnection,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SqlError, R> => runners.get(client)?.(connection)(effect) ?? effect

const onConnections = new WeakMap<object, (connection: OracleConnection) => WithTransaction>()

/** Notes how a client makes transactions on a given connection. */
export const rememberTransactions = (client: object, on: (connection: OracleConnection) => WithTransaction): void => {
  onConnections.set(client, on)
}

/** `withTransaction` of `client` on a connection that the caller already holds. */
export const transactionOn = (client: ClientShape, connection: OracleConnection): WithTransaction =>
  onConnections.get(client)?.(connection) ?? client.withTransaction
