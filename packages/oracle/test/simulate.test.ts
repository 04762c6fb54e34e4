/** The command `sessionpool-oracle simulate`, run as a user runs it. */
import { assert, describe, it } from "@effect/vitest"
import { Console, Effect, FileSystem, Layer, Path, Stdio, Terminal } from "effect"
import { Command } from "effect/cli"
import { ChildProcessSpawner } from "effect/process"
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { progressLines } from "../src/internal/simulation/progressLines.ts"
import { simulateCommand } from "../src/internal/simulation/simulateCommand.ts"
import { sizesFrom } from "../src/internal/simulation/sizes.ts"
import { millisFrom, timesFrom } from "../src/internal/simulation/times.ts"

const entry = fileURLToPath(new URL("../src/bin/sessionpool-oracle.ts", import.meta.url))

const simulate = (...args: ReadonlyArray<string>) =>
  Effect.promise(() =>
    new Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>((resolve) => {
      execFile(process.execPath, [entry, "simulate", ...args], (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
      })
    })
  )

const none = Effect.die("is not used")
const platform = Layer.mergeAll(
  FileSystem.layerNoop({}),
  Path.layer,
  Stdio.layerTest({}),
  Layer.succeed(
    Terminal.Terminal,
    Terminal.make({
      columns: Effect.succeed(80),
      rows: Effect.succeed(24),
      size: none,
      readInput: none,
      readLine: none,
      display: () => Effect.void
    })
  ),
  Layer.succeed(ChildProcessSpawner.ChildProcessSpawner, ChildProcessSpawner.make(() => none))
)

/** Runs the subcommand in this process; what it prints, and whether it failed. */
const inProcess = (args: string) =>
  Effect.gen(function*() {
    const printed: Array<string> = []
    const print = (...texts: ReadonlyArray<unknown>) => void printed.push(texts.join(" "))
    const exit = yield* Command.runWith(simulateCommand, { version: "1" })(args.split(" ")).pipe(
      Effect.provideService(Console.Console, { ...console, log: print, error: print }),
      Effect.provide(platform),
      Effect.exit
    )
    return { failed: exit._tag === "Failure", output: printed.join("\n") }
  })

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "simulate-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)

describe("simulate", () => {
  it.live("prints a table, names the smallest max, and writes a plot", () =>
    Effect.gen(function*() {
      const svg = join(yield* folder, "waits.svg")
      const { code, stderr, stdout } = yield* simulate(
        ..."waits --rate 320 --hold exponential:20ms --max 7..12 --min 12 --leases 5000 --target 100ms".split(" "),
        "--svg",
        svg
      )
      assert.strictEqual(code, 0, stderr)
      assert.match(stdout, /^320 requests\/s, held exponential, mean 20 ms: work for 6\.4 sessions; seed 1\n/)
      assert.match(stdout, /\n {2}7 +9\d\.?\d?% /)
      assert.match(stdout, /The smallest max with a p99 wait within 100 ms: [789]\./)
      assert.match(stderr, /\[6\/6\] max 12\n/)
      assert.match(stderr, /27,000 leases in [\d.]+ s, [\d,]+ in a second/)
      assert.match(yield* Effect.promise(() => readFile(svg, "utf8")), /^<svg /)
    }), 60_000)

  it.live("replays a recording over a fleet, as JSON", () =>
    Effect.gen(function*() {
      const file = join(yield* folder, "leases.csv")
      yield* Effect.promise(() =>
        writeFile(file, Array.from({ length: 200 }, (_, index) => `${index * 10},${5 + index % 7}\n`).join(""))
      )
      const { code, stderr, stdout } = yield* simulate(
        ..."fleet --processes 1,3 --per-process --drcp 5 --duration 30s --times 2 --json --recording".split(" "),
        file
      )
      assert.strictEqual(code, 0, stderr)
      const points = JSON.parse(stdout) as ReadonlyArray<{ readonly servers: string; readonly processes: number }>
      assert.deepStrictEqual(points.map(({ processes, servers }) => `${processes} ${servers}`), [
        "1 dedicated",
        "1 drcp",
        "3 dedicated",
        "3 drcp"
      ])
    }), 60_000)

  it.live("says what is wrong with flags", () =>
    Effect.gen(function*() {
      for (
        const [args, message] of [
          ["waits --max 4", /Say what to simulate: --rate 300 --hold exponential:20ms, or --recording leases\.csv\./],
          ["waits --max 4 --rate 3 --hold often", /--hold must be a duration \(20ms\), exponential:20ms, or lognormal/],
          [
            "waits --max 0..4 --rate 3 --hold 1ms",
            /--max must be whole numbers from 1 to 999999, as in 4,8,16 or 4\.\.16/
          ],
          ["waits --max 4 --rate -3 --hold 1ms", /load\.rate must be a number above 0/],
          ["waits --max 4 --rate 3 --hold 1ms --increment 0", /increment must be an integer from 1/],
          ["waits --max 4 --rate 3 --hold 1ms --arrivals never", /--arrivals must be exponential, fixed or/],
          ["waits --max 4 --recording /nowhere/leases.csv", /The recording \/nowhere\/leases\.csv cannot be read\./],
          [
            "waits --max 4 --rate 3 --hold 1ms --leases 100 --svg /nowhere/a.svg",
            /"\/nowhere\/a\.svg" cannot be written \(ENOENT\)/
          ],
          // Found before minutes are spent on the simulation.
          ["waits --max 4 --rate 3 --hold 1ms --leases 10000000 --svg /", /"\/" cannot be written \(EISDIR\)/],
          ["waits --max 1..1000 --rate 3 --hold 1ms", /a range of at most 101 of them, not "1\.\.1000"/],
          ["fleet --processes 2 --rate 0.01 --hold 1ms --duration 1s", /No request came in what is counted: give more/],
          ["fleet --processes 2 --rate 3 --hold 1ms --drcp-min 3", /--drcp-min and --drcp-timeout need --drcp/]
        ] as const
      ) {
        const { failed, output } = yield* inProcess(args)
        assert.isTrue(failed, args)
        assert.match(output, message)
      }
      const help = yield* inProcess("waits --help")
      assert.isFalse(help.failed)
      assert.include(help.output, "--hold")
    }))

  it.live("ends with exit code 1 when it fails, and without a stack", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* simulate("waits", "--max", "4", "--recording", "/nowhere/leases.csv")
      assert.strictEqual(code, 1)
      assert.strictEqual(stderr, "The recording /nowhere/leases.csv cannot be read.\n")
      assert.strictEqual(stdout, "")
    }), 60_000)
})

describe("flags", () => {
  it("of durations take the usual units, but no bare number", () => {
    assert.deepStrictEqual(
      ["20ms", "1.5s", "2m", "1h", "2d", "250us", "5 minutes", "20", "soon", "-1s"].map(millisFrom),
      [20, 1500, 120_000, 3_600_000, 172_800_000, 0.25, 300_000, undefined, undefined, undefined]
    )
  })

  it("of times take a kind before them", () => {
    assert.deepStrictEqual(timesFrom("20ms"), { _tag: "Fixed", mean: 20 })
    assert.deepStrictEqual(timesFrom("fixed:20ms"), { _tag: "Fixed", mean: 20 })
    assert.deepStrictEqual(timesFrom("exponential:2s"), { _tag: "Exponential", mean: 2000 })
    assert.deepStrictEqual(timesFrom("lognormal:20ms:1.2"), { _tag: "LogNormal", mean: 20, sigma: 1.2 })
    for (
      const text of ["", "exponential", "exponential:20ms:2", "lognormal:20ms", "lognormal:20ms:0", "weibull:20ms"]
    ) {
      assert.isUndefined(timesFrom(text), text)
    }
  })

  it("of sizes take lists and ranges", () => {
    assert.deepStrictEqual(sizesFrom("8, 1..3,2"), [1, 2, 3, 8])
    for (const text of ["", "0", "4..2", "1.5", "1..1000", "a", "4,"]) assert.isUndefined(sizesFrom(text), text)
  })

  it.effect("show one line that changes on a terminal", () =>
    Effect.gen(function*() {
      const written: Array<string> = []
      const lines = progressLines({ isTTY: true, write: (text) => written.push(text) })
      yield* lines.show({ what: "max 4", number: 1, of: 2, done: 0.5 })
      yield* lines.show({ what: "max 4", number: 1, of: 2, done: 1 })
      yield* lines.clear
      assert.deepStrictEqual(written, ["\r[1/2] max 4: 50%\u001b[K", "\r[1/2] max 4: 100%\u001b[K", "\r\u001b[K"])
    }))
})
