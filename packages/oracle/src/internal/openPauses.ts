import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { isOracleError } from "../OracleError.ts"

const longest = 1000

/** Codes of a database; those of the network and of the listener begin with ORA-12, or are not Oracle's. */
const isOfDatabase = (code: string): boolean => code.startsWith("ORA-0")

/** Whether no database was reached that has to do anything for one more attempt. */
const isUnreachable = (cause: unknown): boolean =>
  isOracleError(cause) && cause.reason._tag === "ConnectionError" && cause.isRetryable &&
  !cause.reason.codes.some(isOfDatabase)

/**
 * How long the pool pauses before it tries to open a session again, in milliseconds: `attempt` failures in a row have taken
 * `elapsed` milliseconds.
 *
 * While nothing can be reached an attempt costs next to nothing, and the sooner the end is found, the better: 30 ms, and 0.2 %
 * of what it has lasted. What a database refuses has cost it a process and a log-on: 100 ms, doubling. Both end at 1 second.
 */
export const pauseMillis = (cause: unknown, attempt: number, elapsed: number): number =>
  Math.min(longest, isUnreachable(cause) ? 30 + elapsed / 500 : 100 * 2 ** (attempt - 1))

/** The pauses between openings that fail, jittered by 20 %. */
export const openPauses: Schedule.Schedule<number, unknown> = Schedule.forever.pipe(
  Schedule.setInputType<unknown>(),
  Schedule.modifyDelay(({ attempt, elapsed, input }) =>
    Effect.succeed(Duration.millis(pauseMillis(input, attempt, elapsed)))
  ),
  Schedule.jittered
)
