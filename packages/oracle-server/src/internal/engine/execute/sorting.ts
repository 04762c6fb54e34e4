/** Sorting that can be left at any step: short runs sorted at once, then merged pair by pair. */
import type { Stored } from "../values/composite.ts"
import { comparerOf } from "../values/order.ts"
import type { Kind } from "../values/sqlType.ts"
import type { Frame } from "./frame.ts"
import type { Operator } from "./operator.ts"
import { restoreTuple, saveTuple, type Tuple, tupleBytes } from "./tuples.ts"

const runLength = 1024

export class Sorter<A> {
  readonly #f: Frame
  readonly #compare: (a: A, b: A) => number
  #run: Array<A> = []
  #runs: Array<Array<A>> = []
  #merging:
    | { readonly a: Array<A>; readonly b: Array<A>; i: number; j: number; readonly out: Array<A> }
    | undefined
  #merged: Array<Array<A>> = []

  constructor(f: Frame, compare: (a: A, b: A) => number) {
    this.#f = f
    this.#compare = compare
  }

  add(item: A): void {
    this.#run.push(item)
    if (this.#run.length < runLength) return
    this.#runs.push(this.#run.sort(this.#compare))
    this.#run = []
  }

  /** All items in order; may be left by suspension and is then called again. */
  finish(): Array<A> {
    const compare = this.#compare
    const f = this.#f
    if (this.#run.length > 0) {
      this.#runs.push(this.#run.sort(compare))
      this.#run = []
    }
    for (;;) {
      if (this.#merging === undefined) {
        if (this.#runs.length === 0) {
          if (this.#merged.length === 0) return []
          if (this.#merged.length === 1) return this.#merged[0]!
          this.#runs = this.#merged
          this.#merged = []
        }
        if (this.#runs.length === 1) {
          this.#merged.push(this.#runs.pop()!)
          // One run that was left over goes first, or equal rows would change places.
          if (this.#merged.length > 1) {
            this.#runs = this.#merged
            this.#merged = []
          }
          continue
        }
        this.#merging = { a: this.#runs.shift()!, b: this.#runs.shift()!, i: 0, j: 0, out: [] }
      }
      const { a, b, out } = this.#merging
      while (this.#merging.i < a.length && this.#merging.j < b.length) {
        if (compare(a[this.#merging.i]!, b[this.#merging.j]!) <= 0) out.push(a[this.#merging.i++]!)
        else out.push(b[this.#merging.j++]!)
        f.step()
      }
      while (this.#merging.i < a.length) out.push(a[this.#merging.i++]!)
      while (this.#merging.j < b.length) out.push(b[this.#merging.j++]!)
      this.#merging = undefined
      this.#merged.push(out)
    }
  }
}

export interface SortKey {
  readonly kind: Kind
  readonly descending: boolean
  readonly nullsFirst: boolean
}

/** Compares lists of key values. */
export const compareKeys = (
  keys: ReadonlyArray<SortKey>
): (a: ReadonlyArray<Stored>, b: ReadonlyArray<Stored>) => number => {
  const comparers = keys.map((key) => comparerOf(key.kind))
  return (a, b) => {
    for (let i = 0; i < keys.length; i++) {
      const x = a[i]!
      const y = b[i]!
      if (x === null || y === null) {
        if (x === y) continue
        return (x === null) === keys[i]!.nullsFirst ? -1 : 1
      }
      const order = comparers[i]!(x, y)
      if (order !== 0) return keys[i]!.descending ? -order : order
    }
    return 0
  }
}

interface Sorted {
  readonly key: ReadonlyArray<Stored>
  readonly tuple: Tuple
}

export class Sort implements Operator {
  readonly #f: Frame
  readonly #child: Operator
  readonly #slots: ReadonlyArray<number>
  readonly #values: (f: Frame) => ReadonlyArray<Stored>
  readonly #compare: (a: ReadonlyArray<Stored>, b: ReadonlyArray<Stored>) => number
  #sorter: Sorter<Sorted>
  #rows: ReadonlyArray<Sorted> | undefined
  #read = false
  #held = false
  #at = 0

  constructor(
    f: Frame,
    child: Operator,
    slots: ReadonlyArray<number>,
    values: (f: Frame) => ReadonlyArray<Stored>,
    keys: ReadonlyArray<SortKey>
  ) {
    this.#f = f
    this.#child = child
    this.#slots = slots
    this.#values = values
    this.#compare = compareKeys(keys)
    this.#sorter = new Sorter(f, (a, b) => this.#compare(a.key, b.key))
  }

  open(): void {
    this.#sorter = new Sorter(this.#f, (a, b) => this.#compare(a.key, b.key))
    this.#rows = undefined
    this.#read = false
    this.#held = false
    this.#at = 0
    this.#child.open()
  }

  next(): boolean {
    const f = this.#f
    const slots = this.#slots
    if (this.#rows === undefined) {
      const size = tupleBytes(slots) + 60
      while (!this.#read) {
        if (!this.#held) {
          if (!this.#child.next()) {
            this.#read = true
            break
          }
          this.#held = true
        }
        const key = this.#values(f)
        this.#held = false
        f.take(size)
        this.#sorter.add({ key, tuple: saveTuple(f, slots) })
        f.step()
      }
      this.#rows = this.#sorter.finish()
    }
    if (this.#at >= this.#rows.length) return false
    restoreTuple(f, slots, this.#rows[this.#at++]!.tuple)
    return true
  }
}
