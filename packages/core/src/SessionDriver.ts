/**
 * What a database must provide so that a pool can keep its sessions.
 *
 * `S` is the driver's session: one authenticated conversation. `C` is the connection that a caller holds while a session is
 * leased. `E` is the driver's failure. The pool decides when each effect runs and never runs two of them on one session at
 * a time, except `interrupt`, which stops whatever runs.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { Connection, Lease } from "./Connection.ts"
import type { ShardingKey } from "./SessionRequest.ts"

/**
 * Who a session is opened as: user and password, or a token in place of the password.
 *
 * **Details**
 *
 * An effect that provides credentials is run for every session that is opened. Once a session was opened with other credentials
 * than before, sessions opened with the old ones are closed as they are returned. A new token alone does not count: a session
 * outlives the token that it was opened with.
 *
 * @category models
 * @since 0.1.0
 */
export interface Credentials {
  readonly user?: string | undefined
  readonly password?: Redacted.Redacted<string> | undefined
  readonly token?: Redacted.Redacted<string> | undefined
}

/**
 * What a database has refused when it refused a log-on.
 *
 * **Details**
 *
 * - `"credentials"`: user, password or token. The pool does not try them again, since the account could be locked.
 * - `"locked"`: the account is locked, maybe only for a time. No log-on can lock it further, so the pool tries it again, a minute
 *   after each refusal, with one log-on for all sessions of the account.
 * - `"identity"`: the credentials are good, but not for what was asked, such as a proxy user that they may not act for. It concerns
 *   this identity alone, not others with the same credentials.
 *
 * @category models
 * @since 0.1.0
 */
export type Refusal = "credentials" | "locked" | "identity"

/**
 * What a new session must be, apart from its credentials.
 *
 * @see {@link OpenRequest}
 * @category models
 * @since 0.1.0
 */
export interface OpenDetails {
  /** The user to act as, when `user` is a proxy for another. */
  readonly proxyUser: string | undefined
  readonly cclass: string | undefined
  readonly edition: string | undefined
  readonly shardingKey: ShardingKey | undefined
  readonly superShardingKey: ShardingKey | undefined
  /** `"new"` when the session was asked for with that purity. */
  readonly purity: "default" | "new"
  readonly stmtCacheSize: number
}

/**
 * What a new session must be: the user it is opened as, and the rest.
 *
 * **Gotchas**
 *
 * Credentials of the settings and of requests have the fields of `Credentials` alone. What a driver's own `Cr` has beyond them
 * comes from a `credentials` effect only, so it must be optional there.
 *
 * @category models
 * @since 0.1.0
 */
export type OpenRequest<Cr extends Credentials = Credentials> = Cr & OpenDetails

/**
 * Settings of the pool that `reset` puts back on a session.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionSettings {
  readonly stmtCacheSize: number
}

/**
 * What a driver knows of a session without a round trip; what it does not know is left out.
 *
 * **Gotchas**
 *
 * It is shown: `statement` is the text of what runs now, never the values bound to it.
 *
 * @see {@link SessionDriver}
 * @category models
 * @since 0.1.0
 */
export interface SessionDescription {
  /**
   * The instance of the database that the session is on. The pool asks once, when the session is open, and counts sessions by it: it
   * must be known by then, and be one of few names.
   */
  readonly instance?: string | undefined
  /** The number of the session at the server. */
  readonly sid?: number | undefined
  /** The serial number that tells it from other sessions that had the same number before. */
  readonly serial?: number | undefined
  /** The text of the statement that runs now. */
  readonly statement?: string | undefined
}

/**
 * The effects of a database driver.
 *
 * **When to use**
 *
 * Use to make a pool of the sessions of a database that has no driver package yet.
 *
 * **Details**
 *
 * - `open` runs uninterruptible, so that no session can be lost between the driver and the pool; wrap in
 *   `Effect.interruptible` what may be cut short (the network, a retry). When it is interrupted there, by `openTimeout` or by
 *   the end of the pool, it must leave nothing open behind.
 * - `close` with `force` must not depend on an answer of the server. Whether it succeeds or fails, the session is gone for
 *   the pool afterwards.
 * - `ping` makes one round trip.
 * - `reset` ends a lease: it rolls back what was not committed and puts the driver's own settings back. It returns
 *   `undefined` when there is nothing to do, which saves the pool an effect. It is called at the end of every lease whose session
 *   is kept, also of one that waited or was interrupted; what `lease` has noted is put back there, without a round trip. After
 *   `resetSession` it is called once more.
 * - `interrupt` stops what the session is doing and succeeds once the session is quiet. The pool then pings it before it is
 *   lent again, so that a late break can never hit the next caller.
 * - `isHealthy` makes no round trip: it says what the driver knows, such as a notice of a planned shutdown.
 * - `hasNotice` says of a session that is not healthy that its end was announced: it still answers, so the pool closes it normally,
 *   and looks at the others on the same instance.
 * - `isAuthenticationFailure` says that the database refused the credentials; the pool then stops trying with them.
 * - `lease` makes the connection; it must run every operation through `Lease.run`. It is called at the beginning of every lease,
 *   on a new session as on one that was lent before, and must not make a round trip: what belongs to this lease alone (whose work
 *   it does) is noted there and sent along with the first call. `context` is the context of the fiber that asked, as
 *   it was when it asked; it is `undefined` for the connection of `resetSession`, which belongs to the pool. `requested` is the
 *   `context` of the request, as it was given.
 * - `hasOpenWork` makes no round trip: the pool asks at the end of a lease, before the rollback runs, to report work that was lost.
 *
 * `Cr` is the type of the credentials that a `credentials` effect may provide.
 *
 * **Gotchas**
 *
 * A function that throws costs the session or the request, never the pool.
 *
 * **Example** (A driver without a database)
 *
 * ```ts
 * import { Connection, type SessionDriver } from "@sessionpool/core"
 * import { Effect } from "effect"
 *
 * class Greeter extends Connection.Base {
 *   greet(name: string) {
 *     return this.lease.run(Effect.succeed(`hello ${name}`))
 *   }
 * }
 *
 * const driver: SessionDriver.SessionDriver<{ readonly number: number }, Greeter> = {
 *   open: () => Effect.succeed({ number: 1 }),
 *   close: () => Effect.void,
 *   ping: () => Effect.void,
 *   reset: () => undefined,
 *   interrupt: () => Effect.void,
 *   isHealthy: () => true,
 *   isAuthenticationFailure: () => false,
 *   lease: (_session, lease) => new Greeter(lease)
 * }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionDriver<S, C extends Connection, E = never, Cr extends Credentials = Credentials> {
  readonly open: (request: OpenRequest<Cr>) => Effect.Effect<S, E>
  readonly close: (session: S, options: { readonly force: boolean }) => Effect.Effect<void, E>
  readonly ping: (session: S) => Effect.Effect<void, E>
  readonly reset: (session: S, settings: SessionSettings) => Effect.Effect<void, E> | undefined
  readonly interrupt: (session: S) => Effect.Effect<void, E>
  readonly isHealthy: (session: S) => boolean
  readonly isAuthenticationFailure: (error: E) => boolean
  /** Whether the database has announced the end of the session, as far as the driver knows without a round trip. */
  readonly hasNotice?: (session: S) => boolean
  /** What was refused, for a failure that is one of authentication; `"credentials"` when absent. */
  readonly refusal?: (error: E) => Refusal
  readonly lease: (
    session: S,
    lease: Lease,
    context: Context.Context<never> | undefined,
    requested: unknown
  ) => C
  /** Whether uncommitted work is open, as far as the driver knows without a round trip; not known when absent. */
  readonly hasOpenWork?: (session: S) => boolean
  /** What the driver knows of a session without a round trip, for `pool.sessions`; nothing when absent. */
  readonly describe?: (session: S) => SessionDescription
  /** Attributes for the spans and logs of a session, by OpenTelemetry's conventions; none when absent. */
  readonly attributes?: (session: S) => Record<string, unknown>
}
