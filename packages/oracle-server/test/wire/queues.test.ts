import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as OracleServer from "../../src/OracleServer.ts"
import { type Connection, oracledb } from "../driver.ts"
import { codeOf, dialects } from "./served.ts"

interface Message {
  readonly payload: unknown
  readonly correlation: string | null
  readonly priority: number
  readonly expiration: number
  readonly numAttempts: number
  readonly msgId: Buffer
  readonly state: number
  readonly enqTime: Date
}

interface Queue {
  readonly deqOptions: { wait: number; mode: number; navigation: number; correlation: string; msgId: Buffer }
  readonly enqOptions: { visibility: number }
  enqOne(message: unknown): Promise<Message>
  enqMany(messages: ReadonlyArray<unknown>): Promise<ReadonlyArray<Message>>
  deqOne(): Promise<Message | undefined>
  deqMany(count: number): Promise<ReadonlyArray<Message>>
}

type Queueing = Connection & { getQueue(name: string, options?: object): Promise<Queue> }

const script = `
create type parcel as object (weight number, label varchar2(20), sent date);
/
begin
  dbms_aqadm.create_queue_table('raws', 'RAW', sort_list => 'PRIORITY,ENQ_TIME');
  dbms_aqadm.create_queue('raw_queue', 'raws', max_retries => 3);
  dbms_aqadm.start_queue('raw_queue');
  dbms_aqadm.create_transactional_event_queue('json_queue', queue_payload_type => 'JSON');
  dbms_aqadm.start_queue('json_queue');
  dbms_aqadm.create_queue_table('parcels', 'PARCEL');
  dbms_aqadm.create_queue('parcel_queue', 'parcels');
  dbms_aqadm.start_queue('parcel_queue');
end;
/
`

const served = (
  test: (one: Queueing, other: Queueing, server: OracleServer.Service) => Promise<void>,
  options: OracleServer.Options = {}
) =>
  Effect.scoped(Effect.gen(function*() {
    const server = yield* OracleServer.make({ script, ...options })
    const open = Effect.acquireRelease(
      Effect.promise(() =>
        oracledb.getConnection({ user: "scott", password: "tiger", connectString: server.connectString })
      ),
      (connection) => Effect.promise(() => connection.close().catch(() => undefined))
    )
    const one = yield* open
    const other = yield* open
    yield* Effect.promise(() => test(one as Queueing, other as Queueing, server))
  }))

const texts = (messages: ReadonlyArray<Message>): ReadonlyArray<string> =>
  messages.map(({ payload }) => (payload as Buffer).toString())

describe("Advanced Queuing on the wire", () => {
  for (const { name, protocol } of dialects) {
    it.live(`carries messages one by one and many at once: ${name}`, () =>
      served(async (one, other) => {
        const sender = await one.getQueue("raw_queue")
        const sent = await sender.enqOne({
          payload: "hello",
          correlation: "grüße",
          priority: -2,
          expiration: 100,
          exceptionQueue: "aq$_raws_e"
        })
        const many = await sender.enqMany([
          { payload: Buffer.alloc(100_000, 1), priority: 5 },
          { payload: "", priority: 4 },
          "last"
        ])
        assert.strictEqual(new Set([sent, ...many].map(({ msgId }) => msgId.toString("hex"))).size, 4)
        await one.commit()
        const receiver = await other.getQueue("raw_queue")
        receiver.deqOptions.wait = 0
        const first = (await receiver.deqOne())!
        assert.strictEqual((first.payload as Buffer).toString(), "hello")
        assert.deepInclude(
          { ...first, correlation: first.correlation, priority: first.priority, state: first.state },
          { correlation: "grüße", priority: -2, state: 0 }
        )
        assert.strictEqual(first.expiration, 100)
        assert.deepStrictEqual(first.msgId, sent.msgId)
        const rest = await receiver.deqMany(10)
        assert.deepStrictEqual(rest.map(({ payload }) => (payload as Buffer).length), [4, 0, 100_000])
        assert.deepStrictEqual(rest.map(({ msgId }) => msgId), [many[2]!.msgId, many[1]!.msgId, many[0]!.msgId])
        assert.isUndefined(await receiver.deqOne())
        assert.deepStrictEqual(await receiver.deqMany(2), [])
        await other.commit()
        const parcels = await one.getQueue("parcel_queue", { payloadType: "PARCEL" })
        const sentAt = new Date(2024, 1, 29, 13, 14, 15)
        await parcels.enqMany([
          { payload: { WEIGHT: 1.5, LABEL: "a", SENT: sentAt } },
          { payload: { WEIGHT: null, LABEL: null } }
        ])
        await parcels.enqOne({ payload: { LABEL: "c" } })
        parcels.deqOptions.wait = 0
        const opened = await parcels.deqMany(5)
        assert.deepStrictEqual(
          opened.map(({ payload }) => JSON.stringify(payload)),
          [
            JSON.stringify({ WEIGHT: 1.5, LABEL: "a", SENT: sentAt }),
            "{\"WEIGHT\":null,\"LABEL\":null,\"SENT\":null}",
            "{\"WEIGHT\":null,\"LABEL\":\"c\",\"SENT\":null}"
          ]
        )
      }, { protocol }))
  }

  it.live("carries JSON", () =>
    served(async (one) => {
      const queue = await one.getQueue("json_queue", { payloadType: oracledb["DB_TYPE_JSON"] })
      queue.deqOptions.wait = 0
      const values = [{ a: [1, "x", null], "ü": { deep: true } }, "text", 42, [], {}]
      await queue.enqMany(values.slice(1).map((payload) => ({ payload })))
      await queue.enqOne({ payload: values[0], priority: -1 })
      assert.deepStrictEqual((await queue.deqMany(9)).map(({ payload }) => payload), values)
    }))

  it.live("ends a wait by a break, and loses nothing by it", () =>
    served(async (one, other) => {
      const receiver = await other.getQueue("raw_queue")
      const waiting = receiver.deqOne().then(() => "a message", (cause: Error & { code: string }) => cause.code)
      const busy = "select count(*) from v$session where status = 'ACTIVE' and sid <> sys_context('userenv', 'sid')"
      for (let waits = 0; waits !== 1;) waits = Number((await one.execute(busy)).rows?.[0]?.[0])
      await other.break()
      assert.strictEqual(await waiting, "ORA-01013")
      const sender = await one.getQueue("raw_queue")
      await sender.enqOne("still there")
      await one.commit()
      assert.deepStrictEqual(texts([(await receiver.deqOne())!]), ["still there"])
    }))

  it.live("wakes a waiting client by a commit, and counts its rollback", () =>
    served(async (one, other) => {
      const receiver = await other.getQueue("raw_queue")
      const waiting = receiver.deqMany(2)
      const sender = await one.getQueue("raw_queue")
      await sender.enqMany(["a", "b"])
      await one.commit()
      assert.deepStrictEqual(texts(await waiting), ["a", "b"])
      await other.rollback()
      assert.strictEqual((await receiver.deqOne())!.numAttempts, 1)
    }))

  it.live("does not count a session that is killed", () =>
    served(async (one, other, server) => {
      const sender = await one.getQueue("raw_queue")
      await sender.enqOne("a")
      await one.commit()
      const receiver = await other.getQueue("raw_queue")
      await receiver.deqOne()
      await Effect.runPromise(server.killWhere(() => true))
      const third = (await oracledb.getConnection({
        user: "scott",
        password: "tiger",
        connectString: server.connectString
      })) as Queueing
      const queue = await third.getQueue("raw_queue")
      assert.strictEqual((await queue.deqOne())!.numAttempts, 0)
      await third.close()
    }))

  it.live("refuses by the errors of the manual, and by name what it has not", () =>
    served(async (one) => {
      const run = (work: () => Promise<unknown>) => Effect.runPromise(codeOf(work))
      const queue = await one.getQueue("raw_queue")
      queue.deqOptions.wait = 0
      const unknown = await one.getQueue("nope")
      assert.strictEqual(await run(() => unknown.enqOne("x")), "ORA-24010")
      assert.strictEqual(await run(() => unknown.deqOne()), "ORA-24010")
      const mistyped = await one.getQueue("json_queue")
      assert.strictEqual(await run(() => mistyped.enqOne("x")), "ORA-25215")
      assert.strictEqual(await run(() => queue.enqOne({ payload: "x", recipients: ["someone"] })), "ORA-24039")
      const id = Buffer.alloc(16, 7)
      queue.deqOptions.msgId = id
      assert.strictEqual(await run(() => queue.deqOne()), "ORA-25263")
      const buffered = await one.getQueue("raw_queue")
      ;(buffered.enqOptions as unknown as { deliveryMode: unknown }).deliveryMode =
        oracledb["AQ_MSG_DELIV_MODE_BUFFERED"]
      assert.strictEqual(await run(() => buffered.enqOne("x")), "ORA-03001")
      await one.ping()
    }))
})
