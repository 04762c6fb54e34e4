import { defineConfig } from "vitest/config"

/** What must not change when the statements of sibling fibers travel together. */
const alsoPipelined = [
  "breaks",
  "client",
  "clientStatements",
  "clientTransactions",
  "statements",
  "transaction",
  "transactionStates",
  "types",
  "valueFaults",
  "values"
].map((name) => `packages/oracle/test/${name}.test.ts`)

export default defineConfig({
  test: {
    // Most tests run under the virtual clock: one that takes this long is stuck.
    testTimeout: 30_000,
    maxWorkers: 2,
    // What a test logs is shown when it fails.
    silent: "passed-only",
    projects: [
      {
        extends: true,
        test: {
          name: "all",
          include: [
            "packages/*/test/**/*.test.ts",
            "examples/**/*.test.ts",
            "scripts/**/*.test.ts",
            "benchmarks/**/*.test.ts"
          ]
        }
      },
      {
        extends: true,
        test: { name: "pipelining", include: alsoPipelined, env: { SESSIONPOOL_PIPELINING: "on" } }
      }
    ]
  }
})
