/** DBMS_CRYPTO and UTL_RAW: ciphers, and bytes of numbers and of LOBs. */
import { createCipheriv } from "node:crypto"
import { assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, plain, type Sql, typed } from "./engineHarness.ts"

let h: Harness
let sql: Sql
beforeEach(() => {
  h = harness()
  sql = h.open()
  return () => h.engine.close()
})

const textOf = (of: Sql, block: string): unknown =>
  plain(of.run(block, typed("VARCHAR2", null)).outBinds![0]!.values[0])
const text = (block: string): unknown => textOf(sql, block)

describe("ciphers", () => {
  const key = "utl_raw.cast_to_raw(rpad('k', 32, 'x'))"
  it("encrypts as others do", () => {
    // The same by: openssl enc -aes-256-cbc -K … -iv …
    const iv = Buffer.alloc(16)
    const run = createCipheriv("aes-256-cbc", Buffer.from("k".padEnd(32, "x")), iv)
    const expected = Buffer.concat([run.update("a secret"), run.final()]).toString("hex").toUpperCase()
    assert.strictEqual(
      text(`begin :1 := rawtohex(dbms_crypto.encrypt(utl_raw.cast_to_raw('a secret'),
        dbms_crypto.encrypt_aes256 + dbms_crypto.chain_cbc + dbms_crypto.pad_pkcs5, ${key})); end;`),
      expected
    )
  })
  it.each([
    "encrypt_aes128 + dbms_crypto.chain_cbc + dbms_crypto.pad_pkcs5",
    "encrypt_aes192 + dbms_crypto.chain_ecb + dbms_crypto.pad_pkcs5",
    "encrypt_aes256 + dbms_crypto.chain_cfb + dbms_crypto.pad_pkcs5",
    "encrypt_aes256 + dbms_crypto.chain_ofb + dbms_crypto.pad_none",
    "encrypt_aes128 + dbms_crypto.chain_cbc + dbms_crypto.pad_zero",
    "encrypt_3des + dbms_crypto.chain_cbc + dbms_crypto.pad_pkcs5",
    "encrypt_3des_2key + dbms_crypto.chain_ecb + dbms_crypto.pad_zero",
    "aes_cbc_pkcs5"
  ])("gives back what it was given: %s", (suite) => {
    const block = suite.includes("3des") ? 8 : 16
    for (const source of ["a secret", "sixteen letters!", "seventeen letters"]) {
      assert.strictEqual(
        text(`declare e raw(200); begin
  e := dbms_crypto.encrypt(utl_raw.cast_to_raw('${source}'), dbms_crypto.${suite}, ${key}, utl_raw.cast_to_raw(rpad('i', ${block})));
  if e = utl_raw.cast_to_raw('${source}') then :1 := 'plain'; return; end if;
  :1 := utl_raw.cast_to_varchar2(dbms_crypto.decrypt(e, dbms_crypto.${suite}, ${key}, utl_raw.cast_to_raw(rpad('i', ${block})))); end;`),
        source
      )
    }
  })
  it("takes LOBs, and says what is wrong", () => {
    assert.strictEqual(
      text(
        `declare b blob; c clob := rpad('x', 5000, 'xyz'); d clob; begin dbms_crypto.encrypt(b, c, dbms_crypto.aes_cbc_pkcs5, ${key}); dbms_crypto.decrypt(d, b, dbms_crypto.aes_cbc_pkcs5, ${key}); :1 := case when c = d then dbms_lob.getlength(b) end; end;`
      ),
      "5008"
    )
    const failing: ReadonlyArray<readonly [string, RegExp]> = [
      ["dbms_crypto.aes_cbc_pkcs5, null", /^ORA-28239/],
      ["dbms_crypto.aes_cbc_pkcs5, hextoraw('0102')", /^ORA-28234/],
      [`7777, ${key}`, /^ORA-28827/],
      [`dbms_crypto.encrypt_aes128 + dbms_crypto.chain_cbc + dbms_crypto.pad_none, ${key}`, /^ORA-28817/],
      [`dbms_crypto.des_cbc_pkcs5, ${key}`, /^ORA-03001: unimplemented feature: DBMS_CRYPTO.ENCRYPT_DES/]
    ]
    for (const [args, message] of failing) {
      assert.match(
        sql.error(`declare r raw(99); begin r := dbms_crypto.encrypt(hextoraw('010203'), ${args}); end;`),
        message,
        args
      )
    }
    assert.match(
      sql.error(
        `declare r raw(99); begin r := dbms_crypto.decrypt(hextoraw(rpad('0', 32, '1')), dbms_crypto.aes_cbc_pkcs5, ${key}); end;`
      ),
      /^ORA-28817/
    )
  })
})

describe("bytes of floats, sets of bytes, LOBs of other character sets", () => {
  it.each([
    ["rawtohex(utl_raw.cast_from_binary_double(1.5d))", "3FF8000000000000"],
    ["rawtohex(utl_raw.cast_from_binary_float(1.5f, utl_raw.little_endian))", "0000C03F"],
    ["utl_raw.cast_to_binary_double(hextoraw('3FF8000000000000'))", "1.5E+000"],
    ["utl_raw.cast_to_binary_float(utl_raw.cast_from_binary_float(-2.25f))", "-2.25E+000"],
    ["rawtohex(utl_raw.transliterate(hextoraw('010203'), hextoraw('AABB'), hextoraw('0203')))", "01AABB"],
    ["rawtohex(utl_raw.transliterate(hextoraw('010203'), hextoraw('AA'), hextoraw('0203'), hextoraw('FF')))", "01AAFF"]
  ])("%s", (expression, expected) => {
    assert.strictEqual(text(`begin :1 := to_char(${expression}); end;`), expected)
  })
  it("converts LOBs", () => {
    const block = (call: string, result: string) =>
      text(
        `declare b blob; c clob; d integer := 1; s integer := 1; l integer := 0; w integer; begin ${call} :1 := ${result}; end;`
      )
    assert.strictEqual(
      block(
        "dbms_lob.createtemporary(b, true); dbms_lob.converttoblob(b, to_clob('grüße'), dbms_lob.lobmaxsize, d, s, dbms_lob.default_csid, l, w);",
        "rawtohex(dbms_lob.substr(b, 100)) || ' ' || d || ' ' || s || ' ' || w"
      ),
      "6772C3BCC39F65 8 6 0"
    )
    assert.strictEqual(
      block(
        "b := hextoraw('6772FCDF65'); dbms_lob.createtemporary(c, true); dbms_lob.converttoclob(c, b, dbms_lob.lobmaxsize, d, s, 31, l, w);",
        "to_char(c) || ' ' || d || ' ' || s"
      ),
      "grüße 6 6"
    )
    assert.strictEqual(
      block(
        "c := 'ab'; d := 3; s := 3; dbms_lob.converttoclob(c, hextoraw('002000C400410042'), 4, d, s, 2000, l, w);",
        "to_char(c) || ' ' || d || ' ' || s"
      ),
      "abÄA 5 7"
    )
  })
})
