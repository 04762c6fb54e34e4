/**
 * A fleet that shares a budget of sessions, simulated under a virtual clock: rolling deploys, crashes, the table out of reach, flapping.
 * It fails when the fleet ever has more sessions than its budget, or leaves much of it unused while all want more.
 *
 * Usage: npm run cluster -- fleet [--processes 10000 --minutes 5 --seed 7]
 */
import { Effect, Exit, Random, References } from "effect"
import { parseArgs } from "node:util"
import { memoryStore } from "../packages/oracle/src/internal/budget/budgetStore.ts"
import { makeFleet, type Process, randomBelow } from "../packages/oracle/test/fleet.ts"
import { runVirtually } from "./lib/virtualTime.ts"

const { values } = parseArgs({
  options: {
    processes: { type: "string", default: "10000" },
    minutes: { type: "string", default: "5" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) }
  }
})
const size = Number(values.processes)
const total = size * 5
const below = randomBelow(Number(values.seed))
const problems: Array<string> = []
const sum = (processes: ReadonlyArray<Process>) => processes.reduce((all, each) => all + each.sessions(), 0)

const main = Effect.gen(function*() {
  const store = memoryStore(total, { expiryMillis: 15_000, forgetMillis: 300_000, levelMillis: 1000 })
  const fleet = makeFleet(store, total)
  const processes: Array<Process> = []
  for (let n = 0; n < size; n++) processes.push(yield* fleet.start(50))
  yield* Effect.sleep("20 seconds")
  const full = Effect.fnUntraced(function*(what: string, least: number) {
    for (const each of processes) each.work(50)
    yield* Effect.sleep("40 seconds")
    const used = sum(processes)
    console.log(`${what}: ${used} of ${total} sessions in use, ${fleet.seen().mostOpen} at most until now`)
    if (used < total * least) problems.push(`${what}: only ${used} of ${total} sessions are in use`)
  })
  yield* full("all want more", 0.95)

  const seconds = Number(values.minutes) * 60
  for (let second = 0; second < seconds; second++) {
    for (let n = 0; n < size / 20; n++) processes[below(size)]!.work(below(4) === 0 ? 50 : below(8))
    for (let n = 0; n < size / 1000; n++) {
      const index = below(size)
      yield* processes[index]!.end(below(3) === 0 ? "crash" : "in order")
      processes[index] = yield* fleet.start(50)
    }
    yield* Effect.sleep("1 second")
  }
  yield* full("after deploys and crashes", 0.7)

  yield* fleet.reach(false)
  yield* Effect.sleep("30 seconds")
  const alone = sum(processes)
  console.log(`the table is out of reach: ${alone} sessions, ${processes.length} processes with floors of 2`)
  if (alone > 2 * size) problems.push(`${alone} sessions are more than the floors`)
  yield* fleet.reach(true)
  yield* full("the table is back", 0.7)

  for (let n = 0; n < 20; n++) {
    yield* fleet.reach(n % 2 === 1)
    yield* Effect.sleep("4 seconds")
  }
  yield* full("after flapping", 0.7)
  const { mostOpen, overdrawn } = fleet.seen()
  if (overdrawn > 0) problems.push(`the budget was overdrawn ${overdrawn} times, with ${mostOpen} sessions`)
})

const began = performance.now()
// Ten thousand warnings say no more than the lines here.
const exit = runVirtually(
  Random.withSeed(Effect.provideService(main, References.MinimumLogLevel, "None"), values.seed)
)
if (Exit.isFailure(exit)) throw new Error("the simulation failed", { cause: exit.cause })
console.log(
  `seed ${values.seed}: ${size} processes, ${
    ((performance.now() - began) / 1000).toFixed(1)
  } s, ${problems.length} problems`
)
for (const problem of problems) console.error(`- ${problem}`)
if (problems.length > 0) process.exitCode = 1
