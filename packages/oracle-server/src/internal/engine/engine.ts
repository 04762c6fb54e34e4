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
import type { DequeueRequest, EnqueueRequest, ReceivedMessage } from "./queues/message.ts"
import type { CompositeType, TypeName } from "./values/dataTypes.ts"
import type { BindType, Column, Cursor, EndToEnd, Lob, OraErrorLike, Row, SessionInfo, Value } from "./values/value.ts"

export type {
  BindType,
  Column,
  Cursor,
  DateTime,
  EndToEnd,
  IntervalDayToSecond,
  IntervalYearToMonth,
  Lob,
  ObjectValue,
  OraErrorLike,
  Row,
  SessionInfo,
  Value,
  VectorValue
} from "./values/value.ts"

export type { DequeueRequest, OutgoingMessage, ReceivedMessage } from "./queues/message.ts"
export type { CompositeType, TypeName } from "./values/dataTypes.ts"
/** The type of an attribute or an element. */
export type { SqlType as ElementType } from "./values/dataTypes.ts"

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

interface ReturnedRows {
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
  /** The statement has succeeded, with a reservation: a unit that was stored does not compile. */
  readonly warning?: OraErrorLike
  /** The rowid of the last row inserted, updated, deleted or merged (18 characters). */
  readonly lastRowid?: string
}

/** What identifies a transaction that belongs to no session. */
export interface BranchId {
  readonly formatId: number
  readonly global: Uint8Array
  readonly qualifier: Uint8Array
}

/** A branch by its id, or by the number that its beginning was answered with; without either it is the session's own. */
interface BranchReference {
  readonly id: BranchId | undefined
  readonly number: number | undefined
}

export interface StartBranch {
  readonly kind: "sessionless" | "global"
  readonly id: BranchId
  readonly mode: "new" | "join" | "resume" | "promote"
  /** Seconds: for how long a new one may lie without a session, or how long to wait for the session that has it. */
  readonly timeout: number
}

/** Transactions that a session takes and leaves: sessionless ones, and branches of global ones. All throw {@link OraErrorLike}. */
export interface SessionBranches {
  /** The one that the session is in, and whether a statement has put it there. */
  readonly sessionless: { readonly id: Uint8Array; readonly byStatement: boolean } | undefined
  /** Whether the session is in a branch of a global transaction. */
  readonly isGlobal: boolean
  /** Gives the number of the branch. */
  readonly start: (request: StartBranch) => number | Promise<number>
  readonly detach: (kind: StartBranch["kind"], id: BranchId | undefined) => void
  /** False when there is nothing to commit. */
  readonly prepare: (reference: BranchReference) => boolean
  /** Whether there was anything to commit. */
  readonly commit: (reference: BranchReference, onePhase: boolean) => boolean
  readonly rollback: (reference: BranchReference) => void
  readonly forget: (reference: BranchReference) => void
}

/** One logged-on session. */
export interface EngineSession {
  readonly info: SessionInfo
  /** True while uncommitted work or locks exist: bit 0x2 of the call status. */
  readonly inTransaction: boolean
  readonly branches: SessionBranches
  /** Whether rows of a temporary table outlive the transaction in this session. */
  readonly hasTemporaryRows: boolean
  /** Names the transaction that is committed next, where the service has Transaction Guard. */
  readonly logicalTransaction: Buffer | undefined
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
  /** The type that a client names by its id of 16 bytes, in hexadecimal digits. */
  objectType(oid: string): CompositeType | undefined
  /** Puts messages into a queue, all or none, and gives their ids. Throws, or rejects with, {@link OraErrorLike}. */
  enqueue(request: EnqueueRequest): ReadonlyArray<Uint8Array> | Promise<ReadonlyArray<Uint8Array>>
  /** Takes messages from a queue; ORA-25228 when none came in time. A break ends the wait. */
  dequeue(request: DequeueRequest): ReadonlyArray<ReceivedMessage> | Promise<ReadonlyArray<ReceivedMessage>>
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

/** What the client of a session holds. */
export interface SessionUsage {
  readonly openCursors: number
  readonly temporaryLobs: number
  readonly calls: number
  /** The texts of the open cursors. */
  readonly statements: ReadonlyArray<string>
}

/** An instance of the database, as `gv$instance` shows it. */
export interface InstanceFacts {
  readonly number: number
  readonly name: string
  readonly startedAt: number
}

/** The roles that a user has in a session of a proxy: those of the user, none, or some. */
export type ProxyRoles = "all" | "none" | ReadonlyArray<string>

/** Limits of a profile that are about logging on. */
export interface LogOnLimits {
  readonly failedAttempts: number
  /** Milliseconds. */
  readonly lockTime: number
  readonly lifeTime: number
  readonly graceTime: number
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
  /** The instances of the database that are open. */
  readonly instances: () => ReadonlyArray<InstanceFacts>
  /** CREATE, ALTER and DROP USER: those that can log on. */
  readonly accounts: {
    /** Lets another user log on for this one, or no longer where no roles are given; false when that changes nothing. */
    readonly proxy: (name: string, proxy: string, roles: ProxyRoles | undefined) => boolean
    readonly proxies: (name: string) => ReadonlyMap<string, ProxyRoles>
    /** As `dba_users` gives it. */
    readonly status: (name: string) => string
    readonly create: (name: string, password: string | undefined) => void
    readonly alter: (
      name: string,
      password: string | undefined,
      state: "open" | "locked" | "expired" | undefined
    ) => void
    readonly drop: (name: string) => void
  }
}

/** A parameter of a procedure or a function written in TypeScript. */
interface ProcedureParameter {
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
  /** Whether transactions are numbered, so that what became of one can be asked for; default false. */
  readonly transactionGuard?: boolean
  readonly procedures?: ReadonlyArray<Procedure>
  /** Users that can log on: each has a schema from the start. */
  readonly users?: ReadonlyArray<string>
  readonly host?: Partial<EngineHost>
}

/** The definitions and the committed rows of a database at one moment. */
export interface EngineSnapshot {
  readonly _tag: "EngineSnapshot"
}

/** One database: its schemas, its data and the sessions on it. `make` of `database.ts` opens one. */
export interface Engine {
  readonly open: (info: SessionInfo) => EngineSession
  /** Runs a script of statements separated by `;` (and `/` after PL/SQL) as `user`, and commits: set-up for tests. */
  readonly runScript: (user: string, script: string) => Promise<void>
  /** A user has a schema from the start, whether or not a session was ever opened. Without roles it has every privilege. */
  readonly addSchema: (name: string, roles?: ReadonlyArray<string>) => void
  /** What the user's profile says of wrong and of old passwords. */
  readonly logOnLimits: (user: string) => LogOnLimits
  /** What is committed now. Its rows are shared until they are changed, so it takes milliseconds whatever their number is. */
  readonly snapshot: () => EngineSnapshot
  /**
   * Goes back, or over, to what a snapshot holds, which may be another database's. Sessions stay: their transactions are rolled
   * back, their running statements broken with ORA-01013, their cursors closed.
   */
  readonly restore: (snapshot: EngineSnapshot) => void
  /** An instance is gone: suspended transactions that it has worked on are rolled back, prepared ones stay in doubt. */
  readonly loseInstance: (name: string) => void
  readonly sessions: () => ReadonlyArray<EngineSession>
  /** Closes every session and the store. Idempotent. */
  readonly close: () => void
}
