import { assert, describe, it } from "@effect/vitest"
import { OracleBind, type OracleConnection, OracleSessionPool } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Deferred, Effect, Exit, Fiber, Redacted } from "effect"
import { embedded, isReal } from "./database.ts"

const one = "select 1 as one from dual"

const watched = (options: Partial<OracleSessionPool.Options>) =>
  Effect.gen(function*() {
    const { connect, server } = yield* embedded()
    const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({ ...connect, max: 2, ...options })
    const calls = Effect.map(
      server.requests,
      (requests) => requests.filter((request) => !request.piggyback).map((request) => request.function)
    )
    // The message that gives a session back has no answer; the server takes a moment to read it.
    const holding = Effect.delay(
      Effect.map(server.sessions, (sessions) => sessions.filter((session) => session.connection !== undefined).length),
      "50 millis"
    )
    return { pool, server, calls, holding }
  })

describe.skipIf(isReal)("a pooled server", () => {
  it.live("with \"release\" has its session back between leases, while the socket stays", () =>
    Effect.gen(function*() {
      const { calls, holding, pool, server } = yield* watched({ serverPool: "release" })
      const held = yield* pool.acquire()
      assert.deepStrictEqual(yield* held.query(one), [{ ONE: 1 }])
      assert.strictEqual((yield* server.sessions)[0]?.server, "POOLED")
      assert.strictEqual(yield* holding, 1)
      yield* pool.release(held)
      assert.strictEqual(yield* holding, 0)
      const { connections } = yield* server.counters
      yield* server.clearRequests
      for (let round = 0; round < 3; round++) {
        assert.deepStrictEqual(yield* pool.use((again) => again.query(one)), [{ ONE: 1 }])
      }
      assert.strictEqual((yield* server.counters).connections, connections)
      assert.strictEqual(yield* holding, 0)
      const seen = yield* calls
      assert.strictEqual(seen.filter((name) => name === "execute").length, 3)
    }))

  it.live("with \"release\" rolls back, refuses tags, and is closed with the pool", () =>
    Effect.gen(function*() {
      const { connect, server } = yield* embedded({ script: "create table t (n number)" })
      yield* Effect.scoped(Effect.gen(function*() {
        const pool = yield* OracleSessionPool.make({ ...connect, max: 2, serverPool: "release" })
        yield* pool.use((held) => held.execute("insert into t values (1)"))
        assert.deepStrictEqual(yield* pool.use((held) => held.query("select count(*) as n from t")), [{ N: 0 }])
        assert.strictEqual((yield* Effect.flip(pool.use({ tag: "A=B" }, (held) => held.ping)))._tag, "InvalidTagError")
        yield* pool.use((held) => Effect.andThen(held.setModule("m"), held.query(one)))
      }))
      yield* Effect.sleep("100 millis")
      assert.strictEqual((yield* server.counters).openConnections, 0)
    }))

  it.live("with \"release\" is connected to anew after it went away", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ serverPool: "release", max: 1 })
      yield* pool.use((held) => held.query(one))
      yield* server.dropConnections()
      yield* Effect.sleep("50 millis")
      const rows = yield* pool.use((held) => held.query(one)).pipe(Effect.retry({ times: 3 }))
      assert.deepStrictEqual(rows, [{ ONE: 1 }])
    }))

  it.live("with \"hold\" keeps tags, as its session stays", () =>
    Effect.gen(function*() {
      const { holding, pool } = yield* watched({ serverPool: "hold", max: 1 })
      yield* pool.use({ tag: "A=B" }, (held) => Effect.andThen(held.query(one), held.setTag("A=B")))
      assert.strictEqual(yield* holding, 1)
      assert.strictEqual(yield* pool.use({ tag: "A=B" }, (held) => Effect.succeed(held.tag)), "A=B")
    }))

  it.live("with a boundary is asked for by the connect string", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ poolBoundary: "transaction", cclass: "SHOP" })
      yield* pool.use((held) => held.query(one))
      yield* pool.use({ cclass: "OTHER" }, (held) => held.query(one))
      const classes = (yield* server.sessions).map((session) => session.connectionClass)
      assert.includeMembers(classes, ["SHOP", "OTHER"])
    }))

  it.live("with a boundary keeps its session while it holds temporary LOBs or temporary rows (H5)", () =>
    Effect.gen(function*() {
      const { connect, server } = yield* embedded({
        script: "create global temporary table basket (n number) on commit preserve rows"
      })
      const pool = yield* OracleSessionPool.make({ ...connect, max: 1, poolBoundary: "statement" })
      const inUse = Effect.map(
        server.sessions,
        (sessions) => sessions.filter(({ connection }) => connection !== undefined).length
      )
      yield* pool.use((held) =>
        Effect.gen(function*() {
          yield* held.query(one)
          assert.strictEqual(yield* inUse, 0)
          const lob = yield* held.createLob("clob", "kept")
          assert.strictEqual(yield* inUse, 1)
          assert.deepStrictEqual(
            yield* held.query("select length(:l) as n from dual", { l: OracleBind.input("clob", lob) }),
            [{ N: 4 }]
          )
        })
      )
      const counted = (held: OracleConnection.OracleConnection) => held.query("select count(*) as n from basket")
      yield* pool.use((held) =>
        Effect.gen(function*() {
          yield* held.query(one)
          yield* held.execute("insert into basket values (1)")
          yield* held.commit
          assert.deepStrictEqual(yield* counted(held), [{ N: 1 }])
          assert.strictEqual(yield* inUse, 1)
          yield* held.execute("delete from basket")
          yield* held.commit
          yield* held.query(one)
          assert.strictEqual(yield* inUse, 0)
        })
      )
    }))

  it.live("with \"release\" logs on through the pool alone: with the credentials of that moment (H1)", () =>
    Effect.gen(function*() {
      const { connect, server } = yield* embedded({ failedLoginAttempts: 3 })
      let password = "tiger"
      let asked = 0
      const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({
        connectString: connect.connectString,
        credentials: Effect.sync(() => {
          asked++
          return { user: "scott", password: Redacted.make(password) }
        }),
        max: 1,
        serverPool: "release"
      })
      yield* pool.use((held) => held.query(one))
      assert.strictEqual(asked, 1)
      yield* server.setPassword("scott", "lion")
      password = "lion"
      const { failedLogons } = yield* server.counters
      for (let round = 1; round <= 4; round++) {
        yield* server.dropConnections()
        yield* Effect.repeat(Effect.yieldNow, {
          until: () => Effect.map(server.counters, (seen) => seen.openConnections === 0)
        })
        // The driver learns of it in a turn of the event loop of its own; until then a caller may see the loss, as of any session.
        const rows = yield* Effect.retry(pool.use((held) => held.query(one)), {
          while: (error) => error._tag === "OracleError" && error.reason._tag === "ConnectionError"
        })
        assert.deepStrictEqual(rows, [{ ONE: 1 }])
        assert.strictEqual(asked, 1 + round)
      }
      assert.strictEqual((yield* server.counters).failedLogons, failedLogons)
    }))

  it.live("with \"release\" does not reconnect behind the pool when the server says that it is going (H1)", () =>
    Effect.gen(function*() {
      const { connect, server } = yield* embedded()
      let asked = 0
      const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({
        connectString: connect.connectString,
        credentials: Effect.sync(() => {
          asked++
          return { user: "scott", password: Redacted.make("tiger") }
        }),
        max: 1,
        serverPool: "release"
      })
      yield* pool.use((held) => held.query(one))
      // The driver's pool drops such a connection, and would take another.
      yield* server.announceShutdown
      yield* Effect.repeat(Effect.ignore(pool.use((held) => held.query(one))), {
        until: () => Effect.succeed(asked === 2)
      })
      assert.strictEqual((yield* server.counters).logons, 2)
    }))

  it.live("with \"release\" holds openTimeout, and an interruption ends the attempt, also after its connection is gone (H2)", () =>
    Effect.gen(function*() {
      const { connect, server } = yield* embedded()
      const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({
        ...connect,
        max: 1,
        serverPool: "release",
        pingTimeout: "1 hour"
      })
      const gone = Effect.andThen(
        server.dropConnections(),
        Effect.repeat(Effect.yieldNow, {
          until: () => Effect.map(server.counters, (seen) => seen.openConnections === 0)
        })
      )
      yield* pool.use((held) => held.query(one))
      const hang = yield* server.inject(Fault.hang({ on: "connect", times: Infinity }))
      yield* pool.reconfigure({ openTimeout: "300 millis" })
      yield* gone
      const error = yield* Effect.flip(Effect.retry(pool.use((held) => held.query(one)), {
        while: (error) => error._tag === "OracleError"
      }))
      assert.strictEqual(error._tag, "OpenSessionError")
      // With `pingTimeout` an hour, an attempt that cannot be cut would keep the test from its end.
      const waiting = yield* Effect.forkChild(pool.use((held) => held.query(one)))
      yield* Effect.repeat(Effect.yieldNow, { until: () => Effect.map(pool.statistics, ({ pending }) => pending > 0) })
      yield* Fiber.interrupt(waiting)
      yield* hang.remove
      yield* pool.reconfigure({ openTimeout: "1 minute" })
      yield* gone
      assert.deepStrictEqual(yield* Effect.retry(pool.use((held) => held.query(one)), { times: 20 }), [{ ONE: 1 }])
    }))

  it.live("refuses onSession and resetSession where the server exchanges its session unseen (H3)", () =>
    Effect.gen(function*() {
      const { connect } = yield* embedded()
      const refused = (options: Partial<OracleSessionPool.Options<OracleSessionPool.Failure>>) =>
        Effect.map(
          Effect.flip(OracleSessionPool.make<OracleSessionPool.Failure>({ ...connect, ...options })),
          (error) => error._tag === "InvalidOptionsError" ? error.problems.map(({ field }) => field) : []
        )
      const onSession = () => Effect.void
      const resetSession = onSession
      assert.deepStrictEqual(yield* refused({ serverPool: "release", onSession }), ["onSession"])
      assert.deepStrictEqual(yield* refused({ poolBoundary: "statement", onSession, resetSession }), [
        "onSession",
        "resetSession"
      ])
      const connectString = `${connect.connectString}:pooled?pool_boundary=transaction`
      assert.deepStrictEqual(yield* refused({ connectString, onSession }), ["onSession"])
      const boundary = yield* OracleSessionPool.make({ ...connect, connectString })
      assert.strictEqual(
        (yield* Effect.flip(boundary.use({ tag: "A=B" }, (held) => held.ping)))._tag,
        "InvalidTagError"
      )
      const held = yield* OracleSessionPool.make<OracleSessionPool.Failure>({
        ...connect,
        serverPool: "hold",
        onSession: (connection) => connection.execute("alter session set nls_date_format = 'YYYY'")
      })
      assert.deepStrictEqual(
        yield* held.use((connection) => connection.query("select to_char(date '2020-05-06') as y from dual")),
        [{ Y: "2020" }]
      )
    }))

  it.live("with \"release\" gives the server the class that was asked for, and one of the pool's own otherwise (H4)", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ serverPool: "release", cclass: "SHOP" })
      const classes = Effect.map(server.sessions, (sessions) => sessions.map(({ connectionClass }) => connectionClass))
      yield* pool.use((held) => held.query(one))
      assert.deepStrictEqual(yield* classes, ["SHOP"])
      yield* pool.use({ cclass: "OTHER" }, (held) => held.query(one))
      assert.sameMembers([...yield* classes], ["SHOP", "OTHER"])

      const { holding, pool: unnamed, server: other } = yield* watched({ serverPool: "release" })
      const sids = Effect.map(other.sessions, (sessions) => sessions.map(({ sid }) => sid))
      // Two sockets, one after the other at work: under one class they share the server's session.
      const ready = yield* Deferred.make<void>()
      const second = yield* Effect.forkChild(
        unnamed.use((held) => Effect.andThen(Deferred.await(ready), held.query(one)))
      )
      yield* unnamed.use((held) => held.query(one))
      yield* Effect.repeat(holding, { until: (count) => count === 0 })
      yield* Deferred.succeed(ready, undefined)
      yield* Fiber.join(second)
      assert.strictEqual((yield* other.counters).openConnections, 2)
      assert.strictEqual((yield* sids).length, 1)
    }))
})

describe("connect settings", () => {
  it.live("are refused by name when they cannot be what they say (H14)", () =>
    Effect.gen(function*() {
      const { connect } = yield* embedded()
      const refused = (options: object) =>
        Effect.map(Effect.exit(OracleSessionPool.make({ ...connect, ...options })), (exit) => {
          const error = Exit.isFailure(exit) ? Exit.findErrorOption(exit) : undefined
          return error?._tag === "Some" && error.value._tag === "InvalidOptionsError"
            ? error.value.problems.map(({ field, problem }) => `${field} ${problem}`)
            : exit
        })
      const bad: Record<string, unknown> = {
        privilege: "root",
        serverPool: "bogus",
        sourceRoute: "x",
        retryDelay: -5,
        connectTimeout: {},
        expireTime: { minute: 5 },
        numbers: "bogus",
        dates: "gmt",
        walletPassword: "in the clear",
        poolBoundary: 5,
        retryCount: 1.5,
        program: "a\nb",
        appContext: [["a", "b"]],
        fetchArraySize: 0,
        columnNames: 7,
        externalAuth: null
      }
      for (const [field, value] of Object.entries(bad)) {
        const problems = yield* refused({ [field]: value })
        assert.strictEqual(Array.isArray(problems) && problems.length, 1, `${field}: ${String(problems)}`)
        assert.match(String(problems), new RegExp(`^${field} must be`))
        assert.notInclude(String(problems), "in the clear")
      }
      assert.lengthOf((yield* refused({ privilege: "root", numbers: "bogus" })) as Array<string>, 2)
    }))

  it.live("take words in any case, spaces around them (H14)", () =>
    Effect.gen(function*() {
      const { connect } = yield* embedded()
      const words = {
        privilege: " SYSDBA ",
        poolBoundary: "Transaction",
        numbers: "BIGINT"
      } as unknown as OracleSessionPool.Fields
      const pool = yield* OracleSessionPool.make({ ...connect, ...words })
      assert.deepStrictEqual(
        yield* pool.use((held) => held.query("select user as name, 7 as n from dual")),
        [{ NAME: "SYS", N: 7n }]
      )
      assert.strictEqual((yield* Effect.flip(pool.use({ tag: "A=B" }, (held) => held.ping)))._tag, "InvalidTagError")
    }))
})
