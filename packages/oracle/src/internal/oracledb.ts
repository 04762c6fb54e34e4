/**
 * The part of the driver that this package uses, with types.
 *
 * The driver ships none, and those of DefinitelyTyped describe release 7. What stands here was read off release 26: its
 * `lib/connection.js`, `lib/resultset.js`, `lib/lob.js` and `lib/oracledb.js`.
 */
// @ts-expect-error The driver has no types of its own.
import oracledb from "oracledb"

/** One of the driver's type constants. */
export interface DbType {
  readonly num: number
  readonly name: string
}

/** What is known of one column of a query. */
export interface ColumnMetadata {
  readonly name: string
  readonly dbType: DbType
  readonly fetchType?: DbType
  /** The longest value, where its type has one. */
  readonly byteSize?: number
  readonly nullable?: boolean
  readonly precision?: number
  readonly scale?: number
  readonly isJson?: boolean
  readonly annotations?: Readonly<Record<string, string>>
  readonly domainSchema?: string
  readonly domainName?: string
  readonly dbTypeClass?: DbClass
  /** The columns of a nested cursor. */
  readonly metaData?: ReadonlyArray<ColumnMetadata>
}

/** What the driver tells of an attribute or an element. */
export interface DbPart {
  readonly type: DbType
  readonly typeClass?: DbClass
}

/** A class of the driver for the values of an object type, a record type or a collection type. */
export interface DbClass {
  new(value?: unknown): DbValue
  readonly prototype: {
    readonly fqn: string
    readonly isCollection: boolean
    readonly attributes: Readonly<Record<string, DbPart>>
    readonly elementType?: DbType
    readonly elementTypeClass?: DbClass
  }
}

/** A value of such a class. */
export interface DbValue {
  readonly fqn: string
  readonly isCollection: boolean
  readonly attributes: Readonly<Record<string, DbPart>>
  readonly elementType?: DbType
  readonly getValues: () => ReadonlyArray<unknown>
}

export interface BindUnit {
  readonly dir?: number
  /** For objects and collections, the driver's class of their values. */
  readonly type?: DbType | DbClass
  readonly val?: unknown
  readonly maxSize?: number
  readonly maxArraySize?: number
}

export type DriverBinds = ReadonlyArray<unknown> | { readonly [name: string]: unknown }

export interface ExecuteOptions {
  readonly autoCommit?: boolean
  readonly dbObjectAsPojo?: boolean
  readonly fetchArraySize?: number
  readonly fetchTypeHandler?: (metadata: ColumnMetadata) => { readonly type?: DbType } | undefined
  readonly keepInStmtCache?: boolean
  readonly maxRows?: number
  readonly outFormat?: number
  readonly prefetchRows?: number
  readonly resultSet?: boolean
}

export interface ExecuteManyOptions {
  readonly autoCommit?: boolean
  readonly batchErrors?: boolean
  readonly bindDefs?: DriverBinds
  readonly dmlRowCounts?: boolean
}

export interface ResultSet {
  readonly metaData: ReadonlyArray<ColumnMetadata> | undefined
  readonly getRows: (count: number) => Promise<Array<Array<unknown>>>
  readonly close: () => Promise<void>
}

export interface Lob {
  readonly type: DbType
  readonly length: number | undefined
  readonly pieceSize: number | undefined
  readonly chunkSize: number | undefined
  readonly getData: (offset?: number, amount?: number) => Promise<string | Buffer | null>
  readonly write: (chunk: string | Buffer, done: (error?: Error | null) => void) => boolean
  readonly on: (event: "error", listener: (error: unknown) => void) => unknown
  readonly close: () => Promise<void>
}

export interface ExecuteResult {
  readonly metaData?: ReadonlyArray<ColumnMetadata>
  readonly rows?: Array<Array<unknown>>
  readonly resultSet?: ResultSet
  readonly rowsAffected?: number
  readonly lastRowid?: string
  readonly outBinds?: DriverBinds
  readonly implicitResults?: ReadonlyArray<ResultSet>
  readonly warning?: unknown
}

export interface ExecuteManyResult {
  readonly rowsAffected?: number
  readonly outBinds?: ReadonlyArray<DriverBinds>
  readonly dmlRowCounts?: ReadonlyArray<number>
  readonly batchErrors?: ReadonlyArray<{ readonly offset?: number; readonly message: string }>
}

/** What a statement is and gives, without running it. */
export interface StatementInfo {
  readonly statementType?: number
  readonly bindNames?: ReadonlyArray<string>
  readonly metaData?: ReadonlyArray<ColumnMetadata>
}

/** The driver's INTERVAL DAY TO SECOND; its parts have one sign, and `fseconds` are nanoseconds. */
export interface IntervalDS {
  readonly days: number
  readonly hours: number
  readonly minutes: number
  readonly seconds: number
  readonly fseconds: number
}

/** The driver's INTERVAL YEAR TO MONTH. */
export interface IntervalYM {
  readonly years: number
  readonly months: number
}

/** The id of a branch of a global transaction. */
export interface DriverXid {
  readonly formatId: number
  readonly globalTransactionId: Buffer
  readonly branchQualifier: Buffer
}

/**
 * A connection of node-oracledb, as far as this package uses it.
 *
 * **When to use**
 *
 * It is what `connection.driver` lends, for what this package has no member for. For a member of the driver that is not listed here, annotate the
 * parameter of your function with the driver's own type, `oracledb.Connection`.
 *
 * **Gotchas**
 *
 * It belongs to the lease: it must not be closed, and not be kept beyond the effect that it was lent to. Members without a comment are described
 * by the documentation of node-oracledb. `callTimeout` is in milliseconds, 0 for none. `action`, `module`, `clientId`, `clientInfo`, `dbOp` and `ecid` can
 * only be written.
 *
 * **Example** (The name of the host)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const hostOf = (connection: OracleConnection.DriverConnection) => connection.hostName
 * ```
 *
 * @category models
 * @since 0.2.0
 */
export interface DriverConnection {
  readonly execute: (sql: string, binds: DriverBinds, options: ExecuteOptions) => Promise<ExecuteResult>
  readonly executeMany: (
    sql: string,
    binds: ReadonlyArray<DriverBinds> | number,
    options: ExecuteManyOptions
  ) => Promise<ExecuteManyResult>
  readonly runPipeline?: (pipeline: Pipeline, continueOnError: boolean) => Promise<ReadonlyArray<PipelineResult>>
  readonly getDbObjectClass: (name: string) => Promise<DbClass>
  readonly getStatementInfo: (sql: string) => Promise<StatementInfo>
  /** Absent in releases without it, and in Thick mode. */
  readonly directPathLoad?: (
    schema: string,
    table: string,
    columns: ReadonlyArray<string>,
    rows: ReadonlyArray<ReadonlyArray<unknown>>
  ) => Promise<void>
  readonly commit: () => Promise<void>
  readonly rollback: () => Promise<void>
  readonly ping: () => Promise<void>
  readonly close: (options?: { readonly drop?: boolean }) => Promise<void>
  readonly break: () => Promise<void>
  readonly createLob: (type: DbType) => Promise<Lob>
  readonly changePassword: (user: string, password: string, newPassword: string) => Promise<void>
  /** Absent in releases without sessionless transactions. */
  readonly beginSessionlessTransaction?: (
    options: { readonly transactionId: Buffer; readonly timeout: number }
  ) => Promise<Buffer>
  readonly resumeSessionlessTransaction?: (id: Buffer, options: { readonly timeout: number }) => Promise<Buffer>
  readonly suspendSessionlessTransaction?: () => Promise<void>
  /** Absent in releases without two-phase commit in Thin mode. */
  readonly tpcBegin?: (xid: DriverXid, flag: number, timeout: number) => Promise<void>
  readonly tpcPrepare?: (xid: DriverXid) => Promise<boolean>
  readonly tpcCommit?: (xid: DriverXid, onePhase: boolean) => Promise<void>
  readonly tpcRollback?: (xid: DriverXid) => Promise<void>
  readonly isHealthy: () => boolean
  readonly transactionInProgress: boolean | undefined
  /** Names the transaction that is committed next, where the service has Transaction Guard. */
  readonly ltxid?: Buffer | undefined
  callTimeout: number
  stmtCacheSize: number
  currentSchema: string
  action: string
  module: string
  clientId: string
  clientInfo: string
  dbOp: string
  ecid: string
  readonly appContext: (namespace: string, pairs: ReadonlyArray<{ readonly [name: string]: string }>) => void
  readonly oracleServerVersionString: string | undefined
  readonly serviceName: string | undefined
  readonly instanceName: string | undefined
  readonly dbName: string | undefined
  readonly dbUniqueName: string | undefined
  readonly hostName: string | undefined
  readonly port: number | undefined
}

/** A call in a pipeline, with the types that columns of a query are fetched in. */
export type PipelineOperation =
  | {
    readonly _tag: "Query"
    readonly sql: string
    readonly binds: DriverBinds
    readonly options: object
    readonly fetchTypes: ExecuteOptions["fetchTypeHandler"]
  }
  | { readonly _tag: "Execute"; readonly sql: string; readonly binds: DriverBinds; readonly options: object }
  | {
    readonly _tag: "ExecuteMany"
    readonly sql: string
    readonly binds: ReadonlyArray<DriverBinds>
    readonly options: object
  }

/** Calls that are sent together (`lib/pipeline.js`). */
export interface Pipeline {
  readonly addFetchAll: (sql: string, binds: DriverBinds, options: object) => void
  readonly addExecute: (sql: string, binds: DriverBinds, options: object) => void
  readonly addExecuteMany: (sql: string, binds: ReadonlyArray<DriverBinds>, options: object) => void
}

/** What has come of one call of a pipeline. */
export type PipelineResult = ExecuteResult & ExecuteManyResult & { readonly error?: unknown }

/** A pool of the driver; used as the transport to a pooled server. */
export interface DriverPool {
  readonly getConnection: () => Promise<DriverConnection>
  readonly close: (drainTime: number) => Promise<void>
}

interface Driver {
  readonly thin: boolean
  readonly getConnection: (parameters: object) => Promise<DriverConnection>
  readonly createPool: (parameters: object) => Promise<DriverPool>
  readonly IntervalDS: new(parts: IntervalDS) => IntervalDS
  readonly IntervalYM: new(parts: IntervalYM) => IntervalYM
  /** Absent in releases without pipelines. */
  readonly Pipeline?: new() => Pipeline
  readonly BIND_IN: number
  readonly BIND_INOUT: number
  readonly BIND_OUT: number
  readonly OUT_FORMAT_ARRAY: number
  readonly SYSDBA: number
  readonly SYSOPER: number
  readonly SYSASM: number
  readonly SYSBACKUP: number
  readonly SYSDG: number
  readonly SYSKM: number
  readonly SYSRAC: number
  readonly DB_TYPE_BINARY_DOUBLE: DbType
  readonly DB_TYPE_BINARY_FLOAT: DbType
  readonly DB_TYPE_BINARY_INTEGER: DbType
  readonly DB_TYPE_BLOB: DbType
  readonly DB_TYPE_BFILE: DbType
  readonly DB_TYPE_BOOLEAN: DbType
  readonly DB_TYPE_CHAR: DbType
  readonly DB_TYPE_CLOB: DbType
  readonly DB_TYPE_CURSOR: DbType
  readonly DB_TYPE_DATE: DbType
  readonly DB_TYPE_INTERVAL_DS: DbType
  readonly DB_TYPE_INTERVAL_YM: DbType
  readonly DB_TYPE_JSON: DbType
  readonly DB_TYPE_NCLOB: DbType
  readonly DB_TYPE_NUMBER: DbType
  readonly DB_TYPE_NVARCHAR: DbType
  readonly DB_TYPE_OBJECT: DbType
  readonly DB_TYPE_RAW: DbType
  readonly DB_TYPE_ROWID: DbType
  readonly DB_TYPE_TIMESTAMP: DbType
  readonly DB_TYPE_TIMESTAMP_LTZ: DbType
  readonly DB_TYPE_TIMESTAMP_TZ: DbType
  readonly DB_TYPE_VARCHAR: DbType
  readonly DB_TYPE_VECTOR: DbType
}

/** The driver. Thin unless the application has called `initOracleClient`. */
export const driver: Driver = oracledb as Driver
