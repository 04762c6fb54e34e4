/** What DESCRIBE tells about the columns of a query. */
import { kindOf } from "../values/sqlType.ts"
import type { Column } from "../values/value.ts"
import type { OutColumn } from "./term.ts"

const sizes: Readonly<Record<string, number>> = {
  n: 22,
  f: 8,
  d: 7,
  t: 11,
  z: 13,
  l: 11,
  y: 5,
  s: 11,
  b: 1,
  lc: 4000,
  lb: 4000,
  j: 8200,
  v: 8200,
  i: 18,
  o: 2000,
  cur: 4
}

/** What DESCRIBE tells about a column. */
export const describeColumn = (column: OutColumn): Column => {
  const { type } = column
  const kind = kindOf(type)
  const national = type.name === "NVARCHAR2" || type.name === "NCHAR" || type.name === "NCLOB"
  const text = kind === "c" || kind === "r" || kind === "null"
  const size = text
    ? Math.max(1, type.size === 0 ? (kind === "null" ? 1 : 4000) : type.size)
    : kind === "f" && type.name === "BINARY_FLOAT"
    ? 4
    : sizes[kind]!
  return {
    name: column.name,
    type: type.name === "NULL" ? "VARCHAR2" : type.name === "BINARY_INTEGER" ? "NUMBER" : type.name,
    precision: kind === "n" && type.name === "BINARY_INTEGER" ? 0 : type.precision,
    scale: type.scale,
    maxSize: type.name === "LONG" || type.name === "LONG RAW" ? 2_147_483_647 : size,
    maxChars: kind === "c"
      ? (type.chars > 0 ? type.chars : national ? Math.ceil(size / 2) : size)
      : kind === "null"
      ? 1
      : 0,
    nullable: column.nullable,
    national,
    isJson: column.isJson,
    ...(type.composite === undefined ? {} : { composite: type.composite }),
    ...(type.vector === undefined ? {} : { vector: type.vector })
  }
}
