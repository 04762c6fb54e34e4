/** Puts a pool together from its options, and ties it to the scope. */
import type { Clock } from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberHandle from "effect/FiberHandle"
import * as FiberSet from "effect/FiberSet"
import { pipeArguments } from "effect/Pipeable"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Connection } from "../Connection.ts"
import {
  type AcquireError,
  ConnectionReleasedError,
  CredentialsNotAllowedError,
  InvalidOptionsError,
  type OpenSessionError,
  PoolClosedError
} from "../PoolError.ts"
import { PoolEvent } from "../PoolEvent.ts"
import * as PoolOptions from "../PoolOptions.ts"
import type { PoolStatistics } from "../PoolStatistics.ts"
import type { Credentials, SessionDriver } from "../SessionDriver.ts"
import type { CloseOptions, MakeOptions, SessionPool } from "../SessionPool.ts"
import type { SessionRequest } from "../SessionRequest.ts"
import { Closing } from "./closing.ts"
import { Engine } from "./engine.ts"
import { Groups } from "./groups.ts"
import { PasswordDigests } from "./identity.ts"
import { Lease } from "./lease.ts"
import { refuse } from "./lending.ts"
import { showValue } from "./messageText.ts"
import { PoolMeters } from "./meters.ts"
import { showMetrics } from "./metricSeries.ts"
import { expectedDuration, parseMillis } from "./optionField.ts"
import { Outbox } from "./outbox.ts"
import { partProblems } from "./partProblems.ts"
import { PoolState } from "./poolState.ts"
import { addFirst, canAddFirst, isEmpty } from "./scopeFinalizer.ts"
import { openSessionError } from "./settling.ts"
import { TypeId } from "./typeId.ts"
import { evictor, keeper, nextEviction } from "./upkeep.ts"
import { type Body, UseFrames } from "./useFrame.ts"

/** How many events a listener may be behind before it misses the oldest. */
const eventsBehind = 4096

const defaultPauses = Schedule.exponential("100 millis").pipe(
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.seconds(1)))),
  Schedule.jittered
)

export const make = Effect.fnUntraced(function*<
  S,
  C extends Connection,
  DE,
  OE,
  R,
  LE,
  Cr extends Credentials
>(options: MakeOptions<S, C, DE, OE, R, LE, Cr>, clock: Clock) {
  const { credentials, driver, onLease, onSession, openRetry, resetSession, ...given } = Object(
    options
  ) as typeof options
  const settings = yield* Effect.fromResult(PoolOptions.fromInput(given))
  const problems = partProblems(Object(options))
  if (problems.length > 0) return yield* new InvalidOptionsError({ pool: settings.name, problems })
  if (credentials !== undefined && settings.user !== undefined) {
    return yield* besideCredentials(settings.name, "user")
  }
  const context = yield* Effect.context<R | Scope.Scope>()
  // What the caller's fiber has comes first: its trace, its log level, its clock.
  const inContext = <A, E2>(effect: Effect.Effect<A, E2, R>): Effect.Effect<A, E2> =>
    Effect.updateContext(effect, (current: Context.Context<never>) => Context.merge(context, current))
  const run = yield* FiberSet.makeRuntime()
  const runEvictor = yield* FiberHandle.makeRuntime<never>()
  const runKeeper = yield* FiberHandle.makeRuntime<never>()
  const outbox = new Outbox(yield* Scheduler.Scheduler)
  const digests = new PasswordDigests()
  const groups = new Groups<S>(digests, settings.cclass)
  const hasOwnUser = settings.user !== undefined || credentials !== undefined
  const state = new PoolState<S>(settings, clock, outbox, groups.own, hasOwnUser)
  state.asksEveryTime = onLease !== undefined
  const meters = new PoolMeters()
  const engine = new Engine<S, C, DE, OE | LE>({
    // Credentials of settings and requests have no more fields than `Credentials`; those of a driver's own are optional.
    driver: driver as SessionDriver<S, C, DE>,
    credentials: credentials === undefined ? undefined : inContext(credentials),
    onSession: onSession === undefined ? undefined : (connection, info) => inContext(onSession(connection, info)),
    onLease: onLease === undefined ? undefined : (connection, info) => inContext(onLease(connection, info)),
    resetSession: resetSession === undefined ? undefined : (connection) => inContext(resetSession(connection)),
    pauses: inContext(
      Effect.map(
        Schedule.toStepWithSleep(openRetry ?? defaultPauses),
        (step) => (cause: unknown) => inContext(step(cause))
      )
    ),
    fork: run,
    digests,
    groups,
    state,
    meters
  })
  engine.rearm = () => {
    const next = nextEviction(state)
    if (next >= engine.nextLook) return
    engine.nextLook = next
    runEvictor(evictor(engine))
  }
  const keepAlive = () => {
    runKeeper(keeper(engine) ?? Effect.void)
  }
  const hideMetrics = showMetrics(state, meters, context)
  const stopWork = () => {
    engine.abandonOpenings()
    runEvictor(Effect.void)
    runKeeper(Effect.void)
  }
  const closing = new Closing(engine, stopWork, hideMetrics)
  yield* Effect.addFinalizer(() => Effect.suspend(() => closing.draining(state.settings.drainTimeout)))
  keepAlive()
  const pool = surface(engine, closing, keepAlive)
  if (settings.waitForMin && state.hasOwnUser && settings.min > 0) yield* filled(engine)
  else {
    state.isUnsettled = true
    engine.flush()
  }
  return pool
})

const besideCredentials = (pool: string, field: string): InvalidOptionsError =>
  new InvalidOptionsError({
    pool,
    problems: [{ field, problem: "cannot be combined with `credentials`, which already supplies the user" }]
  })

/** Opens `min` sessions and waits for them. */
const filled = <S, C extends Connection, E, OE>(engine: Engine<S, C, E, OE>): Effect.Effect<void, OpenSessionError> => {
  const { state } = engine
  const done = Deferred.makeUnsafe<void, OpenSessionError>()
  const look = () => {
    const { failure } = state.ownGroup.opener
    if (failure !== undefined) {
      Deferred.doneUnsafe(done, Effect.fail(openSessionError(state, state.ownGroup, failure)))
    } else if (state.opened >= state.limits.min) {
      Deferred.doneUnsafe(done, Effect.void)
    }
  }
  return Effect.suspend(() => {
    engine.afterSteps.add(look)
    state.isUnsettled = true
    engine.flush()
    return Deferred.await(done)
  }).pipe(Effect.ensuring(Effect.sync(() => engine.afterSteps.delete(look))))
}

/** The pool as its users see it. */
const surface = <S, C extends Connection, E, OE>(
  engine: Engine<S, C, E, OE>,
  closing: Closing<S, C, E, OE>,
  keepAlive: () => void
): SessionPool<C, OE> => {
  const { state } = engine
  const frames = new UseFrames<S, C, E, OE>()
  const origin = () => engine.leaks.isOn ? new Error("taken") : undefined

  const finalizer = (lease: Lease<S, C, E, OE>) => () => lease.finish() ?? Effect.void
  const broken = (lease: Lease<S, C, E, OE>, defect: unknown) =>
    Effect.andThen(lease.finish() ?? Effect.void, Effect.die(defect))

  // Uninterruptible from taking the session until the scope has its return: nothing can fall between.
  const ask = (lease: Lease<S, C, E, OE>, scope: Scope.Scope) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.withFiber((fiber) => {
        let connection: Effect.Effect<C, AcquireError | OE>
        try {
          connection = lease.ask(fiber)
        } catch (defect) {
          return broken(lease, defect)
        }
        // Waiting can be interrupted, and ends the lease when it fails: the scope is not burdened with what never was.
        const guarded = Effect.onExitPrimitive(
          restore(connection),
          (exit) => exit._tag === "Failure" ? lease.finish() : undefined,
          true
        )
        return Effect.tap(guarded, Scope.addFinalizerExit(scope, finalizer(lease)))
      })
    )

  const takesAtOnce = canAddFirst()
  const acquire = (request?: SessionRequest): ReturnType<SessionPool<C, OE>["acquire"]> => {
    const from = origin()
    return Effect.withFiber((fiber) => {
      const scope = Context.getUnsafe(fiber.context as Context.Context<Scope.Scope>, Scope.Scope)
      const lease = new Lease(engine, request, from)
      if (!takesAtOnce || !isEmpty(scope)) return ask(lease, scope)
      let connection: C | undefined
      try {
        connection = lease.take(fiber)
      } catch (defect) {
        return broken(lease, defect)
      }
      if (connection === undefined) return ask(lease, scope)
      // In the very step in which the session was taken: nothing can fall between.
      addFirst(scope, finalizer(lease))
      return Effect.succeed(connection)
    })
  }

  const use = (first: SessionRequest | Body<C>, second?: Body<C>): Effect.Effect<unknown, unknown, unknown> => {
    const request = typeof first === "function" ? undefined : first
    const body = typeof first === "function" ? first : second!
    const from = origin()
    return Effect.suspend(() => frames.run(new Lease(engine, request, from), body))
  }

  // Looked at when the effect runs: it may have been made while the lease was still on.
  const leaseOf = (connection: C): Effect.Effect<Lease<S, C, E, OE>, ConnectionReleasedError> =>
    Effect.suspend(() => {
      const lease = connection.lease
      const isOwn = lease instanceof Lease && lease.engine === engine
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

  const end = (lease: Lease<S, C, E, OE>, ...how: Parameters<Lease<S, C, E, OE>["end"]>): Effect.Effect<void> =>
    Effect.uninterruptible(Effect.suspend(() => lease.end(...how) ?? Effect.void))

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
          return Effect.uninterruptible(Effect.suspend(() => lease.finish() ?? Effect.void))
        }
        const tag = engine.groups.tag(options.tag, state.settings.name)
        return Result.isFailure(tag) ? Effect.fail(tag.failure) : end(lease, tag.success, undefined)
      }),
    drop: (connection) => Effect.flatMap(leaseOf(connection), (lease) => end(lease, undefined, "dropped")),
    close: (options) => close(engine, closing, options),
    reconfigure: (changes) => reconfigure(engine, changes, keepAlive),
    settings: Effect.sync(() => state.settings),
    statistics: Effect.sync(() => statistics(state)),
    events: events(state)
  }
}

const close = <S, C extends Connection, E, OE>(
  engine: Engine<S, C, E, OE>,
  closing: Closing<S, C, E, OE>,
  options: CloseOptions | undefined
) => {
  if (options?.force === true) return closing.byForce()
  const drainTimeout = options?.drainTimeout
  if (drainTimeout === undefined) return closing.plainly()
  const millis = parseMillis(drainTimeout)
  return millis === undefined
    ? Effect.fail(
      new InvalidOptionsError({
        pool: engine.settings.name,
        problems: [{ field: "drainTimeout", problem: `must be ${expectedDuration}, not ${showValue(drainTimeout)}` }]
      })
    )
    : closing.draining(Duration.millis(millis))
}

const reconfigure = <S, C extends Connection, E, OE>(
  engine: Engine<S, C, E, OE>,
  changes: PoolOptions.Changes,
  keepAlive: () => void
): Effect.Effect<void, InvalidOptionsError | PoolClosedError> =>
  Effect.suspend((): Effect.Effect<void, InvalidOptionsError | PoolClosedError> => {
    const { state } = engine
    if (state.phase !== "open") return Effect.fail(new PoolClosedError({ pool: state.settings.name }))
    if (typeof changes !== "object" || changes === null) {
      const problem = `must be an object with the settings to change, not ${showValue(changes)}`
      return Effect.fail(
        new InvalidOptionsError({ pool: state.settings.name, problems: [{ field: "changes", problem }] })
      )
    }
    const own = changes.user !== undefined ? "user" : changes.password !== undefined ? "password" : undefined
    if (own !== undefined && engine.parts.credentials !== undefined) {
      return Effect.fail(besideCredentials(state.settings.name, own))
    }
    const changed = PoolOptions.change(state.settings, changes)
    if (Result.isFailure(changed)) return Effect.fail(changed.failure)
    const settings = changed.success
    const keepAliveChanged = !Duration.Equivalence(settings.keepAlive, state.settings.keepAlive)
    const hasOtherUser = settings.user !== state.settings.user
    state.configure(settings)
    if (hasOtherUser) engine.adoptUser()
    if (own !== undefined) {
      // Other credentials, or the same once more by hand: opening may try again at once.
      state.hasOwnUser = settings.user !== undefined
    }
    // Whoever changes settings may also have mended an account: what was refused may be tried again.
    engine.accounts.clear()
    for (const group of engine.groups) {
      const isGiven = own !== undefined && group.identity.credentials === "pool"
      if (isGiven || group.opener.failure?.isAuthentication === true) engine.resume(group)
    }
    if (settings.homogeneous) turnOthersAway(engine)
    if (state.isWatched) {
      state.emit(PoolEvent.Reconfigured({ at: state.date(), changed: Object.keys(changes) }))
    }
    engine.flush()
    if (keepAliveChanged) keepAlive()
    return Effect.void
  })

/** A pool that has become homogeneous keeps only sessions of its own user. */
const turnOthersAway = <S, C extends Connection, E, OE>({ state }: Engine<S, C, E, OE>): void => {
  for (const session of state.recency) {
    if (session.group.isNamedByRequest) state.retire(session, "credentials")
  }
  for (const waiter of state.waiting) {
    if (waiter.wish.group.isNamedByRequest) {
      refuse(state, waiter, new CredentialsNotAllowedError({ pool: state.settings.name }))
    }
  }
}

const statistics = <S>(state: PoolState<S>): PoolStatistics => {
  const { counts, limits, settings } = state
  const { misses, ...totals } = state.totals
  return {
    name: settings.name,
    dsn: settings.dsn,
    tnsentry: settings.tnsentry,
    username: settings.user,
    homogeneous: settings.homogeneous,
    busy: counts.busy,
    opened: state.opened,
    idle: counts.idle + counts.checking,
    opening: counts.opening,
    closing: counts.closing,
    pending: state.waiting.size,
    min: settings.min,
    max: settings.max,
    increment: settings.increment,
    getMode: settings.getMode,
    timeout: limits.idleTimeout,
    maxLifetimeSession: limits.lifetime,
    waitTimeout: limits.waitTimeout,
    stmtCacheSize: settings.stmtCacheSize,
    maxSessionsPerShard: settings.maxSessionsPerShard,
    totals: { ...totals, hits: totals.lent - misses }
  }
}

const events = <S>(state: PoolState<S>): Stream.Stream<PoolEvent> =>
  Stream.callback<PoolEvent>(
    (queue) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const listener = (event: PoolEvent) => {
            Queue.offerUnsafe(queue, event)
            if (event._tag === "PoolClosed") Queue.endUnsafe(queue)
          }
          if (state.phase === "closed") Queue.endUnsafe(queue)
          else state.listen(listener)
          return listener
        }),
        (listener) => Effect.sync(() => state.unlisten(listener))
      ),
    { bufferSize: eventsBehind, strategy: "sliding" }
  )
