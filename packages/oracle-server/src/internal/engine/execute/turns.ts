/**
 * Who works next: statements that have used up their time stand in a queue, and the event loop gets a round of its own
 * before each of them goes on. So sockets and timers are served between any two slices, and sessions share the time fairly.
 */
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
