import { afterAll, assert, beforeEach, describe, it } from "vitest"
import type { Cursor, OutBind } from "../../src/internal/engine/engine.ts"
import { type Harness, harness, plain, settle, type Sql, sqlOf, typed } from "./engineHarness.ts"

const opened: Array<Harness> = []
let h: Harness
let sql: Sql
beforeEach(() => {
  h = harness({
    procedures: [
      {
        name: "bank.transfer",
        parameters: [
          { name: "amount", type: "NUMBER" },
          { name: "note", type: "VARCHAR2", default: "none" },
          { name: "total", type: "NUMBER", direction: "out" },
          { name: "history", type: "CURSOR", direction: "out" }
        ],
        run: ({ amount, note }, context) => {
          context.sql("insert into t (id, name) values (:1, :2)", amount as string, note as string)
          const [[count]] = context.sql("select count(*) from t").rows as [[string]]
          return { total: count, history: context.openCursor("select id from t order by id") }
        }
      },
      {
        name: "twice",
        parameters: [{ name: "n", type: "NUMBER" }],
        returns: "NUMBER",
        run: ({ n }) => ({ return: String(Number(n) * 2) })
      },
      {
        name: "reversed",
        parameters: [{ name: "items", type: "NUMBER" }, { name: "result", type: "NUMBER", direction: "out" }],
        run: ({ items }) => ({ result: (items as ReadonlyArray<string>).toReversed() })
      },
      { name: "slow", parameters: [], run: () => new Promise(() => undefined) },
      {
        name: "scaled",
        parameters: [{ name: "n", type: "NUMBER" }, { name: "factor", type: "NUMBER", default: "10" }],
        returns: "NUMBER",
        run: ({ factor, n }) => ({ return: String(Number(n) * Number(factor)) })
      },
      { name: "refuse", parameters: [], run: (_, context) => context.raise(-20777, "not today") }
    ]
  })
  opened.push(h)
  sql = h.open()
  sql.run("create table t (id number primary key, name varchar2(20))")
})
afterAll(() => opened.forEach(({ engine }) => engine.close()))

const outs = (binds: ReadonlyArray<OutBind> | undefined): ReadonlyArray<unknown> =>
  (binds ?? []).map((bind) => plain(bind.values[0]))
const out = (text: string, ...binds: ReadonlyArray<unknown>): ReadonlyArray<unknown> =>
  outs(sql.run(text, ...binds).outBinds)

describe("blocks", () => {
  it.each(
    [
      ["begin :1 := 1 + 2; end;", ["3"]],
      ["declare x number := 0; begin for i in 1..10 loop x := x + i; end loop; :1 := x; end;", ["55"]],
      ["declare x number := 0; begin for i in reverse 1..3 loop x := x * 10 + i; end loop; :1 := x; end;", ["321"]],
      [
        "declare x number := 0; begin while x < 5 loop x := x + 1; continue when x = 2; exit when x = 4; end loop; :1 := x; end;",
        ["4"]
      ],
      [
        "declare x number := 0; begin <<o>> for i in 1..3 loop for j in 1..3 loop x := x + 1; exit o when j = 2; end loop; end loop; :1 := x; end;",
        ["2"]
      ],
      ["begin if 1 > 2 then :1 := 'a'; elsif null then :1 := 'b'; else :1 := 'c'; end if; end;", ["c"]],
      ["begin case 3 when 1 then :1 := 'one'; when 3 then :1 := 'three'; end case; end;", ["three"]],
      ["begin select 'x' || dummy into :1 from dual; end;", ["xX"]],
      ["declare n number; begin n := 1 / 0; exception when zero_divide then :1 := sqlcode || ' ' || sqlerrm; end;", [
        "-1476 ORA-01476: divisor is equal to zero"
      ]],
      [
        "declare n number; begin select 1 into n from dual where 1 = 0; exception when no_data_found then :1 := sqlcode; end;",
        ["100"]
      ],
      [
        "declare e exception; pragma exception_init(e, -20005); begin raise_application_error(-20005, 'x'); exception when e then :1 := 'mine'; end;",
        ["mine"]
      ],
      [
        "begin begin raise too_many_rows; exception when no_data_found then null; end; exception when others then :1 := 'outer'; end;",
        ["outer"]
      ],
      [
        "declare procedure p(a number, b in out number) is begin b := b + a; end; x number := 1; begin p(2, x); p(b => x, a => 10); :1 := x; end;",
        ["13"]
      ],
      [
        "declare function f(n number) return number is begin if n <= 1 then return 1; end if; return n * f(n - 1); end; begin :1 := f(20) + 0; end;",
        ["2432902008176640000"]
      ],
      [
        "declare cursor c(low number) is select level n from dual connect by level <= 5; s number := 0; begin for r in c(1) loop s := s + r.n; end loop; :1 := s; end;",
        ["15"]
      ],
      [
        "declare r t%rowtype; begin r.id := 7; r.name := 'seven'; insert into t values r; select name into r.name from t where id = 7; :1 := r.name || sql%rowcount; end;",
        ["seven1"]
      ],
      [
        "begin execute immediate 'insert into t values (:a, :b)' using 1, 'dyn'; execute immediate 'select name from t where id = :1' into :1 using 1; end;",
        ["dyn"]
      ],
      ["begin execute immediate 'begin :x := :y * 2; end;' using out :1, 21; end;", ["42"]],
      ["declare i number; begin insert into t values (5, 'a') returning id * 2 into i; :1 := i; end;", ["10"]],
      ["begin :1 := twice(4) + twice(n => 1); end;", ["10"]],
      ["declare b boolean := true; begin if b and not false then :1 := 'yes'; end if; end;", ["yes"]],
      ["begin :1 := to_char(date '2024-02-03', 'YYYY'); end;", ["2024"]]
    ] as const
  )("%s", (text, expected) => {
    assert.deepStrictEqual(out(text, typed("VARCHAR2", null)), expected)
  })

  it("finds the direction of each bind in the text", () => {
    const directions = (text: string) =>
      sql.session.parse(text).placeholders.map(({ direction, name }) => `${name} ${direction}`)
    assert.deepStrictEqual(directions("begin :a := :b; :c := :c + 1; p(:b); end;"), ["A out", "B in", "C inout"])
    assert.deepStrictEqual(directions("begin bank.transfer(:n, total => :t, history => :h); end;"), [
      "N in",
      "T out",
      "H out"
    ])
    assert.deepStrictEqual(
      directions(
        "begin dbms_output.get_line(:l, :s); select 1 into :x from dual; open :c for select :y from dual; end;"
      ),
      ["L out", "S out", "X out", "C out", "Y in"]
    )
  })

  it("undoes what a failing block has done", () => {
    sql.run("insert into t values (1, 'kept')")
    assert.match(
      sql.error("begin insert into t values (2, 'x'); insert into t values (1, 'y'); end;"),
      /^ORA-00001: .*\nORA-06512: at line 1$/
    )
    assert.deepStrictEqual(sql.rows("select id from t"), [["1"]])
    sql.run(
      "begin insert into t values (2, 'x'); insert into t values (1, 'y'); exception when dup_val_on_index then null; end;"
    )
    assert.strictEqual(sql.value("select count(*) from t"), "2")
  })

  it("does not let a handler hide what the engine cannot do", () => {
    assert.match(sql.error("begin dbms_lob.fragment_trim(1, 2); exception when others then null; end;"), /^ORA-03001/)
  })

  it("stores procedures and functions", () => {
    sql.run(
      "create or replace procedure add_one(p_id in number, p_total out number) is begin insert into t values (p_id, 'p'); select count(*) into p_total from t; end;"
    )
    assert.deepStrictEqual(out("begin add_one(3, :1); end;", typed("NUMBER", null)), ["1"])
    assert.match(sql.error("begin add_one(3); end;"), /PLS-00306/)
    sql.run("drop procedure add_one")
    assert.match(sql.error("begin add_one(3, :1); end;", 1), /PLS-00201/)
  })
})

describe("cursors", () => {
  it("hands out ref cursors and implicit results", () => {
    sql.run("insert into t values (1, 'a'), (2, 'b')")
    const result = sql.run("begin open :1 for select id from t order by id; end;", typed("CURSOR", null))
    assert.deepStrictEqual(sql.session.fetch(result.outBinds![0]!.values[0] as Cursor, 10), [["1"], ["2"]])
    const implicit = sql.run(
      "declare c sys_refcursor; begin open c for 'select name from t where id = :x' using 2; dbms_sql.return_result(c); end;"
    )
    assert.deepStrictEqual(implicit.implicitResults!.map((cursor) => sql.session.fetch(cursor, 10)), [[["b"]]])
  })
})

describe("procedures in TypeScript", () => {
  it("belong to the caller's transaction", () => {
    const result = sql.run(
      "begin bank.transfer(5, total => :t, history => :h); end;",
      typed("NUMBER", null),
      typed("CURSOR", null)
    )
    assert.strictEqual(plain(result.outBinds![0]!.values[0]), "1")
    assert.deepStrictEqual(sql.session.fetch(result.outBinds![1]!.values[0] as Cursor, 10), [["5"]])
    assert.deepStrictEqual(sql.rows("select id, name from t"), [["5", "none"]])
    sql.session.rollback()
    assert.strictEqual(sql.value("select count(*) from t"), "0")
  })

  it("can be used in SQL, and can fail", () => {
    assert.deepStrictEqual(sql.rows("select twice(level) from dual connect by level <= 2"), [["2"], ["4"]])
    assert.deepStrictEqual(
      sql.rows("select scaled(2), scaled(2, 3), scaled(factor => 4, n => 1), scaled(1, null) from dual"),
      [
        [
          "20",
          "6",
          "4",
          "0"
        ]
      ]
    )
    assert.strictEqual(sql.error("begin refuse; end;"), "ORA-20777: not today\nORA-06512: at line 1")
  })

  it("wait, and are broken", async () => {
    const waiting = sql.later("begin insert into t values (1, 'x'); slow; end;").then(
      () => "none",
      (error: Error) => error.message
    )
    await settle()
    sql.session.cancel()
    assert.match(await waiting, /^ORA-01013/)
    assert.strictEqual(sql.value("select count(*) from t"), "0")
  })
})

describe("index-by tables", () => {
  it("pass between binds and procedures", () => {
    const text = { type: "VARCHAR2", maxSize: 100, maxElements: 10 } as const
    const number = { type: "NUMBER", maxSize: 22, maxElements: 10 } as const
    const result = sql.session.execute(sql.session.parse("begin reversed(:a, :b); end;"), {
      bindTypes: [text, number],
      rows: [[["3", "1"], []]]
    })
    assert.deepStrictEqual((result as { outBinds: ReadonlyArray<OutBind> }).outBinds, [{
      index: 1,
      direction: "out",
      type: "NUMBER",
      values: [["1", "3"]]
    }])
    sql.run(
      "begin dbms_output.enable; dbms_output.put_line('a'); dbms_output.new_line; dbms_output.put_line('c'); end;"
    )
    const lines = sql.session.execute(sql.session.parse("begin dbms_output.get_lines(:l, :n); end;"), {
      bindTypes: [text, number],
      rows: [[[], "10"]]
    })
    assert.deepStrictEqual((lines as { outBinds: ReadonlyArray<OutBind> }).outBinds.map(({ values }) => values[0]), [[
      "a",
      null,
      "c"
    ], "3"])
    assert.throws(() =>
      sql.session.execute(sql.session.parse("begin :b := :a; end;"), {
        bindTypes: [text, number],
        rows: [[null, ["1"]]]
      }), /PLS-00382: expression is of wrong type/)
  })
})

describe("packages", () => {
  it("dbms_session.sleep waits without holding anybody up", async () => {
    const sleeping = sql.later("begin dbms_session.sleep(1.5); insert into t values (1, 'awake'); end;")
    await settle()
    assert.deepStrictEqual(h.sleepers.map((sleeper) => sleeper.milliseconds), [1500])
    assert.strictEqual(h.open().value("select count(*) from t"), "0")
    h.sleepers[0]!.wake()
    await sleeping
    assert.strictEqual(sql.value("select name from t"), "awake")
  })

  it("are told when the session or the engine closes under them", async () => {
    const loop =
      "begin for r in (select level from dual connect by level < 9) loop insert into t values (1, 'x'); dbms_session.sleep(1); end loop; end;"
    const message = (promise: Promise<unknown>) => promise.then(() => "none", (error: Error) => error.message)
    const first = message(sql.later(loop))
    await settle()
    const other = h.open()
    const second = message(other.later(loop))
    await settle()
    sql.session.close()
    assert.match(await first, /^ORA-00028: your session has been killed/)
    await settle()
    h.engine.close()
    assert.match(await second, /^ORA-00028: your session has been killed/)
  })

  it.each([
    "declare function f(n number) return number is begin if n = 0 then return 0; end if; return f(n - 1) + f(n - 1); end; begin :1 := f(200); end;",
    "declare x number := 0; begin for i in 1..1e9 loop x := x + mod(i, 7) * 2 - i / 4; if x > 100 then x := 0; end if; end loop; end;",
    "begin insert into t select level, 'x' from dual connect by level <= 1e9; end;"
  ])("a break ends what has no end: %s", async (text) => {
    const { engine, open } = harness({ host: { clock: () => performance.now() } })
    const sql = open()
    sql.run("create table t (id number, name varchar2(20))")
    sql.run("create trigger t_bi before insert on t for each row begin :new.name := 'y'; end;")
    const running = sql.later(text, ...text.includes(":1") ? [typed("NUMBER", null)] : []).then(
      () => "none",
      (error: Error) => error.message
    )
    await settle()
    sql.session.cancel()
    assert.match(await running, /^ORA-01013/)
    assert.strictEqual(sql.session.inTransaction, false)
    engine.close()
  })

  it("an endless loop lets a break in", async () => {
    const { engine, open } = harness({ host: { clock: () => performance.now() } })
    const sql = open()
    const looping = sql.later("begin loop null; end loop; end;").then(() => "none", (error: Error) => error.message)
    await settle()
    sql.session.cancel()
    assert.match(await looping, /^ORA-01013/)
    engine.close()
  })

  it("dbms_output, dbms_application_info, dbms_session", () => {
    sql.run(
      "begin dbms_output.enable(null); dbms_output.put('a'); dbms_output.put_line('b'); dbms_output.put_line(42); end;"
    )
    const line = () => out("begin dbms_output.get_line(:l, :s); end;", typed("VARCHAR2", null), typed("NUMBER", null))
    assert.deepStrictEqual([line(), line(), line()], [["ab", "0"], ["42", "0"], [null, "1"]])
    sql.run("begin dbms_application_info.set_module('shop', 'pay'); dbms_session.set_identifier('me'); end;")
    assert.deepStrictEqual(
      sql.rows(
        "select sys_context('userenv', 'module'), sys_context('userenv', 'action'), sys_context('userenv', 'client_identifier') from dual"
      ),
      [["shop", "pay", "me"]]
    )
    assert.strictEqual(sqlOf(sql.session).value("select module from v$session where client_identifier = 'me'"), "shop")
  })
})
