/**
 * Recordings of a running pool: when its requests came, and how long they held their sessions. `PoolSimulation.recorded` replays them.
 *
 * Import it from `@sessionpool/oracle/simulation`.
 *
 * @since 0.3.0
 */
import type { Connection, SessionPool } from "@sessionpool/core"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { open, readFile } from "node:fs/promises"
import { csvHead, csvLine, LeaseMatcher, parseLeases } from "./internal/simulation/leaseRecords.ts"
import type { LeaseTimes } from "./internal/simulation/load.ts"

/**
 * A recording could not be written or read.
 *
 * **When to use**
 *
 * Use its message: it names the file, and the line where one is wrong.
 *
 * @category errors
 * @since 0.3.0
 */
export class RecordingError extends Schema.TaggedError<RecordingError>("@sessionpool/oracle/RecordingError")(
  "RecordingError",
  { file: Schema.String, problem: Schema.String, cause: Schema.optional(Schema.Defect()) }
) {
  override get message() {
    return `The recording ${this.file} ${this.problem}.`
  }
}

type AnyPool = SessionPool.SessionPool<Connection.Connection, unknown>

/**
 * The leases of a pool as they end, from now on.
 *
 * **When to use**
 *
 * Use to keep them elsewhere than in a file.
 *
 * **Details**
 *
 * `arrival` is the date of the request and `hold` how long its session was held, both in milliseconds, as the pool's events have them.
 *
 * **Gotchas**
 *
 * - Requests that failed are not among them: a recording of a pool that refuses work shows less than there was to do.
 * - A listener that falls more than 4096 events behind misses the oldest.
 *
 * **Example** (Printing leases)
 *
 * ```ts
 * import { OracleSessionPool } from "@sessionpool/oracle"
 * import { PoolRecording } from "@sessionpool/oracle/simulation"
 * import { Console, Effect, Stream } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const pool = yield* OracleSessionPool
 *   yield* PoolRecording.leases(pool).pipe(Stream.runForEach(({ hold }) => Console.log(`held for ${hold} ms`)))
 * })
 * ```
 *
 * @see {@link toFile} for a file
 * @category recording
 * @since 0.3.0
 */
export const leases = (pool: AnyPool): Stream.Stream<LeaseTimes> =>
  Stream.suspend(() => {
    const matcher = new LeaseMatcher()
    return pool.events.pipe(
      Stream.map((event) => matcher.seen(event)),
      Stream.filter((lease) => lease !== undefined)
    )
  })

/**
 * Records the leases of a pool in a file, until the scope closes.
 *
 * **When to use**
 *
 * Use for an hour of real traffic, at its busiest.
 *
 * **Details**
 *
 * It writes lines of CSV, `arrival_ms,hold_ms`, at most a second behind, and replaces the file. What cannot be written once it has begun is
 * logged as a warning, and ends the recording; the pool is not touched. A lease is written when it ends.
 *
 * **Example** (Recording a part of a program)
 *
 * ```ts
 * import { OracleSessionPool } from "@sessionpool/oracle"
 * import { PoolRecording } from "@sessionpool/oracle/simulation"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const pool = yield* OracleSessionPool
 *   yield* PoolRecording.toFile(pool, "leases.csv")
 *   yield* Effect.sleep("1 hour")
 * }).pipe(Effect.scoped)
 * ```
 *
 * @see {@link layer} for a whole program
 * @category recording
 * @since 0.3.0
 */
export const toFile = (pool: AnyPool, file: string): Effect.Effect<void, RecordingError, Scope.Scope> =>
  Effect.gen(function*() {
    const handle = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () => open(file, "w"),
        catch: (cause) => new RecordingError({ file, problem: "cannot be opened", cause })
      }),
      (opened) => Effect.ignore(Effect.tryPromise(() => opened.close()))
    )
    let lines = csvHead
    let count = 0
    const flush = Effect.uninterruptible(Effect.suspend(() => {
      const text = lines
      lines = ""
      return text === "" ? Effect.void : Effect.tryPromise({
        try: () => handle.appendFile(text),
        catch: (cause) => new RecordingError({ file, problem: "cannot be written", cause })
      })
    }))
    yield* flush
    const reader = yield* leases(pool).pipe(
      Stream.runForEach((lease) =>
        Effect.sync(() => {
          lines += csvLine(lease)
          count++
        })
      ),
      // It listens before anything else happens.
      Effect.forkScoped({ startImmediately: true })
    )
    const written = Effect.catchTag(
      flush,
      "RecordingError",
      (error) => Effect.andThen(Effect.logWarning(error.message), Fiber.interrupt(reader))
    )
    const writer = yield* written.pipe(
      Effect.andThen(Effect.sleep("1 second")),
      Effect.forever,
      Effect.forkScoped
    )
    // Events wait in a queue until the reader has its turn: all that are there now are written before the file is closed.
    const caughtUp = Effect.gen(function*() {
      for (let before = -1; before !== count;) {
        before = count
        for (let turns = 0; turns < 3; turns++) yield* Effect.yieldNow
      }
    })
    yield* Effect.addFinalizer(() =>
      caughtUp.pipe(
        Effect.andThen(Fiber.interrupt(writer)),
        Effect.andThen(Fiber.interrupt(reader)),
        Effect.andThen(written)
      )
    )
  })

/**
 * Records the leases of a pool for as long as the layer lives.
 *
 * **When to use**
 *
 * Use beside the layer of a pool, to record a whole program.
 *
 * **Example** (Recording a program)
 *
 * ```ts
 * import { OracleSessionPool } from "@sessionpool/oracle"
 * import { PoolRecording } from "@sessionpool/oracle/simulation"
 * import { Layer } from "effect"
 *
 * const recorded = PoolRecording.layer(OracleSessionPool, "leases.csv").pipe(
 *   Layer.provideMerge(OracleSessionPool.layer({ connectString: "localhost/FREEPDB1", user: "scott" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.3.0
 */
export const layer = <I, S extends AnyPool>(
  pool: Context.Service<I, S>,
  file: string
): Layer.Layer<never, RecordingError, I> =>
  Layer.effectDiscard(Effect.flatMap(Effect.service(pool), (found) => toFile(found, file)))

/**
 * Reads leases from text: lines of CSV, or of JSON.
 *
 * **When to use**
 *
 * Use for what was recorded elsewhere, such as by a proxy or in a log.
 *
 * **Details**
 *
 * A line is `arrival,hold` or `{"arrival": 0, "hold": 20}`, in milliseconds; arrivals count from any moment, in any order. A head line and empty ones are
 * skipped. Anything else is a `RecordingError` that names the line.
 *
 * **Example** (Two leases)
 *
 * ```ts
 * import { PoolRecording } from "@sessionpool/oracle/simulation"
 * import { Effect } from "effect"
 *
 * console.log(Effect.runSync(PoolRecording.parse("arrival,hold\n0,20\n5,30"))[1]) // { arrival: 5, hold: 30 }
 * ```
 *
 * @category reading
 * @since 0.3.0
 */
export const parse = (text: string, file = "text"): Effect.Effect<ReadonlyArray<LeaseTimes>, RecordingError> =>
  Effect.fromResult(Result.mapError(
    parseLeases(text),
    ({ line, problem }) => new RecordingError({ file, problem: `cannot be used: line ${line} ${problem}` })
  ))

/**
 * Reads the leases of a file, as {@link parse} does.
 *
 * **When to use**
 *
 * Use for what {@link toFile} has written.
 *
 * **Example** (Counting leases)
 *
 * ```ts
 * import { PoolRecording } from "@sessionpool/oracle/simulation"
 * import { Effect } from "effect"
 *
 * const count = Effect.map(PoolRecording.read("leases.csv"), (leases) => leases.length)
 * ```
 *
 * @category reading
 * @since 0.3.0
 */
export const read = (file: string): Effect.Effect<ReadonlyArray<LeaseTimes>, RecordingError> =>
  Effect.flatMap(
    Effect.tryPromise({
      try: () => readFile(file, "utf8"),
      catch: (cause) => new RecordingError({ file, problem: "cannot be read", cause })
    }),
    (text) => parse(text, file)
  )
