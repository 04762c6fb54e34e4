/** DBMS_LOB.CONVERTTOBLOB and CONVERTTOCLOB: bytes to characters of a character set, and back. */
import type { Stored } from "../../values/composite.ts"
import { oraError, unimplemented } from "../../values/oraError.ts"
import type { Native } from "../native.ts"
import { type Arguments, integerOf, number } from "./arguments.ts"

/** Numbers of character sets; 0 is the database's own. */
const encodings: Readonly<Record<number, BufferEncoding>> = {
  0: "utf8",
  1: "ascii",
  31: "latin1",
  871: "utf8",
  873: "utf8",
  2000: "utf16le",
  2002: "utf16le"
}
const bigEndian = 2000

const encodingOf = (args: Arguments): { readonly encoding: BufferEncoding; readonly swaps: boolean } => {
  const id = integerOf(args["blob_csid"]) ?? 0
  const encoding = encodings[id]
  if (encoding === undefined) throw unimplemented(`DBMS_LOB with the character set ${id}`)
  return { encoding, swaps: id === bigEndian }
}

const place = (args: Arguments, name: string, argument: number): number => {
  const value = integerOf(args[name])
  if (value !== null && value >= 1) return value
  throw oraError(21560, `argument ${argument} is null, invalid, or out of range (${name} must be at least 1)`)
}

const taken = <C extends string | Uint8Array>(source: C, args: Arguments): C => {
  const from = place(args, "src_offset", 5)
  const amount = place(args, "amount", 3)
  if (from > source.length) throw oraError(22275, "invalid LOB locator specified")
  return source.slice(from - 1, Math.min(source.length, from - 1 + amount)) as C
}

const settled = (args: Arguments, read: number, written: number): void => {
  args["src_offset"] = number(place(args, "src_offset", 5) + read)
  args["dest_offset"] = number(place(args, "dest_offset", 4) + written)
  args["warning"] = number(0)
}

const contentOf = (value: Stored | undefined): Stored => {
  if (value === null || value === undefined) {
    throw oraError(6502, "PL/SQL: numeric or value error: invalid LOB locator specified: ORA-22275")
  }
  return value
}

export const toBlob: Native = (_, args) => {
  const text = taken(contentOf(args["src_clob"]) as string, args)
  const { encoding, swaps } = encodingOf(args)
  const bytes = Buffer.from(text, encoding)
  if (swaps) bytes.swap16()
  const at = place(args, "dest_offset", 4) - 1
  const before = (args["dest_lob"] as Uint8Array | null) ?? new Uint8Array()
  const result = new Uint8Array(Math.max(before.length, at + bytes.length))
  result.set(before)
  result.set(bytes, at)
  args["dest_lob"] = result
  settled(args, text.length, bytes.length)
}

export const toClob: Native = (_, args) => {
  const bytes = Buffer.from(taken(contentOf(args["src_blob"]) as Uint8Array, args))
  const { encoding, swaps } = encodingOf(args)
  const count = bytes.length
  const text = (swaps ? bytes.subarray(0, count - count % 2).swap16() : bytes).toString(encoding)
  const at = place(args, "dest_offset", 4) - 1
  const before = ((args["dest_lob"] as string | null) ?? "").padEnd(at)
  args["dest_lob"] = before.slice(0, at) + text + before.slice(at + text.length)
  settled(args, count, text.length)
}

export const conversions = `
  default_csid constant integer := 0;
  default_lang_ctx constant integer := 0;
  no_warning constant integer := 0;
  warn_inconvertible_char constant integer := 1;
  procedure converttoblob(dest_lob in out nocopy blob, src_clob in clob, amount in integer, dest_offset in out integer,
    src_offset in out integer, blob_csid in number, lang_context in out integer, warning out integer);
  procedure converttoclob(dest_lob in out nocopy clob, src_blob in blob, amount in integer, dest_offset in out integer,
    src_offset in out integer, blob_csid in number, lang_context in out integer, warning out integer);`
