/**
 * The pool at work: 60 clients share 8 sessions in three states while the database is treated badly. It takes about ten
 * seconds, needs no database, and ends with a summary.
 */
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Clock, Console, Duration, Effect, Fiber, Logger, Predicate, Random, Schedule, Stream } from "effect"

const clients = 60
const sessions = 8

/** The states that pieces of work need their sessions in, and how the work is spread over them. */
const tags = ["MODULE=SEARCH", "MODULE=BOOKING", "MODULE=PAYMENT;ISOLATION=SERIALIZABLE"] as const
const spread = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2] as const

type Pool = SessionPool.SessionPool<TestDatabase.TestConnection, unknown>

/** What is counted while the pool works. */
class Tally {
  served = 0
  readonly waits: Array<number> = []
  readonly byTag = new Map(tags.map((tag) => [tag as string, { lent: 0, hits: 0 }]))
  readonly failures = new Map<string, number>()

  lent(tag: string | undefined, hit: boolean, waitedMillis: number): void {
    this.waits.push(waitedMillis)
    const counts = this.byTag.get(tag ?? "")
    if (counts === undefined) return
    counts.lent++
    if (hit) counts.hits++
  }

  failed(error: unknown): void {
    const type = Predicate.hasProperty(error, "_tag") ? String(error._tag) : String(error)
    this.failures.set(type, (this.failures.get(type) ?? 0) + 1)
  }

  /** The wait that this part of all requests did not pass. */
  waitOf(part: number): number {
    const sorted = this.waits.toSorted((a, b) => a - b)
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  }
}

/** Says something with the time that has passed since `began`. */
const sayer = (began: number) => (text: string) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const seconds = Duration.toSeconds(now - began).toFixed(1)
    return Console.log(`${seconds.padStart(5)} s  ${text}`)
  })

type Say = ReturnType<typeof sayer>

/** A client thinks for a while, then does a piece of work in the state that it needs, and begins anew. */
const client = (pool: Pool, tally: Tally) =>
  Effect.gen(function*() {
    yield* Effect.sleep(yield* Random.nextIntBetween(100, 500))
    const tag = tags[spread[yield* Random.nextIntBetween(0, spread.length - 1)] ?? 0]
    const work = pool.use({ tag, waitTimeout: "1 second" }, (connection) =>
      Effect.gen(function*() {
        yield* connection.begin
        yield* connection.execute("select a seat for update")
        yield* connection.execute("book the seat")
        yield* connection.commit
      }))
    const error = yield* Effect.match(work, { onFailure: (error) => error, onSuccess: () => undefined })
    if (error === undefined) tally.served++
    else tally.failed(error)
  }).pipe(Effect.forever)

/** What the database has to bear, one thing after the other. */
const trouble = (pool: Pool, database: TestDatabase.TestDatabase, say: Say) =>
  Effect.gen(function*() {
    yield* Effect.sleep("2500 millis")
    const [victim] = yield* database.sessions
    if (victim !== undefined) {
      yield* database.kill(victim.number)
      yield* say(`session ${victim.number} is killed; its siblings will be pinged before they are lent again`)
    }

    yield* Effect.sleep("2 seconds")
    yield* database.refuseToOpen()
    yield* Effect.sleep("100 millis")
    yield* say(`the database goes down: ${yield* database.killAll} sessions die and none can be opened`)
    yield* Effect.sleep("1500 millis")
    yield* database.heal
    yield* say("the database is back; nothing is restarted by hand")

    yield* Effect.sleep("2 seconds")
    const report = yield* Effect.forkChild(pool.use((connection) => connection.execute("a report that takes an hour")))
    yield* Effect.sleep("500 millis")
    const before = yield* database.count("interrupted")
    yield* Fiber.interrupt(report)
    const stopped = (yield* database.count("interrupted")) - before
    yield* say(`a long statement is interrupted: the server stopped ${stopped}, and its session goes on after a ping`)
    yield* Effect.sleep("1500 millis")
  })

const workload = (database: TestDatabase.TestDatabase, tally: Tally, say: Say) =>
  Effect.gen(function*() {
    const pool: Pool = yield* SessionPool.make({
      driver: database.driver,
      name: "bookings",
      user: "scott",
      min: 2,
      max: sessions,
      increment: 2,
      onSession: (connection: TestDatabase.TestConnection, { requestedTag }) =>
        Effect.andThen(connection.execute("alter session"), connection.setTag(requestedTag))
    })
    yield* say(`${clients} clients, at most ${sessions} sessions, ${tags.length} states that sessions can be in`)
    yield* pool.events.pipe(
      Stream.runForEach((event) =>
        Effect.sync(() => {
          if (event._tag === "SessionLent") tally.lent(event.requestedTag, event.hit, event.waitedMillis)
        })
      ),
      Effect.forkScoped({ startImmediately: true })
    )
    const figures = Effect.flatMap(pool.statistics, ({ busy, idle, opening, pending }) =>
      say(`  ${tally.served} done; sessions: ${busy} busy, ${idle} idle, ${opening} opening; ${pending} wait`))
    yield* Effect.forkScoped(Effect.delay(Effect.repeat(figures, Schedule.spaced("1 second")), "1 second"))
    yield* Effect.forEach(Array.from({ length: clients }), () =>
      Effect.forkScoped(client(pool, tally)))
    yield* trouble(pool, database, say)
    yield* say("the end: clients are interrupted wherever they are, and the pool closes")
  }).pipe(Effect.scoped)

const percent = (part: number, whole: number): string => whole === 0 ? "-" : `${Math.round(100 * part / whole)} %`

const summary = (database: TestDatabase.TestDatabase, tally: Tally) =>
  Effect.gen(function*() {
    yield* Console.log(`\nWork done       ${tally.served}`)
    for (const [tag, { hits, lent }] of tally.byTag) {
      yield* Console.log(`Hit rate        ${percent(hits, lent).padStart(5)} of ${lent} requests for ${tag}`)
    }
    yield* Console.log(`Waits           p50 ${tally.waitOf(0.5)} ms, p99 ${tally.waitOf(0.99)} ms`)
    const errors = [...tally.failures].map(([type, count]) => `${count} ${type}`)
    yield* Console.log(`Errors          ${errors.length === 0 ? "none" : errors.join(", ")}`)
    const opened = yield* database.count("opened")
    const closed = yield* database.count("closed")
    yield* Console.log(
      `Sessions        ${opened} opened, ${closed} closed, never more than ${yield* database.mostOpen} at once`
    )
    yield* Console.log(`Interrupted     ${yield* database.count("interrupted")} statements stopped at the server`)
    yield* database.balance
    yield* Console.log("Left behind     nothing: every session was closed once, none was lent to two at a time")
  })

export const main = Effect.gen(function*() {
  const database = yield* TestDatabase.makeUnchecked({
    answer: ({ text }) => text.startsWith("a report") ? Effect.never : Effect.succeed(text),
    latency: { open: "80 millis", ping: "3 millis", close: "3 millis", execute: "8 millis" }
  })
  const tally = new Tally()
  yield* workload(database, tally, sayer(yield* Clock.currentTimeMillis))
  yield* summary(database, tally)
  // Without a logger: the pool also logs a warning when it cannot open sessions.
}).pipe(Effect.provide(Logger.layer([])))

if (import.meta.main) await Effect.runPromise(main)
