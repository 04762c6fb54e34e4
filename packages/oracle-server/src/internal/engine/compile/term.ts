/** What compiling an expression gives, and the scopes in which its names are looked up. */
import type { Table } from "../catalog/catalog.ts"
import type { Eval } from "../execute/frame.ts"
import type { AggregateSpec } from "../execute/grouping.ts"
import { pseudo } from "../execute/hierarchy.ts"
import type { WindowSpec } from "../execute/windows.ts"
import type { Window } from "../syntax/ast.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { keyOf } from "../values/order.ts"
import { kindOf } from "../values/sqlType.ts"

export interface Term {
  readonly eval: Eval
  readonly type: SqlType
  readonly nullable: boolean
  /** Two terms with the same key have the same value for the same row. */
  readonly key: string
  /** Slots of the rows it reads. */
  readonly uses: ReadonlySet<number>
  /** It may have to stop half-way: it holds a subquery or a call of PL/SQL. */
  readonly heavy: boolean
  /** A literal's text. */
  readonly literal?: string
  /** A value that is known already. */
  readonly constant?: { readonly value: Stored }
  /** A condition rather than a value. */
  readonly condition?: boolean
  /** Text that is JSON: it becomes a part of other JSON without quotes. */
  readonly isJson?: boolean
  /** A value in a row, unchanged. */
  readonly column?: { readonly slot: number; readonly place: number }
  /** The ROWID of this table's row. */
  readonly rowidOf?: { readonly table: Table; readonly slot: number } | undefined
  /** A comparison that an index or a hash table may answer. */
  readonly test?: Test
  /** `(object AS supertype)`: methods are those of that type. */
  readonly exactly?: boolean
  /** The parts of an AND. */
  readonly parts?: ReadonlyArray<Term>
}

export interface Test {
  readonly op: "=" | "<" | "<=" | ">" | ">=" | "in"
  readonly left: Term
  /** One, or the values of an IN list. */
  readonly right: ReadonlyArray<Term>
  /** CHAR with CHAR: blanks at the end do not count. */
  readonly padded: boolean
}

export interface SourceColumn {
  readonly name: string
  readonly term: Term
  /** Not among the columns that `*` stands for. */
  readonly hidden?: boolean
}

/** One item of FROM as names see it. */
export interface Source {
  /** The alias, or the table's name. */
  readonly alias: string | undefined
  readonly owner: string | undefined
  readonly slot: number
  readonly columns: ReadonlyArray<SourceColumn>
  readonly table: Table | undefined
  /** Columns that a later USING or NATURAL join merged: unqualified names take the first. */
  readonly merged: Set<string>
  /** Columns by which a join was made: they stand for both sides and take no qualifier. */
  readonly shared: Map<string, "using" | "natural">
}

/**
 * Where one evaluation begins and ends: heavy parts of it keep their results until it is complete, because a suspension
 * makes it begin again.
 */
export interface Site {
  readonly place: number
  heavy: boolean
}

export interface GroupScope {
  readonly slot: number
  /** Keys of the GROUP BY expressions. */
  readonly keys: ReadonlyArray<string>
  readonly terms: ReadonlyArray<Term>
  readonly specs: Array<AggregateSpec>
  /** Keys of the aggregates, to compute each once. */
  readonly known: Map<string, Term>
  /** What their arguments read. */
  readonly uses: Array<ReadonlySet<number>>
  /** Where the arguments are evaluated. */
  readonly site: Site
  /** The sets of ROLLUP, CUBE and GROUPING SETS. */
  readonly sets: ReadonlyArray<ReadonlySet<number>> | undefined
}

export interface WindowScope {
  readonly slot: number
  readonly specs: Array<WindowSpec>
  readonly partition: Array<ReadonlyArray<Term>>
  readonly order: Array<ReadonlyArray<Term>>
  readonly args: Array<ReadonlyArray<Term>>
  readonly site: Site
  /** The WINDOW clause. */
  readonly named: ReadonlyArray<{ readonly name: string; readonly window: Window }>
}

export interface Scope {
  readonly sources: Array<Source>
  readonly parent: Scope | undefined
  /** Set while what stands after grouping is compiled. */
  group: GroupScope | undefined
  /** Inside the argument of an aggregate. */
  inAggregate: boolean
  /** In the select list, HAVING and ORDER BY. */
  aggregatesAllowed: boolean
  windows: WindowScope | undefined
  /** Slot of ROWNUM: given when the name is met. */
  rownum: { slot: number | undefined } | undefined
  /** LEVEL, CONNECT_BY_ISLEAF … of a hierarchy. */
  hierarchy: HierarchyScope | undefined
  prior: Scope | undefined
  /** NEXTVAL may stand here. */
  sequences: boolean
}

export interface HierarchyScope {
  readonly slot: number
  readonly rownum: number
  readonly root: Scope
  readonly paths: Array<{ readonly key: string; readonly term: Term }>
  /** In CONNECT BY and START WITH, where only LEVEL and ROWNUM are known. */
  inside: boolean
}

/** SYS_CONNECT_BY_PATH: the text of one step; the joined ones stand beside LEVEL. */
export const pathPlace = (scope: HierarchyScope, term: Term): number => {
  const known = scope.paths.findIndex((path) => path.key === term.key)
  if (known >= 0) return pseudo.path + known
  scope.paths.push({ key: term.key, term })
  return pseudo.path + scope.paths.length - 1
}

export const newScope = (parent: Scope | undefined): Scope => ({
  sources: [],
  parent,
  group: undefined,
  inAggregate: false,
  aggregatesAllowed: false,
  windows: undefined,
  rownum: undefined,
  hierarchy: undefined,
  prior: undefined,
  sequences: false
})

export interface OutColumn {
  readonly name: string
  readonly type: SqlType
  readonly nullable: boolean
  readonly isJson: boolean
  /** The column of a table that stands here unchanged. */
  readonly origin?: { readonly source: Source; readonly column: string } | undefined
}

export const noSlots: ReadonlySet<number> = new Set()

export const union = (terms: ReadonlyArray<{ readonly uses: ReadonlySet<number> }>): ReadonlySet<number> => {
  let all = noSlots
  for (const { uses } of terms) {
    if (uses.size === 0 || uses === all) continue
    if (all.size === 0) all = uses
    else {
      const joined = new Set(all)
      for (const slot of uses) joined.add(slot)
      all = joined
    }
  }
  return all
}

export const constant = (value: Stored, type: SqlType, literal?: string): Term => ({
  eval: () => value,
  type,
  nullable: value === null,
  key: `'${type.name}:${
    value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(keyOf(kindOf(type), value))
  }'`,
  uses: noSlots,
  heavy: false,
  constant: { value },
  ...(literal === undefined ? {} : { literal })
})

export const columnTerm = (slot: number, place: number, type: SqlType, nullable: boolean): Term => ({
  eval: (f) => f.rows[slot]![place]!,
  type,
  nullable,
  key: `c${slot}.${place}`,
  uses: new Set([slot]),
  heavy: false,
  column: { slot, place }
})

/** A term made of others. */
export const derived = (
  parts: ReadonlyArray<Term>,
  name: string,
  type: SqlType,
  nullable: boolean,
  evaluate: Eval,
  rest: Partial<Term> = {}
): Term => ({
  eval: evaluate,
  type,
  nullable,
  key: `${name}(${parts.map((part) => part.key).join(",")})`,
  uses: union(parts),
  heavy: parts.some((part) => part.heavy),
  ...rest
})
