/** Triggers: when they fire, what they see and change, what they refuse. */
import { assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, plain, type Sql, typed } from "./engineHarness.ts"

let h: Harness
let sql: Sql
beforeEach(() => {
  h = harness()
  sql = h.open()
  sql.run("create table t (id number primary key, name varchar2(20) not null, changed date)")
  sql.run("create table seen (at_ number generated always as identity, what varchar2(100))")
  sql.run("create sequence seq")
  return () => h.engine.close()
})

const seen = (): ReadonlyArray<unknown> => {
  const rows = sql.rows("select what from seen order by at_").map(([what]) => what)
  sql.run("delete from seen")
  return rows
}

/** Notes what it has been fired by. */
const noting = (name: string, when: string, note: string, more = ""): void => {
  sql.run(`create or replace trigger ${name} ${when} on t ${more}
declare
  by_ varchar2(10) := case when inserting then 'insert' when updating then 'update' else 'delete' end;
begin
  insert into seen (what) values (${note});
end;`)
}

describe("triggers of tables", () => {
  it("fire around the statement and around each row, in their order", () => {
    const any = "insert or update or delete"
    noting("a_bs", `before ${any}`, "'before ' || by_")
    noting("a_br", `before ${any}`, "'before ' || by_ || ' ' || :old.id || '>' || :new.id", "for each row")
    noting("b_br", `before ${any}`, "'then ' || by_ || ' ' || :old.name || '>' || :new.name", "for each row")
    noting("a_ar", `after ${any}`, "'after ' || by_ || ' ' || :old.id || '>' || :new.id", "for each row")
    noting("a_as", `after ${any}`, "'after ' || by_")
    sql.run("insert into t (id, name) select level, 'n' || level from dual connect by level <= 2")
    assert.deepEqual(seen(), [
      "before insert",
      "before insert >1",
      "then insert >n1",
      "after insert >1",
      "before insert >2",
      "then insert >n2",
      "after insert >2",
      "after insert"
    ])
    sql.run("update t set name = 'x' where id = 2")
    assert.deepEqual(seen(), [
      "before update",
      "before update 2>2",
      "then update n2>x",
      "after update 2>2",
      "after update"
    ])
    // Without rows those of the statement fire alone.
    sql.run("delete from t where id = 5")
    assert.deepEqual(seen(), ["before delete", "after delete"])
    sql.run("delete from t where id = 1")
    assert.deepEqual(seen(), [
      "before delete",
      "before delete 1>",
      "then delete n1>",
      "after delete 1>",
      "after delete"
    ])
    sql.run(
      "create or replace trigger a_br before insert on t for each row follows b_br begin insert into seen (what) values ('last'); end;"
    )
    sql.run("insert into t (id, name) values (7, 'seven')")
    assert.deepEqual(seen(), ["before insert", "then insert >seven", "last", "after insert >7", "after insert"])
  })

  it("change the new row, before its constraints are looked at", () => {
    sql.run(`create trigger keys before insert or update of name on t referencing new as n old as o for each row
      when (n.name is null or n.name <> 'as is')
      begin
        if inserting and :n.id is null then :n.id := seq.nextval; end if;
        :n.name := nvl(upper(:n.name), 'nameless');
        if updating('name') then :n.changed := date '2024-01-01'; end if;
      end;`)
    sql.run("insert into t (name) values ('one')")
    sql.run("insert into t (name) values (null)")
    sql.run("insert into t (id, name) values (50, 'as is')")
    const binds = sql.run(
      "begin insert into t (name) values ('two') returning id || name into :1; end;",
      typed("VARCHAR2", null)
    ).outBinds
    assert.strictEqual(plain(binds![0]!.values[0]), "3TWO")
    sql.run("update t set name = 'uno' where id = 1")
    sql.run("update t set changed = null where id = 50")
    assert.deepEqual(sql.rows("select id, name, to_char(changed, 'YYYY') from t order by id"), [
      ["1", "UNO", "2024"],
      ["2", "nameless", null],
      ["3", "TWO", null],
      ["50", "as is", null]
    ])
  })

  it("undo the statement when they fail, and say where", () => {
    sql.run("insert into t (id, name) values (1, 'kept')")
    sql.run(`create trigger refuses before update or delete on t for each row
declare
  n number := 0;
begin
  insert into seen (what) values ('tried');
  if :old.name = 'kept' then
    raise_application_error(-20005, 'keep it');
  end if;
end;`)
    assert.strictEqual(
      sql.error("delete from t"),
      `ORA-20005: keep it
ORA-06512: at "HR.REFUSES", line 6
ORA-04088: error during execution of trigger 'HR.REFUSES'`
    )
    assert.deepEqual(seen(), [])
    assert.deepEqual(sql.rows("select name from t"), [["kept"]])
    sql.run("alter trigger refuses disable")
    sql.run("delete from t")
    sql.run("alter table t enable all triggers")
    sql.run("insert into t (id, name) values (1, 'kept')")
    assert.match(sql.error("update t set id = 2"), /^ORA-20005/)
    sql.run("drop trigger refuses")
    sql.run("update t set id = 2")
  })

  it("may not see the table that is changing, but before one row of values", () => {
    const looking = (name: string, when: string) =>
      sql.run(`create trigger ${name} ${when} on t for each row
        declare n number; begin select count(*) into n from t; insert into seen (what) values ('${name} ' || n); end;`)
    looking("before_insert", "before insert")
    sql.run("insert into t (id, name) values (1, 'a')")
    sql.run("insert into t (id, name) values (2, 'b')")
    assert.deepEqual(seen(), ["before_insert 0", "before_insert 1"])
    const mutating = (trigger: string) =>
      `ORA-04091: table HR.T is mutating, trigger/function may not see it
ORA-06512: at "HR.${trigger}", line 1
ORA-04088: error during execution of trigger 'HR.${trigger}'`
    assert.strictEqual(sql.error("insert into t (id, name) select 3, 'c' from dual"), mutating("BEFORE_INSERT"))
    sql.run("drop trigger before_insert")
    looking("after_insert", "after insert")
    assert.strictEqual(sql.error("insert into t (id, name) values (3, 'c')"), mutating("AFTER_INSERT"))
    sql.run("drop trigger after_insert")
    looking("before_delete", "before delete")
    assert.strictEqual(sql.error("delete from t"), mutating("BEFORE_DELETE"))
    assert.deepEqual(sql.rows("select count(*) from t"), [["2"]])
  })

  it("may not end the transaction", () => {
    sql.run("create trigger ends before insert on t begin commit; end;")
    assert.strictEqual(
      sql.error("insert into t (id, name) values (1, 'a')"),
      `ORA-04092: cannot COMMIT in a trigger
ORA-06512: at "HR.ENDS", line 1
ORA-04088: error during execution of trigger 'HR.ENDS'`
    )
  })

  it("may keep what they note of a statement that fails, in a transaction apart", () => {
    sql.run(`create trigger audits before insert on t for each row
declare
  pragma autonomous_transaction;
  n number;
begin
  select count(*) into n from t;
  insert into seen (what) values ('tried ' || :new.id || ' beside ' || n);
  commit;
end;`)
    assert.match(sql.error("insert into t (id, name) select level, null from dual connect by level < 3"), /^ORA-01400/)
    sql.run("rollback")
    assert.deepEqual(seen(), ["tried 1 beside 0"])
  })

  it("of several points keep what they declare for one statement", () => {
    sql.run(`create or replace trigger numbers for insert or update on t
compound trigger
  total number := 100;
  procedure note(what varchar2) is begin insert into seen (what) values (what); end;
  before statement is
  begin
    note('start ' || total);
  end before statement;
  before each row is
  begin
    total := total + 1;
    :new.name := :new.name || total;
  end before each row;
  after statement is
  begin
    note('end ' || total);
  end after statement;
end numbers;`)
    sql.run("insert into t (id, name) select level, 'n' from dual connect by level <= 2")
    sql.run("insert into t (id, name) values (3, 'm')")
    assert.deepEqual(seen(), ["start 100", "end 102", "start 100", "end 101"])
    assert.deepEqual(sql.rows("select name from t order by id"), [["n101"], ["n102"], ["m101"]])
  })

  it("fire for each part of a merge", () => {
    sql.run("insert into t (id, name) values (1, 'old')")
    noting("rows_", "before insert or update or delete", "by_ || ' ' || :old.name || '>' || :new.name", "for each row")
    sql.run(`merge into t using (select level id from dual connect by level <= 2) s on (t.id = s.id)
      when matched then update set name = 'new' when not matched then insert (id, name) values (s.id, 'made')`)
    assert.deepEqual(seen(), ["update old>new", "insert >made"])
  })

  it.each([
    ["create trigger x before insert on t begin :new.id := 1; end;", "ORA-04082: NEW or OLD references not allowed"],
    ["create trigger x after insert on t for each row begin :new.id := 1; end;", "ORA-04084: cannot change NEW values"],
    ["create trigger x before update on t for each row begin :old.id := 1; end;", "ORA-04085: cannot change the value"],
    ["create trigger x before update of nothing on t begin null; end;", "ORA-00904: \"NOTHING\": invalid identifier"],
    ["create trigger x before insert on nothing begin null; end;", "ORA-00942: table or view \"HR\".\"NOTHING\""],
    [
      "create trigger x instead of insert on t begin null; end;",
      "ORA-25002: cannot create INSTEAD OF triggers on tables"
    ],
    [
      "create trigger x after logon on database begin null; end;",
      "ORA-03001: unimplemented feature: triggers on LOGON"
    ],
    ["alter trigger nothing enable", "ORA-04080: trigger 'NOTHING' does not exist"]
  ])("%s: %s", (text, message) => {
    assert.strictEqual(sql.error(text).slice(0, message.length), message)
  })

  it("that do not compile stop the statements that would fire them", () => {
    assert.strictEqual(
      sql.run("create trigger bad before insert on t for each row\nbegin\n  :new.nothing := 1;\n  zork;\nend;").warning
        ?.message,
      "ORA-24344: success with compilation error"
    )
    // Lines of a trigger are counted from its body.
    assert.deepEqual(sql.rows("select line, position, text from user_errors order by sequence"), [
      ["2", "3", "PLS-00049: bad bind variable 'NEW.NOTHING'"],
      ["3", "3", "PL/SQL: Statement ignored"],
      ["3", "3", "PLS-00201: identifier 'ZORK' must be declared"]
    ])
    assert.strictEqual(
      sql.error("insert into t (id, name) values (1, 'a')"),
      "ORA-04098: trigger 'HR.BAD' is invalid and failed re-validation"
    )
    sql.run("update t set name = 'b'")
  })

  it("are named when a foreign key would have to fire them", () => {
    sql.run("insert into t (id, name) values (1, 'a')")
    sql.run("create table child (t_id number references t (id) on delete cascade)")
    sql.run("insert into child values (1)")
    sql.run("create trigger of_child after delete on child for each row begin null; end;")
    assert.match(sql.error("delete from t"), /^ORA-03001: unimplemented feature: triggers on rows that a foreign key/)
    sql.run("alter trigger of_child disable")
    sql.run("delete from t")
    assert.deepEqual(sql.rows("select count(*) from child"), [["0"]])
  })
})

describe("triggers of views", () => {
  it("do the work of the statement", () => {
    sql.run("insert into t (id, name) select level, 'n' || level from dual connect by level <= 3")
    sql.run("create view v (nr, label) as select distinct id, name from t where id > 1")
    assert.match(sql.error("insert into v values (7, 'seven')"), /^ORA-01732/)
    sql.run(`create trigger v_io instead of insert or update or delete on v
begin
  if inserting then
    insert into t (id, name) values (:new.nr, 'made ' || :new.label);
  elsif updating then
    update t set name = :old.label || '>' || :new.label where id = :old.nr;
  else
    delete from t where id = :old.nr;
  end if;
end;`)
    assert.strictEqual(sql.run("insert into v values (7, 'seven')").rowCount, 1)
    assert.strictEqual(
      sql.run("insert into v (label, nr) select 'x', level + 7 from dual connect by level < 3").rowCount,
      2
    )
    assert.strictEqual(sql.run("update v set label = 'l' || nr where nr < 4").rowCount, 2)
    assert.strictEqual(sql.run("delete from v where nr = 8").rowCount, 1)
    assert.deepEqual(sql.rows("select id, name from t order by id"), [
      ["1", "n1"],
      ["2", "n2>l2"],
      ["3", "n3>l3"],
      ["7", "made seven"],
      ["9", "made x"]
    ])
    assert.deepEqual(
      sql.rows("select trigger_type, base_object_type, table_name, triggering_event from user_triggers"),
      [["INSTEAD OF", "VIEW", "V", "INSERT OR UPDATE OR DELETE"]]
    )
  })
})
