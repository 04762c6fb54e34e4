/**
 * What a caller holds while a session is leased to it, and the lease that stands behind it.
 */
import type * as Effect from "effect/Effect"
import type { ConnectionReleasedError, InvalidTagError } from "./PoolError.ts"

/**
 * The lease of a session, as a driver sees it: the one place that knows whether the connection may still be used.
 *
 * **Details**
 *
 * `run` wraps one operation on the session. It fails with `ConnectionReleasedError` once the lease has ended. When the
 * operation is interrupted, the driver's `interrupt` stops it at the server before the fiber goes on, and the session is
 * pinged before anybody else gets it. `reportFatal` says that the session is dead: it is closed when the lease ends, and
 * its idle siblings are pinged before they are lent.
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
 * `setTag` changes what the session will be known by when it goes back, and `setTag(undefined)` or `setTag("")` clears it.
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
 * @example
 * ```ts
 * import { Connection } from "@sessionpool/core"
 * import { Effect } from "effect"
 *
 * class Clock extends Connection.Base {
 *   readonly now = this.lease.run(Effect.sync(() => 42))
 * }
 * ```
 */
export abstract class Base implements Connection {
  // Declared, not initialised: a field that is set twice would cost every lease more than lending a session does.
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

  /** Whether the lease has ended; nothing can be done with the connection then. */
  get isReleased(): boolean {
    return this.lease.isReleased
  }

  /** Changes the tag that the session keeps when it goes back; fails with `InvalidTagError` and changes nothing then. */
  setTag(tag: string | undefined): Effect.Effect<void, InvalidTagError | ConnectionReleasedError> {
    return this.lease.setTag(tag)
  }
}
