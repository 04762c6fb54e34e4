/** Functions of characters and their codes: bytes, national letters, what a value looks like inside. */
import { createHash } from "node:crypto"
import { fromInteger } from "../values/oracleNumber.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { NUMBER, raw, ROWID, varchar2 } from "../values/sqlType.ts"
import { define, type FunctionDef, type FunctionTable } from "./functionDef.ts"
import { findText, textFunctions, textOf, upper } from "./textFunctions.ts"

const checkSort = (nls: string | undefined): void => {
  if (nls === undefined) return
  const match = /^\s*NLS_SORT\s*=\s*(\w+)\s*$/i.exec(nls)
  if (match === null) throw oraError(12702, "invalid NLS parameter string used in SQL function")
  if (match[1]!.toUpperCase() !== "BINARY") throw unimplemented(`NLS_SORT = ${match[1]!}`)
}

const national = (change: (text: string) => string): FunctionDef =>
  define<[string, string?]>({
    params: ["c", "c"],
    min: 1,
    returns: textOf,
    run: (_, a, nls) => {
      checkSort(nls)
      return change(a)
    }
  })

/** INSTRB, LENGTHB and the like count bytes. */
const findBytes = (text: string, what: string, start: number, nth: number): number => {
  const latin = (value: string): string => Buffer.from(value).toString("latin1")
  return findText(latin(text), latin(what), start, nth)
}

/** ASCII is a part of UTF-8. */
const unicodeSets = new Set(["AL32UTF8", "UTF8", "US7ASCII"])

const algorithms: Readonly<Record<string, string>> = {
  MD5: "md5",
  SHA1: "sha1",
  SHA256: "sha256",
  SHA384: "sha384",
  SHA512: "sha512"
}

const wide = (text: string): string =>
  Array.from(text, (c) => {
    const code = c.codePointAt(0)!
    return code === 32 ? "\u3000" : code > 32 && code < 127 ? String.fromCodePoint(code + 0xfee0) : c
  }).join("")

const narrow = (text: string): string =>
  Array.from(text, (c) => {
    const code = c.codePointAt(0)!
    return code === 0x3000 ? " " : code > 0xff00 && code < 0xff5f ? String.fromCodePoint(code - 0xfee0) : c
  }).join("")

const likeOf = (name: string): FunctionDef => textFunctions[name]!

export const characterFunctions: FunctionTable = {
  ASCIISTR: define<[string]>({
    params: ["c"],
    returns: varchar2(),
    run: (_, a) =>
      a.replace(/[^ -~\s]|\\/g, (unit) => `\\${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`)
  }),
  COMPOSE: define<[string]>({ params: ["c"], returns: textOf, run: (_, a) => a.normalize("NFC") }),
  DECOMPOSE: define<[string, string?]>({
    params: ["c", "c"],
    min: 1,
    returns: varchar2(),
    run: (_, a, form = "CANONICAL") => {
      if (form.toUpperCase() === "CANONICAL") return a.normalize("NFD")
      if (form.toUpperCase() === "COMPATIBILITY") return a.normalize("NFKD")
      throw oraError(1760, "illegal argument for function")
    }
  }),
  NLS_UPPER: national(upper),
  NLS_LOWER: national((a) => a.toLowerCase()),
  NLS_INITCAP: national((a) =>
    a.toLowerCase().replace(/[\p{L}\p{N}]+/gu, (word) => word[0]!.toUpperCase() + word.slice(1))
  ),
  NLSSORT: define<[string, string?]>({
    params: ["c", "c"],
    min: 1,
    returns: raw(),
    run: (_, a, nls) => {
      checkSort(nls)
      return Uint8Array.from([...Buffer.from(a), 0])
    }
  }),
  NLS_CHARSET_ID: define<[string]>({
    params: ["c"],
    returns: NUMBER,
    run: (_, name) => {
      const ids: Readonly<Record<string, number>> = {
        US7ASCII: 1,
        WE8ISO8859P1: 31,
        WE8MSWIN1252: 178,
        UTF8: 871,
        AL32UTF8: 873,
        AL16UTF16: 2000,
        CHAR_CS: 873,
        NCHAR_CS: 2000
      }
      return ids[name.toUpperCase()] ?? null
    }
  }),
  NLS_CHARSET_NAME: define<[number]>({
    params: ["int"],
    returns: varchar2(30),
    run: (_, id) => {
      const names: Readonly<Record<number, string>> = {
        1: "US7ASCII",
        31: "WE8ISO8859P1",
        178: "WE8MSWIN1252",
        871: "UTF8",
        873: "AL32UTF8",
        2000: "AL16UTF16"
      }
      return names[id] ?? null
    }
  }),
  LENGTHC: likeOf("LENGTH"),
  LENGTH4: likeOf("LENGTH"),
  LENGTH2: define<[string]>({ params: ["c"], returns: NUMBER, run: (_, a) => fromInteger(a.length) }),
  SUBSTRC: likeOf("SUBSTR"),
  SUBSTR4: likeOf("SUBSTR"),
  SUBSTR2: define<[string, number, number?]>({
    params: ["c", "int", "int"],
    min: 2,
    returns: textOf,
    run: (_, a, from, n) => {
      const start = from > 0 ? from - 1 : from === 0 ? 0 : a.length + from
      if (start < 0 || (n !== undefined && n < 1)) return ""
      return a.slice(start, n === undefined ? undefined : start + n)
    }
  }),
  INSTRC: likeOf("INSTR"),
  INSTR4: likeOf("INSTR"),
  INSTR2: likeOf("INSTR"),
  INSTRB: define<[string, string, number?, number?]>({
    params: ["c", "c", "int", "int"],
    min: 2,
    returns: NUMBER,
    run: (_, a, what, start = 1, nth = 1) => fromInteger(findBytes(a, what, start, nth))
  }),
  /** `TRANSLATE(text USING CHAR_CS)`. */
  TRANSLATE_USING: define<[string]>({ params: ["c"], returns: textOf, run: (_, a) => a }),
  CONVERT: define<[string, string, string?]>({
    params: ["c", "c", "c"],
    min: 2,
    returns: varchar2(),
    run: (_, a, to, from = "AL32UTF8") => {
      const target = to.toUpperCase()
      if (!unicodeSets.has(from.toUpperCase()) || !unicodeSets.has(target)) {
        throw unimplemented(`CONVERT from ${from} to ${to}`)
      }
      if (target !== "US7ASCII") return a
      return Array.from(a.normalize("NFD").replace(/\p{M}/gu, ""), (c) => c > "\x7f" ? "?" : c).join("")
    }
  }),
  TO_MULTI_BYTE: define<[string]>({ params: ["c"], returns: varchar2(), run: (_, a) => wide(a) }),
  TO_SINGLE_BYTE: define<[string]>({ params: ["c"], returns: varchar2(), run: (_, a) => narrow(a) }),
  RAWTONHEX: define<[Uint8Array]>({
    params: ["r"],
    returns: { ...varchar2(), name: "NVARCHAR2" },
    run: (_, a) => Buffer.from(a).toString("hex").toUpperCase()
  }),
  CHARTOROWID: define<[string]>({
    params: ["c"],
    returns: ROWID,
    run: (_, a) => {
      if (!/^[A-Za-z0-9+/]{18}$/.test(a)) throw oraError(1410, "invalid ROWID")
      return a
    }
  }),
  ROWIDTOCHAR: define<[string]>({ params: ["i"], returns: varchar2(18), run: (_, a) => a }),
  ROWIDTONCHAR: define<[string]>({
    params: ["i"],
    returns: { ...varchar2(36), name: "NVARCHAR2" },
    run: (_, a) => a
  }),
  HASH: define<[Uint8Array, string?]>({
    params: ["r", "c"],
    min: 1,
    returns: raw(64),
    run: (_, bytes, name = "SHA1") => {
      const algorithm = algorithms[name.toUpperCase()]
      if (algorithm === undefined) throw oraError(1760, "illegal argument for function")
      return Uint8Array.from(createHash(algorithm).update(bytes).digest())
    }
  })
}
