/** The columns of a table as INSERT and UPDATE fill them: which can be written, and what stands for a value that is not given. */
import type { ColumnDef, Table } from "../catalog/catalog.ts"
import type { Compilation } from "../compile/compilation.ts"
import { identityValue } from "../compile/names.ts"
import { convertTo } from "../compile/operators.ts"
import { constant, derived, type Scope, type Term } from "../compile/term.ts"
import type { Expr } from "../syntax/ast.ts"
import type { Insert } from "../syntax/astStatements.ts"
import { oraError } from "../values/oraError.ts"
import type { Target } from "./dmlTarget.ts"

export const storedColumns = (table: Table): ReadonlyArray<ColumnDef> =>
  table.columns.filter((column) => column.virtual === undefined)

export const checkWritable = (column: ColumnDef, at: number): void => {
  if (column.virtual !== undefined) throw oraError(54013, "INSERT operation disallowed on virtual columns", at)
}

/** The columns that an INSERT names, or all of them. */
export const targets = (target: Target, columns: Insert["columns"]): ReadonlyArray<ColumnDef> => {
  const { column: named, names, table } = target
  if (columns.length === 0) {
    return names === undefined
      ? storedColumns(table).filter((column) => !column.invisible)
      : names.map((name) => named(name, 0))
  }
  const list = columns.map(({ at, name }) => named(name, at))
  list.forEach((column, i) => {
    checkWritable(column, columns[i]!.at)
    if (list.indexOf(column) !== i) throw oraError(957, `"${column.name}": duplicate column name`, columns[i]!.at)
  })
  return list
}

export const defaultOf = (c: Compilation, column: ColumnDef, scope: Scope): Term => {
  if (column.identity !== undefined) return identityValue(c, column.identity.sequence)
  if (column.default === undefined) return constant(null, column.type)
  return convertTo(c.expr(c, column.default, scope), column.type, 0)
}

export const orDefault = (value: Term, otherwise: Term): Term =>
  derived([value, otherwise], "default", value.type, true, (f) => value.eval(f) ?? otherwise.eval(f))

export const refuseIdentity = (column: ColumnDef, at: number): void => {
  if (column.identity?.mode === "always") {
    throw oraError(32795, "cannot insert into a generated always identity column", at)
  }
}

export const takesDefaultForNull = (column: ColumnDef): boolean =>
  column.defaultOnNull || column.identity?.mode === "onnull"

export const forColumn = (
  c: Compilation,
  column: ColumnDef,
  value: Expr | undefined,
  scope: Scope,
  at: number
): Term => {
  if (value === undefined) return defaultOf(c, column, scope)
  refuseIdentity(column, at)
  const term = convertTo(c.expr(c, value, scope), column.type, value.at)
  return takesDefaultForNull(column) ? orDefault(term, defaultOf(c, column, scope)) : term
}

/** The fields of a record, in their order. */
export const recordValues = (c: Compilation, record: Expr, scope: Scope): ReadonlyArray<Expr> => {
  const { composite } = c.expr(c, record, scope).type
  if (composite?.kind !== "record") throw oraError(947, "not enough values", record.at)
  return composite.attributes.map(({ name }) => ({ kind: "member", of: record, name, at: record.at }))
}
