/** Waiting for messages: dequeue, work and commit on one session of the listeners, again and again until a message comes. */
import { PoolError } from "@sessionpool/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { OracleConnection } from "../OracleConnection.ts"
import { isOracleError } from "../OracleError.ts"
import type { OracleSessionPool } from "../OracleSessionPool.ts"
import type { CallError } from "./driverCaller.ts"
import { effectOf } from "./effectOf.ts"
import { MessageDecodeError } from "./messageDecodeError.ts"
import { dequeue, type IncomingMessage, type QueueTarget, type Selection } from "./queueCalls.ts"
import { readPayload, Unfit } from "./queuePayload.ts"

/** A message as a program gets it. */
export interface ReceivedMessage<out A> {
  readonly id: string
  readonly value: A
  readonly priority: number
  readonly correlation: string | undefined
  readonly attempts: number
  readonly enqueuedAt: Date | undefined
}

type Pool<OE> = OracleSessionPool.Pool<OE>

/** What a take fails with by itself. */
type TakeError<OE> = PoolError.AcquireError | OE | CallError | MessageDecodeError

/** The session was lost, or none could be opened, while nothing was taken: worth another try. */
class Lost<OE> {
  readonly failure: PoolError.AcquireError | OE | CallError

  constructor(failure: PoolError.AcquireError | OE | CallError) {
    this.failure = failure
  }
}

const isLoss = (failure: unknown): boolean =>
  isOracleError(failure)
    ? failure.isSessionFatal
    : failure instanceof PoolError.ConnectionReleasedError ||
      (failure instanceof PoolError.OpenSessionError && failure.isRetryable)

/** Pauses between attempts to wait on another session: 100 ms, doubled up to 5 seconds, jittered. */
export const defaultReconnect: Schedule.Schedule<unknown> = Schedule.exponential("100 millis").pipe(
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.seconds(5)))),
  Schedule.jittered
)

interface Waiting<OE> {
  /** The pool of the listeners' sessions. */
  readonly sessions: Effect.Effect<Pool<OE>>
  readonly target: QueueTarget<unknown>
  readonly selection: Selection
  /** How long one dequeue waits at the server, in whole seconds. */
  readonly seconds: number
  readonly reconnect: Schedule.Schedule<unknown>
}

const received = <A>(
  { name, payload }: QueueTarget<A>,
  connection: OracleConnection,
  message: IncomingMessage
): Effect.Effect<ReceivedMessage<A>, MessageDecodeError> => {
  const id = message.msgId.toString("hex").toUpperCase()
  const value = readPayload(payload, message.payload, connection.values)
  if (value instanceof Unfit) {
    return Effect.fail(
      new MessageDecodeError({ queue: name, messageId: id, attempts: message.numAttempts, problem: value.problem })
    )
  }
  return Effect.succeed({
    id,
    value,
    priority: message.priority,
    correlation: message.correlation ?? undefined,
    attempts: message.numAttempts,
    enqueuedAt: message.enqTime
  })
}

/** One dequeue; what becomes of a loss in it is told apart from failures of what follows. */
const look = <OE>(waiting: Waiting<OE>, connection: OracleConnection, seconds: number) =>
  Effect.mapError(
    dequeue(connection, waiting.target, waiting.selection, seconds),
    (failure) => isLoss(failure) ? new Lost<OE>(failure) : failure
  )

/** How often a poll goes on with another session. A taker, which waits anyway, does for as long as its schedule says. */
const mostPolls = 3

const patient = <OE, A, E, R>(
  waiting: Waiting<OE>,
  effect: Effect.Effect<A, E | Lost<OE>, R>,
  times = Infinity
): Effect.Effect<A, E | PoolError.AcquireError | OE | CallError, R> =>
  Effect.mapError(
    Effect.retry(effect, {
      schedule: waiting.reconnect as Schedule.Schedule<unknown, E | Lost<OE>>,
      times,
      while: (failure: E | Lost<OE>): boolean => failure instanceof Lost
    }),
    (failure) => failure instanceof Lost ? (failure as Lost<OE>).failure : failure as E
  )

type Work<A, B, E, R> = (message: ReceivedMessage<A>, connection: OracleConnection) => Effect.Effect<B, E, R>

/** One lease: a message, if there is one within `seconds`, and `f` on it in the transaction of the dequeue. */
const attempt = <A, OE, B, E, R>(
  waiting: Waiting<OE> & { readonly target: QueueTarget<A> },
  f: Work<A, B, E, R>,
  seconds: number,
  isWorthAnother: (failure: unknown) => boolean
) =>
  Effect.flatMap(waiting.sessions, (pool) => {
    const leased = pool.use((connection) =>
      // What `f` fails with is not the pool's failure: it goes past the search for lost sessions.
      Effect.map(
        Effect.flatMap(look(waiting, connection, seconds), (message) =>
          message === undefined
            ? Effect.succeed(Exit.succeed(Option.none<B>()))
            : Effect.exit(
              connection.withTransaction(
                Effect.flatMap(
                  received(waiting.target, connection, message),
                  (ready) => effectOf("What is done with a message", f(ready, connection))
                )
              ).pipe(Effect.map(Option.some))
            )),
        (exit): Exit.Exit<Option.Option<B>, E | TakeError<OE>> => exit
      )
    )
    return Effect.mapError(
      leased,
      (failure) => failure instanceof Lost || !isWorthAnother(failure) ? failure : new Lost<OE>(failure)
    )
  })

/**
 * Takes one message and runs `f` on it in the transaction of the dequeue, which commits when `f` succeeds and is rolled back otherwise.
 * Each wait leases a session anew, so that the pool can check, replace and close sessions between two.
 */
export const takeOne = <A, OE, B, E, R>(
  waiting: Waiting<OE> & { readonly target: QueueTarget<A> },
  f: Work<A, B, E, R>
): Effect.Effect<B, E | TakeError<OE>, R> => {
  const one = Effect.flatten(patient(waiting, attempt(waiting, f, waiting.seconds, isLoss)))
  const loop: Effect.Effect<B, E | TakeError<OE>, R> = Effect.flatMap(
    one,
    (found) => Option.isSome(found) ? Effect.succeed(found.value) : loop
  )
  return loop
}

/** The same without waiting: neither for a message, nor for a database that opens no session. */
export const pollOne = <A, OE, B, E, R>(
  waiting: Waiting<OE> & { readonly target: QueueTarget<A> },
  f: Work<A, B, E, R>
): Effect.Effect<Option.Option<B>, E | TakeError<OE>, R> => {
  const isLossOfSession = (failure: unknown) => isLoss(failure) && !(failure instanceof PoolError.OpenSessionError)
  return Effect.flatten(patient(waiting, attempt(waiting, f, 0, isLossOfSession), mostPolls))
}

interface Held {
  readonly connection: OracleConnection
  readonly scope: Scope.Closeable
}

/**
 * Messages one after the other. Each is committed when the next one is asked for, or the stream ends in success; otherwise it is
 * rolled back.
 */
export const messages = <A, OE>(
  waiting: Waiting<OE> & { readonly target: QueueTarget<A> }
): Stream.Stream<ReceivedMessage<A>, TakeError<OE>> =>
  Stream.unwrap(Effect.gen(function*() {
    let held: Held | undefined
    const settle = (isDone: boolean): Effect.Effect<void, CallError> =>
      Effect.suspend(() => {
        if (held === undefined) return Effect.void
        const { connection, scope } = held
        held = undefined
        return Effect.onExit(isDone ? connection.commit : Effect.void, (exit) => Scope.close(scope, exit))
      })
    const lease = Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const pool = yield* waiting.sessions
        const scope = yield* Scope.make()
        const found = yield* restore(Effect.flatMap(
          Effect.mapError(
            Scope.provide(pool.acquire(), scope),
            (failure) => isLoss(failure) ? new Lost<OE>(failure) : failure
          ),
          (connection) => Effect.map(look(waiting, connection, waiting.seconds), (message) => ({ connection, message }))
        )).pipe(Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))))
        if (found.message === undefined) {
          yield* Scope.close(scope, Exit.void)
          return undefined
        }
        held = { connection: found.connection, scope }
        return found.message
      })
    )
    const next: Effect.Effect<readonly [ReceivedMessage<A>], TakeError<OE>> = Effect.flatMap(
      patient(waiting, lease),
      (message) => {
        if (message === undefined) return next
        return Effect.map(received(waiting.target, held!.connection, message), (ready) => [ready] as const)
      }
    )
    // No caller is left that could be told: the stream has ended.
    yield* Effect.addFinalizer((exit) =>
      Effect.catch(settle(Exit.isSuccess(exit)), (failure) =>
        Effect.logWarning("The last message of a stream may not be committed, and may come again", failure).pipe(
          Effect.annotateLogs({ "sessionpool.queue": waiting.target.name })
        ))
    )
    const pull: Pull.Pull<readonly [ReceivedMessage<A>], TakeError<OE>> = Effect.andThen(settle(true), next)
    return Stream.fromPull(Effect.succeed(pull))
  }))
