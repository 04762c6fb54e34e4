/** Pauses between attempts to open a session: short while no database can be reached, longer after what a database refuses. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { isOracleError } from "../OracleError.ts"

const longest = 1000

/** Codes of a database; those of the network and of the listener begin with ORA-12, or are not Oracle's. */
const isOfDatabase = (code: string): boolean => code.startsWith("ORA-0")

/** No process and no session to be had: over as soon as somebody else leaves, and mostly known to the listener already. */
const isFull: ReadonlySet<string> = new Set([
  "ORA-00018",
  "ORA-00020",
  "ORA-12516",
  "ORA-12518",
  "ORA-12519",
  "ORA-12520"
])

/** Whether one more attempt costs the database little or nothing. */
const isCheap = (cause: unknown): boolean =>
  isOracleError(cause) && cause.isRetryable && (
    cause.reason.codes.some((code) => isFull.has(code)) ||
    (cause.reason._tag === "ConnectionError" && !cause.reason.codes.some(isOfDatabase))
  )

/**
 * How long the pool pauses before it tries to open a session again, in milliseconds: `attempt` failures in a row have taken
 * `elapsed` milliseconds.
 *
 * While nothing can be reached, or the database is full, an attempt costs next to nothing, and the sooner the end is found, the
 * better: 30 ms, and 0.2 % of what it has lasted. What a database refuses otherwise has cost it a process and a log-on: 100 ms,
 * doubling. Both end at 1 second.
 */
export const pauseMillis = (cause: unknown, attempt: number, elapsed: number): number =>
  Math.min(longest, isCheap(cause) ? 30 + elapsed / 500 : 100 * 2 ** (attempt - 1))

/** The pauses between openings that fail, jittered by 20 %. How long failures last goes by the clock's monotonic time. */
export const openPauses: Schedule.Schedule<number, unknown> = Schedule.fromStep(
  Effect.map(Clock.Clock, (clock) => {
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    let attempt = 0
    let began = 0
    return (_now: number, cause: unknown) =>
      Effect.sync((): [number, Duration.Duration] => {
        if (attempt === 0) began = now()
        return [++attempt, Duration.millis(pauseMillis(cause, attempt, now() - began))]
      })
  })
).pipe(Schedule.jittered)
