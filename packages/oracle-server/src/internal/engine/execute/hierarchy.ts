/** CONNECT BY: each root with everything below it, depth first. */
import type { Row } from "../storage/tableData.ts"
import type { Stored } from "../values/composite.ts"
import { oraError } from "../values/oraError.ts"
import { keyOf } from "../values/order.ts"
import type { Kind } from "../values/sqlType.ts"
import type { Eval, Frame } from "./frame.ts"
import type { Operator } from "./operator.ts"
import { compareKeys, type SortKey } from "./sorting.ts"
import { restoreTuple, saveTuple, type Tuple, tupleBytes } from "./tuples.ts"

/** What belongs to a row beside its values, in this order. */
export const pseudo = { level: 0, isLeaf: 1, isCycle: 2, path: 3 } as const

export interface HierarchySpec {
  readonly slots: ReadonlyArray<number>
  /** Where PRIOR finds the parent: a slot for each of `slots`. */
  readonly prior: ReadonlyArray<number>
  /** Rows of nulls for them: a root has no parent. */
  readonly nulls: ReadonlyArray<Row>
  /** Where CONNECT_BY_ROOT finds the root. */
  readonly root: ReadonlyArray<number>
  /** LEVEL and its siblings; ROWNUM within CONNECT BY counts in the second one. */
  readonly pseudo: number
  readonly rownum: number
  readonly start: Eval | undefined
  readonly connect: Eval
  /** `PRIOR a = b`: children are found in a hash table of b. */
  readonly key: { readonly build: Eval; readonly probe: Eval; readonly kind: Kind } | undefined
  readonly usesPrior: boolean
  readonly nocycle: boolean
  readonly siblings: ReadonlyArray<SortKey>
  readonly siblingValues: (f: Frame) => ReadonlyArray<Stored>
  /** The texts that SYS_CONNECT_BY_PATH joins, by call. */
  readonly paths: ReadonlyArray<(f: Frame) => string>
}

interface Level {
  readonly tuple: Tuple | undefined
  readonly index: number
  readonly children: Array<number>
  readonly paths: ReadonlyArray<string>
  at: number
}

export class Hierarchy implements Operator {
  readonly #f: Frame
  readonly #child: Operator
  readonly #spec: HierarchySpec
  #tuples: Array<Tuple> = []
  #table: Map<string | number | null, Array<number>> | undefined
  #filled = false
  #held = false
  #stack: Array<Level> = []
  readonly #onPath = new Set<number>()
  #count = 0
  /** The search for children that a suspension may have left. */
  #search: {
    readonly candidates: ReadonlyArray<number> | undefined
    at: number
    readonly found: Array<number>
    cycle: boolean
  } | undefined
  #current: { readonly index: number; readonly depth: number } | undefined
  #started = false

  constructor(f: Frame, child: Operator, spec: HierarchySpec) {
    this.#f = f
    this.#child = child
    this.#spec = spec
  }

  open(): void {
    this.#tuples = []
    this.#table = undefined
    this.#filled = false
    this.#held = false
    this.#stack = []
    this.#onPath.clear()
    this.#count = 0
    this.#search = undefined
    this.#current = undefined
    this.#started = false
    this.#child.open()
  }

  #fill(): void {
    const f = this.#f
    const spec = this.#spec
    const size = tupleBytes(spec.slots) + 16
    while (!this.#filled) {
      if (!this.#held) {
        if (!this.#child.next()) {
          this.#filled = true
          return
        }
        this.#held = true
      }
      const key = spec.key === undefined ? undefined : keyOf(spec.key.kind, spec.key.build(f))
      this.#held = false
      f.take(size)
      this.#tuples.push(saveTuple(f, spec.slots))
      if (key !== undefined && key !== null) {
        this.#table ??= new Map()
        const list = this.#table.get(key)
        if (list === undefined) this.#table.set(key, [this.#tuples.length - 1])
        else list.push(this.#tuples.length - 1)
      }
      f.step()
    }
  }

  #setPseudo(level: number): void {
    const f = this.#f
    const spec = this.#spec
    f.rows[spec.pseudo] = [level, null, null]
    f.rows[spec.rownum] = [this.#count + 1]
  }

  #sort(found: Array<number>): void {
    const f = this.#f
    const spec = this.#spec
    if (spec.siblings.length === 0) return
    const compare = compareKeys(spec.siblings)
    const keyed = found.map((index) => {
      restoreTuple(f, spec.slots, this.#tuples[index]!)
      return { index, key: spec.siblingValues(f) }
    })
    keyed.sort((a, b) => compare(a.key, b.key))
    keyed.forEach(({ index }, i) => {
      found[i] = index
    })
  }

  /** The rows that START WITH takes, or the children of the row on top. */
  #find(parent: Tuple | undefined, level: number): { readonly found: Array<number>; readonly cycle: boolean } {
    const f = this.#f
    const spec = this.#spec
    if (this.#search === undefined) {
      let candidates: ReadonlyArray<number> | undefined
      if (parent !== undefined) {
        restoreTuple(f, spec.prior, parent)
        if (spec.key !== undefined) {
          const key = keyOf(spec.key.kind, spec.key.probe(f))
          candidates = (key === null ? undefined : this.#table?.get(key)) ?? []
        }
      }
      this.#search = { candidates, at: 0, found: [], cycle: false }
    }
    const search = this.#search
    if (parent !== undefined) restoreTuple(f, spec.prior, parent)
    const condition = parent === undefined ? spec.start : spec.connect
    const size = search.candidates?.length ?? this.#tuples.length
    this.#setPseudo(level)
    while (search.at < size) {
      const index = search.candidates === undefined ? search.at : search.candidates[search.at]!
      restoreTuple(f, spec.slots, this.#tuples[index]!)
      if (condition === undefined || condition(f) === 1) {
        if (parent !== undefined && spec.usesPrior && this.#onPath.has(index)) {
          if (!spec.nocycle) throw oraError(1436, "CONNECT BY loop in user data")
          search.cycle = true
        } else search.found.push(index)
      }
      search.at++
      f.step()
    }
    this.#search = undefined
    this.#sort(search.found)
    return search
  }

  next(): boolean {
    const f = this.#f
    const spec = this.#spec
    if (!this.#filled) this.#fill()
    if (!this.#started) {
      const { found } = this.#find(undefined, 1)
      this.#stack.push({ tuple: undefined, index: -1, children: found, paths: spec.paths.map(() => ""), at: 0 })
      this.#started = true
    }
    for (;;) {
      if (this.#current === undefined) {
        const top = this.#stack.at(-1)
        if (top === undefined) return false
        if (top.at === top.children.length) {
          this.#stack.pop()
          this.#onPath.delete(top.index)
          continue
        }
        this.#current = { index: top.children[top.at++]!, depth: this.#stack.length }
      }
      const { depth, index } = this.#current
      const tuple = this.#tuples[index]!
      // The row counts as on the path while its children are looked for.
      this.#onPath.add(index)
      this.#count++
      let next: { readonly found: Array<number>; readonly cycle: boolean }
      try {
        next = this.#find(tuple, depth + 1)
      } catch (error) {
        this.#count--
        throw error
      }
      restoreTuple(f, spec.slots, tuple)
      const parent = this.#stack.at(-1)!
      const root = this.#stack[1]?.tuple ?? tuple
      restoreTuple(f, spec.root, root)
      if (parent.tuple !== undefined) restoreTuple(f, spec.prior, parent.tuple)
      else restoreTuple(f, spec.prior, spec.nulls)
      const paths = spec.paths.map((text, i) => parent.paths[i]! + text(f))
      f.take(48)
      this.#stack.push({ tuple, index, children: next.found, paths, at: 0 })
      f.rows[spec.pseudo] = [depth, next.found.length === 0 ? 1 : 0, next.cycle ? 1 : 0, ...paths]
      this.#current = undefined
      return true
    }
  }
}
