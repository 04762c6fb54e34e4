/** Transactions of one connection: the outermost ends with a commit or a rollback, an inner one is a savepoint. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Semaphore from "effect/Semaphore"
import type { Caller, CallError } from "./caller.ts"

/**
 * What the outermost transaction begins with.
 *
 * **Details**
 *
 * Without either, the transaction begins with its first statement, as always in Oracle.
 *
 * @example
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const report: OracleConnection.TransactionOptions = { readOnly: true }
 * ```
 */
export interface TransactionOptions {
  readonly isolation?: "serializable" | "read committed" | undefined
  /** All queries see the database as it was when the transaction began. */
  readonly readOnly?: boolean | undefined
}

/** The transactions that the current fiber is inside of. */
const Current = Context.Reference<ReadonlySet<Transactions>>("@sessionpool/oracle/CurrentTransactions", {
  defaultValue: () => new Set<Transactions>()
})

export class Transactions {
  readonly #caller: Caller
  readonly #outermost = Semaphore.makeUnsafe(1)
  #savepoints = 0

  constructor(caller: Caller) {
    this.#caller = caller
  }

  #statement(sql: string, isUrgent = false): Effect.Effect<void, CallError> {
    return Effect.asVoid(
      this.#caller.call({ operation: "execute", sql, isUrgent }, (connection) => connection.execute(sql, [], {}))
    )
  }

  within<A, E, R>(
    effect: Effect.Effect<A, E, R>,
    options: TransactionOptions | undefined
  ): Effect.Effect<A, E | CallError, R> {
    return Effect.flatMap(Current, (current) => {
      if (current.has(this)) return this.#nested(effect)
      const inside = Effect.provideService(effect, Current, new Set([...current, this]))
      return this.#outermost.withPermit(this.#whole(inside, options))
    })
  }

  #whole<A, E, R>(
    effect: Effect.Effect<A, E, R>,
    options: TransactionOptions | undefined
  ): Effect.Effect<A, E | CallError, R> {
    const begin = options?.readOnly === true
      ? this.#statement("set transaction read only")
      : options?.isolation !== undefined
      ? this.#statement(`set transaction isolation level ${options.isolation}`)
      : Effect.void
    const commit = this.#caller.call({ operation: "COMMIT" }, (connection) => connection.commit())
    const rollback = this.#caller.call({ operation: "ROLLBACK", isUrgent: true }, (connection) => connection.rollback())
    return this.#settled(Effect.andThen(begin, effect), commit, rollback)
  }

  #nested<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | CallError, R> {
    return Effect.suspend(() => {
      const savepoint = `sp_${++this.#savepoints}`
      return this.#settled(
        Effect.andThen(this.#statement(`savepoint ${savepoint}`), effect),
        Effect.void,
        this.#statement(`rollback to savepoint ${savepoint}`, true)
      )
    })
  }

  /**
   * A rollback cannot be interrupted, and is bounded by the pool's `pingTimeout`. A commit can be, as everything before it: like
   * a commit whose answer is lost, it may have happened then.
   */
  #settled<A, E, R>(
    effect: Effect.Effect<A, E, R>,
    commit: Effect.Effect<void, CallError>,
    rollback: Effect.Effect<void, CallError>
  ): Effect.Effect<A, E | CallError, R> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.exit(restore(effect)), (exit): Effect.Effect<A, E | CallError> => {
        if (Exit.isSuccess(exit)) {
          return Effect.as(Effect.onError(restore(commit), () => this.#undo(rollback)), exit.value)
        }
        return Effect.andThen(this.#undo(rollback), Effect.failCause(exit.cause))
      })
    )
  }

  /** A session that cannot be rolled back must not go back to the pool with work in it. */
  #undo(rollback: Effect.Effect<void, CallError>): Effect.Effect<void> {
    return Effect.catchCause(rollback, (cause) =>
      Effect.sync(() => {
        // The end of the lease has rolled back already.
        if (!this.#caller.lease.isReleased) this.#caller.lease.reportFatal(Cause.squash(cause))
      }))
  }
}
