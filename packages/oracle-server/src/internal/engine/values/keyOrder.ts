/**
 * The keys of an index-by table in their order. Those that came out of order wait until the order matters or until there are many of them, so
 * filling a table costs little, and no single step has to sort all of it.
 */
import { compareText } from "./text.ts"

export type Key = number | string

export const compareKeys = (a: Key, b: Key): number =>
  typeof a === "number" ? a - (b as number) : compareText(a, b as string)

/** Keys in one run. */
const longestRun = 512
/** Keys that wait, at most. */
const mostWaiting = 2048

export class KeyOrder {
  /** Sorted, none of them empty; each run's keys come before those of the next. */
  #runs: Array<Array<Key>> = []
  #waiting: Array<Key> = []
  /** Whether the table still has a key that has waited. */
  readonly #isThere: (key: Key) => boolean

  constructor(isThere: (key: Key) => boolean) {
    this.#isThere = isThere
  }

  /** A key that the table did not have. */
  add(key: Key): void {
    const last = this.#runs.at(-1)
    if (last === undefined || (this.#waiting.length === 0 && compareKeys(last.at(-1)!, key) < 0)) {
      this.#append(last, key)
    } else {
      this.#waiting.push(key)
      if (this.#waiting.length >= mostWaiting) this.#settle()
    }
  }

  #append(last: Array<Key> | undefined, key: Key): void {
    if (last === undefined || last.length >= longestRun) this.#runs.push([key])
    else last.push(key)
  }

  /** A key that the table has no more: one that waits is left out when its time comes. */
  remove(key: Key): void {
    const at = this.#runAt(key)
    const run = this.#runs[at]
    if (run === undefined) return
    const place = placeIn(run, key)
    if (run[place] !== key) return
    run.splice(place, 1)
    if (run.length === 0) this.#runs.splice(at, 1)
  }

  clear(): void {
    this.#runs = []
    this.#waiting = []
  }

  /** Puts those that wait in their places. */
  #settle(): void {
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting.filter((key) => this.#isThere(key)).toSorted(compareKeys)
    this.#waiting = []
    for (const key of waiting) this.#insert(key)
  }

  #insert(key: Key): void {
    const at = this.#runAt(key)
    const run = this.#runs[at]
    if (run === undefined) {
      this.#append(this.#runs.at(-1), key)
      return
    }
    const place = placeIn(run, key)
    // It was removed and came again while it waited.
    if (run[place] === key) return
    run.splice(place, 0, key)
    if (run.length > longestRun) this.#runs.splice(at + 1, 0, run.splice(longestRun / 2))
  }

  /** The first run that ends with this key or beyond it. */
  #runAt(key: Key): number {
    let low = 0
    let high = this.#runs.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareKeys(this.#runs[middle]!.at(-1)!, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  get first(): Key | null {
    this.#settle()
    return this.#runs[0]?.[0] ?? null
  }

  get last(): Key | null {
    this.#settle()
    return this.#runs.at(-1)?.at(-1) ?? null
  }

  /** The key behind this one, which the table may have or not. */
  next(key: Key): Key | null {
    this.#settle()
    const at = this.#runAt(key)
    const run = this.#runs[at]
    if (run === undefined) return null
    const place = placeIn(run, key)
    if (run[place] !== key) return run[place] ?? null
    return run[place + 1] ?? this.#runs[at + 1]?.[0] ?? null
  }

  prior(key: Key): Key | null {
    this.#settle()
    const at = this.#runAt(key)
    const run = this.#runs[at]
    const place = run === undefined ? 0 : placeIn(run, key)
    return (place > 0 ? run?.[place - 1] : this.#runs[at - 1]?.at(-1)) ?? null
  }

  all(): ReadonlyArray<Key> {
    this.#settle()
    return this.#runs.length === 1 ? [...this.#runs[0]!] : this.#runs.flat()
  }
}

/** Where the first key that is not below this one stands. */
const placeIn = (run: ReadonlyArray<Key>, key: Key): number => {
  let low = 0
  let high = run.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareKeys(run[middle]!, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
