/** Runs the operations on LOBs. */
import type { EngineSession, Lob } from "../engine/engine.ts"
import { oraError, unimplemented } from "../engine/oraError.ts"
import { ProtocolError } from "../net/protocolError.ts"
import type { ByteReader } from "./byteReader.ts"
import type { ByteWriter } from "./byteWriter.ts"
import type { HandedOut } from "./call.ts"
import { CharForm, WireType } from "./dataType.ts"
import { decodeUtf16, encodeUtf16, type LobTable } from "./lobTable.ts"
import { MessageType } from "./message.ts"

const Operation = {
  length: 0x1,
  read: 0x2,
  trim: 0x20,
  write: 0x40,
  fileOpen: 0x100,
  createTemporary: 0x110,
  freeTemporary: 0x111,
  fileClose: 0x200,
  fileIsOpen: 0x400,
  fileExists: 0x800,
  chunkSize: 0x4000,
  open: 0x8000,
  close: 0x1_0000,
  isOpen: 0x1_1000
} as const

const operationNames = new Map<number, string>(Object.entries(Operation).map(([name, code]) => [code, name]))

/** A LOB operation as a client asks for it. */
export interface LobRequest {
  readonly operation: number
  readonly locator: Buffer | undefined
  readonly sourceOffset: number
  readonly destinationOffset: number
  readonly data: Buffer | undefined
  readonly amount: number | undefined
  /** What the response has room for. */
  readonly answersCharset: boolean
  readonly answersFlag: boolean
}

/** `endsHere` says that the client has marked the present position as the end of its request: an empty write has no data. */
export const parseLobOperation = (reader: ByteReader, endsHere: () => boolean): LobRequest => {
  const hasLocator = reader.u8() !== 0
  const locatorLength = reader.ub4()
  const hasDestination = reader.u8() !== 0
  const destinationLength = reader.ub4()
  reader.ub4()
  reader.ub4()
  const answersCharset = reader.u8() !== 0
  reader.skip(1)
  const answersFlag = reader.u8() !== 0
  const operation = reader.ub4()
  reader.skip(1)
  const changeNumbers = reader.ub4()
  const sourceOffset = reader.ub8()
  const destinationOffset = reader.ub8()
  const sendsAmount = reader.u8() !== 0
  reader.skip(6)
  const locator = hasLocator && locatorLength > 0 ? Buffer.from(reader.bytes(locatorLength)) : undefined
  if (hasDestination) reader.skip(destinationLength)
  if (answersCharset) reader.ub4()
  if (changeNumbers > maxChangeNumbers) throw new ProtocolError(`${changeNumbers} change numbers of a LOB operation`)
  for (let index = 0; index < changeNumbers; index++) reader.ub4()
  let data = operation === Operation.write ? Buffer.alloc(0) : undefined
  let amount: number | undefined
  // Clients send the data of a write before the amount, or after it.
  const readData = () => {
    if (data === undefined || endsHere() || reader.peek() !== MessageType.lobData) return
    reader.skip(1)
    data = Buffer.from(reader.lv() ?? data)
  }
  readData()
  if (sendsAmount) {
    amount = reader.ub8()
    if (data?.length === 0) readData()
  }
  return { operation, locator, sourceOffset, destinationOffset, data, amount, answersCharset, answersFlag }
}

const maxChangeNumbers = 16

const lobOperationName = (request: LobRequest): string =>
  operationNames.get(request.operation) ?? `0x${request.operation.toString(16)}`

interface LobContext {
  readonly session: EngineSession
  readonly lobs: LobTable
  readonly handedOut: HandedOut
  readonly writer: ByteWriter
  /** The client reads signed integers of one byte with their length. */
  readonly countedBytes: boolean
}

const lobType = (number: number, form: number): Lob["type"] => {
  if (number === WireType.blob) return "BLOB"
  if (number === WireType.clob) return form === CharForm.national ? "NCLOB" : "CLOB"
  throw unimplemented(`temporary LOBs of data type ${number}`)
}

const offsetOf = (request: LobRequest): number => {
  if (request.sourceOffset < 1) throw oraError(21560, "argument OFFSET is null, invalid, or out of range")
  return request.sourceOffset
}

/** Runs one LOB operation and writes everything of the response but its end. */
export const runLobOperation = (context: LobContext, request: LobRequest): void => {
  const { lobs, writer } = context
  const { operation } = request
  if (operation === Operation.createTemporary) {
    const lob = context.session.createTemporaryLob(lobType(request.destinationOffset, request.sourceOffset))
    const locator = lobs.locate(lob)
    context.handedOut.locators.push(locator)
    // The answer fills the room that the client has offered for the locator.
    const room = Buffer.alloc(Math.max(request.locator?.length ?? 0, locator.length))
    locator.copy(room)
    return answer(context, request, room, request.amount ?? 0, false)
  }
  if (request.locator === undefined) throw oraError(22275, "invalid LOB locator specified")
  const lob = lobs.find(request.locator)
  let amount = request.amount ?? 0
  let flag = false
  switch (operation) {
    case Operation.length:
      amount = lob.length()
      break
    case Operation.chunkSize:
      amount = lob.chunkSize
      break
    case Operation.read: {
      const data = lob.read(offsetOf(request), amount)
      const bytes = typeof data === "string" ? encodeUtf16(data) : data
      if (bytes.length > 0) writer.u8(MessageType.lobData).lv(bytes)
      amount = data.length
      break
    }
    case Operation.write: {
      const data = request.data!
      const text = lob.type === "BLOB" ? Uint8Array.from(data) : decodeUtf16(data)
      lob.write(offsetOf(request), text)
      amount = text.length
      break
    }
    case Operation.trim:
      lob.trim(amount)
      break
    case Operation.freeTemporary:
      lobs.free(request.locator)
      break
    case Operation.open:
      lobs.open(request.locator)
      break
    case Operation.close:
      lobs.close(request.locator)
      break
    case Operation.isOpen:
      flag = lobs.isOpen(request.locator)
      break
    default:
      throw unimplemented(`LOB operation ${lobOperationName(request)}`)
  }
  answer(context, request, request.locator, amount, flag)
}

const answer = (context: LobContext, request: LobRequest, locator: Buffer, amount: number, flag: boolean): void => {
  const { countedBytes, writer } = context
  writer.u8(MessageType.parameter).bytes(locator)
  if (request.answersCharset) writer.ub(0)
  if (request.amount !== undefined) writer.ub(amount)
  if (!request.answersFlag) return
  if (countedBytes) writer.sb(flag ? 1 : 0)
  else writer.u8(flag ? 1 : 0)
}
