import { assert, describe, it } from "@effect/vitest"
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Effect, Exit, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, watch } from "./openPool.ts"

const accounts = { scott: "tiger", hr: "people" }

describe("credentials of the settings", () => {
  it.effect("opening begins again with those of reconfigure after others were refused", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        min: 1,
        max: 2,
        password: Redacted.make("lion"),
        database: { accounts }
      })
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual([...yield* database.refusedLogins], [["scott", 1]])
      yield* pool.reconfigure({ password: Redacted.make("tiger") })
      yield* settled
      assert.deepInclude(yield* pool.statistics, { opened: 1, idle: 1 })
      assert.deepStrictEqual([...yield* database.refusedLogins], [["scott", 1]])
    }))

  it.effect("the same once more, by hand, are tried again: the account may have been unlocked", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, password: Redacted.make("tiger"), database: { accounts } })
      yield* database.setPassword("scott", undefined)
      assert.include((yield* Effect.flip(pool.acquire())).message, `the account "scott" is locked`)
      yield* database.setPassword("scott", "tiger")
      assert.strictEqual((yield* Effect.flip(pool.acquire()))._tag, "OpenSessionError")
      yield* pool.reconfigure({ password: Redacted.make("tiger") })
      assert.strictEqual(yield* served(pool), 1)
    }))

  it.effect("a refusal of those that were changed meanwhile does not stop those of now", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        max: 1,
        password: Redacted.make("tiger"),
        database: { accounts, latency: { open: "2 seconds" } }
      })
      yield* database.setPassword("scott", "lion")
      const request = yield* beside(served(pool))
      yield* TestClock.adjust("1 second")
      // The log-on with "tiger" is still under way.
      yield* pool.reconfigure({ password: Redacted.make("lion") })
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* Fiber.join(request), 1)
      assert.deepStrictEqual([...yield* database.refusedLogins], [["scott", 1]])
      yield* pool.reconfigure({ min: 1 })
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* pool.statistics).opened, 1)
    }))

  it.effect("a request with others is tried, whatever was refused before", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({
        max: 2,
        homogeneous: false,
        password: Redacted.make("lion"),
        database: { accounts }
      })
      yield* Effect.flip(pool.acquire())
      const other = yield* pool.acquire({ user: "hr", password: Redacted.make("people") })
      assert.strictEqual(other.session.user, "hr")
    }))

  it.effect("after a change of the password sessions of the old one retire as they come back", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 3, password: Redacted.make("tiger"), database: { accounts } })
      const old = yield* pool.acquire()
      yield* database.setPassword("scott", "lion")
      yield* pool.reconfigure({ password: Redacted.make("lion") })
      const young = yield* pool.acquire()
      yield* pool.release(old)
      yield* settled
      assert.deepInclude(yield* pool.statistics, { opened: 1, busy: 1 })
      yield* pool.release(young)
      assert.strictEqual(yield* served(pool), young.id)
      assert.strictEqual((yield* database.refusedLogins).size, 0)
    }))

  it.effect("after a change of the user nobody gets a session of the old one", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        min: 1,
        max: 3,
        password: Redacted.make("tiger"),
        database: { accounts }
      })
      const busy = yield* pool.acquire()
      const idle = yield* pool.acquire()
      yield* pool.release(idle)
      yield* pool.reconfigure({ user: "hr", password: Redacted.make("people") })
      assert.strictEqual(yield* pool.use((connection) => Effect.succeed(connection.session.user)), "hr")
      yield* pool.release(busy)
      yield* settled
      assert.deepStrictEqual((yield* database.sessions).map(({ user }) => user), ["hr"])
      assert.strictEqual((yield* pool.statistics).username, "hr")
    }))

  it.effect("nor a session that was being opened for the old one", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, database: { latency: { open: "1 second" } } })
      const waiting = yield* beside(pool.acquire())
      yield* pool.reconfigure({ user: "hr" })
      yield* TestClock.adjust("1 second")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(waiting)).session.user, "hr")
    }))
})

describe("credentials as an effect", () => {
  it.effect("are asked for at each opening, and rotate without a restart", () =>
    Effect.gen(function*() {
      let password = "tiger"
      let asked = 0
      const { database, pool } = yield* openPool({
        max: 3,
        credentials: Effect.sync(() => {
          asked++
          return { user: "scott", password: Redacted.make(password) }
        }),
        database: { accounts }
      })
      const events = yield* watch(pool)
      const busy = yield* pool.acquire()
      const idle = yield* pool.acquire()
      yield* pool.release(idle)
      assert.strictEqual(asked, 2)
      password = "lion"
      yield* database.setPassword("scott", "lion")
      // What is open goes on serving until a session was opened with the new ones.
      assert.strictEqual(yield* served(pool), idle.id)
      const young = yield* pool.acquire({ purity: "new" })
      assert.strictEqual(asked, 3)
      yield* settled
      assert.lengthOf(events.filter((event) => event._tag === "CredentialsChanged"), 1)
      yield* pool.release(busy)
      yield* pool.release(young)
      yield* settled
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "SessionClosed" ? [[event.session, event.reason]] : []),
        [[idle.id, "credentials"], [busy.id, "credentials"]]
      )
      assert.strictEqual(yield* served(pool), young.id)
      assert.strictEqual((yield* database.refusedLogins).size, 0)
    }))

  it.effect("refused ones are asked for again, and reach the database only when they differ", () =>
    Effect.gen(function*() {
      let password = "lion"
      let asked = 0
      const { database, pool } = yield* openPool({
        min: 1,
        max: 1,
        credentials: Effect.sync(() => {
          asked++
          return { user: "scott", password: Redacted.make(password) }
        }),
        database: { accounts }
      })
      yield* TestClock.adjust("1 minute")
      assert.isAbove(asked, 5)
      assert.deepStrictEqual([...yield* database.refusedLogins], [["scott", 1]])
      password = "tiger"
      yield* TestClock.adjust("6 seconds")
      assert.deepInclude(yield* pool.statistics, { opened: 1, idle: 1 })
      assert.deepStrictEqual([...yield* database.refusedLogins], [["scott", 1]])
    }))

  it.effect("their own failure is the cause of an OpenSessionError, and is tried again", () =>
    Effect.gen(function*() {
      let isDown = true
      const { database, pool } = yield* openPool({
        max: 1,
        credentials: Effect.suspend(() =>
          isDown ? Effect.fail("the vault is sealed") : Effect.succeed({ user: "scott" })
        )
      })
      const error = yield* Effect.flip(pool.acquire())
      assert.include(error.message, "the vault is sealed")
      assert.strictEqual(yield* database.count("openRequested"), 0)
      isDown = false
      const next = yield* beside(served(pool))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(next), 1)
    }))

  it.effect("another token opens the next session; those opened with the one before go on, as they do in the database", () =>
    Effect.gen(function*() {
      let token = "one"
      const opened: Array<string> = []
      const database = yield* TestDatabase.make()
      const pool = yield* SessionPool.make({
        driver: {
          ...database.driver,
          open: (request) => {
            opened.push(Redacted.value(request.token!))
            return database.driver.open(request)
          }
        },
        max: 2,
        credentials: Effect.sync(() => ({ token: Redacted.make(token) }))
      })
      const first = yield* pool.acquire()
      token = "two"
      const second = yield* pool.acquire()
      yield* pool.release(first)
      yield* pool.release(second)
      yield* settled
      assert.deepStrictEqual(opened, ["one", "two"])
      assert.strictEqual((yield* pool.statistics).opened, 2)
    }))

  it.effect("the first session of an account is opened alone: a wrong password is tried once, however many ask", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        max: 10,
        homogeneous: false,
        database: { accounts: { scott: "tiger", ann: "secret" }, latency: { open: "1 second" } }
      })
      const ask = (password: Redacted.Redacted<string>) =>
        Effect.forEach(
          Array.from({ length: 10 }),
          () => beside(Effect.exit(pool.use({ user: "ann", password }, () => Effect.void)))
        )
      const refused = yield* ask(Redacted.make("wrong"))
      yield* TestClock.adjust("1 second")
      assert.isTrue((yield* Fiber.joinAll(refused)).every(Exit.isFailure))
      assert.strictEqual((yield* database.refusedLogins).get("ann"), 1)
      const good = yield* ask(Redacted.make("secret"))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* database.count("opened"), 1)
      yield* TestClock.adjust("1 second")
      assert.isTrue((yield* Fiber.joinAll(good)).every(Exit.isSuccess))
    }))

  it.effect("refused credentials of a request may be tried again after reconfigure", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ homogeneous: false, database: { accounts: { ann: "other" } } })
      const ask = pool.use({ user: "ann", password: Redacted.make("secret") }, () => Effect.void)
      yield* Effect.flip(ask)
      yield* database.setPassword("ann", "secret")
      yield* Effect.flip(ask)
      yield* pool.reconfigure({})
      yield* ask
    }))

  it.effect("an older opening that ends later does not bring the old ones back", () =>
    Effect.gen(function*() {
      let password = "tiger"
      let latency = 2000
      const { pool } = yield* openPool({
        max: 2,
        credentials: Effect.suspend(() => {
          const now = { user: "scott", password: Redacted.make(password) }
          return Effect.delay(Effect.succeed(now), latency)
        })
      })
      const first = yield* beside(pool.acquire())
      password = "lion"
      latency = 1000
      const second = yield* beside(pool.acquire())
      yield* TestClock.adjust("1 second")
      const young = yield* Fiber.join(first)
      yield* TestClock.adjust("1 second")
      yield* settled
      // The session that was opened with the old credentials never reaches anybody.
      assert.isUndefined(second.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.notStrictEqual((yield* Fiber.join(second)).id, young.id)
      assert.strictEqual((yield* pool.statistics).opened, 2)
    }))

  it.effect("cannot be combined with a user", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(openPool({ user: "scott", credentials: Effect.succeed({ user: "hr" }) }))
      assert.include(error.message, "user cannot be combined with `credentials`, which already supplies the user")
      const { pool } = yield* openPool({ credentials: Effect.succeed({ user: "hr" }) })
      const later = yield* Effect.flip(pool.reconfigure({ password: Redacted.make("people") }))
      assert.include(later.message, "password cannot be combined with `credentials`")
    }))

  it.effect("refused after they were replaced: opening goes on with those that the pool has by then", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        max: 2,
        password: Redacted.make("tiger"),
        database: { accounts, latency: { open: "2 seconds" } }
      })
      const waiting = yield* beside(served(pool))
      yield* database.setPassword("scott", "lion")
      yield* pool.reconfigure({ password: Redacted.make("lion") })
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(yield* Fiber.join(waiting), 1)
      assert.deepStrictEqual([...yield* database.refusedLogins], [["scott", 1]])
      yield* pool.reconfigure({ min: 2 })
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* pool.statistics).opened, 2)
    }))
})
