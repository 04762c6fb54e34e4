/** DECLARE: giving names their variables. */
import { column as columnOf } from "../catalog/catalog.ts"
import { resolveType } from "../compile/types.ts"
import type { Step } from "../storage/waiting.ts"
import type { TypeSpec } from "../syntax/ast.ts"
import type { Declaration, Parameter } from "../syntax/astDefinitions.ts"
import { lineAndColumn } from "../syntax/places.ts"
import { OraError, oraError, unimplemented } from "../values/oraError.ts"
import { CURSOR, type SqlType } from "../values/sqlType.ts"
import type { CursorVariable, Entry, Environment, RecordVariable, Scalar } from "./environment.ts"
import { assignScalar } from "./evaluator.ts"
import type { Machine } from "./machine.ts"
import { queryColumns } from "./sqlStatements.ts"

export const newScalar = (type: SqlType, constant = false, notNull = false): Scalar => ({
  kind: "scalar",
  type,
  constant,
  notNull,
  value: null
})

export const newCursor = (
  query: CursorVariable["query"] = undefined,
  parameters: ReadonlyArray<Parameter> = []
): CursorVariable => ({
  kind: "cursor",
  query,
  parameters,
  open: undefined,
  found: null,
  rowCount: 0
})

export const newRecord = (
  fields: ReadonlyArray<{ readonly name: string; readonly type: SqlType }>
): RecordVariable => ({
  kind: "record",
  fields: new Map(fields.map((field) => [field.name, newScalar(field.type)]))
})

const undeclared = (machine: Machine, name: string, at: number): OraError => {
  const [line, column] = lineAndColumn(machine.program.sql, at)
  return oraError(6550, `line ${line}, column ${column}:\nPLS-00201: identifier '${name}' must be declared`, at)
}

/** A variable of this declared type. */
export const variableOf = (
  machine: Machine,
  spec: TypeSpec,
  env: Environment,
  constant = false,
  notNull = false
): Entry => {
  const { anchor } = spec
  if (anchor !== undefined) return anchored(machine, spec, env)
  const own = env.find(spec.name)
  if (own?.kind === "recordType") return newRecord(own.fields)
  if (own?.kind === "cursorType") return newCursor()
  let type: SqlType
  try {
    type = resolveType(spec, machine.session.nls.characters, true)
  } catch (error) {
    if (error instanceof OraError && error.code === 902) throw undeclared(machine, spec.name, spec.at)
    throw error
  }
  return type === CURSOR ? newCursor() : newScalar(type, constant, notNull)
}

const anchored = (machine: Machine, spec: TypeSpec, env: Environment): Entry => {
  const { path, row } = spec.anchor!
  const { catalog } = machine.host.core
  const schema = machine.session.currentSchema
  if (row) {
    const cursor = path.length === 1 ? env.find(path[0]!) : undefined
    if (cursor?.kind === "cursor" && cursor.query !== undefined) {
      return newRecord(queryColumns(machine, cursor.query, env))
    }
    const table = catalog.find(path, schema)
    if (table?.kind !== "table") throw undeclared(machine, path.join("."), spec.at)
    return newRecord(table.columns.map((column) => ({ name: column.name, type: column.type })))
  }
  const variable = env.scalar(path)
  if (variable !== undefined) return newScalar(variable.type)
  const table = catalog.find(path.slice(0, -1), schema)
  if (table?.kind !== "table") throw undeclared(machine, path.join("."), spec.at)
  return newScalar(columnOf(table, path.at(-1)!, spec.at).type)
}

export const scalarType = (machine: Machine, spec: TypeSpec, env: Environment): SqlType => {
  const entry = variableOf(machine, spec, env)
  if (entry.kind === "cursor") return CURSOR
  if (entry.kind !== "scalar") throw unimplemented("records as parameters and results", spec.at)
  return entry.type
}

export function* declare(machine: Machine, declarations: ReadonlyArray<Declaration>, env: Environment): Step<void> {
  for (const declaration of declarations) {
    switch (declaration.kind) {
      case "variable": {
        const entry = variableOf(machine, declaration.type, env, declaration.constant, declaration.notNull)
        if (entry.kind === "scalar") {
          if (declaration.value !== undefined) {
            entry.value = assignScalar(
              machine,
              entry.type,
              yield* machine.evaluate(declaration.value, env),
              declaration.notNull
            )
          }
        } else if (declaration.value !== undefined) throw unimplemented("initial values of records", declaration.at)
        env.declare(declaration.name, entry)
        break
      }
      case "cursor":
        env.declare(declaration.name, newCursor(declaration.query, declaration.parameters))
        break
      case "exception":
        env.declare(declaration.name, { kind: "exception", code: 1 })
        break
      case "exceptionInit": {
        const entry = env.find(declaration.name)
        if (entry?.kind !== "exception") throw undeclared(machine, declaration.name, declaration.at)
        entry.code = Math.abs(declaration.code)
        break
      }
      case "subprogram":
        env.declare(declaration.subprogram.name, {
          kind: "subprogram",
          subprogram: declaration.subprogram,
          environment: env
        })
        break
      case "record":
        env.declare(declaration.name, {
          kind: "recordType",
          fields: declaration.fields.map((field) => ({ name: field.name, type: scalarType(machine, field.type, env) }))
        })
        break
      case "refCursorType":
        env.declare(declaration.name, { kind: "cursorType" })
        break
      case "tableType":
        throw unimplemented("PL/SQL collections", declaration.at)
    }
  }
}
