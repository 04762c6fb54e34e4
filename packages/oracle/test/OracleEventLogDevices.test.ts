/** Devices that share an encrypted event log over a server whose storage is Oracle's: one compacts what the other reads. */
import { assert, describe } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Schema } from "effect"
import {
  EventGroup,
  EventJournal,
  EventLog,
  EventLogEncryption,
  EventLogMessage,
  EventLogRemote,
  EventLogServerEncrypted
} from "effect/eventlog"
import { RpcTest } from "effect/rpc"
import { eventually, live, prepared } from "./sealedStores.ts"

const Notes = EventGroup.empty.add({
  tag: "NoteWritten",
  primaryKey: ({ id }) => id,
  payload: Schema.Struct({ id: Schema.String, text: Schema.String, at: Schema.Number })
})
const NotesSchema = EventLog.schema(Notes)

/** The last word on each note: it depends on the entries alone, whatever their order. */
const lastWord = EventLog.groupCompaction(Notes, ({ entries, events, forward }) => {
  const last = events.reduce((found, { payload }, index) => payload.at > events[found]!.payload.at ? index : found, 0)
  return forward(entries[last]!)
}, { remote: true })

/** A device of one identity: what it has seen, and its log. */
const device = Effect.fnUntraced(
  function*(
    identity: EventLog.Identity["Service"],
    server: Context.Context<Layer.Success<typeof EventLogServerEncrypted.layerRpcHandlers>>,
    compaction: Layer.Layer<never, never, EventLog.Registry>
  ) {
    const seen: Array<string> = []
    const handlers = EventLog.group(
      Notes,
      (events) =>
        events.handle(
          "NoteWritten",
          ({ payload }) => Effect.sync(() => void seen.push(`${payload.id} ${payload.text}`))
        )
    )
    const client = yield* Effect.provide(
      RpcTest.makeClient(EventLogMessage.EventLogRemoteRpcs.merge(EventLogMessage.EventLogCompactionRpcs)),
      server
    )
    const context = yield* Layer.build(
      Layer.effect(EventLogRemote.EventLogRemote, EventLogRemote.makeEncrypted).pipe(
        Layer.provide(Layer.succeed(EventLogRemote.EventLogRemoteClient, client as never)),
        Layer.provide(EventLogEncryption.layerSubtle),
        Layer.provideMerge(compaction),
        Layer.provideMerge(EventLog.layer(NotesSchema, handlers)),
        Layer.provide(EventJournal.layerMemory),
        Layer.provide(Layer.succeed(EventLog.Identity, identity))
      )
    )
    return { seen, log: Context.get(context, EventLog.EventLog) }
  }
)

describe("OracleEventLogServer under EventLogServerEncrypted", () => {
  live(
    "lets one device compact what another then reads, and takes it back",
    Effect.gen(function*() {
      const { age, open } = yield* prepared({ thresholdFloor: 10 })
      const storage = yield* open
      const server = yield* Layer.build(
        Layer.provide(EventLogServerEncrypted.layerRpcHandlers, Layer.succeed(EventLogServerEncrypted.Storage, storage))
      )
      const identity = yield* Effect.provide(EventLog.makeIdentity, EventLogEncryption.layerSubtle)
      const one = yield* device(identity, server, lastWord)
      const write = (id: string, at: number) =>
        one.log.write({ schema: NotesSchema, event: "NoteWritten", payload: { id, text: `${at}`, at } })
      for (let at = 1; at <= 24; at++) yield* write(`note ${at % 4}`, at)
      const storeId = "default" as EventLogMessage.StoreId
      const status = storage.compaction.status(identity.publicKey, storeId)
      yield* eventually(status, ({ head }) => head === 24)
      assert.deepStrictEqual((yield* one.log.compact()).map(({ result }) => result), ["NotWanted"])
      yield* age
      yield* write("note 0", 25)
      assert.deepStrictEqual((yield* one.log.compact()).map(({ result }) => result), ["Committed"])
      const { activeKeptCount, base } = yield* status
      assert.deepStrictEqual([base, activeKeptCount], [24, 4])
      const two = yield* device(identity, server, Layer.empty)
      yield* eventually(Effect.sync(() => two.seen), (seen) => seen.includes("note 0 25"))
      assert.sameMembers(two.seen, ["note 0 24", "note 1 21", "note 2 22", "note 3 23", "note 0 25"])
      // An operator takes the snapshot back: what it dropped reaches the second device as well.
      const active = (yield* storage.compaction.history(identity.publicKey, storeId)).at(-1)!
      yield* storage.compaction.rollback(identity.publicKey, storeId, active.activationId)
      yield* eventually(two.log.entries, (entries) => entries.length === 25)
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(write("note 1", 26))))
      yield* eventually(two.log.entries, (entries) => entries.length === 26)
    })
  )
})
