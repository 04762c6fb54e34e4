/** Values as a variable of a type takes them. */
import { convertStored } from "../statements/registeredProcedures.ts"
import {
  initialValue,
  isAssignable,
  ListValue,
  MapValue,
  RecordValue,
  sameType,
  type Stored
} from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { fit, fitComposite } from "../values/fit.ts"
import { type OraError, oraError } from "../values/oraError.ts"
import { kindOf } from "../values/sqlType.ts"
import { asPlsqlError } from "./exceptions.ts"
import type { Machine } from "./machine.ts"
import type { Typed } from "./typed.ts"

const wrongType = (): OraError => oraError(6550, "PLS-00382: expression is of wrong type")

/** The value as a variable of this type takes it: converted, fitted, and a copy of its own. */
export const assigned = (machine: Machine, type: SqlType, typed: Typed, notNull: boolean): Stored => {
  if (type.composite !== undefined) return assignedComposite(machine, type, typed, notNull)
  if (typed.type.composite !== undefined || typed.cell !== undefined) throw wrongType()
  let converted: Stored
  try {
    converted = kindOf(typed.type) === "null" ? null : convertStored(typed.value, typed.type, type, machine.session)
  } catch (error) {
    throw asPlsqlError(error)
  }
  if (converted === null && notNull) throw oraError(6502, "PL/SQL: value or conversion error")
  return fit(converted, type, { kind: "plsql" })
}

const assignedComposite = (machine: Machine, type: SqlType, typed: Typed, notNull: boolean): Stored => {
  const to = type.composite!
  const { value } = typed
  if (kindOf(typed.type) === "null" || value === null) {
    if (to.kind === "collection" && to.key !== undefined) throw wrongType()
    if (notNull) throw oraError(6502, "PL/SQL: value or conversion error")
    return initialValue(type)
  }
  const from = typed.type.composite
  if (from === undefined || !isAssignable(from, to)) throw wrongType()
  if (to.kind === "record" && value instanceof RecordValue && from.kind !== "collection" && !sameType(from, to)) {
    return new RecordValue(
      to,
      to.attributes.map((attribute, i) =>
        assigned(
          machine,
          attribute.type,
          { value: value.values[i]!, type: from.attributes[i]!.type },
          attribute.notNull === true
        )
      )
    )
  }
  if (from.kind === "collection" && to.kind === "collection" && value instanceof MapValue && !sameType(from, to)) {
    const map = new MapValue(to)
    for (const key of value.keys()) {
      map.set(key, assigned(machine, to.element, { value: value.get(key), type: from.element }, false))
    }
    return map
  }
  if (value instanceof ListValue) machine.spend(value.items.length)
  else if (value instanceof MapValue) machine.spend(value.count * 4)
  return fitComposite(value, type)
}
