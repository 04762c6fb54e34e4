/** What the two-task layer asks of the server around it, as types. */
import type { OraErrorLike } from "../engine/engine.ts"
import type { NetTerms } from "../net/handshake.ts"
import type { Call, FunctionName } from "./call.ts"
import type { Logon } from "./logon.ts"
import type { ServerSession } from "./serverSession.ts"
import type { Verifier } from "./verifier.ts"

/** What a password check needs to know of a user. */
export interface Account {
  readonly name: string
  readonly state: "open" | "expiring" | "locked" | "expired"
  readonly verifier: Promise<Verifier>
  readonly sysdba: boolean
  readonly allowsProxy: (proxy: string) => boolean
  readonly changePassword: (password: string) => Promise<void>
  /** Counts a wrong password; enough of them lock the account. */
  readonly refused: () => void
  readonly accepted: () => void
}

/** What a token says of its bearer. */
interface TokenClaims {
  readonly sub?: string
  readonly [name: string]: unknown
}

/** How tokens are checked. What is wrong with one is thrown as an error that its client does not get to see. */
export interface TokenChecks {
  readonly verify: (token: string) => TokenClaims
  /** The user that the server's owner has for it; undefined leaves that to the names of the accounts. */
  readonly userOf: (claims: TokenClaims) => string | undefined
  /** The client of an IAM token proves that it has the key that the token names. */
  readonly prove: (claims: TokenClaims, proof: { readonly header: string; readonly signature: string }) => void
}

/** What a fault does to a call. */
export type CallFault =
  | { readonly _tag: "Error"; readonly error: OraErrorLike }
  | { readonly _tag: "Delay"; readonly milliseconds: number }
  | { readonly _tag: "Hang" }
  | { readonly _tag: "Disconnect"; readonly when: "before" | "after"; readonly reset: boolean }
  | { readonly _tag: "Truncate"; readonly bytes: number; readonly then: "close" | "reset" | "hang" }

/** What the two-task layer of one connection asks of the server around it. */
export interface TtcHost {
  readonly net: NetTerms
  readonly fieldVersion: number
  readonly banner: string
  readonly version: string
  /** The banner of the database, with the version. */
  readonly fullVersion: string
  readonly databaseName: string
  readonly databaseDomain: string
  readonly instanceName: string
  readonly serviceName: string
  /** At which boundaries the server gives a session back to its pool by itself. */
  readonly poolBoundary: "STATEMENT" | "TRANSACTION" | undefined
  readonly maxOpenCursors: number
  /** False when pipelines are refused with ORA-43616. */
  readonly pipelines: boolean
  readonly account: (name: string) => Account | undefined
  /** The account that a certificate's subject or the `sub` of a token stands for. */
  readonly externalAccount: (name: string) => Account | undefined
  /** Checks tokens; undefined when there are none here, or the connection has no TLS. */
  readonly tokens: TokenChecks | undefined
  /** The subject of the client's certificate, when TLS has accepted one. */
  readonly certificate: string | undefined
  /** A secret of this server, from which the challenges for unknown users are made. */
  readonly secret: Buffer
  readonly now: () => number
  /** Opens the session of a logon; throws when it may not be. */
  readonly open: (logon: Logon) => ServerSession
  /** Ends it for good. */
  readonly close: (session: ServerSession) => void
  /** DRCP: gives the session back to the server's pool. */
  readonly release: (session: ServerSession, logon: Logon) => void
  /** DRCP: a session for a client that has given its own back, the same one if it can be. */
  readonly attach: (logon: Logon, previous: ServerSession) => ServerSession
  /** Sends a response; `limit` cuts it short. The payload is only valid during the call. */
  readonly send: (payload: Buffer, endOfResponse: boolean, limit?: number) => void
  readonly sendMarker: (kind: number) => void
  readonly end: () => void
  /** Counts a client that could not be understood. */
  readonly malformed: () => void
  readonly reset: () => void
  /** The fault that hits this call, if any. */
  readonly fault: (call: Call, session: ServerSession | undefined) => CallFault | undefined
  readonly began: (call: Call, session: ServerSession | undefined) => void
  readonly finished: (call: Call, session: ServerSession | undefined, error: OraErrorLike | undefined) => void
  /** Piggybacks and markers: they are not calls, but they are logged. */
  readonly noted: (name: FunctionName, session: ServerSession | undefined) => void
}
