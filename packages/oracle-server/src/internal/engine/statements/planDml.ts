/** Chooses how an INSERT, UPDATE, DELETE or MERGE is planned. */
import type { Compilation } from "../compile/compilation.ts"
import type { Dml } from "../syntax/astStatements.ts"
import { authorizeDml } from "./dmlAccess.ts"
import type { DmlPlan } from "./dmlPlan.ts"
import { planDelete, planUpdate } from "./planChange.ts"
import { insertAllPlan, planInsert } from "./planInsert.ts"
import { hasInstead, planInstead } from "./planInstead.ts"
import { planMerge } from "./planMerge.ts"

export const planDml = (c: Compilation, dml: Dml): DmlPlan => {
  authorizeDml(c, dml)
  const view = c.context.catalog.find(dml.target.path, c.schema)
  if (view?.kind === "view" && dml.kind !== "merge" && hasInstead(c, view, dml.kind)) return planInstead(c, dml, view)
  switch (dml.kind) {
    case "insert":
      return dml.multi === undefined ? planInsert(c, dml) : insertAllPlan(c, dml)
    case "update":
      return planUpdate(c, dml)
    case "delete":
      return planDelete(c, dml)
    case "merge": {
      const table = c.context.catalog.table(dml.target.path, c.schema, dml.target.at)
      c.tables.add(table)
      return planMerge(c, dml, table)
    }
  }
}
