/** NAME_TOKENIZE and NAME_RESOLVE of DBMS_UTILITY: the parts of a name, and the object that it means. */
import type { CatalogObject, Synonym } from "../../catalog/catalog.ts"
import { type OraError, oraError } from "../../values/oraError.ts"
import type { Caller } from "../native.ts"
import { type Arguments, integerOf, number, textOf } from "./arguments.ts"

interface Tokens {
  readonly parts: ReadonlyArray<string>
  readonly link: string | null
  /** How many characters they take. */
  readonly length: number
}

const identifier = /\s*(?:"([^"]+)"|([\p{L}][\p{L}\p{N}_$#]*))/uy

const tokensOf = (text: string): Tokens => {
  let at = 0
  const take = (): string => {
    identifier.lastIndex = at
    const found = identifier.exec(text)
    if (found === null) throw oraError(931, "missing identifier")
    at += found[0].length
    return found[1] ?? found[2]!.toUpperCase()
  }
  const parts = [take()]
  while (text[at] === "." && parts.length < 3) {
    at++
    parts.push(take())
  }
  let link: string | null = null
  if (text[at] === "@") {
    at++
    link = take()
    while (text[at] === ".") {
      at++
      link += `.${take()}`
    }
  }
  return { parts, link, length: at }
}

export const tokenize = (_: Caller, args: Arguments): void => {
  const { length, link, parts } = tokensOf(textOf(args["name"]) ?? "")
  const [a, b, c] = parts
  Object.assign(args, { a: a!, b: b ?? null, c: c ?? null, dblink: link, nextpos: number(length) })
}

type Found = Exclude<CatalogObject, Synonym>

/** What the kinds of objects are to NAME_RESOLVE: the context that asks for them, and their number. */
const kindOf = (object: Found): { readonly context: number; readonly type: number } => {
  switch (object.kind) {
    case "table":
      return { context: 0, type: 2 }
    case "view":
      return { context: 0, type: 4 }
    case "sequence":
      return { context: 2, type: 6 }
    case "procedure":
      return { context: 1, type: object.unit.type === "FUNCTION" ? 8 : 7 }
    case "package":
      return { context: 1, type: 9 }
    case "type":
      return { context: 7, type: 13 }
  }
}

const missing = (name: string): OraError => oraError(6564, `object ${name} does not exist`)

export const resolve = (caller: Caller, args: Arguments): void => {
  const { catalog, systemPackage } = caller.host.core
  const name = textOf(args["name"]) ?? ""
  const { link, parts } = tokensOf(name)
  if (link !== null) throw missing(name)
  const schema = caller.session.currentSchema
  const isPackage = (object: Found | undefined): boolean => object?.kind === "package"
  const nearest = catalog.find(parts.slice(0, 1), schema) ?? systemPackage(parts[0]!)
  const isNear = nearest !== undefined && (parts.length === 1 || (parts.length === 2 && isPackage(nearest)))
  const object = isNear
    ? nearest
    : parts.length > 1
    ? catalog.find(parts.slice(0, 2), schema) ?? (parts[0] === "SYS" ? systemPackage(parts[1]!) : undefined)
    : undefined
  const rest = isNear ? parts.slice(1) : parts.slice(2)
  if (object === undefined || (rest.length > 0 && !isPackage(object))) throw missing(name)
  const { context, type } = kindOf(object)
  if (context !== integerOf(args["context"])) {
    throw oraError(4047, "object specified is incompatible with the flag specified")
  }
  // A procedure of its own is the second part of its name.
  const isAlone = object.kind === "procedure"
  Object.assign(args, {
    schema: object.owner,
    part1: isAlone ? null : object.name,
    part2: isAlone ? object.name : rest[0] ?? null,
    dblink: null,
    part1_type: number(type),
    object_number: number(object.id)
  })
}
