/**
 * Transactions that belong to no session: work of several requests, or processes, that is committed or undone as one. Between two
 * of them the transaction lies suspended in the database, with its locks, and no session waits for it.
 *
 * Not here: global transactions over several databases (`GlobalTransaction`).
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SqlError } from "effect/sql/SqlError"
import type { CallError } from "./internal/driverCaller.ts"
import * as internal from "./internal/sessionless.ts"
import type { SessionlessTransactionError } from "./internal/sessionlessError.ts"
import { SessionlessTransaction } from "./internal/sessionlessHandle.ts"
import type { BeginOptions, ResumeOptions, Suspended } from "./internal/sessionlessTypes.ts"
import type { OracleClient } from "./OracleClient.ts"
import type { OracleConnection } from "./OracleConnection.ts"

export { SessionlessTransactionError } from "./internal/sessionlessError.ts"
export { SessionlessTransaction } from "./internal/sessionlessHandle.ts"
export type { BeginOptions, ResumeOptions, Suspended } from "./internal/sessionlessTypes.ts"

/** Where a part of a transaction runs: on a connection, or on one that a client leases for it. */
type On = OracleConnection | OracleClient

/** What a part may fail with besides what it runs. */
type FailureOn<O extends On> = SessionlessTransactionError | (O extends OracleConnection ? CallError : SqlError)

/**
 * Runs `effect` as the first part of a new sessionless transaction, and suspends it: any session of the database can go on with it.
 *
 * **When to use**
 *
 * Use it where a transaction takes as long as somebody thinks: a wizard of several pages, a message that another process answers. No session is held
 * meanwhile; the locks are.
 *
 * **Details**
 *
 * `on` is an `OracleConnection`, or an `OracleClient`, which leases a connection for it: its statements run inside. `withTransaction` within is a
 * savepoint. When `effect` fails or is interrupted, the transaction is rolled back. It needs Oracle Database 23.6 or later.
 *
 * **Gotchas**
 *
 * A session that already is in a transaction refuses it. A definition (DDL) commits, as always, and ends the transaction. Whoever knows the id, and can log on to
 * the database, can go on with it: keep the handle from users, or encrypt it.
 *
 * **Example** (A cart over several requests)
 *
 * ```ts
 * import { OracleSessionPool, SessionlessTransaction } from "@sessionpool/oracle"
 * import { Effect, Schema } from "effect"
 *
 * const Handle = Schema.toCodecJson(SessionlessTransaction.SessionlessTransaction)
 *
 * const open = Effect.gen(function*() {
 *   const pool = yield* OracleSessionPool
 *   const { transaction } = yield* pool.use((connection) =>
 *     SessionlessTransaction.begin(
 *       connection,
 *       connection.execute("update stock set free = free - 1 where item = :1", [7]),
 *       { timeout: "10 minutes" }
 *     )
 *   )
 *   return yield* Schema.encodeEffect(Handle)(transaction) // into the user's session
 * })
 *
 * const pay = Effect.fn(function*(kept: unknown) {
 *   const pool = yield* OracleSessionPool
 *   const transaction = yield* Schema.decodeUnknownEffect(Handle)(kept)
 *   return yield* pool.use((connection) =>
 *     SessionlessTransaction.commit(
 *       connection,
 *       transaction,
 *       connection.execute("insert into orders (item) values (:1)", [7])
 *     )
 *   )
 * })
 * ```
 *
 * @see {@link resume} for the parts that follow
 * @category constructors
 * @since 0.2.0
 */
export const begin: <O extends On, A, E, R>(
  on: O,
  effect: Effect.Effect<A, E, R>,
  options?: BeginOptions
) => Effect.Effect<Suspended<A>, E | FailureOn<O>, R> = internal.begin

/**
 * Resumes a suspended transaction for the length of `effect`, and suspends it again.
 *
 * **When to use**
 *
 * Use it for each part between the first and the last one, in any process.
 *
 * **Details**
 *
 * The work of the parts before is there, and no other session sees it. When `effect` fails or is interrupted, what it did is undone and the
 * transaction is suspended as it was before, unless `onFailure` says otherwise. It fails with `SessionlessTransactionError`: with the reason
 * `"gone"` when the transaction has expired or ended, `"in use"` when another session has had it for longer than `wait`.
 *
 * **Gotchas**
 *
 * A session that is killed, or lost, while it is in the transaction takes the whole of it along: the database rolls back all parts.
 *
 * **Example** (Another page)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 * import { SessionlessTransaction } from "@sessionpool/oracle"
 *
 * const page = (
 *   connection: OracleConnection.OracleConnection,
 *   transaction: SessionlessTransaction.SessionlessTransaction
 * ) =>
 *   SessionlessTransaction.resume(
 *     connection,
 *     transaction,
 *     connection.execute("insert into cart (item) values (:1)", [8])
 *   )
 * ```
 *
 * @see {@link commit}, {@link rollback} for the last one
 * @category combinators
 * @since 0.2.0
 */
export const resume: <O extends On, A, E, R>(
  on: O,
  transaction: SessionlessTransaction,
  effect: Effect.Effect<A, E, R>,
  options?: ResumeOptions
) => Effect.Effect<Suspended<A>, E | FailureOn<O>, R> = internal.resume

/**
 * Resumes a suspended transaction, runs `effect` as its last part when there is one, and commits all.
 *
 * **When to use**
 *
 * Use it for the last part.
 *
 * **Details**
 *
 * A commit whose answer is lost is asked for as those of `withTransaction` are. When `effect` fails, the transaction is suspended as it was
 * before, unless `onFailure` says otherwise.
 *
 * **Example** (The end of it)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 * import { SessionlessTransaction } from "@sessionpool/oracle"
 *
 * const finish = (
 *   connection: OracleConnection.OracleConnection,
 *   transaction: SessionlessTransaction.SessionlessTransaction
 * ) => SessionlessTransaction.commit(connection, transaction)
 * ```
 *
 * @category combinators
 * @since 0.2.0
 */
export const commit: {
  <O extends On>(on: O, transaction: SessionlessTransaction): Effect.Effect<void, FailureOn<O>>
  <O extends On, A, E, R>(
    on: O,
    transaction: SessionlessTransaction,
    effect: Effect.Effect<A, E, R>,
    options?: ResumeOptions
  ): Effect.Effect<A, E | FailureOn<O>, R>
} = internal.commit

/**
 * Resumes a suspended transaction and rolls all of it back.
 *
 * **When to use**
 *
 * Use it when the work is given up: its locks are free at once, and not after its timeout.
 *
 * **Details**
 *
 * One that is gone already fails with the reason `"gone"`: its work is not there, unless somebody has committed it.
 *
 * **Example** (Giving up)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 * import { SessionlessTransaction } from "@sessionpool/oracle"
 *
 * const giveUp = (
 *   connection: OracleConnection.OracleConnection,
 *   transaction: SessionlessTransaction.SessionlessTransaction
 * ) => SessionlessTransaction.rollback(connection, transaction)
 * ```
 *
 * @category combinators
 * @since 0.2.0
 */
export const rollback: <O extends On>(
  on: O,
  transaction: SessionlessTransaction,
  options?: Pick<ResumeOptions, "wait">
) => Effect.Effect<void, FailureOn<O>> = internal.rollback

/**
 * Whether a value is a handle of a sessionless transaction.
 *
 * **When to use**
 *
 * Use it to tell a handle from other values, such as those of a message.
 *
 * @category guards
 * @since 0.2.0
 */
export const isSessionlessTransaction: (value: unknown) => value is SessionlessTransaction = Schema.is(
  SessionlessTransaction
)
