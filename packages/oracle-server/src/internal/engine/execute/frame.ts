/**
 * One run of a plan: the current row of every source, the values of its parameters, and how it stops to breathe.
 *
 * Operators and expressions are plain synchronous code. When the run has used up its time, {@link Frame.pause} throws
 * {@link suspension} out of whatever is running; who drives the run gives the event loop a turn and calls again. So every
 * operator keeps its place in itself and may be called again after such an exit. Expressions start over: the parts of them
 * that may not (subqueries, functions written in PL/SQL) remember their results until the whole expression has its value.
 */
import type { Table } from "../catalog/catalog.ts"
import type { Store } from "../storage/store.ts"
import type { Row, Snapshot, TableData } from "../storage/tableData.ts"
import type { Wait } from "../storage/waiting.ts"
import type { Stored } from "../values/composite.ts"
import type { SessionState } from "../values/sessionState.ts"

/** Thrown, never shown: the run goes on later. */
export const suspension: unique symbol = Symbol("suspension")

/** The table that a statement changes, if it is one, and whether code that the statement runs may not see it meanwhile. */
export interface Changing {
  readonly table: Table | undefined
  readonly mutating: boolean
}

export type Eval = (f: Frame) => Stored

/** Milliseconds of work between two turns of the event loop. */
const slice = 4
/** Steps before the first look at the clock, and at most between two: a look is meant to come once in a millisecond. */
const firstLook = 8
const maxBetweenLooks = 512
const minBetweenLooks = 4

export class Frame {
  /** By the slot that the compiler gave to the source. */
  readonly rows: Array<Row> = []
  /** What parts of the plan remember between calls, by place. */
  readonly state: Array<unknown> = []
  params: ReadonlyArray<Stored>
  readonly session: SessionState
  readonly store: Store
  readonly snapshot: Snapshot
  #taken = 0
  /** For expressions of PL/SQL: where they stand. */
  host: unknown
  /** The table that the statement changes; undefined for a query. */
  changing: Changing | undefined
  /** What a part of the run waits for; undefined when it only gives way. */
  wait: Wait | undefined
  /** How that wait ended, for the part that waited. */
  failure: { readonly error: unknown } | undefined
  #left = firstLook
  #betweenLooks = firstLook
  #lastLook = 0
  #until = 0
  #endings: Array<() => void> | undefined

  constructor(store: Store, session: SessionState, snapshot: Snapshot, params: ReadonlyArray<Stored>) {
    this.store = store
    this.session = session
    this.snapshot = snapshot
    this.params = params
  }

  data(table: Table): TableData {
    return this.store.data(table, this.session.info.sid)
  }

  /** Counts one small step of work. */
  step(): void {
    if (--this.#left < 0) this.pause()
  }

  /** Looks at the clock; leaves when the time is used up. */
  pause(): void {
    const now = this.store.clock()
    const spent = now - this.#lastLook
    // A step may compare two numbers or read a long document.
    if (this.#until === 0) this.#until = now + slice
    else {
      this.#betweenLooks = spent < 1
        ? Math.min(maxBetweenLooks, this.#betweenLooks * 2)
        : Math.max(minBetweenLooks, Math.floor(this.#betweenLooks / spent))
    }
    this.#lastLook = now
    this.#left = this.#betweenLooks
    if (now >= this.#until) this.suspend(undefined)
  }

  suspend(wait: Wait | undefined): never {
    this.#until = 0
    this.wait = wait
    throw suspension
  }

  /** Bytes for the work of this run: they are given back when it ends. */
  take(bytes: number): void {
    this.store.memory.take(bytes)
    this.#taken += bytes
  }

  /** Something to do when the run is over, whatever its end. */
  atEnd(ending: () => void): void {
    this.#endings ??= []
    this.#endings.push(ending)
  }

  close(): void {
    if (this.#taken > 0) this.store.memory.give(this.#taken)
    this.#taken = 0
    this.store.close(this.snapshot)
    const endings = this.#endings
    this.#endings = undefined
    if (endings !== undefined) { for (const ending of endings) ending() }
  }
}
