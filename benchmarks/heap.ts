/** Reading the heap exactly. */
import { Effect } from "effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

// Node itself need not be started with the flag.
setFlagsFromString("--expose-gc")
export const collectGarbage: () => void = runInNewContext("gc")

const used = (): number => process.memoryUsage().heapUsed

/** Bytes in use once nothing is left to collect, finalizers included. */
export const settled = (pauseMillis: number): Effect.Effect<number> =>
  Effect.promise(async () => {
    for (let i = 0; i < 4; i++) {
      collectGarbage()
      await new Promise((resolve) => setTimeout(resolve, pauseMillis))
    }
    return used()
  })

/**
 * Bytes that one of the operations of `run` allocates. Two runs are compared, so that what a run costs once drops out; both are small
 * enough to end before the collector would run, which would hide what it collects.
 */
export const allocatedEach = (run: (times: number) => Promise<void>): Effect.Effect<number> => {
  const [few, many] = [50, 250]
  const allocated = async (times: number): Promise<number> => {
    collectGarbage()
    const before = used()
    await run(times)
    return used() - before
  }
  return Effect.promise(async () => {
    const least = await allocated(few)
    return (await allocated(many) - least) / (many - few)
  })
}
