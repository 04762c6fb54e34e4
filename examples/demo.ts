/**
 * `npm run demo`: an Oracle-speaking server in this process, the unmodified `oracledb` driver over a real socket, and the
 * pool between them and sixty clients. The database is treated badly meanwhile. Ends with a summary and a picture.
 *
 * With `--console` a page shows it in the browser, and stays until Ctrl+C. With `ORACLE_CONNECT_STRING`, `ORACLE_USER` and `ORACLE_PASSWORD` set, the same work runs on that database.
 */
import { OracleSessionPool } from "@sessionpool/oracle"
import { Clock, Console, Effect, Fiber, Logger, Schedule, Stream } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { serveConsole, untilInterrupted } from "./demo/console.ts"
import { database } from "./demo/database.ts"
import { line, redraw, screen } from "./demo/liveView.ts"
import { SessionHistory } from "./demo/sessionHistory.ts"
import { Tally } from "./demo/tally.ts"
import { draw } from "./demo/timeline.ts"
import { trouble } from "./demo/trouble.ts"
import { client, clients, createTables, prepare, sessions, tags } from "./demo/workload.ts"

const picture = "build/demo-timeline.svg"

/** How the demo shows itself. */
export interface Presentation {
  /** Whether the view is redrawn in place. */
  readonly isTerminal: boolean
  readonly write: (text: string) => Effect.Effect<void>
  /** The port of the pool's page; 0 is any that is free. Without one there is no page. */
  readonly consolePort?: number
}

/** Shows the pool until the scope ends. */
const watch = (
  pool: OracleSessionPool.Pool,
  parts: { readonly history: SessionHistory; readonly tally: Tally; readonly began: number },
  presentation: Presentation
) => {
  let drawn = 0
  const frame = Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const statistics = yield* pool.statistics
    return { ...parts, statistics, tags, now, elapsedMillis: now - parts.began }
  })
  const show = presentation.isTerminal
    ? Effect.flatMap(frame, (frame) => {
      const lines = screen(frame)
      const text = redraw(lines, drawn)
      drawn = Math.max(drawn, lines.length)
      return presentation.write(text)
    })
    : Effect.flatMap(frame, (frame) => Console.log(line(frame)))
  const every = presentation.isTerminal ? "150 millis" : "1 second"
  return Effect.forkScoped(Effect.repeat(show, Schedule.spaced(every)))
}

const work = (history: SessionHistory, tally: Tally, presentation: Presentation) =>
  Effect.gen(function*() {
    const began = yield* Clock.currentTimeMillis
    const { connect, server } = yield* database
    // The events go on until the pool is closed, so whoever listens must live longer than the pool.
    const outer = yield* Effect.scope
    return yield* Effect.scoped(Effect.gen(function*() {
      const pool: OracleSessionPool.Pool = yield* OracleSessionPool.make({
        ...connect,
        name: "bookings",
        min: 2,
        max: sessions,
        increment: 2,
        onSession: prepare
      })
      yield* Console.log(
        server === undefined
          ? `Database: ${connect.connectString}`
          : `Database: embedded, at ${connect.connectString}; driver: oracledb, Thin`
      )
      yield* Console.log(
        `${clients} clients, at most ${sessions} sessions, ${tags.length} states that sessions can be in\n`
      )
      if (presentation.consolePort !== undefined) {
        yield* Console.log(`Console: ${yield* serveConsole(pool, presentation.consolePort)}\n`)
      }
      const listener = yield* pool.events.pipe(
        Stream.runForEach((event) =>
          Effect.sync(() => {
            tally.record(event)
            history.record(event)
          })
        ),
        Effect.forkIn(outer, { startImmediately: true })
      )
      yield* pool.use(createTables)
      const say = (what: string) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          history.incident(now, what)
          return presentation.isTerminal ? Effect.void : Console.log(`         ${what}`)
        })
      yield* watch(pool, { history, tally, began }, presentation)
      yield* Effect.forEach(Array.from({ length: clients }), () => Effect.forkScoped(client(pool, tally)))
      const at = (note: (now: number) => void) => Effect.map(Clock.currentTimeMillis, note)
      yield* trouble(pool, server, {
        say,
        outageBegins: at((now) => {
          history.outageBegins(now)
          tally.isOutage = true
          tally.isDatabaseBack = false
        }),
        outageEnds: at((now) => {
          history.outageEnds(now)
          tally.isDatabaseBack = true
        })
      })
      if (presentation.consolePort !== undefined) {
        yield* say("the work goes on, and the page stays, until Ctrl+C")
        yield* untilInterrupted
      }
      return { began, listener }
    }))
  })

/** The whole demo. */
export const main = (presentation: Presentation) =>
  Effect.gen(function*() {
    const tally = new Tally()
    const history = new SessionHistory()
    const { began, listener } = yield* work(history, tally, presentation)
    yield* Fiber.join(listener)
    const ended = yield* Clock.currentTimeMillis
    yield* Console.log("")
    for (const text of tally.lines()) yield* Console.log(text)
    const left = history.open.length
    yield* Console.log(
      `Left behind     ${left === 0 ? "nothing: every session that was opened is closed" : `${left} sessions`}`
    )
    const title = `${clients} clients on ${sessions} sessions: ${tally.done} pieces of work in ${
      Math.round((ended - began) / 1000)
    } seconds, each in a session of its region`
    yield* Effect.sync(() => {
      mkdirSync("build", { recursive: true })
      writeFileSync(picture, draw(history, { title, began, ended, tags }))
    })
    yield* Console.log(`Timeline        ${picture}`)
  }).pipe(Effect.scoped, Effect.provide(Logger.layer([])))

if (import.meta.main) {
  const { values } = parseArgs({ options: { console: { type: "boolean" }, port: { type: "string" } } })
  await Effect.runPromise(main({
    isTerminal: process.stdout.isTTY === true && process.env["CI"] === undefined,
    write: (text) => Effect.sync(() => void process.stdout.write(text)),
    ...(values.console === true ? { consolePort: Number(values.port ?? 0) } : undefined)
  }))
}
