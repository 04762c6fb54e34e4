/** What functions of a program give: an effect, or a defect that says that it is none. */
import * as Effect from "effect/Effect"

/**
 * The effect that a function has given. Anything else, such as the promise of an async function, ends its fiber on the spot, past every
 * finalizer: a lease would never end. So it becomes an effect that dies.
 */
export const effectOf = <A, E, R>(what: string, given: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  // What has the mark of an effect is one; `Effect.isEffect` asks the same in a call of its own, at every lease.
  given?.[Effect.TypeId] !== undefined
    ? given
    : Effect.die(new TypeError(`${what} must give an effect; wrap a promise with Effect.tryPromise`))
