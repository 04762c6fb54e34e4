/** A call of the driver in the line of a session: how it may be given up, and what becomes of its answer. */
import * as Effect from "effect/Effect"

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
  /** The lease that it belongs to; it is not begun after the end of that. A call without one is the pool's own. */
  readonly lease?: LeaseState | undefined
  /** Frees what a call has given that no caller waits for any more. */
  readonly discard?: ((value: A) => Promise<void>) | undefined
  /** Whether it must come to an end in bounded time although it cannot be interrupted, as a rollback must. */
  readonly isUrgent?: boolean | undefined
  /** How long an urgent call may take, in milliseconds; by default as long as a break. */
  readonly limit?: number | undefined
  /**
   * For how long the server was told to wait for something, in milliseconds. One that stays silent for longer than that and a break is
   * gone: the session is lost.
   */
  readonly serverWait?: number | undefined
  /** Whether it is too short, and leaves too much behind, to be broken: whoever gives it up waits for its end. */
  readonly isUnbreakable?: boolean | undefined
  /** The statement that it runs. */
  readonly sql?: string | undefined
  /** Whether it makes no round trip, so that nothing can be sent along with it. */
  readonly isLocal?: boolean | undefined
  /** Whether it has gone to the server as a pipeline. */
  readonly isPipeline?: (() => boolean) | undefined
  /** Whether it ends the work of the lease before, and still belongs to that as far as the server is told. */
  readonly isOfHolder?: boolean | undefined
}

/** What becomes of the driver's answer, and of what the driver throws. */
export interface Ending<A, B, E> {
  readonly succeed: (value: A) => Effect.Effect<B, E>
  readonly fail: (thrown: unknown) => Effect.Effect<B, E>
}

/** A call in the line of a session. */
export interface Call {
  readonly isUnbreakable: boolean
  readonly isPipeline: (() => boolean) | undefined
  readonly sql: string | undefined
  isAbandoned: boolean
  /** Whether the server is told along with it whose work it is. */
  tells: boolean
  /** The driver's answer, when it has come. */
  outcome: { readonly failure?: unknown } | undefined
  /** Called when it has come. */
  onSettled: (() => void) | undefined
  /** Ends the session when it takes too long. */
  watch: NodeJS.Timeout | undefined
}

/**
 * What became of a commit whose answer was lost; `"unknown"` where the service has no Transaction Guard, the user may not ask, or no session
 * could be had for the question.
 */
export type CommitOutcome = "committed" | "rolled back" | "unknown"

/** How long calls may take, in milliseconds. */
export interface Limits {
  /** An urgent call, and a break. It may change while the pool runs. */
  readonly breakLimit: number
  /** A commit; 0 for as long as it takes. */
  readonly commitLimit: number
}

/** A promise of the driver as it is: past the queue, and failing with what it throws. */
export const attempt = <A>(work: () => Promise<A>): Effect.Effect<A, unknown> =>
  Effect.callback((resume) => {
    invoke(work).then(
      (value) => resume(Effect.succeed(value)),
      (failure: unknown) => resume(Effect.fail(failure))
    )
  })

/** What a call comes to that no caller waits for any more. */
export const unheard = Effect.interrupt

/** A policy for values is the application's, and may throw. */
export const succeeded = <A, B, E>(ending: Ending<A, B, E>, value: A): Effect.Effect<B, E> => {
  try {
    return ending.succeed(value)
  } catch (defect) {
    return Effect.die(defect)
  }
}

/** What a function throws at once, too, becomes a rejection. */
const invoke = <A>(work: () => Promise<A>): Promise<A> => {
  try {
    return work()
  } catch (thrown) {
    return Promise.reject(thrown)
  }
}
