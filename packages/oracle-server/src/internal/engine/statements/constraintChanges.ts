/** ALTER TABLE … ENABLE, DISABLE and MODIFY of constraints: whether the rows satisfy them is asked where the text wants it. */
import type { KeyConstraint, Table } from "../catalog/catalog.ts"
import type { Step } from "../storage/waiting.ts"
import type { ConstraintName, ConstraintTerms } from "../syntax/astDefinitions.ts"
import { oraError } from "../values/oraError.ts"
import { type Constraint, validate, type ValidationServices } from "./validation.ts"

const named = (table: Table, name: ConstraintName): Constraint => {
  const found = name.kind === "primary"
    ? table.keys.find((key) => key.type === "primary")
    : name.kind === "unique"
    ? table.keys.find((key) =>
      key.type === "unique" && key.columns.length === name.columns.length &&
      key.columns.every((column, i) => column.name === name.columns[i])
    )
    : [...table.keys, ...table.foreign, ...table.checks].find((constraint) => constraint.name === name.name)
  if (found !== undefined) return found
  throw name.kind === "name"
    ? oraError(2430, `cannot enable constraint (${name.name}) - no such constraint`, name.at)
    : oraError(2431, "cannot disable or enable the constraint - no such constraint", name.at)
}

const disableDependents = (table: Table, key: KeyConstraint, cascade: boolean): void => {
  const dependents = table.children.filter((child) => child.constraint.key === key && child.constraint.state.enabled)
  if (dependents.length > 0 && !cascade) {
    throw oraError(2297, `cannot disable constraint (${table.owner}.${key.name}) - dependencies exist`)
  }
  for (const { constraint } of dependents) {
    constraint.state = { ...constraint.state, enabled: false, validated: false }
  }
}

const isKey = (constraint: Constraint): constraint is KeyConstraint =>
  constraint.type === "primary" || constraint.type === "unique"

export function* changeConstraint(
  services: ValidationServices,
  table: Table,
  name: ConstraintName,
  terms: ConstraintTerms,
  cascade: boolean
): Step<void> {
  const constraint = named(table, name)
  const { state } = constraint
  if (terms.deferrable !== undefined && terms.deferrable !== state.deferrable) {
    // Whether it can be put off at all stays as it was made.
    throw oraError(2447, "cannot defer a constraint that is not deferrable", name.at)
  }
  const enabled = terms.enabled ?? state.enabled
  const switched = terms.enabled !== undefined && terms.enabled !== state.enabled
  const validated = terms.validated ?? (terms.enabled === undefined ? state.validated : enabled)
  if (isKey(constraint)) {
    if (!enabled && state.enabled) disableDependents(table, constraint, cascade)
    if (enabled && !state.enabled && !validated && !constraint.state.deferrable) {
      yield* validate(services, table, constraint, terms.exceptions)
    }
  }
  if (enabled && constraint.type === "foreign" && !constraint.key.state.enabled) {
    throw oraError(2270, "no matching unique or primary key for this column-list", name.at)
  }
  if (validated && (!state.validated || switched)) yield* validate(services, table, constraint, terms.exceptions)
  if (isKey(constraint) && constraint.type === "primary" && enabled !== state.enabled) {
    for (const column of constraint.madeNotNull) column.nullable = !enabled
  }
  constraint.state = {
    deferrable: state.deferrable,
    initiallyDeferred: terms.initiallyDeferred ?? state.initiallyDeferred,
    enabled,
    validated,
    rely: terms.rely ?? state.rely
  }
}
