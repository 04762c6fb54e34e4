/** UTL_RAW: bytes, their bits, and what they stand for. */
import type { Stored } from "../../values/composite.ts"
import { fromBytes, type NumberValue, toBytes } from "../../values/oracleNumber.ts"
import { type OraError, oraError } from "../../values/oraError.ts"
import type { Native, SystemPackage } from "../native.ts"
import { bytesOf, integerOf, number, textOf } from "./arguments.ts"

const valueError = (): OraError => oraError(6502, "PL/SQL: value or conversion error")

const orNull = (bytes: Uint8Array): Stored => {
  if (bytes.length > 32_767) throw valueError()
  return bytes.length === 0 ? null : bytes
}

/** Bit by bit; the rest of the longer one stays as it is. */
const bitwise = (combine: (a: number, b: number) => number): Native => (_, args) => {
  const [a, b] = [bytesOf(args["r1"]), bytesOf(args["r2"])]
  if (a === null || b === null) return null
  const [longer, shorter] = a.length >= b.length ? [a, b] : [b, a]
  return orNull(longer.map((byte, i) => i < shorter.length ? combine(byte, shorter[i]!) : byte))
}

const little = 2
const machineEndian = 3

const fromInteger: Native = (_, args) => {
  const value = integerOf(args["n"])
  if (value === null) return null
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setInt32(0, value, [little, machineEndian].includes(integerOf(args["endianess"]) ?? 1))
  return bytes
}

const toInteger: Native = (_, args) => {
  const given = bytesOf(args["r"])
  if (given === null) return null
  if (given.length > 4) throw valueError()
  const isLittle = [little, machineEndian].includes(integerOf(args["endianess"]) ?? 1)
  const bytes = new Uint8Array(4)
  bytes.set(given, isLittle ? 0 : 4 - given.length)
  return number(new DataView(bytes.buffer).getInt32(0, isLittle))
}

const substr: Native = (_, args) => {
  const bytes = bytesOf(args["r"])
  const pos = integerOf(args["pos"])
  const len = integerOf(args["len"])
  if (bytes === null || pos === null) return null
  const start = pos < 0 ? bytes.length + pos : Math.max(0, pos - 1)
  if (pos === 0 || start < 0 || start >= bytes.length) throw valueError()
  if (len !== null && (len < 1 || start + len > bytes.length)) throw valueError()
  return orNull(bytes.slice(start, len === null ? undefined : start + len))
}

const compare: Native = (_, args) => {
  const [a, b] = [bytesOf(args["r1"]) ?? new Uint8Array(), bytesOf(args["r2"]) ?? new Uint8Array()]
  const pad = bytesOf(args["pad"])?.[0] ?? 0
  for (let i = 0; i < Math.max(a.length, b.length); i++) if ((a[i] ?? pad) !== (b[i] ?? pad)) return number(i + 1)
  return number(0)
}

const concat: Native = (_, args) =>
  orNull(
    Uint8Array.from(Buffer.concat(Object.values(args).flatMap((value) => value === null ? [] : [value as Uint8Array])))
  )

const overlay: Native = (_, args) => {
  const [over, target] = [bytesOf(args["overlay_str"]), bytesOf(args["target"])]
  const pos = integerOf(args["pos"]) ?? 1
  if (over === null || target === null || pos < 1) throw valueError()
  const len = integerOf(args["len"]) ?? over.length
  const pad = bytesOf(args["pad"])?.[0] ?? 0
  const result = new Uint8Array(Math.max(target.length, pos - 1 + len)).fill(pad)
  result.set(target)
  for (let i = 0; i < len; i++) result[pos - 1 + i] = over[i] ?? pad
  return orNull(result)
}

const translate: Native = (_, args) => {
  const [bytes, from, to] = [bytesOf(args["r"]), bytesOf(args["from_set"]), bytesOf(args["to_set"])]
  if (bytes === null || from === null || to === null) throw valueError()
  const result: Array<number> = []
  for (const byte of bytes) {
    const at = from.indexOf(byte)
    if (at < 0) result.push(byte)
    else if (at < to.length) result.push(to[at]!)
  }
  return orNull(Uint8Array.from(result))
}

const xrange: Native = (_, args) => {
  const start = bytesOf(args["start_byte"])?.[0] ?? 0
  const end = bytesOf(args["end_byte"])?.[0] ?? 255
  const count = ((end - start + 256) % 256) + 1
  return Uint8Array.from({ length: count }, (_unused, i) => (start + i) % 256)
}

const transliterate: Native = (_, args) => {
  const bytes = bytesOf(args["r"])
  if (bytes === null) throw valueError()
  const to = bytesOf(args["to_set"]) ?? new Uint8Array()
  const given = bytesOf(args["from_set"])
  const padding = bytesOf(args["pad"])?.[0] ?? 0
  // Without a set to translate from, each byte stands for itself.
  const from = given ?? Uint8Array.from({ length: 256 }, (_unused, i) => i)
  return orNull(bytes.map((byte) => {
    const at = from.indexOf(byte)
    return at < 0 ? byte : to[at] ?? padding
  }))
}

const floating = (size: 4 | 8) => ({
  from: ((_, args) => {
    const value = args["n"]
    if (value === null || value === undefined) return null
    const bytes = new Uint8Array(size)
    const view = new DataView(bytes.buffer)
    const isLittle = [little, machineEndian].includes(integerOf(args["endianess"]) ?? 1)
    const float = value === "NaN" ? Number.NaN : value as number
    if (size === 4) view.setFloat32(0, float, isLittle)
    else view.setFloat64(0, float, isLittle)
    return bytes
  }) satisfies Native,
  to: ((_, args) => {
    const bytes = bytesOf(args["r"])
    if (bytes === null) return null
    if (bytes.length < size) throw valueError()
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const isLittle = [little, machineEndian].includes(integerOf(args["endianess"]) ?? 1)
    const value = size === 4 ? view.getFloat32(0, isLittle) : view.getFloat64(0, isLittle)
    return Number.isNaN(value) ? "NaN" : value
  }) satisfies Native
})

const [single, double] = [floating(4), floating(8)]

export const utlRaw: SystemPackage = {
  spec: `package utl_raw is
  big_endian constant pls_integer := 1;
  little_endian constant pls_integer := 2;
  machine_endian constant pls_integer := 3;
  function cast_to_raw(c in varchar2) return raw;
  function cast_to_varchar2(r in raw) return varchar2;
  function cast_to_nvarchar2(r in raw) return nvarchar2;
  function cast_to_number(r in raw) return number;
  function cast_from_number(n in number) return raw;
  function cast_to_binary_integer(r in raw, endianess in pls_integer default 1) return binary_integer;
  function cast_from_binary_integer(n in binary_integer, endianess in pls_integer default 1) return raw;
  function concat(r1 in raw default null, r2 in raw default null, r3 in raw default null, r4 in raw default null,
    r5 in raw default null, r6 in raw default null, r7 in raw default null, r8 in raw default null,
    r9 in raw default null, r10 in raw default null, r11 in raw default null, r12 in raw default null) return raw;
  function length(r in raw) return number;
  function substr(r in raw, pos in binary_integer, len in binary_integer default null) return raw;
  function bit_and(r1 in raw, r2 in raw) return raw;
  function bit_or(r1 in raw, r2 in raw) return raw;
  function bit_xor(r1 in raw, r2 in raw) return raw;
  function bit_complement(r in raw) return raw;
  function compare(r1 in raw, r2 in raw, pad in raw default null) return number;
  function copies(r in raw, n in number) return raw;
  function reverse(r in raw) return raw;
  function overlay(overlay_str in raw, target in raw, pos in binary_integer default 1, len in binary_integer default null,
    pad in raw default null) return raw;
  function translate(r in raw, from_set in raw, to_set in raw) return raw;
  function transliterate(r in raw, to_set in raw default null, from_set in raw default null, pad in raw default null)
    return raw;
  function cast_from_binary_double(n in binary_double, endianess in pls_integer default 1) return raw;
  function cast_to_binary_double(r in raw, endianess in pls_integer default 1) return binary_double;
  function cast_from_binary_float(n in binary_float, endianess in pls_integer default 1) return raw;
  function cast_to_binary_float(r in raw, endianess in pls_integer default 1) return binary_float;
  function xrange(start_byte in raw default null, end_byte in raw default null) return raw;
end;`,
  natives: {
    TRANSLITERATE: transliterate,
    CAST_FROM_BINARY_DOUBLE: double.from,
    CAST_TO_BINARY_DOUBLE: double.to,
    CAST_FROM_BINARY_FLOAT: single.from,
    CAST_TO_BINARY_FLOAT: single.to,
    CAST_TO_RAW: (_, args) => {
      const text = textOf(args["c"])
      return text === null ? null : orNull(Uint8Array.from(Buffer.from(text)))
    },
    CAST_TO_VARCHAR2: (_, args) => {
      const bytes = bytesOf(args["r"])
      return bytes === null ? null : Buffer.from(bytes).toString("utf8")
    },
    CAST_TO_NVARCHAR2: (_, args) => {
      const bytes = bytesOf(args["r"])
      return bytes === null ? null : Buffer.from(bytes).swap16().toString("utf16le")
    },
    CAST_TO_NUMBER: (_, args) => {
      const bytes = bytesOf(args["r"])
      return bytes === null ? null : fromBytes(bytes)
    },
    CAST_FROM_NUMBER: (_, args) => args["n"] === null ? null : toBytes(args["n"] as NumberValue),
    CAST_TO_BINARY_INTEGER: toInteger,
    CAST_FROM_BINARY_INTEGER: fromInteger,
    CONCAT: concat,
    LENGTH: (_, args) => {
      const bytes = bytesOf(args["r"])
      return bytes === null ? null : number(bytes.length)
    },
    SUBSTR: substr,
    BIT_AND: bitwise((a, b) => a & b),
    BIT_OR: bitwise((a, b) => a | b),
    BIT_XOR: bitwise((a, b) => a ^ b),
    BIT_COMPLEMENT: (_, args) => bytesOf(args["r"])?.map((byte) => ~byte & 0xff) ?? null,
    COMPARE: compare,
    COPIES: (_, args) => {
      const [bytes, count] = [bytesOf(args["r"]), integerOf(args["n"])]
      if (bytes === null || count === null || count < 1 || bytes.length * count > 32_767) throw valueError()
      return Uint8Array.from({ length: bytes.length * count }, (_unused, i) => bytes[i % bytes.length]!)
    },
    REVERSE: (_, args) => {
      const bytes = bytesOf(args["r"])
      if (bytes === null) throw valueError()
      return bytes.toReversed()
    },
    OVERLAY: overlay,
    TRANSLATE: translate,
    XRANGE: xrange
  }
}
