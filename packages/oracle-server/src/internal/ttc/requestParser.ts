/** Parses requests into messages, starting again where one is not whole yet. */
import { ProtocolError } from "../net/protocolError.ts"
import { type AuthMessage, parseAuthMessage } from "./authMessage.ts"
import type { BindMetadata } from "./bindReader.ts"
import { type ByteReader, Incomplete } from "./byteReader.ts"
import type { FunctionName } from "./call.ts"
import { parseDescribeObject } from "./describeObject.ts"
import {
  type LoadOperation,
  type LoadPrepare,
  type LoadStream,
  parseLoadOperation,
  parseLoadPrepare,
  parseLoadStream
} from "./directPath.ts"
import {
  type BindRow,
  type ExecuteHeader,
  parseExecute,
  parseReexecute,
  type PartialRow,
  readBindRow
} from "./executeMessage.ts"
import { type LobRequest, parseLobOperation } from "./lobCall.ts"
import { FieldVersion, FunctionCode, MessageType } from "./message.ts"
import { agreeOnTerms, type DataTypesRequest, parseDataTypes, parseProtocol, type TtcTerms } from "./negotiation.ts"
import { parsePiggyback, type Piggyback } from "./piggyback.ts"
import {
  parseDequeue,
  parseEnqueue,
  parseQueueArray,
  type QueueArray,
  type QueueDequeue,
  type QueueEnqueue
} from "./queueMessage.ts"
import type { RequestBuffer } from "./requestBuffer.ts"
import {
  parseTransactionChange,
  parseTransactionSwitch,
  type TransactionChange,
  type TransactionSwitch
} from "./transactionMessage.ts"

/** Code, sequence and token of a function message. */
interface FunctionHeader {
  readonly code: number
  readonly sequence: number
  readonly token: number
  readonly oneWay: boolean
}

export type FunctionBody =
  | { readonly _tag: "Execute"; readonly header: ExecuteHeader }
  | { readonly _tag: "Fetch"; readonly cursorId: number; readonly rows: number }
  | { readonly _tag: "Lob"; readonly request: LobRequest }
  | { readonly _tag: "Auth"; readonly message: AuthMessage }
  | { readonly _tag: "Release"; readonly mode: number }
  | { readonly _tag: "Plain" }
  | { readonly _tag: "DescribeObject"; readonly name: string }
  | { readonly _tag: "LoadPrepare"; readonly request: LoadPrepare }
  | { readonly _tag: "LoadStream"; readonly request: LoadStream }
  | { readonly _tag: "LoadOperation"; readonly request: LoadOperation }
  | { readonly _tag: "TransactionSwitch"; readonly request: TransactionSwitch }
  | { readonly _tag: "TransactionChange"; readonly request: TransactionChange }
  | { readonly _tag: "Enqueue"; readonly request: QueueEnqueue }
  | { readonly _tag: "Dequeue"; readonly dequeue: QueueDequeue }
  | { readonly _tag: "QueueArray"; readonly array: QueueArray }
  /** A function that this server does not have, passed over. */
  | { readonly _tag: "Unknown" }

/** One message of a request. */
export type Message =
  | { readonly _tag: "Protocol"; readonly driver: string }
  | { readonly _tag: "DataTypes"; readonly request: DataTypesRequest }
  | {
    readonly _tag: "FastAuth"
    readonly driver: string
    readonly dataTypes: DataTypesRequest
    readonly header: FunctionHeader
    readonly auth: AuthMessage
  }
  | { readonly _tag: "Piggyback"; readonly code: number; readonly piggyback: Piggyback }
  | { readonly _tag: "Function"; readonly header: FunctionHeader; readonly body: FunctionBody }
  | { readonly _tag: "Row"; readonly row: BindRow }

/** The rows of binds that are due before the next message. */
export interface ExpectedRows {
  readonly binds: ReadonlyArray<BindMetadata>
  readonly order: ReadonlyArray<number>
  /** The row that has come in part. */
  partial: PartialRow | undefined
}

const readHeader = (reader: ByteReader, oneWay: boolean, terms: TtcTerms): FunctionHeader => {
  const code = reader.u8()
  const sequence = reader.u8()
  const token = terms.fieldVersion >= FieldVersion.v23_1_token ? reader.ub8() : 0
  return { code, sequence, token, oneWay }
}

const plainFunctions: ReadonlySet<number> = new Set([
  FunctionCode.commit,
  FunctionCode.rollback,
  FunctionCode.ping,
  FunctionCode.logoff
])

/**
 * Takes messages from the front of the buffer. A message that is not whole yet is tried again when more bytes have come:
 * the client's marks of request ends are not relied upon, because other clients do not set them. They are needed only to
 * pass over functions that this server does not know.
 */
export class RequestParser {
  readonly #buffer: RequestBuffer

  constructor(buffer: RequestBuffer) {
    this.#buffer = buffer
  }

  next(terms: TtcTerms, rows: ExpectedRows | undefined): Message | undefined {
    const buffer = this.#buffer
    if (!buffer.isWorthAnAttempt) return undefined
    let start = buffer.reader.position
    try {
      const message = rows === undefined ? this.#message(buffer.reader, terms) : this.#row(rows, () => {
        start = buffer.reader.position
      })
      buffer.commit()
      return message
    } catch (cause) {
      if (!(cause instanceof Incomplete)) throw cause
      buffer.retry(start, cause.needed)
      return undefined
    }
  }

  #row(rows: ExpectedRows, kept: () => void): Message {
    const row = readBindRow(this.#buffer.reader, rows.binds, rows.order, rows.partial, (partial) => {
      rows.partial = partial
      kept()
    })
    rows.partial = undefined
    return { _tag: "Row", row }
  }

  #message(reader: ByteReader, terms: TtcTerms): Message {
    const type = reader.u8()
    switch (type) {
      case MessageType.function:
        return this.#functionMessage(reader, readHeader(reader, false, terms), terms)
      case MessageType.oneWay:
        return this.#functionMessage(reader, readHeader(reader, true, terms), terms)
      case MessageType.piggyback: {
        const header = readHeader(reader, false, terms)
        const piggyback = parsePiggyback(reader, header.code, terms)
        // Its length is unknown, and with it where the function message begins.
        if (piggyback === undefined) return { _tag: "Function", header, body: this.#unknown() }
        return { _tag: "Piggyback", code: header.code, piggyback }
      }
      case MessageType.protocol:
        return { _tag: "Protocol", driver: parseProtocol(reader).driver }
      case MessageType.dataTypes:
        return { _tag: "DataTypes", request: parseDataTypes(reader) }
      case MessageType.fastAuth:
        return this.#fastAuth(reader, terms)
      default:
        throw new ProtocolError(`message type ${type}`)
    }
  }

  #fastAuth(reader: ByteReader, terms: TtcTerms): Message {
    reader.skip(3)
    expect(reader, MessageType.protocol)
    const { driver } = parseProtocol(reader)
    reader.skip(5)
    // The authentication in here is encoded for the version named here, which is older than tokens.
    const fieldVersion = reader.u8()
    expect(reader, MessageType.dataTypes)
    const dataTypes = parseDataTypes(reader)
    expect(reader, MessageType.function)
    const header = readHeader(reader, false, { ...terms, fieldVersion })
    return {
      _tag: "FastAuth",
      driver,
      dataTypes,
      header,
      auth: parseAuthMessage(reader, agreeOnTerms(terms, dataTypes, fieldVersion))
    }
  }

  #functionMessage(reader: ByteReader, header: FunctionHeader, terms: TtcTerms): Message {
    return { _tag: "Function", header, body: this.#body(reader, header.code, terms) }
  }

  #body(reader: ByteReader, code: number, terms: TtcTerms): FunctionBody {
    if (plainFunctions.has(code)) return { _tag: "Plain" }
    switch (code) {
      case FunctionCode.execute:
        return { _tag: "Execute", header: parseExecute(reader, terms) }
      case FunctionCode.reexecute:
      case FunctionCode.reexecuteAndFetch:
        return { _tag: "Execute", header: parseReexecute(reader, code) }
      case FunctionCode.fetch: {
        const cursorId = reader.ub4()
        return { _tag: "Fetch", cursorId, rows: reader.ub4() }
      }
      case FunctionCode.lobOperation:
        return { _tag: "Lob", request: parseLobOperation(reader, () => this.#buffer.endsHere) }
      case FunctionCode.authPhaseOne:
      case FunctionCode.authPhaseTwo:
        return { _tag: "Auth", message: parseAuthMessage(reader, terms) }
      case FunctionCode.describeObject:
        return { _tag: "DescribeObject", name: parseDescribeObject(reader, terms) }
      case FunctionCode.version:
        return this.#version(reader, terms)
      case FunctionCode.sessionRelease:
        reader.skip(2)
        return { _tag: "Release", mode: reader.ub4() }
      case FunctionCode.pipelineEnd:
        reader.ub4()
        return { _tag: "Plain" }
      case FunctionCode.transactionSwitch:
        return { _tag: "TransactionSwitch", request: parseTransactionSwitch(reader) }
      case FunctionCode.transactionChangeState:
        return { _tag: "TransactionChange", request: parseTransactionChange(reader) }
      case FunctionCode.directPathPrepare:
        return { _tag: "LoadPrepare", request: parseLoadPrepare(reader) }
      case FunctionCode.directPathLoad:
        return { _tag: "LoadStream", request: parseLoadStream(reader) }
      case FunctionCode.directPathOperation:
        return { _tag: "LoadOperation", request: parseLoadOperation(reader) }
      case FunctionCode.enqueue:
        return { _tag: "Enqueue", request: parseEnqueue(reader, terms) }
      case FunctionCode.dequeue:
        return { _tag: "Dequeue", dequeue: parseDequeue(reader, terms) }
      case FunctionCode.arrayQueue:
        return { _tag: "QueueArray", array: parseQueueArray(reader, terms) }
      default:
        return this.#unknown()
    }
  }

  #version(reader: ByteReader, terms: TtcTerms): FunctionBody {
    reader.skip(1)
    reader.ub4()
    reader.skip(2)
    if (terms.fieldVersion >= FieldVersion.v18) reader.ub4()
    return { _tag: "Plain" }
  }

  #unknown(): FunctionBody {
    if (!this.#buffer.skipToBoundary()) throw new Incomplete()
    return { _tag: "Unknown" }
  }
}

const changeNames = {
  commit: "transactionCommit",
  commitOnePhase: "transactionCommit",
  rollback: "transactionRollback",
  prepare: "transactionPrepare",
  forget: "transactionForget"
} as const

/** The name of a call that its code does not tell. */
export const nameOfBody = (body: FunctionBody): FunctionName | undefined => {
  if (body._tag === "TransactionChange") return changeNames[body.request.operation]
  if (body._tag !== "TransactionSwitch") return undefined
  return body.request.start === undefined ? "transactionDetach" : "transactionStart"
}

const expect = (reader: ByteReader, type: number): void => {
  const found = reader.u8()
  if (found !== type) throw new ProtocolError(`message type ${found} where ${type} is due`)
}
