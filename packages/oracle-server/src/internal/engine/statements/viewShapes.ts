/** The shape of a view of the dictionary: its columns, and what makes its rows at each read. */
import type { SessionState } from "../values/sessionState.ts"
import type { Core } from "./core.ts"
import type { Cell } from "./dictionaryRows.ts"

export type Rows = ReadonlyArray<ReadonlyArray<Cell>>

export interface View {
  /** `NAME` is text, `NAME#` a number, `NAME@` a date, `NAME~` RAW. */
  readonly columns: string
  readonly rows: (core: Core, session: SessionState) => Rows
}
