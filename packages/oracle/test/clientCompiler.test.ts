import { assert, describe, it } from "@effect/vitest"
import { OracleClient } from "@sessionpool/oracle"
import { Effect } from "effect"
import type { Statement } from "effect/sql"
import { openClient, transforms } from "./openClient.ts"

/** A client that is never asked for more than the text of statements. */
const compiling = (options: OracleClient.ClientOptions = {}) =>
  Effect.map(openClient({ serverVersion: "23.7.0.25.1", ...options }), ({ sql }) => sql)

const older = { serverVersion: "19.3.0.0.0" }

const scoped = <E>(test: (sql: OracleClient.OracleClient) => Effect.Effect<void, E>, options = {}) => () =>
  Effect.scoped(Effect.flatMap(compiling(options), test))

const compiles = (
  statement: Statement.Statement<unknown>,
  text: string,
  params: ReadonlyArray<unknown> = []
): void => {
  const [sql, found] = statement.compile()
  assert.strictEqual(sql, text)
  assert.deepStrictEqual(found, params)
}

const now = new Date(0)

describe("statements", () => {
  it.live(
    "numbers binds by their places",
    scoped((sql) =>
      Effect.sync(() => {
        compiles(sql`select * from t where a = ${1} and b = ${"x"}`, "select * from t where a = :1 and b = :2", [
          1,
          "x"
        ])
        const half = sql`b = ${2}`
        compiles(sql`select * from t where ${half} or ${half}`, "select * from t where b = :1 or b = :2", [2, 2])
      })
    )
  )

  it.live(
    "leaves the placeholders of unsafe text alone",
    scoped((sql) =>
      Effect.sync(() => compiles(sql.unsafe("select :a, ':b' from dual", [1]), "select :a, ':b' from dual", [1]))
    )
  )

  it.live(
    "insert of one row",
    scoped((sql) =>
      Effect.sync(() => {
        compiles(
          sql`INSERT INTO people ${sql.insert({ name: "Tim", age: 10 })}`,
          `INSERT INTO people ("NAME","AGE") VALUES (:1,:2)`,
          ["Tim", 10]
        )
        compiles(
          sql`INSERT INTO people ${sql.insert({ name: "Tim" }).returning("*")}`,
          `INSERT INTO people ("NAME") VALUES (:1) RETURNING *`,
          ["Tim"]
        )
      })
    )
  )

  it.live(
    "insert of expressions and described values",
    scoped((sql) =>
      Effect.sync(() => {
        const [text, params] = sql`INSERT INTO people ${
          sql.insert({ name: sql`upper(${"Tim"})`, born: sql.literal("sysdate"), data: OracleClient.json({ a: 1 }) })
        }`.compile()
        assert.strictEqual(text, `INSERT INTO people ("NAME","BORN","DATA") VALUES (upper(:1),sysdate,:2)`)
        assert.lengthOf(params, 2)
      })
    )
  )

  it.live(
    "insert of many rows from 23ai on",
    scoped((sql) =>
      Effect.sync(() =>
        compiles(
          sql`INSERT INTO people ${sql.insert([{ name: "Tim", age: 1 }, { name: "John", age: null }])}`,
          `INSERT INTO people ("NAME","AGE") VALUES (:1,:2),(:3,:4)`,
          ["Tim", 1, "John", null]
        )
      )
    )
  )

  it.live(
    "insert of many rows on older databases",
    scoped((sql) =>
      Effect.sync(() => {
        compiles(
          sql`INSERT INTO people ${sql.insert([{ name: "Tim", age: 1 }, { name: "John", age: null }])}`,
          `INSERT INTO people ("NAME","AGE") SELECT :1,:2 FROM DUAL UNION ALL SELECT :3,NULL FROM DUAL`,
          ["Tim", 1, "John"]
        )
        // A column of two kinds cannot be a query.
        const [text, params] = sql`INSERT INTO t ${sql.insert([{ a: 1 }, { a: "x" }])}`.compile()
        assert.strictEqual(text, `INSERT INTO t ("A") VALUES (:1)`)
        assert.lengthOf(params, 1)
        assert.strictEqual(sql`INSERT INTO t ${sql.insert([{ a: 1 }, { a: "x".repeat(5000) }])}`.compile()[0], text)
      }), older)
  )

  it.live(
    "update",
    scoped((sql) =>
      Effect.sync(() => {
        compiles(sql`UPDATE people SET ${sql.update({ name: "Tim" })}`, `UPDATE people SET "NAME" = :1`, ["Tim"])
        compiles(
          sql`UPDATE people SET ${sql.update({ name: "Tim", age: 10 }, ["age"])}`,
          `UPDATE people SET "NAME" = :1`,
          ["Tim"]
        )
      })
    )
  )

  it.live(
    "update returning comes last, where Oracle wants it",
    scoped((sql) =>
      Effect.sync(() =>
        compiles(
          sql`UPDATE people SET ${sql.update({ name: "Tim" }).returning("*")} WHERE id = ${1}`,
          `UPDATE people SET "NAME" = :1 WHERE id = :2 RETURNING *`,
          ["Tim", 1]
        )
      )
    )
  )

  it.live(
    "updateValues through merge",
    scoped((sql) =>
      Effect.sync(() => {
        compiles(
          sql`UPDATE people SET name = data.name FROM ${sql.updateValues([{ name: "Tim" }, { name: "John" }], "data")}`,
          `MERGE INTO people USING (SELECT :1 AS "NAME" FROM DUAL UNION ALL SELECT :2 FROM DUAL) "DATA" ON (1 = 1) `
            + `WHEN MATCHED THEN UPDATE SET name = data.name`,
          ["Tim", "John"]
        )
        compiles(
          sql`UPDATE people p SET name = data.name, age = ${7} FROM ${
            sql.updateValues([{ id: 1, name: "Tim" }, { id: 2, name: null }], "data")
          } WHERE p.id = data.id AND age > ${5}`,
          `MERGE INTO people p USING (SELECT :1 AS "ID",:2 AS "NAME" FROM DUAL UNION ALL SELECT :3,NULL FROM DUAL) "DATA" `
            + `ON (p.id = data.id AND age > :4) WHEN MATCHED THEN UPDATE SET name = data.name, age = :5`,
          [1, "Tim", 2, 5, 7]
        )
        compiles(
          sql`MERGE INTO people USING ${sql.updateValues([{ id: 1 }], "d")} ON (people.id = d.id)`,
          `MERGE INTO people USING (SELECT :1 AS "ID" FROM DUAL) "D" ON (people.id = d.id)`,
          [1]
        )
      })
    )
  )

  it.live(
    "updateValues returning",
    scoped((sql) =>
      Effect.sync(() => {
        const merge = `MERGE INTO people USING (SELECT :1 AS "NAME" FROM DUAL) "DATA" ON (1 = 1) WHEN MATCHED THEN `
          + `UPDATE SET name = data.name`
        compiles(
          sql`UPDATE people SET name = data.name FROM ${sql.updateValues([{ name: "Tim" }], "data").returning("*")}`,
          `${merge} RETURNING *`,
          ["Tim"]
        )
        compiles(
          sql`UPDATE people SET name = data.name FROM ${
            sql.updateValues([{ name: "Tim" }], "data")
          } WHERE 1 = 1 returning *`,
          `${merge} returning *`,
          ["Tim"]
        )
      })
    )
  )

  it.live(
    "lists",
    scoped((sql) =>
      Effect.sync(() => {
        compiles(
          sql`SELECT * FROM ${sql("people")} WHERE id IN ${sql.in([1, 2, "string"])}`,
          `SELECT * FROM "PEOPLE" WHERE id IN (:1,:2,:3)`,
          [1, 2, "string"]
        )
        compiles(sql`SELECT 1 FROM p WHERE ${sql.in("id", [1, 2])}`, `SELECT 1 FROM p WHERE "ID" IN (:1,:2)`, [1, 2])
        compiles(sql`SELECT 1 FROM p WHERE ${sql.in("id", [])}`, `SELECT 1 FROM p WHERE 1=0`)
        compiles(
          sql`SELECT 1 FROM p WHERE id IN ${sql.in([])}`,
          `SELECT 1 FROM p WHERE id IN (select null from dual where 1=0)`
        )
        compiles(sql`insert into t values ${sql.in([1])}`, `insert into t values (:1)`, [1])
        const [long] = sql`SELECT 1 FROM p WHERE id IN ${sql.in(Array.from({ length: 1001 }, (_, n) => n))}`.compile()
        assert.match(long, /^SELECT 1 FROM p WHERE id IN \(:1,:2,.*:1001\)$/)
      })
    )
  )

  it.live(
    "lists that are longer than an older server takes (E3)",
    scoped((sql) =>
      Effect.sync(() => {
        const values = Array.from({ length: 1001 }, (_, n) => n)
        const shortened = (statement: Statement.Statement<unknown>) =>
          statement.compile()[0].replace(/\((?::\d+,)+:\d+\)/g, "(…)").replace(/\(:\d+\)/g, "(1)")
        assert.strictEqual(
          shortened(sql`select 1 from p where a = 1 and ${sql.in("p.id", values)} and b = 2`),
          `select 1 from p where a = 1 and ("P"."ID" IN (…) OR "P"."ID" IN (1)) and b = 2`
        )
        assert.strictEqual(
          shortened(sql`select 1 from p where not upper(a) not in /* in */ ${sql.in(values)}`),
          `select 1 from p where not (upper(a) NOT IN (…) AND upper(a) NOT IN (1))`
        )
        assert.strictEqual(
          shortened(sql`select case when f(a, ${7}) in ${sql.in(values)} then 1 end from p`),
          `select case when (f(a, :1) IN (…) OR f(a, :1002) IN (1)) then 1 end from p`
        )
        // A word in a comment or a text is no IN.
        assert.strictEqual(shortened(sql`select 1 from p -- in\n${sql.in(values)}`), `select 1 from p -- in\n(…)`)
      }), older)
  )

  it.live(
    "updateValues among comments, literals and subqueries (E6)",
    scoped((sql) =>
      Effect.sync(() =>
        compiles(
          sql`-- from set\nupdate people /* set */ p set name = (select ' from ' || d.name from dual), age = ${7} -- x\nfrom ${
            sql.updateValues([{ id: 1, name: "a" }], "d")
          } -- where\nwhere p.id = d.id and p.name <> ' returning ' returning p.id`,
          `MERGE INTO people /* set */ p USING (SELECT :1 AS "ID",:2 AS "NAME" FROM DUAL) "D" ON `
            + `(p.id = d.id and p.name <> ' returning ') WHEN MATCHED THEN UPDATE SET `
            + `name = (select ' from ' || d.name from dual), age = :3 returning p.id`,
          [1, "a", 7]
        )
      )
    )
  )

  it.live(
    "and, or, csv, join",
    scoped((sql) =>
      Effect.sync(() => {
        compiles(
          sql`SELECT * FROM p WHERE ${sql.and([sql.in("name", ["Tim", "John"]), sql`created_at < ${now}`])}`,
          `SELECT * FROM p WHERE ("NAME" IN (:1,:2) AND created_at < :3)`,
          ["Tim", "John", now]
        )
        compiles(
          sql`SELECT * FROM p WHERE ${sql.or(["a = 1", sql`b = ${2}`])}`,
          `SELECT * FROM p WHERE (a = 1 OR b = :1)`,
          [2]
        )
        compiles(sql`SELECT * FROM p ${sql.csv("ORDER BY", ["a", sql`b`])}`, `SELECT * FROM p ORDER BY a,b`)
        compiles(sql`SELECT * FROM p WHERE ${sql.and([])}`, `SELECT * FROM p WHERE 1=1`)
      })
    )
  )

  it.live(
    "limit and offset",
    scoped((sql) =>
      Effect.sync(() => {
        compiles(sql`SELECT 1 FROM p ${OracleClient.limit(5)}`, "SELECT 1 FROM p FETCH NEXT :1 ROWS ONLY", [5])
        compiles(
          sql`SELECT 1 FROM p ${OracleClient.limit(5, { offset: 10 })}`,
          "SELECT 1 FROM p OFFSET :1 ROWS FETCH NEXT :2 ROWS ONLY",
          [10, 5]
        )
      })
    )
  )

  it.live(
    "answers for Oracle where a dialect is asked for",
    scoped((sql) =>
      Effect.sync(() => {
        const others = { sqlite: () => "A", pg: () => "B", mysql: () => "C", mssql: () => "D", clickhouse: () => "E" }
        assert.strictEqual(sql.onDialect({ ...others, oracle: () => "F" }), "F")
        assert.throws(() => sql.onDialect(others), /without an `oracle` branch/)
        assert.strictEqual(sql.onDialectOrElse({ orElse: () => "A", pg: () => "B" }), "A")
        assert.strictEqual(sql.onDialectOrElse({ orElse: () => "A", pg: () => "B", oracle: () => "F" }), "F")
        assert.strictEqual(sql.withoutTransforms().onDialectOrElse({ orElse: () => "A" }), "A")
      })
    )
  )
})

describe("makeCompiler", () => {
  it.live(
    "compiles without a client",
    scoped((sql) =>
      Effect.sync(() => {
        const rows = sql`insert into t ${sql.insert([{ userId: 1 }, { userId: 2 }])}`
        const compiler = OracleClient.makeCompiler({ ...transforms, serverVersion: "23.4" })
        assert.strictEqual(compiler.compile(rows, false)[0], `insert into t ("USER_ID") VALUES (:1),(:2)`)
        const older = OracleClient.makeCompiler().withoutTransform
        assert.strictEqual(
          older.compile(rows, false)[0],
          `insert into t ("userId") SELECT :1 FROM DUAL UNION ALL SELECT :2 FROM DUAL`
        )
      })
    )
  )
})

describe("names", () => {
  it.live(
    "without capitals stand for names in capitals",
    scoped((sql) =>
      Effect.sync(() => {
        compiles(sql`SELECT * FROM ${sql("hr.people_test")}`, `SELECT * FROM "HR"."PEOPLE_TEST"`)
        compiles(sql`SELECT * FROM ${sql("peopleTest")}`, `SELECT * FROM "peopleTest"`)
      })
    )
  )

  it.live(
    "are transformed",
    scoped((sql) =>
      Effect.sync(() => {
        compiles(sql`SELECT * FROM ${sql("peopleTest")}`, `SELECT * FROM "PEOPLE_TEST"`)
        const insert = sql`INSERT INTO people ${sql.insert({ firstName: "Tim" })}`
        compiles(insert, `INSERT INTO people ("FIRST_NAME") VALUES (:1)`, ["Tim"])
        assert.strictEqual(insert.compile(true)[0], `INSERT INTO people ("firstName") VALUES (:1)`)
      }), transforms)
  )

  it.live(
    "are not transformed by a client without transforms",
    scoped((client) =>
      Effect.sync(() => {
        const sql = client.withoutTransforms()
        compiles(
          sql`INSERT INTO people ${sql.insert({ first_name: "Tim" })}`,
          `INSERT INTO people ("FIRST_NAME") VALUES (:1)`,
          ["Tim"]
        )
      }), transforms)
  )
})
