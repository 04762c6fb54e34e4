/**
 * A session of the database as this package holds it: the driver's connection, and the one call that may run on it.
 *
 * The driver queues calls of its own accord, but it cannot say which of them runs; a break would hit whichever does. So calls
 * are queued here, and only a call that was given up, or whose lease is over, is ever broken.
 */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { DriverConnection } from "./oracledb.ts"
import type { Sockets } from "./sockets.ts"

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
  readonly discard?: (value: A) => Promise<void>
}

interface Call {
  isAbandoned: boolean
  /** The driver's answer, when it has come. */
  outcome: { readonly failure?: unknown } | undefined
  /** Called when it has come. */
  onSettled: (() => void) | undefined
}

export class OracleSession {
  readonly connection: DriverConnection
  readonly sockets: Sockets
  /** Whether the server may serve each transaction with another of its own sessions. */
  readonly isPooledServer: boolean
  /** What must not show in any error. */
  readonly secrets: ReadonlyArray<Redacted.Redacted<string>>
  /** Open cursors and LOBs of the lease. */
  readonly resources = new Set<Resource>()
  lease: LeaseState | undefined = undefined
  #running: Call | undefined = undefined
  #isHeld = false
  readonly #waiting: Array<() => void> = []

  constructor(
    connection: DriverConnection,
    sockets: Sockets,
    secrets: ReadonlyArray<Redacted.Redacted<string>>,
    isPooledServer: boolean
  ) {
    this.connection = connection
    this.sockets = sockets
    this.secrets = secrets
    this.isPooledServer = isPooledServer
  }

  /**
   * Runs one call of the driver when those before it have ended; fails with what the driver throws. An interruption gives
   * the call up but does not stop it: `stop` does.
   */
  call<A>(work: (connection: DriverConnection) => Promise<A>, options: CallOptions<A> = {}): Effect.Effect<A, unknown> {
    return Effect.callback<A, unknown>((resume) => {
      const call: Call = { isAbandoned: false, outcome: undefined, onSettled: undefined }
      const settle = (failure: { readonly failure?: unknown }, result: Effect.Effect<A, unknown>) => {
        call.outcome = failure
        this.#running = undefined
        call.onSettled?.()
        this.#next()
        resume(result)
      }
      const begin = () => {
        if (options.lease?.isReleased === true) {
          resume(Effect.fail(new LeaseIsOver()))
          return this.#next()
        }
        this.#running = call
        invoke(work, this.connection).then((value) => {
          if (!call.isAbandoned || options.discard === undefined) return settle({}, Effect.succeed(value))
          const settled = () => settle({}, Effect.succeed(value))
          options.discard(value).then(settled, settled)
        }, (failure: unknown) => settle({ failure }, Effect.fail(failure)))
      }
      if (this.#running === undefined && !this.#isHeld) begin()
      else this.#waiting.push(begin)
      return Effect.sync(() => {
        call.isAbandoned = true
        const at = this.#waiting.indexOf(begin)
        if (at >= 0) this.#waiting.splice(at, 1)
      })
    })
  }

  #next(): void {
    if (this.#running === undefined && !this.#isHeld) this.#waiting.shift()?.()
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
      return Effect.tryPromise({ try: () => this.connection.break(), catch: (failure) => failure }).pipe(
        Effect.andThen(settled),
        Effect.andThen(Effect.suspend(() => isCancelled(call.outcome?.failure) ? Effect.void : this.#takeBreak())),
        Effect.ensuring(Effect.sync(() => {
          this.#isHeld = false
          this.#next()
        }))
      )
    })
  }

  #takeBreak(): Effect.Effect<void, unknown> {
    return Effect.tryPromise({ try: () => this.connection.ping(), catch: (failure) => failure }).pipe(
      Effect.catch((failure) => isCancelled(failure) ? Effect.void : Effect.fail(failure))
    )
  }
}

const invoke = async <A>(
  work: (connection: DriverConnection) => Promise<A>,
  connection: DriverConnection
): Promise<A> => work(connection)

/** ORA-01013: the server has cancelled the call. */
const isCancelled = (failure: unknown): boolean =>
  typeof failure === "object" && failure !== null && "errorNum" in failure && failure.errorNum === 1013
