/** The SQL functions on text. LIKE and regular expressions have files of their own. */
import type { SqlType } from "../values/dataTypes.ts"
import { fromInteger } from "../values/oracleNumber.ts"
import { oraError } from "../values/oraError.ts"
import { NUMBER, raw, varchar2 } from "../values/sqlType.ts"
import { byteLength, hasSurrogates, lengthOf, points } from "../values/text.ts"
import { define, type FunctionTable } from "./functionDef.ts"

const sliceText = (text: string, from: number, length: number | undefined): string => {
  if (length !== undefined && length < 1) return ""
  const units = hasSurrogates(text) ? points(text) : undefined
  const size = units === undefined ? text.length : units.length
  const start = from > 0 ? from - 1 : from === 0 ? 0 : size + from
  if (start < 0 || start >= size) return ""
  const end = length === undefined ? size : Math.min(size, start + length)
  return units === undefined ? text.slice(start, end) : units.slice(start, end).join("")
}

export const textOf = (args: ReadonlyArray<SqlType>): SqlType =>
  args[0]!.name === "CLOB" || args[0]!.name === "NCLOB"
    ? args[0]!
    : varchar2(args[0]!.size > 0 && (args[0]!.name === "VARCHAR2" || args[0]!.name === "CHAR") ? args[0]!.size : 4000)
const big = (args: ReadonlyArray<SqlType>): SqlType => args[0]!.name === "CLOB" ? args[0]! : varchar2()

export const findText = (text: string, what: string, start: number, nth: number): number => {
  if (nth < 1) throw oraError(1428, `argument '${nth}' is out of range`)
  if (start === 0) return 0
  let at: number
  if (start > 0) {
    at = text.indexOf(what, start - 1)
    for (let n = 1; n < nth && at >= 0; n++) at = text.indexOf(what, at + 1)
    return at + 1
  }
  const from = text.length + start
  if (from < 0) return 0
  at = text.lastIndexOf(what, from)
  for (let n = 1; n < nth && at >= 0; n++) at = at === 0 ? -1 : text.lastIndexOf(what, at - 1)
  return at + 1
}

const padText = (text: string, width: number, fill: string, left: boolean): string => {
  if (width < 1) return ""
  const size = lengthOf(text)
  if (size >= width) return sliceText(text, 1, width)
  const missing = width - size
  const filler = sliceText(fill.repeat(Math.ceil(missing / lengthOf(fill))), 1, missing)
  return left ? filler + text : text + filler
}

const trimStart = (text: string, set: string): string => {
  let at = 0
  while (at < text.length && set.includes(text[at]!)) at++
  return text.slice(at)
}

const trimEnd = (text: string, set: string): string => {
  let end = text.length
  while (end > 0 && set.includes(text[end - 1]!)) end--
  return text.slice(0, end)
}

const soundex = (text: string): string => {
  const codes: Readonly<Record<string, string>> = {
    B: "1",
    F: "1",
    P: "1",
    V: "1",
    C: "2",
    G: "2",
    J: "2",
    K: "2",
    Q: "2",
    S: "2",
    X: "2",
    Z: "2",
    D: "3",
    T: "3",
    L: "4",
    M: "5",
    N: "5",
    R: "6"
  }
  const letters = text.toUpperCase().replace(/[^A-Z]/g, "")
  if (letters === "") return ""
  let out = letters[0]!
  let last = codes[letters[0]!] ?? ""
  for (const letter of letters.slice(1)) {
    const code = codes[letter] ?? ""
    if (code !== "" && code !== last) out += code
    if (letter !== "H" && letter !== "W") last = code
  }
  return out.padEnd(4, "0").slice(0, 4)
}

const utf8 = new TextEncoder()

/** Letter by letter: one whose capital would be two letters stays as it is. */
export const upper = (text: string): string => {
  const all = text.toUpperCase()
  if (all.length === text.length) return all
  return Array.from(text, (letter) => {
    const capital = letter.toUpperCase()
    return capital.length === letter.length ? capital : letter
  }).join("")
}

export const textFunctions: FunctionTable = {
  UPPER: define<[string]>({ params: ["c"], returns: textOf, run: (_, a) => upper(a) }),
  LOWER: define<[string]>({ params: ["c"], returns: textOf, run: (_, a) => a.toLowerCase() }),
  INITCAP: define<[string]>({
    params: ["c"],
    returns: textOf,
    run: (_, a) => a.toLowerCase().replace(/[\p{L}\p{N}]+/gu, (word) => word[0]!.toUpperCase() + word.slice(1))
  }),
  LENGTH: define<[string]>({ params: ["c"], returns: NUMBER, run: (_, a) => fromInteger(lengthOf(a)) }),
  LENGTHB: define<[string]>({ params: ["c"], returns: NUMBER, run: (_, a) => fromInteger(byteLength(a)) }),
  SUBSTR: define<[string, number, number?]>({
    params: ["c", "int", "int"],
    min: 2,
    returns: textOf,
    run: (_, a, from, n) => sliceText(a, from, n)
  }),
  SUBSTRB: define<[string, number, number?]>({
    params: ["c", "int", "int"],
    min: 2,
    returns: textOf,
    run: (_, a, from, n) => {
      const bytes = utf8.encode(a)
      const start = from > 0 ? from - 1 : from === 0 ? 0 : bytes.length + from
      if (start < 0 || (n !== undefined && n < 1)) return ""
      return new TextDecoder().decode(bytes.slice(start, n === undefined ? undefined : start + n)).replaceAll(
        "\ufffd",
        " "
      )
    }
  }),
  INSTR: define<[string, string, number?, number?]>({
    params: ["c", "c", "int", "int"],
    min: 2,
    returns: NUMBER,
    run: (_, a, what, start = 1, nth = 1) => fromInteger(findText(a, what, start, nth))
  }),
  LPAD: define<[string, number, string?]>({
    params: ["c", "int", "c"],
    min: 2,
    returns: big,
    run: (_, a, n, fill = " ") => padText(a, n, fill, true)
  }),
  RPAD: define<[string, number, string?]>({
    params: ["c", "int", "c"],
    min: 2,
    returns: big,
    run: (_, a, n, fill = " ") => padText(a, n, fill, false)
  }),
  LTRIM: define<[string, string?]>({
    params: ["c", "c"],
    min: 1,
    returns: textOf,
    run: (_, a, set = " ") => trimStart(a, set)
  }),
  RTRIM: define<[string, string?]>({
    params: ["c", "c"],
    min: 1,
    returns: textOf,
    run: (_, a, set = " ") => trimEnd(a, set)
  }),
  TRIM_BOTH: define<[string, string?]>({
    params: ["c", "c"],
    min: 1,
    returns: textOf,
    run: (_, a, set = " ") => trimEnd(trimStart(a, oneCharacter(set)), set)
  }),
  TRIM_LEADING: define<[string, string?]>({
    params: ["c", "c"],
    min: 1,
    returns: textOf,
    run: (_, a, set = " ") => trimStart(a, oneCharacter(set))
  }),
  TRIM_TRAILING: define<[string, string?]>({
    params: ["c", "c"],
    min: 1,
    returns: textOf,
    run: (_, a, set = " ") => trimEnd(a, oneCharacter(set))
  }),
  REPLACE: define<[string | null, string | null, (string | null)?]>({
    params: ["c", "c", "c"],
    min: 2,
    returns: big,
    nulls: true,
    run: (_, a, what, by) => a === null || what === null ? a : a.replaceAll(what, () => by ?? "")
  }),
  TRANSLATE: define<[string, string, string]>({
    params: ["c", "c", "c"],
    returns: textOf,
    run: (_, a, from, to) => {
      const sources = points(from)
      const targets = points(to)
      return points(a).map((c) => {
        const at = sources.indexOf(c)
        return at < 0 ? c : targets[at] ?? ""
      }).join("")
    }
  }),
  ASCII: define<[string]>({
    params: ["c"],
    returns: NUMBER,
    run: (_, a) => fromInteger(utf8.encode(points(a)[0]).reduce((n, b) => n * 256 + b, 0))
  }),
  CHR: define<[number]>({
    params: ["int"],
    returns: varchar2(4),
    run: (_, n) => {
      if (n < 128) return String.fromCharCode(n)
      const bytes: Array<number> = []
      for (let rest = n; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
      return new TextDecoder().decode(Uint8Array.from(bytes))
    }
  }),
  NCHR: define<[number]>({ params: ["int"], returns: varchar2(4), run: (_, n) => String.fromCodePoint(n) }),
  UNISTR: define<[string]>({
    params: ["c"],
    returns: big,
    run: (_, a) =>
      a.replace(
        /\\(\\|[0-9a-fA-F]{4})/g,
        (_m, code: string) => code === "\\" ? "\\" : String.fromCharCode(parseInt(code, 16))
      )
  }),
  REVERSE: define<[string]>({ params: ["c"], returns: textOf, run: (_, a) => points(a).toReversed().join("") }),
  SOUNDEX: define<[string]>({ params: ["c"], returns: varchar2(4), run: (_, a) => soundex(a) }),
  RAWTOHEX: define<[Uint8Array]>({
    params: ["r"],
    returns: varchar2(),
    run: (_, a) => Buffer.from(a).toString("hex").toUpperCase()
  }),
  HEXTORAW: define<[string]>({
    params: ["c"],
    returns: raw(),
    run: (_, a) => {
      if (!/^[0-9a-fA-F]*$/.test(a)) throw oraError(1465, "invalid hex number")
      return Uint8Array.from(Buffer.from(a.length % 2 === 1 ? "0" + a : a, "hex"))
    }
  }),
  "UTL_RAW.CAST_TO_RAW": define<[string]>({ params: ["c"], returns: raw(), run: (_, a) => utf8.encode(a) }),
  "UTL_RAW.CAST_TO_VARCHAR2": define<[Uint8Array]>({
    params: ["r"],
    returns: varchar2(),
    run: (_, a) => new TextDecoder().decode(a)
  }),
  "UTL_RAW.LENGTH": define<[Uint8Array]>({ params: ["r"], returns: NUMBER, run: (_, a) => fromInteger(a.length) }),
  TO_CLOB: define<[string]>({ params: ["c"], returns: { ...varchar2(), name: "CLOB", size: 0 }, run: (_, a) => a }),
  TO_NCLOB: define<[string]>({ params: ["c"], returns: { ...varchar2(), name: "NCLOB", size: 0 }, run: (_, a) => a }),
  TO_BLOB: define<[Uint8Array]>({ params: ["r"], returns: { ...varchar2(), name: "BLOB", size: 0 }, run: (_, a) => a }),
  TO_NCHAR: define<[string]>({ params: ["c"], returns: { ...varchar2(), name: "NVARCHAR2" }, run: (_, a) => a }),
  EMPTY_CLOB: define<[]>({ params: [], returns: { ...varchar2(), name: "CLOB", size: 0 }, run: () => "" }),
  EMPTY_BLOB: define<[]>({
    params: [],
    returns: { ...varchar2(), name: "BLOB", size: 0 },
    run: () => new Uint8Array(0)
  }),
  "DBMS_LOB.GETLENGTH": define<[string | Uint8Array]>({
    params: ["any"],
    returns: NUMBER,
    run: (_, a) => fromInteger(a.length)
  }),
  "DBMS_LOB.SUBSTR": define<[string | Uint8Array, number?, number?]>({
    params: ["any", "int", "int"],
    min: 1,
    returns: (args) => args[0]!.name === "BLOB" ? raw() : varchar2(),
    run: (_, a, amount = 32767, offset = 1) =>
      typeof a === "string" ? sliceText(a, offset, amount) : a.slice(offset - 1, offset - 1 + amount)
  }),
  "DBMS_LOB.INSTR": define<[string, string, number?, number?]>({
    params: ["c", "c", "int", "int"],
    min: 2,
    returns: NUMBER,
    run: (_, a, what, start = 1, nth = 1) => fromInteger(findText(a, what, start, nth))
  })
}

function oneCharacter(set: string): string {
  if (lengthOf(set) !== 1) throw oraError(30001, "trim set should have only one character")
  return set
}
