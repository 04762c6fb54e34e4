/** Lengths, precisions and ranges: what a value must be to go into a column or a variable. */
import {
  decodeInterval,
  decodeTimestamp,
  decodeZoned,
  encodeInterval,
  encodeTimestamp,
  encodeZoned,
  roundFraction
} from "./calendar.ts"
import {
  copyOf,
  initialValue,
  isComposite,
  isSubtype,
  ListValue,
  MapValue,
  RecordValue,
  sameType,
  type Stored
} from "./composite.ts"
import type { CollectionType, CompositeType, SqlType } from "./dataTypes.ts"
import { fits, rescale } from "./numberArithmetic.ts"
import { type NumberValue, toDecimal, toInteger } from "./oracleNumber.ts"
import { oraError } from "./oraError.ts"
import { kindOf } from "./sqlType.ts"
import { byteLength, lengthOf } from "./text.ts"
import { fitVector, loadVector, storeVector } from "./vector.ts"

/** Where the value goes: decides the error's wording. */
type Place =
  | { readonly kind: "column"; readonly owner: string; readonly table: string; readonly column: string }
  | { readonly kind: "cast" }
  /** CAST of what was no text to text: it has to fit. */
  | { readonly kind: "castText" }
  | { readonly kind: "plsql" }

const tooLong = (place: Place, actual: number, maximum: number): Error => {
  if (place.kind === "plsql") {
    return oraError(6502, "PL/SQL: value or conversion error: character string buffer too small")
  }
  if (place.kind === "castText") return oraError(25137, "Data value out of range")
  if (place.kind === "cast") {
    return oraError(12899, `value too large for column (actual: ${actual}, maximum: ${maximum})`)
  }
  return oraError(
    12899,
    `value too large for column "${place.owner}"."${place.table}"."${place.column}" (actual: ${actual}, maximum: ${maximum})`
  )
}

const text = (value: string, type: SqlType, place: Place): string => {
  if (type.size === 0) return value
  let result = value
  const national = type.name === "NVARCHAR2" || type.name === "NCHAR"
  const size = (): number => type.chars > 0 ? national ? result.length : lengthOf(result) : byteLength(result)
  const limit = type.chars > 0 ? type.chars : type.size
  // UTF-8 takes at most three bytes for a UTF-16 unit: short texts need no counting.
  if (result.length * 3 > limit || type.name === "CHAR" || type.name === "NCHAR") {
    let actual = size()
    if (actual > limit) {
      if (place.kind !== "cast") throw tooLong(place, actual, limit)
      while (actual > limit) {
        result = result.slice(0, -1)
        actual = size()
      }
    }
    if ((type.name === "CHAR" || type.name === "NCHAR") && actual < limit) result += " ".repeat(limit - actual)
  }
  return result
}

const number = (value: NumberValue, type: SqlType, place: Place): NumberValue => {
  if (type.name === "BINARY_INTEGER") {
    const rounded = rescale(value, 0, false)
    const integer = toInteger(rounded)
    if (integer === undefined || integer > 2_147_483_647 || integer < -2_147_483_648) {
      throw oraError(1426, "numeric overflow")
    }
    return rounded
  }
  if (type.precision === 0) return value
  if (type.scale === -127) return significant(value, Math.ceil(type.precision * Math.LOG10E * Math.LN2))
  const rounded = rescale(value, type.scale, false)
  if (!fits(rounded, type.precision, type.scale)) {
    if (place.kind === "plsql") throw oraError(6502, "PL/SQL: value or conversion error: number precision too large")
    throw oraError(1438, "value larger than specified precision allowed for this column")
  }
  return rounded
}

/** FLOAT keeps so many digits, wherever the point stands. */
const significant = (value: NumberValue, digits: number): NumberValue => {
  const { coefficient, exponent } = toDecimal(value)
  const length = (coefficient < 0n ? -coefficient : coefficient).toString().length
  return length <= digits ? value : rescale(value, digits - length - exponent, false)
}

/** The value as the type keeps it: rounded, padded, or refused. */
export const fit = (value: Stored, type: SqlType, place: Place): Stored => {
  if (value === null) return null
  switch (kindOf(type)) {
    case "c":
      return text(value as string, type, place)
    case "n":
      return number(value as NumberValue, type, place)
    case "r": {
      const bytes = value as Uint8Array
      if (type.size > 0 && bytes.length > type.size) {
        if (place.kind === "plsql") {
          throw oraError(6502, "PL/SQL: value or conversion error: raw variable length too long")
        }
        throw tooLong(place, bytes.length, type.size)
      }
      return bytes
    }
    case "v": {
      if (type.vector === undefined) return value
      const { dimensions, format } = type.vector
      const vector = loadVector(value as string)
      const fitted = fitVector(vector, dimensions, format)
      return fitted === vector ? value : storeVector(fitted)
    }
    case "f":
      return type.name === "BINARY_FLOAT" && typeof value === "number" ? Math.fround(value) : value
    case "t":
    case "l":
      return type.scale >= 9 ? value : encodeTimestamp(roundFraction(decodeTimestamp(value as string), type.scale))
    case "z": {
      if (type.scale >= 9) return value
      const zoned = decodeZoned(value as string)
      return encodeZoned({ ...zoned, ...roundFraction(zoned, type.scale) })
    }
    case "s": {
      const interval = roundFraction(decodeInterval(value as string), type.scale)
      if (Math.abs(interval.seconds) >= 10 ** type.precision * 86400) {
        throw oraError(1873, "the leading precision of the interval is too small")
      }
      return encodeInterval(interval)
    }
    case "y":
      if (Math.abs(value as number) >= 10 ** type.precision * 12) {
        throw oraError(1873, "the leading precision of the interval is too small")
      }
      return value
    case "o":
      return fitComposite(value, type, place)
    default:
      return value
  }
}

const inner: Place = { kind: "plsql" }

/** A value that has the right type but for sizes and precisions. */
export const fitComposite = (value: Stored, type: SqlType, place: Place = inner): Stored => {
  const { composite } = type
  if (composite === undefined) return fit(value, type, place)
  if (value === null) return initialValue(type)
  return fitted(value, composite, place)
}

const fitted = (value: Stored, type: CompositeType, place: Place): Stored => {
  if (!isComposite(value)) throw oraError(932, "inconsistent datatypes: expected UDT got another type")
  if (value instanceof RecordValue) {
    const own = value.type
    if (
      own !== type && own.kind === "object" && type.kind === "object" && !sameType(own, type) && isSubtype(own, type)
    ) {
      return fitted(value, own, place)
    }
    if (type.kind === "collection") throw oraError(6502, "PL/SQL: value or conversion error")
    // A record of another type with the same fields takes the name of its new type.
    if (!isRecordFor(value, type)) throw oraError(6502, "PL/SQL: value or conversion error")
    return new RecordValue(
      type,
      type.attributes.map((attribute, i) => {
        const part = value.values[i]!
        if (part === null && attribute.notNull === true) throw oraError(6502, "PL/SQL: value or conversion error")
        return fitComposite(part, attribute.type, place)
      })
    )
  }
  if (type.kind !== "collection") throw oraError(6502, "PL/SQL: value or conversion error")
  return fittedCollection(value, type, place)
}

const isRecordFor = (value: RecordValue, type: CompositeType): boolean =>
  type.kind !== "collection" && value.values.length === type.attributes.length

const fittedCollection = (value: ListValue | MapValue, type: CollectionType, place: Place): Stored => {
  if (value instanceof MapValue) {
    const copy = new MapValue(type)
    for (const key of value.keys()) copy.set(key, fitComposite(value.get(key), type.element, place))
    return copy
  }
  if (sameType(value.type, type) && type.element.composite === undefined) {
    return new ListValue(type, value.items.map((item) => item === undefined ? undefined : copyOf(item)))
  }
  return new ListValue(
    type,
    value.items.map((item) => item === undefined ? undefined : fitComposite(item, type.element, place))
  )
}
