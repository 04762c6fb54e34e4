/**
 * Two-phase commit: work in several databases that is committed in all of them, or in none. Each database has a branch, which is
 * prepared, and then committed or rolled back; a prepared branch survives the loss of its session and of its instance.
 *
 * Not here: a transaction manager. Who decides, and keeps the decision, is the program; `commitAll` does it for one that keeps it in a place of
 * its own.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { ReadError } from "./internal/cursor.ts"
import type { CallError } from "./internal/driverCaller.ts"
import * as internal from "./internal/globalTransactions.ts"
import type { BranchOptions, Committed, Participant, Prepared } from "./internal/globalTypes.ts"
import { Xid } from "./internal/xid.ts"
import type { OracleConnection } from "./OracleConnection.ts"

export type { BranchOptions, Committed, Participant, Prepared } from "./internal/globalTypes.ts"
export { Xid } from "./internal/xid.ts"

/**
 * Runs `effect` in a new branch and prepares it. The scope owns the branch: unless it has been committed by the end of the scope, it is rolled back.
 *
 * **When to use**
 *
 * Use it for each database of a global transaction, with a connection to each, then `commit` each of them once all are prepared and the
 * decision is kept.
 *
 * **Details**
 *
 * When `effect` fails or is interrupted, the branch is rolled back and nothing is prepared. `withTransaction` is refused inside, as
 * the database refuses savepoints, commits and definitions in a branch. The connection is free for other work after it.
 *
 * **Gotchas**
 *
 * The scope has to end before the lease of the connection does. A program that ends between the prepare and the end of the scope leaves the branch in doubt, with its locks: others get ORA-01591. `recover` finds
 * it. So keep the decision before the first `commit`.
 *
 * **Example** (Two databases)
 *
 * ```ts
 * import { GlobalTransaction, type OracleConnection } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const order = (
 *   orders: OracleConnection.OracleConnection,
 *   stock: OracleConnection.OracleConnection,
 *   decide: (xids: ReadonlyArray<GlobalTransaction.Xid>) => Effect.Effect<void>
 * ) =>
 *   Effect.scoped(Effect.gen(function*() {
 *     const first = GlobalTransaction.Xid.random("orders")
 *     const second = first.withBranch("stock")
 *     yield* GlobalTransaction.prepare(orders, first, orders.execute("insert into orders (item) values (:1)", [7]))
 *     yield* GlobalTransaction.prepare(stock, second, stock.execute("update stock set free = free - 1 where item = :1", [7]))
 *     yield* decide([first, second])
 *     yield* GlobalTransaction.commit(orders, first)
 *     yield* GlobalTransaction.commit(stock, second)
 *   }))
 * ```
 *
 * @see {@link recover} for branches that a lost program has left
 * @category constructors
 * @since 0.2.0
 */
export const prepare: <A, E, R>(
  connection: OracleConnection,
  xid: Xid,
  effect: Effect.Effect<A, E, R>,
  options?: BranchOptions
) => Effect.Effect<Prepared<A>, E | CallError, R | Scope.Scope> = internal.prepare

/**
 * Commits a prepared branch, on any connection to its database.
 *
 * **When to use**
 *
 * Use it for each branch once all are prepared and the decision is kept, and for those that `recover` has found and that were to be committed.
 *
 * **Details**
 *
 * When its answer is lost, do it again: `"absent"` then says that the branch has ended, as it was to. It says the same of a branch that was never prepared, or had nothing
 * to commit. One that has not been prepared fails (ORA-24768), and so does one that an administrator has rolled back (ORA-24765).
 *
 * **Example** (The second phase)
 *
 * ```ts
 * import { GlobalTransaction, type OracleConnection } from "@sessionpool/oracle"
 *
 * const second = (connection: OracleConnection.OracleConnection, xid: GlobalTransaction.Xid) =>
 *   GlobalTransaction.commit(connection, xid)
 * ```
 *
 * @category combinators
 * @since 0.2.0
 */
export const commit: (connection: OracleConnection, xid: Xid) => Effect.Effect<Committed, CallError> = internal.commit

/**
 * Rolls a branch back, prepared or not, on any connection to its database. One that is not there any more is rolled back already.
 *
 * **When to use**
 *
 * Use it for branches that `recover` has found and that no kept decision names.
 *
 * **Example** (The other decision)
 *
 * ```ts
 * import { GlobalTransaction, type OracleConnection } from "@sessionpool/oracle"
 *
 * const undo = (connection: OracleConnection.OracleConnection, xid: GlobalTransaction.Xid) =>
 *   GlobalTransaction.rollback(connection, xid)
 * ```
 *
 * @category combinators
 * @since 0.2.0
 */
export const rollback: (connection: OracleConnection, xid: Xid) => Effect.Effect<void, CallError> = internal.rollback

/**
 * The branches of this database that are prepared and wait for a decision.
 *
 * **When to use**
 *
 * Call it when a program starts, to end what the one before it has left: commit what was decided, roll back the rest.
 *
 * **Details**
 *
 * It reads `dba_pending_transactions`, which the user needs the right to read. Branches of other programs are in there too: tell yours by their
 * `formatId` and `globalId`.
 *
 * **Example** (What the last run has left)
 *
 * ```ts
 * import { GlobalTransaction, type OracleConnection } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const settle = (connection: OracleConnection.OracleConnection, decided: ReadonlySet<string>) =>
 *   Effect.flatMap(GlobalTransaction.recover(connection), (xids) =>
 *     Effect.forEach(xids, (xid) =>
 *       decided.has(xid.globalId)
 *         ? GlobalTransaction.commit(connection, xid)
 *         : GlobalTransaction.rollback(connection, xid)))
 * ```
 *
 * @category combinators
 * @since 0.2.0
 */
export const recover: (connection: OracleConnection) => Effect.Effect<ReadonlyArray<Xid>, ReadError> = internal.recover

/**
 * Does the work of all participants, and commits it in all of their databases or in none.
 *
 * **When to use**
 *
 * Use it where the program itself coordinates the transaction, and has a place to keep decisions.
 *
 * **Details**
 *
 * The names of the participants are those of the branches. All are prepared, then `decide` keeps the decision, then all are committed. When a work or a
 * prepare fails, or `decide` does, all are rolled back. Once `decide` has succeeded, nothing is rolled back any more: a commit that fails
 * leaves its branch in doubt, for `recover`, and the whole fails with what that commit failed with.
 *
 * **Gotchas**
 *
 * `decide` must keep its ids where a program that starts later finds them: a table of one of the databases, or a file. Without that, a program that is lost between
 * two commits cannot be finished by another.
 *
 * **Example** (Two databases)
 *
 * ```ts
 * import { GlobalTransaction, type OracleConnection } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const order = (orders: OracleConnection.OracleConnection, stock: OracleConnection.OracleConnection) =>
 *   GlobalTransaction.commitAll({
 *     orders: { connection: orders, work: orders.execute("insert into orders (item) values (:1)", [7]) },
 *     stock: { connection: stock, work: stock.execute("update stock set free = free - 1 where item = :1", [7]) }
 *   }, (xids) => Effect.logInfo(`to be committed: ${xids.join(", ")}`))
 * ```
 *
 * @category combinators
 * @since 0.2.0
 */
export const commitAll: <const P extends { readonly [name: string]: Participant<unknown, unknown, unknown> }, E2, R2>(
  participants: P,
  decide: (xids: ReadonlyArray<Xid>) => Effect.Effect<unknown, E2, R2>,
  options?: BranchOptions
) => Effect.Effect<
  { readonly [K in keyof P]: Effect.Success<P[K]["work"]> },
  Effect.Error<P[keyof P]["work"]> | E2 | CallError,
  Effect.Services<P[keyof P]["work"]> | R2
> = internal.commitAll

/**
 * Whether a value is the id of a branch.
 *
 * **When to use**
 *
 * Use it to tell an id from other values, such as those of a message.
 *
 * @category guards
 * @since 0.2.0
 */
export const isXid: (value: unknown) => value is Xid = Schema.is(Xid)
