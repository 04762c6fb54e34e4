/** What a check of the doctor finds, and how a check that cannot be completed is reported. */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { isOracleError } from "../../OracleError.ts"

/** `ok`; `warning`: it works, with a limit to know; `failed`: it does not; `skipped`: it could not be tried. */
export type Status = "ok" | "warning" | "failed" | "skipped"

/** What a check has found. `advice` says what to do, and is there whenever the status is not `ok`. */
export interface Outcome {
  readonly status: Status
  readonly found: string
  readonly advice?: string
}

/** An outcome with the check that it is of. */
export interface Finding extends Outcome {
  readonly check: string
  readonly area: string
  readonly millis: number
}

/** One thing that the doctor looks at. */
export interface Check<Probe> {
  /** A few words, as in `break within a second`. */
  readonly title: string
  readonly area: string
  /** What to do when the check fails by an error of its own. */
  readonly advice: string
  readonly run: (probe: Probe) => Effect.Effect<Outcome, unknown>
}

/** A check could not do what it is there for. */
export class CheckError
  extends Data.TaggedError("CheckError")<{ readonly message: string; readonly cause?: unknown }>
{}

export const ok = (found: string): Outcome => ({ status: "ok", found })
export const warning = (found: string, advice: string): Outcome => ({ status: "warning", found, advice })
export const failed = (found: string, advice: string): Outcome => ({ status: "failed", found, advice })
export const skipped = (found: string, advice: string): Outcome => ({ status: "skipped", found, advice })

/** One line that says what went wrong. */
const describeFailure = (error: unknown): string => {
  const text = isOracleError(error)
    ? error.reason.message
    : error instanceof Error
    ? describeCause(error)
    : String(error)
  return text.split("\n")[0] ?? ""
}

const describeCause = (error: Error): string =>
  isOracleError(error.cause) ? `${error.message.split("\n")[0]} (${error.cause.reason.message})` : error.message

/** Runs a check within `limitMillis`; whatever happens in it becomes its outcome. */
export const runCheck = <Probe>(
  check: Check<Probe>,
  probe: Probe,
  limitMillis: number
): Effect.Effect<Finding> =>
  check.run(probe).pipe(
    Effect.timeoutOrElse({
      duration: limitMillis,
      orElse: () => Effect.succeed(failed(`did not end within ${limitMillis / 1000} s`, check.advice))
    }),
    Effect.catchCause((cause) => Effect.succeed(failed(describeFailure(Cause.squash(cause)), check.advice))),
    Effect.timed,
    Effect.map(([took, outcome]) => ({
      ...outcome,
      check: check.title,
      area: check.area,
      millis: Math.round(Duration.toMillis(took))
    }))
  )
