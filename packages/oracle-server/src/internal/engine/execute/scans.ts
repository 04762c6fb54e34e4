/** Operators that read a table: all of it, ranges of an index, one row by its rowid. */
import type { Table } from "../catalog/catalog.ts"
import type { Bound, Key, OrderedIndex, RangeWalk } from "../storage/orderedIndex.ts"
import { type Row, type TableData, type Version, visible } from "../storage/tableData.ts"
import type { Stored } from "../values/composite.ts"
import { rowOf } from "../values/rowid.ts"
import type { Eval, Frame } from "./frame.ts"
import type { Operator } from "./operator.ts"

/** One row without a source: SELECT without FROM, or from DUAL alone. */
export class OneRow implements Operator {
  readonly #f: Frame
  readonly #filter: Eval | undefined
  #done = true

  constructor(f: Frame, filter: Eval | undefined) {
    this.#f = f
    this.#filter = filter
  }

  open(): void {
    this.#done = false
  }

  next(): boolean {
    if (this.#done) return false
    const passes = this.#filter === undefined || this.#filter(this.#f) === 1
    this.#done = true
    return passes
  }
}

export class TableScan implements Operator {
  readonly #f: Frame
  readonly #slot: number
  readonly #data: TableData
  readonly #filter: Eval | undefined
  #row = 0
  #end = 0
  #block: ReadonlyArray<Version | undefined> | undefined

  constructor(f: Frame, slot: number, table: Table, filter: Eval | undefined) {
    this.#f = f
    this.#slot = slot
    this.#data = f.data(table)
    this.#filter = filter
  }

  open(): void {
    this.#row = 0
    this.#end = this.#data.nextRow
    this.#block = this.#end > 0 ? this.#data.block(0) : undefined
  }

  next(): boolean {
    const end = this.#end
    const f = this.#f
    const filter = this.#filter
    const { snapshot } = f
    while (this.#row < end) {
      if (this.#block === undefined) {
        this.#row = ((this.#row >> 8) + 1) << 8
        this.#block = this.#row < end ? this.#data.block(this.#row >> 8) : undefined
        f.step()
        continue
      }
      const head = this.#block[this.#row & 255]
      const values = head === undefined ? undefined : head.scn <= snapshot.scn ? head.values : visible(head, snapshot)
      if (values === undefined) {
        this.#advance()
        f.step()
        continue
      }
      f.rows[this.#slot] = values
      const passes = filter === undefined || filter(f) === 1
      this.#advance()
      if (passes) return true
      f.step()
    }
    return false
  }

  #advance(): void {
    this.#row++
    if ((this.#row & 255) === 0) this.#block = this.#row < this.#end ? this.#data.block(this.#row >> 8) : undefined
  }
}

/** What a lookup asks of an index: equal values for its first columns, then a range of the next one. */
export interface Lookup {
  readonly equal: ReadonlyArray<Eval>
  /** Several values for the only column: an IN list. */
  readonly any: ReadonlyArray<Eval> | undefined
  readonly low: { readonly value: Eval; readonly inclusive: boolean } | undefined
  readonly high: { readonly value: Eval; readonly inclusive: boolean } | undefined
}

export class IndexScan implements Operator {
  readonly #f: Frame
  readonly #slot: number
  readonly #data: TableData
  readonly #index: OrderedIndex
  readonly #lookup: Lookup
  readonly #filter: Eval | undefined
  #walk: RangeWalk | undefined
  #keys: Array<Stored> = []
  #held = false

  constructor(
    f: Frame,
    slot: number,
    table: Table,
    index: number,
    lookup: Lookup,
    filter: Eval | undefined
  ) {
    this.#f = f
    this.#slot = slot
    this.#data = f.data(table)
    this.#index = this.#data.index(index)
    this.#lookup = lookup
    this.#filter = filter
  }

  open(): void {
    const f = this.#f
    const index = this.#index
    const lookup = this.#lookup
    this.#held = false
    this.#keys = []
    this.#walk = undefined
    if (lookup.any !== undefined) {
      const values = lookup.any.map((value) => value(f)).filter((value) => value !== null)
      values.sort((a, b) => index.comparers[0]!(a, b))
      // From the end: the keys are taken off as they are used.
      for (let i = values.length - 1; i >= 0; i--) {
        if (this.#keys.length === 0 || index.comparers[0]!(values[i]!, this.#keys.at(-1)!) !== 0) {
          this.#keys.push(values[i]!)
        }
      }
      return
    }
    const prefix: Array<Stored> = []
    for (let i = 0; i < lookup.equal.length; i++) {
      const value = lookup.equal[i]!(f)
      if (value === null) return
      prefix.push(value)
    }
    const low = this.#bound(prefix, lookup.low)
    const high = this.#bound(prefix, lookup.high)
    if (low === null || high === null) return
    this.#walk = index.range(low, high)
  }

  /** null when nothing can be within it. */
  #bound(prefix: Key, side: Lookup["low"]): Bound | null | undefined {
    if (side === undefined) return prefix.length === 0 ? undefined : { key: prefix, inclusive: true }
    const value = side.value(this.#f)
    return value === null ? null : { key: [...prefix, value], inclusive: side.inclusive }
  }

  next(): boolean {
    const f = this.#f
    const filter = this.#filter
    const index = this.#index
    for (;;) {
      if (!this.#held) {
        if (this.#walk === undefined) {
          const key = this.#keys.pop()
          if (key === undefined) return false
          const bound: Bound = { key: [key], inclusive: true }
          this.#walk = index.range(bound, bound)
        }
        const entry = this.#walk.next()
        if (entry === undefined) {
          this.#walk = undefined
          if (this.#keys.length === 0) return false
          continue
        }
        const head = this.#data.head(entry.row)
        const values = head === undefined
          ? undefined
          : head.scn <= f.snapshot.scn
          ? head.values
          : visible(head, f.snapshot)
        if (
          values === undefined || (head!.older !== undefined && index.compare(index.keyOf(values), entry.key) !== 0)
        ) {
          f.step()
          continue
        }
        f.rows[this.#slot] = values
        this.#held = true
      }
      const passes = filter === undefined || filter(f) === 1
      this.#held = false
      if (passes) return true
      f.step()
    }
  }
}

export class RowidLookup implements Operator {
  readonly #f: Frame
  readonly #slot: number
  readonly #table: Table
  readonly #rowid: Eval
  readonly #filter: Eval | undefined
  #done = true

  constructor(f: Frame, slot: number, table: Table, rowid: Eval, filter: Eval | undefined) {
    this.#f = f
    this.#slot = slot
    this.#table = table
    this.#rowid = rowid
    this.#filter = filter
  }

  open(): void {
    this.#done = false
  }

  next(): boolean {
    if (this.#done) return false
    const f = this.#f
    const table = this.#table
    const text = this.#rowid(f)
    const row = text === null ? -1 : rowOf(table.id, text as string)
    const values = row < 0 ? undefined : visible(f.data(table).head(row), f.snapshot)
    if (values === undefined) {
      this.#done = true
      return false
    }
    f.rows[this.#slot] = values
    const passes = this.#filter === undefined || this.#filter(f) === 1
    this.#done = true
    return passes
  }
}

/** Rows that are all known when the run begins to read them: dictionary views. */
export class ListScan implements Operator {
  readonly #f: Frame
  readonly #slot: number
  readonly #list: (f: Frame) => ReadonlyArray<Row>
  readonly #filter: Eval | undefined
  #rows: ReadonlyArray<Row> | undefined
  #at = 0

  constructor(f: Frame, slot: number, list: (f: Frame) => ReadonlyArray<Row>, filter: Eval | undefined) {
    this.#f = f
    this.#slot = slot
    this.#list = list
    this.#filter = filter
  }

  open(): void {
    this.#rows ??= this.#list(this.#f)
    this.#at = 0
  }

  next(): boolean {
    const f = this.#f
    const filter = this.#filter
    const rows = this.#rows!
    while (this.#at < rows.length) {
      f.rows[this.#slot] = rows[this.#at]!
      const passes = filter === undefined || filter(f) === 1
      this.#at++
      if (passes) return true
      f.step()
    }
    return false
  }
}

/** Rows of expressions: VALUES. */
export class ValuesScan implements Operator {
  readonly #f: Frame
  readonly #slot: number
  readonly #list: ReadonlyArray<(f: Frame) => Row>
  readonly #filter: Eval | undefined
  #at = 0

  constructor(f: Frame, slot: number, list: ReadonlyArray<(f: Frame) => Row>, filter: Eval | undefined) {
    this.#f = f
    this.#slot = slot
    this.#list = list
    this.#filter = filter
  }

  open(): void {
    this.#at = 0
  }

  next(): boolean {
    const f = this.#f
    const filter = this.#filter
    const list = this.#list
    while (this.#at < list.length) {
      f.rows[this.#slot] = list[this.#at]!(f)
      const passes = filter === undefined || filter(f) === 1
      this.#at++
      if (passes) return true
      f.step()
    }
    return false
  }
}
