import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { connect as connectSocket } from "node:net"
import * as Fault from "../src/Fault.ts"
import { makeWith } from "../src/internal/server/service.ts"
import type * as OracleServer from "../src/OracleServer.ts"
import { type Connection, oracledb } from "./driver.ts"
import { type Canned, cannedEngine, column, query, waits } from "./wire/cannedEngine.ts"
import { codeOf, eventually } from "./wire/served.ts"

const one: Canned = { run: () => query([column("N", "NUMBER")], [["1"]]) }
const insert: Canned = {
  run: (_, session) => {
    session.transaction = true
    return { rowCount: 1 }
  }
}

const engine = () =>
  cannedEngine({
    "select 1": one,
    "select 200": {
      run: () => query([column("S", "VARCHAR2")], Array.from({ length: 200 }, () => ["a row of some length"]))
    },
    insert,
    "begin wait; end;": waits
  })

const serve = (options: OracleServer.Options = {}, canned = engine()) => makeWith(options, () => canned)

const connect = (
  server: OracleServer.Service,
  attributes: object = {}
): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() =>
      oracledb.getConnection({
        user: "scott",
        password: "tiger",
        connectString: server.connectString,
        ...attributes
      })
    ),
    (connection) => Effect.promise(() => connection.close().catch(() => undefined))
  )

const connectCode = (server: OracleServer.Service, attributes: object = {}) =>
  Effect.scoped(codeOf(async () => {
    const connection = await oracledb.getConnection({
      user: "scott",
      password: "tiger",
      connectString: server.connectString,
      ...attributes
    })
    await connection.close()
  }))

const selectCode = (connection: Connection) => codeOf(() => connection.execute("select 1"))

describe("OracleServer, watched", () => {
  it.live("shows who is there and what they do", () =>
    Effect.gen(function*() {
      const server = yield* serve()
      const connection = yield* connect(server)
      connection.module = "booking"
      connection.clientId = "7"
      yield* Effect.promise(() => connection.execute("insert"))
      const [session, ...others] = yield* server.sessions
      assert.deepStrictEqual(others, [])
      assert.deepInclude(session, {
        user: "SCOTT",
        service: "FREEPDB1",
        instance: "FREE",
        server: "DEDICATED",
        status: "INACTIVE",
        module: "booking",
        clientId: "7",
        inTransaction: true,
        openCursors: 1
      })
      yield* Effect.promise(() => connection.close())
      yield* Effect.map(server.sessions, (sessions) => assert.deepStrictEqual(sessions, []))
    }))

  it.live("logs each request by its function, with statement, outcome and piggybacks", () =>
    Effect.gen(function*() {
      const server = yield* serve()
      const connection = yield* connect(server)
      yield* server.clearRequests
      connection.action = "look"
      yield* Effect.promise(() => connection.execute("select 1"))
      yield* Effect.promise(() => connection.execute("select 1"))
      yield* codeOf(() => connection.execute("select nothing"))
      yield* Effect.promise(() => connection.ping())
      const requests = yield* server.requests
      assert.deepStrictEqual(requests.map((request) => [request.function, request.sql, request.error]), [
        ["endToEnd", undefined, 0],
        ["execute", "select 1", 0],
        ["reexecuteAndFetch", "select 1", 0],
        ["execute", "select nothing", 942],
        ["closeCursors", undefined, 0],
        ["ping", undefined, 0]
      ])
      assert.isTrue(requests.every((request) => request.user === "SCOTT" && request.milliseconds !== undefined))
      const counters = yield* server.counters
      assert.deepInclude(counters, { connections: 1, openConnections: 1, logons: 1, failedLogons: 0 })
      assert.deepInclude(counters.byFunction, { execute: 2, reexecuteAndFetch: 1, ping: 1 })
      assert.isAbove(counters.bytesReceived, 1000)
    }))

  it.live("forgets the oldest requests when its log is full", () =>
    Effect.gen(function*() {
      const server = yield* serve({ logCapacity: 3 })
      const connection = yield* connect(server)
      for (let index = 0; index < 5; index++) yield* Effect.promise(() => connection.ping())
      const requests = yield* server.requests
      assert.deepStrictEqual(requests.map((request) => request.function), ["ping", "ping", "ping"])
      assert.strictEqual(requests[2]!.number - requests[0]!.number, 2)
    }))

  it.live("binds only to loopback", () =>
    Effect.gen(function*() {
      const { networkInterfaces } = yield* Effect.promise(() => import("node:os"))
      const server = yield* serve()
      const outside = Object.values(networkInterfaces()).flat().find((one) => one?.family === "IPv4" && !one.internal)
      if (outside === undefined) return
      const refused = yield* Effect.promise(() =>
        new Promise<boolean>((resolve) => {
          const socket = connectSocket({ host: outside.address, port: server.port })
          socket.on("connect", () => resolve(false))
          socket.on("error", () => resolve(true))
        })
      )
      assert.isTrue(refused)
    }))
})

describe("OracleServer, hurt", () => {
  it.live("kills an idle session: the next call fails and the connection is gone", () =>
    Effect.gen(function*() {
      const canned = engine()
      const server = yield* serve({}, canned)
      const victim = yield* connect(server)
      const other = yield* connect(server)
      yield* Effect.promise(() => victim.execute("insert"))
      const [{ serial, sid }] = yield* server.sessions as Effect.Effect<[OracleServer.SessionInfo]>
      assert.isFalse(yield* server.kill(sid, serial + 1))
      assert.isTrue(yield* server.kill(sid, serial))
      assert.isTrue(canned.opened[0]!.events.includes("close"))
      assert.strictEqual(yield* selectCode(victim), "NJS-500")
      const last = (yield* server.requests).at(-1)
      assert.deepInclude(last, { function: "execute", error: 28 })
      assert.strictEqual(yield* selectCode(other), "no error")
      assert.strictEqual((yield* server.sessions).length, 1)
    }))

  it.live("kills a session in the middle of a call", () =>
    Effect.gen(function*() {
      const canned = engine()
      const server = yield* serve({}, canned)
      const victim = yield* connect(server)
      yield* server.inject(Fault.hang({ on: "execute" }))
      const waiting = victim.execute("select 1").catch((cause: { code: string }) => cause.code)
      yield* Effect.sleep("20 millis")
      assert.strictEqual((yield* server.sessions)[0]!.status, "ACTIVE")
      assert.strictEqual(yield* server.killWhere((session) => session.user === "SCOTT"), 1)
      assert.strictEqual(yield* Effect.promise(() => waiting), "NJS-500")
    }))

  it.live("goes down and comes up again on the same port", () =>
    Effect.gen(function*() {
      const server = yield* serve()
      const connection = yield* connect(server)
      yield* server.shutdown()
      assert.strictEqual(yield* selectCode(connection), "NJS-500")
      assert.strictEqual(yield* connectCode(server), "NJS-518")
      assert.deepStrictEqual(yield* server.sessions, [])
      yield* server.startup()
      assert.strictEqual(yield* connectCode(server), "no error")
      yield* server.shutdown({ mode: "listener" })
      assert.strictEqual(yield* connectCode(server), "NJS-503")
      yield* server.startup()
      assert.strictEqual(yield* connectCode(server), "no error")
    }))

  it.live("announces a shutdown in-band", () =>
    Effect.gen(function*() {
      const server = yield* serve()
      const connection = yield* connect(server)
      assert.isTrue(connection.isHealthy())
      yield* server.announceShutdown
      yield* eventually(() => !connection.isHealthy())
      assert.strictEqual(yield* selectCode(connection), "no error")
    }))

  it.live("changes users while it runs", () =>
    Effect.gen(function*() {
      const server = yield* serve()
      assert.isTrue(yield* server.setAccountState("scott", "locked"))
      assert.strictEqual(yield* connectCode(server), "ORA-28000")
      yield* server.setAccountState("scott", "open")
      yield* server.setPassword("scott", "lion")
      assert.strictEqual(yield* connectCode(server), "ORA-01017")
      assert.strictEqual(yield* connectCode(server, { password: "lion" }), "no error")
      yield* server.setUser("late", "comer")
      assert.strictEqual(yield* connectCode(server, { user: "late", password: "comer" }), "no error")
      assert.isTrue(yield* server.removeUser("late"))
      assert.strictEqual(yield* connectCode(server, { user: "late", password: "comer" }), "ORA-01017")
    }))

  it.live("refuses, delays and redirects connections", () =>
    Effect.gen(function*() {
      const server = yield* serve({ instances: [{ name: "ONE" }, { name: "TWO" }] })
      yield* server.inject(Fault.refuse())
      assert.strictEqual(yield* connectCode(server), "NJS-518")
      yield* server.inject(Fault.refuse({ code: 12528 }))
      assert.strictEqual(yield* connectCode(server), "NJS-511")
      yield* server.inject(Fault.delay({ on: "connect", milliseconds: 80 }))
      const before = Date.now()
      assert.strictEqual(yield* connectCode(server), "no error")
      assert.isAtLeast(Date.now() - before, 75)
      const resend = yield* server.inject(Fault.resend({ times: 2 }))
      assert.strictEqual(yield* connectCode(server), "no error")
      assert.strictEqual(yield* resend.hits, 2)
      const port = Number(/:(\d+)\//.exec(server.connectStringOf({ instance: "TWO" }))![1])
      yield* server.inject(Fault.redirect({ port }))
      const connection = yield* connect(server)
      assert.strictEqual(connection.instanceName, "TWO")
    }))

  it.live("raises an error at a chosen call, so often", () =>
    Effect.gen(function*() {
      const server = yield* serve()
      const connection = yield* connect(server)
      const fault = yield* server.inject(
        Fault.error({ code: 1555, message: "snapshot too old", sql: /select/, skip: 1, times: 2 })
      )
      const codes = []
      for (let index = 0; index < 5; index++) codes.push(yield* selectCode(connection))
      assert.deepStrictEqual(codes, ["no error", "ORA-01555", "ORA-01555", "no error", "no error"])
      assert.strictEqual(yield* fault.hits, 2)
      yield* Effect.scoped(server.injectScoped(Fault.error({ code: 4068, times: Infinity })))
      assert.strictEqual(yield* selectCode(connection), "no error")
      yield* server.inject(Fault.error({ code: 1013, user: "nobody", times: Infinity }))
      assert.strictEqual(yield* selectCode(connection), "no error")
    }))

  it.live("loses the connection before or after a commit", () =>
    Effect.gen(function*() {
      for (const when of ["before", "after"] as const) {
        for (const reset of [false, true]) {
          const canned = engine()
          const server = yield* serve({}, canned)
          const connection = yield* connect(server)
          yield* Effect.promise(() => connection.execute("insert"))
          yield* server.inject(Fault.disconnect({ on: "commit", when, reset }))
          assert.strictEqual(yield* codeOf(() => connection.commit()), "NJS-500")
          assert.strictEqual(canned.opened[0]!.events.includes("commit"), when === "after")
          assert.isTrue(canned.opened[0]!.events.includes("close"))
          yield* eventually(() => canned.opened[0]!.events.includes("close"))
          assert.deepStrictEqual(yield* server.sessions, [])
        }
      }
    }))

  it.live("hangs until it is broken off, and delays", () =>
    Effect.gen(function*() {
      const server = yield* serve()
      const connection = yield* connect(server)
      yield* server.inject(Fault.hang({ on: "ping" }))
      connection.callTimeout = 40
      assert.strictEqual(yield* codeOf(() => connection.ping()), "NJS-123")
      connection.callTimeout = 0
      yield* server.inject(Fault.delay({ on: "reexecuteAndFetch", milliseconds: 60 }))
      yield* selectCode(connection)
      const before = Date.now()
      assert.strictEqual(yield* selectCode(connection), "no error")
      assert.isAtLeast(Date.now() - before, 55)
    }))

  it.live("sends only half of a response", () =>
    Effect.gen(function*() {
      const server = yield* serve()
      for (const then of ["close", "reset"] as const) {
        const connection = yield* connect(server)
        yield* server.inject(Fault.truncate({ on: "execute", bytes: 30, then }))
        assert.strictEqual(yield* codeOf(() => connection.execute("select 200")), "NJS-500")
      }
      yield* eventually(() => true)
      assert.deepStrictEqual(yield* server.sessions, [])
    }))

  it.live(
    "cuts a connection after exactly n bytes, in either direction, whatever n is",
    () =>
      Effect.gen(function*() {
        const server = yield* serve()
        const work = codeOf(async () => {
          const connection = await oracledb.getConnection({
            user: "scott",
            password: "tiger",
            connectString: server.connectString
          })
          await connection.execute("select 200", [], { fetchArraySize: 150 })
          await connection.execute("insert")
          await connection.commit()
          await connection.close()
        })
        yield* work
        const whole = yield* server.counters
        for (const direction of ["toClient", "toServer"] as const) {
          const total = direction === "toClient" ? whole.bytesSent : whole.bytesReceived
          for (let after = 0; after < total; after += 211) {
            yield* server.inject(Fault.cut({ direction, after, then: after % 2 === 0 ? "close" : "reset" }))
            const code = yield* work.pipe(Effect.timeout("5 seconds"), Effect.orDie)
            assert.notStrictEqual(code, "undefined", `${direction} ${after}`)
          }
        }
        yield* server.clearFaults
        assert.strictEqual(yield* connectCode(server), "no error")
        yield* eventually(() => true)
        assert.deepStrictEqual(yield* server.sessions, [])
      }),
    60_000
  )

  it.live("cuts an open connection from now on", () =>
    Effect.gen(function*() {
      const server = yield* serve()
      const connection = yield* connect(server)
      assert.strictEqual(yield* selectCode(connection), "no error")
      const other = yield* connect(server)
      const fault = yield* server.inject(Fault.cut({ direction: "toClient", after: 5, since: "now" }))
      assert.strictEqual(yield* fault.hits, 0)
      assert.strictEqual(yield* selectCode(connection), "NJS-500")
      assert.strictEqual(yield* fault.hits, 1)
      assert.strictEqual(yield* selectCode(other), "no error")
      const third = yield* connect(server)
      const { sid } = (yield* server.sessions).at(-1)!
      yield* server.inject(Fault.cut({ direction: "toServer", after: 5, since: "now", sid }))
      assert.strictEqual(yield* selectCode(other), "no error")
      assert.strictEqual(yield* selectCode(third), "NJS-500")
    }))

  it.live("drops all connections and stays up", () =>
    Effect.gen(function*() {
      const server = yield* serve()
      for (const reset of [false, true]) {
        const connection = yield* connect(server)
        yield* server.dropConnections({ reset })
        assert.strictEqual(yield* selectCode(connection), "NJS-500")
      }
      assert.strictEqual(yield* connectCode(server), "no error")
    }))
})

describe("OracleServer, started", () => {
  it.effect("fails with its own error when the port is taken", () =>
    Effect.gen(function*() {
      const { port } = yield* serve()
      const error = yield* Effect.flip(serve({ port }))
      assert.strictEqual(error._tag, "OracleServerError")
      assert.match(error.message, /EADDRINUSE/)
    }))

  it.effect("accepts within 50 milliseconds", () =>
    Effect.gen(function*() {
      yield* Effect.scoped(serve())
      const before = performance.now()
      yield* serve()
      assert.isBelow(performance.now() - before, 50)
    }))
})
