/**
 * What happens in a pool, as it happens: `pool.events` is a stream of these. Events cost nothing while there is no listener.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * Why a session was closed.
 *
 * @see {@link PoolEvent} for the event that carries it
 * @category models
 * @since 0.1.0
 */
export type CloseReason =
  /** Idle for longer than `timeout`. */
  | "idle"
  /** Older than `maxLifetimeSession`. */
  | "expired"
  /** More sessions than `max`, after `forceGet` or a change of `max`. */
  | "surplus"
  /** Made room for a session of another identity, tag or purity. */
  | "replaced"
  /** Did not answer a ping, or was known to be unhealthy. */
  | "dead"
  /** The driver reported a fatal error, or the session could not be cleaned up. */
  | "broken"
  /** `drop` was called. */
  | "dropped"
  /** `onSession` failed or was interrupted. */
  | "unprepared"
  /** Opened with credentials that have changed since, or that the pool no longer accepts. */
  | "credentials"
  /** Opened before a `refresh`. */
  | "refreshed"
  /** On an instance that is drained, or whose shutdown the database has announced. */
  | "drained"
  /** On the instance that had most sessions, so that its successor may land elsewhere (`rebalanceInterval`). */
  | "rebalanced"
  /** It has served `maxUsesPerSession` leases. */
  | "used"
  /** Taken away from a lease that was reported as a leak, with `leakReclaim`. */
  | "reclaimed"
  /** The pool is closing. */
  | "closing"

/**
 * Why a request was refused without waiting.
 *
 * @see {@link PoolEvent} for the event that carries it
 * @category models
 * @since 0.1.0
 */
export type RefusalReason = "exhausted" | "queueFull" | "overloaded"

/**
 * An event of a pool, a union by `_tag`.
 *
 * **Details**
 *
 * `at` is the date in milliseconds; other times are durations in milliseconds. `session` is the number of the session in the
 * pool.
 *
 * **Gotchas**
 *
 * A listener that falls more than 4096 events behind misses the oldest: keep what it does short, or count instead of storing.
 *
 * **Example** (Describing some events and ignoring the others)
 *
 * ```ts
 * import { PoolEvent } from "@sessionpool/core"
 *
 * const describe = PoolEvent.$match({
 *   ...PoolEvent.ignored,
 *   SessionOpened: (event) => `opened session ${event.session} in ${event.tookMillis}ms`,
 *   SessionClosed: (event) => `closed session ${event.session}: ${event.reason}`
 * })
 * console.log(describe(PoolEvent.PoolEvent.SessionClosed({ at: 0, session: 1, reason: "idle", failure: undefined })))
 * ```
 *
 * @see {@link $match} for matching one
 * @category models
 * @since 0.1.0
 */
export type PoolEvent = Data.TaggedEnum<{
  /** A session was opened. */
  SessionOpened: {
    readonly at: number
    readonly session: number
    readonly identity: string
    readonly instance: string | undefined
    readonly tookMillis: number
  }
  /**
   * A session could not be opened; `attempts` is the number of failures in a row. Opening continues after a pause or, with
   * `isAuthentication`, once the credentials change.
   */
  SessionOpenFailed: {
    readonly at: number
    readonly identity: string
    readonly cause: unknown
    readonly isAuthentication: boolean
    readonly attempts: number
  }
  /** A session was closed; `failure` is why closing it failed, if it did. */
  SessionClosed: {
    readonly at: number
    readonly session: number
    readonly reason: CloseReason
    readonly failure: unknown
  }
  /** A session was lent. `hit`: it was already open and in the state asked for. */
  SessionLent: {
    readonly at: number
    readonly session: number
    readonly requestedTag: string | undefined
    readonly tag: string | undefined
    readonly hit: boolean
    readonly waitedMillis: number
  }
  /** A session was returned. */
  SessionReturned: {
    readonly at: number
    readonly session: number
    readonly tag: string | undefined
    readonly heldMillis: number
  }
  /**
   * A request with a tag got a session in another state, and the pool has no `onSession` that could have prepared it. `tag` is
   * the state that the session was in.
   */
  SessionUnprepared: {
    readonly at: number
    readonly session: number
    readonly requestedTag: string
    readonly tag: string | undefined
  }
  /** A lease ended with uncommitted work, which was rolled back; sent where the driver knows of open work. */
  WorkRolledBack: { readonly at: number; readonly session: number; readonly heldMillis: number }
  /** A request waits. */
  RequestQueued: { readonly at: number; readonly pending: number }
  /** A request failed after `waitTimeout`. */
  RequestTimedOut: { readonly at: number; readonly waitedMillis: number }
  /** A request was refused without waiting. */
  RequestRefused: { readonly at: number; readonly reason: RefusalReason }
  /** A lease is held for longer than `leakDetectionThreshold`; `takenAt` is where. */
  LeakSuspected: {
    readonly at: number
    readonly session: number
    readonly heldMillis: number
    readonly takenAt: string | undefined
  }
  /** A lease that was reported as a leak ended after all. */
  LeakReturned: { readonly at: number; readonly session: number; readonly heldMillis: number }
  /** The session of a lease that was reported as a leak was taken away from it (`leakReclaim`). */
  LeakReclaimed: { readonly at: number; readonly session: number; readonly heldMillis: number }
  /** A lease is held for longer than `idleLeaseThreshold` without a call; `takenAt` is where, while leaks are looked for. */
  LeaseIdle: {
    readonly at: number
    readonly session: number
    readonly heldMillis: number
    readonly idleMillis: number
    readonly takenAt: string | undefined
  }
  /** A fiber has waited long, without a timeout, for a session while it holds `session` itself: a likely deadlock. */
  NestedAcquireSuspected: {
    readonly at: number
    readonly session: number
    readonly fiber: number
    readonly waitedMillis: number
  }
  /** A session was opened with other credentials than before; those opened with the old ones retire. */
  CredentialsChanged: { readonly at: number }
  /** Settings were changed. */
  Reconfigured: { readonly at: number; readonly changed: ReadonlyArray<string> }
  /** `refresh` was called: sessions opened before are replaced. */
  Refreshed: { readonly at: number }
  /** Requests wait from now on, and no session is lent. */
  Suspended: { readonly at: number }
  /** Sessions are lent again. */
  Resumed: { readonly at: number }
  /** The pool accepts no more requests. */
  PoolClosing: { readonly at: number; readonly force: boolean }
  /** The pool is closed and nothing is left open. */
  PoolClosed: { readonly at: number }
}>

/**
 * Constructors of the events, by tag.
 *
 * **When to use**
 *
 * Use to make events in tests of code that listens to them.
 *
 * @category constructors
 * @since 0.1.0
 */
export const PoolEvent = Data.taggedEnum<PoolEvent>()

/**
 * Matches an event by its tag; every tag must have a handler (spread {@link ignored} for the others).
 *
 * @category pattern matching
 * @since 0.1.0
 */
export const $match = PoolEvent.$match

const nothing = (): undefined => undefined

/**
 * A handler for every event that does nothing.
 *
 * **When to use**
 *
 * Use as the default of a `$match` that is for a few events only.
 *
 * @see {@link $match}
 * @category pattern matching
 * @since 0.1.0
 */
export const ignored = {
  SessionOpened: nothing,
  SessionOpenFailed: nothing,
  SessionClosed: nothing,
  SessionLent: nothing,
  SessionReturned: nothing,
  SessionUnprepared: nothing,
  WorkRolledBack: nothing,
  RequestQueued: nothing,
  RequestTimedOut: nothing,
  RequestRefused: nothing,
  LeakSuspected: nothing,
  LeakReturned: nothing,
  LeakReclaimed: nothing,
  LeaseIdle: nothing,
  NestedAcquireSuspected: nothing,
  CredentialsChanged: nothing,
  Reconfigured: nothing,
  Refreshed: nothing,
  Suspended: nothing,
  Resumed: nothing,
  PoolClosing: nothing,
  PoolClosed: nothing
} satisfies { readonly [Tag in PoolEvent["_tag"]]: () => undefined }
