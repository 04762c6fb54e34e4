/** The one way from a connection to the driver: through the lease, in turn, traced, with its failures typed. */
import { type Connection, PoolError } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as OracleError from "../OracleError.ts"
import { RefusedBind } from "./bindRefusal.ts"
import { isDefect, isUnsent } from "./driverFailure.ts"
import type { DriverConnection } from "./oracledb.ts"
import { type CallResult, type Preparation, runAlone } from "./pipelinedCall.ts"
import { wantsPipelining } from "./pipelining.ts"
import type { OracleSession } from "./session.ts"
import { LeaseIsOver, type Resource } from "./sessionCall.ts"
import { commitsByItself } from "./sqlControl.ts"
import { traced, type TracedCall } from "./tracing.ts"

/**
 * What every operation on a connection may fail with.
 *
 * **When to use**
 *
 * Use it to type effects of your own that run operations of a connection without reading rows; those that read have `ReadError`.
 *
 * **Example** (Telling that a lease is over)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const isOver = (error: OracleConnection.CallError) => error._tag === "ConnectionReleasedError"
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export type CallError = OracleError.OracleError | PoolError.ConnectionReleasedError

/** A call of the driver. */
interface CallDetails<A> extends TracedCall {
  /** Frees what a call has given that no caller waits for any more. */
  readonly discard?: (value: A) => Promise<void>
  /** Whether it must come to an end in bounded time although it cannot be interrupted. */
  readonly isUrgent?: boolean
  /** The limit of what is urgent, in milliseconds, from its beginning on. */
  readonly limit?: number
  /** For how long the server is told to wait, in milliseconds: silence for much longer means that it is gone. */
  readonly serverWait?: number
  /** Whether it makes no round trip. */
  readonly isLocal?: boolean
  /** Whether it must not be broken: whoever gives it up waits for its end. */
  readonly isUnbreakable?: boolean
  /** Whether it was sent with a commit, or is one: it may have happened when its answer is lost. */
  readonly isAutoCommit?: boolean | undefined
  readonly secrets?: ReadonlyArray<Redacted.Redacted<string>>
}

export class DriverCaller {
  readonly session: OracleSession
  readonly lease: Connection.Lease

  readonly #isTraced: boolean

  constructor(session: OracleSession, lease: Connection.Lease, isTraced = true) {
    this.session = session
    this.lease = lease
    this.#isTraced = isTraced
  }

  /** The same way without spans, for callers that make their own. */
  get untraced(): DriverCaller {
    return new DriverCaller(this.session, this.lease, false)
  }

  /** One call of the driver, as one operation of the lease. */
  call<A>(details: CallDetails<A>, work: (connection: DriverConnection) => Promise<A>): Effect.Effect<A, CallError> {
    return this.callThen(details, work, Effect.succeed)
  }

  /** The same, and what becomes of its answer; cheaper than an effect after it. */
  callThen<A, B, E>(
    details: CallDetails<A>,
    work: (connection: DriverConnection) => Promise<A>,
    succeed: (answer: A) => Effect.Effect<B, E>
  ): Effect.Effect<B, E | CallError> {
    const { session } = this
    const { lease } = this
    const { discard, isLocal, isUnbreakable, isUrgent, limit, serverWait, sql } = details
    const options = { lease, discard, isLocal, isUrgent, limit, serverWait, isUnbreakable, sql }
    const call = lease.run(session.callFor<A, B, E | CallError>(work, options, {
      succeed,
      fail: (thrown) => this.#failure(details, thrown)
    }))
    const run = isLocal === true ? call : session.operations.measured(details, call)
    return this.#guarded(details, this.#isTraced ? traced(session, details, run) : run)
  }

  /** A statement: alone, or together with those of other fibers where `pipelining` is on. */
  statementThen<B, E>(
    details: CallDetails<CallResult> & { readonly sql: string; readonly isJoinable: boolean },
    prepare: Preparation,
    succeed: (answer: CallResult) => Effect.Effect<B, E>
  ): Effect.Effect<B, E | CallError> {
    const { lease, session } = this
    const { batches } = session
    const ending = {
      succeed,
      fail: (thrown: unknown): Effect.Effect<B, E | CallError> => this.#failure(details, thrown)
    }
    const { discard, sql } = details
    const alone = session.callFor<CallResult, B, E | CallError>(
      // What is wrong with a bind is thrown at once: nothing has been sent then.
      (connection) => runAlone(connection, prepare()),
      { lease, discard, sql },
      ending
    )
    const call = lease.run(
      !details.isJoinable || !batches.isPossible ?
        alone :
        Effect.suspend(() =>
          wantsPipelining() ?? batches.state.isOn ? session.batched(lease, sql, prepare, ending) : alone
        )
    )
    const run = session.operations.measured(details, call)
    return this.#guarded(details, this.#isTraced ? traced(session, details, run) : run)
  }

  /** Not run at all where a sandbox refuses it. */
  #guarded<A, E>(details: TracedCall, run: Effect.Effect<A, E | CallError>): Effect.Effect<A, E | CallError> {
    const { guard } = this.session
    if (guard === undefined) return run
    const refused = guard(details.operation, details.sql)
    return refused === undefined ? run : Effect.fail(refused)
  }

  /** What the driver does without a round trip. */
  now<A>(details: TracedCall, work: (connection: DriverConnection) => A): Effect.Effect<A, CallError> {
    return this.lease.run(Effect.suspend(() => {
      const { attached } = this.session
      if (attached === undefined) {
        const called = this.session.call(async (connection) => work(connection), { lease: this.lease, isLocal: true })
        return Effect.catch(called, (thrown) => this.#failure(details, thrown))
      }
      try {
        return Effect.succeed(work(attached))
      } catch (thrown) {
        return this.#failure(details, thrown)
      }
    }))
  }

  #failure(
    details:
      & { readonly operation: string; readonly sql?: string | undefined }
      & Pick<CallDetails<never>, "secrets" | "isAutoCommit">,
    thrown: unknown
  ): Effect.Effect<never, CallError> {
    if (thrown instanceof LeaseIsOver) return Effect.fail(this.released)
    if (thrown instanceof RefusedBind) {
      return Effect.fail(thrown.toOracleError(details.operation.toLowerCase(), details.sql))
    }
    if (thrown instanceof PoolError.ConnectionReleasedError) return Effect.fail(thrown)
    return Effect.flatMap(OracleError.Classification, (classification) => {
      const error = OracleError.fromDriver(thrown, {
        operation: details.operation.toLowerCase(),
        sql: details.sql,
        secrets: [...this.session.secrets, ...details.secrets ?? []],
        classification,
        commits: !isUnsent(thrown) && commitsByItself(details.sql, details.isAutoCommit === true),
        isSessionUnknown: isDefect(thrown)
      })
      if (error.isSessionFatal) this.lease.reportFatal(error)
      return Effect.fail(error)
    })
  }

  get released(): PoolError.ConnectionReleasedError {
    return new PoolError.ConnectionReleasedError({ pool: this.lease.pool, session: this.lease.sessionId })
  }

  /** Notes what the lease has opened, so that its end closes it. */
  own(resource: Resource): void {
    this.session.resources.add(resource)
  }

  /** Closes what the lease has opened, unless its end has done so already. */
  async disown(resource: Resource): Promise<void> {
    if (this.session.resources.delete(resource)) await resource.close()
  }
}
