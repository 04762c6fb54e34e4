/** Whether the rows of a table satisfy a constraint, and which do not. */
import type { CheckConstraint, ForeignConstraint, KeyConstraint, Table } from "../catalog/catalog.ts"
import type { ConstraintState } from "../catalog/constraintState.ts"
import { inTurns } from "../execute/turns.ts"
import type { Version } from "../storage/tableData.ts"
import type { Step } from "../storage/waiting.ts"
import type { Expr } from "../syntax/ast.ts"
import type { ConstraintTerms } from "../syntax/astDefinitions.ts"
import type { Stored } from "../values/composite.ts"
import { oraError } from "../values/oraError.ts"
import { keyOfAll } from "../values/order.ts"
import { formatRowid } from "../values/rowid.ts"
import type { SessionState } from "../values/sessionState.ts"
import { kindOf } from "../values/sqlType.ts"
import type { Core } from "./core.ts"

export type Constraint = KeyConstraint | ForeignConstraint | CheckConstraint

export interface ValidationServices {
  readonly core: Core
  readonly session: SessionState
  /** The numbers of the rows that fail a condition. */
  readonly failing: (table: Table, condition: Expr) => Step<ReadonlyArray<number>>
  /** Writes rows and commits them, before the definition fails: values by the names of columns. */
  readonly note: (table: Table, rows: ReadonlyArray<ReadonlyMap<string, Stored>>) => void
}

/** A disabled constraint is not validated, unless the text says so. */
export const stateOf = (terms: ConstraintTerms): ConstraintState => {
  const enabled = terms.enabled ?? true
  return {
    deferrable: terms.deferrable ?? false,
    initiallyDeferred: terms.initiallyDeferred ?? false,
    enabled,
    validated: terms.validated ?? enabled,
    rely: terms.rely ?? false
  }
}

/** Committed rows, newest version each. */
export const committedRows = (core: Core, table: Table): ReadonlyArray<ReadonlyArray<Stored>> => {
  const rows: Array<ReadonlyArray<Stored>> = []
  core.store.all(table)[0]!.each((head) => {
    let version: Version | undefined = head
    while (version !== undefined && version.owner !== 0) version = version.older
    if (version?.values !== undefined) rows.push(version.values)
  })
  return rows
}

/** The rows that violate a constraint, by their numbers. */
function* violators(services: ValidationServices, table: Table, constraint: Constraint): Step<ReadonlyArray<number>> {
  const { core } = services
  if (constraint.type === "check") return yield* services.failing(table, constraint.expr)
  const kinds = constraint.columns.map((column) => kindOf(column.type))
  const found: Array<number> = []
  const rows = committedRows(core, table)
  if (constraint.type === "foreign") {
    const { key, parent } = constraint
    const parents = new Set<string>()
    yield* inTurns(committedRows(core, parent), core.store.clock, (row) => {
      parents.add(keyOfAll(kinds, key.columns.map((column) => row[column.place] ?? null)))
    })
    yield* inTurns(rows, core.store.clock, (row) => {
      const values = constraint.columns.map((column) => row[column.place] ?? null)
      if (!values.includes(null) && !parents.has(keyOfAll(kinds, values))) found.push(row[0] as number)
    })
    return found
  }
  const first = new Map<string, number>()
  const noted = new Set<number>()
  yield* inTurns(rows, core.store.clock, (row) => {
    const values = constraint.columns.map((column) => row[column.place] ?? null)
    const number = row[0] as number
    if (values.includes(null)) {
      if (constraint.type === "primary") noted.add(number)
      return
    }
    const text = keyOfAll(kinds, values)
    const other = first.get(text)
    if (other === undefined) first.set(text, number)
    else noted.add(other).add(number)
  })
  return [...noted]
}

const cannotValidate = (table: Table, constraint: Constraint) => {
  const name = `${table.owner}.${constraint.name}`
  switch (constraint.type) {
    case "check":
      return oraError(2293, `cannot validate (${name}) - check constraint violated`)
    case "foreign":
      return oraError(2298, `cannot validate (${name}) - parent keys not found`)
    case "primary":
      return oraError(2437, `cannot validate (${name}) - primary key violated`)
    case "unique":
      return oraError(2299, `cannot validate (${name}) - duplicate keys found`)
  }
}

/** Fails when a row violates the constraint; EXCEPTIONS INTO notes which rows do. */
export function* validate(
  services: ValidationServices,
  table: Table,
  constraint: Constraint,
  exceptions: ConstraintTerms["exceptions"]
): Step<void> {
  const rows = yield* violators(services, table, constraint)
  if (rows.length === 0) return
  if (exceptions !== undefined) {
    const target = services.core.catalog.table(exceptions.path, services.session.currentSchema, exceptions.at)
    services.note(
      target,
      rows.map((row) =>
        new Map([
          ["ROW_ID", formatRowid(table.id, row)],
          ["OWNER", table.owner],
          ["TABLE_NAME", table.name],
          ["CONSTRAINT", constraint.name]
        ])
      )
    )
  }
  throw cannotValidate(table, constraint)
}
