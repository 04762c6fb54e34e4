/** What can be assigned to: variables, their fields, elements of collections, binds, cursor variables. */
import { keyOfValue, keyType, uninitialized } from "../compile/composites.ts"
import { convertStored } from "../statements/registeredProcedures.ts"
import type { Step } from "../storage/waiting.ts"
import type { Expr } from "../syntax/ast.ts"
import {
  type CollectionValue,
  initialValue,
  isSubtype,
  MapValue,
  RecordValue,
  type Stored
} from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import type { Key } from "../values/keyOrder.ts"
import { oraError } from "../values/oraError.ts"
import { CURSOR, NUMBER } from "../values/sqlType.ts"
import { assigned } from "./assignment.ts"
import { storeArray } from "./bindArrays.ts"
import type { CursorVariable, Environment, Variable } from "./environment.ts"
import type { Machine } from "./machine.ts"
import type { Typed } from "./typed.ts"
import { newCell } from "./variables.ts"

interface Target {
  readonly type: SqlType
  readonly notNull: boolean
  readonly get: () => Stored
  /** The value there, made first where a part of it is to be assigned. */
  readonly reach: () => Stored
  readonly set: (value: Stored) => void
}

const notAssignable = (name: string, at: number): Error =>
  oraError(6550, `PLS-00363: expression '${name}' cannot be used as an assignment target`, at)

const undeclared = (name: string, at: number): Error =>
  oraError(6550, `PLS-00201: identifier '${name}' must be declared`, at)

const variableTarget = (variable: Variable): Target => ({
  type: variable.type,
  notNull: variable.notNull,
  get: () => variable.value,
  reach: () => variable.value,
  set: (value) => {
    variable.value = value
  }
})

const bindTarget = (machine: Machine, index: number): Target => ({
  type: machine.bindTypes[index]!,
  notNull: false,
  get: () => machine.binds[index]!,
  reach: () => machine.binds[index]!,
  set: (value) => {
    machine.binds[index] = value
  }
})

const fieldTarget = (of: Target, name: string, at: number): Target => {
  const { composite } = of.type
  const index = composite === undefined || composite.kind === "collection"
    ? -1
    : composite.attributes.findIndex((attribute) => attribute.name === name)
  if (index < 0 || composite === undefined || composite.kind === "collection") {
    throw oraError(6550, `PLS-00302: component '${name}' must be declared`, at)
  }
  const attribute = composite.attributes[index]!
  const record = (): RecordValue => {
    const value = of.reach()
    if (!(value instanceof RecordValue)) throw oraError(6530, "Reference to uninitialized composite")
    return value
  }
  return {
    type: attribute.type,
    notNull: attribute.notNull === true,
    get: () => record().values[index]!,
    reach: () => record().values[index]!,
    set: (value) => {
      record().values[index] = value
    }
  }
}

const elementTarget = (of: Target, key: Key): Target => {
  const { composite } = of.type
  const type = (composite as Extract<typeof composite, { kind: "collection" }>).element
  const collection = (): CollectionValue => {
    const value = of.reach()
    if (value === null) throw uninitialized()
    return value as CollectionValue
  }
  return {
    type,
    notNull: false,
    get: () => collection().get(key),
    reach: () => {
      const all = collection()
      // A part of an element of an index-by table makes the element.
      if (all instanceof MapValue && !all.exists(key)) all.set(key, initialValue(type))
      return all.get(key)
    },
    set: (value) => {
      collection().set(key, value)
    }
  }
}

function* indexed(machine: Machine, of: Target, args: ReadonlyArray<Expr>, env: Environment, at: number): Step<Target> {
  const { composite } = of.type
  if (composite?.kind !== "collection" || args.length !== 1) {
    throw oraError(6550, "PLS-00224: object must be of type function or array to be used this way", at)
  }
  const { type, value } = yield* machine.evaluate(args[0]!, env)
  const wanted = keyType(composite)
  return elementTarget(of, keyOfValue(convertStored(value, type, wanted, machine.session)))
}

/** The place that an expression means; a constant has none. */
export function* targetOf(machine: Machine, expr: Expr, env: Environment): Step<Target> {
  switch (expr.kind) {
    case "bind":
      return bindTarget(machine, expr.index)
    case "name":
    case "call": {
      const head = env.headOf(expr.path)
      if (head === undefined) {
        if (expr.kind === "call") throw notAssignable(expr.path.join("."), expr.at)
        throw undeclared(expr.path.join("."), expr.at)
      }
      if (head.variable.constant) throw notAssignable(expr.path.join("."), expr.at)
      let target = variableTarget(head.variable)
      for (const name of head.rest) target = fieldTarget(target, name, expr.at)
      return expr.kind === "call" ? yield* indexed(machine, target, expr.args, env, expr.at) : target
    }
    case "treat":
    case "upcast": {
      const target = yield* targetOf(machine, expr.arg, env)
      const type = machine.typeOf(expr.type, env)
      const value = target.get()
      if (expr.kind === "treat" && value instanceof RecordValue && !isSubtype(value.type, type.composite!)) {
        throw oraError(6502, "PL/SQL: value or conversion error: cannot assign supertype instance to subtype")
      }
      return { ...target, type }
    }
    case "member":
      return fieldTarget(yield* targetOf(machine, expr.of, env), expr.name, expr.at)
    case "apply": {
      if (expr.of.kind !== "member") {
        return yield* indexed(machine, yield* targetOf(machine, expr.of, env), expr.args, env, expr.at)
      }
      const field = fieldTarget(yield* targetOf(machine, expr.of.of, env), expr.of.name, expr.of.at)
      return yield* indexed(machine, field, expr.args, env, expr.at)
    }
    default:
      throw oraError(6550, "PLS-00363: expression cannot be used as an assignment target", expr.at)
  }
}

export const cursorOf = (expr: Expr, env: Environment): CursorVariable | undefined => {
  if (expr.kind !== "name") return undefined
  const entry = env.lookup(expr.path)
  return entry?.kind === "cursor" ? entry : undefined
}

const storeCursor = (machine: Machine, target: Expr, value: Typed, env: Environment): void => {
  if (target.kind === "bind") {
    if (machine.bindTypes[target.index]?.name !== CURSOR.name) {
      throw oraError(6550, "PLS-00382: expression is of wrong type", target.at)
    }
    if (value.cell?.open === undefined) machine.bindCursors.delete(target.index)
    else machine.bindCursors.set(target.index, value.cell.open)
    return
  }
  const entry = cursorOf(target, env)
  if (entry === undefined || entry.query !== undefined) {
    throw oraError(6550, "PLS-00382: expression is of wrong type", target.at)
  }
  entry.cell = value.cell ?? newCell()
}

/** Assigns to a variable itself, the common case; false when there is more to it. */
export const storeNow = (machine: Machine, target: Expr, value: Typed, env: Environment): boolean => {
  if (target.kind !== "name" || target.path.length !== 1 || value.cell !== undefined || value.type === CURSOR) {
    return false
  }
  const variable = env.find(target.path[0]!)
  if (variable?.kind !== "variable" || variable.constant) return false
  variable.value = assigned(machine, variable.type, value, variable.notNull)
  if (variable.persist !== value.persist) variable.persist = value.persist
  return true
}

export function* store(machine: Machine, target: Expr, value: Typed, env: Environment): Step<void> {
  if (value.cell !== undefined || value.type === CURSOR || cursorOf(target, env) !== undefined) {
    storeCursor(machine, target, value, env)
    return
  }
  if (target.kind === "bind" && machine.bindArrays.has(target.index)) {
    storeArray(machine, target.index, value)
    return
  }
  if (target.kind === "name") {
    // The common case, without a place in between.
    const variable = env.variable(target.path)
    if (variable !== undefined && !variable.constant) {
      variable.value = assigned(machine, variable.type, value, variable.notNull)
      if (variable.persist !== value.persist) variable.persist = value.persist
      return
    }
  }
  const place = yield* targetOf(machine, target, env)
  place.set(assigned(machine, place.type, value, place.notNull))
}

/** So many elements are made at once. */
const extension = 16_384

const methods = new Set(["EXTEND", "TRIM", "DELETE"])

/** EXTEND, TRIM and DELETE of a collection; undefined when the call means something else. */
export const collectionChange = (machine: Machine, expr: Expr, env: Environment): Step<void> | undefined => {
  if (expr.kind === "name" || expr.kind === "call") {
    if (expr.path.length < 2 || !methods.has(expr.path.at(-1)!)) return undefined
    const path = expr.path.slice(0, -1)
    if (env.headOf(path) === undefined) return undefined
    const of: Expr = { kind: "name", path, outer: false, at: expr.at }
    return change(machine, of, expr.path.at(-1)!, expr.kind === "call" ? expr.args : [], env, expr.at)
  }
  if (expr.kind === "member" && methods.has(expr.name)) {
    return change(machine, expr.of, expr.name, [], env, expr.at)
  }
  if (expr.kind === "apply" && expr.of.kind === "member" && methods.has(expr.of.name)) {
    return change(machine, expr.of.of, expr.of.name, expr.args, env, expr.at)
  }
  return undefined
}

function* change(
  machine: Machine,
  of: Expr,
  name: string,
  args: ReadonlyArray<Expr>,
  env: Environment,
  at: number
): Step<void> {
  const target = yield* targetOf(machine, of, env)
  const { composite } = target.type
  if (composite?.kind !== "collection") {
    throw oraError(6550, `PLS-00302: component '${name}' must be declared`, at)
  }
  const wrong = (): Error => oraError(6550, `PLS-00306: wrong number or types of arguments in call to '${name}'`, at)
  const value = target.reach() as CollectionValue | null
  if (value === null) throw uninitialized()
  const keys: Array<Stored> = []
  for (const arg of args) {
    const given = yield* machine.evaluate(arg, env)
    const type = name === "DELETE" ? keyType(composite) : NUMBER
    keys.push(convertStored(given.value, given.type, type, machine.session))
  }
  if (name === "DELETE") {
    if (keys.length > 2) throw wrong()
    // A null names no element.
    if (!keys.includes(null)) value.delete(...keys.map(keyOfValue))
    return
  }
  if (value instanceof MapValue || keys.length > (name === "EXTEND" ? 2 : 1)) throw wrong()
  const count = keys.length === 0 ? 1 : keyOfValue(keys[0]!) as number
  if (name === "TRIM") {
    value.trim(count)
    return
  }
  const from = keys.length < 2 ? undefined : value.get(keyOfValue(keys[1]!))
  const make = (): Stored =>
    from === undefined
      ? initialValue(composite.element)
      : assigned(machine, composite.element, { value: from, type: composite.element }, false)
  // Many elements come in parts, between which a break may arrive.
  for (let left = count; left > 0; left -= extension) {
    const part = value.type.limit === undefined ? Math.min(left, extension) : left
    value.extend(part, make)
    machine.spend(part)
    yield* machine.breathe()
    if (part === left) return
  }
}
