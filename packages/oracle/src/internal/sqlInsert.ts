/**
 * Inserts of several rows: one statement with all of them, a query, or a batch of binds.
 *
 * A statement of its own for each number of rows is parsed anew for each, so larger inserts are batches, whose text does not depend on the
 * number of rows. Rows that SQL expressions or missing columns make different are batches too, one for each form in the order of the rows.
 */
import * as Statement from "effect/sql/Statement"
import { type BatchStatement, kindOf } from "./sqlParameter.ts"
import { append, type Bind, joined, mostBinds, numbered, type Piece } from "./sqlPieces.ts"
import { StatementError } from "./statementError.ts"

/** From how many rows on an insert is a batch. */
export const batchFrom = 100

/** What can stand in a select list of a bind without being a LONG. */
const longestBind = 4000

/** A row as pieces for each column. */
type WrittenRow = ReadonlyArray<ReadonlyArray<Piece>>

interface InsertRequest {
  readonly columns: ReadonlyArray<string>
  readonly rows: ReadonlyArray<WrittenRow>
  /** Whether rows are to come back, which one statement with several rows cannot give. */
  readonly givesRows: boolean
  /** Whether VALUES takes several rows. */
  readonly multiRowValues: boolean
}

/** Rows that are bound one after another: as pieces, or, which is far less, as the values of rows that are all alike. */
export type Batch =
  & { readonly columns: ReadonlyArray<string> }
  & ({ readonly rows: ReadonlyArray<WrittenRow> } | { readonly values: ReadonlyArray<ReadonlyArray<unknown>> })

const isFragment = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Statement.isFragment(value)

/** The columns and values of records whose properties have one order, as those made in one place have, and hold no SQL. */
export const alikeRows = (
  records: ReadonlyArray<Record<string, unknown>>
): { readonly keys: ReadonlyArray<string>; readonly rows: ReadonlyArray<ReadonlyArray<unknown>> } | undefined => {
  const keys = Object.keys(records[0] ?? {})
  if (keys.length === 0) return undefined
  const rows: Array<ReadonlyArray<unknown>> = []
  for (const record of records) {
    let at = 0
    // Inherited properties are columns too.
    for (const key in record) if (keys[at++] !== key) return undefined
    const row = Object.values(record)
    if (row.length !== keys.length || at !== row.length || row.some(isFragment)) return undefined
    rows.push(row)
  }
  return { keys, rows }
}

/** The values of records that all have every column and no SQL in it; nothing when one of them has not. */
export const plainRows = (
  records: ReadonlyArray<Record<string, unknown>>,
  keys: ReadonlyArray<string>
): ReadonlyArray<ReadonlyArray<unknown>> | undefined => {
  const rows: Array<Array<unknown>> = []
  for (const record of records) {
    const row: Array<unknown> = []
    for (const key of keys) {
      const value = record[key]
      if (value === undefined && !Object.hasOwn(record, key)) return undefined
      if (isFragment(value)) return undefined
      row.push(value)
    }
    rows.push(row)
  }
  return rows
}

/** The records of an insert, with every column that one of them has. */
export const columnsOf = (
  records: ReadonlyArray<Record<string, unknown>>,
  what: string
): ReadonlyArray<string> => {
  if (records.length === 0) throw new StatementError(`${what} was given no rows: there is nothing to write`)
  const keys = new Set<string>()
  for (const record of records) {
    for (const key in record) keys.add(key)
  }
  if (keys.size === 0) throw new StatementError(`${what} was given no columns: there is nothing to write`)
  return [...keys]
}

const isBind = (piece: Piece | undefined): piece is Bind => typeof piece === "object" && "value" in piece

const isConstant = (value: ReadonlyArray<Piece>): boolean => value.length === 1 && isBind(value[0])

const constantOf = (value: ReadonlyArray<Piece>): unknown => {
  const [piece] = value
  return isBind(piece) ? piece.value : undefined
}

const isNothing = (value: unknown): boolean => value === null || value === undefined

const isLong = (value: unknown): boolean =>
  typeof value === "string"
    ? Buffer.byteLength(value) > longestBind
    : value instanceof Uint8Array && value.length > longestBind

/** Whether the rows can be one query: every column of one kind, and nothing that only an insert can take. */
const canUnite = (rows: ReadonlyArray<WrittenRow>): boolean =>
  rows[0]!.every((_, column) => {
    const values = rows.map((row) => constantOf(row[column]!)).filter((value) => !isNothing(value))
    return new Set(values.map(kindOf)).size <= 1 && !values.some(isLong)
  })

/** Rows as a query. A null is written out: bound, it would be text, which the other rows may not be. */
export const united = (
  rows: ReadonlyArray<WrittenRow>,
  alias: (column: number) => string = () => ""
): Array<Piece> =>
  joined(
    rows.map((row, index) => {
      const values = row.map((value, column): Array<Piece> => [
        ...(isConstant(value) && isNothing(constantOf(value)) ? ["NULL"] : value),
        index === 0 ? alias(column) : ""
      ])
      return ["SELECT ", ...joined(values, ","), " FROM DUAL"]
    }),
    " UNION ALL "
  )

const list = (row: WrittenRow): Array<Piece> => ["(", ...joined(row, ","), ")"]

/** What an insert of rows is written as: pieces, or rows that are bound one after another. */
export const insertOf = (
  request: InsertRequest
): ReadonlyArray<Piece> | { readonly batch: ReadonlyArray<WrittenRow> } => {
  const { columns, givesRows, multiRowValues, rows } = request
  const head = `(${columns.join(",")}) `
  const [first] = rows
  if (rows.length === 1) return [head, "VALUES ", ...list(first!)]
  const isLarge = rows.length >= batchFrom || rows.length * columns.length > mostBinds
  if (isLarge || givesRows || !rows.every((row) => row.every(isConstant))) return { batch: rows }
  if (multiRowValues) return [head, "VALUES ", ...joined(rows.map(list), ",")]
  return canUnite(rows) ? [head, ...united(rows)] : { batch: rows }
}

/** What is the same in rows that one statement can insert. */
const shapeOf = (row: WrittenRow): string =>
  row.map((value) =>
    value.map((piece) => typeof piece === "string" ? piece : "raw" in piece ? piece.raw : "\uE000").join("")
  )
    .join("\uE001")

const valuesIn = (pieces: ReadonlyArray<Piece>): ReadonlyArray<unknown> =>
  pieces.flatMap((piece) => typeof piece === "string" ? [] : "raw" in piece ? piece.params : [piece.value])

/** The statements of a batch, each with the rows that follow one another and have its form. */
export const batchOf = (
  batch: Batch,
  before: ReadonlyArray<Piece>,
  after: ReadonlyArray<Piece>
): ReadonlyArray<BatchStatement> => {
  const outer = valuesIn(before)
  const rest = valuesIn(after)
  const isPlain = outer.length === 0 && rest.length === 0
  const textOf = (row: WrittenRow): string => {
    const pieces: Array<Piece> = []
    append(pieces, before)
    append(pieces, [`(${batch.columns.join(",")}) VALUES `, ...list(row)])
    append(pieces, after)
    return numbered(pieces).sql
  }
  if ("values" in batch) {
    const { values } = batch
    const rows = isPlain ? values : values.map((row) => [...outer, ...row, ...rest])
    return [{ sql: textOf(batch.columns.map(() => [{ value: null }])), rows }]
  }
  const statements: Array<{ readonly sql: string; readonly rows: Array<ReadonlyArray<unknown>> }> = []
  let shape: string | undefined
  for (const row of batch.rows) {
    const found = row.every(isConstant) ? "" : shapeOf(row)
    if (found !== shape) {
      shape = found
      statements.push({ sql: textOf(row), rows: [] })
    }
    const values = found === "" ? row.map(constantOf) : row.flatMap(valuesIn)
    statements.at(-1)!.rows.push(isPlain ? values : [...outer, ...values, ...rest])
  }
  return statements
}
