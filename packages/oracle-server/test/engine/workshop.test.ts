/** A whole schema of packages, triggers, types and jobs: it loads without errors, and its parts work together. */
import { assert, beforeAll, describe, it } from "vitest"
import { type Harness, harness, plain, settle, type Sql, typed } from "./engineHarness.ts"
import { entities, workshop } from "./workshopSchema.ts"

let h: Harness
let sql: Sql

const text = (block: string): unknown => plain(sql.run(block, typed("VARCHAR2", null)).outBinds![0]!.values[0])

beforeAll(async () => {
  h = harness({ users: ["WORKSHOP"] })
  await h.engine.runScript("WORKSHOP", workshop)
  sql = h.open("WORKSHOP")
  return () => h.engine.close()
})

describe("the workshop", () => {
  it("has more than a hundred objects, all of them valid", () => {
    assert.deepEqual(sql.rows("select name, type, line, text from user_errors"), [])
    assert.deepEqual(sql.rows("select object_name from user_objects where status <> 'VALID'"), [])
    const counts = new Map(
      sql.rows("select object_type, count(*) from user_objects group by object_type").map(([type, count]) => [
        type,
        Number(count)
      ])
    )
    assert.strictEqual(counts.get("PACKAGE"), entities.length + 3)
    assert.strictEqual(counts.get("PACKAGE BODY"), entities.length + 3)
    assert.strictEqual(counts.get("TRIGGER"), entities.length * 2 + 1)
    assert.strictEqual(counts.get("TYPE"), 3)
    assert.strictEqual(counts.get("TABLE"), entities.length + 3)
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
    assert.isAtLeast(total + Number(sql.value("select count(*) from user_scheduler_jobs")), 100)
    assert.deepEqual(
      sql.rows(`select referenced_name from user_dependencies
        where name = 'CUSTOMER_NOTE' and type = 'TRIGGER' order by referenced_name`),
      [["CUSTOMER"], ["JOURNAL"]]
    )
  })

  it("keeps its entities through their packages, and notes who changed them", () => {
    sql.run("begin person.enter('ann'); end;")
    assert.strictEqual(
      text(`declare
  v_id number := material_api.put('oak', 'Oak board', 12.5);
  v_row material%rowtype;
  v_rows material_api.rows_t;
begin
  material_api.change(v_id, 15);
  v_row := material_api.find(v_id);
  :1 := v_row.code || v_row.amount;
  v_row := material_api.find('OAK');
  v_rows := material_api.above(10);
  :1 := :1 || ' ' || v_row.label || ' ' || v_rows.count || v_rows(1).code || ' ' || material_api.total;
end;`),
      "OAK15 Oak board 1OAK 15"
    )
    assert.deepEqual(
      sql.rows("select what, kind, who from journal_line order by line_id"),
      [["material", "I", "ann"], ["material", "U", "ann"]]
    )
    assert.deepEqual(sql.rows("select label from material_v"), [["OAK BOARD"]])
    assert.match(
      sql.error("begin material_api.change(99, 1); end;"),
      /^ORA-20100: material 99 is not known\nORA-06512: at "WORKSHOP.MATERIAL_API", line \d+\n/
    )
    assert.strictEqual(
      text(`declare r material%rowtype;
begin r := material_api.find('none'); exception when material_api.not_known then :1 := sqlerrm; end;`),
      "ORA-20100: material none is not known"
    )
    assert.match(sql.error("begin material_api.change(1, -1); end;"), /^ORA-02290: check constraint/)
    assert.strictEqual(sql.value("select notes.count_of('material') from dual"), "2")
  })

  it("fills its stock through a view", () => {
    sql.run("declare n number; begin n := warehouse_api.put('north'); end;")
    sql.run("insert into stock_value (warehouse, material, held) values ('NORTH', 'OAK', 4)")
    assert.deepEqual(sql.rows("select warehouse, material, held, value from stock_value"), [[
      "NORTH",
      "OAK",
      "4",
      "60"
    ]])
  })

  it("bills in bulk, keeps what failed apart, and sums up", () => {
    sql.run("begin billing.bill_all(name_list('a', 'b', 'a'), 100); end;")
    assert.deepEqual(sql.rows("select code, amount from invoice order by code"), [["A", "100"], ["B", "100"]])
    assert.match(sql.error("begin bills.bill_all(name_list('c'), 5000); end;"), /^ORA-20200: amounts end at 1000/)
    sql.session.rollback()
    assert.deepEqual(sql.rows("select message from failure_line"), [["1 bills failed"], ["over the limit: 5000"]])
    sql.run("begin billing.bill_all(name_list('a', 'b'), 100); end;")
    assert.strictEqual(
      text(`declare
  l billing.lines := billing.summary;
  c billing.cursor_t := billing.open_lines(50);
  v_code varchar2(20);
  v_amount number;
begin
  :1 := l.first || l(l.last).amount;
  loop
    fetch c into v_code, v_amount;
    exit when c%notfound;
    :1 := :1 || ' ' || v_code || v_amount;
  end loop;
  close c;
  :1 := :1 || ' ' || billing.heaviest(quantity_list(quantity(900, 'g'), quantity(2, 'kg'), quantity(1, 'kg'))).text();
end;`),
      "A120 A100 B100 2 kg"
    )
    sql.session.commit()
  })

  it("runs its jobs, in a session of their own or in the caller's", async () => {
    sql.run("begin dbms_scheduler.run_job('month_end'); end;")
    assert.deepEqual(sql.rows("select distinct label from invoice"), [["closed"]])
    sql.session.commit()
    sql.run("begin dbms_scheduler.enable('tidy'); end;")
    h.sleepers.splice(0).forEach((sleeper) => sleeper.wake())
    for (let i = 0; i < 20; i++) await settle()
    assert.deepEqual(sql.rows("select count(*) from failure_line"), [["0"]])
    assert.deepEqual(
      sql.rows("select job_name, status from user_scheduler_job_run_details order by log_id"),
      [["MONTH_END", "SUCCEEDED"], ["TIDY", "SUCCEEDED"]]
    )
    assert.deepEqual(
      sql.rows("select job_name, state, run_count from user_scheduler_jobs order by job_name"),
      [["MONTH_END", "DISABLED", "1"], ["TIDY", "DISABLED", "1"]]
    )
  })
})

describe("jobs", () => {
  it("repeat until they are stopped, and keep their failures", async () => {
    const due = async (): Promise<ReadonlyArray<number>> => {
      const waits = h.sleepers.splice(0)
      waits.forEach((sleeper) => sleeper.wake())
      for (let i = 0; i < 20; i++) await settle()
      return waits.map((sleeper) => sleeper.milliseconds)
    }
    sql.run("create table ticks (n number)")
    sql.run(`begin
  dbms_scheduler.create_job('ticking', 'PLSQL_BLOCK', 'insert into ticks values (1)',
    repeat_interval => 'FREQ=MINUTELY; INTERVAL=5', enabled => true);
  dbms_scheduler.create_job('failing', 'PLSQL_BLOCK', 'raise_application_error(-20001, ''no'');', enabled => true);
end;`)
    assert.deepEqual(await due(), [0, 0])
    assert.deepEqual(await due(), [300_000])
    assert.deepEqual(sql.rows("select count(*) from ticks"), [["2"]])
    assert.deepEqual(
      sql.rows("select status, additional_info from user_scheduler_job_run_details where job_name = 'FAILING'"),
      [["FAILED", "ORA-20001: no\nORA-06512: at line 1"]]
    )
    sql.run("begin dbms_scheduler.drop_job('ticking'); end;")
    for (const interval of ["0", "100"]) {
      assert.match(
        sql.error(
          `begin dbms_scheduler.create_job('x', 'PLSQL_BLOCK', 'null;', repeat_interval => 'FREQ=SECONDLY;INTERVAL=${interval}', enabled => true); end;`
        ),
        /^ORA-27465: invalid value FREQ=SECONDLY;INTERVAL=\d+ for attribute REPEAT_INTERVAL/
      )
    }
    assert.deepEqual(sql.rows("select job_name from user_scheduler_jobs where job_name in ('TICKING', 'FAILING')"), [])
    assert.strictEqual(
      sql.error("begin dbms_scheduler.run_job('ticking'); end;").split("\n")[0],
      "ORA-27475: unknown job \"WORKSHOP\".\"TICKING\""
    )
    assert.match(
      sql.error("begin dbms_scheduler.create_job('x', 'EXECUTABLE', 'ls'); end;"),
      /^ORA-03001: unimplemented feature: jobs of type EXECUTABLE/
    )
  })
})
