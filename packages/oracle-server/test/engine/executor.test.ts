/** The executor: breaks, turns of the event loop, bounds, and the same answers whichever way a plan takes. */
import * as fc from "fast-check"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { harness, type Sql } from "./engineHarness.ts"

const opened: Array<{ readonly close: () => void }> = []
/** By the real clock, where `run` would not do: what works for long answers a promise. */
const fresh = (options: Parameters<typeof harness>[0] = {}) => {
  const made = harness({ ...options, host: { clock: () => performance.now() } })
  opened.push(made.engine)
  return made
}
afterAll(() => {
  for (const engine of opened) engine.close()
})

const numbers = async (sql: Sql, table: string, count: number): Promise<void> => {
  sql.run(`create table ${table} (id number, n number)`)
  await sql.later(`insert into ${table} select level, mod(level, 7) from dual connect by level <= ${count}`)
}

const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(() => "none", (cause: Error) => cause.message)

/** Rounds of the event loop while the promise is pending. */
const rounds = async (promise: Promise<unknown>): Promise<number> => {
  const state = { pending: true }
  const done = (): void => {
    state.pending = false
  }
  promise.then(done, done)
  let count = 0
  while (state.pending) {
    await new Promise((resolve) => setImmediate(resolve))
    count++
  }
  return count
}

const long = {
  "a nested join": "select count(*) from a x, a y, a z where x.id + y.id + z.id = -1",
  "a join over hash tables": "select count(*) from a x, a y, a z where x.n = y.n and y.n = z.n",
  "a subquery for each row":
    "select count(*) from a x where (select count(*) from a y, a z where y.id + z.id = x.id) = -1",
  "a sort": "select id from (select x.id from a x, a y, a z order by x.n, y.n desc)",
  "groups": "select x.n, y.n, count(*) from a x, a y, a z group by x.n, y.n",
  "distinct rows": "select count(*) from (select distinct x.id, y.id from a x, a y, a z)",
  "analytic functions":
    "select count(*) from (select row_number() over (partition by x.n order by y.id) from a x, a y, a z)",
  "a set operator":
    "select count(*) from (select x.id, y.id from a x, a y, a z minus select x.id, y.id from a x, a y, a z)",
  "a hierarchy": "select count(*) from dual connect by level <= 100000000",
  "recursion":
    "with t(n) as (select 1 from dual union all select n + 1 from t where n < 100000000) select count(*) from t"
}

describe("a statement that works for long", () => {
  const { open } = fresh({ memoryLimit: 2 ** 40 })
  const sql = open()
  beforeAll(() => numbers(sql, "a", 1000).then(() => sql.session.commit()))

  it.each(Object.entries(long))("gives the event loop its turns and obeys a break: %s (F1)", async (_, text) => {
    const running = sql.later(text)
    const error = failure(running)
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    sql.session.cancel()
    assert.strictEqual(await error, "ORA-01013: User requested cancel of current operation.")
    // The session goes on as before.
    assert.strictEqual(sql.value("select count(*) from a"), "1000")
  })

  it("is broken in a fetch too, and the cursor is closed (F1)", async () => {
    const { cursor } = sql.run(
      "select x.id from a x, a y, a z where x.id = 1 and y.id = 1 and z.id = 1 or x.id + y.id + z.id = -1"
    )
    assert.isFalse(cursor!.exhausted)
    const rows = sql.session.fetch(cursor!, 10)
    assert.instanceOf(rows, Promise)
    const error = failure(rows as Promise<unknown>)
    await new Promise((resolve) => setImmediate(resolve))
    sql.session.cancel()
    assert.match(await error, /^ORA-01013/)
    assert.isTrue(cursor!.exhausted)
  })

  it("is broken within DML, which leaves nothing behind (F1)", async () => {
    const running = sql.later("insert into a select x.id, 0 from a x, a y, a z")
    const error = failure(running)
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    sql.session.cancel()
    assert.match(await error, /^ORA-01013/)
    assert.strictEqual(sql.value("select count(*) from a"), "1000")
  })

  it.each([
    ["a loop", "begin loop null; end loop; end;"],
    [
      "a query in a block",
      "declare n number; begin select count(*) into n from a x, a y, a z where x.id = -y.id - z.id; end;"
    ],
    [
      "a function called by SQL",
      "declare function f(x number) return number is begin loop null; end loop; end; n number; begin n := f(1); end;"
    ]
  ])("is broken in PL/SQL: %s (F1)", async (_, text) => {
    const error = failure(sql.later(text))
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    sql.session.cancel()
    assert.match(await error, /^ORA-01013/)
  })

  it("lets other sessions work beside it", async () => {
    const other = open()
    const running = sql.later("select count(*) from a x, a y where x.id + y.id = 7")
    const turns = rounds(running)
    assert.strictEqual(other.value("select count(*) from a"), "1000")
    assert.isAbove(await turns, 1)
    const { cursor } = await running
    assert.deepStrictEqual(sql.session.fetch(cursor!, 1), [["6"]])
  })

  it("does the work of the rows that are fetched", () => {
    // The whole of it would take hours.
    const { cursor } = sql.run("select x.id from a x, a y, a z, a w")
    assert.deepStrictEqual(sql.session.fetch(cursor!, 3), [["1"], ["1"], ["1"]])
    sql.session.closeCursor(cursor!)
  })
})

describe("bounds", () => {
  it("refuses a statement more memory than there is, and goes on (F1)", async () => {
    const { open } = fresh({ memoryLimit: 4_000_000 })
    const sql = open()
    await numbers(sql, "a", 1000)
    const error = await failure(sql.later("select count(*) from (select x.id, y.id from a x, a y order by 1)"))
    assert.match(error, /^ORA-04030: out of process memory/)
    assert.match(await failure(sql.later("insert into a select x.id, 1 from a x, a y")), /^ORA-04030/)
    assert.strictEqual(sql.value("select count(*) from a"), "1000")
  })

  it("gives back what statements and deleted rows held", () => {
    const { open } = harness({ memoryLimit: 2_000_000 })
    const sql = open()
    sql.run("create table t (id number, text varchar2(100))")
    for (let round = 0; round < 20; round++) {
      sql.run("insert into t select level, rpad('x', 100, 'x') from dual connect by level <= 1000")
      sql.session.commit()
      assert.strictEqual(sql.value("select max(id) from (select id from t order by text)"), "1000")
      sql.run("delete from t")
      sql.session.commit()
    }
  })

  it.each([
    ["with t(n) as (select 1 from dual union all select 1 from t) select count(*) from t"],
    ["with t(n) as (select 1 from dual union all select n + 1 from t) select count(*) from t"],
    ["with t(n) as (select 1 from dual union all select 3 - n from t where n < 3) select count(*) from t"]
  ])("finds the cycle of a recursion: %s (F1)", (text) => {
    assert.strictEqual(harness().open().error(text), "ORA-32044: cycle detected while executing recursive WITH query")
  })

  it("walks a long recursion that has no cycle", async () => {
    const sql = fresh().open()
    const text =
      "with t(n) as (select 1 from dual union all select n + 1 from t where n < 20000) select count(*) from t"
    const { cursor } = await sql.later(text)
    assert.deepStrictEqual(sql.session.fetch(cursor!, 1), [["20000"]])
  })

  it("takes long lists, sums, unions and inserts (F21)", () => {
    const sql = harness().open()
    const list = (count: number, of: (n: number) => string, by: string) =>
      Array.from({ length: count }, (_, n) => of(n)).join(by)
    assert.strictEqual(sql.value(`select count(*) from dual where 1499 in (${list(1500, String, ",")})`), "1")
    assert.strictEqual(sql.value(`select ${list(3000, () => "1", " + ")} from dual`), "3000")
    assert.strictEqual(
      sql.value(`select count(*) from (${list(800, (n) => `select ${n} n from dual`, " union all ")})`),
      "800"
    )
    assert.strictEqual(sql.value(`select length(${list(1000, () => "'x'", " || ")}) from dual`), "1000")
    assert.strictEqual(
      sql.value(`select count(*) from dual where ${list(2000, (n) => `${n} = -1`, " or ")} or 1 = 1`),
      "1"
    )
    sql.run("create table t (n number)")
    assert.strictEqual(sql.run(`insert into t values ${list(700, (n) => `(${n})`, ",")}`).rowCount, 700)
    assert.match(sql.error(`select 1 from dual where 1 in (${list(65_536, String, ",")})`), /^ORA-01795/)
  })
})

const cell = fc.option(fc.integer({ min: 0, max: 4 }), { nil: null })
const rows = fc.array(fc.tuple(cell, cell), { maxLength: 8 })
const literal = (value: number | null): string => value === null ? "null" : String(value)

/** The same questions to tables with indexes and without: the plans differ, the answers must not. */
const questions = [
  "select count(*) from l join r on l.a = r.a",
  "select l.a, r.b from l, r where l.a = r.a and l.b <= r.b",
  "select l.a, r.a from l left join r on l.a = r.a and r.b > 1",
  "select l.a, r.a from l left join r on l.a = r.a where r.b is null",
  "select l.a, r.a from l right join r on l.a = r.a",
  "select l.a, r.a from l full join r on l.a = r.a and l.b = r.b",
  "select l.a, r.a from l, r where l.a = r.a(+) and r.b(+) = 2",
  "select a, b from l where exists (select 1 from r where r.a = l.a and r.b >= l.b)",
  "select a, b from l where not exists (select 1 from r where r.a = l.a)",
  "select a, b from l where a in (select r.a from r)",
  "select a, b from l where a not in (select r.a from r)",
  "select a, b from l where (a, b) in (select r.a, r.b from r)",
  "select a, b from l where (a, b) not in (select r.a, r.b from r)",
  "select a, b from l where a > all (select r.a from r)",
  "select a, b from l where a = any (select r.b from r where r.a = l.b)",
  "select a, (select max(r.b) from r where r.a = l.a) m from l",
  "select a, b from l where a between 1 and 3 and b < 4",
  "select a, b from l where a in (1, 3, null)",
  "select a, count(*), sum(b), min(b) from l group by a having count(*) > 1",
  "select l.a, q.c from l join (select a, count(*) c from r group by a) q on q.a = l.a",
  "select l.a, q.b from l join (select a, b from r where b > 0) q on q.a = l.a",
  "select l.a, q.b from l left join (select a, b from r where b > 0) q on q.a = l.a",
  "with q as (select a, b from r) select x.a, y.b from q x, q y where x.a = y.b",
  "select a from l intersect select a from r",
  "select a, b from l minus select a, b from r",
  "select a from l union select b from r",
  "select x.a, y.b, r.a from l x, l y, r where x.a = y.b and y.a = r.b"
]

const sorted = (list: ReadonlyArray<ReadonlyArray<unknown>>): ReadonlyArray<string> =>
  list.map((row) => JSON.stringify(row)).sort()

describe("plans", () => {
  it("give the same rows with indexes and without", () => {
    fc.assert(
      fc.property(rows, rows, (left, right) => {
        const { engine, open } = harness()
        try {
          const bare = open("BARE")
          const indexed = open("INDEXED")
          for (const sql of [bare, indexed]) {
            sql.run("create table l (a number, b number)")
            sql.run("create table r (a number, b number)")
            if (sql === indexed) {
              for (const text of ["l1 on l(a)", "l2 on l(b, a)", "r1 on r(a, b)", "r2 on r(b)"]) {
                sql.run(`create index ${text}`)
              }
            }
            for (const [table, list] of [["l", left], ["r", right]] as const) {
              for (const [a, b] of list) sql.run(`insert into ${table} values (${literal(a)}, ${literal(b)})`)
            }
          }
          for (const question of questions) {
            assert.deepStrictEqual([question, ...sorted(indexed.rows(question))], [
              question,
              ...sorted(bare.rows(question))
            ])
          }
          const naive = left.flatMap(([a, b]) => right.filter((r) => a !== null && r[0] === a).map((r) => [a, b, ...r]))
          assert.strictEqual(bare.value("select count(*) from l join r on l.a = r.a"), String(naive.length))
          const members = new Set(right.map(([a]) => a))
          const outside = left.filter(([a]) =>
            right.length === 0 || (a !== null && !members.has(a) && !members.has(null))
          )
          assert.strictEqual(bare.rows("select a, b from l where a not in (select r.a from r)").length, outside.length)
        } finally {
          engine.close()
        }
      }),
      { numRuns: 40 }
    )
  })

  it("follow an index through changes, rollbacks and ranges", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("insert" as const), a: cell }),
      fc.record({ kind: fc.constant("update" as const), a: cell, to: cell }),
      fc.record({ kind: fc.constant("delete" as const), a: cell }),
      fc.record({ kind: fc.constantFrom("commit" as const, "rollback" as const) })
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const { engine, open } = harness()
        try {
          const sql = open()
          sql.run("create table t (a number, b number)")
          sql.run("create index i on t(a)")
          for (const change of steps) {
            if (change.kind === "insert") sql.run(`insert into t values (${literal(change.a)}, 1)`)
            else if (change.kind === "update") {
              sql.run(`update t set a = ${literal(change.to)} where a = ${literal(change.a)}`)
            } else if (change.kind === "delete") sql.run(`delete from t where a = ${literal(change.a)}`)
            else sql.session[change.kind]()
            // The arithmetic keeps the second of each pair from the index.
            assert.deepStrictEqual(sql.rows("select a from t where a = 2"), sql.rows("select a from t where a + 0 = 2"))
            assert.deepStrictEqual(
              sorted(sql.rows("select a from t where a > 1 and a <= 3")),
              sorted(sql.rows("select a from t where a + 0 > 1 and a + 0 <= 3"))
            )
          }
        } finally {
          engine.close()
        }
      }),
      { numRuns: 60 }
    )
  })
})

describe("analytic functions", () => {
  const { open } = fresh()
  const sql = open()
  sql.run("create table t (id number, g varchar2(1), n number)")
  sql.run("insert into t values (1, 'a', 10), (2, 'a', 20), (3, 'a', 20), (4, 'b', null), (5, 'b', 5)")

  it.each([
    ["sum(n) over (order by id rows between 1 preceding and current row)", ["10", "30", "40", "20", "5"]],
    ["sum(n) over (partition by g order by n)", ["10", "50", "50", "5", "5"]],
    ["count(*) over (partition by g)", ["3", "3", "3", "2", "2"]],
    ["rank() over (partition by g order by n desc)", ["3", "1", "1", "1", "2"]],
    ["percent_rank() over (partition by g order by n)", ["0", "0.5", "0.5", "1", "0"]],
    ["cume_dist() over (order by id)", ["0.2", "0.4", "0.6", "0.8", "1"]],
    ["ntile(2) over (order by id)", ["1", "1", "1", "2", "2"]],
    ["lag(n ignore nulls) over (order by id)", [null, "10", "20", "20", "20"]],
    ["last_value(n ignore nulls) over (order by id)", ["10", "20", "20", "20", "5"]],
    ["listagg(g) within group (order by id) over (partition by g)", ["aaa", "aaa", "aaa", "bb", "bb"]],
    ["max(n) over (order by id rows between current row and 1 following)", ["20", "20", "20", "5", "5"]],
    ["sum(count(*)) over ()", ["5", "5", "5", "5", "5"]]
  ])("%s", (text, expected) => {
    const group = text.includes("count(*))") ? " group by id" : ""
    assert.deepStrictEqual(sql.rows(`select ${text} from t${group} order by id`).map(([value]) => value), expected)
  })

  it("keeps the first and the last of a group", () => {
    assert.deepStrictEqual(
      sql.rows(
        "select g, max(id) keep (dense_rank first order by n), min(id) keep (dense_rank last order by n) from t group by g order by g"
      ),
      [["a", "1", "2"], ["b", "5", "4"]]
    )
  })
})

describe("hierarchies", () => {
  const { open } = fresh()
  const sql = open()
  sql.run("create table e (id number, boss number, name varchar2(10))")
  sql.run("insert into e values (1, null, 'Ann'), (2, 1, 'Bob'), (3, 1, 'Cyd'), (4, 2, 'Dan')")

  it("knows leaves, roots and paths", () => {
    assert.deepStrictEqual(
      sql.rows(
        "select level, connect_by_isleaf, connect_by_root name, sys_connect_by_path(name, '/') from e start with boss is null connect by prior id = boss order siblings by name"
      ),
      [
        ["1", "0", "Ann", "/Ann"],
        ["2", "0", "Ann", "/Ann/Bob"],
        ["3", "1", "Ann", "/Ann/Bob/Dan"],
        ["2", "1", "Ann", "/Ann/Cyd"]
      ]
    )
  })

  it("goes over a join", () => {
    assert.deepStrictEqual(
      sql.rows(
        "select e.name, level from e, (select 4 m from dual) k where e.id <= k.m start with e.boss is null connect by prior e.id = e.boss order by level, name"
      ),
      [["Ann", "1"], ["Bob", "2"], ["Cyd", "2"], ["Dan", "3"]]
    )
  })

  it("finds loops", () => {
    sql.run("update e set boss = 4 where id = 1")
    assert.match(sql.error("select id from e start with id = 1 connect by prior id = boss"), /^ORA-01436/)
    assert.deepStrictEqual(
      sql.rows("select id, connect_by_iscycle from e start with id = 1 connect by nocycle prior id = boss order by id"),
      [["1", "0"], ["2", "0"], ["3", "0"], ["4", "1"]]
    )
    sql.session.rollback()
  })
})
