/**
 * INTERVAL YEAR TO MONTH as a value. INTERVAL DAY TO SECOND is Effect's `Duration`; a span of months has no fixed length, so it
 * is a type of its own.
 */
import * as Data from "effect/Data"

/**
 * A span of months, as INTERVAL YEAR TO MONTH holds it.
 *
 * **When to use**
 *
 * Columns of INTERVAL YEAR TO MONTH are read as it, and it is bound as such. Two of the same length are equal.
 *
 * **Details**
 *
 * `months` is the whole span, negative for one into the past; `years` and `monthsOfYear` are its parts, with the same sign.
 *
 * **Example** (Its parts)
 *
 * ```ts
 * import { OracleInterval } from "@sessionpool/oracle"
 *
 * const warranty = OracleInterval.yearMonth({ years: 2, months: 6 })
 * console.log(warranty.months, String(warranty)) // 30 +02-06
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export class YearMonth extends Data.Class<{ readonly months: number }> {
  get years(): number {
    return Math.trunc(this.months / 12)
  }

  get monthsOfYear(): number {
    return this.months % 12
  }

  /** As Oracle prints it: `+02-06`. */
  override toString(): string {
    const pad = (part: number): string => String(Math.abs(part)).padStart(2, "0")
    return `${this.months < 0 ? "-" : "+"}${pad(this.years)}-${pad(this.monthsOfYear)}`
  }
}

/**
 * The span of so many years and months; both may be negative.
 *
 * **When to use**
 *
 * Use to bind an INTERVAL YEAR TO MONTH.
 *
 * **Example** (Three months)
 *
 * ```ts
 * import { OracleInterval } from "@sessionpool/oracle"
 *
 * const quarter = OracleInterval.yearMonth({ months: 3 })
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const yearMonth = (parts: { readonly years?: number; readonly months?: number }): YearMonth =>
  new YearMonth({ months: (parts.years ?? 0) * 12 + (parts.months ?? 0) })

/**
 * Whether a value is such a span.
 *
 * **When to use**
 *
 * Use to tell it from a `Duration`, which an INTERVAL DAY TO SECOND is read as.
 *
 * **Example** (Telling it from other values)
 *
 * ```ts
 * import { OracleInterval } from "@sessionpool/oracle"
 *
 * console.log(OracleInterval.isYearMonth(OracleInterval.yearMonth({ years: 1 }))) // true
 * ```
 *
 * @category guards
 * @since 0.1.0
 */
export const isYearMonth = (value: unknown): value is YearMonth => value instanceof YearMonth
