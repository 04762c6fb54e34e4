/** DBMS_LOB: reading and changing CLOBs and BLOBs. A change of a value that was read from a locked row changes the row. */
import type { Stored } from "../../values/composite.ts"
import { type OraError, oraError } from "../../values/oraError.ts"
import type { Native, SystemPackage } from "../native.ts"
import { type Arguments, integerOf, number } from "./arguments.ts"
import { conversions, toBlob, toClob } from "./lobConversions.ts"

/** Characters or bytes. */
type Content = string | Uint8Array

const largest = Number.MAX_VALUE
const maxAmount = 32_767

const outOfRange = (argument: number, name: string, low: number, high: number): OraError =>
  oraError(21560, `argument ${argument} is null, invalid, or out of range (${name} must be from ${low} to ${high})`)
const valueError = (): OraError =>
  oraError(6502, "PL/SQL: numeric or value error: invalid LOB locator specified: ORA-22275")

const contentOf = (args: Arguments, name: string): Content => {
  const value = args[name] ?? null
  if (value === null) throw valueError()
  return value as Content
}

/** An empty LOB is null as a value: what it is a LOB of is told by the overload. */
const emptyOf = (isText: boolean): Content => isText ? "" : new Uint8Array()

const orEmpty = (value: Stored | undefined, isText: boolean): Content =>
  value === null || value === undefined ? emptyOf(isText) : value as Content

/** How many bytes of a buffer are in use: more may follow the value that ends there, without a copy of it. */
const used = new WeakMap<ArrayBufferLike, number>()

/** From this size on a BLOB that grows gets room for as much again. */
const roomy = 4096

/** Values never change, but two of them may share the bytes that they begin with. */
const appendBytes = (to: Uint8Array, data: Uint8Array): Uint8Array => {
  const length = to.length + data.length
  let { buffer, byteOffset } = to
  const end = byteOffset + to.length
  if (used.get(buffer) !== end || end + data.length > buffer.byteLength) {
    buffer = new ArrayBuffer(length < roomy ? length : length * 2)
    byteOffset = 0
    new Uint8Array(buffer).set(to)
  }
  new Uint8Array(buffer).set(data, byteOffset + to.length)
  used.set(buffer, byteOffset + length)
  return new Uint8Array(buffer, byteOffset, length)
}

/** Texts are joined by the language, which copies them when they are read. */
const join = (...parts: ReadonlyArray<Content>): Content => {
  let [whole, ...others] = parts.filter((part) => part.length > 0)
  for (const part of others) {
    whole = typeof whole === "string" ? whole + (part as string) : appendBytes(whole!, part as Uint8Array)
  }
  return whole ?? parts[0]!
}

const filler = (like: Content, length: number): Content =>
  typeof like === "string" ? " ".repeat(length) : new Uint8Array(length)

/** The content with these characters or bytes at a place from 1 on; what is missing before it is filled. */
const written = (content: Content, offset: number, data: Content): Content => {
  const gap = Math.max(0, offset - 1 - content.length)
  return join(
    content.slice(0, offset - 1),
    filler(content, gap),
    data,
    content.slice(offset - 1 + data.length)
  )
}

const positive = (args: Arguments, name: string, argument: number, high = largest): number => {
  const value = integerOf(args[name])
  if (value === null || value < 1 || value > high) throw outOfRange(argument, name, 1, high)
  return value
}

const indexIn = (content: Content, pattern: Content, from: number): number =>
  typeof content === "string"
    ? content.indexOf(pattern as string, from)
    : Buffer.from(content).indexOf(Buffer.from(pattern as Uint8Array), from)

const substr: Native = (_, args) => {
  const lob = args["lob_loc"] as Content | null
  const amount = integerOf(args["amount"])
  const offset = integerOf(args["offset"])
  if (lob === null || amount === null || offset === null || amount < 1 || offset < 1) return null
  const part = lob.slice(offset - 1, offset - 1 + Math.min(amount, maxAmount))
  return part.length === 0 ? null : part
}

const instr: Native = (_, args) => {
  const lob = args["lob_loc"] as Content | null
  const pattern = args["pattern"] as Content | null
  const offset = integerOf(args["offset"])
  const nth = integerOf(args["nth"])
  if (lob === null || pattern === null || offset === null || nth === null || offset < 1 || nth < 1) return null
  let at = offset - 2
  for (let i = 0; i < nth; i++) {
    at = indexIn(lob, pattern, at + 1)
    if (at < 0) return number(0)
  }
  return number(at + 1)
}

const compare: Native = (_, args) => {
  const [one, two] = [args["lob_1"] as Content | null, args["lob_2"] as Content | null]
  const amount = integerOf(args["amount"])
  const [from, other] = [integerOf(args["offset_1"]), integerOf(args["offset_2"])]
  if (one === null || two === null || amount === null || from === null || other === null) return null
  if (amount < 1 || from < 1 || other < 1) return null
  const a = Buffer.from(one.slice(from - 1, from - 1 + amount) as string)
  const b = Buffer.from(two.slice(other - 1, other - 1 + amount) as string)
  return number(Buffer.compare(a, b))
}

const read: Native = (_, args) => {
  const lob = contentOf(args, "lob_loc")
  const amount = positive(args, "amount", 2, maxAmount)
  const offset = positive(args, "offset", 3)
  const part = lob.slice(offset - 1, offset - 1 + amount)
  if (part.length === 0) throw oraError(1403, "no data found")
  args["buffer"] = part
  args["amount"] = number(part.length)
}

const write: Native = (_, args) => {
  const amount = positive(args, "amount", 2, maxAmount)
  const offset = positive(args, "offset", 3)
  const buffer = args["buffer"] as Content | null
  if (buffer === null) throw outOfRange(4, "buffer", 1, maxAmount)
  if (buffer.length < amount) throw outOfRange(2, "amount", 1, buffer.length)
  const lob = orEmpty(args["lob_loc"], typeof buffer === "string")
  args["lob_loc"] = written(lob, offset, buffer.slice(0, amount))
}

const writeAppend: Native = (_, args) => {
  const amount = positive(args, "amount", 2, maxAmount)
  const buffer = args["buffer"] as Content | null
  if (buffer === null || buffer.length < amount) throw outOfRange(2, "amount", 1, buffer?.length ?? 0)
  args["lob_loc"] = join(orEmpty(args["lob_loc"], typeof buffer === "string"), buffer.slice(0, amount))
}

const append: Native = (_, args) => {
  const source = contentOf(args, "src_lob")
  args["dest_lob"] = join(orEmpty(args["dest_lob"], typeof source === "string"), source)
}

const copy: Native = (_, args) => {
  const source = contentOf(args, "src_lob")
  const amount = positive(args, "amount", 3)
  const [to, from] = [positive(args, "dest_offset", 4), positive(args, "src_offset", 5)]
  const part = source.slice(from - 1, from - 1 + amount)
  if (part.length === 0) throw oraError(22994, "source offset is beyond the end of the source LOB")
  args["dest_lob"] = written(orEmpty(args["dest_lob"], typeof source === "string"), to, part)
}

const trim: Native = (_, args) => {
  const lob = contentOf(args, "lob_loc")
  const length = integerOf(args["newlen"])
  if (length === null || length < 0 || length > lob.length) throw outOfRange(2, "newlen", 0, lob.length)
  args["lob_loc"] = lob.slice(0, length)
}

const erase: Native = (_, args) => {
  const lob = contentOf(args, "lob_loc")
  const amount = positive(args, "amount", 2)
  const offset = positive(args, "offset", 3)
  const count = Math.max(0, Math.min(amount, lob.length - offset + 1))
  args["amount"] = number(count)
  if (count > 0) args["lob_loc"] = written(lob, offset, filler(lob, count))
}

const getLength: Native = (_, args) => {
  const lob = args["lob_loc"] as Content | null
  return lob === null ? null : number(lob.length)
}

const createTemporary = (isText: boolean): Native => (_, args) => {
  args["lob_loc"] = emptyOf(isText)
}

const nothing: Native = () => undefined

/** The same declarations for both kinds. */
const both = (declare: (lob: string, data: string) => string): string =>
  declare("blob", "raw") + declare("clob", "varchar2")

export const dbmsLob: SystemPackage = {
  spec: `package dbms_lob is
  lob_readonly constant binary_integer := 0;
  lob_readwrite constant binary_integer := 1;
  lobmaxsize constant number := 18446744073709551615;
  session constant pls_integer := 10;
  call constant pls_integer := 12;
${conversions}
${
    both((lob, data) => `
  function getlength(lob_loc in ${lob}) return integer;
  function substr(lob_loc in ${lob}, amount in integer default 32767, offset in integer default 1) return ${data};
  function instr(lob_loc in ${lob}, pattern in ${data}, offset in integer default 1, nth in integer default 1) return integer;
  function compare(lob_1 in ${lob}, lob_2 in ${lob}, amount in integer default 18446744073709551615,
    offset_1 in integer default 1, offset_2 in integer default 1) return integer;
  procedure read(lob_loc in ${lob}, amount in out integer, offset in integer, buffer out ${data});
  procedure write(lob_loc in out nocopy ${lob}, amount in integer, offset in integer, buffer in ${data});
  procedure writeappend(lob_loc in out nocopy ${lob}, amount in integer, buffer in ${data});
  procedure append(dest_lob in out nocopy ${lob}, src_lob in ${lob});
  procedure copy(dest_lob in out nocopy ${lob}, src_lob in ${lob}, amount in integer, dest_offset in integer default 1,
    src_offset in integer default 1);
  procedure trim(lob_loc in out nocopy ${lob}, newlen in integer);
  procedure erase(lob_loc in out nocopy ${lob}, amount in out integer, offset in integer default 1);
  procedure createtemporary(lob_loc in out nocopy ${lob}, cache in boolean, dur in pls_integer default 10);
  procedure freetemporary(lob_loc in out nocopy ${lob});
  function istemporary(lob_loc in ${lob}) return integer;
  function getchunksize(lob_loc in ${lob}) return integer;
  procedure open(lob_loc in out nocopy ${lob}, open_mode in binary_integer);
  procedure close(lob_loc in out nocopy ${lob});
  function isopen(lob_loc in ${lob}) return integer;`)
  }
end;`,
  natives: {
    CONVERTTOBLOB: toBlob,
    CONVERTTOCLOB: toClob,
    ...Object.fromEntries(
      Object.entries<readonly [Native, Native]>({
        GETLENGTH: [getLength, getLength],
        SUBSTR: [substr, substr],
        INSTR: [instr, instr],
        COMPARE: [compare, compare],
        READ: [read, read],
        WRITE: [write, write],
        WRITEAPPEND: [writeAppend, writeAppend],
        APPEND: [append, append],
        COPY: [copy, copy],
        TRIM: [trim, trim],
        ERASE: [erase, erase],
        CREATETEMPORARY: [createTemporary(false), createTemporary(true)],
        FREETEMPORARY: [(_, args) => void (args["lob_loc"] = null), (_, args) => void (args["lob_loc"] = null)],
        ISTEMPORARY: [
          (_, args) => number(args["lob_loc"] === null ? 0 : 1),
          (_, args) => number(args["lob_loc"] === null ? 0 : 1)
        ],
        GETCHUNKSIZE: [() => number(8132), () => number(8132)],
        OPEN: [nothing, nothing],
        CLOSE: [nothing, nothing],
        ISOPEN: [() => number(0), () => number(0)]
      }).flatMap(([name, [first, second]]) => [[name, first], [`${name}#2`, second]])
    )
  }
}
