import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as OracleServer from "../../src/OracleServer.ts"
import { type Connection, type Lob, oracledb, type ResultSet } from "../driver.ts"

/** What the driver is answered, on the engine of the server. */
const withConnection = <A>(
  options: OracleServer.Options,
  work: (connection: Connection, server: OracleServer.Service) => Promise<A>
) =>
  Effect.scoped(Effect.gen(function*() {
    const server = yield* OracleServer.make(options)
    return yield* Effect.promise(async () => {
      const connection = await oracledb.getConnection({
        user: "scott",
        password: "tiger",
        connectString: server.connectString
      })
      try {
        return await work(connection, server)
      } finally {
        await connection.close()
      }
    })
  }))

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(() => "no error", (cause: { code: string }) => cause.code)

describe("cursors", () => {
  it.live("a REF CURSOR over a CLOB and a BLOB has its rows (F2)", () =>
    withConnection({}, async (connection) => {
      const { outBinds } = await connection.execute(
        "begin open :c for select to_clob('x') c, to_blob(hextoraw('0102')) b from dual; end;",
        { c: { dir: oracledb["BIND_OUT"], type: oracledb["CURSOR"] } }
      )
      const rows = await (outBinds as { c: ResultSet }).c.getRows(10)
      assert.strictEqual(rows.length, 1)
    }))

  it.live("a REF CURSOR can be handed in again (F15)", () =>
    withConnection({}, async (connection) => {
      const { outBinds } = await connection.execute(
        "begin open :c for select level * 10 n from dual connect by level < 4; end;",
        {
          c: { dir: oracledb["BIND_OUT"], type: oracledb["CURSOR"] }
        }
      )
      const handed = (outBinds as { c: ResultSet }).c
      const { outBinds: fetched } = await connection.execute("begin fetch :c into :n; fetch :c into :n; end;", {
        c: { dir: oracledb["BIND_IN"], type: oracledb["CURSOR"], val: handed },
        n: { dir: oracledb["BIND_OUT"], type: oracledb["NUMBER"] }
      })
      assert.deepStrictEqual(fetched, { n: 20 })
      assert.deepStrictEqual(await handed.getRows(10), [[30]])
    }))

  it.live("a LOB of a row that the transaction has inserted can be written (F16)", () =>
    withConnection({}, async (connection) => {
      await connection.execute("create table t (id number, c clob)")
      await connection.execute("insert into t values (1, 'text')")
      const { rows } = await connection.execute("select c from t where id = 1")
      const lob = rows[0]![0] as Lob
      await new Promise<void>((resolve, reject) => {
        lob.on("error", reject)
        lob.on("finish", () => resolve())
        lob.end("TEXT")
      })
      await connection.commit()
      const { rows: kept } = await connection.execute("select c from t", [], {
        fetchInfo: { C: { type: oracledb["STRING"] } }
      })
      assert.deepStrictEqual(kept, [["TEXT"]])
    }))

  it.live("a define that fails spoils no later execution (F3)", () =>
    withConnection({}, async (connection) => {
      const sql = "select 1 as n, to_clob('x') as c from dual"
      for (let again = 0; again < 2; again++) {
        await codeOf(connection.execute(sql, [], { fetchInfo: { N: { type: oracledb["BUFFER"] } } }))
        const { rows } = await connection.execute(sql, [], { fetchInfo: { C: { type: oracledb["STRING"] } } })
        assert.deepStrictEqual(rows, [[1, "x"]])
      }
    }))

  it.live("a view whose column has become a CLOB is described anew (F27)", () =>
    withConnection({}, async (connection) => {
      const texts = { fetchTypeHandler: () => ({ type: oracledb["STRING"] }) }
      await connection.execute("create view v as select 'short' as c from dual")
      assert.deepStrictEqual((await connection.execute("select c from v", [], texts)).rows, [["short"]])
      await connection.execute("create or replace view v as select to_clob('long') as c from dual")
      assert.deepStrictEqual((await connection.execute("select c from v", [], texts)).rows, [["long"]])
      assert.deepStrictEqual((await connection.execute("select c from v", [], texts)).rows, [["long"]])
    }))
})

describe("batches", () => {
  it.live("that stop at an error say where, and how many rows they have done (F29)", () =>
    withConnection({}, async (connection) => {
      await connection.execute("create table t (id number primary key)")
      await connection.execute("insert into t values (5)")
      const error = await connection.executeMany("insert into t values (:1)", [[1], [2], [3], [5], [6]]).then(
        () => undefined,
        (cause: { errorNum: number; offset: number }) => cause
      )
      assert.deepStrictEqual([error?.errorNum, error?.offset], [1, 3])
      const { rows } = await connection.execute("select count(*) from t")
      assert.deepStrictEqual(rows, [[4]])
    }))
})

describe("passwords", () => {
  it.live("of more than 1024 bytes or with a NUL are none (F30, F34)", () =>
    withConnection({}, async (connection, server) => {
      assert.strictEqual(await codeOf(connection.changePassword("scott", "tiger", "x".repeat(1500))), "ORA-00988")
      assert.strictEqual(await codeOf(connection.changePassword("scott", "tiger", "lion\0")), "ORA-00988")
      const logOn = (password: string) =>
        codeOf(
          oracledb.getConnection({ user: "scott", password, connectString: server.connectString }).then((one) =>
            one.close()
          )
        )
      assert.strictEqual(await logOn("tiger\0"), "ORA-01017")
      assert.strictEqual(await logOn("tiger"), "no error")
    }))
})

describe("what a session says of itself", () => {
  it.live("is one fact, whoever has set it (F13)", () =>
    withConnection({}, async (connection, server) => {
      const shown = async () => {
        const [session] = await Effect.runPromise(server.sessions)
        return [session?.module, session?.action, session?.clientInfo, session?.clientId]
      }
      await connection.execute(`begin dbms_application_info.set_module('by block', 'step');
        dbms_application_info.set_client_info('info'); dbms_session.set_identifier('alice'); end;`)
      assert.deepStrictEqual(await shown(), ["by block", "step", "info", "alice"])
      connection.module = "by driver"
      await connection.ping()
      assert.deepStrictEqual(await shown(), ["by driver", null, "info", "alice"])
    }))

  it.live("is cut to 64 bytes, between characters (S13)", () =>
    withConnection({}, async (connection) => {
      connection.module = "€".repeat(30)
      connection.action = "a".repeat(100_000)
      const { rows } = await connection.execute("select module, action from v$session")
      assert.deepStrictEqual(rows, [["€".repeat(21), "a".repeat(64)]])
    }))
})

describe("limits", () => {
  it.live("70,000 binds are refused, and the session goes on (S13)", () =>
    withConnection({}, async (connection) => {
      const count = 70_000
      const sql = `begin if ${
        Array.from({ length: count }, (_, index) => `:b${index} is null`).join(" or ")
      } then null; end if; end;`
      assert.strictEqual(await codeOf(connection.execute(sql, Array.from({ length: count }, () => 1))), "ORA-01745")
      assert.deepStrictEqual((await connection.execute("select 1 from dual")).rows, [[1]])
    }))

  it.live("a sleep of a month does not end at once (S13)", () =>
    withConnection({}, async (connection, server) => {
      const other = await oracledb.getConnection({
        user: "scott",
        password: "tiger",
        connectString: server.connectString
      })
      const sleeping = connection.execute("begin dbms_session.sleep(2592000); end;").then(() => "woken", () => "broken")
      // A timer that was given more than it can hold would ring at once, long before these are answered.
      for (let i = 0; i < 50; i++) await other.execute("select 1 from dual")
      await other.close()
      await connection.break()
      assert.strictEqual(await sleeping, "broken")
    }))
})

describe("users", () => {
  it.live("that a statement makes can log on, be changed and dropped (F11)", () =>
    withConnection({}, async (connection, server) => {
      const logOn = (user: string, password: string) =>
        codeOf(
          oracledb.getConnection({ user, password, connectString: server.connectString }).then((one) => one.close())
        )
      await connection.execute("create user u identified by \"Abc1\"")
      await connection.execute("create user plain identified by Secret9 quota unlimited on users")
      assert.strictEqual(await logOn("u", "Abc1"), "ORA-01045")
      await connection.execute("grant create session to u, plain")
      assert.strictEqual(await logOn("u", "Abc1"), "no error")
      assert.strictEqual(await logOn("plain", "Secret9"), "no error")
      assert.strictEqual(await logOn("u", "abc1"), "ORA-01017")
      await connection.execute("alter user u identified by \"Next2\"")
      assert.strictEqual(await logOn("u", "Abc1"), "ORA-01017")
      assert.strictEqual(await logOn("u", "Next2"), "no error")
      await connection.execute("alter user u account lock")
      assert.strictEqual(await logOn("u", "Next2"), "ORA-28000")
      assert.strictEqual(await codeOf(connection.execute("create user u identified by x")), "ORA-01920")
      await connection.execute("create table u.t (n number)")
      assert.strictEqual(await codeOf(connection.execute("drop user u")), "ORA-01922")
      await connection.execute("drop user u cascade")
      assert.strictEqual(await codeOf(connection.execute("alter user u account unlock")), "ORA-01918")
      assert.strictEqual(await logOn("u", "Next2"), "ORA-01017")
    }))

  it.live("are locked by wrong passwords as their profile says, and lend sessions to proxies that ALTER USER names", () =>
    withConnection({}, async (connection, server) => {
      const logOn = (user: string, password: string) =>
        codeOf(
          oracledb.getConnection({ user, password, connectString: server.connectString }).then((one) => one.close())
        )
      for (
        const text of [
          "create profile strict limit failed_login_attempts 2",
          "create user u identified by right profile strict",
          "create user app no authentication",
          "create role reader",
          "grant reader to app",
          "grant create session to u, app"
        ]
      ) await connection.execute(text)
      assert.strictEqual(await logOn("u[app]", "right"), "ORA-28150")
      await connection.execute("alter user app grant connect through u with no roles")
      const proxied = await oracledb.getConnection({
        user: "u[app]",
        password: "right",
        connectString: server.connectString
      })
      assert.deepStrictEqual(
        (await proxied.execute(
          "select user, sys_context('userenv', 'proxy_user'), (select count(*) from session_roles) from dual"
        ))
          .rows,
        [["APP", "U", 0]]
      )
      await proxied.close()
      assert.deepStrictEqual(
        (await connection.execute("select proxy, client, flags from proxy_users")).rows,
        [["U", "APP", "NO CLIENT ROLES MAY BE ACTIVATED"]]
      )
      await connection.execute("alter user app revoke connect through u")
      assert.strictEqual(await logOn("u[app]", "right"), "ORA-28150")
      assert.strictEqual(await logOn("u", "wrong"), "ORA-01017")
      assert.strictEqual(await logOn("u", "wrong"), "ORA-01017")
      assert.strictEqual(await logOn("u", "right"), "ORA-28000")
      assert.deepStrictEqual(
        (await connection.execute("select account_status from dba_users where username = 'U'")).rows,
        [["LOCKED(TIMED)"]]
      )
      await connection.execute("alter user u account unlock")
      assert.strictEqual(await logOn("u", "right"), "no error")
    }))

  it.live("with roles of the server's options have those, and nothing else", () =>
    withConnection({ users: { scott: "tiger", app: { password: "word", roles: ["connect"] } } }, async (_, server) => {
      const app = await oracledb.getConnection({ user: "app", password: "word", connectString: server.connectString })
      assert.strictEqual(await codeOf(app.execute("create table t (n number)")), "ORA-01031")
      assert.deepStrictEqual((await app.execute("select role from session_roles")).rows, [["CONNECT"]])
      await app.close()
    }))

  it.live("have a schema before their first session (F31)", () =>
    withConnection({ users: { scott: "tiger", other: "word" } }, async (connection, server) => {
      connection.currentSchema = "OTHER"
      assert.strictEqual(await codeOf(connection.execute("select 1 from dual")), "no error")
      await Effect.runPromise(server.setUser("late", "word"))
      assert.strictEqual(await codeOf(connection.execute("alter session set current_schema = late")), "no error")
    }))
})
