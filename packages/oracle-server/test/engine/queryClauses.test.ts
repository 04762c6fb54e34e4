/** Clauses of queries: groups, windows, pivots, recursion, cursors in rows. */
import { afterAll, assert, describe, it } from "vitest"
import type { Cursor } from "../../src/internal/engine/engine.ts"
import { fetched, harness } from "./engineHarness.ts"

const { engine, open } = harness()
const sql = open()
afterAll(() => engine.close())

sql.run(
  "create table sale (id number primary key, shop varchar2(5), quarter varchar2(2), amount number, bonus number, day date)"
)
sql.run(`insert into sale values
  (1, 'north', 'Q1', 10, null, date '2024-01-10'), (2, 'north', 'Q2', 20, 2, date '2024-01-12'),
  (3, 'south', 'Q1', 30, null, date '2024-01-13'), (4, 'south', 'Q1', 40, 4, date '2024-02-01'),
  (5, 'west', null, 50, 5, date '2024-02-02')`)
sql.run("create table part (id number, parent number)")
sql.run("insert into part values (1, null), (2, 1), (9, 1), (3, 2), (4, 2), (10, 9), (11, 9), (5, 4)")

const tree = "with r (id, parent, depth) as (select id, parent, 1 from part where parent is null " +
  "union all select p.id, p.parent, depth + 1 from part p join r on p.parent = r.id) "
const ring = "with r (a) as (select 1 from dual union all select mod(a, 3) + 1 from r) "

const rows: ReadonlyArray<readonly [string, string]> = [
  // Aggregates
  [
    "select percentile_cont(0.5) within group (order by amount), percentile_disc(0.5) within group (order by amount) from sale",
    "30|30"
  ],
  ["select percentile_cont(0.25) within group (order by amount desc) from sale", "40"],
  ["select median(amount), median(day) from sale", "30|2024-01-13 00:00:00"],
  ["select rank(25) within group (order by amount), dense_rank('q2') within group (order by quarter) from sale", "3|3"],
  [
    "select percent_rank(25) within group (order by amount), cume_dist(30) within group (order by amount) from sale",
    "0.4|0.6666666666666666666666666666666666666667"
  ],
  ["select corr(amount, id), covar_pop(amount, id), covar_samp(amount, id) from sale", "1|20|25"],
  [
    "select regr_slope(amount, id), regr_intercept(amount, id), regr_r2(amount, id), regr_count(bonus, id) from sale",
    "10|0|1|3"
  ],
  ["select bit_and_agg(amount), bit_or_agg(id), bit_xor_agg(id) from sale where id < 4", "0|3|0"],
  ["select boolean_and_agg(amount > 10), boolean_or_agg(amount > 40), every(id > 0) from sale", "false|true|true"],
  ["select approx_count_distinct(shop) from sale", "3"],
  ["select round(skewness_pop(amount), 6), round(kurtosis_pop(amount), 6) from sale", "0|-1.3"],
  ["select sum(sum(amount)), max(count(*)) from sale group by shop", "150|2"],
  ["select max(sum(amount)) m from sale group by shop having count(*) > 1 order by m", "70"],
  ["select shop s, sum(amount) total from sale group by s having total > 40 order by 1", "south|70 ; west|50"],
  [
    "select shop, group_id() from sale group by grouping sets (shop, shop) having shop = 'west' order by 2",
    "west|0 ; west|1"
  ],
  [
    "select substr(listagg(rpad('x', 1500, 'x'), ',' on overflow truncate '...') within group (order by id), -7) from sale",
    ",...(3)"
  ],
  ["select count(*) from (select 1 from sale group by grouping sets ((), ()))", "2"],
  ["select count(*), sum(amount) from sale where id > 9 group by grouping sets ((), ())", "0|NULL ; 0|NULL"],
  ["select count(*) from sale where id > 9 group by ()", "0"],
  // Windows
  [
    "select id, sum(amount) over (order by amount range between 10 preceding and 10 following) from sale order by id",
    "1|30 ; 2|60 ; 3|90 ; 4|120 ; 5|90"
  ],
  [
    "select id, count(*) over (order by day range between interval '2' day preceding and current row) from sale order by id",
    "1|1 ; 2|2 ; 3|2 ; 4|1 ; 5|2"
  ],
  [
    "select id, sum(amount) over (order by amount desc range 10 preceding) from sale order by id",
    "1|30 ; 2|50 ; 3|70 ; 4|90 ; 5|50"
  ],
  [
    "select id, count(*) over (order by shop groups between 1 preceding and current row) from sale order by id",
    "1|2 ; 2|2 ; 3|4 ; 4|4 ; 5|3"
  ],
  [
    "select id, sum(amount) over (order by id rows between unbounded preceding and unbounded following exclude current row) from sale order by id",
    "1|140 ; 2|130 ; 3|120 ; 4|110 ; 5|100"
  ],
  [
    "select id, count(*) over (order by shop rows between unbounded preceding and unbounded following exclude group) from sale order by id",
    "1|3 ; 2|3 ; 3|3 ; 4|3 ; 5|4"
  ],
  [
    "select distinct nth_value(amount, 2) from last over (order by id rows between unbounded preceding and unbounded following) from sale",
    "40"
  ],
  [
    "select id, last_value(bonus) ignore nulls over (order by id) from sale order by id",
    "1|NULL ; 2|2 ; 3|2 ; 4|4 ; 5|5"
  ],
  // Pivots
  [
    "select * from (select shop, quarter, amount from sale) pivot (sum(amount) for quarter in ('Q1' as q1, 'Q2' as q2)) order by shop",
    "north|10|20 ; south|70|NULL ; west|NULL|NULL"
  ],
  [
    "select shop, q1_sum, q1_n from (select shop, quarter, amount from sale) pivot (sum(amount) sum, count(*) n for quarter in ('Q1' as q1)) p where p.shop = 'south'",
    "south|70|2"
  ],
  [
    "select \"'Q1'\", \"'Q2'\" from (select quarter, amount from sale) pivot (max(amount) for quarter in ('Q1', 'Q2'))",
    "40|20"
  ],
  [
    "select * from (select shop, quarter, amount from sale) pivot (max(amount) as top for (shop, quarter) in (('north', 'Q1') as a, ('south', 'Q1') as b))",
    "10|40"
  ],
  [
    "select * from (select id, amount, bonus from sale where id < 3) unpivot (value for what in (amount, bonus as 'extra')) order by 1, 2",
    "1|AMOUNT|10 ; 2|AMOUNT|20 ; 2|extra|2"
  ],
  [
    "select what, value from (select amount, bonus from sale where id = 1) unpivot include nulls (value for what in (amount, bonus))",
    "AMOUNT|10 ; BONUS|NULL"
  ],
  [
    "select * from (select 1 a, 2 b, 3 c, 4 d from dual) unpivot ((x, y) for pair in ((a, b) as 'ab', (c, d) as 'cd'))",
    "ab|1|2 ; cd|3|4"
  ],
  // Recursion
  [
    `${tree}search depth first by id set n select id, depth, n from r order by n`,
    "1|1|1 ; 2|2|2 ; 3|3|3 ; 4|3|4 ; 5|4|5 ; 9|2|6 ; 10|3|7 ; 11|3|8"
  ],
  [
    `${tree}search breadth first by id desc set n select id, n from r`,
    "1|1 ; 9|2 ; 2|3 ; 11|4 ; 10|5 ; 4|6 ; 3|7 ; 5|8"
  ],
  [`${ring}cycle a set again to 'Y' default 'N' select a, again from r`, "1|N ; 2|N ; 3|N ; 1|Y"],
  [
    `${ring}search depth first by a set n cycle a set again to 1 default 0 select * from r`,
    "1|1|0 ; 2|2|0 ; 3|3|0 ; 1|4|1"
  ],
  // Row limits and patterns
  ["select id from sale order by shop fetch first 10 percent rows with ties", "1 ; 2"],
  ["select id from sale order by id fetch approx first 2 rows only with target accuracy 90", "1 ; 2"],
  ["select 1 from dual where 'a' likec 'a' and 'b' not like4 'a'", "1"]
]

const shown = (list: ReadonlyArray<ReadonlyArray<unknown>>): string =>
  list.map((row) => row.map((value) => value === null ? "NULL" : String(value)).join("|")).join(" ; ")

describe("clauses of queries", () => {
  it.each(rows)("%s", (text, expected) => {
    assert.strictEqual(shown(sql.rows(text)), expected)
  })

  const refused: ReadonlyArray<readonly [string, string]> = [
    ["select shop, max(sum(amount)) from sale group by shop", "ORA-00937"],
    ["select sum(sum(amount)) from sale", "ORA-00978"],
    ["select percentile_cont(0.5) from sale", "ORA-30491"],
    ["select sum(amount) over (order by shop, id range 1 preceding) from sale", "ORA-30486"],
    ["select sum(amount) over (order by id rows -1 preceding) from sale", "ORA-01428"],
    ["select * from sale pivot (amount for quarter in ('Q1'))", "ORA-56902"],
    ["select * from sale pivot (sum(amount) for nosuch in ('Q1'))", "ORA-00904"],
    [`${tree}search depth first by nosuch set n select * from r`, "ORA-00904"],
    [ring + "select * from r where a = 9", "ORA-32044"]
  ]
  it.each(refused)("refuses %s", (text, message) => {
    assert.strictEqual(sql.error(text).slice(0, message.length), message)
  })

  it("samples rows: about so many of them, and the same ones with a seed", () => {
    sql.run("create table many as select level n from dual connect by level <= 2000")
    const count = Number(sql.value("select count(*) from many sample (25)"))
    assert.isAbove(count, 350)
    assert.isBelow(count, 650)
    const seeded = "select sum(m.n), count(*) from many sample block (10) seed (7) m"
    assert.deepStrictEqual(sql.rows(seeded), sql.rows(seeded))
    assert.notDeepEqual(sql.rows(seeded), sql.rows(seeded.replace("(7)", "(8)")))
    assert.match(sql.error("select * from many sample (100)"), /^ORA-30562/)
  })

  it("has cursors in rows, each over the rows that its own row leads to", () => {
    const { cursor } = sql.run(
      "select s.shop, cursor(select t.id from sale t where t.shop = s.shop order by 1) from (select distinct shop from sale) s order by 1"
    )
    const list = fetched(sql.session, cursor!, 10).map(([shop, inner]) => [
      shop,
      fetched(sql.session, inner as Cursor, 10)
    ])
    assert.deepStrictEqual(list, [["north", [["1"], ["2"]]], ["south", [["3"], ["4"]]], ["west", [["5"]]]])
  })

  it("closes the cursors in rows that nobody has fetched with the query around them", () => {
    const { cursor } = sql.run("select cursor(select id from sale) from sale")
    const [[first]] = fetched(sql.session, cursor!, 1) as unknown as [[Cursor]]
    sql.session.closeCursor(cursor!)
    assert.strictEqual(fetched(sql.session, first, 10).length, 5)
    assert.isTrue(first.exhausted)
  })
})
