/** What the database has to bear while the application works, one thing after the other. */
import type { OracleSessionPool } from "@sessionpool/oracle"
import type { OracleServer } from "@sessionpool/oracle-server"
import { Clock, Duration, Effect, Exit, Fiber } from "effect"

type Say = (what: string) => Effect.Effect<void>

const sleepInDatabase = (seconds: number) => `begin dbms_session.sleep(${seconds}); end;`

/** The session of the server that runs the work of this module. */
const sidOf = (server: OracleServer.Service, module: string) =>
  Effect.map(server.sessions, (sessions) => sessions.find((session) => session.module === module)?.sid)

const killMidQuery = (pool: OracleSessionPool.Pool, server: OracleServer.Service, say: Say) =>
  Effect.gen(function*() {
    const report = yield* Effect.forkChild(
      pool.use((connection) => Effect.andThen(connection.setModule("REPORT"), connection.execute(sleepInDatabase(30))))
    )
    yield* Effect.sleep("500 millis")
    const sid = yield* sidOf(server, "REPORT")
    if (sid === undefined) return yield* say("the report had not begun yet: nothing is killed")
    yield* server.kill(sid)
    const exit = yield* Fiber.await(report)
    yield* say(`session killed mid-query: its caller ${Exit.isFailure(exit) ? "got a typed error" : "saw nothing"}`)
  })

const goAway = (server: OracleServer.Service, say: Say) =>
  Effect.gen(function*() {
    yield* server.shutdown({ mode: "abort" })
    yield* say("database down")
    yield* Effect.sleep("3 seconds")
    yield* Effect.orDie(server.startup())
    yield* say("database back")
  })

const interruptStatement = (pool: OracleSessionPool.Pool, say: Say) =>
  Effect.gen(function*() {
    const began = yield* Clock.currentTimeMillis
    yield* pool.use((connection) => Effect.timeoutOption(connection.execute(sleepInDatabase(60)), "1 second")).pipe(
      Effect.ignore
    )
    const took = Duration.toSeconds((yield* Clock.currentTimeMillis) - began).toFixed(1)
    yield* say(`a minute's statement stopped after ${took} s`)
  })

/** All of it, in about 18 seconds; a real database is spared what only the embedded one can bear. */
export const trouble = (pool: OracleSessionPool.Pool, server: OracleServer.Service | undefined, say: Say) =>
  Effect.gen(function*() {
    yield* Effect.sleep("4 seconds")
    if (server !== undefined) {
      yield* killMidQuery(pool, server, say)
      yield* Effect.sleep("3 seconds")
      yield* goAway(server, say)
      yield* Effect.sleep("4 seconds")
    }
    yield* interruptStatement(pool, say)
    yield* Effect.sleep("2 seconds")
  })
