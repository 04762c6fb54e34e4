import { assert, describe, it } from "@effect/vitest"
import { PoolOptions } from "@sessionpool/core"
import { ConfigProvider, Duration, Effect, Exit, Redacted, Result, Schema } from "effect"

const read = (input: unknown) => Result.getOrThrow(PoolOptions.fromInput(input))

const messageOf = (input: unknown): string => {
  const refused = PoolOptions.fromInput(input)
  return Result.isFailure(refused) ? refused.failure.message : "taken"
}

const problemOf = (input: unknown): string =>
  messageOf(input).replace(`Session pool "default" cannot use these options: `, "")

const defaults = {
  name: "default",
  min: 0,
  max: 4,
  increment: 1,
  getMode: "wait",
  waitTimeout: 5000,
  queueMax: 500,
  queueTarget: 0,
  queueInterval: 1000,
  timeout: 60_000,
  maxLifetimeSession: 0,
  lifetimeJitter: 0.1,
  pingInterval: 60_000,
  pingTimeout: 5000,
  rotationRetry: 300_000,
  rebalanceInterval: 60_000,
  keepAlive: 0,
  openTimeout: 60_000,
  closeTimeout: 5000,
  drainTimeout: 5000,
  leakDetectionThreshold: 0,
  leakReclaim: false,
  idleLeaseThreshold: 0,
  maxUsesPerSession: 0,
  homogeneous: true,
  maxSessionsPerShard: 0,
  maxSessionsPerIdentity: 0,
  maxSessionsPerUser: 0,
  maxSessionsPerClass: 0,
  stmtCacheSize: 30,
  waitForMin: false
}

const plain = (settings: PoolOptions.Settings) =>
  Object.fromEntries(
    Object.entries(settings).map((
      [name, value]
    ) => [name, Duration.isDuration(value) ? Duration.toMillis(value) : value])
  )

describe("options of a program", () => {
  it("have their defaults, and undefined is the default", () => {
    assert.deepStrictEqual(plain(read({})), defaults)
    assert.deepStrictEqual(plain(read({ max: undefined, timeout: undefined, user: undefined })), defaults)
  })

  it("are what was given", () => {
    const given = {
      name: "hr",
      dsn: "localhost/FREEPDB1",
      tnsentry: "HR",
      cclass: "BATCH",
      edition: "v2",
      user: "scott",
      min: 2,
      max: 16,
      increment: 4,
      getMode: "forceGet",
      queueMax: -1,
      lifetimeJitter: 0,
      homogeneous: false,
      waitForMin: true
    }
    assert.deepStrictEqual(plain(read(given)), { ...defaults, ...given })
  })

  const durations: ReadonlyArray<readonly [input: unknown, millis: number]> = [
    [1500, 1500],
    ["1500", 1500],
    ["2 seconds", 2000],
    [Duration.minutes(3), 180_000],
    [0, 0],
    ["infinity", Infinity],
    ["Infinity", Infinity],
    [Duration.infinity, Infinity],
    [[1, 500_000_000], 1500]
  ]
  for (const [input, millis] of durations) {
    it(`a duration may be ${String(input)}`, () => {
      assert.strictEqual(Duration.toMillis(read({ timeout: input }).timeout), millis)
    })
  }

  const refused: ReadonlyArray<readonly [input: unknown, problem: string]> = [
    [{ max: 0 }, "max must be an integer from 1 to 100000, not 0."],
    [{ max: 1.5 }, "max must be an integer from 1 to 100000, not 1.5."],
    [{ max: Number.NaN }, "max must be an integer from 1 to 100000, not NaN."],
    [{ max: "many" }, `max must be an integer from 1 to 100000, not "many".`],
    [{ max: null }, "max must be an integer from 1 to 100000, not null."],
    [{ min: -1 }, "min must be an integer from 0 to 100000, not -1."],
    [{ min: 5, max: 2 }, "min must be at most max (2), not 5."],
    [{ min: 5 }, "min must be at most max (4), not 5."],
    [{ increment: 0 }, "increment must be an integer from 1 to 100000, not 0."],
    [{ queueMax: -2 }, "queueMax must be an integer from -1 to 1000000000, not -2."],
    [{ lifetimeJitter: 1.1 }, "lifetimeJitter must be a number from 0 to 1, not 1.1."],
    [{ maxSessionsPerShard: -1 }, "maxSessionsPerShard must be an integer from 0 to 100000, not -1."],
    [{ maxUsesPerSession: -1 }, "maxUsesPerSession must be an integer from 0 to 1000000000, not -1."],
    [{ leakReclaim: "maybe" }, `leakReclaim must be true or false, not "maybe".`],
    [{ stmtCacheSize: -1 }, "stmtCacheSize must be an integer from 0 to 100000, not -1."],
    [{ homogeneous: "perhaps" }, `homogeneous must be true or false, not "perhaps".`],
    [
      { getMode: "never" },
      `getMode must be "wait" or "noWait" or "forceGet" or "timedWait", not "never".`
    ],
    [{ name: "" }, `name must be a non-empty string without control characters, not "".`],
    [{ password: Redacted.make("x") }, "user is required with a password."],
    [{ user: "scott", password: 7 }, "password must be a Redacted or a non-empty string."],
    [{ maximum: 4 }, "maximum is not a setting of a session pool."],
    ["max=4", `options must be an object, not "max=4".`]
  ]
  for (const [input, problem] of refused) {
    it(`refuses ${JSON.stringify(input)}`, () => assert.strictEqual(problemOf(input), problem))
  }

  it("are what the schema decodes, and what it refuses is refused", () => {
    const decode = Schema.decodeUnknownResult(PoolOptions.Settings)
    const good: ReadonlyArray<unknown> = [
      {},
      { name: " hr ", min: "2", max: 16, homogeneous: "FALSE", getMode: "NOWAIT", lifetimeJitter: "0.5" },
      { user: " scott ", password: "tiger", dsn: "scott/tiger@db", cclass: "BATCH", edition: "v2", tnsentry: "HR" },
      ...durations.map(([timeout]) => ({ timeout, waitTimeout: timeout }))
    ]
    for (const input of good) assert.deepStrictEqual(read(input), Result.getOrThrow(decode(input)))
    for (const [input] of refused) {
      assert.isTrue(Result.isFailure(decode(input, { onExcessProperty: "error" })), JSON.stringify(input))
    }
  })

  it("are refused also where every object has a field of that name", () => {
    for (const name of ["constructor", "toString", "hasOwnProperty"]) {
      assert.strictEqual(problemOf({ [name]: 1 }), `${name} is not a setting of a session pool.`)
    }
  })

  const isDuration = [
    "waitTimeout",
    "queueTarget",
    "queueInterval",
    "timeout",
    "maxLifetimeSession",
    "pingInterval",
    "pingTimeout",
    "keepAlive",
    "openTimeout",
    "closeTimeout",
    "drainTimeout",
    "leakDetectionThreshold",
    "idleLeaseThreshold"
  ]
  for (const name of isDuration) {
    it(`refuses a ${name} that is negative or none`, () => {
      for (const [value, text] of [[-1, "-1"], ["-5 seconds", `"-5 seconds"`], ["soon", `"soon"`]]) {
        assert.strictEqual(
          problemOf({ [name!]: value }),
          `${name} must be a duration of 0 or more, such as "30 seconds", 30000 (milliseconds) or "infinity", not ${text}.`
        )
      }
    })
  }

  it("names everything that is wrong at once, and the pool", () => {
    assert.strictEqual(
      messageOf({ name: "hr", max: 0, increment: 0, maximum: 4 }),
      `Session pool "hr" cannot use these options: maximum is not a setting of a session pool; ` +
        `max must be an integer from 1 to 100000, not 0; increment must be an integer from 1 to 100000, not 0.`
    )
  })
})

describe("options from JSON", () => {
  it("are read by the schema, passwords in the clear too, which do not stay so", () => {
    const json = JSON.parse(`{ "name": "hr", "user": "scott", "password": "tiger", "max": 8, "timeout": "5 minutes" }`)
    const settings = Schema.decodeUnknownSync(PoolOptions.Settings)(json)
    assert.strictEqual(settings.max, 8)
    assert.strictEqual(Redacted.value(settings.password!), "tiger")
    assert.notInclude(JSON.stringify(settings), "tiger")
    assert.deepStrictEqual(read(json), settings)
  })
})

describe("options from an environment", () => {
  const from = (variables: Record<string, string>, prefix?: string) =>
    Effect.exit(PoolOptions.config(prefix).parse(ConfigProvider.fromUnknown(variables)))

  it.effect("have a variable for each setting, and its default without", () =>
    Effect.gen(function*() {
      const settings = yield* yield* from({
        SESSION_POOL_USER: "scott",
        SESSION_POOL_PASSWORD: "tiger",
        SESSION_POOL_MAX: "16",
        SESSION_POOL_MAX_LIFETIME_SESSION: "1 hour",
        SESSION_POOL_GET_MODE: "noWait",
        SESSION_POOL_HOMOGENEOUS: "FALSE",
        SESSION_POOL_LIFETIME_JITTER: "0.25",
        SESSION_POOL_WAIT_TIMEOUT: "250",
        SESSION_POOL_PING_INTERVAL: "infinity"
      })
      assert.strictEqual(Redacted.value(settings.password!), "tiger")
      const { password: _, ...others } = plain(settings)
      assert.deepStrictEqual(others, {
        ...defaults,
        user: "scott",
        max: 16,
        maxLifetimeSession: 3_600_000,
        getMode: "noWait",
        homogeneous: false,
        lifetimeJitter: 0.25,
        waitTimeout: 250,
        pingInterval: Infinity
      })
    }))

  it.effect("take any prefix", () =>
    Effect.gen(function*() {
      const settings = yield* yield* from({ HR_MIN: "2", HR_NAME: "hr", SESSION_POOL_MIN: "3" }, "HR")
      assert.deepInclude(settings, { min: 2, name: "hr" })
    }))

  it.effect("are refused in the same words", () =>
    Effect.gen(function*() {
      const exit = yield* from({ HR_MAX: "0", HR_TIMEOUT: "soon" }, "HR")
      assert.isTrue(Exit.isFailure(exit))
      const { message } = yield* Effect.flip(exit)
      assert.include(message, `HR_MAX must be an integer from 1 to 100000, not "0"`)
      assert.include(message, `HR_TIMEOUT must be a duration of 0 or more`)
    }))
})
