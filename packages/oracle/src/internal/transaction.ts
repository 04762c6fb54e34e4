/**
 * Transactions of one session: the outermost ends with a commit or a rollback, an inner one is a savepoint.
 *
 * There is one state for each lease, whichever interface begins a transaction: `OracleConnection` runs them here whole, and the
 * client of `effect/sql` enters and leaves the same levels. A level has one inner level at a time, so savepoints never overlap,
 * and it ends after those inside it. It is open until the decision about it is made; a fiber that was forked inside
 * and opens a transaction later finds the nearest level that is open still, or begins an outermost one.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import { isOracleError, type OracleError } from "../OracleError.ts"
import { isInDoubt, notCommitted } from "./commitOutcome.ts"
import type { CallError, DriverCaller } from "./driverCaller.ts"
import { refusal, wrongArgument } from "./refusal.ts"

/**
 * What the outermost transaction begins with.
 *
 * **When to use**
 *
 * Use `readOnly` for reports that must see one moment, `isolation: "serializable"` where work must not miss what others change, `recover` where
 * the work may be run again.
 *
 * **Details**
 *
 * Without `isolation` and `readOnly` the transaction begins with its first statement, as always in Oracle.
 *
 * `recover` runs the whole work again, as often and after such pauses as the schedule says, when it has failed and is known not to have
 * happened: after a deadlock, a conflict of serializable transactions, or a commit that the database says it has not done. On a connection
 * the session must still be there; `sql.withTransaction` takes another one. An inner transaction is part of the outer one and does not
 * run again by itself.
 *
 * **Example** (Reading one moment)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const report: OracleConnection.TransactionOptions = { readOnly: true }
 * ```
 *
 * @category options
 * @since 0.1.0
 */
export interface TransactionOptions {
  readonly isolation?: "serializable" | "read committed" | undefined
  /** All queries see the database as it was when the transaction began. */
  readonly readOnly?: boolean | undefined
  /** When the work is run again that is known not to have happened. Default: never. */
  readonly recover?: Schedule.Schedule<unknown> | undefined
}

/** A transaction, or a savepoint inside one. */
export class Level {
  readonly parent: Level | undefined
  /** Held by the inner level that is open. */
  readonly inner = Semaphore.makeUnsafe(1)
  /** The name of its savepoint, once the server has set it. */
  savepoint: string | undefined = undefined
  isOpen = true

  constructor(parent: Level | undefined) {
    this.parent = parent
  }

  /** This level, or the nearest one around it, that is open along with all around it. */
  get nearestOpen(): Level | undefined {
    const { parent } = this
    const around = parent?.nearestOpen
    return around === parent && this.isOpen ? this : around
  }

  /** Closes it once what runs inside has ended; false when the transaction around it is over, and its work with that. */
  get close(): Effect.Effect<boolean> {
    return this.inner.withPermit(Effect.sync(() => {
      this.isOpen = false
      return this.parent === undefined || this.parent.nearestOpen === this.parent
    }))
  }
}

/** The levels that the current fiber is inside of. */
const Current = Context.Reference<ReadonlyMap<Transactions, Level>>("@sessionpool/oracle/CurrentTransactions", {
  defaultValue: () => new Map<Transactions, Level>()
})

/** What an inner transaction fails with whose work is gone, or committed without it. */
export const ended = () =>
  refusal(
    "transaction",
    "The transaction around this one ended before it, and what this one did cannot be kept.\n"
      + "Wait for the fibers that run transactions inside another before that one ends."
  )

const isolations: ReadonlySet<unknown> = new Set([undefined, "serializable", "read committed"])

/** What is no transaction. An effect that is none would end its fiber in the middle of one. */
export const transactionProblem = (effect: unknown, options: unknown): OracleError | undefined => {
  const operation = "transaction"
  if (!Effect.isEffect(effect)) return wrongArgument(operation, "What runs in a transaction", "an effect", effect)
  if (options === undefined) return undefined
  if (typeof options !== "object" || options === null) {
    return wrongArgument(operation, "The options", "an object", options)
  }
  const { isolation, readOnly, recover }: { readonly [Name in keyof TransactionOptions]?: unknown } = options
  if (recover !== undefined && !Schedule.isSchedule(recover)) {
    return wrongArgument(operation, "The option recover", "a Schedule", recover)
  }
  if (!isolations.has(isolation)) {
    return wrongArgument(operation, "The option isolation", "\"serializable\" or \"read committed\"", isolation)
  }
  return readOnly === undefined || typeof readOnly === "boolean"
    ? undefined
    : wrongArgument(operation, "The option readOnly", "true or false", readOnly)
}

const alreadyInside = () =>
  refusal(
    "transaction",
    "A transaction that outlives its session cannot begin inside another one: nothing was sent.\n"
      + "Begin it outside of withTransaction, or on another connection."
  )

/** How a transaction begins and ends that is none of `withTransaction`. */
interface Ends<E> {
  /** What of it can be interrupted is restored. When it fails, nothing is to be undone. */
  readonly attach: (restore: Restore) => Effect.Effect<void, E>
  readonly keep: (restore: Restore) => Effect.Effect<void, E>
  readonly undo: () => Effect.Effect<void, CallError>
  readonly fail: (failure: OracleError) => E
}

export type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

export class Transactions {
  readonly #caller: DriverCaller
  readonly #outermost = Semaphore.makeUnsafe(1)
  #savepoints = 0
  #isOpen = false

  constructor(caller: DriverCaller) {
    this.#caller = caller
  }

  /** Whether a transaction has been begun that has not ended; then no statement commits by itself. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** The innermost open level that the current fiber is inside of. */
  get current(): Effect.Effect<Level | undefined> {
    return Effect.map(Current, (current) => current.get(this)?.nearestOpen)
  }

  /** Runs `effect` inside `level`. */
  inside<A, E, R>(level: Level, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.flatMap(
      Current,
      (current) => Effect.provideService(effect, Current, new Map([...current, [this, level]]))
    )
  }

  within<A, E, R>(
    effect: Effect.Effect<A, E, R>,
    options: TransactionOptions | undefined
  ): Effect.Effect<A, E | CallError, R> {
    return Effect.flatMap(this.current, (parent): Effect.Effect<A, E | CallError, R> => {
      if (parent === undefined) {
        return this.#recovered(this.#outermost.withPermit(this.#whole(effect, options)), options)
      }
      return parent.inner.withPermit(Effect.suspend(() =>
        // It may have ended while its turn was waited for.
        parent.nearestOpen === parent ? this.#nested(parent, effect) : this.within(effect, options)
      ))
    })
  }

  #recovered<A, E, R>(
    whole: Effect.Effect<A, E | CallError, R>,
    options: TransactionOptions | undefined
  ): Effect.Effect<A, E | CallError, R> {
    const schedule = options?.recover
    return schedule === undefined ? whole : Effect.retry(whole, {
      schedule,
      while: (failure) => isOracleError(failure) && failure.isRetryable && !failure.isSessionFatal
    })
  }

  #whole<A, E, R>(
    effect: Effect.Effect<A, E, R>,
    options: TransactionOptions | undefined
  ): Effect.Effect<A, E | CallError, R> {
    const begin = options?.readOnly === true
      ? this.statement("set transaction read only")
      : options?.isolation !== undefined
      ? this.statement(`set transaction isolation level ${options.isolation}`)
      : Effect.void
    return Effect.suspend(() => {
      const level = new Level(undefined)
      this.#isOpen = true
      const body = Effect.andThen(begin, effect)
      return this.#settled(level, body, (restore) => this.commit(restore), () => this.rollback()).pipe(
        Effect.ensuring(this.over)
      )
    })
  }

  /** The outermost transaction around `effect`, begun and ended by others than `withTransaction`. */
  taken<A, E, R, E2>(effect: Effect.Effect<A, E, R>, ends: Ends<E2>): Effect.Effect<A, E | E2, R> {
    return Effect.flatMap(this.current, (parent): Effect.Effect<A, E | E2, R> =>
      parent !== undefined
        ? Effect.fail(ends.fail(alreadyInside()))
        : this.#outermost.withPermit(Effect.uninterruptibleMask((restore) =>
          Effect.andThen(
            ends.attach(restore),
            Effect.suspend(() => {
              const level = new Level(undefined)
              this.#isOpen = true
              return Effect.flatMap(
                Effect.exit(this.body(level, effect, restore, () => ends.fail(ended()))),
                (exit): Effect.Effect<A, E | E2> =>
                  Exit.isSuccess(exit)
                    ? Effect.as(Effect.onError(ends.keep(restore), () => this.undone(ends.undo())), exit.value)
                    : Effect.andThen(this.undone(ends.undo()), Effect.failCause(exit.cause))
              ).pipe(Effect.ensuring(this.over))
            })
          )
        )))
  }

  #nested<A, E, R>(parent: Level, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | CallError, R> {
    return Effect.suspend(() => {
      const level = new Level(parent)
      return this.#settled(
        level,
        Effect.andThen(this.setSavepoint(level), effect),
        () => Effect.void,
        () => this.rollbackTo(level)
      )
    })
  }

  #settled<A, E, R>(
    level: Level,
    effect: Effect.Effect<A, E, R>,
    keep: (restore: Restore) => Effect.Effect<void, CallError>,
    undo: () => Effect.Effect<void, CallError>
  ): Effect.Effect<A, E | CallError, R> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.exit(this.body(level, effect, restore, ended)), (exit): Effect.Effect<A, E | CallError> => {
        if (Exit.isSuccess(exit)) {
          return Effect.as(Effect.onError(keep(restore), () => this.undone(undo())), exit.value)
        }
        return Effect.andThen(this.undone(undo()), Effect.failCause(exit.cause))
      })
    )
  }

  /** What runs inside a level, up to the decision about it; `failure` is that of one whose transaction has ended before it. */
  body<A, E, R, E2>(
    level: Level,
    effect: Effect.Effect<A, E, R>,
    restore: Restore,
    failure: () => E2
  ): Effect.Effect<A, E | E2, R> {
    const closed = Effect.tap(
      this.inside(level, effect),
      () => Effect.flatMap(level.close, (isKept) => isKept ? Effect.void : Effect.fail(failure()))
    )
    return Effect.onError(restore(closed), () =>
      Effect.sync(() => {
        level.isOpen = false
      }))
  }

  /** An outermost transaction of another interface begins. */
  get begun(): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#isOpen = true
    })
  }

  /** The outermost transaction has ended. */
  get over(): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#isOpen = false
    })
  }

  statement(sql: string, caller: DriverCaller = this.#caller, isUrgent = false): Effect.Effect<void, CallError> {
    return Effect.asVoid(
      caller.call({ operation: "execute", sql, isUrgent }, (connection) => connection.execute(sql, [], {}))
    )
  }

  /** Where the server has not said that it is set, nothing was done after it, and nothing is to be undone. */
  setSavepoint(level: Level, caller: DriverCaller = this.#caller): Effect.Effect<void, CallError> {
    return Effect.suspend(() => {
      const name = `sp_${++this.#savepoints}`
      const sql = `savepoint ${name}`
      return caller.callThen(
        { operation: "execute", sql },
        (connection) => connection.execute(sql, [], {}),
        () => {
          level.savepoint = name
          return Effect.void
        }
      )
    })
  }

  /** Bounded by the pool's `pingTimeout`: it cannot be interrupted. */
  rollbackTo(level: Level, caller: DriverCaller = this.#caller): Effect.Effect<void, CallError> {
    return Effect.suspend(() => {
      const { parent, savepoint } = level
      // With the transaction around it its savepoint is gone as well.
      if (savepoint === undefined || parent?.nearestOpen !== parent) return Effect.void
      return this.statement(`rollback to savepoint ${savepoint}`, caller, true)
    })
  }

  /** Bounded by the pool's `pingTimeout`: it cannot be interrupted. */
  rollback(caller: DriverCaller = this.#caller): Effect.Effect<void, CallError> {
    return caller.call({ operation: "ROLLBACK", isUrgent: true }, (connection) => connection.rollback())
  }

  /**
   * A commit that is given up is waited for, up to `pingTimeout`; when its answer comes in that time, it counts. Where the answer is lost
   * and the server has named the transaction, another session is asked. `restore` is that of the region around it, in which nothing
   * can be interrupted.
   */
  commit(restore: Restore, caller: DriverCaller = this.#caller): Effect.Effect<void, CallError> {
    return Effect.suspend(() => {
      let isDone = false
      let ltxid: Buffer | undefined
      const { session } = caller
      const details = {
        operation: "COMMIT",
        limit: session.commitLimit,
        isUnbreakable: true,
        discard: async () => {
          isDone = true
        }
      }
      const committed = caller.call(details, (connection) => {
        ltxid = connection.ltxid
        return connection.commit()
      })
      return Effect.catchCause(restore(committed), (cause) => {
        if (isDone) return Effect.void
        const failure = Cause.hasInterrupts(cause) ? undefined : Cause.squash(cause)
        if (ltxid === undefined || (failure !== undefined && !isInDoubt(failure))) return Effect.failCause(cause)
        return Effect.flatMap(session.outcomeOf(ltxid), (outcome): Effect.Effect<void, CallError> => {
          if (outcome === "committed") return Effect.void
          return outcome === "rolled back" && failure !== undefined
            ? Effect.fail(notCommitted(failure as OracleError))
            : Effect.failCause(cause)
        })
      })
    })
  }

  /** A session that cannot be rolled back must not go back to the pool with work in it. */
  undone(undo: Effect.Effect<void, CallError>): Effect.Effect<void> {
    return Effect.catchCause(undo, (cause) =>
      Effect.sync(() => {
        // The end of the lease has rolled back already.
        if (!this.#caller.lease.isReleased) this.#caller.lease.reportFatal(Cause.squash(cause))
      }))
  }
}
