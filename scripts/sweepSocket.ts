// Random work over a socket with latency, for long: npm run sweep -- socket --rounds 2000 --seed 7. Without a seed every run is another.
import * as Effect from "effect/Effect"
import { parseArgs } from "node:util"
import { playRounds } from "../packages/oracle/test/socketRounds.ts"

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "1000" }, seed: { type: "string" } }
})
const seed = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed)
const began = performance.now()
const { interrupts, problems, rounds } = await Effect.runPromise(playRounds(seed, Number(values.rounds)))
for (const problem of problems) console.error(`- ${problem}`)
if (problems.length > 0) process.exitCode = 1
const seconds = ((performance.now() - began) / 1000).toFixed(1)
console.log(`seed ${seed}: ${rounds} rounds, ${interrupts} interrupts in ${seconds} s, ${problems.length} problems`)
