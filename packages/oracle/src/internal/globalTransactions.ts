/**
 * Runs branches of global transactions on a connection, as the outermost transaction of its lease: begun, worked in, prepared. What
 * is prepared belongs to no session; it is committed or rolled back by its id.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { OracleConnection } from "../OracleConnection.ts"
import { isOracleError, type OracleError } from "../OracleError.ts"
import type { ReadError } from "./cursor.ts"
import type { CallError, DriverCaller } from "./driverCaller.ts"
import { effectOf } from "./effectOf.ts"
import type { BranchOptions, Committed, Participant, Prepared } from "./globalTypes.ts"
import { beginsFree, defaultTimeout, secondsOf } from "./longTransactions.ts"
import type { DriverConnection, DriverXid } from "./oracledb.ts"
import { refusal, wrongArgument } from "./refusal.ts"
import { query } from "./statements.ts"
import { defaultValues } from "./valueSettings.ts"
import { Xid } from "./xid.ts"

const operation = "global transaction"

const absentDriver = refusal(
  operation,
  "This release of oracledb has no two-phase commit in Thin mode: nothing was sent. Install oracledb 6.6 or later."
)

type TwoPhase = Required<Pick<DriverConnection, "tpcBegin" | "tpcPrepare" | "tpcCommit" | "tpcRollback">>

const able = (connection: DriverConnection): DriverConnection & TwoPhase => {
  if (connection.tpcBegin === undefined) throw absentDriver
  return connection as DriverConnection & TwoPhase
}

const ofDriver = ({ branch, formatId, globalId }: Xid): DriverXid => ({
  formatId,
  globalTransactionId: Buffer.from(globalId, "hex"),
  branchQualifier: Buffer.from(branch, "hex")
})

const problemOf = (connection: unknown, xid: unknown): OracleError | undefined => {
  if (!(connection instanceof OracleConnection)) {
    return wrongArgument(operation, "What a branch runs on", "an OracleConnection", connection)
  }
  return xid instanceof Xid
    ? undefined
    : wrongArgument(operation, "The id of a branch", "an Xid (its Schema decodes one from JSON)", xid)
}

const hasCode = (failure: unknown, ...codes: ReadonlyArray<string>): boolean =>
  isOracleError(failure) && failure.codes.some((code) => codes.includes(code))

/** Bounded by `pingTimeout`, as it may run where nothing can be interrupted. */
const call = (
  caller: DriverCaller,
  what: string,
  work: (connection: DriverConnection & TwoPhase) => Promise<void>
): Effect.Effect<void, CallError> =>
  caller.call({ operation: what, isUrgent: true }, (connection) => work(able(connection)))

/** The branches that this process has prepared and not ended: a scope that closes has to undo them. */
const prepared = new Set<string>()

const settled = (xid: Xid) =>
  Effect.sync(() => {
    prepared.delete(String(xid))
  })

const rolledBack = (caller: DriverCaller, xid: Xid): Effect.Effect<void, CallError> =>
  Effect.catchIf(
    call(caller, "roll back branch", (connection) => connection.tpcRollback(ofDriver(xid))),
    // It is not there: it was rolled back, or had nothing to commit.
    (failure) => hasCode(failure, "ORA-24756", "ORA-24761", "ORA-24765"),
    () => Effect.void
  ).pipe(Effect.andThen(settled(xid)))

/** Where no caller learns what has come of it: a branch that stays prepared keeps its locks, so it must not stay unnoticed. */
const rolledBackOrTold = (caller: DriverCaller, xid: Xid): Effect.Effect<void> =>
  Effect.catch(rolledBack(caller, xid), (failure) =>
    Effect.logWarning(
      "A prepared branch could not be rolled back, and may keep its locks: GlobalTransaction.recover finds it",
      failure
    ).pipe(Effect.annotateLogs({ "sessionpool.xid": String(xid) })))

/** It is never broken off: whoever gives it up waits for its answer, as with every other commit. */
const committed = (caller: DriverCaller, xid: Xid): Effect.Effect<Committed, CallError> =>
  Effect.suspend(() =>
    caller.call(
      { operation: "commit branch", isUnbreakable: true, limit: caller.session.commitLimit, isAutoCommit: true },
      (connection) => able(connection).tpcCommit(ofDriver(xid), false)
    )
  ).pipe(
    Effect.as<Committed>("committed"),
    Effect.catchIf(
      (failure) => hasCode(failure, "ORA-24756", "ORA-24764"),
      (failure) => Effect.succeed<Committed>(hasCode(failure, "ORA-24764") ? "committed" : "absent")
    ),
    Effect.tap(() => settled(xid))
  )

const checked = <A, E>(connection: OracleConnection, xid: Xid, run: (caller: DriverCaller) => Effect.Effect<A, E>) => {
  const problem = problemOf(connection, xid)
  return problem === undefined ? run(connection.caller) : Effect.fail(problem)
}

export const commit = (connection: OracleConnection, xid: Xid): Effect.Effect<Committed, CallError> =>
  checked(connection, xid, (caller) => committed(caller, xid))

export const rollback = (connection: OracleConnection, xid: Xid): Effect.Effect<void, CallError> =>
  checked(connection, xid, (caller) => rolledBack(caller, xid))

export const recover = (connection: OracleConnection): Effect.Effect<ReadonlyArray<Xid>, ReadError> => {
  if (!(connection instanceof OracleConnection)) {
    return Effect.fail(wrongArgument(operation, "What is recovered from", "an OracleConnection", connection))
  }
  const sql =
    "select formatid as \"FORMATID\", rawtohex(globalid) as \"GLOBALID\", rawtohex(branchid) as \"BRANCHID\" " +
    "from dba_pending_transactions"
  return Effect.map(query(connection.caller, sql, [], defaultValues), (rows) =>
    rows.flatMap((row) => {
      const [globalId, branch] = [row["GLOBALID"], row["BRANCHID"]]
      // Branches of database links have none; they are the database's own to end.
      return typeof globalId !== "string" || typeof branch !== "string"
        ? []
        : [
          new Xid({ formatId: Number(row["FORMATID"]), globalId: globalId.toLowerCase(), branch: branch.toLowerCase() })
        ]
    }))
}

/** Runs the work in a branch and prepares it. */
const preparedOn = <A, E, R>(
  connection: OracleConnection,
  xid: Xid,
  effect: Effect.Effect<A, E, R>,
  options: BranchOptions,
  onPrepared: () => void
): Effect.Effect<Prepared<A>, E | CallError, R> => {
  const problem = problemOf(connection, xid) ??
    (Effect.isEffect(effect) ? undefined : wrongArgument(operation, "What runs in a branch", "an effect", effect))
  if (problem !== undefined) return Effect.fail(problem)
  if (typeof options !== "object" || options === null) {
    return Effect.fail(wrongArgument(operation, "The options", "an object", options))
  }
  const timeout = secondsOf(operation, "timeout", options.timeout, 1, defaultTimeout)
  if (isOracleError(timeout)) return Effect.fail(timeout)
  const { caller, transactions } = connection
  let needsCommit = false
  const begun = caller.call(
    { operation: "begin branch" },
    (driven) => able(driven).tpcBegin(ofDriver(xid), beginsNew, timeout)
  )
  return Effect.map(
    transactions.taken(effect, {
      attach: (restore) =>
        Effect.andThen(
          beginsFree(caller, operation),
          // It may have begun all the same, when its answer came too late, or was lost to the break.
          Effect.onError(restore(begun), () =>
            transactions.undone(call(caller, "leave branch", async (driven) => {
              if (driven.transactionInProgress === true) await driven.tpcRollback(ofDriver(xid))
            })))
        ),
      keep: () =>
        caller.call({ operation: "prepare branch", isUrgent: true }, async (driven) => {
          needsCommit = await able(driven).tpcPrepare(ofDriver(xid))
          // In one step with the answer: an interruption may come right after it.
          if (needsCommit) onPrepared()
        }),
      undo: () => rolledBack(caller, xid),
      fail: (failure): CallError => failure
    }),
    (value) => ({ xid, value, needsCommit })
  )
}

const beginsNew = 1

export const prepare = <A, E, R>(
  connection: OracleConnection,
  xid: Xid,
  effect: Effect.Effect<A, E, R>,
  options: BranchOptions = {}
): Effect.Effect<Prepared<A>, E | CallError, R | Scope.Scope> =>
  // After the lease of the connection nothing can be done by it: the branch stays in doubt then, for `recover`.
  Effect.andThen(
    Effect.addFinalizer(() =>
      Effect.suspend(() => prepared.has(String(xid)) ? rolledBackOrTold(connection.caller, xid) : Effect.void)
    ),
    preparedOn(connection, xid, effect, options, () => prepared.add(String(xid)))
  )

type AnyParticipant = Participant<unknown, unknown, unknown>

export const commitAll = (
  participants: { readonly [name: string]: AnyParticipant },
  decide: (xids: ReadonlyArray<Xid>) => Effect.Effect<unknown, unknown, unknown>,
  options: BranchOptions = {}
): Effect.Effect<never, never, never> => {
  const problem = participantsProblem(participants, decide)
  if (problem !== undefined) return Effect.fail(problem) as never
  return Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const names = Object.keys(participants)
      const first = Xid.random(names[0]!)
      const open: Array<{ readonly connection: OracleConnection; readonly xid: Xid }> = []
      const values: Record<string, unknown> = {}
      const all = Effect.forEach(names, (name) => {
        const { connection, work } = participants[name]!
        const xid = first.withBranch(name)
        return Effect.map(
          preparedOn(connection, xid, work, options, () => open.push({ connection, xid })),
          ({ value }) => {
            values[name] = value
          }
        )
      }, { discard: true })
      const decided = Effect.andThen(
        all,
        Effect.suspend(() => effectOf("What keeps the decision", decide(open.map(({ xid }) => xid))))
      )
      const exit = yield* Effect.exit(restore(decided))
      if (Exit.isFailure(exit)) {
        yield* Effect.forEach(open, ({ connection, xid }) => rolledBackOrTold(connection.caller, xid), {
          discard: true
        })
        return yield* Effect.failCause(exit.cause)
      }
      const ends = yield* Effect.forEach(
        open,
        ({ connection, xid }) => Effect.exit(committed(connection.caller, xid))
      )
      const failed = ends.find(Exit.isFailure)
      return failed === undefined ? values : yield* failed
    })
  ) as never
}

const participantsProblem = (participants: unknown, decide: unknown): OracleError | undefined => {
  if (typeof participants !== "object" || participants === null || Array.isArray(participants)) {
    return wrongArgument(operation, "The participants", "an object with one property for each database", participants)
  }
  if (Object.keys(participants).length === 0) {
    return refusal(operation, "There must be at least one participant: nothing was sent.")
  }
  for (const [name, participant] of Object.entries(participants)) {
    const bytes = Buffer.byteLength(name)
    if (bytes < 1 || bytes > 64) {
      return refusal(operation, "The name of a participant has 1 to 64 bytes: nothing was sent.")
    }
    if (!(participant?.connection instanceof OracleConnection) || !Effect.isEffect(participant.work)) {
      return wrongArgument(
        operation,
        `The participant ${name}`,
        "an object with a connection and its work",
        participant
      )
    }
  }
  return typeof decide === "function"
    ? undefined
    : wrongArgument(operation, "What keeps the decision", "a function that returns an effect", decide)
}
