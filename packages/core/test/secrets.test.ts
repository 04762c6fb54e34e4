import { assert, describe, it } from "@effect/vitest"
import { PoolOptions } from "@sessionpool/core"
import { Cause, ConfigProvider, Effect, Exit, Logger, Redacted, References, Result } from "effect"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { beside, openPool, served, watch } from "./openPool.ts"

const secret = "correct-horse-battery"

/** Everything that a person, a log or a debugger could make of a value. */
const everyView = (value: unknown): string =>
  [
    inspect(value, { depth: 12, showHidden: true }),
    inspect(value, { depth: 12, getters: true }),
    (() => {
      try {
        return JSON.stringify(value)
      } catch {
        return ""
      }
    })(),
    value instanceof Error ? `${value.message}${value.stack}${String(value.cause)}` : "",
    Exit.isExit(value) && Exit.isFailure(value) ? Cause.pretty(value.cause) : ""
  ].join("\n")

describe("passwords", () => {
  it.effect("are in no failure, event, statistic, setting or log, nor in the pool itself", () =>
    Effect.gen(function*() {
      const lines: Array<unknown> = []
      const logger = Logger.make((options) => {
        lines.push(Logger.formatJson.log(options), options.message)
      })
      const views = yield* Effect.provide(
        Effect.gen(function*() {
          const { database, pool } = yield* openPool({
            max: 1,
            homogeneous: false,
            user: "scott",
            password: Redacted.make(secret),
            leakDetectionThreshold: "1 second",
            database: { accounts: { scott: secret, hr: secret } }
          })
          const events = yield* watch(pool)
          const hr = { user: "hr", password: Redacted.make(secret) }
          const connection = yield* pool.acquire()
          const exits = [
            yield* beside(Effect.exit(pool.acquire({ ...hr, waitTimeout: "2 seconds" }))),
            yield* beside(Effect.exit(pool.acquire({ user: "hr[", password: hr.password }))),
            yield* beside(Effect.exit(pool.acquire({ password: hr.password }))),
            yield* beside(Effect.exit(pool.acquire({ ...hr, tag: "broken" })))
          ]
          yield* TestClock.adjust("1 minute")
          const held = everyView([pool, connection, connection.lease])
          yield* pool.release(connection)
          yield* database.setPassword("scott", "changed")
          yield* database.setPassword("hr", "changed")
          yield* served(pool)
          const refused = [
            yield* Effect.exit(pool.acquire({ user: "hr", password: Redacted.make(secret) })),
            yield* Effect.exit(pool.acquire({ user: "hr[scott]", password: Redacted.make(secret) })),
            yield* Effect.exit(pool.reconfigure({ password: Redacted.make(secret), max: -1 }))
          ]
          return [
            held,
            ...exits.map((fiber) => everyView(fiber.pollUnsafe())),
            ...refused.map(everyView),
            ...events.map(everyView),
            everyView(yield* pool.settings),
            everyView(yield* pool.statistics)
          ]
        }),
        Logger.layer([logger])
      ).pipe(Effect.provideService(References.MinimumLogLevel, "All"))
      assert.isAtLeast(views.length, 15)
      for (const view of [...views, ...lines.map(everyView)]) assert.notInclude(view, secret)
    }))

  it("are not in the messages of options that cannot be used, whatever they are given as", () => {
    const inputs = [
      { password: secret },
      { password: Redacted.make(secret) },
      { user: "scott", password: Redacted.make(secret), max: 0 },
      { user: "scott", password: [secret] },
      { user: "scott", password: { secret } },
      { user: "scott", password: secret, max: 0, min: 5 }
    ]
    for (const input of inputs) {
      const refused = PoolOptions.fromInput(input)
      assert.isTrue(Result.isFailure(refused))
      if (Result.isFailure(refused)) assert.notInclude(everyView(refused.failure), secret)
    }
  })

  it.effect("are not in the messages of an environment that cannot be used", () =>
    Effect.gen(function*() {
      const environment = ConfigProvider.fromUnknown({ HR_PASSWORD: secret, HR_USER: "scott", HR_MAX: "0" })
      const exit = yield* Effect.exit(PoolOptions.config("HR").parse(environment))
      assert.isTrue(Exit.isFailure(exit))
      assert.notInclude(everyView(exit), secret)
    }))
})
