/** Which privileges a change of rows asks for. */
import type { Guarded } from "../catalog/privileges.ts"
import { requireAccess } from "../compile/access.ts"
import type { Compilation } from "../compile/compilation.ts"
import { some } from "../compile/walk.ts"
import type { Query } from "../syntax/ast.ts"
import type { Dml, TableTarget } from "../syntax/astStatements.ts"

/** The table or the view that a change goes to: behind an inline view, the one that it selects from. */
const objectOf = (
  c: Compilation,
  target: TableTarget
): { readonly object: Guarded; readonly path: ReadonlyArray<string> } | undefined => {
  let path: ReadonlyArray<string> = target.path
  let query: Query | undefined = target.query
  while (query !== undefined) {
    const item = query.body.kind === "block" ? query.body.from[0] : undefined
    query = item?.kind === "derived" ? item.query : undefined
    if (item?.kind === "table") path = item.path
  }
  const object = path.length === 0 ? undefined : c.context.catalog.find(path, c.schema)
  return object?.kind === "table" || object?.kind === "view" ? { object, path } : undefined
}

const readsColumns = (node: unknown): boolean => some(node, ({ kind }) => kind === "name", false)

export const authorizeDml = (c: Compilation, dml: Dml): void => {
  const { rights } = c.context.session
  const require = (target: TableTarget, privilege: string, columns?: ReadonlyArray<string>): void => {
    const found = objectOf(c, target)
    if (found === undefined || found.object.owner === rights.user) return
    const missing = (): Error => c.context.catalog.missing(found.path, c.schema, target.at)
    requireAccess(c, found.object, privilege, missing, target.at, columns)
  }
  switch (dml.kind) {
    case "insert":
      if (dml.multi === undefined) {
        require(dml.target, "INSERT", dml.columns.length === 0 ? undefined : dml.columns.map(({ name }) => name))
        return
      }
      for (const branch of dml.multi.branches) {
        for (const { columns, target } of branch.intos) {
          require(target, "INSERT", columns.length === 0 ? undefined : columns.map(({ name }) => name))
        }
      }
      return
    case "update":
      require(dml.target, "UPDATE", dml.sets.flatMap(({ columns }) => columns.map(({ name }) => name)))
      // Conditions and values that name columns tell what is in them.
      if (readsColumns([dml.where, dml.sets.map(({ value }) => value)])) require(dml.target, "SELECT")
      return
    case "delete":
      require(dml.target, "DELETE")
      if (readsColumns(dml.where)) require(dml.target, "SELECT")
      return
    case "merge":
      if (dml.matched !== undefined) {
        require(dml.target, "UPDATE", dml.matched.sets.flatMap(({ columns }) => columns.map(({ name }) => name)))
        if (dml.matched.deleteWhere !== undefined) require(dml.target, "DELETE")
      }
      if (dml.notMatched !== undefined) require(dml.target, "INSERT", dml.notMatched.columns.map(({ name }) => name))
      require(dml.target, "SELECT")
  }
}
