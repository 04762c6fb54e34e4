/** The rows of a batch as the driver can send them: one call for each statement, and for rows whose columns hold the same kinds. */
import type * as OracleBind from "../OracleBind.ts"
import type { BatchBinds } from "./batchBinds.ts"
import { kindOf } from "./sqlParameter.ts"

type Row = ReadonlyArray<OracleBind.Bind>

/** One call of the driver. */
export interface Run {
  readonly sql: string
  readonly rows: ReadonlyArray<Row>
  /** The rows as the driver takes them, where they have been written already. */
  readonly ready?: BatchBinds | undefined
}

/**
 * Splits rows where a column changes its kind. A column of a call has one type; a number among texts would have to go as a text, which the
 * server reads by the session's decimal character.
 */
export const runsOf = (sql: string, rows: ReadonlyArray<Row>): ReadonlyArray<Run> => {
  const runs: Array<{ readonly sql: string; readonly rows: ReadonlyArray<Row> }> = []
  const width = rows[0]?.length ?? 0
  let kinds: Array<string | undefined> = []
  let from = 0
  for (const [at, row] of rows.entries()) {
    if (at > from && !fits(row, kinds)) {
      runs.push({ sql, rows: rows.slice(from, at) })
      kinds = []
      from = at
    }
    for (let column = 0; column < width; column++) {
      const value = row[column]
      if (kinds[column] === undefined && value !== null && value !== undefined) kinds[column] = kindOf(value)
    }
  }
  if (from < rows.length) runs.push({ sql, rows: from === 0 ? rows : rows.slice(from) })
  return runs
}

const fits = (row: Row, kinds: ReadonlyArray<string | undefined>): boolean => {
  for (let column = 0; column < row.length; column++) {
    const value = row[column]
    const kind = kinds[column]
    if (kind === undefined || value === null || value === undefined) continue
    if (kind !== typeof value && kind !== kindOf(value)) return false
  }
  return true
}
