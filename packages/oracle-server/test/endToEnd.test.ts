import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope } from "effect"
import * as OracleServer from "../src/OracleServer.ts"
import { type Connection, type Lob, oracledb, type ResultSet } from "./driver.ts"
import { codeOf } from "./wire/served.ts"

const connect = (
  server: OracleServer.Service,
  attributes: object = {}
): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() =>
      oracledb.getConnection({ user: "scott", password: "tiger", connectString: server.connectString, ...attributes })
    ),
    (connection) => Effect.promise(() => connection.close().catch(() => undefined))
  )

const run = (connection: Connection, sql: string, binds: unknown = [], options: object = {}) =>
  Effect.promise(() => connection.execute(sql, binds, options))

const served = <A>(
  options: OracleServer.Options,
  test: (connection: Connection, server: OracleServer.Service) => Effect.Effect<A, unknown, Scope.Scope>
) =>
  Effect.scoped(Effect.gen(function*() {
    const server = yield* OracleServer.make(options)
    return yield* test(yield* connect(server), server)
  }))

describe("the driver, the server and its engine together", () => {
  it.live("store and give back every type", () =>
    served({}, (connection) =>
      Effect.gen(function*() {
        yield* run(
          connection,
          `create table everything (
            id number(9) primary key, num number, dec number(38, 10), bf binary_float, bd binary_double,
            v varchar2(100), nv nvarchar2(100), c char(10), r raw(20), d date, ts timestamp(6),
            tz timestamp with time zone, ltz timestamp with local time zone,
            ym interval year to month, ds interval day to second, cl clob, ncl nclob, bl blob,
            js json, bo boolean, ve vector(3, float32))`
        )
        const time = new Date(2024, 1, 29, 13, 14, 15, 123)
        const second = new Date(2024, 1, 29, 13, 14, 15)
        const { IntervalDS, IntervalYM } = oracledb as unknown as Record<string, new(parts: object) => object>
        const row = {
          id: 1,
          num: { val: -0.000123, type: oracledb["NUMBER"] },
          dec: "1234567890123456789012345678.0123456789",
          bf: { val: 1.5, type: oracledb["DB_TYPE_BINARY_FLOAT"] },
          bd: { val: -1e300, type: oracledb["DB_TYPE_BINARY_DOUBLE"] },
          v: "grüße €",
          nv: { val: "漢字 \u{1F600}", type: oracledb["DB_TYPE_NVARCHAR"] },
          c: "abc",
          r: Buffer.from([0, 1, 255]),
          d: { val: second, type: oracledb["DB_TYPE_DATE"] },
          ts: { val: time, type: oracledb["DB_TYPE_TIMESTAMP"] },
          tz: { val: time, type: oracledb["DB_TYPE_TIMESTAMP_TZ"] },
          ltz: { val: time, type: oracledb["DB_TYPE_TIMESTAMP_LTZ"] },
          ym: { val: new IntervalYM!({ years: -1, months: -2 }), type: oracledb["DB_TYPE_INTERVAL_YM"] },
          ds: {
            val: new IntervalDS!({ days: 1, hours: 2, minutes: 3, seconds: 4, fseconds: 500_000_000 }),
            type: oracledb["DB_TYPE_INTERVAL_DS"]
          },
          cl: "clob ".repeat(10_000),
          ncl: { val: "nclob €", type: oracledb["DB_TYPE_NVARCHAR"] },
          bl: Buffer.alloc(50_000, 7),
          js: { val: { a: [1, "two", null], b: { c: true } }, type: oracledb["DB_TYPE_JSON"] },
          bo: { val: true, type: oracledb["DB_TYPE_BOOLEAN"] },
          ve: { val: Float32Array.of(1, 2.5, -3), type: oracledb["DB_TYPE_VECTOR"] }
        }
        const names = Object.keys(row)
        const result = yield* run(
          connection,
          `insert into everything (${names.join(", ")}) values (${names.map((name) => `:${name}`).join(", ")})`,
          row
        )
        assert.strictEqual(result.rowsAffected, 1)
        assert.match(result.lastRowid, /^[A-Za-z0-9+/]{18}$/)
        const fetchTypeHandler = ({ dbType, name }: { dbType: unknown; name: string }) =>
          name === "DEC" || dbType === oracledb["DB_TYPE_CLOB"] || dbType === oracledb["DB_TYPE_NCLOB"]
            ? { type: oracledb["STRING"] }
            : dbType === oracledb["DB_TYPE_BLOB"]
            ? { type: oracledb["BUFFER"] }
            : undefined
        const { rows } = yield* run(connection, "select e.*, e.rowid from everything e", [], { fetchTypeHandler })
        const [found] = rows
        assert.deepEqual(found!.slice(0, 13), [
          1,
          -0.000123,
          "1234567890123456789012345678.0123456789",
          1.5,
          -1e300,
          "grüße €",
          "漢字 \u{1F600}",
          "abc       ",
          Buffer.from([0, 1, 255]),
          second,
          time,
          time,
          time
        ])
        assert.deepInclude(found![13], { years: -1, months: -2 })
        assert.deepInclude(found![14], { days: 1, hours: 2, minutes: 3, seconds: 4, fseconds: 500_000_000 })
        assert.deepEqual(found!.slice(15), [
          "clob ".repeat(10_000),
          "nclob €",
          Buffer.alloc(50_000, 7),
          { a: [1, "two", null], b: { c: true } },
          true,
          Float32Array.of(1, 2.5, -3),
          result.lastRowid
        ])
      })))

  const writeAll = (lob: Lob, text: string) =>
    Effect.promise(() =>
      new Promise<void>((resolve, reject) => {
        lob.on("error", reject)
        lob.on("finish", resolve)
        lob.end(text)
      })
    )
  const text = "written ".repeat(20_000)
  const fetchInfo = { BODY: { type: oracledb["STRING"] } }

  it.live("store temporary LOBs", () =>
    served({ script: "create table documents (id number, body clob)" }, (connection) =>
      Effect.gen(function*() {
        const lob = yield* Effect.promise(() => connection.createLob(oracledb["CLOB"]))
        yield* writeAll(lob, text)
        yield* run(connection, "insert into documents values (1, :body)", { body: lob })
        const { rows } = yield* run(connection, "select body from documents", [], { fetchInfo })
        assert.strictEqual(rows[0]![0], text)
      })))

  it.live("write LOBs through the locators of their rows", () =>
    served({ script: "create table documents (id number, body clob)" }, (connection) =>
      Effect.gen(function*() {
        const { outBinds } = yield* run(
          connection,
          "insert into documents values (1, empty_clob()) returning body into :body",
          { body: { dir: oracledb["BIND_OUT"], type: oracledb["CLOB"] } }
        )
        yield* writeAll((outBinds as { body: [Lob] }).body[0], text)
        yield* Effect.promise(() => connection.commit())
        const { rows } = yield* run(connection, "select body from documents", [], { fetchInfo })
        assert.strictEqual(rows[0]![0], text)
      })))

  it.live("run PL/SQL, procedures in TypeScript, ref cursors and implicit results", () =>
    served({
      procedures: [{
        name: "GREET",
        parameters: [
          { name: "who", type: "VARCHAR2" },
          { name: "answer", type: "VARCHAR2", direction: "out" }
        ],
        run: ({ who }) => Promise.resolve({ answer: `hello ${String(who)}` })
      }]
    }, (connection) =>
      Effect.gen(function*() {
        const { BIND_OUT, CURSOR, NUMBER, STRING } = oracledb
        const greeted = yield* run(connection, "begin greet(:who, :answer); end;", {
          who: "world",
          answer: { dir: BIND_OUT, type: STRING }
        })
        assert.deepStrictEqual({ ...greeted.outBinds as object }, { answer: "hello world" })
        const loop = yield* run(
          connection,
          "declare t number := 0; begin for i in 1 .. :n loop t := t + i; end loop; :total := t; end;",
          { n: 100, total: { dir: BIND_OUT, type: NUMBER } }
        )
        assert.deepStrictEqual({ ...loop.outBinds as object }, { total: 5050 })
        const opened = yield* run(
          connection,
          "begin open :c for select level n from dual connect by level <= 250; end;",
          { c: { dir: BIND_OUT, type: CURSOR } }
        )
        const cursor = (opened.outBinds as { c: ResultSet }).c
        assert.strictEqual((yield* Effect.promise(() => cursor.getRows(1000))).length, 250)
        yield* Effect.promise(() => cursor.close())
      })))

  it.live("hand out what PL/SQL has printed, as an array", () =>
    served({}, (connection) =>
      Effect.gen(function*() {
        yield* run(connection, "begin dbms_output.enable(null); end;")
        yield* run(connection, "begin for i in 1 .. 3 loop dbms_output.put_line('line ' || i); end loop; end;")
        const { BIND_INOUT, BIND_OUT, NUMBER, STRING } = oracledb
        const { outBinds } = yield* run(connection, "begin dbms_output.get_lines(:lines, :count); end;", {
          lines: { dir: BIND_OUT, type: STRING, maxSize: 100, maxArraySize: 10 },
          count: { dir: BIND_INOUT, type: NUMBER, val: 10 }
        })
        assert.deepEqual({ ...outBinds as object }, { lines: ["line 1", "line 2", "line 3"], count: 3 })
      })))

  it.live("keep sessions apart, make one wait for another and let go of a wait that is broken off", () =>
    served({
      script: "create table seats (id number primary key, who varchar2(10)); insert into seats values (1, 'free')"
    }, (
      first,
      server
    ) =>
      Effect.gen(function*() {
        const second = yield* connect(server)
        const who = (connection: Connection) =>
          Effect.map(run(connection, "select who from seats where id = 1"), ({ rows }) => rows[0]![0])
        yield* run(first, "update seats set who = 'first' where id = 1")
        assert.strictEqual(yield* who(first), "first")
        assert.strictEqual(yield* who(second), "free")
        const waiting = second.execute("update seats set who = 'second' where id = 1").then(
          () => "no error",
          (cause: { code: string }) => cause.code
        )
        yield* Effect.sleep("30 millis")
        yield* Effect.promise(() => second.break())
        assert.strictEqual(yield* Effect.promise(() => waiting), "ORA-01013")
        const again = second.execute("update seats set who = 'second' where id = 1")
        yield* Effect.sleep("30 millis")
        yield* Effect.promise(() => first.commit())
        assert.strictEqual((yield* Effect.promise(() => again)).rowsAffected, 1)
        yield* Effect.promise(() => second.commit())
        assert.strictEqual(yield* who(first), "second")
        assert.strictEqual(
          yield* codeOf(() => first.execute("insert into seats values (1, 'x')")),
          "ORA-00001"
        )
      })))

  const endless = "select count(*) from a x, a y, a z where x.id + y.id + z.id = -1"

  it.live("break a statement that works without end, while others go on (F1)", () =>
    served({
      script: "create table a (id number); insert into a select level from dual connect by level <= 1000"
    }, (first, server) =>
      Effect.gen(function*() {
        const second = yield* connect(server)
        for (
          const text of [
            endless,
            `begin for r in (${endless}) loop null; end loop; end;`,
            "begin loop null; end loop; end;"
          ]
        ) {
          const working = first.execute(text).then(() => "no error", (cause: { code: string }) => cause.code)
          // The client's event loop is the server's own: that it answers here at all is the point.
          assert.deepEqual((yield* run(second, "select count(*) from a")).rows, [[1000]])
          yield* Effect.promise(() => first.break())
          assert.strictEqual(yield* Effect.promise(() => working), "ORA-01013")
          assert.deepEqual((yield* run(first, "select count(*) from a")).rows, [[1000]])
        }
        // In a fetch, after rows have come.
        const { resultSet } = yield* run(
          first,
          "select x.id from a x, a y, a z where x.id = 1 and y.id = 1 and z.id < 4 or x.id + y.id + z.id = -1",
          [],
          { resultSet: true, prefetchRows: 0, fetchArraySize: 2 }
        )
        assert.deepEqual(yield* Effect.promise(() => resultSet!.getRows(2)), [[1], [1]])
        const fetching = resultSet!.getRows(2).then(() => "no error", (cause: { code: string }) => cause.code)
        assert.deepEqual((yield* run(second, "select 1 from dual")).rows, [[1]])
        yield* Effect.promise(() => first.break())
        assert.strictEqual(yield* Effect.promise(() => fetching), "ORA-01013")
        assert.deepEqual((yield* run(first, "select 1 from dual")).rows, [[1]])
      })))

  it.live("end a statement that wants too much memory, and live on (F1)", () =>
    served({
      memoryLimit: 8_000_000,
      script: "create table a (id number); insert into a select level from dual connect by level <= 1000"
    }, (connection) =>
      Effect.gen(function*() {
        assert.strictEqual(
          yield* codeOf(() => connection.execute("select count(*) from (select x.id from a x, a y order by y.id)")),
          "ORA-04030"
        )
        assert.deepEqual((yield* run(connection, "select count(*) from a")).rows, [[1000]])
      })))

  it.live("a killed session gives its locks back, and a killed waiter hears of it", () =>
    served(
      { script: "create table seats (id number primary key); insert into seats values (1)" },
      (first, server) =>
        Effect.gen(function*() {
          const second = yield* connect(server)
          yield* run(first, "update seats set id = 2")
          const waiting = codeOf(() => second.execute("delete from seats"))
          const fiber = yield* Effect.forkChild(waiting)
          yield* Effect.sleep("30 millis")
          const holder = (yield* server.sessions).find((session) => session.inTransaction)
          assert.isTrue(yield* server.kill(holder!.sid))
          assert.strictEqual(yield* Fiber.join(fiber), "no error")
          const third = yield* connect(server)
          const stuck = yield* Effect.forkChild(codeOf(() => third.execute("insert into seats values (1)")))
          yield* Effect.sleep("30 millis")
          assert.strictEqual(yield* server.killWhere((session) => session.status === "ACTIVE"), 1)
          assert.strictEqual(yield* Fiber.join(stuck), "NJS-500")
        })
    ))

  it.live("end a session with ALTER SYSTEM", () =>
    served({}, (connection, server) =>
      Effect.gen(function*() {
        const victim = yield* connect(server)
        const { serial, sid } = (yield* server.sessions).at(-1)!
        yield* run(connection, `alter system kill session '${sid},${serial}'`)
        assert.strictEqual(yield* codeOf(() => victim.ping()), "NJS-500")
        assert.strictEqual(
          yield* codeOf(() => connection.execute(`alter system kill session '${sid},${serial}'`)),
          "ORA-00030"
        )
      })))

  it.live("see what the driver has set, and its sessions as the database does", () =>
    served({}, (connection, server) =>
      Effect.gen(function*() {
        connection.module = "booking"
        connection.action = "reserve"
        connection.clientId = "client 7"
        const { rows } = yield* run(
          connection,
          "select sys_context('userenv', 'module'), sys_context('userenv', 'action'), " +
            "sys_context('userenv', 'client_identifier'), sys_context('userenv', 'sid'), user from dual"
        )
        const [session] = yield* server.sessions
        assert.deepStrictEqual(rows, [["booking", "reserve", "client 7", String(session!.sid), "SCOTT"]])
        yield* run(connection, "alter session set current_schema = SYS")
        assert.strictEqual(connection.currentSchema, "SYS")
      })))

  it.live("share data between instances, and keep databases apart", () =>
    Effect.gen(function*() {
      const server = yield* OracleServer.make({
        instances: [{ name: "RAC1" }, { name: "RAC2" }, { name: "OTHER", database: "SHARD" }]
      })
      const at = (instance: string) => connect(server, { connectString: server.connectStringOf({ instance }) })
      const [one, two, other] = [yield* at("RAC1"), yield* at("RAC2"), yield* at("OTHER")]
      yield* run(one, "create table shared (n number)")
      yield* run(one, "insert into shared values (42)", [], { autoCommit: true })
      assert.deepStrictEqual((yield* run(two, "select n from shared")).rows, [[42]])
      assert.strictEqual(yield* codeOf(() => other.execute("select n from shared")), "ORA-00942")
    }))

  it.live("report a failing script with its error", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        OracleServer.make({ script: "create table t (n number); insert into nowhere values (1)" })
      )
      assert.match(error.message, /ORA-00942/)
    }))
})
