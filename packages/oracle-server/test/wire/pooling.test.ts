import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type Connection, oracledb, type Pool } from "../driver.ts"
import { cannedEngine, column, query } from "./cannedEngine.ts"
import { codeOf, connect, connectString, dialects, eventually, portOf, serve } from "./served.ts"

const engine = () =>
  cannedEngine({
    "select 1": { run: () => query([column("N", "NUMBER")], [["1"]]) },
    "select 5": { run: () => query([column("N", "NUMBER")], Array.from({ length: 5 }, (_, index) => [String(index)])) },
    "insert": {
      run: (_, session) => {
        session.transaction = true
        return { rowCount: 1 }
      }
    }
  })

type Canned = ReturnType<typeof engine>

const makePool = (attributes: object) =>
  Effect.acquireRelease(
    Effect.promise(() =>
      oracledb.createPool({ user: "scott", password: "tiger", poolMin: 0, poolMax: 4, ...attributes })
    ),
    (pool: Pool) => Effect.promise(() => pool.close(0))
  )

const use = <A>(pool: Pool, work: (connection: Connection) => Promise<A>) =>
  Effect.promise(async () => {
    const connection = await pool.getConnection()
    try {
      return await work(connection)
    } finally {
      await connection.close()
    }
  })

for (const { name, protocol } of dialects) {
  describe(`database resident pooling, ${name}`, () => {
    it.live("the driver's pool gives sessions back and takes them up again, on the same socket", () =>
      Effect.gen(function*() {
        const canned: Canned = engine()
        const server = yield* serve(canned, { protocol })
        const pool = yield* makePool({ connectString: `${connectString(server)}:pooled` })
        for (let again = 0; again < 5; again++) {
          const { rows } = yield* use(pool, (connection) => connection.execute("select 1"))
          assert.deepStrictEqual(rows, [[1]])
        }
        assert.strictEqual(canned.opened.length, 1)
        assert.strictEqual(canned.opened[0]!.info.server, "POOLED")
        const { connections, logons } = server.cluster.counters()
        assert.deepStrictEqual({ connections, logons }, { connections: 1, logons: 1 })
        // Nobody waits for a release.
        yield* eventually(() => server.cluster.counters().byFunction.sessionRelease === 5)
      }))

    it.live("a dedicated session that a client releases is left to nobody: it ends with its connection", () =>
      Effect.gen(function*() {
        const server = yield* serve(engine(), { protocol })
        const connection = yield* Effect.promise(() =>
          oracledb.getConnection({ user: "scott", password: "tiger", connectString: connectString(server) })
        )
        // What a client sends that takes its server for a pooled one.
        const inside = Reflect.get(connection, "_impl") as { _drcpEnabled: boolean }
        inside._drcpEnabled = true
        yield* Effect.promise(() => connection.close())
        yield* eventually(() => server.cluster.instances[0]!.sessions.size === 0)
        assert.strictEqual(server.cluster.counters().byFunction.sessionRelease, 1)
      }))

    it.live("work that was left open is rolled back with the release", () =>
      Effect.gen(function*() {
        const canned = engine()
        const server = yield* serve(canned, { protocol })
        const pool = yield* makePool({ connectString: `${connectString(server)}:pooled` })
        yield* use(pool, (connection) => connection.execute("insert"))
        const [entry] = [...server.cluster.instances[0]!.sessions.values()]
        yield* eventually(() => entry!.connection === undefined)
        assert.isTrue(canned.opened[0]!.events.includes("rollback"))
        assert.isFalse(canned.opened[0]!.transaction)
      }))

    it.live("standalone connections leave their session behind, and purity SELF takes it up", () =>
      Effect.gen(function*() {
        const canned = engine()
        const server = yield* serve(canned, { protocol })
        const descriptor = (purity: string, cclass: string) =>
          `127.0.0.1:${portOf(server)}/FREEPDB1:pooled?pool_purity=${purity}&pool_connection_class=${cclass}`
        const { pool } = server.cluster.instances[0]!
        const visit = (purity: string, cclass: string, idle: number) =>
          Effect.scoped(
            Effect.flatMap(
              connect(server, { connectString: descriptor(purity, cclass) }),
              (connection) => Effect.promise(() => connection.execute("select 1"))
            )
          ).pipe(Effect.andThen(eventually(() => pool.size === idle)))
        yield* visit("self", "web", 1)
        yield* visit("self", "web", 1)
        assert.strictEqual(canned.opened.length, 1)
        assert.strictEqual(canned.opened[0]!.info.connectionClass, "web")
        yield* visit("self", "batch", 2)
        assert.strictEqual(canned.opened.length, 2)
        yield* visit("new", "web", 2)
        assert.strictEqual(canned.opened.length, 3)
      }))
  })
}

describe("implicit pooling", () => {
  const boundary = (server: Parameters<typeof portOf>[0], kind: string) =>
    `(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT=${portOf(server)}))` +
    `(CONNECT_DATA=(SERVICE_NAME=FREEPDB1)(SERVER=POOLED)(POOL_BOUNDARY=${kind})))`

  it.live("STATEMENT releases after every call that leaves nothing open", () =>
    Effect.gen(function*() {
      const canned = engine()
      const server = yield* serve(canned)
      const connection = yield* connect(server, { connectString: boundary(server, "STATEMENT") })
      yield* Effect.promise(() => connection.execute("select 1"))
      assert.strictEqual(server.cluster.instances[0]!.pool.size, 1)
      const open = yield* Effect.promise(() =>
        connection.execute("select 5", [], { resultSet: true, prefetchRows: 1, fetchArraySize: 1 })
      )
      assert.strictEqual(server.cluster.instances[0]!.pool.size, 0)
      assert.strictEqual((yield* Effect.promise(() => open.resultSet.getRows(10))).length, 5)
      assert.strictEqual(server.cluster.instances[0]!.pool.size, 1)
      yield* Effect.promise(() => connection.execute("insert"))
      assert.strictEqual(server.cluster.instances[0]!.pool.size, 0)
      yield* Effect.promise(() => connection.commit())
      assert.strictEqual(server.cluster.instances[0]!.pool.size, 1)
      assert.strictEqual(canned.opened.length, 1)
    }))

  it.live("TRANSACTION releases at the end of a transaction only, and another client gets the session", () =>
    Effect.gen(function*() {
      const canned = engine()
      const server = yield* serve(canned)
      const connection = yield* connect(server, { connectString: boundary(server, "TRANSACTION") })
      yield* Effect.promise(() => connection.execute("select 1"))
      assert.strictEqual(server.cluster.instances[0]!.pool.size, 0)
      yield* Effect.promise(() => connection.execute("insert"))
      yield* Effect.promise(() => connection.commit())
      assert.strictEqual(server.cluster.instances[0]!.pool.size, 1)
      const other = yield* connect(server, { connectString: boundary(server, "TRANSACTION") })
      assert.strictEqual(yield* codeOf(() => other.execute("select 1")), "no error")
      assert.strictEqual(canned.opened.length, 1)
      assert.strictEqual(yield* codeOf(() => connection.execute("select 1")), "no error")
      assert.strictEqual(canned.opened.length, 2)
    }))
})
