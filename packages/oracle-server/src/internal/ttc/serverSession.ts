/** A session of the database together with what its client holds of it: cursors, LOBs, settings. */
import type { EngineSession } from "../engine/engine.ts"
import { CursorTable } from "./cursorTable.ts"
import { DirectLoads } from "./directPath.ts"
import { LobTable } from "./lobTable.ts"

/** What a client believes of its session. */
export interface ReportedState {
  schema: string
  edition: string
  /** The last name of a transaction that was sent, in hexadecimal. */
  transaction?: string | undefined
  /** The sessionless transaction that the client was last told of, "" for none; undefined when it has to be told. */
  sessionless: string | undefined
}

/** The end user that an application's call is for. */
export interface EndUser {
  /** The `sub` of the application's token. */
  readonly application: string
  /** The end user's name, from a token or from the application; undefined when the application works for itself. */
  readonly name: string | undefined
  readonly contextId: string | undefined
  readonly roles: ReadonlyArray<string>
  readonly attributes: { readonly [name: string]: unknown }
}

/** A session of the database together with what its client holds of it. */
export class ServerSession {
  readonly engine: EngineSession
  readonly cursors: CursorTable
  readonly lobs = new LobTable()
  readonly loads: DirectLoads
  readonly reported: ReportedState
  readonly openedAt: number
  /** Set by a kill: the next call is answered with it, and the connection ends. */
  killed = false
  /** Of the last call; a call that brings no context has none. */
  endUser: EndUser | undefined
  endUserCame = false
  closed = false
  lastCallAt: number
  calls = 0

  constructor(engine: EngineSession, maxOpenCursors: number, now: number) {
    this.engine = engine
    this.cursors = new CursorTable(engine, maxOpenCursors)
    this.loads = new DirectLoads(engine)
    this.reported = { schema: engine.currentSchema, edition: engine.edition, sessionless: "" }
    this.openedAt = now
    this.lastCallAt = now
  }

  setCurrentSchema(name: string): void {
    this.engine.setCurrentSchema(name)
    this.reported.schema = this.engine.currentSchema
  }

  /** The client's cursors and locators end with its hold of the session. */
  clearClientState(): void {
    this.cursors.clear()
    this.lobs.clear()
    this.loads.clear()
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.lobs.clear()
    this.engine.close()
  }
}
