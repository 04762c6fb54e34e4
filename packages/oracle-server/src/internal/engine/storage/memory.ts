/**
 * How much the statements and the rows of one database may hold.
 *
 * The sizes are estimates: what counts is that nothing grows without being counted. What a statement has taken for its work
 * is given back when it ends; what tables hold, when their rows are gone.
 */
import { elementsOf, isComposite, RecordValue, type Stored } from "../values/composite.ts"
import { oraError } from "../values/oraError.ts"

/** Bytes that a row of this many columns takes before its texts. */
const rowBytes = 64

export const sizeOf = (values: ReadonlyArray<Stored>): number => {
  let size = rowBytes + values.length * 8
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (typeof value === "string") size += value.length
    else if (value instanceof Uint8Array) size += 80 + value.length
    else if (isComposite(value)) size += sizeOf(value instanceof RecordValue ? value.values : elementsOf(value))
  }
  return size
}

export class Memory {
  readonly limit: number
  used = 0

  constructor(limit: number) {
    this.limit = limit
  }

  take(bytes: number): void {
    if (this.used + bytes > this.limit) {
      throw oraError(4030, `out of process memory when trying to allocate ${bytes} bytes (sessionpool server,memory)`)
    }
    this.used += bytes
  }

  /** Counts what is there already, whatever the limit is. */
  add(bytes: number): void {
    this.used += bytes
  }

  give(bytes: number): void {
    this.used -= bytes
  }
}
