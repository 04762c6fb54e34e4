/**
 * Statements of `effect/sql` as Oracle's SQL.
 *
 * The compiler of `effect/sql` numbers placeholders as it goes. Here a statement is first put together from pieces of text and
 * binds, because Oracle wants some of them elsewhere: RETURNING comes last, an UPDATE from values is a MERGE. The numbers are given at
 * the end; they follow the places in the text, by which the driver binds.
 */
import * as Statement from "effect/sql/Statement"
import { quote, toDatabase } from "./sqlNames.ts"
import { BatchParameter } from "./sqlParameter.ts"

/** A value in its place; in an insert that runs once a row, its column. */
interface Bind {
  readonly value: unknown
  readonly column?: number
}

/** Text of `sql.unsafe` with placeholders of its own. */
interface Raw {
  readonly raw: string
  readonly params: ReadonlyArray<unknown>
}

type Piece = string | Bind | Raw

export interface CompilerOptions {
  readonly transform: ((name: string) => string) | undefined
  readonly multiRowValues: boolean
}

/** What `effect/sql` calls a dialect has no Oracle; this is the one place that says otherwise. */
const dialect = "oracle" as Statement.Dialect

type Compiled = readonly [sql: string, params: ReadonlyArray<unknown>]

type Returning = string | Statement.Fragment | undefined

/** What `.returning(…)` was given. `effect/sql` keeps it out of its types: only its own compiler is meant to read it. */
const returningIn = (helper: object): Returning => Reflect.get(helper, "returningIdentifier") as Returning

/** What IN takes as a list; a longer list is a subquery. */
const longestList = 1000

/** What can stand in a select list of a bind without being a LONG. */
const longestBind = 4000

const joined = (parts: ReadonlyArray<ReadonlyArray<Piece>>, separator: string): Array<Piece> =>
  parts.flatMap((part, index) => index === 0 ? part : [separator, ...part])

const kindOf = (value: unknown): string =>
  Statement.isFragment(value) ? "fragment" : typeof value === "bigint" ? "number" : Statement.primitiveKind(value)

const isLong = (value: unknown): boolean =>
  typeof value === "string"
    ? Buffer.byteLength(value) > longestBind
    : value instanceof Uint8Array && value.length > longestBind

/** Whether a statement itself spells out RETURNING. */
const returns = (segment: Statement.Segment): boolean =>
  segment._tag === "Literal" && /\breturning\b/i.test(segment.value)

/** What has been written of a statement, and what is still owed at its end. */
class Draft {
  pieces: Array<Piece> = []
  returning: Array<Piece> | undefined = undefined
  batch: ReadonlyArray<ReadonlyArray<unknown>> | undefined = undefined
  /** Closes a MERGE over what follows its source. */
  merge: { readonly from: number; readonly sets: ReadonlyArray<Piece> } | undefined = undefined
}

const isNothing = (value: unknown): boolean => value === null || value === undefined

export class OracleCompiler implements Statement.Compiler {
  readonly dialect = dialect
  readonly #options: CompilerOptions
  readonly #compiled = new WeakMap<Statement.Fragment, Compiled>()
  readonly #compiledPlain = new WeakMap<Statement.Fragment, Compiled>()
  #plain: this | undefined = undefined

  constructor(options: CompilerOptions) {
    this.#options = options
  }

  get withoutTransform(): this {
    // Not a subclass of its own: this class is never extended.
    this.#plain ??= new OracleCompiler({ ...this.#options, transform: undefined }) as this
    return this.#plain
  }

  readonly compile = (statement: Statement.Fragment, withoutTransform: boolean): Compiled => {
    const cache = withoutTransform ? this.#compiledPlain : this.#compiled
    const known = cache.get(statement)
    if (known !== undefined) return known
    const draft = new Draft()
    this.#write(draft, statement.segments, withoutTransform)
    const compiled = finish(draft)
    cache.set(statement, compiled)
    return compiled
  }

  #name(name: string, plain: boolean): string {
    const { transform } = this.#options
    const named = plain || transform === undefined ? name : transform(name)
    return quote(named.split(".").map(toDatabase).join("."))
  }

  #write(draft: Draft, segments: ReadonlyArray<Statement.Segment>, plain: boolean): void {
    for (const [index, segment] of segments.entries()) {
      switch (segment._tag) {
        case "Literal": {
          const { params, value } = segment
          draft.pieces.push(params === undefined || params.length === 0 ? value : { raw: value, params })
          break
        }
        case "Identifier": {
          draft.pieces.push(this.#name(segment.value, plain))
          break
        }
        case "Parameter": {
          draft.pieces.push({ value: segment.value })
          break
        }
        case "ArrayHelper": {
          draft.pieces.push(...this.#list(draft, segment.value, plain))
          break
        }
        case "RecordInsertHelper": {
          this.#insert(draft, segment, plain, segments.slice(index + 1).some(returns))
          break
        }
        case "RecordUpdateHelperSingle": {
          const keys = Object.keys(segment.value).filter((key) => !segment.omit.includes(key))
          const sets = keys.map((key) => [`${this.#name(key, plain)} = `, ...this.#value(segment.value[key], plain)])
          draft.pieces.push(...joined(sets, ", "))
          this.#returning(draft, returningIn(segment), plain)
          break
        }
        case "RecordUpdateHelper": {
          this.#updateValues(draft, segment, plain)
          break
        }
        case "Custom": {
          draft.pieces.push({ value: segment.paramA })
          break
        }
      }
    }
  }

  /** A value in the place of an expression; a fragment is the expression itself. */
  #value(value: unknown, plain: boolean): Array<Piece> {
    if (!Statement.isFragment(value)) return [{ value }]
    const inner = new Draft()
    this.#write(inner, value.segments, plain)
    return inner.pieces
  }

  #list(draft: Draft, values: ReadonlyArray<unknown>, plain: boolean): Array<Piece> {
    const afterIn = endsWithIn(draft.pieces)
    if (values.length === 0) return [afterIn ? "(select null from dual where 1=0)" : "()"]
    const written = values.map((value) => this.#value(value, plain))
    if (afterIn && values.length > longestList) {
      return ["(", ...joined(written.map((value) => ["select ", ...value, " from dual"]), " union all "), ")"]
    }
    return ["(", ...joined(written, ","), ")"]
  }

  #returning(draft: Draft, identifier: Returning, plain: boolean): void {
    if (identifier === undefined) return
    draft.returning = typeof identifier === "string" ? [identifier] : this.#value(identifier, plain)
  }

  #insert(draft: Draft, helper: Statement.RecordInsertHelper, plain: boolean, isReturningLater: boolean): void {
    const keys = Object.keys(helper.value[0])
    const rows = helper.value.map((record) => keys.map((key) => record[key]))
    const single = (row: ReadonlyArray<unknown>) => joined(row.map((value) => this.#value(value, plain)), ",")
    this.#returning(draft, returningIn(helper), plain)
    const givesRows = isReturningLater || draft.returning !== undefined
    draft.pieces.push(`(${keys.map((key) => this.#name(key, plain)).join(",")}) `)
    if (rows.length === 1) {
      draft.pieces.push("VALUES (", ...single(rows[0]!), ")")
    } else if (!givesRows && this.#options.multiRowValues) {
      draft.pieces.push("VALUES ", ...joined(rows.map((row) => ["(", ...single(row), ")"]), ","))
    } else if (!givesRows && canUnite(rows)) {
      draft.pieces.push(...this.#union(rows, plain, () => ""))
    } else {
      draft.batch = rows.map((row) => row.map((value) => this.#constant(value, plain)))
      draft.pieces.push("VALUES (", ...joined(keys.map((_, column) => [{ value: undefined, column }]), ","), ")")
    }
  }

  /** What a row of a batch can hold: values, also described ones, but no SQL. */
  #constant(value: unknown, plain: boolean): unknown {
    const [first, ...rest] = this.#value(value, plain)
    if (first === undefined || typeof first === "string" || "raw" in first || rest.length > 0) {
      throw new Error(
        "An insert of several rows that are sent as a batch takes values only: insert rows with SQL expressions one by one."
      )
    }
    return first.value
  }

  /** Rows as a query. A null is written out: bound, it would be text, which the other rows may not be. */
  #union(
    rows: ReadonlyArray<ReadonlyArray<unknown>>,
    plain: boolean,
    alias: (column: number) => string
  ): Array<Piece> {
    return joined(
      rows.map((row, index) => {
        const values = row.map((value, column): Array<Piece> => [
          ...(isNothing(value) ? ["NULL"] : this.#value(value, plain)),
          index === 0 ? alias(column) : ""
        ])
        return ["SELECT ", ...joined(values, ","), " FROM DUAL"]
      }),
      " UNION ALL "
    )
  }

  #updateValues(draft: Draft, helper: Statement.RecordUpdateHelper, plain: boolean): void {
    const keys = Object.keys(helper.value[0])
    const rows = helper.value.map((record) => keys.map((key) => record[key]))
    const columns = keys.map((key) => this.#name(key, plain))
    const source: Array<Piece> = [
      "(",
      ...this.#union(rows, plain, (column) => ` AS ${columns[column]}`),
      `) ${quote(toDatabase(helper.alias))}`
    ]
    this.#returning(draft, returningIn(helper), plain)
    const update = updateFrom(draft.pieces)
    if (update === undefined) {
      draft.pieces.push(...source)
    } else {
      draft.pieces = [`MERGE INTO ${update.target} USING `, ...source]
      draft.merge = { from: draft.pieces.length, sets: update.sets }
    }
  }
}

/** Whether the rows can be one query: every column of one kind, and nothing that only an insert can take. */
const canUnite = (rows: ReadonlyArray<ReadonlyArray<unknown>>): boolean =>
  rows[0]!.every((_, column) => {
    const values = rows.map((row) => row[column]).filter((value) => !isNothing(value))
    return new Set(values.map(kindOf)).size <= 1 && !values.some(isLong)
  })

const endsWithIn = (pieces: ReadonlyArray<Piece>): boolean => {
  const last = pieces.at(-1)
  return typeof last === "string" && /\bin\s*$/i.test(last) && !/--[^\n]*$/.test(last)
}

const text = (pieces: ReadonlyArray<Piece>): string =>
  pieces.map((piece) => typeof piece === "string" ? piece : "raw" in piece ? piece.raw : "\0").join("")

/** `UPDATE target SET … FROM`, taken apart. */
const updateFrom = (
  pieces: ReadonlyArray<Piece>
): { readonly target: string; readonly sets: ReadonlyArray<Piece> } | undefined => {
  const match = /^\s*update\s+([^\0]+?)\s+set\s+([\s\S]+?)\s+from\s*$/i.exec(text(pieces))
  if (match === null) return undefined
  const binds = pieces.filter((piece) => typeof piece !== "string" && !("raw" in piece))
  const sets = match[2]!.split("\0").flatMap((part, index): Array<Piece> =>
    index === 0 ? [part] : [binds[index - 1]!, part]
  )
  return { target: match[1]!, sets }
}

const closeMerge = (draft: Draft): Array<Piece> => {
  const { merge, pieces } = draft
  if (merge === undefined) return pieces
  const head = pieces.slice(0, merge.from)
  const [first, ...rest] = pieces.slice(merge.from)
  const where = typeof first === "string" ? /^\s*where\s+/i.exec(first) : null
  const condition: Array<Piece> = first === undefined
    ? ["1 = 1"]
    : where !== null && typeof first === "string"
    ? [first.slice(where[0].length), ...rest]
    : ["1 = 1", first, ...rest]
  // A RETURNING that the statement spells out itself stays at its end.
  const last = condition.at(-1)!
  const own = typeof last === "string" ? /\s+returning\s+[\s\S]*$/i.exec(last) : null
  if (own !== null && typeof last === "string") condition[condition.length - 1] = last.slice(0, own.index)
  return [...head, " ON (", ...condition, ") WHEN MATCHED THEN UPDATE SET ", ...merge.sets, own?.[0] ?? ""]
}

const finish = (draft: Draft): Compiled => {
  const pieces = [...closeMerge(draft), ...(draft.returning === undefined ? [] : [" RETURNING ", ...draft.returning])]
  const binds: Array<Bind> = []
  let sql = ""
  for (const piece of pieces) {
    if (typeof piece === "string") sql += piece
    else if ("raw" in piece) {
      sql += piece.raw
      for (const value of piece.params) binds.push({ value })
    } else sql += `:${binds.push(piece)}`
  }
  const { batch } = draft
  if (batch === undefined) return [sql, binds.map(({ value }) => value)]
  const rows = batch.map((row) => binds.map(({ column, value }) => column === undefined ? value : row[column]))
  return [sql, [new BatchParameter(rows)]]
}
