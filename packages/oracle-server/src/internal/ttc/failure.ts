/** The errors that the protocol side makes itself. */
import type { OraErrorLike } from "../engine/engine.ts"
import { OraError, oraError } from "../engine/oraError.ts"

export const cancelled = (): OraErrorLike => oraError(1013, "User requested cancel of current operation.")

export const sessionKilled = (): OraErrorLike => oraError(28, "your session has been killed")

const isOraError = (cause: unknown): cause is OraErrorLike =>
  cause instanceof OraError ||
  (cause instanceof Error && "code" in cause && typeof cause.code === "number" && cause.message.startsWith("ORA-"))

/** A defect of this server becomes ORA-00700: ORA-00600 would make the client believe that its connection is lost. */
export const asOraError = (cause: unknown): OraErrorLike =>
  isOraError(cause)
    ? cause
    : oraError(700, `soft internal error, arguments: [${cause instanceof Error ? cause.message : String(cause)}]`)
