/** Rows in FROM that no table holds: VALUES, the elements of a collection, and what a pipelined function pipes. */
import { CollectionScan } from "../execute/collectionScan.ts"
import { PipeScan } from "../execute/pipeScan.ts"
import { ValuesScan } from "../execute/scans.ts"
import type { FromItem } from "../syntax/ast.ts"
import { call as callOf } from "../syntax/callParser.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import { routineArguments } from "./calls.ts"
import { atSite, type Compilation, type Routine, rowOf } from "./compilation.ts"
import { convertTo, unify } from "./operators.ts"
import type { Leaf } from "./relations.ts"
import { type CompiledItem, source } from "./tableSources.ts"
import { columnTerm, newScope, noSlots, type Scope, type Source, type SourceColumn, type Term, union } from "./term.ts"

export const valuesItem = (
  c: Compilation,
  item: Extract<FromItem, { kind: "values" }>,
  parent: Scope | undefined
): CompiledItem => {
  const scope = newScope(parent)
  const slot = c.slot()
  const raw = item.rows.map((row) => row.map((expr) => c.expr(c, expr, scope)))
  const width = raw[0]!.length
  if (raw.some((row) => row.length !== width)) throw oraError(947, "not enough values", item.at)
  const types = Array.from({ length: width }, (_, i) => unify(raw.map((row) => row[i]!.type), false, item.at))
  const list = item.rows.map((row) =>
    atSite(
      c,
      () => row.map((expr, i) => convertTo(c.expr(c, expr, scope), types[i]!, item.at)),
      rowOf
    )
  )
  const columns = types.map((type, i): SourceColumn => ({
    name: item.names[i] ?? `COLUMN${i + 1}`,
    term: columnTerm(slot, i, type, true)
  }))
  return {
    relation: {
      kind: "leaf",
      slot,
      width,
      table: undefined,
      free: union(raw.flat()),
      scan: (f, filter) => new ValuesScan(f, slot, list, filter)
    },
    sources: [source(item.alias, slot, columns)]
  }
}

/** TABLE(collection): it may name what stands before it in FROM. */
export const collectionItem = (
  c: Compilation,
  item: Extract<FromItem, { kind: "function" }>,
  parent: Scope | undefined,
  before: ReadonlyArray<Source>
): CompiledItem => {
  const scope = newScope(parent)
  scope.sources.push(...before)
  const pipe = pipedItem(c, item, scope)
  if (pipe !== undefined) return pipe
  let term: Term | undefined
  const get = atSite(c, () => {
    term = c.expr(c, item.call, scope)
    return term
  }, (built) => built.eval)
  const { composite } = term!.type
  if (composite?.kind !== "collection" || composite.key !== undefined) {
    throw oraError(22905, "cannot access rows from a non-nested table item", item.at)
  }
  const slot = c.slot()
  return elementItem(
    item,
    slot,
    composite.element,
    term!.uses,
    (width) => (f, filter) => new CollectionScan(f, slot, width, get, filter)
  )
}

/** Elements as rows: the attributes of objects and records are the columns. */
const elementItem = (
  item: Extract<FromItem, { kind: "function" }>,
  slot: number,
  element: SqlType,
  free: ReadonlySet<number>,
  scan: (width: number) => Leaf["scan"]
): CompiledItem => {
  const columns = element.composite === undefined || element.composite.kind === "collection"
    ? [{ name: "COLUMN_VALUE", type: element }]
    : element.composite.attributes
  const width = columns.length
  return {
    relation: { kind: "leaf", slot, width: width + 1, table: undefined, free, scan: scan(width) },
    sources: [
      source(item.alias, slot, [
        ...columns.map((column, i): SourceColumn => ({
          name: column.name,
          term: columnTerm(slot, i, column.type, true)
        })),
        { name: "OBJECT_VALUE", hidden: true, term: columnTerm(slot, width, element, true) }
      ])
    ]
  }
}

/** A pipelined function; undefined for any other expression. */
const pipedItem = (
  c: Compilation,
  item: Extract<FromItem, { kind: "function" }>,
  scope: Scope
): CompiledItem | undefined => {
  const { call } = item
  if (call.kind !== "call" && call.kind !== "name") return undefined
  const expr = call.kind === "call" ? call : callOf(call.at, call.path, [])
  let routine: Routine | undefined
  let uses: ReadonlySet<number> = noSlots
  const values = atSite(c, () => {
    const args = expr.args.map((arg) => c.expr(c, arg, scope))
    routine = c.context.routine(expr.path, args.map((arg) => arg.type), expr.names)
    if (routine?.pipe === undefined) return []
    uses = union(args)
    return routineArguments(expr, routine, args)
  }, (given) => (f) => given.map((term) => term?.eval(f)))
  const pipe = routine?.pipe
  if (pipe === undefined) return undefined
  const { composite } = routine!.returns
  if (composite?.kind !== "collection") {
    throw oraError(22905, "cannot access rows from a non-nested table item", item.at)
  }
  const slot = c.slot()
  return elementItem(
    item,
    slot,
    composite.element,
    uses,
    (width) => (f, filter) => new PipeScan(f, slot, width, (frame) => pipe(frame, values(frame)), filter)
  )
}
