/** Turns binds into those of the driver, and what comes back into values of the program. */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as OracleBind from "../OracleBind.ts"
import { isYearMonth } from "../OracleInterval.ts"
import { OracleLob } from "../OracleLob.ts"
import { checkDate, checkJson, checkNumber, naming, namingRows, RefusedBind } from "./bindRefusal.ts"
import { dateForDriver, type DatePolicy, dateReader } from "./datePolicy.ts"
import { decodeWith, encodeWith, readElement, readObject, writeElement, writeObject } from "./dbObjects.ts"
import { readDaySecond, readYearMonth, writeDaySecond, writeYearMonth } from "./intervals.ts"
import { bindText, exactNumber, type NumberPolicy, numberReader, outNumberReader, Unfit } from "./numberPolicy.ts"
import type { ObjectClasses } from "./objectTypes.ts"
import {
  type BindUnit,
  type DbClass,
  type DbType,
  driver,
  type DriverBinds,
  type IntervalDS,
  type IntervalYM,
  type Lob,
  type ResultSet
} from "./oracledb.ts"
import { type Column, plainColumn } from "./plainColumn.ts"
import { kindOf } from "./refusal.ts"
import type { Handles } from "./rowReader.ts"
import type { ValueSettings } from "./valueSettings.ts"

/** The driver's types. Numbers that come back travel as text: the driver would read a NUMBER as a double. */
const types: { readonly [T in OracleBind.BindType]: DbType } = {
  string: driver.DB_TYPE_VARCHAR,
  nstring: driver.DB_TYPE_NVARCHAR,
  char: driver.DB_TYPE_CHAR,
  number: driver.DB_TYPE_VARCHAR,
  bigint: driver.DB_TYPE_VARCHAR,
  bigDecimal: driver.DB_TYPE_VARCHAR,
  double: driver.DB_TYPE_BINARY_DOUBLE,
  boolean: driver.DB_TYPE_BOOLEAN,
  date: driver.DB_TYPE_DATE,
  timestamp: driver.DB_TYPE_TIMESTAMP,
  timestampTz: driver.DB_TYPE_TIMESTAMP_TZ,
  timestampLtz: driver.DB_TYPE_TIMESTAMP_LTZ,
  intervalDs: driver.DB_TYPE_INTERVAL_DS,
  intervalYm: driver.DB_TYPE_INTERVAL_YM,
  raw: driver.DB_TYPE_RAW,
  clob: driver.DB_TYPE_CLOB,
  nclob: driver.DB_TYPE_NCLOB,
  blob: driver.DB_TYPE_BLOB,
  json: driver.DB_TYPE_JSON,
  vector: driver.DB_TYPE_VECTOR,
  rowid: driver.DB_TYPE_VARCHAR,
  cursor: driver.DB_TYPE_CURSOR
}

export const isBindType = (type: unknown): type is OracleBind.BindType =>
  typeof type === "string" && Object.hasOwn(types, type)

export const isKnownType = (type: unknown): type is OracleBind.AnyType => {
  if (typeof type !== "object" || type === null) return isBindType(type)
  switch (OracleBind.shapeOf(type as OracleBind.AnyType)) {
    case "array":
      return Object.hasOwn(elementTypes, (type as OracleBind.ArrayType<OracleBind.ElementType>).element)
    case "object":
    case "collection": {
      const { name, schema } = type as OracleBind.ObjectType<unknown>
      return typeof name === "string" && name !== "" && Schema.isSchema(schema)
    }
    case "scalar":
      return false
  }
}

/** Index-by tables go in the types that their elements have: the server compares them. */
const elementTypes: { readonly [T in OracleBind.ElementType]: DbType } = {
  string: driver.DB_TYPE_VARCHAR,
  nstring: driver.DB_TYPE_NVARCHAR,
  char: driver.DB_TYPE_CHAR,
  number: driver.DB_TYPE_NUMBER,
  bigint: driver.DB_TYPE_NUMBER,
  bigDecimal: driver.DB_TYPE_NUMBER,
  double: driver.DB_TYPE_BINARY_DOUBLE,
  date: driver.DB_TYPE_DATE,
  timestamp: driver.DB_TYPE_TIMESTAMP,
  timestampTz: driver.DB_TYPE_TIMESTAMP_TZ,
  timestampLtz: driver.DB_TYPE_TIMESTAMP_LTZ,
  intervalDs: driver.DB_TYPE_INTERVAL_DS,
  intervalYm: driver.DB_TYPE_INTERVAL_YM,
  raw: driver.DB_TYPE_RAW
}

/** The names of the object types that the binds of some rows have: the driver has to know them before it can write a value. */
export const objectTypeNames = (rows: ReadonlyArray<OracleBind.Binds>): ReadonlyArray<string> => {
  const names = new Set<string>()
  for (const row of rows) {
    const binds: ReadonlyArray<unknown> = isPositional(row) ? row : Object.values(row)
    for (let i = 0; i < binds.length; i++) {
      const bind = binds[i]
      // Most binds are plain values, and a batch has many.
      if (
        typeof bind !== "object" || !OracleBind.isDescribed(bind) || !isKnownType(bind.type) ||
        typeof bind.type === "string"
      ) continue
      if ("name" in bind.type) names.add(bind.type.name)
    }
  }
  return [...names]
}

/** The driver takes an OUT bind of a type that it does not know for a text. */
const checkType = (type: unknown): void => {
  if (typeof type === "object" && type !== null) {
    if (!isKnownType(type)) {
      throw new RefusedBind(
        `its type must be made by OracleBind.array with one of ${
          Object.keys(elementTypes).join(", ")
        }, or by OracleBind.object or OracleBind.collection with a name and a schema`
      )
    }
    return
  }
  if (!isBindType(type)) throw new RefusedBind(`its type must be one of ${Object.keys(types).join(", ")}`)
}

const exactTypes: ReadonlySet<OracleBind.BindType> = new Set(["number", "bigint", "bigDecimal"])
const sizedTypes: ReadonlySet<OracleBind.BindType> = new Set(["string", "nstring", "char", "raw"])

/** The longest text of a NUMBER, with room to spare. */
const numberSize = 64
const rowidSize = 4000
const textSize = 4000

const isNumeric = (value: unknown): value is number | bigint | BigDecimal.BigDecimal =>
  typeof value === "number" || typeof value === "bigint" || BigDecimal.isBigDecimal(value)

/** A value as the driver takes it; `undefined` where the value says nothing of its type. */
const writeValue = (value: unknown, dates: DatePolicy): unknown => {
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
const writeTyped = (type: OracleBind.BindType, value: unknown, dates: DatePolicy): unknown => {
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

const directions = { in: driver.BIND_IN, out: driver.BIND_OUT, inout: driver.BIND_INOUT, returning: driver.BIND_OUT }

const sizeOf = (bind: OracleBind.BindSizes & { readonly type: OracleBind.BindType }): number | undefined =>
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
    throw new RefusedBind(`an index-by table takes an array, and it is ${kindOf(given)}`)
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
const writeShaped = (
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

const shapedValue = (
  type: OracleBind.ObjectType<unknown> | OracleBind.CollectionType<unknown>,
  value: unknown,
  known: DbClass,
  settings: ValueSettings
): unknown => {
  if (value === null || value === undefined) return null
  if (OracleBind.shapeOf(type) === "object") return writeObject(known, encodeWith(type.schema, value), settings)
  if (!Array.isArray(value)) throw new RefusedBind(`${type.name} takes an array, and it is ${kindOf(value)}`)
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
      throw new RefusedBind(`a ${bind.type} is a number, a bigint or a BigDecimal, and it is ${kindOf(bind.value)}`)
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

const noClasses: ObjectClasses = new Map()

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

const isPositional = (binds: OracleBind.Binds): binds is ReadonlyArray<OracleBind.Bind> => Array.isArray(binds)

type OutValues = ReadonlyArray<unknown> | { readonly [name: string]: unknown }

const isLob = (value: unknown): value is Lob => typeof value === "object" && value !== null && "getData" in value

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

/** The binds of a batch: the values of every row, and what is said about each column. */
export interface BatchBinds {
  readonly rows: ReadonlyArray<DriverBinds>
  readonly definitions: DriverBinds | undefined
}

const batchType = (values: ReadonlyArray<unknown>): BindUnit => {
  const first = values.find((value) => value !== null && value !== undefined)
  if (typeof first === "number" || typeof first === "bigint") return { type: driver.DB_TYPE_NUMBER }
  if (typeof first === "boolean") return { type: driver.DB_TYPE_BOOLEAN }
  if (first instanceof Date) return { type: driver.DB_TYPE_TIMESTAMP }
  if (Buffer.isBuffer(first)) return { type: driver.DB_TYPE_RAW, maxSize: longest(values) }
  if (ArrayBuffer.isView(first)) return { type: driver.DB_TYPE_VECTOR }
  if (isLob(first)) return { type: first.type }
  return { type: driver.DB_TYPE_VARCHAR, maxSize: longest(values) }
}

const longest = (values: ReadonlyArray<unknown>): number =>
  values.reduce<number>(
    (most, value) =>
      Math.max(most, typeof value === "string" ? Buffer.byteLength(value) : Buffer.isBuffer(value) ? value.length : 0),
    1
  )

/** A column of objects or collections. */
const shapedColumn = (
  where: string,
  type: Exclude<OracleBind.AnyType, OracleBind.BindType>,
  described: OracleBind.BindSizes & Parameters<typeof OracleBind.directionOf>[0],
  binds: ReadonlyArray<OracleBind.Bind>,
  settings: ValueSettings,
  classes: ObjectClasses
): Column =>
  naming(where, () => {
    if ("element" in type) throw new RefusedBind("an index-by table cannot be bound in a batch")
    const { val: _, ...definition } = writeShaped(type, null, OracleBind.directionOf(described), settings, classes)
    const values = namingRows(
      where,
      binds,
      (bind) =>
        shapedValue(type, OracleBind.isDescribed(bind) ? bind.value : bind, definition.type as DbClass, settings)
    )
    return { definition, values }
  })

/** One column of a batch: all its values in one type. */
const batchColumn = (
  where: string,
  binds: ReadonlyArray<OracleBind.Bind>,
  settings: ValueSettings,
  classes: ObjectClasses
): Column => {
  const { dates } = settings
  const described = binds.find(OracleBind.isDescribed)
  if (described !== undefined) {
    const { type } = described
    naming(where, () => checkType(type))
    if (typeof type === "object") return shapedColumn(where, type, described, binds, settings, classes)
    const direction = OracleBind.directionOf(described)
    const values = namingRows(
      where,
      binds,
      (bind) => writeTyped(type, OracleBind.isDescribed(bind) ? bind.value : bind, dates)
    )
    const maxSize = direction === "in" && (sizedTypes.has(type) || exactTypes.has(type))
      ? Math.max(described.maxSize ?? 1, longest(values))
      : sizeOf({ ...described, type })
    return {
      definition: { dir: directions[direction], type: types[type], ...(maxSize !== undefined && { maxSize }) },
      values
    }
  }
  let values = namingRows(where, binds, (bind) => writeValue(bind, dates))
  const unit = values.find(isUnit)
  if (unit?.type !== undefined) {
    return {
      definition: { type: unit.type },
      values: values.map((value) => isUnit(value) ? value.val : value)
    }
  }
  // One number that only text can carry makes the whole column text.
  if (binds.some((bind, index) => isNumeric(bind) && typeof values[index] === "string")) {
    values = binds.map((bind, index) => isNumeric(bind) ? bindText(bind) : values[index])
  }
  return { definition: batchType(values), values }
}

const isUnit = (value: unknown): value is BindUnit =>
  typeof value === "object" && value !== null && "val" in value && "type" in value

/** The binds of a batch of rows, each by name or each by position. */
export const writeBatch = (
  rows: ReadonlyArray<OracleBind.Binds>,
  settings: ValueSettings,
  classes: ObjectClasses = noClasses
): BatchBinds => {
  const first = rows[0]
  if (first === undefined) return { rows: [], definitions: undefined }
  const names = Object.keys(first)
  const positional = isPositional(first)
  const columns = names.map((name) => {
    const where = positional ? `:${Number(name) + 1}` : `:${name}`
    return plainColumn(where, rows, name, settings.dates) ??
      batchColumn(where, rows.map((row) => Reflect.get(row, name) as OracleBind.Bind), settings, classes)
  })
  const definitions = columns.map(({ definition }) => definition)
  return {
    rows: positional ? rowsInOrder(rows.length, columns) : rowsByName(rows.length, names, columns),
    definitions: names.length === 0
      ? undefined
      : positional
      ? definitions
      : Object.fromEntries(names.map((name, index) => [name, definitions[index]!]))
  }
}

const rowsInOrder = (count: number, columns: ReadonlyArray<Column>): ReadonlyArray<DriverBinds> => {
  const rows: Array<DriverBinds> = []
  for (let row = 0; row < count; row++) {
    const values: Array<unknown> = []
    for (let column = 0; column < columns.length; column++) values.push(columns[column]!.values[row])
    rows.push(values)
  }
  return rows
}

const rowsByName = (
  count: number,
  names: ReadonlyArray<string>,
  columns: ReadonlyArray<Column>
): ReadonlyArray<DriverBinds> => {
  const rows: Array<DriverBinds> = []
  for (let row = 0; row < count; row++) {
    rows.push(Object.fromEntries(names.map((name, column) => [name, columns[column]!.values[row]])))
  }
  return rows
}
