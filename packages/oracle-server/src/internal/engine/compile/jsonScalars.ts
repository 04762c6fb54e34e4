/** Scalars of JSON where they meet values of SQL. */
import { fromScalar, isContainer } from "../functions/jsonValues.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { readJson } from "../values/json.ts"
import { kindOf, varchar2 } from "../values/sqlType.ts"
import { derived, type Term } from "./term.ts"

/** A scalar of JSON as a value of another type: its text, its number, its date. Objects and arrays are none. */
const scalarOf = (term: Term, type: SqlType): Term =>
  derived([term], `scalar:${type.name}`, type, true, (f) => {
    const text = term.eval(f)
    if (text === null) return null
    const value = readJson(text as string)
    return isContainer(value) ? null : fromScalar(value, type, { booleanNumbers: true, keepTime: true })
  })

/** Both sides of a comparison, with a scalar of JSON in the type of the other side. */
export const withoutJson = (left: Term, right: Term): readonly [Term, Term] => {
  const plain = (term: Term): boolean => ["n", "f", "c", "d", "t", "z", "l", "b", "s", "y"].includes(kindOf(term.type))
  const target = (term: Term): SqlType => kindOf(term.type) === "c" ? varchar2() : term.type
  if (kindOf(left.type) === "j" && plain(right)) return [scalarOf(left, target(right)), right]
  if (kindOf(right.type) === "j" && plain(left)) return [left, scalarOf(right, target(left))]
  return [left, right]
}
