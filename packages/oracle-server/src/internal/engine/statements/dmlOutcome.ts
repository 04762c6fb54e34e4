/** What a statement that changes rows has done. */
import type { Stored } from "../values/composite.ts"

export interface DmlOutcome {
  readonly rowCount: number
  readonly lastRowid: string | undefined
  /** For RETURNING: a row of values for each row touched. */
  readonly returned: ReadonlyArray<ReadonlyArray<Stored>>
  /** The number of the row behind each of them. */
  readonly returnedRows: ReadonlyArray<number>
}
