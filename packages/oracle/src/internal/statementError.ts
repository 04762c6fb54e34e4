/** A statement that cannot be written: what is wrong is known before anything is sent. */

/** Thrown where a statement is compiled; the client turns it into a failure, `compile()` throws it as it is. */
export class StatementError extends Error {
  override readonly name = "StatementError"
}
