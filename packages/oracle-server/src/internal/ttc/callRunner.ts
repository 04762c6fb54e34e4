/** Runs one call: finds what answers it, and turns its failures into the error message of the protocol. */
import type { OraErrorLike } from "../engine/engine.ts"
import { oraError, unimplemented } from "../engine/oraError.ts"
import { ProtocolError } from "../net/protocolError.ts"
import { versionNumber } from "./authentication.ts"
import { type Call, featureName } from "./call.ts"
import type { ServerCursor } from "./cursorTable.ts"
import { describeObject } from "./describeObject.ts"
import type { Dialogue } from "./dialogue.ts"
import { execute, type ExecuteContext, type ExecuteOutcome, fetchRows } from "./executeCall.ts"
import { type BindRow, ExecuteFlag, type ExecuteHeader, isPlsql, maxBinds } from "./executeMessage.ts"
import { asOraError, cancelled, sessionKilled } from "./failure.ts"
import { runLobOperation } from "./lobCall.ts"
import { authenticate } from "./logonCall.ts"
import { FunctionCode, MessageType } from "./message.ts"
import { writeOutcome, writeStatus } from "./outcome.ts"
import { writeExecuteParameters } from "./parameterMessage.ts"
import { runQueueCall } from "./queueCall.ts"
import type { FunctionBody } from "./requestParser.ts"
import type { ServerSession } from "./serverSession.ts"
import { returningPlaceholders } from "./statementScan.ts"
import { afterCall, reportSessionless, runChange, runSwitch } from "./transactionCall.ts"

const sessionReturn = 4
const sessionChanged = 4

/** Begins the response to a call with what comes before its body. */
export const beginCall = (dialogue: Dialogue, call: Call): void => {
  const { announceSession, session, writer } = dialogue
  writer.reset()
  if (session !== undefined) {
    if (!session.endUserCame) session.endUser = undefined
    session.endUserCame = false
  }
  call.wasInTransaction = session?.engine.inTransaction ?? false
  // A logon is no boundary.
  call.mayRelease = session !== undefined
  if (!call.oneWay) {
    if (call.token !== 0) writer.u8(MessageType.token).ub(call.token)
    if (announceSession && session !== undefined) {
      dialogue.announceSession = false
      const { serial, sid } = session.engine.info
      // Cursors end with the release, so the client has to forget its ids even when the session is the one it had.
      writer.u8(MessageType.serverPiggyback).u8(sessionReturn).ub(0).u8(0).ub(0).ub(sessionChanged).ub(sid).ub(serial)
    }
  }
  call.body = writer.length
}

/** Throws what keeps the call from running at all. */
export const checkCall = (dialogue: Dialogue, call: Call): void => {
  if (dialogue.session?.killed === true) throw sessionKilled()
  if (call.broken) throw cancelled()
  if (dialogue.pipeline?.refused === true && call.code !== FunctionCode.pipelineEnd) {
    throw oraError(43616, "pipelined operations are not supported in this session")
  }
  if (dialogue.pipeline?.failed === true && call.code !== FunctionCode.pipelineEnd) throw cancelled()
}

const serverLogicalTransaction = 7

/** Tells the client the name of its next transaction, and of a sessionless one, where that is news. */
export const reportTransaction = (dialogue: Dialogue): void => {
  const { session, writer } = dialogue
  reportSessionless(dialogue)
  if (session === undefined || session.closed) return
  const name = session.engine.logicalTransaction
  if (name === undefined) return
  const { reported } = session
  const text = name.toString("hex")
  if (reported.transaction === text) return
  reported.transaction = text
  writer.u8(MessageType.serverPiggyback).u8(serverLogicalTransaction).ub(name.length).lv(name)
}

/** Ends the response to a call with STATUS. */
const completeStatus = (dialogue: Dialogue, call: Call): void => {
  afterCall(dialogue)
  reportTransaction(dialogue)
  considerImplicitRelease(dialogue, call)
  writeStatus(dialogue.writer, dialogue.callStatus(call), call.sequence)
}

/** Ends the response to a call with what an execution came to. */
const complete = (dialogue: Dialogue, call: Call, outcome: ExecuteOutcome): void => {
  afterCall(dialogue)
  reportTransaction(dialogue)
  considerImplicitRelease(dialogue, call)
  const { cursorId, sequence } = call
  writeOutcome(
    dialogue.writer,
    { ...outcome, callStatus: dialogue.callStatus(call), sequence, cursorId },
    dialogue.terms.fieldVersion
  )
}

// Implicit pooling: the server gives the session back by itself at the boundary that the client asked for.
const considerImplicitRelease = (dialogue: Dialogue, call: Call): void => {
  const { host, session } = dialogue
  if (host.poolBoundary === undefined || session === undefined || !call.mayRelease) return
  if (session.closed || session.engine.inTransaction) return
  call.releases = host.poolBoundary === "TRANSACTION" ? call.wasInTransaction : isStateless(session)
}

/** Whether nothing is left in the session that a client could miss; the end of a transaction takes such things along. */
const isStateless = ({ cursors, engine, lobs }: ServerSession): boolean =>
  !cursors.hasOpenQuery && lobs.temporary === 0 && !engine.hasTemporaryRows

/** Ends the response to a call with an error, in place of the body that was written. */
export const failCall = (dialogue: Dialogue, call: Call, cause: unknown): OraErrorLike => {
  const error = asOraError(cause)
  dialogue.switching = undefined
  dialogue.writer.truncate(call.body)
  dialogue.takeBack(call)
  reportTransaction(dialogue)
  const { cursorId, sequence } = call
  writeOutcome(
    dialogue.writer,
    { callStatus: dialogue.callStatus(call), sequence, cursorId, rowCount: error.done?.rowCount ?? 0, error },
    dialogue.terms.fieldVersion
  )
  return error
}

/** What follows a response; false when the connection is over. */
export const endCall = (dialogue: Dialogue, call: Call, error: OraErrorLike | undefined): boolean => {
  const { session } = dialogue
  if (call.releases && session !== undefined) dialogue.release(session, false)
  if (error?.code === 28 || dialogue.session?.killed === true) return false
  return error === undefined || dialogue.session !== undefined || dialogue.released !== undefined
}

/** Runs a function whose request has come in whole, and writes its response. */
export const runFunction = (dialogue: Dialogue, call: Call, body: FunctionBody): void | Promise<void> => {
  switch (body._tag) {
    case "Auth":
      return authenticate(dialogue, call, body.message).then(() =>
        // Some clients wait for this message, and take STATUS for something else.
        call.code === FunctionCode.authPhaseOne
          ? complete(dialogue, call, { rowCount: 0 })
          : completeStatus(dialogue, call)
      )
    case "Fetch": {
      call.cursorId = body.cursorId
      const context = executeContext(dialogue, call)
      const cursor = context.cursors.find(body.cursorId)
      call.sql = cursor.sql
      const outcome = fetchRows(context, cursor, body.rows)
      return outcome instanceof Promise
        ? outcome.then((settled) => complete(dialogue, call, settled))
        : complete(dialogue, call, outcome)
    }
    case "Lob": {
      const { engine, lobs } = dialogue.requireSession()
      const { handedOut } = call
      const { terms: { countedBytes }, writer } = dialogue
      runLobOperation({ session: engine, lobs, handedOut, writer, countedBytes }, body.request)
      return complete(dialogue, call, { rowCount: 0 })
    }
    case "Release": {
      const { session } = dialogue
      // A dedicated session has no pool to go to: nothing would ever close it there.
      if (session?.engine.info.server === "POOLED") dialogue.release(session, true)
      return
    }
    case "DescribeObject": {
      const { engine } = dialogue.requireSession()
      describeObject(engine, body.name, dialogue.writer, dialogue.terms)
      return complete(dialogue, call, { rowCount: 0 })
    }
    case "TransactionSwitch": {
      const switched = runSwitch(dialogue, body.request)
      return switched instanceof Promise
        ? switched.then(() => completeStatus(dialogue, call))
        : completeStatus(dialogue, call)
    }
    case "TransactionChange":
      runChange(dialogue, body.request)
      return completeStatus(dialogue, call)
    case "LoadPrepare":
    case "LoadStream":
    case "LoadOperation":
      return runLoad(dialogue, body).then((rowCount) => complete(dialogue, call, { rowCount }))
    case "Enqueue":
    case "Dequeue":
    case "QueueArray":
      return runQueueCall(dialogue, body).then((rowCount) => complete(dialogue, call, { rowCount }))
    case "Unknown":
      throw unimplemented(featureName(call.code))
    case "Plain":
      return runPlain(dialogue, call)
    case "Execute":
      throw new ProtocolError("an execution is not a plain call")
  }
}

/** Runs a call of a direct path load; gives the number of rows that it has written. */
const runLoad = async (dialogue: Dialogue, body: LoadBody): Promise<number> => {
  const { loads } = dialogue.requireSession()
  if (body._tag === "LoadStream") return await loads.stream(body.request)
  if (body._tag === "LoadPrepare") await loads.prepare(body.request, dialogue.writer, dialogue.terms)
  else await loads.operate(body.request)
  return 0
}

type LoadBody = Extract<FunctionBody, { readonly _tag: "LoadPrepare" | "LoadStream" | "LoadOperation" }>

const runPlain = (dialogue: Dialogue, call: Call): void => {
  if (call.code === FunctionCode.version) return answerVersion(dialogue, call)
  if (call.code === FunctionCode.pipelineEnd) dialogue.pipeline = undefined
  else {
    const { engine } = dialogue.requireSession()
    const ends = call.code === FunctionCode.commit ? "COMMIT" : call.code === FunctionCode.rollback ? "ROLLBACK" : ""
    if (ends !== "" && engine.branches.isGlobal) throw oraError(24_795, `Illegal ${ends} attempt made`)
    if (call.code === FunctionCode.commit) engine.commit()
    else if (call.code === FunctionCode.rollback) engine.rollback()
    else if (call.code === FunctionCode.logoff) dialogue.logoff()
  }
  completeStatus(dialogue, call)
}

const answerVersion = (dialogue: Dialogue, call: Call): void => {
  const { host, terms, writer } = dialogue
  const banner = Buffer.from(host.fullVersion, "utf8")
  writer.u8(MessageType.parameter).ub(banner.length)
  if (terms.countedTexts) writer.lv(banner)
  else writer.bytes(banner)
  writer.ub(versionNumber(host.version, terms.fieldVersion))
  complete(dialogue, call, { rowCount: 0 })
}

const executeContext = (dialogue: Dialogue, call: Call): ExecuteContext => {
  const { cursors, engine, lobs, reported } = dialogue.requireSession()
  const { terms, writer } = dialogue
  return { session: engine, cursors, lobs, handedOut: call.handedOut, reported, terms, writer }
}

/** The cursor that a call works with, once it has one. */
export const cursorOf = ({ session }: Dialogue, call: Call): ServerCursor | undefined =>
  session === undefined || call.cursorId === 0 ? undefined : session.cursors.find(call.cursorId)

/** Finds or opens the cursor of an execution and parses its text, before its rows of binds are read. */
export const prepareExecute = (dialogue: Dialogue, call: Call, header: ExecuteHeader): OraErrorLike | undefined => {
  call.sql = header.sql
  // A call that will not be run opens nothing: its client does not look at the answer.
  const { pipeline } = dialogue
  if ((pipeline?.failed === true || pipeline?.refused === true) && header.cursorId === 0) return undefined
  try {
    const { cursors, engine } = dialogue.requireSession()
    const cursor = header.cursorId === 0 ? cursors.open(header.sql ?? "") : cursors.find(header.cursorId)
    call.cursorId = cursor.id
    if (header.binds !== undefined && header.binds.length > 0) cursor.binds = header.binds
    if (cursor.binds.length > maxBinds) throw oraError(1745, "invalid host/bind variable name")
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
    cursor.plsql = isPlsql(header)
    cursor.statement = engine.parse(header.sql)
    return undefined
  } catch (cause) {
    return asOraError(cause)
  }
}

/** Runs an execution whose rows of binds have come in. */
export const runExecute = (
  dialogue: Dialogue,
  call: Call,
  header: ExecuteHeader,
  rows: ReadonlyArray<BindRow>
): void | Promise<void> => {
  const context = executeContext(dialogue, call)
  if ((header.flags & ExecuteFlag.noImplicitRelease) !== 0) call.mayRelease = false
  const outcome = execute(context, context.cursors.find(call.cursorId), header, rows)
  const finish = (settled: ExecuteOutcome) => {
    writeExecuteParameters(dialogue.writer, {
      session: context.session,
      reported: context.reported,
      cursorId: call.cursorId,
      rowCounts: settled.rowCounts ?? (header.countsRows ? [] : undefined)
    })
    complete(dialogue, call, settled)
  }
  return outcome instanceof Promise ? outcome.then(finish) : finish(outcome)
}
