/** How vitest runs under the mutation tool: the packages of the folder that is mutated, and only the tests that were chosen. */
import { join } from "node:path"
import { defineConfig } from "vitest/config"

// The tool works on a copy of the repository and runs there.
const packages = join(process.cwd(), "packages")

export default defineConfig({
  resolve: {
    // The copy's `node_modules` lead back to the sources that are not mutated.
    alias: [
      { find: /^@sessionpool\/([a-z-]+)$/, replacement: join(packages, "$1", "src", "index.ts") },
      { find: /^@sessionpool\/([a-z-]+)\/(.+)$/, replacement: join(packages, "$1", "src", "$2.ts") }
    ]
  },
  test: {
    include: (process.env.SESSIONPOOL_MUTATION_TESTS ?? "").split(","),
    testTimeout: 30_000,
    maxWorkers: 1
  }
})
