/**
 * What is known of migrations in the database: which are done, which were begun, how far they came.
 *
 * It is written in transactions of its own, so that it says what happened also when the migration's transaction is undone.
 * Two things are part of the migration's own transaction. Its first write is a mark, which the last write takes away again: a
 * mark that others can see says that something in between has committed, whoever did it. And its last word is that it is done.
 */
import * as Effect from "effect/Effect"
import { MigrationError } from "effect/sql/Migrator"
import type { SqlError } from "effect/sql/SqlError"
import type { OracleConnection } from "../OracleConnection.ts"
import { isOracleError } from "../OracleError.ts"
import { redactStatement } from "./secretRedaction.ts"
import { quote, toDatabase } from "./sqlNames.ts"
import { asSqlError } from "./sqlReason.ts"

/**
 * What the database says of one migration.
 *
 * **When to use**
 *
 * Use it to show the state of a schema, and to find out how far a migration came that failed.
 *
 * **Example** (A record that stops the next run)
 *
 * ```ts
 * import type { OracleMigrator } from "@sessionpool/oracle"
 *
 * const stopsTheNextRun = (record: OracleMigrator.MigrationRecord) => record.state === "failed" || record.isHalfApplied
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface MigrationRecord {
  readonly id: number
  readonly name: string
  readonly createdAt: Date
  readonly state: "running" | "failed" | "done"
  /** How many statements it has begun. */
  readonly steps: number
  /** How many of them commit, or may: DDL and PL/SQL blocks. */
  readonly committedSteps: number
  /** Whether something that it did has been committed, although it is not done. While it runs, this can still change. */
  readonly isHalfApplied: boolean
  /** The statement that it began last, cut to what a column holds. */
  readonly lastStep: string | undefined
}

/** The longest text of a statement that is kept. */
const longestStep = 1000

const hasCode = (failure: unknown, code: string): boolean => isOracleError(failure) && failure.codes.includes(code)

/** The longest name of a migration. */
export const longestName = 255

/**
 * What ends a transaction by itself; a block, also one with a label, may do so inside. ALTER SESSION and ALTER SYSTEM do not
 * commit ("Session Control Statements" and "System Control Statement" in the SQL reference).
 */
const committing =
  /^\s*(?:(?:\/\*[\s\S]*?\*\/|--[^\n]*\n|<<[^>]*>>)\s*)*(?:create|alter(?!\s+(?:session|system)\b)|drop|truncate|rename|grant|revoke|comment|analyze|audit|noaudit|flashback|purge|associate|disassociate|administer|begin|declare|call|commit)\b/i

const mayCommit = (sql: string): boolean => committing.test(sql)

/** The mark of a migration stands beside the row of the lock, which is number 1. */
const markOf = (id: number): number => -id - 1

/** How the journal gets a connection that no transaction of others is open on. */
type UseConnection = <A, E>(
  f: (connection: OracleConnection) => Effect.Effect<A, E>
) => Effect.Effect<A, unknown>

export class MigrationJournal {
  readonly #useConnection: UseConnection
  readonly #table: string
  readonly #lock: string

  constructor(useConnection: UseConnection, table: string) {
    this.#useConnection = useConnection
    this.#table = quote(toDatabase(table))
    this.#lock = quote(toDatabase(`${table}_lock`))
  }

  #use<A, E>(f: (connection: OracleConnection) => Effect.Effect<A, E>): Effect.Effect<A, SqlError> {
    return asSqlError("migrate")(this.#useConnection(f))
  }

  /** Creates what is not there. `IF NOT EXISTS` came with 23ai only; another migrator may be as far as this one. */
  get ensureTables(): Effect.Effect<void, SqlError> {
    const create = (connection: OracleConnection, name: string, columns: string) =>
      connection.query(`select 1 from ${name} where 1 = 0`).pipe(
        Effect.asVoid,
        Effect.catchIf(
          (failure) => hasCode(failure, "ORA-00942"),
          () => Effect.asVoid(connection.execute(`create table ${name} (${columns})`))
        ),
        Effect.catchIf((failure) => hasCode(failure, "ORA-00955"), () => Effect.void)
      )
    return this.#use((connection) =>
      Effect.gen({ self: this }, function*() {
        yield* create(
          connection,
          this.#table,
          `migration_id number(19) not null primary key, name varchar2(${longestName} char) not null, `
            + "created_at timestamp default sys_extract_utc(systimestamp) not null, state varchar2(10) default 'done' not null, "
            + "steps number(10) default 0 not null, committed_steps number(10) default 0 not null, "
            + `last_step varchar2(${longestStep} char)`
        )
        yield* create(connection, this.#lock, "id number(19) not null primary key")
        yield* Effect.catchIf(
          Effect.asVoid(connection.execute(`insert into ${this.#lock} (id) values (1)`)),
          (failure) => hasCode(failure, "ORA-00001"),
          () => Effect.void
        )
        yield* connection.commit
      })
    )
  }

  /** Takes the lock on `holder`, which keeps it until its session ends: a migrator that dies leaves no lock behind. */
  lock(holder: OracleConnection, seconds: number): Effect.Effect<void, MigrationError | SqlError> {
    // The longest wait that Oracle takes is not documented; no migrator waits longer than this.
    const bound = Math.ceil(Math.max(seconds, 0))
    const wait = bound > 1_000_000 ? "" : ` wait ${bound}`
    return asSqlError("lock")(holder.query(`select id from ${this.#lock} where id = 1 for update${wait}`)).pipe(
      Effect.asVoid,
      Effect.catchReason("SqlError", "LockTimeoutError", (reason) =>
        Effect.fail(
          new MigrationError({
            kind: "Locked",
            cause: reason,
            message: `Another migrator is running: its lock was not released within ${bound} seconds (lockTimeout).`
          })
        ))
    )
  }

  get records(): Effect.Effect<ReadonlyArray<MigrationRecord>, SqlError> {
    const sql = `select migration_id, name, created_at, state, steps, committed_steps, last_step from ${this.#table} `
      + `order by migration_id`
    const marks = `select id from ${this.#lock} where id < 0`
    return Effect.map(
      this.#use((connection) =>
        Effect.all([
          connection.query(sql, [], { numbers: "number", dates: "utc", columnNames: (name) => name }),
          connection.query(marks, [], { numbers: "number", columnNames: (name) => name })
        ])
      ),
      ([rows, marked]) =>
        rows.map((row): MigrationRecord => ({
          id: Number(row["MIGRATION_ID"]),
          name: String(row["NAME"]),
          createdAt: row["CREATED_AT"] instanceof Date ? row["CREATED_AT"] : new Date(String(row["CREATED_AT"])),
          state: row["STATE"] === "running" || row["STATE"] === "failed" ? row["STATE"] : "done",
          steps: Number(row["STEPS"]),
          committedSteps: Number(row["COMMITTED_STEPS"]),
          isHalfApplied: row["STATE"] !== "done"
            && marked.some(({ ID }) => ID === markOf(Number(row["MIGRATION_ID"]))),
          lastStep: row["LAST_STEP"] === null ? undefined : String(row["LAST_STEP"])
        }))
    )
  }

  #write(sql: string, binds: ReadonlyArray<string | number>): Effect.Effect<number, SqlError> {
    return this.#use((connection) =>
      Effect.flatMap(connection.execute(sql, binds), ({ rowsAffected }) => Effect.as(connection.commit, rowsAffected))
    )
  }

  begin(id: number, name: string): Effect.Effect<void, SqlError> {
    return Effect.asVoid(Effect.andThen(
      this.forget(id),
      this.#write(
        `insert into ${this.#table} (migration_id, name, state, created_at) `
          + "values (:1, :2, 'running', sys_extract_utc(systimestamp))",
        [id, name]
      )
    ))
  }

  /** The first write of the migration's transaction. */
  markOn(connection: OracleConnection, id: number): Effect.Effect<void, SqlError> {
    return asSqlError("migrate")(
      Effect.asVoid(connection.execute(`insert into ${this.#lock} (id) values (:1)`, [markOf(id)]))
    )
  }

  /** Whether the transaction that the mark was written in is still the one on this connection. */
  isMarkedOn(connection: OracleConnection, id: number): Effect.Effect<boolean, SqlError> {
    return asSqlError("migrate")(Effect.map(
      connection.query(`select id from ${this.#lock} where id = :1`, [markOf(id)]),
      (rows) => rows.length > 0
    ))
  }

  /** Whether the mark has been committed, and with it whatever was done by then. */
  isMarked(id: number): Effect.Effect<boolean, SqlError> {
    return asSqlError("migrate")(this.#useConnection((connection) => this.isMarkedOn(connection, id)))
  }

  /** Before the statement runs: what happens to it afterwards, this much is known. */
  step(id: number, sql: string): Effect.Effect<void, SqlError> {
    return Effect.asVoid(this.#write(
      `update ${this.#table} set steps = steps + 1, committed_steps = committed_steps + :1, last_step = :2 `
        + `where migration_id = :3`,
      [mayCommit(sql) ? 1 : 0, redactStatement(sql).slice(0, longestStep), id]
    ))
  }

  failed(id: number): Effect.Effect<number, SqlError> {
    return this.#write(`update ${this.#table} set state = 'failed' where migration_id = :1`, [id])
  }

  forget(id: number): Effect.Effect<number, SqlError> {
    return this.#use((connection) =>
      Effect.gen({ self: this }, function*() {
        yield* connection.execute(`delete from ${this.#lock} where id = :1`, [markOf(id)])
        const { rowsAffected } = yield* connection.execute(`delete from ${this.#table} where migration_id = :1`, [id])
        yield* connection.commit
        return rowsAffected
      })
    )
  }

  done(id: number): Effect.Effect<void, SqlError> {
    return this.#use((connection) => Effect.andThen(this.doneWith(connection, id), connection.commit))
  }

  /** The last writes of the migration's transaction: it is done when its work is committed, in the same moment. */
  doneWith(connection: OracleConnection, id: number): Effect.Effect<void, SqlError> {
    return asSqlError("migrate")(
      connection.execute(`delete from ${this.#lock} where id = :1`, [markOf(id)]).pipe(
        Effect.andThen(
          connection.execute(
            `update ${this.#table} set state = 'done', created_at = sys_extract_utc(systimestamp) where migration_id = :1`,
            [id]
          )
        ),
        Effect.asVoid
      )
    )
  }
}
