/** SEARCH: the rows of a recursion in the order that is asked for, each with its number. */
import type { Row } from "../storage/tableData.ts"
import type { Stored } from "../values/composite.ts"
import type { Frame } from "./frame.ts"
import type { Operator } from "./operator.ts"
import type { Node, Recursion } from "./recursion.ts"
import { compareKeys, Sorter, type SortKey } from "./sorting.ts"

export interface SearchSpec {
  readonly slot: number
  readonly depthFirst: boolean
  /** The columns that order rows of one parent, or of one level. */
  readonly columns: ReadonlyArray<number>
  readonly keys: ReadonlyArray<SortKey>
  /** Columns before the number: those of the common table. */
  readonly width: number
}

interface Found {
  readonly row: Row
  readonly level: number
  readonly key: ReadonlyArray<Stored>
  readonly parent: Found | undefined
  readonly children: Array<Found>
}

export class SearchedRecursion implements Operator {
  readonly #f: Frame
  readonly #child: Recursion
  readonly #spec: SearchSpec
  #found = new Map<Node, Found>()
  #sorter: Sorter<Found>
  #sorted: ReadonlyArray<Found> | undefined
  #isRead = false
  /** How many of the sorted rows have been given to their parents. */
  #placed = 0
  #stack: Array<Found> = []
  #number = 0

  constructor(f: Frame, child: Recursion, spec: SearchSpec) {
    this.#f = f
    this.#child = child
    this.#spec = spec
    this.#sorter = this.#newSorter()
  }

  /** By level, then by the columns. */
  #newSorter(): Sorter<Found> {
    const byColumns = compareKeys(this.#spec.keys)
    return new Sorter(this.#f, (a, b) => a.level - b.level || byColumns(a.key, b.key))
  }

  open(): void {
    this.#found = new Map()
    this.#sorter = this.#newSorter()
    this.#sorted = undefined
    this.#isRead = false
    this.#placed = 0
    this.#stack = []
    this.#number = 0
    this.#child.open()
  }

  #read(): void {
    const { columns, slot } = this.#spec
    while (this.#child.next()) {
      const row = this.#f.rows[slot]!
      const node = this.#child.latest!
      const parent = node.parent === undefined ? undefined : this.#found.get(node.parent)
      const found: Found = {
        row,
        level: (parent?.level ?? 0) + 1,
        key: columns.map((column) => row[column]!),
        parent,
        children: []
      }
      this.#f.take(120)
      this.#found.set(node, found)
      this.#sorter.add(found)
      this.#f.step()
    }
    this.#isRead = true
  }

  /** In sorted order, so that each row finds its children in theirs; the last of the roots lies at the bottom. */
  #place(sorted: ReadonlyArray<Found>): void {
    while (this.#placed < sorted.length) {
      const one = sorted[this.#placed++]!
      if (one.parent === undefined) this.#stack.push(one)
      else one.parent.children.push(one)
      this.#f.step()
    }
  }

  next(): boolean {
    if (!this.#isRead) this.#read()
    if (this.#sorted === undefined) this.#sorted = this.#sorter.finish()
    let one: Found | undefined
    if (this.#spec.depthFirst) {
      if (this.#number === 0 && this.#placed < this.#sorted.length) {
        this.#place(this.#sorted)
        this.#stack.reverse()
      }
      one = this.#stack.pop()
      if (one !== undefined) { for (let i = one.children.length - 1; i >= 0; i--) this.#stack.push(one.children[i]!) }
    } else one = this.#sorted[this.#number]
    if (one === undefined) return false
    const { slot, width } = this.#spec
    this.#number++
    this.#f.rows[slot] = [...one.row.slice(0, width), this.#number, ...one.row.slice(width)]
    return true
  }
}
