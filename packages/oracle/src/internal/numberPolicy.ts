/** How a NUMBER becomes a value of JavaScript. The driver gives its digits as text, and no policy drops one in silence. */
import * as BigDecimal from "effect/BigDecimal"
import * as Option from "effect/Option"

/**
 * What a NUMBER is read as.
 *
 * **When to use**
 *
 * Use `"bigint"` for keys beyond 2^53, `"bigDecimal"` or `"string"` for amounts that must not be rounded, `"double"` where speed and size matter
 * more than the last digits. The default, `"number"`, fails rather than rounds.
 *
 * **Details**
 *
 * - `"number"`: a number that prints with the same digits. A NUMBER with more digits is a failure.
 * - `"bigint"`: a whole number of any size. A NUMBER with a fraction is a failure.
 * - `"string"`: its decimal digits.
 * - `"bigDecimal"`: Effect's `BigDecimal`, all 38 digits.
 * - `"double"`: the nearest double, digits beyond the seventeenth given up on purpose, as the driver does by itself.
 *
 * **Example** (Amounts without rounding)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const amounts: OracleConnection.NumberPolicy = "bigDecimal"
 * ```
 *
 * @category options
 * @since 0.1.0
 */
export type NumberPolicy = typeof numberPolicies[number]

export const numberPolicies = ["number", "bigint", "bigDecimal", "string", "double"] as const

/** Whether what a policy by column gave is one. */
export const isNumberPolicy = (value: unknown): value is NumberPolicy => numberPolicies.some((each) => each === value)

/** Says why a value cannot be what was asked for; never the value itself. */
export class Unfit {
  readonly _tag = "Unfit"
  readonly problem: string

  constructor(problem: string) {
    this.problem = problem
  }
}

interface Decimal {
  readonly sign: string
  /** Without zeros at either end; empty for zero. */
  readonly digits: string
  /** The value is `digits * 10 ** exponent`. */
  readonly exponent: number
}

const form = /^([+-]?)(\d*)(?:[.,](\d*))?(?:[eE]([+-]?\d+))?$/

const read = (text: string): Decimal | undefined => {
  const match = form.exec(text.trim())
  if (match === null) return undefined
  const [, sign = "", whole = "", fraction = "", power = "0"] = match
  const all = whole + fraction
  if (all === "") return undefined
  const digits = all.replace(/^0+/, "")
  const trimmed = digits.replace(/0+$/, "")
  return trimmed === ""
    ? { sign: "", digits: "", exponent: 0 }
    : {
      sign: sign === "-" ? "-" : "",
      digits: trimmed,
      exponent: Number(power) - fraction.length + (digits.length - trimmed.length)
    }
}

const print = ({ digits, exponent, sign }: Decimal): string => {
  if (digits === "") return "0"
  if (exponent >= 0) return `${sign}${digits}${"0".repeat(exponent)}`
  const point = digits.length + exponent
  return point > 0
    ? `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
    : `${sign}0.${"0".repeat(-point)}${digits}`
}

const same = (a: Decimal, b: Decimal): boolean =>
  a.digits === b.digits && a.exponent === b.exponent && a.sign === b.sign

/** Up to here every decimal comes back from a double as it was. */
const safeLength = 15

/** As far as a power of ten is a double, and the quotient of two such doubles is the nearest to their fraction. */
const powersOfTen = Array.from({ length: safeLength }, (_, exponent) => 10 ** exponent)

/** A short text of nothing but a sign, digits and a point, as nearly all are; not a number for any other. */
const shortNumber = (text: string): number => {
  const isNegative = text.charCodeAt(0) === 45
  let digits = 0
  let count = 0
  let fraction = -1
  for (let at = isNegative ? 1 : 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit >= 0 && digit <= 9) {
      digits = digits * 10 + digit
      count++
      if (fraction >= 0) fraction++
    } else if (digit === -2 && fraction < 0) fraction = 0
    else return Number.NaN
  }
  if (count === 0) return Number.NaN
  const value = fraction > 0 ? digits / powersOfTen[fraction]! : digits
  return isNegative ? -value : value
}

/** A number that prints with the digits of a NUMBER. */
export const toNumber = (text: string): number | Unfit => {
  if (text.length <= safeLength) {
    const short = shortNumber(text)
    if (!Number.isNaN(short)) return short
  }
  const value = Number(text)
  if (text.length <= safeLength && !Number.isNaN(value)) return value
  const decimal = read(text)
  if (decimal === undefined) return new Unfit("is not a number")
  const number = Number(print(decimal))
  const back = read(String(number))
  return back !== undefined && same(back, decimal)
    ? number
    : new Unfit(
      `has ${decimal.digits.length} significant digits, which a number cannot hold; read it as "bigDecimal", "string" or ` +
        `"bigint", or as "double" if the nearest double is enough`
    )
}

/**
 * A policy, or what `SqlClient.SafeIntegers` asks for in the place of `"number"`: a bigint for an integer that a number does not
 * hold safely, as every integer is read by clients that have a type for them.
 */
type NumberReading = NumberPolicy | "safeIntegers"

/** Reads the digits of a NUMBER, in any form in which Oracle or the driver writes them. */
export const numberReader = (policy: NumberReading): (text: string) => unknown => {
  switch (policy) {
    case "safeIntegers":
      return (text) => {
        const decimal = read(text)
        return decimal !== undefined && decimal.exponent >= 0 ? BigInt(print(decimal)) : toNumber(text)
      }
    case "number":
      return toNumber
    case "double":
      return (text) => {
        const value = Number(text)
        return Number.isNaN(value) ? Number(print(read(text) ?? zero)) : value
      }
    case "bigint":
      return (text) => {
        const decimal = read(text)
        return decimal === undefined || decimal.exponent < 0
          ? new Unfit(`has a fraction, which a bigint cannot hold; read it as "bigDecimal", "number" or "string"`)
          : BigInt(print(decimal))
      }
    case "string":
      return (text) => print(read(text) ?? zero)
    case "bigDecimal":
      return (text) => {
        const decimal = read(text)
        if (decimal === undefined) return new Unfit("is not a number")
        return decimal.exponent < 0
          ? BigDecimal.make(BigInt(`${decimal.sign}${decimal.digits}`), -decimal.exponent)
          : BigDecimal.make(BigInt(print(decimal)), 0)
      }
  }
}

const zero: Decimal = { sign: "", digits: "", exponent: 0 }

/**
 * Reads a number that the server has turned into text for an OUT bind. Its text has at most 40 characters; where digits
 * were rounded off to reach that, it is in scientific notation and as long as can be.
 */
export const outNumberReader = (policy: NumberReading): (text: string) => unknown => {
  const read = numberReader(policy)
  return (text) =>
    policy !== "double" && text.length >= 39 && /e/i.test(text)
      ? new Unfit("came as a text of 40 characters, in which the server may have rounded digits off")
      : read(text)
}

/**
 * The text that stands for a number in a bind, whatever the session's decimal character: an integer and a power of ten.
 */
export const bindText = (value: number | bigint | BigDecimal.BigDecimal): string => {
  const text = BigDecimal.isBigDecimal(value) ? `${value.value}E${-value.scale}` : String(value)
  const decimal = read(text)
  if (decimal === undefined) return text
  if (decimal.digits === "") return "0"
  return `${decimal.sign}${decimal.digits}${decimal.exponent === 0 ? "" : `E${decimal.exponent}`}`
}

/** A `BigDecimal` as a value that the driver sends as a NUMBER; none when neither number nor bigint holds it. */
export const exactNumber = (value: BigDecimal.BigDecimal): Option.Option<number | bigint> => {
  const decimal = read(`${value.value}E${-value.scale}`) ?? zero
  if (decimal.exponent >= 0 && decimal.exponent < 130) return Option.some(BigInt(print(decimal)))
  const number = toNumber(print(decimal))
  return typeof number === "number" ? Option.some(number) : Option.none()
}
