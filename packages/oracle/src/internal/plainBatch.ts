/**
 * Batches of rows in order that hold nothing but plain values of one kind in each column, as nearly all do: checked and measured with one
 * look at each value, and handed to the driver as they are. `batchBinds.ts` writes every other batch, to the same values and definitions.
 */
import type { BatchBinds } from "./batchBinds.ts"
import { RefusedBind } from "./bindRefusal.ts"
import type { DatePolicy } from "./datePolicy.ts"
import { asChecked } from "./driverBatches.ts"
import { notPlain, PlainColumn } from "./plainColumn.ts"

/** A batch that is ready to be sent. */
interface PlainBatch extends BatchBinds {
  readonly hasBooleans: boolean
}

const copied = (rows: ReadonlyArray<ReadonlyArray<unknown>>): Array<Array<unknown>> => rows.map((row) => row.slice())

const isEven = (rows: ReadonlyArray<unknown>, width: number): rows is ReadonlyArray<ReadonlyArray<unknown>> => {
  for (let row = 0; row < rows.length; row++) {
    const values = rows[row]
    if (!Array.isArray(values) || values.length !== width) return false
  }
  return true
}

/**
 * The batch of these rows; `undefined` where one of them needs more than is known here, or has a value that cannot be sent. `isKept` says
 * that the rows stay as they are until they have been sent, so that they need not be copied.
 */
export const plainBatch = (
  rows: ReadonlyArray<unknown>,
  dates: DatePolicy,
  isKept: boolean
): PlainBatch | undefined => {
  const [first] = rows
  if (!Array.isArray(first) || first.length === 0 || !isEven(rows, first.length)) return undefined
  const width = first.length
  let copies: Array<Array<unknown>> | undefined = isKept ? undefined : copied(rows)
  const columns: Array<PlainColumn> = []
  try {
    for (let at = 0; at < width; at++) {
      const column = new PlainColumn(dates)
      for (let row = 0; row < rows.length; row++) {
        const value = rows[row]![at]
        const taken = column.take(value)
        if (taken === notPlain) return undefined
        if (taken !== value) {
          copies ??= copied(rows)
          copies[row]![at] = taken
        }
      }
      if (column.isMixed) return undefined
      columns.push(column)
    }
  } catch (thrown) {
    if (thrown instanceof RefusedBind) return undefined
    throw thrown
  }
  return {
    rows: asChecked(copies ?? rows),
    definitions: columns.map((column, at) => column.definition(() => rows.map((row) => row[at]))),
    hasBooleans: columns.some(({ kind }) => kind === "boolean")
  }
}
