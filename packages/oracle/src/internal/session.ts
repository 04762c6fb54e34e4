/**
 * A session of the database as this package holds it: the driver's connection, and the one call that may run on it.
 *
 * The driver queues calls of its own accord, but it cannot say which of them runs; a break would hit whichever does. So calls
 * are queued here, and only a call that was given up, or whose lease is over, is ever broken. The line is in one of these states:
 *
 * ```text
 * free --begin--> running --answer--> free
 *                    | stop
 *                    v
 *                 stopping --answered, and no break left over--> free
 * ```
 *
 * There is one break at a time, and it belongs to the session: all who want the call stopped wait for the same one. It has
 * its own time limit. A session that does not become quiet in that time is lost.
 */
import type { SessionDriver } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import { CallBatches, type PipelineState } from "./callBatches.ts"
import { isBroken, isCancelled, isOfDriver, isOutOfCursors, lost, noteDefect } from "./driverFailure.ts"
import { type DriverInternals, driverInternals } from "./driverInternals.ts"
import { ObjectTypes } from "./objectTypes.ts"
import { OperationMetric } from "./operationMetric.ts"
import type { DbClass, DriverConnection } from "./oracledb.ts"
import type { CallOutcome, CallResult, Preparation } from "./pipelinedCall.ts"
import type { PooledTransport } from "./pooledTransport.ts"
import type { Guard } from "./sandbox.ts"
import type { SecretMark } from "./secretMark.ts"
import {
  type Call,
  type CallOptions,
  type CommitOutcome,
  type Ending,
  LeaseIsOver,
  type LeaseState,
  type Limits,
  type Resource,
  succeeded,
  unheard
} from "./sessionCall.ts"
import { SessionContext, type SessionContextOptions, type WantedContext } from "./sessionContext.ts"
import type { Sockets } from "./sockets.ts"
import { queryText } from "./sqlText.ts"
import { longestTimer } from "./timers.ts"
import { spanAttributes } from "./tracing.ts"

/** A break that is under way. */
interface Stopping {
  readonly onEnd: Array<(failure: { readonly cause: unknown } | undefined) => void>
  readonly limit: NodeJS.Timeout
}

/**
 * How many answers a session may lose to breaks. With an answer the driver loses the numbers of the cursors that the call has
 * opened, so they cannot be closed; a server allows 300 open cursors unless told otherwise (`OPEN_CURSORS`).
 */
const mostLostAnswers = 100

/** What a session is made of. */
export interface SessionParts {
  readonly connection: DriverConnection
  readonly sockets: Sockets
  /** Of what must not show in any error. */
  readonly secrets: ReadonlyArray<SecretMark>
  /** Whether the server may serve each lease, or each transaction, with another of its own sessions. */
  readonly isPooledServer: boolean
  readonly limits: Limits
  readonly context: SessionContextOptions
  readonly pipelines: PipelineState
  /** What became of a commit whose answer was lost, by the name of its transaction. */
  readonly outcomeOf: (ltxid: Buffer) => Effect.Effect<CommitOutcome>
  readonly transport?: PooledTransport
}

/** How long the answer to a break may take over a slow network, in milliseconds. */
const slowAnswer = 1000

export class OracleSession {
  readonly sockets: Sockets
  readonly secrets: ReadonlyArray<SecretMark>
  readonly isPooledServer: boolean
  readonly transport: PooledTransport | undefined
  /** For spans. */
  readonly attributes: Record<string, unknown>
  readonly operations: OperationMetric
  readonly context: SessionContext
  readonly outcomeOf: SessionParts["outcomeOf"]
  /** Open cursors and LOBs of the lease. */
  readonly resources = new Set<Resource>()
  readonly objectTypes = new ObjectTypes()
  /** The part of a sessionless transaction that runs here, where it came here with work of other sessions. */
  part: { readonly savepoint: string | undefined } | undefined = undefined
  lease: LeaseState | undefined = undefined
  /** Its numbers at the server, once a caller has asked for them. Behind a pool of the server's own they change. */
  numbers: { readonly sid: number; readonly serial: number | undefined } | undefined = undefined
  /** The driver's connection; `undefined` while it is with the transport. */
  attached: DriverConnection | undefined
  /** What may be called on it, while a sandbox has it. */
  guard: Guard | undefined = undefined
  /** The holder's limit for a round trip, in milliseconds, 0 for none. The pool's own calls have limits of their own. */
  callTimeout = 0
  #callTimeoutInForce = 0
  readonly batches: CallBatches
  #internals: DriverInternals
  #isLost = false
  #isSpent = false
  #lostAnswers = 0
  #running: Call | undefined = undefined
  #stopping: Stopping | undefined = undefined
  readonly #waiting: Array<() => void> = []
  readonly #limits: Limits

  constructor(parts: SessionParts) {
    this.attached = parts.connection
    this.sockets = parts.sockets
    this.secrets = parts.secrets
    this.isPooledServer = parts.isPooledServer
    this.transport = parts.transport
    this.outcomeOf = parts.outcomeOf
    this.#limits = parts.limits
    this.context = new SessionContext(parts.context)
    this.#internals = driverInternals(parts.connection)
    this.attributes = spanAttributes(parts.connection)
    this.operations = new OperationMetric(this.attributes)
    this.batches = this.#makeBatches(parts.pipelines)
  }

  #makeBatches(state: PipelineState): CallBatches {
    // oxlint-disable-next-line no-this-alias, unicorn/no-this-assignment -- getters of the host have a `this` of their own.
    const session = this
    return new CallBatches({
      get internals() {
        return session.#internals
      },
      get callTimeout() {
        return session.callTimeout
      },
      enqueue: (batch, work, onEnd) => ({
        abandon: session.#enqueue(
          work,
          { lease: batch.lease, isPipeline: () => batch.isPipeline, isBatch: true },
          { succeed: () => onEnd(undefined), fail: (cause) => onEnd({ cause }), unheard: () => onEnd(undefined) }
        )
      }),
      breakRunning: () => {
        if (session.#running !== undefined && session.#stopping === undefined) session.#beginStop(session.#running)
      },
      lose: () => session.#lose(),
      noteFailure: (sql, failure) => {
        const call = session.#running
        if (call === undefined) return
        session.#noteDefect(failure)
        session.#noteFailure(call, failure, sql)
        // What the server was told may not have been taken.
        call.tells = false
      }
    }, state)
  }

  /** What runs now, and which session this is at the server, as far as that is known without a round trip. */
  get description(): SessionDriver.SessionDescription {
    const sql = this.#running?.sql
    const instance = this.attributes["oracle.db.instance.name"]
    return {
      instance: typeof instance === "string" ? instance : undefined,
      // Whoever runs a program sees it: no literal, and no password of an `alter user`.
      statement: sql === undefined ? undefined : queryText(sql),
      ...this.numbers
    }
  }

  /** What is known without a round trip. */
  get isHealthy(): boolean {
    if (this.#isLost || this.#isSpent) return false
    return this.attached === undefined ? this.transport?.isConnected === true : this.attached.isHealthy()
  }

  /** Whether the server has announced its end. A connection that is with the transport cannot be asked. */
  get hasNotice(): boolean {
    return !this.#isLost && this.attached !== undefined && this.#internals.hasNotice?.() === true
  }

  /**
   * How long a commit may take, 0 for as long as it takes. As it is not broken off, a call timeout of the holder counts only where it
   * is longer than a break may take.
   */
  get commitLimit(): number {
    const own = this.callTimeout === 0 ? Infinity : Math.max(this.callTimeout, this.#limits.breakLimit)
    const limit = Math.min(this.#limits.commitLimit || Infinity, own)
    return limit === Infinity ? 0 : limit
  }

  /** A lease begins; what is `wanted` is sent along with its first call. */
  beginLease(lease: LeaseState, wanted: WantedContext | undefined): void {
    this.lease = lease
    this.context.begin(wanted)
  }

  /** What the holder has set is put back, along with the next call where the server has to be told. */
  putBack(): void {
    this.callTimeout = 0
    if (!this.context.end(this.attached)) this.#isSpent = true
  }

  /**
   * Changes what the server is told along with the next call. A batch that has begun has told it what was wanted before, so what
   * is called from now on does not join it.
   */
  changeContext(change: (context: SessionContext) => void): void {
    this.batches.close()
    change(this.context)
  }

  /** A caller may set anything on the driver's connection: nothing is known of it any more. */
  giveToCaller(): void {
    this.context.forget()
    this.#callTimeoutInForce = -1
  }

  /**
   * Has the next execution of a statement send all there is to say of it. The driver executes a prepared statement by its cursor alone,
   * where it cannot ask for the counts of a batch, but reads them all the same (`encode` in its `messages/execute.js`).
   */
  prepareAnew(sql: string): void {
    this.#internals.forgetStatement?.(sql)
  }

  /** What an object type is now, in the turn of the call that asks for it. */
  describeType(connection: DriverConnection, name: string): Promise<DbClass> {
    if (this.objectTypes.takeDoubt()) this.#internals.forgetTypes?.()
    return connection.getDbObjectClass(name)
  }

  /** The session answers still, but must not be lent again. */
  spend(): void {
    this.#isSpent = true
  }

  /** The server does not answer: nothing more is tried on this session, and in Thin mode what runs on it fails now. */
  #lose(): void {
    this.#isLost = true
    this.sockets.destroy()
    this.#endStop({ cause: lost() })
    this.#next()
  }

  /**
   * Watches over a call that has a time limit. The driver itself only asks the server to stop, and waits for its answer; a
   * server that is gone gives none. A call timeout is one of each round trip, so it is silence that counts there: three times the
   * timeout, and at least as long as an answer to a break may take over a slow network.
   */
  #watch(limit: number | undefined): NodeJS.Timeout | undefined {
    if (limit !== undefined) return limit > 0 ? setTimeout(() => this.#lose(), limit) : undefined
    const timeout = this.#callTimeoutInForce
    if (timeout === 0) return undefined
    const most = Math.max(3, Math.ceil(Math.min(slowAnswer, this.#limits.breakLimit) / timeout))
    let heard = this.sockets.bytesRead
    let silence = 0
    return setInterval(() => {
      const { bytesRead } = this.sockets
      silence = bytesRead === heard ? silence + 1 : 0
      heard = bytesRead
      if (silence === most) this.#lose()
    }, timeout)
  }

  /** Watches over a call that the server was told to wait in. A long answer may take its time, as long as something comes. */
  #watchSilence(serverWait: number): NodeJS.Timeout {
    let heard = this.sockets.bytesRead
    return setInterval(() => {
      const { bytesRead } = this.sockets
      if (bytesRead === heard) this.#lose()
      heard = bytesRead
    }, Math.min(serverWait + this.#limits.breakLimit, longestTimer))
  }

  /** Gets the connection back from its transport, without a round trip. One that is gone is lost: only the pool opens another. */
  async #attach(transport: PooledTransport): Promise<DriverConnection> {
    try {
      this.attached = await transport.lend()
      this.#internals = driverInternals(this.attached)
      return this.attached
    } catch {
      this.#isLost = true
      throw lost()
    }
  }

  /** Gives the connection to its transport, which rolls back and hands the server's session back to the server. */
  get detach(): Effect.Effect<void, unknown> {
    return this.call((connection) => {
      this.attached = undefined
      return connection.close()
    })
  }

  /**
   * Runs one call of the driver when those before it have ended; fails with what the driver throws. An interruption gives
   * the call up but does not stop it: `stop` does.
   */
  call<A>(work: (connection: DriverConnection) => Promise<A>, options: CallOptions<A> = {}): Effect.Effect<A, unknown> {
    return this.callFor(work, options, { succeed: Effect.succeed, fail: Effect.fail })
  }

  /** The same, with another ending. It is spared an effect around the call for each of the two. */
  callFor<A, B, E>(
    work: (connection: DriverConnection) => Promise<A>,
    options: CallOptions<A>,
    ending: Ending<A, B, E>
  ): Effect.Effect<B, E> {
    return Effect.callback<B, E>((resume) => {
      const abandon = this.#enqueue(work, options, {
        succeed: (value) => resume(succeeded(ending, value)),
        fail: (failure) => resume(ending.fail(failure)),
        unheard: () => resume(unheard)
      })
      return Effect.sync(abandon)
    })
  }

  /**
   * A call that may go to the server together with others of the lease. Alone it is an ordinary call.
   *
   * An interruption gives it up; `stop` stops the whole only when no caller waits for any of them.
   */
  batched<B, E>(
    lease: LeaseState,
    sql: string,
    prepare: Preparation,
    ending: Ending<CallResult, B, E>
  ): Effect.Effect<B, E> {
    return Effect.callback<B, E>((resume) => {
      const leave = this.batches.add(
        lease,
        sql,
        prepare,
        (outcome: CallOutcome) =>
          resume("failure" in outcome ? ending.fail(outcome.failure) : succeeded(ending, outcome.value))
      )
      return Effect.sync(leave)
    })
  }

  /** Puts a call into the line; the answer gives it up. */
  #enqueue<A>(
    work: (connection: DriverConnection) => Promise<A>,
    options: CallOptions<A> & { readonly isBatch?: boolean },
    onEnd: {
      readonly succeed: (value: A) => void
      readonly fail: (failure: unknown) => void
      readonly unheard: () => void
    }
  ): () => void {
    if (options.isBatch !== true) this.batches.close()
    const call: Call = {
      isUnbreakable: options.isUnbreakable === true,
      isPipeline: options.isPipeline,
      sql: options.sql,
      isAbandoned: false,
      tells: false,
      outcome: undefined,
      onSettled: undefined,
      // What must come to an end is bounded from here on, whatever runs before it.
      watch: options.isUrgent === true ? this.#watch(this.#limits.breakLimit) : undefined
    }
    const unbegun = (failure: unknown) => {
      clearTimeout(call.watch)
      onEnd.fail(failure)
      this.#next()
    }
    const settle = (outcome: { readonly failure?: unknown }, tell: () => void) => {
      if (call.watch !== undefined) clearTimeout(call.watch)
      call.outcome = outcome
      if (outcome.failure !== undefined) this.#noteFailure(call, outcome.failure)
      else if (call.tells) this.context.taken(this.#internals.schemaIsSettled)
      this.#running = undefined
      call.onSettled?.()
      this.#next()
      tell()
    }
    const failed = (failure: unknown) => settle({ failure }, () => onEnd.fail(failure))
    const begin = () => {
      if (options.lease?.isReleased === true) return unbegun(new LeaseIsOver())
      if (this.#isLost) return unbegun(lost())
      const { problem } = this.context
      if (problem !== undefined && options.lease !== undefined) return unbegun(problem)
      this.#running = call
      const { attached, transport } = this
      const { limit, serverWait } = options
      const isBounded = options.lease === undefined || options.isUrgent === true || limit !== undefined ||
        serverWait !== undefined
      const start = (connection: DriverConnection): Promise<A> => {
        this.#setCallTimeout(connection, isBounded ? 0 : this.callTimeout)
        call.watch ??= serverWait === undefined ? this.#watch(limit) : this.#watchSilence(serverWait)
        if (options.isLocal !== true) {
          call.tells = options.isOfHolder === true
            ? this.context.applySchema(connection)
            : this.context.apply(connection)
        }
        return work(connection)
      }
      let answer: Promise<A>
      try {
        answer = attached === undefined && transport !== undefined
          ? this.#attach(transport).then(start)
          : start(attached!)
      } catch (thrown) {
        // Nothing has been sent.
        return failed(thrown)
      }
      answer.then((value) => {
        if (!call.isAbandoned) return settle({}, () => onEnd.succeed(value))
        const settled = () => settle({}, onEnd.unheard)
        if (options.discard === undefined) settled()
        else options.discard(value).then(settled, settled)
      }, (failure: unknown) => {
        this.#noteDefect(failure)
        failed(failure)
      })
    }
    if (this.#isFree) begin()
    else this.#waiting.push(begin)
    return () => {
      call.isAbandoned = true
      const at = this.#waiting.indexOf(begin)
      if (at < 0) return
      this.#waiting.splice(at, 1)
      clearTimeout(call.watch)
    }
  }

  #setCallTimeout(connection: DriverConnection, timeout: number): void {
    if (this.#callTimeoutInForce === timeout) return
    connection.callTimeout = timeout
    this.#callTimeoutInForce = timeout
  }

  /** What has no code is a defect of the driver: how much of an answer it has read is unknown. */
  #noteDefect(failure: unknown): void {
    if (isOfDriver(failure)) return
    this.#isSpent = true
    noteDefect(failure)
  }

  /** What a failure says about the session, whoever hears of it. */
  #noteFailure(call: Call, failure: unknown, sql: string | undefined = call.sql): void {
    if (isOutOfCursors(failure)) this.#isSpent = true
    if (call.tells || isBroken(failure)) this.context.forget()
    if (!isBroken(failure)) return
    if (++this.#lostAnswers >= mostLostAnswers) this.#isSpent = true
    if (sql === undefined) return
    const { forgetStatement } = this.#internals
    if (forgetStatement === undefined) this.#isSpent = true
    else forgetStatement(sql)
  }

  /** Closes a cursor or a LOB when its turn comes, unless the end of the lease has done so before; no caller waits for it. */
  closeLater(resource: Resource): void {
    const { resources } = this
    const closed = this.call(async () => {
      if (resources.delete(resource)) await resource.close()
    }, {
      isLocal: true,
      lease: {
        get isReleased() {
          return !resources.has(resource)
        }
      }
    })
    Effect.runFork(Effect.ignore(closed))
  }

  /** In Thick mode a call on a lost session may never end; those behind it need not wait for that. */
  get #isFree(): boolean {
    return this.#isLost || (this.#running === undefined && this.#stopping === undefined)
  }

  #next(): void {
    if (this.#isFree) this.#waiting.shift()?.()
  }

  /** Whether a call runs that no caller waits for, or that has outlived its lease. */
  get mustBeStopped(): boolean {
    return this.#running !== undefined && (this.#running.isAbandoned || this.lease?.isReleased === true)
  }

  /**
   * Makes the session quiet, when a call runs that must be stopped. Others may wait for the same; whoever gives up waiting has
   * lost breakLimit with the server.
   */
  get stop(): Effect.Effect<void, unknown> {
    return Effect.callback((resume) => {
      let awaited: Stopping | undefined
      const look = () => {
        if (this.#stopping === undefined && !this.mustBeStopped) return resume(Effect.void)
        if (this.#isLost) return resume(Effect.fail(lost()))
        awaited = this.#stopping ?? this.#beginStop(this.#running!)
        awaited.onEnd.push((failure) => {
          if (failure === undefined) return look()
          awaited = undefined
          resume(Effect.fail(failure.cause))
        })
      }
      look()
      return Effect.sync(() => {
        if (awaited !== undefined && awaited === this.#stopping) this.#lose()
      })
    })
  }

  #beginStop(call: Call): Stopping {
    const stopping: Stopping = { onEnd: [], limit: setTimeout(() => this.#lose(), this.#limits.breakLimit) }
    this.#stopping = stopping
    const end = (failure: { readonly cause: unknown } | undefined) => {
      if (this.#stopping !== stopping) return
      this.#endStop(failure)
      this.#next()
    }
    this.#break(call).then(() => end(undefined), (cause: unknown) => end({ cause }))
    return stopping
  }

  #endStop(failure: { readonly cause: unknown } | undefined): void {
    const stopping = this.#stopping
    if (stopping === undefined) return
    this.#stopping = undefined
    clearTimeout(stopping.limit)
    for (const tell of stopping.onEnd) tell(failure)
  }

  /**
   * Breaks the call that runs and waits until the driver has answered it. No other call begins before it is certain that the
   * break has hit this one: a break that came too late stays in the driver and ends the next call with ORA-01013, so an
   * empty call is made to take it.
   */
  async #break(call: Call): Promise<void> {
    const { attached } = this
    if (!call.isUnbreakable) await attached?.break()
    if (call.outcome === undefined) {
      await new Promise<void>((resolve) => {
        call.onSettled = resolve
      })
    }
    if (call.isUnbreakable || attached === undefined || this.#isLost) return
    // In a pipeline the driver forgets that it has sent a break; only an answer to another call tells that none is left.
    const isLeft = call.isPipeline?.() === true ||
      (this.#internals.isBreakPending?.() ?? !isCancelled(call.outcome?.failure))
    if (!isLeft) return
    this.#setCallTimeout(attached, 0)
    try {
      await attached.ping()
    } catch (failure) {
      if (!isCancelled(failure)) throw failure
    }
  }
}
