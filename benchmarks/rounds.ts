/** How candidates take turns, and how what they take is timed. */
import { Effect } from "effect"
import { Bench } from "tinybench"
import { permutation } from "./permutation.ts"
import type { Figure } from "./row.ts"

/**
 * Runs every candidate once a round, in an order of its own for each round. So whatever the machine does meanwhile hits all alike,
 * and none always comes after the same other, which may have warmed up what both use.
 */
export const takeTurns = <C, E, R>(
  candidates: ReadonlyArray<C>,
  rounds: number,
  run: (candidate: C) => Effect.Effect<unknown, E, R>
): Effect.Effect<void, E, R> =>
  Effect.gen(function*() {
    for (let round = 0; round < rounds; round++) {
      for (const index of permutation(candidates.length, round)) yield* run(candidates[index]!)
    }
  })

/** Runs `run` over and over for so long, after a warm-up; answers the milliseconds of the median run. */
export const millisOfMedian = (
  run: () => Promise<unknown>,
  { time, warmup }: { readonly time: number; readonly warmup: number }
): Effect.Effect<number> =>
  Effect.promise(async () => {
    const bench = new Bench(
      time === 0
        ? { time, iterations: 1, warmup: false }
        : { time, iterations: 10, warmupTime: warmup, warmupIterations: 3 }
    )
    bench.add("run", run)
    await bench.run()
    const { result } = bench.tasks[0]!
    if (result.state !== "completed") throw new Error("a run failed", { cause: result })
    return result.latency.p50
  })

/** Runs `lease` so often, one after the other, in one fiber. */
export const repeat = (lease: () => Effect.Effect<unknown, unknown>, times: number): Promise<void> => {
  let left = times
  return Effect.runPromise(Effect.asVoid(Effect.whileLoop({
    while: () => left-- > 0,
    body: lease,
    step: () => {}
  })))
}

/** Collects figures, round by round. */
export class Figures {
  readonly #all = new Map<string, Figure & { readonly values: Array<number> }>()

  add(of: Omit<Figure, "values">, ...values: ReadonlyArray<number>): void {
    const key = JSON.stringify([of.group, of.size, of.candidate, of.metric])
    const known = this.#all.get(key)
    if (known === undefined) this.#all.set(key, { ...of, values: [...values] })
    else known.values.push(...values)
  }

  /** By group, size, candidate and quantity; groups and candidates in the order of `of`, which is not that of the rounds. */
  list(of: ReadonlyArray<{ readonly group?: string; readonly name: string }>): ReadonlyArray<Figure> {
    const figures = [...this.#all.values()]
    const place = (names: ReadonlyArray<string | undefined>) => {
      const places = new Map<string | undefined, number>()
      for (const name of names) if (!places.has(name)) places.set(name, places.size)
      return (name: string) => places.get(name) ?? places.size
    }
    const groups = place([...of, ...figures].map(({ group }) => group))
    const candidates = place(of.map(({ name }) => name))
    const metrics = place(figures.map(({ metric }) => metric))
    const orders = [
      ({ group }: Figure) => groups(group),
      ({ size = 0 }: Figure) => size,
      ({ candidate }: Figure) => candidates(candidate),
      ({ metric }: Figure) => metrics(metric)
    ]
    return figures.sort((a, b) => {
      for (const order of orders) {
        const difference = order(a) - order(b)
        if (difference !== 0) return difference
      }
      return 0
    })
  }
}
