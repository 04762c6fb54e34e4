/** Compaction of what an event log's server cannot read, step by step. */
import { assert, describe } from "@effect/vitest"
import { OracleClient, OracleEventLogServer, OracleMigrator } from "@sessionpool/oracle"
import { Effect, Fiber, Result, Stream } from "effect"
import { EventJournal, type EventLogMessage, type EventLogServerEncrypted } from "effect/eventlog"
import { storeKey } from "../src/internal/eventlog/sealedBatches.ts"
import { sealedMigrations } from "../src/internal/eventlog/sealedStorage.ts"
import { openClient } from "./openClient.ts"
import { eventually, live, prepared } from "./sealedStores.ts"

const ada = "ada"
const store = "notes" as EventLogMessage.StoreId
const bytes = (text: string) => new TextEncoder().encode(text)
const ids = Array.from({ length: 40 }, () => EventJournal.makeEntryIdUnsafe())
const batch = (text: string, ...of: ReadonlyArray<number>) => ({
  iv: new Uint8Array(12).fill(of[0]!),
  entryIds: of.map((index) => ids[index]!) as [EventJournal.EntryId, ...Array<EventJournal.EntryId>],
  encryptedBatch: bytes(text)
})
const numbers = (entryIds: ReadonlyArray<Uint8Array>) =>
  entryIds.map((entryId) => ids.findIndex((id) => id.join() === entryId.join())).join()
const shown = (
  batches: Iterable<{
    readonly sequence: number
    readonly entryIds: ReadonlyArray<Uint8Array>
    readonly encryptedBatch?: Uint8Array
  }>
) =>
  Array.from(
    batches,
    ({ encryptedBatch, entryIds, sequence }) =>
      `${sequence}: ${numbers(entryIds)}${
        encryptedBatch === undefined ? "" : ` ${new TextDecoder().decode(encryptedBatch).slice(0, 8)}`
      }`
  )

type Storage = EventLogServerEncrypted.Storage["Service"] & {
  readonly compaction: EventLogServerEncrypted.StorageCompaction
}

const begun = (storage: Storage) =>
  Effect.flatMap(
    storage.compaction.status(ada, store),
    ({ lagHead }) =>
      Effect.map(storage.compaction.begin(ada, store, { through: lagHead }), (begin) => {
        assert.strictEqual(begin._tag, "Started")
        return begin._tag === "Started" ? begin.stageId : ""
      })
  )

/** What a reader that starts there is given, of a store whose head is known. */
const readFrom = (storage: Storage, start: number) =>
  Effect.flatMap(storage.compaction.status(ada, store), ({ head }) =>
    storage.changes(ada, store, start).pipe(
      Stream.takeUntil(({ entryIds, sequence }) => sequence + entryIds.length > head),
      Stream.runCollect,
      Effect.map(shown)
    ))

/** A snapshot of the first batches, which keeps these entries, in one segment. */
const compacted = (storage: Storage, kept: ReadonlyArray<ReturnType<typeof batch>>, sequences: ReadonlyArray<number>) =>
  Effect.gen(function*() {
    const stageId = yield* begun(storage)
    yield* storage.compaction.stagePart(ada, store, stageId, 0, kept as never)
    return yield* storage.compaction.commit(ada, store, stageId, sequences)
  })

describe("OracleEventLogServer, compacting what its clients encrypt", () => {
  live(
    "counts what is stored for compaction an hour after the lag at the earliest",
    Effect.gen(function*() {
      const { age, open } = yield* prepared()
      const storage = yield* open
      const status = storage.compaction.status(ada, store)
      const none = { head: 0, base: 0, activeKeptCount: 0, lagHead: 0, noOp: undefined }
      assert.deepStrictEqual(yield* status, none)
      yield* storage.write(ada, store, [batch("one", 0, 1), batch("two", 2)])
      assert.deepStrictEqual(yield* status, { ...none, head: 3 })
      yield* age
      yield* storage.write(ada, store, [batch("three", 3)])
      assert.deepStrictEqual(yield* status, { ...none, head: 4, lagHead: 3 })
      assert.deepStrictEqual(yield* storage.compaction.status("bob", store), none)
    })
  )

  live(
    "gives new readers the snapshot and what follows it, others what they have not seen",
    Effect.gen(function*() {
      const { age, open } = yield* prepared()
      const [storage, other] = yield* Effect.all([open, open])
      yield* storage.write(ada, store, [batch("one", 0, 1, 2), batch("two", 3), batch("three", 4, 5)])
      yield* age
      yield* storage.write(ada, store, [batch("young", 6)])
      const live = yield* Effect.forkChild(
        Stream.runCollect(Stream.take(other.changes(ada, store, 5), 3)).pipe(Effect.map(shown))
      )
      const { commit, fetch, inputHeaders, stagePart, stagedHeaders } = storage.compaction
      const stageId = yield* begun(storage)
      const busy = yield* other.compaction.begin(ada, store, { through: 6 })
      assert.strictEqual(busy._tag, "Busy")
      assert.isAbove(busy._tag === "Busy" ? busy.expiresAt : 0, 1_700_000_000_000)
      assert.deepStrictEqual(shown(yield* Stream.runCollect(inputHeaders(ada, store, stageId))), [
        "1: 0,1,2",
        "4: 3",
        "5: 4,5"
      ])
      assert.deepStrictEqual(
        shown(yield* Stream.runCollect(fetch(ada, store, stageId, [5, 1, 2, 7, 99]))),
        ["5: 4,5 three", "1: 0,1,2 one"]
      )
      const long = batch("x".repeat(40_000), 1)
      assert.strictEqual(yield* stagePart(ada, store, stageId, 1, [batch("", 5)]), "Stored")
      assert.strictEqual(yield* stagePart(ada, store, stageId, 0, [long, batch("kept", 3)]), "Stored")
      assert.strictEqual(yield* other.compaction.stagePart(ada, store, stageId, 0, [long]), "AlreadyStored")
      assert.deepStrictEqual(
        Array.from(
          yield* Stream.runCollect(stagedHeaders(ada, store, stageId)),
          ({ entryIds, position }) => `${position}: ${numbers(entryIds)}`
        ),
        ["0: 1", "1: 3", "1048576: 5"]
      )
      assert.strictEqual(yield* commit(ada, store, stageId, [2, 4, 6]), "Committed")
      assert.isTrue(Result.isFailure(yield* Effect.result(commit(ada, store, stageId, [2, 4, 6]))))
      const { base, activeKeptCount, head } = yield* other.compaction.status(ada, store)
      assert.deepStrictEqual([base, activeKeptCount, head], [6, 3, 7])
      for (const reader of [storage, other]) {
        assert.deepStrictEqual(yield* readFrom(reader, 1), ["2: 1 xxxxxxxx", "4: 3 kept", "6: 5 ", "7: 6 young"])
        assert.deepStrictEqual(yield* readFrom(reader, 5), ["6: 5 ", "7: 6 young"])
        assert.deepStrictEqual(yield* readFrom(reader, 7), ["7: 6 young"])
      }
      yield* storage.write(ada, store, [batch("new", 7)])
      assert.deepStrictEqual(yield* Fiber.join(live), ["5: 4,5 three", "7: 6 young", "8: 7 new"])
      const [first, second] = yield* storage.compaction.history(ada, store)
      assert.deepInclude(first, { base: 0, keptCount: undefined, active: false, restorable: true })
      assert.deepInclude(second, { base: 6, keptCount: 3, active: true, supersededAt: undefined, restorable: true })
    })
  )

  live(
    "builds a snapshot on the one before it and the originals since",
    Effect.gen(function*() {
      const { age, open } = yield* prepared()
      const storage = yield* open
      yield* storage.write(ada, store, [batch("one", 0, 1, 2, 3)])
      yield* age
      yield* compacted(storage, [batch("a", 1), batch("b", 3)], [2, 4])
      yield* storage.write(ada, store, [batch("two", 4, 5)])
      yield* age
      const stageId = yield* begun(storage)
      const { commit, fetch, inputHeaders, stagePart } = storage.compaction
      assert.deepStrictEqual(shown(yield* Stream.runCollect(inputHeaders(ada, store, stageId))), [
        "2: 1",
        "4: 3",
        "5: 4,5"
      ])
      assert.deepStrictEqual(shown(yield* Stream.runCollect(fetch(ada, store, stageId, [2, 5]))), [
        "2: 1 a",
        "5: 4,5 two"
      ])
      yield* stagePart(ada, store, stageId, 0, [batch("c", 3), batch("d", 5)])
      assert.strictEqual(yield* commit(ada, store, stageId, [4, 6]), "Committed")
      assert.deepStrictEqual(yield* readFrom(storage, 1), ["4: 3 c", "6: 5 d"])
    })
  )

  live(
    "reads a snapshot of several pages, and never cuts a batch in two",
    Effect.gen(function*() {
      const { age, open, rows, sql, table } = yield* prepared()
      const storage = yield* open
      const many = Array.from({ length: 510 }, (_, index) => ({
        iv: new Uint8Array(12),
        entryIds: [EventJournal.makeEntryIdUnsafe()] as [EventJournal.EntryId],
        encryptedBatch: bytes(`${index}`)
      }))
      yield* storage.write(ada, store, [batch("first", 0)])
      const stored = [...many.slice(1), batch("last", 1, 2)].map((each, index) => ({
        store_id: storeKey(ada, store),
        sequence: index + 2,
        last_sequence: index + 1 + each.entryIds.length,
        iv: each.iv,
        entry_ids: Uint8Array.from(Buffer.concat(each.entryIds)),
        encrypted_batch: each.encryptedBatch
      }))
      yield* sql`insert into ${table("batches")} ${sql.insert(stored as never)}`
      yield* sql`update ${table("stores")} set next_sequence = ${513}`
      yield* sql`update ${table("hours")} set last_sequence = ${512}`
      yield* age
      const begin = yield* storage.compaction.begin(ada, store, { through: 511 })
      const stageId = begin._tag === "Started" ? begin.stageId : ""
      assert.strictEqual(yield* Stream.runCount(storage.compaction.inputHeaders(ada, store, stageId)), 510)
      yield* storage.compaction.stagePart(ada, store, stageId, 0, many as never)
      yield* storage.compaction.commit(ada, store, stageId, many.map((_, index) => index + 1))
      assert.strictEqual((yield* storage.compaction.status(ada, store)).base, 510)
      const found = yield* readFrom(storage, 1)
      assert.lengthOf(found, 511)
      assert.strictEqual(found.at(-1), "511: 1,2 last")
      assert.strictEqual(yield* rows("snapshots"), 510)
    })
  )

  live(
    "lets one of many clients begin, takes over what has expired, and tells a late one",
    Effect.gen(function*() {
      const { age, open, sql, table } = yield* prepared()
      const storages = yield* Effect.all([open, open, open])
      const [storage] = storages
      yield* storage.write(ada, store, [batch("one", 0, 1, 2)])
      yield* age
      const begins = yield* Effect.all(
        [...storages, ...storages].map(({ compaction }) => compaction.begin(ada, store, { through: 3 })),
        { concurrency: 6 }
      )
      const started = begins.filter((each) => each._tag === "Started")
      assert.lengthOf(started, 1)
      const late = started[0]!.stageId
      yield* sql`update ${table("stages")} set expires_at = expires_at - 3600000`
      const { abort, begin, commit, fetch, inputHeaders, recordNoOp, stagePart } = storage.compaction
      const next = yield* begun(storage)
      const refused = yield* Effect.all([
        Effect.flip(stagePart(ada, store, late, 0, [batch("x", 0)])),
        Effect.flip(commit(ada, store, late, [])),
        Effect.flip(recordNoOp(ada, store, late)),
        Effect.flip(Stream.runDrain(inputHeaders(ada, store, late))),
        Effect.flip(Stream.runDrain(fetch(ada, store, late, [1]))),
        Effect.flip(Stream.runDrain(inputHeaders("bob", store, next))),
        Effect.flip(stagePart(ada, store, "", 0, [batch("x", 0)])),
        Effect.flip(Stream.runDrain(inputHeaders(ada, store, "' or 1 = 1".repeat(9000))))
      ])
      for (const each of refused) {
        assert.strictEqual(each._tag, "CompactionNotFound")
      }
      // The one that is late may say that it gives up; that ends nothing of the other's.
      yield* abort(ada, store, late)
      assert.strictEqual((yield* begin(ada, store, { through: 3 }))._tag, "Busy")
      yield* abort(ada, store, next)
      assert.strictEqual((yield* begin(ada, store, { through: 3 }))._tag, "Started")
    })
  )

  live(
    "closes a stage whose part cannot be used, and undoes a part that is interrupted",
    Effect.gen(function*() {
      const { age, open, rows } = yield* prepared()
      const storage = yield* open
      yield* storage.write(ada, store, [batch("one", 0, 1, 2)])
      yield* age
      const { stagePart } = storage.compaction
      const problems: Array<string> = []
      for (
        const [segment, given] of [
          [-1, batch("x", 0)],
          [2 ** 40, batch("x", 0)],
          [0, { ...batch("x", 0), iv: new Uint8Array(13) }]
        ] as const
      ) {
        const stageId = yield* begun(storage)
        const error = yield* Effect.flip(stagePart(ada, store, stageId, segment, [given]))
        problems.push(error._tag === "CompactionInvalidRequest" ? error.message : error._tag)
      }
      assert.deepStrictEqual(problems, [
        "Invalid segment index",
        "Invalid segment index",
        "An initialization vector must have 12 bytes"
      ])
      const stageId = yield* begun(storage)
      const long = "x".repeat(1_000_000)
      const wholes: Array<number> = []
      for (let segment = 0; segment < 8; segment++) {
        const part = yield* Effect.forkChild(
          stagePart(ada, store, stageId, segment, [batch(long, 0), batch(long, 1)])
        )
        yield* Effect.sleep(4 * 2 ** segment)
        yield* Fiber.interrupt(part)
        wholes.push(yield* rows("snapshots"))
      }
      // Each part is there as a whole or not at all, and the stage goes on.
      assert.isTrue(wholes.every((n) => n % 2 === 0), wholes.join())
      assert.strictEqual(yield* stagePart(ada, store, stageId, 8, [batch("y", 1)]), "Stored")
    })
  )

  live(
    "counts runs that dropped nothing, until a snapshot or a rollback",
    Effect.gen(function*() {
      const { age, open } = yield* prepared()
      const storage = yield* open
      const { recordNoOp, rollback, status } = storage.compaction
      const noOp = Effect.map(status(ada, store), (found) => found.noOp)
      yield* storage.write(ada, store, [batch("one", 0, 1, 2)])
      yield* age
      yield* recordNoOp(ada, store, yield* begun(storage))
      yield* recordNoOp(ada, store, yield* begun(storage))
      assert.deepStrictEqual(yield* noOp, { at: 3, count: 2 })
      yield* compacted(storage, [batch("a", 1)], [3])
      assert.isUndefined(yield* noOp)
      // A run that began before a rollback says nothing about what is active now.
      const stale = yield* begun(storage)
      const [, active] = yield* storage.compaction.history(ada, store)
      yield* rollback(ada, store, active!.activationId)
      yield* recordNoOp(ada, store, stale)
      assert.isUndefined(yield* noOp)
    })
  )

  live(
    "takes a snapshot back, and gives what it dropped to readers old and new",
    Effect.gen(function*() {
      const { age, open } = yield* prepared()
      const [storage, other] = yield* Effect.all([open, open])
      const { history, rollback } = storage.compaction
      const refusal = (id: string) => Effect.map(Effect.flip(rollback(ada, store, id)), ({ reason }) => reason)
      yield* storage.write(ada, store, [batch("one", 0, 1), batch("two", 2)])
      const [originals] = yield* history(ada, store)
      assert.strictEqual(yield* refusal(originals!.activationId), "NoPrevious")
      yield* age
      yield* compacted(storage, [batch("first", 1)], [3])
      yield* storage.write(ada, store, [batch("three", 3, 4)])
      yield* age
      yield* compacted(storage, [batch("second", 4)], [5])
      assert.deepStrictEqual(yield* readFrom(storage, 1), ["5: 4 second"])
      const live = yield* Effect.forkChild(
        Stream.runCollect(Stream.take(other.changes(ada, store, 6), 2)).pipe(Effect.map(shown))
      )
      const stage = yield* begun(storage)
      const active = (yield* history(ada, store)).at(-1)!
      assert.strictEqual(yield* refusal(originals!.activationId), "NotActive")
      const restored = yield* rollback(ada, store, active.activationId)
      // What the second snapshot was made of comes again, at the head.
      assert.deepStrictEqual(yield* Fiber.join(live), ["6: 1 first", "7: 3,4 three"])
      assert.deepStrictEqual(yield* readFrom(storage, 1), [
        "3: 1 first",
        "4: 3,4 three",
        "6: 1 first",
        "7: 3,4 three"
      ])
      // A stage that was pinned to the snapshot cannot replace what is active now.
      yield* storage.compaction.stagePart(ada, store, stage, 0, [batch("stale", 4)])
      assert.strictEqual(yield* storage.compaction.commit(ada, store, stage, [5]), "Superseded")
      assert.deepStrictEqual(
        (yield* history(ada, store)).map(({ active, base, keptCount }) => ({ active, base, keptCount })),
        [
          { active: false, base: 0, keptCount: undefined },
          { active: false, base: 3, keptCount: 1 },
          { active: false, base: 5, keptCount: 1 },
          { active: true, base: 3, keptCount: 1 }
        ]
      )
      yield* rollback(ada, store, restored)
      assert.deepStrictEqual(yield* readFrom(storage, 9), ["9: 0,1 one", "11: 2 two"])
      // Entries keep the place where they were first stored.
      const [ack] = yield* storage.entrySequences(ada, store, [ids[3]!])
      assert.strictEqual(ack!.sequence, 4)
    })
  )

  live(
    "deletes what is past its grace, and no more; two processes sweep at once",
    Effect.gen(function*() {
      const { age, open, rows, sql, table } = yield* prepared({ thresholdFloor: 3, sweepInterval: "60 millis" })
      const [storage] = yield* Effect.all([open, open])
      const { history, rollback } = storage.compaction
      yield* storage.write(ada, store, [batch("one", 0, 1), batch("two", 2)])
      yield* age
      yield* compacted(storage, [batch("first", 1)], [3])
      yield* storage.write(ada, store, [batch("three", 3, 4), batch("young", 5)])
      yield* sql`update ${table("hours")} set hour = hour - 48, last_sequence = 5`
      yield* compacted(storage, [batch("second", 4)], [5])
      const abandoned = yield* begun(storage)
      yield* storage.compaction.stagePart(ada, store, abandoned, 0, [batch("never", 4)])
      yield* sql`update ${table("stages")} set expires_at = expires_at - 3600000`
      yield* eventually(rows("stages"), (n) => n === 0)
      assert.deepStrictEqual([yield* rows("snapshots"), yield* rows("batches")], [2, 4])
      // The originals are past their grace, the first snapshot is not.
      yield* sql`update ${table("activations")} set prunable_at = 0 where ordinal = 0`
      yield* eventually(rows("batches"), (n) => n < 4)
      yield* eventually(history(ada, store), ([first]) => !first!.restorable)
      assert.deepStrictEqual([yield* rows("snapshots"), yield* rows("batches")], [2, 2])
      const third = (yield* history(ada, store)).at(-1)!.activationId
      const restored = yield* rollback(ada, store, third)
      assert.strictEqual(
        (yield* Effect.flip(rollback(ada, store, restored))).reason,
        "PruneStarted"
      )
      assert.deepStrictEqual(yield* readFrom(storage, 1), [
        "3: 1 first",
        "4: 3,4 three",
        "6: 5 young",
        "7: 1 first",
        "8: 3,4 three"
      ])
      // The first snapshot is active again: its grace ends nothing, that of the second one does.
      yield* sql`update ${table("activations")} set prunable_at = 0 where prunable_at is not null`
      yield* eventually(rows("snapshots"), (n) => n === 1)
      assert.deepStrictEqual(yield* readFrom(storage, 1), [
        "3: 1 first",
        "4: 3,4 three",
        "6: 5 young",
        "7: 1 first",
        "8: 3,4 three"
      ])
    })
  )

  live(
    "serves a reader from the snapshot when the originals before it have gone",
    Effect.gen(function*() {
      const { age, open, rows, sql, table } = yield* prepared({ thresholdFloor: 3, sweepInterval: "60 millis" })
      const storage = yield* open
      yield* storage.write(ada, store, [batch("one", 0), batch("two", 1), batch("three", 2)])
      yield* age
      const stage = yield* begun(storage)
      yield* storage.compaction.stagePart(ada, store, stage, 0, [batch("kept", 2)])
      yield* storage.compaction.commit(ada, store, stage, [3])
      yield* sql`update ${table("activations")} set prunable_at = 0 where ordinal = 0`
      yield* eventually(rows("batches"), (n) => n === 0)
      assert.deepStrictEqual(yield* readFrom(storage, 2), ["3: 2 kept"])
      assert.deepStrictEqual(shown(yield* storage.write(ada, store, [batch("four", 3)])), ["4: 3 four"])
      // An entry that was dropped is still known: it is not stored again.
      assert.deepStrictEqual(yield* storage.write(ada, store, [batch("one", 0)]), [])
    })
  )

  live(
    "compacts what was stored before it came, too",
    Effect.gen(function*() {
      const { age, open, prefix, sql, table } = yield* prepared()
      const nameOf = (name: string) => `${prefix}_${name}`
      yield* Effect.provideService(
        OracleMigrator.run({
          loader: Effect.map(sealedMigrations(nameOf), (all) => all.slice(0, 1)),
          table: nameOf("migrations")
        }),
        OracleClient.OracleClient,
        sql
      )
      const key = storeKey(ada, store)
      yield* sql`insert into ${table("stores")} (store_id, next_sequence) values (${key}, ${4})`
      yield* sql`insert into ${table("batches")} ${
        sql.insert({
          store_id: key,
          sequence: 1,
          last_sequence: 3,
          iv: new Uint8Array(12),
          entry_ids: Uint8Array.from(Buffer.concat(ids.slice(0, 3))),
          encrypted_batch: bytes("old")
        })
      }`
      const storage = yield* open
      assert.strictEqual((yield* storage.compaction.status(ada, store)).lagHead, 0)
      yield* age
      assert.strictEqual(yield* compacted(storage, [batch("new", 1)], [3]), "Committed")
      assert.deepStrictEqual(yield* readFrom(storage, 1), ["3: 1 new"])
    })
  )

  live(
    "refuses options that it cannot work by",
    Effect.gen(function*() {
      const { sql } = yield* openClient()
      const refusal = (compaction: unknown) =>
        Effect.map(
          Effect.flip(Effect.provideService(
            OracleEventLogServer.makeStorageEncrypted({ compaction: compaction as never }),
            OracleClient.OracleClient,
            sql
          )),
          ({ message }) => message
        )
      const name = "OracleEventLogServer, compaction: "
      assert.strictEqual(yield* refusal(5), "OracleEventLogServer: compaction must be an object, not 5.")
      assert.strictEqual(yield* refusal({ grace: "1 hour" }), `${name}grace must be longer than lag.`)
      assert.strictEqual(
        yield* refusal({ grace: "1 minute", lag: 0, stageTtl: "1 minute" }),
        `${name}grace must be longer than stageTtl.`
      )
      assert.strictEqual(
        yield* refusal({ grase: 1, thresholdFloor: 1.5 }),
        `${name}"grase" is not one of its options (grace, lag, stageTtl, thresholdFloor, sweepInterval); `
          + "thresholdFloor must be an integer from 0 to 9007199254740991, not 1.5."
      )
      assert.include(yield* refusal({ sweepInterval: 0 }), `${name}sweepInterval must be a duration above 0`)
    })
  )
})
