/** The types of SQL as the compiler knows them, and which of them fit together. */
import { typeName } from "./composite.ts"
import type { SqlType } from "./dataTypes.ts"

const type = (name: SqlType["name"], precision = 0, scale = 0, size = 0, chars = 0): SqlType => ({
  name,
  precision,
  scale,
  size,
  chars
})

export const NULL = type("NULL")
export const NUMBER = type("NUMBER", 0, -127)
export const INTEGER = type("NUMBER", 38, 0)
export const BINARY_DOUBLE = type("BINARY_DOUBLE")
export const BINARY_FLOAT = type("BINARY_FLOAT")
export const DATE = type("DATE")
export const BOOLEAN = type("BOOLEAN")
export const CLOB = type("CLOB")
export const NCLOB = type("NCLOB")
export const BLOB = type("BLOB")
export const JSON_TYPE = type("JSON")
export const VECTOR: SqlType = { ...type("VECTOR"), vector: { dimensions: 0, format: "ANY" } }
export const ROWID = type("ROWID", 0, 0, 18)
export const CURSOR = type("CURSOR")
export const LONG = type("LONG")
export const INTERVAL_YM = type("INTERVAL YEAR TO MONTH", 9)
export const INTERVAL_DS = type("INTERVAL DAY TO SECOND", 9, 9)
export const varchar2 = (size = 4000): SqlType => type("VARCHAR2", 0, 0, size)
export const char = (size: number): SqlType => type("CHAR", 0, 0, size)
export const raw = (size = 2000): SqlType => type("RAW", 0, 0, size)
export const number = (precision: number, scale: number): SqlType => type("NUMBER", precision, scale)
export const timestamp = (scale = 6): SqlType => type("TIMESTAMP", 0, scale)
export const timestampTz = (scale = 6): SqlType => type("TIMESTAMP WITH TIME ZONE", 0, scale)
export const timestampLtz = (scale = 6): SqlType => type("TIMESTAMP WITH LOCAL TIME ZONE", 0, scale)

/**
 * How values are kept: types of one kind have the same stored form.
 *
 * n NUMBER bytes, f double (NaN is the text 'NaN'), c text, r bytes, d DATE, t TIMESTAMP, z WITH TIME ZONE, l WITH LOCAL
 * TIME ZONE, y and s intervals, b 0/1, lc text of a CLOB, lb bytes of a BLOB, j JSON text, v vector text, i rowid text,
 * o record, object or collection, cur cursor, null.
 */
export type Kind =
  | "n"
  | "f"
  | "c"
  | "r"
  | "d"
  | "t"
  | "z"
  | "l"
  | "y"
  | "s"
  | "b"
  | "lc"
  | "lb"
  | "j"
  | "v"
  | "i"
  | "o"
  | "cur"
  | "null"

const kinds: Readonly<Record<SqlType["name"], Kind>> = {
  "VARCHAR2": "c",
  "NVARCHAR2": "c",
  "CHAR": "c",
  "NCHAR": "c",
  "LONG": "c",
  "NUMBER": "n",
  "BINARY_INTEGER": "n",
  "BINARY_FLOAT": "f",
  "BINARY_DOUBLE": "f",
  "RAW": "r",
  "LONG RAW": "r",
  "DATE": "d",
  "TIMESTAMP": "t",
  "TIMESTAMP WITH TIME ZONE": "z",
  "TIMESTAMP WITH LOCAL TIME ZONE": "l",
  "INTERVAL YEAR TO MONTH": "y",
  "INTERVAL DAY TO SECOND": "s",
  "BOOLEAN": "b",
  "CLOB": "lc",
  "NCLOB": "lc",
  "BLOB": "lb",
  "JSON": "j",
  "VECTOR": "v",
  "ROWID": "i",
  "UROWID": "i",
  "OBJECT": "o",
  "CURSOR": "cur",
  "NULL": "null"
}

export const kindOf = (t: SqlType): Kind => kinds[t.name]

export const isBlankPadded = (t: SqlType): boolean => t.name === "CHAR" || t.name === "NCHAR"

/** As error texts and the data dictionary name it. */
export const shortName = (t: SqlType): string => {
  switch (t.name) {
    case "TIMESTAMP":
    case "TIMESTAMP WITH TIME ZONE":
    case "TIMESTAMP WITH LOCAL TIME ZONE":
      return t.name.replace("TIMESTAMP", `TIMESTAMP(${t.scale})`)
    case "INTERVAL YEAR TO MONTH":
      return `INTERVAL YEAR(${t.precision}) TO MONTH`
    case "INTERVAL DAY TO SECOND":
      return `INTERVAL DAY(${t.precision}) TO SECOND(${t.scale})`
    case "NUMBER":
      // Binary digits.
      return t.precision > 0 && t.scale === -127 ? "FLOAT" : t.name
    default:
      return t.name
  }
}

/** As ORA-00932 names it. */
export const errorName = (t: SqlType): string => {
  switch (t.name) {
    case "BINARY_INTEGER":
      return "NUMBER"
    case "NULL":
      return "CHAR"
    case "OBJECT":
      return t.composite === undefined || t.composite.owner === undefined ? "UDT" : typeName(t.composite)
    default:
      return t.name
  }
}
