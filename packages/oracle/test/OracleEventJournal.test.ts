/** What an event log relies on in its journal: all or nothing, ids that ascend, conflicts, and uploads that miss nothing. */
import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OracleEventJournal } from "@sessionpool/oracle"
import { Deferred, Effect, Exit, Fiber, Layer, Option, PubSub } from "effect"
import { EventJournal } from "effect/eventlog"
import { openClient } from "./openClient.ts"

let prefixes = 0

const tables = ["entries", "remotes", "writers", "migrations", "migrations_lock"]

const prepared = Effect.gen(function*() {
  const { sql } = yield* openClient()
  const prefix = `sp_journal_${process.pid}_${++prefixes}`
  yield* Effect.addFinalizer(() =>
    Effect.forEach(tables, (table) => Effect.ignore(sql`drop table ${sql(`${prefix}_${table}`)}`), { discard: true })
  )
  /** A process of its own, as far as the journal can tell. */
  const open = Effect.provide(
    OracleEventJournal.make({ prefix }),
    Layer.succeed(OracleClient.OracleClient, sql)
  )
  return { sql, prefix, open, journal: yield* open }
})

const bytes = (text: string) => new TextEncoder().encode(text)
const textOf = (entry: EventJournal.Entry) => new TextDecoder().decode(entry.payload)
const draft = (text: string, primaryKey = "key", event = "Noted") => ({ event, primaryKey, payload: bytes(text) })
const remoteId = (n: number) => new Uint8Array(16).fill(n) as EventJournal.RemoteId

const entryAt = (msecs: number, text: string, primaryKey = "key", event = "Noted") =>
  new EventJournal.Entry({ id: EventJournal.makeEntryIdUnsafe({ msecs }), ...draft(text, primaryKey, event) })
const fromRemote = (entries: ReadonlyArray<EventJournal.Entry>, first = 1) =>
  entries.map((entry, index) => new EventJournal.RemoteEntry({ remoteSequence: first + index, entry }))

type Journal = EventJournal.EventJournal["Service"]

const write = (journal: Journal, text: string, primaryKey?: string) =>
  journal.write({ ...draft(text, primaryKey), effect: Effect.succeed })
const texts = (entries: Iterable<EventJournal.Entry>) => Array.from(entries, textOf)
const all = (journal: Journal) => Effect.map(journal.entries, texts)
const receive = (journal: Journal, id: number, entries: ReadonlyArray<EventJournal.Entry>, first?: number) =>
  journal.writeFromRemote({ remoteId: remoteId(id), entries: fromRemote(entries, first), effect: () => Effect.void })
const uploaded = (journal: Journal, id: number) =>
  Effect.map(
    journal.withRemoteUncommited(remoteId(id), (entries) => Effect.succeed(texts(entries))),
    Option.getOrElse((): Array<string> => [])
  )

describe("OracleEventJournal", () => {
  it.live("stores an entry with the effect that goes with it, or neither", () =>
    Effect.gen(function*() {
      const { journal, prefix, sql } = yield* prepared
      const subscription = yield* journal.changes
      const mark = (text: string) => sql`insert into ${sql(`${prefix}_remotes`)} (remote_id) values (${bytes(text)})`
      const answer = yield* journal.write({
        ...draft("one"),
        effect: (entry) => Effect.as(mark("one"), `wrote ${textOf(entry)}`)
      })
      assert.strictEqual(answer, "wrote one")
      const refused = yield* Effect.flip(journal.write({
        ...draft("two"),
        effect: () => Effect.andThen(mark("two"), Effect.fail("refused" as const))
      }))
      assert.strictEqual(refused, "refused")
      const died = yield* Effect.exit(journal.write({ ...draft("three"), effect: () => Effect.die("dead") }))
      assert.isTrue(Exit.isFailure(died))
      assert.deepStrictEqual(yield* all(journal), ["one"])
      assert.lengthOf(yield* sql`select remote_id from ${sql(`${prefix}_remotes`)}`, 1)
      assert.deepStrictEqual(texts(yield* PubSub.takeUpTo(subscription, 10)), ["one"])
    }))

  it.live("stores several entries together, in their order, and tells of them when the outermost transaction is committed", () =>
    Effect.gen(function*() {
      const { journal, sql } = yield* prepared
      const subscription = yield* journal.changes
      const drafts = [draft("one"), draft("two"), draft("three")] as const
      const seen = yield* journal.writeMany({ entries: drafts, effect: (entries) => Effect.succeed(texts(entries)) })
      assert.deepStrictEqual(seen, ["one", "two", "three"])
      const ids = (yield* journal.entries).map(({ idString }) => idString)
      assert.deepStrictEqual(ids, ids.toSorted())
      const outer = Effect.andThen(write(journal, "four"), Effect.fail("undone"))
      assert.strictEqual(yield* Effect.flip(sql.withTransaction(outer)), "undone")
      yield* sql.withTransaction(write(journal, "five"))
      assert.deepStrictEqual(yield* all(journal), ["one", "two", "three", "five"])
      assert.deepStrictEqual(texts(yield* PubSub.takeUpTo(subscription, 10)), ["one", "two", "three", "five"])
    }))

  it.live("gives local entries ids after every stored one, also after those of a clock that is ahead", () =>
    Effect.gen(function*() {
      const { journal, open } = yield* prepared
      const ahead = [entryAt(Date.now() + 3_600_000, "ahead"), entryAt(Date.now() + 3_600_000, "ahead too")]
      yield* receive(journal, 1, ahead)
      yield* write(journal, "mine")
      yield* write(yield* open, "theirs")
      assert.deepStrictEqual((yield* all(journal)).slice(2), ["mine", "theirs"])
    }))

  it.live("keeps texts and bytes of any length, none included, and refuses what no database can keep", () =>
    Effect.gen(function*() {
      const { journal } = yield* prepared
      const long = "ü".repeat(50_000)
      const drafts = [draft("", ""), draft(long, long), draft("x", "ключ")] as const
      yield* journal.writeMany({ entries: drafts, effect: () => Effect.void })
      yield* receive(
        journal,
        1,
        Array.from({ length: 300 }, (_, n) => entryAt(1000 + n, `${n}`, n % 2 === 0 ? "" : "odd"))
      )
      const stored = yield* journal.entries
      assert.lengthOf(stored, 303)
      assert.deepStrictEqual(
        stored.slice(300).map(({ event, payload, primaryKey }) => ({ event, primaryKey, payload })),
        drafts.map((each) => ({ ...each }))
      )
      const [first, , third] = stored.slice(300)
      const unknown = EventJournal.makeEntryIdUnsafe()
      assert.deepStrictEqual(
        (yield* journal.entriesById([third!.id, unknown, first!.id])).map((entry) => entry?.primaryKey),
        ["ключ", undefined, ""]
      )
      const refused = yield* Effect.flip(write(journal, "x", "half \ud800"))
      assert.include(String(refused.cause), "half a surrogate pair")
      assert.lengthOf(yield* journal.entries, 303)
    }))

  it.live("hands what a remote sends to the effect in the order of ids, with the later entries of the same key", () =>
    Effect.gen(function*() {
      const { journal } = yield* prepared
      yield* receive(journal, 1, [entryAt(5000, "5", "a"), entryAt(3000, "3", "a"), entryAt(4000, "4", "b")])
      yield* receive(journal, 1, [entryAt(4500, "other event", "a", "Gone")], 4)
      const batch = [entryAt(4000, "4 again", "a"), entryAt(2000, "2", "a"), entryAt(6000, "6", "b")]
      const seen: Array<string> = []
      yield* journal.writeFromRemote({
        remoteId: remoteId(2),
        entries: fromRemote(batch),
        effect: (entries) =>
          Effect.sync(() => {
            for (const { conflicts, entry } of entries) seen.push(`${textOf(entry)}: ${texts(conflicts)}`)
          })
      })
      assert.deepStrictEqual(seen, ["2: 3,5", "4 again: 5", "6: "])
    }))

  it.live("knows what it has, takes the first of what comes twice, and commits nothing when the effect fails", () =>
    Effect.gen(function*() {
      const { journal } = yield* prepared
      const [one, two, three] = [entryAt(1000, "1"), entryAt(2000, "2"), entryAt(3000, "3")]
      yield* receive(journal, 1, [one])
      const again = new EventJournal.Entry({ ...two, payload: bytes("2 again") })
      const { duplicateEntries } = yield* receive(journal, 2, [one, two, again], 7)
      assert.deepStrictEqual(texts(duplicateEntries), ["1"])
      assert.deepStrictEqual(yield* all(journal), ["1", "2"])
      assert.strictEqual(yield* journal.nextRemoteSequence(remoteId(2)), 10)
      const failure = new EventJournal.EventJournalError({ method: "effect", cause: "refused" })
      const refused = yield* Effect.flip(journal.writeFromRemote({
        remoteId: remoteId(2),
        entries: fromRemote([three], 10),
        effect: () => Effect.fail(failure)
      }))
      assert.strictEqual(refused, failure)
      assert.deepStrictEqual(yield* all(journal), ["1", "2"])
      assert.strictEqual(yield* journal.nextRemoteSequence(remoteId(2)), 10)
      // With nothing new in it there is nothing to run.
      yield* journal.writeFromRemote({
        remoteId: remoteId(2),
        entries: fromRemote([one], 11),
        effect: () => Effect.die("nothing is new")
      })
      assert.strictEqual(yield* journal.nextRemoteSequence(remoteId(2)), 12)
    }))

  it.live("hands the effect what is left after compaction, and stores what has come", () =>
    Effect.gen(function*() {
      const { journal } = yield* prepared
      yield* receive(journal, 1, [entryAt(9000, "later", "b")])
      const seen: Array<string> = []
      yield* journal.writeFromRemote({
        remoteId: remoteId(1),
        entries: fromRemote([entryAt(1000, "1"), entryAt(2000, "2")], 2),
        compact: (entries) => Effect.succeed([entryAt(2500, `${entries.length} in one`, "b")]),
        effect: (entries) =>
          Effect.sync(() => {
            for (const { conflicts, entry } of entries) seen.push(`${textOf(entry)}: ${texts(conflicts)}`)
          })
      })
      assert.deepStrictEqual(seen, ["2 in one: later"])
      assert.deepStrictEqual(yield* all(journal), ["1", "2", "later"])
    }))

  it.live("hands out for each remote what it does not know, once it has taken what was handed out before", () =>
    Effect.gen(function*() {
      const { journal } = yield* prepared
      assert.isTrue(Option.isNone(yield* journal.withRemoteUncommited(remoteId(1), () => Effect.die("nothing"))))
      yield* write(journal, "one")
      const failed = yield* Effect.flip(journal.withRemoteUncommited(remoteId(1), () => Effect.fail("offline")))
      assert.strictEqual(failed, "offline")
      assert.deepStrictEqual(yield* uploaded(journal, 1), ["one"])
      assert.deepStrictEqual(yield* uploaded(journal, 1), [])
      // What a remote sends goes to the others, however old it is.
      yield* receive(journal, 1, [entryAt(1000, "old, of 1")])
      assert.deepStrictEqual(yield* uploaded(journal, 1), [])
      assert.deepStrictEqual(yield* uploaded(journal, 2), ["old, of 1", "one"])
      const begun = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      yield* write(journal, "two")
      const uploading = yield* Effect.forkChild(
        journal.withRemoteUncommited(
          remoteId(1),
          (entries) =>
            Deferred.succeed(begun, undefined).pipe(Effect.andThen(Deferred.await(go)), Effect.as(texts(entries)))
        )
      )
      yield* Deferred.await(begun)
      yield* write(journal, "three")
      yield* Deferred.succeed(go, undefined)
      assert.deepStrictEqual(yield* Fiber.join(uploading), Option.some(["two"]))
      assert.deepStrictEqual(yield* uploaded(journal, 1), ["three"])
    }))

  it.live("goes on over acknowledgements that follow one another, and never back", () =>
    Effect.gen(function*() {
      const { journal } = yield* prepared
      const id = remoteId(1)
      const entryId = EventJournal.makeEntryIdUnsafe()
      const ack = (sequences: ReadonlyArray<number>, firstSequence?: number) =>
        Effect.andThen(
          journal.writeRemoteAcks({
            remoteId: id,
            acks: sequences.map((sequence) => ({ entryId, sequence })),
            firstSequence
          }),
          journal.nextRemoteSequence(id)
        )
      assert.strictEqual(yield* journal.nextRemoteSequence(id), 0)
      assert.strictEqual(yield* ack([]), 0)
      assert.strictEqual(yield* ack([2, 1, 4], 1), 3)
      assert.strictEqual(yield* ack([1, 2]), 3)
      assert.strictEqual(yield* ack([4, 3]), 5)
    }))

  it.live("lets writers of several processes take turns, so that no upload misses an entry", () =>
    Effect.gen(function*() {
      const { journal, open } = yield* prepared
      const other = yield* open
      const written: Array<string> = []
      const writer = (into: Journal, name: string) =>
        Effect.forEach(Array.from({ length: 15 }, (_, n) => `${name}${n}`), (text) => {
          written.push(text)
          return write(into, text, text)
        }, { discard: true })
      const found: Array<string> = []
      const reader = Effect.gen(function*() {
        while (found.length < 60) found.push(...yield* uploaded(other, 9))
      })
      yield* Effect.all(
        [writer(journal, "a"), writer(journal, "b"), writer(other, "c"), writer(other, "d"), reader],
        { concurrency: "unbounded", discard: true }
      )
      assert.sameMembers(found, written)
      const ids = (yield* journal.entries).map(({ idString }) => idString)
      assert.lengthOf(new Set(ids), 60)
    }))

  it.live("is empty, and can be used, after it was destroyed; locks undo what fails under them", () =>
    Effect.gen(function*() {
      const { journal } = yield* prepared
      yield* write(journal, "one")
      yield* uploaded(journal, 1)
      yield* journal.destroy
      assert.deepStrictEqual(yield* all(journal), [])
      yield* write(journal, "two")
      assert.deepStrictEqual(yield* uploaded(journal, 1), ["two"])
      const locked = journal.withLock("store" as never)(Effect.andThen(write(journal, "three"), Effect.fail("undone")))
      assert.strictEqual(yield* Effect.flip(locked), "undone")
      assert.deepStrictEqual(yield* all(journal), ["two"])
    }))
})
