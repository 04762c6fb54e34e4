/** What the pool tells people of who would otherwise look for it for long. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, References } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled, watch } from "./openPool.ts"

interface Line {
  readonly level: string
  readonly message: string
  readonly annotations: Readonly<Record<string, unknown>>
}

/** What is logged while `effect` runs, at every level. */
const logged = <A, E, R>(effect: (lines: ReadonlyArray<Line>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const lines: Array<Line> = []
    const logger = Logger.make((options) => {
      const { annotations, level, message } = Logger.formatStructured.log(options)
      lines.push({ level, message: String(message), annotations })
    })
    return Effect.provide(effect(lines), Logger.layer([logger])).pipe(
      Effect.provideService(References.MinimumLogLevel, "All")
    )
  })

describe("a tag in a pool without onSession", () => {
  it.effect("is told of at each lease that was not prepared for it, and logged once (A8)", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { pool } = yield* openPool({ max: 1, name: "hr" })
        const events = yield* watch(pool)
        const unprepared = () =>
          events.flatMap((event) => event._tag === "SessionUnprepared" ? [[event.requestedTag, event.tag]] : [])
        yield* pool.use({ tag: "TZ=UTC" }, (connection) => connection.setTag("TZ=UTC"))
        yield* settled
        assert.deepStrictEqual(unprepared(), [["TZ=UTC", undefined]])
        // In the state asked for, and without a tag, there is nothing to prepare.
        yield* served(pool, { tag: "TZ=UTC" })
        yield* pool.use({ tag: "TZ=UTC" }, (connection) => connection.setTag(undefined))
        yield* served(pool)
        yield* settled
        assert.lengthOf(unprepared(), 1)
        yield* served(pool, { tag: "TZ=MST;LANG=FRENCH" })
        yield* settled
        assert.deepStrictEqual(unprepared()[1], ["TZ=MST;LANG=FRENCH", undefined])
        const told = lines.filter(({ message }) => message.includes("without being prepared"))
        assert.lengthOf(told, 1)
        assert.deepInclude(told[0], {
          level: "DEBUG",
          message:
            `A session was lent for the tag "TZ=UTC" without being prepared for it: the pool has no onSession. This ` +
            `is logged once.`
        })
        assert.deepInclude(told[0]!.annotations, { "sessionpool.pool": "hr", "sessionpool.session": 1 })
      })
    ))

  it.effect("is not told of where there is one (A8)", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, onSession: () => Effect.void })
      const events = yield* watch(pool)
      yield* served(pool, { tag: "TZ=UTC" })
      yield* settled
      assert.lengthOf(events.filter(({ _tag }) => _tag === "SessionUnprepared"), 0)
    }))
})

describe("work that a lease leaves uncommitted", () => {
  it.effect("is rolled back with an event and a line at level debug (A9)", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { pool } = yield* openPool({ max: 1, name: "hr" })
        const events = yield* watch(pool)
        const lost = () =>
          events.flatMap((event) => event._tag === "WorkRolledBack" ? [[event.session, event.heldMillis]] : [])
        yield* beside(pool.use((connection) => Effect.andThen(connection.begin, Effect.sleep("2 seconds"))))
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(lost(), [[1, 2000]])
        yield* pool.use((connection) => Effect.andThen(connection.begin, connection.commit))
        yield* served(pool)
        yield* settled
        assert.lengthOf(lost(), 1)
        const told = lines.filter(({ message }) => message.startsWith("Uncommitted work was rolled back"))
        assert.deepStrictEqual(told.map(({ annotations, level }) => [level, annotations["sessionpool.session"]]), [[
          "DEBUG",
          1
        ]])
      })
    ))

  it.effect("is told of when the session is dropped, and after a lease that was interrupted (A9)", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, database: { latency: { execute: "1 minute" } } })
      const events = yield* watch(pool)
      const dropped = yield* pool.acquire()
      yield* dropped.begin
      yield* pool.drop(dropped)
      const fiber = yield* beside(
        pool.use((connection) => Effect.andThen(connection.begin, connection.execute("slow")))
      )
      fiber.interruptUnsafe()
      yield* settled
      assert.deepStrictEqual(
        events.flatMap((event) => event._tag === "WorkRolledBack" ? [event.session] : []),
        [1, 2]
      )
    }))
})

describe("a fiber that waits for a session while it holds one", () => {
  it.effect("is warned of after a while, once, with leak detection off (A13)", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { pool } = yield* openPool({ max: 1, name: "hr" })
        const events = yield* watch(pool)
        yield* beside(pool.use(() => pool.use(() => Effect.void)))
        const told = () => lines.filter(({ message }) => message.includes("nested acquire"))
        yield* TestClock.adjust("9 seconds")
        assert.lengthOf(told(), 0)
        yield* TestClock.adjust("1 hour")
        assert.lengthOf(told(), 1)
        assert.strictEqual(told()[0]!.level, "WARN")
        assert.match(
          told()[0]!.message,
          /^Fiber #\d+ has waited 10s for a session and itself holds session 1 of this pool \(nested acquire\):/
        )
        assert.deepInclude(told()[0]!.annotations, { "sessionpool.pool": "hr", "sessionpool.session": 1 })
        assert.deepStrictEqual(
          events.flatMap((event) =>
            event._tag === "NestedAcquireSuspected" ? [[event.session, event.waitedMillis]] : []
          ),
          [[1, 10_000]]
        )
      })
    ))

  it.effect("is told from fibers that wait for others, and from a wait that its timeout ends (A13)", () =>
    logged((lines) =>
      Effect.gen(function*() {
        const { pool } = yield* openPool({ max: 1 })
        yield* beside(pool.use(() => Effect.sleep("1 minute")))
        yield* beside(pool.use(() => Effect.exit(pool.acquire({ waitTimeout: "5 seconds" }))))
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(lines.filter(({ level }) => level === "WARN"), [])
        assert.deepInclude(yield* pool.statistics, { busy: 0, pending: 0 })
        // The pool looks again once somebody waits again.
        yield* beside(pool.use(() => pool.use(() => Effect.void)))
        yield* TestClock.adjust("1 minute")
        assert.lengthOf(lines.filter(({ level }) => level === "WARN"), 1)
      })
    ))
})
