/** The types that a bind may have, and the driver's for each. */
import * as Schema from "effect/Schema"
import * as OracleBind from "../OracleBind.ts"
import { RefusedBind } from "./bindRefusal.ts"
import { type DbType, driver } from "./oracledb.ts"

/** The driver's types. Numbers that come back travel as text: the driver would read a NUMBER as a double. */
export const types: { readonly [T in OracleBind.BindType]: DbType } = {
  string: driver.DB_TYPE_VARCHAR,
  nstring: driver.DB_TYPE_NVARCHAR,
  char: driver.DB_TYPE_CHAR,
  number: driver.DB_TYPE_VARCHAR,
  bigint: driver.DB_TYPE_VARCHAR,
  bigDecimal: driver.DB_TYPE_VARCHAR,
  double: driver.DB_TYPE_BINARY_DOUBLE,
  boolean: driver.DB_TYPE_BOOLEAN,
  date: driver.DB_TYPE_DATE,
  timestamp: driver.DB_TYPE_TIMESTAMP,
  timestampTz: driver.DB_TYPE_TIMESTAMP_TZ,
  timestampLtz: driver.DB_TYPE_TIMESTAMP_LTZ,
  intervalDs: driver.DB_TYPE_INTERVAL_DS,
  intervalYm: driver.DB_TYPE_INTERVAL_YM,
  raw: driver.DB_TYPE_RAW,
  clob: driver.DB_TYPE_CLOB,
  nclob: driver.DB_TYPE_NCLOB,
  blob: driver.DB_TYPE_BLOB,
  json: driver.DB_TYPE_JSON,
  vector: driver.DB_TYPE_VECTOR,
  rowid: driver.DB_TYPE_VARCHAR,
  cursor: driver.DB_TYPE_CURSOR
}

const isBindType = (type: unknown): type is OracleBind.BindType =>
  typeof type === "string" && Object.hasOwn(types, type)

export const isKnownType = (type: unknown): type is OracleBind.AnyType => {
  if (typeof type !== "object" || type === null) return isBindType(type)
  switch (OracleBind.shapeOf(type as OracleBind.AnyType)) {
    case "array":
      return Object.hasOwn(elementTypes, (type as OracleBind.ArrayType<OracleBind.ElementType>).element)
    case "object":
    case "collection": {
      const { name, schema } = type as OracleBind.ObjectType<unknown>
      return typeof name === "string" && name !== "" && Schema.isSchema(schema)
    }
    case "scalar":
      return false
  }
}

/** Index-by tables go in the types that their elements have: the server compares them. */
export const elementTypes: { readonly [T in OracleBind.ElementType]: DbType } = {
  string: driver.DB_TYPE_VARCHAR,
  nstring: driver.DB_TYPE_NVARCHAR,
  char: driver.DB_TYPE_CHAR,
  number: driver.DB_TYPE_NUMBER,
  bigint: driver.DB_TYPE_NUMBER,
  bigDecimal: driver.DB_TYPE_NUMBER,
  double: driver.DB_TYPE_BINARY_DOUBLE,
  date: driver.DB_TYPE_DATE,
  timestamp: driver.DB_TYPE_TIMESTAMP,
  timestampTz: driver.DB_TYPE_TIMESTAMP_TZ,
  timestampLtz: driver.DB_TYPE_TIMESTAMP_LTZ,
  intervalDs: driver.DB_TYPE_INTERVAL_DS,
  intervalYm: driver.DB_TYPE_INTERVAL_YM,
  raw: driver.DB_TYPE_RAW
}

/** The names of the object types that the binds of some rows have: the driver has to know them before it can write a value. */
export const objectTypeNames = (rows: ReadonlyArray<OracleBind.Binds>): ReadonlyArray<string> => {
  const names = new Set<string>()
  for (const row of rows) {
    const binds: ReadonlyArray<unknown> = isPositional(row) ? row : Object.values(row)
    for (let i = 0; i < binds.length; i++) {
      const bind = binds[i]
      // Most binds are plain values, and a batch has many.
      if (
        typeof bind !== "object" || !OracleBind.isDescribed(bind) || !isKnownType(bind.type) ||
        typeof bind.type === "string"
      ) continue
      if ("name" in bind.type) names.add(bind.type.name)
    }
  }
  return [...names]
}

/** The driver takes an OUT bind of a type that it does not know for a text. */
export const checkType = (type: unknown): void => {
  if (typeof type === "object" && type !== null) {
    if (!isKnownType(type)) {
      throw new RefusedBind(
        `its type must be made by OracleBind.array with one of ${
          Object.keys(elementTypes).join(", ")
        }, or by OracleBind.object or OracleBind.collection with a name and a schema`
      )
    }
    return
  }
  if (!isBindType(type)) throw new RefusedBind(`its type must be one of ${Object.keys(types).join(", ")}`)
}

export const exactTypes: ReadonlySet<OracleBind.BindType> = new Set(["number", "bigint", "bigDecimal"])

export const sizedTypes: ReadonlySet<OracleBind.BindType> = new Set(["string", "nstring", "char", "raw"])

export const isPositional = (binds: OracleBind.Binds): binds is ReadonlyArray<OracleBind.Bind> => Array.isArray(binds)
