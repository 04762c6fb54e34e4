/**
 * The private members of the driver that this package depends on; no other module but `driverLobs.ts`, `driverBatches.ts` and
 * `driverNumbers.ts` may touch any.
 *
 * Each is looked up and checked when a session opens, never assumed: where a release of the driver has it otherwise, the
 * fallback that stands with it takes over, and is logged once. A test holds the installed driver to all of them.
 */
import { takeCheckedRows } from "./driverBatches.ts"
import { createLobsInOneRoundTrip } from "./driverLobs.ts"
import { readShortNumbers } from "./driverNumbers.ts"
import {
  type DbType,
  driver,
  type DriverConnection,
  type DriverPool,
  type Pipeline,
  type PipelineOperation,
  type PipelineResult
} from "./oracledb.ts"

/** A private member of the driver, and what holds without it. */
export interface Member {
  readonly name: string
  readonly fallback: string
}

/**
 * Decodes 7 to 13 bytes as a date. For a date without time zone it calls `new Date(year, ...)`, which takes the years 0 to 99
 * for 1900 to 1999 (`makeDate` in the driver's `lib/util.js`; issue 1570 of node-oracledb). Both dates come out as the same
 * `Date`, so the bytes are the only place to tell them apart.
 */
export const parseOracleDate: Member = {
  name: "connection._impl._protocol.readBuf.parseOracleDate",
  fallback: "dates of the years 1 to 99 are read as those of 1901 to 1999, as the driver reads them"
}

/** The driver's pool makes up a connection class for itself where the process has none, and sends it when it logs on. */
export const connectionClass: Member = {
  name: "pool._impl._userConfig.connectionClass",
  fallback:
    "with serverPool \"release\" each session has a connection class of its own, so that none shares a server's session"
}

/**
 * Whether the driver has sent a break that no call has taken yet, which would end the next call with ORA-01013 (`sendBreak` and
 * `reset` in `lib/thin/sqlnet/networkSession.js`).
 */
export const pendingBreak: Member = {
  name: "connection._impl.nscon.isBreak",
  fallback: "an empty call follows every break whose call did not end with ORA-01013"
}

/**
 * The driver's cache of statements. When a call is broken between two of its round trips, the driver puts the statement back as
 * it was between them, with the definition of its columns still to be sent (`requiresDefine` in `lib/thin/statement.js`). The next
 * execution would be a definition without an execution, which the server answers with ORA-01002.
 */
export const statementCache: Member = {
  name: "connection._impl.statementCache",
  fallback: "a session is closed at the end of the lease in which a statement was broken off"
}

/**
 * Whether the schema that was set is still to be sent. The driver never lowers it (`setCurrentSchema` in
 * `lib/thin/connection.js`), and so sends the schema with every call, also over one that a statement has set since.
 */
export const modifiedSchema: Member = {
  name: "connection._impl._currentSchemaModified",
  fallback: "once setCurrentSchema was used on a session, the schema is sent with each of its calls"
}

/**
 * The driver takes no `fetchTypeHandler` in a pipeline (NJS-182), but makes one itself for each query, of what stands in the
 * operation's `fetchLobs` (`_createMessagesForPipelineOp` in `lib/thin/connection.js`). There it takes ours, so that numbers, dates and
 * LOBs are read as they are outside of a pipeline.
 */
export const pipelineFetchTypes: Member = {
  name: "connection._createFetchTypeHandler, pipeline.operations, connection._impl.supportsPipelining",
  fallback: "statements go one by one, also with `pipelining` on"
}

/**
 * The driver's cache of object types. It finds them by their names (`_getDbObjectType` in `lib/impl/connection.js`; the map has
 * object identities as well, but by the buffer that they came in), so that a type that was made anew is read as the one before: other
 * attributes, damaged values.
 */
export const objectTypeCache: Member = {
  name: "connection._impl._getDbObjectType, connection._impl._dbObjectTypes, connection._dbObjectClasses",
  fallback: "a session reads and writes an object type as it was when it first saw it, also when it was made anew since"
}

/**
 * The number of the notice that the server has sent without being asked: 12572 for a planned shutdown, 12573 for another word of the
 * administrator (`ControlPacket` in `lib/thin/sqlnet/packet.js`). The public `isHealthy` is false for both, as for a lost socket.
 */
export const inbandNotice: Member = {
  name: "connection._impl.nscon.controlPkt",
  fallback:
    "sessions whose shutdown was announced are closed as dead ones are, and others on their instance are not looked at"
}

/**
 * The driver makes a temporary LOB and then asks for the size of its chunks, a round trip each (`create` in `lib/thin/lob.js`). The size is the
 * same for all of a type in a session, and so is asked for once.
 */
export const temporaryLobs: Member = {
  name: "connection._impl.createLob",
  fallback: "it takes two round trips to make a temporary LOB"
}

/** The driver looks at each value of a batch in a promise of its own: ten thousand for a thousand rows of ten columns. */
export const batchRows: Member = {
  name: "connection._processExecuteManyBinds",
  fallback: "batches take a quarter more of the processor"
}

/** The driver makes two lists of digits for each NUMBER that it reads (`parseOracleNumber` in its `lib/impl/datahandlers/buffer.js`). */
export const parseOracleNumber: Member = {
  name: "connection._impl._protocol.readBuf.parseOracleNumber",
  fallback: "rows with many numbers take a sixth more of the processor"
}

/**
 * The data of an object or a collection (`lib/thin/dbObject.js`), in which a NUMBER still has its digits: the driver's own
 * properties make a double of it. Without it such numbers are refused, unless they are asked for as doubles.
 */
interface ObjectData {
  readonly isCollection: boolean
  readonly elementType: DbType
  readonly attributes: ReadonlyArray<{ readonly name: string; readonly type: DbType }>
  /** Of the attributes in their order, or of the elements. */
  readonly values: ReadonlyArray<unknown>
}

/** `undefined` for what is no object, and where this release keeps it otherwise. */
export const objectData = (value: unknown): ObjectData | undefined => {
  if (!isObject(value)) return undefined
  const data = isObject(value["_impl"]) ? value["_impl"] : value
  const { _objType: type, getAttrValue, getValues } = data as Record<string, unknown>
  if (!isObject(type) || typeof getAttrValue !== "function" || typeof getValues !== "function") return undefined
  const attributes = (type["attributes"] ?? []) as ObjectData["attributes"]
  const isCollection = type["isCollection"] === true
  return {
    isCollection,
    elementType: type["elementType"] as DbType,
    attributes,
    values: isCollection
      ? Reflect.apply(getValues, data, []) as ReadonlyArray<unknown>
      : attributes.map((attribute): unknown => Reflect.apply(getAttrValue, data, [attribute]))
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null

const inner = (from: unknown, ...path: ReadonlyArray<string>): unknown => {
  let found: unknown = from
  for (const name of path) {
    if (!isObject(found)) return undefined
    found = found[name]
  }
  return found
}

type ParseDate = (this: unknown, bytes: Buffer, useLocalTime?: boolean, ...more: ReadonlyArray<unknown>) => unknown

const localDate = (year: number, month: number, day: number, hour: number, minute: number, millis: number): Date => {
  const date = new Date(2000, 0, 1)
  date.setFullYear(year, month, day)
  date.setHours(hour, minute, 0, millis)
  return date
}

/** 1 February of the year 1, 03:04:05, and the same moment of 2001. */
const sample = (century: number): Buffer => Buffer.from([century, 101, 2, 1, 4, 5, 6])

const readsAs = (parse: ParseDate, on: unknown, bytes: Buffer, expected: Date): boolean => {
  try {
    const read = parse.call(on, bytes, true)
    return read instanceof Date && read.getTime() === expected.getTime()
  } catch {
    return false
  }
}

const isLaterRead = (parse: ParseDate, on: unknown): boolean =>
  readsAs(parse, on, sample(120), localDate(2001, 1, 1, 3, 4, 5000))

const isEarlyRead = (parse: ParseDate, on: unknown): boolean =>
  readsAs(parse, on, sample(100), localDate(1, 1, 1, 3, 4, 5000))

/** The same, with the first century told from the twentieth. The bytes: century, year, month, day, hour + 1, ... nanoseconds. */
const readingEarly = (parse: ParseDate): ParseDate =>
  function(bytes, useLocalTime = true, ...more) {
    if (!useLocalTime || bytes[0] !== 100 || bytes[1]! < 100) return parse.call(this, bytes, useLocalTime, ...more)
    const fraction = bytes.length >= 11 ? Math.floor(bytes.readUInt32BE(7) / 1_000_000) : 0
    const millis = (bytes[6]! - 1) * 1000 + fraction
    return localDate(bytes[1]! - 100, bytes[2]! - 1, bytes[3]!, bytes[4]! - 1, bytes[5]! - 1, millis)
  }

/** Makes the driver read the years 1 to 99 as what they are, in columns, OUT binds, JSON and objects. */
const readEarlyDates = (connection: DriverConnection): boolean => {
  const reader = inner(connection, "_impl", "_protocol", "readBuf")
  if (!isObject(reader)) return false
  const parse = reader["parseOracleDate"] as ParseDate | undefined
  if (typeof parse !== "function" || !isLaterRead(parse, reader)) return false
  if (isEarlyRead(parse, reader)) return true
  // Where it is defined: what decodes JSON and objects has it from there too.
  let owner: object | null = reader
  while (owner !== null && !Object.hasOwn(owner, "parseOracleDate")) {
    owner = Object.getPrototypeOf(owner) as object | null
  }
  if (owner === null) return false
  Object.defineProperty(owner, "parseOracleDate", { value: readingEarly(parse), writable: true, configurable: true })
  return true
}

/** Sends this connection class with every log-on of a pool that has not connected yet. */
const sendConnectionClass = (pool: DriverPool, name: string): boolean => {
  const config = inner(pool, "_impl", "_userConfig")
  if (!isObject(config) || !("connectionClass" in config)) return false
  config["connectionClass"] = name
  return true
}

interface CachedStatement {
  readonly cursorId: number
  readonly inUse: boolean
}

interface StatementCache {
  readonly _cachedStatements: Map<string, CachedStatement>
  readonly _addCursorToClose: (statement: CachedStatement) => void
}

const isStatementCache = (value: unknown): value is StatementCache =>
  isObject(value) && value["_cachedStatements"] instanceof Map && typeof value["_addCursorToClose"] === "function"

const forget = (cache: StatementCache, sql: string): void => {
  const statement = cache._cachedStatements.get(sql)
  // One that is in use belongs to an open cursor; what was broken is a copy then, and is closed by the driver.
  if (statement === undefined || statement.inUse !== false) return
  cache._cachedStatements.delete(sql)
  if (typeof statement.cursorId === "number" && statement.cursorId !== 0) cache._addCursorToClose(statement)
}

type FindType = (this: unknown, schema: string, name: string, packageName: string | undefined, oid: unknown) => unknown

interface ObjectTypeCache {
  readonly implementation: Record<string, unknown>
  readonly types: Map<unknown, unknown>
  readonly classes: Map<unknown, unknown>
}

const objectTypesOf = (connection: DriverConnection): ObjectTypeCache | undefined => {
  const implementation = inner(connection, "_impl")
  if (!isObject(implementation) || typeof implementation["_getDbObjectType"] !== "function") return undefined
  const types = implementation["_dbObjectTypes"]
  const classes: unknown = Reflect.get(connection, "_dbObjectClasses")
  return types instanceof Map && classes instanceof Map ? { implementation, types, classes } : undefined
}

/** Makes the driver take a type that the server names with another identity for another type. */
const tellTypesApart = (connection: DriverConnection): boolean => {
  const cache = objectTypesOf(connection)
  if (cache === undefined) return false
  const { implementation, types } = cache
  if (Object.hasOwn(implementation, "_getDbObjectType")) return true
  const find = implementation["_getDbObjectType"] as FindType
  const findCurrent: FindType = function(schema, name, packageName, oid) {
    const fullName = packageName ? `${schema}.${packageName}.${name}` : `${schema}.${name}`
    const before = inner(types.get(fullName), "oid")
    if (Buffer.isBuffer(oid) && Buffer.isBuffer(before) && !before.equals(oid)) types.delete(fullName)
    return find.call(this, schema, name, packageName, oid)
  }
  Object.defineProperty(implementation, "_getDbObjectType", { value: findCurrent, writable: true, configurable: true })
  return true
}

type MakeHandler = (this: unknown, fetchLobs: unknown) => unknown

/** Makes the driver take a handler of ours where it would make one. */
const takeHandlers = (connection: DriverConnection): boolean => {
  const make: unknown = Reflect.get(connection, "_createFetchTypeHandler")
  if (typeof make !== "function" || make.length !== 1) return false
  if (Object.hasOwn(connection, "_createFetchTypeHandler")) return true
  Object.defineProperty(connection, "_createFetchTypeHandler", {
    value: function(this: unknown, fetchLobs: unknown) {
      return typeof fetchLobs === "function" ? fetchLobs : (make as MakeHandler).call(this, fetchLobs)
    },
    writable: true,
    configurable: true
  })
  return true
}

const addOperation = (pipeline: Pipeline, operation: PipelineOperation): void => {
  switch (operation._tag) {
    case "Execute":
      return pipeline.addExecute(operation.sql, operation.binds, operation.options)
    case "ExecuteMany":
      return pipeline.addExecuteMany(operation.sql, operation.binds, operation.options)
    case "Query": {
      pipeline.addFetchAll(operation.sql, operation.binds, operation.options)
      const added = (Reflect.get(pipeline, "operations") as Array<Record<string, unknown>>).at(-1)!
      if (operation.fetchTypes !== undefined) added["fetchLobs"] = operation.fetchTypes
    }
  }
}

/** Sends calls together, each of which goes on when one before it has failed. */
interface Pipelines {
  readonly run: (
    connection: DriverConnection,
    operations: ReadonlyArray<PipelineOperation>
  ) => Promise<ReadonlyArray<PipelineResult>>
}

const pipelines: Pipelines = {
  run: (connection, operations) => {
    const pipeline = new driver.Pipeline!()
    for (const operation of operations) addOperation(pipeline, operation)
    return connection.runPipeline!(pipeline, true)
  }
}

/** Whether this driver has pipelines as this package knows them. */
const hasPipelines = (connection: DriverConnection): boolean => {
  if (driver.Pipeline === undefined || typeof connection.runPipeline !== "function") return false
  if (!Array.isArray(Reflect.get(new driver.Pipeline(), "operations"))) return false
  return typeof inner(connection, "_impl", "supportsPipelining") === "function" && takeHandlers(connection)
}

/** Whether the server behind a connection takes pipelines: 23ai and later. */
const supportsPipelines = (connection: DriverConnection): boolean => {
  const implementation = inner(connection, "_impl")
  const supports = inner(implementation, "supportsPipelining")
  return typeof supports === "function" && Reflect.apply(supports, implementation, []) === true
}

/** What can be reached of one connection's inside; what this driver does not have is `undefined`. */
export interface DriverInternals {
  /** By {@link pendingBreak}. */
  readonly isBreakPending: (() => boolean) | undefined
  /** Drops a statement from the {@link statementCache}; its cursor is closed along with the next call. */
  readonly forgetStatement: ((sql: string) => void) | undefined
  /** Drops what the driver knows of object types, by {@link objectTypeCache}; the next that is asked for is described. */
  readonly forgetTypes: (() => void) | undefined
  /** By {@link inbandNotice}: whether the server has announced its end. */
  readonly hasNotice: (() => boolean) | undefined
  /** Lowers {@link modifiedSchema}: the server has taken the schema, or is not to be told of it. */
  readonly schemaIsSettled: (() => void) | undefined
  /** By {@link pipelineFetchTypes}; `undefined` also where the server takes none. */
  readonly pipelines: Pipelines | undefined
}

/** What the server sends when its end is planned. */
const plannedShutdown = 12_572

/** Thick mode has none of it, and needs none: OCI keeps its own statements. */
export const driverInternals = (connection: DriverConnection): DriverInternals => {
  if (!driver.thin) {
    return {
      isBreakPending: undefined,
      forgetStatement: () => {},
      forgetTypes: undefined,
      hasNotice: undefined,
      schemaIsSettled: undefined,
      pipelines: undefined
    }
  }
  const implementation = inner(connection, "_impl")
  const network = inner(implementation, "nscon")
  const cache = inner(implementation, "statementCache")
  const objectTypes = objectTypesOf(connection)
  return {
    isBreakPending: isObject(network) && typeof network["isBreak"] === "boolean"
      ? () => network["isBreak"] === true
      : undefined,
    forgetStatement: isStatementCache(cache) ? (sql) => forget(cache, sql) : undefined,
    forgetTypes: objectTypes === undefined ? undefined : () => {
      objectTypes.types.clear()
      objectTypes.classes.clear()
    },
    hasNotice: isObject(network) && isObject(network["controlPkt"])
      ? () => inner(network, "controlPkt", "errno") === plannedShutdown
      : undefined,
    schemaIsSettled: isObject(implementation) && typeof implementation["_currentSchemaModified"] === "boolean"
      ? () => {
        implementation["_currentSchemaModified"] = false
      }
      : undefined,
    pipelines: hasPipelines(connection) && supportsPipelines(connection) ? pipelines : undefined
  }
}

/** Fits a new connection of Thin mode; gives the members that this driver does not have. */
export const fitConnection = (connection: DriverConnection): ReadonlyArray<Member> => {
  const { forgetStatement, hasNotice, isBreakPending, schemaIsSettled } = driverInternals(connection)
  return [
    ...(readEarlyDates(connection) ? [] : [parseOracleDate]),
    ...(isBreakPending === undefined ? [pendingBreak] : []),
    ...(forgetStatement === undefined ? [statementCache] : []),
    ...(tellTypesApart(connection) ? [] : [objectTypeCache]),
    ...(hasNotice === undefined ? [inbandNotice] : []),
    ...(schemaIsSettled === undefined ? [modifiedSchema] : []),
    ...(hasPipelines(connection) ? [] : [pipelineFetchTypes]),
    ...(createLobsInOneRoundTrip(connection) ? [] : [temporaryLobs]),
    ...(takeCheckedRows(connection) ? [] : [batchRows]),
    ...(readShortNumbers(inner(connection, "_impl", "_protocol", "readBuf")) ? [] : [parseOracleNumber])
  ]
}

/** The same for a pool of the driver that has not connected yet. */
export const fitPool = (pool: DriverPool, cclass: string): ReadonlyArray<Member> =>
  sendConnectionClass(pool, cclass) ? [] : [connectionClass]
