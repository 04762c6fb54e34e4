/**
 * What became of a commit whose answer was lost. Where the service has Transaction Guard the server has named each transaction
 * (its LTXID) before it is committed, and another session can ask: the answer "not committed" holds for good, as the server refuses a
 * later commit under that name.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { fromDriver, isOracleError, OracleError } from "../OracleError.ts"
import * as Reason from "./errorReason.ts"
import { driver, type DriverConnection } from "./oracledb.ts"
import type { CommitOutcome } from "./sessionCall.ts"

/** A session that can be asked. */
interface Witness {
  readonly call: <A>(work: (connection: DriverConnection) => Promise<A>) => Effect.Effect<A, unknown>
}

const question = `declare
  committed boolean;
  completed boolean;
begin
  dbms_app_cont.get_ltxid_outcome(:ltxid, committed, completed);
  :committed := case when committed then 1 else 0 end;
end;`

const ask = (session: Witness, ltxid: Buffer): Effect.Effect<CommitOutcome, OracleError> =>
  Effect.map(
    Effect.mapError(
      session.call((connection) =>
        connection.execute(question, {
          ltxid: { dir: driver.BIND_IN, type: driver.DB_TYPE_RAW, val: ltxid },
          committed: { dir: driver.BIND_OUT, type: driver.DB_TYPE_NUMBER }
        }, {})
      ),
      (thrown) => fromDriver(thrown, { operation: "commit outcome" })
    ),
    ({ outBinds }): CommitOutcome => {
      const committed = outBinds === undefined || Array.isArray(outBinds)
        ? undefined
        : Reflect.get(outBinds, "committed")
      return committed === 1 ? "committed" : committed === 0 ? "rolled back" : "unknown"
    }
  )

/** Only what may pass is tried again: a listener that is down for a moment, not a password that has changed. */
const mayPass = (failure: OracleError): boolean => failure.isRetryable && failure.reason._tag !== "AuthenticationError"

/** Asks on a session of its own, outside of the pool's `max`: the one that committed may be the only one, and it is lost. */
export const askOnAnother = <S extends Witness>(
  open: Effect.Effect<S, OracleError>,
  close: (session: S) => Effect.Effect<unknown, unknown>,
  limit: number,
  ltxid: Buffer
): Effect.Effect<CommitOutcome> =>
  Effect.acquireUseRelease(
    open,
    (session) => ask(session, ltxid),
    (session) => Effect.ignore(close(session))
  ).pipe(
    Effect.retry({ while: mayPass, schedule: Schedule.spaced("100 millis") }),
    Effect.timeoutOption(Duration.millis(limit)),
    Effect.map((answered): CommitOutcome => answered._tag === "Some" ? answered.value : "unknown"),
    Effect.catchCause(() => Effect.succeed<CommitOutcome>("unknown")),
    // Who asks may have been interrupted already, which must not end the question.
    Effect.interruptible,
    Effect.forkDetach,
    Effect.flatMap(Fiber.join)
  )

const inDoubt: ReadonlySet<string> = new Set(["ConnectionError", "StatementTimeoutError", "InterruptedError"])

/** Whether a commit that failed like that may have happened. */
export const isInDoubt = (failure: unknown): failure is OracleError =>
  isOracleError(failure) && (failure.isSessionFatal || inDoubt.has(failure.reason._tag))

/** The failure of a commit that is known not to have happened: the work can be done again. */
export const notCommitted = (failure: OracleError): OracleError => {
  const { _tag, cause, code, codes, isSessionFatal, message, operation } = failure.reason
  const [text = ""] = message.split("\n")
  return new OracleError({
    reason: new Reason.reasons[_tag === "UniqueViolation" ? "ConstraintError" : _tag]({
      cause,
      codes,
      ...(code !== undefined && { code }),
      ...(operation !== undefined && { operation }),
      isSessionFatal,
      isRetryable: true,
      commitOutcome: "rolled back",
      message:
        `${text}\nThe transaction was not committed: the database was asked, and will not commit it later. Do the work again.`
    })
  })
}
