/** Reading the heap exactly. */
import { Effect } from "effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

// Node itself need not be started with the flag.
setFlagsFromString("--expose-gc")
const collect: (options?: { readonly type: "minor" }) => void = runInNewContext("gc")

const used = (): number => process.memoryUsage().heapUsed

/** The bytes of buffers are not in the heap, and are freed with what holds them. */
const usedInAll = (): number => {
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

let usedAfterCollection = 0

/** Collects garbage, so that no measurement pays for what others have left; not for less than a megabyte of it. */
export const collectGarbage = (): void => {
  if (usedInAll() - usedAfterCollection < 2 ** 20) return
  collect()
  usedAfterCollection = usedInAll()
}

/** Bytes in use at once, after what nothing refers to is collected; buffers are counted with the heap. */
export const inUse = (): number => {
  collect()
  return usedInAll()
}

/** How carefully the heap is read: how often garbage is collected, and how long the heap may come to rest after each time. */
export interface Care {
  readonly collections: number
  readonly pauseMillis: number
}

/** Bytes in use once nothing is left to collect, finalizers included. */
export const settled = ({ collections, pauseMillis }: Care): Effect.Effect<number> =>
  Effect.promise(async () => {
    for (let i = 0; i < collections; i++) {
      collect()
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
    // What is left lies where it disturbs no measurement.
    collect({ type: "minor" })
    const before = used()
    await run(times)
    return used() - before
  }
  return Effect.promise(async () => {
    const least = await allocated(few)
    return (await allocated(many) - least) / (many - few)
  })
}
