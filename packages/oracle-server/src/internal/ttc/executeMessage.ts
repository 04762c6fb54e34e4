/** The bytes of EXECUTE and of re-executions. */
import { ProtocolError } from "../net/protocolError.ts"
import { type BindMetadata, isSentLast, readBindValue, readMetadata, type WireValue } from "./bindReader.ts"
import type { ByteReader } from "./byteReader.ts"
import { FieldVersion, FunctionCode, MessageType } from "./message.ts"
import type { TtcTerms } from "./negotiation.ts"
import type { FetchPosition } from "./scrollableRows.ts"

/** Bits of the options of EXECUTE. */
export const ExecuteOption = {
  parse: 0x1,
  bind: 0x8,
  define: 0x10,
  execute: 0x20,
  fetch: 0x40,
  commit: 0x100,
  notPlsql: 0x8000,
  describe: 0x2_0000,
  batchErrors: 0x8_0000
} as const

export const ExecuteFlag = {
  scrollable: 0x2,
  rowCounts: 0x4000,
  implicitResults: 0x8000,
  noImplicitRelease: 0x20_0000
} as const

const reexecuteCommit = 1

/** EXECUTE, or one of the two re-executions, without its rows of binds. */
export interface ExecuteHeader {
  readonly options: number
  readonly flags: number
  readonly cursorId: number
  /** `undefined` when a cursor that is parsed already is meant. */
  readonly sql: string | undefined
  readonly prefetch: number
  /** Where a scrollable cursor goes on. */
  readonly position: FetchPosition
  readonly iterations: number
  readonly isQuery: boolean
  /** The response has room for a row count of each iteration, even when none is asked for. */
  readonly countsRows: boolean
  /** One of the short re-executions, which do not send the binds that were reported as output only. */
  readonly isShort: boolean
  /** `undefined` when those of the cursor hold. */
  readonly binds: ReadonlyArray<BindMetadata> | undefined
  readonly defines: ReadonlyArray<BindMetadata> | undefined
}

/**
 * How many rows an execution fetches by itself. Some clients ask for them with an option, others give the number with the
 * text of a query, or as its iterations.
 */
export const rowsToFetch = (header: ExecuteHeader): number => {
  if ((header.options & ExecuteOption.fetch) !== 0) return header.prefetch || header.iterations
  if (!header.isQuery) return 0
  return (header.options & ExecuteOption.parse) !== 0 ? Math.max(header.prefetch, header.iterations) : header.iterations
}

/** Whether the text is a PL/SQL block, as its client sees it: the order of the binds depends on it. */
export const isPlsql = (header: ExecuteHeader): boolean =>
  (header.options & (ExecuteOption.notPlsql | ExecuteOption.describe)) === 0

/** As many binds as a statement may have. A request with more is still read, so that it can be refused. */
export const maxBinds = 65_535
const maxReadable = 1 << 20

const readMetadataList = (reader: ByteReader, count: number, terms: TtcTerms): Array<BindMetadata> => {
  const list: Array<BindMetadata> = []
  for (let index = 0; index < count; index++) list.push(readMetadata(reader, terms))
  return list
}

// Pointers are single bytes that say whether something follows; what they point to is known from the lengths.
export const parseExecute = (reader: ByteReader, terms: TtcTerms): ExecuteHeader => {
  const { fieldVersion } = terms
  const options = reader.ub4()
  const cursorId = reader.ub4()
  reader.skip(1)
  const sqlLength = reader.ub4()
  reader.skip(1)
  const vectorLength = reader.ub4()
  if (vectorLength !== 13) throw new ProtocolError(`EXECUTE with a vector of ${vectorLength}`)
  reader.skip(2)
  // The size of the buffer for prefetched rows.
  reader.ub4()
  const prefetch = reader.ub4()
  reader.ub4()
  reader.skip(1)
  const bindCount = reader.ub4()
  reader.skip(6)
  const defineCount = reader.ub4()
  if (bindCount > maxReadable || defineCount > maxReadable) {
    throw new ProtocolError("EXECUTE with too many binds or defines")
  }
  reader.ub4()
  reader.skip(3)
  reader.ub4()
  reader.skip(1)
  reader.ub4()
  reader.ub4()
  const countsRows = reader.u8() !== 0
  reader.ub4()
  reader.skip(1)
  if (fieldVersion >= FieldVersion.v12_2) {
    reader.skip(1)
    reader.ub4()
    reader.skip(1)
    reader.ub4()
    reader.skip(1)
    if (fieldVersion >= FieldVersion.v12_2_ext) {
      reader.skip(1)
      reader.ub4()
    }
  }
  const sql = sqlLength > 0 ? reader.text(sqlLength, terms.countedTexts) : undefined
  reader.ub4()
  const iterations = reader.ub4()
  for (let index = 2; index < 7; index++) reader.ub4()
  const isQuery = reader.ub4() === 1
  reader.ub4()
  const flags = reader.ub4()
  const position = { orientation: reader.ub4(), row: reader.ub4() }
  reader.ub4()
  const defines = (options & ExecuteOption.define) !== 0 ? readMetadataList(reader, defineCount, terms) : undefined
  const binds = defines === undefined && bindCount > 0
    ? readMetadataList(reader, bindCount, terms)
    : sql === undefined && (options & ExecuteOption.execute) !== 0
    ? undefined
    : []
  return {
    options,
    flags,
    cursorId,
    sql,
    prefetch,
    iterations,
    isQuery,
    countsRows,
    position,
    isShort: false,
    binds,
    defines
  }
}

export const parseReexecute = (reader: ByteReader, code: number): ExecuteHeader => {
  const cursorId = reader.ub4()
  const iterations = reader.ub4()
  reader.ub4()
  const commit = (reader.ub4() & reexecuteCommit) !== 0
  const fetches = code === FunctionCode.reexecuteAndFetch
  return {
    options: ExecuteOption.execute | (fetches ? ExecuteOption.fetch : 0) | (commit ? ExecuteOption.commit : 0),
    flags: ExecuteFlag.implicitResults,
    cursorId,
    sql: undefined,
    prefetch: iterations,
    position: { orientation: 0, row: 0 },
    iterations: fetches ? 1 : iterations,
    isQuery: fetches,
    countsRows: false,
    isShort: true,
    binds: undefined,
    defines: undefined
  }
}

/** Which binds come with values, in the order in which they come. */
export const valueOrder = (
  binds: ReadonlyArray<BindMetadata>,
  without: (index: number) => boolean,
  plsql: boolean,
  terms: TtcTerms
): ReadonlyArray<number> => {
  const early: Array<number> = []
  const late: Array<number> = []
  for (let index = 0; index < binds.length; index++) {
    if (without(index)) continue
    const bind = binds[index]!
    if (!plsql && !bind.isArray && isSentLast(bind, terms)) late.push(index)
    else early.push(index)
  }
  return late.length === 0 ? early : [...early, ...late]
}

export type BindRow = Array<WireValue | Array<WireValue>>

const maxElements = 1 << 20

/** One row of binds that is being read: a value, or `null`, for every bind. */
export interface PartialRow {
  readonly row: BindRow
  /** How many of the values that are due have come. */
  read: number
}

/**
 * Reads one ROW_DATA message, and keeps every value that has come in whole: `kept` is told of each, so that none is read
 * again when the message goes on in a later packet.
 */
export const readBindRow = (
  reader: ByteReader,
  binds: ReadonlyArray<BindMetadata>,
  order: ReadonlyArray<number>,
  begun: PartialRow | undefined,
  kept: (partial: PartialRow) => void
): BindRow => {
  const partial = begun ?? { row: Array.from({ length: binds.length }, () => null), read: 0 }
  if (begun === undefined) {
    const type = reader.u8()
    if (type !== MessageType.rowData) throw new ProtocolError(`message ${type} where a row of binds is due`)
  }
  while (partial.read < order.length) {
    const index = order[partial.read]!
    partial.row[index] = readBind(reader, binds[index]!)
    partial.read++
    if (partial.read < order.length) kept(partial)
  }
  return partial.row
}

const readBind = (reader: ByteReader, bind: BindMetadata): WireValue | Array<WireValue> => {
  if (!bind.isArray) return readBindValue(reader, bind)
  const count = reader.ub4()
  if (count > maxElements) throw new ProtocolError(`array bind of ${count} elements`)
  const elements: Array<WireValue> = []
  for (let element = 0; element < count; element++) elements.push(readBindValue(reader, bind))
  return elements
}
