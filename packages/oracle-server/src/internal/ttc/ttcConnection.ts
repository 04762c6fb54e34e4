/** The two-task side of one connection: runs its calls in order, and deals with breaks. */
import type { OraErrorLike } from "../engine/engine.ts"
import { MarkerKind } from "../net/packet.ts"
import { ProtocolError } from "../net/protocolError.ts"
import { Call } from "./call.ts"
import {
  beginCall,
  checkCall,
  cursorOf,
  endCall,
  failCall,
  prepareExecute,
  reportTransaction,
  runExecute,
  runFunction
} from "./callRunner.ts"
import { Dialogue } from "./dialogue.ts"
import { type BindRow, type ExecuteHeader, isPlsql, valueOrder } from "./executeMessage.ts"
import { cancelled } from "./failure.ts"
import { answerDataTypes, answerProtocol } from "./logonCall.ts"
import { FunctionCode, MessageType } from "./message.ts"
import { writeOutcome } from "./outcome.ts"
import { applyPiggyback } from "./piggybackCall.ts"
import { RequestBuffer } from "./requestBuffer.ts"
import { type ExpectedRows, type FunctionBody, type Message, nameOfBody, RequestParser } from "./requestParser.ts"
import { returningPlaceholders } from "./statementScan.ts"
import { beforeCall } from "./transactionCall.ts"
import type { CallFault, TtcHost } from "./ttcHost.ts"

/** An execution whose rows of binds are still arriving. */
interface PendingExecute extends ExpectedRows {
  readonly call: Call
  readonly header: ExecuteHeader
  readonly rows: Array<BindRow>
  readonly due: number
}

type Settled = OraErrorLike | undefined

const negotiation = { code: 0, sequence: 0, token: 0, oneWay: false }

/**
 * The two-task side of one connection: takes the payloads of DATA packets and markers in, runs the calls in them strictly
 * one after the other, and hands responses out. Nothing here waits while a call can be answered at once.
 *
 * A break is answered with a break marker, whether a call runs or not. From then on, until the client's reset, no call is
 * answered and none is begun; the reset is answered with a reset marker and with ORA-01013, which is the response to the
 * last call that came in. In a pipeline there is no reset: the call that runs is answered with ORA-01013, the others run.
 */
export class TtcConnection {
  readonly #host: TtcHost
  readonly #dialogue: Dialogue
  readonly #buffer = new RequestBuffer()
  readonly #parser = new RequestParser(this.#buffer)
  #pending: PendingExecute | undefined
  #running: Call | undefined
  /** The last call that came in; a reset that follows is its answer. */
  #last: Call | undefined
  /** An error met before the call itself was reached; it becomes that of the call. */
  #earlyError: OraErrorLike | undefined
  /** A break has been announced to the client, whose reset is due. */
  #breaking = false
  /** The reset has come; its answer waits for the end of the call that runs. */
  #resetting = false
  #ended = false

  constructor(host: TtcHost) {
    this.#host = host
    this.#dialogue = new Dialogue(host)
  }

  /** Takes one DATA packet; a failure to make sense of it is thrown and must end the connection. */
  receive(payload: Buffer, endsRequest: boolean, isFull: boolean): void {
    this.#buffer.append(payload, endsRequest, isFull)
    this.#pump()
  }

  marker(kind: number): void {
    const dialogue = this.#dialogue
    const host = this.#host
    const running = this.#running
    host.noted(kind === MarkerKind.reset ? "reset" : "break", dialogue.session)
    if (kind === MarkerKind.reset) {
      this.#buffer.clear()
      this.#pending = undefined
      this.#breaking = false
      host.sendMarker(MarkerKind.reset)
      if (running === undefined) return this.#answerReset()
      this.#resetting = true
      return this.#cancel(running)
    }
    if (this.#breaking) return
    if (dialogue.pipeline !== undefined || this.#last?.code === FunctionCode.pipelineEnd) {
      // The client of a pipeline never resets. One that broke off too late finds all of its answers.
      if (running === undefined) return
      running.broken = true
      dialogue.session?.engine.cancel()
      return running.wake()
    }
    this.#breaking = true
    if (running !== undefined) this.#cancel(running)
    host.sendMarker(MarkerKind.break)
  }

  /** The socket is gone. */
  closed(): void {
    if (this.#ended) return
    this.#ended = true
    this.#endSession()
    this.#running?.wake()
  }

  /** The session has been killed by another one: a call that runs ends with ORA-00028. */
  killed(): void {
    this.#running?.wake()
  }

  #endSession(): void {
    const { session } = this.#dialogue
    if (session !== undefined) this.#host.close(session)
  }

  #cancel(call: Call): void {
    call.cancelled = true
    this.#dialogue.session?.engine.cancel()
    call.wake()
  }

  #answerReset(): void {
    const dialogue = this.#dialogue
    const last = this.#last
    this.#resetting = false
    // The client drops a response that was on its way, and with it every cursor and LOB that only this response named.
    // The call's own cursor is named once more, so that the client can close it.
    if (last !== undefined) dialogue.takeBack(last)
    dialogue.switching = undefined
    dialogue.writer.reset()
    reportTransaction(dialogue)
    writeOutcome(dialogue.writer, {
      callStatus: dialogue.callStatus(undefined),
      sequence: last?.sequence ?? 0,
      cursorId: this.#cursorLeft(last),
      rowCount: 0,
      error: cancelled()
    }, dialogue.terms.fieldVersion)
    this.#flush(undefined)
  }

  #cursorLeft(call: Call | undefined): number {
    const id = call?.cursorId ?? 0
    return this.#dialogue.session?.cursors.has(id) === true ? id : 0
  }

  #pump(): void {
    while (this.#running === undefined && !this.#ended) {
      const message = this.#parser.next(this.#dialogue.terms, this.#pending)
      if (message === undefined) return
      this.#take(message)
    }
  }

  #take(message: Message): void {
    const dialogue = this.#dialogue
    switch (message._tag) {
      case "Row": {
        const pending = this.#pending!
        pending.rows.push(message.row)
        if (pending.rows.length === pending.due) {
          this.#pending = undefined
          this.#run(pending.call, () => runExecute(dialogue, pending.call, pending.header, pending.rows))
        }
        return
      }
      case "Piggyback":
        this.#earlyError ??= dialogue.attach() ?? applyPiggyback(dialogue, message.piggyback)
        // The client of a pipeline does not know of a break that it sent before.
        if (message.piggyback._tag === "pipelineBegin") this.#breaking = false
        return
      case "Protocol":
        return this.#run(this.#begin(negotiation, "protocol"), () => answerProtocol(dialogue, message.driver))
      case "DataTypes":
        return this.#run(this.#begin(negotiation, "dataTypes"), () => answerDataTypes(dialogue, message.request))
      case "FastAuth": {
        const call = this.#begin(message.header)
        return this.#run(call, () => {
          answerProtocol(dialogue, message.driver)
          answerDataTypes(dialogue, message.dataTypes)
          return runFunction(dialogue, call, { _tag: "Auth", message: message.auth })
        })
      }
      case "Function":
        return this.#takeFunction(this.#begin(message.header, nameOfBody(message.body)), message.body)
    }
  }

  #begin(header: ConstructorParameters<typeof Call>[0], name?: Call["name"]): Call {
    const call = new Call(header, this.#host.now(), name)
    this.#last = call
    return call
  }

  #takeFunction(call: Call, body: FunctionBody): void {
    const dialogue = this.#dialogue
    if (body._tag !== "Release") this.#earlyError ??= dialogue.attach()
    if (body._tag !== "Execute") return this.#run(call, () => runFunction(dialogue, call, body))
    const { header } = body
    const error = prepareExecute(dialogue, call, header)
    this.#earlyError ??= error
    const cursor = cursorOf(dialogue, call)
    // A cursor that does not exist: the types of the binds that may follow are unknown.
    if (cursor === undefined && header.binds === undefined) this.#buffer.skipToBoundary()
    const binds = header.binds ?? cursor?.binds ?? []
    const plsql = cursor?.plsql ?? isPlsql(header)
    const skipOut = header.isShort ? cursor?.outOnly : undefined
    // A client that sends DML in the manner of a block sends a value for these too.
    const returning = plsql ? undefined : cursor?.returning ?? returningPlaceholders(header.sql ?? "")
    const without = (index: number) => returning?.has(index) === true || skipOut?.has(index) === true
    const order = binds.length === 0 ? [] : valueOrder(binds, without, plsql, dialogue.terms)
    const due = header.isQuery ? 1 : header.iterations
    if (order.length === 0 || due === 0) return this.#run(call, () => runExecute(dialogue, call, header, []))
    this.#pending = { call, header, binds, order, due, rows: [], partial: undefined }
  }

  /** Runs a call whose request is complete, and answers it. */
  #run(call: Call, work: () => void | Promise<void>): void {
    const dialogue = this.#dialogue
    const host = this.#host
    const early = this.#earlyError
    this.#earlyError = undefined
    beginCall(dialogue, call)
    host.began(call, dialogue.session)
    // A break came before the request was there: the call is not begun, and the reset that is due is its answer.
    if (this.#breaking) {
      call.cancelled = true
      dialogue.switching = undefined
      return host.finished(call, dialogue.session, cancelled())
    }
    const fault = host.fault(call, dialogue.session)
    const guarded = (): Settled | Promise<Settled> => {
      try {
        checkCall(dialogue, call)
        if (fault?._tag === "Error") throw fault.error
        const before = beforeCall(dialogue)
        const rest = (): void | Promise<void> => {
          if (early !== undefined) throw early
          return work()
        }
        const result = before === undefined ? rest() : before.then(rest)
        return result instanceof Promise
          ? result.then(() => undefined, (cause) => this.#failed(call, cause))
          : undefined
      } catch (cause) {
        return this.#failed(call, cause)
      }
    }
    if (fault === undefined || fault._tag === "Error") {
      const result = guarded()
      if (!(result instanceof Promise)) return this.#finish(call, result, fault)
      this.#running = call
      void result.then((error) => this.#settle(call, error, fault))
      return
    }
    this.#runFaulty(call, fault, guarded)
  }

  #failed(call: Call, cause: unknown): OraErrorLike {
    if (cause instanceof ProtocolError) this.#fail()
    return failCall(this.#dialogue, call, cause)
  }

  #runFaulty(call: Call, fault: CallFault, guarded: () => Settled | Promise<Settled>): void {
    if (fault._tag === "Disconnect" && fault.when === "before") return this.#drop(fault.reset)
    this.#running = call
    const held = fault._tag === "Hang" || fault._tag === "Delay"
      ? new Promise<void>((resolve) => {
        const timer = fault._tag === "Delay" ? setTimeout(resolve, fault.milliseconds) : undefined
        call.wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      : Promise.resolve()
    void held.then(() => {
      call.wake = () => undefined
      if (call.cancelled || this.#ended) return cancelled()
      return guarded()
    }).then((error) => this.#settle(call, error, fault))
  }

  #settle(call: Call, error: OraErrorLike | undefined, fault: CallFault | undefined): void {
    if (this.#running !== call) return
    const dialogue = this.#dialogue
    const host = this.#host
    this.#running = undefined
    if (this.#ended) {
      host.finished(call, dialogue.session, error)
      // A logon may have gone through after its client had left.
      this.#endSession()
      return
    }
    if (call.cancelled) {
      // The response of a cancelled call is the one to the reset.
      host.finished(call, dialogue.session, error ?? cancelled())
      if (this.#resetting) this.#answerReset()
    } else this.#finish(call, error, fault)
    // What came in meanwhile is parsed outside of any packet's own handling.
    try {
      this.#pump()
    } catch {
      this.#fail()
    }
  }

  /** The client cannot be understood: its connection ends, and nothing else does. */
  #fail(): void {
    this.#host.malformed()
    this.#drop(false)
  }

  #finish(call: Call, error: OraErrorLike | undefined, fault: CallFault | undefined): void {
    const dialogue = this.#dialogue
    const host = this.#host
    host.finished(call, dialogue.session, error)
    if (dialogue.pipeline?.aborts === true && error !== undefined) dialogue.pipeline.failed = true
    if (fault?._tag === "Disconnect") return this.#drop(fault.reset)
    if (!call.oneWay) this.#flush(fault, call)
    if (!endCall(dialogue, call, error)) this.#drop(false)
  }

  #drop(reset: boolean): void {
    this.#ended = true
    this.#endSession()
    if (reset) this.#host.reset()
    else this.#host.end()
  }

  #flush(fault: CallFault | undefined, call?: Call): void {
    const dialogue = this.#dialogue
    const host = this.#host
    const { writer } = dialogue
    // PROTOCOL and DATA_TYPES are over before end-of-response is in force.
    const marked = dialogue.endOfResponse && call?.name !== "protocol" && call?.name !== "dataTypes"
    if (marked) writer.u8(MessageType.endOfResponse)
    if (fault?._tag === "Truncate") {
      host.send(writer.written(), marked, fault.bytes)
      if (fault.then !== "hang") this.#drop(fault.then === "reset")
      return
    }
    host.send(writer.written(), marked)
  }
}
