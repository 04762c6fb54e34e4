/** The service tested without a database: `TestDatabase.layer` is its pool, and its `Database` hurts it. */
import { assert, describe, it } from "@effect/vitest"
import { TestDatabase } from "@sessionpool/testing"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Bookings, BookingsPool, bookingsTag } from "./Bookings.ts"

/** A flight with two seats. What statements answer is all that the test database has to know. */
const database = () => {
  let free = 2
  return TestDatabase.layer({
    max: 2,
    onSession: (connection, { requestedTag }) => Effect.orDie(connection.setTag(requestedTag)),
    database: {
      answer: ({ text }) =>
        Effect.sync(() => {
          if (text.startsWith("update seats")) free--
          return free
        })
    }
  })
}

const testLayer = () =>
  Bookings.layer.pipe(
    Layer.provide(Layer.effect(BookingsPool, TestDatabase.Pool)),
    Layer.provideMerge(database())
  )

describe("Bookings", () => {
  it.effect("books until the flight is full", () =>
    Effect.gen(function*() {
      const bookings = yield* Bookings
      assert.strictEqual(yield* bookings.book("OS 87", "Ada"), 1)
      assert.strictEqual(yield* bookings.book("OS 87", "Grace"), 0)
      const full = yield* Effect.flip(bookings.book("OS 87", "Edsger"))
      assert.strictEqual(full.message, "Flight OS 87 is full.")
      assert.strictEqual(yield* bookings.seatsFree("OS 87"), 0)
    }).pipe(Effect.provide(testLayer())))

  it.effect("uses one session again and again, in the state that it asks for", () =>
    Effect.gen(function*() {
      const bookings = yield* Bookings
      yield* Effect.repeat(bookings.seatsFree("OS 87"), { times: 9 })
      const pool = yield* TestDatabase.Pool
      const { opened, totals } = yield* pool.statistics
      assert.strictEqual(opened, 1)
      assert.strictEqual(totals.hits, 9)
      assert.strictEqual(yield* pool.use({ tag: bookingsTag }, ({ tag }) => Effect.succeed(tag)), bookingsTag)
    }).pipe(Effect.provide(testLayer())))

  it.effect("says so when the database is down, and works again when it is back", () =>
    Effect.gen(function*() {
      const bookings = yield* Bookings
      const database = yield* TestDatabase.Database
      yield* database.refuseToOpen()
      const down = yield* Effect.flip(bookings.seatsFree("OS 87"))
      assert.match(down.message, /^Bookings cannot be made just now: .* could not open a session/)
      yield* database.heal
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* bookings.seatsFree("OS 87"), 2)
    }).pipe(Effect.provide(testLayer())))

  it.effect("gives up after two seconds when all sessions are busy", () =>
    Effect.gen(function*() {
      const bookings = yield* Bookings
      const pool = yield* TestDatabase.Pool
      yield* Effect.forEach([1, 2], () => Effect.forkChild(pool.use(() => Effect.sleep("1 minute"))))
      yield* Effect.yieldNow
      const waiting = yield* Effect.forkChild(Effect.flip(bookings.book("OS 87", "Ada")))
      yield* TestClock.adjust("2 seconds")
      assert.match((yield* Fiber.join(waiting)).message, /could not provide a session .* within 2s/)
      yield* TestClock.adjust("1 minute")
    }).pipe(Effect.provide(testLayer())))
})
