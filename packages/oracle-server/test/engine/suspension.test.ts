/**
 * A run that is suspended again and again gives what one gives that is left alone: operators keep their place, expressions that
 * begin anew repeat no effect.
 */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { harness, settle, type Sql } from "./engineHarness.ts"

/** By this clock every look finds the time used up. */
let ticks = 0
const steady = harness()
const hurried = harness({ host: { clock: () => ticks += 10 } })
const sessions: ReadonlyArray<Sql> = [steady.open(), hurried.open()]

const all = async (sql: Sql, text: string): Promise<unknown> => {
  const { cursor, rowCount } = await sql.later(text)
  if (cursor === undefined) return rowCount
  const rows: Array<unknown> = []
  while (!cursor.exhausted) rows.push(...await sql.session.fetch(cursor, 1000))
  return rows
}

const script = [
  "create table l (a number, b number, c varchar2(20))",
  "create table r (a number primary key, b number, c varchar2(20))",
  "create table i (a number, b number)",
  "create index ib on i (b)",
  "insert into l select mod(level * 7, 400), mod(level, 13), 'x' || mod(level, 50) from dual connect by level <= 1500",
  "insert into r select level, mod(level, 11), 'x' || mod(level, 70) from dual connect by level <= 900",
  "insert into i select mod(level, 300), mod(level, 40) from dual connect by level <= 1200",
  "create sequence s",
  "create function f(x number) return number is n number; begin select count(*) into n from i where b = x; return n; end;"
]

const statements = [
  "select count(*), sum(l.b + r.b) from l join r on l.a = r.a",
  "select count(*) from l, r where l.a + r.a = 700",
  "select count(*), sum(r.b) from l left join r on l.a = r.a and r.b > 5",
  "select count(*) from l full join r on l.a = r.a and l.b = r.b",
  "select l.a, l.b from l where exists (select 1 from r where r.b = l.b and r.a > l.a + 300) order by 1, 2",
  "select count(*) from l where (select count(*) from r where r.b = l.b) > 80",
  "select sum((select max(r.a) from r where r.b = l.b and r.c <> l.c)) from l",
  "select count(*) from l where a not in (select i.a from i where i.b = l.b)",
  "select count(*) from l where a in (select i.a from i)",
  "select count(*) from l where b > any (select i.b from i where i.a = l.a)",
  "select c, count(*), sum(b), listagg(distinct b, ',') within group (order by b) from l group by c order by c",
  "select c, b, count(*), grouping_id(c, b) from l group by rollup(c, b) order by 1, 2, 4",
  "select distinct b, c from l order by 1, 2",
  "select a, b, row_number() over (partition by b order by a, c) rn, sum(a) over (partition by b order by a, c rows between 3 preceding and 1 following) s, sum(a) over (partition by b order by a) t from l order by 2, 1, 3",
  "select b, c from l union select b, c from r order by 1, 2",
  "select b, c from l minus select b, c from r",
  "select b from l intersect all select b from r",
  "with t(n, m) as (select 1, 1 from dual union all select n + 1, m + n from t where n < 3000) select count(*), max(m) from t",
  "with q as (select b, count(*) k from l group by b) select x.b, y.b, x.k from q x, q y where x.b + 1 = y.b order by 1",
  "select count(*), max(level), sum(connect_by_isleaf) from (select a id, trunc(a / 3) p from r) start with id = 1 connect by prior id = p and id <> prior id",
  "select level from dual connect by level <= 3000 order by mod(level, 17), level",
  "select l.a, q.m from l, lateral (select max(i.a) m from i where i.b = l.b) q order by 1, 2",
  "select s.nextval, a from r where b = 3",
  "select f(b), count(*) from l group by b order by b",
  "select sum(f(b)) from l where f(a) > 3",
  "select count(*) from (select l.*, rownum n from l where rownum <= 700) where n > 350",
  "select sum(regexp_count(to_clob(rpad(c, 3000, 'ab1')), '(a|b)+[0-9]?')), max(length(regexp_replace(to_clob(rpad(c, 3000, 'ab1')), '([a-z]+)(1|2)', '\\2\\1-'))) from l where b < 2 and a < 60",
  "select count(*) from l where a < 60 and (regexp_like(to_clob(rpad(c, 2000, 'a')), '(a+)+b') or regexp_instr(to_clob(c), '[0-9]$') > 3)",
  "select a, b from l order by b, a offset 100 rows fetch next 20 rows with ties",
  "insert into l select a, b, c from r",
  "update l set b = (select max(i.b) from i where i.a = l.a), c = s.nextval where b > 6",
  "delete from l where exists (select 1 from i where i.b = l.b and i.a = l.a)",
  "merge into r using (select a, max(b) b from i group by a) q on (r.a = q.a) when matched then update set c = q.b when not matched then insert (a, b, c) values (q.a, q.b, s.nextval)",
  "select a, b, c from l order by 1, 2, 3",
  "select a, b, c from r order by 1, 2, 3"
]

beforeAll(async () => {
  for (const text of script) for (const sql of sessions) await all(sql, text)
})
const answering = harness({
  procedures: [{ name: "answer", parameters: [], returns: "VARCHAR2", run: async () => ({ return: "it" }) }]
})
afterAll(() => {
  answering.engine.close()
  steady.engine.close()
  hurried.engine.close()
})

describe("suspension", () => {
  it.each(statements)("changes nothing: %s", async (text) => {
    const [first, second] = sessions as [Sql, Sql]
    const before = ticks
    assert.deepStrictEqual(await all(second, text), await all(first, text))
    assert.isAbove(ticks, before)
  })

  it.each([
    "n := regexp_count(t, 'a*b');",
    "t := regexp_replace(t, '(a)(a|b)', '\\2\\1');",
    "if regexp_like(t, '(a+)+b') then n := 1; end if;",
    "n := nvl(length(regexp_substr(t, '(a|aa)+b', 1, 2)), 0) + regexp_instr(t, 'b{2,}', 1, 1);",
    "while not regexp_like(t, '(a|aa)+$') loop n := 1; end loop;"
  ])("gives way within a regular expression of PL/SQL, and can be broken there: %s", async (text) => {
    const sql = hurried.open()
    const before = ticks
    const block = `declare t varchar2(32767) := rpad('a', 32000, 'a'); n number := 0; begin ${text} end;`
    await sql.later(block)
    // A look is a turn by this clock.
    assert.isAbove(ticks - before, 100)
    const broken = sql.later(block).then(() => "done", (error: Error) => error.message)
    for (let turns = 0; turns < 3; turns++) await settle()
    sql.session.cancel()
    assert.strictEqual(await broken, "ORA-01013: User requested cancel of current operation.")
    assert.deepStrictEqual(await all(sql, "select 1 from dual"), [["1"]])
  })

  it("waits for what a function waits for, and is broken there", async () => {
    const sql = steady.open()
    await sql.later(
      "create function nap(n number) return number is begin if n = 3 then dbms_session.sleep(7); end if; return n; end;"
    )
    const query = "select nap(level) from dual connect by level <= 4"
    for (const [start, first] of [["select nap(3) from dual", 1], [query, 2]] as const) {
      const before = steady.sleepers.length
      const waiting = all(sql, start)
      await settle()
      assert.deepStrictEqual(steady.sleepers.slice(before).map(({ milliseconds }) => milliseconds), [7000], start)
      steady.sleepers.at(-1)!.wake()
      assert.lengthOf(await waiting as Array<unknown>, first * first)
      const broken = all(sql, start).catch((error: Error) => error.message)
      await settle()
      sql.session.cancel()
      assert.strictEqual(await broken, "ORA-01013: User requested cancel of current operation.")
      // Nothing of the query stays around what comes next.
      await sql.later("insert into i values (1, 1)")
      sql.session.rollback()
    }
  })

  it("hands on what a procedure of the tests answers later", async () => {
    assert.deepStrictEqual(await all(answering.open(), "select answer() from dual"), [["it"]])
  })
})
