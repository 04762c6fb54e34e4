/** An account is tried with refused credentials once, whatever logs on with it, until they change or somebody asks. */
import { assert, describe, it } from "@effect/vitest"
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Effect, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, type Options, served, settled } from "./openPool.ts"

const tiger = Redacted.make("tiger")
const lion = Redacted.make("lion")
const accounts = { scott: "tiger" }
const twelve = Array.from({ length: 12 }, (_, i) => i)

/** What a database says that tells its refusals apart. */
const tells: NonNullable<Options["wrap"]> = (driver) => ({
  ...driver,
  refusal: ({ message }) => message.includes("locked") ? "locked" : "credentials"
})

const refusedLogins = (database: TestDatabase.TestDatabase) =>
  Effect.map(database.refusedLogins, (refused) => Object.fromEntries(refused))

describe("an account whose password is wrong sees one refused log-on", () => {
  const ways = {
    "proxy users": (i: number) => ({ user: `[ann${i}]` }),
    "connection classes": (i: number) => ({ cclass: `class ${i}` }),
    "shards": (i: number) => ({ shardingKey: i })
  }

  for (const [what, request] of Object.entries(ways)) {
    it.effect(`whatever ${what} log on with it, at once or one after the other (A15)`, () =>
      Effect.gen(function*() {
        const { database, pool } = yield* openPool({
          max: 20,
          homogeneous: false,
          password: lion,
          database: { accounts, latency: { open: "1 second" } }
        })
        const ask = (i: number) => Effect.flip(pool.acquire(request(i)))
        const atOnce = yield* Effect.forEach(twelve, (i) => beside(ask(i)))
        yield* TestClock.adjust("10 seconds")
        for (const fiber of atOnce) assert.strictEqual((yield* Fiber.join(fiber))._tag, "OpenSessionError")
        for (const i of twelve) {
          const error = yield* beside(ask(i + 100))
          yield* TestClock.adjust("10 seconds")
          assert.deepInclude(yield* Fiber.join(error), { _tag: "OpenSessionError", isAuthentication: true })
        }
        yield* TestClock.adjust("1 day")
        assert.deepStrictEqual(yield* refusedLogins(database), { scott: 1 })
        // Somebody asks for another try: one more, for all of them.
        yield* pool.reconfigure({ max: 21 })
        const again = yield* Effect.forEach(twelve, (i) => beside(ask(i)))
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.joinAll(again)
        assert.deepStrictEqual(yield* refusedLogins(database), { scott: 2 })
      }))
  }

  it.effect("also when it was good when the last sessions were opened (A15)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        max: 20,
        password: tiger,
        database: { accounts, latency: { open: 10 } }
      })
      const first = yield* beside(pool.acquire())
      yield* TestClock.adjust(10)
      yield* Fiber.join(first)
      yield* database.setPassword("scott", "lion")
      yield* Effect.forEach(twelve, () => beside(Effect.exit(pool.acquire())))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* refusedLogins(database), { scott: 1 })
    }))

  it.effect("when requests bring the pool's own user and password (A15)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 4, homogeneous: false, password: lion, database: { accounts } })
      yield* Effect.flip(pool.acquire())
      yield* Effect.flip(pool.acquire({ user: "scott", password: Redacted.make("lion") }))
      assert.deepStrictEqual(yield* refusedLogins(database), { scott: 1 })
    }))
})

it.effect("a proxy that is refused is refused alone: others log on with the account, and it is not tried again (A15)", () =>
  Effect.gen(function*() {
    const tries: Array<string | undefined> = []
    const { pool } = yield* openPool({
      max: 4,
      homogeneous: false,
      password: tiger,
      wrap: (driver) => ({
        ...driver,
        open: (request) => {
          tries.push(request.proxyUser)
          return request.proxyUser === "mallory"
            ? Effect.fail(
              new TestDatabase.TestDatabaseError({ kind: "authentication", message: "no proxy of this user" })
            )
            : driver.open(request)
        },
        refusal: () => "identity"
      })
    })
    const both = yield* Effect.all([
      Effect.flip(pool.acquire({ user: "[mallory]" })),
      pool.acquire({ user: "[ann]" })
    ], { concurrency: 2 })
    assert.deepInclude(both[0], { _tag: "OpenSessionError", refusal: "identity" })
    assert.strictEqual(both[1].session.proxyUser, "ann")
    const error = yield* Effect.flip(pool.acquire({ user: "[mallory]" }))
    assert.include(error.message, "refused this identity for the credentials; the pool will not retry until")
    assert.deepStrictEqual(tries, ["mallory", "ann"])
  }))

describe("credentials from an effect that were rotated before the database was", () => {
  const rotated = (settings: Options = {}) =>
    openPool({
      max: 4,
      credentials: Effect.succeed({ user: "scott", password: lion }),
      database: { accounts },
      ...settings
    })

  it.effect("are tried once more after rotationRetry, and then no more (A17)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* rotated()
      const error = yield* Effect.flip(pool.acquire())
      assert.include(error.message, "the pool will not retry but once, in 5m (rotationRetry), until they change")
      yield* Effect.forEach(twelve, () => beside(Effect.exit(pool.acquire())))
      yield* TestClock.adjust("299 seconds")
      assert.deepStrictEqual(yield* refusedLogins(database), { scott: 1 })
      yield* TestClock.adjust("2 seconds")
      yield* Effect.forEach(twelve, () => beside(Effect.exit(pool.acquire())))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* refusedLogins(database), { scott: 2 })
      const last = yield* beside(Effect.flip(pool.acquire()))
      yield* TestClock.adjust("1 day")
      assert.include((yield* Fiber.join(last)).message, "the pool will not retry until they change")
      yield* beside(Effect.exit(pool.acquire()))
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(yield* refusedLogins(database), { scott: 2 })
    }))

  it.effect("open sessions again when the database has followed (A17)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* rotated({ min: 2 })
      yield* database.setPassword("scott", "lion")
      yield* TestClock.adjust("5 minutes")
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* pool.statistics).opened, 2)
      assert.deepStrictEqual(yield* refusedLogins(database), { scott: 1 })
    }))

  it.effect("are tried again after any reconfigure, and not by themselves when rotationRetry is 0 (A17)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* rotated({ rotationRetry: 0 })
      yield* Effect.flip(pool.acquire())
      const waiting = yield* beside(Effect.exit(pool.acquire()))
      yield* TestClock.adjust("1 day")
      yield* Fiber.join(waiting)
      assert.deepStrictEqual(yield* refusedLogins(database), { scott: 1 })
      yield* database.setPassword("scott", "lion")
      yield* pool.reconfigure({ max: 5 })
      assert.strictEqual(yield* served(pool), 1)
    }))
})

describe("the pool's own password that was refused", () => {
  it.effect("is not tried again after rotationRetry: it is no effect that could change (A17)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ min: 1, max: 4, password: lion, database: { accounts } })
      yield* TestClock.adjust("1 day")
      yield* Effect.flip(pool.acquire())
      assert.deepStrictEqual(yield* refusedLogins(database), { scott: 1 })
      yield* database.setPassword("scott", "lion")
      yield* pool.reconfigure({ timeout: "2 minutes" })
      assert.strictEqual(yield* served(pool), 1)
    }))
})

describe("an account that is locked for a time", () => {
  it.effect("is found open again by one log-on a minute, without a request or a restart (S9)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        min: 2,
        max: 20,
        homogeneous: false,
        password: tiger,
        wrap: tells,
        database: { accounts }
      })
      yield* database.setPassword("scott", undefined)
      yield* database.killAll
      yield* Effect.exit(pool.use((connection) => connection.execute("x")))
      yield* settled
      const first = (yield* refusedLogins(database))["scott"]
      assert.strictEqual(first, 1)
      const error = yield* Effect.flip(pool.acquire({ user: "[ann]" }))
      assert.include(error.message, "The account is locked; the pool tries one log-on a minute, the next in")
      for (const i of twelve) yield* Effect.flip(pool.acquire({ cclass: `class ${i}` }))
      yield* TestClock.adjust("10 minutes")
      assert.isAtMost((yield* refusedLogins(database))["scott"]!, 11)
      yield* database.setPassword("scott", "tiger")
      yield* TestClock.adjust("61 seconds")
      assert.strictEqual((yield* pool.statistics).opened, 2)
      assert.strictEqual((yield* pool.acquire({ user: "[ann]" })).session.proxyUser, "ann")
    }))

  it.effect("and then has another password, is not tried again (S9)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        min: 1,
        max: 4,
        password: tiger,
        wrap: tells,
        database: { accounts: {} }
      })
      yield* database.setPassword("scott", undefined)
      yield* pool.reconfigure({ max: 5 })
      yield* TestClock.adjust("90 seconds")
      yield* database.setPassword("scott", "other")
      yield* TestClock.adjust("1 day")
      const refused = (yield* refusedLogins(database))["scott"]!
      yield* TestClock.adjust("1 day")
      yield* Effect.flip(pool.acquire())
      assert.deepStrictEqual(yield* refusedLogins(database), { scott: refused })
    }))
})

describe("what fails after a session was opened", () => {
  it.effect("loses no session: attributes of the driver (A22)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        max: 1,
        wrap: (driver) => ({
          ...driver,
          attributes: () => {
            throw new Error("no attributes")
          }
        })
      })
      assert.strictEqual(yield* served(pool), 1)
      assert.lengthOf(yield* database.sessions, 1)
    }))

  it.effect("loses no session: a tracer (A22)", () =>
    Effect.gen(function*() {
      const { Tracer } = yield* Effect.promise(() => import("effect"))
      const database = yield* TestDatabase.make()
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          span.end = () => {
            throw new Error("no trace")
          }
          return span
        }
      })
      yield* Effect.gen(function*() {
        const pool = yield* SessionPool.make({ driver: database.driver, user: "scott", min: 2, max: 2 })
        yield* settled
        assert.strictEqual((yield* pool.statistics).opened, 2)
        assert.lengthOf(yield* database.sessions, 2)
      }).pipe(Effect.provideService(Tracer.Tracer, tracer))
    }))
})
