/** The names of a trigger beyond those that it declares: the row before and after, and what it has been fired by. */
import { rowTypeOf } from "../catalog/catalog.ts"
import type { Unit } from "../catalog/units.ts"
import type { TypeSpec } from "../syntax/ast.ts"
import type { Parameter, Subprogram } from "../syntax/astPlsql.ts"
import type { TriggerEvent, TriggerUnit } from "../syntax/astUnits.ts"
import { compositeType } from "../values/composite.ts"
import { oraError } from "../values/oraError.ts"
import { Environment, type Variable } from "./environment.ts"
import type { Machine } from "./machine.ts"
import type { Native } from "./native.ts"
import { declareSubprogram } from "./subprograms.ts"
import { newVariable } from "./variables.ts"

/** What a trigger that runs can ask. */
export interface Firing {
  event: TriggerEvent
  /** The columns that an UPDATE sets. */
  changed: ReadonlySet<string>
}

export interface TriggerScope {
  readonly scope: Environment
  /** Where the condition of WHEN finds its names: without the colons. */
  readonly when: Environment
  readonly old: Variable
  readonly now: Variable
}

const typeNamed = (name: string): TypeSpec => ({
  name,
  args: [],
  unit: undefined,
  anchor: undefined,
  vectorFormat: undefined,
  at: 0
})

/** A function that gives a truth, with a text as its parameter or without any. */
const predicate = (name: string, parameter?: string): Subprogram => ({
  name,
  parameters: parameter === undefined
    ? []
    : [{ name: parameter, direction: "in", type: typeNamed("VARCHAR2"), default: undefined } satisfies Parameter],
  returns: typeNamed("BOOLEAN"),
  block: undefined,
  deterministic: false,
  pipelined: false,
  at: 0
})

const is = (holds: () => boolean): Native => () => holds() ? 1 : 0

export const triggerScope = (machine: Machine, unit: Unit, tree: TriggerUnit, firing: Firing): TriggerScope => {
  const object = machine.host.core.catalog.find(tree.table, unit.owner)
  if (object?.kind !== "table" && object?.kind !== "view") {
    throw oraError(6550, "PL/SQL: ORA-00942: table or view does not exist")
  }
  const scope = new Environment(machine.host.units.scopeOf(unit, false), unit.name)
  const type = compositeType(rowTypeOf(object))
  const now = newVariable(type)
  const old = newVariable(type)
  scope.declare(":NEW", now)
  scope.declare(":OLD", old)
  declareSubprogram(scope, predicate("INSERTING"), is(() => firing.event === "INSERT"))
  declareSubprogram(scope, predicate("DELETING"), is(() => firing.event === "DELETE"))
  declareSubprogram(scope, predicate("UPDATING"), is(() => firing.event === "UPDATE"))
  declareSubprogram(
    scope,
    predicate("UPDATING", "COLUMN_NAME"),
    (_, args) => firing.event === "UPDATE" && firing.changed.has(String(args["column_name"]).toUpperCase()) ? 1 : 0
  )
  const when = new Environment(scope)
  when.declare(tree.correlation.new, now)
  when.declare(tree.correlation.old, old)
  return { scope, when, old, now }
}
