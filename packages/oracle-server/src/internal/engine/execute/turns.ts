/**
 * Who works next: statements that have used up their time stand in a queue, and the event loop gets a round of its own
 * before each of them goes on. So sockets and timers are served between any two slices, and sessions share the time fairly.
 */
import type { Step } from "../storage/waiting.ts"

const queue: Array<() => void> = []
let running = false

const next = (): void => {
  const resume = queue.shift()
  if (resume === undefined) {
    running = false
    return
  }
  setImmediate(next)
  resume()
}

/** Milliseconds of work between two turns of the event loop. */
const slice = 4
/** Items between two looks at the clock. */
const fuel = 256

/** Visits items a slice at a time: a definition that looks at many rows lets others work, and can be broken. */
export function* inTurns<A>(items: Iterable<A>, clock: () => number, visit: (item: A) => void): Step<void> {
  let until = clock() + slice
  let left = fuel
  for (const item of items) {
    visit(item)
    if (--left > 0) continue
    left = fuel
    if (clock() < until) continue
    yield turn
    until = clock() + slice
  }
}

/** Work in pieces, with a turn of the event loop whenever its time is used up. */
export function* inPieces<A>(work: Generator<undefined, A, void>, clock: () => number): Step<A> {
  let until = clock() + slice
  for (;;) {
    const next = work.next()
    if (next.done === true) return next.value
    if (clock() < until) continue
    yield turn
    until = clock() + slice
  }
}

/** Resolves when it is this statement's turn again; rejects when the signal aborts. */
export const turn = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    queue.push(() => {
      if (signal.aborted) reject(signal.reason as Error)
      else resolve()
    })
    if (running) return
    running = true
    setImmediate(next)
  })
