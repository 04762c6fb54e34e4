import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, type Scope } from "effect"
import * as OracleServer from "../src/OracleServer.ts"
import { type Connection, oracledb } from "./driver.ts"
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

const rows = (connection: Connection, sql: string) => Effect.promise(async () => (await connection.execute(sql)).rows)

const run = (connection: Connection, sql: string) =>
  Effect.promise(() => connection.execute(sql, [], { autoCommit: true }))

const script = "create table orders (id number primary key, note varchar2(20)); insert into orders values (1, 'first')"

describe("a fork", () => {
  it.live("begins with what is committed, and neither side sees the other's changes", () =>
    Effect.gen(function*() {
      const server = yield* OracleServer.make({ script, databaseName: "SHOP", service: "orders" })
      const before = yield* connect(server)
      yield* Effect.promise(() => before.execute("insert into orders values (2, 'not committed')"))
      const fork = yield* server.fork()
      assert.notStrictEqual(fork.port, server.port)
      const after = yield* connect(fork)
      assert.strictEqual(after.serviceName, "orders")
      assert.deepStrictEqual(yield* rows(after, "select id from orders"), [[1]])
      yield* run(after, "insert into orders values (3, 'in the fork')")
      yield* run(after, "create table only_here (n number)")
      yield* Effect.promise(() => before.commit())
      assert.deepStrictEqual(yield* rows(before, "select id from orders order by id"), [[1], [2]])
      assert.deepStrictEqual(yield* rows(after, "select id from orders order by id"), [[1], [3]])
      assert.strictEqual(yield* codeOf(() => before.execute("select * from only_here")), "ORA-00942")
      assert.lengthOf(yield* server.sessions, 1)
      assert.lengthOf(yield* fork.sessions, 1)
    }))

  it.live("has the users as they are now, those that are added, and options of its own", () =>
    Effect.gen(function*() {
      const server = yield* OracleServer.make({ users: { scott: "tiger", locked: "out" } })
      yield* server.setPassword("scott", "lion")
      yield* server.setAccountState("locked", "locked")
      const fork = yield* server.fork({
        users: { added: "later" },
        version: "19.3.0.0.0",
        script: "create table t (n number)"
      })
      const logon = (user: string, password: string, to = fork) =>
        codeOf(async () => {
          const connection = await oracledb.getConnection({ user, password, connectString: to.connectString })
          await connection.close()
        })
      assert.strictEqual(yield* logon("scott", "tiger"), "ORA-01017")
      assert.strictEqual(yield* logon("scott", "lion"), "no error")
      assert.strictEqual(yield* logon("locked", "out"), "ORA-28000")
      assert.strictEqual(yield* logon("added", "later"), "no error")
      assert.strictEqual(yield* logon("added", "later", server), "ORA-01017")
      yield* fork.setPassword("scott", "wolf")
      assert.strictEqual(yield* logon("scott", "lion", server), "no error")
      const connection = yield* connect(fork, { password: "wolf" })
      assert.strictEqual(connection.oracleServerVersionString, "19.3.0.0.0")
      assert.deepStrictEqual(yield* rows(connection, "select count(*) from t"), [[0]])
    }))

  it.live("can be forked, lives on when its origin has ended, and ends with its own scope", () =>
    Effect.gen(function*() {
      const second = yield* Effect.scoped(
        Effect.flatMap(OracleServer.make({ script }), (server) => Effect.map(server.snapshot, (taken) => taken))
      )
      const server = yield* OracleServer.make()
      yield* server.restore(second)
      const port = yield* Effect.scoped(Effect.gen(function*() {
        const child = yield* server.fork()
        const grandchild = yield* child.fork()
        const connection = yield* connect(grandchild)
        assert.deepStrictEqual(yield* rows(connection, "select note from orders"), [["first"]])
        return grandchild.port
      }))
      const code = yield* codeOf(() =>
        oracledb.getConnection({ user: "scott", password: "tiger", connectString: `127.0.0.1:${port}/FREEPDB1` })
      )
      assert.strictEqual(code, "NJS-503")
    }))

  it.live("is a layer too: each test has the schema of the suite and rows of its own", () =>
    Effect.gen(function*() {
      const test = Effect.scoped(Effect.gen(function*() {
        const connection = yield* connect(yield* OracleServer.OracleServer)
        yield* run(connection, "insert into orders values (2, 'same key in both')")
        return yield* rows(connection, "select count(*) from orders")
      }))
      const fork = Layer.fresh(OracleServer.layerFork())
      const both = Effect.all([Effect.provide(test, fork), Effect.provide(test, fork)], { concurrency: 2 })
      assert.deepStrictEqual(yield* Effect.provide(both, OracleServer.layer({ script })), [[[2]], [[2]]])
    }))
})

const secured = `
create table claims (id number primary key, owner varchar2(30));
insert into claims values (1, 'ann');
insert into claims values (2, 'bob');
create function own_claims(s varchar2, o varchar2) return varchar2 is begin return 'owner = sys_context(''app'', ''who'')'; end;
/
create context app using app_context accessed globally;
create procedure app_context(who varchar2) is begin dbms_session.set_context('app', 'who', who); end;
/
begin app_context('ann'); dbms_rls.add_policy('scott', 'claims', 'own', 'scott', 'own_claims'); end;
/
`

describe("policies and contexts", () => {
  it.live("are those of the origin in a fork, and each side changes its own", () =>
    Effect.gen(function*() {
      const server = yield* OracleServer.make({ script: secured })
      const origin = yield* connect(server)
      const fork = yield* connect(yield* server.fork())
      const seen = "select id from claims order by id"
      assert.deepStrictEqual(yield* rows(fork, seen), [[1]])
      yield* run(fork, "begin app_context('bob'); end;")
      assert.deepStrictEqual(yield* rows(fork, seen), [[2]])
      assert.deepStrictEqual(yield* rows(origin, seen), [[1]])
      yield* run(fork, "begin dbms_rls.enable_policy('scott', 'claims', 'own', false); end;")
      assert.deepStrictEqual(yield* rows(fork, seen), [[1], [2]])
      assert.deepStrictEqual(yield* rows(origin, seen), [[1]])
      assert.strictEqual(
        yield* codeOf(() => origin.execute("begin dbms_session.set_context('app', 'who', 'bob'); end;")),
        "ORA-01031"
      )
    }))

  it.live("are taken back with a snapshot, as what is valid is", () =>
    Effect.gen(function*() {
      const server = yield* OracleServer.make({ script: secured })
      const connection = yield* connect(server)
      yield* run(connection, "create procedure later is n number; begin select count(*) into n from coming; end;")
      const snapshot = yield* server.snapshot
      const status = "select status from user_objects where object_name = 'LATER'"
      const policies = "select policy_name, enable from user_policies order by 1"
      for (let again = 0; again < 2; again++) {
        yield* run(connection, "begin app_context('bob'); end;")
        yield* run(connection, "begin dbms_rls.drop_policy('scott', 'claims', 'own'); end;")
        yield* run(connection, "begin dbms_rls.add_policy('scott', 'claims', 'other', 'scott', 'own_claims'); end;")
        yield* run(connection, "drop context app")
        yield* run(connection, "create table coming (n number)")
        yield* run(connection, "begin later; end;")
        assert.deepStrictEqual(yield* rows(connection, status), [["VALID"]])
        yield* server.restore(snapshot)
        assert.deepStrictEqual(yield* rows(connection, policies), [["OWN", "YES"]])
        assert.deepStrictEqual(yield* rows(connection, "select id from claims"), [[1]])
        assert.deepStrictEqual(yield* rows(connection, status), [["INVALID"]])
        assert.strictEqual(yield* codeOf(() => connection.execute("begin later; end;")), "ORA-06550")
      }
    }))
})

describe("restoring a snapshot", () => {
  it.live("takes rows, definitions and users back, and keeps connections", () =>
    Effect.gen(function*() {
      const server = yield* OracleServer.make({ script })
      const connection = yield* connect(server)
      const snapshot = yield* server.snapshot
      assert.deepStrictEqual(snapshot.databases, ["FREE"])
      for (let again = 0; again < 3; again++) {
        yield* run(connection, "delete from orders")
        yield* run(connection, "alter table orders add (more number default 5)")
        yield* run(connection, "create table scrap (n number)")
        yield* server.setUser("guest", "secret")
        yield* Effect.promise(() => connection.execute("insert into scrap values (1)"))
        yield* server.restore(snapshot)
        assert.deepStrictEqual(yield* rows(connection, "select * from orders"), [[1, "first"]])
        assert.strictEqual(yield* codeOf(() => connection.execute("select * from scrap")), "ORA-00942")
        const guest = { user: "guest", password: "secret", connectString: server.connectString }
        assert.strictEqual(yield* codeOf(() => oracledb.getConnection(guest)), "ORA-01017")
      }
      assert.lengthOf(yield* server.sessions, 1)
    }))

  it.live("breaks what runs", () =>
    Effect.gen(function*() {
      const server = yield* OracleServer.make({ script })
      const snapshot = yield* server.snapshot
      const connection = yield* connect(server)
      const long = connection.execute("update orders o set note = (select count(*) from dual connect by level <= 1e9)")
        .catch((cause: { code: string }) => cause.code)
      const isActive = (): Effect.Effect<void> =>
        Effect.flatMap(server.sessions, ([session]) =>
          session!.status === "ACTIVE" ? Effect.void : Effect.andThen(Effect.sleep("1 millis"), isActive()))
      yield* isActive()
      yield* server.restore(snapshot)
      assert.strictEqual(
        yield* Effect.promise(() =>
          long
        ),
        "ORA-01013"
      )
      assert.deepStrictEqual(yield* rows(connection, "select note from orders"), [["first"]])
    }))

  it.live("is refused when the databases are others", () =>
    Effect.gen(function*() {
      const one = yield* OracleServer.make({ databaseName: "ONE" })
      const two = yield* OracleServer.make({ databaseName: "TWO" })
      const error = yield* Effect.flip(two.restore(yield* one.snapshot))
      assert.strictEqual(error._tag, "OracleServerError")
      assert.match(error.message, /the snapshot is of ONE, this server has TWO/)
      assert.match((yield* Effect.flip(two.restore({ databases: ["TWO"] }))).message, /not made by a server/)
    }))
})
