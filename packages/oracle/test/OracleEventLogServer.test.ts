/** What a server of an event log relies on in its storage: sequences without gaps, each entry once, streams that miss nothing. */
import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OracleEventLogServer } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Effect, Fiber, Layer, References, Stream } from "effect"
import { EventJournal, type EventLogMessage } from "effect/eventlog"
import { embedded, isReal } from "./database.ts"
import { openClient } from "./openClient.ts"

let prefixes = 0

const tables = ["entries", "batches", "ids", "stores", "bindings", "server", "migrations", "migrations_lock"]

const prepared = Effect.gen(function*() {
  const { sql } = yield* openClient()
  const prefix = `sp_events_${process.pid}_${++prefixes}`
  yield* Effect.addFinalizer(() =>
    Effect.forEach(tables, (table) => Effect.ignore(sql`drop table ${sql(`${prefix}_${table}`)}`), { discard: true })
  )
  const client = Layer.succeed(OracleClient.OracleClient, sql)
  const options = { prefix, pollInterval: "50 millis" } as const
  return {
    sql,
    plain: Effect.provide(OracleEventLogServer.makeStorageUnencrypted(options), client),
    sealed: Effect.provide(OracleEventLogServer.makeStorageEncrypted(options), client)
  }
})

const store = (name: string) => name as EventLogMessage.StoreId
const bytes = (text: string) => new TextEncoder().encode(text)
const textOf = ({ payload }: EventJournal.Entry) => new TextDecoder().decode(payload)
const entryAt = (msecs: number, text: string, primaryKey = "key", event = "Noted") =>
  new EventJournal.Entry({ id: EventJournal.makeEntryIdUnsafe({ msecs }), event, primaryKey, payload: bytes(text) })
const shown = (entries: Iterable<EventJournal.RemoteEntry>) =>
  Array.from(entries, ({ entry, remoteSequence }) => `${remoteSequence} ${textOf(entry)}`)

const none = new Map<string, never>()

describe("OracleEventLogServer, reading its clients' entries", () => {
  it.live("has one id for all its processes, and keeps the first key of a client", () =>
    Effect.gen(function*() {
      const { plain } = yield* prepared
      const first = yield* plain
      const others = yield* Effect.all([plain, plain, plain], { concurrency: 3 })
      const id = yield* first.getId
      assert.lengthOf(id, 16)
      for (const other of others) assert.deepStrictEqual(yield* other.getId, id)
      const keys = [bytes("one"), bytes("two"), bytes("three")] as const
      const kept = yield* Effect.all(
        keys.map((key, index) => others[index]!.getOrCreateSessionAuthBinding("client", key)),
        { concurrency: 3 }
      )
      assert.lengthOf(new Set(kept.map((key) => new TextDecoder().decode(key))), 1)
      assert.deepStrictEqual(yield* first.getOrCreateSessionAuthBinding("client", bytes("four")), kept[0])
      assert.deepStrictEqual(yield* first.getOrCreateSessionAuthBinding("another", bytes("four")), bytes("four"))
    }))

  it.live("numbers the entries of each store from 1 without gaps, whichever process writes them", () =>
    Effect.gen(function*() {
      const { plain, sql } = yield* prepared
      const [one, two] = yield* Effect.all([plain, plain])
      assert.strictEqual(one.firstSequence, 1)
      assert.deepStrictEqual(yield* one.write(store("a"), []), [])
      const written = yield* Effect.all(
        Array.from(
          { length: 24 },
          (_, n) => (n % 2 === 0 ? one : two).write(store("a"), [entryAt(n, `${n}`), entryAt(n, `${n} too`)])
        ),
        { concurrency: 8 }
      )
      assert.sameMembers(
        written.flat().map(({ remoteSequence }) => remoteSequence),
        Array.from({ length: 48 }, (_, n) => n + 1)
      )
      assert.deepStrictEqual(shown(yield* two.write(store("b"), [entryAt(1, "b")])), ["1 b"])
      const undone = sql.withTransaction(
        Effect.andThen(one.write(store("b"), [entryAt(1, "x")]), Effect.fail("undone"))
      )
      assert.strictEqual(yield* Effect.flip(undone), "undone")
      const kept = one.withTransaction(Effect.andThen(one.write(store("b"), [entryAt(2, "c")]), Effect.succeed("kept")))
      assert.strictEqual(yield* kept, "kept")
      assert.deepStrictEqual(
        shown(
          yield* Stream.runCollect(Stream.take(
            two.changes({
              storeId: store("b"),
              startSequence: 1,
              compactors: none
            }),
            2
          ))
        ),
        ["1 b", "2 c"]
      )
    }))

  it.live("keeps stores and clients of any name apart", () =>
    Effect.gen(function*() {
      const { plain } = yield* prepared
      const storage = yield* plain
      const names = ["", "s", "half \ud800", "half \ud801", "x".repeat(300), `${"x".repeat(299)}y`]
      for (const [index, name] of names.entries()) {
        assert.deepStrictEqual(shown(yield* storage.write(store(name), [entryAt(1, name)])), [
          `1 ${name.toWellFormed()}`
        ])
        const key = Uint8Array.of(index + 1)
        assert.deepStrictEqual(yield* storage.getOrCreateSessionAuthBinding(name, key), key)
      }
      const found = yield* storage.entriesAfter(store(""), entryAt(0, ""))
      assert.deepStrictEqual(shown(found), ["1 "])
    }))

  it.live.skipIf(isReal)(
    "goes on with its streams when the database was away",
    () =>
      Effect.gen(function*() {
        const { connect, server } = yield* embedded()
        const client = yield* Layer.build(OracleClient.layer({ ...connect, max: 4 }))
        const storage = yield* Effect.provide(
          OracleEventLogServer.makeStorageUnencrypted({ pollInterval: "20 millis" }),
          client
        )
        yield* storage.write(store("s"), [entryAt(1, "1")])
        const seen: Array<string> = []
        yield* storage.changes({ storeId: store("s"), startSequence: 1, compactors: none }).pipe(
          Stream.runForEach((entry) => Effect.sync(() => void seen.push(...shown([entry])))),
          Effect.forkScoped
        )
        yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => seen.length === 1 })
        const away = yield* server.inject(Fault.disconnect({ sql: /select .*payload/i, times: 2 }))
        yield* Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), away.hits), { until: (hits) => hits === 2 })
        yield* storage.write(store("s"), [entryAt(2, "2")])
        yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => seen.length === 2 })
        assert.deepStrictEqual(seen, ["1 1", "2 2"])
      }).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  )

  it.live("finds the entries since another, or those that have to do with a batch", () =>
    Effect.gen(function*() {
      const { plain } = yield* prepared
      const storage = yield* plain
      const long = "ü".repeat(20_000)
      const entries = [
        entryAt(5000, "5 a", "a"),
        entryAt(1000, "1 a", "a"),
        entryAt(3000, "3 b", "b"),
        entryAt(4000, "gone a", "a", "Gone"),
        entryAt(6000, "6 long", long),
        entryAt(7000, "7 empty", "")
      ]
      yield* storage.write(store("s"), entries)
      yield* storage.write(store("t"), [entryAt(5000, "elsewhere", "a")])
      const since = entryAt(2000, "2 a", "a")
      assert.deepStrictEqual(shown(yield* storage.entriesAfter(store("s"), since)), [
        "1 5 a",
        "3 3 b",
        "4 gone a",
        "5 6 long",
        "6 7 empty"
      ])
      assert.deepStrictEqual(shown(yield* storage.entriesAfter(store("s"), since, [since])), ["1 5 a"])
      assert.deepStrictEqual(
        shown(
          yield* storage.entriesAfter(store("s"), since, [since, entries[2]!, entryAt(8000, "", long), entries[1]!])
        ),
        ["1 5 a", "2 1 a", "3 3 b", "5 6 long"]
      )
      assert.deepStrictEqual(
        shown(yield* storage.entriesAfter(store("s"), since, [since, entryAt(8000, "", "")])),
        ["1 5 a", "6 7 empty"]
      )
    }))

  it.live("streams what there is and what comes, from this process and from others, in order and once", () =>
    Effect.gen(function*() {
      const { plain } = yield* prepared
      const [one, two] = yield* Effect.all([plain, plain])
      const write = (storage: typeof one, n: number) => storage.write(store("s"), [entryAt(n, `${n}`)])
      yield* Effect.forEach([1, 2, 3], (n) => write(one, n))
      const following = yield* Effect.forkChild(Stream.runCollect(Stream.take(
        one.changes({ storeId: store("s"), startSequence: 2, compactors: none }),
        22
      )))
      yield* Effect.all([
        Effect.forEach(Array.from({ length: 10 }, (_, n) => n + 4), (n) => write(one, n)),
        Effect.forEach(Array.from({ length: 10 }, (_, n) => n + 14), (n) => write(two, n))
      ], { concurrency: 2 })
      const found = yield* Fiber.join(following)
      assert.deepStrictEqual(
        Array.from(found, ({ remoteSequence }) => remoteSequence),
        Array.from({ length: 22 }, (_, n) => n + 2)
      )
      assert.lengthOf(new Set(Array.from(found, ({ entry }) => entry.idString)), 22)
    }))

  it.live("compacts what a new reader has missed, and not what comes later", () =>
    Effect.gen(function*() {
      const { plain } = yield* prepared
      const storage = yield* plain
      yield* storage.write(store("s"), [entryAt(1, "1"), entryAt(2, "2"), entryAt(3, "3", "key", "Other")])
      const compactors = new Map([["Noted", {
        events: new Set(["Noted"]),
        effect: ({ entries, write }: {
          readonly entries: ReadonlyArray<EventJournal.Entry>
          readonly write: (entry: EventJournal.Entry) => Effect.Effect<void>
        }) => write(entries.at(-1)!)
      }]])
      const following = yield* Effect.forkChild(Stream.runCollect(Stream.take(
        storage.changes({ storeId: store("s"), startSequence: 1, compactors: compactors as never }),
        4
      )))
      yield* Effect.sleep("100 millis")
      yield* storage.write(store("s"), [entryAt(4, "4"), entryAt(5, "5")])
      assert.deepStrictEqual(Array.from(yield* Fiber.join(following), ({ entry }) => textOf(entry)), [
        "2",
        "3",
        "4",
        "5"
      ])
    }))
})

describe("OracleEventLogServer, keeping what its clients encrypt", () => {
  const ids = Array.from({ length: 12 }, () => EventJournal.makeEntryIdUnsafe())
  const batch = (text: string, first: number, count = 1, length = text.length) => ({
    iv: new Uint8Array(12).fill(first),
    entryIds: ids.slice(first, first + count) as [EventJournal.EntryId, ...Array<EventJournal.EntryId>],
    encryptedBatch: bytes(text.padEnd(length, "."))
  })
  const sequences = (batches: Iterable<{ readonly sequence: number; readonly encryptedBatch: Uint8Array }>) =>
    Array.from(batches, (each) => `${each.sequence} ${new TextDecoder().decode(each.encryptedBatch).slice(0, 5)}`)

  it.live("stores batches once, and remembers where each entry was first stored", () =>
    Effect.gen(function*() {
      const { sealed } = yield* prepared
      const storage = yield* sealed
      const [ada, bob] = ["ada", "bob"]
      assert.deepStrictEqual(yield* storage.write(ada, store("s"), []), [])
      const given = [batch("one", 0, 3), batch("two", 3), batch("one", 0, 3)] as const
      const stored = yield* storage.write(ada, store("s"), given)
      assert.deepStrictEqual(stored, [{ sequence: 1, ...given[0] }, { sequence: 4, ...given[1] }])
      // One known entry and a new one.
      assert.deepStrictEqual(sequences(yield* storage.write(ada, store("s"), [batch("more", 3, 2)])), ["5 more"])
      const acks = yield* storage.entrySequences(ada, store("s"), [ids[4]!, ids[0]!, ids[3]!, ids[9]!])
      assert.sameMembers(
        acks.map(({ entryId, sequence }) =>
          `${ids.indexOf(ids.find((id) => id.join() === entryId.join())!)} ${sequence}`
        ),
        [
          "4 6",
          "0 1",
          "3 4"
        ]
      )
      // A store is that of one identity.
      assert.deepStrictEqual(sequences(yield* storage.write(bob, store("s"), [batch("bob", 0)])), ["1 bob"])
      assert.deepStrictEqual(sequences(yield* storage.write(ada, store("t"), [batch("tea", 0)])), ["1 tea"])
    }))

  it.live("streams batches from the one that holds a sequence on, long ones and those of other processes included", () =>
    Effect.gen(function*() {
      const { sealed } = yield* prepared
      const [one, two] = yield* Effect.all([sealed, sealed])
      assert.deepStrictEqual(yield* two.getId, yield* one.getId)
      yield* one.write("ada", store("s"), [batch("first", 0, 2), batch("mid", 2, 3, 40_000)])
      const following = yield* Effect.forkChild(
        Stream.runCollect(Stream.take(one.changes("ada", store("s"), 4), 3))
      )
      yield* Effect.sleep("100 millis")
      yield* two.write("ada", store("s"), [batch("their", 5)])
      yield* one.write("ada", store("s"), [batch("mine", 6)])
      const found = Array.from(yield* Fiber.join(following))
      assert.deepStrictEqual(sequences(found), ["3 mid..", "6 their", "7 mine"])
      assert.deepStrictEqual(found[0], { sequence: 3, ...batch("mid", 2, 3, 40_000) })
    }))
})
