import { assert, describe, it } from "@effect/vitest"
import { type OracleConnection, type OracleLob, OracleSessionPool } from "@sessionpool/oracle"
import { Effect, Stream } from "effect"
import { embedded, isReal } from "./database.ts"

const size = 3 * 1_048_576
const bytes = Buffer.alloc(size, "0123456789abcde")
const text = "Größe 😀 ".repeat(200_000)

/** Pieces of a value, as a file or a socket gives them. */
const piecesOf = <A extends string | Buffer>(value: A, length: number): ReadonlyArray<A> =>
  Array.from(
    { length: Math.ceil(value.length / length) },
    (_, index) => value.slice(index * length, (index + 1) * length) as A
  )

describe.skipIf(isReal)("a LOB of several megabytes", () => {
  it.live("is written and read in as many round trips as whole megabytes need, whatever its pieces are", () =>
    Effect.gen(function*() {
      const { connect, server } = yield* embedded({ script: "create table lobs (b blob, c clob)" })
      const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({ ...connect, max: 1 })
      const counted = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.gen(function*() {
          yield* server.clearRequests
          const value = yield* effect
          const requests = yield* server.requests
          return [value, requests.filter(({ piggyback }) => !piggyback).length] as const
        })
      yield* pool.use((held) =>
        Effect.gen(function*() {
          // One round trip makes a temporary LOB, and another asks for the size of its chunks: once for each type.
          const [blob, blobWrites] = yield* counted(
            held.createLob("blob", Stream.fromIterable(piecesOf(bytes, 65_536)))
          )
          assert.strictEqual(blobWrites, 2 + 2)
          const [clob, clobWrites] = yield* counted(held.createLob("clob", Stream.fromIterable(piecesOf(text, 1001))))
          assert.strictEqual(clobWrites, 2 + 1 + Math.ceil((text.length - 1_048_576) / 2_097_152))
          const [fromBytes, laterWrites] = yield* counted(
            held.createLob("clob", Stream.fromIterable(piecesOf(Buffer.from(text), 1001)))
          )
          assert.strictEqual(laterWrites, clobWrites - 1)
          const [content, blobReads] = yield* counted(blob.bytes)
          assert.isTrue(Buffer.from(content).equals(bytes))
          assert.isAtMost(blobReads, 4)
          const [back, clobReads] = yield* counted(clob.text)
          assert.isTrue(back === text)
          assert.isAtMost(clobReads, Math.ceil(text.length / 1_000_000) + 1)
          assert.isTrue((yield* fromBytes.text) === text)
          // A stream holds less at a time.
          const [pieces, reads] = yield* counted(Stream.runCollect(blob.stream))
          assert.isAtMost(Math.max(...pieces.map((piece) => piece.length)), 65_536)
          assert.isTrue(Buffer.concat(pieces).equals(bytes))
          // A megabyte, and the rest.
          assert.strictEqual(reads, 2)
          // The driver binds bytes as a LOB in four: it makes it, asks for the size of its chunks, writes it and binds it.
          const [, inAll] = yield* counted(
            Effect.flatMap(
              held.createLob("blob", Stream.fromIterable(piecesOf(bytes, 1000))),
              (lob) => Effect.andThen(held.execute("insert into lobs (b) values (:1)", [lob]), lob.close)
            )
          )
          assert.strictEqual(inAll, 4)
        })
      )
    }))

  it.live("keeps its content while others are written after it, before it and at the same time", () =>
    Effect.gen(function*() {
      const { connect } = yield* embedded({})
      const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({ ...connect, max: 2 })
      const filled = (fill: number, length: number) => Buffer.alloc(length, fill)
      const holds = (lob: OracleLob.OracleLob, expected: Buffer) =>
        Effect.map(lob.bytes, (content) => assert.isTrue(Buffer.from(content).equals(expected)))
      const one = (fill: number) =>
        pool.use((held) =>
          Effect.gen(function*() {
            const contents = [filled(fill, size), filled(fill + 1, 10), filled(fill + 2, 1_500_000)]
            const lobs = yield* Effect.forEach(
              contents,
              (content) => held.createLob("blob", Stream.fromIterable(piecesOf(content, 50_000)))
            )
            // A source that fails leaves nothing behind, whatever had been gathered.
            const failing = Stream.concat(
              Stream.fromIterable(piecesOf(filled(99, size), 50_000)),
              Stream.fail("no more")
            )
            assert.strictEqual(yield* Effect.flip(held.createLob("blob", failing)), "no more")
            const whole = yield* held.createLob("blob", contents[2]!)
            yield* holds(whole, contents[2]!)
            for (const [index, lob] of lobs.entries()) yield* holds(lob, contents[index]!)
          })
        )
      yield* Effect.all([one(1), one(11), one(21)], { concurrency: "unbounded" })
    }))

  it.live("is made in one round trip when one of its type was made in the session, and reads as that one does", () =>
    Effect.gen(function*() {
      const { connect, server } = yield* embedded({ script: "create table lobs (b blob, c clob, n nclob)" })
      const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({ ...connect, max: 1 })
      const made = (kind: OracleConnection.LobKind, content: string) =>
        pool.use((held) =>
          Effect.gen(function*() {
            yield* server.clearRequests
            const lob = yield* held.createLob(kind, content)
            const trips = (yield* server.requests).filter(({ piggyback }) => !piggyback).length
            assert.strictEqual(yield* lob.text, content)
            const column = kind === "blob" ? "b" : kind === "clob" ? "c" : "n"
            yield* held.execute("delete from lobs")
            yield* held.execute(`insert into lobs (${column}) values (:1)`, [lob])
            const [row] = yield* held.query(`select ${column} as content from lobs`)
            const found = row!["CONTENT"]
            assert.strictEqual(typeof found === "string" ? found : Buffer.from(found as Uint8Array).toString(), content)
            return trips
          })
        )
      const content = "Größe 😀 ".repeat(9000)
      for (const kind of ["blob", "clob", "nclob"] as const) {
        assert.deepStrictEqual([yield* made(kind, content), yield* made(kind, "x"), yield* made(kind, content)], [
          3,
          2,
          2
        ])
      }
      // None is left.
      yield* pool.use((held) => held.ping)
      assert.deepStrictEqual((yield* server.sessions).map(({ temporaryLobs }) => temporaryLobs), [0])
    }))

  it.live("is the same whatever its pieces are, and is written in whole megabytes", () =>
    Effect.gen(function*() {
      const { connect, server } = yield* embedded({})
      const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({ ...connect, max: 1 })
      yield* pool.use((held) =>
        Effect.gen(function*() {
          let isFirst = true
          for (
            const [length, most] of [[1000, 2], [65_536, 2], [100_000, 3], [1_048_576, 2], [1_500_000, 2]] as const
          ) {
            yield* server.clearRequests
            const blob = yield* held.createLob("blob", Stream.fromIterable(piecesOf(bytes, length)))
            const creations = isFirst ? 2 : 1
            const writes = (yield* server.requests).filter(({ piggyback }) => !piggyback).length - creations
            isFirst = false
            assert.isAtMost(writes, most, `pieces of ${length}`)
            assert.isTrue(Buffer.from(yield* blob.bytes).equals(bytes), `pieces of ${length}`)
            yield* blob.close
          }
          const mixed = [
            bytes.subarray(0, 10),
            "text",
            bytes.subarray(0, 2_000_000),
            Buffer.alloc(0),
            bytes.subarray(0, 90_000)
          ]
          const blob = yield* held.createLob("blob", Stream.fromIterable(mixed))
          assert.isTrue(Buffer.from(yield* blob.bytes).equals(Buffer.concat(mixed.map((piece) => Buffer.from(piece)))))
        })
      )
    }))

  it.live("gives no text that ends inside a character", () =>
    Effect.gen(function*() {
      const { connect } = yield* embedded({})
      const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({ ...connect, max: 1 })
      const long = `${"x".repeat(65_535)}${"😀".repeat(200_000)}`
      yield* pool.use((held) =>
        Effect.gen(function*() {
          const clob = yield* held.createLob("clob", long)
          const pieces = yield* Stream.runCollect(clob.textStream)
          assert.isTrue(pieces.join("") === long)
          assert.isAtMost(Math.max(...pieces.map((piece) => piece.length)), 65_536)
          for (const piece of pieces) assert.isFalse(/[\uD800-\uDBFF]$/.test(piece))
        })
      )
    }))
})
