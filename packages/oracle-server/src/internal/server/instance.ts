/** One instance: its listener, its connections, its sessions and their ends. */
import { createServer, type Server, type Socket } from "node:net"
import type { Engine } from "../engine/engine.ts"
import { oraError } from "../engine/oraError.ts"
import { productOf } from "../engine/values/product.ts"
import type { ConnectRequest } from "../net/connectData.ts"
import type { NetTerms } from "../net/handshake.ts"
import type { Call } from "../ttc/call.ts"
import type { Logon } from "../ttc/logon.ts"
import { ServerSession } from "../ttc/serverSession.ts"
import type { TtcHost } from "../ttc/ttcHost.ts"
import type { Cluster } from "./cluster.ts"
import { Connection, type Decision, type Listener, type TlsFacts } from "./connection.ts"
import type { CallFacts } from "./faultBook.ts"
import type { Member, SessionEntry } from "./member.ts"
import { PooledSessions } from "./pooledSessions.ts"
import { TlsListener } from "./tls.ts"

interface InstanceSettings {
  readonly name: string
  readonly services: ReadonlyArray<string>
  readonly port: number
  readonly tlsPort: number | undefined
  readonly engine: Engine
  /** Its place among the instances of its database, from 1. */
  readonly number: number
}

const purityNew = 1
const puritySelf = 2

const unknownService = 12_514
const unknownSid = 12_505
const unknownInstance = 12_521
const noHandler = 12_520

const without = (name: string, domain: string): string => {
  const upper = name.toUpperCase()
  const suffix = `.${domain.toUpperCase()}`
  return domain !== "" && upper.endsWith(suffix) ? upper.slice(0, -suffix.length) : upper
}

/** One database instance with its own listener on a loopback port. */
export class Instance implements Member {
  readonly name: string
  readonly services: ReadonlyArray<string>
  readonly engine: Engine
  readonly number: number
  readonly sessions = new Map<number, SessionEntry>()
  readonly pool = new PooledSessions()
  readonly connections = new Set<Connection>()
  up = true
  startedAt = Date.now()
  port: number
  tlsPort: number | undefined
  readonly #cluster: Cluster
  #server: Server | undefined
  #tlsListener: TlsListener | undefined
  readonly #listener: Listener

  constructor(cluster: Cluster, settings: InstanceSettings) {
    this.#cluster = cluster
    this.name = settings.name
    this.services = settings.services
    this.engine = settings.engine
    this.number = settings.number
    this.port = settings.port
    this.tlsPort = settings.tlsPort
    const { endOfResponse, fastAuth, netVersion, sdu } = cluster.settings
    this.#listener = {
      limits: { endOfResponse, fastAuth, sdu, version: netVersion },
      logOnTimeout: cluster.settings.logOnTimeout,
      decide: (request, redirected, connection) => this.#decide(request, redirected, connection),
      malformed: () => cluster.counts.malformed++,
      closed: (connection) => this.#forget(connection)
    }
  }

  async start(): Promise<void> {
    if (this.#server === undefined) await this.#listen()
    const { logOnTimeout, tls } = this.#cluster.settings
    if (tls !== undefined && this.#tlsListener === undefined) {
      this.#tlsListener = new TlsListener(
        tls,
        logOnTimeout,
        ({ raw, socket, subject }) => this.#accept(socket, { raw, subject }),
        () => this.#cluster.counts.failedHandshakes++
      )
      this.tlsPort = await this.#tlsListener.listen(this.tlsPort ?? 0)
    }
    if (!this.up) this.startedAt = Date.now()
    this.up = true
  }

  goDown(): void {
    this.up = false
  }

  /** Listens on the port, or on any free one the first time. */
  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => this.#accept(socket))
      this.#server = server
      server.once("error", reject)
      // Loopback only, whatever the machine's interfaces are.
      server.listen({ host: "127.0.0.1", port: this.port, backlog: 1024 }, () => {
        server.removeListener("error", reject)
        server.on("error", () => undefined)
        const address = server.address()
        if (typeof address === "object" && address !== null) this.port = address.port
        resolve()
      })
    })
  }

  /** Stops listening and cuts every connection. */
  async stopListening(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.cutAll(false)
    const tlsListener = this.#tlsListener
    this.#tlsListener = undefined
    await tlsListener?.close()
    if (server === undefined) return
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  get listening(): boolean {
    return this.#server !== undefined
  }

  #accept(socket: Socket, tls?: TlsFacts): void {
    const cluster = this.#cluster
    cluster.counts.connections++
    const connection = new Connection(
      cluster.nextConnection(),
      socket,
      this.#listener,
      cluster.faults.limitsOfConnection(),
      tls
    )
    this.connections.add(connection)
  }

  #forget(connection: Connection): void {
    if (!this.connections.delete(connection)) return
    this.#cluster.counts.bytesReceived += connection.transport.received
    this.#cluster.counts.bytesSent += connection.transport.sent
  }

  #decide(request: ConnectRequest, redirected: boolean, connection: Connection): Decision {
    const cluster = this.#cluster
    const entry = cluster.log.add({
      at: Date.now(),
      connection: connection.id,
      sid: undefined,
      user: undefined,
      function: "connect",
      sql: undefined,
      piggyback: false,
      error: undefined,
      milliseconds: undefined,
      detail: undefined
    })
    cluster.count("connect")
    const decision = this.#consider(request, redirected, connection)
    const settled = decision._tag === "Later" ? decision.decision : decision
    entry.error = settled._tag === "Refuse" ? settled.code : 0
    entry.milliseconds = Date.now() - entry.at
    if (settled._tag === "Refuse") cluster.counts.refused++
    if (settled._tag === "Redirect") cluster.counts.redirected++
    return decision
  }

  #consider(request: ConnectRequest, redirected: boolean, connection: Connection): Decision {
    const service = request.serviceName ?? request.sid
    const facts: CallFacts = { name: "connect", sql: undefined, user: undefined, service, sid: undefined }
    const fault = this.#cluster.faults.forConnect(facts)
    const usual = () => this.#route(request, redirected, connection)
    if (fault === undefined) return usual()
    switch (fault._tag) {
      case "Resend":
        return { _tag: "Resend" }
      case "Refuse":
        return { _tag: "Refuse", code: fault.code }
      case "Redirect":
        return { _tag: "Redirect", host: fault.host, port: fault.port }
      case "Error":
        return { _tag: "Refuse", code: fault.error.code }
      case "Delay":
        return { _tag: "Later", milliseconds: fault.milliseconds, decision: usual() }
      case "Hang":
        return { _tag: "Ignore" }
      case "Disconnect":
        return { _tag: "Close", reset: fault.reset }
      case "Truncate":
        return { _tag: "Close", reset: fault.then === "reset" }
    }
  }

  #route(request: ConnectRequest, redirected: boolean, connection: Connection): Decision {
    const cluster = this.#cluster
    if (!redirected) {
      const name = cluster.settings.route?.(request)
      const target = name === undefined
        ? this.#fittest(request)
        : cluster.instances.find((instance) => instance.name === name)
      if (target === undefined) return { _tag: "Refuse", code: unknownService }
      if (target !== this) {
        const port = connection.tls === undefined ? target.port : target.tlsPort ?? target.port
        return { _tag: "Redirect", host: "127.0.0.1", port }
      }
    }
    if (!this.up) return { _tag: "Refuse", code: unknownService }
    if (this.connections.size > cluster.settings.maxConnections) return { _tag: "Refuse", code: noHandler }
    const service = this.serviceOf(request)
    if (typeof service === "number") return { _tag: "Refuse", code: service }
    if (!isMeant(this, request)) return { _tag: "Refuse", code: unknownInstance }
    return { _tag: "Accept", host: (net) => this.#host(net, request, service, connection) }
  }

  /**
   * The instance of this database that serves the request. That is this one, unless the client names another one, this one
   * cannot serve it while another one can, or the load is balanced.
   */
  #fittest(request: ConnectRequest): Member {
    const { instances, settings } = this.#cluster
    const able = instances.filter((instance) =>
      instance.engine === this.engine && instance.up && instance.listening && isMeant(instance, request) &&
      typeof instance.serviceOf(request) === "string"
    )
    if (able.includes(this) && !settings.loadBalance) return this
    const least = Math.min(...able.map((instance) => instance.sessions.size))
    return able.find((instance) => instance === this && instance.sessions.size === least) ??
      able.find((instance) => instance.sessions.size === least) ?? this
  }

  serviceOf(request: ConnectRequest): string | number {
    const { domain } = this.#cluster.settings
    if (request.serviceName === undefined) {
      return request.sid?.toUpperCase() === this.name.toUpperCase() ? this.services[0]! : unknownSid
    }
    const wanted = without(request.serviceName, domain)
    return this.services.find((service) => without(service, domain) === wanted) ?? unknownService
  }

  #host(net: NetTerms, request: ConnectRequest, service: string, connection: Connection): TtcHost {
    const cluster = this.#cluster
    const { settings } = cluster
    let entry: SessionEntry | undefined
    const facts = (call: Call): CallFacts => ({
      name: call.name,
      sql: call.sql,
      user: entry?.logon.user,
      service,
      sid: entry?.session.engine.info.sid
    })
    const track = (session: ServerSession, logon: Logon): ServerSession => {
      entry = { session, logon, request, instance: this, connection, active: true }
      this.sessions.set(session.engine.info.sid, entry)
      return session
    }
    const boundary = request.poolBoundary
    return {
      net,
      fieldVersion: settings.fieldVersion,
      banner: "x86_64/Linux 2.4.xx",
      version: settings.version,
      fullVersion: `${productOf(settings.version)}\nVersion ${settings.version}`,
      databaseName: settings.databaseName,
      databaseDomain: settings.domain,
      instanceName: this.name,
      serviceName: service,
      maxOpenCursors: settings.maxOpenCursors,
      pipelines: settings.pipelines,
      poolBoundary: request.pooled && (boundary === "STATEMENT" || boundary === "TRANSACTION") ? boundary : undefined,
      secret: cluster.secret,
      account: (name) => cluster.users.find(name),
      externalAccount: (name) => cluster.users.findExternal(name),
      tokens: connection.tls === undefined ? undefined : settings.tokens?.checks(service),
      certificate: connection.tls?.subject,
      now: () => performance.now(),
      open: (logon) => {
        const session = this.#open(pooledLogon(logon, request), request, service, connection)
        cluster.counts.logons++
        connection.loggedOn()
        return track(session, logon)
      },
      close: (session) => {
        entry = undefined
        this.close(session)
      },
      release: (session, logon) => {
        entry = undefined
        const known = this.sessions.get(session.engine.info.sid)
        if (known !== undefined) {
          known.connection = undefined
          known.active = false
        }
        session.clearClientState()
        this.pool.give(session, pooledLogon(logon, request), service)
      },
      attach: (logon, previous) => {
        const session = this.#open(pooledLogon(logon, request), request, service, connection, previous)
        return track(session, logon)
      },
      send: (payload, endOfResponse, limit) => connection.send(payload, endOfResponse, limit),
      sendMarker: (kind) => connection.sendMarker(kind),
      end: () => connection.end(),
      malformed: () => cluster.counts.malformed++,
      reset: () => connection.reset(),
      fault: (call) => cluster.faults.forCall(facts(call)),
      began: (call, session) => {
        if (entry !== undefined) entry.active = true
        if (session !== undefined) session.calls++
        cluster.began(call, connection, entry)
      },
      finished: (call, session, error) => {
        if (entry !== undefined) entry.active = false
        if (session !== undefined) session.lastCallAt = Date.now()
        cluster.finished(call, error)
      },
      noted: (name) => cluster.noted(name, connection, entry)
    }
  }

  #open(
    logon: Logon,
    request: ConnectRequest,
    service: string,
    connection: Connection,
    previous?: ServerSession
  ): ServerSession {
    const cluster = this.#cluster
    if (!this.up) throw oraError(1034, "The Oracle instance is not available for use. Start the instance.")
    if (this.sessions.size >= cluster.settings.maxSessions) {
      const spare = this.pool.drain()
      for (const session of spare) this.close(session)
      if (spare.length === 0) throw oraError(18, "maximum number of sessions exceeded")
    }
    const pooled = request.pooled ? this.pool.take(logon, service, previous) : undefined
    if (pooled !== undefined && logon.purity !== purityNew) return pooled
    // A client that asks for a new session takes the place of an idle one, so that idle ones do not pile up.
    if (pooled !== undefined) this.close(pooled)
    const { serial, sid } = cluster.nextSid()
    const engine = this.engine.open({
      user: logon.user,
      ...(logon.proxyUser === undefined ? {} : { proxyUser: logon.proxyUser }),
      sid,
      serial,
      service,
      instance: this.name,
      instanceNumber: this.number,
      program: logon.program,
      machine: logon.machine,
      osUser: logon.osUser,
      terminal: logon.terminal,
      processId: logon.processId,
      driverName: logon.driverName,
      clientAddress: connection.transport.remoteAddress,
      ...(logon.edition === undefined ? {} : { edition: logon.edition }),
      ...(logon.timeZone === undefined ? {} : { timeZone: logon.timeZone }),
      server: request.pooled ? "POOLED" : "DEDICATED",
      ...(logon.connectionClass === undefined ? {} : { connectionClass: logon.connectionClass }),
      authenticationMethod: logon.method,
      networkProtocol: connection.tls === undefined ? "tcp" : "tcps",
      ...(logon.externalName === undefined ? {} : { externalName: logon.externalName })
    })
    return new ServerSession(engine, cluster.settings.maxOpenCursors, Date.now())
  }

  close(session: ServerSession): void {
    this.sessions.delete(session.engine.info.sid)
    this.pool.remove(session)
    session.close()
  }

  /** Ends a session: its work is rolled back at once, and its client learns of it with its next call. */
  kill(entry: SessionEntry): void {
    entry.session.killed = true
    this.pool.remove(entry.session)
    entry.session.close()
    if (entry.connection === undefined) this.sessions.delete(entry.session.engine.info.sid)
    else entry.connection.ttc?.killed()
  }

  /** Cuts every connection at once, in the middle of whatever it does. */
  cutAll(reset: boolean): void {
    for (const connection of this.connections) {
      if (reset) connection.reset()
      else connection.destroy()
    }
    for (const session of this.pool.drain()) this.close(session)
    for (const entry of this.sessions.values()) this.close(entry.session)
  }
}

/** Whether a client that names an instance may mean this one. */
const isMeant = (instance: Member, { instanceName }: ConnectRequest): boolean =>
  instanceName === undefined || instanceName.toUpperCase() === instance.name.toUpperCase()

// What the descriptor says of connection class and purity holds before what the client says in its logon, which is always
// something. Implicit pooling keeps the session's state unless the descriptor asks for a new one.
const pooledLogon = (logon: Logon, request: ConnectRequest): Logon => {
  if (!request.pooled) return logon
  const purity = request.purity === "NEW"
    ? purityNew
    : request.purity === "SELF" || request.poolBoundary !== undefined
    ? puritySelf
    : logon.purity
  return { ...logon, connectionClass: request.connectionClass ?? logon.connectionClass, purity }
}
