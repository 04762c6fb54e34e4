#!/usr/bin/env node
/** The command `sessionpool-oracle`: tools for those who run the pool on an Oracle database. */
import { Effect, Exit, Fiber, FileSystem, Layer, Path, Stdio, Terminal } from "effect"
import { Command } from "effect/cli"
import { ChildProcessSpawner } from "effect/process"
import { createRequire } from "node:module"
import { doctorCommand } from "../internal/doctor/doctorCommand.ts"
import { generateCommand } from "../internal/generate/generateCommand.ts"
import { simulateCommand } from "../internal/simulation/simulateCommand.ts"

const command = Command.make("sessionpool-oracle").pipe(
  Command.withDescription("Tools for running @sessionpool/oracle on a database"),
  Command.withSubcommands([doctorCommand, generateCommand, simulateCommand])
)

// The command starts no child processes and reads no input; these are what the CLI module asks a platform for.
const platform = Layer.mergeAll(
  FileSystem.layerNoop({}),
  Path.layer,
  Stdio.layerTest({ args: Effect.sync(() => process.argv.slice(2)) }),
  Layer.succeed(
    Terminal.Terminal,
    Terminal.make({
      columns: Effect.sync(() => process.stdout.columns ?? 80),
      rows: Effect.sync(() => process.stdout.rows ?? 24),
      size: Effect.die("the size is not watched"),
      readInput: Effect.die("no input is read"),
      readLine: Effect.die("no input is read"),
      display: (text) => Effect.sync(() => process.stdout.write(text))
    })
  ),
  Layer.succeed(
    ChildProcessSpawner.ChildProcessSpawner,
    ChildProcessSpawner.make(() => Effect.die("no process is started"))
  )
)

/** That of the package, whether this runs from the sources or as it is published. */
const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string }

const main = Command.run(command, { version }).pipe(
  // What was found has been printed already, and so has why nothing could be made.
  Effect.catchTag(
    ["DoctorFoundFailures", "GenerateFailure", "SimulateFailure"],
    () => Effect.sync(() => void (process.exitCode = 1))
  ),
  Effect.provide(platform)
)

// A full disk, or a pipe that is closed: what was asked for is not there.
process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
  process.exitCode = 1
  if (code !== "EPIPE") process.stderr.write(`The output cannot be written: ${message}\n`)
})

const fiber = Effect.runFork(main)
const stop = () => void Effect.runFork(Fiber.interrupt(fiber))
process.once("SIGINT", stop)
process.once("SIGTERM", stop)
fiber.addObserver((exit) => {
  process.removeListener("SIGINT", stop)
  process.removeListener("SIGTERM", stop)
  if (Exit.isFailure(exit) && !Exit.hasInterrupts(exit)) process.exitCode = 1
})
