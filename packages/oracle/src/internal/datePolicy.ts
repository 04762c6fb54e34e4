/**
 * How a DATE or a TIMESTAMP, which has no time zone, becomes a point in time and back.
 *
 * The driver takes both for times of the process's own time zone. Under the policy `"utc"` they are times of UTC.
 */
import { Unfit } from "./numberPolicy.ts"
import { isUtcProcess } from "./processZone.ts"

/**
 * Which zone a DATE or a TIMESTAMP without time zone is in: `"utc"`, or `"local"`, the process's own.
 *
 * **When to use**
 *
 * Keep `"utc"`, the default, unless other programs already write DATE columns in the time zone of their processes: then use `"local"`.
 *
 * **Details**
 *
 * It is the same both ways: what is bound under a policy comes back under it as the same point in time. TIMESTAMP WITH TIME
 * ZONE and WITH LOCAL TIME ZONE are points in time already and follow no policy.
 *
 * **Gotchas**
 *
 * The driver gives milliseconds. Where the process's own time zone leaves out an hour in spring, it gives the hour after it
 * for both; under `"utc"` such a DATE is a failure rather than a guess. A process with `TZ=UTC` has no such hours.
 *
 * **Example** (Dates in UTC)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const dates: OracleConnection.DatePolicy = "utc"
 * ```
 *
 * @category options
 * @since 0.1.0
 */
export type DatePolicy = "utc" | "local"

const day = 86_400_000

/** Whether the local time of `date` may stand for another one, an hour earlier, that the time zone leaves out. */
const isAfterGap = (date: Date, offset: number): boolean => {
  const time = date.getTime()
  const jump = new Date(time - day).getTimezoneOffset() - offset
  return jump > 0 && new Date(time - jump * 60_000).getTimezoneOffset() !== offset
}

/** The time that the clock of the process shows at `date`, taken for UTC. */
const readUtc = (date: Date): Date | Unfit => {
  const offset = date.getTimezoneOffset()
  if (isAfterGap(date, offset)) {
    return new Unfit(
      "is next to an hour that daylight saving time skips in the time zone of this process, so the driver may read it an hour off; run with " +
        "TZ=UTC, or select it with to_char"
    )
  }
  if (offset === 0) return date
  const utc = new Date(0)
  utc.setUTCFullYear(date.getFullYear(), date.getMonth(), date.getDate())
  utc.setUTCHours(date.getHours(), date.getMinutes(), date.getSeconds(), date.getMilliseconds())
  return utc
}

/** Reads what the driver gives for a DATE or a TIMESTAMP without time zone. */
export const dateReader = (policy: DatePolicy): ((date: Date) => Date | Unfit) | undefined =>
  policy === "local" ? undefined : isUtcProcess() ? (date) => date : readUtc

/**
 * A date whose local time is its time in UTC. The driver writes a DATE from the local time of what it is given; a date that
 * was shifted instead could fall into an hour that the time zone leaves out.
 */
class UtcWallClock extends Date {
  override getFullYear(): number {
    return this.getUTCFullYear()
  }
  override getMonth(): number {
    return this.getUTCMonth()
  }
  override getDate(): number {
    return this.getUTCDate()
  }
  override getHours(): number {
    return this.getUTCHours()
  }
  override getMinutes(): number {
    return this.getUTCMinutes()
  }
  override getSeconds(): number {
    return this.getUTCSeconds()
  }
}

/** What is given to the driver for dates; where the process's own zone is UTC, they are what they should be. */
export const dateWriter = (policy: DatePolicy): (date: Date) => Date =>
  policy === "utc" && !isUtcProcess() ? (date) => new UtcWallClock(date.getTime()) : (date) => date

/** What is given to the driver for a date. */
export const dateForDriver = (policy: DatePolicy, date: Date): Date => dateWriter(policy)(date)
