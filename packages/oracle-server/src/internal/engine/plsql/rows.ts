/** INTO: a row to variables or a record, many rows to collections. */
import type { QueryCursor } from "../execute/queryCursor.ts"
import type { Step } from "../storage/waiting.ts"
import type { Expr } from "../syntax/ast.ts"
import { ListValue, MapValue, RecordValue, type Stored } from "../values/composite.ts"
import type { CollectionType, SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import { assigned } from "./assignment.ts"
import type { Environment } from "./environment.ts"
import type { Machine } from "./machine.ts"
import { cursorOf, targetOf } from "./targets.ts"

const mismatch = (): Error => oraError(6504, "PL/SQL: Return types of Result Set variables or query do not match")

/** The row as a record of this type; undefined when the type takes a single value of the row. */
const recordFrom = (
  machine: Machine,
  type: SqlType,
  row: ReadonlyArray<Stored>,
  types: ReadonlyArray<SqlType>
): Stored | undefined => {
  const { composite } = type
  if (composite?.kind !== "record" || (types.length === 1 && types[0]!.composite !== undefined)) return undefined
  if (composite.attributes.length !== types.length) throw mismatch()
  return new RecordValue(
    composite,
    composite.attributes.map((attribute, i) =>
      assigned(machine, attribute.type, { value: row[i]!, type: types[i]! }, attribute.notNull === true)
    )
  )
}

/** Columns of a row to variables, or to one record. */
export function* assignRow(
  machine: Machine,
  into: ReadonlyArray<Expr>,
  row: ReadonlyArray<Stored>,
  types: ReadonlyArray<SqlType>,
  env: Environment,
  /** How a LOB of the row is written back. */
  persist: (column: number) => ((data: Stored) => void) | undefined = () => undefined
): Step<void> {
  if (into.length === 1 && into[0]!.kind !== "bind" && cursorOf(into[0]!, env) === undefined) {
    const target = yield* targetOf(machine, into[0]!, env)
    const record = recordFrom(machine, target.type, row, types)
    if (record !== undefined) {
      target.set(record)
      return
    }
  }
  if (into.length !== types.length) {
    throw into.length < types.length ? oraError(913, "too many values") : oraError(947, "not enough values")
  }
  for (let i = 0; i < into.length; i++) {
    const typed = { value: row[i]!, type: types[i]! }
    const isLob = typed.type.name.endsWith("LOB")
    yield* machine.store(into[i]!, isLob ? { ...typed, persist: persist(i) } : typed, env)
  }
}

interface Filling {
  readonly type: CollectionType
  readonly set: (value: Stored) => void
  readonly items: Array<Stored>
}

/** Collections that rows are put into, in place of what they hold. */
class BulkTargets {
  readonly #machine: Machine
  readonly #fillings: ReadonlyArray<Filling>

  constructor(machine: Machine, fillings: ReadonlyArray<Filling>) {
    this.#machine = machine
    this.#fillings = fillings
  }

  add(row: ReadonlyArray<Stored>, types: ReadonlyArray<SqlType>): void {
    const [first] = this.#fillings
    if (this.#fillings.length === 1 && first !== undefined) {
      const record = recordFrom(this.#machine, first.type.element, row, types)
      if (record !== undefined) {
        first.items.push(record)
        return
      }
    }
    if (this.#fillings.length !== types.length) {
      throw this.#fillings.length < types.length
        ? oraError(913, "too many values")
        : oraError(947, "not enough values")
    }
    this.#fillings.forEach(({ items, type }, i) => {
      items.push(assigned(this.#machine, type.element, { value: row[i]!, type: types[i]! }, false))
    })
  }

  finish(): void {
    for (const { items, set, type } of this.#fillings) {
      if (type.key === undefined) {
        set(new ListValue(type, items))
        continue
      }
      const map = new MapValue(type)
      items.forEach((item, i) => map.set(i + 1, item))
      set(map)
    }
  }
}

export function* bulkTargets(machine: Machine, into: ReadonlyArray<Expr>, env: Environment): Step<BulkTargets> {
  const fillings: Array<Filling> = []
  for (const expr of into) {
    const target = yield* targetOf(machine, expr, env)
    const { composite } = target.type
    if (composite?.kind !== "collection" || composite.form === "texts") {
      throw oraError(6550, "PLS-00497: cannot mix between single row and multi-row (BULK) in INTO list", expr.at)
    }
    fillings.push({ type: composite, set: target.set, items: [] })
  }
  return new BulkTargets(machine, fillings)
}

const chunk = 1000

/** Up to `limit` rows of a query to collections; gives how many there were. */
export function* fetchBulk(
  machine: Machine,
  cursor: QueryCursor,
  into: ReadonlyArray<Expr>,
  limit: number,
  env: Environment
): Step<number> {
  const targets = yield* bulkTargets(machine, into, env)
  let count = 0
  while (count < limit) {
    const wanted = Math.min(chunk, limit - count)
    const rows = yield* cursor.take(wanted)
    for (const row of rows) {
      targets.add(row, cursor.types)
      yield* machine.breathe()
    }
    count += rows.length
    if (rows.length < wanted) break
  }
  targets.finish()
  return count
}
