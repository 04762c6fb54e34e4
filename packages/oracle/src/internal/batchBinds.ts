/** Turns the binds of a batch into those of the driver: a type and a size for each column, found in all of its rows. */
import * as OracleBind from "../OracleBind.ts"
import { isLob } from "./bindReader.ts"
import { naming, namingRows, RefusedBind } from "./bindRefusal.ts"
import { checkType, exactTypes, isPositional, sizedTypes, types } from "./bindTypes.ts"
import {
  directions,
  isNumeric,
  noClasses,
  shapedValue,
  sizeOf,
  writeShaped,
  writeTyped,
  writeValue
} from "./bindWriter.ts"
import { bindText } from "./numberPolicy.ts"
import type { ObjectClasses } from "./objectTypes.ts"
import { type BindUnit, type DbClass, driver, type DriverBinds } from "./oracledb.ts"
import { type Column, plainColumn } from "./plainColumn.ts"
import type { ValueSettings } from "./valueSettings.ts"

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
