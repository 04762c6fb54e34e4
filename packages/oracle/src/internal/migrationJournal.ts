/**
 * What is known of migrations in the database: which are done, which were begun, how far they came.
 *
 * It is written in transactions of its own, so that it says what happened also when the migration's transaction is undone.
 * Only the last word, that a migration is done, is part of the migration's own transaction.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { MigrationError } from "effect/sql/Migrator"
import type { SqlError } from "effect/sql/SqlError"
import type { OracleClient } from "../OracleClient.ts"
import type { OracleConnection } from "../OracleConnection.ts"
import { isOracleError } from "../OracleError.ts"
import { redactStatement } from "./secretRedaction.ts"
import { quote, toDatabase } from "./sqlNames.ts"
import { asSqlError } from "./sqlReason.ts"

/**
 * What the database says of one migration.
 *
 * @example
 * ```ts
 * import type { OracleMigrator } from "@sessionpool/oracle"
 *
 * const isHalfApplied = (record: OracleMigrator.MigrationRecord) => record.state !== "done" && record.committedSteps > 0
 * ```
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
  /** The statement that it began last, cut to what a column holds. */
  readonly lastStep: string | undefined
}

/** The longest text of a statement that is kept. */
const longestStep = 1000

const hasCode = (failure: unknown, code: string): boolean => isOracleError(failure) && failure.codes.includes(code)

/** What ends a transaction by itself; a block may do so inside. */
const committing =
  /^\s*(?:(?:\/\*[\s\S]*?\*\/|--[^\n]*\n)\s*)*(?:create|alter|drop|truncate|rename|grant|revoke|comment|analyze|audit|noaudit|flashback|purge|associate|disassociate|administer|begin|declare|call|commit)\b/i

export const mayCommit = (sql: string): boolean => committing.test(sql)

export class MigrationJournal {
  readonly #client: OracleClient
  readonly #table: string
  readonly #lock: string

  constructor(client: OracleClient, table: string) {
    this.#client = client
    this.#table = quote(toDatabase(table))
    this.#lock = quote(toDatabase(`${table}_lock`))
  }

  #use<A, E>(f: (connection: OracleConnection) => Effect.Effect<A, E>): Effect.Effect<A, SqlError> {
    return asSqlError("migrate")(this.#client.pool.use(f))
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
          "migration_id number(10) not null primary key, name varchar2(255) not null, "
            + "created_at timestamp default systimestamp not null, state varchar2(10) default 'done' not null, "
            + "steps number(10) default 0 not null, committed_steps number(10) default 0 not null, "
            + `last_step varchar2(${longestStep} char)`
        )
        yield* create(connection, this.#lock, "id number(10) not null primary key")
        yield* Effect.catchIf(
          Effect.asVoid(connection.execute(`insert into ${this.#lock} (id) values (1)`)),
          (failure) => hasCode(failure, "ORA-00001"),
          () => Effect.void
        )
        yield* connection.commit
      })
    )
  }

  /** Holds the lock until the scope ends, or the session does: a migrator that dies leaves no lock behind. */
  locked(seconds: number): Effect.Effect<OracleConnection, MigrationError | SqlError, Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const { max } = yield* this.#client.pool.settings
      if (max < 3) {
        return yield* new MigrationError({
          kind: "BadState",
          message:
            `The migrator needs three sessions: for the lock, for its records and for the migration. The pool's max is ${max}.`
        })
      }
      const holder = yield* asSqlError("migrate")(this.#client.pool.acquire())
      const lock = holder.query(`select id from ${this.#lock} where id = 1 for update wait ${Math.ceil(seconds)}`)
      yield* asSqlError("lock")(lock).pipe(
        Effect.catchReason("SqlError", "LockTimeoutError", (reason) =>
          Effect.fail(
            new MigrationError({
              kind: "Locked",
              cause: reason,
              message: `Another migrator is running: its lock was not released within ${Math.ceil(seconds)} seconds.`
            })
          ))
      )
      return holder
    })
  }

  get records(): Effect.Effect<ReadonlyArray<MigrationRecord>, SqlError> {
    const sql = `select migration_id, name, created_at, state, steps, committed_steps, last_step from ${this.#table} `
      + `order by migration_id`
    return Effect.map(
      this.#use((connection) => connection.query(sql, [], { numbers: "number" })),
      (rows) =>
        rows.map((row): MigrationRecord => ({
          id: Number(row["MIGRATION_ID"]),
          name: String(row["NAME"]),
          createdAt: row["CREATED_AT"] instanceof Date ? row["CREATED_AT"] : new Date(String(row["CREATED_AT"])),
          state: row["STATE"] === "running" || row["STATE"] === "failed" ? row["STATE"] : "done",
          steps: Number(row["STEPS"]),
          committedSteps: Number(row["COMMITTED_STEPS"]),
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
      this.#write(`insert into ${this.#table} (migration_id, name, state) values (:1, :2, 'running')`, [id, name])
    ))
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
    return this.#write(`delete from ${this.#table} where migration_id = :1`, [id])
  }

  done(id: number): Effect.Effect<number, SqlError> {
    return this.#write(this.#doneSql, [id])
  }

  /** On the migration's own connection: it is done when its work is committed, in the same moment. */
  doneWith(connection: OracleConnection, id: number): Effect.Effect<void, SqlError> {
    return asSqlError("migrate")(Effect.asVoid(connection.execute(this.#doneSql, [id])))
  }

  get #doneSql(): string {
    return `update ${this.#table} set state = 'done', created_at = systimestamp where migration_id = :1`
  }
}
