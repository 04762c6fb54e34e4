/**
 * The cheapest lease that the public interface of Effect allows, over a bare array: no waiting, no growth, no tags, no counts.
 * What a pool costs beyond it is what it does for its users. Both can be interrupted at any point without losing a session.
 */
import { type Clock, Context, Effect, Scope } from "effect"

/** A lease around one effect; its end is installed before a session is taken. */
export const use = <S, A, E>(idle: Array<S>, f: (session: S) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.withFiber(() => {
    let taken: S | undefined
    return Effect.onExitPrimitive(
      Effect.withFiber(() => {
        taken = idle.pop()!
        return f(taken)
      }),
      () => {
        if (taken !== undefined) idle.push(taken)
        return undefined
      }
    )
  })

/** The same with what every pool must know beyond it: when a session was taken, and since when it is idle. */
export const useTimed = <S extends { since: number }, A, E>(
  clock: Clock.Clock,
  idle: Array<S>,
  f: (session: S) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.withFiber(() => {
    let taken: S | undefined
    return Effect.onExitPrimitive(
      Effect.withFiber(() => {
        taken = idle.pop()!
        taken.since = clock.currentTimeMillisUnsafe()
        return f(taken)
      }),
      () => {
        if (taken !== undefined) {
          taken.since = clock.currentTimeMillisUnsafe()
          idle.push(taken)
        }
        return undefined
      }
    )
  })

/** A lease until the scope closes. Its end is the scope's before a session is taken, so nothing has to be uninterruptible. */
export const get = <S>(idle: Array<S>): Effect.Effect<S, never, Scope.Scope> =>
  Effect.withFiber((fiber) => {
    const scope = Context.getUnsafe(fiber.context as Context.Context<Scope.Scope>, Scope.Scope)
    let taken: S | undefined
    return Effect.map(
      Scope.addFinalizerExit(scope, () => {
        if (taken !== undefined) idle.push(taken)
        return Effect.void
      }),
      () => taken = idle.pop()!
    )
  })

interface Request<S> {
  readonly resume: (effect: Effect.Effect<void>) => void
  session: S | undefined
  isGone: boolean
}

/** The same for more callers than sessions: a bare array and a bare queue, served first come first served. */
export class Queue<S> {
  readonly #idle: Array<S>
  #requests: Array<Request<S>> = []
  #next = 0
  readonly #returned: Array<S> = []
  #isPassingOn = false

  constructor(idle: Array<S>) {
    this.#idle = idle
  }

  use<A, E>(f: (session: S) => Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.withFiber(() => {
      let taken: S | undefined
      let request: Request<S> | undefined
      const wait = Effect.callback<void>((resume) => {
        request = { resume, session: undefined, isGone: false }
        this.#requests.push(request)
      })
      const begin = () => {
        taken = request!.session
        return f(taken!)
      }
      return Effect.onExitPrimitive(
        Effect.withFiber(() => {
          taken = this.#idle.pop()
          return taken === undefined ? Effect.flatMap(wait, begin) : f(taken)
        }),
        () => {
          const session = taken ?? request?.session
          if (session !== undefined) this.#giveBack(session)
          else if (request !== undefined) request.isGone = true
          return undefined
        }
      )
    })
  }

  /** Takes a session, which must be there, until the scope closes. */
  readonly get: Effect.Effect<S, never, Scope.Scope> = Effect.acquireRelease(
    Effect.sync(() => this.#idle.pop()!),
    (session) => Effect.sync(() => this.#giveBack(session))
  )

  /** Whoever is woken runs at once and may give back before it returns: its session is then passed on from here. */
  #giveBack(session: S): void {
    this.#returned.push(session)
    if (this.#isPassingOn) return
    this.#isPassingOn = true
    for (let next = this.#returned.pop(); next !== undefined; next = this.#returned.pop()) this.#passOn(next)
    this.#isPassingOn = false
  }

  #passOn(session: S): void {
    while (this.#next < this.#requests.length) {
      const request = this.#requests[this.#next++]!
      if (request.isGone) continue
      request.session = session
      request.resume(Effect.void)
      return
    }
    // Drawn empty: what was served is let go of.
    this.#requests = []
    this.#next = 0
    this.#idle.push(session)
  }
}
