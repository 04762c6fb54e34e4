/** The parsed form of a statement. `at` is the offset of a node in the text. */

export type Expr =
  | { readonly kind: "number"; readonly text: string; readonly at: number }
  | { readonly kind: "string"; readonly value: string; readonly national: boolean; readonly at: number }
  | { readonly kind: "null"; readonly at: number }
  | { readonly kind: "boolean"; readonly value: boolean; readonly at: number }
  | { readonly kind: "datetime"; readonly form: "date" | "timestamp"; readonly text: string; readonly at: number }
  | {
    readonly kind: "interval"
    readonly text: string
    readonly from: string
    readonly to: string
    /** Digits of the leading field and of the second, where given. */
    readonly precision: number | undefined
    readonly fraction: number | undefined
    readonly at: number
  }
  | { readonly kind: "bind"; readonly index: number; readonly at: number }
  | {
    readonly kind: "name"
    readonly path: ReadonlyArray<string>
    readonly outer: boolean
    /** `t.doc.a[0].b`: what follows the names, as a part of a JSON path; and the names as they were written. */
    readonly steps?: string | undefined
    readonly written?: ReadonlyArray<string> | undefined
    readonly at: number
  }
  | { readonly kind: "star"; readonly path: ReadonlyArray<string>; readonly at: number }
  | { readonly kind: "unary"; readonly op: UnaryOp; readonly arg: Expr; readonly at: number }
  | { readonly kind: "binary"; readonly op: BinaryOp; readonly left: Expr; readonly right: Expr; readonly at: number }
  | {
    readonly kind: "between"
    readonly arg: Expr
    readonly low: Expr
    readonly high: Expr
    readonly not: boolean
    readonly at: number
  }
  | {
    readonly kind: "in"
    readonly arg: Expr
    readonly list: ReadonlyArray<Expr> | undefined
    readonly query: Query | undefined
    readonly not: boolean
    readonly at: number
  }
  | {
    readonly kind: "quantified"
    readonly op: BinaryOp
    readonly left: Expr
    readonly all: boolean
    readonly list: ReadonlyArray<Expr> | undefined
    readonly query: Query | undefined
    readonly at: number
  }
  | {
    readonly kind: "like"
    readonly arg: Expr
    readonly pattern: Expr
    readonly escape: Expr | undefined
    readonly not: boolean
    readonly at: number
  }
  | {
    readonly kind: "is"
    readonly arg: Expr
    readonly what: IsTest
    readonly not: boolean
    readonly json?: IsJson | undefined
    /** IS OF. */
    readonly types?: ReadonlyArray<{ readonly type: TypeSpec; readonly only: boolean }>
    readonly at: number
  }
  /** TREAT, and `(object AS supertype)` in front of a method. */
  | {
    readonly kind: "treat" | "upcast"
    readonly arg: Expr
    readonly type: TypeSpec
    readonly at: number
  }
  | { readonly kind: "exists"; readonly query: Query; readonly at: number }
  | {
    readonly kind: "case"
    readonly operand: Expr | undefined
    readonly whens: ReadonlyArray<readonly [Expr, Expr]>
    readonly otherwise: Expr | undefined
    readonly at: number
  }
  | {
    readonly kind: "cast"
    readonly arg: Expr
    readonly type: TypeSpec
    /** `DEFAULT value ON CONVERSION ERROR`. */
    readonly onConversionError?: Expr | undefined
    /** A format and NLS parameters. */
    readonly formats: ReadonlyArray<Expr>
    readonly at: number
  }
  | { readonly kind: "extract"; readonly field: string; readonly arg: Expr; readonly at: number }
  | {
    readonly kind: "atzone"
    readonly arg: Expr
    readonly zone: Expr | undefined
    readonly at: number
  }
  | { readonly kind: "tuple"; readonly items: ReadonlyArray<Expr>; readonly at: number }
  | { readonly kind: "subquery"; readonly query: Query; readonly at: number }
  | { readonly kind: "cursor"; readonly query: Query; readonly at: number }
  /** `f(1).name`: an attribute, a field or a method without parentheses. */
  | { readonly kind: "member"; readonly of: Expr; readonly name: string; readonly at: number }
  /** `t(1)(2)`: an element of what an expression gives; after a member, the arguments of a method. */
  | {
    readonly kind: "apply"
    readonly of: Expr
    readonly args: ReadonlyArray<Expr>
    readonly names: ReadonlyArray<string | undefined>
    readonly at: number
  }
  | { readonly kind: "multiset"; readonly query: Query; readonly type: TypeSpec; readonly at: number }
  /** MEMBER OF, SUBMULTISET OF, MULTISET UNION and the like. */
  | { readonly kind: "sets"; readonly op: SetOp; readonly left: Expr; readonly right: Expr; readonly at: number }
  | Call

type UnaryOp = "-" | "+" | "not" | "prior" | "connect_by_root"

export type BinaryOp = "+" | "-" | "*" | "/" | "**" | "||" | "=" | "<>" | "<" | "<=" | ">" | ">=" | "and" | "or"

export type IsTest = "null" | "nan" | "infinite" | "json" | "true" | "false" | "empty" | "set" | "of"

export type SetOp =
  | "member"
  | "submultiset"
  | "union"
  | "union distinct"
  | "intersect"
  | "intersect distinct"
  | "except"
  | "except distinct"

export interface Call {
  readonly kind: "call"
  readonly path: ReadonlyArray<string>
  readonly args: ReadonlyArray<Expr>
  /** Parameter names of `name => value`, by position in `args`. */
  readonly names: ReadonlyArray<string | undefined>
  readonly distinct: boolean
  readonly star: boolean
  readonly withinGroup: ReadonlyArray<OrderItem> | undefined
  /** `KEEP (DENSE_RANK FIRST|LAST ORDER BY …)`. */
  readonly keep: { readonly last: boolean; readonly order: ReadonlyArray<OrderItem> } | undefined
  readonly over: Window | undefined
  /** What cannot be written as an argument: the side of TRIM, RETURNING of JSON_VALUE, `IGNORE NULLS` … */
  readonly options: Readonly<Record<string, string>>
  /** `DEFAULT value ON CONVERSION ERROR`. */
  readonly onConversionError?: Expr | undefined
  /** The type of `VALIDATE_CONVERSION(value AS type)`. */
  readonly type?: TypeSpec | undefined
  /** The names of a long path as they were written. */
  readonly written?: ReadonlyArray<string> | undefined
  /** The clauses of a function of JSON. */
  readonly json?: JsonClauses | undefined
  /** False for a name without parentheses that PL/SQL calls as a procedure. */
  readonly parens: boolean
  readonly at: number
}

/** What stands for a result that there is not. */
export interface JsonHandler {
  readonly kind: "null" | "error" | "true" | "false" | "empty" | "empty array" | "empty object" | "default" | "absent"
  readonly value: Expr | undefined
}

/** One operation of JSON_TRANSFORM; its values are among the arguments of the call. */
export interface JsonOperation {
  readonly kind: "set" | "insert" | "replace" | "append" | "prepend" | "remove" | "keep" | "rename" | "create"
  readonly path: string
  /** The argument that it takes. */
  readonly arg: number | undefined
  readonly formatJson: boolean
  readonly name: string | undefined
  readonly onExisting: string | undefined
  readonly onMissing: string | undefined
  readonly onNull: string | undefined
}

export interface JsonClauses {
  readonly path: string | undefined
  /** Names of PASSING: their values are the last arguments. */
  readonly passing: ReadonlyArray<string>
  readonly returning: TypeSpec | undefined
  readonly onError: JsonHandler | undefined
  readonly onEmpty: JsonHandler | undefined
  readonly onNull: "null" | "absent" | undefined
  readonly wrapper: "without" | "conditional" | "unconditional" | undefined
  readonly scalars: boolean | undefined
  /** FORMAT JSON, by the place of an argument. */
  readonly formats: ReadonlySet<number>
  /** Names of the keys of `JSON_OBJECT(a, b)`, by the place of the value; those of `*` are undefined. */
  readonly keys: ReadonlyMap<number, string | undefined>
  readonly flags: ReadonlySet<string>
  readonly operations: ReadonlyArray<JsonOperation>
  /** `JSON_ARRAY(query)`. */
  readonly query: Query | undefined
}

export interface JsonColumn {
  readonly kind: "value" | "query" | "exists" | "ordinality" | "nested"
  readonly name: string
  readonly type: TypeSpec | undefined
  readonly path: string
  readonly clauses: Pick<JsonClauses, "onError" | "onEmpty" | "wrapper" | "scalars">
  readonly columns: ReadonlyArray<JsonColumn>
  readonly at: number
}

/** JSON_TABLE. */
export interface JsonTable {
  readonly kind: "jsonTable"
  readonly document: Expr
  readonly path: string
  readonly passing: ReadonlyArray<{ readonly name: string; readonly value: Expr }>
  readonly onError: JsonHandler | undefined
  readonly columns: ReadonlyArray<JsonColumn>
  readonly alias: string | undefined
  readonly at: number
}

export interface IsJson {
  readonly strict: boolean
  readonly uniqueKeys: boolean
  readonly shapes: ReadonlyArray<"value" | "array" | "object" | "scalar">
}

export interface Window {
  readonly partition: ReadonlyArray<Expr>
  readonly order: ReadonlyArray<OrderItem>
  readonly frame: WindowFrame | undefined
  /** The window of the WINDOW clause that it is, or that it adds to. */
  readonly name: string | undefined
}

export type FrameEdge =
  | { readonly kind: "unbounded" | "current" }
  | { readonly kind: "preceding" | "following"; readonly offset: Expr }

export interface WindowFrame {
  readonly unit: "rows" | "range" | "groups"
  readonly from: FrameEdge
  readonly to: FrameEdge
  readonly exclude: "current" | "group" | "ties" | undefined
}

export interface OrderItem {
  readonly expr: Expr
  readonly descending: boolean
  readonly nulls: "first" | "last" | undefined
}

export interface TypeSpec {
  readonly name: string
  readonly args: ReadonlyArray<number | undefined>
  readonly unit: "CHAR" | "BYTE" | undefined
  /** `table.column%TYPE` or `table%ROWTYPE`. */
  readonly anchor: { readonly path: ReadonlyArray<string>; readonly row: boolean } | undefined
  readonly vectorFormat: string | undefined
  readonly at: number
}

export interface SelectItem {
  readonly expr: Expr
  readonly alias: string | undefined
  /** The text of the expression: what names a column without an alias. */
  readonly text: string
}

/** A partition by its name, or as the one that takes a key. */
export type PartitionName =
  | { readonly kind: "name"; readonly name: string; readonly at: number }
  | { readonly kind: "for"; readonly key: ReadonlyArray<Expr>; readonly at: number }

export type FromItem =
  | {
    readonly kind: "table"
    readonly path: ReadonlyArray<string>
    readonly alias: string | undefined
    readonly link: string | undefined
    readonly partition?: PartitionName | undefined
    /** SAMPLE: the percentage of the rows, and what makes the choice the same each time. */
    readonly sample?: { readonly percent: number; readonly seed: number | undefined; readonly at: number } | undefined
    readonly at: number
  }
  | {
    readonly kind: "derived"
    readonly query: Query
    readonly alias: string | undefined
    readonly lateral: boolean
    readonly at: number
  }
  | {
    readonly kind: "join"
    readonly type: "inner" | "left" | "right" | "full" | "cross"
    readonly natural: boolean
    readonly left: FromItem
    readonly right: FromItem
    readonly on: Expr | undefined
    readonly using: ReadonlyArray<string> | undefined
    readonly at: number
  }
  | {
    readonly kind: "function"
    readonly call: Expr
    readonly alias: string | undefined
    readonly at: number
  }
  | Pivot
  | Unpivot
  | JsonTable
  | {
    readonly kind: "values"
    readonly rows: ReadonlyArray<ReadonlyArray<Expr>>
    readonly alias: string | undefined
    readonly names: ReadonlyArray<string>
    readonly at: number
  }

/** PIVOT: values of columns become columns of their own. */
export interface Pivot {
  readonly kind: "pivot"
  readonly source: FromItem
  readonly aggregates: ReadonlyArray<{ readonly call: Expr; readonly alias: string | undefined }>
  readonly columns: ReadonlyArray<string>
  readonly values: ReadonlyArray<{
    readonly items: ReadonlyArray<Expr>
    readonly alias: string | undefined
    /** What names the columns without an alias. */
    readonly text: string
  }>
  readonly alias: string | undefined
  readonly at: number
}

/** UNPIVOT: columns become rows. */
export interface Unpivot {
  readonly kind: "unpivot"
  readonly source: FromItem
  readonly includeNulls: boolean
  readonly values: ReadonlyArray<string>
  readonly names: ReadonlyArray<string>
  readonly sets: ReadonlyArray<{
    readonly columns: ReadonlyArray<string>
    readonly labels: ReadonlyArray<Expr> | undefined
  }>
  readonly alias: string | undefined
  readonly at: number
}

export interface Block {
  readonly kind: "block"
  readonly distinct: boolean
  readonly items: ReadonlyArray<SelectItem>
  readonly from: ReadonlyArray<FromItem>
  readonly where: Expr | undefined
  readonly startWith: Expr | undefined
  readonly connectBy: Expr | undefined
  readonly nocycle: boolean
  readonly groupBy: ReadonlyArray<Expr>
  /** ROLLUP, CUBE and GROUPING SETS: which of `groupBy` each set groups by. */
  readonly groupingSets: ReadonlyArray<ReadonlyArray<number>> | undefined
  readonly having: Expr | undefined
  /** The WINDOW clause. */
  readonly windows: ReadonlyArray<{ readonly name: string; readonly window: Window }>
  readonly into: ReadonlyArray<Expr> | undefined
  readonly bulkInto: boolean
  readonly at: number
}

export interface SetOperation {
  readonly kind: "set"
  readonly op: "union" | "union all" | "minus" | "intersect" | "minus all" | "intersect all"
  readonly left: QueryBody
  readonly right: QueryBody
  readonly at: number
}

/** A query in parentheses within a set operation may have its own ORDER BY and row limit. */
export type QueryBody = Block | SetOperation | { readonly kind: "nested"; readonly query: Query; readonly at: number }

/** SEARCH: in which order the rows of a recursion come, and the column that counts them. */
export interface SearchClause {
  readonly depthFirst: boolean
  readonly by: ReadonlyArray<
    { readonly name: string; readonly descending: boolean; readonly nulls: OrderItem["nulls"] }
  >
  readonly set: string
  readonly at: number
}

/** CYCLE: which columns tell that a row comes again, and the column that marks it. */
export interface CycleClause {
  readonly columns: ReadonlyArray<string>
  readonly set: string
  readonly mark: Expr
  readonly otherwise: Expr
  readonly at: number
}

export interface CommonTable {
  readonly name: string
  readonly columns: ReadonlyArray<string>
  readonly query: Query
  readonly search: SearchClause | undefined
  readonly cycle: CycleClause | undefined
  readonly at: number
}

export interface ForUpdate {
  readonly of: ReadonlyArray<Expr>
  /** Seconds; undefined waits without a limit, 0 is NOWAIT. */
  readonly wait: number | undefined
  readonly skipLocked: boolean
}

export interface Query {
  readonly ctes: ReadonlyArray<CommonTable>
  readonly body: QueryBody
  readonly orderBy: ReadonlyArray<OrderItem>
  readonly siblings: boolean
  readonly offset: Expr | undefined
  readonly fetch: { readonly count: Expr | undefined; readonly percent: boolean; readonly ties: boolean } | undefined
  readonly forUpdate: ForUpdate | undefined
  readonly at: number
}
