/**
 * Notices between sessions, over `DBMS_ALERT`: one session waits for all channels that any listener of a client has.
 *
 * Who listens to what stands in `#channels` alone. One fiber, there as long as anyone listens, keeps a session, registers on it what is
 * wanted, and waits. What it must learn while it waits it is told by an alert of its own, sent from another session: breaking the wait could lose a
 * notice that has just come.
 */
import { PoolError, type SessionPool } from "@sessionpool/core"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { randomBytes } from "node:crypto"
import type { OracleConnection } from "../OracleConnection.ts"
import { isOracleError, type OracleError } from "../OracleError.ts"
import type { CallError } from "./driverCaller.ts"
import { listenersOf } from "./listenerSessions.ts"
import { driver, type DriverBinds } from "./oracledb.ts"
import { defaultReconnect } from "./queueTakes.ts"
import { kindOf, refusal } from "./refusal.ts"

type Pool = SessionPool.SessionPool<OracleConnection, unknown>

interface Channel {
  readonly listeners: Set<Queue.Queue<string, unknown>>
  /** Done once a session is registered for it. */
  ready: Deferred.Deferred<void>
}

/** How many notices a listener may be behind; older ones go. */
const mostBehind = 1024
/** How long one call waits, in seconds: the longest that a new channel waits when it cannot be told of. */
const seconds = 5
const longestName = 30
const longestPayload = 1800

/** What is no name of an alert. */
export const channelProblem = (operation: string, channel: unknown): OracleError | undefined =>
  typeof channel === "string" && channel.trim() !== "" && Buffer.byteLength(channel) <= longestName &&
    !/^(?:ORA\$|SP\$)/i.test(channel)
    ? undefined
    : refusal(
      operation,
      `The name of a channel must be a text of 1 to ${longestName} bytes that does not begin with ORA$ or SP$, not ${
        typeof channel === "string" ? JSON.stringify(channel.slice(0, 60)) : kindOf(channel)
      }.`
    )

export const payloadProblem = (payload: unknown): OracleError | undefined =>
  typeof payload === "string" && Buffer.byteLength(payload) <= longestPayload
    ? undefined
    : refusal(
      "notify",
      `The payload of a notice must be a text of at most ${longestPayload} bytes, not ${
        typeof payload === "string" ? `one of ${Buffer.byteLength(payload)}` : kindOf(payload)
      }: nothing was sent.`
    )

/** Signals within the connection's transaction: its commit sends. */
export const signal = (connection: OracleConnection, channel: string, payload: string) =>
  connection.execute("begin dbms_alert.signal(:channel, :payload); end;", { channel, payload })

const waitAny = "begin dbms_alert.waitany(:name, :message, :status, :timeout); end;"

const register = "begin dbms_alert.register(:name); end;"

const textOut = (maxSize: number) => ({ dir: driver.BIND_OUT, type: driver.DB_TYPE_VARCHAR, maxSize })

/** A block that waits at the server for `wait` seconds at most; when the server is silent for much longer, the session is lost. */
const called = (
  connection: OracleConnection,
  sql: string,
  binds: Readonly<Record<string, unknown>>,
  wait: number
): Effect.Effect<Readonly<Record<string, unknown>>, CallError> =>
  connection.caller.call({ operation: "execute", sql, serverWait: wait * 1000 }, async (driverConnection) => {
    const { outBinds } = await driverConnection.execute(sql, binds as DriverBinds, {})
    return { ...outBinds }
  })

/** The session is gone, or none could be opened: another one takes its place. */
const isLoss = (failure: unknown): boolean =>
  isOracleError(failure)
    ? failure.isSessionFatal
    : failure instanceof PoolError.ConnectionReleasedError ||
      (failure instanceof PoolError.OpenSessionError && failure.isRetryable)

export class Alerts {
  readonly #pool: Pool
  readonly #channels = new Map<string, Channel>()
  /** By which the waiting session is told that there is something new. */
  readonly #wake = `SP$${randomBytes(12).toString("hex").toUpperCase()}`
  #fiber: Fiber.Fiber<void> | undefined
  /** What the session that listens now is registered for. */
  #registered: ReadonlySet<string> | undefined

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** What is sent to a channel from now on. The stream begins once the session is registered for it. */
  listen(channel: string): Stream.Stream<string, unknown> {
    const problem = channelProblem("listen", channel)
    if (problem !== undefined) return Stream.fail(problem)
    const name = channel.toUpperCase()
    return Stream.unwrap(Effect.gen({ self: this }, function*() {
      const queue = yield* Queue.sliding<string, unknown>(mostBehind)
      const { ready } = yield* Effect.acquireRelease(
        Effect.withFiber((fiber) => Effect.succeed(this.#join(name, queue, fiber.context))),
        () => Effect.suspend(() => this.#leave(name, queue))
      )
      // Where it fails, the queue has the failure.
      yield* Effect.raceFirst(
        Deferred.await(ready),
        Effect.andThen(Effect.ignore(this.#tell), Effect.never)
      )
      return Stream.fromQueue(queue)
    }))
  }

  #join(name: string, queue: Queue.Queue<string, unknown>, context: Context.Context<never>): Channel {
    let channel = this.#channels.get(name)
    if (channel === undefined) {
      channel = { listeners: new Set(), ready: Deferred.makeUnsafe() }
      this.#channels.set(name, channel)
    }
    channel.listeners.add(queue)
    const isReady = this.#registered?.has(name) === true
    if (!isReady && Deferred.isDoneUnsafe(channel.ready)) channel.ready = Deferred.makeUnsafe()
    if (isReady) Deferred.doneUnsafe(channel.ready, Effect.void)
    this.#fiber ??= Effect.runForkWith(context)(this.#keep)
    return channel
  }

  #leave(name: string, queue: Queue.Queue<string, unknown>): Effect.Effect<void> {
    const channel = this.#channels.get(name)
    channel?.listeners.delete(queue)
    if (channel?.listeners.size === 0) this.#channels.delete(name)
    const fiber = this.#fiber
    if (this.#channels.size > 0 || fiber === undefined) return Effect.void
    this.#fiber = undefined
    return Fiber.interrupt(fiber)
  }

  /** Ends the wait of the session that listens. */
  get #tell(): Effect.Effect<unknown, unknown> {
    return this.#pool.use((connection) => connection.withTransaction(signal(connection, this.#wake, "")))
  }

  /** Listens for as long as it is not interrupted; what cannot be mended by another session ends all listeners. */
  get #keep(): Effect.Effect<void> {
    const lost = Effect.retry(this.#serve, { schedule: defaultReconnect, while: isLoss })
    return Effect.onExit(Effect.forever(Effect.andThen(lost, Effect.sleep("50 millis"))), (exit) =>
      Effect.sync(() => {
        if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return
        this.#fiber = undefined
        const channels = [...this.#channels.values()]
        this.#channels.clear()
        for (const { listeners, ready } of channels) {
          for (const queue of listeners) Queue.failCauseUnsafe(queue, exit.cause)
          Deferred.doneUnsafe(ready, Effect.void)
        }
      })).pipe(Effect.catchCause(() => Effect.void))
  }

  /** One session: succeeds when it was lost after it had registered everything, so that pauses begin anew. */
  get #serve(): Effect.Effect<void, unknown> {
    return Effect.flatMap(listenersOf(this.#pool), (pool) =>
      pool.use((connection) => {
        const registered = new Set<string>()
        this.#registered = registered
        const round = Effect.andThen(this.#register(connection, registered), this.#wait(connection))
        return Effect.forever(round).pipe(
          Effect.catch((failure) => isLoss(failure) && registered.size > 0 ? Effect.void : Effect.fail(failure)),
          Effect.ensuring(Effect.sync(() => {
            if (this.#registered === registered) this.#registered = undefined
          })),
          // What it is registered for goes with the session.
          Effect.ensuring(Effect.ignore(pool.drop(connection)))
        )
      }))
  }

  #register(connection: OracleConnection, registered: Set<string>) {
    return Effect.suspend(() => {
      const wanted = [this.#wake, ...this.#channels.keys()].filter((name) => !registered.has(name))
      return Effect.forEach(
        wanted,
        (name) =>
          Effect.map(called(connection, register, { name }, 0), () => {
            registered.add(name)
            const channel = this.#channels.get(name)
            if (channel !== undefined) Deferred.doneUnsafe(channel.ready, Effect.void)
          }),
        { discard: true }
      )
    })
  }

  #wait(connection: OracleConnection) {
    return Effect.map(
      called(connection, waitAny, {
        name: textOut(longestName),
        message: textOut(longestPayload),
        status: { dir: driver.BIND_OUT, type: driver.DB_TYPE_NUMBER },
        timeout: seconds
      }, seconds),
      ({ message, name, status }) => {
        if (status !== 0 || typeof name !== "string") return
        for (const queue of this.#channels.get(name)?.listeners ?? []) {
          Queue.offerUnsafe(queue, typeof message === "string" ? message : "")
        }
      }
    )
  }
}
