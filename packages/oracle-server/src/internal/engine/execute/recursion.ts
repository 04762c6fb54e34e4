/** Recursive WITH: rows of the first part, then those that each generation of rows leads to. */
import { sizeOf } from "../storage/memory.ts"
import type { Row } from "../storage/tableData.ts"
import type { Stored } from "../values/convert.ts"
import { oraError } from "../values/oraError.ts"
import { keyOfAll } from "../values/order.ts"
import type { Kind } from "../values/sqlType.ts"
import type { Frame } from "./frame.ts"
import type { Operator } from "./operator.ts"

interface Node {
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
    // Only a key that was there before can be an ancestor's.
    if (this.#keys.has(key)) {
      for (let at = parent; at !== undefined; at = at.parent) {
        if (at.key === key) throw oraError(32044, "cycle detected while executing recursive WITH query")
      }
    }
    this.#f.take(sizeOf(row) + 80)
    this.#keys.add(key)
    this.#queue.push({ row, key, parent })
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
