/**
 * A fleet of real processes that share a budget of sessions on one embedded server: they start, burst, are killed, are replaced and end. The
 * server itself refuses sessions beyond the budget, and one more for a process that has not joined yet. It fails when one was refused, when a
 * caller saw an error, or when shares do not move in time.
 *
 * Usage: npm run cluster -- budget [--processes 8 --total 42 --seconds 30 --seed 7]
 */
import { Effect, Layer, Redacted } from "effect"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { OracleClient, SessionBudget } from "../packages/oracle/src/index.ts"
import type { Said } from "../packages/oracle/test/budgetProcess.ts"
import { embedded } from "../packages/oracle/test/database.ts"
import { randomBelow } from "../packages/oracle/test/fleet.ts"

const { values } = parseArgs({
  options: {
    processes: { type: "string", default: "8" },
    total: { type: "string", default: "42" },
    seconds: { type: "string", default: "30" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) }
  }
})
const size = Number(values.processes)
const total = Number(values.total)
const below = randomBelow(Number(values.seed))
const interval = 2000
const expiry = 15_000
const forget = 30_000
/** How long shares may take to move on a machine that has other work. */
const patience = 60_000
const entry = fileURLToPath(new URL("../packages/oracle/test/budgetProcess.ts", import.meta.url))

const problems: Array<string> = []
const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`

/** A process of the fleet, as far as this one knows. */
class Process {
  readonly child: ChildProcess
  share = 0
  open = 0
  served = 0
  isJoined = false
  isOver = false

  constructor(connectString: string, user: string, password: string) {
    this.child = fork(
      entry,
      [connectString, user, String(total), String(interval), String(expiry), String(forget)],
      { env: { ...process.env, BUDGET_PASSWORD: password }, stdio: ["ignore", "inherit", "inherit", "ipc"] }
    )
    this.child.on("message", (said: Said) => {
      if (said._tag === "Joined") this.isJoined = true
      else if (said._tag === "Has") Object.assign(this, said)
      else if (!this.isOver) problems.push(`a caller saw an error: ${said.problem.slice(0, 300)}`)
    })
  }

  work(want: number): void {
    this.child.send({ want })
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.isOver = true
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exit = once(this.child, "exit")
    this.child.kill(signal)
    await exit
  }
}

const main = Effect.gen(function*() {
  const { connect, server } = yield* embedded({ maxSessions: total + 1 })
  yield* Effect.provide(
    Effect.void,
    SessionBudget.layerMigrations().pipe(Layer.provide(OracleClient.layer({ ...connect, max: 3 })))
  )
  let fleet: Array<Process> = []
  yield* Effect.addFinalizer(() => Effect.promise(() => Promise.all(fleet.map((each) => each.end("SIGKILL")))))

  let mostOpen = 0
  let mostJoined = 0
  const watch = Effect.forever(Effect.gen(function*() {
    const open = (yield* server.sessions).length
    mostOpen = Math.max(mostOpen, open)
    mostJoined = Math.max(mostJoined, open - fleet.filter(({ isJoined, isOver }) => !isJoined && !isOver).length)
    yield* Effect.sleep("10 millis")
  }))
  yield* Effect.forkScoped(watch)

  /** Waits until something is so; tells how long it took. */
  const until = Effect.fnUntraced(function*(what: string, isSo: () => boolean) {
    const since = performance.now()
    while (!isSo() && performance.now() - since < patience) yield* Effect.sleep("20 millis")
    if (!isSo()) {
      problems.push(`${what}: not within ${patience / 1000} s (shares ${fleet.map(({ share }) => share).join(", ")})`)
    } else console.log(`${what}: ${seconds(since)}`)
  })
  const start = Effect.fnUntraced(function*() {
    const made = new Process(connect.connectString, connect.user, Redacted.value(connect.password))
    fleet = [...fleet, made]
    const since = performance.now()
    while (!made.isJoined && performance.now() - since < patience) yield* Effect.sleep("10 millis")
    if (!made.isJoined) problems.push(`a process has not joined within ${patience / 1000} s`)
    return made
  })
  const end = (each: Process, signal: "SIGKILL" | "SIGTERM") =>
    Effect.promise(async () => {
      await each.end(signal)
      fleet = fleet.filter((other) => other !== each)
    })
  const fair = () => Math.floor(total / fleet.length)
  const isFair = () => fleet.every(({ share }) => share >= fair())

  const half = Math.ceil(size / 2)
  for (let n = 0; n < half; n++) yield* start()
  for (const each of fleet) each.work(50)
  yield* until(`${half} processes that all want more share ${total} sessions`, isFair)
  for (let n = half; n < size; n++) (yield* start()).work(50)
  yield* until(`${size - half} more have grown to their shares`, isFair)

  const [victim] = fleet
  yield* end(victim!, "SIGKILL")
  yield* until("one was killed, and the others have its share", isFair)
  const newcomer = yield* start()
  newcomer.work(50)
  yield* until("a new one has grown to its share", () => newcomer.share >= fair())

  const from = performance.now()
  let kills = 0
  while (performance.now() - from < Number(values.seconds) * 1000) {
    for (const each of fleet) if (below(3) === 0) each.work(below(3) === 0 ? 50 : below(6))
    if (below(4) === 0) {
      kills++
      yield* end(fleet[below(fleet.length)]!, below(2) === 0 ? "SIGKILL" : "SIGTERM")
      ;(yield* start()).work(below(50))
    }
    yield* Effect.sleep("500 millis")
  }
  console.log(`${values.seconds} s of changing work, ${kills} processes ended and replaced`)
  for (const each of fleet) each.work(50)
  yield* until("all want more again", isFair)
  const served = fleet.reduce((all, each) => all + each.served, 0)
  for (const each of fleet.slice(1)) yield* end(each, "SIGTERM")
  const [last] = fleet
  yield* until(
    "all but one have ended normally, and it has what it can use",
    () => last!.share >= Math.min(total - 2, 51)
  )

  const { failedLogons } = yield* server.counters
  console.log(
    `at most ${mostJoined} sessions of processes that had joined, ${mostOpen} in all, of a budget of ${total}; ` +
      `${served} queries by those that were there in the end, ${failedLogons} log-ons refused`
  )
  if (failedLogons > 0) problems.push(`the database refused ${failedLogons} log-ons, beyond the budget and one`)
  if (mostJoined > total) problems.push(`the database saw ${mostJoined} sessions of a budget of ${total}`)
}).pipe(Effect.scoped)

console.log(`seed ${values.seed}`)
await Effect.runPromise(main)
for (const problem of new Set(problems)) console.error(`- ${problem}`)
if (problems.length > 0) process.exitCode = 1
