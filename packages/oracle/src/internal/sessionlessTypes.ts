/** What parts of sessionless transactions are begun with, and give. */
import type { PoolOptions } from "@sessionpool/core"
import type { SessionlessTransaction } from "./sessionlessHandle.ts"

/**
 * How a sessionless transaction begins.
 *
 * **Example** (Ten minutes to go on)
 *
 * ```ts
 * import type { SessionlessTransaction } from "@sessionpool/oracle"
 *
 * const options: SessionlessTransaction.BeginOptions = { timeout: "10 minutes" }
 * ```
 *
 * @category models
 * @since 0.2.0
 */
export interface BeginOptions {
  /** For how long it may lie suspended, each time; then the database rolls it back. From 1 second on; default: 1 minute. */
  readonly timeout?: PoolOptions.DurationOption | undefined
  /** Up to 64 bytes that no other one in the database has. Default: a random one. */
  readonly id?: string | Uint8Array | undefined
}

/**
 * How a sessionless transaction is resumed.
 *
 * **Example** (Not waiting for another request)
 *
 * ```ts
 * import type { SessionlessTransaction } from "@sessionpool/oracle"
 *
 * const options: SessionlessTransaction.ResumeOptions = { wait: 0 }
 * ```
 *
 * @category models
 * @since 0.2.0
 */
export interface ResumeOptions {
  /** How long to wait for the session that has it now, in whole seconds. Default: 5 seconds. */
  readonly wait?: PoolOptions.DurationOption | undefined
  /**
   * What becomes of the transaction when `effect` fails or is interrupted. `"undo"`, the default, undoes what this `effect` has done and
   * suspends the rest again; `"rollback"` ends the whole transaction.
   */
  readonly onFailure?: "undo" | "rollback" | undefined
}

/**
 * What a part of a sessionless transaction has given, and how the next one finds the transaction.
 *
 * @category models
 * @since 0.2.0
 */
export interface Suspended<A> {
  readonly value: A
  readonly transaction: SessionlessTransaction
}
