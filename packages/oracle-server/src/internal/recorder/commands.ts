/** The commands `record` and `compare`: one script on a real database and on the embedded server, and where they differ. */
import { Console, Data, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { readFile, writeFile } from "node:fs/promises"
import { record, recordEmbedded, recorderError, targetOfEnvironment } from "./database.ts"
import { describeDifferences, differences } from "./differences.ts"
import { parseRecording, type Recording } from "./recording.ts"
import { readScript } from "./script.ts"

/** The databases differ. What differs has been printed. */
export class DatabasesDiffer extends Data.TaggedError("DatabasesDiffer")<{ readonly count: number }> {}

const scriptArgument = Argument.String("script").pipe(
  Argument.withDescription("A file with SQL statements; `--@ {\"n\": 1}` before one of them gives it binds")
)

const readSteps = (path: string) =>
  Effect.tryPromise({
    try: async () => readScript(await readFile(path, "utf8")),
    catch: recorderError(`the script ${path}`)
  })

const readRecording = (path: string) =>
  Effect.tryPromise({
    try: async () => parseRecording(await readFile(path, "utf8")),
    catch: recorderError(`the recording ${path}`)
  })

export const recordCommand = Command.make(
  "record",
  {
    script: scriptArgument,
    output: Flag.String("output").pipe(
      Flag.withAlias("o"),
      Flag.withDescription("The file to write the recording to")
    )
  },
  Effect.fnUntraced(function*({ output, script }) {
    const steps = yield* readSteps(script)
    const recording = yield* record(yield* targetOfEnvironment, steps)
    yield* Effect.tryPromise({
      try: () => writeFile(output, `${JSON.stringify(recording, undefined, 2)}\n`),
      catch: recorderError(`the recording ${output}`)
    })
    yield* Console.log(`${recording.steps.length} statements on ${recording.version} recorded in ${output}`)
  })
).pipe(Command.withDescription("Play a script on the database of ORACLE_CONNECT_STRING and keep its answers in a file"))

export const compareCommand = Command.make(
  "compare",
  {
    script: scriptArgument,
    recording: Flag.String("recording").pipe(
      Flag.withAlias("r"),
      Flag.withDescription("What `record` has written; without it the database of ORACLE_CONNECT_STRING is asked"),
      Flag.optional
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print the differences as JSON"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function*({ json, recording, script }) {
    const steps = yield* readSteps(script)
    let user = "scott"
    let real: Recording
    if (Option.isSome(recording)) real = yield* readRecording(recording.value)
    else {
      const target = yield* targetOfEnvironment
      user = target.user
      real = yield* record(target, steps)
    }
    const ours = yield* recordEmbedded(steps, { user, version: real.version })
    const found = differences(real, ours)
    if (json) yield* Console.log(JSON.stringify(found, undefined, 2))
    else {
      const names = { script, left: `Oracle ${real.version}`, right: "embedded" }
      for (const line of describeDifferences(found, names)) yield* Console.log(line)
      yield* Console.log(`differences: ${found.length}, statements: ${steps.length}`)
    }
    if (found.length > 0) return yield* new DatabasesDiffer({ count: found.length })
  })
).pipe(
  Command.withDescription("Play a script on a real database and on the embedded server, and print where they differ")
)
