/**
 * How long operations take, as the metric that OpenTelemetry's conventions name for database clients: one series for each operation,
 * database and kind of failure. The statement itself is in no attribute: there are too many.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import { isOracleError } from "../OracleError.ts"
import { summarize } from "./sqlText.ts"
import type { TracedCall } from "./tracing.ts"

/** The name of the metric. */
export const operationDuration = "db.client.operation.duration"

/** In seconds, as the conventions advise. */
const boundaries = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/** What of a session's attributes tells series apart. */
const shared = ["db.system.name", "db.namespace", "server.address", "server.port"]

/** Texts of statements are few; those made up by a program can be many, and long. */
const mostRemembered = 500
const longestRemembered = 20_000
const operations = new Map<string, string>()

const operationOf = ({ operation, sql }: TracedCall): string => {
  if (sql === undefined) return operation
  const known = operations.get(sql)
  if (known !== undefined) return known
  const found = summarize(sql).operation
  if (sql.length > longestRemembered) return found
  if (operations.size >= mostRemembered) operations.clear()
  operations.set(sql, found)
  return found
}

/** Why it failed, as a span says it; `undefined` when it succeeded. */
const failureOf = (exit: Exit.Exit<unknown, unknown>): string | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const failure = Option.getOrUndefined(Exit.findErrorOption(exit))
  if (isOracleError(failure)) return failure.reason._tag
  return Exit.hasInterrupts(exit) ? "interrupted" : "other"
}

/** The series of one session's database, made once each. */
export class OperationMetric {
  readonly #attributes: Record<string, string>
  readonly #series = new Map<string, Metric.Histogram<number>>()

  constructor(attributes: Record<string, unknown>) {
    this.#attributes = { unit: "s" }
    for (const name of shared) {
      if (attributes[name] !== undefined) this.#attributes[name] = String(attributes[name])
    }
  }

  #seriesOf(operation: string, failure: string | undefined): Metric.Histogram<number> {
    const key = failure === undefined ? operation : `${operation} ${failure}`
    const known = this.#series.get(key)
    if (known !== undefined) return known
    const made = Metric.histogram(operationDuration, {
      description: "How long an operation of the database took",
      boundaries,
      attributes: {
        ...this.#attributes,
        "db.operation.name": operation,
        ...(failure === undefined ? undefined : { "error.type": failure })
      }
    })
    this.#series.set(key, made)
    return made
  }

  /** Measures from when it is called until it has its answer, the wait for its turn on the session included. */
  measured<A, E, R>(call: TracedCall, run: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.withFiber((fiber) => {
      const clock = fiber.getRef(Clock.Clock)
      const began = clock.monotonicTimeNanosUnsafe()
      return Effect.onExit(run, (exit) => {
        const seconds = Number(clock.monotonicTimeNanosUnsafe() - began) / 1e9
        this.#seriesOf(operationOf(call), failureOf(exit)).updateUnsafe(seconds, fiber.context)
        return Effect.void
      })
    })
  }
}
