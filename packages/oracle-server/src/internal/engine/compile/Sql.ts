/** What compiling gives: text for the store with a static type, and the scopes in which names are looked up. */
import type { Table } from "../Catalog.ts"
import type { SqlType } from "../SqlType.ts"

export interface Sql {
  readonly sql: string
  readonly type: SqlType
  readonly nullable: boolean
  /** The row number behind a ROWID of this table. */
  readonly rowidOf?: { readonly table: Table; readonly sql: string } | undefined
  /** A literal's text. */
  readonly literal?: string
  /** A condition rather than a value. */
  readonly condition?: boolean
}

export interface SourceColumn {
  readonly name: string
  readonly sql: string
  readonly type: SqlType
  readonly nullable: boolean
  readonly rowidOf?: Sql["rowidOf"]
}

/** One item of FROM as names see it. */
export interface Source {
  /** The alias, or the table's name. */
  readonly alias: string | undefined
  readonly owner: string | undefined
  /** Its name in the store's text. */
  readonly sqlAlias: string
  readonly columns: ReadonlyArray<SourceColumn>
  readonly table: Table | undefined
  /** Columns that a later USING or NATURAL join merged: unqualified names take the first. */
  readonly merged: Set<string>
}

export interface Scope {
  readonly sources: Array<Source>
  readonly parent: Scope | undefined
  /** Texts of the GROUP BY expressions; set while what stands after grouping is compiled. */
  groups: ReadonlyArray<string> | undefined
  /** Inside the argument of an aggregate. */
  inAggregate: boolean
  /** In the select list, HAVING and ORDER BY. */
  aggregatesAllowed: boolean
  /** How many aggregates were seen: tells whether a block without GROUP BY has one row. */
  aggregates: number
  windows: number
  /** Text of ROWNUM, LEVEL and the row of PRIOR where they exist. */
  rownum: string | undefined
  rownumUsed: boolean
  level: string | undefined
  prior: Scope | undefined
  /** Set when the block's rows were numbered in a subquery: columns are taken from there. */
  wrap: { readonly alias: string; readonly names: Map<string, string> } | undefined
  /** Why NEXTVAL may not stand here; undefined where it may. */
  sequences: boolean
  hierarchy: { readonly root: string; readonly isLeaf: string } | undefined
}

export const newScope = (parent: Scope | undefined): Scope => ({
  sources: [],
  parent,
  groups: undefined,
  inAggregate: false,
  aggregatesAllowed: false,
  aggregates: 0,
  windows: 0,
  rownum: undefined,
  rownumUsed: false,
  level: undefined,
  prior: undefined,
  wrap: undefined,
  sequences: false,
  hierarchy: undefined
})

export interface OutColumn {
  readonly name: string
  readonly type: SqlType
  readonly nullable: boolean
  readonly isJson: boolean
  /** The column of a table that stands here unchanged. */
  readonly origin?: { readonly source: Source; readonly column: string } | undefined
}

export interface CompiledQuery {
  readonly sql: string
  readonly columns: ReadonlyArray<OutColumn>
}

/** Text and parts for the store's grammar. */
export const quoteText = (text: string): string =>
  text.includes("\0") || text.includes("\u0001")
    ? `CAST(x'${Buffer.from(text).toString("hex")}' AS TEXT)`
    : `'${text.replaceAll("'", "''")}'`

export const blob = (bytes: Uint8Array): string => `x'${Buffer.from(bytes).toString("hex")}'`
