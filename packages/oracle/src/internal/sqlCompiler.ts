/**
 * Statements of `effect/sql` as Oracle's SQL.
 *
 * The compiler of `effect/sql` numbers placeholders as it goes. Here a statement is first put together from pieces of text and
 * binds, because Oracle wants some of them elsewhere: RETURNING comes last, an UPDATE from values is a MERGE. The numbers are given at
 * the end. What cannot be written is a `StatementError`.
 */
import * as Statement from "effect/sql/Statement"
import { alikeRows, type Batch, batchFrom, batchOf, columnsOf, insertOf, plainRows, united } from "./sqlInsert.ts"
import { endsWithIn, longList } from "./sqlLists.ts"
import { mergeRest, type Update, updateFrom } from "./sqlMerge.ts"
import { quote, toDatabase } from "./sqlNames.ts"
import { type Abilities, BatchParameter } from "./sqlParameter.ts"
import { append, joined, numbered, type Piece } from "./sqlPieces.ts"
import { significant, wordOf } from "./sqlTokens.ts"
import { StatementError } from "./statementError.ts"

interface CompilerOptions extends Pick<Abilities, "multiRowValues" | "longestList"> {
  readonly transform: ((name: string) => string) | undefined
}

/** What `effect/sql` calls a dialect has no Oracle; this is the one place that says otherwise. */
const dialect = "oracle" as Statement.Dialect

type Compiled = readonly [sql: string, params: ReadonlyArray<unknown>]

type Returning = string | Statement.Fragment | undefined

/** What `.returning(…)` was given. `effect/sql` keeps it out of its types: only its own compiler is meant to read it. */
const returningIn = (helper: object): Returning => Reflect.get(helper, "returningIdentifier") as Returning

/** Whether a statement itself spells out RETURNING. */
const returns = (segment: Statement.Segment): boolean =>
  segment._tag === "Literal" && significant(segment.value).some((token) => wordOf(token) === "RETURNING")

/** What has been written of a statement, and what is still owed at its end. */
class Draft {
  pieces: Array<Piece> = []
  returning: ReadonlyArray<Piece> | undefined = undefined
  /** Rows that are bound one after another, and where they stand. */
  batch: (Batch & { readonly at: number }) | undefined = undefined
  /** Closes a MERGE over what follows its source. */
  merge: { readonly from: number; readonly sets: Update["sets"] } | undefined = undefined
}

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

  /** A name of the program as an identifier; throws where it can be none. */
  identifier(name: string): string {
    return this.#name(name, false)
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
          this.#list(draft, segment.value, plain)
          break
        }
        case "RecordInsertHelper": {
          this.#insert(draft, segment, plain, segments.slice(index + 1).some(returns))
          break
        }
        case "RecordUpdateHelperSingle": {
          const keys = Object.keys(segment.value).filter((key) => !segment.omit.includes(key))
          if (keys.length === 0) throw new StatementError("sql.update was given no columns: there is nothing to set")
          const sets = keys.map((key) => [`${this.#name(key, plain)} = `, ...this.#value(segment.value[key], plain)])
          append(draft.pieces, joined(sets, ", "))
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
  #value(value: unknown, plain: boolean): ReadonlyArray<Piece> {
    if (!Statement.isFragment(value)) return [{ value }]
    const inner = new Draft()
    this.#write(inner, value.segments, plain)
    return inner.pieces
  }

  #list(draft: Draft, values: ReadonlyArray<unknown>, plain: boolean): void {
    const afterIn = endsWithIn(draft.pieces)
    if (values.length === 0) {
      draft.pieces.push(afterIn ? "(select null from dual where 1=0)" : "()")
      return
    }
    const written = values.map((value) => this.#value(value, plain))
    const { longestList } = this.#options
    if (afterIn && values.length > longestList) draft.pieces = longList(draft.pieces, written, longestList)
    else append(draft.pieces, ["(", ...joined(written, ","), ")"])
  }

  #returning(draft: Draft, identifier: Returning, plain: boolean): void {
    if (identifier === undefined) return
    draft.returning = typeof identifier === "string" ? [identifier] : this.#value(identifier, plain)
  }

  /** A column that a record does not name gets its default; one that it names as `undefined` is null. */
  #insert(draft: Draft, helper: Statement.RecordInsertHelper, plain: boolean, isReturningLater: boolean): void {
    const isLarge = helper.value.length >= batchFrom
    const alike = isLarge ? alikeRows(helper.value) : undefined
    const keys = alike?.keys ?? columnsOf(helper.value, "sql.insert")
    const columns = keys.map((key) => this.#name(key, plain))
    const values = isLarge ? alike?.rows ?? plainRows(helper.value, keys) : undefined
    if (values !== undefined) {
      this.#returning(draft, returningIn(helper), plain)
      draft.batch = { columns, values, at: draft.pieces.length }
      return
    }
    const rows = helper.value.map((record) =>
      keys.map((key): ReadonlyArray<Piece> =>
        Object.hasOwn(record, key) ? this.#value(record[key], plain) : ["DEFAULT"]
      )
    )
    this.#returning(draft, returningIn(helper), plain)
    const written = insertOf({
      columns,
      rows,
      givesRows: isReturningLater || draft.returning !== undefined,
      multiRowValues: this.#options.multiRowValues
    })
    if ("batch" in written) draft.batch = { columns, rows: written.batch, at: draft.pieces.length }
    else append(draft.pieces, written)
  }

  #updateValues(draft: Draft, helper: Statement.RecordUpdateHelper, plain: boolean): void {
    const keys = columnsOf(helper.value, "sql.updateValues")
    const columns = keys.map((key) => this.#name(key, plain))
    const rows = helper.value.map((record, row) =>
      keys.map((key) => {
        if (Object.hasOwn(record, key)) return this.#value(record[key], plain)
        throw new StatementError(`sql.updateValues: row ${row + 1} has no "${key}", which other rows have`)
      })
    )
    const alias = quote(toDatabase(helper.alias))
    const source: ReadonlyArray<Piece> = ["(", ...united(rows, (column) => ` AS ${columns[column]}`), `) ${alias}`]
    this.#returning(draft, returningIn(helper), plain)
    const update = updateFrom(draft.pieces)
    if (update === undefined) {
      append(draft.pieces, source)
    } else {
      draft.pieces = ["MERGE INTO ", ...update.target, " USING ", ...source]
      draft.merge = { from: draft.pieces.length, sets: update.sets }
    }
  }
}

const closeMerge = (draft: Draft): ReadonlyArray<Piece> => {
  const { merge, pieces } = draft
  if (merge === undefined) return pieces
  const { condition, returning } = mergeRest(pieces.slice(merge.from))
  return [
    ...pieces.slice(0, merge.from),
    " ON (",
    ...condition,
    ") WHEN MATCHED THEN UPDATE SET ",
    ...merge.sets,
    ...returning
  ]
}

const finish = (draft: Draft): Compiled => {
  const pieces = closeMerge(draft)
  const end: ReadonlyArray<Piece> = draft.returning === undefined ? [] : [" RETURNING ", ...draft.returning]
  const { batch } = draft
  if (batch === undefined) {
    const { binds, sql } = numbered([...pieces, ...end])
    return [sql, binds]
  }
  const { at } = batch
  const statements = batchOf(batch, pieces.slice(0, at), [...pieces.slice(at), ...end])
  return [statements[0]!.sql, [new BatchParameter(statements)]]
}
