/** An Oracle connection as `effect/sql` sees one. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as SqlConnection from "effect/sql/SqlConnection"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import type * as OracleBind from "../OracleBind.ts"
import type { OracleConnection } from "../OracleConnection.ts"
import { OracleLob } from "../OracleLob.ts"
import type { BatchBinds } from "./batchBinds.ts"
import type { ReadError } from "./cursor.ts"
import { type CallError, type DriverCaller } from "./driverCaller.ts"
import { executeMany } from "./executeMany.ts"
import { createLob } from "./lobWriter.ts"
import { plainBatch } from "./plainBatch.ts"
import type { ReturningPlans } from "./returningPlans.ts"
import { RowDecodeError } from "./rowDecodeError.ts"
import { redactStatement } from "./secretRedaction.ts"
import { type Run, runsOf } from "./sqlBatch.ts"
import { locksRows, transactionControlOf } from "./sqlControl.ts"
import { toProgram } from "./sqlNames.ts"
import {
  type Abilities,
  BatchParameter,
  type BatchStatement,
  bindOf,
  isParameter,
  type LobParameter,
  type OutParameter
} from "./sqlParameter.ts"
import { asSqlError, toCommitError, toSqlError } from "./sqlReason.ts"
import { clashOf, returningOf, type ReturningPlan, returningPlan } from "./sqlReturning.ts"
import { StatementError } from "./statementError.ts"
import { execute, query, queryStream, queryValues, type RunOptions } from "./statements.ts"
import { onSession, streamEnded } from "./statementSpan.ts"
import { definitionChanges } from "./statementText.ts"
import type { Level, Restore } from "./transaction.ts"
import { over, type ValueSettings } from "./valueSettings.ts"

type TransformRows = (<A extends object>(row: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined

type Rows = ReadonlyArray<{ readonly [column: string]: unknown }>

/** What the connections of one client share. */
export interface SharedState {
  readonly abilities: Abilities
  readonly plans: ReturningPlans
}

const isOut = (value: unknown): value is OutParameter => isParameter(value) && value._tag === "OutParameter"

const isLob = (value: unknown): value is LobParameter =>
  typeof value === "object" && isParameter(value) && value._tag === "LobParameter"

/** Whether a value is a bind as it is, whatever the server can take. */
const isPlainValue = (value: unknown): value is string | number | bigint | Date | Uint8Array | null =>
  typeof value === "string" || typeof value === "number" || typeof value === "bigint" || value === null ||
  value instanceof Date || value instanceof Uint8Array

const noLobs: ReadonlyMap<LobParameter, OracleLob> = new Map()

/** What a parameter that cannot be sent throws, as a failure. */
const attempted = <A>(make: () => A): Effect.Effect<A, StatementError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(make())
    } catch (thrown) {
      return thrown instanceof StatementError ? Effect.fail(thrown) : Effect.die(thrown)
    }
  })

/** Its locks would end with the statement, and with them what the rows can be fetched by (ORA-01002). */
const lockedForNothing = () =>
  new SqlError({
    reason: new UnknownError({
      cause: undefined,
      operation: "execute",
      message: "A query with FOR UPDATE was run outside a transaction, where its locks end with the statement itself.\n"
        + "Run it, and the work that needs the locks, inside sql.withTransaction."
    })
  })

const unprepared: RunOptions = { keepInStmtCache: false }

export class OracleSqlConnection implements SqlConnection.Connection {
  readonly connection: OracleConnection
  readonly #caller: DriverCaller
  readonly #settings: ValueSettings
  readonly #shared: SharedState
  readonly #user: string | undefined
  /** Whether a transaction was begun by a statement, on a session that was reserved. */
  #isManual = false

  /** `user` is whose objects it sees: that of the request that it was leased with. */
  constructor(connection: OracleConnection, shared: SharedState, user: string | undefined) {
    this.#user = user
    this.connection = connection
    this.#caller = connection.caller.untraced
    this.#settings = { ...over(connection.values, { columnNames: toProgram }), safeIntegers: "ask" }
    this.#shared = shared
  }

  /**
   * Outside a transaction every statement is one of its own. On a reserved session a transaction may also be begun by SET
   * TRANSACTION or SAVEPOINT; it lasts until COMMIT or ROLLBACK.
   */
  #within<A, E>(
    sql: string,
    options: RunOptions | undefined,
    use: (run: RunOptions) => Effect.Effect<A, E>
  ): Effect.Effect<A, E | SqlError> {
    return Effect.suspend((): Effect.Effect<A, E | SqlError> => {
      const control = transactionControlOf(sql)
      const isInTransaction = this.#isManual || this.connection.transactions.isOpen
      if (!isInTransaction && locksRows(sql)) return Effect.fail(lockedForNothing())
      const used = use({ ...options, autoCommit: !isInTransaction && control === undefined })
      return control === undefined ? used : Effect.tap(used, () =>
        Effect.sync(() => {
          this.#isManual = control === "begins"
        }))
    })
  }

  execute(sql: string, params: ReadonlyArray<unknown>, transformRows: TransformRows) {
    return this.#traced(params, this.#rows(sql, params, transformRows))
  }

  executeUnprepared(sql: string, params: ReadonlyArray<unknown>, transformRows: TransformRows) {
    return this.#traced(params, this.#rows(sql, params, transformRows, unprepared))
  }

  executeRaw(sql: string, params: ReadonlyArray<unknown>): Effect.Effect<unknown, SqlError> {
    return this.#traced(params, this.#raw(sql, params))
  }

  #raw(sql: string, params: ReadonlyArray<unknown>): Effect.Effect<unknown, SqlError> {
    // What gives rows back by more than one call of the driver is given as those rows.
    if (params[0] instanceof BatchParameter || returningOf(sql) !== undefined) return this.#rows(sql, params, undefined)
    return this.#within(sql, undefined, (run) =>
      Effect.flatMap(
        this.#binds(params),
        (binds) => execute(this.#caller, sql, binds, over(this.connection.values, undefined), run)
      )).pipe(asSqlError("executeRaw"))
  }

  executeStream(
    sql: string,
    params: ReadonlyArray<unknown>,
    transformRows: TransformRows
  ): Stream.Stream<unknown, SqlError> {
    const rows = this.#stream(sql, params, transformRows)
    const described = this.#traced(params, Effect.void)
    return Stream.onExit(Stream.unwrap(Effect.as(described, rows)), streamEnded)
  }

  #stream(
    sql: string,
    params: ReadonlyArray<unknown>,
    transformRows: TransformRows
  ): Stream.Stream<unknown, SqlError> {
    const cursors = params.filter((param) => isOut(param) && param.bind.type === "cursor")
    if (params[0] instanceof BatchParameter || returningOf(sql) !== undefined) {
      return Stream.unwrap(Effect.map(this.#rows(sql, params, transformRows), Stream.fromIterable))
    }
    const rows: Stream.Stream<object, unknown> = Stream.unwrap(this.#within(sql, undefined, (run) =>
      Effect.map(
        this.#binds(params),
        (binds) =>
          cursors.length === 1
            ? this.#cursor(sql, params, binds, run)
            : queryStream(this.#caller, sql, binds, this.#settings, run)
      )))
    const transformed = transformRows === undefined
      ? rows
      : Stream.mapArray(rows, (found) => transformRows(found) as typeof found)
    return Stream.mapError(transformed, (failure) => toSqlError(failure, "executeStream"))
  }

  executeValues(sql: string, params: ReadonlyArray<unknown>) {
    return this.#traced(params, this.#values(sql, params))
  }

  executeValuesUnprepared(sql: string, params: ReadonlyArray<unknown>) {
    return this.#traced(params, this.#values(sql, params, unprepared))
  }

  /** Puts the session into the span of the statement. */
  #traced<A, E>([first]: ReadonlyArray<unknown>, effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return onSession(
      this.#caller.session.attributes,
      first instanceof BatchParameter ? first.size : undefined,
      effect
    )
  }

  /** Oracle begins a transaction with its first statement; `statement` says of what kind it is to be. */
  begin(statement: string | undefined): Effect.Effect<void, SqlError> {
    const { transactions } = this.connection
    const kind = statement === undefined
      ? Effect.void
      : asSqlError("transaction")(transactions.statement(statement, this.#caller))
    return Effect.andThen(transactions.begun, kind)
  }

  savepoint(level: Level): Effect.Effect<void, SqlError> {
    return asSqlError("transaction")(this.connection.transactions.setSavepoint(level, this.#caller))
  }

  rollbackSavepoint(level: Level): Effect.Effect<void> {
    const { transactions } = this.connection
    return transactions.undone(transactions.rollbackTo(level, this.#caller))
  }

  commit(restore: Restore): Effect.Effect<void, SqlError> {
    const { transactions } = this.connection
    return Effect.mapError(transactions.commit(restore, this.#caller), toCommitError).pipe(
      Effect.andThen(transactions.over)
    )
  }

  /** What cannot be undone here is undone with its session, which must not be lent again. */
  get rollback(): Effect.Effect<void> {
    const { transactions } = this.connection
    return transactions.undone(transactions.rollback(this.#caller)).pipe(Effect.andThen(transactions.over))
  }

  #binds(params: ReadonlyArray<unknown>): Effect.Effect<ReadonlyArray<OracleBind.Bind>, unknown> {
    return Effect.flatMap(this.#written(params), (written) => attempted(() => this.#bound(params, written)))
  }

  #bound(
    params: ReadonlyArray<unknown>,
    written: ReadonlyMap<LobParameter, OracleLob>,
    row?: number
  ): ReadonlyArray<OracleBind.Bind> {
    if (params.every(isPlainValue)) return params
    const { abilities } = this.#shared
    return params.map((param, index) =>
      bindOf(param, abilities, written, () => `Parameter ${index + 1}${row === undefined ? "" : ` of row ${row + 1}`}`)
    )
  }

  /** The LOBs of parameters, written to the server. */
  #written(params: ReadonlyArray<unknown>): Effect.Effect<ReadonlyMap<LobParameter, OracleLob>, unknown> {
    const lobs = params.filter(isLob)
    if (lobs.length === 0) return Effect.succeed(noLobs)
    return Effect.map(
      Effect.forEach(
        lobs,
        (lob) => Effect.map(createLob(this.#caller, lob.kind, lob.source), (written) => [lob, written] as const)
      ),
      (written) => new Map(written)
    )
  }

  #rows(
    sql: string,
    params: ReadonlyArray<unknown>,
    transformRows: TransformRows,
    options?: RunOptions
  ): Effect.Effect<ReadonlyArray<unknown>, SqlError> {
    const rows = asSqlError("execute")(this.#within(sql, options, (run) => this.#found(sql, params, run)))
    return transformRows === undefined ? rows : Effect.map(rows, (found) => transformRows(found))
  }

  #found(sql: string, params: ReadonlyArray<unknown>, run: RunOptions): Effect.Effect<Rows, unknown> {
    const [first] = params
    if (first instanceof BatchParameter) return this.#batch(first, run)
    if (params.some(isOut)) return this.#outValues(sql, params, run)
    return Effect.flatMap(this.#plan(sql), (plan) =>
      Effect.flatMap(this.#binds(params), (binds) =>
        plan === undefined
          ? query(this.#caller, sql, binds, this.#settings, run)
          : this.#returned(sql, plan, binds, run)))
  }

  #values(
    sql: string,
    params: ReadonlyArray<unknown>,
    options?: RunOptions
  ): Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, SqlError> {
    const values = (run: RunOptions) =>
      params[0] instanceof BatchParameter || params.some(isOut) || returningOf(sql) !== undefined
        ? Effect.map(this.#found(sql, params, run), (rows) => rows.map((row) => Object.values(row)))
        : Effect.flatMap(this.#binds(params), (binds) => queryValues(this.#caller, sql, binds, this.#settings, run))
    return asSqlError("executeValues")(this.#within(sql, options, values))
  }

  /** The same text may speak of another table where another user, or another schema, is in force. */
  #planKey(sql: string): string {
    return JSON.stringify([this.#user ?? "", this.#caller.session.attached?.currentSchema ?? "", sql])
  }

  /** How the statement gives rows back. */
  #plan(sql: string): Effect.Effect<ReturningPlan | undefined, ReadError> {
    const returning = returningOf(sql)
    if (returning === undefined) return Effect.succeed(undefined)
    return Effect.clockWith((clock) => {
      const { plans } = this.#shared
      const key = this.#planKey(sql)
      const now = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      const known = plans.get(key, now)
      if (known !== undefined) return Effect.succeed(known)
      const changes = definitionChanges()
      return Effect.flatMap(
        this.#caller.call(
          { operation: "describe", sql: returning.description },
          (connection) => connection.getStatementInfo(returning.description)
        ),
        ({ metaData }) => {
          const plan = returningPlan(returning, metaData ?? [], this.#settings)
          const clash = clashOf(plan)
          if (clash !== undefined) {
            const problem =
              "stands for two columns of RETURNING, and a row can hold only one of them: give one an alias"
            return Effect.fail(new RowDecodeError({ row: 1, column: clash, problem, sql: redactStatement(sql) }))
          }
          plans.set(key, plan, now, changes)
          return Effect.succeed(plan)
        }
      )
    })
  }

  /** The table may have changed since it was described: after a failure the next statement describes it again. */
  #forgotten<A, E>(sql: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.onExit(effect, (exit) =>
      Effect.sync(() => {
        if (Exit.isFailure(exit)) this.#shared.plans.delete(this.#planKey(sql))
      }))
  }

  #returned(
    sql: string,
    plan: ReturningPlan,
    binds: ReadonlyArray<OracleBind.Bind>,
    run: RunOptions
  ): Effect.Effect<Rows, unknown> {
    const executed = execute(this.#caller, plan.sql, [...binds, ...plan.binds], this.#settings, run)
    return this.#forgotten(sql, Effect.flatMap(executed, ({ outBinds }) => this.#pivot(plan, outBinds)))
  }

  #batch({ statements }: BatchParameter, run: RunOptions): Effect.Effect<Rows, unknown> {
    const [only] = statements
    const ready = only === undefined || statements.length > 1 ? undefined : this.#ready(only.rows)
    if (only === undefined || ready === undefined) return this.#batches(statements, run)
    // As nearly all are. A generator would keep the rows until the next full garbage collection.
    const batch = this.#runBatch({ sql: only.sql, rows: only.rows as Run["rows"], ready }, run)
    return this.#whole(batch, run.autoCommit === true)
  }

  #batches(statements: BatchParameter["statements"], run: RunOptions): Effect.Effect<Rows, unknown> {
    return Effect.gen({ self: this }, function*() {
      const runs: Array<Run> = []
      for (const { rows, sql } of statements) {
        const ready = this.#ready(rows)
        if (ready !== undefined) {
          runs.push({ sql, rows: rows as Run["rows"], ready })
          continue
        }
        const written = rows.some((row) => row.some(isLob)) ? yield* this.#written(rows.flat()) : noLobs
        const bound = yield* attempted(() => rows.map((row, index) => this.#bound(row, written, index)))
        for (const each of runsOf(sql, bound)) runs.push(each)
      }
      const found: Array<Rows> = []
      const all = Effect.forEach(runs, (each, index) =>
        Effect.map(
          this.#runBatch(each, { ...run, autoCommit: run.autoCommit === true && index === runs.length - 1 }),
          (rows) => {
            found.push(rows)
          }
        ), { discard: true })
      yield* this.#whole(all, run.autoCommit === true)
      return found.flat()
    })
  }

  /** Rows of plain values, which are binds as they are and make one call. They are the statement's own, and do not change. */
  #ready(rows: BatchStatement["rows"]): BatchBinds | undefined {
    const batch = plainBatch(rows, this.#settings.dates, true)
    return batch?.hasBooleans === true && !this.#shared.abilities.booleans ? undefined : batch
  }

  #runBatch({ ready, rows, sql }: Run, run: RunOptions): Effect.Effect<Rows, unknown> {
    return Effect.flatMap(this.#plan(sql), (plan) => {
      if (plan === undefined) {
        return Effect.as(executeMany(this.#caller, sql, rows, {}, this.#settings, run, ready), [])
      }
      const all = rows.map((row) => [...row, ...plan.binds])
      const sent = executeMany(this.#caller, plan.sql, all, {}, this.#settings, run)
      return this.#forgotten(
        sql,
        Effect.flatMap(sent, ({ outBinds }) =>
          Effect.map(
            Effect.forEach(outBinds, (given) => this.#pivot(plan, given as ReadonlyArray<unknown>)),
            (found) => found.flat()
          ))
      )
    })
  }

  /**
   * A batch as one statement: what it did before it failed is undone. The server keeps the rows before the one that it refuses, and outside
   * of a transaction the next statement would commit them.
   */
  #whole<A>(batch: Effect.Effect<A, unknown>, isAutoCommit: boolean): Effect.Effect<A, unknown> {
    if (isAutoCommit) return Effect.onError(batch, () => this.#undone("ROLLBACK"))
    const sql = "SAVEPOINT effect_sql_batch"
    const savepoint = this.#caller.call(
      { operation: "SAVEPOINT", sql },
      (connection) => connection.execute(sql, [], {})
    )
    return Effect.andThen(
      savepoint,
      Effect.onError(batch, () => this.#undone("ROLLBACK TO SAVEPOINT effect_sql_batch"))
    )
  }

  /** Work that cannot be undone here is undone with its session, which must not be lent again. */
  #undone(sql: string): Effect.Effect<void> {
    const undo = this.#caller.call(
      { operation: "ROLLBACK", sql, isUrgent: true },
      (connection) => connection.execute(sql, [], {})
    )
    return Effect.catch(Effect.asVoid(undo), (error) =>
      Effect.sync(() => {
        if (!this.#caller.lease.isReleased) this.#caller.lease.reportFatal(error)
      }))
  }

  /** RETURNING gives columns of values; rows are made of them. */
  #pivot(plan: ReturningPlan, columns: ReadonlyArray<unknown>): Effect.Effect<Rows, unknown> {
    const lists = columns.map((column) => Array.isArray(column) ? column as ReadonlyArray<unknown> : [column])
    const count = lists[0]?.length ?? 0
    return Effect.forEach(
      Array.from({ length: count }, (_, row) => row),
      (row) =>
        Effect.map(
          Effect.forEach(plan.names, (name, column) =>
            Effect.map(this.#content(lists[column]?.[row] ?? null), (value) => [name, value] as const)),
          (entries) =>
            Object.fromEntries(entries)
        )
    )
  }

  /** One row of what a block has put into its OUT binds; cursors are read, for they end with the statement's lease. */
  #outValues(sql: string, params: ReadonlyArray<unknown>, run: RunOptions): Effect.Effect<Rows, unknown> {
    return Effect.flatMap(this.#binds(params), (binds) =>
      Effect.flatMap(
        execute(this.#caller, sql, binds, this.#settings, run),
        ({ outBinds }) =>
          Effect.map(
            Effect.forEach(params.filter(isOut), ({ bind, name }, index) => {
              const value = outBinds[index] ?? null
              const content = bind.type === "cursor" && Stream.isStream(value)
                ? Stream.runCollect(value as Stream.Stream<unknown, ReadError>)
                : this.#content(value)
              return Effect.map(content, (read) => [name, read] as const)
            }),
            (entries) => [Object.fromEntries(entries)]
          )
      ))
  }

  #cursor(
    sql: string,
    params: ReadonlyArray<unknown>,
    binds: ReadonlyArray<OracleBind.Bind>,
    run: RunOptions
  ): Stream.Stream<object, ReadError> {
    const index = params.filter(isOut).findIndex(({ bind }) => bind.type === "cursor")
    return Stream.unwrap(Effect.map(
      execute(this.#caller, sql, binds, this.#settings, run),
      ({ outBinds }) => {
        const rows = outBinds[index]
        return Stream.isStream(rows) ? rows as Stream.Stream<object, ReadError> : Stream.empty
      }
    ))
  }

  #content(value: unknown): Effect.Effect<unknown, CallError> {
    if (!(value instanceof OracleLob) || this.#settings.lobs === "handle") return Effect.succeed(value)
    return value.isText ? value.text : value.bytes
  }
}
