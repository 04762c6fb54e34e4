/** DUMP, VSIZE and STANDARD_HASH: functions of the bytes that a value has inside of the database. */
import { callOf, library } from "../functions/library.ts"
import { dump, internalForm } from "../values/internalForm.ts"
import { toInteger } from "../values/oracleNumber.ts"
import { kindOf, NUMBER, raw, varchar2 } from "../values/sqlType.ts"
import { convertTo } from "./operators.ts"
import { arity, type Special } from "./special.ts"
import { derived, type Term } from "./term.ts"

const bytesOf = (value: Term): Term =>
  derived([value], `inside:${value.type.name}`, raw(), value.nullable, (f) => {
    const inside = value.eval(f)
    return inside === null ? null : internalForm(inside, value.type, value.column !== undefined).bytes
  })

export const inspectionCalls: Readonly<Record<string, Special>> = {
  DUMP: (_c, expr, args) => {
    arity(expr, 1, 4)
    const [value, ...rest] = args as [Term, ...Array<Term>]
    const numbers = rest.map((term) => convertTo(term, NUMBER, expr.at))
    return derived([value, ...numbers], `dump:${value.type.name}`, varchar2(), true, (f) => {
      const inside = value.eval(f)
      if (inside === null || kindOf(value.type) === "null") return "NULL"
      const [format, from, length] = numbers.map((term) => toInteger(term.eval(f) as never))
      return dump(internalForm(inside, value.type, value.column !== undefined), format ?? 10, from ?? 1, length)
    })
  },
  VSIZE: (_c, expr, args) => {
    arity(expr, 1, 1)
    const bytes = bytesOf(args[0]!)
    return derived([bytes], "vsize", NUMBER, true, (f) => {
      const inside = bytes.eval(f) as Uint8Array | null
      return inside === null ? null : inside.length
    })
  },
  STANDARD_HASH: (_c, expr, args) => {
    arity(expr, 1, 2)
    const bytes = bytesOf(args[0]!)
    const present = derived([bytes], "present", raw(), false, (f) => bytes.eval(f) ?? new Uint8Array(0))
    const parts = [present, ...args.slice(1).map((arg) => convertTo(arg, varchar2(), expr.at))]
    return derived(parts, "standard_hash", raw(64), false, callOf(library["HASH"]!, parts.map((part) => part.eval)))
  }
}
