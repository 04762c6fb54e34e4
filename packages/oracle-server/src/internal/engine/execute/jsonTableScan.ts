/** JSON_TABLE: the rows that a document makes. */
import type { Row } from "../storage/tableData.ts"
import type { Stored } from "../values/composite.ts"
import type { Json } from "../values/json.ts"
import type { Eval, Frame } from "./frame.ts"
import type { Operator } from "./operator.ts"

export interface JsonTableLevel {
  /** The values that make the rows of this level. */
  readonly rows: (context: Json, f: Frame) => ReadonlyArray<Json>
  readonly columns: ReadonlyArray<
    { readonly place: number; readonly value: (item: Json, ordinal: number, f: Frame) => Stored }
  >
  readonly nested: ReadonlyArray<JsonTableLevel>
}

export class JsonTableScan implements Operator {
  readonly #f: Frame
  readonly #slot: number
  readonly #width: number
  readonly #root: JsonTableLevel
  readonly #document: (f: Frame) => Json | undefined
  readonly #filter: Eval | undefined
  #rows: Iterator<Row> | undefined
  #held: Row | undefined

  constructor(
    f: Frame,
    slot: number,
    width: number,
    root: JsonTableLevel,
    document: (f: Frame) => Json | undefined,
    filter: Eval | undefined
  ) {
    this.#f = f
    this.#slot = slot
    this.#width = width
    this.#root = root
    this.#document = document
    this.#filter = filter
  }

  open(): void {
    this.#rows = undefined
    this.#held = undefined
  }

  next(): boolean {
    const f = this.#f
    if (this.#rows === undefined) {
      const document = this.#document(f)
      this.#rows = document === undefined ? [][Symbol.iterator]() : this.#level(this.#root, document, this.#empty())
    }
    for (;;) {
      if (this.#held === undefined) {
        const next = this.#rows.next()
        if (next.done === true) return false
        this.#held = next.value
      }
      f.rows[this.#slot] = this.#held
      const isWanted = this.#filter === undefined || this.#filter(f) === 1
      this.#held = undefined
      f.step()
      if (isWanted) return true
    }
  }

  #empty(): Row {
    return Array.from({ length: this.#width }, () => null)
  }

  /** A row without nested rows stands alone; those of several nested paths come one after the other. */
  *#level(level: JsonTableLevel, context: Json, base: Row): Iterator<Row> & Iterable<Row> {
    let ordinal = 0
    for (const item of level.rows(context, this.#f)) {
      const row = [...base]
      ordinal++
      for (const { place, value } of level.columns) row[place] = value(item, ordinal, this.#f)
      let any = false
      for (const nested of level.nested) {
        for (const inner of this.#level(nested, item, row)) {
          any = true
          yield inner
        }
      }
      if (!any) yield row
    }
  }
}
