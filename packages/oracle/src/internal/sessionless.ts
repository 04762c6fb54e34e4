/**
 * Runs parts of sessionless transactions on a connection, as the outermost transaction of its lease.
 *
 * begin or resume → (a savepoint) → the part → suspended, committed or rolled back. A part that fails is undone to the savepoint, and
 * what came before it is suspended again. The end of a lease does the same with one that it finds (`sessionDriver.ts`).
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import { randomUUID } from "node:crypto"
import type { OracleClient } from "../OracleClient.ts"
import { OracleConnection } from "../OracleConnection.ts"
import { isOracleError, type OracleError } from "../OracleError.ts"
import type { CallError, DriverCaller } from "./driverCaller.ts"
import { beginsFree, defaultTimeout, secondsOf } from "./longTransactions.ts"
import type { DriverConnection } from "./oracledb.ts"
import { refusal, wrongArgument } from "./refusal.ts"
import { SessionlessTransactionError } from "./sessionlessError.ts"
import { SessionlessTransaction } from "./sessionlessHandle.ts"
import type { BeginOptions, ResumeOptions, Suspended } from "./sessionlessTypes.ts"
import { toCommitError, toSqlError } from "./sqlReason.ts"
import { runOn } from "./sqlTransactions.ts"
import type { Restore, Transactions } from "./transaction.ts"

const operation = "sessionless transaction"
const defaultWait = 5

/** The savepoint before a part. */
const partSavepoint = "sp_part"

const reasons: Readonly<Record<string, SessionlessTransactionError["reason"]>> = {
  "ORA-26218": "gone",
  "ORA-25351": "in use",
  "ORA-26217": "id taken",
  // It was ended by hand, or by a definition, inside of the part.
  "NJS-172": "gone",
  "ORA-26202": "gone"
}

/** How failures of the transaction itself are told: as those of a connection, or as those of a client. */
type Translate<E> = (failure: CallError, isOfCommit?: boolean) => E

const explained =
  <E>(id: string, translate: Translate<E>) =>
  (failure: CallError, isOfCommit = false): E | SessionlessTransactionError => {
    if (!isOracleError(failure)) return translate(failure)
    const code = failure.codes.find((one) => Object.hasOwn(reasons, one))
    return code === undefined
      ? translate(failure, isOfCommit)
      : new SessionlessTransactionError({ reason: reasons[code]!, id, cause: failure })
  }

const mostBytes = 64

const idOf = (given: unknown): Buffer | OracleError => {
  if (given !== undefined && typeof given !== "string" && !(given instanceof Uint8Array)) {
    return wrongArgument(operation, "The option id", "a text or bytes", given)
  }
  const bytes = Buffer.from(given ?? randomUUID())
  return bytes.length >= 1 && bytes.length <= mostBytes
    ? bytes
    : refusal(operation, `The option id must have 1 to ${mostBytes} bytes, not ${bytes.length}: nothing was sent.`)
}

const optionsProblem = (effect: unknown, options: unknown): OracleError | undefined => {
  if (!Effect.isEffect(effect)) return wrongArgument(operation, "What runs in a transaction", "an effect", effect)
  return typeof options === "object" && options !== null
    ? undefined
    : wrongArgument(operation, "The options", "an object", options)
}

const absentDriver = refusal(
  operation,
  "This release of oracledb has no sessionless transactions: nothing was sent. Install oracledb 6.10 or later."
)

type Sessionless = Required<
  Pick<
    DriverConnection,
    "beginSessionlessTransaction" | "resumeSessionlessTransaction" | "suspendSessionlessTransaction"
  >
>

const able = (connection: DriverConnection): DriverConnection & Sessionless => {
  if (connection.beginSessionlessTransaction === undefined) throw absentDriver
  return connection as DriverConnection & Sessionless
}

/** A transaction on its way: the connection's transactions, and what it is known by. */
class Part {
  readonly transactions: Transactions
  readonly caller: DriverCaller
  readonly bytes: Buffer
  readonly id: string
  readonly timeout: number

  constructor(connection: OracleConnection, bytes: Buffer, timeout: number) {
    this.transactions = connection.transactions
    this.caller = connection.caller
    this.bytes = bytes
    this.id = bytes.toString("hex")
    this.timeout = timeout
  }

  get begun(): Effect.Effect<void, CallError> {
    return this.caller.call({ operation: "begin sessionless transaction" }, async (connection) => {
      await able(connection).beginSessionlessTransaction({ transactionId: this.bytes, timeout: this.timeout })
    })
  }

  resumed(wait: number): Effect.Effect<void, CallError> {
    const { session } = this.caller
    return this.caller.call({ operation: "resume sessionless transaction" }, async (connection) => {
      // From here on the end of the lease must not roll it back.
      session.part = { savepoint: undefined }
      await able(connection).resumeSessionlessTransaction(this.bytes, { timeout: wait })
    })
  }

  /**
   * What a call that has failed may have done all the same: its answer came when the caller was gone, or was lost to the break. The
   * server has said since whether the session is in a transaction.
   */
  notHere(leave: (connection: DriverConnection & Sessionless) => Promise<void>): Effect.Effect<void> {
    const { session } = this.caller
    return this.transactions.undone(
      this.caller.call({ operation: "leave sessionless transaction", isUrgent: true }, async (connection) => {
        if (connection.transactionInProgress === true) await leave(able(connection))
        session.part = undefined
      })
    )
  }

  /** What a part that fails goes back to. It cannot be interrupted, and is bounded by `pingTimeout`. */
  get marked(): Effect.Effect<void, CallError> {
    const { session } = this.caller
    return Effect.tap(
      this.transactions.statement(`savepoint ${partSavepoint}`, this.caller, true),
      () =>
        Effect.sync(() => {
          session.part = { savepoint: partSavepoint }
        })
    )
  }

  /** A part that cannot be marked does not begin. */
  get markedOrLeft(): Effect.Effect<void, CallError> {
    return Effect.onError(this.marked, () => this.transactions.undone(this.suspended))
  }

  get suspended(): Effect.Effect<void, CallError> {
    return Effect.tap(
      this.caller.call({ operation: "suspend sessionless transaction", isUrgent: true }, async (connection) => {
        await able(connection).suspendSessionlessTransaction()
      }),
      () => this.#left
    )
  }

  get #left(): Effect.Effect<void> {
    return Effect.sync(() => {
      this.caller.session.part = undefined
    })
  }

  committed(restore: Restore): Effect.Effect<void, CallError> {
    return Effect.tap(this.transactions.commit(restore), () => this.#left)
  }

  get rolledBack(): Effect.Effect<void, CallError> {
    return Effect.tap(this.transactions.rollback(), () => this.#left)
  }

  /** Undone and suspended; one that was ended inside of the part is not there to be undone. */
  get undone(): Effect.Effect<void, CallError> {
    return Effect.flatMap(
      this.caller.now({ operation }, (connection) => connection.transactionInProgress === true),
      (isInside) =>
        isInside
          ? Effect.andThen(
            this.transactions.statement(`rollback to savepoint ${partSavepoint}`, this.caller, true),
            this.suspended
          )
          : this.#left
    )
  }

  get handle(): Effect.Effect<SessionlessTransaction> {
    return Effect.map(Clock.currentTimeMillis, (now) =>
      new SessionlessTransaction({
        id: this.id,
        timeout: this.timeout,
        expiresAt: DateTime.makeUnsafe(now + this.timeout * 1000)
      }))
  }
}

const beginOn = <A, E, R, E2>(
  connection: OracleConnection,
  effect: Effect.Effect<A, E, R>,
  options: BeginOptions,
  translate: Translate<E2>
): Effect.Effect<Suspended<A>, E | E2 | SessionlessTransactionError, R> => {
  const timeout = secondsOf(operation, "timeout", options.timeout, 1, defaultTimeout)
  const id = idOf(options.id)
  if (isOracleError(timeout)) return Effect.fail(translate(timeout))
  if (isOracleError(id)) return Effect.fail(translate(id))
  const part = new Part(connection, id, timeout)
  const explain = explained(part.id, translate)
  return Effect.flatMap(
    part.transactions.taken(effect, {
      attach: (restore) =>
        Effect.andThen(
          beginsFree(part.caller, operation),
          Effect.onError(restore(part.begun), () => part.notHere((driven) => driven.rollback()))
        ).pipe(Effect.mapError((failure) => explain(failure))),
      keep: () => Effect.mapError(part.suspended, (failure) => explain(failure)),
      undo: () => part.rolledBack,
      fail: explain
    }),
    (value) => Effect.map(part.handle, (transaction) => ({ value, transaction }))
  )
}

type End = "suspend" | "commit" | "rollback"

const resumeOn = <A, E, R, E2>(
  connection: OracleConnection,
  transaction: SessionlessTransaction,
  effect: Effect.Effect<A, E, R>,
  options: ResumeOptions,
  end: End,
  translate: Translate<E2>
): Effect.Effect<Suspended<A>, E | E2 | SessionlessTransactionError, R> => {
  const wait = secondsOf(operation, "wait", options.wait, 0, defaultWait)
  if (isOracleError(wait)) return Effect.fail(translate(wait))
  const { onFailure = "undo" }: { readonly onFailure?: unknown } = options
  if (onFailure !== "undo" && onFailure !== "rollback") {
    return Effect.fail(
      translate(wrongArgument(operation, "The option onFailure", "\"undo\" or \"rollback\"", onFailure))
    )
  }
  const part = new Part(connection, Buffer.from(transaction.id, "hex"), transaction.timeout)
  const explain = explained(part.id, translate)
  const isMarked = end !== "rollback" && onFailure === "undo"
  const keep = (restore: Restore) =>
    end === "suspend" ? part.suspended : end === "commit" ? part.committed(restore) : part.rolledBack
  return Effect.flatMap(
    part.transactions.taken(effect, {
      attach: (restore) =>
        Effect.andThen(
          beginsFree(part.caller, operation),
          Effect.onError(restore(part.resumed(wait)), () =>
            part.notHere((driven) => driven.suspendSessionlessTransaction()))
        ).pipe(
          Effect.andThen(isMarked ? part.markedOrLeft : Effect.void),
          Effect.mapError((failure) =>
            explain(failure)
          )
        ),
      keep: (restore) => Effect.mapError(keep(restore), (failure) => explain(failure, end === "commit")),
      undo: () => isMarked ? part.undone : part.rolledBack,
      fail: explain
    }),
    (value) => Effect.map(part.handle, (suspended) => ({ value, transaction: suspended }))
  )
}

type On = OracleConnection | OracleClient

const ofClient: Translate<SqlError> = (failure, isOfCommit = false) =>
  isOfCommit ? toCommitError(failure) : toSqlError(failure, "transaction")

const isClient = (on: unknown): on is OracleClient => typeof on === "function" && "useConnection" in on

/** On a connection as it is; on a client with a connection that it leases, whose statements then run on that. */
const within = <A, B, E, R>(
  on: On,
  effect: Effect.Effect<A, E, R>,
  options: unknown,
  use: <E1, E2>(
    connection: OracleConnection,
    effect: Effect.Effect<A, E1, R>,
    translate: Translate<E2>
  ) => Effect.Effect<B, E1 | E2 | SessionlessTransactionError, R>
): Effect.Effect<B, E | CallError | SqlError | SessionlessTransactionError, R> => {
  const problem = optionsProblem(effect, options)
  if (isClient(on)) {
    return problem === undefined
      ? on.useConnection((connection) => use(connection, runOn(on, connection, effect), ofClient))
      : Effect.fail(ofClient(problem))
  }
  if (!(on instanceof OracleConnection)) {
    return Effect.fail(
      wrongArgument(operation, "What a transaction runs on", "an OracleConnection or an OracleClient", on)
    )
  }
  return problem === undefined ? use(on, effect, (failure) => failure) : Effect.fail(problem)
}

const handleProblem = (on: On, transaction: unknown) => {
  if (transaction instanceof SessionlessTransaction) return undefined
  const problem = wrongArgument(
    operation,
    "What is resumed",
    "a SessionlessTransaction (its Schema decodes one from JSON)",
    transaction
  )
  return Effect.fail(isClient(on) ? ofClient(problem) : problem)
}

type Anything = Effect.Effect<never, never, never>

/** Types are given where it is exported. */
export const begin = (on: On, effect: Effect.Effect<unknown, unknown, unknown>, options: BeginOptions = {}): Anything =>
  within(
    on,
    effect,
    options,
    (connection, inside, translate) => beginOn(connection, inside, options, translate)
  ) as Anything

const resumed = (
  on: On,
  transaction: SessionlessTransaction,
  effect: Effect.Effect<unknown, unknown, unknown>,
  options: ResumeOptions,
  end: End
): Anything =>
  (handleProblem(on, transaction) ?? within(
    on,
    effect,
    options,
    (connection, inside, translate) => resumeOn(connection, transaction, inside, options, end, translate)
  )) as Anything

export const resume = (
  on: On,
  transaction: SessionlessTransaction,
  effect: Effect.Effect<unknown, unknown, unknown>,
  options: ResumeOptions = {}
): Anything => resumed(on, transaction, effect, options, "suspend")

export const commit = (
  on: On,
  transaction: SessionlessTransaction,
  effect: Effect.Effect<unknown, unknown, unknown> = Effect.void,
  options: ResumeOptions = {}
): Anything =>
  Effect.map(resumed(on, transaction, effect, options, "commit"), ({ value }: Suspended<unknown>) => value) as Anything

export const rollback = (
  on: On,
  transaction: SessionlessTransaction,
  options: Pick<ResumeOptions, "wait"> = {}
): Anything => Effect.asVoid(resumed(on, transaction, Effect.void, options, "rollback")) as Anything
