/**
 * An ordered index: entries of a key and a row number, sorted by both.
 *
 * The entries stand in runs of bounded length, so that a new one moves a few hundred places at most. A row has an entry for
 * the key of each of its versions; who reads has to look whether the version it sees still has that key.
 *
 * A fork shares the runs; whichever index writes to a run first copies it.
 */
import type { Stored } from "../values/composite.ts"
import type { Row } from "./row.ts"

export type Key = ReadonlyArray<Stored>

export interface Entry {
  readonly key: Key
  readonly row: number
}

/** Where a range begins or ends: a prefix of the key's columns. */
export interface Bound {
  readonly key: Key
  readonly inclusive: boolean
}

const longest = 512

export class OrderedIndex {
  readonly id: number
  /** Places of the columns in a row. */
  readonly columns: ReadonlyArray<number>
  readonly comparers: ReadonlyArray<(a: Stored, b: Stored) => number>
  #runs: Array<Array<Entry>> = []
  /** Runs that another index has too. */
  #shared: Set<Array<Entry>> | undefined
  /** Grows with every change: a walk that finds another number looks for its place again. */
  version = 0

  constructor(id: number, columns: ReadonlyArray<number>, comparers: ReadonlyArray<(a: Stored, b: Stored) => number>) {
    this.id = id
    this.columns = columns
    this.comparers = comparers
  }

  keyOf(row: Row): Key {
    const { columns } = this
    if (columns.length === 1) return [row[columns[0]!] ?? null]
    const key: Array<Stored> = []
    for (let i = 0; i < columns.length; i++) key.push(row[columns[i]!] ?? null)
    return key
  }

  /** Compares the columns that both keys have; nulls are the highest. */
  compare(a: Key, b: Key): number {
    const length = Math.min(a.length, b.length)
    for (let i = 0; i < length; i++) {
      const x = a[i]!
      const y = b[i]!
      if (x === null || y === null) {
        if (x === y) continue
        return x === null ? 1 : -1
      }
      const order = this.comparers[i]!(x, y)
      if (order !== 0) return order
    }
    return 0
  }

  /** The same entries in an index of its own. */
  fork(): OrderedIndex {
    const fork = new OrderedIndex(this.id, this.columns, this.comparers)
    fork.#runs = this.#runs.slice()
    this.#shared = new Set(this.#runs)
    fork.#shared = new Set(this.#runs)
    return fork
  }

  /** A run that may be written to. */
  #own(index: number): Array<Entry> {
    const run = this.#runs[index]!
    if (this.#shared === undefined || !this.#shared.delete(run)) return run
    const copy = run.slice()
    this.#runs[index] = copy
    return copy
  }

  #place(entry: Entry, key: Key, row: number): number {
    const order = this.compare(entry.key, key)
    return order !== 0 ? order : entry.row - row
  }

  /** The first place at or after (key, row). */
  #seek(key: Key, row: number): readonly [run: number, at: number] {
    const runs = this.#runs
    let low = 0
    let high = runs.length
    while (low < high) {
      const middle = (low + high) >> 1
      const run = runs[middle]!
      if (this.#place(run[run.length - 1]!, key, row) < 0) low = middle + 1
      else high = middle
    }
    if (low === runs.length) return [low, 0]
    const run = runs[low]!
    let from = 0
    let to = run.length
    while (from < to) {
      const middle = (from + to) >> 1
      if (this.#place(run[middle]!, key, row) < 0) from = middle + 1
      else to = middle
    }
    return [low, from]
  }

  add(row: Row): void {
    const key = this.keyOf(row)
    let isNull = true
    for (let i = 0; i < key.length; i++) if (key[i] !== null) isNull = false
    if (isNull) return
    const number = row[0] as number
    const runs = this.#runs
    let [index, at] = this.#seek(key, number)
    if (index === runs.length) {
      if (index === 0) {
        runs.push([{ key, row: number }])
        this.version++
        return
      }
      index--
      at = runs[index]!.length
    }
    const there = runs[index]![at]
    if (there !== undefined && this.#place(there, key, number) === 0) return
    const run = this.#own(index)
    if (at === run.length) run.push({ key, row: number })
    else run.splice(at, 0, { key, row: number })
    this.version++
    if (run.length <= longest) return
    // Growing at its end is the common case: the full run stays full.
    const cut = at === run.length - 1 ? longest : longest >> 1
    runs.splice(index + 1, 0, run.splice(cut))
  }

  remove(key: Key, row: number): void {
    const [index, at] = this.#seek(key, row)
    const there = this.#runs[index]?.[at]
    if (there === undefined || this.#place(there, key, row) !== 0) return
    const run = this.#own(index)
    run.splice(at, 1)
    if (run.length === 0) this.#runs.splice(index, 1)
    this.version++
  }

  clear(): void {
    this.#runs.length = 0
    this.version++
  }

  /** The entries of a range in order; the index may change while it is walked. */
  range(from: Bound | undefined, to: Bound | undefined): RangeWalk {
    return new RangeWalk(this, from, to)
  }

  /** For a walk: the place of the first entry of a range, or of the one after an entry. */
  start(from: Bound | undefined): readonly [run: number, at: number] {
    if (from === undefined) return [0, 0]
    return this.#seek(from.key, from.inclusive ? -1 : Number.MAX_SAFE_INTEGER)
  }

  after(entry: Entry): readonly [run: number, at: number] {
    return this.#seek(entry.key, entry.row + 0.5)
  }

  entry(run: number, at: number): Entry | undefined {
    return this.#runs[run]?.[at]
  }
}

export class RangeWalk {
  readonly #index: OrderedIndex
  readonly #from: Bound | undefined
  readonly #to: Bound | undefined
  #run = 0
  #at = 0
  #version = -1
  #last: Entry | undefined

  constructor(index: OrderedIndex, from: Bound | undefined, to: Bound | undefined) {
    this.#index = index
    this.#from = from
    this.#to = to
  }

  next(): Entry | undefined {
    const index = this.#index
    if (this.#version !== index.version) {
      ;[this.#run, this.#at] = this.#last === undefined ? index.start(this.#from) : index.after(this.#last)
      this.#version = index.version
    }
    let entry = index.entry(this.#run, this.#at)
    if (entry === undefined) {
      this.#run++
      this.#at = 0
      entry = index.entry(this.#run, 0)
      if (entry === undefined) return undefined
    }
    if (this.#to !== undefined) {
      const order = index.compare(entry.key, this.#to.key)
      if (order > 0 || (order === 0 && !this.#to.inclusive)) return undefined
    }
    this.#at++
    this.#last = entry
    return entry
  }
}
