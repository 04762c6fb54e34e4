import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { connect as connectSocket } from "node:net"
import { encodeData, PacketType } from "../../src/internal/net/packet.ts"
import { oracledb } from "../driver.ts"
import { cannedEngine, column, makeLob, query } from "./cannedEngine.ts"
import { connectPacket } from "./rawPackets.ts"
import { codeOf, connect, connectString, eventually, portOf, serve } from "./served.ts"

const engine = () =>
  cannedEngine({
    "select :a": { run: () => query([column("N", "NUMBER"), column("S", "VARCHAR2")], [["1", "one"], ["2", "two"]]) },
    "select lob": { run: () => query([column("C", "CLOB")], [[makeLob("CLOB", "text")]]) }
  })

/** Sends bytes and waits until the server has closed the connection, or `limit` milliseconds have passed. */
const throwAt = (port: number, pieces: ReadonlyArray<Uint8Array>, end: boolean, limit = 1000) =>
  new Promise<"closed" | "open">((resolve) => {
    const socket = connectSocket({ host: "127.0.0.1", port })
    const timer = setTimeout(() => {
      resolve("open")
      socket.destroy()
    }, limit)
    socket.on("error", () => undefined)
    socket.on("data", () => undefined)
    socket.on("close", () => {
      clearTimeout(timer)
      resolve("closed")
    })
    for (const piece of pieces) socket.write(piece)
    if (end) socket.end()
  })

/** Everything that the driver sends in a short session, by way of a relay. */
const record = async (port: number): Promise<Buffer> => {
  const { createServer } = await import("node:net")
  const sent: Array<Buffer> = []
  const relay = createServer((client) => {
    const upstream = connectSocket({ host: "127.0.0.1", port })
    client.on("data", (chunk) => {
      sent.push(chunk)
      upstream.write(chunk)
    })
    upstream.on("data", (chunk) => client.write(chunk))
    client.on("close", () => upstream.destroy())
    upstream.on("close", () => client.destroy())
    client.on("error", () => undefined)
    upstream.on("error", () => undefined)
  })
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve))
  const address = relay.address() as { port: number }
  const connection = await oracledb.getConnection({
    user: "scott",
    password: "tiger",
    connectString: `127.0.0.1:${address.port}/FREEPDB1`
  })
  connection.module = "fuzz"
  await connection.execute("select :a", ["value"])
  await connection.execute("select :a", ["other"])
  await connection.execute("select lob")
  await connection.commit()
  await connection.close()
  await new Promise<void>((resolve) => relay.close(() => resolve()))
  return Buffer.concat(sent)
}

const descriptor = "(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=FREEPDB1)))"

describe("what no client sends", () => {
  it.live("ends that connection and nothing else, from the first byte on", () =>
    Effect.gen(function*() {
      const server = yield* serve(engine())
      const port = portOf(server)
      const good = yield* connect(server)
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(fc.uint8Array({ minLength: 8, maxLength: 200 }), async (bytes) => {
            assert.strictEqual(await throwAt(port, [bytes], true), "closed")
          }),
          { numRuns: 60 }
        )
      )
      assert.deepStrictEqual((yield* Effect.promise(() => good.execute("select :a", [1]))).rows.length, 2)
    }))

  it.live("a request that ends in the middle of a message, or goes on after it, is not waited upon", () =>
    Effect.gen(function*() {
      const port = portOf(yield* serve(engine()))
      // PROTOCOL, once without the end of the client's name and once with a byte too many.
      const protocol = Buffer.from("0106006e6f6465", "hex")
      const tooLong = Buffer.concat([protocol, Buffer.from([0, 2])])
      for (const payload of [protocol, tooLong]) {
        const pieces = [connectPacket(descriptor), encodeData(payload, 8192, true, 0x0800)]
        assert.strictEqual(yield* Effect.promise(() => throwAt(port, pieces, false)), "closed")
      }
    }))

  it.live("and inside an accepted connection", () =>
    Effect.gen(function*() {
      const server = yield* serve(engine())
      const port = portOf(server)
      const good = yield* connect(server)
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (payload) => {
            const pieces = [connectPacket(descriptor), encodeData(payload, 8192, true, 0x0800)]
            assert.strictEqual(await throwAt(port, pieces, true), "closed")
          }),
          { numRuns: 100 }
        )
      )
      assert.deepStrictEqual((yield* Effect.promise(() => good.execute("select :a", [1]))).rows.length, 2)
      assert.strictEqual(server.cluster.instances[0]!.sessions.size, 1)
    }))

  it.live(
    "a session of the real driver, damaged at any byte or cut anywhere, leaves no session behind",
    () =>
      Effect.gen(function*() {
        const server = yield* serve(engine())
        const port = portOf(server)
        const good = yield* connect(server)
        const stream = yield* Effect.promise(() => record(port))
        yield* Effect.promise(() =>
          fc.assert(
            fc.asyncProperty(
              fc.nat(stream.length - 1),
              fc.integer({ min: 1, max: 255 }),
              fc.nat(stream.length),
              fc.boolean(),
              async (at, flip, length, cut) => {
                const damaged = Buffer.from(stream)
                damaged[at]! ^= flip
                assert.strictEqual(await throwAt(port, [cut ? damaged.subarray(0, length) : damaged], true), "closed")
              }
            ),
            { numRuns: 200 }
          )
        )
        assert.deepStrictEqual((yield* Effect.promise(() => good.execute("select :a", [1]))).rows.length, 2)
        assert.strictEqual(server.cluster.instances[0]!.sessions.size, 1)
        assert.strictEqual(server.cluster.counters().openConnections, 1)
      }),
    60_000
  )

  it.live("the same stream is understood byte by byte", () =>
    Effect.gen(function*() {
      const server = yield* serve(engine())
      const { createServer } = yield* Effect.promise(() => import("node:net"))
      const relay = createServer((client) => {
        const upstream = connectSocket({ host: "127.0.0.1", port: portOf(server) })
        upstream.setNoDelay(true)
        let queue = Promise.resolve()
        client.on("data", (chunk) => {
          queue = queue.then(async () => {
            for (let at = 0; at < chunk.length; at += 7) {
              upstream.write(chunk.subarray(at, at + 7))
              await new Promise((resolve) => setImmediate(resolve))
            }
          })
        })
        upstream.on("data", (chunk) => client.write(chunk))
        client.on("close", () => void queue.then(() => upstream.destroy()))
        upstream.on("close", () => client.destroy())
        client.on("error", () => undefined)
        upstream.on("error", () => undefined)
      })
      yield* Effect.promise(() => new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve)))
      const { port } = relay.address() as { port: number }
      const connection = yield* connect(server, { connectString: `127.0.0.1:${port}/FREEPDB1` })
      assert.strictEqual(
        (yield* Effect.promise(() => connection.execute("select :a", ["x".repeat(5000)]))).rows.length,
        2
      )
      yield* Effect.promise(() => connection.close())
      yield* Effect.promise(() => new Promise<void>((resolve) => relay.close(() => resolve())))
    }))

  it.live("requests are found without the client's marks of their ends", () =>
    Effect.gen(function*() {
      const server = yield* serve(engine())
      const stream = yield* Effect.promise(() => record(portOf(server)))
      assert.isAbove(stream.length, 1000)
      const before = server.cluster.counters().byFunction
      // The stream again, up to the end of the first logon round, with every end-of-request flag taken out.
      const connectLength = stream.readUInt16BE(0)
      const plain = Buffer.from(stream)
      for (let at = connectLength; at + 10 <= plain.length; at += plain.readUInt32BE(at)) {
        if (plain[at + 4] === PacketType.data) plain.writeUInt16BE(plain.readUInt16BE(at + 8) & ~0x0800, at + 8)
      }
      yield* Effect.promise(() => throwAt(portOf(server), [plain], true))
      const after = server.cluster.counters().byFunction
      assert.strictEqual(after.authPhaseOne, before.authPhaseOne! + 1)
      assert.strictEqual(after.authPhaseTwo, before.authPhaseTwo! + 1)
    }))
})

describe("a client that leaves", () => {
  it.live("in the middle of its logon leaves no session", () =>
    Effect.gen(function*() {
      const canned = engine()
      const server = yield* serve(canned)
      const { createServer } = yield* Effect.promise(() => import("node:net"))
      // Connect, negotiation, then the password: the third piece is passed on, and with it the client is gone.
      const relay = createServer((client) => {
        const upstream = connectSocket({ host: "127.0.0.1", port: portOf(server) })
        let pieces = 0
        client.on("data", (chunk) => {
          pieces++
          upstream.write(chunk, () => {
            if (pieces === 3) upstream.destroy()
          })
        })
        upstream.on("data", (chunk) => client.write(chunk))
        upstream.on("close", () => client.destroy())
        client.on("error", () => undefined)
        upstream.on("error", () => undefined)
      })
      yield* Effect.promise(() => new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve)))
      const { port } = relay.address() as { port: number }
      for (let again = 0; again < 20; again++) {
        const code = yield* codeOf(() =>
          oracledb.getConnection({ user: "scott", password: "tiger", connectString: `127.0.0.1:${port}/FREEPDB1` })
        )
        assert.strictEqual(code, "NJS-500")
      }
      yield* eventually(() => server.cluster.counters().openConnections === 0)
      yield* Effect.sleep("20 millis")
      assert.strictEqual(server.cluster.instances[0]!.sessions.size, 0)
      assert.isTrue(canned.opened.every((session) => session.events.includes("close")))
      yield* Effect.promise(() => new Promise<void>((resolve) => relay.close(() => resolve())))
    }))
})

describe("stopping", () => {
  it.live("ends every connection and frees the port, whatever is going on", () =>
    Effect.gen(function*() {
      const canned = cannedEngine({
        "begin wait; end;": { run: () => new Promise(() => undefined) }
      })
      const outcome = yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* serve(canned)
        const connection = yield* Effect.promise(() =>
          oracledb.getConnection({ user: "scott", password: "tiger", connectString: connectString(server) })
        )
        const waiting = connection.execute("begin wait; end;").catch((cause: { code: string }) => cause.code)
        yield* Effect.sleep("20 millis")
        return { port: portOf(server), waiting }
      }))
      assert.strictEqual(yield* Effect.promise(() => outcome.waiting), "NJS-500")
      assert.isTrue(canned.opened[0]!.events.includes("close"))
      const refused = yield* Effect.promise(() =>
        new Promise<boolean>((resolve) => {
          const socket = connectSocket({ host: "127.0.0.1", port: outcome.port })
          socket.on("error", () => resolve(true))
          socket.on("connect", () => resolve(false))
        })
      )
      assert.isTrue(refused)
    }))
})
