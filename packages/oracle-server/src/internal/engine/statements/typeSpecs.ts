/** What the specification of a type says: its attributes and methods, or what is wrong with it. */
import { type Catalog, keyOf } from "../catalog/catalog.ts"
import { allMethods, isSameMethod } from "../catalog/methods.ts"
import type { StoredType, Unit, UnitError } from "../catalog/units.ts"
import { resolveType } from "../compile/types.ts"
import type { TypeSpec } from "../syntax/ast.ts"
import type { Method, TypeSpecUnit } from "../syntax/astTypes.ts"
import { lineAndColumn } from "../syntax/places.ts"
import { compositeType } from "../values/composite.ts"
import type { CollectionType, ObjectType, SqlType } from "../values/dataTypes.ts"
import { OraError, oraError } from "../values/oraError.ts"

const placed = /^ORA-06550: line (\d+), column (\d+):\n/

const wrong = (text: string, at: number): OraError => oraError(6550, text, at)

/** As the compiler of types says what SQL says of a column. */
const words: Readonly<Record<number, string>> = {
  906: "PLS-00215: String length constraints must be in range (1 .. 32767)",
  910: "PLS-00215: String length constraints must be in range (1 .. 32767)",
  1723: "PLS-00215: String length constraints must be in range (1 .. 32767)",
  1727: "PLS-00216: NUMBER precision constraint must be in range (1 .. 38)",
  1728: "PLS-00217: NUMBER scale constraint must be in range (-84 .. 127)"
}

const asCompileError = (error: unknown, spec: TypeSpec): unknown => {
  if (!(error instanceof OraError) || error.code === 3001) return error
  if (error.code === 6550) return error.offset === 0 ? error.at(spec.at) : error
  const text = error.code === 902
    ? `PLS-00201: identifier '${spec.name}' must be declared`
    : words[error.code] ?? `PL/SQL: ${error.message}`
  return wrong(text, spec.at)
}

class SpecCompiler {
  readonly #catalog: Catalog
  readonly #stored: StoredType
  readonly #tree: TypeSpecUnit
  readonly errors: Array<OraError> = []

  constructor(catalog: Catalog, stored: StoredType, tree: TypeSpecUnit) {
    this.#catalog = catalog
    this.#stored = stored
    this.#tree = tree
  }

  #note(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof OraError) || error.code !== 6550) throw error
      this.errors.push(error)
    }
  }

  #resolve(spec: TypeSpec): SqlType {
    const { name, owner } = this.#stored
    const path = spec.name.split(".")
    try {
      if (spec.anchor !== undefined) {
        throw wrong("PLS-00329: schema-level type has illegal reference to " + spec.name, spec.at)
      }
      if ((path.length === 1 && path[0] === name) || (path.length === 2 && path[0] === owner && path[1] === name)) {
        throw wrong(`PLS-00318: type "${name}" is malformed because it is a non-REF mutually recursive type`, spec.at)
      }
      const made = this.#catalog.typeOf(path, owner)
      if (made !== undefined) return compositeType(made)
      const type = resolveType(spec, this.#stored.characters)
      if (type.name === "CURSOR" || type.name === "BINARY_INTEGER") {
        throw wrong(
          this.#tree.shape.kind === "object"
            ? `PLS-00530: Illegal type used for object type attribute: '${spec.name}'.`
            : `PLS-00531: Unsupported type in a VARRAY or TABLE type: '${spec.name}'.`,
          spec.at
        )
      }
      return type
    } catch (error) {
      throw asCompileError(error, spec)
    }
  }

  #supertype(): ObjectType | undefined {
    const { shape } = this.#tree
    if (shape.kind !== "object" || shape.supertype === undefined) return undefined
    const { at, path } = shape.supertype
    const type = this.#catalog.typeOf(path, this.#stored.owner)
    if (type?.kind !== "object") throw wrong(`PLS-00201: identifier '${path.join(".")}' must be declared`, at)
    if (type.final) throw wrong("PLS-00590: attempting to create a subtype UNDER a FINAL type", at)
    return type
  }

  type(): ObjectType | CollectionType | undefined {
    const { name, owner } = this.#stored
    const { shape } = this.#tree
    const base = { owner, package: undefined, name }
    if (shape.kind === "collection") {
      let element: SqlType | undefined
      this.#note(() => element = this.#resolve(shape.element))
      if (element === undefined) return undefined
      return { kind: "collection", ...base, form: shape.form, element, limit: shape.limit, key: undefined }
    }
    let supertype: ObjectType | undefined
    this.#note(() => supertype = this.#supertype())
    const attributes = [...supertype?.attributes ?? []]
    for (const attribute of shape.attributes) {
      this.#note(() => {
        if (attributes.some((other) => other.name === attribute.name)) {
          throw wrong(
            "PLS-00410: duplicate fields in RECORD,TABLE or argument list are not permitted",
            attribute.at
          )
        }
        attributes.push({ name: attribute.name, type: this.#resolve(attribute.type) })
      })
    }
    const orders = shape.methods.filter(({ kind }) => kind === "map" || kind === "order")
    if (orders.length > 1) {
      this.errors.push(wrong("PLS-00154: An object type may have only 1 MAP or 1 ORDER method.", orders[1]!.nameAt))
    }
    if (this.errors.length > 0) return undefined
    const { final, instantiable } = shape
    const type: ObjectType = { kind: "object", ...base, attributes, supertype, final, instantiable }
    this.#note(() => this.#inheritance(type, shape.methods))
    return type
  }

  /** What the methods of a type may be, beside those that it inherits. */
  #inheritance(type: ObjectType, methods: ReadonlyArray<Method>): void {
    const inherited = type.supertype === undefined ? [] : allMethods(this.#catalog, type.supertype)
    for (const method of methods) {
      const { nameAt } = method
      const over = method.kind === "constructor"
        ? undefined
        : inherited.find((each) => isSameMethod(each.method, method))?.method
      if (method.overriding && over === undefined) throw wrong("PLS-00635: method does not override", nameAt)
      if (over === undefined) continue
      if (over.final) throw wrong("PLS-00637: FINAL method cannot be overriden or hidden", nameAt)
      if (!method.overriding && method.kind !== "static") {
        throw wrong("PLS-00636: overriding method must be specified with OVERRIDING", nameAt)
      }
    }
    if (!type.instantiable) return
    const kept = inherited.map(({ method }) => method).filter((method) =>
      !methods.some((own) => isSameMethod(own, method))
    )
    const open = [...kept, ...methods].find((method) => !method.instantiable)
    if (open === undefined) return
    throw wrong(
      "PLS-00634: type with NOT INSTANTIABLE methods must be declared NOT INSTANTIABLE",
      methods.includes(open) ? open.nameAt : 0
    )
  }
}

const unitError = ({ text: sql }: Unit, error: OraError): UnitError => {
  const where = placed.exec(error.message)
  const text = where === null ? error.message.slice("ORA-06550: ".length) : error.message.slice(where[0].length)
  const [line, position] = where === null ? lineAndColumn(sql, error.offset) : [Number(where[1]), Number(where[2])]
  return { line, position, text, number: Number(/(?:PLS|ORA)-(\d+)/.exec(text)?.[1] ?? "0") }
}

const terminated: UnitError = { line: 0, position: 0, text: "PL/SQL: Compilation unit analysis terminated", number: 0 }

const compiling = new Set<StoredType>()

/** Finds out what a specification says; what it names becomes its references. */
export const compileTypeSpec = (catalog: Catalog, stored: StoredType): void => {
  if (compiling.has(stored)) return
  compiling.add(stored)
  const { spec } = stored
  const { tree } = spec
  const { recorder } = catalog
  const references = new Set<string>()
  catalog.recorder = references
  let errors: ReadonlyArray<UnitError> = []
  try {
    if (tree?.kind === "typeSpec") {
      const compiler = new SpecCompiler(catalog, stored, tree)
      const type = compiler.type()
      // What was known of it stays for what was made of it before.
      if (compiler.errors.length === 0) stored.type = type
      else errors = [terminated, ...compiler.errors.map((error) => unitError(spec, error))]
    } else if (spec.syntaxError !== undefined) errors = [unitError(spec, spec.syntaxError)]
  } finally {
    catalog.recorder = recorder
    compiling.delete(stored)
  }
  references.delete(keyOf(stored))
  spec.compiled(catalog.version, errors, references)
}
