/** Values of the contract to and from their stored forms. */
import {
  decodeInterval,
  decodeTimestamp,
  decodeZoned,
  encodeInterval,
  encodeTimestamp,
  encodeZoned,
  fromDateTime,
  normalize,
  toDateTime
} from "./calendar.ts"
import { type CollectionValue, elementsOf, ListValue, MapValue, RecordValue, type Stored } from "./composite.ts"
import { loadDouble, storeDouble, wallClock } from "./convert.ts"
import type { CompositeType, SqlType } from "./dataTypes.ts"
import { fit } from "./fit.ts"
import { LobValue } from "./lobValue.ts"
import { fromText, type NumberValue, toText } from "./oracleNumber.ts"
import { oraError, unimplemented } from "./oraError.ts"
import { kindOf } from "./sqlType.ts"
import type { DateTime, ObjectValue, Value, VectorValue } from "./value.ts"
import { loadVector, readVector, storeVector } from "./vector.ts"

export type Decoder = (value: Stored) => Value

const interval = (value: Stored): Value => {
  const at = decodeInterval(value as string)
  const total = BigInt(at.seconds) * 1_000_000_000n + BigInt(at.nanos)
  const seconds = total / 1_000_000_000n
  const part = (n: bigint): number => Number(n) + 0
  return {
    _tag: "IntervalDayToSecond",
    days: part(seconds / 86400n),
    hours: part((seconds / 3600n) % 24n),
    minutes: part((seconds / 60n) % 60n),
    seconds: part(seconds % 60n),
    nanoseconds: part(total % 1_000_000_000n)
  }
}

const vector = (text: string): VectorValue => ({ _tag: "Vector", ...loadVector(text) })

const object = (value: Stored): Value => {
  if (value instanceof RecordValue) {
    return {
      _tag: "Object",
      type: value.type,
      values: value.type.attributes.map((attribute, i) => decoderFor(attribute.type)(value.values[i]!))
    }
  }
  const collection = value as CollectionValue
  return {
    _tag: "Object",
    type: collection.type,
    values: elementsOf(collection).map(decoderFor(collection.type.element)),
    ...(collection instanceof MapValue ? { keys: collection.keys() } : {})
  }
}

/** An object that a client has given, as a value of this type. */
const storedObject = (value: ObjectValue, type: CompositeType): Stored => {
  if (type.kind !== "collection") {
    if (value.values.length !== type.attributes.length) throw oraError(22370, "incorrect usage of method")
    return new RecordValue(
      type,
      type.attributes.map((attribute, i) => fit(encodeValue(value.values[i]!, attribute.type), attribute.type, plsql))
    )
  }
  const elements = value.values.map((item) => fit(encodeValue(item, type.element), type.element, plsql))
  if (type.key === undefined) return new ListValue(type, elements)
  const map = new MapValue(type)
  elements.forEach((element, i) => map.set(value.keys?.[i] ?? i + 1, element))
  return map
}

const plsql = { kind: "plsql" } as const

const plain: Decoder = (value) => value as Value
const number: Decoder = (value) => value === null ? null : toText(value as NumberValue)

export const decoderFor = (type: SqlType): Decoder => {
  const some = (decode: (value: Exclude<Stored, null>) => Value): Decoder => (value) =>
    value === null ? null : decode(value)
  switch (kindOf(type)) {
    case "n":
      return number
    case "f":
      return some((value) => loadDouble(value))
    case "d":
      return some((value) => toDateTime({ seconds: value as number, nanos: 0 }))
    case "t":
    case "l":
      return some((value) => toDateTime(decodeTimestamp(value as string)))
    case "z":
      return some((value) => {
        const zoned = decodeZoned(value as string)
        return toDateTime(wallClock(zoned), zoned.offsetMinutes)
      })
    case "y":
      return some((value) => ({
        _tag: "IntervalYearToMonth",
        years: Math.trunc((value as number) / 12) + 0,
        months: ((value as number) % 12) + 0
      }))
    case "s":
      return some(interval)
    case "b":
      return some((value) => value !== 0)
    case "lc":
      return some((value) => new LobValue(type.name === "NCLOB" ? "NCLOB" : "CLOB", value as string, false))
    case "lb":
      return some((value) => new LobValue("BLOB", value as Uint8Array, false))
    case "j":
      return some((value) => ({ _tag: "Json", value: JSON.parse(value as string) as unknown }))
    case "v":
      return some((value) => vector(value as string))
    case "o":
      return some(object)
    default:
      return plain
  }
}

const isTagged = <Tag extends string>(value: Value, tag: Tag): value is Extract<Value, { readonly _tag: Tag }> =>
  typeof value === "object" && value !== null && "_tag" in value && value._tag === tag

const datetime = (value: DateTime, type: SqlType): Stored => {
  const at = fromDateTime(value)
  switch (kindOf(type)) {
    case "d":
      return at.seconds
    case "z":
      return encodeZoned({
        ...at,
        seconds: at.seconds - value.offsetMinutes * 60,
        offsetMinutes: value.offsetMinutes,
        region: ""
      })
    default:
      return encodeTimestamp(at)
  }
}

/** A bound value in the stored form of its bind type. */
export const encodeValue = (value: Value, type: SqlType): Stored => {
  if (value === null || value === "") return kindOf(type) === "lc" && value === "" ? "" : null
  switch (kindOf(type)) {
    case "n":
      if (typeof value === "string") return fromText(value)
      if (typeof value === "number") return fromText(String(value))
      break
    case "f":
      if (typeof value === "number") return storeDouble(value)
      if (typeof value === "string") return storeDouble(Number(value))
      break
    case "c":
    case "i":
    case "null":
      if (typeof value === "string") return value
      if (isTagged(value, "Lob")) return value.read(1, value.length()) as string
      break
    case "r":
    case "lb":
      if (value instanceof Uint8Array) return value.length === 0 && kindOf(type) === "r" ? null : value
      if (isTagged(value, "Lob")) return value.read(1, value.length())
      break
    case "lc":
      if (typeof value === "string") return value
      if (isTagged(value, "Lob")) return value.read(1, value.length()) as string
      break
    case "d":
    case "t":
    case "l":
    case "z":
      if (isTagged(value, "DateTime")) return datetime(value, type)
      break
    case "y":
      if (isTagged(value, "IntervalYearToMonth")) return value.years * 12 + value.months
      break
    case "s":
      if (isTagged(value, "IntervalDayToSecond")) {
        const seconds = value.days * 86400 + value.hours * 3600 + value.minutes * 60 + value.seconds
        return encodeInterval(normalize(seconds, value.nanoseconds))
      }
      break
    case "b":
      if (typeof value === "boolean") return value ? 1 : 0
      break
    case "j":
      if (isTagged(value, "Json")) return JSON.stringify(value.value)
      if (typeof value === "string") return value
      break
    case "v":
      if (isTagged(value, "Vector")) return storeVector(value)
      if (typeof value === "string") return storeVector(readVector(value))
      break
    case "o":
      if (isTagged(value, "Object") && type.composite !== undefined) return storedObject(value, type.composite)
      break
    case "cur":
      throw unimplemented("ref cursors as IN binds")
  }
  throw oraError(932, `inconsistent datatypes: expected ${type.name}`)
}
