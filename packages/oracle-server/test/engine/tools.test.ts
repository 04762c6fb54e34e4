/** What tools for schemas rely on: looks through the dictionary, and definitions in their own words. */
import { assert, beforeEach, describe, it } from "@effect/vitest"
import { harness, type Sql } from "./engineHarness.ts"

let sql: Sql

beforeEach(() => {
  sql = harness().open()
})

describe("a tool", () => {
  it("is told that a column is NOT NULL already, or may be null already", () => {
    sql.run("create table kept (a number not null, b number)")
    assert.match(sql.error("alter table kept modify (a not null)"), /^ORA-01442/)
    assert.match(sql.error("alter table kept modify (a number(9) not null)"), /^ORA-01442/)
    assert.match(sql.error("alter table kept modify (b null)"), /^ORA-01451/)
    assert.strictEqual(sql.error("alter table kept modify (a null, b not null)"), "none")
  })

  it("reads the length that a column was declared with", () => {
    sql.run("create table texts (a varchar2(60), b varchar2(60 char), c nvarchar2(40), d number)")
    assert.deepStrictEqual(
      sql.rows(
        "select column_name, data_length, char_col_decl_length, char_length from user_tab_columns where table_name = 'TEXTS' order by 1"
      ),
      [["A", "60", "60", "60"], ["B", "240", "240", "60"], ["C", "80", "40", "40"], ["D", "22", null, "0"]]
    )
  })

  it("reads LONG columns of the dictionary as text, by way of XML", () => {
    sql.run("create table defaults (a number default 5 not null, b varchar2(9) default 'it''s')")
    assert.deepStrictEqual(
      sql.rows(`select * from xmltable('/ROWSET/ROW' passing dbms_xmlgen.getXMLType('
        select column_name, data_default, nullable from user_tab_columns where table_name = ''DEFAULTS'' order by 1')
        columns COLUMN_NAME varchar2(30), TEXT varchar2(200) path 'DATA_DEFAULT', NULLABLE varchar2(1)) x
        where x.column_name <> 'C'`),
      [["A", "5", "N"], ["B", "'it''s'", "Y"]]
    )
    assert.match(sql.error("select * from xmltable('/a/b' passing xmltype('<a/>'))"), /^ORA-03001.*XMLTABLE/)
  })

  it("drops tables in its own words, and empties a recycle bin that is empty", () => {
    sql.run("create table gone (a number primary key)")
    sql.run("create table also_gone (a number)")
    assert.strictEqual(sql.error("drop table gone cascade constraint"), "none")
    assert.strictEqual(sql.error("drop table also_gone cascade constraints purge"), "none")
    assert.strictEqual(sql.error("purge recyclebin"), "none")
    assert.match(sql.error("purge table gone"), /^ORA-38307/)
  })

  it("finds nothing of what cannot be made", () => {
    for (
      const view of [
        "all_mview_logs",
        "all_dimensions",
        "dba_xml_tables",
        "all_xml_schemas",
        "user_sdo_geom_metadata",
        "dba_flashback_archive_tables",
        "all_registered_mviews",
        "dm_user_models",
        "user_recyclebin"
      ]
    ) {
      assert.deepStrictEqual(sql.rows(`select count(*) from ${view}`), [["0"]], view)
    }
    assert.deepStrictEqual(sql.rows("select master from all_mview_logs where log_owner = user"), [])
  })

  it("sees contexts, columns of JSON, and the properties of the database", () => {
    sql.run("create context shop using tenancy")
    assert.deepStrictEqual(sql.rows("select namespace, schema, package from dba_context"), [["SHOP", "HR", "TENANCY"]])
    sql.run("create table docs (a json, b clob check (b is json), c clob)")
    assert.deepStrictEqual(
      sql.rows("select column_name, format, data_type from user_json_columns where table_name = 'DOCS' order by 1"),
      [["A", "OSON", "JSON"], ["B", "TEXT", "CLOB"]]
    )
    assert.deepStrictEqual(
      sql.rows("select property_value from database_properties where property_name = 'NLS_CHARACTERSET'"),
      [["AL32UTF8"]]
    )
    assert.deepStrictEqual(sql.rows("select value from v$option where parameter = 'Java'"), [["FALSE"]])
    assert.deepStrictEqual(sql.rows("select comp_id, status from dba_registry order by 1"), [
      ["CATALOG", "VALID"],
      ["CATPROC", "VALID"]
    ])
  })
})
