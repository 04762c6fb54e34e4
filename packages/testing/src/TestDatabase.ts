/**
 * A database in memory, with its session driver, driven wholly by the clock.
 *
 * It opens, pings, resets and closes sessions as a pool asks for, takes as long over it as it is told, fails when it is told
 * to, and keeps a ledger. Under `TestClock` every run is the same. Use it to test a pool's settings, your own code on a pool,
 * or a pool itself.
 */
import { SessionPool } from "@sessionpool/core"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { TestDatabase } from "./internal/switches.ts"
import { construct } from "./internal/testDatabase.ts"
import type { Options, TestConnection, TestDatabaseError, TestSession } from "./internal/testSession.ts"

export type { LedgerEntry } from "./internal/ledger.ts"
export type { TestDatabase } from "./internal/switches.ts"
export {
  type Behavior,
  LedgerError,
  type Operation,
  type Options,
  type Statement,
  TestConnection,
  TestDatabaseError,
  type TestSession
} from "./internal/testSession.ts"

/**
 * The service of a test database.
 *
 * **When to use**
 *
 * Use `yield* TestDatabase.Database` in a test to make trouble, and to read what reached the database.
 *
 * @category models
 * @since 0.1.0
 */
export class Database extends Context.Service<Database, TestDatabase>()("@sessionpool/testing/TestDatabase") {}

/**
 * Makes a test database. When the scope closes, the test fails unless the ledger balances: make the pool in the same scope
 * after it, or in an inner one.
 *
 * **When to use**
 *
 * Use for a test of a driverless pool with a scope of its own.
 *
 * **Example** (A pool on a test database)
 *
 * ```ts
 * import { SessionPool } from "@sessionpool/core"
 * import { TestDatabase } from "@sessionpool/testing"
 * import { Effect } from "effect"
 *
 * const test = Effect.gen(function*() {
 *   const database = yield* TestDatabase.make({ answer: ({ text }) => Effect.succeed(text.toUpperCase()) })
 *   const pool = yield* SessionPool.make({ driver: database.driver, user: "scott", max: 2 })
 *   return yield* pool.use((connection) => connection.execute("hello"))
 * }).pipe(Effect.scoped)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Effect.Effect<TestDatabase, never, Scope.Scope> =>
  Effect.flatMap(
    makeUnchecked(options),
    (database) => Effect.as(Effect.addFinalizer(() => Effect.orDie(database.balance)), database)
  )

/**
 * Makes a test database whose ledger is not checked when the scope closes; look at `balance` yourself.
 *
 * **When to use**
 *
 * Use for tests in which sessions stay open on purpose.
 *
 * **Example** (Looking at the balance)
 *
 * ```ts
 * import { TestDatabase } from "@sessionpool/testing"
 * import { Effect } from "effect"
 *
 * const isBalanced = Effect.flatMap(TestDatabase.makeUnchecked(), (database) => database.balance)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeUnchecked = (options: Options = {}): Effect.Effect<TestDatabase> =>
  Effect.map(Clock.clockWith(Effect.succeed), (clock) => construct(options, clock))

/**
 * The tag of a pool over a test database.
 *
 * **When to use**
 *
 * Use as the pool of code under test that takes any `SessionPool`.
 *
 * @category models
 * @since 0.1.0
 */
export class Pool extends SessionPool.Service<Pool, TestConnection>()("@sessionpool/testing/TestDatabase/Pool") {}

/**
 * How the layer of a pool without a database is made: the pool's settings, and the database's options.
 *
 * @category models
 * @since 0.1.0
 */
export type LayerOptions =
  & Omit<SessionPool.MakeOptions<TestSession, TestConnection, TestDatabaseError, never, never>, "driver">
  & { readonly database?: Options | undefined }

/**
 * A pool without a database, for tests of an application: provides {@link Pool} and, to inject faults, {@link Database}.
 *
 * **When to use**
 *
 * Use in tests of an application: no database, no network, virtual time.
 *
 * **Details**
 *
 * The pool's user defaults to `"test"`. When the layer's scope closes, the test fails unless the ledger balances.
 *
 * **Example** (An application's test)
 *
 * ```ts
 * import { TestDatabase } from "@sessionpool/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const pool = yield* TestDatabase.Pool
 *   return yield* pool.use((connection) => connection.execute("select count(*) from employees"))
 * })
 *
 * const tested = Effect.provide(
 *   program,
 *   TestDatabase.layer({ max: 2, database: { answer: () => Effect.succeed(107) } })
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: LayerOptions = {}
): Layer.Layer<Pool | Database, Effect.Error<ReturnType<typeof SessionPool.make>>> => {
  const { database, ...settings } = options
  const credentials = settings.user === undefined && settings.credentials === undefined ? { user: "test" } : {}
  return Layer.effect(
    Pool,
    Effect.flatMap(
      Database,
      ({ driver }) => SessionPool.make({ ...credentials, ...settings, driver })
    )
  ).pipe(Layer.provideMerge(Layer.effect(Database, make(database))))
}
