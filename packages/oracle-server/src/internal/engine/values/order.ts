/**
 * How stored values of one kind compare: as the server orders them, nulls apart.
 */
import { elementsOf, isComposite, MapValue, RecordValue, type Stored, typeName } from "./composite.ts"
import { compare as compareNumbers, type NumberValue } from "./oracleNumber.ts"
import { type Kind, kindOf } from "./sqlType.ts"
import { compareText } from "./text.ts"

type Comparer = (a: never, b: never) => number

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

/** Only whether they are equal: what orders objects is a method of theirs. */
const compareComposites = (a: Stored, b: Stored): number => compareText(compositeKey(a), compositeKey(b))

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
  o: compareComposites as Comparer,
  cur: () => 0,
  null: () => 0
}

export const comparerOf = (kind: Kind): (a: Stored, b: Stored) => number =>
  comparers[kind] as unknown as (a: Stored, b: Stored) => number

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")

const partKey = (kind: Kind, value: Stored): string => {
  const key = keyOf(kind, value)
  return key === null ? "~" : typeof key === "number" ? `#${key};` : `$${key.length}:${key}`
}

/** Equal for equal attributes, and for nested tables with the same elements in any order. */
const compositeKey = (value: Stored): string => {
  if (!isComposite(value)) return "~"
  if (value instanceof RecordValue) {
    const parts = value.type.attributes.map(({ type }, i) => partKey(kindOf(type), value.values[i]!)).join("")
    return value.type.kind === "object" && value.type.supertype !== undefined
      ? `${typeName(value.type)}:${parts}`
      : parts
  }
  const kind = kindOf(value.type.element)
  const parts = elementsOf(value).map((element) => partKey(kind, element))
  if (value instanceof MapValue) return value.keys().map((key, i) => `${key}=${parts[i]}`).join()
  return value.type.form === "table" ? parts.toSorted(compareText).join() : parts.join()
}

/** A form of the value that is the same for equal values only: for sets and maps over values of one kind. */
export const keyOf = (kind: Kind, value: Stored): string | number | null =>
  value instanceof Uint8Array
    ? latin1(value)
    : isComposite(value)
    ? compositeKey(value)
    : kind === "z" && value !== null
    ? (value as string).slice(0, 21)
    : value as string | number | null

/** One text for a list of values; nulls equal each other. */
export const keyOfAll = (kinds: ReadonlyArray<Kind>, values: ReadonlyArray<Stored>): string => {
  let text = ""
  for (let i = 0; i < kinds.length; i++) text += partKey(kinds[i]!, values[i]!)
  return text
}
