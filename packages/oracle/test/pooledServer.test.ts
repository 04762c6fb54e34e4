import { assert, describe, it } from "@effect/vitest"
import { OracleSessionPool } from "@sessionpool/oracle"
import { Effect } from "effect"
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
    Effect.scoped(Effect.gen(function*() {
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
    })))

  it.live("with \"release\" rolls back, refuses tags, and is closed with the pool", () =>
    Effect.scoped(Effect.gen(function*() {
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
    })))

  it.live("with \"release\" is connected to anew after it went away", () =>
    Effect.scoped(Effect.gen(function*() {
      const { pool, server } = yield* watched({ serverPool: "release", max: 1 })
      yield* pool.use((held) => held.query(one))
      yield* server.dropConnections()
      yield* Effect.sleep("50 millis")
      const rows = yield* pool.use((held) => held.query(one)).pipe(Effect.retry({ times: 3 }))
      assert.deepStrictEqual(rows, [{ ONE: 1 }])
    })))

  it.live("with \"hold\" keeps tags, as its session stays", () =>
    Effect.scoped(Effect.gen(function*() {
      const { holding, pool } = yield* watched({ serverPool: "hold", max: 1 })
      yield* pool.use({ tag: "A=B" }, (held) => Effect.andThen(held.query(one), held.setTag("A=B")))
      assert.strictEqual(yield* holding, 1)
      assert.strictEqual(yield* pool.use({ tag: "A=B" }, (held) => Effect.succeed(held.tag)), "A=B")
    })))

  it.live("with a boundary is asked for by the connect string", () =>
    Effect.scoped(Effect.gen(function*() {
      const { pool, server } = yield* watched({ poolBoundary: "transaction", cclass: "SHOP" })
      yield* pool.use((held) => held.query(one))
      yield* pool.use({ cclass: "OTHER" }, (held) => held.query(one))
      const classes = (yield* server.sessions).map((session) => session.connectionClass)
      assert.includeMembers(classes, ["SHOP", "OTHER"])
    })))
})
