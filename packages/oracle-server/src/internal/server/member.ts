/** What the instances of a server know of each other, and what the server knows of them. */
import type { Engine } from "../engine/engine.ts"
import type { ConnectRequest } from "../net/connectData.ts"
import type { Logon } from "../ttc/logon.ts"
import type { ServerSession } from "../ttc/serverSession.ts"
import type { Connection } from "./connection.ts"

/** A session with where it belongs. */
export interface SessionEntry {
  readonly session: ServerSession
  readonly logon: Logon
  readonly request: ConnectRequest
  readonly instance: Member
  connection: Connection | undefined
  active: boolean
}

/** One database instance with its own listener. */
export interface Member {
  readonly name: string
  readonly services: ReadonlyArray<string>
  readonly port: number
  /** Of its listener for TLS; undefined when the server has none. */
  readonly tlsPort: number | undefined
  readonly engine: Engine
  /** False between shutdown and start-up. */
  readonly up: boolean
  /** Milliseconds since 1970 at which it last came up. */
  readonly startedAt: number
  readonly sessions: ReadonlyMap<number, SessionEntry>
  readonly connections: ReadonlySet<Connection>
  /** The sessions that DRCP keeps between clients. */
  readonly pool: { readonly size: number }
  readonly listening: boolean
  /** Listens; opens the instance. */
  readonly start: () => Promise<void>
  /** Closes the instance, whose listener goes on. */
  readonly goDown: () => void
  readonly stopListening: () => Promise<void>
  /** Cuts every connection at once, in the middle of whatever it does. */
  readonly cutAll: (reset: boolean) => void
  /** Ends a session: its work is rolled back at once, and its client learns of it with its next call. */
  readonly kill: (entry: SessionEntry) => void
  /** The service that a request means, by the name under which it is known here, or the code of the refusal. */
  readonly serviceOf: (request: ConnectRequest) => string | number
}
