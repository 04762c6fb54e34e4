/**
 * The sessions of one run of the migrator, taken before anything is locked.
 *
 * It needs three: one holds the lock in an open transaction, one writes the journal in transactions of its own, and one does the
 * migrations. Two migrators of one pool that each hold a part would wait for each other forever, so they take turns; an
 * application that holds sessions until it is migrated would as well, so every wait is bounded.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { MigrationError } from "effect/sql/Migrator"
import type { SqlError } from "effect/sql/SqlError"
import type { OracleClient } from "../OracleClient.ts"
import type { OracleConnection } from "../OracleConnection.ts"
import { asSqlError } from "./sqlReason.ts"

/** How long is left of the time that a run may wait. */
export class WaitLimit {
  readonly limit: Duration.Duration
  readonly #clock: Clock.Clock
  readonly #begin: bigint

  constructor(limit: Duration.Duration, clock: Clock.Clock) {
    this.limit = limit
    this.#clock = clock
    this.#begin = clock.monotonicTimeNanosUnsafe()
  }

  get left(): Duration.Duration {
    if (!Duration.isFinite(this.limit)) return this.limit
    const spent = Number(this.#clock.monotonicTimeNanosUnsafe() - this.#begin) / 1_000_000
    return Duration.millis(Math.max(Duration.toMillis(this.limit) - spent, 0))
  }

  /** Bounds `wait` by what is left. */
  bound<A, E, R>(
    wait: Effect.Effect<A, E, R>,
    otherwise: () => MigrationError
  ): Effect.Effect<A, E | MigrationError, R> {
    return Effect.suspend(() =>
      Duration.isFinite(this.limit)
        ? Effect.timeoutOrElse(wait, { duration: this.left, orElse: () => Effect.fail(otherwise()) })
        : wait
    )
  }
}

const turns = new WeakMap<object, Semaphore.Semaphore>()

const turnOf = (pool: object): Semaphore.Semaphore => {
  const known = turns.get(pool)
  if (known !== undefined) return known
  const turn = Semaphore.makeUnsafe(1)
  turns.set(pool, turn)
  return turn
}

const taken = (turn: Semaphore.Semaphore): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(Effect.asVoid(turn.take(1)), () => turn.release(1), { interruptible: true })

/** Takes `count` sessions of the client's pool until the scope ends, after every other migrator of this pool. */
export const takeSessions = (
  client: OracleClient,
  count: number,
  limit: WaitLimit
): Effect.Effect<ReadonlyArray<OracleConnection>, MigrationError | SqlError, Scope.Scope> =>
  Effect.gen(function*() {
    const { pool } = client
    const { max, name } = yield* pool.settings
    if (max < count) {
      return yield* new MigrationError({
        kind: "BadState",
        message: `The migrator needs ${count} sessions at once, and max of the pool "${name}" is ${max}. Raise max.`
      })
    }
    const time = Duration.format(limit.limit)
    yield* limit.bound(taken(turnOf(pool)), () =>
      new MigrationError({
        kind: "Locked",
        message: `Another migrator of the pool "${name}" is running: it did not end within ${time} (lockTimeout).`
      }))
    const all = Effect.forEach(Array.from({ length: count }), () => asSqlError("migrate")(pool.acquire()))
    return yield* limit.bound(all, () =>
      new MigrationError({
        kind: "Locked",
        message:
          `The migrator could not take ${count} sessions of the pool "${name}" within ${time} (lockTimeout): others `
          + `hold them, and max is ${max}. Migrate before the program takes sessions, or raise max.`
      }))
  })
