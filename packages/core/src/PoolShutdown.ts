/**
 * Ending a program without ending the work in it: a pool drains first, and only then is the program interrupted.
 *
 * A runtime that is told to stop interrupts every fiber at once, those with a lease too, so that a pool's `drainTimeout` finds
 * nothing left to wait for. {@link drainFirst} puts the draining before the interruption.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import type { Connection } from "./Connection.ts"
import type { DurationOption } from "./PoolOptions.ts"
import type { SessionPool } from "./SessionPool.ts"

/**
 * How a program ends.
 *
 * **Details**
 *
 * - `drainTimeout`: how long busy sessions may stay with their work. Default: the pool's own `drainTimeout`.
 * - `before` runs first, for instance to stop accepting work from outside. It is interrupted with the program when it does not
 *   end within `drainTimeout`.
 *
 * @category models
 * @since 0.1.0
 */
export interface DrainOptions {
  readonly drainTimeout?: DurationOption | undefined
  readonly before?: Effect.Effect<unknown, unknown> | undefined
}

type AnyPool = Pick<SessionPool<Connection, unknown>, "close" | "settings">

/**
 * Runs a program so that its interruption drains the pool first.
 *
 * **When to use**
 *
 * Use around the main effect of a program that a signal ends, as `NodeRuntime.runMain` does for SIGTERM and SIGINT.
 *
 * **Details**
 *
 * On interruption the program goes on at first. The pool accepts no new requests (they fail with `PoolClosedError`), and waits up to
 * `drainTimeout` for the leases that are held. Then it is closed, and the program is interrupted. A program that ends by itself is
 * not changed.
 *
 * **Gotchas**
 *
 * Give the process more time than `drainTimeout` before it is killed: Kubernetes has `terminationGracePeriodSeconds`. A
 * `ManagedRuntime` interrupts in `dispose`: close its pool with a `drainTimeout` before you call that.
 *
 * **Example** (Draining on SIGTERM)
 *
 * ```ts
 * import { PoolShutdown, SessionPool } from "@sessionpool/core"
 * import { TestDatabase } from "@sessionpool/testing"
 * import { Effect } from "effect"
 *
 * export const main = Effect.gen(function*() {
 *   const database = yield* TestDatabase.make()
 *   const pool = yield* SessionPool.make({ driver: database.driver, user: "scott" })
 *   const serve = Effect.forever(pool.use((connection) => connection.execute("work")))
 *   return yield* PoolShutdown.drainFirst(serve, pool, { drainTimeout: "20 seconds" })
 * }).pipe(Effect.scoped) // NodeRuntime.runMain(main)
 * ```
 *
 * @category shutdown
 * @since 0.1.0
 */
export const drainFirst: {
  (pool: AnyPool, options?: DrainOptions): <A, E, R>(program: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(program: Effect.Effect<A, E, R>, pool: AnyPool, options?: DrainOptions): Effect.Effect<A, E, R>
} = dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(program: Effect.Effect<A, E, R>, pool: AnyPool, options: DrainOptions = {}): Effect.Effect<A, E, R> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(
        Effect.forkChild(restore(program), { startImmediately: true }),
        (running) =>
          restore(Fiber.join(running)).pipe(
            Effect.onInterrupt(() =>
              Effect.gen(function*() {
                const drainTimeout = options.drainTimeout ?? (yield* pool.settings).drainTimeout
                const { before = Effect.void } = options
                yield* Effect.interruptible(before).pipe(
                  Effect.timeoutOption(drainTimeout === "infinity" ? "Infinity" : drainTimeout),
                  Effect.catchCause((cause) =>
                    Effect.logWarning("The effect that runs before the pool drains failed", cause)
                  )
                )
                // A pool that is closed already has nothing to drain.
                yield* Effect.ignore(pool.close({ drainTimeout }))
                yield* Fiber.interrupt(running)
              })
            )
          )
      )
    )
)
