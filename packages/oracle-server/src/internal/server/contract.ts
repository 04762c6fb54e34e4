/** What a running server offers: the types of the module `OracleServer`, which is the only one to export them. */
import { type Effect, Schema, type Scope } from "effect"
import type { Fault } from "../../Fault.ts"
import type { EndUser } from "../ttc/serverSession.ts"
import type { Options } from "./options.ts"
import type { Counters, RequestRecord } from "./requestLog.ts"
import type { KeyAndCertificate } from "./tls.ts"
import type { AccountState, UserSettings } from "./users.ts"

/**
 * The server could not be started: its port is taken, or its script failed.
 *
 * **When to use**
 *
 * Use to tell a server that did not start from a test that failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class OracleServerError
  extends Schema.TaggedError<OracleServerError>("@sessionpool/oracle-server/OracleServerError")("OracleServerError", {
    message: Schema.String,
    cause: Schema.Defect()
  })
{}

/**
 * A session of the server, as `v$session` would show it.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionInfo {
  readonly sid: number
  readonly serial: number
  readonly user: string
  readonly proxyUser: string | undefined
  readonly status: "ACTIVE" | "INACTIVE" | "KILLED"
  readonly server: "DEDICATED" | "POOLED"
  readonly instance: string
  readonly service: string
  readonly program: string
  readonly machine: string
  readonly osUser: string
  readonly driver: string
  readonly module: string | null
  readonly action: string | null
  readonly clientId: string | null
  readonly clientInfo: string | null
  readonly currentSchema: string
  readonly edition: string
  readonly connectionClass: string | undefined
  readonly shardingKey: string | undefined
  readonly superShardingKey: string | undefined
  readonly inTransaction: boolean
  readonly openCursors: number
  /** Temporary LOBs that the client has been given and has not freed. */
  readonly temporaryLobs: number
  readonly calls: number
  /** The end user that the last call was for, when the client said so in an end-user security context. */
  readonly endUser: EndUser | undefined
  /** The connection that uses it; `undefined` while it waits in the server's pool. */
  readonly connection: number | undefined
  readonly openedAt: number
  readonly lastCallAt: number
}

/**
 * An injected fault.
 *
 * @since 0.1.0
 * @category models
 */
export interface InjectedFault {
  readonly fault: Fault
  /** How often it has hit. */
  readonly hits: Effect.Effect<number>
  /** Takes it back; what it has done stays done. */
  readonly remove: Effect.Effect<void>
}

/**
 * How an instance goes down: `abort` cuts every connection at once (ORA-03113), `immediate` tells the clients first that it
 * is going, and `listener` stops listening too, so that connecting is refused by the operating system. `drain` is a planned stop: new
 * clients are sent to other instances, those that are there are told in-band and served until they go.
 *
 * @since 0.1.0
 * @category models
 */
export type ShutdownMode = "abort" | "immediate" | "listener" | "drain"

/**
 * What the databases and the users of a server were at one moment, to be restored any number of times.
 *
 * **Details**
 *
 * It holds what was committed: tables with their rows, indexes, views, sequences and all other objects; and the users with
 * their passwords and states. Rows are shared with the server until one of them changes, so a snapshot takes milliseconds
 * and little memory, however many rows there are. It stays valid after the server has ended.
 *
 * @since 0.1.0
 * @category models
 */
export interface Snapshot {
  /** The names of the databases in it. */
  readonly databases: ReadonlyArray<string>
}

/**
 * What clients need to speak TLS with a server.
 *
 * @since 0.1.0
 * @category models
 */
export interface Tls {
  /** Of the first instance. */
  readonly port: number
  /** `tcps://host:port/service` of the first instance. */
  readonly connectString: string
  /** Of another instance, or of another service. */
  readonly connectStringOf: (options: { readonly instance?: string; readonly service?: string }) => string
  /** The certificate of the authority that was made at start, in PEM: what clients have to trust. */
  readonly certificate: string
  /** A certificate for a client or for another server, from the same authority. */
  readonly issue: (request: {
    /** `CN=scott,O=Shop` */
    readonly subject: string
    /** Host names and addresses of a server. */
    readonly names?: ReadonlyArray<string>
    readonly expires?: Date
  }) => Effect.Effect<KeyAndCertificate, OracleServerError>
  /**
   * A wallet for node-oracledb (`walletContent`, or `ewallet.pem`): a key and a certificate for the client, and what it has to trust.
   * The driver takes no wallet without a key. The subject is `CN=client` unless told otherwise.
   */
  readonly wallet: (subject?: string) => Effect.Effect<string, OracleServerError>
}

/**
 * A running server.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  readonly host: string
  /** The port of the first instance. */
  readonly port: number
  /** `host:port/service` of the first instance. */
  readonly connectString: string
  /** Of another instance, or of another service. */
  readonly connectStringOf: (options: { readonly instance?: string; readonly service?: string }) => string
  /** Undefined when the server was not told to speak TLS. */
  readonly tls: Tls | undefined
  /** Every session, those in the server's own pool included. */
  readonly sessions: Effect.Effect<ReadonlyArray<SessionInfo>>
  /** The last requests, oldest first. */
  readonly requests: Effect.Effect<ReadonlyArray<RequestRecord>>
  readonly clearRequests: Effect.Effect<void>
  readonly counters: Effect.Effect<Counters>
  /** Runs statements separated by `;` and commits them. */
  readonly script: (sql: string, user?: string) => Effect.Effect<void, OracleServerError>
  /**
   * Another server, with a copy of what is committed here now: a schema is made once, and each test begins with it and changes
   * it freely.
   *
   * **Details**
   *
   * It has the options of this server except for those that are given, the users of this server and those that are given, and
   * free ports. `script` runs after the copy. It ends with its scope; neither server sees what happens in the other.
   */
  readonly fork: (options?: Options) => Effect.Effect<Service, OracleServerError, Scope.Scope>
  /** What is committed now, and the users. */
  readonly snapshot: Effect.Effect<Snapshot>
  /**
   * Goes back to a snapshot, of this server or of another one whose databases have the same names.
   *
   * **Details**
   *
   * Sessions stay logged on, so a pool can be kept from test to test. Their transactions are rolled back, running statements are
   * broken (ORA-01013), open cursors are lost (ORA-08103), and the rows of temporary tables are gone.
   */
  readonly restore: (snapshot: Snapshot) => Effect.Effect<void, OracleServerError>
  readonly setUser: (name: string, settings: string | UserSettings) => Effect.Effect<void>
  /** Locks, expires or opens an account; false when there is none. */
  readonly setAccountState: (name: string, state: AccountState) => Effect.Effect<boolean>
  /** False when there is no such user. */
  readonly setPassword: (name: string, password: string) => Effect.Effect<boolean>
  readonly removeUser: (name: string) => Effect.Effect<boolean>
  /** Ends a session: its client's next call, or the one that runs, fails with ORA-00028. False when there is none. */
  readonly kill: (sid: number, serial?: number) => Effect.Effect<boolean>
  /** Kills every session that fits; the number of them. */
  readonly killWhere: (predicate: (session: SessionInfo) => boolean) => Effect.Effect<number>
  readonly inject: (fault: Fault) => Effect.Effect<InjectedFault>
  /** Takes the fault back when the scope ends. */
  readonly injectScoped: (fault: Fault) => Effect.Effect<InjectedFault, never, Scope.Scope>
  readonly clearFaults: Effect.Effect<void>
  /** Takes instances down, all of them by default. Their listeners then refuse with ORA-12514. */
  readonly shutdown: (options?: {
    readonly mode?: ShutdownMode
    readonly instance?: string
  }) => Effect.Effect<void>
  /** Brings them up again, on the same ports. */
  readonly startup: (options?: { readonly instance?: string }) => Effect.Effect<void, OracleServerError>
  /** Tells clients in-band that a shutdown is planned; a driver's pool then lets go of its connections. */
  readonly announceShutdown: Effect.Effect<void>
  /** Closes every connection, orderly or with a TCP reset; the server stays up. */
  readonly dropConnections: (options?: { readonly reset?: boolean }) => Effect.Effect<void>
}
