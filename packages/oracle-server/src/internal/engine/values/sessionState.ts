/** What a session knows about itself while the store evaluates functions on its behalf. */
import { Nls } from "./nls.ts"
import type { NumberValue } from "./oracleNumber.ts"
import { definerRights, type Rights } from "./rights.ts"
import { fixedZone, formatOffset, parseZone, type Zone } from "./timeZones.ts"
import type { EndToEnd, SessionInfo } from "./value.ts"

/** Names of the database and the machine, as options of the engine give them. */
export interface Environment {
  readonly databaseName: string
  readonly instanceName: string
  readonly hostName: string
  readonly openCursors: number
  readonly version: string
  /** The first number of the version. */
  readonly release: number
}

/** Bytes that are kept of an attribute. */
const attributeBytes = 64

/** As much of a text as has room, without half of a character. */
const cut = (text: string | null, bytes: number): string | null => {
  if (text === null || text === "") return null
  if (Buffer.byteLength(text, "utf8") <= bytes) return text
  let kept = ""
  let size = 0
  for (const character of text) {
    size += Buffer.byteLength(character, "utf8")
    if (size > bytes) return kept
    kept += character
  }
  return kept
}

/** Whose names and whose privileges count. */
interface Identity {
  readonly schema: string
  readonly rights: Rights
}

export class SessionState {
  readonly environment: Environment
  readonly info: SessionInfo
  readonly nls = new Nls()
  currentSchema: string
  /** Whose privileges count for what runs now. */
  rights: Rights
  edition: string
  zone: Zone
  /** As SESSIONTIMEZONE gives it. */
  zoneName: string
  module: string | null = null
  action: string | null = null
  clientId: string | null = null
  clientInfo: string | null = null
  ecid: string | null = null
  dbOp: string | null = null
  /** Milliseconds since 1970 at the start of the running statement: SYSDATE does not move within one. */
  statementTime = 0
  /** `namespace.attribute` to value. */
  readonly contexts = new Map<string, string>()
  /** Values of contexts that are accessed globally: those for any user or client, and those for one. */
  globalContexts: Map<
    string,
    ReadonlyArray<{ readonly user: string | null; readonly clientId: string | null; readonly value: string }>
  > = new Map()
  /** Sequence values: the last NEXTVAL by sequence id, and those of the running row. */
  readonly sequenceValues = new Map<number, NumberValue>()
  active = false
  readonly logonTime: number
  /** The session a lock is waited for. */
  blockedBy: number | undefined
  sqlText = ""

  constructor(info: SessionInfo, logonTime: number, environment: Environment) {
    this.environment = environment
    this.info = info
    this.logonTime = logonTime
    this.currentSchema = info.user
    this.rights = definerRights(info.user)
    this.edition = info.edition ?? "ORA$BASE"
    this.zone = fixedZone(0)
    this.zoneName = "+00:00"
    if (info.timeZone !== undefined) this.setZone(info.timeZone)
  }

  setZone(text: string): void {
    const upper = text.toUpperCase()
    this.zone = upper === "LOCAL" || upper === "DBTIMEZONE" ? fixedZone(0) : parseZone(text)
    this.zoneName = this.zone.region === "" ? formatOffset(this.zone.offsetAt(0)) : this.zone.region
  }

  /** Sets what is given, cut to the bytes that are kept. A module that comes without an action clears the action. */
  setEndToEnd(attributes: EndToEnd): void {
    const { action, clientId, clientInfo, dbOp, ecid, module } = attributes
    if (module !== undefined) {
      this.module = cut(module, attributeBytes)
      if (action === undefined) this.action = null
    }
    if (action !== undefined) this.action = cut(action, attributeBytes)
    if (clientId !== undefined) this.clientId = cut(clientId, attributeBytes)
    if (clientInfo !== undefined) this.clientInfo = cut(clientInfo, attributeBytes)
    if (dbOp !== undefined) this.dbOp = cut(dbOp, attributeBytes)
    if (ecid !== undefined) this.ecid = cut(ecid, attributeBytes)
  }

  /** What SYS_CONTEXT gives for a namespace that is not the server's own. */
  contextValue(name: string): string | null {
    const own = this.contexts.get(name)
    if (own !== undefined) return own
    const shared = this.globalContexts.get(name) ?? []
    const mine = shared.filter(({ clientId, user }) =>
      (clientId === null || clientId === this.clientId) && (user === null || user === this.info.user)
    )
    return (mine.find(({ clientId }) => clientId !== null) ?? mine.find(({ user }) => user !== null) ?? mine[0])
      ?.value ??
      null
  }

  /** Goes on as the owner of a unit or a view; gives what to go back to. */
  enter(owner: string): Identity {
    const outer = { schema: this.currentSchema, rights: this.rights }
    this.currentSchema = owner
    this.rights = definerRights(owner)
    return outer
  }

  leave({ rights, schema }: Identity): void {
    this.currentSchema = schema
    this.rights = rights
  }

  reset(): void {
    this.nls.reset()
    this.contexts.clear()
    this.sequenceValues.clear()
    this.module = null
    this.action = null
    this.clientId = null
    this.clientInfo = null
    this.ecid = null
    this.dbOp = null
    this.currentSchema = this.info.user
    this.setZone(this.info.timeZone ?? "+00:00")
  }
}
