/** What policies ask of the rows of a table or a view, and what they hide of its columns. */
import type { Table, View } from "../catalog/catalog.ts"
import type { PolicyCondition, PolicyStatement } from "../catalog/policies.ts"
import { unimplemented } from "../values/oraError.ts"
import { BOOLEAN } from "../values/sqlType.ts"
import { type Compilation, settled } from "./compilation.ts"
import { choose, condition } from "./logic.ts"
import { constant, derived, newScope, type Source, type SourceColumn, type Term } from "./term.ts"

export interface Secured {
  readonly conditions: ReadonlyArray<Term>
  /** By which the statement names the columns: policies for columns learn from it which it names. */
  readonly source: Source
  /** The statement gives this column a value, which names it too. */
  readonly touch: (column: string) => void
}

/** Tells when the statement names the column. */
const noticed = (column: SourceColumn, note: () => void): SourceColumn => ({
  name: column.name,
  ...(column.hidden === undefined ? {} : { hidden: column.hidden }),
  get term() {
    note()
    return column.term
  }
})

const conditionTerm = (c: Compilation, { expr }: PolicyCondition, source: Source): Term => {
  const scope = newScope(undefined)
  scope.sources.push(source)
  return settled(c, () => condition(c, expr, scope))
}

/** Whether a condition counts is known when the whole statement has been compiled. */
const whenNamed = (c: Compilation, term: Term, isNamed: () => boolean): Term =>
  derived([term], `policy#${c.place()}`, BOOLEAN, true, (f) => isNamed() ? term.eval(f) : 1, {
    condition: true,
    heavy: term.heavy
  })

export const secured = (
  c: Compilation,
  object: Table | View,
  source: Source,
  kind: PolicyStatement
): Secured => {
  const asked = c.context.policies?.(object, kind, false)
  if (asked === undefined) return { conditions: [], source, touch: () => undefined }
  c.volatile = true
  const conditions: Array<Term> = []
  const notes = new Map<string, Array<() => void>>()
  let columns = source.columns
  for (const policy of asked) {
    const term = conditionTerm(c, policy, source)
    const { columns: relevant, masks } = policy
    if (relevant === undefined) {
      conditions.push(term)
      continue
    }
    const isRelevant = ({ name }: SourceColumn): boolean => relevant.has(name)
    if (masks && kind === "SELECT") {
      if (term.heavy) throw unimplemented("subqueries in a policy with SEC_RELEVANT_COLS_OPT")
      columns = columns.map((column) =>
        isRelevant(column)
          ? { ...column, term: choose([term], [column.term], constant(null, column.term.type), column.term.type) }
          : column
      )
      continue
    }
    let isNamed = false
    const note = (): void => {
      isNamed = true
    }
    for (const name of relevant) notes.set(name, [...notes.get(name) ?? [], note])
    conditions.push(whenNamed(c, term, () => isNamed))
  }
  const touch = (column: string): void => {
    for (const note of notes.get(column) ?? []) note()
  }
  if (notes.size > 0) {
    columns = columns.map((column) => notes.has(column.name) ? noticed(column, () => touch(column.name)) : column)
  }
  return { conditions, source: columns === source.columns ? source : { ...source, columns }, touch }
}

/** What policies with UPDATE_CHECK ask of a row that gets values in these columns. */
export const writtenConditions = (
  c: Compilation,
  object: Table | View,
  source: Source,
  kind: "INSERT" | "UPDATE",
  written: ReadonlyArray<string>
): ReadonlyArray<Term> => {
  const asked = c.context.policies?.(object, kind, true)
  if (asked === undefined) return []
  c.volatile = true
  return asked
    .filter(({ columns }) => columns === undefined || written.some((name) => columns.has(name)))
    .map((policy) => conditionTerm(c, policy, source))
}
