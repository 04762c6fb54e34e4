/** The values that a client binds, in the form in which the engine keeps values. */
import type { BindType, Value } from "../engine.ts"
import { QueryCursor } from "../execute/queryCursor.ts"
import type { BlockBinds } from "../plsql/blockStatement.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import { encodeValue } from "../values/values.ts"

/** What a row of binds may hold: a value, or the elements of an index-by table. */
type BoundValue = Value | ReadonlyArray<Value>

/** One row of binds for SQL, which takes no index-by tables. */
export const encodeRow = (row: ReadonlyArray<BoundValue>, types: ReadonlyArray<SqlType>): ReadonlyArray<Stored> =>
  types.map((type, i) => {
    const value = row[i] ?? null
    if (Array.isArray(value)) throw oraError(3001, "unimplemented feature: PL/SQL index-by table binds")
    return encodeValue(value as Value, type)
  })

/** One row of binds for a block. */
export const encodeBlock = (
  row: ReadonlyArray<BoundValue>,
  types: ReadonlyArray<SqlType>,
  binds: ReadonlyArray<BindType>
): BlockBinds => {
  const rooms = new Map<number, number>()
  binds.forEach((bind, i) => {
    if (bind.maxElements !== undefined) rooms.set(i, bind.maxElements)
  })
  const arrays = new Map<number, ReadonlyArray<Stored>>()
  const cursors = new Map<number, QueryCursor>()
  const plain = row.map((value, i): Value => {
    if (value instanceof QueryCursor) {
      cursors.set(i, value)
      return null
    }
    if (!Array.isArray(value)) return value as Value
    arrays.set(i, value.map((item: Value) => encodeValue(item, types[i]!)))
    return null
  })
  return { row: encodeRow(plain, types), arrays, cursors, rooms }
}
