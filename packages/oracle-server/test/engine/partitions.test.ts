import { assert, beforeEach, describe, it } from "vitest"
import { harness, type Sql } from "./engineHarness.ts"

let sql: Sql

beforeEach(() => {
  sql = harness().open("HR")
  sql.run(`
create table sales (id number, day date, amount number)
partition by range (day) (
  partition p2023 values less than (date '2024-01-01') tablespace users,
  partition p2024 values less than (to_date('2025-01-01', 'YYYY-MM-DD')) nologging,
  partition p2025 values less than (date '2026-01-01'))`)
  sql.run("insert into sales values (1, date '2023-06-01', 10)")
  sql.run("insert into sales values (2, date '2024-01-01', 20)")
  sql.run("insert into sales values (3, date '2025-12-31', 30)")
  sql.session.commit()
})

const partitions = (table = "SALES") =>
  sql.rows(
    "select partition_name, high_value from user_tab_partitions where table_name = :1 order by partition_position",
    table
  )
const ids = (from: string) => sql.rows(`select id from ${from} order by id`).map(([id]) => id)

describe("ranges", () => {
  it("take each row to its partition, and none to no partition", () => {
    assert.deepStrictEqual(ids("sales partition (p2023)"), ["1"])
    assert.deepStrictEqual(ids("sales partition (p2024) s"), ["2"])
    assert.deepStrictEqual(ids("sales partition for (date '2025-02-03')"), ["3"])
    assert.deepStrictEqual(ids("sales"), ["1", "2", "3"])
    const none = "ORA-14400: inserted partition key does not map to any partition"
    assert.strictEqual(sql.error("insert into sales values (4, date '2026-01-01', 1)"), none)
    assert.strictEqual(sql.error("insert into sales values (4, null, 1)"), none)
    assert.strictEqual(
      sql.error("select * from sales partition (nosuch)"),
      "ORA-02149: Specified partition does not exist"
    )
    assert.strictEqual(
      sql.error("update sales set day = date '2024-05-05' where id = 1"),
      "ORA-14402: updating partition key column would cause a partition change"
    )
    sql.run("alter table sales enable row movement")
    sql.run("update sales set day = date '2024-05-05' where id = 1")
    assert.deepStrictEqual(ids("sales partition (p2024)"), ["1", "2"])
  })

  it("can be named in changes", () => {
    assert.strictEqual(
      sql.error("insert into sales partition (p2023) values (5, date '2024-05-05', 1)"),
      "ORA-14401: inserted partition key is outside specified partition"
    )
    sql.run("insert into sales partition (p2024) values (5, date '2024-05-05', 1)")
    assert.strictEqual(sql.run("update sales partition (p2024) set amount = 0").rowCount, 2)
    assert.strictEqual(sql.run("delete from sales partition for (date '2024-02-02')").rowCount, 2)
    assert.deepStrictEqual(ids("sales"), ["1", "3"])
  })

  it("are added, dropped, truncated, split, merged and renamed", () => {
    assert.match(sql.error("alter table sales add partition p values less than (date '2024-06-01')"), /^ORA-14074/)
    assert.match(sql.error("alter table sales add partition p2025 values less than (date '2027-01-01')"), /^ORA-14013/)
    sql.run("alter table sales add partition pmax values less than (maxvalue)")
    sql.run("insert into sales values (6, null, 1)")
    assert.deepStrictEqual(ids("sales partition (pmax)"), ["6"])
    assert.match(sql.error("alter table sales split partition p2024 at (date '2025-06-01')"), /^ORA-14080/)
    sql.run("alter table sales split partition p2024 at (date '2024-07-01') into (partition h1, partition h2)")
    assert.deepStrictEqual(ids("sales partition (h1)"), ["2"])
    assert.deepStrictEqual(partitions().map(([name]) => name), ["P2023", "H1", "H2", "P2025", "PMAX"])
    assert.match(sql.error("alter table sales merge partitions p2023, h2 into partition x"), /^ORA-14274/)
    sql.run("alter table sales merge partitions h1, h2 into partition y2024")
    assert.deepStrictEqual(ids("sales partition (y2024)"), ["2"])
    sql.run("alter table sales rename partition y2024 to p2024")
    sql.run("alter table sales truncate partition p2024 update indexes")
    sql.run("alter table sales drop partition for (date '2023-01-01')")
    assert.deepStrictEqual(ids("sales"), ["3", "6"])
    assert.match(sql.error("alter table sales drop partition p2023"), /^ORA-02149/)
    sql.run("alter table sales drop partition p2024, p2025")
    assert.match(sql.error("alter table sales drop partition pmax"), /^ORA-14083/)
  })

  it("are exchanged with a table", () => {
    sql.run("create table month (id number, day date, amount number)")
    sql.run("insert into month values (7, date '2024-03-03', 1)")
    sql.session.commit()
    sql.run("alter table sales exchange partition p2024 with table month including indexes without validation")
    assert.deepStrictEqual(ids("sales"), ["1", "3", "7"])
    assert.deepStrictEqual(ids("month"), ["2"])
    sql.run("insert into month values (8, date '2020-03-03', 1)")
    sql.session.commit()
    assert.match(sql.error("alter table sales exchange partition p2024 with table month"), /^ORA-14099/)
    sql.run("create table other (id number)")
    assert.match(sql.error("alter table sales exchange partition p2024 with table other"), /^ORA-14097/)
    assert.match(sql.error("alter table month drop partition p"), /^ORA-14501/)
  })

  it("grow by intervals", () => {
    sql.run(`
create table log (id number, at timestamp) partition by range (at) interval (numtoyminterval(1, 'MONTH'))
  (partition first values less than (timestamp '2024-01-01 00:00:00'))`)
    sql.run("insert into log values (1, timestamp '2023-05-05 00:00:00')")
    sql.run("insert into log values (2, timestamp '2024-03-15 10:00:00')")
    sql.run("insert into log values (3, timestamp '2024-03-31 23:59:59')")
    sql.run("insert into log values (4, timestamp '2024-02-01 00:00:00')")
    assert.strictEqual(partitions("LOG").length, 3)
    assert.deepStrictEqual(ids("log partition for (timestamp '2024-03-01 00:00:00')"), ["2", "3"])
    assert.deepStrictEqual(ids("log partition (first)"), ["1"])
    assert.match(
      sql.error("alter table log add partition p values less than (timestamp '2030-01-01 00:00:00')"),
      /^ORA-14760/
    )
    sql.run("create table n (id number) partition by range (id) interval (100) (partition p values less than (0))")
    sql.run("insert into n select level * 60 from dual connect by level <= 5")
    assert.deepStrictEqual(ids("n partition for (150)"), ["120", "180"])
  })

  it("may have several columns", () => {
    sql.run(`create table m (id number, a number, b number) partition by range (a, b)
      (partition p1 values less than (1, 10), partition p2 values less than (1, maxvalue), partition p3 values less than (5, 5))`)
    for (const [id, a, b] of [[1, 0, 99], [2, 1, 9], [3, 1, 10], [4, 2, 99], [5, 5, 4]]) {
      sql.run("insert into m values (:1, :2, :3)", id, a, b)
    }
    assert.deepStrictEqual(["p1", "p2", "p3"].map((name) => ids(`m partition (${name})`)), [["1", "2"], ["3"], [
      "4",
      "5"
    ]])
    assert.match(sql.error("insert into m values (6, 5, 5)"), /^ORA-14400/)
  })
})

describe("lists", () => {
  beforeEach(() => {
    sql.run(`create table c (id number, land varchar2(2)) partition by list (land)
      (partition eu values ('DE', 'FR'), partition us values ('US'), partition nil values (null), partition other values (default))`)
    for (const [id, land] of [[1, "FR"], [2, "US"], [3, null], [4, "JP"]]) {
      sql.run("insert into c values (:1, :2)", id, land)
    }
    sql.session.commit()
  })

  it("have keys each, and one for the rest", () => {
    assert.deepStrictEqual(["eu", "us", "nil", "other"].map((name) => ids(`c partition (${name})`)), [["1"], ["2"], [
      "3"
    ], ["4"]])
    assert.match(sql.error("alter table c add partition asia values ('JP')"), /^ORA-14323/)
    sql.run("alter table c split partition other values ('JP', 'CN') into (partition asia, partition other)")
    assert.deepStrictEqual(ids("c partition (asia)"), ["4"])
    sql.run("alter table c modify partition eu add values ('IT')")
    assert.match(sql.error("alter table c modify partition us add values ('IT')"), /^ORA-14312/)
    assert.match(sql.error("alter table c modify partition eu drop values ('FR')"), /^ORA-14518/)
    sql.run("alter table c merge partitions eu, us into partition west")
    assert.deepStrictEqual(ids("c partition (west)"), ["1", "2"])
  })

  it("make a partition for a new key, where they are automatic", () => {
    sql.run("create table a (id number, k number) partition by list (k) automatic (partition p1 values (1))")
    sql.run("insert into a values (1, 1)")
    sql.run("insert into a values (2, 7)")
    assert.strictEqual(partitions("A").length, 2)
    assert.deepStrictEqual(ids("a partition for (7)"), ["2"])
  })
})

describe("hashes", () => {
  it("spread rows over the partitions, each in one", () => {
    sql.run("create table h (id number) partition by hash (id) partitions 4 store in (users)")
    sql.run("insert into h select level from dual connect by level <= 200")
    const counts = partitions("H").map(([name]) =>
      Number(sql.value(`select count(*) from h partition (${name as string})`))
    )
    assert.strictEqual(counts.reduce((a, b) => a + b), 200)
    assert.isTrue(counts.every((count) => count > 20), String(counts))
  })
})

describe("the dictionary", () => {
  it("shows how tables are divided", () => {
    assert.deepStrictEqual(partitions(), [
      ["P2023", "date '2024-01-01'"],
      ["P2024", "to_date('2025-01-01', 'YYYY-MM-DD')"],
      ["P2025", "date '2026-01-01'"]
    ])
    assert.deepStrictEqual(
      sql.rows("select partitioning_type, partition_count, partitioning_key_count from user_part_tables"),
      [["RANGE", "3", "1"]]
    )
    assert.deepStrictEqual(sql.rows("select name, column_name from user_part_key_columns"), [["SALES", "DAY"]])
    assert.strictEqual(sql.value("select partitioned from user_tables"), "YES")
  })

  it("is told what is not there", () => {
    assert.match(
      sql.error(
        "create table s (a number, b number) partition by range (a) subpartition by hash (b) subpartitions 4 (partition p values less than (1))"
      ),
      /^ORA-03001: unimplemented feature: subpartitions/
    )
    assert.match(sql.error("create table r (a number) partition by reference (fk)"), /^ORA-03001/)
  })

  it("comes back with a snapshot", () => {
    const { engine, open } = harness()
    const one = open("HR")
    one.run("create table t (id number) partition by range (id) (partition p values less than (5))")
    const snapshot = engine.snapshot()
    one.run("alter table t add partition q values less than (10)")
    engine.restore(snapshot)
    assert.match(one.error("insert into t values (7)"), /^ORA-14400/)
  })
})
