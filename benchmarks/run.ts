/**
 * Runs the candidates against each other in one process: `npm run bench`. They take turns within every round, so that what
 * the machine does meanwhile hits all alike. `--quick` runs each once, to see that it works.
 */
import { Console, Effect } from "effect"
import { Bench } from "tinybench"
import { uncontended } from "./candidates.ts"

const leasesPerRun = 1000
const quick = process.argv.includes("--quick")
const rounds = quick ? 1 : 9

const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]!
}

const main = Effect.gen(function*() {
  const candidates = yield* uncontended(10)
  const nanos = new Map<string, Array<number>>(candidates.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    const bench = new Bench(quick ? { iterations: 1, time: 0, warmup: false } : { time: 150, warmupTime: 50 })
    for (const { name, run } of candidates) bench.add(name, () => run(quick ? 10 : leasesPerRun))
    yield* Effect.promise(() => bench.run())
    for (const task of bench.tasks) {
      if (task.result.state !== "completed") return yield* Effect.die(`${task.name} did not complete`)
      nanos.get(task.name)!.push(task.result.latency.p50 * 1e6 / (quick ? 10 : leasesPerRun))
    }
  }
  const base = nanos.get("Effect Pool.use")!
  yield* Console.log(`borrow and return, uncontended; ${rounds} rounds, Node ${process.version}\n`)
  yield* Console.log(
    `${"candidate".padEnd(32)}${"median".padStart(10)}${"spread".padStart(12)}   ratio to Effect Pool.use`
  )
  for (const [name, values] of nanos) {
    const ratio = median(values.map((value, round) => value / base[round]!))
    const spread = (Math.max(...values) - Math.min(...values)) / median(values)
    yield* Console.log(
      `${name.padEnd(32)}${`${median(values).toFixed(0)} ns`.padStart(10)}${
        `${(spread * 100).toFixed(0)} %`.padStart(12)
      }   ${ratio.toFixed(2)}`
    )
  }
}).pipe(Effect.scoped)

await Effect.runPromise(main)
