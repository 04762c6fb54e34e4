/**
 * Sends mutations of recorded traffic to the embedded server, over sockets, in sessions that have logged on. It fails when
 * the server crashes, hangs, keeps sessions or memory, or when another session, which works all the time, sees anything of it.
 *
 * Usage: npm run fuzz [-- mutations [seed]]
 */
import { Effect } from "effect"
import { createRequire } from "node:module"
import { connect, createServer, type Socket } from "node:net"
import * as OracleServer from "../packages/oracle-server/src/OracleServer.ts"
import { RawClient } from "./lib/rawClient.ts"

const mutations = Number(process.argv[2] ?? 5000)
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000_000)

/** Random numbers that a seed gives again (mulberry32). */
const random = (() => {
  let state = seed >>> 0
  return (below: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296 * below)
  }
})()

interface Driver {
  readonly [constant: string]: unknown
  getConnection(attributes: object): Promise<Session>
  readonly Pipeline: new() => { addExecute(sql: string): void }
}

interface Session {
  module: string
  execute(
    sql: string,
    binds?: unknown,
    options?: object
  ): Promise<{ rows?: ReadonlyArray<unknown>; outBinds?: unknown }>
  executeMany(sql: string, binds: ReadonlyArray<unknown>, options?: object): Promise<unknown>
  createLob(type: unknown): Promise<{ end(text: string, done: () => void): void; close(): Promise<void> }>
  runPipeline(pipeline: unknown, continueOnError: boolean): Promise<unknown>
  break(): Promise<void>
  commit(): Promise<void>
  ping(): Promise<void>
  close(): Promise<void>
}

const require = createRequire(new URL("../packages/oracle-server/package.json", import.meta.url))
const oracledb = require("oracledb") as Driver

/** What the driver does while its traffic is recorded: every kind of request. */
const everything = async (session: Session): Promise<void> => {
  session.module = "fuzz"
  await session.execute("select :a, :b, :c, :d from dual", ["text", 1.5, new Date(0), Buffer.from("raw")])
  await session.execute("select :a, :b, :c, :d from dual", ["other", 2.5, new Date(1), Buffer.from("more")])
  await session.execute("select level from dual connect by level <= 500", [], { fetchArraySize: 50 })
  await session.execute("select to_clob('x') c, to_blob(hextoraw('01')) b from dual")
  await session.execute("insert into fuzz values (:1, :2)", [1, "x".repeat(5000)])
  await session.executeMany("insert into fuzz values (:1, :2)", [[2, "a"], [3, "b"], ["no", "c"]], {
    batchErrors: true
  }).catch(
    () => undefined
  )
  await session.execute("update fuzz set name = :1 where id = :2 returning name into :3", [
    "z",
    2,
    { dir: oracledb["BIND_OUT"], type: oracledb["STRING"] }
  ])
  await session.execute("begin :1 := :2 || '!'; end;", [
    { dir: oracledb["BIND_OUT"], type: oracledb["STRING"] },
    "hello"
  ])
  const { outBinds } = await session.execute("begin open :1 for select level n from dual connect by level < 5; end;", [
    { dir: oracledb["BIND_OUT"], type: oracledb["CURSOR"] }
  ])
  await (outBinds as ReadonlyArray<{ getRows(count: number): Promise<unknown> }>)[0]!.getRows(10)
  await session.execute("select :1 from dual", [{
    type: oracledb["DB_TYPE_JSON"],
    val: { a: [1, "b", null, { c: true }] }
  }])
  const lob = await session.createLob(oracledb["CLOB"])
  await new Promise<void>((resolve) => lob.end("text of a LOB", resolve))
  await lob.close()
  const pipeline = new oracledb.Pipeline()
  for (let one = 0; one < 3; one++) pipeline.addExecute("select 1 from dual")
  await session.runPipeline(pipeline, true)
  await session.execute("select * from nothing_here").catch(() => undefined)
  await session.break()
  await session.ping().catch(() => undefined)
  await session.commit()
}

/** Cuts what was recorded into packets. The first ones have lengths of 16 bits. */
const packetsOf = (bytes: Buffer): ReadonlyArray<Buffer> => {
  const packets: Array<Buffer> = []
  let at = 0
  while (at + 8 <= bytes.length) {
    const length = packets.length === 0 ? bytes.readUInt16BE(at) : bytes.readUInt32BE(at)
    packets.push(Buffer.from(bytes.subarray(at, at + length)))
    at += length
  }
  return packets
}

const record = async (port: number, attributes: object): Promise<ReadonlyArray<Buffer>> => {
  const sent: Array<Buffer> = []
  const sockets = new Set<Socket>()
  const relay = createServer((client) => {
    const upstream = connect(port, "127.0.0.1")
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on("error", () => undefined)
    }
    client.on("data", (chunk) => {
      sent.push(chunk)
      upstream.write(chunk)
    })
    upstream.on("data", (chunk) => client.write(chunk))
    client.on("close", () => upstream.destroy())
    upstream.on("close", () => client.destroy())
  })
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve))
  const address = relay.address() as { readonly port: number }
  const session = await oracledb.getConnection({ ...attributes, connectString: `127.0.0.1:${address.port}/FREEPDB1` })
  await everything(session)
  await session.close()
  for (const socket of sockets) socket.destroy()
  await new Promise<void>((resolve) => relay.close(() => resolve()))
  return packetsOf(Buffer.concat(sent))
}

const interesting = [0, 1, 0x7f, 0x80, 0xfd, 0xfe, 0xff]

/** One mutation of some packets; headers keep their lengths true most of the time, so that more than the framing is met. */
const mutate = (packets: ReadonlyArray<Buffer>): ReadonlyArray<Buffer> => {
  const copies = packets.map((packet) => Buffer.from(packet))
  const index = random(copies.length)
  const packet = copies[index]!
  const fix = (changed: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> => {
    if (random(20) !== 0 && changed.length >= 4) changed.writeUInt32BE(changed.length, 0)
    return changed
  }
  const at = 8 + random(Math.max(1, packet.length - 8))
  switch (random(7)) {
    case 0:
      packet[at] = random(256)
      break
    case 1:
      packet[at] = packet[at]! ^ (1 << random(8))
      break
    case 2:
      packet[at] = interesting[random(interesting.length)]!
      break
    case 3: {
      const count = 1 + random(8)
      copies[index] = fix(Buffer.concat([packet.subarray(0, at), packet.subarray(Math.min(packet.length, at + count))]))
      break
    }
    case 4: {
      const extra = Buffer.from(Array.from({ length: 1 + random(8) }, () => random(256)))
      copies[index] = fix(Buffer.concat([packet.subarray(0, at), extra, packet.subarray(at)]))
      break
    }
    case 5:
      copies.splice(index, 0, copies[random(copies.length)]!)
      break
    default:
      copies[index] = fix(Buffer.from(packet.subarray(0, at)))
  }
  return copies
}

const perConnection = 20

const program = Effect.gen(function*() {
  const server = yield* OracleServer.make({
    users: { scott: "tiger", witness: "tiger" },
    script: "create table fuzz (id number, name clob)"
  })
  yield* server.script(
    "create table kept (id number, text varchar2(20)); insert into kept values (1, 'untouched')",
    "WITNESS"
  )
  const attributes = { user: "scott", password: "tiger" }
  const packets = yield* Effect.promise(() => record(server.port, attributes))
  // CONNECT, the first and the second phase of the log-on come before what is mutated; the end of the file after it.
  const first = packets[1]!.subarray(10)
  const recorded = packets.slice(3, -2)
  console.log(`seed ${seed}: ${mutations} mutations of ${recorded.length} recorded packets`)
  const witness = yield* Effect.promise(() =>
    oracledb.getConnection({ user: "witness", password: "tiger", connectString: server.connectString })
  )
  const check = async (when: string) => {
    const before = performance.now()
    const { rows } = await witness.execute("select id, text from kept")
    if (JSON.stringify(rows) !== "[[1,\"untouched\"]]") {
      throw new Error(`${when}: the other session reads ${JSON.stringify(rows)}`)
    }
    return performance.now() - before
  }
  const settled = async () => {
    for (let tries = 0; tries < 500; tries++) {
      if ((await Effect.runPromise(server.sessions)).length === 1) return
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    throw new Error(`${(await Effect.runPromise(server.sessions)).length} sessions are left of clients that have gone`)
  }
  const collect = () => {
    globalThis.gc?.()
    return process.memoryUsage().heapUsed / 1e6
  }
  let slowest = 0
  let base = 0
  let done = 0
  const started = performance.now()
  let reported = 0
  yield* Effect.promise(async () => {
    while (done < mutations) {
      const client = await RawClient.logOn(server.port, {
        service: "FREEPDB1",
        user: "SCOTT",
        password: "tiger",
        first
      })
      const number = done
      for (let one = 0; one < perConnection && done < mutations && !client.isClosed; one++, done++) {
        const from = random(recorded.length)
        for (const packet of mutate(recorded.slice(from, from + 1 + random(4)))) client.send(packet)
        if (random(2) === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      if (!await client.finish(10_000)) {
        throw new Error(`mutation ${number} to ${done}: the server does not let go of its client`)
      }
      slowest = Math.max(slowest, await check(`mutation ${done}`))
      if (done >= 1000 && base === 0) {
        await settled()
        base = collect()
      }
      if (done - reported >= 10_000) {
        reported = done
        console.log(
          `${done} mutations, ${Math.round((performance.now() - started) / 1000)} s, ${Math.round(collect())} MB`
        )
      }
    }
    await settled()
  })
  const growth = collect() - base
  yield* Effect.promise(() => witness.close())
  const { connections, errors, malformed } = yield* server.counters
  console.log(
    `${done} mutations in ${Math.round((performance.now() - started) / 1000)} s over ${connections} connections: ` +
      `${malformed} not understood, ${errors} errors answered; the other session waited ${
        Math.round(slowest)
      } ms at most; ` +
      `heap ${growth >= 0 ? "+" : ""}${growth.toFixed(1)} MB`
  )
  if (base > 0 && growth > 64) throw new Error(`the heap has grown by ${growth.toFixed(1)} MB`)
  if (slowest > 5000) throw new Error(`the other session waited ${Math.round(slowest)} ms`)
})

for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (cause) => {
    console.error(`seed ${seed}: ${event}`, cause)
    process.exit(1)
  })
}

try {
  await Effect.runPromise(Effect.scoped(program))
} catch (cause) {
  console.error(`seed ${seed}:`, cause)
  process.exit(1)
}
