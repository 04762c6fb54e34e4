/** RETURNING: the values of a row that was written, as it is now or as it was. */
import { originOf } from "../compile/blocks.ts"
import { type Compilation, rowOf } from "../compile/compilation.ts"
import { newScope, type Scope } from "../compile/term.ts"
import type { Returning, TableTarget } from "../syntax/astStatements.ts"
import { unimplemented } from "../values/oraError.ts"
import type { ReturningPlan } from "./dmlPlan.ts"
import { dmlTarget } from "./dmlTarget.ts"

/** RETURNING reads the row as it is now, or as it was: each of the two stands in a slot of its own. */
export const returningPlan = (
  c: Compilation,
  target: TableTarget,
  returning: Returning | undefined,
  kind: "insert" | "update" | "delete"
): ReturningPlan | undefined => {
  if (returning === undefined) return undefined
  const image = (): { readonly scope: Scope; readonly slot: number } => {
    const scope = newScope(undefined)
    const { row, source } = dmlTarget(c, target)
    scope.sources.push(source)
    return { scope, slot: row.slot }
  }
  const now = image()
  const before = image()
  const isDelete = kind === "delete"
  const scopes = returning.exprs.map((_, i) =>
    (returning.images[i] ?? (isDelete ? "old" : "new")) === "old" ? before.scope : now.scope
  )
  const terms = returning.exprs.map((expr, i) => c.expr(c, expr, scopes[i]!))
  if (terms.some((term) => term.heavy)) throw unimplemented("subqueries in RETURNING", returning.exprs[0]!.at)
  return {
    values: rowOf(terms),
    slot: now.slot,
    oldSlot: before.slot,
    columns: terms.map((term, i) => ({
      name: "",
      type: term.type,
      nullable: true,
      isJson: false,
      origin: originOf(scopes[i]!.sources, term)
    })),
    into: returning.into,
    bulk: returning.bulk
  }
}
