/** How a server is set up, as its callers say it. */
import type { Procedure } from "../engine/engine.ts"
import type { ConnectRequest } from "../net/connectData.ts"
import type { TlsOptions } from "./tls.ts"
import type { TokenOptions } from "./tokens.ts"
import type { UserSettings } from "./users.ts"

/**
 * One instance of the server: a name, its services and a port of its own.
 */
export interface InstanceOptions {
  readonly name: string
  /** Default: the server's service. */
  readonly services?: ReadonlyArray<string>
  /** Default: any free port. */
  readonly port?: number
  /** The port of its listener for TLS, when the server has one; default: any free port. */
  readonly tlsPort?: number
  /** Instances of one database share its data; by default all of them do. */
  readonly database?: string
}

/**
 * How a server is set up. Everything has a default.
 */
export interface Options {
  /** The port of the first instance; 0, the default, takes any free one. */
  readonly port?: number
  /** Users by name, with a password or with more; default `scott` with `tiger`. */
  readonly users?: { readonly [name: string]: string | UserSettings }
  /** The service that clients ask for; default `FREEPDB1`. */
  readonly service?: string
  /** Several instances, each on its own port; default a single one. */
  readonly instances?: ReadonlyArray<InstanceOptions>
  /**
   * Whether listeners send a client to the instance of their database with the fewest sessions. Default: a listener serves
   * its own instance, and sends clients to another one only when its own is down or does not have the service.
   */
  readonly loadBalance?: boolean
  /** Names the instance that serves a client, by sharding key for instance; a client of another one is redirected. */
  readonly route?: (request: ConnectRequest) => string | undefined
  readonly databaseName?: string
  /** Appended to service names by clients that use full names. */
  readonly domain?: string
  /**
   * The version that the server claims to be, such as `19.3.0.0.0`, with the grammar, the types and functions of SQL and the protocol
   * of that release: what came later is an error as it is there. Default `23.7.0.25.01`.
   */
  readonly version?: string
  /**
   * Bytes that all statements and tables may hold together, by estimate; a statement that asks for more fails with
   * ORA-04030. Default: 512 MB.
   */
  readonly memoryLimit?: number
  /**
   * Whether the service has Transaction Guard: clients are told the name of each transaction (LTXID), and
   * `dbms_app_cont.get_ltxid_outcome` says what became of one. Default `false`, as on a database.
   */
  readonly transactionGuard?: boolean
  /** Statements separated by `;` that are run as the first user before the server listens. */
  readonly script?: string
  readonly procedures?: ReadonlyArray<Procedure>
  /** The password verifier offered to clients; default `12c`. */
  readonly verifier?: "11g" | "12c"
  /** A listener for TLS (`tcps`) beside the one without; default none. `{}` is enough: a certificate is made. */
  readonly tls?: TlsOptions
  /** How tokens of OAuth 2.0 and of IAM are checked; default: there are none. Clients send them over TLS only. */
  readonly tokens?: TokenOptions
  /** Wrong passwords in a row that lock an account; default: any number may be tried. */
  readonly failedLoginAttempts?: number
  /** Default 300; beyond it ORA-01000. */
  readonly maxOpenCursors?: number
  /** Default 10000; beyond it ORA-00018. */
  readonly maxSessions?: number
  /** How many connections each instance takes; default 10000. Beyond it the listener refuses with ORA-12520. */
  readonly maxConnections?: number
  /** Milliseconds that a client has from connecting to having logged on, then its socket is closed; default 60000. */
  readonly logOnTimeout?: number
  /** How many requests the log keeps; default 10000. */
  readonly logCapacity?: number
  /** What older servers do not have, for tests of clients; what is left out is as in the release that `version` names. */
  readonly protocol?: {
    /** Oracle Net version, 315 to 319; end-of-response needs 319, fast authentication 318. */
    readonly netVersion?: number
    /** Two-task field version, 7 (12.1) to 24 (23ai). */
    readonly fieldVersion?: number
    readonly endOfResponse?: boolean
    readonly fastAuth?: boolean
    /** False: a pipeline is refused with ORA-43616, and none of its calls is run; default: true from 23ai on. */
    readonly pipelines?: boolean
    /** The largest packet, by default 2 MiB; clients ask for 8192 unless told otherwise. */
    readonly sdu?: number
  }
}
