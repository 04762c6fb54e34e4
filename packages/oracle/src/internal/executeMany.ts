/** Batches: one statement for many rows of binds, in one round trip. */
import * as Effect from "effect/Effect"
import type * as OracleBind from "../OracleBind.ts"
import * as OracleError from "../OracleError.ts"
import { type BatchBinds, writeBatch } from "./batchBinds.ts"
import { readOutBinds } from "./bindReader.ts"
import { noClasses } from "./bindWriter.ts"
import { checkBinds } from "./boundLobs.ts"
import { handlesOf, type ReadError } from "./cursor.ts"
import { discardResult } from "./discard.ts"
import type { DriverCaller } from "./driverCaller.ts"
import type { ObjectClasses } from "./objectTypes.ts"
import type { CallResult } from "./pipelinedCall.ts"
import { plainBatch } from "./plainBatch.ts"
import { wrongArgument } from "./refusal.ts"
import { isPlainChange, noteClasses, type RunOptions, unfit, withClasses } from "./statements.ts"
import { sent } from "./statementText.ts"
import { type ValueSettings, withSettings } from "./valueSettings.ts"

/**
 * How a batch is run.
 *
 * **When to use**
 *
 * Use `batchErrors` to load what can be loaded and report the rest; leave it out where one bad row makes
 * the others worthless, and roll back when the batch fails.
 *
 * **Details**
 *
 * With `batchErrors` the rows that can be done are done, and the others are reported in `errors`; without it the first failure
 * ends the batch. `rowCounts` asks for the number of rows that each row of binds has changed.
 *
 * **Example** (Going on after a row that fails)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const options: OracleConnection.ExecuteManyOptions = { batchErrors: true, rowCounts: true }
 * ```
 *
 * @category options
 * @since 0.1.0
 */
export interface ExecuteManyOptions {
  readonly batchErrors?: boolean | undefined
  readonly rowCounts?: boolean | undefined
}

/**
 * What a batch has done. `errors` name the row of binds, from 0, that failed.
 *
 * **When to use**
 *
 * Use `rowsAffected` for the whole batch, and the lists to go through it row by row.
 *
 * **Example** (The rows that failed)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const failed = (result: OracleConnection.ExecuteManyResult) => result.errors.map(({ row }) => row)
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface ExecuteManyResult {
  readonly rowsAffected: number
  readonly rowCounts: ReadonlyArray<number>
  readonly errors: ReadonlyArray<{ readonly row: number; readonly error: OracleError.OracleError }>
  /** For each row of binds, what its OUT and RETURNING binds gave. */
  readonly outBinds: ReadonlyArray<unknown>
}

/** The binds of any rows; throws what is wrong with them, in the turn of the call. */
const written = (
  caller: DriverCaller,
  rows: ReadonlyArray<OracleBind.Binds>,
  settings: ValueSettings,
  classes: ObjectClasses
): BatchBinds => {
  const isPositional = Array.isArray(rows[0])
  for (const [index, row] of rows.entries()) {
    if (row === undefined) {
      throw wrongArgument("executeMany", `Row ${index} of a batch`, "the binds of an execution", row)
    }
    checkBinds(row, caller, "executeMany", index)
    if (Array.isArray(row) !== isPositional) {
      throw wrongArgument(
        "executeMany",
        `Row ${index} of a batch`,
        isPositional ? "an array as row 0 is" : "an object as row 0 is",
        row
      )
    }
  }
  return writeBatch(rows, settings, classes)
}

/** One statement for many rows of binds, in one round trip; `ready` are these rows where they have been written already. */
export const executeMany = (
  caller: DriverCaller,
  sql: string,
  rows: ReadonlyArray<OracleBind.Binds>,
  options: ExecuteManyOptions,
  settings: ValueSettings,
  run?: RunOptions,
  ready?: BatchBinds
): Effect.Effect<ExecuteManyResult, ReadError> => {
  if (!Array.isArray(rows)) return Effect.fail(wrongArgument("executeMany", "The rows of a batch", "an array", rows))
  for (const name of ["batchErrors", "rowCounts"] as const) {
    const value: unknown = options[name]
    if (value !== undefined && typeof value !== "boolean") {
      return Effect.fail(wrongArgument("executeMany", `The option ${name}`, "true or false", value))
    }
  }
  if (rows.length === 0) return Effect.succeed({ rowsAffected: 0, rowCounts: [], errors: [], outBinds: [] })
  const call = (classes: ObjectClasses, write: () => BatchBinds): Effect.Effect<CallResult, ReadError> =>
    sent(sql, (text) =>
      caller.statementThen(
        {
          operation: "executeMany",
          sql: text,
          batchSize: rows.length,
          discard: discardResult,
          isAutoCommit: run?.autoCommit,
          isJoinable: classes.size === 0 && isPlainChange.test(text)
        },
        () => {
          const batch = write()
          noteClasses(caller, text, classes)
          if (options.rowCounts === true) caller.session.prepareAnew(text)
          return {
            _tag: "ExecuteMany",
            sql: text,
            binds: batch.definitions === undefined ? rows.length : batch.rows,
            options: {
              autoCommit: run?.autoCommit === true,
              batchErrors: options.batchErrors === true,
              dmlRowCounts: options.rowCounts === true,
              ...(batch.definitions !== undefined && { bindDefs: batch.definitions })
            }
          }
        },
        Effect.succeed
      ))
  const answer = Effect.suspend(() => {
    const plain = ready ?? plainBatch(rows, settings.dates, false)
    return plain === undefined
      ? withClasses(caller, rows, (classes) => call(classes, () => written(caller, rows, settings, classes)))
      : call(noClasses, () => plain)
  })
  return Effect.flatMap(answer, (result) =>
    withSettings(settings, (now) => {
      const handles = handlesOf(caller, now)
      const outBinds = (result.outBinds ?? []).map((given) => readOutBinds(rows[0], given, now, handles))
      const misfit = outBinds.map(unfit).find((each) => each !== undefined)
      if (misfit !== undefined) return Effect.fail(misfit)
      return Effect.succeed({
        rowsAffected: result.rowsAffected ?? 0,
        rowCounts: result.dmlRowCounts ?? [],
        errors: (result.batchErrors ?? []).map((failure) => ({
          row: failure.offset ?? 0,
          error: OracleError.fromDriver(withoutOffset(failure), {
            operation: "executemany",
            sql,
            secrets: caller.session.secrets
          })
        })),
        outBinds
      })
    }))
}

/** The offset of an error in a batch is the number of its row, not a place in the SQL. */
const withoutOffset = (failure: { readonly message: string }): unknown =>
  Object.assign(new Error(failure.message), {
    ...("errorNum" in failure && { errorNum: failure.errorNum }),
    ...("code" in failure && { code: failure.code })
  })
