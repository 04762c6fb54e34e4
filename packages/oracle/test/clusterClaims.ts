/**
 * Many messages and several claimers, each a client with sessions of its own: which messages were handed out, how often, and how many
 * round trips it took. Long runs are `npm run cluster`; a short one is in `OracleMessageStorage.test.ts`.
 */
import { OracleClient, OracleMessageStorage } from "@sessionpool/oracle"
import { Context, type Duration, Effect, Layer } from "effect"
import type { Envelope, MessageStorage, Reply } from "effect/cluster"
import { Digest } from "effect/crypto"
import type { Database } from "./database.ts"

export interface Claims {
  /** How often each message was handed out, by its id. */
  readonly handedOut: ReadonlyMap<string, number>
  /** Messages that still have no answer. */
  readonly unanswered: number
  readonly savedIn: Duration.Duration
  readonly claimedIn: Duration.Duration
}

const shards = Array.from({ length: 12 }, (_, index) => `default:${index + 1}`) as [string, ...Array<string>]

const idOf = (index: number): string => String(2_000_000_000_000_000_000n + BigInt(index))

const request = (index: number) =>
  ({
    _tag: "Request",
    requestId: idOf(index),
    address: {
      shardId: { group: "default", id: 1 + index % shards.length },
      entityType: "Order",
      entityId: `order-${index % 500}`
    },
    tag: "place",
    payload: { index },
    headers: {}
  }) as unknown as Envelope.PartialRequestEncoded

const exit = (requestId: string, index: number) =>
  ({
    _tag: "WithExit",
    id: String(4_000_000_000_000_000_000n + BigInt(index)),
    requestId,
    exit: { _tag: "Success", value: "done" }
  }) as unknown as Reply.WithExitEncoded

/** Saves the messages, then lets the claimers take and answer them until none is left. `between` runs when all are saved. */
export const claimAll = Effect.fnUntraced(function*(
  { connect }: Database,
  { batch = 100, claimers, messages, prefix }: {
    readonly messages: number
    readonly claimers: number
    readonly prefix: string
    readonly batch?: number
  },
  between: Effect.Effect<void> = Effect.void
) {
  const open = Effect.gen(function*() {
    const context = yield* Layer.build(
      Layer.mergeAll(OracleClient.layer({ ...connect, max: 4 }), Digest.layerWebCrypto)
    )
    const storage = yield* Effect.provide(OracleMessageStorage.makeEncoded({ prefix }), context)
    return { sql: Context.get(context, OracleClient.OracleClient), storage }
  })
  const all = yield* Effect.forEach(Array.from({ length: claimers }), () => open)
  const [{ sql, storage }] = all as [typeof all[number]]
  yield* Effect.addFinalizer(() =>
    Effect.forEach(
      ["messages", "replies", "migrations", "migrations_lock"],
      (table) => Effect.ignore(sql`drop table ${sql(`${prefix}_${table}`)}`),
      { discard: true }
    )
  )
  const [savedIn] = yield* Effect.timed(Effect.forEach(
    Array.from({ length: messages }, (_, index) => index),
    (index) => storage.saveEnvelope({ envelope: request(index), primaryKey: null, deliverAt: null }),
    { concurrency: 4, discard: true }
  ))
  yield* between
  const handedOut = new Map<string, number>()
  const claim = (from: MessageStorage.Encoded) =>
    Effect.gen(function*() {
      for (;;) {
        const found = yield* from.unprocessedMessages(shards, Date.now(), { limit: batch })
        if (found.length === 0) return
        const ids = found.flatMap(({ envelope }) => envelope._tag === "Request" ? [envelope.requestId] : [])
        for (const id of ids) handedOut.set(id, (handedOut.get(id) ?? 0) + 1)
        yield* Effect.forEach(
          ids,
          (id) => from.saveReply(exit(id, Number(BigInt(id) - 2_000_000_000_000_000_000n))),
          { concurrency: 4, discard: true }
        )
      }
    })
  const [claimedIn] = yield* Effect.timed(
    Effect.all(all.map((each) => claim(each.storage)), { concurrency: "unbounded", discard: true })
  )
  const [left] = yield* sql<{ readonly n: number }>`select count(*) as n from ${
    sql(`${prefix}_messages`)
  } where processed = 0`
  return { handedOut, unanswered: left!.n, savedIn, claimedIn } satisfies Claims
})
