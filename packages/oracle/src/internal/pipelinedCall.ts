/**
 * Calls that can be sent with others in one round trip, and how the driver sends them. What it refuses in a pipeline is told
 * beforehand, so that such a call goes alone and nothing of a pipeline is lost by it.
 */
import type { DriverInternals } from "./driverInternals.ts"
import {
  driver,
  type DriverBinds,
  type DriverConnection,
  type ExecuteManyOptions,
  type ExecuteManyResult,
  type ExecuteOptions,
  type ExecuteResult,
  type PipelineOperation
} from "./oracledb.ts"

/** What a call comes to. */
export type CallResult = ExecuteResult & ExecuteManyResult

/** A call with its binds written. */
export type PreparedCall =
  | {
    readonly _tag: "Query" | "Execute"
    readonly sql: string
    readonly binds: DriverBinds
    readonly options: ExecuteOptions
  }
  | {
    readonly _tag: "ExecuteMany"
    readonly sql: string
    readonly binds: ReadonlyArray<DriverBinds> | number
    readonly options: ExecuteManyOptions
  }

/** Writes the binds of a call; throws what is wrong with them, before anything is sent. */
export type Preparation = () => PreparedCall

/** How one call of a pipeline has ended. */
export type CallOutcome = { readonly value: CallResult } | { readonly failure: unknown }

/** The driver makes a LOB of what is longer, in round trips of their own, which it refuses in a pipeline (NJS-181). */
const longestBind = 32_767

const isLong = (value: unknown): boolean =>
  typeof value === "string"
    ? value.length * 3 > longestBind && Buffer.byteLength(value) > longestBind
    : Buffer.isBuffer(value) && value.length > longestBind

/** Values that need the session itself, or that the driver looks up types for. */
const isPlain = (value: unknown): boolean => {
  if (value === null || value === undefined || typeof value !== "object") return !isLong(value)
  if (value instanceof Date) return true
  if (Buffer.isBuffer(value)) return !isLong(value)
  if ("val" in value || "type" in value) {
    const unit = value as { readonly val?: unknown; readonly type?: unknown; readonly maxSize?: unknown }
    return plainTypes.has(unit.type) && !(Number(unit.maxSize) > longestBind) && isPlain(unit.val)
  }
  return false
}

const plainTypes: ReadonlySet<unknown> = new Set([
  driver.DB_TYPE_NUMBER,
  driver.DB_TYPE_VARCHAR,
  driver.DB_TYPE_NVARCHAR,
  driver.DB_TYPE_CHAR,
  driver.DB_TYPE_RAW,
  driver.DB_TYPE_DATE,
  driver.DB_TYPE_TIMESTAMP,
  driver.DB_TYPE_TIMESTAMP_TZ,
  driver.DB_TYPE_TIMESTAMP_LTZ,
  driver.DB_TYPE_BINARY_DOUBLE,
  driver.DB_TYPE_BINARY_FLOAT,
  driver.DB_TYPE_BOOLEAN
])

const valuesOf = (binds: DriverBinds): ReadonlyArray<unknown> => Array.isArray(binds) ? binds : Object.values(binds)

/** Whether the driver takes a call in a pipeline. */
export const fitsPipeline = (call: PreparedCall): boolean =>
  call._tag === "ExecuteMany"
    ? typeof call.binds !== "number" && call.options.batchErrors !== true && call.options.dmlRowCounts !== true
      && call.binds.every((row) => valuesOf(row).every(isPlain))
    : call.options.keepInStmtCache !== false && valuesOf(call.binds).every(isPlain)

/** The call by itself, in a round trip of its own. */
export const runAlone = (connection: DriverConnection, call: PreparedCall): Promise<CallResult> =>
  call._tag === "ExecuteMany"
    ? connection.executeMany(call.sql, call.binds, call.options) as Promise<CallResult>
    : connection.execute(call.sql, call.binds, call.options) as Promise<CallResult>

/** One call by itself, its failure as an outcome. */
export const outcomeAlone = (connection: DriverConnection, call: PreparedCall): Promise<CallOutcome> =>
  runAlone(connection, call).then((value) => ({ value }), (failure: unknown) => ({ failure }))

/** The options that a pipeline takes; the driver refuses all others (`_validExecOptions` in its `lib/pipeline.js`). */
const pipelineOptions = ({ autoCommit, fetchArraySize, maxRows, outFormat, prefetchRows }: ExecuteOptions): object =>
  Object.fromEntries(
    Object.entries({ autoCommit, fetchArraySize, maxRows, outFormat, prefetchRows }).filter(([, value]) =>
      value !== undefined
    )
  )

/**
 * Sends calls in one round trip and gives the outcome of each, in their order. Each goes on when one before it has failed.
 * Rejects only when the pipeline as a whole has failed: the state of the connection is not known then.
 */
export const runTogether = async (
  connection: DriverConnection,
  calls: ReadonlyArray<PreparedCall>,
  pipelines: NonNullable<DriverInternals["pipelines"]>
): Promise<ReadonlyArray<CallOutcome>> => {
  const operations = calls.map((call): PipelineOperation => {
    if (call._tag === "ExecuteMany") {
      const { autoCommit, bindDefs } = call.options
      return {
        _tag: "ExecuteMany",
        sql: call.sql,
        binds: call.binds as ReadonlyArray<DriverBinds>,
        options: { autoCommit: autoCommit === true, ...(bindDefs !== undefined && { bindDefs }) }
      }
    }
    const options = pipelineOptions(call.options)
    return call._tag === "Query"
      ? { _tag: "Query", sql: call.sql, binds: call.binds, options, fetchTypes: call.options.fetchTypeHandler }
      : { _tag: "Execute", sql: call.sql, binds: call.binds, options }
  })
  const results = await pipelines.run(connection, operations)
  return results.map((result) =>
    result.error === undefined ? { value: result as CallResult } : { failure: result.error }
  )
}

/** What the driver refuses in a pipeline although it looked plain, as a column of an object type. A query can be run again. */
export const isRefusedByDriver = (failure: unknown): boolean =>
  typeof failure === "object" && failure !== null
  && ["NJS-178", "NJS-180", "NJS-181", "NJS-182"].includes(String(Reflect.get(failure, "code")))

/** ORA-43616: this server takes no pipelines from this session. Nothing of the pipeline has run. */
export const isPipelineRefusal = (failure: unknown): boolean =>
  typeof failure === "object" && failure !== null && Reflect.get(failure, "errorNum") === 43616
