/** Puts a pool together from its options, and ties it to the scope. */
import type { Clock } from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberHandle from "effect/FiberHandle"
import * as FiberSet from "effect/FiberSet"
import * as Schedule from "effect/Schedule"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import type { Connection } from "../../Connection.ts"
import { InvalidOptionsError, type OpenSessionError } from "../../PoolError.ts"
import * as PoolOptions from "../../PoolOptions.ts"
import type { Credentials, SessionDriver } from "../../SessionDriver.ts"
import { Deadlines } from "../data/deadlines.ts"
import { PoolMeters } from "../data/meters.ts"
import { Outbox } from "../data/outbox.ts"
import { TurnClock } from "../data/turnClock.ts"
import { nextEviction } from "../decisions/eviction.ts"
import { openSessionError } from "../decisions/settling.ts"
import { Accounts } from "../entities/accounts.ts"
import { Groups } from "../entities/groups.ts"
import { PasswordDigests } from "../entities/identity.ts"
import { PoolState } from "../entities/poolState.ts"
import type { Waiter } from "../entities/session.ts"
import { Engine } from "../jobs/engine.ts"
import { idleLeaseWatch } from "../jobs/idleLeases.ts"
import { evictor, keeper } from "../jobs/upkeep.ts"
import { effectOf } from "../leases/effectOf.ts"
import type { LeaseParts } from "../leases/lease.ts"
import { checkedCredentials } from "./checkedCredentials.ts"
import { Closing } from "./closing.ts"
import type { MakeOptions } from "./contract.ts"
import { showMetrics } from "./metricSeries.ts"
import { partProblems } from "./partProblems.ts"
import { besideCredentials, reconfigure } from "./reconfigure.ts"
import { surface } from "./surface.ts"

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
  const runIdleLeaseWatch = yield* FiberHandle.makeRuntime<never>()
  const timer = new TurnClock(clock)
  const digests = new PasswordDigests()
  const groups = new Groups<S>(digests, settings.cclass)
  const meters = new PoolMeters()
  const state: PoolState<S> = new PoolState<S>({
    settings,
    clock: timer,
    outbox: new Outbox(yield* Scheduler.Scheduler, timer.forget),
    deadlines: new Deadlines<Waiter<S>>({
      now: () => timer.now(),
      fork: (effect) => engine.fork(effect),
      link: (waiter) => waiter.byDeadline,
      since: (waiter) => waiter.since + waiter.pausedMillis,
      expired: (waiter) => engine.refusals.timedOut(waiter),
      done: () => engine.flush()
    }),
    ownGroup: groups.own,
    hasOwnUser: settings.user !== undefined || credentials !== undefined,
    hasLeaseHook: onLease !== undefined
  })
  // Credentials of settings and requests have no more fields than `Credentials`; those of a driver's own are optional.
  const ownDriver = driver as SessionDriver<S, C, DE>
  const engine: Engine<S> = new Engine<S>({
    driver: ownDriver,
    accounts: new Accounts(),
    credentials: credentials === undefined ? undefined : checkedCredentials(inContext(credentials)),
    refusalOf: (error) =>
      ownDriver.isAuthenticationFailure(error as DE) ? ownDriver.refusal?.(error as DE) ?? "credentials" : undefined,
    digests,
    groups,
    state,
    meters,
    pauses: inContext(
      Effect.map(
        Schedule.toStepWithSleep(openRetry ?? defaultPauses),
        (step) => (cause: unknown) => inContext(step(cause))
      )
    ),
    run
  })
  engine.rearm = () => {
    const next = nextEviction(state)
    if (next >= engine.nextLook) return
    engine.nextLook = next
    runEvictor(evictor(engine))
  }
  const upkeep = () => {
    runKeeper(keeper(engine) ?? Effect.void)
    runIdleLeaseWatch(idleLeaseWatch(engine) ?? Effect.void)
  }
  const hideMetrics = showMetrics(state, meters, context)
  const stopWork = () => {
    engine.openings.abandon()
    runEvictor(Effect.void)
    runKeeper(Effect.void)
    runIdleLeaseWatch(Effect.void)
  }
  const closing = new Closing(engine, stopWork, hideMetrics)
  yield* Effect.addFinalizer(() => Effect.suspend(() => closing.draining(state.settings.drainTimeout)))
  upkeep()
  const parts: LeaseParts<S, C, DE, OE | LE> = {
    engine,
    driver: ownDriver,
    onSession: onSession === undefined
      ? undefined
      : (connection, info) => inContext(effectOf("onSession", onSession(connection, info))),
    onLease: onLease === undefined
      ? undefined
      : (connection, info) => inContext(effectOf("onLease", onLease(connection, info))),
    resetSession: resetSession === undefined
      ? undefined
      : (connection) => inContext(effectOf("resetSession", resetSession(connection))),
    meters
  }
  const pool = surface(
    parts,
    closing,
    (changes) => reconfigure(engine, credentials !== undefined, changes, upkeep)
  )
  if (settings.waitForMin && state.hasOwnUser && settings.min > 0) yield* filled(engine)
  else {
    state.unsettle()
    engine.flush()
  }
  return pool
})

/** Opens `min` sessions and waits for them. */
const filled = <S>(engine: Engine<S>): Effect.Effect<void, OpenSessionError> => {
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
    state.unsettle()
    engine.flush()
    return Deferred.await(done)
  }).pipe(Effect.ensuring(Effect.sync(() => engine.afterSteps.delete(look))))
}
