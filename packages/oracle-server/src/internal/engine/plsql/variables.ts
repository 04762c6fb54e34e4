/** Making variables and cursors. */
import type { Parameter } from "../syntax/astPlsql.ts"
import { compositeType, initialValue, type Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import type { CursorVariable, Environment, Variable } from "./environment.ts"
import type { CursorCell } from "./typed.ts"

export const newVariable = (
  type: SqlType,
  constant = false,
  notNull = false,
  value: Stored = initialValue(type)
): Variable => ({ kind: "variable", type, constant, notNull, value })

export const newCell = (open?: CursorCell["open"]): CursorCell => ({ open, found: null, rowCount: 0 })

export const newCursor = (
  query: CursorVariable["query"] = undefined,
  parameters: ReadonlyArray<Parameter> = [],
  environment?: Environment
): CursorVariable => ({ kind: "cursor", query, parameters, environment, cell: newCell() })

/** The record that `%ROWTYPE` gives, or the rows of a loop. */
export const rowType = (
  owner: string | undefined,
  name: string,
  columns: ReadonlyArray<{ readonly name: string; readonly type: SqlType }>
): SqlType => {
  const attributes = columns.map((column) => ({ name: column.name, type: column.type }))
  return compositeType({ kind: "record", owner, package: undefined, name: `${name}%ROWTYPE`, attributes })
}
