/** What the log says about openings that fail: one warning for each trouble, one line when it is over. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Redacted, References } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, settled } from "./openPool.ts"

/** The warnings and the other lines of the pool that `test` runs. */
const logged = <A, E, R>(test: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    const [text] = Array.isArray(message) ? message : [message]
    lines.push(`${logLevel}: ${String(text)}`)
  })
  return test(lines).pipe(
    Effect.provide(Logger.layer([logger])),
    Effect.provideService(References.MinimumLogLevel, "Debug")
  )
}

const warnings = (lines: ReadonlyArray<string>) => lines.filter((line) => line.startsWith("Warn"))

describe("the log", () => {
  it.effect("has one warning for sessions that nobody asks for and that cannot be opened, and one line when it is over (A2)", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { database, pool } = yield* openPool({ min: 2, max: 4, database: { latency: { open: 10 } } })
        yield* TestClock.adjust(20)
        assert.strictEqual((yield* pool.statistics).opened, 2)
        yield* database.refuseToOpen()
        yield* database.killAll
        yield* Effect.exit(pool.use((connection) => connection.execute("x")))
        yield* beside(Effect.exit(pool.use((connection) => connection.execute("x"))))
        yield* TestClock.adjust("90 seconds")
        assert.deepStrictEqual(warnings(lines), ["Warn: A session could not be opened"])
        yield* database.heal
        yield* TestClock.adjust("2 seconds")
        const infos = lines.filter((line) => line.startsWith("Info"))
        assert.lengthOf(infos, 1)
        assert.match(infos[0]!, /^Info: Sessions can be opened again, after 1m 3\ds$/)
      })
    ))

  it.effect("has one for a dead database from the start, whatever min is and however many ask at once (A2)", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { database, pool } = yield* openPool({
          max: 4,
          password: Redacted.make("tiger"),
          database: { latency: { open: 10 } }
        })
        yield* database.refuseToOpen()
        yield* pool.reconfigure({ min: 2 })
        yield* TestClock.adjust(10)
        yield* Effect.forEach([1, 2], () => Effect.forkScoped(Effect.exit(pool.acquire())))
        yield* TestClock.adjust("10 seconds")
        assert.lengthOf(warnings(lines), 1)
      })
    ))

  it.effect("has one for a wrong password of the pool's, also when two ask first (A2)", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { pool } = yield* openPool({
          max: 4,
          password: Redacted.make("lion"),
          database: { accounts: { scott: "tiger" }, latency: { open: 10 } }
        })
        yield* Effect.forEach([1, 2], () => Effect.forkScoped(Effect.exit(pool.acquire())))
        yield* TestClock.adjust("1 minute")
        assert.lengthOf(warnings(lines), 1)
      })
    ))

  it.effect("has one for all requests with wrong passwords of a user (A3)", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { pool } = yield* openPool({ max: 4, homogeneous: false, database: { accounts: { ann: "secret" } } })
        for (let i = 0; i < 50; i++) {
          yield* Effect.flip(pool.acquire({ user: "ann", password: Redacted.make(`guess ${i}`) }))
          yield* Effect.flip(pool.acquire({ user: "ann", password: Redacted.make("the same") }))
        }
        yield* settled
        assert.lengthOf(warnings(lines), 1)
        yield* Effect.flip(pool.acquire({ user: "bob", password: Redacted.make("guess") }))
        yield* settled
        assert.lengthOf(warnings(lines), 2)
      })
    ))

  it.effect("has another warning when credentials are refused after an outage", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { database, pool } = yield* openPool({
          max: 4,
          password: Redacted.make("lion"),
          database: { accounts: { scott: "tiger" } }
        })
        yield* database.refuseToOpen(3)
        yield* Effect.exit(pool.acquire())
        assert.lengthOf(warnings(lines), 1)
        yield* Effect.forkScoped(Effect.exit(pool.acquire()))
        yield* TestClock.adjust("1 minute")
        yield* Effect.forkScoped(Effect.exit(pool.acquire()))
        yield* TestClock.adjust("1 minute")
        yield* Effect.exit(pool.acquire())
        yield* settled
        assert.lengthOf(warnings(lines), 2)
      })
    ))
})
