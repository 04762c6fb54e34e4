/** Frees what came with an answer that no caller waits for any more. */
import type { ExecuteManyResult, ExecuteResult } from "./oracledb.ts"

interface Closable {
  readonly close: () => Promise<void>
}

/** A result set or a LOB of the driver. */
const isClosable = (value: object): value is Closable => "close" in value && ("getRows" in value || "getData" in value)

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Cursors and LOBs wherever they stand: in columns, in OUT binds by name or by position, in the elements of an array. */
export const discardValues = async (value: unknown): Promise<void> => {
  if (typeof value !== "object" || value === null) return
  if (isClosable(value)) return value.close()
  if (!Array.isArray(value) && !isPlain(value)) return
  for (const each of Object.values(value)) await discardValues(each)
}

/** Everything that an execution has opened. */
export const discardResult = async (result: ExecuteResult | ExecuteManyResult): Promise<void> => {
  await discardValues("resultSet" in result ? result.resultSet : undefined)
  await discardValues("implicitResults" in result ? result.implicitResults : undefined)
  await discardValues(result.outBinds)
  await discardValues("rows" in result ? result.rows : undefined)
}
