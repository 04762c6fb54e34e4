import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, watch } from "./openPool.ts"

const password = (text: string) => Redacted.make(text)
const accounts = { scott: "tiger", hr: "people", app: "secret" }
const scott = { user: "scott", password: password("tiger") }
const hr = { user: "hr", password: password("people") }

describe("a homogeneous pool", () => {
  it.effect("refuses a user or a password with a request", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 2, name: "hr" })
      for (const request of [hr, { user: "hr" }, { password: password("people") }]) {
        const error = yield* Effect.flip(pool.acquire(request))
        assert.strictEqual(error._tag, "CredentialsNotAllowedError")
        assert.include(error.message, "Make the pool with homogeneous: false")
      }
      assert.strictEqual(yield* database.count("openRequested"), 0)
    }))
})

describe("a heterogeneous pool", () => {
  it.effect("keeps the sessions of users apart", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4, homogeneous: false, ...scott, database: { accounts } })
      const own = yield* pool.acquire()
      const other = yield* pool.acquire(hr)
      assert.deepStrictEqual([own.session.user, other.session.user], ["scott", "hr"])
      yield* pool.release(own)
      yield* pool.release(other)
      assert.strictEqual(yield* served(pool, hr), other.id)
      assert.strictEqual(yield* served(pool, { user: "hr", password: password("people") }), other.id)
      assert.strictEqual(yield* served(pool), own.id)
    }))

  it.effect("needs no user of its own, when every request brings one", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        user: undefined,
        min: 2,
        max: 2,
        homogeneous: false,
        name: "tenants",
        database: { accounts }
      })
      assert.strictEqual(yield* database.count("openRequested"), 0)
      assert.strictEqual(
        (yield* Effect.flip(pool.acquire())).message,
        `Session pool "tenants" cannot use these options: user is required in every request: the pool has no user of ` +
          `its own.`
      )
      const error = yield* Effect.flip(pool.acquire({ user: "hr" }))
      assert.include(error.message, `password is required for the user "hr"`)
      assert.strictEqual((yield* pool.acquire(hr)).session.user, "hr")
      assert.strictEqual(yield* database.count("openRequested"), 1)
    }))

  it.effect("opens user[proxy] with the password of the user", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ user: undefined, max: 4, homogeneous: false, database: { accounts } })
      const connection = yield* pool.acquire({ user: "app[hr]", password: password("secret") })
      assert.deepInclude(connection.session, { user: "app", proxyUser: "hr" })
      yield* pool.release(connection)
      // Neither the user alone nor another proxy is the same identity; white space makes none.
      assert.strictEqual(yield* served(pool, { user: " app [ hr ] ", password: password("secret") }), connection.id)
      assert.notStrictEqual(yield* served(pool, { user: "app", password: password("secret") }), connection.id)
      assert.notStrictEqual(yield* served(pool, { user: "app[scott]", password: password("secret") }), connection.id)
    }))

  it.effect("opens a user without password through the pool's own user", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({
        max: 4,
        homogeneous: false,
        user: "app",
        password: password("secret"),
        database: { accounts }
      })
      const connection = yield* pool.acquire({ user: "hr" })
      assert.deepInclude(connection.session, { user: "app", proxyUser: "hr" })
      yield* pool.release(connection)
      assert.strictEqual(yield* served(pool, { user: "[hr]" }), connection.id)
      assert.notStrictEqual(yield* served(pool), connection.id)
      const error = yield* Effect.flip(pool.acquire({ user: "scott[hr]" }))
      assert.include(error.message, `password is required for the user "scott[hr]"`)
    }))

  it.effect("refuses names that are none, and a password without user", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, homogeneous: false })
      for (const user of ["[]", "a[b", "a]b[", "a[b][c]"]) {
        const error = yield* Effect.flip(pool.acquire({ user, password: password("x") }))
        assert.include(error.message, `user must have the form "user" or "user[proxy]"`)
        assert.notInclude(error.message, user)
      }
      const empty = yield* Effect.flip(pool.acquire({ user: "", password: password("x") }))
      assert.include(empty.message, "user must be a user name")
      const error = yield* Effect.flip(pool.acquire({ password: password("x") }))
      assert.include(error.message, "user is required with a password")
    }))

  it.effect("quoted names may hold what plain ones may not", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ user: undefined, max: 1, homogeneous: false })
      const connection = yield* pool.acquire({ user: `"a[1]"["b 2"]`, password: password("x") })
      assert.deepInclude(connection.session, { user: `"a[1]"`, proxyUser: `"b 2"` })
    }))

  it.effect("never lends a session to a caller with a wrong password, however idle the right one is", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        user: undefined,
        max: 4,
        homogeneous: false,
        database: { accounts }
      })
      const right = yield* served(pool, hr)
      const stolen = yield* Effect.flip(pool.acquire({ user: "hr", password: password("guess") }))
      assert.strictEqual(stolen._tag, "OpenSessionError")
      if (stolen._tag === "OpenSessionError") assert.isTrue(stolen.isAuthentication)
      assert.strictEqual(yield* served(pool, hr), right)
      assert.strictEqual(yield* database.count("opened"), 1)
    }))

  it.effect("hands a session that comes back to nobody who waits with a wrong password", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ user: undefined, max: 1, homogeneous: false, database: { accounts } })
      const right = yield* pool.acquire(hr)
      const thief = yield* beside(Effect.flip(pool.acquire({ user: "hr", password: password("guess") })))
      const owner = yield* beside(pool.acquire(hr))
      yield* pool.release(right)
      assert.strictEqual((yield* Fiber.join(owner)).id, right.id)
      yield* pool.release(yield* Fiber.join(owner))
      yield* settled
      assert.strictEqual((yield* Fiber.join(thief))._tag, "OpenSessionError")
    }))

  it.effect("does not ask the database again with a password that it has refused", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        user: undefined,
        max: 4,
        homogeneous: false,
        database: { accounts }
      })
      const guess = () => Effect.flip(pool.acquire({ user: "hr", password: password("guess") }))
      for (let i = 0; i < 5; i++) {
        const error = yield* guess()
        assert.strictEqual(error._tag, "OpenSessionError")
        assert.include(error.message, "The database refused the credentials; the pool will not retry until they change")
        yield* TestClock.adjust("1 hour")
      }
      assert.deepStrictEqual([...yield* database.refusedLogins], [["hr", 1]])
      // Another password is another try, and the right one works.
      yield* Effect.flip(pool.acquire({ user: "hr", password: password("other guess") }))
      assert.deepStrictEqual([...yield* database.refusedLogins], [["hr", 2]])
      assert.strictEqual((yield* pool.acquire(hr)).session.user, "hr")
    }))

  it.effect("tells of a refusal at once, also where every session is in use", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, homogeneous: false, ...scott, database: { accounts } })
      const guess = Effect.flip(pool.acquire({ user: "hr", password: password("guess") }))
      yield* guess
      yield* pool.acquire()
      const again = yield* beside(guess)
      assert.isDefined(again.pollUnsafe())
      assert.strictEqual((yield* Fiber.join(again))._tag, "OpenSessionError")
      assert.deepStrictEqual([...yield* database.refusedLogins], [["hr", 1]])
    }))

  it.effect("remembers the last 256 refusals, and not more: guesses cost no memory", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        user: undefined,
        max: 1,
        homogeneous: false,
        database: { accounts }
      })
      const guess = (n: number) => Effect.exit(pool.acquire({ user: "hr", password: password(`guess ${n}`) }))
      for (let n = 0; n < 257; n++) yield* guess(n)
      yield* guess(256)
      yield* guess(1)
      assert.deepStrictEqual([...yield* database.refusedLogins], [["hr", 257]])
      yield* guess(0)
      assert.deepStrictEqual([...yield* database.refusedLogins], [["hr", 258]])
    }))

  it.effect("at max an idle session of another identity makes room", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, homogeneous: false, ...scott, getMode: "noWait" })
      const events = yield* watch(pool)
      const take = (user?: string) =>
        pool.use(user === undefined ? {} : { user, password: password("x") }, (c) => Effect.succeed(c.session.user))
      assert.deepStrictEqual(
        [yield* take(), yield* take("hr"), yield* take("app"), yield* take()],
        ["scott", "hr", "app", "scott"]
      )
      assert.strictEqual(yield* database.mostOpen, 1)
      yield* settled
      assert.lengthOf(events.filter((event) => event._tag === "SessionClosed" && event.reason === "replaced"), 3)
    }))

  it.effect("makes room for a request that waits as soon as a session of another identity comes back", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 1, homogeneous: false, ...scott })
      const own = yield* pool.acquire()
      const waiting = yield* beside(pool.acquire(hr))
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(waiting.pollUnsafe())
      yield* pool.release(own)
      assert.strictEqual((yield* Fiber.join(waiting)).session.user, "hr")
      assert.strictEqual(yield* database.mostOpen, 1)
    }))

  it.effect("keeps connection classes apart; those of the pool's class are the same as without", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4, cclass: "BATCH", edition: "v2" })
      const own = yield* pool.acquire()
      assert.deepInclude(own.session, { cclass: "BATCH", edition: "v2" })
      yield* pool.release(own)
      const other = yield* pool.acquire({ cclass: "REPORTS" })
      assert.deepInclude(other.session, { cclass: "REPORTS" })
      yield* pool.release(other)
      assert.strictEqual(yield* served(pool, { cclass: "BATCH" }), own.id)
      assert.strictEqual(yield* served(pool, { cclass: "REPORTS" }), other.id)
    }))

  it.effect("tags are looked for within an identity only", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4, homogeneous: false, ...scott })
      yield* pool.use((connection) => connection.setTag("A=1"))
      const other = yield* pool.acquire({ ...hr, tag: "A=1", matchAnyTag: true })
      assert.deepStrictEqual([other.id, other.tag], [2, undefined])
    }))
})

describe("switching homogeneous while the pool runs", () => {
  it.effect("to true: sessions of other users go, those in use when they come back, and who waits is told", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 3, homogeneous: false, ...scott })
      const own = yield* pool.acquire()
      const busy = yield* pool.acquire(hr)
      yield* served(pool, { user: "app", password: password("secret") })
      yield* pool.acquire(hr)
      const waiting = yield* beside(Effect.flip(pool.acquire(hr)))
      yield* pool.reconfigure({ homogeneous: true })
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "CredentialsNotAllowedError")
      assert.strictEqual((yield* Effect.flip(pool.acquire(hr)))._tag, "CredentialsNotAllowedError")
      assert.isTrue((yield* pool.statistics).homogeneous)
      yield* pool.release(busy)
      yield* pool.release(own)
      yield* settled
      const users = (yield* database.sessions).map(({ user }) => user)
      assert.sameMembers(users, ["scott", "hr"])
      assert.strictEqual(yield* served(pool), own.id)
    }))

  it.effect("to true: idle sessions of other users go at once", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 3, homogeneous: false, ...scott })
      yield* Effect.forEach([{}, hr, { user: "app" }], (request) => pool.acquire(request)).pipe(Effect.scoped)
      assert.lengthOf(yield* database.sessions, 3)
      yield* pool.reconfigure({ homogeneous: true })
      yield* settled
      const left = yield* database.sessions
      assert.deepStrictEqual(left.map(({ proxyUser, user }) => [user, proxyUser]), [["scott", undefined]])
    }))

  it.effect("to false: requests may bring their own user from then on", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2 })
      yield* pool.reconfigure({ homogeneous: false })
      assert.strictEqual((yield* pool.acquire(hr)).session.user, "hr")
    }))

  it.effect("a session that was being opened for another user meanwhile does not stay", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({
        max: 2,
        homogeneous: false,
        ...scott,
        database: { latency: { open: "1 second" } }
      })
      const waiting = yield* beside(Effect.flip(pool.acquire(hr)))
      yield* pool.reconfigure({ homogeneous: true })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "CredentialsNotAllowedError")
      assert.lengthOf(yield* database.sessions, 0)
    }))
})
