/** ALL_ARGUMENTS: the parameters of stored subprograms and what functions return. */
import type { SqlType } from "../values/dataTypes.ts"
import { kindOf } from "../values/sqlType.ts"
import type { Core } from "./core.ts"
import type { Cell, DictionaryRow } from "./dictionaryRows.ts"

const dataType = (type: SqlType): string => {
  const { composite } = type
  if (composite !== undefined) {
    if (composite.kind === "object") return "OBJECT"
    if (composite.kind === "record") return "PL/SQL RECORD"
    if (composite.key !== undefined) return "PL/SQL TABLE"
    return composite.form === "varray" ? "VARRAY" : "TABLE"
  }
  switch (type.name) {
    case "CURSOR":
      return "REF CURSOR"
    case "BOOLEAN":
      return "PL/SQL BOOLEAN"
    default:
      return type.name
  }
}

const measures = (type: SqlType): DictionaryRow => {
  const kind = kindOf(type)
  const isNumber = kind === "n" && type.precision > 0
  const isText = kind === "c"
  return {
    DATA_LENGTH: kind === "n" ? 22 : null,
    DATA_PRECISION: isNumber ? type.precision : null,
    DATA_SCALE: isNumber ? type.scale : null,
    RADIX: isNumber ? 10 : null,
    CHARACTER_SET_NAME: isText ? (type.name.startsWith("N") ? "NCHAR_CS" : "CHAR_CS") : null,
    CHAR_LENGTH: 0,
    CHAR_USED: isText ? "B" : null
  }
}

/** The name under which the type is found: a type of a package stands below the package. */
const typePlace = ({ composite }: SqlType): Record<string, Cell> => {
  if (composite?.owner === undefined) return {}
  if (composite.name.endsWith("%ROWTYPE")) {
    return {
      TYPE_OWNER: composite.owner,
      TYPE_NAME: composite.name.slice(0, -"%ROWTYPE".length),
      TYPE_SUBNAME: null,
      TYPE_OBJECT_TYPE: "TABLE"
    }
  }
  return composite.package === undefined
    ? { TYPE_OWNER: composite.owner, TYPE_NAME: composite.name, TYPE_SUBNAME: null, TYPE_OBJECT_TYPE: "TYPE" }
    : {
      TYPE_OWNER: composite.owner,
      TYPE_NAME: composite.package,
      TYPE_SUBNAME: composite.name,
      TYPE_OBJECT_TYPE: "PACKAGE"
    }
}

const directions = { in: "IN", out: "OUT", inout: "IN/OUT" } as const

export const argumentRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  core.subprograms().flatMap((subprogram) => {
    const isFunction = subprogram.parameters[0] !== undefined && subprogram.parameters[0].name === undefined
    return subprogram.parameters.map((parameter, index) => ({
      OWNER: subprogram.owner,
      OBJECT_NAME: subprogram.name,
      PACKAGE_NAME: subprogram.package ?? null,
      OBJECT_ID: subprogram.objectId,
      OVERLOAD: subprogram.overload === undefined ? null : String(subprogram.overload),
      SUBPROGRAM_ID: subprogram.id,
      ARGUMENT_NAME: parameter.name ?? null,
      POSITION: isFunction ? index : index + 1,
      SEQUENCE: index + 1,
      DATA_LEVEL: 0,
      DATA_TYPE: dataType(parameter.type),
      DEFAULTED: parameter.isDefaulted ? "Y" : "N",
      IN_OUT: directions[parameter.direction],
      ...measures(parameter.type),
      ...typePlace(parameter.type),
      PLS_TYPE: parameter.type.composite === undefined && parameter.type.name !== "CURSOR" ? parameter.written : null
    }))
  })
