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
export interface FunctionHeader {
  readonly code: number
  readonly sequence: number
  readonly token: number
  readonly oneWay: boolean
}

export type FunctionBody =
  | { readonly kind: "execute"; readonly header: ExecuteHeader }
  | { readonly kind: "fetch"; readonly cursorId: number; readonly rows: number }
  | { readonly kind: "lob"; readonly request: LobRequest }
  | { readonly kind: "auth"; readonly message: AuthMessage }
  | { readonly kind: "release"; readonly mode: number }
  | { readonly kind: "plain" }
  | { readonly kind: "describeObject"; readonly name: string }
  | { readonly kind: "loadPrepare"; readonly request: LoadPrepare }
  | { readonly kind: "loadStream"; readonly request: LoadStream }
  | { readonly kind: "loadOperation"; readonly request: LoadOperation }
  | { readonly kind: "transactionSwitch"; readonly request: TransactionSwitch }
  | { readonly kind: "transactionChange"; readonly request: TransactionChange }
  | { readonly kind: "enqueue"; readonly request: QueueEnqueue }
  | { readonly kind: "dequeue"; readonly dequeue: QueueDequeue }
  | { readonly kind: "queueArray"; readonly array: QueueArray }
  /** A function that this server does not have, passed over. */
  | { readonly kind: "unknown" }

/** One message of a request. */
export type Message =
  | { readonly kind: "protocol"; readonly driver: string }
  | { readonly kind: "dataTypes"; readonly request: DataTypesRequest }
  | {
    readonly kind: "fastAuth"
    readonly driver: string
    readonly dataTypes: DataTypesRequest
    readonly header: FunctionHeader
    readonly auth: AuthMessage
  }
  | { readonly kind: "piggyback"; readonly code: number; readonly piggyback: Piggyback }
  | { readonly kind: "function"; readonly header: FunctionHeader; readonly body: FunctionBody }
  | { readonly kind: "row"; readonly row: BindRow }

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
    return { kind: "row", row }
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
        if (piggyback === undefined) return { kind: "function", header, body: this.#unknown() }
        return { kind: "piggyback", code: header.code, piggyback }
      }
      case MessageType.protocol:
        return { kind: "protocol", driver: parseProtocol(reader).driver }
      case MessageType.dataTypes:
        return { kind: "dataTypes", request: parseDataTypes(reader) }
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
      kind: "fastAuth",
      driver,
      dataTypes,
      header,
      auth: parseAuthMessage(reader, agreeOnTerms(terms, dataTypes, fieldVersion))
    }
  }

  #functionMessage(reader: ByteReader, header: FunctionHeader, terms: TtcTerms): Message {
    return { kind: "function", header, body: this.#body(reader, header.code, terms) }
  }

  #body(reader: ByteReader, code: number, terms: TtcTerms): FunctionBody {
    if (plainFunctions.has(code)) return { kind: "plain" }
    switch (code) {
      case FunctionCode.execute:
        return { kind: "execute", header: parseExecute(reader, terms) }
      case FunctionCode.reexecute:
      case FunctionCode.reexecuteAndFetch:
        return { kind: "execute", header: parseReexecute(reader, code) }
      case FunctionCode.fetch: {
        const cursorId = reader.ub4()
        return { kind: "fetch", cursorId, rows: reader.ub4() }
      }
      case FunctionCode.lobOperation:
        return { kind: "lob", request: parseLobOperation(reader, () => this.#buffer.endsHere) }
      case FunctionCode.authPhaseOne:
      case FunctionCode.authPhaseTwo:
        return { kind: "auth", message: parseAuthMessage(reader, terms) }
      case FunctionCode.describeObject:
        return { kind: "describeObject", name: parseDescribeObject(reader, terms) }
      case FunctionCode.version:
        return this.#version(reader, terms)
      case FunctionCode.sessionRelease:
        reader.skip(2)
        return { kind: "release", mode: reader.ub4() }
      case FunctionCode.pipelineEnd:
        reader.ub4()
        return { kind: "plain" }
      case FunctionCode.transactionSwitch:
        return { kind: "transactionSwitch", request: parseTransactionSwitch(reader) }
      case FunctionCode.transactionChangeState:
        return { kind: "transactionChange", request: parseTransactionChange(reader) }
      case FunctionCode.directPathPrepare:
        return { kind: "loadPrepare", request: parseLoadPrepare(reader) }
      case FunctionCode.directPathLoad:
        return { kind: "loadStream", request: parseLoadStream(reader) }
      case FunctionCode.directPathOperation:
        return { kind: "loadOperation", request: parseLoadOperation(reader) }
      case FunctionCode.enqueue:
        return { kind: "enqueue", request: parseEnqueue(reader, terms) }
      case FunctionCode.dequeue:
        return { kind: "dequeue", dequeue: parseDequeue(reader, terms) }
      case FunctionCode.arrayQueue:
        return { kind: "queueArray", array: parseQueueArray(reader, terms) }
      default:
        return this.#unknown()
    }
  }

  #version(reader: ByteReader, terms: TtcTerms): FunctionBody {
    reader.skip(1)
    reader.ub4()
    reader.skip(2)
    if (terms.fieldVersion >= FieldVersion.v18) reader.ub4()
    return { kind: "plain" }
  }

  #unknown(): FunctionBody {
    if (!this.#buffer.skipToBoundary()) throw new Incomplete()
    return { kind: "unknown" }
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
  if (body.kind === "transactionChange") return changeNames[body.request.operation]
  if (body.kind !== "transactionSwitch") return undefined
  return body.request.start === undefined ? "transactionDetach" : "transactionStart"
}

const expect = (reader: ByteReader, type: number): void => {
  const found = reader.u8()
  if (found !== type) throw new ProtocolError(`message type ${found} where ${type} is due`)
}
