/** Binds that a client has declared as index-by tables: they come and go as lists of elements. */
import { type CollectionValue, compositeType, elementsOf, MapValue, type Stored } from "../values/composite.ts"
import type { CollectionType, SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import { NUMBER } from "../values/sqlType.ts"
import { assigned } from "./assignment.ts"
import type { Machine } from "./machine.ts"
import type { Typed } from "./typed.ts"

const typeOf = (element: SqlType): CollectionType => ({
  kind: "collection",
  owner: undefined,
  package: undefined,
  name: hostArray,
  form: "numbers",
  element,
  limit: undefined,
  key: { ...NUMBER, name: "BINARY_INTEGER" }
})

/** The name of the type that such a bind has: any index-by table by number takes it. */
const hostArray = ":ARRAY"

export const arrayValue = (machine: Machine, index: number): Typed => {
  const type = typeOf(machine.bindTypes[index]!)
  const value = new MapValue(type)
  machine.bindArrays.get(index)!.forEach((item, i) => value.set(i + 1, item))
  return { value, type: compositeType(type) }
}

/** Elements go to the places that their keys name; what is missing in between is null. */
export const storeArray = (machine: Machine, index: number, { type, value }: Typed): void => {
  const { composite } = type
  if (composite?.kind !== "collection" || composite.form === "texts") {
    throw oraError(6550, "PLS-00382: expression is of wrong type")
  }
  const to = machine.bindTypes[index]!
  const convert = (item: Stored): Stored => assigned(machine, to, { value: item, type: composite.element }, false)
  if (!(value instanceof MapValue)) {
    machine.bindArrays.set(index, value === null ? [] : elementsOf(value as CollectionValue).map(convert))
    return
  }
  const last = (value.last ?? 0) as number
  const room = machine.bindRooms.get(index)
  if ((value.first as number | null ?? 1) < 1 || (room !== undefined && last > room)) {
    throw oraError(6513, "PL/SQL: index for PL/SQL table out of range for host language array")
  }
  machine.bindArrays.set(
    index,
    Array.from({ length: last }, (_, i) => value.exists(i + 1) ? convert(value.get(i + 1)) : null)
  )
}
