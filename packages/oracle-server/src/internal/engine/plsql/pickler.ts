/** DBMS_PICKLER.GET_TYPE_SHAPE: what drivers ask of a type before they bind or fetch its values. */
import { rowTypeOf } from "../catalog/catalog.ts"
import { describeColumn } from "../compile/describe.ts"
import { Frame } from "../execute/frame.ts"
import { QueryCursor } from "../execute/queryCursor.ts"
import { ListScan } from "../execute/scans.ts"
import type { Row } from "../storage/tableData.ts"
import type { Step } from "../storage/waiting.ts"
import type { Call, Expr } from "../syntax/ast.ts"
import { tokenize } from "../syntax/lexer.ts"
import { oidOf, type Stored, typeName } from "../values/composite.ts"
import type { CompositeType, SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import { CURSOR, kindOf, NUMBER, raw, varchar2 } from "../values/sqlType.ts"
import { decoderFor } from "../values/values.ts"
import type { Environment } from "./environment.ts"
import type { Machine } from "./machine.ts"
import { namedType } from "./names.ts"
import type { Typed } from "./typed.ts"
import { newCell } from "./variables.ts"

const parameters = [
  "FULLTYPENAME",
  "OID",
  "VERSION",
  "TDS",
  "INSTANTIABLE",
  "SUPERTYPE_OWNER",
  "SUPERTYPE_NAME",
  "ATTR_RC",
  "SUBTYPE_RC"
]

/** Codes of the segments that describe a type. */
const code = {
  char: 1,
  date: 2,
  number: 6,
  varchar: 7,
  boolean: 8,
  raw: 19,
  timestamp: 21,
  timestampTz: 23,
  object: 27,
  collection: 28,
  clob: 29,
  blob: 30,
  timestampLtz: 33,
  binaryFloat: 37,
  begin: 39,
  end: 40,
  binaryDouble: 45
} as const

const utf8 = 873
const utf16 = 2000

/** One attribute or element as a descriptor has it. */
const segment = (type: SqlType): ReadonlyArray<number> => {
  const u16 = (value: number): ReadonlyArray<number> => [(value >> 8) & 0xff, value & 0xff]
  switch (kindOf(type)) {
    case "n":
      return type.name === "BINARY_INTEGER"
        ? [code.number, 0, 0]
        : [code.number, type.precision & 0xff, type.scale & 0xff]
    case "c": {
      const national = type.name.startsWith("N")
      const op = type.name.endsWith("VARCHAR2") || type.name === "LONG" ? code.varchar : code.char
      return [op, ...u16(Math.min(type.size, 0xffff)), national ? 2 : 1, ...u16(national ? utf16 : utf8)]
    }
    case "r":
      return [code.raw, ...u16(Math.min(type.size, 0xffff))]
    case "f":
      return [type.name === "BINARY_FLOAT" ? code.binaryFloat : code.binaryDouble]
    case "d":
      return [code.date]
    case "t":
      return [code.timestamp, type.scale]
    case "z":
      return [code.timestampTz, type.scale]
    case "l":
      return [code.timestampLtz, type.scale]
    case "b":
      return [code.boolean]
    case "lc":
      return [code.clob]
    case "lb":
      return [code.blob]
    case "o":
      return [code.object, 0, 0, 0, 0, 0]
    default:
      throw oraError(3001, `unimplemented feature: ${type.name} in objects on the wire`)
  }
}

const forms = { numbers: 1, texts: 1, table: 2, varray: 3 } as const
const headSize = 18

/** The descriptor of a type: its attributes, or the form and the element of a collection. */
const descriptor = (type: CompositeType): Uint8Array => {
  const head = Buffer.alloc(headSize)
  const parts: Array<number> = []
  if (type.kind === "collection") {
    // Where the element stands, and how many there may be.
    const at = Buffer.alloc(10)
    at[0] = code.collection
    at.writeUInt32BE(headSize + at.length, 1)
    at.writeUInt32BE(type.limit ?? 0, 5)
    at[9] = forms[type.form]
    parts.push(...at, ...segment(type.element))
  } else for (const attribute of type.attributes) parts.push(...segment(attribute.type))
  parts.push(code.end)
  head.writeUInt32BE(headSize + parts.length, 0)
  // Version of the descriptor.
  head[4] = 0x26
  head[5] = 1
  head.writeUInt16BE(type.kind === "collection" ? 1 : type.attributes.length, 8)
  head[11] = code.begin
  return Uint8Array.from([...head, ...parts])
}

/** The parts of a name as it is written: quoted ones keep their case. */
const nameParts = (text: string): { readonly path: ReadonlyArray<string>; readonly isRow: boolean } => {
  const isRow = /%rowtype$/i.test(text)
  const tokens = tokenize(isRow ? text.slice(0, -"%ROWTYPE".length) : text)
  return {
    isRow,
    path: tokens.filter(({ kind }) => kind === "word" || kind === "quoted").map((token) => token.text)
  }
}

const find = (machine: Machine, text: string, env: Environment): CompositeType | undefined => {
  const { isRow, path } = nameParts(text)
  if (!isRow) return namedType(machine, path, env)?.composite
  const object = machine.host.core.catalog.find(path, machine.session.currentSchema)
  return object?.kind === "table" || object?.kind === "view" ? rowTypeOf(object) : undefined
}

const columns = [
  { name: "VERSION", type: NUMBER },
  { name: "ATTR_NAME", type: varchar2(128) },
  { name: "ATTR_NO", type: NUMBER },
  { name: "ATTR_TYPE_NAME", type: varchar2(128) },
  { name: "ATTR_TYPE_OWNER", type: varchar2(128) },
  { name: "ATTR_TYPE_PACKAGE", type: varchar2(128) },
  { name: "ATTR_TYPE_OID", type: raw(16) },
  { name: "ATTR_INSTANTIABLE", type: varchar2(3) },
  { name: "ATTR_SUPER_TYPE_OWNER", type: varchar2(128) },
  { name: "ATTR_SUPER_TYPE_NAME", type: varchar2(128) }
].map((column) => ({ ...column, nullable: true, isJson: false }))

function* attributeCursor(machine: Machine, type: CompositeType): Step<QueryCursor> {
  const { core, executor } = machine.host
  const rows = (type.kind === "collection" ? [] : type.attributes).map(({ name, type: of }, i): Row => {
    const { composite } = of
    return [
      1,
      name,
      i + 1,
      composite?.name ?? of.name,
      composite?.owner ?? null,
      composite?.package ?? null,
      composite === undefined ? null : Uint8Array.from(Buffer.from(oidOf(composite), "hex")),
      "YES",
      null,
      null
    ]
  })
  const frame = new Frame(core.store, machine.session, executor.transaction.snapshot(), [])
  const cursor = new QueryCursor(
    {
      columns: columns.map(describeColumn),
      decoders: columns.map((column) => decoderFor(column.type)),
      out: columns,
      locks: []
    },
    { frame, operator: new ListScan(frame, 0, () => rows, undefined), slot: 0, lockSlots: [], take: undefined }
  )
  yield* cursor.open()
  return cursor
}

/** The call, when it is this one. */
export const typeShape = (machine: Machine, call: Call, env: Environment): Step<Typed> | undefined => {
  const path = call.path[0] === "SYS" ? call.path.slice(1) : call.path
  return path.join(".") === "DBMS_PICKLER.GET_TYPE_SHAPE" ? run(machine, call, env) : undefined
}

function* run(machine: Machine, call: Call, env: Environment): Step<Typed> {
  const argument = (name: string): Expr | undefined => {
    const named = call.names.indexOf(name)
    return named >= 0 ? call.args[named] : call.args[parameters.indexOf(name)]
  }
  function* set(name: string, value: Stored, type: SqlType): Step<void> {
    const target = argument(name)
    if (target !== undefined) yield* machine.store(target, { value, type }, env)
  }
  const given = argument("FULLTYPENAME")
  const text = given === undefined ? null : (yield* machine.evaluate(given, env)).value
  const type = typeof text === "string" ? find(machine, text, env) : undefined
  if (type === undefined) return { value: 1, type: NUMBER }
  yield* set("FULLTYPENAME", typeName(type), varchar2(500))
  yield* set("OID", Uint8Array.from(Buffer.from(oidOf(type), "hex")), raw(16))
  yield* set("VERSION", 1, NUMBER)
  yield* set("TDS", descriptor(type), raw(2000))
  const supertype = type.kind === "object" ? type.supertype : undefined
  yield* set("INSTANTIABLE", type.kind === "object" && !type.instantiable ? "NO" : "YES", varchar2(3))
  yield* set("SUPERTYPE_OWNER", supertype?.owner ?? null, varchar2(128))
  yield* set("SUPERTYPE_NAME", supertype?.name ?? null, varchar2(128))
  const cursor = argument("ATTR_RC")
  if (cursor !== undefined) {
    const cell = newCell(yield* attributeCursor(machine, type))
    yield* machine.store(cursor, { value: null, type: CURSOR, cell }, env)
  }
  return { value: 0, type: NUMBER }
}
