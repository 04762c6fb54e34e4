/** The methods of object types: which are the same, and which a type inherits. */
import type { TypeSpec } from "../syntax/ast.ts"
import type { Method } from "../syntax/astTypes.ts"
import type { ObjectType } from "../values/dataTypes.ts"
import type { Catalog } from "./catalog.ts"
import { methodsOf, type StoredType } from "./units.ts"

export interface OwnedMethod {
  readonly method: Method
  /** The type that declares it. */
  readonly stored: StoredType
}

const specText = ({ anchor, args, name }: TypeSpec): string =>
  anchor === undefined ? `${name}(${args.join()})` : `${anchor.path.join(".")}%${anchor.row ? "ROWTYPE" : "TYPE"}`

/** Of two methods of one name: the same parameters in the same order. */
export const isSameMethod = (a: Method, b: Method): boolean =>
  a.name === b.name && a.isFunction === b.isFunction && a.parameters.length === b.parameters.length &&
  (a.kind === "static") === (b.kind === "static") && (a.kind === "constructor") === (b.kind === "constructor") &&
  a.parameters.every((parameter, i) =>
    parameter.direction === b.parameters[i]!.direction && specText(parameter.type) === specText(b.parameters[i]!.type)
  )

const storedOf = (catalog: Catalog, type: ObjectType): StoredType | undefined => {
  const stored = catalog.objects.get(`${type.owner}.${type.name}`)
  return stored?.kind === "type" ? stored : undefined
}

/** All methods of a type: what it inherits first, with what overrides it in its place. Constructors are not inherited. */
export const allMethods = (catalog: Catalog, type: ObjectType): ReadonlyArray<OwnedMethod> => {
  const inherited = type.supertype === undefined
    ? []
    : allMethods(catalog, type.supertype).filter(({ method }) => method.kind !== "constructor")
  const stored = storedOf(catalog, type)
  if (stored === undefined) return inherited
  const own = methodsOf(stored).map((method): OwnedMethod => ({ method, stored }))
  const added = new Set(own)
  const kept = inherited.map((each) => {
    const overriding = own.find(({ method }) => isSameMethod(method, each.method))
    if (overriding === undefined) return each
    added.delete(overriding)
    return overriding
  })
  return [...kept, ...added]
}

/** What runs when the method is called on an object of this very type. */
export const methodOf = (catalog: Catalog, type: ObjectType, wanted: Method): OwnedMethod | undefined =>
  allMethods(catalog, type).find(({ method }) => isSameMethod(method, wanted))
