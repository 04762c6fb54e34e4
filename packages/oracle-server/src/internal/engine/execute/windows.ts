/** Analytic functions: the rows of a query block with a value for each function, computed over partitions of them. */
import type { Accumulator } from "../functions/accumulator.ts"
import type { Row } from "../storage/tableData.ts"
import type { Stored } from "../values/composite.ts"
import { divide } from "../values/numberArithmetic.ts"
import { type NumberValue, toInteger } from "../values/oracleNumber.ts"
import { oraError } from "../values/oraError.ts"
import { keyOfAll } from "../values/order.ts"
import type { Kind } from "../values/sqlType.ts"
import type { Frame } from "./frame.ts"
import { accumulator, type AggregateSpec } from "./grouping.ts"
import type { Operator } from "./operator.ts"
import { compareKeys, Sorter, type SortKey } from "./sorting.ts"
import { restoreTuple, saveTuple, type Tuple, tupleBytes } from "./tuples.ts"
import { edge, type FrameSpec, isExcluded, type PartitionRows } from "./windowFrames.ts"

export interface WindowSpec {
  readonly name: string
  readonly aggregate: AggregateSpec | undefined
  readonly partition: ReadonlyArray<Kind>
  readonly order: ReadonlyArray<SortKey>
  readonly frame: FrameSpec | undefined
  readonly ignoreNulls: boolean
  /** NTH_VALUE … FROM LAST. */
  readonly fromLast: boolean
  /** How many arguments are the function's; others are offsets of the frame. */
  readonly width: number
}

/** What a window function needs of each row: its partition, its place in the order, its arguments. */
export interface WindowInput {
  readonly partition: ReadonlyArray<Stored>
  readonly order: ReadonlyArray<Stored>
  readonly args: ReadonlyArray<Stored>
}

interface Held {
  readonly tuple: Tuple
  readonly inputs: ReadonlyArray<WindowInput>
  readonly out: Row
}

interface Work {
  i: number
  running: Accumulator | undefined
  added: number
  /** The row whose frame it is. */
  framed: number
  peerEnd: number
  /** GROUPS: the groups of peers, as far as they are known. */
  readonly of: Array<number>
  readonly starts: Array<number>
}

export class Windows implements Operator {
  readonly #f: Frame
  readonly #child: Operator
  readonly #slots: ReadonlyArray<number>
  readonly #slot: number
  readonly #specs: ReadonlyArray<WindowSpec>
  readonly #inputs: (f: Frame) => ReadonlyArray<WindowInput>
  #rows: Array<Held> = []
  #held = false
  #read = false
  #spec = 0
  #sorter: Sorter<Held> | undefined
  #ordered: Array<Held> | undefined
  #partition: { from: number; to: number; row: number } | undefined
  #at = 0
  #done = false
  /** How far the frames of the current partition have come. */
  #work: Work | undefined

  constructor(
    f: Frame,
    child: Operator,
    slots: ReadonlyArray<number>,
    slot: number,
    specs: ReadonlyArray<WindowSpec>,
    inputs: (f: Frame) => ReadonlyArray<WindowInput>
  ) {
    this.#f = f
    this.#child = child
    this.#slots = slots
    this.#slot = slot
    this.#specs = specs
    this.#inputs = inputs
  }

  open(): void {
    this.#rows = []
    this.#held = false
    this.#read = false
    this.#spec = 0
    this.#sorter = undefined
    this.#ordered = undefined
    this.#partition = undefined
    this.#work = undefined
    this.#at = 0
    this.#done = false
    this.#child.open()
  }

  #fill(): void {
    const f = this.#f
    const slots = this.#slots
    const specs = this.#specs
    const size = tupleBytes(slots) + 120 * specs.length
    for (;;) {
      if (!this.#held) {
        if (!this.#child.next()) break
        this.#held = true
      }
      const inputs = this.#inputs(f)
      this.#held = false
      f.take(size)
      this.#rows.push({ tuple: saveTuple(f, slots), inputs, out: specs.map(() => null) })
      f.step()
    }
    this.#read = true
  }

  next(): boolean {
    if (!this.#read) this.#fill()
    while (!this.#done) {
      if (this.#spec === this.#specs.length) {
        this.#done = true
        break
      }
      this.#compute(this.#spec)
      this.#spec++
      this.#rows = this.#ordered!
      this.#ordered = undefined
      this.#sorter = undefined
    }
    if (this.#at >= this.#rows.length) return false
    const row = this.#rows[this.#at++]!
    restoreTuple(this.#f, this.#slots, row.tuple)
    this.#f.rows[this.#slot] = row.out
    return true
  }

  #compute(n: number): void {
    const spec = this.#specs[n]!
    if (this.#ordered === undefined) {
      if (this.#sorter === undefined) {
        const byPartition = compareKeys(
          spec.partition.map((kind) => ({ kind, descending: false, nullsFirst: false }))
        )
        const byOrder = compareKeys(spec.order)
        this.#sorter = new Sorter(this.#f, (a, b) => {
          const x = a.inputs[n]!
          const y = b.inputs[n]!
          return byPartition(x.partition, y.partition) || byOrder(x.order, y.order)
        })
        for (const row of this.#rows) this.#sorter.add(row)
      }
      this.#ordered = this.#sorter.finish()
      this.#partition = undefined
    }
    const ordered = this.#ordered
    while ((this.#partition?.to ?? 0) < ordered.length) {
      const from = this.#partition?.to ?? 0
      const key = keyOfAll(spec.partition, ordered[from]!.inputs[n]!.partition)
      let to = from + 1
      while (to < ordered.length && keyOfAll(spec.partition, ordered[to]!.inputs[n]!.partition) === key) to++
      this.#overPartition(n, spec, from, to)
      this.#partition = { from, to, row: from }
    }
    this.#partition = undefined
  }

  #overPartition(n: number, spec: WindowSpec, from: number, to: number): void {
    const rows = this.#ordered!
    const sameRank = compareKeys(spec.order)
    const isPeer = (a: number, b: number): boolean =>
      sameRank(rows[a]!.inputs[n]!.order, rows[b]!.inputs[n]!.order) === 0
    const set = (i: number, value: Stored): void => {
      rows[i]!.out[n] = value
    }
    const arg = (i: number, which = 0): Stored => rows[i]!.inputs[n]!.args[which] ?? null
    const size = to - from
    switch (spec.name) {
      case "ROW_NUMBER":
        for (let i = from; i < to; i++) set(i, i - from + 1)
        return
      case "RANK":
      case "DENSE_RANK":
      case "PERCENT_RANK": {
        let rank = 1
        let dense = 1
        for (let i = from; i < to; i++) {
          if (i > from && !isPeer(i, i - 1)) {
            rank = i - from + 1
            dense++
          }
          set(
            i,
            spec.name === "RANK"
              ? rank
              : spec.name === "DENSE_RANK"
              ? dense
              : size === 1
              ? 0
              : divide(rank - 1, size - 1)
          )
        }
        return
      }
      case "CUME_DIST":
        for (let i = from; i < to;) {
          let end = i + 1
          while (end < to && isPeer(end, i)) end++
          for (; i < end; i++) set(i, divide(end - from, size))
        }
        return
      case "NTILE": {
        for (let i = from; i < to; i++) {
          const buckets = whole(arg(i))
          if (buckets < 1) throw oraError(1428, `argument '${buckets}' is out of range`)
          const small = Math.floor(size / buckets)
          const large = size % buckets
          const place = i - from
          const inLarge = large * (small + 1)
          set(
            i,
            place < inLarge ? Math.floor(place / (small + 1)) + 1 : large + Math.floor((place - inLarge) / small) + 1
          )
        }
        return
      }
      case "LAG":
      case "LEAD": {
        const sign = spec.name === "LAG" ? -1 : 1
        for (let i = from; i < to; i++) {
          const offset = rows[i]!.inputs[n]!.args.length > 1 ? whole(arg(i, 1)) : 1
          let at = i + sign * offset
          if (spec.ignoreNulls) {
            at = i
            for (let left = offset; left > 0;) {
              at += sign
              if (at < from || at >= to) break
              if (arg(at) !== null) left--
            }
          }
          set(i, at >= from && at < to ? arg(at) : arg(i, 2))
        }
        return
      }
      case "RATIO_TO_REPORT": {
        const sum = accumulator(spec.aggregate!)
        for (let i = from; i < to; i++) sum.add(arg(i), [])
        const total = sum.result()
        for (let i = from; i < to; i++) {
          const value = arg(i)
          set(i, value === null || total === null ? null : divide(value as NumberValue, total as NumberValue))
        }
        return
      }
    }
    this.#framed(n, spec, from, to, isPeer, arg, set)
  }

  #framed(
    n: number,
    spec: WindowSpec,
    from: number,
    to: number,
    isPeer: (a: number, b: number) => boolean,
    arg: (i: number, which?: number) => Stored,
    set: (i: number, value: Stored) => void
  ): void {
    const rows = this.#ordered!
    const frame: FrameSpec = spec.frame ?? (spec.order.length === 0 ? wholePartition : upToPeers)
    const isGrowing = frame.from.kind === "unbounded" && frame.exclude === undefined && spec.aggregate !== undefined &&
      spec.aggregate.order.length === 0
    this.#work ??= { i: from, running: undefined, added: from, framed: -1, peerEnd: -1, of: [], starts: [] }
    const work = this.#work
    if (frame.unit === "groups") this.#findGroups(work, from, to, isPeer)
    const compare = compareKeys(spec.order)
    const partition: PartitionRows = {
      from,
      to,
      isPeer,
      compareTo: (row, value) => compare(rows[row]!.inputs[n]!.order, [value]),
      offset: (row, which) => distance(arg(row, which)),
      value: arg,
      groups: work
    }
    for (; work.i < to; work.i++) {
      const { i } = work
      const start = Math.max(from, edge(frame, frame.from, i, partition, true))
      if (frame.unit === "range" && frame.to.kind === "current") {
        if (i > work.peerEnd) work.peerEnd = edge(frame, frame.to, i, partition, false)
      } else work.peerEnd = edge(frame, frame.to, i, partition, false)
      const end = Math.min(to - 1, work.peerEnd)
      if (spec.aggregate !== undefined) {
        // A frame that only grows keeps what it has added; any other begins anew for each row.
        if (work.running === undefined || (!isGrowing && work.framed !== i)) {
          work.running = accumulator(spec.aggregate)
          work.added = start
          work.framed = i
        }
        while (work.added <= end) {
          const row = work.added++
          if (frame.exclude === undefined || !isExcluded(frame, row, i, isPeer)) {
            const { args } = rows[row]!.inputs[n]!
            work.running.add(spec.width === 0 ? 1 : args[0]!, args.slice(1, spec.width))
          }
          this.#f.step()
        }
        set(i, work.running.result())
        continue
      }
      this.#f.step()
      const isIn = (k: number): boolean =>
        !(spec.ignoreNulls && arg(k) === null) && (frame.exclude === undefined || !isExcluded(frame, k, i, isPeer))
      const isBackward = spec.name === "LAST_VALUE" || spec.fromLast
      let left = spec.name === "NTH_VALUE" ? whole(arg(i, 1)) : 1
      if (left < 1) throw oraError(1428, `argument '${left}' is out of range`)
      let value: Stored = null
      for (let k = isBackward ? end : start; k >= start && k <= end; k += isBackward ? -1 : 1) {
        if (!isIn(k) || --left > 0) continue
        value = arg(k)
        break
      }
      set(i, value)
    }
    this.#work = undefined
  }

  /** Numbers the groups of peers; may be left at any row and goes on from there. */
  #findGroups(work: Work, from: number, to: number, isPeer: (a: number, b: number) => boolean): void {
    for (let at = from + work.of.length; at < to; at++) {
      if (at === from || !isPeer(at, at - 1)) work.starts.push(at)
      work.of.push(work.starts.length - 1)
      this.#f.step()
    }
  }
}

const wholePartition: FrameSpec = {
  unit: "rows",
  from: { kind: "unbounded" },
  to: { kind: "unbounded" },
  exclude: undefined
}

const upToPeers: FrameSpec = {
  unit: "range",
  from: { kind: "unbounded" },
  to: { kind: "current" },
  exclude: undefined
}

const whole = (value: Stored): number => {
  const number = value === null ? undefined : toInteger(value as NumberValue)
  if (number === undefined) throw oraError(1428, `argument '${String(value)}' is out of range`)
  return number
}

/** How far a frame reaches. */
const distance = (value: Stored): number => {
  const number = value === null ? undefined : toInteger(value as NumberValue)
  if (number === undefined || number < 0) throw oraError(1428, `argument '${String(value)}' is out of range`)
  return number
}
