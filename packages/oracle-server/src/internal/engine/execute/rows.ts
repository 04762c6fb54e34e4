/** Operators on a stream of rows: filter, ROWNUM, projection, limits, distinct rows, set operators. */
import { sizeOf } from "../storage/memory.ts"
import type { Row } from "../storage/tableData.ts"
import type { Stored } from "../values/composite.ts"
import { floor } from "../values/numberArithmetic.ts"
import { type NumberValue, toDouble, toInteger } from "../values/oracleNumber.ts"
import { keyOfAll } from "../values/order.ts"
import type { Kind } from "../values/sqlType.ts"
import type { Eval, Frame } from "./frame.ts"
import type { Operator } from "./operator.ts"
import { compareKeys, Sorter } from "./sorting.ts"

export class Filter implements Operator {
  readonly #f: Frame
  readonly #child: Operator
  readonly #condition: Eval
  #held = false

  constructor(f: Frame, child: Operator, condition: Eval) {
    this.#f = f
    this.#child = child
    this.#condition = condition
  }

  open(): void {
    this.#held = false
    this.#child.open()
  }

  next(): boolean {
    for (;;) {
      if (!this.#held) {
        if (!this.#child.next()) return false
        this.#held = true
      }
      const passes = this.#condition(this.#f) === 1
      this.#held = false
      if (passes) return true
      this.#f.step()
    }
  }
}

/**
 * A row gets its number when it has passed the other conditions; those on ROWNUM are asked with the number it would get.
 * `last` are the conditions that stay false once they are.
 */
export class Rownum implements Operator {
  readonly #f: Frame
  readonly #child: Operator
  readonly #slot: number
  readonly #condition: Eval | undefined
  readonly #last: Eval | undefined
  #count = 0
  #held = false
  #over = false

  constructor(f: Frame, child: Operator, slot: number, condition: Eval | undefined, last: Eval | undefined) {
    this.#f = f
    this.#child = child
    this.#slot = slot
    this.#condition = condition
    this.#last = last
  }

  open(): void {
    this.#count = 0
    this.#held = false
    this.#over = false
    this.#child.open()
  }

  next(): boolean {
    const f = this.#f
    while (!this.#over) {
      f.rows[this.#slot] = [this.#count + 1]
      // Without this look the child would work for a row that no number is left for.
      if (!this.#held && this.#last !== undefined && this.#last(f) !== 1) {
        this.#over = true
        return false
      }
      if (!this.#held) {
        if (!this.#child.next()) return false
        this.#held = true
        f.rows[this.#slot] = [this.#count + 1]
      }
      const passes = this.#condition === undefined || this.#condition(f) === 1
      this.#held = false
      if (passes) {
        this.#count++
        return true
      }
      f.step()
    }
    return false
  }
}

/** Puts a row of values into a slot of its own. */
export class Project implements Operator {
  readonly #f: Frame
  readonly #child: Operator
  readonly #slot: number
  readonly #row: (f: Frame) => Row
  #held = false

  constructor(f: Frame, child: Operator, slot: number, row: (f: Frame) => Row) {
    this.#f = f
    this.#child = child
    this.#slot = slot
    this.#row = row
  }

  open(): void {
    this.#held = false
    this.#child.open()
  }

  next(): boolean {
    if (!this.#held) {
      if (!this.#child.next()) return false
      this.#held = true
    }
    this.#f.rows[this.#slot] = this.#row(this.#f)
    this.#held = false
    return true
  }
}

/** A whole number of rows, none below zero; undefined without a limit. */
const rowCount = (f: Frame, value: Eval): number => {
  const stored = value(f)
  if (stored === null) return 0
  return Math.max(0, toInteger(floor(stored as NumberValue)) ?? Number.MAX_SAFE_INTEGER)
}

export interface LimitSpec {
  readonly offset: Eval | undefined
  readonly count: Eval | undefined
  readonly percent: boolean
  /** WITH TIES: says whether a row ranks as the last one did. */
  readonly rank: Eval | undefined
}

export class Limit implements Operator {
  readonly #f: Frame
  readonly #child: Operator
  readonly #spec: LimitSpec
  #skip = 0
  #left = 0
  #lastRank: string | number | undefined
  #ready = false

  constructor(f: Frame, child: Operator, spec: LimitSpec) {
    this.#f = f
    this.#child = child
    this.#spec = spec
  }

  open(): void {
    this.#ready = false
    this.#child.open()
  }

  next(): boolean {
    const f = this.#f
    const spec = this.#spec
    if (!this.#ready) {
      this.#skip = spec.offset === undefined ? 0 : rowCount(f, spec.offset)
      this.#left = spec.count === undefined ? Infinity : rowCount(f, spec.count)
      this.#lastRank = undefined
      this.#ready = true
    }
    while (this.#skip > 0) {
      if (!this.#child.next()) return false
      this.#skip--
      f.step()
    }
    if (this.#left <= 0) {
      if (spec.rank === undefined || this.#lastRank === undefined || !this.#child.next()) return false
      return spec.rank(f) === this.#lastRank
    }
    if (!this.#child.next()) return false
    this.#left--
    if (spec.rank !== undefined) this.#lastRank = spec.rank(f) as string
    return true
  }
}

/** FETCH FIRST n PERCENT: all rows have to be known. `slot` holds what the child gives. */
export class Percent implements Operator {
  readonly #f: Frame
  readonly #child: Operator
  readonly #slot: number
  readonly #spec: LimitSpec
  #rows: Array<Row> = []
  #ranks: Array<Stored> = []
  #filled = false
  #at = 0
  #end = 0

  constructor(f: Frame, child: Operator, slot: number, spec: LimitSpec) {
    this.#f = f
    this.#child = child
    this.#slot = slot
    this.#spec = spec
  }

  open(): void {
    this.#rows = []
    this.#ranks = []
    this.#filled = false
    this.#child.open()
  }

  next(): boolean {
    const f = this.#f
    const slot = this.#slot
    const spec = this.#spec
    if (!this.#filled) {
      while (this.#child.next()) {
        f.take(sizeOf(f.rows[slot]!))
        this.#rows.push(f.rows[slot]!)
        if (spec.rank !== undefined) this.#ranks.push(spec.rank(f))
        f.step()
      }
      this.#filled = true
      this.#at = spec.offset === undefined ? 0 : rowCount(f, spec.offset)
      const share = spec.count!(f)
      const percent = share === null ? 0 : toDouble(share as NumberValue)
      this.#end = this.#at + Math.ceil(this.#rows.length * Math.max(0, percent) / 100)
      // WITH TIES: also the rows that rank like the last one.
      const last = this.#end > this.#at ? this.#ranks[this.#end - 1] : undefined
      if (last !== undefined) { while (this.#ranks[this.#end] === last) this.#end++ }
    }
    if (this.#at >= Math.min(this.#end, this.#rows.length)) return false
    f.rows[slot] = this.#rows[this.#at++]!
    return true
  }
}

/** Rows that have not been seen yet. */
export class Distinct implements Operator {
  readonly #f: Frame
  readonly #child: Operator
  readonly #slot: number
  readonly #kinds: ReadonlyArray<Kind>
  #seen = new Set<string>()

  constructor(f: Frame, child: Operator, slot: number, kinds: ReadonlyArray<Kind>) {
    this.#f = f
    this.#child = child
    this.#slot = slot
    this.#kinds = kinds
  }

  open(): void {
    this.#seen = new Set()
    this.#child.open()
  }

  next(): boolean {
    const f = this.#f
    while (this.#child.next()) {
      const key = keyOfAll(this.#kinds, f.rows[this.#slot]!)
      if (this.#seen.has(key)) {
        f.step()
        continue
      }
      f.take(60 + key.length)
      this.#seen.add(key)
      return true
    }
    return false
  }
}

/** UNION ALL: one after the other. */
export class Concatenation implements Operator {
  readonly #children: ReadonlyArray<Operator>
  #at = 0
  #opened = false

  constructor(children: ReadonlyArray<Operator>) {
    this.#children = children
  }

  open(): void {
    this.#at = 0
    this.#opened = false
  }

  next(): boolean {
    while (this.#at < this.#children.length) {
      const child = this.#children[this.#at]!
      if (!this.#opened) {
        child.open()
        this.#opened = true
      }
      if (child.next()) return true
      this.#at++
      this.#opened = false
    }
    return false
  }
}

type SetOperator = "union" | "intersect" | "minus" | "intersect all" | "minus all"

const times: Readonly<Record<SetOperator, (left: number, right: number) => number>> = {
  "union": () => 1,
  "intersect": (_, right) => right > 0 ? 1 : 0,
  "minus": (_, right) => right > 0 ? 0 : 1,
  "intersect all": (left, right) => Math.min(left, right),
  "minus all": (left, right) => Math.max(0, left - right)
}

/** The set operators that compare rows: each gives its rows in their order, as a sort would. */
export class RowSets implements Operator {
  readonly #f: Frame
  readonly #op: SetOperator
  readonly #left: Operator
  readonly #right: Operator
  readonly #slot: number
  readonly #kinds: ReadonlyArray<Kind>
  #phase = 0
  #opened = false
  #left_ = new Map<string, { readonly row: Row; count: number }>()
  #right_ = new Map<string, number>()
  #result: Array<Row> = []
  #sorter: Sorter<Row>
  readonly #compare: (a: Row, b: Row) => number
  #at = 0

  constructor(
    f: Frame,
    op: SetOperator,
    left: Operator,
    right: Operator,
    slot: number,
    kinds: ReadonlyArray<Kind>
  ) {
    this.#f = f
    this.#op = op
    this.#left = left
    this.#right = right
    this.#slot = slot
    this.#kinds = kinds
    this.#compare = compareKeys(kinds.map((kind) => ({ kind, descending: false, nullsFirst: false })))
    this.#sorter = new Sorter(f, this.#compare)
  }

  open(): void {
    this.#sorter = new Sorter(this.#f, this.#compare)
    this.#phase = 0
    this.#opened = false
    this.#left_ = new Map()
    this.#right_ = new Map()
    this.#result = []
    this.#at = 0
  }

  #addLeft(): void {
    const f = this.#f
    const row = f.rows[this.#slot]!
    const key = keyOfAll(this.#kinds, row)
    const known = this.#left_.get(key)
    if (known !== undefined) known.count++
    else {
      f.take(sizeOf(row) + 80 + key.length)
      this.#left_.set(key, { row, count: 1 })
    }
    f.step()
  }

  #addRight(): void {
    const f = this.#f
    const key = keyOfAll(this.#kinds, f.rows[this.#slot]!)
    f.take(60 + key.length)
    this.#right_.set(key, (this.#right_.get(key) ?? 0) + 1)
    f.step()
  }

  #drain(child: Operator, add: () => void): void {
    if (!this.#opened) {
      child.open()
      this.#opened = true
    }
    for (;;) {
      // A step that suspends has counted its row already.
      if (!child.next()) break
      add()
    }
    this.#opened = false
    this.#phase++
  }

  next(): boolean {
    if (this.#phase === 0) this.#drain(this.#left, () => this.#addLeft())
    if (this.#phase === 1) this.#drain(this.#right, () => this.#op === "union" ? this.#addLeft() : this.#addRight())
    if (this.#phase === 2) {
      for (const [key, { count, row }] of this.#left_) {
        const other = this.#right_.get(key) ?? 0
        for (let i = times[this.#op](count, other); i > 0; i--) this.#sorter.add(row)
      }
      this.#phase = 3
    }
    if (this.#phase === 3) {
      this.#result = this.#sorter.finish()
      this.#phase = 4
    }
    if (this.#at >= this.#result.length) return false
    this.#f.rows[this.#slot] = this.#result[this.#at++]!
    return true
  }
}
