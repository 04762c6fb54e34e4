/**
 * What a caller holds while a session is leased to it, and the lease behind it.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { ConnectionReleasedError, InvalidTagError } from "./PoolError.ts"

/**
 * The lease of a session, as a driver sees it: the one place that knows whether the connection may still be used.
 *
 * **When to use**
 *
 * Use in a driver, to run every operation of a connection. Callers have no need of it.
 *
 * **Details**
 *
 * - `run` wraps one operation on the session. It fails with `ConnectionReleasedError` once the lease has ended. When the
 *   operation is interrupted, the driver's `interrupt` stops it at the server before the fiber continues, and the session is
 *   pinged before it is lent again.
 * - `reportFatal` says that the session is dead: it is closed when the lease ends, and the pool's other sessions are pinged
 *   before they are lent.
 *
 * **Gotchas**
 *
 * An operation that does not go through `run` may reach a session that already belongs to the next holder.
 *
 * @see {@link Base} for a connection that has one
 * @category models
 * @since 0.1.0
 */
export interface Lease {
  readonly pool: string
  readonly sessionId: number
  readonly isReleased: boolean
  readonly tag: string | undefined
  readonly setTag: (tag: string | undefined) => Effect.Effect<void, InvalidTagError | ConnectionReleasedError>
  readonly run: <A, E, R>(operation: Effect.Effect<A, E, R>) => Effect.Effect<A, E | ConnectionReleasedError, R>
  readonly reportFatal: (cause: unknown) => void
}

/**
 * What every connection has, whatever the database.
 *
 * **Details**
 *
 * `id` numbers the session within its pool, from 1. `tag` is the state the session is in, `undefined` when it has none;
 * `setTag` changes what the session will be known by when it is returned, and `setTag(undefined)` or `setTag("")` clears it.
 *
 * @see {@link Base} for an implementation to extend
 * @category models
 * @since 0.1.0
 */
export interface Connection {
  readonly lease: Lease
  readonly id: number
  readonly tag: string | undefined
  readonly isReleased: boolean
  readonly setTag: (tag: string | undefined) => Effect.Effect<void, InvalidTagError | ConnectionReleasedError>
}

/**
 * The part of a connection that does not depend on the database; drivers extend it.
 *
 * **When to use**
 *
 * Use as the base class of a driver's connection, with a method for each operation of the database.
 *
 * **Example** (A connection with one operation)
 *
 * ```ts
 * import { Connection } from "@sessionpool/core"
 * import { Effect } from "effect"
 *
 * class Clock extends Connection.Base {
 *   readonly now = this.lease.run(Effect.sync(() => 42))
 * }
 * ```
 *
 * @see {@link Lease} for what `run` does
 * @category constructors
 * @since 0.1.0
 */
export abstract class Base implements Connection {
  // Declared, not initialized: a field that is set twice would cost every lease more than lending a session does.
  declare readonly lease: Lease

  constructor(lease: Lease) {
    this.lease = lease
  }

  /** The number of the session in its pool, from 1. */
  get id(): number {
    return this.lease.sessionId
  }

  /** The state that the session is in; `undefined` when it has no tag. */
  get tag(): string | undefined {
    return this.lease.tag
  }

  /** Whether the lease has ended; every operation fails with `ConnectionReleasedError` then. */
  get isReleased(): boolean {
    return this.lease.isReleased
  }

  /** Changes the tag that the session keeps when it is returned; a malformed one is an `InvalidTagError` and changes nothing. */
  setTag(tag: string | undefined): Effect.Effect<void, InvalidTagError | ConnectionReleasedError> {
    return this.lease.setTag(tag)
  }
}
