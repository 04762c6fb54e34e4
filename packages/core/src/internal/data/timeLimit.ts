/** Bounds an effect in time. */
import * as Effect from "effect/Effect"
import { formatDuration } from "./durationText.ts"

/** Says what took too long. */
export class TookTooLong extends Error {
  override readonly name = "TookTooLong"
}

/** Bounds `effect` by so many milliseconds, `Infinity` not at all; the failure says what it was that took too long. */
export const within = <A, E>(
  effect: Effect.Effect<A, E>,
  limit: number,
  what: string
): Effect.Effect<A, E | TookTooLong> =>
  limit === Infinity ? effect : Effect.timeoutOrElse(effect, {
    duration: limit,
    orElse: () => Effect.fail(new TookTooLong(`${what} timed out after ${formatDuration(limit)}`))
  })
