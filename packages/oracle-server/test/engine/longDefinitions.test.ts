/** Definitions over many rows: others work meanwhile, a break stops them, and what is broken leaves nothing behind. */
import { assert, describe, it } from "@effect/vitest"
import { harness } from "./engineHarness.ts"

/** A clock by which every look takes a slice: whatever can give way gives way. */
const hurried = () => {
  let now = 0
  return harness({ host: { clock: () => now += 5 } })
}

type Harness = ReturnType<typeof hurried>

const filled = async (h: Harness) => {
  await h.engine.runScript(
    "HR",
    `create table parent (id number primary key);
     create table big (id number, n number, p number, c char(3));
     insert into parent select level from dual connect by level <= 2000;
     insert into big select level, mod(level, 7), level, 'c' from dual connect by level <= 2000`
  )
  return h.open()
}

const facts = (h: Harness) => {
  const sql = h.open()
  const take = async (text: string) => {
    const result = await sql.session.execute(sql.session.parse(text), { bindTypes: [] })
    return await sql.session.fetch(result.cursor!, 10_000)
  }
  return {
    take,
    all: async () => ({
      objects: await take("select object_name, object_type from user_objects order by 1, 2"),
      constraints: await take("select constraint_name from user_constraints where table_name = 'BIG'"),
      columns: await take("select column_name, nullable, data_length from user_tab_columns where table_name = 'BIG'"),
      rows: await take("select count(*), sum(n), sum(p), sum(length(c)) from big")
    })
  }
}

const definitions = [
  "create table copied as select b.id, b.n from big b, (select 1 from dual connect by level <= 10)",
  "create index big_n on big (n, id)",
  "create unique index big_id on big (id)",
  "alter table big add constraint big_pk primary key (id)",
  "alter table big add constraint big_fk foreign key (p) references parent",
  "alter table big add constraint big_check check (n < 7)",
  "alter table big add (more number default 5 not null)",
  "alter table big modify (n not null, id number default 1)",
  "alter table big modify (c char(9))"
]

describe("a definition over many rows", () => {
  for (const text of definitions) {
    it(`can be broken and then be made again: ${text}`, async () => {
      const h = hurried()
      const sql = await filled(h)
      const before = await facts(h).all()
      const broken = sql.later(text).then(() => "done", (error: Error) => error.message.slice(0, 9))
      // It gives way more than once before it is done.
      for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve))
      sql.session.cancel()
      assert.strictEqual(await broken, "ORA-01013")
      assert.deepStrictEqual(await facts(h).all(), before)
      // Nothing is held any more: another session makes it, and its own changes go on.
      const other = h.open()
      await other.later("update big set n = n")
      other.session.rollback()
      await other.later(text)
      assert.notDeepEqual(await facts(h).all(), before)
      const { take } = facts(h)
      assert.deepStrictEqual(await take("select count(*) from big where n = 3 and id = 3"), [["1"]])
      h.engine.close()
    })
  }

  it("keeps writers out until it is done, and lets readers in", async () => {
    const h = hurried()
    const sql = await filled(h)
    const definition = sql.later("create index big_n on big (n)")
    await new Promise((resolve) => setImmediate(resolve))
    const events: Array<string> = []
    const other = h.open()
    const write = other.later("update big set n = 1000 where id = 1").then(() => events.push("written"))
    const { take } = facts(h)
    assert.deepStrictEqual(await take("select count(*) from big"), [["2000"]])
    events.push("read")
    await definition
    events.push("defined")
    await write
    assert.deepStrictEqual(events.filter((event) => event !== "read"), ["defined", "written"])
    other.session.commit()
    assert.deepStrictEqual(await take("select id from big where n = 1000"), [["1"]])
    const third = h.open()
    await third.later("update big set n = 1 where id = 2")
    const busy = await sql.later("alter table big add (x number)").then(
      () => "done",
      (error: Error) => error.message.slice(0, 9)
    )
    assert.strictEqual(busy, "ORA-00054")
    h.engine.close()
  })

  it("and DML over many rows are taken back in turns when they are broken", async () => {
    const h = hurried()
    const sql = await filled(h)
    const before = await facts(h).all()
    const broken = sql.later(
      "insert into big select a.id, 1, 1, null from big a, (select 1 from dual connect by level <= 20)"
    )
      .then(() => "done", (error: Error) => error.message.slice(0, 9))
    for (let turns = 0; turns < 12; turns++) await new Promise((resolve) => setImmediate(resolve))
    sql.session.cancel()
    // A second break comes while the first one is being carried out.
    await new Promise((resolve) => setImmediate(resolve))
    sql.session.cancel()
    assert.strictEqual(await broken, "ORA-01013")
    assert.isFalse(sql.session.inTransaction)
    assert.deepStrictEqual(await facts(h).all(), before)
    h.engine.close()
  })
})
