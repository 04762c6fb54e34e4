/** What the data dictionary says of one schema: types, tables, procedures and functions. */
import * as Effect from "effect/Effect"
import type { OracleConnection, ReadError, Row } from "../../OracleConnection.ts"

/** A type as an argument, an attribute or a column has it. */
export interface TypeUse {
  /** `VARCHAR2`, `NUMBER`, … or the name of a type that somebody made. */
  readonly name: string
  readonly owner: string | undefined
  readonly package: string | undefined
}

interface Attribute {
  readonly name: string
  readonly type: TypeUse
}

/** A type that somebody made. */
export interface MadeType {
  readonly package: string | undefined
  readonly name: string
  readonly shape:
    | { readonly _tag: "Object"; readonly attributes: ReadonlyArray<Attribute> }
    | { readonly _tag: "Collection"; readonly element: TypeUse; readonly indexBy: "number" | "text" | undefined }
}

interface Column {
  readonly name: string
  readonly type: TypeUse
  readonly isNullable: boolean
}

export interface Table {
  readonly name: string
  readonly columns: ReadonlyArray<Column>
}

export interface Argument {
  /** `undefined` for what a function returns. */
  readonly name: string | undefined
  readonly direction: "in" | "out" | "inout"
  readonly isDefaulted: boolean
  /** As ALL_ARGUMENTS has it: `NUMBER`, `OBJECT`, `PL/SQL RECORD`. */
  readonly dataType: string
  /** The type that somebody made, for those. */
  readonly made: TypeUse | undefined
}

export interface Subprogram {
  readonly package: string | undefined
  readonly name: string
  /** From 1 on, where several have the name. */
  readonly overload: number | undefined
  readonly isPipelined: boolean
  readonly arguments: ReadonlyArray<Argument>
}

export interface Dictionary {
  readonly owner: string
  readonly types: ReadonlyArray<MadeType>
  readonly tables: ReadonlyArray<Table>
  readonly subprograms: ReadonlyArray<Subprogram>
}

const text = (row: Row, name: string): string | undefined => {
  const value = row[name]
  return value === null || value === undefined ? undefined : String(value)
}

/** Rows by the value of a column, in their order. */
const grouped = (rows: ReadonlyArray<Row>, key: (row: Row) => string): Map<string, Array<Row>> => {
  const groups = new Map<string, Array<Row>>()
  for (const row of rows) {
    const name = key(row)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [row])
    else group.push(row)
  }
  return groups
}

const typeKey = (row: Row): string => `${text(row, "PACKAGE_NAME") ?? ""}.${text(row, "TYPE_NAME")!}`

const useOf = (row: Row, prefix: string): TypeUse => ({
  name: text(row, `${prefix}_NAME`) ?? "",
  owner: text(row, `${prefix}_OWNER`),
  package: text(row, `${prefix}_PACKAGE`)
})

const typesOf = (
  types: ReadonlyArray<Row>,
  attributes: ReadonlyArray<Row>,
  elements: ReadonlyArray<Row>
): ReadonlyArray<MadeType> => {
  const attributesBy = grouped(attributes, typeKey)
  const elementsBy = grouped(elements, typeKey)
  return types.flatMap((row): ReadonlyArray<MadeType> => {
    const base = { package: text(row, "PACKAGE_NAME"), name: text(row, "TYPE_NAME")! }
    const element = elementsBy.get(typeKey(row))?.[0]
    if (element !== undefined) {
      const by = text(element, "INDEX_BY")
      const indexBy = by === undefined ? undefined : by.startsWith("VARCHAR") ? "text" : "number"
      return [{ ...base, shape: { _tag: "Collection", element: useOf(element, "ELEM_TYPE"), indexBy } }]
    }
    const own = attributesBy.get(typeKey(row))
    return own === undefined ? [] : [{
      ...base,
      shape: {
        _tag: "Object",
        attributes: own.map((each) => ({ name: text(each, "ATTR_NAME")!, type: useOf(each, "ATTR_TYPE") }))
      }
    }]
  })
}

const directions: Readonly<Record<string, Argument["direction"]>> = { IN: "in", OUT: "out", "IN/OUT": "inout" }

const argumentOf = (row: Row): Argument => {
  const name = text(row, "TYPE_NAME")
  const sub = text(row, "TYPE_SUBNAME")
  const isRow = text(row, "DATA_TYPE") === "PL/SQL RECORD" && sub === undefined
  return {
    name: text(row, "ARGUMENT_NAME"),
    direction: directions[text(row, "IN_OUT") ?? "IN"] ?? "in",
    isDefaulted: text(row, "DEFAULTED") === "Y",
    dataType: text(row, "DATA_TYPE") ?? "",
    made: name === undefined ? undefined : {
      owner: text(row, "TYPE_OWNER"),
      package: sub === undefined ? undefined : name,
      name: isRow ? `${name}%ROWTYPE` : sub ?? name
    }
  }
}

const subprogramKey = (row: Row): string =>
  [text(row, "PACKAGE_NAME") ?? "", text(row, "OBJECT_NAME"), text(row, "OVERLOAD") ?? ""].join(".")

const subprogramsOf = (
  procedures: ReadonlyArray<Row>,
  args: ReadonlyArray<Row>
): ReadonlyArray<Subprogram> => {
  const byName = grouped(args, subprogramKey)
  return procedures.map((row) => {
    const overload = text(row, "OVERLOAD")
    return {
      package: text(row, "PACKAGE_NAME"),
      name: text(row, "OBJECT_NAME")!,
      overload: overload === undefined ? undefined : Number(overload),
      isPipelined: text(row, "PIPELINED") === "YES",
      arguments: (byName.get(subprogramKey(row)) ?? [])
        // Older servers have a row without a type for a procedure without arguments.
        .filter((each) => text(each, "DATA_TYPE") !== undefined)
        .map(argumentOf)
    }
  })
}

/** Reads what the schema has; `progress` is told of each part. */
export const readDictionary = (
  connection: OracleConnection,
  owner: string,
  progress: (part: string, count: number) => Effect.Effect<void>
): Effect.Effect<Dictionary, ReadError> =>
  Effect.gen(function*() {
    const rows = (sql: string) => connection.query(sql, { owner }, { numbers: "number", columnNames: "upper" })
    // Servers before 12.2 have no views of the types of packages.
    const orNone = (sql: string) =>
      Effect.catchTag(rows(sql), "OracleError", (error) =>
        error.codes.includes("ORA-00942") ? Effect.succeed([]) : Effect.fail(error))
    const types = [
      ...typesOf(
        yield* rows("select type_name from all_types where owner = :owner order by type_name"),
        yield* rows(
          "select type_name, attr_name, attr_type_owner, attr_type_name from all_type_attrs where owner = :owner order by type_name, attr_no"
        ),
        yield* rows(
          "select type_name, elem_type_owner, elem_type_name from all_coll_types where owner = :owner order by type_name"
        )
      ),
      ...typesOf(
        yield* orNone(
          "select package_name, type_name from all_plsql_types where owner = :owner order by package_name, type_name"
        ),
        yield* orNone(
          "select package_name, type_name, attr_name, attr_type_owner, attr_type_name, attr_type_package from all_plsql_type_attrs where owner = :owner order by package_name, type_name, attr_no"
        ),
        yield* orNone(
          "select package_name, type_name, elem_type_owner, elem_type_name, elem_type_package, index_by from all_plsql_coll_types where owner = :owner order by package_name, type_name"
        )
      )
    ]
    yield* progress("types", types.length)
    const columns = grouped(
      yield* rows(
        "select table_name, column_name, data_type, data_type_owner, nullable from all_tab_columns where owner = :owner order by table_name, column_id"
      ),
      (row) =>
        text(row, "TABLE_NAME")!
    )
    const tables = [...columns].map(([name, list]): Table => ({
      name,
      columns: list.map((row) => ({
        name: text(row, "COLUMN_NAME")!,
        type: { name: text(row, "DATA_TYPE") ?? "", owner: text(row, "DATA_TYPE_OWNER"), package: undefined },
        isNullable: text(row, "NULLABLE") !== "N"
      }))
    }))
    yield* progress("tables and views", tables.length)
    const subprograms = subprogramsOf(
      yield* rows(
        "select case when object_type = 'PACKAGE' then object_name end package_name, case when object_type = 'PACKAGE' then procedure_name else object_name end object_name, overload, pipelined from all_procedures where owner = :owner and (object_type in ('PROCEDURE', 'FUNCTION') or (object_type = 'PACKAGE' and procedure_name is not null)) order by 1 nulls first, 2, 3 nulls first"
      ),
      yield* rows(
        "select package_name, object_name, overload, argument_name, in_out, data_type, defaulted, type_owner, type_name, type_subname from all_arguments where owner = :owner and data_level = 0 order by package_name, object_name, overload, sequence"
      )
    )
    yield* progress("procedures and functions", subprograms.length)
    return { owner, types, tables, subprograms }
  })
