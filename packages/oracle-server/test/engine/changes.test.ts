/** DML beside the plain statements: multitable INSERT, views as targets, joins, RETURNING of both images. */
import { afterAll, afterEach, assert, describe, it } from "vitest"
import { harness, type Sql, typed } from "./engineHarness.ts"

const { engine, open } = harness()
const sql: Sql = open()
afterAll(() => engine.close())
afterEach(() => sql.session.rollback())

sql.run("create table clerk (id number primary key, name varchar2(10), pay number(7,2), room number)")
sql.run("insert into clerk values (1, 'Ann', 10, 10), (2, 'Bob', 20, 20), (3, 'Cyd', 30, 20)")
sql.run("create table note (id number, what varchar2(10))")
sql.run("create table mark (id number)")
sql.run("create sequence number_of_note")
sql.run("create view room20 as select id nr, name, pay * 2 twice from clerk where room = 20 with check option")
sql.run("create view late as select nr, name from room20 where nr > 2")
sql.run("create view fixed as select * from clerk with read only")
sql.run("create view grouped as select room, count(*) n from clerk group by room")
sql.session.commit()

const rows = (text: string): string => sql.rows(text).map((row) => row.map(String).join("|")).join(" ; ")

describe("INSERT ALL and INSERT FIRST", () => {
  it("puts each row of the query into every table", () => {
    const { rowCount } = sql.run(
      "insert all into note (id, what) values (id, name) into mark values (id) select id, name from clerk"
    )
    assert.strictEqual(rowCount, 6)
    assert.strictEqual(rows("select id, what from note order by 1"), "1|Ann ; 2|Bob ; 3|Cyd")
    assert.strictEqual(rows("select count(*) from mark"), "3")
  })

  it("takes all conditions that hold, or only the first, or ELSE", () => {
    const branches = "when pay > 15 then into mark values (id) when pay > 25 then into note values (id, 'rich') " +
      "else into note (id) values (id) select id, pay from clerk"
    assert.strictEqual(sql.run(`insert all ${branches}`).rowCount, 4)
    assert.strictEqual(rows("select id, what from note order by 1"), "1|null ; 3|rich")
    assert.strictEqual(sql.run(`insert first ${branches}`).rowCount, 3)
    assert.strictEqual(rows("select id, count(*) from note group by id order by 1"), "1|2 ; 3|1")
  })

  it("takes one value of a sequence for a row, in all of its tables", () => {
    sql.run(
      "insert all into note (id) values (number_of_note.nextval) into mark values (number_of_note.nextval) " +
        "select 1 from dual connect by level < 3"
    )
    assert.strictEqual(rows("select n.id - m.id from note n join mark m on m.id = n.id"), "0 ; 0")
  })

  it("leaves nothing when one of its rows fails, and refuses triggers by name", () => {
    assert.match(
      sql.error("insert all into mark values (1) into clerk (id) values (1) select 1 from dual"),
      /^ORA-00001/
    )
    assert.strictEqual(rows("select count(*) from mark"), "0")
    sql.run("create or replace trigger mark_insert before insert on mark begin null; end;")
    assert.match(sql.error("insert all into mark values (1) select 1 from dual"), /^ORA-03001: .*triggers/)
    sql.run("drop trigger mark_insert")
  })
})

describe("views as targets", () => {
  it("changes the rows of the table behind them, by their names", () => {
    assert.strictEqual(sql.run("update room20 set name = 'Zoe' where nr = 2").rowCount, 1)
    assert.strictEqual(sql.run("delete from late where nr = 3").rowCount, 1)
    assert.strictEqual(sql.run("update (select pay p from clerk where id = 1) set p = 5").rowCount, 1)
    assert.strictEqual(sql.run("insert into (select id, name from clerk) values (6, 'Fay')").rowCount, 1)
    assert.strictEqual(sql.run("delete from (select * from clerk where id > 2) c where c.id = 2").rowCount, 0)
    assert.strictEqual(rows("select id, name, pay from clerk order by id"), "1|Ann|5 ; 2|Zoe|20 ; 6|Fay|null")
  })

  it("returns what was written by the names of the view", () => {
    const { returned } = sql.run(
      "update room20 set name = 'Zoe' where nr = 2 returning nr, name into :1, :2",
      typed("NUMBER", null),
      typed("VARCHAR2", null)
    )
    assert.deepStrictEqual(returned!.map(({ values }) => values), [[["2"]], [["Zoe"]]])
  })

  const refused: ReadonlyArray<readonly [string, string]> = [
    ["update room20 set twice = 5", "ORA-01733"],
    ["insert into room20 (nr, name) values (9, 'Gus')", "ORA-01402"],
    ["insert into late values (7, 'Gus')", "ORA-01402"],
    ["update fixed set pay = 1", "ORA-42399"],
    ["delete from grouped", "ORA-01732"],
    ["delete from (select distinct room from clerk)", "ORA-01732"],
    ["update room20 set nosuch = 1", "ORA-00904"]
  ]
  it.each(refused)("refuses %s", (text, message) => {
    assert.strictEqual(sql.error(text).slice(0, message.length), message)
  })
})

describe("joins and images", () => {
  it("updates and deletes by tables in FROM", () => {
    const one = "(select 2 nr, 5 more from dual union all select 8, 1 from dual) x"
    assert.strictEqual(sql.run(`update clerk c set pay = pay + x.more from ${one} where c.id = x.nr`).rowCount, 1)
    assert.strictEqual(rows("select pay from clerk where id = 2"), "25")
    assert.strictEqual(sql.run(`delete from clerk c from ${one} where c.id = x.nr`).rowCount, 1)
    const twice = "(select level n from dual connect by level < 3) x"
    assert.match(sql.error(`update clerk set pay = x.n from ${twice} where id = 1`), /^ORA-30926/)
  })

  it("returns the row as it was and as it is", () => {
    const update = sql.run(
      "update clerk set pay = pay + 1 where id = 1 returning old pay, new pay, name into :1, :2, :3",
      typed("NUMBER", null),
      typed("NUMBER", null),
      typed("VARCHAR2", null)
    )
    assert.deepStrictEqual(update.returned!.map(({ values }) => values), [[["10"]], [["11"]], [["Ann"]]])
    const remove = sql.run(
      "delete from clerk where id = 1 returning name, new name into :1, :2",
      typed("VARCHAR2", null),
      typed("VARCHAR2", null)
    )
    assert.deepStrictEqual(remove.returned!.map(({ values }) => values), [[["Ann"]], [[null]]])
  })
})
