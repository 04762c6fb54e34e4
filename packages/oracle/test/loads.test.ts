/** Loads of many rows through a sink: what is written, in how many round trips, and what a failure says. */
import { assert, describe, it } from "@effect/vitest"
import { OracleBind, OracleConnection, OracleInterval } from "@sessionpool/oracle"
import { Fault, type OracleServer } from "@sessionpool/oracle-server"
import { BigDecimal, DateTime, Deferred, Duration, Effect, Fiber, Stream, String } from "effect"
import { isReal, makePool, table } from "./database.ts"
import { openClient } from "./openClient.ts"
import { counts, watched } from "./watchedPool.ts"

const numbers = (from: number, to: number) => Stream.map(Stream.range(from, to), (id) => [id, `item ${id}`] as const)

const executions = (server: OracleServer.Service) =>
  Effect.map(
    server.requests,
    (requests) => requests.filter((request) => request.sql?.startsWith("insert into") === true).length
  )

const countOf = (connection: OracleConnection.OracleConnection, name: string) =>
  Effect.map(connection.query(`select count(*) as n from ${name}`), ([row]) => row?.["N"])

/** The failure of a load, which nothing else may be. */
const loadErrorOf = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, OracleConnection.LoadError)
    return error as OracleConnection.LoadError
  })

describe("connection.sink", () => {
  it.live("writes rows in chunks, and reports each", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const name = yield* table(pool, "id number primary key, name varchar2(20)")
      const progress: Array<OracleConnection.LoadProgress> = []
      const result = yield* pool.use((connection) =>
        connection.withTransaction(Stream.run(
          numbers(1, 2500),
          connection.sink(name, ["id", "name"], {
            onProgress: (made) => Effect.sync(() => progress.push(made))
          })
        ))
      )
      assert.deepStrictEqual(result, { rows: 2500, chunks: 3, committed: 0 })
      assert.deepStrictEqual(progress.map(({ rows }) => rows), [1000, 2000, 2500])
      const [row] = yield* pool.use((connection) =>
        connection.query(`select count(*) as n, max(name) keep (dense_rank last order by id) as name from ${name}`)
      )
      assert.deepStrictEqual(row, { N: 2500, NAME: "item 2500" })
    }))

  it.live("takes objects by the names of their properties", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const name = yield* table(pool, `id number, "Name" varchar2(20), paid number`)
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          yield* Stream.make(
            { Name: "Ada", id: 1, paid: BigDecimal.fromStringUnsafe("12345678901234567890.5") },
            { Name: "Grace", id: 2, paid: null, others: "are not looked at" }
          ).pipe(Stream.run(connection.sink(name, ["id", "\"Name\"", "paid"])))
          assert.deepStrictEqual(
            yield* connection.query(`select * from ${name} order by id`, [], { numbers: "string" }),
            [
              { ID: "1", Name: "Ada", PAID: "12345678901234567890.5" },
              { ID: "2", Name: "Grace", PAID: null }
            ]
          )
        })
      )
    }))

  it.live("says which rows were refused, and leaves the rest to the transaction", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const name = yield* table(pool, "id number primary key, name varchar2(20)")
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          const twice = Stream.map(
            numbers(1, 3000),
            ([id, text]) => [id === 1502 || id === 1900 ? 7 : id, text] as const
          )
          const error = yield* loadErrorOf(
            connection.withTransaction(Stream.run(twice, connection.sink(name, ["id", "name"])))
          )
          assert.deepStrictEqual(error.refused.map(({ row }) => row), [1502, 1900])
          assert.deepStrictEqual([error.from, error.to, error.written, error.committed], [1001, 2000, 1998, 0])
          assert.include(error.message, `A load of ${name} failed at row 1502 and 1 more of rows 1001 to 2000`)
          assert.include(error.message, "ORA-00001")
          assert.strictEqual(yield* countOf(connection, name), 0)
        })
      )
    }))

  it.live("commits each chunk when asked, and says how many rows stay", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const name = yield* table(pool, "id number primary key, name varchar2(20)")
      const sink = (connection: OracleConnection.OracleConnection) =>
        connection.sink(name, ["id", "name"], { chunkSize: 100, commit: true })
      const failing = Stream.map(numbers(1, 1000), ([id, text]) => [id === 350 ? 1 : id, text] as const)
      const error = yield* loadErrorOf(pool.use((connection) => Stream.run(failing, sink(connection))))
      assert.deepStrictEqual([error.refused[0]?.row, error.written, error.committed], [350, 399, 300])
      assert.isFalse(error.isRetryable)
      assert.strictEqual(yield* pool.use((connection) => countOf(connection, name)), 300)
    }))

  it.live("names the row that cannot be sent", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const name = yield* table(pool, "id number, born timestamp")
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          const failureOf = (...rows: ReadonlyArray<OracleConnection.LoadRow<"id" | "born">>) =>
            loadErrorOf(Stream.run(Stream.fromIterable(rows), connection.sink(name, ["id", "born"], { chunkSize: 2 })))
          const rows = [[1, new Date(0)], [2, new Date(0)], [3, new Date(0)]] as const
          const unsendable = yield* failureOf(...rows, [4, new Date(Number.NaN)])
          assert.deepStrictEqual(unsendable.refused.map(({ row }) => row), [4])
          assert.include(unsendable.message, "date is invalid")
          const short = yield* failureOf(...rows, [4])
          assert.include(short.message, "Row 4 has 1 values for 2 columns")
          const misspelt = yield* failureOf(...rows, { id: 4, bron: null } as unknown as { id: number; born: null })
          assert.include(misspelt.message, `Row 4 has no property "born"`)
          const none = yield* failureOf(null as unknown as OracleConnection.LoadRow<"id" | "born">)
          assert.include(none.message, "Row 1 must be an array or an object, not null")
        })
      )
    }))

  it.live("refuses names that are none before anything is sent", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          const sink = connection.sink.bind(connection) as unknown as (
            ...args: ReadonlyArray<unknown>
          ) => ReturnType<typeof connection.sink>
          const refusals = [
            sink("t; drop table t", ["a"]),
            sink(5, ["a"]),
            sink("t", []),
            sink("t", ["a b"]),
            sink("t", ["a", "a"]),
            sink("t", ["a"], { chunkSize: 0 }),
            sink("t", ["a"], { direct: "yes" }),
            sink("t", ["a"], { direct: true, commit: false })
          ]
          for (const refused of refusals) {
            const error = yield* Effect.flip(Stream.run(Stream.make([1]), refused))
            assert.strictEqual(error._tag, "OracleError")
          }
          yield* connection.ping
        })
      )
    }))

  it.live.skipIf(isReal)(
    "asks for no more rows while a chunk is written, one round trip for each",
    () =>
      Effect.gen(function*() {
        const { pool, server } = yield* watched({ max: 1 })
        yield* pool.use((connection) =>
          Effect.gen(function*() {
            yield* connection.execute("create table t (id number, name varchar2(20))")
            let made = 0
            let most = 0
            const rows = Stream.fromIterable(Array.from({ length: 4000 }, (_, id) => id)).pipe(
              Stream.rechunk(50),
              Stream.map((id) => {
                made++
                return [id, "x"]
              })
            )
            const before = yield* executions(server)
            const { rows: written } = yield* Stream.run(
              rows,
              connection.sink("t", ["id", "name"], {
                chunkSize: 100,
                onProgress: (progress) =>
                  Effect.sync(() => {
                    most = Math.max(most, made - progress.rows)
                  })
              })
            )
            assert.strictEqual(written, 4000)
            assert.strictEqual((yield* executions(server)) - before, 40)
            assert.isAtMost(most, 50)
          })
        )
      })
  )

  it.live.skipIf(isReal)("ends a chunk at 8 MB", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          yield* connection.execute("create table t (text clob)")
          const text = "x".repeat(1024 * 1024)
          const result = yield* Stream.run(
            Stream.take(Stream.forever(Stream.make([text])), 9),
            connection.sink("t", ["text"])
          )
          assert.strictEqual(result.chunks, 2)
          assert.strictEqual(yield* executions(server), 2)
        })
      )
    }))

  it.live.skipIf(isReal)("leaves nothing behind when it is interrupted", () =>
    Effect.gen(function*() {
      for (const direct of [false, true]) {
        const { pool, server } = yield* watched({ max: 1 })
        yield* pool.use((connection) => connection.execute("create table t (id number, name varchar2(20))"))
        const begun = yield* Deferred.make<void>()
        const loading = yield* Effect.forkChild(pool.use((connection) =>
          Stream.run(
            numbers(1, 100_000),
            connection.sink("t", ["id", "name"], { direct, onProgress: () => Deferred.succeed(begun, undefined) })
          )
        ))
        yield* Deferred.await(begun)
        yield* Fiber.interrupt(loading)
        yield* counts(pool, { busy: 0 })
        const left = Number(yield* pool.use((connection) => countOf(connection, "t")))
        assert.strictEqual(left % 10_000, 0)
        if (!direct) assert.strictEqual(left, 0)
        assert.strictEqual((yield* server.sessions).length, 1)
      }
    }))
})

describe("sql.sink", () => {
  it.live("loads under the client's names: in the transaction around it, else committed chunk by chunk", () =>
    Effect.gen(function*() {
      const { pool, sql } = yield* openClient({ transformQueryNames: String.camelToSnake })
      const name = yield* table(pool, "id number primary key, first_name varchar2(20)")
      const rows = (from: number, to: number) =>
        Stream.map(Stream.range(from, to), (id) => ({ id, firstName: `x${id}` }))
      const sink = sql.sink(name, ["id", "firstName"], { chunkSize: 100 })
      const count = Effect.map(sql<{ n: number }>`select count(*) as n from ${sql(name)}`, ([row]) => row?.n)
      yield* Effect.exit(sql.withTransaction(Effect.andThen(Stream.run(rows(1, 150), sink), Effect.fail("no"))))
      assert.strictEqual(yield* count, 0)
      const inside = yield* sql.withTransaction(Stream.run(rows(1, 150), sink))
      assert.deepStrictEqual(inside, { rows: 150, chunks: 2, committed: 0 })
      const outside = yield* Stream.run(rows(151, 400), sink)
      assert.deepStrictEqual(outside, { rows: 250, chunks: 3, committed: 250 })
      assert.strictEqual(yield* count, 400)
      const error = yield* loadErrorOf(
        Stream.run(
          rows(390, 700).pipe(Stream.drop(11)).pipe(Stream.map((row) => row.id === 650 ? { ...row, id: 1 } : row)),
          sink
        )
      )
      assert.deepStrictEqual([error.refused[0]?.row, error.written, error.committed], [250, 299, 200])
      assert.strictEqual(yield* count, 600)
      const committing = yield* Effect.flip(
        sql.withTransaction(Stream.run(rows(1, 1), sql.sink(name, ["id", "firstName"], { commit: true })))
      )
      assert.include(`${committing}`, "would commit the transaction around it")
      const unnamed = yield* Effect.flip(Stream.run(rows(1, 1), sql.sink("a\"b", ["id"])))
      assert.include(`${unnamed}`, "cannot be a name")
    }))
})

const allTypes =
  "id number, n number, d binary_double, f binary_float, v varchar2(4000), c char(5), nv nvarchar2(2000), r raw(2000), "
  + "dt date, ts timestamp, tz timestamp with time zone, ds interval day to second, ym interval year to month, b boolean, "
  + "cl clob, bl blob, j json, e vector(3, float64)"

const allColumns = allTypes.split(", ").map((column) => column.split(" ")[0]!).filter((name) => name !== "float64)")

const rowOf = (id: number, size: number): ReadonlyArray<OracleBind.Bind> => [
  id,
  id % 2 === 0 ? BigDecimal.fromStringUnsafe("12345.678") : 12345678901234567890n,
  id / 3,
  0.5,
  "é".repeat(Math.min(size, 1999)),
  "ab",
  "ж".repeat(Math.min(size, 1000)),
  new Uint8Array(Math.min(size, 2000)).fill(id),
  new Date(Date.UTC(2024, 1, 29, 12, 30, 15)),
  new Date(Date.UTC(1969, 11, 31, 23, 59, 59, 123)),
  DateTime.makeUnsafe("2026-03-29T01:30:00.007Z"),
  Duration.seconds(90_061),
  OracleInterval.yearMonth({ years: 3, months: 4 }),
  id % 2 === 0,
  "text ".repeat(size),
  new Uint8Array(size * 3).fill(255 - (id % 200)),
  OracleBind.input("json", { id, list: [1, "two", null] }),
  OracleBind.input("vector", new Float64Array([1, 2, id]))
]

describe.skipIf(isReal)("connection.sink by direct path", () => {
  it.live("writes what array DML writes, whatever the sizes", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          yield* connection.execute(`create table by_array (${allTypes})`)
          yield* connection.execute(`create table by_path (${allTypes})`)
          const sizes = [
            0,
            1,
            83,
            84,
            125,
            126,
            250,
            251,
            252,
            1000,
            2000,
            13_103,
            13_104,
            13_105,
            21_837,
            21_838,
            65_520,
            100_000
          ]
          const rows = [
            ...sizes.map((size, id) => rowOf(id, size)),
            [99, ...allColumns.slice(1).map(() => null)]
          ]
          yield* Stream.run(Stream.fromIterable(rows), connection.sink("by_array", allColumns, { commit: true }))
          const before = (yield* server.requests).length
          const progress = yield* Stream.run(
            Stream.fromIterable(rows),
            connection.sink("by_path", allColumns, { direct: true })
          )
          assert.deepStrictEqual(progress, { rows: rows.length, chunks: 1, committed: rows.length })
          const sent = (yield* server.requests).slice(before).map((request) => request.function)
          assert.deepStrictEqual(sent.filter((name) => name.startsWith("directPath")), [
            "directPathPrepare",
            "directPathLoad",
            "directPathOperation"
          ])
          const written = (name: string) =>
            connection.query(`select * from ${name} order by id`, [], { numbers: "string" })
          const byArray = yield* written("by_array")
          const byPath = yield* written("by_path")
          for (const [index, row] of byPath.entries()) assert.deepStrictEqual(row, byArray[index])
          assert.strictEqual(byPath.length, rows.length)
        })
      )
    }))

  it.live("is committed chunk by chunk, and says what stays of it", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 1 })
      yield* pool.use((connection) =>
        connection.execute("create table t (id number primary key, name varchar2(9) not null)")
      )
      const failing = (change: (id: number) => readonly [number, string | null]) =>
        loadErrorOf(pool.use((connection) =>
          Stream.range(1, 500).pipe(
            Stream.map(change),
            Stream.run(connection.sink("t", ["id", "name"], { direct: true, chunkSize: 100 }))
          )
        ))
      const doubled = yield* failing((id) => [id === 250 ? 1 : id, "x"])
      assert.deepStrictEqual([doubled.from, doubled.to, doubled.written, doubled.committed], [201, 300, 200, 200])
      assert.include(doubled.message, "ORA-00001")
      assert.isFalse(doubled.isRetryable)
      assert.strictEqual(yield* pool.use((connection) => countOf(connection, "t")), 200)
      yield* pool.use((connection) => connection.execute("truncate table t"))
      const unnamed = yield* failing((id) => [id, id === 350 ? "" : "x"])
      assert.deepStrictEqual([unnamed.from, unnamed.committed], [301, 300])
      const wrongType = yield* failing((id) => [id === 30 ? "a text" as unknown as number : id + 1000, "x"])
      assert.deepStrictEqual([wrongType.refused[0]?.row, wrongType.committed], [30, 0])
      assert.include(wrongType.message, "a NUMBER column takes a number, a bigint or a BigDecimal, not a string")
    }))

  it.live("is refused where it would commit other work", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      yield* pool.use((connection) => connection.execute("create table t (id number)"))
      const load = (connection: OracleConnection.OracleConnection) =>
        loadErrorOf(Stream.run(Stream.make([1]), connection.sink("t", ["id"], { direct: true })))
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          const inside = yield* connection.withTransaction(load(connection))
          assert.include(inside.message, "A direct path load commits")
          yield* connection.execute("insert into t values (2)")
          const after = yield* load(connection)
          assert.include(after.message, "A direct path load commits")
        })
      )
      const { byFunction } = yield* server.counters
      assert.isUndefined(byFunction.directPathPrepare)
      assert.strictEqual(yield* pool.use((connection) => countOf(connection, "t")), 0)
    }))

  it.live("does not know whether a chunk is committed whose answer was lost", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      yield* pool.use((connection) => connection.execute("create table t (id number)"))
      yield* server.inject(Fault.disconnect({ on: "directPathOperation", when: "after" }))
      const error = yield* loadErrorOf(
        pool.use((connection) => Stream.run(Stream.make([1]), connection.sink("t", ["id"], { direct: true })))
      )
      assert.isFalse(error.isRetryable)
      assert.include(error.message, "it is unknown whether it took effect")
    }))
})
