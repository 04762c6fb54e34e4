/** One socket from accept to close, up to where the two-task layer takes over. */
import type { Socket } from "node:net"
import { type ConnectRequest, decodeConnectData } from "../net/connectData.ts"
import {
  agree,
  type ConnectPacket,
  decodeConnect,
  encodeAccept,
  encodeControl,
  encodeRedirect,
  encodeRefuse,
  encodeResend,
  type NetTerms
} from "../net/handshake.ts"
import {
  DataFlag,
  encodeData,
  encodeMarker,
  headerSize,
  MarkerKind,
  type Packet,
  PacketReader,
  PacketType
} from "../net/packet.ts"
import { ProtocolError } from "../net/protocolError.ts"
import { TtcConnection } from "../ttc/ttcConnection.ts"
import type { TtcHost } from "../ttc/ttcHost.ts"
import { type ByteLimit, Transport } from "./transport.ts"

/** What the listener says to a CONNECT. */
export type Decision =
  | { readonly _tag: "Accept"; readonly host: (net: NetTerms) => TtcHost }
  | { readonly _tag: "Refuse"; readonly code: number }
  | { readonly _tag: "Redirect"; readonly host: string; readonly port: number }
  | { readonly _tag: "Resend" }
  | { readonly _tag: "Close"; readonly reset: boolean }
  | { readonly _tag: "Ignore" }
  | { readonly _tag: "Later"; readonly milliseconds: number; readonly decision: Decision }

/** What a connection asks of its listener. */
export interface Listener {
  readonly limits: {
    readonly version: number
    readonly sdu: number
    readonly endOfResponse: boolean
    readonly fastAuth: boolean
  }
  /** Milliseconds from connecting to having logged on. */
  readonly logOnTimeout: number
  readonly decide: (request: ConnectRequest, redirected: boolean, connection: Connection) => Decision
  readonly malformed: (connection: Connection, error: ProtocolError) => void
  readonly closed: (connection: Connection) => void
}

/** What TLS says of a client. */
export interface TlsFacts {
  /** The TCP socket below TLS. */
  readonly raw: Socket
  /** The subject of its certificate, when it has shown a good one. */
  readonly subject: string | undefined
}

// Data that announces itself longer than this is not the connect data of any client.
const maxConnectData = 65_535
const endOfRequest = 0x0800

const unsupportedVersion = 12_618

/** One socket: packets in and out, and the handshake; what is inside DATA packets goes to the two-task layer. */
export class Connection {
  readonly id: number
  readonly transport: Transport
  /** Undefined without TLS. */
  readonly tls: TlsFacts | undefined
  ttc: TtcConnection | undefined
  request: ConnectRequest | undefined
  readonly #listener: Listener
  readonly #reader = new PacketReader()
  #connect: ConnectPacket | undefined
  #connectData: Array<Buffer> = []
  #connectDataDue = 0
  #net: NetTerms | undefined
  #decided = false
  #ended = false
  #timer: NodeJS.Timeout | undefined
  readonly #logOnLimit: NodeJS.Timeout

  constructor(id: number, socket: Socket, listener: Listener, limits: ReadonlyArray<ByteLimit>, tls?: TlsFacts) {
    this.id = id
    this.tls = tls
    this.#listener = listener
    this.transport = new Transport(socket, (chunk) => this.#receive(chunk), () => this.#closed(), tls?.raw)
    for (const limit of limits) this.transport.limit(limit)
    this.#logOnLimit = setTimeout(() => this.destroy(), listener.logOnTimeout)
  }

  /** The client has a session: it may take its time from now on. */
  loggedOn(): void {
    clearTimeout(this.#logOnLimit)
  }

  #receive(chunk: Buffer): void {
    if (this.#ended) return
    this.transport.cork()
    try {
      this.#reader.push(chunk)
      for (let packet = this.#reader.next(); packet !== undefined; packet = this.#reader.next()) {
        this.#take(packet)
        if (this.#ended) return
      }
    } catch (cause) {
      this.#ended = true
      this.#listener.malformed(this, cause instanceof ProtocolError ? cause : new ProtocolError(String(cause)))
      this.transport.end()
    } finally {
      this.transport.uncork()
    }
  }

  #take(packet: Packet): void {
    switch (packet.type) {
      case PacketType.connect:
        if (this.#connect !== undefined) throw new ProtocolError("second CONNECT")
        return this.#takeConnect(decodeConnect(packet))
      case PacketType.data:
        return this.#takeData(packet.body)
      case PacketType.marker: {
        if (this.ttc === undefined || packet.body.length < 3) throw new ProtocolError("MARKER")
        const kind = packet.body[2]!
        if (kind < MarkerKind.break || kind > MarkerKind.interrupt) throw new ProtocolError(`MARKER of kind ${kind}`)
        return this.ttc.marker(kind)
      }
      default:
        throw new ProtocolError(`packet type ${packet.type}`)
    }
  }

  #takeConnect(connect: ConnectPacket): void {
    this.#connect = connect
    if (typeof connect.data === "string") return this.#decide(connect.data)
    if (connect.data > maxConnectData) throw new ProtocolError("connect data is too long")
    this.#connectDataDue = connect.data
  }

  #takeData(body: Buffer): void {
    if (body.length < 2) throw new ProtocolError("DATA without flags")
    const flags = body.readUInt16BE(0)
    const payload = body.subarray(2)
    if (this.ttc !== undefined) {
      if ((flags & DataFlag.endOfFile) !== 0) {
        this.#ended = true
        this.transport.end()
        return
      }
      const isFull = headerSize + body.length >= this.#net!.sdu
      return this.ttc.receive(payload, (flags & endOfRequest) !== 0, isFull)
    }
    if (this.#connectDataDue === 0) throw new ProtocolError("DATA before CONNECT")
    this.#connectData.push(Buffer.from(payload))
    this.#connectDataDue -= payload.length
    if (this.#connectDataDue <= 0) {
      this.#connectDataDue = 0
      this.#decide(Buffer.concat(this.#connectData).toString("utf8"))
    }
  }

  #decide(text: string): void {
    if (this.#decided) throw new ProtocolError("connect data twice")
    this.#decided = true
    this.request = decodeConnectData(text)
    this.#carryOut(this.#listener.decide(this.request, this.#connect!.redirected, this))
  }

  #carryOut(decision: Decision): void {
    switch (decision._tag) {
      case "Accept":
        return this.#accept(decision.host)
      case "Refuse":
        return this.#finish(encodeRefuse(decision.code))
      case "Redirect":
        return this.#finish(encodeRedirect(decision.host, decision.port, this.tls !== undefined))
      case "Resend":
        this.#connect = undefined
        this.#connectData = []
        this.#decided = false
        return this.transport.write(encodeResend())
      case "Close":
        this.#ended = true
        if (decision.reset) this.transport.reset()
        else this.transport.end()
        return
      case "Ignore":
        return
      case "Later":
        this.#timer = setTimeout(() => this.#carryOut(decision.decision), decision.milliseconds)
    }
  }

  #finish(packet: Buffer): void {
    this.#ended = true
    this.transport.write(packet)
    this.transport.end()
  }

  #accept(host: (net: NetTerms) => TtcHost): void {
    const net = agree(this.#connect!, this.#listener.limits)
    if (net === undefined) return this.#finish(encodeRefuse(unsupportedVersion))
    this.#net = net
    this.transport.write(encodeAccept(net))
    this.#reader.agree(net.large, net.sdu)
    this.ttc = new TtcConnection(host(net))
  }

  send(payload: Buffer, endOfResponse: boolean, limit: number | undefined): void {
    const net = this.#net!
    const bytes = encodeData(payload, net.sdu, net.large, endOfResponse ? DataFlag.endOfResponse : 0)
    this.transport.write(limit === undefined ? bytes : bytes.subarray(0, limit))
  }

  sendMarker(kind: number): void {
    this.transport.write(encodeMarker(kind, this.#net!.large))
  }

  /** Tells the client outside any call that the database is going down. */
  announce(code: number): void {
    if (this.#net !== undefined) this.transport.write(encodeControl(code, this.#net.large))
  }

  /** Orderly: what was written still arrives. */
  end(): void {
    this.#ended = true
    this.transport.end()
  }

  reset(): void {
    this.#ended = true
    this.transport.reset()
  }

  /** At once. */
  destroy(): void {
    this.#ended = true
    clearTimeout(this.#timer)
    clearTimeout(this.#logOnLimit)
    this.transport.destroy()
  }

  #closed(): void {
    this.#ended = true
    clearTimeout(this.#timer)
    clearTimeout(this.#logOnLimit)
    this.ttc?.closed()
    this.#listener.closed(this)
  }
}
