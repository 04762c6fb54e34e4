/** A pool whose server can be looked into, and a way to wait for what comes of something without saying when. */
import { type OracleConnection, OracleSessionPool } from "@sessionpool/oracle"
import type { OracleServer } from "@sessionpool/oracle-server"
import { Effect, Schedule } from "effect"
import { embedded, poolDefaults } from "./database.ts"

export type Pool = OracleSessionPool.Pool<OracleSessionPool.Failure>

/** A pool of `scott` on a server of its own. */
export const watched = (options: Partial<OracleSessionPool.Options> = {}, serverOptions: OracleServer.Options = {}) =>
  Effect.gen(function*() {
    const { connect, server } = yield* embedded(serverOptions)
    const pool: Pool = yield* OracleSessionPool.make({ ...connect, ...poolDefaults, ...options })
    return { connect, pool, server, sids: Effect.map(server.sessions, (sessions) => sessions.map(({ sid }) => sid)) }
  })

/** Waits until `condition` gives true. That it comes to that is the assertion; how long it takes is not. */
export const until = (condition: Effect.Effect<boolean>) =>
  condition.pipe(
    Effect.repeat({ schedule: Schedule.spaced("5 millis"), until: (holds) => holds }),
    Effect.timeout("12 seconds"),
    Effect.orDie
  )

/** Waits until the pool's figures are as said. */
export const counts = (
  pool: Pool,
  expected: { readonly [K in "busy" | "idle" | "opened" | "opening" | "pending"]?: number }
) =>
  until(Effect.map(
    pool.statistics,
    (statistics) => Object.entries(expected).every(([key, value]) => statistics[key as keyof typeof expected] === value)
  ))

/** The number of the server's session under a connection. */
export const sidOf = (held: OracleConnection.OracleConnection) =>
  Effect.map(
    held.query("select sys_context('userenv', 'sid') as sid from dual"),
    ([row]) => Number(row?.["SID"])
  )

/** Runs until it is stopped. */
export const endless = "begin dbms_session.sleep(600); end;"

/** Waits until the server runs so many statements. */
export const active = (server: OracleServer.Service, count: number) =>
  until(Effect.map(
    server.sessions,
    (sessions) => sessions.filter(({ status }) => status === "ACTIVE").length === count
  ))

/** Waits until the server holds nothing of a client any more. */
export const nothingLeft = (server: OracleServer.Service) =>
  until(Effect.gen(function*() {
    return (yield* server.sessions).length + (yield* server.counters).openConnections === 0
  }))
