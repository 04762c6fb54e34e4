/** What a sandbox refuses: whatever would make its work permanent, or take it to another session. */
import type { OracleError } from "../OracleError.ts"
import { refusal } from "./refusal.ts"
import { commitsByItself, transactionControlOf } from "./sqlControl.ts"

/** Says why a call may not be made, or `undefined`. */
export type Guard = (operation: string, sql: string | undefined) => OracleError | undefined

const advice = "The work of a sandbox is rolled back when it ends, so nothing in it may be made permanent."

/** Refuses commits, whole rollbacks and definitions, which commit. Savepoints are let through: inner transactions are made of them. */
export const guard: Guard = (operation, sql) => {
  if (operation === "COMMIT" || operation === "ROLLBACK") {
    return refusal(
      operation.toLowerCase(),
      `A sandbox refuses ${operation.toLowerCase()} outside of withTransaction: nothing was sent. ${advice}\n`
        + "Use withTransaction: inside of a sandbox it is a savepoint, which can be kept and undone."
    )
  }
  if (sql === undefined) return undefined
  if (transactionControlOf(sql) === "ends") {
    return refusal("execute", `A sandbox refuses COMMIT and ROLLBACK: nothing was sent. ${advice}`)
  }
  if (commitsByItself(sql, false)) {
    return refusal(
      "execute",
      `A sandbox refuses a statement that commits, as definitions do: nothing was sent. ${advice}\n`
        + "Make the schema before the tests: in the script of the embedded server, or by migrations."
    )
  }
  return undefined
}
