/** Turns what comes back in binds into values of the program. */
import * as OracleBind from "../OracleBind.ts"
import { exactTypes, isPositional } from "./bindTypes.ts"
import { type DatePolicy, dateReader } from "./datePolicy.ts"
import { decodeWith, readElement, readObject } from "./dbObjects.ts"
import { readDaySecond, readYearMonth } from "./intervals.ts"
import { type NumberPolicy, numberReader, outNumberReader, Unfit } from "./numberPolicy.ts"
import type { DriverBinds, IntervalDS, IntervalYM, Lob, ResultSet } from "./oracledb.ts"
import type { Handles } from "./rowReader.ts"
import type { ValueSettings } from "./valueSettings.ts"

type OutValues = ReadonlyArray<unknown> | { readonly [name: string]: unknown }

export const isLob = (value: unknown): value is Lob => typeof value === "object" && value !== null && "getData" in value

const isResultSet = (value: unknown): value is ResultSet =>
  typeof value === "object" && value !== null && "getRows" in value

/** Reads what came back for an index-by table, an object or a collection. */
const readShaped = (
  type: Exclude<OracleBind.AnyType, OracleBind.BindType>,
  settings: ValueSettings
): (value: unknown) => unknown => {
  if ("element" in type) {
    const { element } = type
    const read = exactTypes.has(element)
      ? readElement(numberReader(element as NumberPolicy))
      : readOut(element, settings.dates, noHandles, settings)
    return (value) =>
      value === null || value === undefined ? null : firstUnfit((value as ReadonlyArray<unknown>).map(read))
  }
  return (value) => {
    if (value === null || value === undefined) return null
    const plain = readObject(value, type.name, settings)
    if (OracleBind.shapeOf(type) === "object" || plain instanceof Unfit) return decodeWith(type.schema, plain)
    return firstUnfit((plain as ReadonlyArray<unknown>).map((each) => decodeWith(type.schema, each)))
  }
}

const firstUnfit = (values: ReadonlyArray<unknown>): unknown => {
  const index = values.findIndex((value) => value instanceof Unfit)
  return index < 0 ? values : new Unfit(`at [${index}], ${(values[index] as Unfit).problem}`)
}

const noHandles: Handles = {
  lob: (lob) => lob as never,
  cursor: (resultSet) => resultSet as never
}

const readOut = (
  type: OracleBind.BindType,
  dates: DatePolicy,
  handles: Handles,
  numbers: Pick<ValueSettings, "safeIntegers">
): (value: unknown) => unknown => {
  const policy = type === "number" && numbers.safeIntegers === "always" ? "safeIntegers" : type as NumberPolicy
  const number = exactTypes.has(type) ? outNumberReader(policy) : undefined
  const date = type === "date" || type === "timestamp" ? dateReader(dates) : undefined
  const read = (value: unknown): unknown => {
    if (value === null || value === undefined) return null
    if (Array.isArray(value) && type !== "json") return value.map(read)
    if (number !== undefined && typeof value === "string") return number(value)
    if (date !== undefined && value instanceof Date) return date(value)
    if (type === "intervalDs") return readDaySecond(value as IntervalDS)
    if (type === "intervalYm") return readYearMonth(value as IntervalYM)
    if (isLob(value)) return handles.lob(value)
    if (isResultSet(value)) return handles.cursor(value)
    return value
  }
  return read
}

/** What the binds gave back, under their names or in their order. Values that do not fit are left as `Unfit`. */
export const readOutBinds = (
  binds: OracleBind.Binds | undefined,
  given: DriverBinds | undefined,
  settings: ValueSettings,
  handles: Handles
): OutValues => {
  const positional = binds === undefined || isPositional(binds)
  const described = Object.entries(binds ?? []).flatMap(([name, bind]) =>
    OracleBind.isDescribed(bind) && OracleBind.directionOf(bind) !== "in" ? [[name, bind.type] as const] : []
  )
  const values = described.map(([name, type], index) => {
    const value = given === undefined ? null : Array.isArray(given) ? given[index] : Reflect.get(given, name)
    const read = typeof type === "object"
      ? readShaped(type, settings)
      : readOut(type, settings.dates, handles, settings)
    return [
      name,
      Array.isArray(value) && typeof type === "object" && !("element" in type) ? value.map(read) : read(value)
    ] as const
  })
  return positional ? values.map(([, value]) => value) : Object.fromEntries(values)
}
