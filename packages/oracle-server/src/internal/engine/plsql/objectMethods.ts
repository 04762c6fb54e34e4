/** Methods of objects as subprograms: their bodies run with SELF, its attributes and its other methods in scope. */
import { allMethods, isSameMethod, methodOf, type OwnedMethod } from "../catalog/methods.ts"
import { methodBodiesOf, type StoredType } from "../catalog/units.ts"
import type { Routine } from "../compile/compilation.ts"
import type { Step } from "../storage/waiting.ts"
import { compositeType, copyOf, RecordValue, type Stored } from "../values/composite.ts"
import type { ObjectType, SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import { declaredType } from "./declarations.ts"
import { type Candidate, Environment, type SubprogramEntry, type Variable } from "./environment.ts"
import type { PlsqlHost } from "./machine.ts"
import type { BoundMethod, ObjectMethod } from "./methods.ts"
import { runFromSql } from "./storedFunctions.ts"
import { newVariable } from "./variables.ts"

const rootOf = (host: PlsqlHost, { body, spec }: StoredType): Environment => host.units.scopeOf(body ?? spec, false)

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

/** The same object as one of another type. */
const viewOf = (self: Variable, type: ObjectType): Variable => ({
  kind: "variable",
  type: compositeType(type),
  constant: self.constant,
  notNull: false,
  get value(): Stored {
    return self.value
  },
  set value(value: Stored) {
    self.value = value
  }
})

/** What the body of a method finds: SELF and its attributes, then the methods, which need no SELF before them. */
export const scopeOf = (host: PlsqlHost, stored: StoredType, self: Variable | undefined): Environment => {
  const type = stored.type as ObjectType
  const scope = new Environment(rootOf(host, stored), undefined, {
    outside: (name) => methodsNamed(host, type, name, self)
  })
  if (self === undefined) return scope
  scope.declare("SELF", self)
  type.attributes.forEach((attribute, i) => scope.declare(attribute.name, attributeOf(self, i, attribute.type)))
  return scope
}

const methodsNamed = (
  host: PlsqlHost,
  type: ObjectType,
  name: string,
  self: Variable | undefined
): SubprogramEntry | undefined => {
  const found = allMethods(host.core.catalog, type).filter(({ method }) =>
    method.name === name && method.kind !== "constructor" && (self !== undefined || method.kind === "static")
  )
  if (found.length === 0) return undefined
  return {
    kind: "subprogram",
    candidates: found.map((each) => {
      const { method, stored } = actual(host, each, self?.value ?? null)
      return candidateOf(
        host,
        { method, stored },
        self === undefined || method.kind === "static" ? undefined : viewOf(self, stored.type as ObjectType)
      )
    })
  }
}

/** The object's own type says what runs. */
const actual = (host: PlsqlHost, owned: OwnedMethod, self: Stored): OwnedMethod =>
  self instanceof RecordValue && self.type.kind === "object"
    ? methodOf(host.core.catalog, self.type, owned.method) ?? owned
    : owned

const candidateOf = (host: PlsqlHost, { method, stored }: OwnedMethod, self: Variable | undefined): Candidate => {
  const { at, name, parameters, returns } = method
  const declared = { name, parameters, returns, block: undefined, deterministic: false, pipelined: false, at }
  const isGood = stored.body !== undefined && host.units.isGood(stored.body)
  const body = isGood ? methodBodiesOf(stored).find((each) => isSameMethod(each, method)) : undefined
  return {
    declared: body === undefined ? declared : { ...declared, at: body.at },
    scope: rootOf(host, stored),
    implementation: body === undefined ? undefined : { ...body, deterministic: false, pipelined: false },
    environment: scopeOf(host, stored, self),
    native: undefined
  }
}

const bind = (host: PlsqlHost, owned: OwnedMethod, given: Stored): BoundMethod => {
  const { method, stored } = owned
  if (method.kind === "static") return { candidate: candidateOf(host, owned, undefined), self: undefined }
  const type = stored.type as ObjectType
  // What does not change SELF takes it as it is; the others work on a copy that they give back.
  const start = method.kind === "constructor"
    ? new RecordValue(type, type.attributes.map(() => null))
    : method.changesSelf
    ? copyOf(given)
    : given
  const self = newVariable(compositeType(type), !method.changesSelf, false, start)
  return { candidate: candidateOf(host, owned, self), self }
}

/** The methods of this name, as they can be called. */
export const objectMethods = (host: PlsqlHost, type: ObjectType, name: string): ReadonlyArray<ObjectMethod> =>
  allMethods(host.core.catalog, type).filter(({ method }) => method.name === name).map((owned): ObjectMethod => {
    const { method, stored } = owned
    const root = rootOf(host, stored)
    const machine = host.units.machineOf(root.unit!)
    const types = method.parameters.map((parameter) => declaredType(machine, parameter.type, root))
    const returns = method.kind === "constructor"
      ? compositeType(type)
      : method.returns === undefined
      ? undefined
      : declaredType(machine, method.returns, root)
    return {
      method,
      returns: returns?.name === "VARCHAR2" ? { ...returns, size: 4000 } : returns,
      parameters: method.parameters.map((parameter, i) => ({
        name: parameter.name,
        type: types[i]!,
        optional: parameter.default !== undefined
      })),
      bind: (self, exactly) => bind(host, exactly ? owned : actual(host, owned, self), self)
    }
  })

/** The method as a routine of SQL: its first argument is SELF, but for static ones and constructors. */
export const asRoutine = (host: PlsqlHost, of: ObjectMethod, exactly: boolean): Routine | undefined => {
  const { method, parameters, returns } = of
  if (returns === undefined) return undefined
  const takesSelf = method.kind !== "static" && method.kind !== "constructor"
  const types = parameters.map(({ type }) => type)
  return {
    returns,
    parameters,
    *run(f, args): Step<Stored> {
      const [given, ...rest] = takesSelf ? args : [null, ...args]
      if (takesSelf && (given === null || given === undefined)) {
        throw oraError(30625, "method dispatch on NULL SELF argument is disallowed")
      }
      const { candidate, self } = of.bind(given ?? null, exactly)
      const value = yield* runFromSql(host, f, [method.name], candidate, rest, types)
      return method.kind === "constructor" ? self!.value : value
    }
  }
}
