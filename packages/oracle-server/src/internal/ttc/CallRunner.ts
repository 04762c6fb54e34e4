import type { OraErrorLike } from "../engine/Engine.ts"
import { OraError, oraError, unimplemented } from "../engine/OraError.ts"
import { ProtocolError } from "../net/ProtocolError.ts"
import { type AuthMessage, writeAuthPairs } from "./AuthMessage.ts"
import { type Call, featureName } from "./Call.ts"
import type { ServerCursor } from "./CursorTable.ts"
import { execute, type ExecuteContext, type ExecuteOutcome, fetchRows } from "./ExecuteCall.ts"
import type { BindRow, ExecuteHeader } from "./ExecuteMessage.ts"
import { ExecuteFlag, ExecuteOption } from "./ExecuteMessage.ts"
import { runLobOperation } from "./LobCall.ts"
import { FunctionCode, MessageType } from "./Message.ts"
import { type DataTypesRequest, writeDataTypes, writeProtocol } from "./Negotiation.ts"
import { CallStatus, writeOutcome, writeStatus, writeWarning } from "./Outcome.ts"
import type { Piggyback } from "./Piggyback.ts"
import type { FunctionBody } from "./RequestParser.ts"
import type { ServerSession } from "./ServerSession.ts"
import { returningPlaceholders } from "./StatementScan.ts"
import type { TtcConnection } from "./TtcConnection.ts"

const sessionKilled = () => oraError(28, "your session has been killed")

const sessionReturn = 4
const sessionChanged = 4

/** What each kind of call does, and what it answers. */
export class CallRunner {
  private readonly connection: TtcConnection
  private wasInTransaction = false
  private mayRelease = false
  private releases = false

  constructor(connection: TtcConnection) {
    this.connection = connection
  }

  /** The first message after a DRCP release: the client is given a session again. */
  attach(): OraErrorLike | undefined {
    const { connection } = this
    const { logon, released } = connection
    if (released === undefined || logon === undefined) return undefined
    try {
      connection.session = connection.host.attach(logon, released.session)
      connection.released = undefined
      connection.announceSession = released.announce
      return undefined
    } catch (cause) {
      return asOraError(cause)
    }
  }

  /** What comes before the body of every response. */
  begin(call: Call): void {
    const { announceSession, session, writer } = this.connection
    this.wasInTransaction = session?.engine.inTransaction ?? false
    // A logon is no boundary.
    this.mayRelease = session !== undefined
    this.releases = false
    if (call.oneWay) return
    if (call.token !== 0) writer.u8(MessageType.token).ub(call.token)
    if (!announceSession || session === undefined) return
    this.connection.announceSession = false
    const { serial, sid } = session.engine.info
    // Cursors end with the release, so the client has to forget its ids even when the session is the one it had.
    writer.u8(MessageType.serverPiggyback).u8(sessionReturn).ub(0).u8(0).ub(0).ub(sessionChanged).ub(sid).ub(serial)
  }

  /** Throws what keeps the call from running at all. */
  check(call: Call): void {
    const { connection } = this
    if (connection.session?.killed === true) throw sessionKilled()
    if (connection.pipelineFailed && call.code !== FunctionCode.pipelineEnd) {
      throw oraError(1013, "User requested cancel of current operation.")
    }
  }

  callStatus(): number {
    const { session } = this.connection
    const inTransaction = session !== undefined && !session.closed && session.engine.inTransaction
    return (inTransaction ? CallStatus.inTransaction : 0) | (this.releases ? CallStatus.sessionReleased : 0)
  }

  private requireSession(): ServerSession {
    const { session } = this.connection
    if (session === undefined) throw oraError(1012, "not logged on")
    return session
  }

  private status(call: Call): void {
    this.considerImplicitRelease()
    writeStatus(this.connection.writer, this.callStatus(), call.sequence)
  }

  private complete(call: Call, outcome: ExecuteOutcome): void {
    this.considerImplicitRelease()
    const { terms, writer } = this.connection
    const { batchErrors, error, rowCount, rowid } = outcome
    const { cursorId, sequence } = call
    const callStatus = this.callStatus()
    writeOutcome(
      writer,
      { callStatus, sequence, cursorId, rowCount, rowid, batchErrors, error },
      terms.fieldVersion
    )
  }

  // Implicit pooling: the server gives the session back by itself at the boundary that the client asked for.
  private considerImplicitRelease(): void {
    const { host, session } = this.connection
    if (host.poolBoundary === undefined || session === undefined || !this.mayRelease) return
    if (session.closed || session.engine.inTransaction) return
    this.releases = host.poolBoundary === "TRANSACTION" ? this.wasInTransaction : !session.cursors.hasOpenQuery
  }

  /** Ends the body of a response, from `from` on, with an error. */
  fail(call: Call, from: number, cause: unknown): OraErrorLike {
    const { connection } = this
    const error = asOraError(cause)
    if (cause instanceof ProtocolError) connection.fail()
    const { terms, writer } = connection
    writer.truncate(from)
    const { cursorId, sequence } = call
    writeOutcome(
      writer,
      { callStatus: this.callStatus(), sequence, cursorId, rowCount: 0, error },
      terms.fieldVersion
    )
    return error
  }

  /** What follows the response. */
  end(error: OraErrorLike | undefined): void {
    const { connection } = this
    if (this.releases && connection.session !== undefined) this.release(connection.session, false)
    const lost = error?.code === 28 || connection.session?.killed === true
    if (lost || (error !== undefined && connection.session === undefined && connection.released === undefined)) {
      connection.finishConnection()
    }
  }

  protocol(): void {
    const { host, writer } = this.connection
    writeProtocol(writer, host.banner, host.fieldVersion)
  }

  dataTypes(request: DataTypesRequest): void {
    this.agree(request)
    writeDataTypes(this.connection.writer, request)
  }

  private agree(request: DataTypesRequest): void {
    const { connection } = this
    const fieldVersion = Math.min(connection.host.fieldVersion, request.fieldVersion || connection.host.fieldVersion)
    connection.terms = { ...connection.terms, fieldVersion }
  }

  fastAuth(call: Call, dataTypes: DataTypesRequest, auth: AuthMessage): Promise<void> {
    this.protocol()
    this.dataTypes(dataTypes)
    return this.authenticate(call, auth)
  }

  private async authenticate(call: Call, message: AuthMessage): Promise<void> {
    const { connection } = this
    const { authentication, host, writer } = connection
    if (call.code === FunctionCode.authPhaseOne) {
      const pairs = await authentication.phaseOne(message)
      writeAuthPairs(writer, pairs)
    } else if (connection.logon !== undefined) {
      await authentication.changePassword(connection.logon, message)
      writeAuthPairs(writer, [])
    } else {
      const logon = await authentication.phaseTwo(message)
      connection.session = host.open(logon)
      connection.logon = logon
      const { engine } = connection.session
      for (const { key, namespace, value } of logon.contexts) engine.setContext(namespace, key, value)
      writeAuthPairs(writer, authentication.answer(engine.info, connection.terms.fieldVersion))
      if (logon.expiring) writeWarning(writer, 28_002, "ORA-28002: the password will expire within 7 days")
    }
    this.status(call)
  }

  call(call: Call, body: FunctionBody): void | Promise<void> {
    switch (body.kind) {
      case "auth":
        return this.authenticate(call, body.message)
      case "fetch": {
        call.cursorId = body.cursorId
        const context = this.context()
        const cursor = context.cursors.find(body.cursorId)
        call.sql = cursor.sql
        return this.complete(call, fetchRows(context, cursor, body.rows))
      }
      case "lob": {
        const { engine, lobs } = this.requireSession()
        runLobOperation({ session: engine, lobs, writer: this.connection.writer }, body.request)
        return this.complete(call, { rowCount: 0 })
      }
      case "release": {
        const { session } = this.connection
        if (session !== undefined) this.release(session, true)
        return
      }
      case "unknown":
        throw unimplemented(featureName(call.code))
      case "plain":
        return this.plain(call)
      case "execute":
        throw new ProtocolError("an execution is not a plain call")
    }
  }

  private plain(call: Call): void {
    const { connection } = this
    if (call.code === FunctionCode.pipelineEnd) {
      connection.pipelineAborts = false
      connection.pipelineFailed = false
      return this.status(call)
    }
    const { engine } = this.requireSession()
    if (call.code === FunctionCode.commit) engine.commit()
    else if (call.code === FunctionCode.rollback) engine.rollback()
    else if (call.code === FunctionCode.logoff) {
      connection.host.close(connection.session!)
      connection.session = undefined
      connection.logon = undefined
    }
    this.status(call)
  }

  private release(session: ServerSession, announce: boolean): void {
    const { connection } = this
    if (connection.logon === undefined) return
    if (session.engine.inTransaction) session.engine.rollback()
    connection.released = { session, announce }
    connection.session = undefined
    connection.host.release(session, connection.logon)
  }

  private context(): ExecuteContext {
    const { cursors, engine, lobs, reported } = this.requireSession()
    const { terms, writer } = this.connection
    return { session: engine, cursors, lobs, reported, terms, writer }
  }

  cursor(call: Call): ServerCursor | undefined {
    const { session } = this.connection
    return session === undefined || call.cursorId === 0 ? undefined : session.cursors.find(call.cursorId)
  }

  /** Finds or opens the cursor of an execution and parses its text, before its rows of binds are read. */
  prepare(call: Call, header: ExecuteHeader): OraErrorLike | undefined {
    call.sql = header.sql
    try {
      const { cursors, engine } = this.requireSession()
      const cursor = header.cursorId === 0 ? cursors.open(header.sql ?? "") : cursors.find(header.cursorId)
      call.cursorId = cursor.id
      if (header.binds !== undefined && header.binds.length > 0) cursor.binds = header.binds
      if (header.sql === undefined) {
        call.sql = cursor.sql
        return undefined
      }
      cursors.closeQuery(cursor)
      cursor.sql = header.sql
      cursor.returning = returningPlaceholders(header.sql)
      cursor.statement = undefined
      cursor.forms = undefined
      cursor.described = undefined
      cursor.binds = header.binds ?? []
      cursor.plsql = (header.options & (ExecuteOption.notPlsql | ExecuteOption.describe)) === 0
      cursor.statement = engine.parse(header.sql)
      return undefined
    } catch (cause) {
      return asOraError(cause)
    }
  }

  execute(call: Call, header: ExecuteHeader, rows: ReadonlyArray<BindRow>): void | Promise<void> {
    const context = this.context()
    if ((header.flags & ExecuteFlag.noImplicitRelease) !== 0) this.mayRelease = false
    const outcome = execute(context, context.cursors.find(call.cursorId), header, rows)
    return outcome instanceof Promise
      ? outcome.then((settled) => this.complete(call, settled))
      : this.complete(call, outcome)
  }

  /** Applies a piggyback; its error becomes that of the call it rides with. */
  applyPiggyback(piggyback: Piggyback): OraErrorLike | undefined {
    const { connection } = this
    connection.host.noted(piggyback.kind, connection.session)
    if (piggyback.kind === "pipelineBegin") {
      connection.pipelineAborts = piggyback.abortOnError
      connection.pipelineFailed = false
      return undefined
    }
    try {
      const { cursors, engine, lobs } = this.requireSession()
      switch (piggyback.kind) {
        case "closeCursors":
          for (const id of piggyback.ids) cursors.close(id)
          break
        case "cancelCursors":
          for (const id of piggyback.ids) cursors.cancel(id)
          break
        case "currentSchema":
          connection.session!.setCurrentSchema(piggyback.schema)
          break
        case "endToEnd":
          connection.session!.setEndToEnd(piggyback.attributes)
          break
        case "freeTempLobs":
          for (const locator of piggyback.locators) lobs.free(locator)
          break
        case "applicationContext":
          if (piggyback.clear) throw unimplemented("clearing all of an application context")
          for (const [key, value] of piggyback.pairs) engine.setContext(piggyback.namespace, key, value)
      }
      return undefined
    } catch (cause) {
      return asOraError(cause)
    }
  }
}

const isOraError = (cause: unknown): cause is OraErrorLike =>
  cause instanceof OraError ||
  (cause instanceof Error && "code" in cause && typeof cause.code === "number" && cause.message.startsWith("ORA-"))

// A defect of this server: ORA-00600 would make the client believe that its connection is lost.
const asOraError = (cause: unknown): OraErrorLike =>
  isOraError(cause)
    ? cause
    : oraError(700, `soft internal error, arguments: [${cause instanceof Error ? cause.message : String(cause)}]`)
