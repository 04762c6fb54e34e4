/**
 * Ends a process whose main thread never gives its turn back, from a thread of its own, and writes down what it was told to. It goes by
 * what the processor has worked since the last turn: a machine that is busy with other work ends nothing.
 */
import { appendFileSync } from "node:fs"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"

/** What is written to a file when the process has to be ended. */
interface Note {
  readonly file: string
  readonly line: string
}

/** In microseconds of the processor. */
const limit = 3_000_000
const pause = 250

/** Watches this process, and gives what to call with the note that holds from now on. */
export const watchTurns = (): (note: Note) => void => {
  const turns = new Int32Array(new SharedArrayBuffer(4))
  setInterval(() => void Atomics.add(turns, 0, 1), pause).unref()
  const watch = new Worker(new URL(import.meta.url), { workerData: turns })
  watch.unref()
  return (note) => watch.postMessage(note, [])
}

if (!isMainThread) {
  const turns = workerData as Int32Array
  let note: Note | undefined
  parentPort!.on("message", (next: Note) => (note = next))
  const worked = () => {
    const { system, user } = process.cpuUsage()
    return system + user
  }
  let last = Atomics.load(turns, 0)
  let since = worked()
  setInterval(() => {
    const now = Atomics.load(turns, 0)
    if (now !== last) {
      last = now
      since = worked()
    } else if (worked() - since > limit) {
      if (note !== undefined) appendFileSync(note.file, note.line)
      process.kill(process.pid, "SIGKILL")
    }
  }, pause)
}
