/**
 * A lease: the time in which a session belongs to one caller, as the caller's connection and the pool see it. How one begins is in
 * `asking`, what runs on its session in `operations`, how it ends in `ending`.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type { Connection, Lease as LeaseForDrivers } from "../../Connection.ts"
import { ConnectionReleasedError, type InvalidTagError } from "../../PoolError.ts"
import type { CloseReason } from "../../PoolEvent.ts"
import type { SessionDriver } from "../../SessionDriver.ts"
import type { SessionRequest } from "../../SessionRequest.ts"
import type * as SessionTag from "../../SessionTag.ts"
import type { PoolMeters } from "../data/meters.ts"
import type { Holder, Session } from "../entities/session.ts"
import type { Waiter } from "../entities/session.ts"
import type { Engine } from "../jobs/engine.ts"
import { Watched } from "../jobs/leaks.ts"
import { type LeaseOfOperations, Operations } from "./operations.ts"

/** What leases are made with. Everything is closed over its environment already. */
export interface LeaseParts<S, C extends Connection, E, OE> {
  readonly engine: Engine<S>
  readonly driver: SessionDriver<S, C, E>
  readonly onSession:
    | ((connection: C, info: { readonly requestedTag: string | undefined }) => Effect.Effect<unknown, OE>)
    | undefined
  readonly onLease: LeaseParts<S, C, E, OE>["onSession"]
  readonly resetSession: ((connection: C) => Effect.Effect<unknown, unknown>) | undefined
  readonly meters: PoolMeters
}

/**
 * Where a lease is:
 *
 * ```text
 * new --> waiting --> held --> ended
 *   \------------------^        ^
 *    \                          | also from new and waiting, when the caller is gone
 * ```
 */
type Stage = "new" | "waiting" | "held" | "ended"

export class Lease<S, C extends Connection, E, OE> implements LeaseForDrivers, LeaseOfOperations<S> {
  readonly parts: LeaseParts<S, C, E, OE>
  /** What was asked for, until the lease ends: it may hold a password, and a kept connection keeps its lease. */
  request: SessionRequest | undefined
  readonly watched: Watched | undefined
  stage: Stage = "new"
  /** The session, while it is held. A scope may live long after its leases: what is ended must not keep a session. */
  session: Session<S> | undefined = undefined
  sessionId = 0
  waiter: Waiter<S> | undefined = undefined
  /** The fiber that asked for it, until the lease ends. */
  fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** The state that the session is in, as far as it is known. */
  sessionTag: SessionTag.SessionTag | undefined = undefined
  /** Why the session has to be closed when the lease ends. */
  endsWith: CloseReason | undefined = undefined
  /** The lease that the session knows of, when it is not this one: for the connection of `resetSession`. */
  outer: Holder | undefined = undefined
  /** The lease of the connection of `resetSession`, while that runs. */
  inner: Holder | undefined = undefined
  #operations: Operations<S> | undefined = undefined

  constructor(parts: LeaseParts<S, C, E, OE>, request: SessionRequest | undefined, origin: Error | undefined) {
    this.parts = parts
    this.request = request
    this.watched = origin === undefined ? undefined : new Watched(this, origin)
  }

  /** The session belongs to this lease from here on. */
  hold(session: Session<S>): void {
    this.session = session
    this.sessionId = session.id
    this.sessionTag = session.tag
    this.stage = "held"
  }

  get pool(): string {
    return this.parts.engine.state.settings.name
  }

  get isReleased(): boolean {
    return this.stage === "ended"
  }

  get isWaiting(): boolean {
    return this.stage === "waiting"
  }

  get isHeld(): boolean {
    return this.stage === "held"
  }

  get tag(): string | undefined {
    return this.sessionTag?.text
  }

  get takenBy(): string | undefined {
    return this.parts.engine.leaks.describe(this)
  }

  /** Who the session knows as its holder while this lease is on. */
  get holder(): Holder {
    return this.outer ?? this
  }

  /** Operations that run on the session. */
  get running(): number {
    return this.#operations?.running ?? 0
  }

  /** How long it has been held without an operation. */
  quietMillis(now: number): number {
    return this.#operations?.quietMillis(now) ?? now - this.session!.takenAt
  }

  /** Whether something may still run on the session, or a break may still be on its way. */
  get isInDoubt(): boolean {
    return this.#operations?.isInDoubt ?? false
  }

  setTag(tag: string | undefined): Effect.Effect<void, InvalidTagError | ConnectionReleasedError> {
    return Effect.suspend((): Effect.Effect<void, InvalidTagError | ConnectionReleasedError> => {
      if (!this.isHeld) return Effect.fail(this.released())
      const parsed = this.parts.engine.groups.tag(tag, this.pool)
      if (Result.isFailure(parsed)) return Effect.fail(parsed.failure)
      this.sessionTag = parsed.success
      return Effect.void
    })
  }

  reportFatal(_cause: unknown): void {
    if (!this.isHeld || this.endsWith === "broken") return
    this.endsWith = "broken"
    // What killed this session may have killed the others.
    this.parts.engine.state.suspect()
  }

  run<A, E2, R>(operation: Effect.Effect<A, E2, R>): Effect.Effect<A, E2 | ConnectionReleasedError, R> {
    return (this.#operations ??= new Operations(this, this.parts.engine)).run(operation)
  }

  /** The session is in doubt: it is closed when the lease ends. */
  breaks(): void {
    this.endsWith ??= "broken"
  }

  /** Takes the session away and closes it, because nothing shows that the lease will ever end. */
  reclaim(): void {
    if (this.session !== undefined) this.parts.engine.state.takeAway(this.session, "reclaimed")
  }

  released(): ConnectionReleasedError {
    return new ConnectionReleasedError({ pool: this.pool, session: this.sessionId })
  }

  /** Takes the session away: a forced close does not wait for leases. */
  revoke(): void {
    this.stage = "ended"
    this.fiber = undefined
    this.inner?.revoke()
    this.parts.engine.leaks.leave(this)
  }
}
