import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OracleSessionPool } from "@sessionpool/oracle"
import { Array, Config, Effect, Fiber, Layer, type Scope, Stream, Tracer } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient } from "effect/sql"
import { database, isReal, table } from "./database.ts"
import { openClient, transforms, withPeople } from "./openClient.ts"

interface Person {
  readonly id: number
  readonly firstName: string
  readonly age: number | null
}

const scoped = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => () => Effect.scoped(effect)

describe("layers", () => {
  it.live(
    "provide the client under both services",
    scoped(Effect.gen(function*() {
      const { connect } = yield* database
      const program = Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const own = yield* OracleClient.OracleClient
        assert.strictEqual(own, sql)
        assert.strictEqual(sql.safe, sql)
        assert.strictEqual(sql.driver, "oracledb")
        return yield* sql`select ${1} as one from dual`
      })
      const config = OracleClient.layerConfig({
        connectString: Config.succeed(connect.connectString),
        user: Config.succeed(connect.user),
        password: Config.succeed(connect.password),
        max: Config.succeed(1)
      })
      assert.deepStrictEqual(yield* Effect.provide(program, OracleClient.layer({ ...connect, max: 1 })), [{ one: 1 }])
      assert.deepStrictEqual(
        yield* Effect.provide(program, config),
        [{ one: 1 }]
      )
      const shared = OracleClient.layerFrom(Effect.flatMap(OracleSessionPool, (pool) => OracleClient.fromPool(pool)))
      assert.deepStrictEqual(
        yield* Effect.provide(program, Layer.provide(shared, OracleSessionPool.layer({ ...connect, max: 1 }))),
        [{ one: 1 }]
      )
    }))
  )

  it.live(
    "share a pool with code that uses it directly",
    scoped(Effect.gen(function*() {
      const { people, pool, sql } = yield* withPeople()
      yield* sql`insert into ${sql(people)} ${sql.insert({ firstName: "Ada" })}`
      const rows = yield* pool.use((connection) => connection.query(`select first_name from ${people}`))
      assert.deepStrictEqual(rows, [{ FIRST_NAME: "Ada" }])
      assert.strictEqual((yield* pool.statistics).busy, 0)
    }))
  )
})

describe("rows", () => {
  it.live(
    "round-trip names and values",
    scoped(Effect.gen(function*() {
      const { people, sql } = yield* withPeople()
      const hiredAt = new Date("2024-02-29T12:34:56.789Z")
      yield* sql`insert into ${sql(people)} ${sql.insert({ firstName: "Ada", age: 36, hiredAt })}`
      yield* sql`insert into ${sql(people)} ${sql.insert({ firstName: "Bob", age: undefined })}`
      assert.deepStrictEqual(yield* sql`select * from ${sql(people)} order by ${sql("firstName")}`, [
        { id: 1, firstName: "Ada", age: 36, hiredAt },
        { id: 2, firstName: "Bob", age: null, hiredAt: null }
      ])
      assert.deepStrictEqual(
        yield* sql<Person>`select first_name, age from ${sql(people)} where id = ${1}`.withoutTransform,
        [{ first_name: "Ada", age: 36 } as never]
      )
      const plain = sql.withoutTransforms()
      assert.deepStrictEqual(yield* plain`select first_name from ${plain(people)} where id = ${1}`, [{
        first_name: "Ada"
      }])
      assert.strictEqual(plain.withoutTransforms(), plain)
    }))
  )

  it.live(
    "keep names that were quoted",
    scoped(Effect.gen(function*() {
      const { pool, sql } = yield* openClient()
      const name = yield* table(pool, `"userId" number, plain number`)
      yield* sql`insert into ${sql(name)} ${sql.insert({ userId: 1, plain: 2 })}`
      assert.deepStrictEqual(yield* sql`select * from ${sql(name)} where ${sql("userId")} = ${1}`, [{
        userId: 1,
        plain: 2
      }])
    }))
  )

  it.live(
    "carry booleans, JSON and documents, natively and as older databases have them",
    scoped(Effect.gen(function*() {
      const { sql } = yield* openClient(transforms)
      const [row] = yield* sql`select ${true} as yes, ${{ aKey: [1, "x", null] }} as plain_doc, ${
        OracleClient.json("text")
      } as text from dual`
      assert.deepStrictEqual(row, { yes: true, plainDoc: { aKey: [1, "x", null] }, text: "text" })
      const older = yield* Effect.provide(
        OracleClient.fromPool(sql.pool, { serverVersion: "19.3.0.0.0" }),
        Reactivity.layer
      )
      assert.deepStrictEqual(yield* older`select ${true} as yes, ${[1]} as doc from dual`, [{ yes: 1, doc: "[1]" }])
    }))
  )

  it.live(
    "transform nested documents unless told otherwise",
    scoped(Effect.gen(function*() {
      const { pool, sql } = yield* openClient(transforms)
      const nested = sql`select ${{ a_key: { b_key: 1 } }} as json_doc from dual`
      assert.deepStrictEqual(yield* nested, [{ jsonDoc: { aKey: { bKey: 1 } } }])
      const flat = yield* Effect.provide(
        OracleClient.fromPool(pool, { ...transforms, transformJson: false }),
        Reactivity.layer
      )
      assert.deepStrictEqual(yield* flat`select ${{ a_key: 1 }} as json_doc from dual`, [{ jsonDoc: { a_key: 1 } }])
    }))
  )

  it.live(
    "come as arrays, streams, and what the driver gives",
    scoped(Effect.gen(function*() {
      const { people, pool, sql } = yield* withPeople()
      const names = Array.makeBy(250, (n) => ({ firstName: `n${n}`, age: n }))
      yield* sql`insert into ${sql(people)} ${sql.insert(names)}`
      const all = sql<Person>`select age, first_name from ${sql(people)} order by age`
      assert.deepStrictEqual((yield* all.values)[3], [3, "n3"])
      assert.deepStrictEqual((yield* all.valuesUnprepared)[3], [3, "n3"])
      assert.deepStrictEqual((yield* all.unprepared)[3], { age: 3, firstName: "n3" } as never)
      assert.deepStrictEqual(yield* sql`select 1 as x, 2 as x from dual`.values, [[1, 2]])
      assert.lengthOf(yield* Stream.runCollect(all.stream), 250)
      assert.deepStrictEqual((yield* Stream.runCollect(Stream.take(all.stream, 2))).map((row) => row.firstName), [
        "n0",
        "n1"
      ])
      const raw = yield* sql`update ${sql(people)} set age = 0 where age < ${10}`.raw
      assert.strictEqual((raw as { readonly rowsAffected: number }).rowsAffected, 10)
      assert.strictEqual((yield* pool.statistics).busy, 0)
    }))
  )
})

describe("returning", () => {
  it.live(
    "gives the rows of one statement back",
    scoped(Effect.gen(function*() {
      const { people, sql } = yield* withPeople()
      const insert = sql`insert into ${sql(people)} ${sql.insert({ firstName: "Ada" }).returning("*")}`
      assert.deepStrictEqual(yield* insert, [{ id: 1, firstName: "Ada", age: null, hiredAt: null }])
      // The second time the statement is known.
      assert.deepStrictEqual((yield* insert)[0]?.["id"], 2)
      assert.deepStrictEqual(
        yield* sql`update ${sql(people)} set ${sql.update({ age: 7 }).returning(sql("firstName"))} where id = ${1}`,
        [{ firstName: "Ada" }]
      )
      assert.deepStrictEqual(
        yield* sql`update ${sql(people)} p set p.age = ${8} where p.id = ${2} returning p.id, p.age * 2 as twice`,
        [{ id: 2, twice: 16 }]
      )
      assert.deepStrictEqual(yield* sql`delete from ${sql(people)} where id > ${5} returning *`, [])
      const raw = yield* sql`update /* all */ ${sql(people)} set age = 1 where id = 1 returning id`.raw
      assert.deepStrictEqual(raw, [{ id: 1 }])
      assert.lengthOf(yield* Stream.runCollect(sql`delete from ${sql(people)} returning id`.stream), 2)
      assert.deepStrictEqual(
        yield* sql`insert into ${sql(people)} ${sql.insert({ firstName: "X" })} returning first_name, id`.values,
        [["X", 3]]
      )
    }))
  )

  it.live(
    "gives the rows of many back, in one round trip",
    scoped(Effect.gen(function*() {
      const { people, sql } = yield* withPeople()
      const rows = [{ firstName: "Ada", age: null }, { firstName: "Bob", age: 4 }] as const
      const expected = [{ id: 1, firstName: "Ada", age: null }, { id: 2, firstName: "Bob", age: 4 }]
      const found = yield* sql`insert into ${sql(people)} ${sql.insert(rows).returning("id, first_name, age")}`
      assert.deepStrictEqual(found, expected)
      const spelled = yield* sql`insert into ${sql(people)} ${sql.insert(rows)} returning id`
      assert.deepStrictEqual(spelled, [{ id: 3 }, { id: 4 }])
    }))
  )

  it.live(
    "reads LOBs",
    scoped(Effect.gen(function*() {
      const { pool, sql } = yield* openClient()
      const name = yield* table(pool, "id number, body clob, bytes blob")
      const body = "letter ".repeat(2000)
      const found = yield* sql`insert into ${sql(name)} ${
        sql.insert({
          id: 1,
          body: OracleClient.lob("clob", Stream.make(body.slice(0, 100), body.slice(100))),
          bytes: OracleClient.lob("blob", new Uint8Array([1, 2, 3]))
        }).returning("*")
      }`
      assert.strictEqual(found[0]?.["body"], body)
      assert.deepStrictEqual(yield* sql`select bytes from ${sql(name)}`.values, [[Buffer.from([1, 2, 3])]])
    }))
  )

  it.live(
    "leaves an INTO of its own to the program",
    scoped(Effect.gen(function*() {
      const { people, sql } = yield* withPeople()
      const found = yield* sql`begin insert into ${sql(people)} ${sql.insert({ firstName: "Ada" })} returning id into ${
        OracleClient.out("newId", "number")
      }; end;`
      assert.deepStrictEqual(found, [{ newId: 1 }])
    }))
  )
})

describe("inserts and updates of many rows", () => {
  it.live(
    "reach the table in each of their forms",
    scoped(Effect.gen(function*() {
      const { people, pool, sql } = yield* withPeople()
      const older = yield* Effect.provide(
        OracleClient.fromPool(pool, { ...transforms, serverVersion: "12.2.0.1.0" }),
        Reactivity.layer
      )
      yield* sql`insert into ${sql(people)} ${sql.insert([{ firstName: "a", age: null }, { firstName: "b", age: 2 }])}`
      yield* older`insert into ${sql(people)} ${
        sql.insert([{ firstName: "c", age: null }, { firstName: "d", age: 4 }])
      }`
      yield* sql`update ${sql(people)} p set p.age = data.age from ${
        sql.updateValues([{ id: 1, age: 10 }, { id: 3, age: 30 }], "data")
      } where p.id = data.id`
      assert.deepStrictEqual(yield* sql`select first_name, age from ${sql(people)} order by id`.values, [
        ["a", 10],
        ["b", 2],
        ["c", 30],
        ["d", 4]
      ])
      assert.deepStrictEqual(
        yield* sql`select id from ${sql(people)} order by id ${OracleClient.limit(2, { offset: 1 })}`.values,
        [[2], [3]]
      )
      // A column of two kinds, and values that are too long for a query.
      const text = "z".repeat(100)
      yield* older`insert into ${sql(people)} ${sql.insert([{ firstName: 5, age: 1 }, { firstName: text, age: 2 }])}`
      assert.deepStrictEqual(yield* sql`delete from ${sql(people)} where id > 4 returning first_name`.values, [["5"], [
        text
      ]])
      const long = Array.makeBy(1200, (n) => n + 2)
      // The embedded server's store takes no union of so many.
      if (isReal) assert.lengthOf(yield* sql`select id from ${sql(people)} where id in ${sql.in(long)}`, 3)
    }))
  )
})

describe("blocks", () => {
  it.live(
    "give values and cursors",
    scoped(Effect.gen(function*() {
      const { people, sql } = yield* withPeople()
      yield* sql`insert into ${sql(people)} ${sql.insert([{ firstName: "Ada" }, { firstName: "Bob" }])}`
      assert.deepStrictEqual(
        yield* sql`begin ${OracleClient.out("total", "number")} := ${20} + 1; end;`,
        [{ total: 21 }]
      )
      assert.deepStrictEqual(
        yield* sql`declare n number := ${1}; begin ${OracleClient.inOut("n", "number", 4)} := n + 1; end;`,
        [{ n: 2 }]
      )
      const block = sql`begin open ${OracleClient.cursor("people")} for select first_name from ${
        sql(people)
      } order by id; end;`
      assert.deepStrictEqual(yield* block, [{ people: [{ firstName: "Ada" }, { firstName: "Bob" }] }])
      assert.deepStrictEqual(yield* Stream.runCollect(block.stream), [{ firstName: "Ada" }, { firstName: "Bob" }])
      assert.deepStrictEqual(
        yield* sql`select ${OracleClient.typed("date", new Date(0))} as day from dual`,
        [{ day: new Date(0) }]
      )
    }))
  )
})

describe("sessions", () => {
  it.live(
    "a statement is committed when it is done",
    scoped(Effect.gen(function*() {
      const { people, pool, sql } = yield* withPeople()
      yield* sql`insert into ${sql(people)} ${sql.insert({ firstName: "Ada" })}`
      const held = yield* sql.reserve
      yield* held.execute(`insert into ${people} (first_name) values ('Bob')`, [], undefined)
      const seen = yield* pool.use((connection) => connection.query(`select count(*) as n from ${people}`))
      assert.deepStrictEqual(seen, [{ N: 2 }])
    }))
  )

  it.live(
    "an interrupted statement gives its session back",
    scoped(Effect.gen(function*() {
      const { pool, sql } = yield* openClient()
      const fiber = yield* Effect.forkChild(sql`begin dbms_session.sleep(30); end;`)
      yield* Effect.sleep("50 millis")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* sql`select 1 as one from dual`, [{ one: 1 }])
      assert.strictEqual((yield* pool.statistics).busy, 0)
    }))
  )

  it.live("reactive queries run again after a mutation", () =>
    Effect.gen(function*() {
      const { people, sql } = yield* withPeople()
      const counted = yield* Effect.forkChild(
        sql.reactive(["people"], sql`select count(*) as n from ${sql(people)}`).pipe(
          Stream.map((rows) => rows[0]?.["n"]),
          Stream.take(2),
          Stream.runCollect
        )
      )
      yield* Effect.sleep("100 millis")
      yield* Reactivity.mutation(["people"])(sql`insert into ${sql(people)} ${sql.insert({ firstName: "Ada" })}`)
      assert.deepStrictEqual(yield* Fiber.join(counted), [0, 1])
    }).pipe(Effect.provide(Reactivity.layer)))

  it.live(
    "a statement is one span, with the text and the server",
    scoped(Effect.gen(function*() {
      if (isReal) return
      const { sql } = yield* openClient()
      const spans: Array<{ readonly name: string; readonly attributes: ReadonlyMap<string, unknown> }> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      yield* Effect.withTracer(sql`select ${1} as one from dual`, tracer)
      assert.lengthOf(spans, 1)
      assert.strictEqual(spans[0]?.attributes.get("db.system.name"), "oracle.db")
      assert.strictEqual(spans[0]?.attributes.get("db.query.text"), "select :1 as one from dual")
      assert.strictEqual(spans[0]?.attributes.get("server.address"), "127.0.0.1")
    }))
  )
})
