/** LOB handles among binds: one that is not of this lease would be written as NULL, or would lead into another session. */
import type { PoolError } from "@sessionpool/core"
import * as OracleBind from "../OracleBind.ts"
import { OracleLob } from "../OracleLob.ts"
import type { Caller } from "./caller.ts"
import { refusal } from "./refusal.ts"

const notOfLease = (operation: string) =>
  refusal(
    operation,
    "A LOB handle that was bound belongs to another connection. Nothing was sent.\n"
      + "Bind it on the connection that gave it, or bind its content."
  )

const closed = (operation: string) =>
  refusal(
    operation,
    "A LOB handle that was bound has been closed. Nothing was sent.\nClose it after the statement, or leave it to the end of the lease."
  )

const problemWith = (
  value: unknown,
  caller: Caller,
  operation: string
): PoolError.ConnectionReleasedError | ReturnType<typeof refusal> | undefined => {
  if (!(value instanceof OracleLob)) return undefined
  const owner = value.caller
  if (owner.lease.isReleased) return owner.released
  if (owner.lease !== caller.lease) return notOfLease(operation)
  return owner.session.resources.has(value.forDriver) ? undefined : closed(operation)
}

/** Throws what is wrong with a LOB among the binds, before anything is sent. */
export const checkLobs = (binds: OracleBind.Binds | undefined, caller: Caller, operation: string): void => {
  if (binds === undefined) return
  for (const bind of Object.values<unknown>(binds)) {
    // Most binds are plain values, and this runs for each of them.
    if (typeof bind !== "object" || bind === null) continue
    const problem = problemWith(OracleBind.isDescribed(bind) ? bind.value : bind, caller, operation)
    if (problem !== undefined) throw problem
  }
}
