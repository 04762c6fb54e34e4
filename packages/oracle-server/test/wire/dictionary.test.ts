import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as OracleServer from "../../src/OracleServer.ts"
import { type Connection, oracledb } from "../driver.ts"

/** What tools ask the dictionary, over a connection of the driver. */
const withTables = (work: (rows: (sql: string) => Promise<unknown>, connection: Connection) => Promise<void>) =>
  Effect.scoped(Effect.gen(function*() {
    const server = yield* OracleServer.make({
      script: `
        create table parent (id number(9) primary key, name varchar2(30) not null, constraint name_key unique (name));
        create table child (id number generated always as identity, parent number(9), amount number(10, 2) default 5,
          constraint child_parent foreign key (parent) references parent (id) on delete cascade,
          constraint positive check (amount > 0));
        create index child_amount on child (amount, parent);
        create view both as select c.id, p.name from child c join parent p on p.id = c.parent;
        comment on table child is 'the child';
        comment on column child.amount is 'how much'
      `
    })
    yield* Effect.promise(async () => {
      const connection = await oracledb.getConnection({
        user: "scott",
        password: "tiger",
        connectString: server.connectString
      })
      await work(async (sql) => (await connection.execute(sql)).rows, connection)
      await connection.close()
    })
  }))

describe("the dictionary (F28)", () => {
  it.live("shows constraints with their columns, and what they refer to", () =>
    withTables(async (rows) => {
      assert.deepStrictEqual(
        await rows(`
          select c.constraint_type, k.column_name, k.position, r.column_name, c.delete_rule
          from all_constraints c join all_cons_columns k on k.owner = c.owner and k.constraint_name = c.constraint_name
          left join all_cons_columns r on r.owner = c.r_owner and r.constraint_name = c.r_constraint_name
          where c.owner = 'SCOTT' and c.constraint_name in ('CHILD_PARENT', 'NAME_KEY', 'POSITIVE') order by 1`),
        [["C", "AMOUNT", null, null, null], ["R", "PARENT", 1, "ID", "CASCADE"], ["U", "NAME", 1, null, null]]
      )
      assert.deepStrictEqual(
        await rows("select search_condition from user_constraints where constraint_name = 'POSITIVE'"),
        [
          ["amount > 0"]
        ]
      )
    }))

  it.live("shows indexes with their columns", () =>
    withTables(async (rows) => {
      assert.deepStrictEqual(
        await rows(`
          select i.index_name, i.uniqueness, c.column_name, c.column_position, c.descend
          from user_indexes i join user_ind_columns c on c.index_name = i.index_name
          where i.index_name in ('CHILD_AMOUNT', 'NAME_KEY') order by 1, 4`),
        [
          ["CHILD_AMOUNT", "NONUNIQUE", "AMOUNT", 1, "ASC"],
          ["CHILD_AMOUNT", "NONUNIQUE", "PARENT", 2, "ASC"],
          ["NAME_KEY", "UNIQUE", "NAME", 1, "ASC"]
        ]
      )
    }))

  it.live("shows the columns of tables and views, comments, identities and tablespaces", () =>
    withTables(async (rows) => {
      assert.deepStrictEqual(
        await rows(
          "select column_name, data_type, data_length, nullable from all_tab_columns where table_name = 'BOTH'"
        ),
        [["ID", "NUMBER", 22, "N"], ["NAME", "VARCHAR2", 30, "N"]]
      )
      assert.deepStrictEqual(await rows("select comments from user_tab_comments where table_name = 'CHILD'"), [[
        "the child"
      ]])
      assert.deepStrictEqual(await rows("select comments from all_col_comments where column_name = 'AMOUNT'"), [[
        "how much"
      ]])
      assert.deepStrictEqual(await rows("select column_name, generation_type from user_tab_identity_cols"), [[
        "ID",
        "ALWAYS"
      ]])
      assert.deepStrictEqual(
        await rows(
          "select tablespace_name, iot_name, compression, has_identity from all_tables where table_name = 'CHILD'"
        ),
        [["USERS", null, "DISABLED", "YES"]]
      )
      assert.deepStrictEqual(
        await rows("select oracle_maintained from all_users where username in ('SYS', 'SCOTT') order by 1"),
        [
          ["N"],
          ["Y"]
        ]
      )
      for (
        const name of ["user_triggers", "all_mviews", "user_errors", "all_trigger_cols", "dba_tab_privs", "user_source"]
      ) {
        assert.deepStrictEqual(await rows(`select * from ${name}`), [], name)
      }
      assert.deepStrictEqual(await rows("select count(*) from session_privs where privilege = 'CREATE SESSION'"), [[1]])
    }))

  it.live("shows what sessions hold", () =>
    withTables(async (rows, connection) => {
      assert.deepStrictEqual(await rows("select value from v$parameter where name = 'open_cursors'"), [["300"]])
      await connection.createLob(oracledb["CLOB"])
      assert.deepStrictEqual(await rows("select cache_lobs from v$temporary_lobs"), [[1]])
      const open = await rows(`
        select s.value from v$sesstat s join v$statname n on n.statistic# = s.statistic#
        where n.name = 'opened cursors current'`)
      assert.isAtLeast((open as [[number]])[0][0], 1)
      assert.deepStrictEqual(
        await rows("select count(*) from v$open_cursor where sql_text like 'select value from v$parameter%'"),
        [[1]]
      )
    }))

  it.live("compares rows as often as they occur, as reflection does", () =>
    withTables(async (rows) => {
      const pairs = (sql: string) => `select column_value from (${sql}) order by 1`
      const left = "select 1 column_value from dual union all select 1 from dual union all select 2 from dual"
      const right = "select 1 column_value from dual"
      assert.deepStrictEqual(await rows(pairs(`(${left}) minus all (${right})`)), [[1], [2]])
      assert.deepStrictEqual(await rows(pairs(`(${left}) except all (${right})`)), [[1], [2]])
      assert.deepStrictEqual(await rows(pairs(`(${left}) intersect all (${right})`)), [[1]])
      assert.deepStrictEqual(await rows(pairs(`(${left}) minus (${right})`)), [[2]])
    }))

  it.live("names the product after the version that the server claims (F14)", () =>
    Effect.gen(function*() {
      const server = yield* OracleServer.make({ version: "19.3.0.0.0" })
      const banner = yield* Effect.promise(async () => {
        const connection = await oracledb.getConnection({
          user: "scott",
          password: "tiger",
          connectString: server.connectString
        })
        const { rows } = await connection.execute(
          "select banner, version_full from v$version, product_component_version"
        )
        await connection.close()
        return rows
      })
      assert.deepStrictEqual(banner, [[
        "Oracle Database 19c Enterprise Edition Release 19.0.0.0.0 - Production",
        "19.3.0.0.0"
      ]])
    }))
})
