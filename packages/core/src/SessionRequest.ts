/**
 * What a caller asks a pool for.
 */
import type * as Redacted from "effect/Redacted"
import type { DurationOption } from "./PoolOptions.ts"

/** One value of a sharding key, of the types that Oracle's sharding keys have. */
export type ShardingValue = string | number | bigint | Date | Uint8Array

/** A sharding key: one value, or one for each of its columns. */
export type ShardingKey = ShardingValue | ReadonlyArray<ShardingValue>

/**
 * How used a session may be.
 *
 * **Details**
 *
 * - `"default"` and `"self"`: any session that fits.
 * - `"new"`: a session that nobody has held. At `max` an idle session is closed to make room for it.
 */
export type Purity = "default" | "new" | "self"

/**
 * A request for a session; everything is optional.
 *
 * **Details**
 *
 * - `user` and `password` are for heterogeneous pools. `user[proxy]` opens a session of `proxy` with the password of
 *   `user`. A `user` without password is opened through the pool's own user as its proxy.
 * - `tag` asks for a session in that state: see `SessionTag`. `matchAnyTag` takes the nearest one when there is none.
 * - `shardingKey` and `superShardingKey` choose the shard; sessions of different keys are never exchanged.
 * - `waitTimeout` bounds this request alone, in every get mode.
 * - `context` is for the driver, which gets it with the lease: whom the work is for, over what the fiber's context says. The pool
 *   does not look at it, and it has no say in which session is chosen.
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
