/** The Oracle driver over the embedded server as a subject of the laws: a real socket, real time. */
import type { SessionPool } from "@sessionpool/core"
import { type OracleConnection, OracleSessionPool } from "@sessionpool/oracle"
import { Fault, OracleServer } from "@sessionpool/oracle-server"
import type { SessionPoolLaws } from "@sessionpool/testing"
import { Effect } from "effect"

type Connection = OracleConnection.OracleConnection

const account = { user: "APP", password: "app-secret" }
const otherAccounts = [{ user: "ANN", password: "ann-secret" }, { user: "BOB", password: "bob-secret" }]

/** Everybody may act for everybody: scripts ask for it in every way. */
const everybody = [account, ...otherAccounts, { user: "CAROL", password: "carol-secret" }]
const users = Object.fromEntries(
  everybody.map(({ password, user }) => [user, { password, proxies: everybody.map(({ user }) => user) }])
)

/** Oracle knows a name in capitals; scripts ask for one, that is no account of theirs, in small letters. */
const asAsked = (name: string): string => name === "CAROL" ? "carol" : name

/** What has to come to rest: the server of a script, and the pools on it. */
interface Running {
  readonly server: OracleServer.Service
  readonly pools: Array<SessionPool.SessionPool<Connection, SessionPoolLaws.PreparationFailed>>
}

/**
 * At rest: for a few milliseconds nothing has been sent either way, and nobody is at work. A log-on is silent for longer, while
 * both sides compute; so the pools are asked as well.
 */
const atRest = (running: () => Running | undefined): Effect.Effect<void> => {
  const look = Effect.gen(function*() {
    const current = running()
    if (current === undefined) return undefined
    const { pools, server } = current
    const counters = yield* server.counters
    const sessions = yield* server.sessions
    const statistics = yield* Effect.forEach(pools, (pool) => pool.statistics)
    const isBusy = sessions.some(({ status }) => status === "ACTIVE") ||
      statistics.some(({ closing, opening }) => opening > 0 || closing > 0)
    const { bytesReceived, bytesSent, connections, openConnections } = counters
    return isBusy ? undefined : [bytesReceived, bytesSent, connections, openConnections, sessions.length].join()
  })
  const rest = Effect.gen(function*() {
    let before = yield* look
    let quiet = 0
    for (let i = 0; i < 500 && quiet < 3; i++) {
      yield* Effect.sleep(2)
      const now = yield* look
      quiet = now !== undefined && now === before ? quiet + 1 : 0
      before = now
    }
  })
  return Effect.suspend(() => running() === undefined ? Effect.void : rest)
}

/** A subject whose every script has a server of its own. */
export const oracleSubject = (): SessionPoolLaws.Subject<Connection> => {
  let current: Running | undefined
  return {
    name: "the oracledb driver over OracleServer",
    time: { settle: atRest(() => current) },
    account,
    otherAccounts,
    make: Effect.gen(function*() {
      const server = yield* OracleServer.make({ users })
      const pools: Running["pools"] = []
      current = { server, pools }
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          current = undefined
        })
      )
      const sids = new Map<string, number>()
      let mostOpen = 0
      const sessions = Effect.map(server.sessions, (sessions) => {
        mostOpen = Math.max(mostOpen, sessions.length)
        return sessions.map((session) => ({
          number: session.sid,
          user: session.proxyUser ?? session.user,
          proxyUser: session.proxyUser === undefined ? undefined : asAsked(session.user),
          // No script asks for any: this subject has no shards.
          cclass: undefined,
          shardingKey: undefined,
          superShardingKey: undefined,
          isAlive: session.status !== "KILLED",
          isAtWork: session.status === "ACTIVE"
        }))
      })
      return {
        makePool: (settings) => {
          const { onSession, ...others } = settings
          const pool = OracleSessionPool.make<SessionPoolLaws.PreparationFailed>({
            ...others,
            // The driver does not tell the number of a session: it is asked for once, before anybody sees the session.
            name: `laws-${pools.length + 1}`,
            // Time is real: a script does not wait for leases that it will never end.
            drainTimeout: 50,
            connectString: server.connectString,
            onSession: (connection, info) =>
              Effect.gen(function*() {
                const key = `${connection.lease.pool}/${connection.id}`
                if (!sids.has(key)) sids.set(key, (yield* Effect.orDie(connection.info)).sid)
                if (onSession !== undefined) yield* onSession(connection, info)
              })
          })
          return Effect.tap(pool, (pool) =>
            Effect.sync(() => {
              pools.push(pool)
            }))
        },
        server: {
          sessions,
          mostOpen: Effect.map(sessions, () => mostOpen),
          violations: Effect.succeed([]),
          imbalances: Effect.map(server.sessions, (left) => left.map(({ sid }) => `session ${sid} was left open`)),
          numberOf: (connection) => sids.get(`${connection.lease.pool}/${connection.id}`) ?? 0,
          kill: (session) => server.kill(session),
          killAll: server.killWhere(() => true),
          refuseToOpen: (times) => server.inject(Fault.refuse({ times: times ?? 1_000_000 })),
          heal: server.clearFaults,
          execute: (connection) => connection.query("select 1 from dual"),
          begin: (connection) => connection.query("select 1 from dual")
        }
      }
    })
  }
}
