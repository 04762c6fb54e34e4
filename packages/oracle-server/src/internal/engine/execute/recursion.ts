/** Recursive WITH: rows of the first part, then those that each generation of rows leads to. */
import { sizeOf } from "../storage/memory.ts"
import type { Row } from "../storage/tableData.ts"
import type { Stored } from "../values/composite.ts"
import { oraError } from "../values/oraError.ts"
import { keyOfAll } from "../values/order.ts"
import type { Kind } from "../values/sqlType.ts"
import type { Frame } from "./frame.ts"
import type { Operator } from "./operator.ts"

/** A row of a recursion, with the row that it came from. */
export interface Node {
  readonly row: Row
  readonly key: string
  readonly parent: Node | undefined
}

export interface RecursionSpec {
  /** Both parts put their rows here. */
  readonly slot: number
  /** Where the recursive part finds the row it goes on from. */
  readonly working: number
  /** Columns by which a row is known to come again: those that the recursive part tests. */
  readonly cycle: ReadonlyArray<number>
  readonly kinds: ReadonlyArray<Kind>
  /** The CYCLE clause: a row that comes again is marked and goes no further. Rows have the mark as one more column. */
  readonly marks: { readonly cycle: Stored; readonly other: Stored } | undefined
}

export class Recursion implements Operator {
  readonly #f: Frame
  readonly #first: Operator
  readonly #step: Operator
  readonly #spec: RecursionSpec
  readonly #kinds: ReadonlyArray<Kind>
  #queue: Array<Node> = []
  #head = 0
  #keys = new Set<string>()
  #phase: "first" | "take" | "step" = "first"
  #started = false
  #node: Node | undefined
  /** The row that `next` gave last. */
  latest: Node | undefined

  constructor(f: Frame, first: Operator, step: Operator, spec: RecursionSpec) {
    this.#f = f
    this.#first = first
    this.#step = step
    this.#spec = spec
    this.#kinds = spec.cycle.map((column) => spec.kinds[column]!)
  }

  open(): void {
    this.#queue = []
    this.#head = 0
    this.#keys = new Set()
    this.#phase = "first"
    this.#node = undefined
    this.#first.open()
  }

  #keep(row: Row, parent: Node | undefined): void {
    const values: Array<Stored> = this.#spec.cycle.map((column) => row[column]!)
    const key = keyOfAll(this.#kinds, values)
    const { marks, slot } = this.#spec
    // Only a key that was there before can be an ancestor's.
    const isCycle = this.#keys.has(key) && this.#isAncestor(key, parent)
    if (isCycle && marks === undefined) throw oraError(32044, "cycle detected while executing recursive WITH query")
    this.#f.take(sizeOf(row) + 80)
    const node = { row, key, parent }
    this.latest = node
    if (marks !== undefined) this.#f.rows[slot] = [...row, isCycle ? marks.cycle : marks.other]
    if (isCycle) return
    this.#keys.add(key)
    this.#queue.push(node)
  }

  #isAncestor(key: string, parent: Node | undefined): boolean {
    for (let at = parent; at !== undefined; at = at.parent) if (at.key === key) return true
    return false
  }

  next(): boolean {
    const f = this.#f
    const spec = this.#spec
    for (;;) {
      if (this.#phase === "first") {
        if (this.#first.next()) {
          this.#keep(f.rows[spec.slot]!, undefined)
          return true
        }
        this.#phase = "take"
      }
      if (this.#phase === "take") {
        this.#node = this.#queue[this.#head]
        if (this.#node === undefined) return false
        this.#head++
        if (this.#head > 4096) {
          this.#queue = this.#queue.slice(this.#head)
          this.#head = 0
        }
        this.#started = false
        this.#phase = "step"
      }
      f.rows[spec.working] = this.#node!.row
      if (!this.#started) {
        this.#step.open()
        this.#started = true
      }
      if (this.#step.next()) {
        this.#keep(f.rows[spec.slot]!, this.#node)
        return true
      }
      this.#phase = "take"
      f.step()
    }
  }
}
