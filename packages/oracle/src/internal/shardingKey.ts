/** The keys of sharded databases, in the two forms that a connect string can carry. */
import { unusable } from "./connectDescriptorError.ts"

/**
 * One column of a key.
 *
 * **Details**
 *
 * Text for character columns, numbers and bigints for NUMBER, a `Date` for DATE (and TIMESTAMP, when it has milliseconds; in
 * UTC), bytes for RAW. A number that has no exact decimal form is sent as JavaScript prints it.
 *
 * **Example** (A value)
 *
 * ```ts
 * import type { ConnectDescriptor } from "@sessionpool/oracle"
 *
 * const columns: ReadonlyArray<ConnectDescriptor.ShardingKeyValue> = ["GOLD", 4711n, new Date(0)]
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type ShardingKeyValue = string | number | bigint | Date | Uint8Array

/** A key as it is to be sent. */
interface RenderedKey {
  readonly form: "text" | "base64"
  readonly text: string
}

/**
 * Whether a text can stand in a connect string as it is. The driver ends or changes values at parentheses, `=`, `,`, `"`,
 * `\` and `#`, strips quotation marks and space at the ends, and sends one byte a character (`networkSession.js` encodes as
 * ASCII), so that any other character would arrive as another one.
 */
export const isPlainText = (text: string): boolean => /^[\x20-\x7e]+$/.test(text) && !/[()=,"\\#]|^['\s]|\s$/.test(text)

interface Decimal {
  readonly negative: boolean
  readonly whole: string
  readonly fraction: string
}

const decimalOf = (value: number | bigint): Decimal => {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value))
  if (match === null) return unusable(`a sharding key cannot be ${value}: it must be a finite number`)
  const [, sign, whole = "", fraction = "", exponent = "0"] = match
  const shift = Number(exponent)
  const digits = whole + fraction
  const point = whole.length + shift
  return {
    negative: sign === "-",
    whole: point <= 0 ? "" : digits.slice(0, point).padEnd(point, "0").replace(/^0+/, ""),
    fraction: (point < 0 ? "0".repeat(-point) + digits : digits.slice(point)).replace(/0+$/, "")
  }
}

const printDecimal = ({ fraction, negative, whole }: Decimal): string =>
  `${negative && whole + fraction !== "" ? "-" : ""}${whole === "" ? "0" : whole}${
    fraction === "" ? "" : `.${fraction}`
  }`

/** Oracle's NUMBER: an exponent of 100, then digits of base 100; the complement of both for negative numbers. */
const numberBytes = (value: number | bigint): Uint8Array => {
  const { fraction, negative, whole } = decimalOf(value)
  const even = whole.length % 2 === 0 ? whole : `0${whole}`
  const pairs = (even + (fraction.length % 2 === 0 ? fraction : `${fraction}0`)).match(/\d\d/g) ?? []
  const first = pairs.findIndex((pair) => pair !== "00")
  if (first < 0) return Uint8Array.of(0x80)
  const digits = pairs.slice(first, pairs.findLastIndex((pair) => pair !== "00") + 1).map(Number)
  const exponent = even.length / 2 - 1 - first
  if (digits.length > 20 || exponent < -65 || exponent > 62) {
    unusable(`a sharding key cannot be ${value}: it does not fit into a NUMBER`)
  }
  const head = 0x80 | (exponent + 65)
  if (!negative) return Uint8Array.from([head, ...digits.map((digit) => digit + 1)])
  return Uint8Array.from([~head & 0xff, ...digits.map((digit) => 101 - digit), ...(digits.length < 20 ? [102] : [])])
}

/** Oracle's DATE, or TIMESTAMP when there are milliseconds, in UTC. */
const dateBytes = (date: Date): Uint8Array => {
  if (Number.isNaN(date.getTime())) unusable("a sharding key cannot be an invalid date")
  const year = date.getUTCFullYear()
  if (year < 1 || year > 9999) unusable(`a sharding key cannot be a date of the year ${year}`)
  const seconds = [
    Math.floor(year / 100) + 100,
    year % 100 + 100,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours() + 1,
    date.getUTCMinutes() + 1,
    date.getUTCSeconds() + 1
  ]
  const nanoseconds = date.getUTCMilliseconds() * 1_000_000
  if (nanoseconds === 0) return Uint8Array.from(seconds)
  return Uint8Array.from([
    ...seconds,
    nanoseconds >>> 24,
    nanoseconds >>> 16 & 255,
    nanoseconds >>> 8 & 255,
    nanoseconds & 255
  ])
}

const bytesOf = (value: ShardingKeyValue): Uint8Array =>
  typeof value === "string"
    ? new TextEncoder().encode(value)
    : typeof value === "object"
    ? value instanceof Date ? dateBytes(value) : value
    : numberBytes(value)

/** The value as plain text, if it has that form. */
const plainOf = (value: ShardingKeyValue): string | undefined =>
  typeof value === "string"
    ? isPlainText(value) ? value : undefined
    : typeof value === "object"
    ? undefined
    : printDecimal(decimalOf(value))

/** The most columns that a key of the driver has (`isShardingKey` in `lib/util.js`). */
const mostColumns = 255

/** Renders a key: as text when every column can stand there, else all columns in base64 behind `header`. */
export const renderShardingKey = (columns: ReadonlyArray<ShardingKeyValue>, header: string): RenderedKey => {
  if (columns.length === 0 || columns.length > mostColumns) {
    unusable(`a sharding key has 1 to ${mostColumns} columns, not ${columns.length}`)
  }
  if (columns.some((value) => value === "" || (value instanceof Uint8Array && value.length === 0))) {
    unusable("a column of a sharding key cannot be empty: Oracle takes that for NULL, which no shard holds")
  }
  const plain = columns.map(plainOf)
  if (plain.every((text) => text !== undefined)) return { form: "text", text: plain.join(",") }
  if (!/^\d+( \d+)+$/.test(header)) {
    unusable("the header of a base64 sharding key is made of numbers with spaces between")
  }
  // `=` at the end of base64 passes: after the first `=` of a parameter the driver takes it as a character of the value.
  return {
    form: "base64",
    text: [header, ...columns.map((value) => Buffer.from(bytesOf(value)).toString("base64"))].join(",")
  }
}
