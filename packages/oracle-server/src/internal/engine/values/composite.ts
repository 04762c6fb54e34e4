/** Values made of values: records, objects and collections. A value belongs to one variable: assignments copy. */
import { createHash } from "node:crypto"
import type { CollectionType, CompositeType, ObjectType, RecordType, SqlType } from "./dataTypes.ts"
import { compareKeys, type Key, KeyOrder } from "./keyOrder.ts"
import { type OraError, oraError } from "./oraError.ts"

/** As error texts write it. */
export const typeName = (type: CompositeType): string =>
  [type.owner, type.package, type.name].filter((part) => part !== undefined).join(".")

const oids = new WeakMap<CompositeType, string>()

const partOf = (name: string, { chars, composite, precision, scale, size, name: type }: SqlType): string =>
  JSON.stringify([name, type, precision, scale, size, chars, composite === undefined ? "" : oidOf(composite)])

/** What a type consists of. */
const shapeOf = (type: CompositeType): ReadonlyArray<string> =>
  type.kind === "collection"
    ? [type.form, partOf("", type.element), String(type.limit)]
    : type.attributes.map((attribute) => partOf(attribute.name, attribute.type))

/**
 * By which clients name a type, in hexadecimal digits: the same in every database. A type that is made anew with another shape has another
 * one, by which clients see that what they know of the name does not hold any more.
 */
export const oidOf = (type: CompositeType): string => {
  const known = oids.get(type)
  if (known !== undefined) return known
  const oid = createHash("md5").update([typeName(type), ...shapeOf(type)].join("\n")).digest("hex").toUpperCase()
  oids.set(type, oid)
  return oid
}

/** Two types are the same when they were made in one place. */
export const sameType = (a: CompositeType, b: CompositeType): boolean =>
  a === b || (a.owner !== undefined && a.kind === b.kind && a.owner === b.owner && a.package === b.package &&
    a.name === b.name)

/** Whether values of the first type are values of the second too. */
export const isSubtype = (type: CompositeType, of: CompositeType): boolean => {
  if (sameType(type, of)) return true
  return type.kind === "object" && type.supertype !== undefined && isSubtype(type.supertype, of)
}

/** Whether PL/SQL assigns a value of one type to a variable of another. */
export const isAssignable = (from: CompositeType, to: CompositeType): boolean => {
  if (isSubtype(from, to)) return true
  // A table of the client goes by its elements.
  if (from.kind === "collection" && from.name === ":ARRAY") return to.kind === "collection" && to.form === "numbers"
  if (from.kind === "collection" || to.kind !== "record") return false
  // A record that a query or a table gives goes by its fields.
  return from.attributes.length === to.attributes.length &&
    (from.kind === "object" || from.name.endsWith("%ROWTYPE") || to.name.endsWith("%ROWTYPE"))
}

/** A value of an object type may be one of a subtype: it knows its own type. */
export class RecordValue {
  readonly type: ObjectType | RecordType
  readonly values: Array<Stored>

  constructor(type: ObjectType | RecordType, values: Array<Stored>) {
    this.type = type
    this.values = values
  }
}

const noElement = (): OraError => oraError(1403, "no data found")
const outsideLimit = (): OraError => oraError(6532, "Subscript outside of limit")
const beyondCount = (): OraError => oraError(6533, "Subscript beyond count")

/** What collections have in common: their elements by key, in the order of the keys. */
interface Elements {
  readonly count: number
  readonly first: Key | null
  readonly last: Key | null
  readonly next: (key: Key) => Key | null
  readonly prior: (key: Key) => Key | null
  readonly exists: (key: Key) => boolean
  /** ORA-01403, ORA-06532 or ORA-06533 when there is none. */
  readonly get: (key: Key) => Stored
  readonly set: (key: Key, value: Stored) => void
  readonly delete: (from?: Key, to?: Key) => void
  readonly keys: () => ReadonlyArray<Key>
}

/** A nested table or a VARRAY: places from 1 on, some of which may be empty after DELETE. */
export class ListValue implements Elements {
  readonly type: CollectionType
  /** undefined stands for a deleted element. */
  readonly items: Array<Stored | undefined>
  #deleted = 0
  /** The elements before this place are deleted. */
  #begin = 0

  constructor(type: CollectionType, items: Array<Stored | undefined>) {
    this.type = type
    if (type.limit !== undefined && items.length > type.limit) throw outsideLimit()
    this.items = items
    for (const item of items) if (item === undefined) this.#deleted++
  }

  get count(): number {
    return this.items.length - this.#deleted
  }

  get first(): number | null {
    return this.next(0)
  }

  get last(): number | null {
    return this.prior(this.items.length + 1)
  }

  next(key: Key): number | null {
    if (this.#deleted === 0 && (key as number) < this.items.length) return Math.max(1, (key as number) + 1)
    const isFirst = (key as number) <= this.#begin
    for (let i = Math.max(this.#begin, key as number); i < this.items.length; i++) {
      if (this.items[i] === undefined) continue
      if (isFirst) this.#begin = i
      return i + 1
    }
    return null
  }

  prior(key: Key): number | null {
    for (let i = Math.min(this.items.length, (key as number) - 1); i >= 1; i--) {
      if (this.items[i - 1] !== undefined) return i
    }
    return null
  }

  exists(key: Key): boolean {
    return this.items[(key as number) - 1] !== undefined
  }

  #check(key: number): void {
    if (key < 1 || (this.type.limit !== undefined && key > this.type.limit)) throw outsideLimit()
    if (key > this.items.length) throw beyondCount()
  }

  get(key: Key): Stored {
    const item = this.items[(key as number) - 1]
    if (item !== undefined) return item
    this.#check(key as number)
    throw noElement()
  }

  set(key: Key, value: Stored): void {
    const at = key as number
    this.#check(at)
    if (this.items[at - 1] === undefined) {
      this.#deleted--
      this.#begin = Math.min(this.#begin, at - 1)
    }
    this.items[at - 1] = value
  }

  delete(from?: Key, to?: Key): void {
    if (from === undefined) {
      this.items.length = 0
      this.#deleted = 0
      this.#begin = 0
      return
    }
    if (this.type.form === "varray") {
      throw oraError(6550, "PLS-00306: wrong number or types of arguments in call to 'DELETE'")
    }
    const last = Math.min((to ?? from) as number, this.items.length)
    for (let i = Math.max(1, from as number); i <= last; i++) {
      if (this.items[i - 1] === undefined) continue
      this.items[i - 1] = undefined
      this.#deleted++
    }
  }

  /** `count` more elements, each with this value. */
  extend(count: number, value: () => Stored): void {
    const { limit } = this.type
    if (limit !== undefined && this.items.length + count > limit) throw outsideLimit()
    for (let i = 0; i < count; i++) this.items.push(value())
  }

  trim(count: number): void {
    if (count > this.items.length) throw beyondCount()
    for (const item of this.items.splice(this.items.length - count, count)) if (item === undefined) this.#deleted--
    this.#begin = Math.min(this.#begin, this.items.length)
  }

  keys(): ReadonlyArray<number> {
    const keys: Array<number> = []
    this.items.forEach((item, i) => {
      if (item !== undefined) keys.push(i + 1)
    })
    return keys
  }
}

/** An index-by table. */
export class MapValue implements Elements {
  readonly type: CollectionType
  readonly #values = new Map<Key, Stored>()
  readonly #order = new KeyOrder((key) => this.#values.has(key))

  constructor(type: CollectionType) {
    this.type = type
  }

  get count(): number {
    return this.#values.size
  }

  get first(): Key | null {
    return this.#order.first
  }

  get last(): Key | null {
    return this.#order.last
  }

  next(key: Key): Key | null {
    return this.#order.next(key)
  }

  prior(key: Key): Key | null {
    return this.#order.prior(key)
  }

  exists(key: Key): boolean {
    return this.#values.has(key)
  }

  get(key: Key): Stored {
    const value = this.#values.get(key)
    if (value === undefined) throw noElement()
    return value
  }

  set(key: Key, value: Stored): void {
    const isNew = !this.#values.has(key)
    this.#values.set(key, value)
    if (isNew) this.#order.add(key)
  }

  #remove(key: Key): void {
    if (this.#values.delete(key)) this.#order.remove(key)
  }

  delete(from?: Key, to?: Key): void {
    if (from === undefined) {
      this.#values.clear()
      this.#order.clear()
      return
    }
    if (to === undefined) {
      this.#remove(from)
      return
    }
    let key = this.#values.has(from) ? from : this.#order.next(from)
    while (key !== null && compareKeys(key, to) <= 0) {
      const next = this.#order.next(key)
      this.#remove(key)
      key = next
    }
  }

  keys(): ReadonlyArray<Key> {
    return this.#order.all()
  }
}

export type CollectionValue = ListValue | MapValue
type Composite = RecordValue | CollectionValue

/** A value in its stored form. */
export type Stored = null | number | string | Uint8Array | Composite

export const isComposite = (value: unknown): value is Composite =>
  value instanceof RecordValue || value instanceof ListValue || value instanceof MapValue

/** A copy that shares nothing that can change. */
export const copyOf = (value: Stored): Stored => {
  if (typeof value !== "object" || value === null) return value
  if (value instanceof RecordValue) return new RecordValue(value.type, value.values.map(copyOf))
  if (value instanceof ListValue) {
    return new ListValue(value.type, value.items.map((item) => item === undefined ? undefined : copyOf(item)))
  }
  if (!(value instanceof MapValue)) return value
  const copy = new MapValue(value.type)
  for (const key of value.keys()) copy.set(key, copyOf(value.get(key)))
  return copy
}

/** The elements in order, without the deleted ones. */
export const elementsOf = (value: CollectionValue): ReadonlyArray<Stored> => {
  if (value instanceof MapValue) return value.keys().map((key) => value.get(key))
  return value.items.filter((item) => item !== undefined)
}

/** What a variable of this type begins with: a record has its fields, an index-by table is empty, all others are null. */
export const initialValue = (type: SqlType): Stored => {
  const { composite } = type
  if (composite === undefined || composite.kind === "object") return null
  if (composite.kind === "record") {
    return new RecordValue(composite, composite.attributes.map((attribute) => initialValue(attribute.type)))
  }
  return composite.key === undefined ? null : new MapValue(composite)
}

export const compositeType = (composite: CompositeType): SqlType => ({
  name: "OBJECT",
  precision: 0,
  scale: 0,
  size: 0,
  chars: 0,
  composite
})
