/** What transactions have in common that outlive their session: how their times are given, and where they may begin. */
import type { PoolOptions } from "@sessionpool/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { OracleError } from "../OracleError.ts"
import type { CallError, DriverCaller } from "./driverCaller.ts"
import { durationOf } from "./fieldKinds.ts"
import { refusal } from "./refusal.ts"
import { mostSeconds } from "./sessionlessHandle.ts"

/** For how long such a transaction may lie without a session, in seconds. */
export const defaultTimeout = 60

/** Whole seconds of an option, or what is wrong with it. */
export const secondsOf = (
  operation: string,
  name: string,
  given: PoolOptions.DurationOption | undefined,
  least: number,
  usual: number
): number | OracleError => {
  if (given === undefined) return usual
  const parsed = durationOf(given)
  const seconds = parsed === undefined ? NaN : Math.ceil(Duration.toMillis(parsed) / 1000)
  return seconds >= least && seconds <= mostSeconds ? seconds : refusal(
    operation,
    `The option ${name} must be a duration of ${least} to ${mostSeconds} seconds, such as "30 seconds" or 30000 (milliseconds): nothing was sent.`
  )
}

/** A session that is in a transaction of its own cannot be in another one. */
export const beginsFree = (caller: DriverCaller, operation: string): Effect.Effect<void, CallError> =>
  Effect.flatMap(
    caller.now({ operation }, (connection) => connection.transactionInProgress === true),
    (isInside) =>
      isInside
        ? Effect.fail(refusal(
          operation,
          "The session is in a transaction already: nothing was sent. Commit it or roll it back first, or use another connection."
        ))
        : Effect.void
  )
