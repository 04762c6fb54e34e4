/** Rows of several sources kept together: what sorts, hashes and caches hold. */
import type { Row } from "../storage/tableData.ts"
import type { Frame } from "./frame.ts"

export type Tuple = ReadonlyArray<Row>

/** Bytes of a tuple before the rows in it, which their sources hold. */
export const tupleBytes = (slots: ReadonlyArray<number>): number => 40 + slots.length * 8

export const saveTuple = (f: Frame, slots: ReadonlyArray<number>): Tuple => {
  if (slots.length === 1) return [f.rows[slots[0]!]!]
  const tuple: Array<Row> = []
  for (let i = 0; i < slots.length; i++) tuple.push(f.rows[slots[i]!]!)
  return tuple
}

export const restoreTuple = (f: Frame, slots: ReadonlyArray<number>, tuple: Tuple): void => {
  for (let i = 0; i < slots.length; i++) f.rows[slots[i]!] = tuple[i]!
}
