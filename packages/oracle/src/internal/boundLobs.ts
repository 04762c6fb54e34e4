/**
 * What is wrong with the binds of a statement before they are written. A LOB handle that is not of this lease would be written as NULL, or
 * would lead into another session; what is neither an array nor an object would be sent as no binds at all.
 */
import type { PoolError } from "@sessionpool/core"
import * as OracleBind from "../OracleBind.ts"
import { OracleLob } from "../OracleLob.ts"
import type { DriverCaller } from "./driverCaller.ts"
import { refusal, wrongArgument } from "./refusal.ts"

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
  caller: DriverCaller,
  operation: string
): PoolError.ConnectionReleasedError | ReturnType<typeof refusal> | undefined => {
  if (!(value instanceof OracleLob)) return undefined
  const owner = value.caller
  if (owner.lease.isReleased) return owner.released
  if (owner.lease !== caller.lease) return notOfLease(operation)
  return owner.session.resources.has(value.forDriver) ? undefined : closed(operation)
}

/** The values of a `Map`, a `Set` or a typed array are none of its properties. */
const isBinds = (binds: unknown): boolean =>
  Array.isArray(binds) || (typeof binds === "object" && binds !== null && !(Symbol.iterator in binds))

/** Throws what is wrong with binds, before anything is sent. They are those of a row where there is one, counted from 0. */
export const checkBinds = (
  binds: OracleBind.Binds | undefined,
  caller: DriverCaller,
  operation: string,
  row?: number
): void => {
  if (binds === undefined) return
  if (!isBinds(binds)) {
    const what = row === undefined ? "The binds of a statement" : `Row ${row} of a batch`
    throw wrongArgument(operation, what, "an array, or an object with a property for each name", binds)
  }
  const values: ReadonlyArray<unknown> = Array.isArray(binds) ? binds : Object.values(binds)
  for (let i = 0; i < values.length; i++) {
    const bind = values[i]
    // Most binds are plain values, and this runs for each of them.
    if (typeof bind !== "object" || bind === null) continue
    const problem = problemWith(OracleBind.isDescribed(bind) ? bind.value : bind, caller, operation)
    if (problem !== undefined) throw problem
  }
}
