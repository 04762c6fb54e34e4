/** What the driver is told of units that do not compile, and what becomes of them when their cause is put right. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as OracleServer from "../../src/OracleServer.ts"
import { type Connection, oracledb } from "../driver.ts"
import { codeOf } from "./served.ts"

/** Why a statement fails; "no error" when it does not. */
const messageOf = (work: () => Promise<unknown>): Effect.Effect<string> =>
  Effect.promise(() => work().then(() => "no error", (cause: unknown) => (cause as Error).message))

const withConnection = <A>(use: (connection: Connection) => Effect.Effect<A>) =>
  Effect.scoped(Effect.gen(function*() {
    const server = yield* OracleServer.make({})
    const connection = yield* Effect.acquireRelease(
      Effect.promise(() =>
        oracledb.getConnection({ user: "scott", password: "tiger", connectString: server.connectString })
      ),
      (open) => Effect.promise(() => open.close())
    )
    yield* use(connection)
  }))

const warned = /^NJS-700: creation succeeded with compilation errors/

const warningOf = (connection: Connection, sql: string): Effect.Effect<string> =>
  Effect.promise(() => connection.execute(sql)).pipe(Effect.map(({ warning }) => warning?.message ?? "none"))

const rowsOf = (connection: Connection, sql: string): Effect.Effect<unknown> =>
  Effect.promise(() => connection.execute(sql)).pipe(Effect.map(({ rows }) => rows))

const errorsOf = (connection: Connection, name: string): Effect.Effect<unknown> =>
  rowsOf(
    connection,
    `select type, sequence, line, position, text from user_errors where name = '${name}' order by type, sequence`
  )

const statusOf = (connection: Connection, name: string): Effect.Effect<unknown> =>
  rowsOf(connection, `select object_type, status from user_objects where object_name = '${name}' order by object_type`)

describe("compilation over the wire", () => {
  it.live("warns the driver of a unit that does not compile, and of no other", () =>
    withConnection((connection) =>
      Effect.gen(function*() {
        assert.match(
          yield* warningOf(connection, "create or replace procedure p is begin nothing; end;"),
          warned
        )
        assert.strictEqual(
          yield* warningOf(connection, "create or replace procedure p is begin null; end;"),
          "none"
        )
        assert.strictEqual(yield* codeOf(() => connection.execute("begin p; end;")), "no error")
      })
    ))

  it.live("keeps a type with errors, and compiles it when what it lacks is there", () =>
    withConnection((connection) =>
      Effect.gen(function*() {
        assert.match(
          yield* warningOf(
            connection,
            "create or replace type line_t as object (\n  sku varchar2(10),\n  price money_t\n)"
          ),
          warned
        )
        assert.deepStrictEqual(yield* errorsOf(connection, "LINE_T"), [
          ["TYPE", 1, 0, 0, "PL/SQL: Compilation unit analysis terminated"],
          ["TYPE", 2, 3, 9, "PLS-00201: identifier 'MONEY_T' must be declared"]
        ])
        // What is made of it is invalid too.
        assert.match(yield* warningOf(connection, "create type lines_t as table of line_t"), warned)
        assert.deepStrictEqual(yield* errorsOf(connection, "LINES_T"), [
          ["TYPE", 1, 0, 0, "PL/SQL: Compilation unit analysis terminated"],
          ["TYPE", 2, 1, 26, "PLS-00905: object SCOTT.LINE_T is invalid"]
        ])
        assert.deepStrictEqual(yield* statusOf(connection, "LINES_T"), [["TYPE", "INVALID"]])
        assert.match(
          yield* messageOf(() => connection.execute("declare l line_t; begin null; end;")),
          /ORA-06550: line 1, column 11:\nPLS-00905: object SCOTT\.LINE_T is invalid/
        )
        assert.match(
          yield* messageOf(() => connection.execute("select line_t('a', null) from dual")),
          /^ORA-06553: PLS-905: object SCOTT\.LINE_T is invalid/
        )
        assert.match(
          yield* messageOf(() => connection.execute("create table of_lines (l line_t)")),
          /^ORA-00902: invalid datatype/
        )
        assert.strictEqual(
          yield* warningOf(connection, "create type money_t as object (amount number, currency varchar2(3))"),
          "none"
        )
        // Use is enough: nothing is compiled by hand.
        assert.deepStrictEqual(
          yield* rowsOf(
            connection,
            "select l.sku, l.price.amount from table(lines_t(line_t('a', money_t(7, 'EUR')))) l"
          ),
          [["a", 7]]
        )
        assert.deepStrictEqual(yield* statusOf(connection, "LINE_T"), [["TYPE", "VALID"]])
        assert.deepStrictEqual(yield* errorsOf(connection, "LINES_T"), [])
      })
    ))

  it.live("keeps the body of a type with errors, with the place of each", () =>
    withConnection((connection) =>
      Effect.gen(function*() {
        const spec = "create or replace type basket_t as object (\n" +
          "  items number,\n" +
          "  member function total return number,\n" +
          "  member procedure add(n number)\n)"
        assert.strictEqual(yield* warningOf(connection, spec), "none")
        assert.match(
          yield* messageOf(() => connection.execute("select basket_t(1).total() from dual")),
          /^ORA-04067: not executed, type body "SCOTT\.BASKET_T" does not exist/
        )
        const body = (total: string, rest: string) =>
          `create or replace type body basket_t as\n` +
          `  member function total return number is\n  begin\n    return ${total};\n  end;\n${rest}end;`
        const add = "  member procedure add(n number) is begin items := items + n; end;\n"
        assert.match(
          yield* warningOf(
            connection,
            body("itms * rate", "  member function other return number is begin return 1; end;\n")
          ),
          warned
        )
        assert.deepStrictEqual(yield* errorsOf(connection, "BASKET_T"), [
          [
            "TYPE BODY",
            1,
            4,
            5,
            "PL/SQL: Statement ignored"
          ],
          ["TYPE BODY", 2, 4, 12, "PLS-00201: identifier 'ITMS' must be declared"],
          [
            "TYPE BODY",
            3,
            4,
            20,
            "PLS-00538: subprogram or cursor 'ADD' is declared in an object type specification and must be defined in the object type body"
          ],
          [
            "TYPE BODY",
            4,
            6,
            19,
            "PLS-00539: subprogram 'OTHER' is declared in an object type body and must be defined in the object type specification"
          ]
        ])
        assert.deepStrictEqual(yield* statusOf(connection, "BASKET_T"), [["TYPE", "VALID"], ["TYPE BODY", "INVALID"]])
        assert.match(
          yield* messageOf(() => connection.execute("declare b basket_t := basket_t(2); begin b.add(1); end;")),
          /^ORA-04063: type body "SCOTT\.BASKET_T" has errors\nORA-06508: PL\/SQL: could not find program unit being called: "SCOTT\.BASKET_T"/
        )
        // The type itself is good.
        assert.deepStrictEqual(yield* rowsOf(connection, "select basket_t(3).items from dual"), [[3]])
        // A function that the body calls comes later.
        assert.match(yield* warningOf(connection, body("items * rate", add)), warned)
        yield* Effect.promise(() => connection.execute("create function rate return number is begin return 1.5; end;"))
        assert.strictEqual(yield* warningOf(connection, "alter type basket_t compile body"), "none")
        assert.deepStrictEqual(yield* errorsOf(connection, "BASKET_T"), [])
        assert.deepStrictEqual(yield* rowsOf(connection, "select basket_t(3).total() from dual"), [[4.5]])
        // Its sources are those of any unit.
        assert.deepStrictEqual(
          yield* rowsOf(connection, "select type, line, text from user_source where name = 'BASKET_T' and line = 1"),
          [["TYPE", 1, "type basket_t as object (\n"], ["TYPE BODY", 1, "type body basket_t as\n"]]
        )
        assert.deepStrictEqual(
          yield* rowsOf(
            connection,
            "select type, referenced_name from user_dependencies where name = 'BASKET_T' order by 1, 2"
          ),
          [["TYPE BODY", "BASKET_T"], ["TYPE BODY", "RATE"]]
        )
        yield* Effect.promise(() => connection.execute("drop function rate"))
        assert.deepStrictEqual(yield* statusOf(connection, "BASKET_T"), [["TYPE", "VALID"], ["TYPE BODY", "INVALID"]])
        assert.match(
          yield* messageOf(() => connection.execute("select basket_t(3).total() from dual")),
          /^ORA-04063: type body "SCOTT\.BASKET_T" has errors/
        )
      })
    ))

  it.live("keeps the body of a type that is not there yet", () =>
    withConnection((connection) =>
      Effect.gen(function*() {
        assert.match(
          yield* warningOf(
            connection,
            "create type body early_t as member function f return number is begin return n * 2; end; end;"
          ),
          warned
        )
        assert.deepStrictEqual(yield* errorsOf(connection, "EARLY_T"), [
          ["TYPE BODY", 1, 0, 0, "PL/SQL: Compilation unit analysis terminated"],
          ["TYPE BODY", 2, 1, 11, "PLS-00201: identifier 'EARLY_T' must be declared"],
          ["TYPE BODY", 3, 1, 11, "PLS-00304: cannot compile body of 'EARLY_T' without its specification"]
        ])
        assert.match(yield* messageOf(() => connection.execute("declare e early_t; begin null; end;")), /PLS-00201/)
        yield* Effect.promise(() =>
          connection.execute("create type early_t as object (n number, member function f return number)")
        )
        assert.deepStrictEqual(yield* rowsOf(connection, "select early_t(4).f() from dual"), [[8]])
        assert.deepStrictEqual(yield* statusOf(connection, "EARLY_T"), [["TYPE", "VALID"], ["TYPE BODY", "VALID"]])
      })
    ))

  it.live("keeps whatever cannot even be read, and says where it stops", () =>
    withConnection((connection) =>
      Effect.gen(function*() {
        yield* Effect.promise(() => connection.execute("create table orders (id number, note varchar2(20))"))
        const units: ReadonlyArray<readonly [string, string, string, number, number, RegExp]> = [
          [
            "create type t1 as object (a number b number)",
            "T1",
            "TYPE",
            1,
            29,
            /^PLS-00103: Encountered the symbol "B"/
          ],
          ["create type t2 as (a number)", "T2", "TYPE", 1, 12, /^PLS-00103: Encountered the symbol "\("/],
          ["create type t3 as table number", "T3", "TYPE", 1, 18, /^PLS-00103: Encountered the symbol "NUMBER"/],
          ["create type t4 as object (a varchar2(4) d)", "T4", "TYPE", 1, 34, /^PLS-00103/],
          ["create type t5 as object (a number, a date)", "T5", "TYPE", 0, 0, /^PL\/SQL: Compilation unit/],
          ["create type t6 as object (a sys_refcursor)", "T6", "TYPE", 0, 0, /^PL\/SQL: Compilation unit/],
          [
            "create type body t7 as\nmember function f return number is\nbegin\n  return 1\nend;\nend;",
            "T7",
            "TYPE BODY",
            5,
            1,
            /^PLS-00103: Encountered the symbol "END"/
          ],
          [
            "create trigger g1 before insert on orders for each row\nbegin\n  if :new.id is null then\n    :new.id := 1;\n  end;\nend;",
            "G1",
            "TRIGGER",
            4,
            6,
            /^PLS-00103: Encountered the symbol ";"/
          ]
        ]
        for (const [sql, name, type, line, position, text] of units) {
          assert.match(yield* warningOf(connection, sql), warned, sql)
          const [first] = (yield* errorsOf(connection, name)) as ReadonlyArray<ReadonlyArray<unknown>>
          assert.deepStrictEqual(first?.slice(0, 4), [type, 1, line, position], sql)
          assert.match(String(first?.[4]), text)
          const invalid = (yield* statusOf(connection, name)) as ReadonlyArray<ReadonlyArray<unknown>>
          assert.deepStrictEqual(invalid, [[type, "INVALID"]])
        }
        // A trigger without a body that can run stops what would fire it.
        assert.strictEqual(
          yield* codeOf(() => connection.execute("insert into orders values (null, 'a')")),
          "ORA-04098"
        )
        yield* Effect.promise(() =>
          connection.execute(
            "create or replace trigger g1 before insert on orders for each row begin :new.id := nvl(:new.id, 1); end;"
          )
        )
        yield* Effect.promise(() => connection.execute("insert into orders values (null, 'a')"))
        assert.deepStrictEqual(yield* rowsOf(connection, "select id, note from orders"), [[1, "a"]])
      })
    ))

  it.live("tells a block of what it made in vain", () =>
    withConnection((connection) =>
      Effect.gen(function*() {
        const { outBinds } = yield* Effect.promise(() =>
          connection.execute(
            "begin execute immediate 'create procedure p is begin nothing; end;'; " +
              "exception when others then :text := sqlerrm; end;",
            { text: { dir: oracledb.BIND_OUT, type: oracledb.STRING } }
          )
        )
        assert.deepStrictEqual(outBinds, { text: "ORA-24344: success with compilation error" })
        assert.deepStrictEqual(yield* statusOf(connection, "P"), [["PROCEDURE", "INVALID"]])
      })
    ))
})
