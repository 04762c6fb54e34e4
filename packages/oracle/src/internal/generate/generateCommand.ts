/** The subcommand `generate`: reads the dictionary of a schema, and writes a module with its types, rows and routines. */
import { Command, Flag } from "effect/cli"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { writeFile } from "node:fs/promises"
import { connectFlags, targetOf } from "../commandTarget.ts"
import { openPool } from "../doctor/probe.ts"
import { readDictionary } from "./dictionary.ts"
import { render } from "./render.ts"

/** Nothing could be written; why has been printed. */
class GenerateFailure extends Data.TaggedError("GenerateFailure")<{ readonly message: string }> {}

const flags = {
  ...connectFlags,
  schema: Flag.String("schema").pipe(
    Flag.withAlias("s"),
    Flag.withDescription(
      "The schema to read; statements then qualify its names. Default: the user that logs on, unqualified"
    ),
    Flag.optional
  ),
  output: Flag.String("output").pipe(
    Flag.withAlias("o"),
    Flag.withDescription("The file to write; default: the standard output"),
    Flag.optional
  ),
  names: Flag.Literals("names", ["upper", "lower", "camel"]).pipe(
    Flag.withDescription("How columns, attributes and arguments are named"),
    Flag.withDefault("camel")
  ),
  numbers: Flag.Literals("numbers", ["number", "bigDecimal"]).pipe(
    Flag.withDescription("What a NUMBER is"),
    Flag.withDefault("number")
  )
}

const failure = (error: { readonly message: string }) => new GenerateFailure({ message: error.message })

export const generateCommand = Command.make(
  "generate",
  flags,
  Effect.fnUntraced(
    function*(given) {
      const schema = Option.getOrUndefined(given.schema)
      const pool = yield* Effect.mapError(openPool(targetOf(given), { name: "generate" }), failure)
      const connection = yield* Effect.mapError(pool.acquire(), failure)
      const owner = schema?.toUpperCase() ?? given.user.toUpperCase()
      const dictionary = yield* Effect.mapError(
        readDictionary(connection, owner, (part, count) => Console.error(`${owner}: ${count} ${part}`)),
        failure
      )
      const module = render(dictionary, {
        columnNames: given.names,
        numbers: given.numbers,
        isQualified: schema !== undefined
      })
      const file = Option.getOrUndefined(given.output)
      if (file === undefined) return yield* Console.log(module)
      yield* Effect.tryPromise({
        try: () => writeFile(file, module),
        catch: () => new GenerateFailure({ message: `${file} cannot be written` })
      })
      yield* Console.error(`written: ${file}`)
    },
    Effect.scoped,
    // The standard output is for the module.
    Effect.provide(Logger.layer([])),
    Effect.tapError((error) => Console.error(error.message))
  )
).pipe(
  Command.withDescription(
    "Writes TypeScript for a schema: Schemas of its types and rows, and functions that call its procedures and functions"
  )
)
