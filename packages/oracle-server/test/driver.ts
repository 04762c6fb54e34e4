import { createRequire } from "node:module"

// The driver ships no types; these are the parts of it that the tests use.

export interface Connection {
  module: string
  action: string
  clientId: string
  clientInfo: string
  currentSchema: string
  callTimeout: number
  readonly warning?: Error
  readonly oracleServerVersionString: string
  readonly instanceName: string
  readonly serviceName: string
  readonly dbName: string
  execute(sql: string, binds?: unknown, options?: object): Promise<Result>
  executeMany(sql: string, binds: ReadonlyArray<unknown> | number, options?: object): Promise<Result>
  getStatementInfo(
    sql: string
  ): Promise<{ readonly metaData?: ReadonlyArray<MetaData>; readonly bindNames: Array<string> }>
  createLob(type: unknown): Promise<Lob>
  changePassword(user: string, oldPassword: string, newPassword: string): Promise<void>
  commit(): Promise<void>
  rollback(): Promise<void>
  ping(): Promise<void>
  break(): Promise<void>
  isHealthy(): boolean
  close(options?: object): Promise<void>
  readonly transactionInProgress: boolean
  beginSessionlessTransaction(options?: object): Promise<Buffer>
  resumeSessionlessTransaction(id: Buffer | string, options?: object): Promise<Buffer>
  suspendSessionlessTransaction(): Promise<void>
  tpcBegin(xid: Xid, flag?: number, timeout?: number): Promise<void>
  tpcEnd(xid?: Xid, flag?: number): Promise<void>
  tpcPrepare(xid?: Xid): Promise<boolean>
  tpcCommit(xid?: Xid, onePhase?: boolean): Promise<void>
  tpcRollback(xid?: Xid): Promise<void>
  tpcRecover(asString?: boolean): Promise<ReadonlyArray<Xid>>
  runPipeline?(pipeline: unknown, continueOnError?: boolean): Promise<ReadonlyArray<unknown>>
}

export interface Xid {
  readonly formatId: number
  readonly globalTransactionId: string | Buffer
  readonly branchQualifier: string | Buffer
}

export interface MetaData {
  readonly name: string
  readonly dbTypeName: string
  readonly precision?: number
  readonly scale?: number
  readonly byteSize?: number
  readonly nullable: boolean
  readonly isJson?: boolean
  readonly vectorDimensions?: number
  readonly vectorFormat?: number
}

export interface ResultSet {
  getRow(): Promise<ReadonlyArray<unknown> | undefined>
  getRows(count?: number): Promise<ReadonlyArray<ReadonlyArray<unknown>>>
  close(): Promise<void>
  readonly metaData: ReadonlyArray<MetaData>
}

/** What an execution gives; the parts that do not apply are not there. */
export interface Result {
  readonly rows: ReadonlyArray<ReadonlyArray<unknown>>
  readonly metaData: ReadonlyArray<MetaData>
  readonly rowsAffected: number
  readonly lastRowid: string
  readonly outBinds: unknown
  readonly resultSet: ResultSet
  readonly implicitResults: ReadonlyArray<ReadonlyArray<ReadonlyArray<unknown>>>
  readonly batchErrors: ReadonlyArray<{ readonly errorNum: number; readonly offset: number; readonly message: string }>
  readonly dmlRowCounts: ReadonlyArray<number>
  readonly warning?: Error
}

export interface Lob extends NodeJS.ReadWriteStream {
  readonly length: number
  readonly chunkSize: number
  getData(offset?: number, amount?: number): Promise<string | Buffer>
  close(): Promise<void>
}

export interface Pool {
  getConnection(): Promise<Connection>
  close(drainTime?: number): Promise<void>
}

export interface ConnectionAttributes {
  readonly user?: string
  readonly password?: string
  readonly newPassword?: string
  readonly connectString?: string
  readonly privilege?: number
  readonly edition?: string
  readonly appContext?: ReadonlyArray<readonly [string, string, string]>
}

interface DriverModule {
  readonly [constant: string]: unknown
  connectionClass: string
  getConnection(attributes: ConnectionAttributes): Promise<Connection>
  createPool(attributes: ConnectionAttributes & { readonly [name: string]: unknown }): Promise<Pool>
}

export const oracledb = createRequire(import.meta.url)("oracledb") as DriverModule
