#!/usr/bin/env node
/** The command: starts one server, says where it listens, and stops it on a signal. */
import { Console, Effect, Exit, Fiber, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { commandPlatform } from "../internal/commandPlatform.ts"
import { compareCommand, recordCommand } from "../internal/recorder/commands.ts"
import * as OracleServer from "../OracleServer.ts"

const userAndPassword = (text: string): readonly [string, string] => {
  const slash = text.indexOf("/")
  return slash < 0 ? [text, text] : [text.slice(0, slash), text.slice(slash + 1)]
}

const printRequests = (server: OracleServer.Service) =>
  Effect.gen(function*() {
    let last = 0
    for (;;) {
      yield* Effect.sleep("250 millis")
      for (const request of yield* server.requests) {
        if (request.number <= last) continue
        last = request.number
        const outcome = request.error === undefined ? "..." : request.error === 0 ? "ok" : `ORA-${request.error}`
        const who = request.sid === undefined
          ? `connection ${request.connection}`
          : `sid ${request.sid} ${request.user}`
        yield* Console.log(`${request.number}  ${who}  ${request.function}  ${outcome}  ${request.sql ?? ""}`.trimEnd())
      }
    }
  })

const command = Command.make(
  "sessionpool-oracle-server",
  {
    port: Flag.Int("port").pipe(
      Flag.withAlias("p"),
      Flag.withDescription("Port to listen on, on the loopback interface; 0 takes a free one"),
      Flag.withDefault(1521)
    ),
    service: Flag.String("service").pipe(
      Flag.withDescription("Service name that clients ask for"),
      Flag.withDefault("FREEPDB1")
    ),
    user: Flag.String("user").pipe(
      Flag.withAlias("u"),
      Flag.withDescription("A user as name/password"),
      Flag.withDefault("scott/tiger")
    ),
    script: Flag.String("script").pipe(
      Flag.withAlias("s"),
      Flag.withDescription("A file with SQL statements to run before listening"),
      Flag.optional
    ),
    log: Flag.Boolean("log").pipe(
      Flag.withDescription("Print every request"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function*({ log, port, script, service, user }) {
    const [name, password] = userAndPassword(user)
    const sql = Option.isNone(script) ? undefined : yield* Effect.tryPromise({
      try: () => readFile(script.value, "utf8"),
      catch: (cause) =>
        new OracleServer.OracleServerError({ message: `the script ${script.value} cannot be read`, cause })
    })
    const server = yield* OracleServer.make({
      port,
      service,
      users: { [name]: password },
      ...(sql === undefined ? {} : { script: sql })
    })
    yield* Console.log(`listening: ${name}/<password>@${server.connectString}`)
    return yield* log ? printRequests(server) : Effect.never
  }, Effect.scoped)
).pipe(
  Command.withDescription("An Oracle-speaking server in one process, for tests and demos"),
  Command.withSubcommands([recordCommand, compareCommand])
)

/** That of the package, whether this runs from the sources or as it is published. */
const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string }

const main = Command.run(command, { version }).pipe(
  // The differences have been printed already.
  Effect.catchTag("DatabasesDiffer", () => Effect.sync(() => void (process.exitCode = 1))),
  Effect.tapError((error) =>
    error._tag === "OracleServerError" || error._tag === "RecorderError" ? Console.error(error.message) : Effect.void
  ),
  Effect.provide(commandPlatform(process.argv.slice(2)))
)

const fiber = Effect.runFork(main)
const stop = () => void Effect.runFork(Fiber.interrupt(fiber))
process.once("SIGINT", stop)
process.once("SIGTERM", stop)
fiber.addObserver((exit) => {
  process.removeListener("SIGINT", stop)
  process.removeListener("SIGTERM", stop)
  if (Exit.isFailure(exit) && !Exit.hasInterrupts(exit)) process.exitCode = 1
})
