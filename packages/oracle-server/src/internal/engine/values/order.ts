/**
 * How stored values of one kind compare: as the server orders them, nulls apart.
 *
 * Text compares by code points (UTF-8 order), which differs from JavaScript's order of UTF-16 units where surrogates meet
 * the characters above them.
 */
import type { Stored } from "./convert.ts"
import { compare as compareNumbers, type NumberValue } from "./oracleNumber.ts"
import type { Kind } from "./sqlType.ts"

export type Comparer = (a: never, b: never) => number

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff

export const compareText = (a: string, b: string): number => {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (x >= 0xd800 && y >= 0xd800 && isSurrogate(x) !== isSurrogate(y)) return isSurrogate(x) ? 1 : -1
    return x - y
  }
  return a.length - b.length
}

/** CHAR with CHAR: the shorter one counts as filled with blanks. */
export const comparePadded = (a: string, b: string): number =>
  a.length === b.length
    ? compareText(a, b)
    : a.length < b.length
    ? compareText(a.padEnd(b.length), b)
    : compareText(a, b.padEnd(a.length))

const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

const compareUnits = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

/** NaN equals itself and is above everything else. */
const compareDoubles = (a: number, b: number): number =>
  a < b ? -1 : a > b ? 1 : a === b ? 0 : Number.isNaN(a) ? (Number.isNaN(b) ? 0 : 1) : -1

/** The instant alone: zones do not order values. */
const compareZoned = (a: string, b: string): number => compareUnits(a.slice(0, 21), b.slice(0, 21))

const plain = (a: number, b: number): number => a - b

const comparers: Readonly<Record<Kind, Comparer>> = {
  n: compareNumbers as (a: NumberValue, b: NumberValue) => number,
  f: compareDoubles,
  c: compareText,
  r: compareBytes,
  d: plain,
  t: compareUnits,
  l: compareUnits,
  z: compareZoned,
  y: plain,
  s: compareUnits,
  b: plain,
  lc: compareText,
  lb: compareBytes,
  j: compareText,
  v: compareText,
  i: compareUnits,
  cur: () => 0,
  null: () => 0
}

export const comparerOf = (kind: Kind): (a: Stored, b: Stored) => number =>
  comparers[kind] as unknown as (a: Stored, b: Stored) => number

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")

/** A form of the value that is the same for equal values only: for sets and maps over values of one kind. */
export const keyOf = (kind: Kind, value: Stored): string | number | null =>
  value instanceof Uint8Array
    ? latin1(value)
    : kind === "z" && value !== null
    ? (value as string).slice(0, 21)
    : value as string | number | null

/** One text for a list of values; nulls equal each other. */
export const keyOfAll = (kinds: ReadonlyArray<Kind>, values: ReadonlyArray<Stored>): string => {
  let text = ""
  for (let i = 0; i < kinds.length; i++) {
    const key = keyOf(kinds[i]!, values[i]!)
    text += key === null ? "~" : typeof key === "number" ? `#${key};` : `$${key.length}:${key}`
  }
  return text
}
