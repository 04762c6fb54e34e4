/** TLS of listeners: which certificates they show, which of their clients they take, and what a client's certificate says. */
import { createServer, type Server, type Socket } from "node:net"
import {
  createSecureContext,
  createServer as createTlsServer,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
  type Server as TlsServer,
  type TLSSocket
} from "node:tls"
import { Authority, type KeyAndCertificate } from "./authority.ts"
import { distinguishedName } from "./distinguishedName.ts"

/** How a server speaks TLS. Everything has a default. */
export interface TlsOptions {
  /** The port of the first instance's listener for TLS; 0, the default, takes any free one. */
  readonly port?: number
  /** The certificate with its key, both in PEM. Default: one that is made at start, by an authority that is made at start. */
  readonly certificate?: KeyAndCertificate
  /** The subject of the certificate that is made; default `CN=localhost`. */
  readonly subject?: string
  /** The host names and addresses in the certificate that is made; default `localhost` and `127.0.0.1`. */
  readonly names?: ReadonlyArray<string>
  /** When the certificate that is made expires; default in a day. */
  readonly expires?: Date
  /** Certificates by the service that a client names in SNI; other clients get the one above. */
  readonly certificates?: { readonly [service: string]: KeyAndCertificate }
  /** Whether clients are asked for a certificate, and turned away without one; default `ignored`. */
  readonly clientCertificates?: "ignored" | "optional" | "required"
  /** Authorities of clients' certificates, in PEM; default the one that was made at start. */
  readonly clientAuthorities?: string
}

export type { KeyAndCertificate }

/** The service in the server name of a client that knows Oracle's form of it: `S8.FREEPDB1.V3.319`. */
const serviceOfServerName = (name: string): string | undefined => {
  const length = /^S(\d+)\./.exec(name)
  if (length === null) return undefined
  const from = length[0].length
  return name.slice(from, from + Number(length[1]))
}

/** What all TLS listeners of a server share. */
export class TlsTerms {
  readonly authority: Authority
  readonly port: number
  readonly requestsCertificates: boolean
  readonly requiresCertificates: boolean
  /** What clients get that name no other service. */
  readonly own: SecureContextOptions
  readonly #byService = new Map<string, SecureContext>()

  constructor(options: TlsOptions, authority: Authority, own: KeyAndCertificate) {
    this.authority = authority
    this.port = options.port ?? 0
    this.requestsCertificates = (options.clientCertificates ?? "ignored") !== "ignored"
    this.requiresCertificates = options.clientCertificates === "required"
    const optionsOf = ({ certificate, key }: KeyAndCertificate): SecureContextOptions => ({
      cert: certificate,
      key,
      ca: options.clientAuthorities ?? authority.certificate
    })
    this.own = optionsOf(own)
    for (const [service, pair] of Object.entries(options.certificates ?? {})) {
      this.#byService.set(service.toUpperCase(), createSecureContext(optionsOf(pair)))
    }
  }

  static async make(options: TlsOptions): Promise<TlsTerms> {
    const authority = await Authority.make()
    const own = options.certificate ?? await authority.issue({
      subject: options.subject ?? "CN=localhost",
      names: options.names ?? ["localhost", "127.0.0.1"],
      ...(options.expires === undefined ? {} : { expires: options.expires })
    })
    return new TlsTerms(options, authority, own)
  }

  /** The context for a client that names this server; undefined for the usual one. */
  contextFor(serverName: string): SecureContext | undefined {
    const service = serviceOfServerName(serverName)
    return service === undefined ? undefined : this.#byService.get(service.toUpperCase())
  }
}

/** A client's socket after its handshake. */
interface SecureSocket {
  readonly socket: TLSSocket
  /** The TCP socket below it. */
  readonly raw: Socket
  /** The subject of the client's certificate, when it has shown one that its authority vouches for. */
  readonly subject: string | undefined
}

const addressOf = (socket: Socket): string => `${socket.remoteAddress}:${socket.remotePort}`

/** A port on which clients begin with a handshake of TLS. */
export class TlsListener {
  readonly #door: Server
  readonly #tls: TlsServer
  /** Sockets below a handshake or a connection, by the address of the client. */
  readonly #raw = new Map<string, Socket>()

  constructor(terms: TlsTerms, handshakeTimeout: number, accept: (client: SecureSocket) => void, failed: () => void) {
    this.#tls = createTlsServer({
      ...terms.own,
      SNICallback: (name, done) => done(null, terms.contextFor(name)),
      requestCert: terms.requestsCertificates,
      rejectUnauthorized: terms.requiresCertificates,
      handshakeTimeout
    })
    this.#tls.on("secureConnection", (socket) => {
      const raw = this.#raw.get(addressOf(socket))
      if (raw === undefined) return socket.destroy()
      const certificate = socket.getPeerCertificate() as PeerCertificate | undefined
      const subject = socket.authorized && certificate?.subject !== undefined
        ? distinguishedName(certificate.subject)
        : undefined
      return accept({ socket, raw, subject })
    })
    this.#tls.on("tlsClientError", (_, socket) => {
      failed()
      socket.destroy()
    })
    this.#door = createServer((raw) => {
      const address = addressOf(raw)
      this.#raw.set(address, raw)
      raw.on("close", () => this.#raw.delete(address))
      raw.on("error", () => undefined)
      this.#tls.emit("connection", raw)
    })
  }

  /** Listens on loopback; answers the port. */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#door.once("error", reject)
      this.#door.listen({ host: "127.0.0.1", port, backlog: 1024 }, () => {
        this.#door.removeListener("error", reject)
        this.#door.on("error", () => undefined)
        const address = this.#door.address()
        resolve(typeof address === "object" && address !== null ? address.port : port)
      })
    })
  }

  /** Stops listening and cuts what is left. */
  async close(): Promise<void> {
    for (const raw of this.#raw.values()) raw.destroy()
    await new Promise<void>((resolve) => this.#door.close(() => resolve()))
  }
}
