/** Tells how far a simulation is: one line that changes on a terminal, a line for each run elsewhere. */
import * as Effect from "effect/Effect"
import type { Progress } from "./simulationOptions.ts"

interface Output {
  readonly isTTY?: boolean | undefined
  readonly write: (text: string) => unknown
}

export const progressLines = (output: Output) => {
  const began = performance.now()
  let shownAt = -Infinity
  let last = ""
  return {
    show: ({ done, number, of, what }: Progress) =>
      Effect.sync(() => {
        const line = `[${number}/${of}] ${what}`
        if (output.isTTY === true) {
          const now = performance.now()
          if (now - shownAt < 100 && done < 1) return
          shownAt = now
          output.write(`\r${line}: ${Math.floor(done * 100)}%\u001b[K`)
        } else if (line !== last) output.write(`${line}\n`)
        last = line
      }),
    clear: Effect.sync(() => {
      if (output.isTTY === true && last !== "") output.write("\r\u001b[K")
    }),
    /** How fast it was. */
    summary: (leases: number) =>
      Effect.sync(() => {
        const seconds = (performance.now() - began) / 1000
        const count = (value: number) => Math.round(value).toLocaleString("en-US")
        output.write(`${count(leases)} leases in ${seconds.toFixed(1)} s, ${count(leases / seconds)} in a second\n`)
      })
  }
}
