/**
 * What a caller asks a pool for.
 *
 * @since 0.1.0
 */
import type * as Redacted from "effect/Redacted"
import type { DurationOption } from "./PoolOptions.ts"

/**
 * One value of a sharding key, of the types that Oracle's sharding keys have.
 *
 * @category models
 * @since 0.1.0
 */
export type ShardingValue = string | number | bigint | Date | Uint8Array

/**
 * A sharding key: one value, or one for each of its columns.
 *
 * @category models
 * @since 0.1.0
 */
export type ShardingKey = ShardingValue | ReadonlyArray<ShardingValue>

/**
 * Whether the session may have been used before.
 *
 * **Details**
 *
 * - `"default"` and `"self"`: any session that fits.
 * - `"new"`: a session that no caller has held. At `max` an idle session is closed to make room for it.
 *
 * @category models
 * @since 0.1.0
 */
export type Purity = "default" | "new" | "self"

/**
 * A request for a session; everything is optional.
 *
 * **Details**
 *
 * - `user` and `password` are for heterogeneous pools. `user[proxy]` opens a session of `proxy` with the password of
 *   `user`. A `user` without password is opened through the pool's own user as its proxy.
 * - `cclass` is the connection class, in place of the pool's own.
 * - `purity` says whether the session may have been used before.
 * - `tag` asks for a session in that state: see `SessionTag`. `matchAnyTag` accepts the nearest one if there is none.
 * - `shardingKey` and `superShardingKey` choose the shard; sessions of different keys are never exchanged.
 * - `waitTimeout` bounds this request alone, in every get mode. It covers queueing, checking and opening.
 * - `context` is for the driver, which gets it with the lease: who the work is for, in place of what the fiber's context says.
 *   The pool does not look at it, and it does not influence which session is chosen.
 *
 * A part of a wrong type, or a name that is none of these, is an `InvalidOptionsError` that names the field; a malformed tag
 * is an `InvalidTagError`.
 *
 * **Gotchas**
 *
 * Without `onSession` no code puts a session in the state that `tag` names: the request may get a new session as it is.
 *
 * **Example** (A session in a state, or the nearest one)
 *
 * ```ts
 * import type { SessionRequest } from "@sessionpool/core"
 *
 * const request: SessionRequest.SessionRequest = {
 *   tag: "USER_TZ=UTC;LANG=FRENCH",
 *   matchAnyTag: true,
 *   waitTimeout: "2 seconds"
 * }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionRequest {
  readonly user?: string | undefined
  readonly password?: Redacted.Redacted<string> | undefined
  readonly cclass?: string | undefined
  readonly purity?: Purity | undefined
  readonly tag?: string | undefined
  readonly matchAnyTag?: boolean | undefined
  readonly shardingKey?: ShardingKey | undefined
  readonly superShardingKey?: ShardingKey | undefined
  readonly waitTimeout?: DurationOption | undefined
  readonly context?: unknown
}
