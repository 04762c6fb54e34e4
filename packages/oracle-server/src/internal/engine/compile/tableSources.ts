/** Tables in FROM: their columns, virtual ones and ROWID among them. */
import type { Table } from "../catalog/catalog.ts"
import { formatRowid } from "../values/rowid.ts"
import { BOOLEAN, ROWID } from "../values/sqlType.ts"
import type { Compilation } from "./compilation.ts"
import { choose } from "./logic.ts"
import { convertTo } from "./operators.ts"
import { type Leaf, type Relation, tableScan } from "./relations.ts"
import {
  columnTerm,
  constant,
  derived,
  newScope,
  noSlots,
  type OutColumn,
  type Source,
  type SourceColumn
} from "./term.ts"

export const source = (
  alias: string | undefined,
  slot: number,
  columns: ReadonlyArray<SourceColumn>,
  owner?: string,
  table?: Table
): Source => ({ alias, owner, slot, columns, table, merged: new Set(), shared: new Map() })

export const outColumns = (
  slot: number,
  columns: ReadonlyArray<OutColumn>,
  names: ReadonlyArray<string> = []
): ReadonlyArray<SourceColumn> =>
  columns.map((column, i) => ({
    name: names[i] ?? column.name,
    // As the server describes them.
    term: columnTerm(slot, i, column.type, true)
  }))

/** The columns of a table as names see them, with the row in a slot. */
const tableColumns = (c: Compilation, table: Table, slot: number): ReadonlyArray<SourceColumn> => {
  const stored = table.columns.filter((column) => column.virtual === undefined).map((column): SourceColumn => ({
    name: column.name,
    term: columnTerm(slot, column.place, column.type, column.nullable),
    ...(column.invisible ? { hidden: true } : {})
  }))
  const columns: Array<SourceColumn> = stored.length === table.columns.length
    ? stored
    : virtualColumns(c, table, slot, stored)
  const { id } = table
  columns.push({
    name: "ROWID",
    hidden: true,
    term: {
      eval: (f) => {
        const row = f.rows[slot]![0]!
        return row === null ? null : formatRowid(id, row as number)
      },
      type: ROWID,
      nullable: false,
      key: `rowid${slot}`,
      uses: new Set([slot]),
      heavy: false,
      rowidOf: { table, slot }
    }
  })
  return columns
}

const virtualColumns = (
  c: Compilation,
  table: Table,
  slot: number,
  stored: ReadonlyArray<SourceColumn>
): Array<SourceColumn> => {
  const scope = newScope(undefined)
  scope.sources.push(source(undefined, slot, stored))
  return table.columns.map((column): SourceColumn => {
    if (column.virtual === undefined) return stored.find((candidate) => candidate.name === column.name)!
    const term = convertTo(c.expr(c, column.virtual, scope), column.type, 0)
    // With no row there is no value, whatever the expression makes of nulls.
    const isRow = columnTerm(slot, 0, ROWID, true)
    const present = derived([isRow], "present", BOOLEAN, false, (f) => isRow.eval(f) === null ? 0 : 1)
    return {
      name: column.name,
      term: { ...choose([present], [term], constant(null, column.type), column.type), key: term.key }
    }
  })
}

export const tableSource = (
  c: Compilation,
  table: Table,
  alias: string | undefined
): { readonly relation: Leaf; readonly source: Source } => {
  c.tables.add(table)
  const slot = c.slot()
  return {
    relation: {
      kind: "leaf",
      slot,
      width: table.nextPlace,
      table,
      free: noSlots,
      scan: tableScan(slot, table)
    },
    source: source(
      alias ?? table.name,
      slot,
      tableColumns(c, table, slot),
      alias === undefined ? table.owner : undefined,
      table
    )
  }
}

export interface CompiledItem {
  readonly relation: Relation
  readonly sources: ReadonlyArray<Source>
}
