/** What the database has to bear while the application works, one thing after the other. */
import type { OracleSessionPool } from "@sessionpool/oracle"
import type { OracleServer } from "@sessionpool/oracle-server"
import { Cause, Clock, Duration, Effect, Exit, Fiber, Option, Schedule } from "effect"

/** Where the trouble is written down. */
export interface Chronicle {
  readonly say: (what: string) => Effect.Effect<void>
  readonly outageBegins: Effect.Effect<void>
  readonly outageEnds: Effect.Effect<void>
}

const sleepInDatabase = (seconds: number) => `begin dbms_session.sleep(${seconds}); end;`

/** Looks until something is there; on a busy machine, that takes as long as it takes. */
const seen = <A>(look: Effect.Effect<A | undefined>): Effect.Effect<A> =>
  look.pipe(
    Effect.repeat({ until: (found) => found !== undefined, schedule: Schedule.spaced("20 millis") }),
    Effect.map((found) => found as A)
  )

/** The session of the server that runs the work of this module. */
const sidOf = (server: OracleServer.Service, module: string): Effect.Effect<number | undefined> =>
  Effect.map(
    server.sessions,
    (sessions) => sessions.find((session) => session.module === module && session.status === "ACTIVE")?.sid
  )

const codeOf = (exit: Exit.Exit<unknown, unknown>): string => {
  const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "no error"
}

/** Kills the session of a report while its statement runs. */
export const killMidQuery = (pool: OracleSessionPool.Pool, server: OracleServer.Service, { say }: Chronicle) =>
  Effect.gen(function*() {
    const report = yield* Effect.forkChild(
      pool.use((connection) => Effect.andThen(connection.setModule("REPORT"), connection.execute(sleepInDatabase(60))))
    )
    yield* server.kill(yield* seen(sidOf(server, "REPORT")))
    yield* say(`session killed mid-query: its caller got ${codeOf(yield* Fiber.await(report))}`)
  })

const goAway = (server: OracleServer.Service, { outageBegins, outageEnds, say }: Chronicle) =>
  Effect.gen(function*() {
    yield* outageBegins
    yield* server.shutdown({ mode: "abort" })
    yield* say("database down")
    yield* Effect.sleep("3 seconds")
    yield* Effect.orDie(server.startup())
    yield* say("database back")
    yield* outageEnds
  })

const interruptStatement = (pool: OracleSessionPool.Pool, { say }: Chronicle) =>
  Effect.gen(function*() {
    const took = yield* pool.use((connection) =>
      Effect.gen(function*() {
        const began = yield* Clock.currentTimeMillis
        yield* Effect.timeoutOption(connection.execute(sleepInDatabase(60)), "1 second")
        return (yield* Clock.currentTimeMillis) - began
      })
    )
    yield* say(`a minute's statement stopped after ${Duration.toSeconds(Duration.millis(took)).toFixed(1)} s`)
  }).pipe(Effect.retry({ times: 3 }), Effect.ignore)

/** All of it, in about 18 seconds; a real database is spared what only the embedded one can bear. */
export const trouble = (
  pool: OracleSessionPool.Pool,
  server: OracleServer.Service | undefined,
  chronicle: Chronicle
) =>
  Effect.gen(function*() {
    yield* Effect.sleep("4 seconds")
    if (server !== undefined) {
      yield* killMidQuery(pool, server, chronicle)
      yield* Effect.sleep("3 seconds")
      yield* goAway(server, chronicle)
      yield* Effect.sleep("4 seconds")
    }
    yield* interruptStatement(pool, chronicle)
    yield* Effect.sleep("2 seconds")
  })
