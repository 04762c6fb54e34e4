/** The errors that the engine throws, with the codes and texts of Oracle Database. */
import type { OraErrorLike } from "./value.ts"

/** An error as the server reports it: the code, the whole text and where in the statement it lies. */
export class OraError extends Error implements OraErrorLike {
  readonly code: number
  readonly offset: number
  override readonly name = "OraError"
  /** Array DML: what was done before the failing iteration, and stays. */
  done?: { readonly iterations: number; readonly rowCount: number }

  constructor(code: number, message: string, offset = 0) {
    super(message)
    this.code = code
    this.offset = offset
  }

  /** The same error at another place of the text. */
  at(offset: number): OraError {
    return new OraError(this.code, this.message, offset)
  }
}

/** `ORA-nnnnn: text`. */
export const oraError = (code: number, text: string, offset = 0): OraError =>
  new OraError(code, `ORA-${String(code).padStart(5, "0")}: ${text}`, offset)

/** What the engine does not have: said by name, so that a guess is never taken for an answer. */
export const unimplemented = (feature: string, offset = 0): OraError =>
  oraError(3001, `unimplemented feature: ${feature}`, offset)
