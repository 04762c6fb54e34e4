/** DECLARE: giving names their types and variables. */
import { column as columnOf, rowTypeOf } from "../catalog/catalog.ts"
import type { Guarded } from "../catalog/privileges.ts"
import { resolveType } from "../compile/types.ts"
import type { Step } from "../storage/waiting.ts"
import type { Expr, TypeSpec } from "../syntax/ast.ts"
import type { Declaration } from "../syntax/astPlsql.ts"
import { lineAndColumn } from "../syntax/places.ts"
import { compositeType, initialValue, RecordValue, type Stored } from "../values/composite.ts"
import type { CollectionType, RecordType, SqlType } from "../values/dataTypes.ts"
import { OraError, oraError } from "../values/oraError.ts"
import { CURSOR } from "../values/sqlType.ts"
import { assigned } from "./assignment.ts"
import { type CursorVariable, type Entry, Environment, type Variable } from "./environment.ts"
import { type Machine, partsOf } from "./machine.ts"
import { namedType } from "./names.ts"
import { contextOf, queryColumns } from "./queryPlans.ts"
import { compilerError, declareSubprogram } from "./subprograms.ts"
import { newCursor, newVariable, rowType } from "./variables.ts"

const undeclared = (machine: Machine, name: string, at: number): OraError => {
  const [line, column] = lineAndColumn(machine.unit.sql, at)
  return oraError(6550, `line ${line}, column ${column}:\nPLS-00201: identifier '${name}' must be declared`, at)
}

/** What one has no privilege on is not there. */
const seen = <A extends Guarded>({ host, session }: Machine, object: A | undefined): A | undefined =>
  object !== undefined && host.core.privileges.sees(session.rights, object) ? object : undefined

/** Values that the fields of a record begin with, and where those are evaluated. */
interface Defaults {
  readonly values: ReadonlyArray<Expr | undefined>
  readonly environment: Environment
}

const defaults = new WeakMap<RecordType, Defaults>()

/** The type that a declaration names, in this place; `CURSOR` for cursor variables. */
export const declaredType = (machine: Machine, spec: TypeSpec, env: Environment): SqlType => {
  const parts = partsOf(machine)
  const known = parts.get(spec) as SqlType | undefined
  if (known !== undefined) return known
  const type = typeNamed(machine, spec, env)
  parts.set(spec, type)
  return type
}

const typeNamed = (machine: Machine, spec: TypeSpec, env: Environment): SqlType => {
  const { anchor } = spec
  if (anchor !== undefined) return anchored(machine, spec, anchor, env)
  try {
    const named = namedType(machine, spec.name.split("."), env)
    if (named !== undefined) return named
    return resolveType(spec, machine.session.nls.characters, true)
  } catch (error) {
    if (!(error instanceof OraError)) throw error
    if (error.code === 902) throw undeclared(machine, spec.name, spec.at)
    // A type that has errors: PLS-00905.
    if (error.code === 6550 && !error.message.includes(": line ")) {
      throw compilerError(machine, error.message.replace(/^ORA-06550: /, ""), spec.at, "Item")
    }
    throw error
  }
}

const anchored = (
  machine: Machine,
  spec: TypeSpec,
  { path, row }: NonNullable<TypeSpec["anchor"]>,
  env: Environment
): SqlType => {
  const { catalog } = machine.host.core
  const schema = machine.session.currentSchema
  if (row) {
    const cursor = env.lookup(path)
    if (cursor?.kind === "cursor" && cursor.query !== undefined) {
      const known = machine.program.types.get(cursor.query)
      if (known !== undefined) return known
      const around = cursor.environment ?? env
      // The parameters of the cursor are names of its query.
      const place = cursor.parameters.length === 0 ? around : new Environment(around)
      for (const { name, type } of cursor.parameters) {
        place.declare(name, newVariable(declaredType(machine, type, around)))
      }
      const rows = rowType(undefined, path.join("."), queryColumns(machine, cursor.query, place))
      machine.program.types.set(cursor.query, rows)
      return rows
    }
    if (cursor?.kind === "variable" && cursor.type.composite?.kind === "record") return cursor.type
    const object = seen(machine, catalog.find(path, schema))
    if (object?.kind !== "view" && object?.kind !== "table") throw undeclared(machine, path.join("."), spec.at)
    const known = partsOf(machine).get(object) as SqlType | undefined
    if (known !== undefined) return known
    const type = compositeType(rowTypeOf(object))
    partsOf(machine).set(object, type)
    return type
  }
  const head = env.headOf(path)
  if (head !== undefined) {
    let { type } = head.variable
    for (const name of head.rest) {
      const { composite } = type
      const field = composite === undefined || composite.kind === "collection"
        ? undefined
        : composite.attributes.find((attribute) => attribute.name === name)
      if (field === undefined) throw undeclared(machine, path.join("."), spec.at)
      type = field.type
    }
    return type
  }
  if (env.lookup(path)?.kind === "cursor") return CURSOR
  const object = seen(machine, catalog.find(path.slice(0, -1), schema))
  if (object?.kind === "view") {
    const column = object.described.find((candidate) => candidate.name === path.at(-1))
    if (column !== undefined) return column.type
  }
  if (object === undefined) {
    const view = contextOf(machine, env).dictionary(path.slice(0, -1))
    const column = view?.columns.find((candidate) => candidate.name === path.at(-1))
    if (column !== undefined) return column.type
  }
  if (object?.kind !== "table") throw undeclared(machine, path.join("."), spec.at)
  return columnOf(object, path.at(-1)!, spec.at).type
}

/** What a variable of this type begins with: a record has the values that its type gives its fields. */
export function* startingValue(machine: Machine, type: SqlType): Step<Stored> {
  const { composite } = type
  const value = initialValue(type)
  if (composite?.kind !== "record" || !(value instanceof RecordValue)) return value
  const own = defaults.get(composite)
  for (let i = 0; i < composite.attributes.length; i++) {
    const attribute = composite.attributes[i]!
    const given = own?.values[i]
    if (given !== undefined && own !== undefined) {
      value.values[i] = assigned(
        machine,
        attribute.type,
        yield* machine.evaluate(given, own.environment),
        attribute.notNull === true
      )
    } else if (attribute.type.composite?.kind === "record") {
      value.values[i] = yield* startingValue(machine, attribute.type)
    }
  }
  return value
}

/** A variable, or a cursor variable, of a declared type. */
function* variableOf(
  machine: Machine,
  spec: TypeSpec,
  env: Environment,
  constant = false,
  notNull = false
): Step<Variable | CursorVariable> {
  const type = declaredType(machine, spec, env)
  if (type === CURSOR) return newCursor()
  return newVariable(type, constant, notNull, yield* startingValue(machine, type))
}

const keyForm = (machine: Machine, index: SqlType, at: number): CollectionType["form"] => {
  if (index.name === "BINARY_INTEGER") return "numbers"
  if (index.name === "VARCHAR2" || index.name === "LONG") return "texts"
  const [line, column] = lineAndColumn(machine.unit.sql, at)
  throw oraError(
    6550,
    `line ${line}, column ${column}:\nPLS-00315: Implementation restriction: unsupported table index type`,
    at
  )
}

/** The type that a TYPE declaration makes: one for each declaration, however often it runs. */
const madeType = (
  machine: Machine,
  declaration: Extract<Declaration, { kind: "record" | "collection" }>,
  env: Environment
): SqlType => {
  const { types } = machine.program
  const known = types.get(declaration)
  const [owner, inPackage] = machine.home?.isSpec === true ? machine.home.name.split(".") : []
  const base = { owner, package: inPackage, name: declaration.name }
  if (known !== undefined) {
    if (declaration.kind === "record") rememberDefaults(known.composite as RecordType, declaration, env)
    return known
  }
  let type: SqlType
  if (declaration.kind === "record") {
    type = compositeType({
      kind: "record",
      ...base,
      attributes: declaration.fields.map((field) => ({
        name: field.name,
        type: declaredType(machine, field.type, env),
        notNull: field.notNull
      }))
    })
    rememberDefaults(type.composite as RecordType, declaration, env)
  } else {
    const key = declaration.index === undefined ? undefined : declaredType(machine, declaration.index, env)
    type = compositeType({
      kind: "collection",
      ...base,
      form: key === undefined ? declaration.form : keyForm(machine, key, declaration.index!.at),
      element: declaredType(machine, declaration.element, env),
      limit: declaration.limit,
      key
    })
  }
  types.set(declaration, type)
  return type
}

const rememberDefaults = (
  type: RecordType,
  declaration: Extract<Declaration, { kind: "record" }>,
  environment: Environment
): void => {
  if (declaration.fields.every((field) => field.value === undefined)) return
  defaults.set(type, { values: declaration.fields.map((field) => field.value), environment })
}

/** Gives a name its entry: a variable is empty, for it gets its first value later. */
const declareName = (machine: Machine, declaration: Declaration, env: Environment): void => {
  switch (declaration.kind) {
    case "variable": {
      const type = declaredType(machine, declaration.type, env)
      env.declare(
        declaration.name,
        type === CURSOR ? newCursor() : newVariable(type, declaration.constant, declaration.notNull)
      )
      return
    }
    case "cursor":
      env.declare(declaration.name, newCursor(declaration.query, declaration.parameters, env))
      return
    case "exception":
      env.declare(declaration.name, { kind: "exception", code: 1 })
      return
    case "exceptionInit": {
      const entry = env.find(declaration.name)
      if (entry?.kind !== "exception") throw undeclared(machine, declaration.name, declaration.at)
      entry.code = Math.abs(declaration.code)
      return
    }
    case "subprogram":
      declareSubprogram(env, declaration.subprogram)
      return
    case "record":
    case "collection":
      env.declare(declaration.name, { kind: "type", type: madeType(machine, declaration, env), notNull: false })
      return
    case "subtype":
      env.declare(declaration.name, {
        kind: "type",
        type: declaredType(machine, declaration.type, env),
        notNull: declaration.notNull
      })
      return
    case "refCursorType":
      env.declare(declaration.name, { kind: "type", type: CURSOR, notNull: false })
      return
    case "autonomous":
    case "noPragma":
      return
  }
}

export function* declare(machine: Machine, declarations: ReadonlyArray<Declaration>, env: Environment): Step<void> {
  for (const declaration of declarations) {
    machine.unit.at = declaration.at
    if (declaration.kind !== "variable") declareName(machine, declaration, env)
    else env.declare(declaration.name, yield* declaredVariable(machine, declaration, env))
  }
}

/** Names without values: what a compilation has to know, and what a package has before its first use. */
export const declareNames = (
  machine: Machine,
  declarations: ReadonlyArray<Declaration>,
  env: Environment,
  failed: (error: unknown, declaration: Declaration) => void
): void => {
  for (const declaration of declarations) {
    try {
      declareName(machine, declaration, env)
    } catch (error) {
      failed(error, declaration)
    }
  }
}

/** The first values of variables that are declared already. */
export function* initializeAll(
  machine: Machine,
  declarations: ReadonlyArray<Declaration>,
  env: Environment
): Step<void> {
  for (const declaration of declarations) {
    if (declaration.kind !== "variable") continue
    machine.unit.at = declaration.at
    const entry = env.own(declaration.name)
    const made = yield* declaredVariable(machine, declaration, env)
    if (entry?.kind === "variable" && made.kind === "variable") entry.value = made.value
    else if (entry?.kind === "cursor" && made.kind === "cursor") entry.cell = made.cell
  }
}

function* declaredVariable(
  machine: Machine,
  declaration: Extract<Declaration, { kind: "variable" }>,
  env: Environment
): Step<Entry> {
  const { constant, notNull, type, value } = declaration
  if (value === undefined) return yield* variableOf(machine, type, env, constant, notNull)
  const declared = declaredType(machine, type, env)
  const given = yield* machine.evaluate(value, env)
  if (declared === CURSOR) {
    const cursor = newCursor()
    if (given.cell !== undefined) cursor.cell = given.cell
    return cursor
  }
  return newVariable(declared, constant, notNull, assigned(machine, declared, given, notNull))
}
