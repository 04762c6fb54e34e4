/** What the code may not do that a statement of SQL runs: see a table that the statement changes, write within a query, end the transaction. */
import type { Table } from "../catalog/catalog.ts"
import type { Changing } from "../execute/frame.ts"
import { oraError } from "../values/oraError.ts"

/** A statement of SQL that runs PL/SQL. */
export interface Surroundings {
  /** undefined for a query. */
  readonly changing: Changing | undefined
  /** The name of the trigger that runs, if one does. */
  readonly trigger?: string
  readonly around: Surroundings | undefined
}

/** Code that a statement runs may not see a table which that statement is changing. */
export const refuseMutating = (
  surroundings: Surroundings | undefined,
  plan: { readonly tables: ReadonlySet<Table> }
): void => {
  for (let outer = surroundings; outer !== undefined; outer = outer.around) {
    const { changing } = outer
    if (changing?.table !== undefined && changing.mutating && plan.tables.has(changing.table)) {
      const { name, owner } = changing.table
      throw oraError(4091, `table ${owner}.${name} is mutating, trigger/function may not see it`)
    }
  }
}

/** A query changes nothing, whatever it calls. */
export const refuseInQuery = (surroundings: Surroundings | undefined): void => {
  for (let outer = surroundings; outer !== undefined; outer = outer.around) {
    if (outer.changing === undefined) throw oraError(14551, "cannot perform a DML operation inside a query ")
  }
}

/** Neither a query nor a change ends its own transaction, and no session ends a branch of a global one by itself. */
export const refuseEnd = (
  surroundings: Surroundings | undefined,
  what: string,
  transaction: { readonly isCoordinated: boolean }
): void => {
  if (transaction.isCoordinated) {
    throw what === "COMMIT" || what === "perform DDL"
      ? oraError(2089, "COMMIT is not allowed in a subordinate session")
      : oraError(2074, `cannot ${what} in a distributed transaction`)
  }
  if (surroundings === undefined) return
  if (surroundings.trigger !== undefined) throw oraError(4092, `cannot ${what} in a trigger`)
  throw oraError(14552, "cannot perform a DDL, commit or rollback inside a query or DML ")
}
