/** What a transaction looks at again at its end: the rows and keys that a constraint was put off for. */
import type { CheckConstraint, ForeignConstraint, KeyConstraint, Table } from "../catalog/catalog.ts"
import type { Key, OrderedIndex } from "../storage/orderedIndex.ts"
import { current, type Row, type TableData } from "../storage/tableData.ts"
import type { Transaction } from "../storage/transaction.ts"
import { type OraError, oraError } from "../values/oraError.ts"

export const uniqueViolated = (owner: string, name: string): OraError =>
  oraError(1, `unique constraint (${owner}.${name}) violated`)
export const checkViolated = (owner: string, name: string): OraError =>
  oraError(2290, `check constraint (${owner}.${name}) violated`)
export const parentMissing = (owner: string, name: string): OraError =>
  oraError(2291, `integrity constraint (${owner}.${name}) violated - parent key not found`)
export const childFound = (owner: string, name: string): OraError =>
  oraError(2292, `integrity constraint (${owner}.${name}) violated - child record found`)

/** Rows that have the key now, as the transaction sees it. */
const rowsWith = (data: TableData, index: OrderedIndex, key: Key, sid: number): number => {
  const bound = { key, inclusive: true }
  const walk = index.range(bound, bound)
  const found = new Set<number>()
  for (let entry = walk.next(); entry !== undefined; entry = walk.next()) {
    const values = current(data.head(entry.row), sid)?.values
    if (values !== undefined && index.compare(index.keyOf(values), key) === 0) found.add(entry.row)
  }
  return found.size
}

const nowOf = (transaction: Transaction, table: Table, row: number): Row | undefined =>
  current(transaction.data(table).head(row), transaction.sid)?.values

export const deferUnique = (transaction: Transaction, table: Table, key: KeyConstraint, row: number): void =>
  transaction.deferral.put(`unique ${key.indexId} ${row}`, key, () => {
    const values = nowOf(transaction, table, row)
    const data = transaction.data(table)
    const index = data.index(key.indexId)
    if (values === undefined) return undefined
    const wanted = index.keyOf(values)
    if (wanted.every((value) => value === null)) return undefined
    return rowsWith(data, index, wanted, transaction.sid) > 1 ? uniqueViolated(table.owner, key.name) : undefined
  })

export const deferParent = (transaction: Transaction, table: Table, foreign: ForeignConstraint, row: number): void =>
  transaction.deferral.put(`parent ${foreign.indexId} ${row}`, foreign, () => {
    const values = nowOf(transaction, table, row)
    if (values === undefined) return undefined
    const key = foreign.columns.map((column) => values[column.place] ?? null)
    if (key.includes(null)) return undefined
    const data = transaction.data(foreign.parent)
    const found = rowsWith(data, data.index(foreign.key.indexId), key, transaction.sid)
    return found > 0 ? undefined : parentMissing(table.owner, foreign.name)
  })

export const deferChildren = (transaction: Transaction, table: Table, foreign: ForeignConstraint, key: Key): void =>
  transaction.deferral.put(`children ${foreign.indexId} ${JSON.stringify(key)}`, foreign, () => {
    const parents = transaction.data(foreign.parent)
    if (rowsWith(parents, parents.index(foreign.key.indexId), key, transaction.sid) > 0) return undefined
    const children = transaction.data(table)
    const found = rowsWith(children, children.index(foreign.indexId), key, transaction.sid)
    return found > 0 ? childFound(table.owner, foreign.name) : undefined
  })

export const deferCheck = (
  transaction: Transaction,
  table: Table,
  check: CheckConstraint,
  row: number,
  isBroken: (values: Row) => boolean
): void =>
  transaction.deferral.put(`check ${table.id} ${check.name} ${row}`, check, () => {
    const values = nowOf(transaction, table, row)
    return values !== undefined && isBroken(values) ? checkViolated(table.owner, check.name) : undefined
  })
