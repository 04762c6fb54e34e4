/** How the driver reads a NUMBER: a part of `driverInternals.ts`, which says what is to be done about private members. */
type ParseNumber = (this: object, bytes: Uint8Array) => unknown

/** The most digits of a NUMBER that are computed with here. */
const mostDigits = 14

/**
 * The digits of a NUMBER as the driver writes them, for one of up to 14 digits; `undefined` for any other. A byte of exponent is followed by
 * digits of base 100: of a positive number each more by one, of a negative one each taken from 101 and the exponent with all bits turned.
 */
const shortDigits = (bytes: Uint8Array): string | undefined => {
  const head = bytes[0]!
  const isNegative = head < 128
  // A negative number has a last byte that is no digit.
  const end = isNegative ? bytes.length - 1 : bytes.length
  if (end < 2 || end > 1 + mostDigits / 2 || (isNegative && bytes[end] !== 102)) return undefined
  let digits = 0
  for (let at = 1; at < end; at++) {
    const digit = isNegative ? 101 - bytes[at]! : bytes[at]! - 1
    if (digit < 0 || digit > 99 || (digit === 0 && (at === 1 || at === end - 1))) return undefined
    digits = digits * 100 + digit
  }
  // How many digits stand behind the point.
  let fraction = 2 * (end - 1 - (isNegative ? 63 - head : head - 192))
  if (fraction <= 0) {
    if (2 * (end - 1) - fraction > mostDigits) return undefined
    const whole = String(digits * 10 ** -fraction)
    return isNegative ? `-${whole}` : whole
  }
  if (digits % 10 === 0) {
    digits /= 10
    fraction--
  }
  const text = String(digits)
  const sign = isNegative ? "-" : ""
  const point = text.length - fraction
  return point > 0
    ? `${sign}${text.slice(0, point)}.${text.slice(point)}`
    : `${sign}.${"0".repeat(-point)}${text}`
}

/** Bytes of numbers, and the text that the driver reads in them. */
const samples: ReadonlyArray<readonly [text: string, bytes: ReadonlyArray<number>]> = [
  ["0", [128]],
  ["7", [193, 8]],
  ["1250000", [196, 2, 26]],
  ["1.25", [193, 2, 26]],
  [".5", [192, 51]],
  [".0005", [191, 6]],
  ["-1.25", [62, 100, 76, 102]],
  ["-.05", [63, 96, 102]]
]

const readsAs = (parse: ParseNumber, on: object, text: string, bytes: ReadonlyArray<number>): boolean => {
  try {
    return parse.call(on, Buffer.from(bytes)) === text
  } catch {
    return false
  }
}

/**
 * Makes the driver's buffer of received bytes read short numbers with a few sums, in the place of two lists of digits for each. Their text is
 * the same. `false` where this release reads them otherwise.
 */
export const readShortNumbers = (reader: unknown): boolean => {
  if (typeof reader !== "object" || reader === null) return false
  const parse: unknown = Reflect.get(reader, "parseOracleNumber")
  if (typeof parse !== "function" || parse.length !== 1) return false
  const parseNumber = parse as ParseNumber
  if (!samples.every(([text, bytes]) => readsAs(parseNumber, reader, text, bytes))) return false
  if (Object.hasOwn(reader, "parseOracleNumber")) return true
  Object.defineProperty(reader, "parseOracleNumber", {
    value: function(this: object, bytes: Uint8Array) {
      return shortDigits(bytes) ?? parseNumber.call(this, bytes)
    },
    writable: true,
    configurable: true
  })
  return true
}
