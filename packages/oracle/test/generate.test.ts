/** The command `sessionpool-oracle generate`: what it writes for a schema, and that what it wrote works. */
import { assert, describe, it } from "@effect/vitest"
import { OracleSessionPool } from "@sessionpool/oracle"
import { Effect, Schema } from "effect"
import { execFile } from "node:child_process"
import { readFile, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { readDictionary } from "../src/internal/generate/dictionary.ts"
import { render } from "../src/internal/generate/render.ts"
import { embedded, poolDefaults } from "./database.ts"
import * as Scott from "./generated/scott.ts"

const entry = fileURLToPath(new URL("../src/bin/sessionpool-oracle.ts", import.meta.url))
const golden = fileURLToPath(new URL("./generated/scott.ts", import.meta.url))

const script = [
  "create type gen_address as object (street varchar2(40), zip number, since date)",
  "create type gen_ids as table of number",
  "create type gen_person as object (name varchar2(40), home gen_address, ids gen_ids)",
  "create type gen_document as object (body clob)",
  "create table gen_people (id number not null, who gen_person, born date, notes clob)",
  "create table gen_pairs (left_one number not null, right_one varchar2(10))",
  "create procedure gen_move(p_person in out gen_person, p_street varchar2 default 'Low') as begin p_person.home.street := p_street; end;",
  "create function gen_total(p_ids gen_ids) return number as n number := 0; begin for i in 1 .. p_ids.count loop n := n + p_ids(i); end loop; return n; end;",
  "create function gen_split(p_text varchar2, p_rest out varchar2) return varchar2 as begin p_rest := substr(p_text, 2); return substr(p_text, 1, 1); end;",
  "create procedure gen_touch as begin null; end;",
  "create procedure gen_pair(p_pair in out gen_pairs%rowtype) as begin p_pair.left_one := p_pair.left_one + 1; end;",
  "create function gen_read(p_document gen_document) return number as begin return 1; end;",
  `create package gen_shop as
     type line is record (item varchar2(9), amount number);
     type names is table of varchar2(20) index by pls_integer;
     type prices is table of number index by varchar2(20);
     procedure put(p_line in out line);
     procedure upper_all(p_names in out names);
     procedure price(p_prices prices);
     procedure find(p_id number);
     procedure find(p_name varchar2, p_found out number);
     function rows_of(p_limit pls_integer default 2) return sys_refcursor;
   end;`,
  `create package body gen_shop as
     procedure put(p_line in out line) is begin p_line.amount := p_line.amount * 2; end;
     procedure upper_all(p_names in out names) is begin
       for i in 1 .. p_names.count loop p_names(i) := upper(p_names(i)); end loop;
     end;
     procedure price(p_prices prices) is begin null; end;
     procedure find(p_id number) is begin null; end;
     procedure find(p_name varchar2, p_found out number) is begin p_found := length(p_name); end;
     function rows_of(p_limit pls_integer default 2) return sys_refcursor is c sys_refcursor; begin
       open c for select level as step from dual connect by level <= p_limit;
       return c;
     end;
   end;`
]

const prepared = Effect.gen(function*() {
  const { connect, server } = yield* embedded({ procedures: [] })
  const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({ ...connect, ...poolDefaults })
  const held = yield* pool.acquire()
  for (const statement of script) yield* held.execute(statement)
  return { held, server }
})

const generate = (connectString: string, args: ReadonlyArray<string> = []) =>
  Effect.promise(() =>
    new Promise<{ readonly code: number; readonly module: string; readonly progress: string }>((resolve) => {
      execFile(
        process.execPath,
        [entry, "generate", "--connect-string", connectString, "--user", "scott", ...args],
        { env: { ...process.env, ORACLE_PASSWORD: "tiger" } },
        (error, module, progress) => resolve({ code: error === null ? 0 : Number(error.code), module, progress })
      )
    })
  )

/** The module is kept as the formatter has it. */
const folded = (module: string): string => module.trim().replace(/\s+/g, " ")

describe("generate", () => {
  it.live("writes the module that is kept here", () =>
    Effect.gen(function*() {
      const { held, server } = yield* prepared
      const { code, module, progress } = yield* generate(server.connectString)
      assert.strictEqual(code, 0, progress)
      assert.include(progress, "SCOTT: 2 tables and views")
      if (process.env["SESSIONPOOL_WRITE_GENERATED"] === "on") yield* Effect.promise(() => writeFile(golden, module))
      assert.strictEqual(folded(module), folded(yield* Effect.promise(() => readFile(golden, "utf8"))))
      const dictionary = yield* readDictionary(held, "SCOTT", () => Effect.void)
      const other = render(dictionary, { columnNames: "lower", numbers: "bigDecimal", isQualified: true })
      assert.include(other, "OracleBind.object(\"SCOTT.GEN_ADDRESS\", GenAddress)")
      assert.include(other, "  zip: Schema.NullOr(Schema.BigDecimal)")
      assert.include(other, "left_one: Schema.BigDecimal")
      assert.include(other, "connection.call(\"SCOTT.GEN_SHOP.PUT\"")
    }), 60_000)

  it.live("says why it writes nothing, and ends with code 1", () =>
    Effect.gen(function*() {
      const { server } = yield* embedded()
      const { code, module, progress } = yield* generate(server.connectString, ["--password", "wrong"])
      assert.strictEqual(code, 1)
      assert.strictEqual(module, "")
      assert.include(progress, "ORA-01017")
    }), 60_000)

  it.live("writes functions and Schemas that work", () =>
    Effect.gen(function*() {
      const { held } = yield* prepared
      const person: Scott.GenPerson = {
        name: "ada",
        home: { street: "High", zip: 7, since: new Date("2024-02-29T00:00:00Z") },
        ids: [1, null]
      }
      assert.deepStrictEqual(yield* Scott.genMove(held, { pPerson: person }), {
        pPerson: { ...person, home: { ...person.home!, street: "Low" } }
      })
      const { pPerson } = yield* Scott.genMove(held, { pPerson: person, pStreet: "Main" })
      assert.strictEqual(pPerson?.home?.street, "Main")
      assert.strictEqual(yield* Scott.genTotal(held, { pIds: [1, 2.5] }), 3.5)
      assert.deepStrictEqual(yield* Scott.genSplit(held, { pText: "abc" }), { result: "a", pRest: "bc" })
      yield* Scott.genTouch(held)
      assert.deepStrictEqual(yield* Scott.genPair(held, { pPair: { leftOne: 1, rightOne: null } }), {
        pPair: { leftOne: 2, rightOne: null }
      })
      assert.deepStrictEqual(yield* Scott.genShop.put(held, { pLine: { item: "nail", amount: 2 } }), {
        pLine: { item: "nail", amount: 4 }
      })
      assert.deepStrictEqual(yield* Scott.genShop.upperAll(held, { pNames: ["a", "b"] }), { pNames: ["A", "B"] })
      yield* Scott.genShop.find(held, { pId: 1 })
      assert.deepStrictEqual(yield* Scott.genShop.find2(held, { pName: "abc" }), { pFound: 3 })
      yield* held.execute("insert into gen_people (id, born) values (1, date '2024-02-29')")
      const rows = yield* held.query("select * from gen_people", [], {
        columnNames: "camel",
        schema: Scott.GenPeopleRow
      })
      assert.deepStrictEqual(rows.map((row) => Schema.encodeSync(Scott.GenPeopleRow)(row)), [
        { id: 1, who: null, born: new Date("2024-02-29T00:00:00Z"), notes: null }
      ])
    }), 60_000)
})
