/** Spans of database calls by OpenTelemetry's conventions for Oracle Database (opentelemetry.io/docs/specs/semconv/db/oracledb). */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { isSqlError } from "effect/sql/SqlError"
import type * as Tracer from "effect/Tracer"
import { isOracleError } from "../OracleError.ts"
import type { DriverConnection } from "./oracledb.ts"
import { queryText, summarize } from "./sqlText.ts"

/** What is known of a connection without asking the server. */
export const spanAttributes = (connection: DriverConnection): Record<string, unknown> => {
  const known = {
    "db.system.name": "oracle.db",
    "db.namespace": connection.dbUniqueName || connection.serviceName,
    "server.address": connection.hostName,
    "server.port": connection.port,
    "oracle.db.service": connection.serviceName,
    "oracle.db.instance.name": connection.instanceName
  }
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined && value !== ""))
}

/** One call, as a span shows it. */
export interface TracedCall {
  /** What is done when no statement says so: `COMMIT`. */
  readonly operation: string
  readonly sql?: string | undefined
  /** How many rows of binds it sends. */
  readonly batchSize?: number | undefined
}

/** What a span says of a statement. */
export const describeStatement = (sql: string): Record<string, unknown> => {
  const { operation, target } = summarize(sql)
  return {
    "db.operation.name": operation,
    "db.query.summary": target === undefined ? operation : `${operation} ${target}`,
    "db.query.text": queryText(sql),
    ...(target !== undefined && { "db.collection.name": target })
  }
}

const describe = (call: TracedCall): Record<string, unknown> => ({
  ...(call.sql === undefined
    ? { "db.operation.name": call.operation, "db.query.summary": call.operation }
    : describeStatement(call.sql)),
  ...(call.batchSize !== undefined && { "db.operation.batch.size": call.batchSize })
})

/** The failure of the database behind a failure of `effect/sql`. */
const databaseFailure = (failure: unknown): unknown => isSqlError(failure) ? failure.reason.cause : failure

/** Puts the reason and the code of a failure into a span. */
export const describeOutcome = <A, E>(span: Tracer.Span, exit: Exit.Exit<A, E>): void => {
  if (Exit.isSuccess(exit)) return
  const failure = databaseFailure(Option.getOrUndefined(Exit.findErrorOption(exit)))
  if (!isOracleError(failure)) return
  span.attribute("error.type", failure.reason._tag)
  if (failure.code !== undefined) span.attribute("db.response.status_code", failure.code)
}

/** Puts a span around `effect` where somebody traces; a program without a trace pays for one look at its fiber. */
export const traced = <A, E, R>(
  session: { readonly attributes: Record<string, unknown> },
  call: TracedCall,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const { span, tracer, tracerEnabled } = fiber.cache
    if (!tracerEnabled || (span === undefined && tracer === undefined)) return effect
    const attributes = { ...session.attributes, ...describe(call) }
    return Effect.useSpan(String(attributes["db.query.summary"]), { kind: "client", attributes }, (span) =>
      Effect.onExit(effect, (exit) =>
        Effect.sync(() => describeOutcome(span, exit))))
  })
