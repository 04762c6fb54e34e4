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
