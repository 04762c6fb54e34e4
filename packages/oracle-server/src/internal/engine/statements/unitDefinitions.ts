/** CREATE, ALTER and DROP of what is stored in PL/SQL. */
import { type CatalogObject, keyOf } from "../catalog/catalog.ts"
import { type Package, type StoredProcedure, type StoredType, type Trigger, Unit } from "../catalog/units.ts"
import type { Ddl } from "../syntax/astDefinitions.ts"
import type { UnitType } from "../syntax/astUnits.ts"
import { oraError } from "../values/oraError.ts"
import { type DefinitionServices, placeOf } from "./definitions.ts"
import { createType, createTypeBody } from "./typeDefinitions.ts"

type Create = Extract<Ddl, { kind: "createUnit" }>
type Alter = Extract<Ddl, { kind: "alterUnit" }>
type Drop = Extract<Ddl, { kind: "drop" }>

/** The kind of a stored procedure: its text says it. */
const isOf = (object: CatalogObject | undefined, type: UnitType): boolean => {
  if (object?.kind === "procedure") return object.unit.type === type
  if (object?.kind !== "package" && object?.kind !== "type") return false
  const own = object.kind === "package" ? "PACKAGE" : "TYPE"
  return type === own ? !object.spec.isAbsent : type === `${own} BODY` && object.body !== undefined
}

const nameTaken = (at: number): Error => oraError(955, "name is already used by an existing object", at)

/** The unit that was made. */
export const createUnit = (services: DefinitionServices, ddl: Create): Unit | undefined => {
  const { core, session } = services
  const { catalog } = core
  const { path, type } = ddl.unit
  const [owner, name] = placeOf(path, session)
  const unit = new Unit(ddl.unit, owner, name)
  if (type === "TRIGGER") return createTrigger(services, ddl, unit)
  if (type === "TYPE") return createType(core, session, ddl, unit)
  if (type === "TYPE BODY") return createTypeBody(core, session, ddl, unit)
  const existing = catalog.objects.get(keyOf(unit))
  if (type === "PACKAGE BODY") return createBody(services, ddl, unit)
  const isOnlyBody = type === "PACKAGE" && existing?.kind === "package" && existing.spec.isAbsent
  if (existing !== undefined && !isOnlyBody) {
    if (ddl.ifNotExists && isOf(existing, type)) return undefined
    if (!ddl.replace || !isOf(existing, type)) throw nameTaken(ddl.at)
  }
  const id = existing?.id ?? catalog.nextId()
  if (type === "PACKAGE") {
    const before = existing?.kind === "package" ? existing : undefined
    const { body } = before ?? {}
    const pkg: Package = {
      kind: "package",
      id,
      owner,
      name,
      spec: unit,
      bodyId: before?.bodyId ?? catalog.nextId(),
      body
    }
    catalog.add(pkg)
    body?.invalidate()
  } else {
    const procedure: StoredProcedure = { kind: "procedure", id, owner, name, unit }
    catalog.add(procedure)
  }
  return unit
}

const createBody = ({ core }: DefinitionServices, ddl: Create, unit: Unit): Unit | undefined => {
  const { catalog } = core
  const existing = catalog.objects.get(keyOf(unit))
  if (existing !== undefined && existing.kind !== "package") throw nameTaken(ddl.at)
  if (existing === undefined) {
    // It is kept, and cannot be compiled before its specification is there.
    const { name, owner } = unit
    const spec = Unit.absentSpec("PACKAGE", owner, name)
    const [id, bodyId] = [catalog.nextId(), catalog.nextId()]
    catalog.add({ kind: "package", id, owner, name, spec, bodyId, body: unit })
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

/** Refuses what a trigger may not do with its rows. */
const checkRows = (node: unknown, point: string, at: number): void => {
  if (node === null || typeof node !== "object") return
  if (Array.isArray(node)) {
    for (const item of node) checkRows(item, point, at)
    return
  }
  const part = node as Readonly<Record<string, unknown>>
  const rowOf = (expr: unknown): string | undefined => {
    const name = expr as { readonly kind?: unknown; readonly path?: ReadonlyArray<string> } | undefined
    return name?.kind === "name" && name.path?.[0]?.startsWith(":") === true ? name.path[0] : undefined
  }
  const target = part["kind"] === "assign" ? rowOf(part["target"]) : undefined
  if ((rowOf(part) ?? target) !== undefined && point.endsWith("statement")) {
    throw oraError(4082, "NEW or OLD references not allowed in table level triggers", at)
  }
  if (target !== undefined) {
    if (target === ":OLD") throw oraError(4085, "cannot change the value of an OLD reference variable", at)
    if (target === ":NEW" && point !== "before row") {
      throw oraError(4084, "cannot change NEW values for this trigger type", at)
    }
  }
  for (const key in part) checkRows(part[key], point, at)
}

const createTrigger = ({ core, session }: DefinitionServices, ddl: Create, unit: Unit): Unit | undefined => {
  const { catalog } = core
  const existing = catalog.triggers.get(keyOf(unit))
  if (existing !== undefined && !ddl.replace) {
    if (ddl.ifNotExists) return undefined
    throw oraError(4081, `trigger '${unit.name}' already exists`, ddl.at)
  }
  const { tree } = unit
  if (tree?.kind !== "trigger") throw unit.syntaxError ?? oraError(4079, "invalid trigger specification", ddl.at)
  const table = catalog.find(tree.table, session.currentSchema)
  if (table?.kind !== "table" && table?.kind !== "view") {
    throw catalog.missing(tree.table, session.currentSchema, ddl.at)
  }
  const { timing } = tree
  const isOfTable = timing === "BEFORE" || timing === "AFTER" ||
    tree.sections.some(({ point }) => point !== "instead of row")
  if (table.kind === "view" && isOfTable) {
    throw oraError(25001, "cannot create this trigger type on this type of view", ddl.at)
  }
  const isOfView = timing === "INSTEAD OF" || tree.sections.some(({ point }) => point === "instead of row")
  if (table.kind === "table" && isOfView) {
    throw oraError(25002, "cannot create INSTEAD OF triggers on tables", ddl.at)
  }
  if (existing !== undefined && existing.table !== keyOf(table)) {
    throw oraError(4095, `trigger '${unit.name}' already exists on another table, cannot replace it`, ddl.at)
  }
  if (table.kind === "table") {
    for (const column of tree.columns) {
      if (!table.columns.some((candidate) => candidate.name === column)) {
        throw oraError(904, `"${column}": invalid identifier`, ddl.at)
      }
    }
  }
  if (tree.when !== undefined && !tree.row && tree.timing !== "COMPOUND") {
    throw oraError(4077, "WHEN clause cannot be used with table level triggers", ddl.at)
  }
  for (const { block, point } of tree.sections) checkRows(block, point, ddl.at)
  const trigger: Trigger = {
    kind: "trigger",
    id: existing?.id ?? catalog.nextId(),
    owner: unit.owner,
    name: unit.name,
    unit,
    table: keyOf(table),
    enabled: tree.enabled
  }
  catalog.triggers.set(keyOf(unit), trigger)
  catalog.version++
  return unit
}

const missing = (type: string, name: string, at: number): Error =>
  type === "TRIGGER"
    ? oraError(4080, `trigger '${name}' does not exist`, at)
    : oraError(4043, `object ${name} does not exist`, at)

/** ALTER … COMPILE: the specification and the body, unless only one of them is named. */
const compileBoth = (services: DefinitionServices, object: Package | StoredType, type: UnitType): Unit | undefined => {
  if (type.endsWith("BODY")) return object.body
  object.spec.invalidate()
  object.body?.invalidate()
  services.compile(object.spec)
  return object.body ?? object.spec
}

export const alterUnit = (services: DefinitionServices, ddl: Alter): Unit | undefined => {
  const { core, session } = services
  const { catalog } = core
  const [owner, name] = placeOf(ddl.path, session)
  const key = `${owner}.${name}`
  if (ddl.type === "TRIGGER") {
    const trigger = catalog.triggers.get(key)
    if (trigger === undefined) throw missing(ddl.type, name, ddl.at)
    if (ddl.action === "compile") return trigger.unit
    trigger.enabled = ddl.action === "enable"
    catalog.version++
    return undefined
  }
  const object = catalog.objects.get(key)
  if (!isOf(object, ddl.type)) throw missing(ddl.type, name, ddl.at)
  if (object?.kind === "package" || object?.kind === "type") return compileBoth(services, object, ddl.type)
  return object?.kind === "procedure" ? object.unit : undefined
}

/** True when the statement was about a unit. */
export const dropUnit = (services: DefinitionServices, ddl: Drop): boolean => {
  const { core, session } = services
  const { catalog } = core
  const { object: type } = ddl
  if (!["PROCEDURE", "FUNCTION", "PACKAGE", "PACKAGE BODY", "TRIGGER"].includes(type)) return false
  const [owner, name] = placeOf(ddl.path, session)
  const key = `${owner}.${name}`
  if (type === "TRIGGER") {
    const trigger = catalog.triggers.get(key)
    if (trigger === undefined && !ddl.ifExists) throw missing(type, name, ddl.at)
    catalog.triggers.delete(key)
    return true
  }
  const object = catalog.objects.get(key)
  if (!isOf(object, type as UnitType)) {
    if (ddl.ifExists) return true
    throw missing(type, name, ddl.at)
  }
  if (type === "PACKAGE BODY" && object?.kind === "package" && !object.spec.isAbsent) object.body = undefined
  else catalog.remove(object!)
  return true
}
