/** Declared types to static ones. */
import type { TypeSpec } from "../syntax/ast.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import * as T from "../values/sqlType.ts"

const sized = (name: SqlType["name"], size: number, characters: boolean): SqlType => ({
  name,
  precision: 0,
  scale: 0,
  size: characters ? size * 4 : size,
  chars: characters ? size : 0
})

const tooLong = (at: number): Error => oraError(910, "specified length too long for its datatype", at)

/** `characters`: NLS_LENGTH_SEMANTICS is CHAR. `plsql`: sizes may be larger and may be missing. */
export const resolveType = (spec: TypeSpec, characters: boolean, plsql = false): SqlType => {
  const { args, at, name } = spec
  const isChars = spec.unit === undefined ? characters : spec.unit === "CHAR"
  switch (name) {
    case "VARCHAR2":
    case "VARCHAR":
    case "STRING": {
      if (args[0] === undefined && !plsql) throw oraError(906, "missing left parenthesis", at)
      if (args[0] !== undefined && args[0] < 1) throw oraError(1723, "zero-length columns are not allowed", at)
      if (args[0] !== undefined && args[0] > (plsql ? 32767 : 4000)) throw tooLong(at)
      return sized("VARCHAR2", args[0] ?? 32767, isChars)
    }
    case "NVARCHAR2":
      if (args[0] === undefined && !plsql) throw oraError(906, "missing left parenthesis", at)
      if (args[0] !== undefined && args[0] > (plsql ? 32767 : 2000)) throw tooLong(at)
      return { name: "NVARCHAR2", precision: 0, scale: 0, size: (args[0] ?? 16383) * 2, chars: args[0] ?? 16383 }
    case "CHAR":
      if ((args[0] ?? 1) > 2000 && !plsql) throw tooLong(at)
      return sized("CHAR", args[0] ?? 1, isChars)
    case "NCHAR":
      if ((args[0] ?? 1) > 1000 && !plsql) throw tooLong(at)
      return { name: "NCHAR", precision: 0, scale: 0, size: (args[0] ?? 1) * 2, chars: args[0] ?? 1 }
    case "NUMBER":
    case "NUMERIC":
    case "DECIMAL":
    case "DEC": {
      if (args.length === 0 && name === "NUMBER") return T.NUMBER
      const precision = args[0] ?? 38
      const scale = args[1] ?? 0
      if (precision < 1 || precision > 38) {
        throw oraError(1727, "numeric precision specifier is out of range (1 to 38)", at)
      }
      if (scale < -84 || scale > 127) throw oraError(1728, "numeric scale specifier is out of range (-84 to 127)", at)
      return T.number(precision, scale)
    }
    case "INTEGER":
    case "INT":
    case "SMALLINT":
      return T.INTEGER
    case "FLOAT":
    case "DOUBLE PRECISION":
    case "REAL": {
      // Binary digits: the scale says that they are.
      const precision = name === "REAL" ? 63 : args[0] ?? 126
      if (precision < 1 || precision > 126) {
        throw oraError(1724, "floating point precision is out of range (1 to 126)", at)
      }
      return T.number(precision, -127)
    }
    case "PLS_INTEGER":
    case "BINARY_INTEGER":
    case "SIMPLE_INTEGER":
    case "NATURAL":
    case "POSITIVE":
      return { ...T.NUMBER, name: "BINARY_INTEGER", precision: 10, scale: 0 }
    case "BINARY_FLOAT":
      return T.BINARY_FLOAT
    case "BINARY_DOUBLE":
      return T.BINARY_DOUBLE
    case "RAW":
      if (args[0] === undefined && !plsql) throw oraError(906, "missing left parenthesis", at)
      if (args[0] !== undefined && args[0] > (plsql ? 32767 : 2000)) throw tooLong(at)
      return T.raw(args[0] ?? 32767)
    case "LONG":
      return T.LONG
    case "LONG RAW":
      return { ...T.LONG, name: "LONG RAW" }
    case "DATE":
      return T.DATE
    case "TIMESTAMP":
    case "TIMESTAMP WITH TIME ZONE":
    case "TIMESTAMP WITH LOCAL TIME ZONE": {
      const scale = args[0] ?? 6
      if (scale < 0 || scale > 9) throw oraError(30088, "datetime/interval precision is out of range", at)
      return { ...T.timestamp(scale), name }
    }
    case "INTERVAL YEAR TO MONTH":
      if ((args[0] ?? 2) > 9) throw oraError(30088, "datetime/interval precision is out of range", at)
      return { ...T.INTERVAL_YM, precision: args[0] ?? 2 }
    case "INTERVAL DAY TO SECOND":
      if ((args[0] ?? 2) > 9 || (args[1] ?? 6) > 9) {
        throw oraError(30088, "datetime/interval precision is out of range", at)
      }
      return { ...T.INTERVAL_DS, precision: args[0] ?? 2, scale: args[1] ?? 6 }
    case "CLOB":
      return T.CLOB
    case "NCLOB":
      return T.NCLOB
    case "BLOB":
      return T.BLOB
    case "BOOLEAN":
    case "BOOL":
      return T.BOOLEAN
    case "JSON":
      return T.JSON_TYPE
    case "ROWID":
      return T.ROWID
    case "UROWID":
      return { ...T.ROWID, name: "UROWID", size: args[0] ?? 4000 }
    case "VECTOR": {
      const formats: Readonly<Record<string, "FLOAT32" | "FLOAT64" | "INT8" | "BINARY">> = {
        FLOAT32: "FLOAT32",
        FLOAT64: "FLOAT64",
        INT8: "INT8",
        BINARY: "BINARY"
      }
      return {
        ...T.CLOB,
        name: "VECTOR",
        vector: { dimensions: args[0] ?? 0, format: formats[spec.vectorFormat ?? ""] ?? "ANY" }
      }
    }
    case "SYS_REFCURSOR":
      return T.CURSOR
    case "BFILE":
    case "XMLTYPE":
    case "SDO_GEOMETRY":
    case "ANYDATA":
      throw unimplemented(`datatype ${name}`, at)
    default:
      throw oraError(902, "invalid datatype", at)
  }
}
