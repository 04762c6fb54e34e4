import { assert, describe, it } from "@effect/vitest"
import { OracleSessionPool } from "@sessionpool/oracle"
import { Fault, type OracleServer } from "@sessionpool/oracle-server"
import { Config, ConfigProvider, Context, Effect, Exit, Fiber, Layer, Redacted, Ref, Stream } from "effect"
import { inspect } from "node:util"
import { database, embedded, isReal, makePool } from "./database.ts"
import { active, counts, type Pool } from "./watchedPool.ts"

const one = "select 1 as one from dual"
const user = "select user as name from dual"

const watched = (
  options: Partial<OracleSessionPool.Options> = {},
  server: OracleServer.Options = {}
) =>
  Effect.gen(function*() {
    const { connect, server: running } = yield* embedded(server)
    const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({ ...connect, max: 4, ...options })
    return { pool, server: running, connect }
  })

describe("the service", () => {
  const program = Effect.gen(function*() {
    const pool = yield* OracleSessionPool
    const connection = yield* pool.acquire({ tag: "USER_TZ=UTC" })
    return yield* connection.query("select :n * 2 as doubled from dual", { n: 21 })
  }).pipe(Effect.scoped)

  it.live("runs the first program as it stands in the design", () =>
    Effect.gen(function*() {
      const { connect } = yield* database
      const seen: Array<string | undefined> = []
      const rows = yield* program.pipe(Effect.provide(OracleSessionPool.layer({
        ...connect,
        min: 2,
        max: 16,
        increment: 2,
        timeout: "5 minutes",
        maxLifetimeSession: "1 hour",
        onSession: (connection, { requestedTag }) =>
          Effect.gen(function*() {
            seen.push(requestedTag)
            yield* connection.execute("alter session set time_zone = 'UTC'")
            yield* connection.setTag(requestedTag)
          })
      })))
      assert.deepStrictEqual(rows, [{ DOUBLED: 42 }])
      assert.deepStrictEqual(seen, ["USER_TZ=UTC"])
    }))

  it.live("has a class for each further database", () =>
    Effect.gen(function*() {
      class HrPool extends OracleSessionPool.Service<HrPool>()("test/HrPool") {}
      const { connect } = yield* database
      const both = Effect.gen(function*() {
        const hr = yield* HrPool
        const own = yield* OracleSessionPool
        return [(yield* hr.settings).name, (yield* own.settings).name]
      })
      const layers = Layer.merge(
        HrPool.layer({ ...connect, name: "hr" }),
        OracleSessionPool.layer({ ...connect, name: "own" })
      )
      assert.deepStrictEqual(yield* Effect.provide(both, layers), ["hr", "own"])
    }))

  it("has only the statics that its type shows: its factory has nothing of a pool (E18)", () => {
    class HrPool extends OracleSessionPool.Service<HrPool>()("test/Statics") {}
    const context = Object.keys(Context.Service<string>("test/Reference"))
    const added = (of: object) => Object.keys(of).filter((name) => !context.includes(name))
    assert.deepStrictEqual(added(Object.getPrototypeOf(HrPool)), ["layer", "layerConfig"])
    assert.sameMembers(added(OracleSessionPool), ["layer", "layerConfig", "make", "config", "Service", "tagState"])
    assert.throws(() => {
      // @ts-expect-error No such function is there when the program runs.
      OracleSessionPool.Service.acquire()
    }, TypeError)
  })

  it.live("reads its options from the configuration, each of them", () =>
    Effect.gen(function*() {
      const { connect } = yield* database
      const layer = OracleSessionPool.layerConfig({
        connectString: Config.String("DB_CONNECT"),
        user: Config.String("DB_USER"),
        password: Config.Redacted("DB_PASSWORD"),
        max: Config.Int("DB_MAX"),
        waitTimeout: Config.succeed("3 seconds" as const)
      })
      const provider = ConfigProvider.fromUnknown({
        DB_CONNECT: connect.connectString,
        DB_USER: connect.user,
        DB_PASSWORD: Redacted.value(connect.password),
        DB_MAX: "7"
      })
      const settings = yield* Effect.flatMap(OracleSessionPool, (pool) => pool.settings).pipe(
        Effect.provide(Layer.provide(layer, ConfigProvider.layer(provider)))
      )
      assert.strictEqual(settings.max, 7)
      const missing = yield* Effect.flip(Effect.provide(Effect.void, layer))
      assert.strictEqual(missing._tag, "ConfigError")
    }))
})

describe("tags", () => {
  it.live("are kept in Thin mode, and prepared sessions are found again", () =>
    Effect.gen(function*() {
      const prepared = yield* Ref.make(0)
      const pool = yield* makePool({
        max: 2,
        onSession: (connection, { requestedTag }) =>
          Effect.gen(function*() {
            yield* Ref.update(prepared, (n) => n + 1)
            yield* connection.execute(`alter session set time_zone = '${requestedTag?.slice("ZONE=".length)}'`)
            yield* connection.setTag(requestedTag)
          })
      })
      for (const tag of ["ZONE=+01:00", "ZONE=+02:00", "ZONE=+01:00", "ZONE=+02:00", "ZONE=+01:00"]) {
        const rows = yield* pool.use({ tag }, (connection) => connection.query("select sessiontimezone as c from dual"))
        assert.deepStrictEqual(rows, [{ C: tag.slice("ZONE=".length) }])
      }
      assert.strictEqual(yield* Ref.get(prepared), 2)
    }))

  it.live.skipIf(isReal)(
    "are refused where a pooled server could not carry them",
    () =>
      Effect.gen(function*() {
        const { pool } = yield* watched({ poolBoundary: "transaction" })
        assert.strictEqual((yield* Effect.flip(Effect.scoped(pool.acquire({ tag: "A=B" }))))._tag, "InvalidTagError")
        const refused = yield* Effect.flip(pool.use({ tag: "A=B" }, () => Effect.void))
        assert.match(refused.message, /pooled server/)
        yield* pool.use((connection) =>
          Effect.gen(function*() {
            assert.strictEqual((yield* Effect.flip(connection.setTag("A=B")))._tag, "InvalidTagError")
            yield* connection.setTag(undefined)
            return yield* connection.query(one)
          })
        )
      })
  )
})

describe.skipIf(isReal)("credentials", () => {
  it.live("that are wrong are not tried again and again, and never shown", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ password: Redacted.make("lion-wrong"), min: 2 })
      const refused = Effect.flip(pool.use((connection) => connection.ping))
      const errors = [yield* refused, ...yield* Effect.all(Array.from({ length: 20 }, () => refused))]
      for (const error of errors) {
        assert.strictEqual(error._tag, "OpenSessionError")
        assert.match(error.message, /ORA-01017/)
        assert.notInclude(JSON.stringify(error) + String(error) + inspect(error, { depth: 9 }), "lion-wrong")
      }
      assert.isAtMost((yield* server.counters).failedLogons, 2)
    }))

  it.live("that are wrong do not lock the account, however many ask at once", () =>
    Effect.gen(function*() {
      const { connect, server } = yield* embedded({ failedLoginAttempts: 3 })
      const pool = yield* OracleSessionPool.make({
        ...connect,
        password: Redacted.make("lion-wrong"),
        min: 4,
        max: 8,
        increment: 4
      })
      const refused = Effect.flip(pool.use((connection) => connection.ping))
      yield* Effect.all(Array.from({ length: 8 }, () => refused), { concurrency: "unbounded" })
      assert.isBelow((yield* server.counters).failedLogons, 3)
      const right: Pool = yield* OracleSessionPool.make({ ...connect, min: 4, max: 4 })
      yield* Effect.all(Array.from({ length: 4 }, () => right.use(() => Effect.void)), { concurrency: "unbounded" })
      yield* counts(right, { opened: 4 })
    }))

  it.live("are asked for at every opening, so that a password can rotate", () =>
    Effect.gen(function*() {
      const { connect, server } = yield* embedded()
      const password = yield* Ref.make("tiger")
      const pool = yield* OracleSessionPool.make({
        connectString: connect.connectString,
        max: 2,
        credentials: Effect.map(Ref.get(password), (text) => ({ user: "scott", password: Redacted.make(text) }))
      })
      const first = yield* pool.acquire()
      yield* server.setPassword("scott", "panther")
      yield* Ref.set(password, "panther")
      const second = yield* pool.acquire()
      assert.deepStrictEqual(yield* second.query(user), [{ NAME: "SCOTT" }])
      // What was opened with the old password retires when it comes back.
      yield* pool.release(first)
      yield* pool.release(second)
      yield* Effect.sleep("100 millis")
      assert.strictEqual((yield* pool.statistics).opened, 1)
    }))

  it.live("may differ from request to request, with proxies", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ homogeneous: false })
      const name = (request: Parameters<typeof pool.acquire>[0]) =>
        Effect.map(pool.use(request ?? {}, (connection) => connection.query(user)), ([row]) => row?.["NAME"])
      assert.strictEqual(yield* name({}), "SCOTT")
      assert.strictEqual(yield* name({ user: "ada", password: Redacted.make("ada-secret") }), "ADA")
      assert.strictEqual(yield* name({ user: "scott[hr]", password: Redacted.make("tiger") }), "HR")
      assert.strictEqual(yield* name({ user: "hr" }), "HR")
      const wrong = yield* Effect.flip(name({ user: "ada", password: Redacted.make("not-hers") }))
      assert.strictEqual(wrong._tag, "OpenSessionError")
      assert.notInclude(JSON.stringify(wrong) + String(wrong), "not-hers")
      const sessions = yield* server.sessions
      assert.includeMembers(sessions.map((session) => session.proxyUser ?? ""), ["SCOTT"])
    }))
})

describe.skipIf(isReal)("trouble", () => {
  it.live("with a session that is killed in the middle of a call is over with the next lease", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      const killed = yield* Effect.forkChild(Effect.flip(
        pool.use((connection) => connection.execute("begin dbms_session.sleep(20); end;"))
      ))
      yield* active(server, 1)
      assert.strictEqual(yield* server.killWhere((session) => session.status === "ACTIVE"), 1)
      const error = yield* Fiber.join(killed)
      assert.isTrue(error._tag === "OracleError" && error.isSessionFatal)
      assert.deepStrictEqual(yield* pool.use((connection) => connection.query(one)), [{ ONE: 1 }])
      assert.strictEqual((yield* pool.statistics).opened, 1)
    }))

  it.live("with the whole database is over when it is back", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 2, getMode: "timedWait", waitTimeout: "300 millis" })
      yield* pool.use((connection) => connection.ping)
      yield* server.shutdown()
      assert.isTrue(Exit.isFailure(yield* Effect.exit(pool.use((connection) => connection.query(one)))))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(pool.use((connection) => connection.query(one)))))
      yield* server.startup()
      const rows = yield* pool.use((connection) => connection.query(one)).pipe(
        Effect.retry({ times: 20 })
      )
      assert.deepStrictEqual(rows, [{ ONE: 1 }])
    }))

  it.live("that the server announces retires sessions without an error", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched()
      yield* pool.use((connection) => connection.ping)
      yield* server.announceShutdown
      yield* Effect.sleep("50 millis")
      assert.deepStrictEqual(yield* pool.use((connection) => connection.query(one)), [{ ONE: 1 }])
      assert.strictEqual((yield* pool.statistics).totals.opened, 2)
    }))
})

describe.skipIf(isReal)("a lease", () => {
  it.live("costs no round trip of its own, and one rollback when there is something to roll back", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      yield* server.script("create table t (n number)")
      const lease = pool.use((connection) => connection.query(one))
      yield* lease
      yield* server.clearRequests
      yield* lease
      yield* lease
      const calls = Effect.map(
        server.requests,
        (requests) => requests.filter((request) => !request.piggyback).map((request) => request.function)
      )
      assert.lengthOf(yield* calls, 2)
      yield* server.clearRequests
      yield* pool.use((connection) => connection.execute("insert into t values (1)"))
      assert.lengthOf(yield* calls, 2)
      assert.strictEqual((yield* calls).at(-1), "rollback")
    }))

  it.live("is routed by its class and its sharding key", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ poolBoundary: "statement", max: 4 })
      const held = yield* pool.acquire({ cclass: "REPORTS", shardingKey: "ada@example.com", superShardingKey: "GOLD" })
      yield* held.query(one)
      const [session] = yield* server.sessions
      assert.deepInclude(session, {
        server: "POOLED",
        shardingKey: "ada@example.com",
        superShardingKey: "GOLD",
        connectionClass: "REPORTS"
      })
      assert.deepStrictEqual(yield* Stream.runCollect(held.queryStream(one)), [{ ONE: 1 }])
    }))

  it.live("finds its session through a redirect and after refusals", () =>
    Effect.gen(function*() {
      const { connect, server } = yield* embedded()
      yield* server.inject(Fault.refuse({ code: 12516, times: 2 }))
      const pool = yield* OracleSessionPool.make({ ...connect, max: 1 })
      const rows = yield* pool.use((connection) => connection.query(one)).pipe(Effect.retry({ times: 5 }))
      assert.deepStrictEqual(rows, [{ ONE: 1 }])
    }))
})
