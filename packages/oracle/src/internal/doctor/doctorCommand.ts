/** The subcommand `doctor`: reads flags and the environment, shows progress, writes the report, sets the exit code. */
import { Command, Flag } from "effect/cli"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { writeFile } from "node:fs/promises"
import { connectFlags, targetOf } from "../commandTarget.ts"
import { checkCount, examine } from "./examine.ts"
import { CheckError } from "./finding.ts"
import type { Target } from "./probe.ts"
import { findingLines, markdownReport, summaryLine } from "./report.ts"

/** Some check has failed; the command ends with exit code 1. */
class DoctorFoundFailures extends Data.TaggedError("DoctorFoundFailures")<{ readonly failed: number }> {}

const flags = {
  ...connectFlags,
  proxyUser: Flag.String("proxy-user").pipe(
    Flag.withDescription("A user to act for through the one that logs on, to check proxying"),
    Flag.optional
  ),
  sessions: Flag.Int("sessions").pipe(
    Flag.withDescription("How many sessions all processes of the application mean to open, to compare with limits"),
    Flag.withDefault(16)
  ),
  report: Flag.String("report").pipe(
    Flag.withAlias("r"),
    Flag.withDescription("A file to write a Markdown report to, without secrets"),
    Flag.optional
  )
}

export const doctorCommand = Command.make(
  "doctor",
  flags,
  Effect.fnUntraced(function*(given) {
    const target: Target = {
      ...targetOf(given),
      proxyUser: Option.getOrUndefined(given.proxyUser),
      sessions: given.sessions
    }
    let number = 0
    const findings = yield* examine(
      target,
      (finding) => Console.log(findingLines(finding, ++number, checkCount, target))
    )
    yield* Console.log(`\n${summaryLine(findings)}`)
    const file = Option.getOrUndefined(given.report)
    if (file !== undefined) {
      const date = DateTime.formatIso(yield* DateTime.now)
      yield* Effect.tryPromise({
        try: () => writeFile(file, markdownReport(findings, target, date)),
        catch: (cause) => new CheckError({ message: `the report ${file} cannot be written`, cause })
      })
      yield* Console.log(`report: ${file}`)
    }
    const failed = findings.filter(({ status }) => status === "failed").length
    if (failed > 0) return yield* new DoctorFoundFailures({ failed })
  })
).pipe(
  Command.withDescription(
    "Looks at a database as the pool would use it: log-on, breaks, values, limits, grants. Every check that fails says what to do"
  )
)
