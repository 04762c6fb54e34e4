/**
 * Transactions whose sessions end before, during and after their commits, many at once: `npm run sweep -- commits --rounds 10000 --seed 1`.
 * Ends with a failure when one was lost or doubled.
 */
import { Effect } from "effect"
import { parseArgs } from "node:util"
import { type CommitCounts, commitRounds } from "../packages/oracle/test/commitRounds.ts"

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "10000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    pools: { type: "string", default: "8" }
  }
})
const rounds = Number(values.rounds)
const seed = Number(values.seed)
const pools = Number(values.pools)

const startedAt = performance.now()
const results = await Effect.runPromise(Effect.forEach(
  Array.from({ length: pools }, (_, index) => index),
  (index) => Effect.scoped(commitRounds({ rounds: Math.ceil(rounds / pools), seed: seed + index })),
  { concurrency: "unbounded" }
))

const sums: Partial<Record<keyof CommitCounts, number>> = {}
for (const { counts } of results) {
  for (const [name, count] of Object.entries(counts) as Array<[keyof CommitCounts, number]>) {
    sums[name] = (sums[name] ?? 0) + count
  }
}
const problems = results.flatMap((result) => result.problems)
console.log(`seed ${seed}, ${rounds} transactions in ${Math.round((performance.now() - startedAt) / 1000)} s:`, sums)
for (const problem of problems) console.log(problem)
console.log(problems.length === 0 ? "none lost, none doubled" : `${problems.length} problems`)
process.exit(problems.length === 0 ? 0 : 1)
