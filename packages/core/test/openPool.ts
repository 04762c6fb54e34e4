/** What every test of the pool begins with: a test database, a pool of its user "scott" over it, and requests beside. */
import { type PoolEvent, SessionPool, type SessionRequest } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Effect, type Fiber, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"

export type Connection = TestDatabase.TestConnection

export type Pool<OE = never> = SessionPool.SessionPool<Connection, OE>

export type Settings<OE = never> = Omit<
  SessionPool.MakeOptions<TestDatabase.TestSession, Connection, TestDatabase.TestDatabaseError, OE, never>,
  "driver"
>

type Driver = TestDatabase.TestDatabase["driver"]

/** Settings of a pool, and of the database under it; `wrap` stands between the pool and the driver. */
export type Options<OE = never> = Settings<OE> & {
  readonly database?: TestDatabase.Options
  readonly wrap?: (driver: Driver) => Driver
}

/** A pool over a database whose ledger must balance when the test ends; its user is "scott" unless told. */
export const openPool = <OE = never>(options: Options<OE> = {}) =>
  Effect.gen(function*() {
    const { database: databaseOptions, wrap = (driver: Driver) => driver, ...settings } = options
    const database = yield* TestDatabase.make({ answer: ({ text }) => Effect.succeed(text), ...databaseOptions })
    const user = settings.credentials === undefined && !("user" in settings) ? { user: "scott" } : {}
    const pool = yield* SessionPool.make<
      TestDatabase.TestSession,
      Connection,
      TestDatabase.TestDatabaseError,
      OE
    >({ ...user, ...settings, driver: wrap(database.driver) })
    yield* settled
    return { database, pool }
  })

/** Lets everything run that can run without time passing. */
export const settled: Effect.Effect<void> = Effect.gen(function*() {
  for (let i = 0; i < 20; i++) yield* Effect.yieldNow
  yield* TestClock.adjust(0)
})

/** Starts `effect` beside the test, and lets it come as far as it can without time passing. */
export const beside = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<Fiber.Fiber<A, E>, never, R | Scope.Scope> => Effect.tap(Effect.forkScoped(effect), () => settled)

/** Leases as many sessions as there are requests, and gives them all back: they stay idle, the last the warmest. */
export const warm = <OE>(pool: Pool<OE>, ...tags: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const connections = yield* Effect.forEach(tags, () => pool.acquire())
    for (const [index, connection] of connections.entries()) {
      yield* pool.release(connection, { tag: tags[index]! })
      yield* TestClock.adjust(1)
    }
    return connections.map((connection) => connection.id)
  })

/** The number of the session that a request gets; it goes back at once. */
export const served = <OE>(pool: Pool<OE>, request: SessionRequest.SessionRequest = {}) =>
  pool.use(request, (connection) => Effect.succeed(connection.id))

/** The events of a pool from now on, as they come. */
export const watch = <OE>(pool: Pool<OE>) =>
  Effect.gen(function*() {
    const events: Array<PoolEvent.PoolEvent> = []
    yield* beside(Stream.runForEach(pool.events, (event) => Effect.sync(() => events.push(event))))
    return events
  })
