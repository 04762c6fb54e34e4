/** Runs every example and compares what it prints with what it says it prints. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock, TestConsole } from "effect/testing"
import { readdirSync, readFileSync } from "node:fs"
import * as PoolUnderTrouble from "./pool-under-trouble.ts"

interface Example {
  readonly main: Effect.Effect<void, unknown>
}

const printed = (source: string): ReadonlyArray<string> | undefined =>
  /\/\* Prints:\n([^]*?)\n\*\//.exec(source)?.[1]?.split("\n")

describe("examples", () => {
  for (const file of readdirSync(import.meta.dirname)) {
    if (!file.endsWith(".ts") || file.endsWith(".test.ts")) continue
    const expected = printed(readFileSync(`${import.meta.dirname}/${file}`, "utf8"))
    if (expected === undefined) continue
    const name = file.slice(0, -".ts".length)
    it.live(name, () =>
      Effect.gen(function*() {
        const example: Example = yield* Effect.promise(() => import(/* @vite-ignore */ `./${name}.ts`))
        yield* example.main
        const lines = yield* TestConsole.logLines
        assert.deepStrictEqual(lines.join("\n").split("\n"), expected)
      }).pipe(Effect.provide(TestConsole.layer)))
  }

  it.effect("pool-under-trouble", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(PoolUnderTrouble.main)
      yield* TestClock.adjust("20 seconds")
      yield* Fiber.join(fiber)
      const lines = (yield* TestConsole.logLines).join("\n")
      assert.match(lines, /Work done +\d{4}\n/)
      assert.match(lines, /never more than 8 at once/)
      assert.match(lines, /Left behind +nothing/)
    }).pipe(Effect.provide(TestConsole.layer)))
})
