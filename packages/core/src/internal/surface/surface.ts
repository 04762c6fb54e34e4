/** A pool as its users see it: each lease is tied to the scope or the effect that it is for. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { pipeArguments } from "effect/Pipeable"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type { Connection } from "../../Connection.ts"
import { type AcquireError, ConnectionReleasedError, InvalidOptionsError } from "../../PoolError.ts"
import type { CloseReason } from "../../PoolEvent.ts"
import type { SessionRequest } from "../../SessionRequest.ts"
import type { SessionTag } from "../../SessionTag.ts"
import { mistake } from "../data/messageText.ts"
import { expectedDuration, parseMillis } from "../data/optionField.ts"
import { TypeId } from "../data/typeId.ts"
import { Waiter } from "../entities/session.ts"
import { take } from "../leases/asking.ts"
import { end, finish } from "../leases/ending.ts"
import { type Body, Frame } from "../leases/frame.ts"
import { Lease, type LeaseParts } from "../leases/lease.ts"
import { endsWith, isClosed } from "../leases/scopeFinalizer.ts"
import type { Closing } from "./closing.ts"
import type { CloseOptions, SessionPool } from "./contract.ts"
import { events } from "./events.ts"
import { health } from "./health.ts"
import { sessions } from "./sessions.ts"
import { statistics } from "./statistics.ts"
import { drain, refresh, resume, suspend, undrain } from "./steering.ts"

/** The pool as its users see it. */
export const surface = <S, C extends Connection, E, OE>(
  parts: LeaseParts<S, C, E, OE>,
  closing: Closing<S>,
  change: SessionPool<C, OE>["reconfigure"]
): SessionPool<C, OE> => {
  const { engine } = parts
  const { state } = engine
  const frames: Array<Frame<S, C, E, OE>> = []
  const example = new Lease(parts, undefined, undefined)
  engine.shapes = [example, new Waiter(engine.groups.ownCriteria, example, 0, 0, 0, "wait")]
  const origin = () => engine.leaks.isOn ? new Error("taken") : undefined

  /** Runs `body` in a lease, which ends with it or with the scope. */
  const run = (lease: Lease<S, C, E, OE>, body: Body<C>, scope: Scope.Scope | undefined) => {
    const frame = frames.pop() ?? new Frame(frames)
    frame.lease = lease
    frame.body = body
    frame.scope = scope
    return frame.effect
  }

  const acquire = (request?: SessionRequest): ReturnType<SessionPool<C, OE>["acquire"]> => {
    const from = origin()
    return Effect.withFiber((fiber) => {
      const scope = Context.getUnsafe(fiber.context as Context.Context<Scope.Scope>, Scope.Scope)
      const lease = new Lease(parts, request, from)
      try {
        const connection = isClosed(scope) ? undefined : take(lease, fiber)
        if (connection === undefined) return run(lease, Effect.succeed, scope) as Effect.Effect<C, AcquireError | OE>
        // In the very step in which the session was taken: nothing can fall between.
        endsWith(scope, lease)
        return Effect.succeed(connection)
      } catch (defect) {
        return Effect.andThen(finish(lease) ?? Effect.void, Effect.die(defect))
      }
    })
  }

  const use = (first: SessionRequest | Body<C>, second?: Body<C>): Effect.Effect<unknown, unknown, unknown> => {
    const request = typeof first === "function" ? undefined : first
    const body = typeof first === "function" ? first : second!
    const from = origin()
    return Effect.suspend(() => run(new Lease(parts, request, from), body, undefined))
  }

  // Looked at when the effect runs: it may have been made while the lease was still on.
  const leaseOf = (connection: C): Effect.Effect<Lease<S, C, E, OE>, ConnectionReleasedError> =>
    Effect.suspend(() => {
      const lease = connection.lease
      const isOwn = lease instanceof Lease && lease.parts.engine === engine
      return isOwn && !lease.isReleased
        ? Effect.succeed(lease)
        : Effect.fail(
          new ConnectionReleasedError({
            pool: state.settings.name,
            session: connection.id,
            ...(isOwn ? {} : { owner: lease.pool })
          })
        )
    })

  const endNow = (
    lease: Lease<S, C, E, OE>,
    tag: SessionTag | undefined,
    reason: CloseReason | undefined
  ): Effect.Effect<void> => Effect.uninterruptible(Effect.suspend(() => end(lease, tag, reason) ?? Effect.void))

  return {
    [TypeId]: TypeId,
    pipe() {
      return pipeArguments(this, arguments)
    },
    acquire,
    use: use as SessionPool<C, OE>["use"],
    release: (connection, options) =>
      Effect.flatMap(leaseOf(connection), (lease) => {
        if (options?.tag === undefined) {
          return Effect.uninterruptible(Effect.suspend(() => finish(lease) ?? Effect.void))
        }
        const tag = engine.groups.tag(options.tag, state.settings.name)
        return Result.isFailure(tag) ? Effect.fail(tag.failure) : endNow(lease, tag.success, undefined)
      }),
    drop: (connection) => Effect.flatMap(leaseOf(connection), (lease) => endNow(lease, undefined, "dropped")),
    close: (options) => close(closing, state.settings.name, options),
    reconfigure: change,
    settings: Effect.sync(() => state.settings),
    statistics: Effect.sync(() => statistics(state)),
    sessions: Effect.sync(() => sessions(engine)),
    health: Effect.sync(() => health(engine)),
    refresh: refresh(engine),
    suspend: suspend(engine),
    resume: resume(engine),
    drain: (instance) => drain(engine, instance),
    undrain: (instance) => undrain(engine, instance),
    events: events(state)
  }
}

const close = <S>(
  closing: Closing<S>,
  pool: string,
  options: CloseOptions | undefined
) => {
  if (options?.force === true) return closing.byForce()
  const drainTimeout = options?.drainTimeout
  if (drainTimeout === undefined) return closing.plainly()
  const millis = parseMillis(drainTimeout)
  return millis === undefined
    ? Effect.fail(
      new InvalidOptionsError({
        pool: pool,
        problems: [mistake("drainTimeout", expectedDuration, drainTimeout)]
      })
    )
    : closing.draining(Duration.millis(millis))
}
