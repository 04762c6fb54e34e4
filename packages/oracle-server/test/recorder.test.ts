/** The commands `record` and `compare`, run as a user runs them; an embedded server stands in for the real database. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Exit, Layer, Option, Redacted } from "effect"
import { Command } from "effect/cli"
import { TestConsole } from "effect/testing"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { commandPlatform } from "../src/internal/commandPlatform.ts"
import { compareCommand, DatabasesDiffer } from "../src/internal/recorder/commands.ts"
import { record, recordEmbedded } from "../src/internal/recorder/database.ts"
import { describeDifferences, differences } from "../src/internal/recorder/differences.ts"
import { parseRecording } from "../src/internal/recorder/recording.ts"
import { readScript } from "../src/internal/recorder/script.ts"
import * as OracleServer from "../src/OracleServer.ts"

/** The command as a shell runs it, without a process of its own. */
const command = (args: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function*() {
    const exit = yield* Effect.exit(Command.runWith(compareCommand, { version: "0" })(args))
    return { exit, output: (yield* TestConsole.logLines).join("\n") }
  }).pipe(
    Effect.provide(Layer.merge(commandPlatform(args), TestConsole.layer)),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(environment))
  )

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "recorder-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)

const write = (path: string, text: string) => Effect.promise(() => writeFile(path, text))

const script = `-- What both databases are asked.
create table t (id number(4) primary key, name varchar2(20), made date, doc clob);
--@ {"id": 1, "name": "first", "made": {"type": "TIMESTAMP", "val": "2024-02-29T12:00:00Z"}}
insert into t values (:id, :name, :made, 'text');
insert into t values (2, null, null, null);
select id, name, doc from t;
select missing from t;
--@ {"out": {"dir": "out", "type": "VARCHAR", "maxSize": 10}}
begin
  dbms_output.put_line('hello');
  :out := 'done';
end;
/
update t set name = 'x' where id = 99;
declare c sys_refcursor; begin open c for select id from t order by id; dbms_sql.return_result(c); end;
/
drop table t;
`

const target = (server: OracleServer.Service) => ({
  connectString: server.connectString,
  user: "scott",
  password: Redacted.make("tiger")
})

describe("a script", () => {
  it("is read with the lines of its statements and the binds of its comments", () => {
    const steps = readScript(script)
    assert.deepStrictEqual(steps.map(({ line }) => line), [2, 4, 5, 6, 7, 9, 14, 15, 17])
    assert.deepStrictEqual(steps[1]!.binds["name"], "first")
    assert.deepStrictEqual(Object.keys(steps[5]!.binds), ["out"])
    assert.deepStrictEqual(steps[6]!.binds, {})
    assert.throws(() => readScript("--@ {\"n\": }\nselect :n from dual;"), /^line 1: the binds after --@ are no JSON/)
    assert.throws(
      () => readScript("select 1 from dual;\n--@ [1]\nselect :n from dual;"),
      /^line 2: .* must be an object/
    )
  })
})

describe("a recording", () => {
  it.live("holds values, types, binds, output, errors and implicit results, and is the same from our own server", () =>
    Effect.gen(function*() {
      const steps = readScript(script)
      const server = yield* OracleServer.make()
      const recording = yield* record(target(server), steps)
      const [create, insert, , select, failed, block, update, implicit] = recording.steps.map(({ outcome }) => outcome)
      assert.strictEqual(create!._tag, "Done")
      assert.deepInclude(insert, { rowsAffected: 1, result: null })
      assert.deepInclude(update, { rowsAffected: 0 })
      assert.deepStrictEqual(select!._tag === "Done" ? select!.result : undefined, {
        columns: [
          { name: "ID", type: "NUMBER(4,0)", nullable: false },
          { name: "NAME", type: "VARCHAR2(20)", nullable: true },
          { name: "DOC", type: "CLOB", nullable: true }
        ],
        rows: [
          ["1", "first", "text"],
          ["2", null, null]
        ],
        cut: false
      })
      assert.deepInclude(failed, { _tag: "Failed", code: "ORA-00904", offset: 7 })
      assert.deepInclude(block, { outBinds: { out: "done" }, output: ["hello"] })
      assert.deepStrictEqual(
        implicit!._tag === "Done" ? implicit!.implicitResults.map(({ rows }) => rows) : undefined,
        [[["1"], ["2"]]]
      )
      const kept = parseRecording(JSON.stringify(recording))
      assert.deepStrictEqual(differences(kept, yield* recordEmbedded(steps, { user: "scott" })), [])
    }))

  it.live("is compared by value, type, code, offset, number of rows and outcome", () =>
    Effect.gen(function*() {
      const left = yield* OracleServer.make({
        script: `create table planted (n number(5), v varchar2(30) not null, a number);
          insert into planted values (1, 'x', 1); insert into planted values (2, 'y', 1)`
      })
      const right = yield* OracleServer.make({
        script: `create table planted (n number(6), v varchar2(30), b number primary key);
          insert into planted values (2, 'z', 1); insert into planted values (1, 'x', 2);
          create table other (n number)`
      })
      const steps = readScript(`select v from planted where n = 2;
select n from planted where n = 1;
select v from planted;
select q from other;
select a, b from planted;
select n from planted where v = 'y';
update planted set n = 5 where v <> 'x';
insert into planted (n, v) values (7, 'new');
begin dbms_output.put_line(sys_context('userenv', 'current_schema')); end;
`)
      const found = differences(yield* record(target(left), steps), yield* record(target(right), steps))
      assert.deepStrictEqual(found.map(({ line, what }) => `${line} ${what}`), [
        "1 result column V nullable",
        "1 result row 1 column V value",
        "2 result column N type",
        "3 result column V nullable",
        "3 result row 2 column V value",
        "4 code",
        "5 offset",
        "6 result column N type",
        "6 result number of rows",
        "8 outcome"
      ])
      assert.deepStrictEqual(
        describeDifferences(found.slice(-3), { script: "s.sql", left: "left", right: "right" }),
        [
          "s.sql:6  select n from planted where v = 'y'",
          "  result column N type",
          "    left: NUMBER(5,0)",
          "    right: NUMBER(6,0)",
          "  result number of rows",
          "    left: 1",
          "    right: 0",
          "s.sql:8  insert into planted (n, v) values (7, 'new')",
          "  outcome",
          "    left: success",
          "    right: ORA-01400: cannot insert NULL into (\"SCOTT\".\"PLANTED\".\"B\")"
        ]
      )
    }))
})

describe("the command", () => {
  it.live("compares a database with the embedded server, and says in its status whether they agree", () =>
    Effect.gen(function*() {
      const file = join(yield* folder, "script.sql")
      yield* write(file, "select n from planted;")
      const server = yield* OracleServer.make({ script: "create table planted (n number)" })
      const { exit, output } = yield* command([file], {
        ORACLE_CONNECT_STRING: server.connectString,
        ORACLE_USER: "scott",
        ORACLE_PASSWORD: "tiger"
      })
      assert.deepStrictEqual(
        Exit.isFailure(exit) && Exit.findErrorOption(exit),
        Option.some(new DatabasesDiffer({ count: 1 }))
      )
      assert.strictEqual(
        output,
        `${file}:1  select n from planted
  outcome
    Oracle 23.7.0.25.1: success
    embedded: ORA-00942: table or view "SCOTT"."PLANTED" does not exist
differences: 1, statements: 1`
      )
      const nothing = yield* command([file])
      assert.match(
        String(nothing.exit),
        /ORACLE_CONNECT_STRING, ORACLE_USER and ORACLE_PASSWORD must name the database/
      )
    }))
})
