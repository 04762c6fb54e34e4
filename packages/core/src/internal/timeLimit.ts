import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { formatDuration } from "./durationText.ts"

/** Says what took too long. */
export class TookTooLong extends Error {
  override readonly name = "TookTooLong"
}

/** Bounds `effect`; the failure says what it was that took too long. */
export const within = <A, E>(
  effect: Effect.Effect<A, E>,
  limit: Duration.Duration,
  what: string
): Effect.Effect<A, E | TookTooLong> =>
  Duration.isFinite(limit)
    ? Effect.timeoutOrElse(effect, {
      duration: limit,
      orElse: () =>
        Effect.fail(new TookTooLong(`${what} did not end within ${formatDuration(Duration.toMillis(limit))}`))
    })
    : effect
