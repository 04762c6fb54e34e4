import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import * as OracleServer from "../src/OracleServer.ts"
import { type Connection, oracledb } from "./driver.ts"
import { codeOf } from "./wire/served.ts"

const logon = { user: "scott", password: "tiger" }

const connect = (connectString: string): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => oracledb.getConnection({ ...logon, connectString })),
    (connection) => Effect.promise(() => connection.close().catch(() => undefined))
  )

const rows = (connection: Connection, sql: string) => Effect.promise(async () => (await connection.execute(sql)).rows)

const cluster = (options: OracleServer.Options = {}) =>
  OracleServer.make({
    databaseName: "SALES",
    instances: [{ name: "SALES1" }, { name: "SALES2" }, { name: "SALES3", services: ["reports"] }],
    script: "create table t (n number primary key); insert into t values (1)",
    ...options
  })

describe("instances of one database", () => {
  it.live("say which they are, and see each other", () =>
    Effect.gen(function*() {
      const server = yield* cluster()
      const one = yield* connect(server.connectStringOf({ instance: "SALES1" }))
      const two = yield* connect(server.connectStringOf({ instance: "SALES2" }))
      assert.deepStrictEqual([one.instanceName, two.instanceName], ["SALES1", "SALES2"])
      const own = "select instance_number, instance_name, parallel, sys_context('userenv', 'instance'), " +
        "sys_context('userenv', 'instance_name') from v$instance"
      assert.deepStrictEqual(yield* rows(one, own), [[1, "SALES1", "YES", "1", "SALES1"]])
      assert.deepStrictEqual(yield* rows(two, own), [[2, "SALES2", "YES", "2", "SALES2"]])
      const all = "select inst_id, instance_name, status from gv$instance order by inst_id"
      assert.deepStrictEqual(yield* rows(two, all), [[1, "SALES1", "OPEN"], [2, "SALES2", "OPEN"], [
        3,
        "SALES3",
        "OPEN"
      ]])
      const [mine] = yield* rows(one, "select sid from v$session")
      const everywhere = yield* rows(one, "select inst_id, sid from gv$session order by inst_id")
      assert.lengthOf(everywhere, 2)
      assert.deepStrictEqual(everywhere[0], [1, mine![0]])
      assert.strictEqual(everywhere[1]![0], 2)
    }))

  it.live("lose their connections when they go; the listener sends clients to the others until they come back", () =>
    Effect.gen(function*() {
      const server = yield* cluster()
      const address = server.connectStringOf({ instance: "SALES1" })
      const lost = yield* connect(address)
      const other = yield* connect(server.connectStringOf({ instance: "SALES2" }))
      yield* Effect.promise(() => lost.execute("update t set n = 2"))
      yield* server.shutdown({ instance: "SALES1" })
      assert.strictEqual(yield* codeOf(() => lost.execute("select 1 from dual")), "NJS-500")
      assert.strictEqual(yield* codeOf(() => other.execute("update t set n = 3")), "no error")
      yield* Effect.promise(() => other.commit())
      const moved = yield* connect(address)
      assert.strictEqual(moved.instanceName, "SALES2")
      assert.deepStrictEqual(yield* rows(moved, "select n from t"), [[3]])
      assert.deepStrictEqual(
        yield* rows(moved, "select inst_id from gv$instance order by inst_id"),
        [[2], [3]]
      )
      yield* server.startup({ instance: "SALES1" })
      assert.strictEqual((yield* connect(address)).instanceName, "SALES1")
    }))

  it.live("serve those that are there until they go, and no others, when their stop is planned", () =>
    Effect.gen(function*() {
      const server = yield* cluster()
      const address = server.connectStringOf({ instance: "SALES1" })
      const there = yield* connect(address)
      const other = yield* connect(server.connectStringOf({ instance: "SALES2" }))
      yield* server.shutdown({ instance: "SALES1", mode: "drain" })
      assert.deepStrictEqual(yield* rows(there, "select n from t"), [[1]])
      assert.deepStrictEqual([there.isHealthy(), other.isHealthy()], [false, true])
      assert.strictEqual((yield* connect(address)).instanceName, "SALES2")
      yield* server.startup({ instance: "SALES1" })
      assert.strictEqual((yield* connect(address)).instanceName, "SALES1")
    }))

  it.live("are reached by name and by service, from any listener", () =>
    Effect.gen(function*() {
      const server = yield* cluster()
      const named = (instance: string) =>
        `(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT=${server.port}))` +
        `(CONNECT_DATA=(SERVICE_NAME=FREEPDB1)(INSTANCE_NAME=${instance})))`
      assert.strictEqual((yield* connect(named("sales2"))).instanceName, "SALES2")
      assert.strictEqual((yield* connect(server.connectStringOf({ service: "reports" }))).instanceName, "SALES3")
      const unknown = (connectString: string) => codeOf(() => oracledb.getConnection({ ...logon, connectString }))
      assert.strictEqual(yield* unknown(named("sales9")), "NJS-511")
      yield* server.shutdown({ instance: "SALES3" })
      assert.strictEqual(yield* unknown(server.connectStringOf({ service: "reports" })), "NJS-518")
      yield* server.shutdown()
      assert.strictEqual(yield* unknown(server.connectString), "NJS-518")
    }))

  it.live("share the load when they are told to", () =>
    Effect.gen(function*() {
      const server = yield* cluster({ loadBalance: true })
      const names: Array<string> = []
      for (let n = 0; n < 4; n++) names.push((yield* connect(server.connectString)).instanceName)
      assert.deepStrictEqual(names, ["SALES1", "SALES2", "SALES1", "SALES2"])
    }))

  it.live("do not take clients over that a route sends to one of them: shards do not stand in for each other", () =>
    Effect.gen(function*() {
      const server = yield* cluster({ route: () => "SALES2" })
      assert.strictEqual((yield* connect(server.connectString)).instanceName, "SALES2")
      yield* server.shutdown({ instance: "SALES2" })
      assert.strictEqual(
        yield* codeOf(() => oracledb.getConnection({ ...logon, connectString: server.connectString })),
        "NJS-518"
      )
    }))
})
