/** An Oracle connection as `effect/sql` sees one. */
import * as Effect from "effect/Effect"
import type * as SqlConnection from "effect/sql/SqlConnection"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import type * as OracleBind from "../OracleBind.ts"
import type { OracleConnection } from "../OracleConnection.ts"
import { OracleLob } from "../OracleLob.ts"
import { type Caller, type CallError } from "./caller.ts"
import type { ReadError } from "./cursor.ts"
import { createLob } from "./lobWriter.ts"
import { RowDecodeError } from "./rowDecodeError.ts"
import { locksRows, transactionControlOf } from "./sqlControl.ts"
import { toProgram } from "./sqlNames.ts"
import {
  type Abilities,
  BatchParameter,
  bindOf,
  isParameter,
  type LobParameter,
  type OutParameter
} from "./sqlParameter.ts"
import { asSqlError, toCommitError, toSqlError } from "./sqlReason.ts"
import { clashOf, returningOf, type ReturningPlan, returningPlan } from "./sqlReturning.ts"
import { execute, executeMany, query, queryStream, queryValues, type RunOptions } from "./statements.ts"
import { onSession, streamEnded } from "./statementSpan.ts"
import type { Level, Restore } from "./transaction.ts"
import { over, type ValueSettings } from "./valueSettings.ts"

type TransformRows = (<A extends object>(row: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined

type Rows = ReadonlyArray<{ readonly [column: string]: unknown }>

/** What the connections of one client share. */
export class SharedState {
  readonly abilities: Abilities
  readonly #plans = new Map<string, ReturningPlan>()

  constructor(abilities: Abilities) {
    this.abilities = abilities
  }

  plan(sql: string): ReturningPlan | undefined {
    return this.#plans.get(sql)
  }

  /** Statements are few, but texts made up by a program can be many: the oldest makes room. */
  remember(sql: string, plan: ReturningPlan): void {
    if (this.#plans.size >= 500) {
      for (const oldest of this.#plans.keys()) {
        this.#plans.delete(oldest)
        break
      }
    }
    this.#plans.set(sql, plan)
  }

  forget(sql: string): void {
    this.#plans.delete(sql)
  }
}

const isOut = (value: unknown): value is OutParameter => isParameter(value) && value._tag === "OutParameter"

const isLob = (value: unknown): value is LobParameter => isParameter(value) && value._tag === "LobParameter"

/** A column of a batch has one type: numbers among texts go as texts, which the database reads as numbers where it needs them. */
const ofOneKind = (
  rows: ReadonlyArray<ReadonlyArray<OracleBind.Bind>>
): ReadonlyArray<ReadonlyArray<OracleBind.Bind>> => {
  const isText = (rows[0] ?? []).map((_, column) => rows.some((row) => typeof row[column] === "string"))
  const asText = (bind: OracleBind.Bind, column: number): OracleBind.Bind =>
    isText[column] === true && (typeof bind === "number" || typeof bind === "bigint") ? String(bind) : bind
  return rows.map((row) => row.map(asText))
}

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
  readonly #caller: Caller
  readonly #settings: ValueSettings
  readonly #shared: SharedState
  /** Whether a transaction was begun by a statement, on a session that was reserved. */
  #isManual = false

  constructor(connection: OracleConnection, shared: SharedState) {
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
      first instanceof BatchParameter ? first.rows.length : undefined,
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
    const { abilities } = this.#shared
    const lobs = params.filter(isLob)
    if (lobs.length === 0) return Effect.succeed(params.map((param) => bindOf(param, abilities, new Map())))
    return Effect.map(
      Effect.forEach(
        lobs,
        (lob) => Effect.map(createLob(this.#caller, lob.kind, lob.source), (written) => [lob, written] as const)
      ),
      (written) => {
        const made = new Map(written)
        return params.map((param) => bindOf(param, abilities, made))
      }
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
    if (first instanceof BatchParameter) return this.#batch(sql, first, run)
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

  /** How the statement gives rows back, described once for all connections of the client. */
  #plan(sql: string): Effect.Effect<ReturningPlan | undefined, ReadError> {
    const known = this.#shared.plan(sql)
    if (known !== undefined) return Effect.succeed(known)
    const returning = returningOf(sql)
    if (returning === undefined) return Effect.succeed(undefined)
    return Effect.flatMap(
      this.#caller.call(
        { operation: "describe", sql: returning.description },
        (connection) => connection.getStatementInfo(returning.description)
      ),
      ({ metaData }) => {
        const plan = returningPlan(returning, metaData ?? [], this.#settings)
        const clash = clashOf(plan)
        if (clash !== undefined) {
          const problem = "stands for two columns of RETURNING, and a row can hold only one of them: give one an alias"
          return Effect.fail(new RowDecodeError({ row: 1, column: clash, problem, sql }))
        }
        this.#shared.remember(sql, plan)
        return Effect.succeed(plan)
      }
    )
  }

  #returned(
    sql: string,
    plan: ReturningPlan,
    binds: ReadonlyArray<OracleBind.Bind>,
    run: RunOptions
  ): Effect.Effect<Rows, unknown> {
    const executed = execute(this.#caller, plan.sql, [...binds, ...plan.binds], this.#settings, run)
    // The table may have changed since: the next one describes it again.
    return Effect.tapError(executed, () => Effect.sync(() => this.#shared.forget(sql))).pipe(
      Effect.flatMap(({ outBinds }) => this.#pivot(plan, outBinds))
    )
  }

  #batch(sql: string, { rows }: BatchParameter, run: RunOptions): Effect.Effect<Rows, unknown> {
    return Effect.flatMap(
      this.#plan(sql),
      (plan) =>
        Effect.flatMap(Effect.forEach(rows, (row) => this.#binds(row)), (bound) => {
          const binds = ofOneKind(bound)
          const all = plan === undefined ? binds : binds.map((row) => [...row, ...plan.binds])
          return executeMany(this.#caller, plan?.sql ?? sql, all, {}, this.#settings, run).pipe(
            Effect.flatMap(({ outBinds }) =>
              plan === undefined
                ? Effect.succeed([])
                : Effect.map(
                  Effect.forEach(outBinds, (given) => this.#pivot(plan, given as ReadonlyArray<unknown>)),
                  (found) => found.flat()
                )
            )
          )
        })
    )
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
