/** What the instances of one server share. */
import { randomBytes } from "node:crypto"
import type { Engine, InstanceFacts, OraErrorLike, SessionUsage } from "../engine/engine.ts"
import type { ConnectRequest } from "../net/connectData.ts"
import type { Call, FunctionName } from "../ttc/call.ts"
import type { Connection } from "./connection.ts"
import { FaultBook } from "./faultBook.ts"
import type { Member, SessionEntry } from "./member.ts"
import { type Counters, RequestLog, type RequestRecord } from "./requestLog.ts"
import type { TlsTerms } from "./tls.ts"
import type { TokenVerifier } from "./tokens.ts"
import type { Users } from "./users.ts"

interface ClusterSettings {
  readonly version: string
  readonly databaseName: string
  readonly domain: string
  readonly maxOpenCursors: number
  readonly maxSessions: number
  readonly maxConnections: number
  /** Milliseconds that a client has from connecting to having logged on. */
  readonly logOnTimeout: number
  readonly logCapacity: number
  readonly sdu: number
  readonly fieldVersion: number
  readonly endOfResponse: boolean
  readonly fastAuth: boolean
  readonly pipelines: boolean
  readonly netVersion: number
  readonly route: ((request: ConnectRequest) => string | undefined) | undefined
  /** Whether a listener sends clients to the instance with the fewest sessions, its own or another one. */
  readonly loadBalance: boolean
  readonly tls: TlsTerms | undefined
  readonly tokens: TokenVerifier | undefined
}

type Running = { -readonly [Key in keyof RequestRecord]: RequestRecord[Key] }

/** What all instances of a server share: users, faults, the log, the counters and the numbers of sessions. */
export class Cluster {
  readonly settings: ClusterSettings
  readonly users: Users
  readonly faults = new FaultBook()
  readonly log: RequestLog
  readonly secret = randomBytes(32)
  readonly instances: Array<Member> = []
  readonly counts = {
    connections: 0,
    failedHandshakes: 0,
    refused: 0,
    redirected: 0,
    malformed: 0,
    logons: 0,
    failedLogons: 0,
    roundTrips: 0,
    errors: 0,
    bytesReceived: 0,
    bytesSent: 0
  }
  readonly #byFunction = new Map<FunctionName, number>()
  readonly #running = new Map<Call, Running>()
  #lastConnection = 0
  #lastSid = 0
  #lastSerial = 0

  constructor(settings: ClusterSettings, users: Users) {
    this.settings = settings
    this.users = users
    this.log = new RequestLog(settings.logCapacity)
  }

  nextConnection(): number {
    return ++this.#lastConnection
  }

  nextSid(): { sid: number; serial: number } {
    this.#lastSerial = this.#lastSerial % 65_535 + 1
    return { sid: ++this.#lastSid, serial: this.#lastSerial }
  }

  count(name: FunctionName): void {
    this.#byFunction.set(name, (this.#byFunction.get(name) ?? 0) + 1)
  }

  began(call: Call, connection: Connection, entry: SessionEntry | undefined): void {
    this.count(call.name)
    if (!call.oneWay) this.counts.roundTrips++
    this.#running.set(call, this.#record(call.name, connection, entry, call.sql, false))
  }

  finished(call: Call, error: OraErrorLike | undefined): void {
    const record = this.#running.get(call)
    if (record === undefined) return
    this.#running.delete(call)
    record.error = error?.code ?? 0
    record.milliseconds = performance.now() - call.startedAt
    if (error instanceof Error && typeof error.cause === "string") record.detail = error.cause
    if (error === undefined || error.code === 1403) return
    this.counts.errors++
    if (call.name === "authPhaseOne" || call.name === "authPhaseTwo") this.counts.failedLogons++
  }

  /** Piggybacks and markers. */
  noted(name: FunctionName, connection: Connection, entry: SessionEntry | undefined): void {
    this.count(name)
    const record = this.#record(name, connection, entry, undefined, true)
    record.error = 0
    record.milliseconds = 0
  }

  #record(
    name: FunctionName,
    connection: Connection,
    entry: SessionEntry | undefined,
    sql: string | undefined,
    piggyback: boolean
  ): Running {
    return this.log.add({
      at: Date.now(),
      connection: connection.id,
      sid: entry?.session.engine.info.sid,
      user: entry?.logon.user,
      function: name,
      sql,
      piggyback,
      error: undefined,
      milliseconds: undefined,
      detail: undefined
    })
  }

  counters(): Counters {
    const open = this.instances.flatMap((instance) => [...instance.connections])
    return {
      ...this.counts,
      openConnections: open.length,
      bytesReceived: this.counts.bytesReceived + open.reduce((sum, one) => sum + one.transport.received, 0),
      bytesSent: this.counts.bytesSent + open.reduce((sum, one) => sum + one.transport.sent, 0),
      byFunction: Object.fromEntries(this.#byFunction)
    }
  }

  findSession(sid: number, serial?: number): SessionEntry | undefined {
    for (const instance of this.instances) {
      const entry = instance.sessions.get(sid)
      if (entry !== undefined && (serial === undefined || entry.session.engine.info.serial === serial)) return entry
    }
    return undefined
  }

  /** The open instances of a database. */
  openInstances(engine: Engine): ReadonlyArray<InstanceFacts> {
    return this.instances
      .filter((instance) => instance.engine === engine)
      .map(({ name, startedAt, up }, index) => ({ name, number: index + 1, startedAt, up }))
      .filter(({ up }) => up)
  }

  /** What the client of a session holds of it. */
  usage(sid: number): SessionUsage {
    const session = this.findSession(sid)?.session
    return {
      openCursors: session?.cursors.size ?? 0,
      temporaryLobs: session?.lobs.temporary ?? 0,
      calls: session?.calls ?? 0,
      statements: session?.cursors.texts() ?? []
    }
  }

  kill(sid: number, serial?: number): boolean {
    const entry = this.findSession(sid, serial)
    if (entry === undefined || entry.session.killed) return false
    entry.instance.kill(entry)
    return true
  }
}
