/** Leases of a pool are recorded as they were, written, and read again; what is no recording is named by file and line. */
import { assert, describe, it } from "@effect/vitest"
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PoolRecording, PoolSimulation } from "../src/simulation.ts"

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "recording-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)

const makePool = Effect.flatMap(
  TestDatabase.make(),
  ({ driver }) => SessionPool.make({ driver, user: "scott", min: 1, max: 1, waitForMin: true })
)

describe("leases", () => {
  it.effect("are those that ended, with the wait before them left out of their hold", () =>
    Effect.gen(function*() {
      const pool = yield* makePool
      const seen = yield* PoolRecording.leases(pool).pipe(
        Stream.take(3),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      const first = yield* Effect.forkChild(pool.use(() => Effect.sleep(100)))
      yield* TestClock.adjust(30)
      // It comes at 30 ms, waits until 100 ms, and holds the session for 20 ms.
      const second = yield* Effect.forkChild(pool.use(() => Effect.sleep(20)))
      yield* TestClock.adjust(200)
      yield* Fiber.join(first)
      yield* Fiber.join(second)
      // A lease whose session is dropped ends, too.
      yield* pool.use((connection) => Effect.andThen(Effect.sleep(5), pool.drop(connection))).pipe(Effect.forkChild)
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(yield* Fiber.join(seen), [
        { arrival: 0, hold: 100 },
        { arrival: 30, hold: 20 },
        { arrival: 230, hold: 5 }
      ])
    }))
})

describe("toFile", () => {
  it.live("writes all that ended before its scope closed, and read gives it back", () =>
    Effect.gen(function*() {
      const file = join(yield* folder, "leases.csv")
      const pool = yield* makePool
      const scope = yield* Scope.make()
      yield* Scope.provide(PoolRecording.toFile(pool, file), scope)
      for (let count = 0; count < 50; count++) yield* pool.use(() => Effect.yieldNow)
      yield* Scope.close(scope, Exit.void)
      // This one comes too late.
      yield* pool.use(() => Effect.yieldNow)
      assert.match(yield* Effect.promise(() => readFile(file, "utf8")), /^arrival_ms,hold_ms\n\d+,\d+\n/)
      const leases = yield* PoolRecording.read(file)
      assert.strictEqual(leases.length, 50)
      const [point] = yield* PoolSimulation.waits({ load: PoolSimulation.recorded(leases), max: [2], leases: 500 })
      assert.strictEqual(point!.unserved, 0)
    }))

  it.live("names a file that cannot be opened", () =>
    Effect.gen(function*() {
      const pool = yield* makePool
      const error = yield* Effect.flip(PoolRecording.toFile(pool, join(yield* folder, "none", "leases.csv")))
      assert.match(error.message, /none.leases\.csv cannot be opened/)
    }))

  it.live("records for as long as its layer lives", () =>
    Effect.gen(function*() {
      const file = join(yield* folder, "leases.csv")
      yield* Effect.flatMap(TestDatabase.Pool, (pool) => pool.use(() => Effect.void)).pipe(
        Effect.provide(PoolRecording.layer(TestDatabase.Pool, file).pipe(Layer.provideMerge(TestDatabase.layer()))),
        Effect.scoped
      )
      assert.strictEqual((yield* Effect.promise(() => readFile(file, "utf8"))).trim().split("\n").length, 2)
    }))
})

describe("parse", () => {
  const lines = (text: string) => PoolRecording.parse(text)

  it.effect("reads CSV and JSON lines, sorted by arrival", () =>
    Effect.gen(function*() {
      const expected = [{ arrival: -5, hold: 0.5 }, { arrival: 10, hold: 20 }]
      assert.deepStrictEqual(yield* lines("\uFEFFarrival_ms,hold_ms\r\n10,20\r\n\r\n-5,0.5\r\n"), expected)
      assert.deepStrictEqual(yield* lines("10, 20\n-5, 5e-1"), expected)
      assert.deepStrictEqual(
        yield* lines("{\"arrival\":10,\"hold\":20,\"who\":1}\n{\"arrival\":-5,\"hold\":0.5}"),
        expected
      )
    }))

  it.effect("names the line that it cannot use", () =>
    Effect.gen(function*() {
      for (
        const [text, line] of [
          ["", 1],
          ["arrival,hold\n1,2", 2],
          ["1,2\nx,y\n3,4", 2],
          ["1,2\n3,-4", 2],
          ["1,2\n3,4,5", 2],
          ["1,2\n3,", 2],
          ["1,2\n3,Infinity", 2],
          ["{\"arrival\":1}\n1,2", 1],
          ["1,2\n{\"arrival\":\"1\",\"hold\":2}", 2],
          ["1,2\n{nonsense", 2]
        ] as const
      ) {
        const error = yield* Effect.flip(lines(text))
        assert.strictEqual(error._tag, "RecordingError")
        assert.include(error.message, `line ${line} `, text)
      }
    }))

  it.live("names a file that is not there", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(PoolRecording.read("/nowhere/leases.csv"))
      assert.strictEqual(error.message, "The recording /nowhere/leases.csv cannot be read.")
    }))
})
