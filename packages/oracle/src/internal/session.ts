/**
 * A session of the database as this package holds it: the driver's connection, and the one call that may run on it.
 *
 * The driver queues calls of its own accord, but it cannot say which of them runs; a break would hit whichever does. So calls
 * are queued here, and only a call that was given up, or whose lease is over, is ever broken.
 */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { Lender } from "./lender.ts"
import type { DriverConnection } from "./oracledb.ts"
import type { Sockets } from "./sockets.ts"
import { spanAttributes } from "./tracing.ts"

/** A lease as far as its calls go: over or not. */
export interface LeaseState {
  readonly isReleased: boolean
}

/** What a call fails with whose turn came after the end of its lease. */
export class LeaseIsOver {
  readonly _tag = "LeaseIsOver"
}

/** Something that a lease has opened on the session and that ends with it: a cursor, a LOB. */
export interface Resource {
  readonly close: () => Promise<void>
}

/** How a call may be given up. */
export interface CallOptions<A> {
  /** The lease that it belongs to; it is not begun after the end of that. */
  readonly lease?: LeaseState
  /** Frees what a call has given that nobody waits for any more. */
  readonly discard?: ((value: A) => Promise<void>) | undefined
  /** Whether it must come to an end in bounded time although nobody can interrupt it, as a rollback must. */
  readonly isUrgent?: boolean | undefined
}

/** What becomes of the driver's answer, and of what the driver throws. */
export interface Ending<A, B, E> {
  readonly succeed: (value: A) => Effect.Effect<B, E>
  readonly fail: (thrown: unknown) => Effect.Effect<B, E>
}

interface Call {
  isAbandoned: boolean
  /** The driver's answer, when it has come. */
  outcome: { readonly failure?: unknown } | undefined
  /** Called when it has come. */
  onSettled: (() => void) | undefined
}

/** What a session is made of. */
export interface SessionParts {
  readonly connection: DriverConnection
  readonly sockets: Sockets
  /** What must not show in any error. */
  readonly secrets: ReadonlyArray<Redacted.Redacted<string>>
  /** Whether the server may serve each lease, or each transaction, with another of its own sessions. */
  readonly isPooledServer: boolean
  /** How long an urgent call may take, in milliseconds. */
  readonly patience: number
  readonly lender?: Lender
}

export class OracleSession {
  readonly sockets: Sockets
  readonly secrets: ReadonlyArray<Redacted.Redacted<string>>
  readonly isPooledServer: boolean
  readonly lender: Lender | undefined
  /** For spans. */
  readonly attributes: Record<string, unknown>
  /** Open cursors and LOBs of the lease. */
  readonly resources = new Set<Resource>()
  lease: LeaseState | undefined = undefined
  /** The driver's connection; `undefined` while it is with the lender. */
  attached: DriverConnection | undefined
  #isLost = false
  #running: Call | undefined = undefined
  #isHeld = false
  readonly #waiting: Array<() => void> = []
  readonly #patience: number

  constructor(parts: SessionParts) {
    this.attached = parts.connection
    this.sockets = parts.sockets
    this.secrets = parts.secrets
    this.isPooledServer = parts.isPooledServer
    this.lender = parts.lender
    this.#patience = parts.patience
    this.attributes = spanAttributes(parts.connection)
  }

  /** What the driver knows without a round trip. */
  get isHealthy(): boolean {
    if (this.#isLost) return false
    return this.attached === undefined ? this.lender?.isConnected === true : this.attached.isHealthy()
  }

  /** The server does not answer: nothing more is tried on this session, and in Thin mode what runs on it fails now. */
  #lose(): void {
    this.#isLost = true
    this.sockets.destroy()
    this.#next()
  }

  /**
   * Watches over a call that has a time limit. The driver itself only asks the server to stop, and waits for its answer; a
   * server that is gone gives none. A call timeout is one of each round trip, so it is silence that counts there.
   */
  #watch(connection: DriverConnection | undefined, isUrgent: boolean): NodeJS.Timeout | undefined {
    if (isUrgent) return setTimeout(() => this.#lose(), this.#patience)
    const timeout = connection?.callTimeout ?? 0
    if (timeout === 0) return undefined
    let heard = this.sockets.bytesRead
    let silence = 0
    return setInterval(() => {
      const { bytesRead } = this.sockets
      silence = bytesRead === heard ? silence + 1 : 0
      heard = bytesRead
      if (silence === 3) this.#lose()
    }, timeout)
  }

  /** Gets the connection back from its lender, without a round trip. One that is gone is lost: only the pool opens another. */
  async #attach(lender: Lender): Promise<DriverConnection> {
    try {
      return this.attached = await lender.lend()
    } catch {
      this.#isLost = true
      throw lost()
    }
  }

  /** Gives the connection to its lender, which rolls back and hands the server's session back to the server. */
  get detach(): Effect.Effect<void, unknown> {
    return this.call((connection) => {
      this.attached = undefined
      return connection.close()
    })
  }

  /**
   * Runs one call of the driver when those before it have ended; fails with what the driver throws. An interruption gives
   * the call up but does not stop it: `stop` does.
   */
  call<A>(work: (connection: DriverConnection) => Promise<A>, options: CallOptions<A> = {}): Effect.Effect<A, unknown> {
    return this.callFor(work, options, { succeed: Effect.succeed, fail: Effect.fail })
  }

  /** The same, with another ending. It is spared an effect around the call for each of the two. */
  callFor<A, B, E>(
    work: (connection: DriverConnection) => Promise<A>,
    options: CallOptions<A>,
    ending: Ending<A, B, E>
  ): Effect.Effect<B, E> {
    return Effect.callback<B, E>((resume) => {
      const call: Call = { isAbandoned: false, outcome: undefined, onSettled: undefined }
      let watch: NodeJS.Timeout | undefined
      const settle = (outcome: { readonly failure?: unknown }, result: Effect.Effect<B, E>) => {
        if (watch !== undefined) clearTimeout(watch)
        call.outcome = outcome
        this.#running = undefined
        call.onSettled?.()
        this.#next()
        resume(result)
      }
      const begin = () => {
        if (options.lease?.isReleased === true) {
          resume(ending.fail(new LeaseIsOver()))
          return this.#next()
        }
        if (this.#isLost) {
          resume(ending.fail(lost()))
          return this.#next()
        }
        this.#running = call
        const { attached, lender } = this
        watch = this.#watch(attached, options.isUrgent === true)
        const answer = attached === undefined && lender !== undefined
          ? this.#attach(lender).then(work)
          : invoke(work, attached!)
        answer.then((value) => {
          if (!call.isAbandoned) return settle({}, succeeded(ending, value))
          const settled = () => settle({}, unheard)
          if (options.discard === undefined) settled()
          else options.discard(value).then(settled, settled)
        }, (failure: unknown) => settle({ failure }, ending.fail(failure)))
      }
      if (this.#isFree) begin()
      else this.#waiting.push(begin)
      return Effect.sync(() => {
        call.isAbandoned = true
        const at = this.#waiting.indexOf(begin)
        if (at >= 0) this.#waiting.splice(at, 1)
      })
    })
  }

  /** Closes a cursor or a LOB when its turn comes, unless the end of the lease has done so before; nobody waits for it. */
  closeLater(resource: Resource): void {
    const { resources } = this
    const closed = this.call(async () => {
      if (resources.delete(resource)) await resource.close()
    }, {
      lease: {
        get isReleased() {
          return !resources.has(resource)
        }
      }
    })
    Effect.runFork(Effect.ignore(closed))
  }

  /** In Thick mode a call on a lost session may never end; those behind it need not wait for that. */
  get #isFree(): boolean {
    return this.#isLost || (this.#running === undefined && !this.#isHeld)
  }

  #next(): void {
    if (this.#isFree) this.#waiting.shift()?.()
  }

  /** Whether a call runs that nobody waits for, or that has outlived its lease. */
  get mustBeStopped(): boolean {
    return this.#running !== undefined && (this.#running.isAbandoned || this.lease?.isReleased === true)
  }

  /**
   * Breaks the call that runs and waits until the driver has answered it. No other call begins before it is certain that the
   * break has hit this one: a break that came too late stays in the session and ends the next call with ORA-01013, so an
   * empty call is made to take it.
   */
  get stop(): Effect.Effect<void, unknown> {
    return Effect.suspend(() => {
      const call = this.#running
      if (call === undefined || !this.mustBeStopped) return Effect.void
      this.#isHeld = true
      const settled = Effect.callback<void>((resume) => {
        if (call.outcome !== undefined) return resume(Effect.void)
        call.onSettled = () => resume(Effect.void)
      })
      return attempt(async () => this.attached?.break()).pipe(
        Effect.andThen(settled),
        Effect.andThen(Effect.suspend(() => isCancelled(call.outcome?.failure) ? Effect.void : this.#takeBreak())),
        // Whoever waits for this has lost patience with the server.
        Effect.onInterrupt(() => Effect.sync(() => this.#lose())),
        Effect.ensuring(Effect.sync(() => {
          this.#isHeld = false
          this.#next()
        }))
      )
    })
  }

  #takeBreak(): Effect.Effect<void, unknown> {
    return Effect.catchIf(attempt(async () => this.attached?.ping()), isCancelled, () => Effect.void)
  }
}

/** A promise of the driver as it is: past the queue, and failing with what it throws. */
export const attempt = <A>(work: () => Promise<A>): Effect.Effect<A, unknown> =>
  Effect.callback((resume) => {
    invoke(work, undefined).then(
      (value) => resume(Effect.succeed(value)),
      (failure: unknown) => resume(Effect.fail(failure))
    )
  })

/** What nobody waits for any more comes to. */
const unheard = Effect.interrupt

/** A policy for values is the application's, and may throw. */
const succeeded = <A, B, E>(ending: Ending<A, B, E>, value: A): Effect.Effect<B, E> => {
  try {
    return ending.succeed(value)
  } catch (defect) {
    return Effect.die(defect)
  }
}

/** What a function throws at once, too, becomes a rejection. */
const invoke = <C, A>(work: (connection: C) => Promise<A>, connection: C): Promise<A> => {
  try {
    return work(connection)
  } catch (thrown) {
    return Promise.reject(thrown)
  }
}

/** As the driver puts it. */
const lost = (): Error =>
  Object.assign(new Error("NJS-500: connection to Oracle Database was closed or broken"), { code: "NJS-500" })

/** ORA-01013: the server has cancelled the call. */
const isCancelled = (failure: unknown): boolean =>
  typeof failure === "object" && failure !== null && "errorNum" in failure && failure.errorNum === 1013
