/** TABLE(collection): the elements of a collection as rows. */
import type { Row } from "../storage/tableData.ts"
import { type CollectionValue, elementsOf, RecordValue, type Stored } from "../values/composite.ts"
import type { Eval, Frame } from "./frame.ts"
import type { Operator } from "./operator.ts"

/** The row of an element: its attributes, or itself; the element stands once more at the end. */
export const elementRow = (element: Stored, width: number): Row => {
  if (element instanceof RecordValue) return [...element.values, element]
  if (element !== null || width === 1) return [element, element]
  // A null object has no attributes.
  return Array.from({ length: width + 1 }, () => null)
}

export class CollectionScan implements Operator {
  readonly #f: Frame
  readonly #slot: number
  readonly #width: number
  readonly #get: Eval
  readonly #filter: Eval | undefined
  #elements: ReadonlyArray<Stored> = []
  #next = 0

  constructor(f: Frame, slot: number, width: number, get: Eval, filter: Eval | undefined) {
    this.#f = f
    this.#slot = slot
    this.#width = width
    this.#get = get
    this.#filter = filter
  }

  open(): void {
    const value = this.#get(this.#f) as CollectionValue | null
    this.#elements = value === null ? [] : elementsOf(value)
    this.#next = 0
  }

  next(): boolean {
    const f = this.#f
    while (this.#next < this.#elements.length) {
      f.rows[this.#slot] = elementRow(this.#elements[this.#next]!, this.#width)
      const passes = this.#filter === undefined || this.#filter(f) === 1
      this.#next++
      if (passes) return true
      f.step()
    }
    return false
  }
}
