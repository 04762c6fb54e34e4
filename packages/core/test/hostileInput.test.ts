import { assert, describe, it } from "@effect/vitest"
import { PoolOptions, SessionPool, type SessionRequest } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { ConfigProvider, Duration, Effect, Fiber, Redacted, Result } from "effect"
import { inspect } from "node:util"
import { openPool } from "./openPool.ts"

const unchecked = <T>(value: unknown): T => value as T

const problemOf = (input: unknown): string => {
  const refused = PoolOptions.fromInput(input)
  return Result.isFailure(refused) ? refused.failure.message : "taken"
}

describe("durations", () => {
  const refused: ReadonlyArray<readonly [name: string, input: unknown]> = [
    ["an empty object", {}],
    ["an object with a misspelt unit", { minute: 5 }],
    ["an object with a unit too many", { minutes: 5, minute: 5 }],
    ["an object with NaN", { seconds: NaN }],
    ["an object with text", { seconds: "5" }],
    ["a pair with NaN", [NaN, 0]],
    ["an empty list", []],
    ["a Date", new Date(5000)],
    ["a Redacted", Redacted.make("5 seconds")],
    ["a Map", new Map([["seconds", 5]])],
    ["true", true],
    ["null", null],
    ["a function", () => 5]
  ]
  for (const [name, input] of refused) {
    it(`refuse ${name}, naming the field (A24)`, () => {
      assert.include(problemOf({ timeout: input }), "timeout must be a duration of 0 or more")
    })
    it.effect(`refuse ${name} in a request and when closing (A24)`, () =>
      Effect.gen(function*() {
        const { pool } = yield* openPool()
        const asked = yield* Effect.flip(pool.acquire({ waitTimeout: unchecked(input) }))
        assert.include(asked.message, "waitTimeout must be a duration of 0 or more")
        const closed = yield* Effect.flip(pool.close({ drainTimeout: unchecked(input) }))
        assert.include(closed.message, "drainTimeout must be a duration of 0 or more")
      }))
  }

  const taken: ReadonlyArray<readonly [input: unknown, millis: number]> = [
    [{ minutes: 1, seconds: 30 }, 90_000],
    [{ seconds: 2, minutes: undefined }, 2000],
    [{ milliseconds: Infinity }, Infinity],
    [[1, 500_000_000], 1500],
    [1_500_000n, 1.5]
  ]
  for (const [input, millis] of taken) {
    it(`may be ${typeof input === "bigint" ? "a bigint" : JSON.stringify(input)}`, () => {
      const settings = Result.getOrThrow(PoolOptions.fromInput({ timeout: input }))
      assert.strictEqual(Duration.toMillis(settings.timeout), millis)
    })
  }
})

describe("requests", () => {
  const refused: ReadonlyArray<readonly [request: object, field: string]> = [
    [{ user: 5 }, "user"],
    [{ user: null }, "user"],
    [{ user: "scott\n" }, "user"],
    [{ user: "hr", password: "people" }, "password"],
    [{ user: "hr", password: 5 }, "password"],
    [{ user: "hr", password: Redacted.make(5) }, "password"],
    [{ user: "hr", password: null }, "password"],
    [{ cclass: 5 }, "cclass"],
    [{ cclass: "" }, "cclass"],
    [{ cclass: "A\u0000" }, "cclass"],
    [{ cclass: "A)(SERVER=DEDICATED" }, "cclass"],
    [{ purity: "fresh" }, "purity"],
    [{ matchAnyTag: "yes" }, "matchAnyTag"],
    [{ tag: "A=1", matchAnyTag: 1 }, "matchAnyTag"],
    [{ shardingKey: {} }, "shardingKey"],
    [{ shardingKey: [] }, "shardingKey"],
    [{ shardingKey: [null] }, "shardingKey"],
    [{ shardingKey: NaN }, "shardingKey"],
    [{ shardingKey: new Date(NaN) }, "shardingKey"],
    [{ superShardingKey: true }, "superShardingKey"],
    [{ waitTimeout: "soon" }, "waitTimeout"],
    [{ tagg: "A=1" }, "tagg"],
    [{ tag: "A=1", timeout: 5 }, "timeout"],
    [[], "request"]
  ]
  for (const [request, field] of refused) {
    it.effect(`refuse ${Redacted.isRedacted(request) ? "" : String(JSON.stringify(request))}, naming ${field} (A26)`, () =>
      Effect.gen(function*() {
        const { database, pool } = yield* openPool({
          homogeneous: false,
          user: "scott",
          password: Redacted.make("tiger")
        })
        const error = yield* Effect.flip(pool.acquire(request as SessionRequest.SessionRequest))
        assert.strictEqual(error._tag, "InvalidOptionsError")
        assert.isTrue(error._tag === "InvalidOptionsError" && error.problems.some((problem) => problem.field === field))
        assert.strictEqual(yield* database.count("openRequested"), 0)
        assert.deepInclude(yield* pool.statistics, { busy: 0, pending: 0 })
      }))
  }

  it.effect("name all that is wrong at once, and no value that may be secret (A26)", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ homogeneous: false })
      const request: object = { user: "hr/people", password: "people", cclass: 7, other: 1 }
      const error = yield* Effect.flip(pool.acquire(request as SessionRequest.SessionRequest))
      assert.strictEqual(
        error.message,
        `Session pool "default" cannot use these options: user must be a user name without control characters; a password ` +
          `goes in "password", not after a "/"; password must be a Redacted string; cclass must be a non-empty string ` +
          `without control characters, parentheses, quotes and equals signs, not 7; other is not a part of a request, ` +
          `which may have user, password, cclass, purity, tag, matchAnyTag, shardingKey, superShardingKey, waitTimeout, context.`
      )
    }))

  for (const request of [null, 5, "A=1"]) {
    it.effect(`refuse ${String(request)} (A26)`, () =>
      Effect.gen(function*() {
        const { pool } = yield* openPool()
        const error = yield* Effect.flip(pool.acquire(unchecked(request)))
        assert.include(error.message, "request must be an object, not")
      }))
  }

  for (const tag of [5, null, {}, Symbol("A=1"), Redacted.make("A=1")]) {
    it.effect(`refuse the tag ${String(tag)} when asked for, set and kept (A26)`, () =>
      Effect.gen(function*() {
        const { pool } = yield* openPool()
        const asked = yield* Effect.flip(pool.acquire({ tag: unchecked(tag) }))
        assert.strictEqual(asked._tag, "InvalidTagError")
        const connection = yield* pool.acquire()
        for (
          const effect of [
            connection.setTag(unchecked(tag)),
            pool.release(connection, { tag: unchecked(tag) })
          ]
        ) {
          const error = yield* Effect.flip(effect)
          assert.include(error.message, "a tag must be a string")
        }
        assert.isFalse(connection.isReleased)
        assert.isUndefined(connection.tag)
      }))
  }

  it.effect("have their class and user without the blanks around them", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, cclass: " BATCH " })
      const id = yield* pool.use({ cclass: "BATCH " }, ({ id }) => Effect.succeed(id))
      assert.strictEqual(yield* pool.use(({ id, session }) => Effect.succeed(session.cclass === "BATCH" ? id : 0)), id)
    }))
})

describe("reconfigure", () => {
  for (const changes of [null, undefined, 5, "max=5"]) {
    it.effect(`refuses ${String(changes)} (A26)`, () =>
      Effect.gen(function*() {
        const { pool } = yield* openPool()
        const error = yield* Effect.flip(pool.reconfigure(unchecked(changes)))
        assert.include(error.message, "changes must be an object with the settings to change, not")
      }))
  }

  it.effect("fails on a pool that is closed or closing, and changes nothing (A27)", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2 })
      const connection = yield* pool.acquire()
      yield* Effect.forkScoped(pool.close({ drainTimeout: "1 minute" }))
      yield* Effect.yieldNow
      assert.strictEqual((yield* Effect.flip(pool.reconfigure({ max: 8 })))._tag, "PoolClosedError")
      yield* pool.release(connection)
      yield* pool.close()
      assert.strictEqual((yield* Effect.flip(pool.reconfigure({ max: 8 })))._tag, "PoolClosedError")
      assert.strictEqual((yield* pool.settings).max, 2)
    }))
})

describe("settings", () => {
  const refused: ReadonlyArray<readonly [input: object, field: string]> = [
    [{ name: "a\nb" }, "name"],
    [{ cclass: "a)(b" }, "cclass"],
    [{ cclass: "a\u0000" }, "cclass"],
    [{ edition: "a\r" }, "edition"],
    [{ dsn: "host\u0007" }, "dsn"],
    [{ user: "scott\n" }, "user"],
    [{ user: "scott/tiger" }, "user"],
    [{ user: 5 }, "user"]
  ]
  for (const [input, field] of refused) {
    it(`refuse ${JSON.stringify(input)} when the pool is made, in one line (S6)`, () => {
      const message = problemOf(input)
      assert.include(message, `: ${field} must be`)
      // oxlint-disable-next-line no-control-regex
      assert.notMatch(message, /[\u0000-\u001f]/)
      assert.notInclude(message, "tiger")
    })
  }

  it("may hold a slash in a quoted user name", () => {
    const settings = Result.getOrThrow(PoolOptions.fromInput({ user: `"a/b"` }))
    assert.strictEqual(settings.user, `"a/b"`)
  })

  const addresses: ReadonlyArray<readonly [dsn: string, shown: string]> = [
    ["db.example.com:1521/FREEPDB1", "db.example.com:1521/FREEPDB1"],
    ["scott/PW@host/x", "scott/***@host/x"],
    ["scott:PW@host/x", "scott:***@host/x"],
    ["scott/P@W/x @host", "scott/***@host"],
    ["postgres://scott:PW@host/x", "postgres://scott:***@host/x"],
    ["scott/***@host", "scott/***@host"],
    ["(DESCRIPTION=(ADDRESS=(HOST=a/b@c)))", "(DESCRIPTION=(ADDRESS=(HOST=a/b@c)))"]
  ]
  for (const [dsn, shown] of addresses) {
    it.effect(`show the address ${dsn} without a password (S4)`, () =>
      Effect.gen(function*() {
        const { pool } = yield* openPool({ dsn })
        assert.strictEqual((yield* pool.settings).dsn, shown)
        assert.strictEqual((yield* pool.statistics).dsn, shown)
      }))
  }

  it.effect("of an environment have no blanks around them, but for the password (A31)", () =>
    Effect.gen(function*() {
      const environment = ConfigProvider.fromUnknown({
        HR_USER: " scott\n",
        HR_PASSWORD: " tiger ",
        HR_GET_MODE: "TIMEDWAIT ",
        HR_MAX: " 8 ",
        HR_HOMOGENEOUS: " false\n",
        HR_DSN: "\thost/x "
      })
      const settings = yield* PoolOptions.config("HR").parse(environment)
      assert.deepInclude(settings, { user: "scott", getMode: "timedWait", max: 8, homogeneous: false, dsn: "host/x" })
      assert.strictEqual(Redacted.value(settings.password!), " tiger ")
    }))
})

describe("an effect of a connection that was made earlier", () => {
  it.effect("release and drop look at the lease when they run (H13)", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const connection = yield* pool.acquire()
      const [release, drop] = [pool.release(connection), pool.drop(connection)]
      yield* release
      const error = yield* Effect.flip(drop)
      assert.strictEqual(error._tag, "ConnectionReleasedError")
      const again = yield* pool.acquire()
      const [first, second] = [pool.drop(again), pool.release(again)]
      yield* first
      assert.strictEqual((yield* Effect.flip(second))._tag, "ConnectionReleasedError")
    }))
})

describe("times longer than a timer of the system can be", () => {
  it.live("do not end at once (A23)", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make()
      const long = "30 days"
      const pool = yield* SessionPool.make({
        driver: database.driver,
        user: "scott",
        max: 1,
        min: 1,
        getMode: "timedWait",
        waitTimeout: long,
        timeout: long,
        maxLifetimeSession: long,
        keepAlive: long,
        pingTimeout: long,
        openTimeout: long,
        closeTimeout: long,
        leakDetectionThreshold: long
      })
      const held = yield* pool.acquire()
      const waiting = yield* Effect.forkScoped(pool.acquire({ waitTimeout: "40 days" }))
      const own = yield* Effect.forkScoped(pool.acquire())
      // A timer that overflows fires within a millisecond.
      yield* Effect.sleep("20 millis")
      assert.isUndefined(waiting.pollUnsafe())
      assert.isUndefined(own.pollUnsafe())
      assert.deepInclude(yield* pool.statistics, { busy: 1, pending: 2 })
      assert.strictEqual((yield* pool.statistics).totals.leaks, 0)
      yield* pool.release(held)
      const first = yield* Fiber.join(waiting)
      yield* pool.release(first)
      assert.strictEqual((yield* Fiber.join(own)).id, held.id)
      assert.strictEqual(yield* database.count("pinged"), 0)
    }))
})

describe("a credentials effect", () => {
  const secret = "correct-horse-battery"
  const failing: ReadonlyArray<readonly [name: string, effect: Effect.Effect<never, unknown>]> = [
    ["fails with an object", Effect.fail({ user: "scott", password: secret })],
    ["dies with an object", Effect.die({ _tag: "Vault", password: secret })],
    ["dies with an array", Effect.die([secret])],
    ["provides text for a password", Effect.succeed({ user: "scott", password: secret }) as never],
    ["provides a user with a password", Effect.succeed({ user: `scott/${secret}` }) as never],
    ["provides a user of another type", Effect.succeed({ user: [secret] }) as never],
    ["provides text", Effect.succeed(secret) as never]
  ]
  for (const [name, credentials] of failing) {
    it.effect(`that ${name} shows nothing of it (S4, A26)`, () =>
      Effect.gen(function*() {
        const { database, pool } = yield* openPool({ credentials })
        const error = yield* Effect.flip(pool.acquire())
        assert.strictEqual(error._tag, "OpenSessionError")
        assert.include(error.message, "the credentials effect")
        assert.notInclude(inspect(error, { depth: 9, showHidden: true }), secret)
        assert.strictEqual(yield* database.count("openRequested"), 0)
      }))
  }

  it.effect("that fails with an error or a text says why", () =>
    Effect.gen(function*() {
      for (const failure of [new Error("the vault is sealed"), "the vault is sealed"]) {
        const { pool } = yield* openPool({ credentials: Effect.fail(failure) })
        assert.include((yield* Effect.flip(pool.acquire())).message, "the vault is sealed")
      }
    }))
})
