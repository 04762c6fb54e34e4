/** Methods of objects: bodies that run with SELF and its attributes in scope. */
import type { StoredType } from "../catalog/catalog.ts"
import type { Routine } from "../compile/compilation.ts"
import type { Step } from "../storage/waiting.ts"
import type { Method, MethodBody } from "../syntax/astTypes.ts"
import { compositeType, copyOf, RecordValue, type Stored } from "../values/composite.ts"
import type { ObjectType, SqlType } from "../values/dataTypes.ts"
import { OraError, oraError } from "../values/oraError.ts"
import { assigned } from "./assignment.ts"
import { declaredType } from "./declarations.ts"
import { Environment, type Variable } from "./environment.ts"
import { located } from "./exceptions.ts"
import { newMachine } from "./interpreter.ts"
import type { Machine, PlsqlHost } from "./machine.ts"
import type { MethodResult, ObjectMethod } from "./methods.ts"
import { newProgram, type Program } from "./program.ts"
import { newVariable } from "./variables.ts"

/** The compiled parts of a body, for as long as the catalog stays the same. */
const programs = new WeakMap<object, Program>()

const programOf = (host: PlsqlHost, body: object, text: string, owner: string): Program => {
  const { version } = host.core.catalog
  const known = programs.get(body)
  if (known !== undefined && known.version === version) return known
  const program = newProgram(text, version, owner)
  programs.set(body, program)
  return program
}

/** An attribute of SELF by its own name. */
const attributeOf = (self: Variable, index: number, type: SqlType): Variable => ({
  kind: "variable",
  type,
  constant: self.constant,
  notNull: false,
  get value(): Stored {
    return self.value === null ? null : (self.value as RecordValue).values[index]!
  },
  set value(value: Stored) {
    if (self.value === null) throw oraError(6530, "Reference to uninitialized composite")
    ;(self.value as RecordValue).values[index] = value
  }
})

const scopeOf = (type: ObjectType, self: Variable, root: Environment): Environment => {
  const outer = new Environment(root)
  outer.declare("SELF", self)
  type.attributes.forEach((attribute, i) => outer.declare(attribute.name, attributeOf(self, i, attribute.type)))
  return outer
}

const bodyOf = (stored: StoredType, method: Method): MethodBody => {
  const body = stored.body?.methods.find((candidate) =>
    candidate.kind === method.kind && candidate.name === method.name &&
    candidate.parameters.length === method.parameters.length
  )
  if (body === undefined) {
    throw oraError(4067, `not executed, type body "${stored.owner}.${stored.name}" does not exist`)
  }
  return body
}

/** The methods of this name, as they can be called. */
export const objectMethods = (host: PlsqlHost, type: ObjectType, name: string): ReadonlyArray<ObjectMethod> => {
  const stored = host.core.catalog.objects.get(`${type.owner}.${type.name}`)
  if (stored?.kind !== "type") return []
  const methods = stored.methods.filter((method) => method.name === name)
  if (methods.length === 0) return []
  const outside = host.units.root
  const machineOf = (): Machine => {
    const text = stored.body?.text ?? stored.text
    const machine = newMachine(host, programOf(host, stored.body ?? stored, text, stored.owner), [], [])
    machine.unit = { name: `${stored.owner}.${stored.name}`, sql: text, at: 0 }
    return machine
  }
  return methods.map((method): ObjectMethod => {
    const probe = machineOf()
    const types = method.parameters.map((parameter) => declaredType(probe, parameter.type, outside))
    const returns = method.kind === "constructor"
      ? compositeType(type)
      : method.returns === undefined
      ? undefined
      : declaredType(probe, method.returns, outside)
    return {
      method,
      returns: returns?.name === "VARCHAR2" ? { ...returns, size: 4000 } : returns,
      parameters: method.parameters.map((parameter, i) => ({
        name: parameter.name,
        type: types[i]!,
        optional: parameter.default !== undefined
      })),
      *run(self, args) {
        const body = bodyOf(stored, method)
        const machine = machineOf()
        const { session } = machine
        const schema = session.currentSchema
        session.currentSchema = stored.owner
        try {
          return yield* runMethod(machine, type, body, types, returns, self, args)
        } finally {
          session.currentSchema = schema
        }
      }
    }
  })
}

function* runMethod(
  machine: Machine,
  type: ObjectType,
  body: MethodBody,
  types: ReadonlyArray<SqlType>,
  returns: SqlType | undefined,
  given: Stored,
  args: ReadonlyArray<Stored | undefined>
): Step<MethodResult> {
  const isNew = body.kind === "constructor"
  // A function takes SELF as it is; a procedure and a constructor work on a copy that they give back.
  const start = isNew ? new RecordValue(type, type.attributes.map(() => null)) : body.isFunction ? given : copyOf(given)
  const self = newVariable(compositeType(type), body.isFunction && !isNew, false, start)
  const local = new Environment(
    body.kind === "static" ? machine.host.units.root : scopeOf(type, self, machine.host.units.root)
  )
  for (let i = 0; i < body.parameters.length; i++) {
    const parameter = body.parameters[i]!
    const value = args[i] !== undefined || parameter.default === undefined
      ? args[i] ?? null
      : assigned(machine, types[i]!, yield* machine.evaluate(parameter.default, local), false)
    local.declare(parameter.name, newVariable(types[i]!, parameter.direction === "in", false, value))
  }
  try {
    const left = yield* machine.block(body.block, local)
    if (isNew || !body.isFunction) return { value: self.value, self: self.value }
    if (left?.kind !== "return" || left.value === undefined) {
      throw oraError(6503, "PL/SQL: Function returned without value")
    }
    return { value: assigned(machine, returns!, left.value, false), self: self.value }
  } catch (error) {
    throw error instanceof OraError ? located(error, machine.unit) : error
  }
}

/** The method as a routine of SQL: its first argument is SELF, but for static ones and constructors. */
export const asRoutine = ({ method, parameters, returns, run }: ObjectMethod): Routine | undefined => {
  if (returns === undefined) return undefined
  const takesSelf = method.kind !== "static" && method.kind !== "constructor"
  return {
    returns,
    parameters,
    *run(_, args): Step<Stored> {
      const [self, ...rest] = takesSelf ? args : [null, ...args]
      if (takesSelf && (self === null || self === undefined)) {
        throw oraError(30625, "method dispatch on NULL SELF argument is disallowed")
      }
      return (yield* run(self ?? null, rest)).value
    }
  }
}
