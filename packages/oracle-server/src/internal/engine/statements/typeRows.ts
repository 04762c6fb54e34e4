/** What the catalog says of types in the views of the dictionary. */
import { allMethods } from "../catalog/methods.ts"
import { methodsOf } from "../catalog/units.ts"
import { oidOf } from "../values/composite.ts"
import type { CollectionType, CompositeType, ObjectType, SqlType } from "../values/dataTypes.ts"
import { kindOf } from "../values/sqlType.ts"
import type { Core } from "./core.ts"
import type { Cell, DictionaryRow } from "./dictionaryRows.ts"

interface MadeType {
  readonly owner: string
  readonly name: string
  readonly type: ObjectType | CollectionType
  /** How many methods it declares itself. */
  readonly methods: number
}

/** Types whose specification was once without errors. */
const storedTypes = (core: Core): ReadonlyArray<MadeType> =>
  [...core.catalog.objects.values()].flatMap((object): ReadonlyArray<MadeType> => {
    if (object.kind !== "type" || object.type === undefined) return []
    const { name, owner, type } = object
    return [{ owner, name, type, methods: methodsOf(object).length }]
  })

/** The name of a type in the dictionary; a type that somebody made has an owner beside it. */
const dictionaryTypeName = (type: SqlType): string => {
  if (type.composite !== undefined) return type.composite.name
  switch (type.name) {
    case "TIMESTAMP WITH TIME ZONE":
      return "TIMESTAMP WITH TZ"
    case "TIMESTAMP WITH LOCAL TIME ZONE":
      return "TIMESTAMP WITH LOCAL TZ"
    case "BINARY_INTEGER":
      return "PL/SQL PLS INTEGER"
    case "BOOLEAN":
      return "PL/SQL BOOLEAN"
    default:
      return type.name
  }
}

/** Length, precision and scale, as the views of types have them. */
const measures = (
  type: SqlType
): Record<"LENGTH" | "PRECISION" | "SCALE" | "CHARACTER_SET_NAME" | "CHAR_USED", Cell> => {
  const kind = kindOf(type)
  const isText = kind === "c"
  const isNumber = kind === "n" && type.precision > 0
  return {
    LENGTH: isText ? (type.chars > 0 ? type.chars : type.size) : kind === "r" ? type.size : null,
    PRECISION: isNumber ? type.precision : null,
    SCALE: isNumber || ["t", "z", "l", "s"].includes(kind) ? type.scale : null,
    CHARACTER_SET_NAME: isText ? (type.name.startsWith("N") ? "NCHAR_CS" : "CHAR_CS") : null,
    CHAR_USED: isText ? (type.chars > 0 ? "C" : "B") : null
  }
}

const place = (type: CompositeType): DictionaryRow => ({
  OWNER: type.owner ?? null,
  PACKAGE_NAME: type.package ?? null,
  TYPE_NAME: type.name
})

const attributeCount = (type: CompositeType): number => type.kind === "collection" ? 0 : type.attributes.length

export const typeRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  storedTypes(core).map(({ methods, type }) => ({
    ...place(type),
    TYPE_OID: oidOf(type),
    TYPECODE: type.kind === "object" ? "OBJECT" : "COLLECTION",
    ATTRIBUTES: attributeCount(type),
    METHODS: type.kind === "object" ? allMethods(core.catalog, type).length : 0,
    PREDEFINED: "NO",
    INCOMPLETE: "NO",
    ...inheritance(type, methods),
    PERSISTABLE: "YES"
  }))

const yes = (holds: boolean): string => holds ? "YES" : "NO"

const inheritance = (type: CompositeType, methods: number): DictionaryRow => {
  if (type.kind !== "object") return { FINAL: "YES", INSTANTIABLE: "YES" }
  const { final, instantiable, supertype } = type
  return {
    FINAL: yes(final),
    INSTANTIABLE: yes(instantiable),
    ...supertype === undefined ? {} : {
      SUPERTYPE_OWNER: supertype.owner ?? null,
      SUPERTYPE_NAME: supertype.name,
      LOCAL_ATTRIBUTES: type.attributes.length - supertype.attributes.length,
      LOCAL_METHODS: methods
    }
  }
}

const inheritedCount = (type: CompositeType): number =>
  type.kind === "object" ? type.supertype?.attributes.length ?? 0 : 0

const attributesOf = (type: CompositeType): ReadonlyArray<DictionaryRow> =>
  type.kind === "collection" ? [] : type.attributes.map((attribute, i) => ({
    ...place(type),
    ATTR_NAME: attribute.name,
    ATTR_TYPE_OWNER: attribute.type.composite?.owner ?? null,
    ATTR_TYPE_PACKAGE: attribute.type.composite?.package ?? null,
    ATTR_TYPE_NAME: dictionaryTypeName(attribute.type),
    ...measures(attribute.type),
    ATTR_NO: i + 1,
    INHERITED: yes(i < inheritedCount(type))
  }))

const forms: Readonly<Record<CollectionType["form"], string>> = {
  table: "TABLE",
  varray: "VARYING ARRAY",
  numbers: "PL/SQL INDEX TABLE",
  texts: "PL/SQL INDEX TABLE"
}

const elementsOf = (type: CompositeType): ReadonlyArray<DictionaryRow> => {
  if (type.kind !== "collection") return []
  const { element } = type
  return [{
    ...place(type),
    COLL_TYPE: forms[type.form],
    UPPER_BOUND: type.limit ?? null,
    ELEM_TYPE_OWNER: element.composite?.owner ?? null,
    ELEM_TYPE_PACKAGE: element.composite?.package ?? null,
    ELEM_TYPE_NAME: dictionaryTypeName(element),
    ...measures(element),
    NULLS_STORED: "YES",
    INDEX_BY: type.key === undefined ? null : type.form === "texts" ? "VARCHAR2" : "BINARY_INTEGER"
  }]
}

export const typeAttributeRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  storedTypes(core).flatMap(({ type }) => attributesOf(type))

export const collectionTypeRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  storedTypes(core).flatMap(({ type }) => elementsOf(type))

export const typeMethodRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  storedTypes(core).flatMap(({ name, owner, type }) =>
    (type.kind === "object" ? allMethods(core.catalog, type) : []).map(({ method, stored }, i) => ({
      OWNER: owner,
      TYPE_NAME: name,
      METHOD_NAME: method.name,
      METHOD_NO: i + 1,
      METHOD_TYPE: method.kind === "map" ? "MAP" : method.kind === "order" ? "ORDER" : "PUBLIC",
      PARAMETERS: method.parameters.length + (method.kind === "static" ? 0 : 1),
      RESULTS: method.isFunction ? 1 : 0,
      FINAL: yes(method.final),
      INSTANTIABLE: yes(method.instantiable),
      OVERRIDING: yes(method.overriding),
      INHERITED: yes(stored.name !== name || stored.owner !== owner)
    }))
  )

/** Types that packages declare. */
export const plsqlTypeRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  core.packageTypes().map((type) => ({
    ...place(type),
    TYPE_OID: oidOf(type),
    TYPECODE: type.kind === "collection" ? "COLLECTION" : "PL/SQL RECORD",
    ATTRIBUTES: attributeCount(type),
    CONTAINS_PLSQL: "NO"
  }))

export const plsqlTypeAttributeRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  core.packageTypes().flatMap(attributesOf)

export const plsqlCollectionTypeRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  core.packageTypes().flatMap(elementsOf)
