/** What an expression of a block gives: a value with its type, or an open query. */
import type { QueryCursor } from "../execute/queryCursor.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"

/** An open query with what its attributes tell: cursor variables that were assigned to each other share one. */
export interface CursorCell {
  open: QueryCursor | undefined
  /** Null before the first fetch. */
  found: boolean | null
  rowCount: number
}

export interface Typed {
  readonly value: Stored
  readonly type: SqlType
  /** The open query of a cursor. */
  readonly cell?: CursorCell
  /** Of a LOB from a row: writes a change of it back. */
  readonly persist?: ((data: Stored) => void) | undefined
}
