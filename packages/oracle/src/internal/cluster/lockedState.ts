/**
 * A small state under a key, changed by one caller at a time: a row that is locked, read, decided about by a pure function, and
 * written. The moment is the database's, so the clocks of processes do not matter.
 *
 * Each change is a transaction of its own, also inside one of the caller's. There the row would stay locked for all processes until the
 * caller commits, and a rollback would undo that a call has failed, or that a token was taken.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { MigrationError } from "effect/sql/Migrator"
import type { SqlError } from "effect/sql/SqlError"
import { createHash } from "node:crypto"
import { OracleClient } from "../../OracleClient.ts"
import * as OracleMigrator from "../../OracleMigrator.ts"
import { deleteInPieces, longText, utcMillis } from "./clusterSql.ts"
import { runMigrations } from "./storeOptions.ts"

/** What becomes of a state: the answer, and the state to keep until `expiresAt`; without one the row stays as it is. */
export interface Decision<S, A> {
  readonly answer: A
  readonly keep?: { readonly state: S; readonly expiresAt: number }
}

interface LockedStates<S> {
  /** Decides under the lock of the key; `state` is `undefined` where there is none or it has expired. */
  readonly change: <A>(
    key: string,
    decide: (state: S | undefined, now: number) => Decision<S, A>
  ) => Effect.Effect<A, SqlError>
  /** Looks without a lock. */
  readonly look: <A>(key: string, read: (state: S | undefined, now: number) => A) => Effect.Effect<A, SqlError>
}

const longestId = 1000

/**
 * What stands for a key in its column. Keys begin with what they are of and a colon, so no digest is a key as well. Of what a column
 * cannot keep, because it is too long or has half a surrogate pair, it is the digest.
 */
const idOf = (key: string): string =>
  key.length <= longestId && key.isWellFormed()
    ? key
    : `sha256 ${createHash("sha256").update(key, "utf16le").digest("hex")}`

/** Opens the table of states, creating it where it is not there, and deletes what has expired every five minutes. */
export const openStates = <S>(
  store: string,
  tableName: string
): Effect.Effect<LockedStates<S>, MigrationError | SqlError, OracleClient | Scope.Scope> =>
  Effect.gen(function*() {
    const sql = (yield* OracleClient).withoutTransforms()
    const table = sql(tableName)
    const now = sql.literal(utcMillis)
    yield* runMigrations(store, {
      loader: migrations(tableName),
      journal: `${tableName}_migrations`,
      longest: `${tableName}_migrations_lock`,
      tables: [tableName]
    })

    yield* deleteInPieces(sql, table, sql`expires < ${now}`).pipe(
      Effect.catch((error) => Effect.logWarning(`Expired rows of ${tableName} could not be deleted`, error)),
      Effect.repeat(Schedule.spaced(Duration.minutes(5))),
      Effect.forkScoped
    )

    interface Row {
      readonly moment: number
      readonly expires: number
      readonly state: string | null
    }
    const stateOf = (row: Row): S | undefined =>
      row.state === null || row.expires <= row.moment ? undefined : JSON.parse(row.state) as S

    const locked = (key: string) =>
      sql<Row>`select ${now} as moment, expires, state from ${table} where id = ${key} for update`
    /** A new key begins with an empty row; whoever is second waits for the first and finds it. */
    const begun = (key: string) =>
      Effect.catchIf(
        Effect.asVoid(sql`insert into ${table} (id, expires) values (${key}, 0)`),
        (error) => error.reason._tag === "UniqueViolation",
        () => Effect.void
      )

    const apart = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.updateContext(effect, (context: Context.Context<never>) => Context.omit(sql.transactionService)(context))

    return {
      change: (given, decide) =>
        Effect.gen(function*() {
          const key = idOf(given)
          let [row] = yield* locked(key)
          while (row === undefined) {
            yield* begun(key)
            ;[row] = yield* locked(key)
          }
          const decision = decide(stateOf(row), row.moment)
          if (decision.keep !== undefined) {
            const { expiresAt, state } = decision.keep
            yield* sql`update ${table} set expires = ${Math.ceil(expiresAt)}, state = ${longText(JSON.stringify(state))}
              where id = ${key}`
          }
          return decision.answer
        }).pipe(sql.withTransaction, apart),
      look: (key, read) =>
        Effect.map(
          sql<Row>`select ${now} as moment, nvl(s.expires, 0) as expires, s.state
            from dual left join ${table} s on s.id = ${idOf(key)}`,
          ([row]) => read(stateOf(row!), row!.moment)
        )
    } satisfies LockedStates<S>
  })

const migrations = (tableName: string) =>
  OracleMigrator.fromRecord({
    "1_create_table": Effect.gen(function*() {
      const sql = (yield* OracleClient).withoutTransforms()
      yield* sql`create table ${sql(tableName)} (
        id varchar2(${sql.literal(String(longestId))} char) not null primary key,
        expires number(19) not null,
        state clob
      )`
      yield* sql`create index ${sql(`${tableName}_expires`)} on ${sql(tableName)} (expires)`
    })
  })
