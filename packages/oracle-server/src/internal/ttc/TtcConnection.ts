import type { OraErrorLike } from "../engine/Engine.ts"
import { oraError } from "../engine/OraError.ts"
import { MarkerKind } from "../net/Packet.ts"
import { Authentication, type Logon } from "./Authentication.ts"
import { ByteWriter } from "./ByteWriter.ts"
import { type Call, functionName } from "./Call.ts"
import { CallRunner } from "./CallRunner.ts"
import { type BindRow, type ExecuteHeader, valueOrder } from "./ExecuteMessage.ts"
import { FieldVersion, MessageType } from "./Message.ts"
import type { TtcTerms } from "./Negotiation.ts"
import { writeOutcome } from "./Outcome.ts"
import { RequestBuffer } from "./RequestBuffer.ts"
import {
  type ExpectedRows,
  type FunctionBody,
  type FunctionHeader,
  type Message,
  RequestParser
} from "./RequestParser.ts"
import type { ServerSession } from "./ServerSession.ts"
import { returningPlaceholders } from "./StatementScan.ts"
import type { CallFault, TtcHost } from "./TtcHost.ts"

/** An execution whose rows of binds are still arriving. */
interface PendingExecute extends ExpectedRows {
  readonly call: Call
  readonly header: ExecuteHeader
  readonly rows: Array<BindRow>
  readonly due: number
}

/** A call that did not finish at once. */
interface RunningCall {
  cancelled: boolean
  /** Wakes a call that a fault holds up. */
  wake: () => void
}

const cancelledError = oraError(1013, "User requested cancel of current operation.")

/**
 * The two-task side of one connection: takes the payloads of DATA packets and markers in, runs the calls in them strictly
 * one after the other, and hands responses out. Nothing here waits while a call can be answered at once.
 */
export class TtcConnection {
  readonly host: TtcHost
  readonly writer = new ByteWriter()
  readonly authentication: Authentication
  terms: TtcTerms
  session: ServerSession | undefined
  logon: Logon | undefined
  /** The session that was given back to the pool, until the next call attaches one. */
  released: { readonly session: ServerSession; readonly announce: boolean } | undefined
  /** The next response tells the client which session it has been given. */
  announceSession = false
  private readonly buffer = new RequestBuffer()
  private readonly parser = new RequestParser(this.buffer)
  private readonly runner: CallRunner
  private pending: PendingExecute | undefined
  private running: RunningCall | undefined
  /** An error met before the call itself was reached; it becomes that of the call. */
  private earlyError: OraErrorLike | undefined
  private resetting = false
  private ended = false
  /** A pipeline that stops at its first error has met one. */
  pipelineAborts = false
  pipelineFailed = false

  constructor(host: TtcHost) {
    this.host = host
    this.authentication = new Authentication(host)
    this.terms = { fieldVersion: host.fieldVersion, maxString: 32_767 }
    this.runner = new CallRunner(this)
  }

  /** Takes one DATA packet; a failure to make sense of it is thrown and must end the connection. */
  receive(payload: Buffer, endsRequest: boolean): void {
    this.buffer.append(payload, endsRequest)
    this.pump()
  }

  marker(kind: number): void {
    this.host.noted(kind === MarkerKind.reset ? "reset" : "break", this.session)
    if (kind !== MarkerKind.reset) {
      // A break while nothing runs is answered by the reset that follows.
      if (this.running === undefined || this.running.cancelled) return
      this.cancelRunning(this.running)
      this.host.sendMarker(MarkerKind.break)
      return
    }
    this.buffer.clear()
    this.pending = undefined
    this.host.sendMarker(MarkerKind.reset)
    if (this.running === undefined) return this.answerReset()
    this.resetting = true
    this.cancelRunning(this.running)
  }

  /** The socket is gone. */
  closed(): void {
    if (this.ended) return
    this.ended = true
    if (this.session !== undefined) this.host.close(this.session)
    this.running?.wake()
  }

  /** The session has been killed by another one: a call that runs ends with ORA-00028. */
  killed(): void {
    this.running?.wake()
  }

  get endOfResponse(): boolean {
    return this.host.net.endOfResponse && this.terms.fieldVersion >= FieldVersion.v23_4
  }

  private cancelRunning(running: RunningCall): void {
    running.cancelled = true
    this.session?.engine.cancel()
    running.wake()
  }

  private answerReset(): void {
    this.resetting = false
    this.writer.reset()
    writeOutcome(this.writer, {
      callStatus: this.runner.callStatus(),
      sequence: 0,
      cursorId: 0,
      rowCount: 0,
      error: cancelledError
    }, this.terms.fieldVersion)
    this.flush(undefined)
  }

  private pump(): void {
    while (this.running === undefined && !this.ended) {
      const message = this.parser.next(this.terms, this.pending)
      if (message === undefined) return
      this.take(message)
    }
  }

  private take(message: Message): void {
    switch (message.kind) {
      case "row": {
        const pending = this.pending!
        pending.rows.push(message.row)
        if (pending.rows.length === pending.due) {
          this.pending = undefined
          this.run(pending.call, () => this.runner.execute(pending.call, pending.header, pending.rows))
        }
        return
      }
      case "piggyback":
        this.earlyError ??= this.runner.attach() ?? this.runner.applyPiggyback(message.piggyback)
        return
      case "protocol": {
        const call = this.call({ code: 0, sequence: 0, token: 0, oneWay: false }, "protocol")
        return this.run(call, () => this.runner.protocol())
      }
      case "dataTypes": {
        const call = this.call({ code: 0, sequence: 0, token: 0, oneWay: false }, "dataTypes")
        return this.run(call, () => this.runner.dataTypes(message.request))
      }
      case "fastAuth": {
        const call = this.call(message.header)
        return this.run(call, () => this.runner.fastAuth(call, message.dataTypes, message.auth))
      }
      case "function":
        return this.takeFunction(this.call(message.header), message.body)
    }
  }

  private takeFunction(call: Call, body: FunctionBody): void {
    if (body.kind !== "release") this.earlyError ??= this.runner.attach()
    if (body.kind !== "execute") return this.run(call, () => this.runner.call(call, body))
    const { header } = body
    const error = this.runner.prepare(call, header)
    this.earlyError ??= error
    const cursor = this.runner.cursor(call)
    // A cursor that does not exist: nobody can tell the types of the binds that may follow.
    if (cursor === undefined && header.binds === undefined) this.buffer.skipToBoundary()
    const binds = header.binds ?? cursor?.binds ?? []
    const plsql = cursor?.plsql ?? false
    const skipOut = header.binds === undefined ? cursor?.outOnly : undefined
    const returning = cursor?.returning ?? returningPlaceholders(header.sql ?? "")
    const without = (index: number) => returning.has(index) || skipOut?.has(index) === true
    const order = binds.length === 0 ? [] : valueOrder(binds, without, plsql, this.terms.maxString)
    const due = header.isQuery ? 1 : header.iterations
    if (order.length === 0 || due === 0) return this.run(call, () => this.runner.execute(call, header, []))
    this.pending = { call, header, binds, order, due, rows: [] }
  }

  private call(header: FunctionHeader, name = functionName(header.code)): Call {
    return { ...header, name, sql: undefined, cursorId: 0, startedAt: this.host.now() }
  }

  /** Runs a call whose request is complete, and answers it. */
  private run(call: Call, work: () => void | Promise<void>): void {
    const { host } = this
    this.buffer.endRequest()
    const early = this.earlyError
    this.earlyError = undefined
    this.writer.reset()
    this.runner.begin(call)
    const body = this.writer.length
    host.began(call, this.session)
    const fault = host.fault(call, this.session)
    const fail = (cause: unknown) => this.runner.fail(call, body, cause)
    const guarded = (): OraErrorLike | undefined | Promise<OraErrorLike | undefined> => {
      try {
        this.runner.check(call)
        if (early !== undefined) throw early
        if (fault?.kind === "error") throw fault.error
        const result = work()
        return result instanceof Promise ? result.then(() => undefined, fail) : undefined
      } catch (cause) {
        return fail(cause)
      }
    }
    if (fault === undefined || fault.kind === "error") {
      const result = guarded()
      if (!(result instanceof Promise)) return this.finish(call, result, fault)
      const running: RunningCall = { cancelled: false, wake: () => undefined }
      this.running = running
      void result.then((error) => this.settle(call, running, error, fault))
      return
    }
    this.runFaulty(call, fault, guarded)
  }

  private runFaulty(
    call: Call,
    fault: CallFault,
    guarded: () => OraErrorLike | undefined | Promise<OraErrorLike | undefined>
  ): void {
    if (fault.kind === "disconnect" && fault.when === "before") return this.drop(fault.reset)
    const running: RunningCall = { cancelled: false, wake: () => undefined }
    this.running = running
    const held = fault.kind === "hang" || fault.kind === "delay"
      ? new Promise<void>((resolve) => {
        const timer = fault.kind === "delay" ? setTimeout(resolve, fault.milliseconds) : undefined
        running.wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      : Promise.resolve()
    void held.then(() => {
      running.wake = () => undefined
      if (running.cancelled || this.ended) return cancelledError
      return guarded()
    }).then((error) => this.settle(call, running, error, fault))
  }

  private settle(
    call: Call,
    running: RunningCall,
    error: OraErrorLike | undefined,
    fault: CallFault | undefined
  ): void {
    if (this.running !== running) return
    this.running = undefined
    if (this.ended) {
      this.host.finished(call, this.session, error)
      // A logon may have gone through after its client had left.
      if (this.session !== undefined) this.host.close(this.session)
      return
    }
    if (running.cancelled) {
      // The response of a cancelled call is the one to the reset.
      this.host.finished(call, this.session, error ?? cancelledError)
      if (this.resetting) this.answerReset()
    } else this.finish(call, error, fault)
    // What came in meanwhile is parsed outside of any packet's own handling.
    try {
      this.pump()
    } catch {
      this.fail()
    }
  }

  /** The client cannot be understood: its connection ends, and nothing else does. */
  fail(): void {
    this.host.malformed()
    this.drop(false)
  }

  /** The last response has been handed out. */
  finishConnection(): void {
    this.drop(false)
  }

  private finish(call: Call, error: OraErrorLike | undefined, fault: CallFault | undefined): void {
    const { host } = this
    host.finished(call, this.session, error)
    if (this.pipelineAborts && error !== undefined) this.pipelineFailed = true
    if (fault?.kind === "disconnect") return this.drop(fault.reset)
    if (!call.oneWay) this.flush(fault, call)
    this.runner.end(error)
  }

  private drop(reset: boolean): void {
    this.ended = true
    if (this.session !== undefined) this.host.close(this.session)
    if (reset) this.host.reset()
    else this.host.end()
  }

  private flush(fault: CallFault | undefined, call?: Call): void {
    const { host, writer } = this
    // PROTOCOL and DATA_TYPES are over before end-of-response is in force.
    const marked = this.endOfResponse && call?.name !== "protocol" && call?.name !== "dataTypes"
    if (marked) writer.u8(MessageType.endOfResponse)
    if (fault?.kind === "truncate") {
      host.send(writer.written(), marked, fault.bytes)
      if (fault.then !== "hang") this.drop(fault.then === "reset")
      return
    }
    host.send(writer.written(), marked)
  }
}
