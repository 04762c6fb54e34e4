/** What a cluster relies on in its message storage, each behavior over the driver and a socket. */
import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OracleMessageStorage } from "@sessionpool/oracle"
import { Effect, Layer, Option } from "effect"
import type { Envelope, MessageStorage, Reply } from "effect/cluster"
import { EntityAddress, EntityId, EntityType, ShardId, Snowflake } from "effect/cluster"
import { Digest } from "effect/crypto"
import { claimAll } from "./clusterClaims.ts"
import { database, embedded, isReal } from "./database.ts"
import { openClient } from "./openClient.ts"

let prefixes = 0

const prepared = Effect.gen(function*() {
  const { sql } = yield* openClient()
  const prefix = `sp_cluster_${process.pid}_${++prefixes}`
  const client = Layer.succeed(OracleClient.OracleClient, sql)
  const storage = yield* OracleMessageStorage.makeEncoded({ prefix }).pipe(
    Effect.provide(Layer.mergeAll(client, Digest.layerWebCrypto))
  )
  yield* Effect.addFinalizer(() =>
    Effect.forEach(
      ["messages", "replies", "migrations"],
      (table) => Effect.ignore(sql`drop table ${sql(`${prefix}_${table}`)}`),
      { discard: true }
    )
  )
  return { sql, prefix, storage }
})

const address = (entityId: string, shard = 1) => ({
  shardId: ShardId.fromStringEncoded(`default:${shard}`),
  entityType: "Order",
  entityId
})

/** The form that the storage's callers use. */
const addressOf = (entityId: string, shard = 1) =>
  EntityAddress.make({
    shardId: ShardId.make("default", shard),
    entityType: EntityType.make("Order"),
    entityId: EntityId.make(entityId)
  })

let numbers = 1_000_000_000_000_000_000n
const nextId = () => String(++numbers)

const request = (
  entityId: string,
  options: { readonly id?: string; readonly payload?: unknown; readonly shard?: number } = {}
) =>
  ({
    _tag: "Request",
    requestId: options.id ?? nextId(),
    address: address(entityId, options.shard),
    tag: "place",
    payload: options.payload ?? { entityId },
    headers: { from: "test" }
  }) as unknown as Envelope.PartialRequestEncoded

const save = (
  storage: MessageStorage.Encoded,
  envelope: Envelope.Encoded,
  primaryKey: string | null = null,
  deliverAt: number | null = null
) => storage.saveEnvelope({ envelope, primaryKey, deliverAt })

const chunk = (requestId: string, sequence: number): Reply.ChunkEncoded =>
  ({ _tag: "Chunk", id: nextId(), requestId, sequence, values: [sequence] }) as unknown as Reply.ChunkEncoded

const exit = (requestId: string, value: unknown = "done"): Reply.WithExitEncoded =>
  ({ _tag: "WithExit", id: nextId(), requestId, exit: { _tag: "Success", value } }) as unknown as Reply.WithExitEncoded

const ack = (of: Envelope.PartialRequestEncoded, replyId: string) =>
  ({
    _tag: "AckChunk",
    id: nextId(),
    requestId: of.requestId,
    replyId,
    address: of.address
  }) as unknown as Envelope.AckChunkEncoded

const interrupt = (of: Envelope.PartialRequestEncoded) =>
  ({
    _tag: "Interrupt",
    id: nextId(),
    requestId: of.requestId,
    address: of.address
  }) as unknown as Envelope.InterruptEncoded

const shards = ["default:1", "default:2"] as const

const read = (
  storage: MessageStorage.Encoded,
  options?: Parameters<MessageStorage.Encoded["unprocessedMessages"]>[2]
) =>
  Effect.map(
    storage.unprocessedMessages([...shards], Date.now(), options),
    (found) => found.map(({ envelope }) => envelope._tag === "Request" ? envelope.requestId : envelope.id)
  )

describe("OracleMessageStorage", () => {
  it.live("saves a request once for its key, and answers the second time with the last reply", () =>
    Effect.gen(function*() {
      const { storage } = yield* prepared
      const first = request("a")
      assert.strictEqual((yield* save(storage, first, "Order/a/place/1"))._tag, "Success")
      const again = () => save(storage, request("a"), "Order/a/place/1")
      assert.deepStrictEqual(yield* again(), {
        _tag: "Duplicate",
        originalId: Snowflake.Snowflake(first.requestId),
        lastReceivedReply: Option.none()
      })
      const part = chunk(first.requestId, 0)
      yield* storage.saveReply(part)
      const duplicate = yield* again()
      assert.deepStrictEqual(duplicate._tag === "Duplicate" && duplicate.lastReceivedReply, Option.some(part))
      const end = exit(first.requestId)
      yield* storage.saveReply(end)
      const ended = yield* again()
      assert.deepStrictEqual(ended._tag === "Duplicate" && ended.lastReceivedReply, Option.some(end))
      assert.deepStrictEqual(
        yield* storage.requestIdForPrimaryKey("Order/a/place/1"),
        Option.some(Snowflake.Snowflake(first.requestId))
      )
      assert.deepStrictEqual(yield* storage.requestIdForPrimaryKey("Order/a/place/2"), Option.none())
    }))

  it.live("takes keys and payloads of any length", () =>
    Effect.gen(function*() {
      const { storage } = yield* prepared
      const key = `Order/${"k".repeat(400)}`
      const long = { text: "ö".repeat(60_000) }
      const first = request("a", { payload: long })
      yield* save(storage, first, key)
      assert.strictEqual((yield* save(storage, request("a"), key))._tag, "Duplicate")
      assert.strictEqual((yield* save(storage, request("a"), `${key}x`))._tag, "Success")
      const [found] = yield* storage.unprocessedMessages([...shards], Date.now(), { limit: 1 })
      assert.deepStrictEqual(found?.envelope, first)
    }))

  it.live("tells keys apart that a database would not, and refuses what has no place in its columns", () =>
    Effect.gen(function*() {
      const { storage } = yield* prepared
      const keys = ["Order/a/place/half \ud800", "Order/a/place/half \ud801", "Order/a/place/half \ufffd", ""]
      for (const expected of ["Success", "Duplicate"]) {
        for (const key of keys) assert.strictEqual((yield* save(storage, request("a"), key))._tag, expected)
      }
      const refusal = (envelope: Envelope.Encoded) =>
        Effect.map(Effect.flip(save(storage, envelope)), ({ cause }) => cause instanceof Error ? cause.message : "")
      assert.strictEqual(yield* refusal(request("")), "The entity's id has 0 characters, and must have 1 to 255")
      assert.strictEqual(
        yield* refusal(request("x".repeat(256))),
        "The entity's id has 256 characters, and must have 1 to 255"
      )
      assert.strictEqual(
        yield* refusal(request("half \ud800")),
        "The entity's id has half a surrogate pair, which a database cannot store as text"
      )
      const tagged = (tag: string) => ({ ...request("a"), tag }) as Envelope.Encoded
      assert.strictEqual(yield* refusal(tagged("")), "The request's tag has 0 characters, and must have 1 to 50")
      // Five megabytes go through.
      const long = request("big", { payload: "x".repeat(5_000_000) })
      yield* save(storage, long)
      const [found] = yield* storage.unprocessedMessages([...shards], Date.now(), { addresses: [addressOf("big")] })
      assert.deepStrictEqual(found?.envelope, long)
    }))

  it.live("hands messages out in the order of their arrival, once, within limits, addresses and moments", () =>
    Effect.gen(function*() {
      const { storage } = yield* prepared
      const sent = ["a", "b", "a", "c", "b"].map((entity) => request(entity))
      for (const each of sent) yield* save(storage, each)
      const later = request("a")
      yield* save(storage, later, null, Date.now() + 3_600_000)
      yield* save(storage, request("z", { shard: 9 }))
      const ids = sent.map(({ requestId }) => requestId)
      assert.deepStrictEqual(yield* read(storage, { limit: 2 }), ids.slice(0, 2))
      assert.deepStrictEqual(yield* read(storage, { addresses: [addressOf("c"), addressOf("a")] }), [ids[2], ids[3]])
      assert.deepStrictEqual(yield* read(storage, { addresses: [] }), [])
      assert.deepStrictEqual(yield* read(storage), [ids[4]])
      assert.deepStrictEqual(yield* read(storage), [])
      // Given back by request, by address, by shard.
      yield* storage.resetRequests([Snowflake.Snowflake(ids[1]!)])
      yield* storage.resetAddresses([addressOf("c")])
      assert.deepStrictEqual(yield* read(storage), [ids[1], ids[3]])
      yield* storage.resetShards(["default:1"])
      assert.deepStrictEqual(yield* read(storage), ids)
      assert.lengthOf(yield* storage.unprocessedMessagesById([Snowflake.Snowflake(later.requestId)], Date.now()), 0)
      assert.lengthOf(
        yield* storage.unprocessedMessagesById([Snowflake.Snowflake(later.requestId)], Date.now() + 7_200_000),
        1
      )
    }))

  it.live("holds a request back until its chunk is acknowledged, and for ever once it has its exit", () =>
    Effect.gen(function*() {
      const { storage } = yield* prepared
      const streamed = request("a")
      yield* save(storage, streamed)
      const part = chunk(streamed.requestId, 0)
      yield* storage.saveReply(part)
      assert.deepStrictEqual(yield* read(storage), [])
      assert.deepStrictEqual(yield* storage.repliesFor([streamed.requestId]), [part])
      const acknowledged = ack(streamed, part.id)
      yield* save(storage, acknowledged)
      assert.deepStrictEqual(yield* storage.repliesFor([streamed.requestId]), [])
      assert.deepStrictEqual(yield* storage.repliesForUnfiltered([streamed.requestId]), [part])
      const found = yield* storage.unprocessedMessages([...shards], Date.now())
      assert.deepStrictEqual(found.map(({ envelope }) => envelope), [streamed, acknowledged])
      assert.deepStrictEqual(found[0]?.lastSentReply, Option.some(part))
      const end = exit(streamed.requestId)
      yield* storage.saveReply(end)
      yield* storage.resetShards(["default:1"])
      assert.deepStrictEqual(yield* read(storage), [])
      assert.deepStrictEqual(yield* storage.repliesFor([streamed.requestId]), [end])
    }))

  it.live("takes one reply for each place in the sequence, and one exit", () =>
    Effect.gen(function*() {
      const { storage } = yield* prepared
      const { requestId } = yield* Effect.tap(Effect.succeed(request("a")), (each) => save(storage, each))
      yield* storage.saveReply(chunk(requestId, 0))
      yield* storage.saveReply(chunk(requestId, 1))
      assert.strictEqual((yield* Effect.flip(storage.saveReply(chunk(requestId, 1))))._tag, "PersistenceError")
      yield* storage.saveReply(exit(requestId))
      assert.strictEqual((yield* Effect.flip(storage.saveReply(exit(requestId))))._tag, "PersistenceError")
      assert.lengthOf(yield* storage.repliesForUnfiltered([requestId]), 3)
    }))

  it.live("clears replies, only while the expected one is the last where one is expected", () =>
    Effect.gen(function*() {
      const { storage } = yield* prepared
      const suspended = request("a")
      yield* save(storage, suspended)
      yield* save(storage, interrupt(suspended))
      const end = exit(suspended.requestId)
      yield* storage.saveReply(end)
      const id = Snowflake.Snowflake(suspended.requestId)
      yield* storage.clearReplies(id, { expectedReplyId: Snowflake.Snowflake(nextId()) })
      assert.deepStrictEqual(yield* storage.repliesFor([suspended.requestId]), [end])
      yield* storage.clearReplies(id, { expectedReplyId: Snowflake.Snowflake(end.id) })
      assert.deepStrictEqual(yield* storage.repliesFor([suspended.requestId]), [])
      assert.lengthOf(yield* read(storage), 2)
      yield* storage.saveReply(exit(suspended.requestId))
      yield* storage.clearReplies(id)
      assert.deepStrictEqual(yield* read(storage), [suspended.requestId])
    }))

  it.live("clears all of an address and nothing of another", () =>
    Effect.gen(function*() {
      const { storage } = yield* prepared
      const [mine, other] = [request("a"), request("b")]
      yield* save(storage, mine)
      yield* save(storage, other)
      yield* storage.saveReply(chunk(mine.requestId, 0))
      yield* storage.clearAddress(addressOf("a"))
      assert.deepStrictEqual(yield* storage.repliesForUnfiltered([mine.requestId]), [])
      assert.deepStrictEqual(yield* read(storage), [other.requestId])
    }))

  it.live("undoes with the transaction around it", () =>
    Effect.gen(function*() {
      const { storage } = yield* prepared
      yield* Effect.flip(storage.withTransaction(Effect.andThen(save(storage, request("a"), "key"), Effect.fail("no"))))
      assert.strictEqual((yield* save(storage, request("a"), "key"))._tag, "Success")
      assert.lengthOf(yield* read(storage), 1)
    }))

  it.live.skipIf(isReal)("asks the database no more often than it must", () =>
    Effect.gen(function*() {
      const { connect, server } = yield* embedded()
      const client = yield* Layer.build(OracleClient.layer({ ...connect, max: 4 }))
      const storage = yield* OracleMessageStorage.makeEncoded().pipe(
        Effect.provide(Layer.mergeAll(Layer.succeedContext(client), Digest.layerWebCrypto))
      )
      const trips = Effect.map(server.counters, ({ roundTrips }) => roundTrips)
      const counted = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.gen(function*() {
          const before = yield* trips
          yield* effect
          return (yield* trips) - before
        })
      const sent = Array.from({ length: 20 }, (_, index) => request(`entity ${index}`))
      const saved = yield* counted(save(storage, sent[0]!))
      const keyed = yield* counted(save(storage, sent[1]!, "Order/1/place/1"))
      yield* Effect.forEach(sent.slice(2), (each) => save(storage, each))
      // The first time the columns are described as well.
      const claimed = yield* counted(read(storage))
      const empty = yield* counted(read(storage))
      yield* Effect.forEach(sent, () => save(storage, request("again")))
      const again = yield* counted(read(storage))
      const answered = yield* counted(storage.saveReply(exit(sent[0]!.requestId)))
      assert.deepStrictEqual({ saved, keyed, claimed, empty, again, answered }, {
        saved: 1,
        keyed: 1,
        claimed: 5,
        empty: 2,
        again: 3,
        answered: 3
      })
    }))

  it.live("gives each message to one of many readers", () =>
    Effect.gen(function*() {
      const { storage } = yield* prepared
      const sent = Array.from({ length: 60 }, (_, index) => request(`e${index % 7}`))
      yield* Effect.forEach(sent, (each) => save(storage, each), { discard: true })
      const reader = Effect.gen(function*() {
        const mine: Array<string> = []
        for (let round = 0; round < 12; round++) mine.push(...yield* read(storage, { limit: 3 }))
        return mine
      })
      const found = (yield* Effect.all(Array.from({ length: 6 }, () => reader), { concurrency: 6 })).flat()
      const rest = yield* read(storage)
      assert.sameMembers([...found, ...rest], sent.map(({ requestId }) => requestId))
    }))

  it.live("hands 400 messages to six clients, each once, and keeps every answer", () =>
    Effect.gen(function*() {
      const prefix = `sp_claims_${process.pid}_${++prefixes}`
      const found = yield* claimAll(yield* database, { messages: 400, claimers: 6, batch: 20, prefix })
      assert.strictEqual(found.handedOut.size, 400)
      assert.deepStrictEqual([...new Set(found.handedOut.values())], [1])
      assert.strictEqual(found.unanswered, 0)
    }))
})
