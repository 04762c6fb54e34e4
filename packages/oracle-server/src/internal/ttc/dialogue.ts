/** What one client and its server know of each other between calls. */
import type { OraErrorLike } from "../engine/engine.ts"
import { oraError } from "../engine/oraError.ts"
import { Authentication } from "./authentication.ts"
import { ByteWriter } from "./byteWriter.ts"
import type { Call } from "./call.ts"
import { asOraError } from "./failure.ts"
import type { Logon } from "./logon.ts"
import { FieldVersion } from "./message.ts"
import { firstTerms, type TtcTerms } from "./negotiation.ts"
import { CallStatus } from "./outcome.ts"
import type { ServerSession } from "./serverSession.ts"
import type { TransactionSwitch } from "./transactionMessage.ts"
import type { TtcHost } from "./ttcHost.ts"

/** Calls that the client has sent without waiting for their answers, until it ends the series. */
interface Pipeline {
  /** The calls after the first error are not run. */
  readonly aborts: boolean
  failed: boolean
  /** The server takes no pipelines: none of its calls is run. */
  readonly refused: boolean
}

/**
 * What one client and its server know of each other from call to call: the negotiated terms, who is logged on, and the
 * session. What is true for a single call only is kept in its `Call`.
 */
export class Dialogue {
  readonly host: TtcHost
  readonly writer = new ByteWriter()
  readonly authentication: Authentication
  terms: TtcTerms
  session: ServerSession | undefined
  logon: Logon | undefined
  pipeline: Pipeline | undefined
  /** The session that was given back to the pool, until the next call attaches one. */
  released: { readonly session: ServerSession; readonly announce: boolean } | undefined
  /** A change of transactions that rides with the call that follows. */
  switching: TransactionSwitch | undefined
  /** The next response tells the client which session it has been given. */
  announceSession = false

  constructor(host: TtcHost) {
    this.host = host
    this.authentication = new Authentication(host)
    this.terms = firstTerms(host.fieldVersion)
  }

  get endOfResponse(): boolean {
    return this.host.net.endOfResponse && this.terms.endOfResponse && this.terms.fieldVersion >= FieldVersion.v23_4
  }

  requireSession(): ServerSession {
    const { session } = this
    if (session === undefined) throw oraError(1012, "not logged on")
    return session
  }

  callStatus(call: Call | undefined): number {
    const { session } = this
    const inTransaction = session !== undefined && !session.closed && session.engine.inTransaction
    return (inTransaction ? CallStatus.inTransaction : 0) | (call?.releases === true ? CallStatus.sessionReleased : 0)
  }

  /** The first message after a DRCP release: the client is given a session again. */
  attach(): OraErrorLike | undefined {
    const { logon, released } = this
    if (released === undefined || logon === undefined) return undefined
    try {
      this.session = this.host.attach(logon, released.session)
      this.released = undefined
      this.announceSession = released.announce
      return undefined
    } catch (cause) {
      return asOraError(cause)
    }
  }

  /** Gives the session back to the server's pool. */
  release(session: ServerSession, announce: boolean): void {
    if (this.logon === undefined) return
    this.switching = undefined
    if (session.engine.inTransaction) session.engine.rollback()
    this.released = { session, announce }
    this.session = undefined
    this.host.release(session, this.logon)
  }

  /** Ends what only a response that never arrives told the client of. */
  takeBack(call: Call): void {
    const { cursors, locators } = call.handedOut
    const { session } = this
    if (session !== undefined && !session.closed) {
      session.reported.transaction = undefined
      session.reported.sessionless = undefined
      for (const id of cursors) session.cursors.close(id)
      for (const locator of locators) session.lobs.free(locator)
    }
    cursors.length = 0
    locators.length = 0
  }

  logoff(): void {
    if (this.session !== undefined) this.host.close(this.session)
    this.session = undefined
    this.logon = undefined
  }
}
