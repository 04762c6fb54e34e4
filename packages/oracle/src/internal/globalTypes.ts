/** What branches of global transactions are begun with, and give. */
import type { PoolOptions } from "@sessionpool/core"
import type * as Effect from "effect/Effect"
import type { OracleConnection } from "../OracleConnection.ts"
import type { Xid } from "./xid.ts"

/**
 * How a branch begins.
 *
 * @category models
 * @since 0.2.0
 */
export interface BranchOptions {
  /** For how long the branch may lie without a session before it is prepared; then the database rolls it back. Default: 1 minute. */
  readonly timeout?: PoolOptions.DurationOption | undefined
}

/**
 * A branch that is prepared: whatever happens to the session, it can be committed, from any session of the database.
 *
 * **Details**
 *
 * `needsCommit` is false when the work has changed nothing: the branch is over then, and there is nothing to decide.
 *
 * @category models
 * @since 0.2.0
 */
export interface Prepared<A> {
  readonly xid: Xid
  readonly value: A
  readonly needsCommit: boolean
}

/**
 * One database of a global transaction, and the work in it.
 *
 * @category models
 * @since 0.2.0
 */
export interface Participant<A, E, R> {
  readonly connection: OracleConnection
  readonly work: Effect.Effect<A, E, R>
}

/**
 * What has come of the commit of a branch: `"absent"` when there is none with this id.
 *
 * @category models
 * @since 0.2.0
 */
export type Committed = "committed" | "absent"
