/** LOBs of fetched rows: written back into the rows that they were read from. */
import type { Table } from "../catalog/catalog.ts"
import type { Store } from "../storage/store.ts"
import type { Transaction } from "../storage/transaction.ts"
import type { Stored } from "../values/composite.ts"
import { oraError } from "../values/oraError.ts"
import type { QueryPlan } from "./plans.ts"

/** Writes a LOB back into the row it was read from, which this transaction must have locked. */
export const writeLob = (
  store: Store,
  transaction: Transaction,
  table: Table,
  number: number,
  name: string,
  value: Stored
): void => {
  const data = transaction.data(table)
  if (data.holder(number) !== transaction.sid) throw oraError(22920, "row containing the LOB value is not locked")
  const values = data.head(number)?.values
  const column = table.columns.find((candidate) => candidate.name === name)
  if (values === undefined || column === undefined) throw oraError(22922, "nonexistent LOB value")
  const row = [...values]
  row[column.place] = value
  transaction.replace(table, number, row, store.nextStatement())
}

/** What writes LOBs for the transaction that is open at that time. */
export interface LobTarget {
  readonly writeLob: (table: Table, number: number, name: string, data: Stored) => void
}

/** How a LOB of a fetched row is written back, when it stands in a row of one of these tables. */
export const lobWriter = (
  target: LobTarget,
  plan: QueryPlan,
  owners: QueryPlan["locks"],
  column: number,
  numbers: ReadonlyArray<number | null>
): ((data: Stored) => void) | undefined => {
  const origin = plan.out[column]!.origin
  const index = owners.findIndex(({ slot }) => slot === origin?.source.slot)
  const number = numbers[index]
  if (origin === undefined || number === undefined || number === null) return undefined
  return (data) => target.writeLob(owners[index]!.table, number, origin.column, data)
}
