/** Runs INSERT, UPDATE, DELETE and MERGE with the rows of binds of a client, and gives back what RETURNING asks for. */
import type { BatchError, Column, ExecuteRequest, ExecuteResult, Value } from "../engine.ts"
import type { DmlPlan } from "../statements/dmlPlan.ts"
import type { Executor } from "../statements/executor.ts"
import type { Step } from "../storage/waiting.ts"
import type { Stored } from "../values/composite.ts"
import { conversion } from "../values/convert.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { fit } from "../values/fit.ts"
import { LobValue } from "../values/lobValue.ts"
import { OraError, oraError } from "../values/oraError.ts"
import { kindOf } from "../values/sqlType.ts"
import { decoderFor } from "../values/values.ts"
import { encodeRow } from "./boundValues.ts"

/** A returned value in the type of its bind. */
const returnedValue = (
  executor: Executor,
  dml: DmlPlan,
  column: number,
  to: SqlType
): (value: Stored, row: number) => Value => {
  const { origin, type: from } = dml.returning!.columns[column]!
  const convert = conversion(kindOf(from), kindOf(to))
  if (convert === undefined) throw oraError(932, `inconsistent datatypes: expected ${to.name} got ${from.name}`)
  const decode = decoderFor(to)
  return (stored, row) => {
    if (stored === null) return null
    const value = decode(fit(convert(stored, executor.state), to, { kind: "plsql" }))
    if (!(value instanceof LobValue) || origin === undefined || dml.kind === "instead") return value
    return value.within((data) => executor.writeLob(dml.table, row, origin.column, data))
  }
}

/** Runs a change once for each row of binds. With `batchErrors` a row that fails is told, and the others go on. */
export function* runBoundDml(
  executor: Executor,
  dml: DmlPlan,
  types: ReadonlyArray<SqlType>,
  request: ExecuteRequest
): Step<ExecuteResult> {
  const rows = request.rows === undefined || request.rows.length === 0 ? [[]] : request.rows
  const batchErrors: Array<BatchError> = []
  const rowCounts: Array<number> = []
  const returned: Array<ReadonlyArray<ReadonlyArray<Value>>> = []
  let rowCount = 0
  let lastRowid: string | undefined
  const converts =
    dml.returning?.into.map((target, column) =>
      returnedValue(executor, dml, column, types[target.kind === "bind" ? target.index : -1]!)
    ) ?? []
  const { transaction } = executor
  for (let i = 0; i < rows.length; i++) {
    const mark = transaction.mark()
    try {
      const values = encodeRow(rows[i]!, types)
      const outcome = yield* executor.dml(
        dml,
        (parameter) => parameter.kind === "bind" ? values[parameter.index]! : null
      )
      // A value that does not fit its bind fails the statement, which then leaves nothing behind.
      const values_ = outcome.returned.map((row, n) =>
        converts.map((convert, column) => convert(row[column]!, outcome.returnedRows[n]!))
      )
      rowCount += outcome.rowCount
      rowCounts.push(outcome.rowCount)
      returned.push(values_)
      lastRowid = outcome.lastRowid ?? lastRowid
    } catch (error) {
      transaction.undoTo(mark, false)
      transaction.settle()
      if (request.batchErrors !== true || !(error instanceof OraError) || error.code === 1013 || error.code === 28) {
        if (rows.length > 1 && error instanceof OraError) error.done = { iterations: i, rowCount }
        throw error
      }
      batchErrors.push({ row: i, error })
      rowCounts.push(0)
      returned.push([])
    }
  }
  const { returning } = dml
  return {
    rowCount,
    ...(lastRowid === undefined ? {} : { lastRowid }),
    ...(request.batchErrors === true ? { batchErrors } : {}),
    ...(request.rowCounts === true ? { rowCounts } : {}),
    ...(returning === undefined ? {} : {
      returned: returning.into.map((target, column) => {
        const index = target.kind === "bind" ? target.index : -1
        return {
          index,
          type: types[index]!.name as Column["type"],
          values: returned.map((list) => list.map((row) => row[column]!))
        }
      })
    })
  }
}
