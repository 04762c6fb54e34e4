/**
 * Joins. The one on the right is opened again for each row of the one on the left; whether that is a scan, a look into an
 * index or into a hash table is the affair of what stands there.
 */
import type { Row } from "../storage/tableData.ts"
import { keyOf, keyOfAll } from "../values/order.ts"
import type { Kind } from "../values/sqlType.ts"
import type { Eval, Frame } from "./frame.ts"
import type { Operator } from "./operator.ts"
import { restoreTuple, saveTuple, type Tuple, tupleBytes } from "./tuples.ts"

/** Reads its child once for the whole run, then answers from memory. */
export class Cached implements Operator {
  readonly #f: Frame
  readonly #child: Operator
  readonly #slots: ReadonlyArray<number>
  readonly #filter: Eval | undefined
  readonly #tuples: Array<Tuple> = []
  #filled = false
  #filling = false
  #at = 0

  constructor(f: Frame, child: Operator, slots: ReadonlyArray<number>, filter: Eval | undefined) {
    this.#f = f
    this.#child = child
    this.#slots = slots
    this.#filter = filter
  }

  open(): void {
    this.#at = 0
  }

  #fill(): void {
    const f = this.#f
    const slots = this.#slots
    if (!this.#filling) {
      this.#child.open()
      this.#filling = true
    }
    const size = tupleBytes(slots)
    while (this.#child.next()) {
      f.take(size)
      this.#tuples.push(saveTuple(f, slots))
      f.step()
    }
    this.#filled = true
  }

  next(): boolean {
    if (!this.#filled) this.#fill()
    const f = this.#f
    const filter = this.#filter
    const slots = this.#slots
    const tuples = this.#tuples
    const single = slots.length === 1 ? slots[0]! : -1
    while (this.#at < tuples.length) {
      const tuple = tuples[this.#at]!
      if (single >= 0) f.rows[single] = tuple[0]!
      else restoreTuple(f, slots, tuple)
      const passes = filter === undefined || filter(f) === 1
      this.#at++
      if (passes) return true
      f.step()
    }
    return false
  }
}

export interface HashKey {
  /** Of a row of the child. */
  readonly build: Eval
  /** Of the row that looks for partners. */
  readonly probe: Eval
  readonly kind: Kind
}

/** Reads its child once into a hash table; each opening gives the rows whose keys are equal. */
export class Hashed implements Operator {
  readonly #f: Frame
  readonly #child: Operator
  readonly #slots: ReadonlyArray<number>
  readonly #keys: ReadonlyArray<HashKey>
  readonly #filter: Eval | undefined
  readonly #table = new Map<string | number, Array<Tuple>>()
  readonly #kinds: ReadonlyArray<Kind>
  #filled = false
  #filling = false
  #held = false
  #found: ReadonlyArray<Tuple> | undefined
  #at = 0

  constructor(
    f: Frame,
    child: Operator,
    slots: ReadonlyArray<number>,
    keys: ReadonlyArray<HashKey>,
    filter: Eval | undefined
  ) {
    this.#f = f
    this.#child = child
    this.#slots = slots
    this.#keys = keys
    this.#kinds = keys.map((key) => key.kind)
    this.#filter = filter
  }

  #key(build: boolean): string | number | null {
    const f = this.#f
    const keys = this.#keys
    if (keys.length === 1) return keyOf(keys[0]!.kind, build ? keys[0]!.build(f) : keys[0]!.probe(f))
    const values = []
    for (let i = 0; i < keys.length; i++) {
      const value = build ? keys[i]!.build(f) : keys[i]!.probe(f)
      if (value === null) return null
      values.push(value)
    }
    return keyOfAll(this.#kinds, values)
  }

  open(): void {
    this.#found = undefined
    this.#at = 0
  }

  #fill(): void {
    const f = this.#f
    const slots = this.#slots
    const table = this.#table
    if (!this.#filling) {
      this.#child.open()
      this.#filling = true
    }
    const size = tupleBytes(slots) + 40
    for (;;) {
      if (!this.#held) {
        if (!this.#child.next()) break
        this.#held = true
      }
      const key = this.#key(true)
      this.#held = false
      if (key === null) continue
      f.take(size)
      const list = table.get(key)
      if (list === undefined) table.set(key, [saveTuple(f, slots)])
      else list.push(saveTuple(f, slots))
      f.step()
    }
    this.#filled = true
  }

  next(): boolean {
    if (!this.#filled) this.#fill()
    const f = this.#f
    const filter = this.#filter
    const slots = this.#slots
    if (this.#found === undefined) {
      const key = this.#key(false)
      this.#found = (key === null ? undefined : this.#table.get(key)) ?? []
    }
    const found = this.#found
    while (this.#at < found.length) {
      restoreTuple(f, slots, found[this.#at]!)
      const passes = filter === undefined || filter(f) === 1
      this.#at++
      if (passes) return true
      f.step()
    }
    return false
  }
}

export class InnerJoin implements Operator {
  readonly #left: Operator
  readonly #right: Operator
  #active = false

  constructor(left: Operator, right: Operator) {
    this.#left = left
    this.#right = right
  }

  open(): void {
    this.#left.open()
    this.#active = false
  }

  #started = false

  next(): boolean {
    for (;;) {
      if (!this.#active) {
        if (!this.#left.next()) return false
        this.#active = true
        this.#started = false
      }
      // Opening may be left by suspension too: it evaluates the keys of a lookup.
      if (!this.#started) {
        this.#right.open()
        this.#started = true
      }
      if (this.#right.next()) return true
      this.#active = false
    }
  }
}

/** Every row of the left one at least once: nulls stand for a partner that is missing. */
export class OuterJoin implements Operator {
  readonly #f: Frame
  readonly #left: Operator
  readonly #right: Operator
  readonly #nulls: ReadonlyArray<readonly [slot: number, row: Row]>
  #active = false
  #started = false
  #matched = false

  constructor(
    f: Frame,
    left: Operator,
    right: Operator,
    nulls: ReadonlyArray<readonly [slot: number, row: Row]>
  ) {
    this.#f = f
    this.#left = left
    this.#right = right
    this.#nulls = nulls
  }

  open(): void {
    this.#left.open()
    this.#active = false
  }

  next(): boolean {
    for (;;) {
      if (!this.#active) {
        if (!this.#left.next()) return false
        this.#active = true
        this.#started = false
        this.#matched = false
      }
      if (!this.#started) {
        this.#right.open()
        this.#started = true
      }
      if (this.#right.next()) {
        this.#matched = true
        return true
      }
      this.#active = false
      if (!this.#matched) {
        for (const [slot, row] of this.#nulls) this.#f.rows[slot] = row
        return true
      }
    }
  }
}

/** FULL JOIN: the right one is read once; its rows that found no partner come at the end. */
export class FullJoin implements Operator {
  readonly #f: Frame
  readonly #left: Operator
  readonly #right: Operator
  readonly #slots: ReadonlyArray<number>
  readonly #on: Eval | undefined
  readonly #leftNulls: ReadonlyArray<readonly [slot: number, row: Row]>
  readonly #rightNulls: ReadonlyArray<readonly [slot: number, row: Row]>
  #tuples: Array<Tuple> = []
  #matched: Array<boolean> = []
  #filling = false
  #filled = false
  #active = false
  #any = false
  #at = 0
  #rest = false

  constructor(
    f: Frame,
    left: Operator,
    right: Operator,
    slots: ReadonlyArray<number>,
    on: Eval | undefined,
    leftNulls: ReadonlyArray<readonly [slot: number, row: Row]>,
    rightNulls: ReadonlyArray<readonly [slot: number, row: Row]>
  ) {
    this.#f = f
    this.#left = left
    this.#right = right
    this.#slots = slots
    this.#on = on
    this.#leftNulls = leftNulls
    this.#rightNulls = rightNulls
  }

  open(): void {
    this.#left.open()
    this.#filled = false
    this.#filling = false
    this.#tuples = []
    this.#matched = []
    this.#active = false
    this.#rest = false
    this.#at = 0
  }

  next(): boolean {
    const f = this.#f
    const slots = this.#slots
    if (!this.#filled) {
      if (!this.#filling) {
        this.#right.open()
        this.#filling = true
      }
      while (this.#right.next()) {
        f.take(tupleBytes(slots))
        this.#tuples.push(saveTuple(f, slots))
        this.#matched.push(false)
        f.step()
      }
      this.#filled = true
    }
    while (!this.#rest) {
      if (!this.#active) {
        if (!this.#left.next()) {
          this.#rest = true
          this.#at = 0
          break
        }
        this.#active = true
        this.#any = false
        this.#at = 0
      }
      while (this.#at < this.#tuples.length) {
        restoreTuple(f, slots, this.#tuples[this.#at]!)
        const passes = this.#on === undefined || this.#on(f) === 1
        const at = this.#at++
        if (passes) {
          this.#any = true
          this.#matched[at] = true
          return true
        }
        f.step()
      }
      this.#active = false
      if (!this.#any) {
        for (const [slot, row] of this.#rightNulls) f.rows[slot] = row
        return true
      }
    }
    while (this.#at < this.#tuples.length) {
      const at = this.#at++
      if (this.#matched[at] === true) continue
      restoreTuple(f, slots, this.#tuples[at]!)
      for (const [slot, row] of this.#leftNulls) f.rows[slot] = row
      return true
    }
    return false
  }
}
