/** Runs EXECUTE and FETCH and writes their answers. */
import type {
  BindArray,
  BindDirection,
  BindType,
  CompositeType,
  Cursor,
  EngineSession,
  ExecuteResult,
  OutBind,
  Row,
  Statement,
  Value
} from "../engine/engine.ts"
import { oraError, unimplemented } from "../engine/oraError.ts"
import { type BindMetadata, bindType, decodeImage, resolveObject, type WireValue } from "./bindReader.ts"
import type { ByteWriter } from "./byteWriter.ts"
import type { HandedOut } from "./call.ts"
import type { CursorTable, ServerCursor } from "./cursorTable.ts"
import { needsDefine, typeName } from "./dataType.ts"
import { writeDescription } from "./describe.ts"
import { type BindRow, ExecuteFlag, type ExecuteHeader, ExecuteOption, rowsToFetch } from "./executeMessage.ts"
import type { LobTable } from "./lobTable.ts"
import { MessageType } from "./message.ts"
import type { TtcTerms } from "./negotiation.ts"
import { noDataFound } from "./outcome.ts"
import { parseRowid, type RowidParts } from "./rowidCodec.ts"
import { type FetchPosition, ScrollableRows } from "./scrollableRows.ts"
import type { ReportedState } from "./serverSession.ts"
import { type ColumnForm, ownForm, type ValueContext, writeColumn, writeValue } from "./valueWriter.ts"

/** What an execution or a fetch works with. */
export interface ExecuteContext {
  readonly session: EngineSession
  readonly cursors: CursorTable
  readonly lobs: LobTable
  readonly handedOut: HandedOut
  /** What the client has last been told, or has said itself. */
  readonly reported: ReportedState
  readonly terms: TtcTerms
  readonly writer: ByteWriter
}

/** What ends up in the ERROR message of the response. */
export interface ExecuteOutcome {
  readonly rowCount: number
  readonly rowid?: RowidParts | undefined
  readonly batchErrors?: ExecuteResult["batchErrors"] | undefined
  /** Of each iteration, where they were asked for. */
  readonly rowCounts?: ExecuteResult["rowCounts"] | undefined
  readonly error?: typeof noDataFound
  readonly compilationFailed?: boolean
}

const valueContext = (context: ExecuteContext): ValueContext => ({
  locate: (lob) => {
    const locator = context.lobs.locate(lob)
    if (lob.temporary) context.handedOut.locators.push(locator)
    return locator
  },
  writeCursor: (cursor) => writeCursorBody(context, cursor)
})

// A ref cursor: its columns and the id under which the client will fetch.
const writeCursorBody = (context: ExecuteContext, open: Cursor): void => {
  const cursor = context.cursors.open("")
  context.handedOut.cursors.push(cursor.id)
  cursor.open = open
  describeTo(context, cursor, open.columns)
  context.writer.ub(cursor.id)
}

const describeTo = (context: ExecuteContext, cursor: ServerCursor, columns: Cursor["columns"]): void => {
  writeDescription(context.writer, columns, context.terms)
  cursor.described = columns
}

const sameShape = (one: ReadonlyArray<ColumnForm> | undefined, columns: Cursor["columns"]): boolean =>
  one !== undefined && one.length === columns.length &&
  columns.every((column, index) => {
    const known = one[index]!.column
    return known.type === column.type && known.composite === column.composite
  })

/**
 * Readies the forms for a query's columns. The execution of a query with columns that are usually defined hands out no
 * rows, so that its client can still define them; a fetch takes them as they are.
 */
const settleForms = (cursor: ServerCursor, columns: Cursor["columns"], maxString: number, executes: boolean): void => {
  if (sameShape(cursor.forms, columns)) return
  cursor.forms = executes && columns.some((column) => needsDefine(column.type))
    ? undefined
    : columns.map((column) => ownForm(column, maxString))
}

const defineForms = (
  cursor: ServerCursor,
  defines: ReadonlyArray<BindMetadata>,
  maxString: number
): ReadonlyArray<ColumnForm> => {
  const columns = cursor.open?.columns ?? cursor.described
  if (columns === undefined || columns.length !== defines.length) {
    throw oraError(1007, "variable not in select list")
  }
  return columns.map((column, index) => {
    const own = ownForm(column, maxString)
    const type = typeName(defines[index]!.type, defines[index]!.form)
    if (type === undefined) throw unimplemented(`defines of data type ${defines[index]!.type}`)
    // Only the LOB-like columns come in another type than their own, and then in the manner of a LONG.
    if (!needsDefine(column.type)) return own
    const { prefetch } = defines[index]!
    return type === column.type ? { ...own, prefetch } : { column, type, trailer: true, prefetch }
  })
}

/** Writes up to `count` rows and says how it went on; a promise where the rows take their time. */
export const fetchRows = (
  context: ExecuteContext,
  cursor: ServerCursor,
  count: number,
  { executes = false, position }: { readonly executes?: boolean; readonly position?: FetchPosition } = {}
): ExecuteOutcome | Promise<ExecuteOutcome> => {
  const { open, scrollable } = cursor
  if (open === undefined) throw oraError(1002, "fetch out of sequence")
  settleForms(cursor, open.columns, context.terms.maxString, executes)
  const { forms } = cursor
  if (forms === undefined) return { rowCount: open.rowCount }
  const rows = scrollable?.take(count, position) ?? (open.exhausted ? [] : context.session.fetch(open, count))
  return rows instanceof Promise
    ? rows.then((settled) => writeRows(context, cursor, open, forms, settled))
    : writeRows(context, cursor, open, forms, rows)
}

const writeRows = (
  context: ExecuteContext,
  cursor: ServerCursor,
  open: Cursor,
  forms: ReadonlyArray<ColumnForm>,
  rows: ReadonlyArray<Row>
): ExecuteOutcome => {
  const { scrollable } = cursor
  const { writer } = context
  const values = valueContext(context)
  if (rows.length > 0) {
    // Row header: flags, the number of columns in two parts, iterations, buffer length, bit vector, rowid.
    writer.u8(MessageType.rowHeader).u8(0).ub(forms.length % 256).ub(Math.floor(forms.length / 256)).zeros(4)
    for (const row of rows) {
      writer.u8(MessageType.rowData)
      for (let index = 0; index < forms.length; index++) writeColumn(writer, forms[index]!, row[index]!, values)
    }
  }
  if (scrollable !== undefined) {
    const { exhausted, position: rowCount } = scrollable
    return exhausted ? { rowCount, error: noDataFound } : { rowCount }
  }
  const { exhausted, rowCount } = open
  if (exhausted) context.cursors.closeQuery(cursor)
  return exhausted ? { rowCount, error: noDataFound } : { rowCount }
}

const resolveReference = (
  context: ExecuteContext,
  value: WireValue,
  type: CompositeType | undefined
): Value => {
  if (typeof value !== "object" || value === null || !("_tag" in value)) return value
  if (value._tag === "LobReference") return context.lobs.find(value.locator)
  if (value._tag === "Image") return decodeImage(value)
  if (value._tag === "ObjectReference") return resolveObject(value, type)
  if (value._tag !== "CursorReference") return value
  // One that is gone is no failure before a block uses it: clients bind the one of the last execution to be replaced.
  return context.cursors.has(value.id) ? context.cursors.find(value.id).open ?? null : null
}

const resolveRow = (
  context: ExecuteContext,
  row: BindRow,
  types: ReadonlyArray<BindType>
): Array<Value | BindArray> =>
  row.map((value, i) =>
    Array.isArray(value)
      ? value.map((element) => resolveReference(context, element, types[i]?.composite))
      : resolveReference(context, value, types[i]?.composite)
  )

const checkBindCount = (statement: Statement, binds: ReadonlyArray<BindMetadata>): void => {
  if (statement.kind === "ddl") return
  if (binds.length < statement.placeholders.length) throw oraError(1008, "not all variables bound")
  if (binds.length > statement.placeholders.length) throw oraError(1036, "illegal variable name/number")
}

const maxIterations = 4_194_304

/** Runs the statement of `cursor` and writes everything of the response but its end. */
export const execute = (
  context: ExecuteContext,
  cursor: ServerCursor,
  header: ExecuteHeader,
  rows: ReadonlyArray<BindRow>
): ExecuteOutcome | Promise<ExecuteOutcome> => {
  const { options } = header
  if (header.defines !== undefined) {
    cursor.forms = defineForms(cursor, header.defines, context.terms.maxString)
    // A statement waits for the fetch that follows. A REF CURSOR, which is open already, hands out its rows at once.
    const waits = (options & (ExecuteOption.execute | ExecuteOption.fetch)) === 0
    if (waits && cursor.statement !== undefined) return { rowCount: cursor.open?.rowCount ?? 0 }
  }
  const { statement } = cursor
  if ((options & ExecuteOption.describe) !== 0 && statement !== undefined) return describe(context, cursor, statement)
  if ((options & ExecuteOption.execute) === 0 || statement === undefined) {
    const rows = rowsToFetch(header)
    if (rows > 0) return fetchRows(context, cursor, rows, header)
    return { rowCount: 0 }
  }
  checkBindCount(statement, cursor.binds)
  const iterations = header.isQuery ? 1 : Math.max(1, header.iterations)
  if (iterations > maxIterations) {
    throw oraError(4030, `out of process memory when trying to allocate ${iterations} iterations`)
  }
  context.cursors.closeQuery(cursor)
  const bindTypes = cursor.binds.map((bind) => bindType(bind, context.session))
  const result = context.session.execute(statement, {
    bindTypes,
    rows: rows.length > 0
      ? rows.map((row) => resolveRow(context, row, bindTypes))
      : Array.from({ length: iterations }, () => cursor.binds.map(() => null)),
    autoCommit: (options & ExecuteOption.commit) !== 0,
    batchErrors: (options & ExecuteOption.batchErrors) !== 0,
    rowCounts: (header.flags & ExecuteFlag.rowCounts) !== 0
  })
  return result instanceof Promise
    ? result.then((settled) => respond(context, cursor, header, settled))
    : respond(context, cursor, header, result)
}

const describe = (context: ExecuteContext, cursor: ServerCursor, statement: Statement): ExecuteOutcome => {
  const columns = context.session.describe(statement)
  if (columns !== null) {
    context.writer.u8(MessageType.describe).u8(0)
    describeTo(context, cursor, columns)
  }
  return { rowCount: 0 }
}

const respond = (
  context: ExecuteContext,
  cursor: ServerCursor,
  header: ExecuteHeader,
  result: ExecuteResult
): ExecuteOutcome | Promise<ExecuteOutcome> => {
  const { writer } = context
  if (result.cursor !== undefined) {
    const { columns } = result.cursor
    cursor.open = result.cursor
    if ((header.flags & ExecuteFlag.scrollable) !== 0) {
      cursor.scrollable = new ScrollableRows(context.session, result.cursor)
    }
    settleForms(cursor, columns, context.terms.maxString, true)
    // A re-execution is told of the columns only when they have changed since.
    if (header.binds !== undefined || !unchanged(cursor.described, columns)) {
      writer.u8(MessageType.describe).u8(0)
      describeTo(context, cursor, columns)
    }
    const rows = rowsToFetch(header)
    return rows > 0 ? fetchRows(context, cursor, rows, { executes: true, position: header.position }) : { rowCount: 0 }
  }
  cursor.outOnly = noBinds
  if (result.returned !== undefined && result.returned.length > 0) writeReturned(context, cursor, result)
  else if (result.outBinds !== undefined && result.outBinds.length > 0) writeOutBinds(context, cursor, result.outBinds)
  if (result.implicitResults !== undefined && result.implicitResults.length > 0) {
    writeImplicitResults(context, result.implicitResults)
  }
  return {
    rowCount: result.rowCount,
    rowid: result.lastRowid === undefined ? undefined : parseRowid(result.lastRowid),
    batchErrors: result.batchErrors,
    compilationFailed: result.warning?.code === 24344,
    rowCounts: (header.flags & ExecuteFlag.rowCounts) === 0 ? undefined : result.rowCounts
  }
}

const noBinds: ReadonlySet<number> = new Set()

const unchanged = (before: Cursor["columns"] | undefined, now: Cursor["columns"]): boolean =>
  before === now || (before !== undefined && before.length === now.length &&
    now.every((column, index) => {
      const other = before[index]!
      return column.name === other.name && column.type === other.type && column.maxSize === other.maxSize &&
        column.precision === other.precision && column.scale === other.scale
    }))

const directionByte: { readonly [Direction in BindDirection]: number } = { in: 32, out: 16, inout: 48, returning: 16 }

const writeIoVector = (writer: ByteWriter, directions: ReadonlyArray<BindDirection>): void => {
  writer.u8(MessageType.ioVector).u8(0).ub(directions.length % 256).ub(Math.floor(directions.length / 256))
  writer.ub(1).ub(0).ub(0).ub(0)
  for (const direction of directions) writer.u8(directionByte[direction])
}

const writeReturned = (context: ExecuteContext, cursor: ServerCursor, result: ExecuteResult): void => {
  const { writer } = context
  const returned = result.returned!
  const directions: Array<BindDirection> = cursor.binds.map(() => "in")
  for (const { index } of returned) directions[index] = "returning"
  writeIoVector(writer, directions)
  const values = valueContext(context)
  const iterations = returned[0]!.values.length
  for (let iteration = 0; iteration < iterations; iteration++) {
    writer.u8(MessageType.rowData)
    for (const bind of returned) {
      const rows = bind.values[iteration]!
      writer.ub(rows.length)
      const type = wireTypeOf(cursor, bind.index, bind.type)
      for (const value of rows) {
        writeValue(writer, type, value, values, true)
        writer.sb(0)
      }
    }
  }
}

// Out values go in the type of the bind, which the engine has converted them to.
const wireTypeOf = (cursor: ServerCursor, index: number, type: OutBind["type"]): OutBind["type"] => {
  const bind = cursor.binds[index]!
  return typeName(bind.type, bind.form) ?? type
}

const writeOutBinds = (context: ExecuteContext, cursor: ServerCursor, outBinds: ReadonlyArray<OutBind>): void => {
  const { writer } = context
  const directions: Array<BindDirection> = cursor.binds.map(() => "in")
  const outOnly = new Set<number>()
  for (const { direction, index } of outBinds) {
    directions[index] = direction
    if (direction === "out") outOnly.add(index)
  }
  cursor.outOnly = outOnly
  writeIoVector(writer, directions)
  const values = valueContext(context)
  const iterations = outBinds[0]!.values.length
  const ordered = [...outBinds].sort((one, other) => one.index - other.index)
  for (let iteration = 0; iteration < iterations; iteration++) {
    writer.u8(MessageType.rowData)
    for (const bind of ordered) {
      const type = wireTypeOf(cursor, bind.index, bind.type)
      const value = bind.values[iteration]!
      if (cursor.binds[bind.index]!.isArray) {
        const elements = Array.isArray(value) ? value as BindArray : []
        writer.ub(elements.length)
        for (const element of elements) {
          writeValue(writer, type, element, values, true)
          writer.sb(0)
        }
      } else {
        writeValue(writer, type, value as Value, values, true)
        writer.sb(0)
      }
    }
  }
}

const writeImplicitResults = (context: ExecuteContext, results: ReadonlyArray<Cursor>): void => {
  context.writer.u8(MessageType.implicitResults).ub(results.length)
  for (const result of results) {
    context.writer.u8(0)
    writeCursorBody(context, result)
  }
}
