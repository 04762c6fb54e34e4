/** What stored units declare, for those who ask from outside: types of packages, and parameters of subprograms. */
import type { Unit } from "../catalog/units.ts"
import { specOf, subprogramOf } from "../catalog/units.ts"
import type { DescribedParameter, DescribedSubprogram } from "../statements/core.ts"
import type { Subprogram } from "../syntax/astPlsql.ts"
import type { CompositeType } from "../values/dataTypes.ts"
import { declaredType } from "./declarations.ts"
import type { Environment } from "./environment.ts"
import type { Machine, PlsqlHost } from "./machine.ts"

/** The types that the specifications of valid packages declare. */
export const packageTypes = (host: PlsqlHost): ReadonlyArray<CompositeType> => {
  const types: Array<CompositeType> = []
  for (const object of host.core.catalog.objects.values()) {
    if (object.kind !== "package" || object.owner === "SYS" || !object.spec.valid) continue
    for (const [, entry] of host.units.specScope(object).entries()) {
      if (entry.kind === "type" && entry.type.composite?.package === object.name) types.push(entry.type.composite)
    }
  }
  return types
}

const parametersOf = (
  machine: Machine,
  env: Environment,
  subprogram: Subprogram
): ReadonlyArray<DescribedParameter> => {
  const list: Array<DescribedParameter> = []
  if (subprogram.returns !== undefined) {
    list.push({
      name: undefined,
      direction: "out",
      type: declaredType(machine, subprogram.returns, env),
      written: subprogram.returns.name,
      isDefaulted: false
    })
  }
  for (const { default: value, direction, name, type } of subprogram.parameters) {
    list.push({
      name,
      direction,
      type: declaredType(machine, type, env),
      written: type.name,
      isDefaulted: value !== undefined
    })
  }
  return list
}

/** The stored subprograms of valid units, with the types of their parameters. */
export const describedSubprograms = (host: PlsqlHost): ReadonlyArray<DescribedSubprogram> => {
  const found: Array<DescribedSubprogram> = []
  const scopeOf = (unit: Unit): Environment => host.units.scopeOf(unit, false)
  for (const object of host.core.catalog.objects.values()) {
    if (object.owner === "SYS") continue
    if (object.kind === "procedure" && object.unit.valid) {
      const subprogram = subprogramOf(object)
      if (subprogram === undefined) continue
      const env = scopeOf(object.unit)
      found.push({
        owner: object.owner,
        package: undefined,
        name: object.name,
        objectId: object.id,
        id: 1,
        overload: undefined,
        parameters: parametersOf(host.units.machineOf(env.unit!), env, subprogram)
      })
    }
    if (object.kind !== "package" || !object.spec.valid) continue
    const env = host.units.specScope(object)
    const machine = host.units.machineOf(env.unit!)
    const declared = (specOf(object.spec)?.declarations ?? []).flatMap((declaration) =>
      declaration.kind === "subprogram" ? [declaration.subprogram] : []
    )
    declared.forEach((subprogram, index) => {
      const same = declared.filter(({ name }) => name === subprogram.name)
      found.push({
        owner: object.owner,
        package: object.name,
        name: subprogram.name,
        objectId: object.id,
        id: index + 1,
        overload: same.length > 1 ? same.indexOf(subprogram) + 1 : undefined,
        parameters: parametersOf(machine, env, subprogram)
      })
    })
  }
  return found
}
