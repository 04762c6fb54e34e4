/**
 * What happens in a pool, as it happens: `pool.events` is a stream of these. Nothing is made while nobody listens.
 */
import * as Data from "effect/Data"

/** Why a session was closed. */
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
  /** The driver reported a fatal error, or what it was left in could not be undone. */
  | "broken"
  /** `drop` was called. */
  | "dropped"
  /** `onSession` failed or was interrupted. */
  | "unprepared"
  /** Opened with credentials that have changed since, or that the pool takes no more. */
  | "credentials"
  /** The pool is closing. */
  | "closing"

/** Why a request was refused without waiting. */
export type RefusalReason = "exhausted" | "queueFull" | "overloaded"

/**
 * An event of a pool. Times are milliseconds; `session` is the session's number in the pool.
 *
 * @example
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
 */
export type PoolEvent = Data.TaggedEnum<{
  /** A session was opened. */
  SessionOpened: {
    readonly at: number
    readonly session: number
    readonly identity: string
    readonly tookMillis: number
  }
  /**
   * A session could not be opened, as often in a row as `attempts` says. Opening goes on after a pause; where
   * `isAuthentication`, not before credentials change.
   */
  SessionOpenFailed: {
    readonly at: number
    readonly identity: string
    readonly cause: unknown
    readonly isAuthentication: boolean
    readonly attempts: number
  }
  /** A session is gone; `failure` is what closing it ended with, when that failed. */
  SessionClosed: {
    readonly at: number
    readonly session: number
    readonly reason: CloseReason
    readonly failure: unknown
  }
  /** A session was lent. `hit` says that it was open already and in the state that was asked for. */
  SessionLent: {
    readonly at: number
    readonly session: number
    readonly requestedTag: string | undefined
    readonly tag: string | undefined
    readonly hit: boolean
    readonly waitedMillis: number
  }
  /** A session came back. */
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
  /** A request gave up after `waitTimeout`. */
  RequestTimedOut: { readonly at: number; readonly waitedMillis: number }
  /** A request was refused at once. */
  RequestRefused: { readonly at: number; readonly reason: RefusalReason }
  /** A lease is held for longer than `leakDetectionThreshold`; `takenAt` is where. */
  LeakSuspected: {
    readonly at: number
    readonly session: number
    readonly heldMillis: number
    readonly takenAt: string | undefined
  }
  /** A lease that was reported as a leak came back after all. */
  LeakReturned: { readonly at: number; readonly session: number; readonly heldMillis: number }
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
  /** The pool takes no more requests. */
  PoolClosing: { readonly at: number; readonly force: boolean }
  /** The pool is closed and nothing is left open. */
  PoolClosed: { readonly at: number }
}>

/** Constructors of the events, for tests and for code that matches on them. */
export const PoolEvent = Data.taggedEnum<PoolEvent>()

/** Matches an event by its tag; every tag must have a handler (spread {@link ignored} for the others). */
export const $match = PoolEvent.$match

const nothing = (): undefined => undefined

/** A handler for every event that does nothing. */
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
  NestedAcquireSuspected: nothing,
  CredentialsChanged: nothing,
  Reconfigured: nothing,
  PoolClosing: nothing,
  PoolClosed: nothing
} satisfies { readonly [Tag in PoolEvent["_tag"]]: () => undefined }
