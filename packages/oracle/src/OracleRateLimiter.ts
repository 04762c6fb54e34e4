/**
 * The store of Effect's rate limiter in a table of Oracle, so that all processes of an application share their limits.
 *
 * Each take locks the row of its key for one short transaction. Inside a transaction of the caller's it is still one of its own, on a
 * session of its own: a rollback gives no token back. Moments are those of the database's clock.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import type * as Scope from "effect/Scope"
import type { MigrationError } from "effect/sql/Migrator"
import type { SqlError } from "effect/sql/SqlError"
import { openStates } from "./internal/cluster/lockedState.ts"
import {
  type Bucket,
  consume,
  learn,
  type Learned,
  takeOfBucket,
  takeOfWindow,
  type Window
} from "./internal/cluster/rateLimits.ts"
import { checkOptions, nameBefore } from "./internal/cluster/storeOptions.ts"
import type { OracleClient } from "./OracleClient.ts"

/**
 * Options of the store: `tableName` is `effect_limiter` by default.
 *
 * @category models
 * @since 0.2.0
 */
export interface StoreOptions {
  readonly tableName?: string | undefined
}

const failure = (what: string) => (cause: SqlError) =>
  new RateLimiter.RateLimiterError({
    reason: new RateLimiter.RateLimitStoreError({ message: `The rate limiter's table could not ${what}`, cause })
  })

/**
 * The store; its table is created before, and rows that have expired are deleted every five minutes.
 *
 * **When to use**
 *
 * Use where the store is made in a scope of your own; {@link layerStore} is the same as a layer.
 *
 * @category constructors
 * @since 0.2.0
 */
export const makeStore: (
  options?: StoreOptions
) => Effect.Effect<
  RateLimiter.RateLimiterStore["Service"],
  MigrationError | SqlError,
  OracleClient | Scope.Scope
> = Effect.fnUntraced(function*(options?: StoreOptions) {
  const { tableName = "effect_limiter" } = yield* checkOptions(
    "OracleRateLimiter",
    { tableName: nameBefore("_migrations_lock") },
    options
  )
  const states = yield* openStates<Window | Bucket | Learned>("OracleRateLimiter", tableName)
  return RateLimiter.RateLimiterStore.of({
    fixedWindow: ({ key, limit, refillRate, tokens }) =>
      states.change(
        `window:${key}`,
        (state, now) => takeOfWindow(state as Window | undefined, now, tokens, Duration.toMillis(refillRate), limit)
      ).pipe(
        Effect.mapError(failure("take of a window"))
      ),
    tokenBucket: ({ allowOverflow, key, limit, refillRate, tokens }) =>
      states.change(`bucket:${key}`, (state, now) =>
        takeOfBucket(state as Bucket | undefined, now, {
          tokens,
          limit,
          refillMillis: Duration.toMillis(refillRate),
          allowOverflow
        })).pipe(Effect.mapError(failure("take of a bucket"))),
    adaptiveConsume: ({ fallbackWindow, key, tokens }) =>
      states.change(
        `adaptive:${key}`,
        (state, now) => consume(state as Learned | undefined, now, tokens, Duration.toMillis(fallbackWindow))
      ).pipe(
        Effect.map(({ delayMillis, epoch, phase }) => ({ delay: Duration.millis(delayMillis), epoch, phase })),
        Effect.mapError(failure("take under a learned limit"))
      ),
    adaptiveFeedback: ({ epoch, key, retryAfter, status, tokens }) =>
      status !== 429 || retryAfter === undefined
        ? Effect.void
        : states.change(`adaptive:${key}`, (state, now) =>
          learn(state as Learned | undefined, now, { epoch, tokens, retryAfterMillis: Duration.toMillis(retryAfter) }))
          .pipe(Effect.mapError(failure("learn a limit")))
  })
})

/**
 * The store as a layer, for `RateLimiter.layer`.
 *
 * **When to use**
 *
 * Use where a limit holds for all processes of an application together. A limit of each process needs no table.
 *
 * **Example** (Limits for all processes)
 *
 * ```ts
 * import { OracleClient, OracleRateLimiter } from "@sessionpool/oracle"
 * import { Layer } from "effect"
 * import { RateLimiter } from "effect/persistence"
 *
 * const limits = RateLimiter.layer.pipe(
 *   Layer.provide(OracleRateLimiter.layerStore()),
 *   Layer.provide(OracleClient.layer({ connectString: "localhost/FREEPDB1", user: "scott" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layerStore = (
  options?: StoreOptions
): Layer.Layer<RateLimiter.RateLimiterStore, MigrationError | SqlError, OracleClient> =>
  Layer.effect(RateLimiter.RateLimiterStore, makeStore(options))
