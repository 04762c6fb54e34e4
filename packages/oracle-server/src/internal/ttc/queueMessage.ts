/** The bytes of Advanced Queuing: what clients send to enqueue and dequeue messages, and how messages travel back. */
import type { DequeueRequest, OutgoingMessage, ReceivedMessage, Value } from "../engine/engine.ts"
import { oraError, unimplemented } from "../engine/oraError.ts"
import { ProtocolError } from "../net/protocolError.ts"
import { decodeImage, readObject, resolveObject, type WireValue } from "./bindReader.ts"
import type { ByteReader } from "./byteReader.ts"
import type { ByteWriter } from "./byteWriter.ts"
import { FieldVersion, MessageType } from "./message.ts"
import type { TtcTerms } from "./negotiation.ts"
import { toid, writeObject } from "./objectCodec.ts"
import { encodeOson } from "./osonEncoder.ts"
import type { ServerSession } from "./serverSession.ts"
import { writeDate } from "./temporalCodec.ts"

/** A message whose payload is not decoded yet. */
interface WireMessage extends Omit<OutgoingMessage, "payload"> {
  readonly payload: WireValue
}

export interface QueueEnqueue {
  readonly queue: string
  readonly payloadType: string
  readonly visibility: number
  readonly flags: number
  readonly messages: ReadonlyArray<WireMessage>
}

export interface QueueDequeue {
  readonly request: DequeueRequest
  readonly flags: number
}

const idLength = 16
const oidLength = 16
const rawOid = "00000000000000000000000000000017"
const jsonOid = "00000000000000000000000000000047"
const maxMessages = 65_535
/** In the flags of a message. */
const DeliveryFlag = { buffered: 0x02, either: 0x10 } as const
const ArrayOperation = { enqueue: 1, dequeue: 2 } as const

const payloadTypeOf = (oid: Buffer): string => {
  const name = oid.toString("hex").toUpperCase()
  return name === rawOid ? "RAW" : name === jsonOid ? "JSON" : name
}

/** Messages that no table keeps are not known here. */
export const persistentOnly = (flags: number): void => {
  if ((flags & (DeliveryFlag.buffered | DeliveryFlag.either)) !== 0) throw unimplemented("buffered messages")
}

type Properties = Omit<WireMessage, "payload" | "recipients">

const readProperties = (reader: ByteReader, terms: TtcTerms): Properties => {
  const priority = reader.sb4()
  const delay = reader.sb4()
  const expiration = reader.sb4()
  const correlation = reader.counted()?.toString("utf8") ?? null
  // Attempts.
  reader.sb4()
  const exceptionQueue = reader.counted()?.toString("utf8") ?? null
  // State, time and transaction of the enqueue: the server's to say.
  reader.sb4()
  reader.counted()
  reader.counted()
  const extensions = reader.ub4()
  if (extensions > maxMessages) throw new ProtocolError(`${extensions} extensions of a message`)
  if (extensions > 0) reader.skip(1)
  for (let i = 0; i < extensions; i++) readPair(reader)
  if (reader.ub4() > 0) throw new ProtocolError("user properties of a message")
  reader.ub4()
  reader.ub4()
  reader.ub4()
  if (terms.fieldVersion >= FieldVersion.v21) reader.ub4()
  return { priority, delay, expiration, correlation, exceptionQueue }
}

const readPair = (reader: ByteReader): void => {
  reader.counted()
  reader.counted()
  reader.ub2()
}

/** How many recipients are named; each is three pairs. */
const readRecipients = (reader: ByteReader, pairs: number): number => {
  if (pairs > maxMessages) throw new ProtocolError(`${pairs} values for the recipients of a message`)
  for (let i = 0; i < pairs; i++) readPair(reader)
  return Math.ceil(pairs / 3)
}

const locatorLength = 40

/** `rawLength`: how many bytes a RAW payload has. */
const readPayload = (reader: ByteReader, payloadType: string, rawLength: number): WireValue => {
  if (payloadType === "RAW") return Uint8Array.from(reader.bytes(rawLength))
  if (payloadType !== "JSON") return readObject(reader)
  if (reader.ub4() === 0) return null
  reader.skip(locatorLength)
  const image = reader.lv()
  // A copy: the request's buffer is used again.
  return image === null ? null : { _tag: "Image", kind: "JSON", bytes: Buffer.from(image) }
}

export const parseEnqueue = (reader: ByteReader, terms: TtcTerms): QueueEnqueue => {
  reader.skip(1)
  reader.ub4()
  const properties = readProperties(reader, terms)
  reader.skip(1)
  const pairs = reader.ub4()
  const visibility = reader.ub4()
  reader.skip(1)
  if (reader.ub4() > 0) throw new ProtocolError("a message that is enqueued before another one")
  reader.ub4()
  reader.skip(1)
  reader.ub4()
  reader.ub2()
  reader.skip(2)
  const rawLength = reader.ub4()
  reader.skip(1)
  reader.ub4()
  const flags = reader.ub4()
  // Extensions, sequence numbers, acknowledgement, correlation, sender: pointers and lengths, none of which clients use.
  for (let i = 0; i < 4; i++) {
    reader.skip(1)
    reader.ub4()
  }
  reader.skip(1)
  for (let i = 0; i < 3; i++) {
    reader.skip(1)
    reader.ub4()
  }
  reader.skip(2)
  if (terms.fieldVersion >= FieldVersion.v20) reader.skip(1)
  const queue = reader.lvText()
  const recipients = readRecipients(reader, pairs)
  const payloadType = payloadTypeOf(reader.bytes(oidLength))
  const payload = readPayload(reader, payloadType, rawLength)
  return { queue, payloadType, visibility, flags, messages: [{ ...properties, recipients, payload }] }
}

export const parseDequeue = (reader: ByteReader, terms: TtcTerms): QueueDequeue => {
  reader.skip(1)
  reader.ub4()
  reader.skip(4)
  const hasConsumer = reader.u8() !== 0
  reader.ub4()
  const mode = reader.sb4()
  const navigation = reader.sb4()
  const visibility = reader.sb4()
  const wait = reader.sb4()
  const hasId = reader.u8() !== 0
  const length = reader.ub4()
  const hasCorrelation = reader.u8() !== 0
  reader.ub4()
  reader.skip(1)
  reader.ub4()
  reader.ub2()
  reader.skip(2)
  reader.ub4()
  const flags = reader.ub4()
  const hasCondition = reader.u8() !== 0
  reader.ub4()
  reader.skip(1)
  reader.ub4()
  if (terms.fieldVersion >= FieldVersion.v20) reader.skip(1)
  if (terms.fieldVersion >= FieldVersion.v21) reader.ub4()
  const queue = reader.lvText()
  const consumer = hasConsumer ? reader.lvText() : null
  const id = hasId ? Uint8Array.from(reader.bytes(length)) : null
  const correlation = hasCorrelation ? reader.lvText() : null
  const payloadType = payloadTypeOf(reader.bytes(oidLength))
  const condition = hasCondition ? reader.lvText() : null
  return {
    request: { queue, payloadType, mode, navigation, visibility, wait, id, correlation, condition, consumer, count: 1 },
    flags
  }
}

/** Many messages at once. */
export type QueueArray =
  | { readonly operation: "enqueue"; readonly request: QueueEnqueue }
  | { readonly operation: "dequeue"; readonly dequeue: QueueDequeue }

export const parseQueueArray = (reader: ByteReader, terms: TtcTerms): QueueArray => {
  reader.skip(1)
  const wanted = reader.ub4()
  reader.ub4()
  reader.skip(2)
  const operation = reader.sb4()
  reader.skip(1)
  if (terms.fieldVersion >= FieldVersion.v21) reader.ub4()
  if (operation === ArrayOperation.dequeue) {
    return { operation: "dequeue", dequeue: readDequeues(reader, terms, wanted) }
  }
  if (operation !== ArrayOperation.enqueue) throw new ProtocolError(`operation ${operation} on messages`)
  return { operation: "enqueue", request: readEnqueues(reader, terms, reader.ub4()) }
}

const expectByte = (reader: ByteReader, expected: number): void => {
  const found = reader.u8()
  if (found !== expected) throw new ProtocolError(`byte ${found} where ${expected} is due among messages`)
}

const readEnqueues = (reader: ByteReader, terms: TtcTerms, count: number): QueueEnqueue => {
  if (count > maxMessages) throw new ProtocolError(`${count} messages in a call`)
  if (reader.ub4() > 0) throw new ProtocolError("a message that is enqueued before another one")
  expectByte(reader, MessageType.rowHeader)
  const queue = reader.counted()?.toString("utf8") ?? ""
  const payloadType = payloadTypeOf(reader.bytes(oidLength))
  reader.ub2()
  let flags = reader.ub4()
  let visibility = 0
  const messages: Array<WireMessage> = []
  for (let i = 0; i < count; i++) {
    expectByte(reader, MessageType.rowData)
    flags |= reader.ub4()
    const properties = readProperties(reader, terms)
    const recipients = readRecipients(reader, reader.ub4())
    visibility = reader.sb4()
    reader.ub4()
    reader.sb4()
    const rawLength = payloadType === "RAW" ? reader.ub4() : 0
    messages.push({ ...properties, recipients, payload: readPayload(reader, payloadType, rawLength) })
  }
  expectByte(reader, MessageType.status)
  return { queue, payloadType, visibility, flags, messages }
}

/** The same request as often as messages are wanted: the first one stands for all. */
const readDequeues = (reader: ByteReader, terms: TtcTerms, count: number): QueueDequeue => {
  if (count > maxMessages || count === 0) throw new ProtocolError(`${count} messages in a call`)
  let first: DequeueRequest | undefined
  let flags = 0
  for (let i = 0; i < count; i++) {
    const queue = reader.counted()?.toString("utf8") ?? ""
    readProperties(reader, terms)
    readRecipients(reader, reader.ub4())
    const consumer = reader.counted()?.toString("utf8") ?? null
    const mode = reader.sb4()
    const navigation = reader.sb4()
    const visibility = reader.sb4()
    const wait = reader.sb4()
    const id = reader.counted()
    const correlation = reader.counted()?.toString("utf8") ?? null
    const condition = reader.counted()?.toString("utf8") ?? null
    reader.ub4()
    reader.ub4()
    reader.sb4()
    const oid = reader.counted()
    reader.ub2()
    reader.ub4()
    reader.ub4()
    reader.ub4()
    flags |= reader.ub4()
    reader.ub4()
    reader.ub4()
    first ??= {
      queue,
      payloadType: oid === null ? "" : payloadTypeOf(oid),
      mode,
      navigation,
      visibility,
      wait,
      id: id === null ? null : Uint8Array.from(id),
      correlation,
      condition,
      consumer,
      count
    }
  }
  return { request: first!, flags }
}

/** The payload as a value of the engine. */
export const payloadOf = ({ payload, ...rest }: WireMessage, type: string, session: ServerSession): OutgoingMessage => {
  const resolve = (): Value => {
    if (typeof payload !== "object" || payload === null || payload instanceof Uint8Array) return payload
    if (!("_tag" in payload)) return payload
    if (payload._tag === "Image") return decodeImage(payload)
    if (payload._tag === "ObjectReference") return resolveObject(payload, session.engine.objectType(type))
    throw oraError(25215, "user_data type and queue type do not match")
  }
  return { ...rest, payload: resolve() }
}

const AgentKeyword = { name: 64, address: 65, protocol: 66, originalId: 69 } as const
const extensionMark = 0x0e

const writeProperties = (writer: ByteWriter, message: ReceivedMessage, terms: TtcTerms): void => {
  writer.sb(message.priority).sb(message.delay).sb(message.expiration).countedText(message.correlation ?? "")
  writer.sb(message.attempts).countedText(message.exceptionQueue ?? "").sb(message.state)
  if (message.enqueuedAt === null) writer.ub(0)
  else {
    writer.ub(7)
    writeDate(writer, message.enqueuedAt)
  }
  writer.ub(0)
  writer.ub(4).u8(extensionMark)
  writer.ub(0).ub(0).ub(AgentKeyword.name)
  writer.ub(0).ub(0).ub(AgentKeyword.address)
  writer.ub(0).counted(Buffer.of(0)).ub(AgentKeyword.protocol)
  writer.ub(0).ub(0).ub(AgentKeyword.originalId)
  // User properties, two change numbers, flags.
  writer.ub(0).ub(0).ub(0).ub(0)
  if (terms.fieldVersion >= FieldVersion.v21) writer.ub(0)
}

/** What is not an object travels as the image of one: its length before it. */
const writeImage = (writer: ByteWriter, oid: string, bytes: Uint8Array): void => {
  const image = Buffer.alloc(4 + bytes.length)
  image.writeUInt32BE(bytes.length)
  image.set(bytes, 4)
  writer.counted(toid(oid)).ub(0).ub(0).ub(0).ub(image.length).ub(0).lv(image)
}

const writePayload = (writer: ByteWriter, payload: Value | undefined): void => {
  if (payload === null || payload === undefined) writer.zeros(6)
  else if (payload instanceof Uint8Array) writeImage(writer, rawOid, payload)
  else if (typeof payload === "object" && "_tag" in payload && payload._tag === "Json") {
    writeImage(writer, jsonOid, encodeOson(payload.value))
  } else if (typeof payload === "object" && "_tag" in payload && payload._tag === "Object") writeObject(writer, payload)
  else throw oraError(25215, "user_data type and queue type do not match")
}

export const writeEnqueued = (writer: ByteWriter, ids: ReadonlyArray<Uint8Array>): void => {
  writer.u8(MessageType.parameter).bytes(ids[0]!).ub(0)
}

export const writeDequeued = (writer: ByteWriter, message: ReceivedMessage, terms: TtcTerms): void => {
  writer.u8(MessageType.parameter).ub(1)
  writeProperties(writer, message, terms)
  // No recipients.
  writer.ub(0)
  writePayload(writer, message.payload)
  writer.bytes(message.id)
}

export const writeManyEnqueued = (writer: ByteWriter, ids: ReadonlyArray<Uint8Array>): void => {
  writer.u8(MessageType.parameter).ub(1).ub(0).ub(0).ub(0)
  writer.counted(Buffer.concat(ids, ids.length * idLength)).ub(0).ub(0).ub(ids.length)
}

export const writeManyDequeued = (
  writer: ByteWriter,
  messages: ReadonlyArray<ReceivedMessage>,
  terms: TtcTerms
): void => {
  writer.u8(MessageType.parameter).ub(messages.length)
  for (const message of messages) {
    writer.ub(1).u8(1)
    writeProperties(writer, message, terms)
    writer.ub(0).ub(1)
    writePayload(writer, message.payload)
    writer.counted(message.id).ub(0).ub(0)
  }
}
