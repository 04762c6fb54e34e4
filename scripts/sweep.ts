// A long run of the laws on our pool: npm run sweep -- --runs 5000 --seed 7 --length 60 --max-ops 64. Without a seed every run is
// another; a failure prints what is needed to see it again. With --only scripts or --only interrupts one half of it.
import * as Effect from "effect/Effect"
import { parseArgs } from "node:util"
import { SessionPoolLaws } from "../packages/testing/src/index.ts"

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "3000" },
    seed: { type: "string" },
    length: { type: "string", default: "50" },
    "max-ops": { type: "string", default: "64" },
    only: { type: "string" }
  }
})
const seed = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed)
const options: SessionPoolLaws.RunOptions = {
  seed,
  runs: Number(values.runs),
  length: Number(values.length),
  // From 3, below which a fiber yields before every operation and gets nowhere.
  maxOps: Array.from({ length: Number(values["max-ops"]) - 2 }, (_, index) => index + 3),
  maxOpsShuffled: [3, 5, 7, 12, 31, 64].filter((maxOps) => maxOps <= Number(values["max-ops"]))
}
const subject = SessionPoolLaws.testDatabase()
const began = performance.now()
const total = { sequences: 0, commands: 0, interruptions: 0 }
console.log(`seed ${seed}, up to ${options.length} commands in a sequence`)
const isChosen = (law: SessionPoolLaws.Law): boolean =>
  values.only === undefined || (values.only === "interrupts") === (law === SessionPoolLaws.interruptions)
for (const law of SessionPoolLaws.groups.filter(isChosen)) {
  const start = performance.now()
  const outcome = await Effect.runPromise(Effect.result(law.check(subject, options)))
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  if (outcome._tag === "Failure") {
    console.error(outcome.failure.message)
    process.exitCode = 1
    continue
  }
  const { commands, interruptions, sequences } = outcome.success
  total.sequences += sequences
  total.commands += commands
  total.interruptions += interruptions
  const what = interruptions > 0 ? `${interruptions} interrupt points` : `${sequences} sequences, ${commands} commands`
  console.log(`laws ${law.laws.join(", ")}: ${law.title}: ${what} in ${seconds} s`)
}
console.log(
  `${total.sequences} sequences, ${total.commands} commands and ${total.interruptions} interrupt points in ` +
    `${((performance.now() - began) / 1000).toFixed(1)} s`
)
