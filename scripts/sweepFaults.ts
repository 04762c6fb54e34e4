// The long sweep of faults: npm run sweep -- faults --step 1 --stall-step 7 --phase connect --phase commit
// Cuts, or silences, the connection between the driver and the embedded server after every byte of what a lease sends and
// receives, and says what came of it. Exits with 1 when anything was lost.
import * as Effect from "effect/Effect"
import { parseArgs } from "node:util"
import { describeSweep, type Ending, type Pass, phases, sweep } from "../packages/oracle/test/faultSweep.ts"

const { values } = parseArgs({
  options: {
    phase: { type: "string", multiple: true, default: [...phases] },
    step: { type: "string", default: "1" },
    "stall-step": { type: "string" },
    concurrency: { type: "string", default: "6" }
  }
})
const steps: { readonly [E in Ending]: number } = {
  cut: Number(values.step),
  stall: Number(values["stall-step"] ?? values.step)
}
const endings = Object.entries(steps).filter(([, step]) => step > 0) as ReadonlyArray<[Ending, number]>
const passes: ReadonlyArray<Pass> = phases
  .filter((phase) => values.phase.includes(phase))
  .flatMap((phase) =>
    endings.flatMap(([ending, step]) =>
      (["toClient", "toServer"] as const).map((direction) => ({ phase, direction, ending, step }))
    )
  )

const began = performance.now()
const total = { offsets: 0, problems: 0 }
const outcomes = new Map<string, number>()

const run = (pass: Pass) =>
  Effect.map(sweep(pass), (result) => {
    console.log(describeSweep(result))
    for (const problem of result.problems) console.error(`  ${problem}`)
    total.offsets += result.offsets
    total.problems += result.problems.length
    for (const [name, count] of result.outcomes) outcomes.set(name, (outcomes.get(name) ?? 0) + count)
  })

await Effect.runPromise(Effect.forEach(passes, run, { concurrency: Number(values.concurrency), discard: true }))

const sorted = [...outcomes].toSorted(([, a], [, b]) => b - a).map(([name, count]) => `${count} ${name}`)
console.log(
  `${total.offsets} offsets in ${((performance.now() - began) / 1000).toFixed(1)} s: ${sorted.join(", ")}; ` +
    `${total.problems} problems`
)
process.exitCode = total.problems > 0 ? 1 : 0
