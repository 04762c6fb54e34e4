import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { inspect } from "node:util"
import { OracleError } from "../src/index.ts"
import { mask, redactSecrets, redactStatement } from "../src/internal/secretRedaction.ts"
import { queryText, summarize } from "../src/internal/sqlText.ts"
import { tokenize } from "../src/internal/sqlTokens.ts"

/** What must never be seen; nothing in the generated statements around it contains it. */
const secret = "Zq7secret"
const digits = "918273645"

const inner = fc.stringMatching(/^[a-z ,;:()"$-]{0,6}$/)
const around = (text: string): fc.Arbitrary<string> => fc.tuple(inner, inner).map(([a, b]) => `${a}${text}${b}`)
const pairs = ["[]", "{}", "<>", "()", "!!", "''", "xx", "--", "::"]

/** A literal text of any form that holds the secret. */
const textLiteral = fc.oneof(
  fc.tuple(fc.constantFrom("", "n", "N"), around(`${secret}''`)).map(([prefix, text]) => `${prefix}'${text}'`),
  fc.tuple(fc.constantFrom("q", "Q", "nq", "Nq", "nQ", "NQ"), fc.constantFrom(...pairs), around(`'${secret} ' `)).map(
    ([prefix, [open, close], text]) => `${prefix}'${open}${text.replaceAll(`${close}'`, "")}${close}'`
  )
)

const numberLiteral = fc.constantFrom(
  digits,
  `${digits}.5`,
  `0.${digits}`,
  `.${digits}`,
  `${digits}e10`,
  `1.${digits}E-3f`,
  `${digits}d`,
  `-${digits}`
)

const comment = fc.oneof(
  around(`${secret} don't `).map((text) => `--${text}\n`),
  around(`${secret} isn't\n-- `).map((text) => `/*${text}*/`),
  fc.constant(`/*+ ${secret} */`)
)

const harmless = fc.constantFrom(
  "a",
  "t1",
  "größe",
  "\"it's\"",
  "\"q'[\"",
  ":b",
  ":1",
  ":\"x y\"",
  "nq",
  "q",
  "=",
  "||",
  ",",
  "(",
  ")",
  "/",
  "-",
  "*",
  "."
)

const gap = fc.constantFrom(" ", "\n", "\t ", "  ")

/** The pieces of a statement, each with space behind it. */
const statement = fc.array(
  fc.tuple(fc.oneof(textLiteral, numberLiteral, comment, harmless), gap).map(([piece, space]) => piece + space),
  { maxLength: 12 }
).map((pieces) => `select ${pieces.join("")}from t`)

/** Any text, rich in what statements are made of. */
const anyText = fc.array(
  fc.oneof(
    fc.constantFrom(
      "'",
      "\"",
      "q'",
      "nq'[",
      "]'",
      "--",
      "\n",
      "/*",
      "*/",
      ":",
      ":=",
      "1.",
      "..",
      "e5",
      "identified",
      " by ",
      "x"
    ),
    fc.string({ unit: "binary", maxLength: 3 })
  ),
  { maxLength: 30 }
).map((pieces) => pieces.join(""))

describe("the tokens of a statement", () => {
  it("are its text, one after another, whatever it is (E6)", () => {
    fc.assert(fc.property(fc.oneof(anyText, statement), (text) => {
      const tokens = tokenize(text)
      assert.strictEqual(tokens.map((token) => token.text).join(""), text)
      let at = 0
      for (const token of tokens) {
        assert.strictEqual(token.start, at)
        assert.strictEqual(token.end, at + token.text.length)
        assert.isAbove(token.end, token.start)
        at = token.end
      }
    }))
  })

  it("tell literals, names, comments, numbers and binds apart", () => {
    const kinds = (text: string) =>
      tokenize(text).filter(({ kind }) => kind !== "space").map(({ kind, text }) => `${kind} ${text}`)
    assert.deepStrictEqual(kinds("q'[a'b]' nq'!x!' N'y''z' 'p'"), [
      "string q'[a'b]'",
      "string nq'!x!'",
      "string N'y''z'",
      "string 'p'"
    ])
    assert.deepStrictEqual(kinds("an'x' eq'y'"), ["word an", "string 'x'", "word eq", "string 'y'"])
    assert.deepStrictEqual(kinds("1..10 1.5e-3f 7d .5 t1 1x"), [
      "number 1",
      "symbol ..",
      "number 10",
      "number 1.5e-3f",
      "number 7d",
      "number .5",
      "word t1",
      "number 1",
      "word x"
    ])
    assert.deepStrictEqual(kinds("a:=:b+:1:\"c d\""), [
      "word a",
      "symbol :",
      "symbol =",
      "bind :b",
      "symbol +",
      "bind :1",
      "bind :\"c d\""
    ])
    assert.deepStrictEqual(kinds("json_object('k' : 1)").slice(2), ["string 'k'", "symbol :", "number 1", "symbol )"])
    assert.deepStrictEqual(kinds("a--b\n/*c*/\"d--e\""), ["word a", "comment --b", "comment /*c*/", "name \"d--e\""])
    assert.deepStrictEqual(tokenize("a 'b").at(-1), { kind: "string", text: "'b", start: 2, end: 4, isOpen: true })
    assert.isTrue(tokenize("/* a").at(-1)?.isOpen)
    assert.isTrue(tokenize("q'[a]").at(-1)?.isOpen)
  })

  it("take no longer for odd text", () => {
    const odd = [
      "'",
      "\"",
      "q'[",
      "/*",
      "--",
      ":",
      "a",
      "1",
      "(",
      " ",
      "n'x''",
      "identified by ",
      "identified by 'x'\n"
    ]
    const started = performance.now()
    for (const piece of odd) {
      const text = `alter user x ${piece.repeat(20_000)}`
      queryText(text)
      redactStatement(text)
      redactSecrets(text)
    }
    assert.isBelow(performance.now() - started, 20_000)
  })
})

describe("the text of a statement in spans", () => {
  it("has no literal, number or comment, of whatever form (E7)", () => {
    fc.assert(
      fc.property(statement, (text) => {
        const shown = queryText(text)
        assert.notInclude(shown, secret)
        assert.notInclude(shown, digits)
      }),
      { numRuns: 1000 }
    )
  })

  it("keeps names, binds and words", () => {
    assert.strictEqual(
      queryText("select 'it''s', q'[a ' b]', n'x', -1.5, :b, :1, \"A'b\" from t -- 2\nwhere/*+ x */a1 = 7 "),
      "select ?, ?, ?, -?, :b, :1, \"A'b\" from t where a1 = ?"
    )
    assert.strictEqual(queryText("-- don't\nselect 'private' as v from dual"), "select ? as v from dual")
    assert.strictEqual(queryText("json_object('k' : 42)"), "?")
    assert.strictEqual(queryText("select json_object('k' : 42) from dual"), "select json_object(? : ?) from dual")
  })

  it("ends where it cannot be known what is a literal", () => {
    assert.strictEqual(queryText("select a, 'it's private' from dual"), "select a, ?")
    assert.strictEqual(queryText("select a, 'x', 'it's', 'private' from dual"), "select a, ?")
    assert.strictEqual(queryText("select a, \"private from dual"), "select a, ?")
    assert.strictEqual(queryText("select a /* private from dual"), "select a ?")
    assert.strictEqual(
      queryText("create or replace and compile java source named x as class X { String a = \"private\"; }"),
      "create or replace and compile java source named x as ?"
    )
    assert.strictEqual(queryText("connect scott/tiger"), "?")
  })
})

const gaps = [" ", "\n", "\t", "/* c */", " /* isn't */ ", " -- isn't\n", "\r\n  "]

/** Statements that give `password`; `_` is a place where space or a comment may stand. */
const passwords: ReadonlyArray<(password: string) => string> = [
  (password) => `alter_user_scott_identified_by_${password}`,
  (password) => `alter_user_scott_identified_by_${password}_replace_Old1`,
  (password) => `alter_user_scott_identified_by_New1_replace_${password}`,
  (password) => `alter_user_scott_identified_by_"a b"_replace_${password}`,
  (password) => `alter_user_scott_identified_by_values_'${password.replaceAll("\"", "")}'`,
  (password) => `alter_user_scott_idenitfied_by_${password}_account_unlock`,
  (password) => `create_user_scott_identified_by_${password}_default_tablespace_users_quota_unlimited_on_users`,
  (password) => `create_user_scott_identified_by_${password};`,
  (password) => `grant_connect_to_scott,_hr_identified_by_Other1,_${password}`,
  (password) => `grant_connect_to_scott,_hr_identified_by_${password}_,_Other1`,
  (password) => `create_role_r_identified_by_${password}`,
  (password) => `set_role_a_identified_by_${password},_b_identified_by_Other1`,
  (password) => `set_role_a_identified_by_Other1,_b_identified_by_${password}`,
  (password) => `create_public_database_link_l_connect_to_scott_identified_by_${password}_using_'db'`,
  (password) =>
    `create_shared_database_link_l_connect_to_a_identified_by_b_authenticated_by_c_identified_by_${password}_using_'db'`,
  (password) => `alter_database_link_l_connect_to_scott_identified_by_${password}`,
  (password) => `administer_key_management_set_keystore_open_force_keystore_identified_by_${password}_container_=_all`,
  (password) => `administer_key_management_alter_keystore_password_identified_by_Old1_set_${password}_with_backup`,
  (password) => `administer_key_management_create_keystore_'/w'_identified_by_${password}`,
  (password) => `administer_key_management_export_keys_with_secret_${password}_to_'f'_identified_by_Other1`,
  (password) => `administer_key_management_merge_keystore_'a'_identified_by_${password}_into_existing_keystore_'b'`,
  (password) => `alter_system_set_encryption_wallet_open_identified_by_${password}`,
  (password) => `create_table_t_(a_varchar2(9)_encrypt_using_'AES256'_identified_by_${password},_b_number)`,
  (password) => `create_table_t_(a_varchar2(9)_encrypt_identified_by_${password})`
]

/** Passwords in every form that is written, the wrong ones too. */
const written = fc.constantFrom(
  secret,
  `"${secret}"`,
  `"a ${secret} b"`,
  `"it's ${secret}"`,
  `1${secret}`,
  `${secret}!@x`,
  `${secret};x`,
  `$${secret}`,
  `a-${secret}`,
  `'${secret}'`,
  `a${secret})b`
)

const givingStatement = fc.tuple(
  fc.constantFrom(...passwords),
  written,
  fc.infiniteStream(fc.constantFrom(...gaps)),
  fc.boolean()
).map(([statement, password, spaces, isUpper]) =>
  statement("\0").split("\0").map((part) =>
    (isUpper ? part.toUpperCase() : part).replaceAll("_", () => spaces.next().value as string)
  ).join(password)
)

describe("a statement that gives a password", () => {
  it("shows it in no span, in any form, spacing and comment (S1)", () => {
    fc.assert(
      fc.property(givingStatement, (sql) => {
        assert.notInclude(queryText(sql), secret)
      }),
      { numRuns: 2000 }
    )
  })

  it("shows it in no error, its JSON or what inspects it, in any form, spacing and comment (S2)", () => {
    fc.assert(
      fc.property(givingStatement, (sql) => {
        const error = OracleError.fromDriver(new Error(`ORA-00922: missing or invalid option\n${sql}`), { sql })
        assert.notInclude(error.sql!, secret)
        assert.notInclude(error.message, secret)
        assert.notInclude(JSON.stringify(error), secret)
        assert.notInclude(inspect(error, { depth: 9 }), secret)
      }),
      { numRuns: 1000 }
    )
  })

  it("keeps what is not secret in errors (S2)", () => {
    assert.strictEqual(
      redactStatement("alter user scott identified by \"a b\" replace \"Secret5\" account unlock"),
      `alter user scott identified by ${mask} replace ${mask} account unlock`
    )
    assert.strictEqual(
      redactStatement("create table t (a number encrypt identified by pw1x, b number default 5)"),
      `create table t (a number encrypt identified by ${mask}, b number default 5)`
    )
    assert.strictEqual(
      redactSecrets("ORA-00922: in alter user a identified by Secret11 replace Secret12\nORA-06512: at line 1"),
      `ORA-00922: in alter user a identified by ${mask} replace ${mask}\nORA-06512: at line 1`
    )
    const harmless = "select identified, order_by from t where a = :b order by 1"
    assert.strictEqual(redactStatement(harmless), harmless)
  })

  it("shows no literal or comment beside a credential either", () => {
    const sqls = [
      `begin dbms_cloud.create_credential('c', 'u', '${secret}'); end;`,
      `begin execute immediate 'alter user scott identified by ' || '${secret}'; end;`,
      `insert into users (name, password) values ('bob', q'[${secret}]')`,
      `alter user scott identified externally -- was ${secret}`,
      `connect scott/${secret}`
    ]
    for (const sql of sqls) {
      assert.notInclude(redactStatement(sql), secret, sql)
      assert.notInclude(queryText(sql), secret, sql)
    }
  })
})

describe("a summary of a statement", () => {
  it("names the operation and the first table (E6)", () => {
    const cases: ReadonlyArray<readonly [sql: string, operation: string, target: string | undefined]> = [
      ["select * from hr.employees e", "SELECT", "hr.employees"],
      ["-- from a\nselect 'from b', c from \"Mixed Case\"", "SELECT", "\"Mixed Case\""],
      ["/* don't */ select q'{ from it's }', extract(year from d) from t", "SELECT", "t"],
      ["(select a from t)", "SELECT", "t"],
      ["select * from (select * from deep)", "SELECT", "deep"],
      ["  insert /*+ append */ into t (a) values (:1)", "INSERT", "t"],
      ["update t set a = 1", "UPDATE", "t"],
      ["update only (v) set a = 1", "UPDATE", "v"],
      ["delete t where a = 1", "DELETE", "t"],
      ["delete /* x */ from -- y\nt where a = 1", "DELETE", "t"],
      ["merge into t using s on (t.a = s.a) when matched then delete", "MERGE", "t"],
      ["begin p(:1); end;", "BEGIN", undefined],
      ["<<outer>> declare a number; begin null; end;", "DECLARE", undefined],
      ["call hr . raise_pay(:1)", "CALL", "hr.raise_pay"],
      ["with x as (select 1 from dual) select * from x", "WITH", "dual"],
      ["hunter2", "SQL", undefined],
      ["", "SQL", undefined]
    ]
    for (const [sql, operation, target] of cases) assert.deepStrictEqual(summarize(sql), { operation, target })
  })
})
