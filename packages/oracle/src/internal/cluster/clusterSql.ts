/** Pieces of SQL that the durable stores share. */
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import { limit, lob, type OracleClient } from "../../OracleClient.ts"

/** The database's clock without a zone; `systimestamp` itself compares by the zone of the session. */
export const utcNow = "sys_extract_utc(systimestamp)"

/** Milliseconds since 1970 by the database's clock. */
export const utcMillis =
  `(cast(${utcNow} as date) - date '1970-01-01') * 86400000 + to_number(to_char(${utcNow}, 'FF3'))`

/** A hundred years stand for what is longer, `infinity` included: no moment of the database goes that far. */
const longestSeconds = 100 * 365 * 24 * 60 * 60

const secondsInterval = (seconds: number): string =>
  `numtodsinterval(${Math.min(Math.max(0, Math.ceil(seconds * 1000) / 1000), longestSeconds)}, 'SECOND')`

/** A moment of the database's clock, some seconds ago. */
export const utcAgo = (seconds: number): string => `${utcNow} - ${secondsInterval(seconds)}`

/** A moment of the database's clock, some seconds from now. */
export const utcFromNow = (seconds: number): string => `${utcNow} + ${secondsInterval(seconds)}`

/** Lists are bound in pieces: before 23ai a list holds at most a thousand. */
const piece = 500

/** Rows that one statement deletes, so that it neither locks nor logs too much at once. */
const deletedAtOnce = 1000

/** Deletes the rows that meet a condition, piece by piece. */
export const deleteInPieces = (
  sql: OracleClient,
  table: Statement.Identifier,
  condition: Statement.Fragment
): Effect.Effect<void, SqlError> =>
  sql`delete from ${table} where rowid in (select rowid from ${table} where ${condition} ${limit(deletedAtOnce)})`.raw
    .pipe(
      Effect.repeat({
        while: (result) => Predicate.hasProperty(result, "rowsAffected") && result.rowsAffected === deletedAtOnce
      }),
      Effect.asVoid
    )

const permanent = new Set(["SqlSyntaxError", "AuthorizationError", "AuthenticationError"])

/**
 * Whether what only looks may look again: whatever the statement has come to, the same one can succeed later. That a table is missing, a right
 * or a password, or that the pool is closed, does not pass by waiting.
 */
export const mayPass = ({ reason }: SqlError): boolean =>
  !permanent.has(reason._tag) && !Predicate.isTagged(reason.cause, "PoolClosedError")

/** How long what failed is left alone. */
export const lookAgain = Duration.millis(500)

/** Runs an effect for each piece of a list, in order, and joins what they give. */
export const inPieces = <A, B, E, R>(
  items: ReadonlyArray<A>,
  f: (some: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<B>, E, R>,
  size = piece
): Effect.Effect<Array<B>, E, R> => Effect.map(Effect.forEach(Arr.chunksOf(items, size), f), (found) => found.flat())

/** A text as a parameter: beyond what a bind holds it is a CLOB. */
export const longText = (text: string | null): string | null | Statement.Fragment =>
  text !== null && text.length * 4 > 4000 ? lob("clob", text) : text

/**
 * Two that insert the same new key at once: the second finds it when it tries again. So does one that locked several rows in another
 * order than the other: the database undoes the statement of one of the two.
 */
export const retryUnique = <A, R>(effect: Effect.Effect<A, SqlError, R>): Effect.Effect<A, SqlError, R> =>
  Effect.retry(effect, {
    times: 3,
    while: ({ reason }) => reason._tag === "UniqueViolation" || reason._tag === "DeadlockError"
  })

/** Bytes as a parameter: beyond what a bind holds they are a BLOB. A bound null would be text, which a BLOB beside it is not. */
export const longBytes = (bytes: Uint8Array): Uint8Array | Statement.Fragment =>
  bytes.length === 0
    ? Statement.fragment([Statement.literal("empty_blob()")])
    : bytes.length > 2000
    ? lob("blob", bytes)
    : bytes
