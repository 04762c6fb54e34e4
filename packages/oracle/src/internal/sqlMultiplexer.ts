/**
 * Queries of many fibers on a few sessions: each query joins the pipeline of one of them, so that hundreds of callers share its round trips.
 * Only what depends on nothing of a session goes that way; whatever else is asked takes a session of its own.
 *
 * A session is leased while queries need it, and given back when the last of them has ended, or when it has served its share: then
 * those that come later take another one.
 */
import * as Effect from "effect/Effect"
import * as RcRef from "effect/RcRef"
import * as Scope from "effect/Scope"
import type * as SqlConnection from "effect/sql/SqlConnection"
import { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { OracleContext } from "../OracleContext.ts"
import { Pipelining } from "./pipelining.ts"
import { locksRows } from "./sqlControl.ts"

/** After so many queries a session goes back to the pool, which may have to retire or replace it. */
const share = 10_000

interface Slot<C> {
  readonly lease: RcRef.RcRef<C, SqlError>
  /** Queries that run or wait on it. */
  users: number
  served: number
}

const isQuery = /^\s*(?:select|with)\b/i

const isPlain = (value: unknown): boolean =>
  value === null || typeof value === "string" || typeof value === "number" || typeof value === "bigint"
  || typeof value === "boolean" || value instanceof Date

/** Whether a statement is a query that locks nothing, and whose values are plain. */
const isShareable = (sql: string, params: ReadonlyArray<unknown>): boolean =>
  isQuery.test(sql) && params.every(isPlain) && !locksRows(sql)

/** A few sessions for the queries of all fibers. */
export class SqlMultiplexer<C extends SqlConnection.Connection> {
  readonly #slots: ReadonlyArray<Slot<C>>

  constructor(slots: ReadonlyArray<Slot<C>>) {
    this.#slots = slots
  }

  /** `acquirer` leases a session; what it is asked for must not depend on who asks. */
  static make<C extends SqlConnection.Connection>(
    acquirer: Effect.Effect<C, SqlError, Scope.Scope>,
    sessions: number
  ): Effect.Effect<SqlMultiplexer<C>> {
    const acquire = Effect.provideService(acquirer, OracleContext, { action: false })
    // Nothing is kept in it: a session that no query needs goes back at once.
    const never = Scope.makeUnsafe()
    const slot = Effect.map(RcRef.make({ acquire }), (lease): Slot<C> => ({ lease, users: 0, served: 0 }))
    return Effect.map(
      Effect.provideService(Effect.all(Array.from({ length: sessions }, () => slot)), Scope.Scope, never),
      (slots) => new SqlMultiplexer(slots)
    )
  }

  /** Runs a query on the session with the fewest. */
  run<A, E>(use: (connection: C) => Effect.Effect<A, E>): Effect.Effect<A, E | SqlError> {
    return Effect.suspend(() => {
      const slot = this.#slots.reduce((least, each) => each.users < least.users ? each : least)
      slot.users++
      slot.served++
      const retiring = slot.served >= share ? RcRef.invalidate(slot.lease) : Effect.void
      if (slot.served >= share) slot.served = 0
      return Effect.andThen(retiring, Effect.flatMap(RcRef.get(slot.lease), use)).pipe(
        Effect.provideService(Pipelining, true),
        Effect.scoped,
        // A session that was lost must not be the next query's, while others still wait for theirs.
        Effect.tapError((error) =>
          error instanceof SqlError && error.reason._tag === "ConnectionError"
            ? RcRef.invalidate(slot.lease)
            : Effect.void
        ),
        Effect.ensuring(Effect.sync(() => {
          slot.users--
        }))
      )
    })
  }
}

/** A connection of single statements that takes shared sessions where it can; `own` and `acquirer` lease one. */
export class SharedConnection<C extends SqlConnection.Connection> implements SqlConnection.Connection {
  readonly #multiplexer: SqlMultiplexer<C>
  readonly #own: <A, E>(
    use: (connection: SqlConnection.Connection) => Effect.Effect<A, E>
  ) => Effect.Effect<A, E | SqlError>
  readonly #acquirer: Effect.Effect<C, SqlError, Scope.Scope>

  constructor(
    multiplexer: SqlMultiplexer<C>,
    own: SqlConnection.Borrower,
    acquirer: Effect.Effect<C, SqlError, Scope.Scope>
  ) {
    this.#multiplexer = multiplexer
    this.#own = own
    this.#acquirer = acquirer
  }

  #run<A, E>(
    sql: string,
    params: ReadonlyArray<unknown>,
    use: (connection: SqlConnection.Connection) => Effect.Effect<A, E>
  ): Effect.Effect<A, E | SqlError> {
    return isShareable(sql, params) ? this.#multiplexer.run(use) : this.#own(use)
  }

  execute(...args: Parameters<SqlConnection.Connection["execute"]>) {
    return this.#run(args[0], args[1], (connection) => connection.execute(...args))
  }

  executeRaw(...args: Parameters<SqlConnection.Connection["executeRaw"]>) {
    return this.#own((connection) => connection.executeRaw(...args))
  }

  executeStream(...args: Parameters<SqlConnection.Connection["executeStream"]>) {
    return Stream.unwrap(Effect.map(this.#acquirer, (connection) => connection.executeStream(...args)))
  }

  executeValues(...args: Parameters<SqlConnection.Connection["executeValues"]>) {
    return this.#run(args[0], args[1], (connection) => connection.executeValues(...args))
  }

  executeValuesUnprepared(...args: Parameters<SqlConnection.Connection["executeValuesUnprepared"]>) {
    return this.#own((connection) => connection.executeValuesUnprepared(...args))
  }

  executeUnprepared(...args: Parameters<SqlConnection.Connection["executeUnprepared"]>) {
    return this.#own((connection) => connection.executeUnprepared(...args))
  }
}
