/**
 * The contract between the wire side of the embedded Oracle server and the SQL engine behind it.
 *
 * The wire side opens one {@link EngineSession} for each logged-on session, parses a text once with
 * {@link EngineSession.parse}, runs the {@link Statement} as often as it likes with {@link EngineSession.execute} and
 * takes rows with {@link EngineSession.fetch}. Everything is synchronous except a statement that has to wait (for a row
 * lock, `dbms_session.sleep`, a procedure that answers a promise) or that works for more than a few milliseconds: that
 * one execution, or fetch, returns a promise.
 *
 * One session runs one call at a time. Only {@link EngineSession.cancel} and {@link EngineSession.close} may come while a
 * promise is pending.
 */

/** The data types a column, a bind or a returned value can have. `number` on the wire is the driver's own type number. */
export type TypeName =
  | "VARCHAR2"
  | "NVARCHAR2"
  | "CHAR"
  | "NCHAR"
  | "LONG"
  | "NUMBER"
  | "BINARY_INTEGER"
  | "BINARY_FLOAT"
  | "BINARY_DOUBLE"
  | "RAW"
  | "LONG RAW"
  | "DATE"
  | "TIMESTAMP"
  | "TIMESTAMP WITH TIME ZONE"
  | "TIMESTAMP WITH LOCAL TIME ZONE"
  | "INTERVAL YEAR TO MONTH"
  | "INTERVAL DAY TO SECOND"
  | "BOOLEAN"
  | "CLOB"
  | "NCLOB"
  | "BLOB"
  | "JSON"
  | "VECTOR"
  | "ROWID"
  | "UROWID"
  | "CURSOR"

/**
 * DATE and the TIMESTAMPs as calendar fields.
 *
 * For `TIMESTAMP WITH TIME ZONE` the fields are the wall clock in the value's own zone and `offsetMinutes` is that zone's
 * distance from UTC (UTC = fields - offset). For `TIMESTAMP WITH LOCAL TIME ZONE` the fields are in the database time zone
 * (UTC, offset 0), as the wire carries them. DATE and TIMESTAMP have no zone: `offsetMinutes` is 0 and means nothing.
 */
export interface DateTime {
  readonly _tag: "DateTime"
  /** -4712 to 9999. */
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly nanosecond: number
  readonly offsetMinutes: number
}

/** All parts carry the sign of the whole. */
export interface IntervalYearToMonth {
  readonly _tag: "IntervalYearToMonth"
  readonly years: number
  readonly months: number
}

/** All parts carry the sign of the whole. */
export interface IntervalDayToSecond {
  readonly _tag: "IntervalDayToSecond"
  readonly days: number
  readonly hours: number
  readonly minutes: number
  readonly seconds: number
  readonly nanoseconds: number
}

/** A JSON value: what `JSON.parse` gives. */
export interface JsonValue {
  readonly _tag: "Json"
  readonly value: unknown
}

/** A dense VECTOR. `BINARY` holds one number a byte (8 dimensions each). */
export interface VectorValue {
  readonly _tag: "Vector"
  readonly format: "FLOAT32" | "FLOAT64" | "INT8" | "BINARY"
  readonly values: ReadonlyArray<number>
}

/**
 * A LOB locator. Offsets are 1-based and, like lengths, in characters for CLOB and NCLOB (UTF-16 units, as the server counts
 * them for a variable-width character set) and in bytes for BLOB.
 */
export interface Lob {
  readonly _tag: "Lob"
  readonly type: "CLOB" | "NCLOB" | "BLOB"
  readonly temporary: boolean
  readonly chunkSize: number
  length(): number
  /** Text for CLOB and NCLOB, bytes for BLOB; empty at or past the end. */
  read(offset: number, amount: number): string | Uint8Array
  /**
   * Writes at `offset`, filling a gap with blanks (zero bytes for BLOB).
   * A persistent LOB whose row this session has not locked fails with ORA-22920.
   */
  write(offset: number, data: string | Uint8Array): void
  trim(length: number): void
  /** Ends a temporary LOB; later use fails with ORA-22922. */
  free(): void
}

/**
 * An open query. Rows are produced as they are fetched; the read is consistent with the moment of the execution.
 * Close it (piggyback 105, cancel, end of call for an unused one) with {@link EngineSession.closeCursor}.
 */
export interface Cursor {
  readonly _tag: "Cursor"
  readonly columns: ReadonlyArray<Column>
  /** True when the last row has been handed out: ORA-01403 may ride with those rows. */
  readonly exhausted: boolean
  /** Rows handed out so far. */
  readonly rowCount: number
}

/**
 * One value. The column's or the bind's type says which form it takes:
 *
 * - NUMBER, BINARY_INTEGER: decimal text, `-?digits[.digits][E[+-]digits]`; what the engine hands out has no exponent, no
 *   leading zeros before or trailing zeros after the point, and keeps all of the (up to 40) digits;
 * - BINARY_FLOAT, BINARY_DOUBLE: number;
 * - VARCHAR2, NVARCHAR2, CHAR, NCHAR, LONG, ROWID, UROWID: text, never empty (the empty string is null both ways);
 * - RAW, LONG RAW: bytes;
 * - DATE and the TIMESTAMPs: {@link DateTime}; intervals: {@link IntervalYearToMonth}, {@link IntervalDayToSecond};
 * - BOOLEAN: boolean; JSON: {@link JsonValue}; VECTOR: {@link VectorValue};
 * - CLOB, NCLOB, BLOB: {@link Lob} out of the engine. Into the engine: a {@link Lob}, text or bytes;
 * - CURSOR: {@link Cursor}.
 */
export type Value =
  | null
  | string
  | number
  | boolean
  | Uint8Array
  | DateTime
  | IntervalYearToMonth
  | IntervalDayToSecond
  | JsonValue
  | VectorValue
  | Lob
  | Cursor

export type Row = ReadonlyArray<Value>

/** What DESCRIBE tells about a column of a query. */
export interface Column {
  readonly name: string
  readonly type: TypeName
  /** NUMBER: 0 with `scale` -127 for an unconstrained number or an expression. Intervals: leading field digits. */
  readonly precision: number
  /** NUMBER: scale. TIMESTAMP and INTERVAL DAY TO SECOND: digits of the fractional second. */
  readonly scale: number
  /** Bytes in the database; never 0. LOBs, JSON, VECTOR: what the server reports for a locator. */
  readonly maxSize: number
  /** Characters for character types, otherwise 0. */
  readonly maxChars: number
  readonly nullable: boolean
  /** True for the national character set (NVARCHAR2, NCHAR, NCLOB): csfrm 2. */
  readonly national: boolean
  /** True when the column carries an IS JSON check constraint. */
  readonly isJson: boolean
  readonly vector?: { readonly dimensions: number; readonly format: VectorValue["format"] | "ANY" }
}

export type StatementKind = "query" | "insert" | "update" | "delete" | "merge" | "plsql" | "ddl" | "other"

/**
 * How a placeholder is used. The wire does not carry it: the engine finds it in the text. `returning` marks a placeholder
 * of `RETURNING ... INTO`, for which the driver never sends a value.
 */
export type BindDirection = "in" | "out" | "inout" | "returning"

/** A placeholder, in the order in which the driver sends values: each occurrence in SQL, each distinct name in PL/SQL. */
export interface Placeholder {
  /** Without the colon; upper case unless quoted. */
  readonly name: string
  readonly direction: BindDirection
}

/** A parsed text. It may be executed any number of times by the session that parsed it, until that session closes. */
export interface Statement {
  readonly _tag: "Statement"
  readonly sql: string
  readonly kind: StatementKind
  readonly placeholders: ReadonlyArray<Placeholder>
}

/** What the driver says about a bind with the execution. */
export interface BindType {
  readonly type: TypeName
  /** Bytes; the room an OUT value has. 0 = not said. */
  readonly maxSize: number
  /** Present for a PL/SQL index-by table: the room in elements. The bind's value is then a {@link BindArray}. */
  readonly maxElements?: number
}

/** The elements of a PL/SQL index-by table bind. */
export type BindArray = ReadonlyArray<Value>

export interface ExecuteRequest {
  /** One for each placeholder, in order. Types may differ from execution to execution. */
  readonly bindTypes: ReadonlyArray<BindType>
  /**
   * One entry for each iteration, each with a value for each placeholder (`null` where none is sent). Empty or absent is
   * one iteration without binds.
   */
  readonly rows?: ReadonlyArray<ReadonlyArray<Value | BindArray>>
  /** Commit when the statement succeeds. */
  readonly autoCommit?: boolean
  /** Array DML: go on after a failing row and report it in `batchErrors`. */
  readonly batchErrors?: boolean
  /** Array DML: fill `rowCounts`. */
  readonly rowCounts?: boolean
  /** Parse and describe only: nothing is run, queries answer with their columns. */
  readonly describeOnly?: boolean
}

export interface BatchError {
  /** Index of the iteration. */
  readonly row: number
  readonly error: OraErrorLike
}

export interface OutBind {
  /** Index into the placeholders. */
  readonly index: number
  readonly direction: "out" | "inout"
  readonly type: TypeName
  /** One entry for each iteration. */
  readonly values: ReadonlyArray<Value | BindArray>
}

export interface ReturnedRows {
  /** Index into the placeholders. */
  readonly index: number
  readonly type: TypeName
  /** One entry for each iteration: the values of the rows that iteration touched. */
  readonly values: ReadonlyArray<ReadonlyArray<Value>>
}

/** The outcome of an execution. Absent parts do not apply. */
export interface ExecuteResult {
  /** Rows inserted, updated, deleted or merged; 0 for a query (its rows come through `fetch`). */
  readonly rowCount: number
  /** For a query. */
  readonly cursor?: Cursor
  /** For a query under `describeOnly`. */
  readonly columns?: ReadonlyArray<Column>
  readonly outBinds?: ReadonlyArray<OutBind>
  readonly returned?: ReadonlyArray<ReturnedRows>
  readonly batchErrors?: ReadonlyArray<BatchError>
  readonly rowCounts?: ReadonlyArray<number>
  /** Queries handed back by `dbms_sql.return_result`, in order. */
  readonly implicitResults?: ReadonlyArray<Cursor>
  /** The rowid of the last row inserted, updated, deleted or merged (18 characters). */
  readonly lastRowid?: string
}

/** Attributes the driver sets with the end-to-end piggyback. Absent = leave as it is; null or empty = clear. */
export interface EndToEnd {
  readonly module?: string | null
  readonly action?: string | null
  readonly clientId?: string | null
  readonly clientInfo?: string | null
  readonly dbOp?: string | null
  readonly ecid?: string | null
}

/** Who logs on, and from where. */
export interface SessionInfo {
  /** The schema user, upper case. Its schema comes into being at the first logon. */
  readonly user: string
  /** The proxy that opened the session for `user`. */
  readonly proxyUser?: string
  readonly sid: number
  readonly serial: number
  readonly service: string
  /** The instance that serves it, where several share the database; by default the engine's own. */
  readonly instance?: string
  readonly program?: string
  readonly machine?: string
  readonly osUser?: string
  readonly terminal?: string
  readonly processId?: string
  readonly driverName?: string
  readonly clientAddress?: string
  readonly edition?: string
  /** `+02:00` or a region name; the driver sends it as `ALTER SESSION SET TIME_ZONE` during logon. */
  readonly timeZone?: string
  /** Dedicated, or pooled by DRCP. */
  readonly server?: "DEDICATED" | "POOLED"
  readonly connectionClass?: string
  readonly authenticationMethod?: string
}

/** One logged-on session. */
export interface EngineSession {
  readonly info: SessionInfo
  /** True while uncommitted work or locks exist: bit 0x2 of the call status. */
  readonly inTransaction: boolean
  /** Whether rows of a temporary table outlive the transaction in this session. */
  readonly hasTemporaryRows: boolean
  readonly currentSchema: string
  readonly edition: string
  /**
   * Classifies the text, finds its placeholders and its syntax errors. Objects are resolved here for queries and DML too:
   * ORA-00942 and ORA-00904 come from here when binds do not matter, otherwise from `execute`.
   */
  parse(sql: string): Statement
  /** The columns of a query, null for anything else. Placeholders count as VARCHAR2 when no types are given. */
  describe(statement: Statement, bindTypes?: ReadonlyArray<BindType>): ReadonlyArray<Column> | null
  /** Throws, or rejects with, {@link OraErrorLike}. */
  execute(statement: Statement, request: ExecuteRequest): ExecuteResult | Promise<ExecuteResult>
  /**
   * Up to `count` next rows; fewer only when the cursor is exhausted. A promise when the rows take longer than one turn of
   * the event loop: {@link EngineSession.cancel} breaks it as it breaks an execution.
   */
  fetch(cursor: Cursor, count: number): ReadonlyArray<Row> | Promise<ReadonlyArray<Row>>
  closeCursor(cursor: Cursor): void
  createTemporaryLob(type: "CLOB" | "NCLOB" | "BLOB"): Lob
  commit(): void
  rollback(): void
  setEndToEnd(attributes: EndToEnd): void
  /** The attributes as they are, whoever has set them; null where none is set. */
  readonly endToEnd: { readonly [Name in keyof EndToEnd]-?: string | null }
  /** Piggyback 152. Throws ORA-01435 for an unknown schema. */
  setCurrentSchema(name: string): void
  /** Application context of the `CLIENTCONTEXT`-like namespaces (piggyback 154). A null value clears it. */
  setContext(namespace: string, key: string, value: string | null): void
  /** Forgets the NLS settings, contexts, end-to-end attributes and cursors: what DRCP does for `PURITY_NEW`. */
  reset(): void
  /** Breaks the execution or fetch that is under way: its promise rejects with ORA-01013. Nothing happens when none is. */
  cancel(): void
  /** Rolls back, releases every lock, closes every cursor; idempotent. A pending promise rejects with ORA-00028. */
  close(): void
}

/** Every failure the engine raises: `OraError` of `OraError.ts` is its class. */
export interface OraErrorLike extends Error {
  readonly code: number
  /** The whole text, starting with `ORA-nnnnn: `; further lines for an error stack. */
  readonly message: string
  /** Offset of the error in the text, in characters from 0; 0 when it has no place. */
  readonly offset: number
  /** Array DML: the iterations before the failing one, and the rows that they touched. */
  readonly done?: { readonly iterations: number; readonly rowCount: number }
}

/** What the client of a session holds. */
export interface SessionUsage {
  readonly openCursors: number
  readonly temporaryLobs: number
  readonly calls: number
  /** The texts of the open cursors. */
  readonly statements: ReadonlyArray<string>
}

/** What the engine asks of its surroundings. */
export interface EngineHost {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Resolves after that time; rejects or resolves early when the signal aborts. The engine never waits otherwise. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** Milliseconds of a clock that only goes on: by it a statement knows when to give the event loop a turn. */
  readonly clock: () => number
  /** `ALTER SYSTEM KILL SESSION`: false when there is no such session (ORA-00030). */
  readonly killSession: (sid: number, serial: number, immediate: boolean) => boolean
  /** What the client of a session holds of it: `v$sesstat`, `v$open_cursor` and `v$temporary_lobs` show it. */
  readonly usage: (sid: number) => SessionUsage
}

/** A parameter of a procedure or a function written in TypeScript. */
export interface ProcedureParameter {
  readonly name: string
  readonly direction?: "in" | "out" | "inout"
  readonly type: TypeName
  /** A value to use when the caller leaves the parameter out; without it the parameter is required. */
  readonly default?: Value
}

/** What a registered procedure can do while it runs: it belongs to the calling session's transaction. */
export interface ProcedureContext {
  readonly session: SessionInfo
  readonly signal: AbortSignal
  /** Runs one statement with positional binds and gives its rows as text, numbers, records … as described by {@link Value}. */
  readonly sql: (text: string, ...binds: ReadonlyArray<Value>) => {
    readonly rowCount: number
    readonly rows: ReadonlyArray<Row>
  }
  /** A query as a ref cursor, for an OUT parameter of type CURSOR. */
  readonly openCursor: (text: string, ...binds: ReadonlyArray<Value>) => Cursor
  /** Fails the call as `raise_application_error` does; the code is -20000 to -20999. */
  readonly raise: (code: number, message: string) => never
}

/**
 * A procedure or function that PL/SQL blocks can call by `name` (`OWNER.NAME`, `PACKAGE.NAME` or `NAME`).
 *
 * `run` gets the values of the IN and IN OUT parameters by name (lower case) and answers the values of the OUT and IN OUT
 * ones under the same names; a function's result is under `return`. A promise makes the calling execution wait. Functions
 * that answer at once may be used in SQL too.
 */
export interface Procedure {
  readonly name: string
  readonly parameters: ReadonlyArray<ProcedureParameter>
  /** Present for a function. */
  readonly returns?: TypeName
  readonly run: (
    args: { readonly [name: string]: Value | BindArray },
    context: ProcedureContext
  ) =>
    | { readonly [name: string]: Value | BindArray }
    | undefined
    | void
    | Promise<
      { readonly [name: string]: Value | BindArray } | undefined | void
    >
}

export interface EngineOptions {
  /** Default `23.7.0.25.01`. */
  readonly version?: string
  readonly databaseName?: string
  readonly instanceName?: string
  readonly hostName?: string
  /** The parameter `open_cursors`, as `v$parameter` shows it; default 300. */
  readonly openCursors?: number
  /** Bytes that statements and rows may take together, by estimate: beyond them a statement fails with ORA-04030. 512 MB. */
  readonly memoryLimit?: number
  readonly procedures?: ReadonlyArray<Procedure>
  readonly host?: Partial<EngineHost>
}

/** One database: its schemas, its data and the sessions on it. `make` of `Database.ts` opens one. */
export interface Engine {
  readonly open: (info: SessionInfo) => EngineSession
  /** Runs a script of statements separated by `;` (and `/` after PL/SQL) as `user`, and commits: set-up for tests. */
  readonly runScript: (user: string, script: string) => Promise<void>
  readonly sessions: () => ReadonlyArray<EngineSession>
  /** Closes every session and the store. Idempotent. */
  readonly close: () => void
}
