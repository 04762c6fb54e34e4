import { assert, describe, it } from "@effect/vitest"
import { formatDuration } from "../src/internal/data/durationText.ts"

describe("formatDuration", () => {
  const cases: ReadonlyArray<readonly [millis: number, text: string]> = [
    [0, "0ms"],
    [1.4, "1ms"],
    [999, "999ms"],
    [999.7, "1s"],
    [1000, "1s"],
    [2500, "2.5s"],
    [59_940, "59.9s"],
    [59_960, "1m"],
    [60_000, "1m"],
    [90_000, "1m 30s"],
    [119_600, "2m"],
    [3_600_000, "60m"],
    [Infinity, "ever"]
  ]
  for (const [millis, text] of cases) {
    it(`${millis} ms is ${text}`, () => assert.strictEqual(formatDuration(millis), text))
  }
})
