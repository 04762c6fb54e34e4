/** Runs descriptions of statements on one connection, together where the server takes that. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { OracleError } from "../OracleError.ts"
import type { OracleStatement } from "../OracleStatement.ts"
import type { ReadError } from "./cursor.ts"
import type { CallError } from "./driverCaller.ts"
import { Pipelining } from "./pipelining.ts"
import { wrongArgument } from "./refusal.ts"
import type { StatementRunner } from "./statementRunner.ts"

/** How a pipeline ends: with the first failure or with each outcome, and with a commit or without. */
export interface PipelineOptions {
  readonly commit?: boolean | undefined
  readonly mode?: "result" | undefined
}

const isStatement = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "_tag" in value && value._tag === "OracleStatement"
  && "run" in value && typeof value.run === "function"

const problemWith = (
  statements: ReadonlyArray<OracleStatement<unknown, unknown>>,
  options: PipelineOptions
): OracleError | undefined => {
  if (!Array.isArray(statements)) {
    return wrongArgument("pipeline", "The statements of a pipeline", "an array of OracleStatements", statements)
  }
  const at = statements.findIndex((statement) => !isStatement(statement))
  if (at >= 0) {
    return wrongArgument("pipeline", `Element ${at} of a pipeline`, "an OracleStatement", statements[at])
  }
  if (typeof options !== "object" || options === null) {
    return wrongArgument("pipeline", "The options", "an object", options)
  }
  const { commit, mode }: { readonly commit?: unknown; readonly mode?: unknown } = options
  if (mode !== undefined && mode !== "result") return wrongArgument("pipeline", "The option mode", "\"result\"", mode)
  return commit === undefined || typeof commit === "boolean"
    ? undefined
    : wrongArgument("pipeline", "The option commit", "true or false", commit)
}

/** All statements run, whatever becomes of those before them; `commit` is what commits when all have succeeded. */
export const runPipeline = (
  connection: StatementRunner,
  statements: ReadonlyArray<OracleStatement<unknown, unknown>>,
  options: PipelineOptions,
  commit: Effect.Effect<void, CallError>
): Effect.Effect<unknown, ReadError, unknown> => {
  const problem = problemWith(statements, options)
  if (problem !== undefined) return Effect.fail(problem)
  const all = Effect.forEach(statements, (statement) => Effect.result(statement.run(connection)), {
    concurrency: "unbounded"
  }).pipe(Effect.provideService(Pipelining, true))
  return Effect.flatMap(all, (outcomes): Effect.Effect<unknown, ReadError> => {
    const failed = outcomes.find(Result.isFailure)
    if (failed !== undefined && options.mode === undefined) return Effect.fail(failed.failure)
    const answers = options.mode === "result" ? outcomes : outcomes.map((outcome) => Result.getOrThrow(outcome))
    return options.commit === true && failed === undefined ? Effect.as(commit, answers) : Effect.succeed(answers)
  })
}
