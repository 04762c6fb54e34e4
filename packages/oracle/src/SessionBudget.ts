/**
 * A number of sessions that the processes of a fleet share: each moves the `max` of its pool to what it is granted, and the database never
 * sees more than the budget.
 *
 * The processes know each other by two tables alone. Each says every few seconds how many sessions it could use; who needs more gets it
 * from what is free, and from those who have more than their share, once they have closed what they give.
 */
import type { PoolOptions } from "@sessionpool/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { MigrationError } from "effect/sql/Migrator"
import type { SqlError } from "effect/sql/SqlError"
import type * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { randomUUID } from "node:crypto"
import { budgetMigrations, tableStore } from "./internal/budget/budgetStore.ts"
import { joinBudget, type Sizable } from "./internal/budget/member.ts"
import {
  checkOptions,
  interval,
  isMissing,
  nameBefore,
  refused,
  runMigrations
} from "./internal/cluster/storeOptions.ts"
import { integer, text } from "./internal/fieldKinds.ts"
import { OracleClient } from "./OracleClient.ts"
import type { OracleSessionPool } from "./OracleSessionPool.ts"

/**
 * Options of a process that joins a budget.
 *
 * **Details**
 *
 * - `name`: which budget; all processes with this name share it.
 * - `total`: sessions that all of them may have together. When processes say different numbers, the last one counts.
 * - `floor`: sessions that this process keeps while it cannot reach the table, the one that it reports with included; default 2, the least.
 * - `max`: the most that it can use; default the pool's `max` when it joins, and one.
 * - `interval`: how often it reports, and how soon shares move; default 2 seconds. A burst is reported at once.
 * - `expiry`: a process that was not heard of for this long has fallen back to its floor, and the rest of its share is free; default 15 seconds,
 *   and at least 5 intervals.
 * - `forget`: a process that was not heard of for this long is gone, and its floor is free, too; default 5 minutes.
 * - `prefix`: how the names of the tables begin; default `session_budget`.
 *
 * **Example** (Two hundred sessions for a service)
 *
 * ```ts
 * import type { SessionBudget } from "@sessionpool/oracle"
 *
 * const options: SessionBudget.BudgetOptions = { name: "orders", total: 200, floor: 3 }
 * ```
 *
 * @category models
 * @since 0.2.0
 */
export interface BudgetOptions {
  readonly name: string
  readonly total: number
  readonly floor?: number | undefined
  readonly max?: number | undefined
  readonly interval?: Duration.Input | undefined
  readonly expiry?: Duration.Input | undefined
  readonly forget?: Duration.Input | undefined
  readonly prefix?: string | undefined
}

/**
 * The share of this process.
 *
 * **Example** (The share now)
 *
 * ```ts
 * import type { SessionBudget } from "@sessionpool/oracle"
 *
 * const now = (budget: SessionBudget.SessionBudget) => budget.share
 * ```
 *
 * @category models
 * @since 0.2.0
 */
export interface SessionBudget {
  /** Sessions that this process may have, the one that it reports with included. */
  readonly share: Effect.Effect<number>
  /** The share now, and whenever it changes. */
  readonly shares: Stream.Stream<number>
}

const fields = {
  name: {
    expected: "a non-empty string of at most 255 characters, without control characters and halves of surrogate pairs",
    parse: (input: unknown) => {
      const name = text.parse(input)
      return name !== undefined && name.length <= 255 && name.isWellFormed() ? name : undefined
    }
  },
  total: integer(2, 1_000_000),
  floor: integer(2, 1_000_000),
  max: integer(2, 1_000_000),
  interval,
  expiry: interval,
  forget: interval,
  prefix: nameBefore("_migrations_lock")
}

/** The session that a process reports with. */
const beside = 1

const sizable = (pool: OracleSessionPool.Pool<unknown>, configured: Pick<PoolOptions.Settings, "min">): Sizable => ({
  load: Effect.map(pool.statistics, ({ busy, closing, opened, opening, pending }) => ({
    busy,
    pending,
    open: opened + opening + closing
  })),
  resize: (max) =>
    pool.reconfigure({ max, min: Math.min(configured.min, max) }).pipe(
      Effect.catchTag("PoolClosedError", () => Effect.void),
      Effect.orDie
    )
})

const createTables = (nameOf: (table: string) => string) =>
  runMigrations("SessionBudget", {
    loader: budgetMigrations(nameOf),
    journal: nameOf("migrations"),
    longest: nameOf("migrations_lock"),
    tables: [nameOf("totals")]
  })

/**
 * Creates the tables, or brings them up to date, without joining a budget.
 *
 * **When to use**
 *
 * Use it in a step of a deployment: the client of {@link join} has one session, and migrations need three.
 *
 * **Example** (A step of a deployment)
 *
 * ```ts
 * import { OracleClient, SessionBudget } from "@sessionpool/oracle"
 * import { Layer } from "effect"
 *
 * const deployment = SessionBudget.layerMigrations().pipe(
 *   Layer.provide(OracleClient.layer({ connectString: "localhost/FREEPDB1", user: "owner" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layerMigrations = (
  options?: Pick<BudgetOptions, "prefix">
): Layer.Layer<never, MigrationError | SqlError, OracleClient> =>
  Layer.effectDiscard(
    Effect.flatMap(
      checkOptions<Pick<BudgetOptions, "prefix">>("SessionBudget", { prefix: fields.prefix } as never, options),
      ({ prefix = "session_budget" }) => createTables((table) => `${prefix}_${table}`)
    )
  )

/**
 * Joins a budget: waits for a first share, and from then on keeps the pool's `max` at what this process is granted, until the scope ends.
 *
 * **When to use**
 *
 * Use it where many processes share a database whose sessions are limited, and their load moves between them.
 *
 * **Details**
 *
 * A new process begins with what is free, one session at least, and grows within a few intervals. When the scope ends, its share is free at
 * once. When it dies, its share above the floor is free after `expiry`, its floor after `forget`. When it cannot reach the table, it falls back to
 * its floor before `expiry`, and goes on with that.
 *
 * **Gotchas**
 *
 * - The client in the context is the one that the process reports with: give it a pool of its own with `max: 1`, so that reports do not wait for
 *   the sessions that they are about. That session is part of the share. {@link layerMigrations} creates the tables before; where they are
 *   not there yet, a client with `max: 3` creates them.
 * - A smaller share closes idle sessions at once, busy ones when they come back. A process that holds sessions for longer than `expiry` while
 *   it cannot reach the table has more than its floor until it gives them back.
 * - The session that it reports with is open before it has a share: while a process joins, the database has one session beyond the budget.
 * - Where there is no room for a first session, it waits: `total` must be at least the sum of all floors.
 * - Sessions that the pool has before it joins are not counted: make it with `min: 0`, or `max: 1`.
 *
 * **Example** (A pool within a budget)
 *
 * ```ts
 * import { OracleClient, OracleSessionPool, SessionBudget } from "@sessionpool/oracle"
 * import { Effect, Layer, Redacted } from "effect"
 *
 * const connect = { connectString: "localhost/FREEPDB1", user: "scott", password: Redacted.make("tiger") }
 *
 * const program = Effect.gen(function*() {
 *   const pool = yield* OracleSessionPool
 *   const budget = yield* SessionBudget.join(pool, { name: "orders", total: 200 })
 *   return yield* budget.share
 * }).pipe(
 *   Effect.scoped,
 *   Effect.provide(Layer.mergeAll(
 *     OracleSessionPool.layer({ ...connect, max: 50 }),
 *     OracleClient.layer({ ...connect, max: 1 })
 *   ))
 * )
 * ```
 *
 * @category constructors
 * @since 0.2.0
 */
export const join: (
  pool: OracleSessionPool.Pool<unknown>,
  options: BudgetOptions
) => Effect.Effect<SessionBudget, MigrationError | SqlError, OracleClient | Scope.Scope> = Effect.fnUntraced(
  function*(pool: OracleSessionPool.Pool<unknown>, options: BudgetOptions) {
    const store = "SessionBudget"
    const sql = (yield* OracleClient).withoutTransforms()
    const given = yield* checkOptions<BudgetOptions>(store, fields as never, options)
    const { floor = 2, name, prefix = "session_budget", total } = given
    if (name === undefined || total === undefined) {
      return yield* refused(store, "its options must have a name and a total")
    }
    const configured = yield* pool.settings
    const max = given.max ?? configured.max + beside
    if (floor > total) return yield* refused(store, `floor must be at most total (${total}), not ${floor}`)
    if (max < floor) return yield* refused(store, `max must be at least floor (${floor}), not ${max}`)
    const every = durationOr(given.interval, Duration.seconds(2))
    const expiry = Duration.max(durationOr(given.expiry, Duration.seconds(15)), Duration.times(every, 5))
    const forget = Duration.max(durationOr(given.forget, Duration.minutes(5)), expiry)
    const nameOf = (table: string) => `${prefix}_${table}`
    // Migrations take several sessions: they are run only where they are needed.
    yield* sql`select count(*) as n from ${sql(nameOf("members"))} where 1 = 0`.pipe(
      Effect.catchIf(isMissing, () => createTables(nameOf))
    )
    const share = yield* joinBudget(
      tableStore(sql, nameOf, name, total, {
        expiryMillis: Duration.toMillis(expiry),
        forgetMillis: Duration.toMillis(forget),
        levelMillis: Duration.toMillis(every) / 2
      }),
      sizable(pool, configured),
      {
        id: randomUUID(),
        floor,
        max,
        beside,
        interval: every,
        fallbackAfter: Duration.times(expiry, 0.6)
      }
    )
    return { share: SubscriptionRef.get(share), shares: SubscriptionRef.changes(share) }
  }
)

const durationOr = (given: Duration.Input | undefined, otherwise: Duration.Duration): Duration.Duration =>
  given === undefined ? otherwise : Duration.fromInputUnsafe(given)
