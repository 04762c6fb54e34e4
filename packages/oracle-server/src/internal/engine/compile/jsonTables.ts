/** JSON_TABLE in FROM: its columns, and how each row of a document gives their values. */
import type { Frame } from "../execute/frame.ts"
import { type JsonTableLevel, JsonTableScan } from "../execute/jsonTableScan.ts"
import { readPath } from "../functions/jsonPath.ts"
import { type Passing, runPath } from "../functions/jsonPathRun.ts"
import { fromDocument, fromScalar } from "../functions/jsonValues.ts"
import type { JsonColumn, JsonTable } from "../syntax/ast.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { isArray, type Json, readJson, writeJson } from "../values/json.ts"
import { OraError, oraError } from "../values/oraError.ts"
import { kindOf, NUMBER, varchar2 } from "../values/sqlType.ts"
import { type Compilation, settled } from "./compilation.ts"
import { onlyScalar, wrapped } from "./jsonCalls.ts"
import { attempt, documentText, handled, jsonOf, returningType } from "./jsonTerms.ts"
import type { Leaf } from "./relations.ts"
import { columnTerm, type Scope, type SourceColumn, union } from "./term.ts"

type ColumnValue = (item: Json, ordinal: number, f: Frame) => Stored

const columnType = (c: Compilation, column: JsonColumn): SqlType =>
  column.kind === "ordinality" ? NUMBER : returningType(c, column.type, varchar2())

const columnValue = (
  c: Compilation,
  column: JsonColumn,
  type: SqlType,
  scope: Scope,
  fallback: JsonTable["onError"]
): ColumnValue => {
  const { clauses } = column
  const path = readPath(column.path)
  const onError = handled(c, clauses.onError ?? fallback, type, scope, column.at)
  const onEmpty = clauses.onEmpty === undefined ? onError : handled(c, clauses.onEmpty, type, scope, column.at)
  switch (column.kind) {
    case "ordinality":
      return (_item, ordinal) => ordinal
    case "exists":
      return (item) => {
        const isThere = runPath(path, item).length > 0
        return kindOf(type) === "c" ? (isThere ? "true" : "false") : isThere ? 1 : 0
      }
    case "query": {
      const scalars = clauses.scalars ?? true
      return (item, _ordinal, f) =>
        attempt(f, () => {
          const values = runPath(path, item)
          if (values.length === 0) return onEmpty(f, oraError(40462, "JSON_QUERY evaluated to no value"))
          return fromDocument(writeJson(wrapped(values, clauses.wrapper, scalars)), type, false)
        }, onError)
    }
    default:
      return (item, _ordinal, f) => {
        let isEmpty = false
        const value = attempt(f, () => {
          const values = runPath(path, item)
          isEmpty = values.length === 0
          return isEmpty ? null : fromScalar(onlyScalar(values), type, { booleanNumbers: true, keepTime: false })
        }, onError)
        const settledValue = isEmpty ? onEmpty(f, oraError(40462, "JSON_VALUE evaluated to no value")) : value
        return settledValue === "" ? null : settledValue
      }
  }
}

export const compileJsonTable = (
  c: Compilation,
  table: JsonTable,
  scope: Scope
): { readonly leaf: Leaf; readonly columns: ReadonlyArray<SourceColumn> } => {
  const document = settled(c, () => c.expr(c, table.document, scope))
  const passed = table.passing.map(({ value }) => settled(c, () => c.expr(c, value, scope)))
  const values = passed.map((term) => jsonOf(term, false))
  const passing = (f: Frame): Passing => new Map(table.passing.map(({ name }, i) => [name, values[i]!(f)]))
  const text = documentText(document, table.at)
  const fails = table.onError?.kind === "error"
  const slot = c.slot()
  const columns: Array<SourceColumn> = []
  const level = (pathText: string, list: ReadonlyArray<JsonColumn>, isRoot: boolean): JsonTableLevel => {
    const path = readPath(pathText)
    const own: Array<JsonTableLevel["columns"][number]> = []
    const nested: Array<JsonTableLevel> = []
    for (const column of list) {
      if (column.kind === "nested") {
        nested.push(level(column.path, column.columns, false))
        continue
      }
      const type = columnType(c, column)
      const place = columns.length
      columns.push({ name: column.name, term: columnTerm(slot, place, type, true) })
      own.push({ place, value: columnValue(c, column, type, scope, table.onError) })
    }
    return {
      columns: own,
      nested,
      rows: (context, f) => {
        const found = runPath(path, context, passing(f))
        // A path that ends at an array means its elements.
        return isRoot && path.steps.at(-1)?.kind !== "elements" && found.length === 1 && isArray(found[0])
          ? found[0]
          : found
      }
    }
  }
  const root = level(table.path, table.columns, true)
  const width = columns.length
  const leaf: Leaf = {
    kind: "leaf",
    slot,
    width,
    table: undefined,
    free: union([document, ...passed]),
    scan: (f, filter) =>
      new JsonTableScan(
        f,
        slot,
        width,
        root,
        (frame) => {
          const json = text(frame)
          if (json === null) return undefined
          try {
            return readJson(json)
          } catch (error) {
            if (fails || !(error instanceof OraError)) throw error
            return undefined
          }
        },
        filter
      )
  }
  return { leaf, columns }
}
