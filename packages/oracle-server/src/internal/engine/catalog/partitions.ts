/**
 * How a table is divided. All its rows stand together: a partition is what the key of a row says, so a table that is divided differs from
 * another one in which rows it takes and in what can be named, never in what a query finds.
 */
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import { comparerOf, keyOfAll } from "../values/order.ts"
import { kindOf } from "../values/sqlType.ts"

/** A column of the table that the key is made of. */
interface KeyColumn {
  readonly name: string
  readonly type: SqlType
  /** Where its value stands in a row. */
  readonly place: number
}

export interface Partition {
  name: string
  readonly id: number
  /** RANGE: what every key in it is below; undefined for MAXVALUE. */
  readonly bound: ReadonlyArray<Stored | undefined>
  /** Of one that a row has made: what no key in it is below. */
  readonly from: ReadonlyArray<Stored> | undefined
  /** LIST: the keys in it; undefined for DEFAULT. */
  values: ReadonlyArray<ReadonlyArray<Stored>> | undefined
  /** As `HIGH_VALUE` shows it. */
  text: string
  /** Made by a row that was inserted. */
  readonly isInterval: boolean
}

export interface Partitioning {
  readonly method: "RANGE" | "LIST" | "HASH"
  readonly columns: ReadonlyArray<KeyColumn>
  /** The text of INTERVAL, and how a bound so many intervals beyond the last one is written. */
  interval: string | undefined
  /** LIST … AUTOMATIC: a new value makes a partition. */
  readonly automatic: boolean
  readonly partitions: Array<Partition>
  rowMovement: boolean
}

const compareKeys = (
  columns: ReadonlyArray<KeyColumn>,
  key: ReadonlyArray<Stored>,
  bound: ReadonlyArray<Stored | undefined>
): number => {
  for (let i = 0; i < columns.length; i++) {
    const limit = bound[i]
    if (limit === undefined) return -1
    // Null is above every value, and only MAXVALUE is above it.
    const value = key[i] ?? null
    if (value === null) return 1
    const order = comparerOf(kindOf(columns[i]!.type))(value as never, limit as never)
    if (order !== 0) return order
  }
  return 0
}

export const isBelow = (
  { columns }: Partitioning,
  key: ReadonlyArray<Stored>,
  bound: ReadonlyArray<Stored | undefined>
): boolean => compareKeys(columns, key, bound) < 0

/** How two bounds compare: MAXVALUE is above everything. */
export const compareBounds = (
  { columns }: Partitioning,
  a: Partition["bound"],
  b: Partition["bound"]
): number => {
  for (let i = 0; i < columns.length; i++) {
    const [one, other] = [a[i], b[i]]
    if (one === undefined || other === undefined) {
      if (one !== other) return one === undefined ? 1 : -1
      continue
    }
    const order = comparerOf(kindOf(columns[i]!.type))(one as never, other as never)
    if (order !== 0) return order
  }
  return 0
}

export const textOfKey = ({ columns }: Partitioning, key: ReadonlyArray<Stored>): string =>
  keyOfAll(columns.map((column) => kindOf(column.type)), key)

const hashOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** The partition of a key; undefined when it has none. */
export const partitionOfKey = (partitioning: Partitioning, key: ReadonlyArray<Stored>): Partition | undefined => {
  const { method, partitions } = partitioning
  switch (method) {
    case "RANGE":
      return partitions.find(({ bound, from }) =>
        isBelow(partitioning, key, bound) && (from === undefined || !isBelow(partitioning, key, from))
      )
    case "LIST": {
      const text = textOfKey(partitioning, key)
      return partitions.find(({ values }) => values?.some((value) => textOfKey(partitioning, value) === text)) ??
        partitions.find(({ values }) => values === undefined)
    }
    case "HASH":
      return partitions[hashOf(textOfKey(partitioning, key)) % partitions.length]
  }
}

export const keyOfRow = ({ columns }: Partitioning, row: ReadonlyArray<Stored>): ReadonlyArray<Stored> =>
  columns.map((column) => row[column.place] ?? null)

export const partitionNamed = ({ partitions }: Partitioning, name: string, at = 0): Partition => {
  const found = partitions.find((partition) => partition.name === name)
  if (found === undefined) throw oraError(2149, "Specified partition does not exist", at)
  return found
}
