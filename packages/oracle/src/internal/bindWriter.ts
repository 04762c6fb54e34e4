/** Turns binds of a statement into those of the driver. */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as OracleBind from "../OracleBind.ts"
import { isYearMonth } from "../OracleInterval.ts"
import { OracleLob } from "../OracleLob.ts"
import { checkDate, checkJson, checkNumber, naming, RefusedBind } from "./bindRefusal.ts"
import { checkType, elementTypes, exactTypes, isPositional, sizedTypes, types } from "./bindTypes.ts"
import { dateForDriver, type DatePolicy } from "./datePolicy.ts"
import { encodeWith, writeElement, writeObject } from "./dbObjects.ts"
import { writeDaySecond, writeYearMonth } from "./intervals.ts"
import { bindText, exactNumber } from "./numberPolicy.ts"
import type { ObjectClasses } from "./objectTypes.ts"
import { type BindUnit, type DbClass, driver, type DriverBinds } from "./oracledb.ts"
import { kindOf } from "./refusal.ts"
import type { ValueSettings } from "./valueSettings.ts"

/** The longest text of a NUMBER, with room to spare. */
const numberSize = 64

const rowidSize = 4000

const textSize = 4000

export const isNumeric = (value: unknown): value is number | bigint | BigDecimal.BigDecimal =>
  typeof value === "number" || typeof value === "bigint" || BigDecimal.isBigDecimal(value)

/** A value as the driver takes it; `undefined` where the value says nothing of its type. */
export const writeValue = (value: unknown, dates: DatePolicy): unknown => {
  if (typeof value === "number" || typeof value === "bigint") {
    checkNumber(value)
    return value
  }
  if (typeof value !== "object" || value === null) return value
  if (value instanceof Date) {
    checkDate(value, dates)
    return dateForDriver(dates, value)
  }
  if (DateTime.isDateTime(value)) {
    const date = new Date(DateTime.toEpochMillis(value))
    checkDate(date, "utc")
    return { type: driver.DB_TYPE_TIMESTAMP_TZ, val: date } satisfies BindUnit
  }
  if (Duration.isDuration(value)) return writeDaySecond(value)
  if (isYearMonth(value)) return writeYearMonth(value)
  if (BigDecimal.isBigDecimal(value)) {
    const exact = Option.getOrUndefined(exactNumber(value))
    if (exact === undefined) return bindText(value)
    checkNumber(exact)
    return exact
  }
  if (value instanceof OracleLob) return value.forDriver
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return value
}

/** The value of a described bind, as its type is sent. */
export const writeTyped = (type: OracleBind.BindType, value: unknown, dates: DatePolicy): unknown => {
  if (value === null || value === undefined) return undefined
  if (Array.isArray(value) && type !== "json" && type !== "vector") {
    return value.map((each) => writeTyped(type, each, dates))
  }
  if (type === "json") checkJson(value)
  if (type === "json" || type === "vector") return value
  if (exactTypes.has(type) && isNumeric(value)) {
    if (!BigDecimal.isBigDecimal(value)) checkNumber(value)
    return bindText(value)
  }
  if (value instanceof Date) {
    const isWithoutZone = type === "date" || type === "timestamp"
    checkDate(value, isWithoutZone ? dates : "utc")
    return isWithoutZone ? dateForDriver(dates, value) : value
  }
  if (Duration.isDuration(value)) return writeDaySecond(value).val
  if (isYearMonth(value)) return writeYearMonth(value).val
  if (type === "double" && isNumeric(value)) return Number(BigDecimal.isBigDecimal(value) ? bindText(value) : value)
  return writeValue(value, dates)
}

export const directions = {
  in: driver.BIND_IN,
  out: driver.BIND_OUT,
  inout: driver.BIND_INOUT,
  returning: driver.BIND_OUT
}

export const sizeOf = (bind: OracleBind.BindSizes & { readonly type: OracleBind.BindType }): number | undefined =>
  exactTypes.has(bind.type)
    ? numberSize
    : bind.type === "rowid"
    ? rowidSize
    : sizedTypes.has(bind.type)
    ? bind.maxSize ?? textSize
    : undefined

const defaultArraySize = 1000

/** An index-by table. */
const writeArray = (
  { element, maxArraySize, maxSize }: OracleBind.ArrayType<OracleBind.ElementType>,
  bind: OracleBind.BindSizes & { readonly value: unknown },
  direction: keyof typeof directions,
  dates: DatePolicy
): BindUnit => {
  const type = elementTypes[element]
  const given = bind.value ?? (direction === "out" ? undefined : [])
  if (given !== undefined && !Array.isArray(given)) {
    throw new RefusedBind(`an index-by table takes an array, not ${kindOf(given)}`)
  }
  const values = (given as ReadonlyArray<unknown> | undefined)?.map((each) =>
    Duration.isDuration(each)
      ? writeDaySecond(each).val
      : isYearMonth(each)
      ? writeYearMonth(each).val
      : writeElement(type, each ?? null, { dates })
  )
  const room = Math.max(bind.maxArraySize ?? maxArraySize ?? defaultArraySize, values?.length ?? 0)
  return {
    dir: directions[direction],
    type,
    ...(values !== undefined && direction !== "out" && { val: values }),
    ...(direction !== "in" && { maxArraySize: room }),
    ...(sizedTypes.has(element) && direction !== "in" && { maxSize: bind.maxSize ?? maxSize ?? textSize })
  }
}

/** An object, a record or a collection. */
export const writeShaped = (
  type: OracleBind.ObjectType<unknown> | OracleBind.CollectionType<unknown>,
  value: unknown,
  direction: keyof typeof directions,
  settings: ValueSettings,
  classes: ObjectClasses
): BindUnit => {
  const known = classes.get(type.name)
  if (known === undefined) throw new RefusedBind(`${type.name} is not a type that can be bound here`)
  return {
    dir: directions[direction],
    type: known,
    ...(direction !== "out" && direction !== "returning" && { val: shapedValue(type, value, known, settings) })
  }
}

export const shapedValue = (
  type: OracleBind.ObjectType<unknown> | OracleBind.CollectionType<unknown>,
  value: unknown,
  known: DbClass,
  settings: ValueSettings
): unknown => {
  if (value === null || value === undefined) return null
  if (OracleBind.shapeOf(type) === "object") return writeObject(known, encodeWith(type.schema, value), settings)
  if (!Array.isArray(value)) throw new RefusedBind(`${type.name} takes an array, not ${kindOf(value)}`)
  return writeObject(known, value.map((each: unknown, i) => atIndex(i, () => encodeWith(type.schema, each))), settings)
}

const atIndex = <A>(index: number, write: () => A): A => {
  try {
    return write()
  } catch (thrown) {
    throw thrown instanceof RefusedBind ? new RefusedBind(`at [${index}], ${thrown.problem}`) : thrown
  }
}

const writeUnit = (bind: unknown, settings: ValueSettings, classes: ObjectClasses): unknown => {
  const { dates } = settings
  if (!OracleBind.isDescribed(bind)) return writeValue(bind, dates)
  checkType(bind.type)
  const direction = OracleBind.directionOf(bind)
  if (typeof bind.type === "object") {
    return "element" in bind.type
      ? writeArray(bind.type, bind, direction, dates)
      : writeShaped(bind.type, bind.value, direction, settings, classes)
  }
  return writeScalarUnit(bind as ScalarBind, direction, dates)
}

type ScalarBind = OracleBind.BindSizes & { readonly type: OracleBind.BindType; readonly value: unknown }

const writeScalarUnit = (bind: ScalarBind, direction: keyof typeof directions, dates: DatePolicy): unknown => {
  // A number that only goes in can go as the NUMBER it is.
  if (direction === "in" && exactTypes.has(bind.type)) {
    if (bind.value !== null && bind.value !== undefined && !isNumeric(bind.value)) {
      throw new RefusedBind(`a ${bind.type} is a number, a bigint or a BigDecimal, not ${kindOf(bind.value)}`)
    }
    const value = isNumeric(bind.value) ? writeValue(bind.value, dates) : undefined
    return typeof value === "string" ? value : { type: driver.DB_TYPE_NUMBER, val: value } satisfies BindUnit
  }
  const maxSize = direction === "in" ? undefined : sizeOf(bind)
  const value = writeTyped(bind.type, bind.value, dates)
  return {
    dir: directions[direction],
    type: types[bind.type],
    ...(value !== undefined && { val: value }),
    ...(maxSize !== undefined && { maxSize }),
    ...(bind.maxArraySize !== undefined && { maxArraySize: bind.maxArraySize })
  } satisfies BindUnit
}

export const noClasses: ObjectClasses = new Map()

/** The binds of one execution. */
export const writeBinds = (
  binds: OracleBind.Binds | undefined,
  settings: ValueSettings,
  classes: ObjectClasses = noClasses
): DriverBinds => {
  if (binds === undefined) return []
  return isPositional(binds)
    ? binds.map((bind, index) => naming(`:${index + 1}`, () => writeUnit(bind, settings, classes)))
    : Object.fromEntries(
      Object.entries(binds).map(([name, bind]) => [name, naming(`:${name}`, () => writeUnit(bind, settings, classes))])
    )
}
