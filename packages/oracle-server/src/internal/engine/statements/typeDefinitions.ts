/** What CREATE TYPE, CREATE TYPE BODY and DROP TYPE make of the catalog. */
import { keyOf } from "../catalog/catalog.ts"
import { type StoredType, Unit } from "../catalog/units.ts"
import { resolveType } from "../compile/types.ts"
import type { TypeSpec } from "../syntax/ast.ts"
import type { DropType } from "../syntax/astTypes.ts"
import type { UnitDdl } from "../syntax/astUnits.ts"
import { compositeType } from "../values/composite.ts"
import type { CompositeType, SqlType } from "../values/dataTypes.ts"
import { OraError, oraError } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { Core } from "./core.ts"

type Create = Extract<UnitDdl, { kind: "createUnit" }>

const placeOf = (path: ReadonlyArray<string>, session: SessionState): readonly [string, string] =>
  path.length === 1 ? [session.currentSchema, path[0]!] : [path[0]!, path[1]!]

/** The type of a column: one of the language, or one that somebody made. */
export const columnType = (core: Core, session: SessionState, spec: TypeSpec): SqlType => {
  let made: StoredType["type"]
  try {
    made = core.catalog.typeOf(spec.name.split("."), session.currentSchema)
  } catch (error) {
    throw error instanceof OraError && error.code === 6550 ? oraError(902, "invalid datatype", spec.at) : error
  }
  return made === undefined ? resolveType(spec, session.nls.characters) : compositeType(made)
}

const uses = (type: SqlType, owner: string, name: string): boolean => {
  const { composite } = type
  if (composite === undefined) return false
  return (composite.owner === owner && composite.name === name) ||
    partsOf(composite).some((part) => uses(part, owner, name))
}

const partsOf = (type: CompositeType): ReadonlyArray<SqlType> =>
  type.kind === "collection"
    ? [type.element]
    : [
      ...type.attributes.map((attribute) => attribute.type),
      ...type.kind === "object" && type.supertype !== undefined ? [compositeType(type.supertype)] : []
    ]

/** Whether a table or another type is made of this one. */
const dependents = (core: Core, owner: string, name: string): "table" | "type" | undefined => {
  let found: "type" | undefined
  for (const object of core.catalog.objects.values()) {
    if (object.kind === "table" && object.columns.some((column) => uses(column.type, owner, name))) return "table"
    if (object.kind !== "type" || object.name === name || object.type === undefined || !object.spec.valid) continue
    if (partsOf(object.type).some((part) => uses(part, owner, name))) found = "type"
  }
  return found
}

const inUse = (at: number): Error => oraError(2303, "cannot drop or replace a type with type or table dependents", at)

const nameTaken = (at: number): Error => oraError(955, "name is already used by an existing object", at)

export const createType = (
  core: Core,
  session: SessionState,
  { at, ifNotExists, replace }: Create,
  unit: Unit
): Unit | undefined => {
  const { catalog } = core
  const { name, owner } = unit
  const existing = catalog.objects.get(keyOf(unit))
  const isThere = existing?.kind === "type" && !existing.spec.isAbsent
  if (existing !== undefined && (existing.kind !== "type" || (isThere && !replace))) {
    if (ifNotExists && existing.kind === "type") return undefined
    throw nameTaken(at)
  }
  if (isThere) {
    const found = dependents(core, owner, name)
    const isForced = unit.tree?.kind === "typeSpec" && unit.tree.force
    if (found === "table" && isForced) throw oraError(22866, "cannot replace a type with table dependents", at)
    if (found !== undefined && !isForced) throw inUse(at)
  }
  catalog.schemas.add(owner)
  catalog.add({
    kind: "type",
    id: existing?.id ?? catalog.nextId(),
    owner,
    name,
    spec: unit,
    bodyId: existing?.bodyId ?? catalog.nextId(),
    body: existing?.body,
    type: undefined,
    characters: session.nls.characters
  })
  existing?.body?.invalidate()
  return unit
}

export const createTypeBody = (core: Core, session: SessionState, ddl: Create, unit: Unit): Unit | undefined => {
  const { catalog } = core
  const { name, owner } = unit
  const existing = catalog.objects.get(keyOf(unit))
  if (existing !== undefined && existing.kind !== "type") throw nameTaken(ddl.at)
  if (existing === undefined) {
    // It is kept, and cannot be compiled before its specification is there.
    catalog.add({
      kind: "type",
      id: catalog.nextId(),
      owner,
      name,
      spec: Unit.absentSpec("TYPE", owner, name),
      bodyId: catalog.nextId(),
      body: unit,
      type: undefined,
      characters: session.nls.characters
    })
    return unit
  }
  if (existing.body !== undefined && !ddl.replace) {
    if (ddl.ifNotExists) return undefined
    throw nameTaken(ddl.at)
  }
  existing.body = unit
  catalog.version++
  return unit
}

export const dropType = (core: Core, session: SessionState, ddl: DropType): void => {
  const { catalog } = core
  const [owner, name] = placeOf(ddl.path, session)
  const existing = catalog.objects.get(`${owner}.${name}`)
  if (existing?.kind !== "type" || (ddl.body ? existing.body === undefined : existing.spec.isAbsent)) {
    if (ddl.ifExists) return
    throw oraError(4043, `object ${name} does not exist`, ddl.at)
  }
  if (ddl.body && !existing.spec.isAbsent) {
    existing.body = undefined
    catalog.version++
    return
  }
  if (!ddl.body && !ddl.force && dependents(core, owner, name) !== undefined) throw inUse(ddl.at)
  catalog.remove(existing)
}
