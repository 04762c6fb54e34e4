/** The wire's numbers of data types, and how they stand to the engine's types. */
import type { TypeName } from "../engine/engine.ts"

/** Data type numbers of the wire. */
export const WireType = {
  varchar: 1,
  number: 2,
  binaryInteger: 3,
  long: 8,
  rowid: 11,
  date: 12,
  raw: 23,
  longRaw: 24,
  char: 96,
  binaryFloat: 100,
  binaryDouble: 101,
  cursor: 102,
  object: 109,
  clob: 112,
  blob: 113,
  bfile: 114,
  json: 119,
  vector: 127,
  timestamp: 180,
  timestampTz: 181,
  intervalYm: 182,
  intervalDs: 183,
  urowid: 208,
  timestampLtz: 231,
  boolean: 252
} as const

/** Character set forms: the database's own character set, or the national one. */
export const CharForm = { implicit: 1, national: 2 } as const

const numbers: { readonly [Name in TypeName]: number } = {
  "VARCHAR2": WireType.varchar,
  "NVARCHAR2": WireType.varchar,
  "CHAR": WireType.char,
  "NCHAR": WireType.char,
  "LONG": WireType.long,
  "NUMBER": WireType.number,
  "BINARY_INTEGER": WireType.binaryInteger,
  "BINARY_FLOAT": WireType.binaryFloat,
  "BINARY_DOUBLE": WireType.binaryDouble,
  "RAW": WireType.raw,
  "LONG RAW": WireType.longRaw,
  "DATE": WireType.date,
  "TIMESTAMP": WireType.timestamp,
  "TIMESTAMP WITH TIME ZONE": WireType.timestampTz,
  "TIMESTAMP WITH LOCAL TIME ZONE": WireType.timestampLtz,
  "INTERVAL YEAR TO MONTH": WireType.intervalYm,
  "INTERVAL DAY TO SECOND": WireType.intervalDs,
  "BOOLEAN": WireType.boolean,
  "CLOB": WireType.clob,
  "NCLOB": WireType.clob,
  "BLOB": WireType.blob,
  "JSON": WireType.json,
  "VECTOR": WireType.vector,
  "ROWID": WireType.rowid,
  "UROWID": WireType.urowid,
  "OBJECT": WireType.object,
  "CURSOR": WireType.cursor
}

export const wireType = (name: TypeName): number => numbers[name]

// Clients may name a type by the number that the call interface has for it, instead of the one that columns have.
const external = new Map<number, number>([
  [9, WireType.varchar],
  [15, WireType.raw],
  [94, WireType.long],
  [95, WireType.longRaw],
  [187, WireType.timestamp],
  [188, WireType.timestampTz],
  [189, WireType.intervalYm],
  [190, WireType.intervalDs],
  [232, WireType.timestampLtz]
])

/** The number of a type as columns have it. */
export const columnType = (number: number): number => external.get(number) ?? number

const names = new Map<number, TypeName>()
for (const [name, number] of Object.entries(numbers) as Array<[TypeName, number]>) {
  if (!names.has(number)) names.set(number, name)
}

// The national form of a LONG, as which NCLOBs are fetched and long national binds sent, has no name of its own.
const nationalNames = new Map<TypeName, TypeName>([
  ["VARCHAR2", "NVARCHAR2"],
  ["CHAR", "NCHAR"],
  ["CLOB", "NCLOB"],
  ["LONG", "NVARCHAR2"]
])

/** The name of a wire type; `undefined` for one that this server does not have. */
export const typeName = (number: number, form: number): TypeName | undefined => {
  const name = names.get(number)
  return name !== undefined && form === CharForm.national ? nationalNames.get(name) ?? name : name
}

/**
 * Types whose first EXECUTE must answer without rows: the client then says with a define how it wants them (PROTOCOL
 * section 7).
 */
export const needsDefine = (name: TypeName): boolean =>
  name === "CLOB" || name === "NCLOB" || name === "BLOB" || name === "JSON" || name === "VECTOR"
