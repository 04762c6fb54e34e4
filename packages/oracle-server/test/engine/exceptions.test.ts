import { afterAll, assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, plain, type Sql, typed } from "./engineHarness.ts"

const opened: Array<Harness> = []
let sql: Sql
beforeEach(() => {
  const h = harness()
  opened.push(h)
  sql = h.open()
})
afterAll(() => opened.forEach(({ engine }) => engine.close()))

const lines = (...text: ReadonlyArray<string>): string => text.join("\n")
const out = (text: string): unknown => plain(sql.run(text, typed("VARCHAR2", null)).outBinds![0]!.values[0])

describe("the stack of an error", () => {
  it.each([
    [
      "declare\n e exception;\nbegin\n raise e;\nend;",
      "ORA-06510: PL/SQL: unhandled user-defined exception|ORA-06512: at line 4"
    ],
    [
      "declare e exception; pragma exception_init(e, -20100); begin raise e; end;",
      "ORA-20100: |ORA-06512: at line 1"
    ],
    [
      "declare\n n number;\n procedure p is\n begin\n  n := 1 / 0;\n end;\nbegin\n p;\nend;",
      "ORA-01476: divisor is equal to zero|ORA-06512: at line 5|ORA-06512: at line 8"
    ],
    [
      "begin\n raise no_data_found;\nexception when others then\n raise;\nend;",
      "ORA-01403: no data found|ORA-06512: at line 4|ORA-06512: at line 2"
    ],
    [
      "declare n number;\nbegin\n raise no_data_found;\nexception when others then\n n := 1 / 0;\nend;",
      "ORA-01476: divisor is equal to zero|ORA-06512: at line 5|ORA-01403: no data found|ORA-06512: at line 3"
    ],
    [
      "begin\n raise no_data_found;\nexception when others then\n raise_application_error(-20001, 'mine');\nend;",
      "ORA-20001: mine|ORA-06512: at line 4"
    ],
    [
      "begin\n raise no_data_found;\nexception when others then\n raise_application_error(-20001, 'mine', true);\nend;",
      "ORA-20001: mine|ORA-06512: at line 4|ORA-01403: no data found|ORA-06512: at line 2"
    ],
    [
      "begin\n begin\n  raise too_many_rows;\n exception when no_data_found then null;\n end;\nend;",
      "ORA-01422: exact fetch returns more than requested number of rows|ORA-06512: at line 3"
    ]
  ])("%s", (text, expected) => {
    assert.strictEqual(sql.error(text), lines(...expected.split("|")))
  })

  it("names the stored unit and its line", () => {
    sql.run("create procedure p as\nbegin\n raise value_error;\nend;")
    assert.strictEqual(
      sql.error("begin\n p;\nend;"),
      lines(
        "ORA-06502: PL/SQL: value or conversion error",
        "ORA-06512: at \"HR.P\", line 3",
        "ORA-06512: at line 2"
      )
    )
  })
})

describe("handlers", () => {
  it.each([
    [
      "declare e exception; begin raise e; exception when e then :1 := sqlcode || sqlerrm; end;",
      "1User-Defined Exception"
    ],
    [
      "declare e exception; procedure p is begin raise e; end; begin p; exception when e then :1 := 'mine'; end;",
      "mine"
    ],
    [
      "declare e exception; f exception; begin begin raise e; exception when f then null; end; exception when f or e then :1 := 'or'; end;",
      "or"
    ],
    [
      "declare a exception; pragma exception_init(a, -1476); n number; begin n := 1 / 0; exception when a then :1 := sqlerrm; end;",
      "ORA-01476: divisor is equal to zero"
    ],
    [
      "begin begin raise_application_error(-20005, 'x'); exception when others then raise; end; exception when others then :1 := sqlerrm; end;",
      "ORA-20005: x"
    ],
    [
      "declare type l is table of number; a l; begin a(1) := 1; exception when collection_is_null then :1 := 'cin'; end;",
      "cin"
    ],
    [
      "declare type l is table of number; a l := l(); begin a(1) := 1; exception when subscript_beyond_count then :1 := 'sbc'; end;",
      "sbc"
    ],
    ["begin <<b>> declare n number := 1; begin :1 := b.n; end; end;", "1"]
  ])("%s", (text, expected) => {
    assert.strictEqual(out(text), expected)
  })
})
