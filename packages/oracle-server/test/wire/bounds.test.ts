import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect as connectSocket } from "node:net"
import { encodePacket, PacketType } from "../../src/internal/net/packet.ts"
import * as OracleServer from "../../src/OracleServer.ts"
import { oracledb } from "../driver.ts"
import { cannedEngine, column, query } from "./cannedEngine.ts"
import { codeOf, connect, connectString, eventually, portOf, serve } from "./served.ts"

const engine = () => cannedEngine({ "select 1": { run: () => query([column("N", "NUMBER")], [["1"]]) } })

const attributes = (server: Parameters<typeof connectString>[0]) => ({
  user: "scott",
  password: "tiger",
  connectString: connectString(server)
})

describe("the bounds of a server", () => {
  it.live("connections beyond its bound are refused with ORA-12520, until one is closed", () =>
    Effect.gen(function*() {
      const server = yield* serve(engine(), { maxConnections: 2 })
      const first = yield* connect(server)
      yield* connect(server)
      const refusal = yield* Effect.promise(() =>
        oracledb.getConnection(attributes(server)).then(() => "no error", (cause: Error) => cause.message)
      )
      assert.include(refusal, "ORA-12520")
      yield* Effect.promise(() => first.close())
      yield* eventually(() => server.cluster.instances[0]!.connections.size === 1)
      yield* connect(server)
    }))

  it.live("a client that does not log on in time is cut, and one that has stays", () =>
    Effect.gen(function*() {
      const server = yield* serve(engine(), { logOnTimeout: 2500 })
      const connection = yield* connect(server)
      const closed = yield* Effect.promise(() =>
        new Promise<boolean>((resolve) => {
          const socket = connectSocket({ host: "127.0.0.1", port: portOf(server) })
          socket.on("close", () => resolve(true))
          socket.on("error", () => undefined)
        })
      )
      assert.isTrue(closed)
      assert.strictEqual(yield* codeOf(() => connection.execute("select 1")), "no error")
    }))

  it.live("a packet beyond the agreed size ends its connection, and no other", () =>
    Effect.gen(function*() {
      const server = yield* serve(engine())
      const connection = yield* connect(server)
      const data = "(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=FREEPDB1)))"
      const body = Buffer.alloc(66)
      body.writeUInt16BE(319, 0)
      body.writeUInt16BE(data.length, 16)
      body.writeUInt16BE(74, 18)
      body.writeUInt32BE(8192, 50)
      body.writeUInt32BE(65_535, 54)
      yield* Effect.promise(() =>
        new Promise<void>((resolve) => {
          const socket = connectSocket({ host: "127.0.0.1", port: portOf(server) })
          socket.on("close", () => resolve())
          socket.on("error", () => undefined)
          socket.once("data", () => socket.write(Buffer.from("000020010600000000000000", "hex")))
          socket.write(encodePacket(PacketType.connect, Buffer.concat([body, Buffer.from(data)]), false))
        })
      )
      assert.strictEqual(server.cluster.counters().malformed, 1)
      assert.strictEqual(yield* codeOf(() => connection.execute("select 1")), "no error")
    }))

  it.live("depth without end fails the statement alone", () =>
    Effect.gen(function*() {
      const server = yield* OracleServer.make()
      const options = { user: "scott", password: "tiger", connectString: server.connectString }
      const connection = yield* Effect.acquireRelease(
        Effect.promise(() => oracledb.getConnection(options)),
        (one) => Effect.promise(() => one.close())
      )
      const depth = 10_000
      for (
        const sql of [
          `select ${"(".repeat(depth)}1${")".repeat(depth)} from dual`,
          `begin ${"begin ".repeat(depth)}null;${" end;".repeat(depth)} end;`,
          `select ${"not ".repeat(depth)}true from dual`
        ]
      ) {
        const code = yield* codeOf(() => connection.execute(sql))
        assert.match(code, /^(ORA-\d+|no error)$/)
        assert.strictEqual(yield* codeOf(() => connection.execute("select 1 from dual")), "no error")
      }
      let nested: unknown = 1
      for (let level = 0; level < 2000; level++) nested = [nested]
      const code = yield* codeOf(() =>
        connection.execute("select :1 from dual", [{ type: oracledb["DB_TYPE_JSON"], val: nested }])
      )
      assert.match(code, /^(ORA-\d+|no error)$/)
      assert.strictEqual(yield* codeOf(() => connection.execute("select 1 from dual")), "no error")
    }))
})
