import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "examples/**/*.test.ts",
      "scripts/**/*.test.ts",
      "benchmarks/**/*.test.ts"
    ],
    // Most tests run under the virtual clock: one that takes this long is stuck.
    testTimeout: 30_000,
    maxWorkers: 2,
    // What a test logs is shown when it fails.
    silent: "passed-only"
  }
})
