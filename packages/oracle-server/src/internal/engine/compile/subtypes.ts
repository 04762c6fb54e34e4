/** Terms over objects of subtypes: TREAT, IS OF, and an object as one of its supertype. */
import type { Expr, TypeSpec } from "../syntax/ast.ts"
import { isSubtype, type RecordValue, sameType } from "../values/composite.ts"
import type { ObjectType, SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import { BOOLEAN, kindOf } from "../values/sqlType.ts"
import type { Compilation } from "./compilation.ts"
import { inconsistent } from "./operators.ts"
import { derived, type Term } from "./term.ts"

/** The object type of this name. */
const objectType = (c: Compilation, spec: TypeSpec): SqlType & { readonly composite: ObjectType } => {
  const type = c.context.type?.(spec.name.split("."))
  const composite = type?.composite
  if (composite?.kind !== "object") throw oraError(902, "invalid datatype", spec.at)
  return { ...type!, composite }
}

/** The type of an object; an error for what is none, or has nothing to do with the other type. */
const related = (arg: Term, to: SqlType & { readonly composite: ObjectType }, at: number): void => {
  const from = arg.type.composite
  if (kindOf(arg.type) === "null") return
  if (from?.kind !== "object" || !(isSubtype(from, to.composite) || isSubtype(to.composite, from))) {
    throw inconsistent(to, arg.type, at)
  }
}

/**
 * TREAT gives null for an object of another type; PL/SQL refuses it. An object as one of its supertype is the same object, but
 * its methods are those of that type.
 */
export const treatTerm = (
  c: Compilation,
  expr: Extract<Expr, { kind: "treat" | "upcast" }>,
  arg: Term
): Term => {
  const { at } = expr
  const type = objectType(c, expr.type)
  related(arg, type, at)
  const { eval: get } = arg
  if (expr.kind === "upcast") {
    if (arg.type.composite !== undefined && !isSubtype(arg.type.composite, type.composite)) {
      throw inconsistent(type, arg.type, at)
    }
    return derived([arg], `as ${type.composite.name}`, type, arg.nullable, get, { exactly: true })
  }
  const isBlock = c.context.blockCall !== undefined
  return derived([arg], `treat ${type.composite.name}`, type, true, (f) => {
    const value = get(f) as RecordValue | null
    if (value === null || isSubtype(value.type, type.composite)) return value
    if (isBlock) {
      throw oraError(6502, "PL/SQL: value or conversion error: cannot assign supertype instance to subtype")
    }
    return null
  })
}

/** IS OF: null for null. */
export const isOfTerm = (c: Compilation, expr: Extract<Expr, { kind: "is" }>, arg: Term): Term => {
  const types = expr.types!.map(({ only, type }) => {
    const of = objectType(c, type)
    related(arg, of, expr.at)
    return { only, type: of.composite }
  })
  const { eval: get } = arg
  const key = types.map(({ only, type }) => `${only ? "only " : ""}${type.owner}.${type.name}`).join()
  return derived([arg], `is ${expr.not ? "not " : ""}of ${key}`, BOOLEAN, true, (f) => {
    const value = get(f) as RecordValue | null
    if (value === null) return null
    const holds = types.some(({ only, type }) => only ? sameType(value.type, type) : isSubtype(value.type, type))
    return holds !== expr.not ? 1 : 0
  }, { condition: true })
}
