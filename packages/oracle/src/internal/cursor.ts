/** Result sets of the driver as streams: a round trip is made when its rows are asked for, and the cursor is closed at the end. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import { OracleLob } from "../OracleLob.ts"
import { discardValues } from "./discard.ts"
import type { CallError, DriverCaller } from "./driverCaller.ts"
import type { Lob, ResultSet } from "./oracledb.ts"
import type { RowDecodeError } from "./rowDecodeError.ts"
import { type Handles, type Row, RowReader } from "./rowReader.ts"
import { type ValueSettings, withSettings } from "./valueSettings.ts"

/**
 * What an operation that reads values may fail with: a failure of the call, or a value that does not fit.
 *
 * **When to use**
 *
 * Use it to type effects of your own that run queries, read streams of rows or LOBs, or decode rows with a schema.
 *
 * **Example** (The row that could not be decoded)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const row = (error: OracleConnection.ReadError) => error._tag === "RowDecodeError" ? error.row : undefined
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export type ReadError = CallError | RowDecodeError

/**
 * Closes a cursor and does not wait for it. In Thin mode that is no round trip: the server is told along with the next call.
 * Where the session is stuck in a call, the end of a stream must not be stuck with it.
 */
const close = (caller: DriverCaller, resultSet: ResultSet): Effect.Effect<void> =>
  Effect.sync(() => caller.session.closeLater(resultSet))

const pull = (
  caller: DriverCaller,
  resultSet: ResultSet,
  settings: ValueSettings,
  sql: string | undefined
): Pull.Pull<Arr.NonEmptyReadonlyArray<Row>, ReadError> => {
  const size = settings.fetchArraySize
  let reader: RowReader | undefined
  let before = 0
  let isDone = false
  return Effect.suspend((): Pull.Pull<Arr.NonEmptyReadonlyArray<Row>, ReadError> => {
    if (isDone) return Cause.done()
    const { metaData } = resultSet
    if (metaData === undefined) return caller.lease.isReleased ? Effect.fail(caller.released) : Cause.done()
    return caller.call({ operation: "FETCH", sql, discard: discardValues }, () => resultSet.getRows(size)).pipe(
      Effect.zip(withSettings(settings, Effect.succeed)),
      Effect.flatMap(([rows, now]) => {
        isDone = rows.length < size
        const known = reader ??= new RowReader(metaData, now, handlesOf(caller, now))
        return Effect.map(known.readAll(rows, before, sql), (read) => {
          before += read.length
          return read
        })
      }),
      Effect.filterOrElse(Arr.isReadonlyArrayNonEmpty, () => Cause.done())
    )
  })
}

/** The rows of an open cursor, once; the cursor is closed when the stream ends, however it ends. */
export const cursorStream = (
  caller: DriverCaller,
  resultSet: ResultSet,
  settings: ValueSettings,
  sql?: string
): Stream.Stream<Row, ReadError> =>
  Stream.unwrap(Effect.as(
    Effect.addFinalizer(() => close(caller, resultSet)),
    Stream.fromPull(Effect.succeed(pull(caller, resultSet, settings, sql)))
  ))

/** The rows of a cursor that is opened when the stream begins. */
export const openedStream = (
  caller: DriverCaller,
  open: Effect.Effect<ResultSet | undefined, CallError>,
  settings: ValueSettings,
  sql: string
): Stream.Stream<Row, ReadError> =>
  Stream.unwrap(Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(restore(open), (resultSet) => {
      if (resultSet === undefined) return Effect.succeed(Stream.empty)
      caller.own(resultSet)
      return Effect.as(
        Effect.addFinalizer(() => close(caller, resultSet)),
        Stream.fromPull(Effect.succeed(pull(caller, resultSet, settings, sql)))
      )
    })
  ))

/** What becomes of LOBs and cursors among values: handles that end with the lease. */
export const handlesOf = (caller: DriverCaller, settings: ValueSettings): Handles => ({
  lob: (lob: Lob) => {
    caller.own(lob)
    return new OracleLob(lob, caller)
  },
  cursor: (resultSet: ResultSet) => {
    caller.own(resultSet)
    return cursorStream(caller, resultSet, settings)
  }
})
