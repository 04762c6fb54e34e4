/** What queries hand out beside plain values, over a connection of the driver: cursors in rows, JSON, vectors, both images of a row. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as OracleServer from "../../src/OracleServer.ts"
import { type Connection, oracledb } from "../driver.ts"

const withConnection = (work: (connection: Connection) => Promise<void>) =>
  Effect.scoped(Effect.gen(function*() {
    const server = yield* OracleServer.make({
      script: `
        create table shop (id number primary key, name varchar2(10), doc json);
        insert into shop values (1, 'north', '{"open":true,"big":1.5,"list":[1,"x",null]}');
        insert into shop values (2, 'south', null);
        create table sale (shop number, amount number);
        insert into sale values (1, 10);
        insert into sale values (1, 20);
        insert into sale values (2, 30)
      `
    })
    yield* Effect.promise(async () => {
      const connection = await oracledb.getConnection({
        user: "scott",
        password: "tiger",
        connectString: server.connectString
      })
      try {
        await work(connection)
      } finally {
        await connection.close()
      }
    })
  }))

describe("values of queries", () => {
  it.live("are cursors that the driver fetches on their own", () =>
    withConnection(async (connection) => {
      const text = "select name, cursor(select amount from sale where shop = s.id order by 1) from shop s order by id"
      const { rows } = await connection.execute(text)
      // node-oracledb reads cursors in rows to their ends.
      assert.deepStrictEqual(rows, [["north", [[10], [20]]], ["south", [[30]]]])
    }))

  it.live("are JSON values, and vectors as typed arrays", () =>
    withConnection(async (connection) => {
      const { rows } = await connection.execute(
        "select s.doc, s.doc.list[1], json_object('n' value s.name returning json), to_vector('[1,2.5]') from shop s where id = 1"
      )
      assert.deepStrictEqual(rows, [[
        { open: true, big: 1.5, list: [1, "x", null] },
        "x",
        { n: "north" },
        Float32Array.of(1, 2.5)
      ]])
    }))

  it.live("are rows of JSON_TABLE over a bound document", () =>
    withConnection(async (connection) => {
      const { rows } = await connection.execute(
        "select t.a, t.b from json_table(:1, '$[*]' columns (a number path '$.a', b varchar2(5) path '$.b')) t",
        [JSON.stringify([{ a: 1, b: "x" }, { a: 2 }])]
      )
      assert.deepStrictEqual(rows, [[1, "x"], [2, null]])
    }))

  it.live("are the row as it was and as it is", () =>
    withConnection(async (connection) => {
      const { outBinds } = await connection.execute(
        "update sale set amount = amount + 1 where shop = 2 returning old amount, new amount into :1, :2",
        [{ dir: oracledb.BIND_OUT, type: oracledb.NUMBER }, { dir: oracledb.BIND_OUT, type: oracledb.NUMBER }]
      )
      assert.deepStrictEqual(outBinds, [[30], [31]])
    }))
})
