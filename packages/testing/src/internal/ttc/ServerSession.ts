import type { EngineSession } from "../engine/Engine.ts"
import { CursorTable } from "./CursorTable.ts"
import { LobTable } from "./LobTable.ts"
import type { EndToEndAttributes } from "./Piggyback.ts"

/** A session of the database together with what its client holds of it. */
export class ServerSession {
  readonly engine: EngineSession
  readonly cursors: CursorTable
  readonly lobs = new LobTable()
  readonly openedAt: number
  /** Set by a kill: the next call is answered with it, and the connection ends. */
  killed = false
  closed = false
  module: string | null = null
  action: string | null = null
  clientId: string | null = null
  clientInfo: string | null = null
  lastCallAt: number
  calls = 0

  constructor(engine: EngineSession, maxOpenCursors: number, now: number) {
    this.engine = engine
    this.cursors = new CursorTable(engine, maxOpenCursors)
    this.openedAt = now
    this.lastCallAt = now
  }

  setEndToEnd(attributes: EndToEndAttributes): void {
    this.engine.setEndToEnd(attributes)
    if (attributes.module !== undefined) {
      this.module = attributes.module
      // Setting the module alone clears the action, as DBMS_APPLICATION_INFO.SET_MODULE does.
      if (attributes.action === undefined) this.action = null
    }
    if (attributes.action !== undefined) this.action = attributes.action
    if (attributes.clientId !== undefined) this.clientId = attributes.clientId
    if (attributes.clientInfo !== undefined) this.clientInfo = attributes.clientInfo
  }

  /** Forgets what the last client left: DRCP hands the session to another one. */
  reset(): void {
    this.clearClientState()
    this.engine.reset()
    this.module = null
    this.action = null
    this.clientId = null
    this.clientInfo = null
  }

  clearClientState(): void {
    this.cursors.clear()
    this.lobs.clear()
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.lobs.clear()
    this.engine.close()
  }
}
