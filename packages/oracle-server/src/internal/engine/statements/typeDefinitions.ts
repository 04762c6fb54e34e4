/** CREATE TYPE, CREATE TYPE BODY and DROP TYPE. */
import type { StoredType } from "../catalog/catalog.ts"
import { allMethods, isSameMethod } from "../catalog/methods.ts"
import { resolveType } from "../compile/types.ts"
import type { TypeSpec } from "../syntax/ast.ts"
import type { Method, TypeDdl } from "../syntax/astTypes.ts"
import { compositeType } from "../values/composite.ts"
import type { CollectionType, CompositeType, ObjectType, SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { Core } from "./core.ts"

const placeOf = (path: ReadonlyArray<string>, session: SessionState): readonly [string, string] =>
  path.length === 1 ? [session.currentSchema, path[0]!] : [path[0]!, path[1]!]

/** The type of a column or an attribute: one of the language, or one that somebody made. */
export const columnType = (core: Core, session: SessionState, spec: TypeSpec): SqlType => {
  const made = core.catalog.typeOf(spec.name.split("."), session.currentSchema)
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
const hasDependents = (core: Core, owner: string, name: string): boolean => {
  for (const object of core.catalog.objects.values()) {
    if (object.kind === "table" && object.columns.some((column) => uses(column.type, owner, name))) return true
    if (
      object.kind === "type" && object.name !== name && partsOf(object.type).some((part) => uses(part, owner, name))
    ) {
      return true
    }
  }
  return false
}

const inUse = (at: number): Error => oraError(2303, "cannot drop or replace a type with type or table dependents", at)

export const defineType = (core: Core, session: SessionState, ddl: TypeDdl, text: string): void => {
  const { catalog } = core
  const [owner, name] = placeOf(ddl.path, session)
  const existing = catalog.objects.get(`${owner}.${name}`)
  switch (ddl.kind) {
    case "createType": {
      if (existing !== undefined && !(ddl.replace && existing.kind === "type")) {
        throw oraError(955, "name is already used by an existing object", ddl.at)
      }
      if (existing !== undefined && hasDependents(core, owner, name)) throw inUse(ddl.at)
      catalog.schemas.add(owner)
      catalog.add(newType(core, session, ddl, owner, name, text, existing?.id))
      return
    }
    case "createTypeBody": {
      if (existing?.kind !== "type" || existing.type.kind !== "object") {
        throw oraError(4043, `object ${name} does not exist`, ddl.at)
      }
      if (existing.body !== undefined && !ddl.replace) {
        throw oraError(955, "name is already used by an existing object", ddl.at)
      }
      for (const method of existing.methods) {
        if (!method.instantiable || ddl.methods.some((body) => isSameMethod(body, method))) continue
        throw oraError(
          6550,
          `PLS-00538: subprogram or cursor '${method.name}' is declared in an object type specification and must be defined in the object type body`,
          method.at
        )
      }
      catalog.add({ ...existing, body: { methods: ddl.methods, text } })
      return
    }
    case "dropType":
      if (existing?.kind !== "type" || (ddl.body && existing.body === undefined)) {
        if (ddl.ifExists) return
        throw oraError(4043, `object ${name} does not exist`, ddl.at)
      }
      if (ddl.body) catalog.add({ ...existing, body: undefined })
      else {
        if (!ddl.force && hasDependents(core, owner, name)) throw inUse(ddl.at)
        catalog.remove(existing)
      }
  }
}

const supertypeOf = (
  core: Core,
  session: SessionState,
  { at, path }: { readonly path: ReadonlyArray<string>; readonly at: number }
): ObjectType => {
  const type = core.catalog.typeOf(path, session.currentSchema)
  if (type?.kind !== "object") throw oraError(6550, `PLS-00201: identifier '${path.join(".")}' must be declared`, at)
  if (type.final) throw oraError(6550, "PLS-00590: attempting to create a subtype UNDER a FINAL type", at)
  return type
}

/** What the methods of a type may be, beside those that it inherits. */
const checkInheritance = (core: Core, type: ObjectType, methods: ReadonlyArray<Method>): void => {
  const inherited = type.supertype === undefined ? [] : allMethods(core.catalog, type.supertype)
  for (const method of methods) {
    const { at } = method
    const over = method.kind === "constructor"
      ? undefined
      : inherited.find((each) => isSameMethod(each.method, method))?.method
    if (method.overriding && over === undefined) throw oraError(6550, "PLS-00635: method does not override", at)
    if (over === undefined) continue
    if (over.final) throw oraError(6550, "PLS-00637: FINAL method cannot be overriden or hidden", at)
    if (!method.overriding && method.kind !== "static") {
      throw oraError(6550, "PLS-00636: overriding method must be specified with OVERRIDING", at)
    }
  }
  const open = type.instantiable
    ? [
      ...inherited.filter(({ method }) => !methods.some((own) => isSameMethod(own, method))).map(({ method }) =>
        method
      ),
      ...methods
    ].find((method) => !method.instantiable)
    : undefined
  if (open !== undefined) {
    throw oraError(
      6550,
      "PLS-00634: type with NOT INSTANTIABLE methods must be declared NOT INSTANTIABLE",
      methods.includes(open) ? open.at : 0
    )
  }
}

const newType = (
  core: Core,
  session: SessionState,
  ddl: Extract<TypeDdl, { kind: "createType" }>,
  owner: string,
  name: string,
  text: string,
  id: number | undefined
): StoredType => {
  const { shape } = ddl
  const base = { owner, package: undefined, name }
  const resolve = (spec: TypeSpec): SqlType => {
    const type = columnType(core, session, spec)
    if (type.name === "CURSOR" || type.name === "BINARY_INTEGER") throw oraError(902, "invalid datatype", spec.at)
    return type
  }
  let type: ObjectType | CollectionType
  if (shape.kind === "object") {
    const supertype = shape.supertype === undefined ? undefined : supertypeOf(core, session, shape.supertype)
    const attributes = [
      ...supertype?.attributes ?? [],
      ...shape.attributes.map((attribute) => ({ name: attribute.name, type: resolve(attribute.type) }))
    ]
    const names = attributes.map((attribute) => attribute.name)
    const twice = names.find((attribute, i) => names.indexOf(attribute) !== i)
    if (twice !== undefined) throw oraError(957, `"${twice}": duplicate column name`, ddl.at)
    const orders = shape.methods.filter((method) => method.kind === "map" || method.kind === "order")
    if (orders.length > 1) {
      throw oraError(6550, "PLS-00154: An object type may have only 1 MAP or 1 ORDER method.", orders[1]!.at)
    }
    type = { kind: "object", ...base, attributes, supertype, final: shape.final, instantiable: shape.instantiable }
    checkInheritance(core, type, shape.methods)
  } else {
    type = {
      kind: "collection",
      ...base,
      form: shape.form,
      element: resolve(shape.element),
      limit: shape.limit,
      key: undefined
    }
  }
  return {
    kind: "type",
    id: id ?? core.catalog.nextId(),
    owner,
    name,
    type,
    methods: shape.kind === "object" ? shape.methods : [],
    body: undefined,
    text
  }
}
