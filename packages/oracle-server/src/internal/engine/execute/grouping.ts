/** GROUP BY: one pass over the rows, an accumulator for each aggregate of each group. */
import type { Accumulator } from "../functions/accumulator.ts"
import { sizeOf } from "../storage/memory.ts"
import type { Stored } from "../values/composite.ts"
import { keyOfAll } from "../values/order.ts"
import type { Kind } from "../values/sqlType.ts"
import type { Eval, Frame } from "./frame.ts"
import type { Operator } from "./operator.ts"
import { compareKeys, type SortKey } from "./sorting.ts"

export interface AggregateSpec {
  readonly make: () => Accumulator
  readonly args: ReadonlyArray<Eval>
  /** WITHIN GROUP of LISTAGG: the values come in this order. */
  readonly order: ReadonlyArray<SortKey>
  /** KEEP (DENSE_RANK FIRST or LAST): only the rows that rank first, or last, in that order. */
  readonly keep: "first" | "last" | undefined
}

interface Waiting {
  readonly key: ReadonlyArray<Stored>
  readonly value: Stored
  readonly more: ReadonlyArray<Stored>
}

/** An aggregate whose rows have an order: they wait until the group is complete. */
class Ordered implements Accumulator {
  readonly #inner: Accumulator
  readonly #spec: AggregateSpec
  readonly #compare: (a: ReadonlyArray<Stored>, b: ReadonlyArray<Stored>) => number
  #waiting: Array<Waiting> = []

  constructor(spec: AggregateSpec) {
    this.#inner = spec.make()
    this.#spec = spec
    this.#compare = compareKeys(spec.order)
  }

  add(value: Stored, more: ReadonlyArray<Stored>): void {
    const { length } = this.#spec.order
    const key = more.slice(more.length - length)
    const rest = more.slice(0, more.length - length)
    const { keep } = this.#spec
    if (keep !== undefined && this.#waiting.length > 0) {
      const order = this.#compare(key, this.#waiting[0]!.key) * (keep === "first" ? 1 : -1)
      if (order > 0) return
      if (order < 0) this.#waiting = []
    }
    this.#waiting.push({ key, value, more: rest })
  }

  result(): Stored {
    if (this.#spec.keep === undefined) this.#waiting.sort((a, b) => this.#compare(a.key, b.key))
    for (const { more, value } of this.#waiting) this.#inner.add(value, more)
    return this.#inner.result()
  }
}

export const accumulator = (spec: AggregateSpec): Accumulator =>
  spec.order.length === 0 ? spec.make() : new Ordered(spec)

const none: ReadonlyArray<Stored> = []

interface Group {
  readonly values: ReadonlyArray<Stored>
  readonly accumulators: ReadonlyArray<Accumulator>
}

export class Grouping implements Operator {
  readonly #f: Frame
  readonly #child: Operator
  readonly #slot: number
  readonly #keys: (f: Frame) => ReadonlyArray<Stored>
  readonly #kinds: ReadonlyArray<Kind>
  readonly #specs: ReadonlyArray<AggregateSpec>
  /** The arguments of every aggregate for the current row. */
  readonly #inputs: (f: Frame) => ReadonlyArray<ReadonlyArray<Stored>>
  #groups = new Map<string, Group>()
  #result: Iterator<readonly [string, Group]> | undefined
  #held = false
  /** Without GROUP BY there is one group, even of no rows. */
  readonly #whole: boolean
  /** ROLLUP and the like: each row counts in a group of each set. */
  readonly #sets: ReadonlyArray<ReadonlySet<number>> | undefined

  constructor(
    f: Frame,
    child: Operator,
    slot: number,
    keys: (f: Frame) => ReadonlyArray<Stored>,
    kinds: ReadonlyArray<Kind>,
    specs: ReadonlyArray<AggregateSpec>,
    inputs: (f: Frame) => ReadonlyArray<ReadonlyArray<Stored>>,
    whole: boolean,
    sets: ReadonlyArray<ReadonlySet<number>> | undefined
  ) {
    this.#f = f
    this.#child = child
    this.#slot = slot
    this.#keys = keys
    this.#kinds = kinds
    this.#specs = specs
    this.#inputs = inputs
    this.#whole = whole
    this.#sets = sets
  }

  open(): void {
    this.#groups = new Map()
    this.#result = undefined
    this.#held = false
    this.#child.open()
  }

  #group(values: ReadonlyArray<Stored>, set = ""): ReadonlyArray<Accumulator> {
    const key = this.#kinds.length === 0 ? set : set + keyOfAll(this.#kinds, values)
    const known = this.#groups.get(key)
    if (known !== undefined) return known.accumulators
    this.#f.take(sizeOf(values) + 120 * this.#specs.length + key.length)
    const accumulators = this.#specs.map(accumulator)
    this.#groups.set(key, { values, accumulators })
    return accumulators
  }

  #read(): void {
    const f = this.#f
    for (;;) {
      if (!this.#held) {
        if (!this.#child.next()) break
        this.#held = true
      }
      const values = this.#kinds.length === 0 ? none : this.#keys(f)
      const inputs = this.#inputs(f)
      this.#held = false
      if (this.#sets === undefined) this.#add(this.#group(values), inputs)
      else {
        this.#sets.forEach((set, i) => {
          // The last value tells which columns the set leaves out.
          const masked = values.map((value, column) => set.has(column) ? value : null)
          this.#add(this.#group(masked, `${i}/`), inputs)
        })
      }
      f.step()
    }
    if (this.#whole && this.#groups.size === 0) this.#group(none)
    if (this.#sets !== undefined && this.#groups.size === 0) {
      this.#sets.forEach((set, i) => {
        if (set.size === 0) this.#group(this.#kinds.map(() => null), `${i}/`)
      })
    }
    this.#result = this.#groups.entries()
  }

  #add(accumulators: ReadonlyArray<Accumulator>, inputs: ReadonlyArray<ReadonlyArray<Stored>>): void {
    for (let i = 0; i < accumulators.length; i++) {
      const input = inputs[i]!
      accumulators[i]!.add(input.length === 0 ? 1 : input[0]!, input.length > 1 ? input.slice(1) : none)
      if (this.#specs[i]!.order.length > 0) this.#f.take(64)
    }
  }

  next(): boolean {
    if (this.#result === undefined) this.#read()
    const group = this.#result!.next()
    if (group.done === true) return false
    const [key, { accumulators, values }] = group.value
    const row = [...values]
    for (const one of accumulators) row.push(one.result())
    // GROUPING reads here which columns the set leaves out.
    if (this.#sets !== undefined) row.push(Number(key.slice(0, key.indexOf("/"))))
    this.#f.rows[this.#slot] = row
    return true
  }
}
