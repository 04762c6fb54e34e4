import { assert, describe, it } from "@effect/vitest"
import { OracleBind, type OracleConnection, OracleLob, OracleSessionPool } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Effect, Fiber, Redacted, Stream } from "effect"
import { connection, embedded, isReal, makePool, table } from "./database.ts"

const numbers = (count: number) => `select level as n from dual connect by level <= ${count}`

/** A pool on an embedded server, and the requests that the server has seen. */
const watched = Effect.gen(function*() {
  const { connect, server } = yield* embedded()
  const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({ ...connect, max: 2 })
  const seen = Effect.map(server.requests, (requests) => requests.filter((request) => !request.piggyback))
  return { pool, server, seen }
})

describe("queryStream", () => {
  it.live("gives every row, in order, with the schema's types", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const rows = yield* Stream.runCollect(held.queryStream(numbers(1234)))
      assert.deepStrictEqual(rows.map((row) => row["N"]), Array.from({ length: 1234 }, (_, index) => index + 1))
      assert.deepStrictEqual(yield* Stream.runCollect(held.queryStream("select 1 as n from dual where 1 = 0")), [])
    }))

  it.live.skipIf(isReal)(
    "asks for rows when they are wanted, and not before",
    () =>
      Effect.gen(function*() {
        const { pool, seen, server } = yield* watched
        const held = yield* pool.acquire()
        yield* server.clearRequests
        const some = yield* Stream.runCollect(
          held.queryStream(numbers(1000), [], { fetchArraySize: 10 }).pipe(Stream.take(25))
        )
        assert.lengthOf(some, 25)
        assert.lengthOf(yield* seen, 3)
        // The cursor is closed: the next call carries the word to the server, and the lease leaves none behind.
        yield* held.ping
        yield* pool.release(held)
        const [session] = yield* server.sessions
        assert.isAtMost(session!.openCursors, 1)
      })
  )

  it.live("can run one statement while another's rows are being read", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const sum = yield* held.queryStream(numbers(30), [], { fetchArraySize: 7 }).pipe(
        Stream.mapEffect((row) => held.query("select :n * 10 as m from dual", { n: Number(row["N"]) })),
        Stream.runFold(() => 0, (total, [row]) => total + Number(row?.["M"]))
      )
      assert.strictEqual(sum, 4650)
    }))

  it.live("ends with its lease", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const held = yield* pool.acquire()
      const error = yield* held.queryStream(numbers(100), [], { fetchArraySize: 10 }).pipe(
        Stream.mapEffect((row) => row["N"] === 10 ? pool.release(held) : Effect.void),
        Stream.runDrain,
        Effect.flip
      )
      assert.strictEqual(error._tag, "ConnectionReleasedError")
      assert.deepStrictEqual(yield* pool.use((next) => next.query("select 1 as one from dual")), [{ ONE: 1 }])
    }))
})

describe("execute", () => {
  it.live("gives cursors as streams: REF CURSOR, implicit results, nested", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const { outBinds } = yield* held.execute("begin open :c for select 7 as n from dual; end;", {
        c: OracleBind.out("cursor")
      })
      assert.deepStrictEqual(yield* Stream.runCollect(outBinds.c!), [{ N: 7 }])
      const { implicitResults } = yield* held.execute(
        "declare c sys_refcursor; begin open c for select 'x' as a from dual; dbms_sql.return_result(c); end;"
      )
      assert.lengthOf(implicitResults, 1)
      assert.deepStrictEqual(yield* Stream.runCollect(implicitResults[0]!), [{ A: "x" }])
    }))

  it.live("gives rows, counts and row ids", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const name = yield* table(pool, "id number primary key")
      const held = yield* pool.acquire()
      const inserted = yield* held.execute(`insert into ${name} values (:1)`, [1])
      assert.strictEqual(inserted.rowsAffected, 1)
      assert.isString(inserted.lastRowid)
      const { rows } = yield* held.execute(`select id from ${name}`)
      assert.deepStrictEqual(rows, [{ ID: 1 }])
    }))

  it.live.skipIf(isReal)("calls procedures and functions by name", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const raised = yield* held.call("raise_pay", {
        amount: 5,
        pay: OracleBind.inOut("number", 100),
        note: OracleBind.out("string")
      })
      assert.deepStrictEqual(raised, { pay: 105, note: "raised" })
      assert.strictEqual(yield* held.callFunction("doubled", "number", { n: 21 }), 42)
      assert.strictEqual(yield* held.callFunction("doubled", "bigint", [4]), 8n)
      const error = yield* Effect.flip(held.call("raise_pay(1); delete from t where (1 = 1", {}))
      assert.strictEqual(error._tag === "OracleError" && error.reason._tag, "SqlSyntaxError")
    }))
})

describe("LOBs", () => {
  const text = "Größe 😀 ".repeat(9000)

  it.live("go both ways as streams of text", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const name = yield* table(pool, "id number, body clob, data blob")
      const held = yield* pool.acquire()
      const pieces = Stream.fromIterable(text.match(/[\s\S]{1,1000}/gu) ?? [])
      const body = yield* held.createLob("clob", pieces)
      const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251)
      const data = yield* held.createLob("blob", Stream.make(bytes.subarray(0, 99_999), bytes.subarray(99_999)))
      yield* held.execute(`insert into ${name} values (1, :body, :data)`, { body, data })
      const [row] = yield* held.query(`select body, data from ${name}`, [], { lobs: "handle" })
      const lobs = [row?.["BODY"], row?.["DATA"]]
      assert.isTrue(lobs.every((lob) => lob instanceof OracleLob.OracleLob))
      const [clob, blob] = lobs as [OracleLob.OracleLob, OracleLob.OracleLob]
      assert.strictEqual(yield* clob.text, text)
      assert.strictEqual(yield* Stream.mkString(Stream.decodeText(clob.stream)), text)
      assert.deepStrictEqual(yield* blob.bytes, bytes)
      const [whole] = yield* held.query(`select body, data from ${name}`)
      assert.strictEqual(whole?.["BODY"], text)
      assert.isTrue(Buffer.from(bytes).equals(whole?.["DATA"] as Buffer))
    }))

  it.live("end with their lease", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const held = yield* pool.acquire()
      const lob = yield* held.createLob("clob", "kept too long")
      assert.strictEqual(yield* lob.text, "kept too long")
      yield* pool.release(held)
      assert.strictEqual((yield* Effect.flip(lob.text))._tag, "ConnectionReleasedError")
    }))
})

describe("a connection", () => {
  it.live("knows its server and its session", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      const info = yield* held.info
      assert.match(info.serverVersion, /^\d+\.\d+/)
      assert.isAbove(info.sid, 0)
      assert.isString(info.service)
      assert.strictEqual(yield* held.statementCacheSize, 30)
      yield* held.ping
      assert.isFalse(yield* held.inTransaction)
    }))

  it.live.skipIf(isReal)(
    "shows in pool.sessions what runs, without what is literal, and its numbers once it has asked",
    () =>
      Effect.gen(function*() {
        const { pool, server } = yield* watched
        const held = yield* pool.acquire()
        const shown = Effect.map(pool.sessions, ([session]) => session!)
        assert.deepInclude(yield* shown, { sid: undefined, statement: undefined })
        const { instance, serial, sid } = yield* held.info
        assert.deepInclude(yield* shown, { instance, sid, serial })
        yield* server.inject(Fault.hang({ sql: "tiger" }))
        const running = yield* Effect.forkChild(held.query("select 'tiger' as name from dual"))
        yield* Effect.repeat(Effect.andThen(Effect.sleep(5), shown), {
          until: ({ statement }) => statement !== undefined
        })
        assert.strictEqual((yield* shown).statement, "select ? as name from dual")
        assert.deepInclude((yield* shown).lease, { calls: 1, idleMillis: undefined })
        yield* Fiber.interrupt(running)
      })
  )

  it.live("tells the server who works", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      yield* held.setModule("bookings")
      yield* held.setAction("cancel")
      yield* held.setClientIdentifier("user-7")
      const sql = "select sys_context('userenv', 'module') as m, sys_context('userenv', 'action') as a, " +
        "sys_context('userenv', 'client_identifier') as c from dual"
      assert.deepStrictEqual(yield* held.query(sql), [{ M: "bookings", A: "cancel", C: "user-7" }])
      const schema = yield* held.currentSchema
      yield* held.setCurrentSchema(schema)
      assert.strictEqual(yield* held.currentSchema, schema)
    }))

  it.live.skipIf(isReal)("changes a password, which no error repeats", () =>
    Effect.gen(function*() {
      const { connect } = yield* embedded()
      const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>(connect)
      const change = (held: OracleConnection.OracleConnection, from: string) =>
        held.changePassword("scott", { from: Redacted.make(from), to: Redacted.make("lion-2") })
      const refused = yield* Effect.flip(pool.use((held) => change(held, "wrong-one")))
      assert.strictEqual(refused._tag === "OracleError" && refused.reason._tag, "AuthenticationError")
      assert.notInclude(String(refused) + JSON.stringify(refused), "wrong-one")
      yield* pool.use((held) => change(held, "tiger"))
      const renewed = yield* OracleSessionPool.make<OracleSessionPool.Failure>({
        ...connect,
        password: Redacted.make("lion-2")
      })
      yield* renewed.use((held) => held.ping)
    }))

  it.live("cannot be used after its lease", () =>
    Effect.gen(function*() {
      const pool = yield* makePool()
      const held = yield* Effect.scoped(pool.acquire())
      const uses: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
        held.query("select 1 from dual"),
        held.execute("begin null; end;"),
        held.executeMany("insert into t values (:1)", [[1]]),
        held.call("p"),
        Stream.runDrain(held.queryStream("select 1 from dual")),
        held.commit,
        held.rollback,
        held.ping,
        held.info,
        held.createLob("clob", "x"),
        held.withTransaction(held.ping),
        held.setModule("m"),
        held.currentSchema,
        held.setTag("A=B"),
        held.setCallTimeout(5)
      ]
      for (const use of uses) assert.strictEqual((yield* Effect.flip(use))._tag, "ConnectionReleasedError")
    }))
})

describe("a statement that is no text", () => {
  it.live("is a failure that says so, and costs nothing", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      for (const sql of [undefined, null, 5, {}] as unknown as ReadonlyArray<string>) {
        const uses: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string; readonly message: string }>> = [
          held.query(sql),
          held.execute(sql),
          held.executeMany(sql, [[1]]),
          Stream.runDrain(held.queryStream(sql))
        ]
        for (const use of uses) {
          const error = yield* Effect.flip(use)
          assert.strictEqual(error._tag, "OracleError")
          assert.include(error.message, "A statement must be a text")
        }
      }
      assert.deepStrictEqual(yield* held.query("select 1 as n from dual"), [{ N: 1 }])
    }))
})

describe("a call timeout", () => {
  it.live("that is no duration is refused, and the one that holds stays", () =>
    Effect.gen(function*() {
      const held = yield* connection()
      yield* held.setCallTimeout("100 millis")
      for (const timeout of [-5, Number.NaN, "abc", {}, null] as unknown as ReadonlyArray<number>) {
        const error = yield* Effect.flip(held.setCallTimeout(timeout))
        assert.include(error.message, "The call timeout must be a duration of 0 or more")
      }
      const late = yield* Effect.flip(held.execute("begin dbms_session.sleep(5); end;"))
      assert.isTrue(late._tag === "OracleError" && late.codes.includes("NJS-123"))
    }))
})
