/** Recursive WITH, with its SEARCH and CYCLE clauses. */
import { WorkingRow } from "../execute/commonTables.ts"
import { Recursion, type RecursionSpec } from "../execute/recursion.ts"
import { SearchedRecursion, type SearchSpec } from "../execute/searchedRecursion.ts"
import type { Block, CommonTable, Query, QueryBody } from "../syntax/ast.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { kindOf, NUMBER } from "../values/sqlType.ts"
import { compileBlock } from "./blocks.ts"
import { movedTo, plainBlock, renamed } from "./commonColumns.ts"
import type { Compilation, CompiledQuery } from "./compilation.ts"
import { freeSlots } from "./relations.ts"
import { newScope, type OutColumn, type Scope } from "./term.ts"
import { refersTo, some } from "./walk.ts"

export const recursiveTable = (
  c: Compilation,
  cte: CommonTable,
  parent: Scope | undefined,
  operand: (c: Compilation, body: QueryBody, parent: Scope | undefined) => CompiledQuery
): CompiledQuery => {
  const { body } = cte.query
  if (body.kind !== "set" || body.op !== "union all") {
    throw oraError(32040, "recursive WITH clause must use a UNION ALL operation", cte.at)
  }
  if (cte.columns.length === 0) throw oraError(32039, "recursive WITH clause must have column alias list", cte.at)
  const { left, right } = body
  if (right.kind !== "block" || refersTo({ body: left } as unknown as Query, cte.name)) {
    throw unimplemented("several recursive parts in WITH", cte.at)
  }
  const anchor = operand(c, left, parent)
  const widened = renamed(cte, anchor.columns).map(({ isJson, name, type }): OutColumn => ({
    name,
    type: general(type),
    nullable: true,
    isJson
  }))
  const slot = c.slot()
  const working = c.slot()
  const depth = c.commonTables.length
  c.commonTables.push({
    name: cte.name,
    columns: widened,
    read: (_, own) => ({
      slots: [own],
      free: new Set([working]),
      make: (f) => new WorkingRow(f, working, own)
    })
  })
  const step = compileBlock(c, right, parent, plainBlock)
  c.commonTables.length = depth
  if (step.columns.length !== widened.length) {
    throw oraError(1789, "query block has incorrect number of result columns", cte.at)
  }
  for (const [i, column] of step.columns.entries()) {
    const from = kindOf(column.type)
    if (from !== "null" && from !== kindOf(widened[i]!.type)) {
      throw oraError(1790, "expression must have same datatype as corresponding expression", cte.at)
    }
  }
  const first = movedTo(anchor, slot)
  const again = movedTo(step, slot)
  const marks = cycleMarks(c, cte)
  const spec: RecursionSpec = {
    slot,
    working,
    cycle: cte.cycle === undefined ? cycleColumns(right, cte) : cte.cycle.columns.map((name) => place(cte, name)),
    kinds: widened.map((column) => kindOf(column.type)),
    marks: marks?.values
  }
  const search = searchOf(cte, widened, slot)
  const slots = [slot, working]
  return {
    slot,
    columns: [
      ...widened,
      ...(search === undefined ? [] : [search.column]),
      ...(marks === undefined ? [] : [marks.column])
    ],
    plan: {
      slots,
      free: freeSlots([], [first, again], [slot, working]),
      make: (f) => {
        const recursion = new Recursion(f, first.make(f), again.make(f), spec)
        return search === undefined ? recursion : new SearchedRecursion(f, recursion, search.spec)
      }
    }
  }
}

/** The place of a column that SEARCH or CYCLE names. */
const place = (cte: CommonTable, name: string): number => {
  const index = cte.columns.indexOf(name)
  if (index < 0) throw oraError(904, `"${name}": invalid identifier`, cte.search?.at ?? cte.at)
  return index
}

const newColumn = (cte: CommonTable, name: string, type: SqlType): OutColumn => {
  if (cte.columns.includes(name)) {
    throw oraError(32486, `unsupported column name ${name} in the SEARCH or CYCLE clause`, cte.at)
  }
  return { name, type, nullable: true, isJson: false }
}

const searchOf = (
  cte: CommonTable,
  columns: ReadonlyArray<OutColumn>,
  slot: number
): { readonly spec: SearchSpec; readonly column: OutColumn } | undefined => {
  const { search } = cte
  if (search === undefined) return undefined
  const places = search.by.map(({ name }) => place(cte, name))
  return {
    column: newColumn(cte, search.set, NUMBER),
    spec: {
      slot,
      depthFirst: search.depthFirst,
      columns: places,
      keys: search.by.map(({ descending, nulls }, i) => ({
        kind: kindOf(columns[places[i]!]!.type),
        descending,
        nullsFirst: (nulls ?? (descending ? "first" : "last")) === "first"
      })),
      width: columns.length
    }
  }
}

const cycleMarks = (
  c: Compilation,
  cte: CommonTable
): { readonly values: NonNullable<RecursionSpec["marks"]>; readonly column: OutColumn } | undefined => {
  const { cycle } = cte
  if (cycle === undefined) return undefined
  const [mark, otherwise] = [cycle.mark, cycle.otherwise].map((expr) => {
    const { constant, type } = c.expr(c, expr, newScope(undefined))
    const text = constant?.value ?? null
    if (constant === undefined || (kindOf(type) === "c" && (text as string).length !== 1)) {
      throw oraError(32045, "the cycle value must be a single character or a number", cycle.at)
    }
    return { text, type }
  })
  const column = newColumn(cte, cycle.set, mark!.type)
  return { column, values: { cycle: mark!.text, other: otherwise!.text } }
}

/** A row comes again when the columns that the recursive part tests have the values of an ancestor. */
const cycleColumns = (block: Block, cte: CommonTable): ReadonlyArray<number> => {
  const tests: Array<unknown> = [block.where]
  some(block.from, (node) => {
    if (node.kind === "join") tests.push(node["on"])
    return false
  }, false)
  return cte.columns.flatMap((name, i) =>
    some(
        tests,
        (node) => node.kind === "name" && (node["path"] as ReadonlyArray<string>).at(-1) === name,
        true
      )
      ? [i]
      : []
  )
}

/** Rows of the recursive part may be wider than those of the first. */
const general = (type: SqlType): SqlType =>
  kindOf(type) === "n" ? NUMBER : kindOf(type) === "c" ? { ...type, name: "VARCHAR2", size: 4000, chars: 0 } : type
