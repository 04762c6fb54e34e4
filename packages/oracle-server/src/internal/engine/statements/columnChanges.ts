/**
 * ALTER TABLE … MODIFY: first the rows are asked whether they allow it, a slice at a time, then all columns change in one step. What is
 * refused or broken leaves the columns as they were.
 */
import { column as columnOf, type ColumnDef, type Table } from "../catalog/catalog.ts"
import { inTurns } from "../execute/turns.ts"
import type { Row } from "../storage/row.ts"
import { newIndex } from "../storage/store.ts"
import type { Step } from "../storage/waiting.ts"
import type { ColumnSpec } from "../syntax/astDefinitions.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { fit } from "../values/fit.ts"
import { oraError } from "../values/oraError.ts"
import { kindOf } from "../values/sqlType.ts"
import type { Core } from "./core.ts"
import { addConstraint, type DefinitionServices } from "./definitions.ts"
import { columnType } from "./typeDefinitions.ts"
import { committedRows } from "./validation.ts"

interface Change {
  readonly column: ColumnDef
  readonly spec: ColumnSpec
  readonly type: SqlType | undefined
  /** Puts the column back. */
  readonly restore: () => void
}

const before = (column: ColumnDef): () => void => {
  const { default: value, defaultText, invisible, nullable, type } = column
  return () => Object.assign(column, { default: value, defaultText, invisible, nullable, type })
}

const isFixed = ({ name }: SqlType): boolean => name === "CHAR" || name === "NCHAR"

/** Whether a column that holds values may have fewer digits: never, even where all of them would fit. */
const losesDigits = (from: SqlType, to: SqlType): boolean => {
  if (kindOf(to) !== "n" || to.precision === 0) return false
  return from.precision === 0 || to.precision < from.precision || to.scale < from.scale ||
    to.precision - to.scale < from.precision - from.scale
}

/** What one value says against a change. */
const check = ({ column, spec, type }: Change, value: Stored): void => {
  if (value === null) return
  if (type === undefined) return
  if (kindOf(type) !== kindOf(column.type)) {
    throw oraError(1439, "column to be modified must be empty to change datatype", spec.at)
  }
  if (losesDigits(column.type, type)) {
    throw oraError(1440, "column to be modified must be empty to decrease precision or scale", spec.at)
  }
  if (type.size >= column.type.size && type.chars >= column.type.chars) return
  try {
    fit(value, type, { kind: "castText" })
  } catch {
    throw oraError(1441, "cannot decrease column length because some value is too big", spec.at)
  }
}

/** The indexes over a column whose type is another one order its values anew; values of another kind there are none of. */
const reindex = (core: Core, table: Table, column: ColumnDef): void => {
  const indexed = [...table.keys, ...table.foreign, ...table.indexes].filter(({ columns }) => columns.includes(column))
  for (const { columns, indexId } of indexed) {
    for (const data of core.store.all(table)) {
      data.dropIndex(indexId)
      data.addIndex(newIndex(indexId, columns))
    }
  }
}

/** Values of fixed length are filled up with blanks; when that is broken they are cut again. */
function* pad(core: Core, table: Table, column: ColumnDef, type: SqlType): Step<void> {
  for (const data of core.store.all(table)) {
    const filled = new Map<Row, Row>()
    let isDone = false
    try {
      yield* inTurns(data.rowNumbers(), core.store.clock, (row) =>
        data.rewrite(row, (values) => {
          const value = values[column.place] ?? null
          const longer = fit(value, type, { kind: "castText" })
          if (longer === value) return values
          const changed = values.with(column.place, longer)
          filled.set(changed, values)
          return changed
        }))
      isDone = true
    } finally {
      if (!isDone && filled.size > 0) {
        for (const row of data.rowNumbers()) data.rewrite(row, (values) => filled.get(values) ?? values)
      }
    }
  }
}

export function* modifyColumns(
  services: DefinitionServices,
  table: Table,
  specs: ReadonlyArray<ColumnSpec>
): Step<void> {
  const { core } = services
  const changes = specs.map((spec): Change => {
    const column = columnOf(table, spec.name, spec.at)
    const type = spec.type === undefined ? undefined : columnType(core, services.session, spec.type)
    return { column, spec, type, restore: before(column) }
  })
  for (const { column, spec } of changes) {
    if (spec.nullable === false && !column.nullable) {
      throw oraError(1442, "column to be modified to NOT NULL is already NOT NULL", spec.at)
    }
    if (spec.nullable === true && column.nullable) {
      throw oraError(1451, "column to be modified to NULL cannot be modified to NULL", spec.at)
    }
  }
  const asks = changes.filter(({ spec, type }) => type !== undefined || spec.nullable === false)
  if (asks.length > 0) {
    yield* inTurns(committedRows(core, table), core.store.clock, (row) => {
      for (const change of asks) {
        const value = row[change.column.place] ?? null
        check(change, value)
        if (value === null && change.spec.nullable === false) {
          throw oraError(2296, `cannot enable (${table.owner}.) - null values found`, change.spec.at)
        }
      }
    })
  }
  for (const { column, type } of changes) {
    if (type !== undefined && isFixed(type)) yield* pad(core, table, column, type)
  }
  const retyped = changes.filter(({ column, type }) => type !== undefined && type.name !== column.type.name)
  let isDone = false
  try {
    for (const { column, spec, type } of changes) {
      if (type !== undefined) column.type = type
      if (spec.default !== undefined) Object.assign(column, { default: spec.default, defaultText: spec.defaultText })
      if (spec.nullable !== undefined) column.nullable = spec.nullable
      if (spec.visible !== undefined) column.invisible = !spec.visible
    }
    for (const { column } of retyped) reindex(core, table, column)
    for (const { spec } of changes) {
      for (const constraint of spec.constraints) yield* addConstraint(services, table, constraint)
    }
    isDone = true
  } finally {
    if (!isDone) {
      for (const { restore } of changes) restore()
      for (const { column } of retyped) reindex(core, table, column)
    }
  }
}
