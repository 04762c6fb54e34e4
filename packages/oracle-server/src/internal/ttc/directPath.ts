/**
 * Direct path load: a client names a table and its columns, sends rows as a stream of pieces in the form of the columns, and ends
 * the load. The rows become an array insert of the engine under a lock on the whole table; the end of the load commits.
 */
import type { Column, EngineSession, Statement, Value } from "../engine/engine.ts"
import { oraError, unimplemented } from "../engine/oraError.ts"
import { ProtocolError } from "../net/protocolError.ts"
import { type BindMetadata, bindType, decodeImage, decodeScalar } from "./bindReader.ts"
import type { ByteReader } from "./byteReader.ts"
import type { ByteWriter } from "./byteWriter.ts"
import { CharForm, WireType, wireType } from "./dataType.ts"
import { writeColumnInfo } from "./describe.ts"
import { MessageType } from "./message.ts"
import type { TtcTerms } from "./negotiation.ts"

const Keyword = { table: 1, partition: 2, schema: 3, column: 4 } as const

const Operation = { abort: 1, finish: 2 } as const

/** Which table is loaded, and which of its columns. */
export interface LoadPrepare {
  readonly schema: string
  readonly table: string
  readonly columns: ReadonlyArray<string>
}

/** Rows of a load, not taken apart yet. */
export interface LoadStream {
  readonly id: number
  readonly pieces: Buffer
}

/** What is to be done with a load. */
export interface LoadOperation {
  readonly id: number
  readonly operation: number
}

const loadCode = 1

export const parseLoadPrepare = (reader: ByteReader): LoadPrepare => {
  const code = reader.ub4()
  reader.skip(1)
  const keywords = reader.ub4()
  reader.skip(1)
  const numbers = reader.ub2()
  reader.skip(6)
  let schema = ""
  let table = ""
  const columns: Array<string> = []
  let partition = ""
  for (let index = 0; index < keywords; index++) {
    reader.ub2()
    reader.ub2()
    const text = reader.lvText()
    const keyword = reader.ub2()
    if (keyword === Keyword.schema) schema = text
    else if (keyword === Keyword.table) table = text
    else if (keyword === Keyword.column) columns.push(text)
    else if (keyword === Keyword.partition) partition = text
  }
  for (let index = 0; index < numbers; index++) reader.ub4()
  if (code !== loadCode) throw unimplemented("direct path unload")
  if (partition !== "") throw unimplemented("direct path load of a partition")
  return { schema, table, columns }
}

export const parseLoadStream = (reader: ByteReader): LoadStream => {
  const id = reader.ub2()
  reader.skip(1)
  const length = reader.ub4()
  reader.ub4()
  reader.skip(1)
  const numbers = reader.ub4()
  reader.skip(2)
  for (let index = 0; index < numbers; index++) reader.ub4()
  // A copy: the request's buffer is used again.
  return { id, pieces: Buffer.from(reader.bytes(length)) }
}

export const parseLoadOperation = (reader: ByteReader): LoadOperation => {
  const operation = reader.ub4()
  const id = reader.ub2()
  reader.skip(1)
  const numbers = reader.ub4()
  reader.skip(2)
  for (let index = 0; index < numbers; index++) reader.ub4()
  return { id, operation }
}

const PieceFlag = { splitWithNext: 0x01, splitWithPrevious: 0x02, last: 0x04, first: 0x08, fastRow: 0x20 } as const

const longSegment = 254
const nullSegment = 255

/** Takes pieces apart into the bytes of each value; a value may go on from one piece to the next. */
const readRows = (pieces: Buffer): ReadonlyArray<ReadonlyArray<Buffer | null>> => {
  const rows: Array<ReadonlyArray<Buffer | null>> = []
  let row: Array<Buffer | null> = []
  let parts: Array<Buffer> = []
  let at = 0
  const take = (count: number): number => {
    const from = at
    at += count
    if (at > pieces.length) throw new ProtocolError("a piece of a direct path load goes on past its end")
    return from
  }
  while (at < pieces.length) {
    const flags = pieces[take(1)]!
    if ((flags & PieceFlag.fastRow) !== 0) take(2)
    const segments = pieces[take(1)]!
    if ((flags & PieceFlag.first) !== 0) row = []
    for (let segment = 0; segment < segments; segment++) {
      const head = pieces[take(1)]!
      if (head === nullSegment) {
        row.push(null)
        continue
      }
      const length = head === longSegment ? pieces.readUInt16BE(take(2)) : head
      const from = take(length)
      if (segment > 0 || (flags & PieceFlag.splitWithPrevious) === 0) parts = []
      parts.push(pieces.subarray(from, from + length))
      if (segment < segments - 1 || (flags & PieceFlag.splitWithNext) === 0) {
        row.push(parts.length === 1 ? parts[0]! : Buffer.concat(parts))
      }
    }
    if ((flags & PieceFlag.last) !== 0) rows.push(row)
  }
  return rows
}

/** How the values of a column come: those of LOBs as LONG and LONG RAW, text of a CLOB in UTF-16, as the database has several-byte characters. */
const formOf = (column: Column): BindMetadata => {
  const type = wireType(column.type)
  const metadata = { isArray: false, maxElements: 0, maxSize: 0, prefetch: 0, oid: undefined }
  if (type === WireType.clob) return { ...metadata, type: WireType.long, form: CharForm.national }
  if (type === WireType.blob) return { ...metadata, type: WireType.longRaw, form: 0 }
  return { ...metadata, type, form: column.national ? CharForm.national : CharForm.implicit }
}

const readValue = (bytes: Buffer | null, form: BindMetadata): Value => {
  if (bytes === null || bytes.length === 0) return null
  if (form.type === WireType.boolean) return bytes[0] !== 0
  if (form.type === WireType.json || form.type === WireType.vector) {
    return decodeImage({ _tag: "Image", kind: form.type === WireType.json ? "JSON" : "VECTOR", bytes })
  }
  return decodeScalar(bytes, form)
}

/** A name as the data dictionary has it: in capitals unless it is quoted. */
const quoted = (name: string): string => name.startsWith("\"") ? name : `"${name.toUpperCase()}"`

interface Load {
  readonly columns: ReadonlyArray<Column>
  readonly insert: Statement
  /** Whether nothing else is in its transaction. */
  readonly isAlone: boolean
}

const savepoint = "\"SYS$DIRECT_PATH\""

/** The loads of one session. */
export class DirectLoads {
  readonly #engine: EngineSession
  readonly #loads = new Map<number, Load>()
  #last = 0

  constructor(engine: EngineSession) {
    this.#engine = engine
  }

  async #run(sql: string): Promise<void> {
    await this.#engine.execute(this.#engine.parse(sql), { bindTypes: [] })
  }

  /** Begins a load and describes its columns. */
  async prepare({ columns, schema, table }: LoadPrepare, writer: ByteWriter, terms: TtcTerms): Promise<void> {
    const engine = this.#engine
    const target = `${schema === "" ? "" : `${quoted(schema)}.`}${quoted(table)}`
    const names = columns.map(quoted).join(", ")
    const described = engine.describe(engine.parse(`select ${names} from ${target}`)) ?? []
    const insert = engine.parse(
      `insert into ${target} (${names}) values (${columns.map((_, at) => `:${at + 1}`).join(", ")})`
    )
    const isAlone = !engine.inTransaction
    await this.#run(`savepoint ${savepoint}`)
    await this.#run(`lock table ${target} in exclusive mode`)
    const id = ++this.#last
    this.#loads.set(id, { columns: described, insert, isAlone })
    writer.u8(MessageType.parameter).ub(described.length)
    for (let index = 0; index < described.length; index++) writeColumnInfo(writer, described[index]!, index + 1, terms)
    // No parameters; four numbers, the last of which is the load's.
    writer.ub(0).ub(4).ub(0).ub(0).ub(0).ub(id)
  }

  #find(id: number): Load {
    const load = this.#loads.get(id)
    if (load === undefined) throw oraError(1001, "invalid cursor")
    return load
  }

  /** Writes rows. What a failure leaves of them goes when the client gives the load up. */
  async stream({ id, pieces }: LoadStream): Promise<number> {
    const { columns, insert } = this.#find(id)
    const forms = columns.map(formOf)
    const rows = readRows(pieces).map((row) => {
      if (row.length !== forms.length) {
        throw new ProtocolError(`a row of ${row.length} values for ${forms.length} columns`)
      }
      return row.map((bytes, index) => readValue(bytes, forms[index]!))
    })
    if (rows.length === 0) return 0
    const { rowCount } = await this.#engine.execute(insert, {
      bindTypes: forms.map((form) => bindType(form, this.#engine)),
      rows
    })
    return rowCount
  }

  /** Ends a load: for good, or as if it had not been. */
  async operate({ id, operation }: LoadOperation): Promise<void> {
    const { isAlone } = this.#find(id)
    if (operation === Operation.finish) {
      this.#loads.delete(id)
      this.#engine.commit()
    } else if (operation === Operation.abort) {
      this.#loads.delete(id)
      if (isAlone) this.#engine.rollback()
      else await this.#run(`rollback to savepoint ${savepoint}`)
    } else throw unimplemented(`operation ${operation} of a direct path load`)
  }

  clear(): void {
    this.#loads.clear()
  }
}
