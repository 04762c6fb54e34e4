/**
 * What a caller holds while a session of the database is leased to it: statements, streams, transactions, LOBs.
 *
 * One call runs on a session at a time; others wait for their turn. Interrupting a call stops its statement at the server. When
 * the lease ends, everything that came of the connection ends with it: cursors, LOBs, streams.
 */
import { Connection, type PoolError, type PoolOptions } from "@sessionpool/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import type { ReadError } from "./internal/cursor.ts"
import { description, type StatementDescription } from "./internal/describeStatement.ts"
import { type CallError, DriverCaller } from "./internal/driverCaller.ts"
import { executeMany, type ExecuteManyOptions, type ExecuteManyResult } from "./internal/executeMany.ts"
import { duration } from "./internal/fieldKinds.ts"
import { givenOptions } from "./internal/givenOptions.ts"
import { readContext } from "./internal/leaseContext.ts"
import {
  type LoadFailure,
  type LoadOptions,
  loadProblem,
  type LoadProgress,
  type LoadRow,
  namesProblem
} from "./internal/loadOptions.ts"
import { load, propertyOf, targetOn } from "./internal/loads.ts"
import { createLob, type LobKind, type LobSource } from "./internal/lobWriter.ts"
import type { DriverConnection } from "./internal/oracledb.ts"
import { passwordProblem } from "./internal/passwords.ts"
import { tagRefused } from "./internal/pooledServer.ts"
import { kindOf, refusal, wrongArgument } from "./internal/refusal.ts"
import type { Row } from "./internal/rowReader.ts"
import { decodedStream, rowDecoder } from "./internal/rowSchema.ts"
import { type PipelineOptions, runPipeline } from "./internal/runPipeline.ts"
import type { OracleSession } from "./internal/session.ts"
import { type ConnectionInfo, readInfo } from "./internal/sessionInfo.ts"
import { isSchemaName } from "./internal/sqlNames.ts"
import type { SchemaOptions, StatementRunner } from "./internal/statementRunner.ts"
import { callRoutine, execute, type ExecuteResult, query, queryStream } from "./internal/statements.ts"
import { sent } from "./internal/statementText.ts"
import { longestTimer } from "./internal/timers.ts"
import { type TransactionOptions, transactionProblem, Transactions } from "./internal/transaction.ts"
import { defaultValues, type ValueOptions, type ValueSettings } from "./internal/valueSettings.ts"
import * as OracleBind from "./OracleBind.ts"
import type { OracleContext } from "./OracleContext.ts"
import { isOracleError, type OracleError } from "./OracleError.ts"
import type { OracleLob } from "./OracleLob.ts"
import type { Answers, OracleStatement, Services } from "./OracleStatement.ts"

export type { ReadError } from "./internal/cursor.ts"
export type { DatePolicy } from "./internal/datePolicy.ts"
export type { DescribedColumn, StatementDescription } from "./internal/describeStatement.ts"
export type { CallError } from "./internal/driverCaller.ts"
export type { ExecuteManyOptions, ExecuteManyResult } from "./internal/executeMany.ts"
export { LoadError } from "./internal/loadError.ts"
export type { LoadFailure, LoadOptions, LoadProgress, LoadRow } from "./internal/loadOptions.ts"
export type { LobKind, LobSource } from "./internal/lobWriter.ts"
export type { NumberPolicy } from "./internal/numberPolicy.ts"
export type { DriverConnection } from "./internal/oracledb.ts"
export { RowDecodeError } from "./internal/rowDecodeError.ts"
export type { Row } from "./internal/rowReader.ts"
export type { ConnectionInfo } from "./internal/sessionInfo.ts"
export type { SchemaOptions } from "./internal/statementRunner.ts"
export type { ExecuteResult } from "./internal/statements.ts"
export type { TransactionOptions } from "./internal/transaction.ts"
export type { Column, ColumnNames, ValueOptions } from "./internal/valueSettings.ts"

/**
 * A connection to an Oracle database, for as long as its lease lasts.
 *
 * **When to use**
 *
 * Use as the type of what `pool.acquire` gives, in functions that need a connection.
 *
 * **Details**
 *
 * Every operation fails with `ConnectionReleasedError` after the end of the lease, and with `OracleError` when the database or
 * the driver refuses it; reading rows also with `RowDecodeError`. Nothing is committed unless `commit` or `withTransaction` does.
 *
 * **Example** (A raise in a transaction)
 *
 * ```ts
 * import { OracleSessionPool } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const raise = Effect.gen(function*() {
 *   const pool = yield* OracleSessionPool
 *   return yield* pool.use((connection) =>
 *     connection.withTransaction(connection.execute("update emp set sal = sal * :by where id = :id", { by: 1.1, id: 7 }))
 *   )
 * })
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export class OracleConnection extends Connection.Base implements StatementRunner {
  readonly #caller: DriverCaller
  readonly #hasTags: boolean
  readonly #values: ValueSettings
  #transactions: Transactions | undefined = undefined

  /** @internal */
  constructor(lease: Connection.Lease, session: OracleSession, values: ValueSettings = defaultValues) {
    super(lease)
    this.#caller = new DriverCaller(session, lease)
    this.#hasTags = !session.isPooledServer
    this.#values = values
  }

  /**
   * Changes the tag that the session keeps when it goes back. It is refused, as every malformed tag is, where a pooled server
   * exchanges the server's session under this one: nothing could carry the tag there.
   */
  override setTag(
    tag: string | undefined
  ): Effect.Effect<void, PoolError.InvalidTagError | PoolError.ConnectionReleasedError> {
    return this.#hasTags || tag === undefined || tag.trim() === ""
      ? super.setTag(tag)
      : Effect.fail(tagRefused(this.lease.pool, tag))
  }

  /** @internal */
  get caller(): DriverCaller {
    return this.#caller
  }

  /** @internal */
  get prepared(): Effect.Effect<void> {
    return Effect.sync(() => this.#caller.session.context.adoptSchema())
  }

  /** @internal */
  get transactions(): Transactions {
    return this.#transactions ??= new Transactions(this.#caller)
  }

  /** @internal */
  get values(): ValueSettings {
    return this.#values
  }

  /** Goes on with the settings that the options of a call ask for, when they can be read. */
  #reading<A, E, R>(
    operation: string,
    options: ValueOptions | undefined,
    run: (values: ValueSettings) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | OracleError, R> {
    const values = givenOptions(operation, this.#values, options)
    return isOracleError(values) ? Effect.fail(values) : run(values)
  }

  /** All rows of a query; with a `schema`, decoded. */
  query(sql: string, binds?: OracleBind.Binds, options?: ValueOptions): Effect.Effect<ReadonlyArray<Row>, ReadError>
  query<S extends Schema.Constraint>(
    sql: string,
    binds: OracleBind.Binds | undefined,
    options: SchemaOptions<S>
  ): Effect.Effect<ReadonlyArray<S["Type"]>, ReadError, S["DecodingServices"]>
  query<S extends Schema.Constraint>(
    sql: string,
    binds?: OracleBind.Binds,
    options?: ValueOptions & { readonly schema?: S }
  ): Effect.Effect<ReadonlyArray<unknown>, ReadError, S["DecodingServices"]> {
    return this.#reading(
      "query",
      options,
      (values): Effect.Effect<ReadonlyArray<unknown>, ReadError, S["DecodingServices"]> => {
        const rows = query(this.#caller, sql, binds, values)
        const schema = options?.schema
        return schema === undefined ? rows : Effect.flatMap(rows, (found) => rowDecoder(schema, sql)(found, 0))
      }
    )
  }

  /**
   * The rows of a query as they are asked for: a round trip brings `fetchArraySize` of them, and none is made ahead. The cursor
   * is closed when the stream ends, fails or is interrupted, and at the latest with the lease.
   */
  queryStream(sql: string, binds?: OracleBind.Binds, options?: ValueOptions): Stream.Stream<Row, ReadError>
  queryStream<S extends Schema.Constraint>(
    sql: string,
    binds: OracleBind.Binds | undefined,
    options: SchemaOptions<S>
  ): Stream.Stream<S["Type"], ReadError, S["DecodingServices"]>
  queryStream<S extends Schema.Constraint>(
    sql: string,
    binds?: OracleBind.Binds,
    options?: ValueOptions & { readonly schema?: S }
  ): Stream.Stream<unknown, ReadError, S["DecodingServices"]> {
    const values = givenOptions("query", this.#values, options)
    if (isOracleError(values)) return Stream.fail(values)
    const rows = queryStream(this.#caller, sql, binds, values)
    return options?.schema === undefined ? rows : decodedStream(rows, options.schema, sql)
  }

  /**
   * What a statement is, without running it: its kind, the columns of a query, the names of its placeholders. Mistakes that the database
   * finds when it parses fail here. A definition is not sent, since parsing it would run it.
   */
  describe(sql: string): Effect.Effect<StatementDescription, CallError> {
    return sent(sql, (text) =>
      this.#caller.callThen(
        { operation: "describe", sql: text },
        (connection) => connection.getStatementInfo(text),
        (info) => Effect.succeed(description(info))
      ))
  }

  /** One statement, with everything that it gives: counts, OUT binds, RETURNING, cursors. */
  execute<const B extends OracleBind.Binds = []>(
    sql: string,
    binds?: B,
    options?: ValueOptions
  ): Effect.Effect<ExecuteResult<B>, ReadError> {
    return this.#reading("execute", options, (values) => execute(this.#caller, sql, binds, values))
  }

  /** One statement for each row of binds, all in one round trip. All rows have the binds of the first. */
  executeMany(
    sql: string,
    rows: ReadonlyArray<OracleBind.Binds>,
    options?: ExecuteManyOptions & ValueOptions
  ): Effect.Effect<ExecuteManyResult, ReadError> {
    return this.#reading(
      "executeMany",
      options,
      (values) => executeMany(this.#caller, sql, rows, options ?? {}, values)
    )
  }

  /**
   * A sink that loads rows into a table, a chunk in each round trip, and gives their number. Nothing more is taken from the stream while
   * a chunk is written.
   *
   * **Details**
   *
   * Rows are written by array DML: a row that the database refuses fails the load with a `LoadError` that says which. Nothing is
   * committed unless `commit` says so. With `direct` rows go past SQL: faster for many rows, and committed chunk by chunk, so that it is
   * refused while the connection has uncommitted work. `table` may name its schema; names are written as in SQL, quoted where they need it.
   *
   * **Gotchas**
   *
   * Direct path load runs no triggers, locks the table for each chunk, and takes only values of the column's own type.
   *
   * **Example** (A stream into a table)
   *
   * ```ts
   * import { OracleSessionPool } from "@sessionpool/oracle"
   * import { Effect, Stream } from "effect"
   *
   * const load = Effect.gen(function*() {
   *   const pool = yield* OracleSessionPool
   *   return yield* pool.use((connection) =>
   *     connection.withTransaction(
   *       Stream.range(1, 1_000_000).pipe(
   *         Stream.map((id) => [id, `item ${id}`]),
   *         Stream.run(connection.sink("items", ["id", "name"]))
   *       )
   *     )
   *   )
   * })
   * ```
   */
  sink<const Column extends string>(
    table: string,
    columns: ReadonlyArray<Column>,
    options: LoadOptions = {}
  ): Sink.Sink<LoadProgress, LoadRow<Column>, never, LoadFailure> {
    const problem = loadProblem(table, columns, options) ?? namesProblem(table, columns)
    if (problem !== undefined) return Sink.fail(problem)
    const names = { table, columns, properties: columns.map(propertyOf) }
    return Sink.fromTransform((upstream) => load(targetOn(this, names), options, upstream))
  }

  /** A stored procedure; gives the values of its OUT and IN OUT arguments. Names of arguments and routine are checked. */
  call<const B extends OracleBind.Binds = []>(
    procedure: string,
    args?: B,
    options?: ValueOptions
  ): Effect.Effect<OracleBind.OutValues<B>, ReadError> {
    return this.#reading("call", options, (values) =>
      Effect.map(
        callRoutine(this.#caller, procedure, args ?? [], undefined, values),
        ({ outBinds }) => outBinds as OracleBind.OutValues<B>
      ))
  }

  /** A stored function; `returns` is the type of its value. */
  callFunction<T extends OracleBind.AnyType>(
    name: string,
    returns: T | OracleBind.OutBind<T>,
    args: OracleBind.Binds = [],
    options?: ValueOptions
  ): Effect.Effect<OracleBind.ValueOf<T> | null, ReadError> {
    const result = OracleBind.isDescribed(returns) ? returns : OracleBind.out(returns)
    return this.#reading("call", options, (values) =>
      Effect.map(
        callRoutine(this.#caller, name, args, result, values),
        ({ value }) => value as OracleBind.ValueOf<T> | null
      ))
  }

  /**
   * Many statements in one round trip, where the server takes pipelines (23ai and later, Thin mode); elsewhere one by one. Gives
   * what each gives, in their order, with the same values as by itself.
   *
   * **Details**
   *
   * All statements run, whatever becomes of those before them. With `mode: "result"` each outcome is a `Result`. Without it the
   * first failure in their order is the failure of the whole, and names its statement. `commit: true` commits when all have
   * succeeded, in a round trip of its own: only then is the outcome of the last one known.
   *
   * **Gotchas**
   *
   * Without `commit` nothing is committed, and nothing is undone when a statement fails: use it inside `withTransaction`, or roll
   * back.
   */
  pipeline<const S extends ReadonlyArray<OracleStatement<unknown, unknown>>>(
    statements: S,
    options: { readonly mode: "result"; readonly commit?: boolean | undefined }
  ): Effect.Effect<
    { readonly [K in keyof S]: K extends keyof Answers<S> ? Result.Result<Answers<S>[K], ReadError> : never },
    CallError,
    Services<S>
  >
  pipeline<const S extends ReadonlyArray<OracleStatement<unknown, unknown>>>(
    statements: S,
    options?: { readonly commit?: boolean | undefined }
  ): Effect.Effect<Answers<S>, ReadError, Services<S>>
  pipeline(
    statements: ReadonlyArray<OracleStatement<unknown, unknown>>,
    options: PipelineOptions = {}
  ): Effect.Effect<unknown, ReadError, unknown> {
    return runPipeline(this, statements, options, this.commit)
  }

  /**
   * The driver's own connection, inside the lease: for what this class has no member for. It waits for its turn like every other
   * call; its failures are typed, and an interruption breaks it at the server.
   *
   * **When to use**
   *
   * Use it for members of the driver that stand nowhere here, such as `getQueue`, `subscribe`, `getDbObjectClass`.
   *
   * **Gotchas**
   *
   * Close what you open (result sets, LOBs, queues) before the promise ends, and do not keep the connection: after the lease it
   * belongs to another caller. What you set on it (module, call timeout) is put back at the end of the lease.
   *
   * **Example** (The columns of a statement)
   *
   * ```ts
   * import type { OracleConnection } from "@sessionpool/oracle"
   *
   * const columns = (connection: OracleConnection.OracleConnection, sql: string) =>
   *   connection.driver((driver) => driver.getStatementInfo(sql))
   * ```
   */
  driver<A, C extends object = DriverConnection>(f: (connection: C) => Promise<A>): Effect.Effect<A, CallError> {
    const { session } = this.#caller
    if (typeof f !== "function") {
      return Effect.fail(
        wrongArgument("driver", "What is given to connection.driver", "a function that returns a promise", f)
      )
    }
    return this.#caller.call({ operation: "driver" }, (connection) => {
      session.giveToCaller()
      // Programs without types may give what they have at once.
      return Promise.resolve(f(connection as unknown as C))
    })
  }

  /**
   * Makes the work of the transaction permanent. A commit is never broken off: whoever gives it up waits for its answer, up to
   * `pingTimeout`. `commitTimeout` of the pool bounds it in any case.
   */
  get commit(): Effect.Effect<void, CallError> {
    return Effect.uninterruptibleMask((restore) => this.transactions.commit(restore))
  }

  /** Undoes the work of the transaction. */
  get rollback(): Effect.Effect<void, CallError> {
    return this.#caller.call({ operation: "ROLLBACK" }, (connection) => connection.rollback())
  }

  /** Whether there is work that neither `commit` nor `rollback` has ended, as far as the server has said. */
  get inTransaction(): Effect.Effect<boolean, CallError> {
    return this.#caller.now({ operation: "inTransaction" }, (connection) => connection.transactionInProgress === true)
  }

  /**
   * Commits when `effect` succeeds, rolls back when it fails or is interrupted. Inside another transaction of this connection,
   * also one that `sql.withTransaction` began, it is a savepoint. Another fiber's transaction on the same connection waits until
   * this one has ended, and so does an inner one beside another inner one. A fiber that was forked inside and begins a
   * transaction after this one has ended begins one of its own.
   */
  withTransaction<A, E, R>(
    effect: Effect.Effect<A, E, R>,
    options?: TransactionOptions
  ): Effect.Effect<A, E | CallError, R> {
    const problem = transactionProblem(effect, options)
    return problem === undefined ? this.transactions.within(effect, options) : Effect.fail(problem)
  }

  /**
   * A temporary LOB with the content of `source`, to be bound; it is freed with the lease. Small pieces are gathered, so that the first
   * round trip writes a megabyte and each later one two megabytes; no more than that is held.
   */
  createLob<E = never, R = never>(kind: LobKind, source: LobSource<E, R>): Effect.Effect<OracleLob, E | CallError, R> {
    return createLob(this.#caller, kind, source)
  }

  /** One round trip that does nothing. */
  get ping(): Effect.Effect<void, CallError> {
    return this.#caller.call({ operation: "PING" }, (connection) => connection.ping())
  }

  /** The schema in which names without one are looked up. */
  get currentSchema(): Effect.Effect<string, ReadError> {
    // The driver knows it once somebody has set it.
    return Effect.filterOrElse(
      this.#caller.now(
        { operation: "currentSchema" },
        (connection) => this.#caller.session.context.schemaOf(connection)
      ),
      (known) => known !== "",
      () =>
        Effect.map(
          query(this.#caller, "select sys_context('userenv', 'current_schema') as name from dual", [], defaultValues),
          ([row]) => String(row?.["NAME"] ?? "")
        )
    )
  }

  /**
   * Changes it until the end of the lease; the server is told along with the next call, and fails that when there is no such
   * schema. The first time on a session costs a round trip, which asks for the schema to put back. What `onSession` sets belongs to the
   * session and stays.
   */
  setCurrentSchema(name: string): Effect.Effect<void, ReadError> {
    if (!isSchemaName(name)) {
      const message = typeof name === "string"
        ? `${
          JSON.stringify(name)
        } cannot be the name of a schema: nothing was changed. Put it in double quotes unless it is a plain identifier.`
        : `The name of a schema must be a text, not ${kindOf(name)}: nothing was changed.`
      return Effect.fail(refusal("setCurrentSchema", message))
    }
    return Effect.flatMap(this.currentSchema, (before) =>
      this.#caller.now({ operation: "setCurrentSchema" }, () => {
        this.#caller.session.changeContext((context) => context.setSchema(name, before))
      }))
  }

  /**
   * Changes the context of this lease until its end, beside what `OracleContext` has set; the server is told along with the next
   * call. Attributes that are not named stay, and an empty text takes a value away.
   */
  setContext(changes: OracleContext): Effect.Effect<void, CallError> {
    return this.#caller.now({ operation: "setContext" }, () => {
      const { attributes, problem, values } = readContext(changes)
      if (problem !== undefined) throw problem
      this.#caller.session.changeContext((context) => context.merge(values, attributes))
    })
  }

  #setText(field: "module" | "action" | "clientIdentifier" | "clientInfo" | "operation", text: string) {
    // In a context `undefined` leaves a value as it is; a setter that was given none must not keep the user before.
    return text === undefined
      ? Effect.fail(wrongArgument("context", `The ${field} of a lease`, "a text", text))
      : this.setContext({ [field]: text })
  }

  /** What the server shows as the module of the session (`v$session.module`); cut to 64 bytes. */
  setModule(name: string): Effect.Effect<void, CallError> {
    return this.#setText("module", name)
  }

  /** What the server shows as the action of the session; cut to 64 bytes. */
  setAction(name: string): Effect.Effect<void, CallError> {
    return this.#setText("action", name)
  }

  /** The end user that the work is for (`client_identifier`). */
  setClientIdentifier(name: string): Effect.Effect<void, CallError> {
    return this.#setText("clientIdentifier", name)
  }

  /** Free text about the client (`client_info`). */
  setClientInfo(text: string): Effect.Effect<void, CallError> {
    return this.#setText("clientInfo", text)
  }

  /** The operation that the work belongs to in the server's monitoring. */
  setDbOperation(name: string): Effect.Effect<void, CallError> {
    return this.#setText("operation", name)
  }

  /** How many statements the session keeps parsed. */
  get statementCacheSize(): Effect.Effect<number, CallError> {
    return this.#caller.now({ operation: "statementCacheSize" }, (connection) => connection.stmtCacheSize)
  }

  /** Changes it until the end of the lease. Thin mode cannot: the pool's `stmtCacheSize` holds there. */
  setStatementCacheSize(size: number): Effect.Effect<void, CallError> {
    if (!Number.isInteger(size) || size < 0) {
      return Effect.fail(wrongArgument("setStatementCacheSize", "The statement cache", "an integer of 0 or more", size))
    }
    return this.#caller.now({ operation: "setStatementCacheSize" }, (connection) => {
      connection.stmtCacheSize = size
    })
  }

  /**
   * How long one round trip may take until the end of the lease; zero or `"infinity"` is without limit. The longest limit is that
   * of a timer, some 24 days. What the pool does on its own (pings, breaks, rollbacks) is bounded by `pingTimeout` instead.
   */
  setCallTimeout(timeout: PoolOptions.DurationOption): Effect.Effect<void, CallError> {
    const limit = duration.parse(timeout)
    if (limit === undefined) {
      return Effect.fail(
        refusal("setCallTimeout", `The call timeout must be ${duration.expected}: nothing was changed.`)
      )
    }
    return this.#caller.now({ operation: "setCallTimeout" }, () => {
      const millis = Duration.toMillis(limit)
      this.#caller.session.callTimeout = Number.isFinite(millis) ? Math.min(Math.ceil(millis), longestTimer) : 0
    })
  }

  /** Changes the password of `user`. The pool goes on with the old one unless its credentials are an effect. */
  changePassword(
    user: string,
    passwords: { readonly from: Redacted.Redacted<string>; readonly to: Redacted.Redacted<string> }
  ): Effect.Effect<void, CallError> {
    const problem = passwordProblem(user, passwords)
    if (problem !== undefined) return Effect.fail(problem)
    return this.#caller.call(
      { operation: "CHANGE PASSWORD", secrets: [passwords.from, passwords.to], isAutoCommit: true },
      (connection) => connection.changePassword(user, Redacted.value(passwords.from), Redacted.value(passwords.to))
    )
  }

  /** The release of the server, such as `"23.7.0.25.1"`; known since the session was opened. */
  get serverVersion(): Effect.Effect<string, CallError> {
    return this.#caller.now({ operation: "serverVersion" }, (connection) => connection.oracleServerVersionString ?? "")
  }

  /** The server and the session: version, names, and the numbers under which `v$session` has it. */
  get info(): Effect.Effect<ConnectionInfo, ReadError> {
    return readInfo(this.#caller)
  }
}
