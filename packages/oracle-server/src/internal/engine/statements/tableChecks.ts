/** CHECK constraints: compiled once for each state of the catalog, and asked of a row or of all rows of a table. */
import type { Catalog, CheckConstraint, Table } from "../catalog/catalog.ts"
import { type CompilationContext, rowOf } from "../compile/compilation.ts"
import { condition } from "../compile/logic.ts"
import { tableSource } from "../compile/tableSources.ts"
import { newScope } from "../compile/term.ts"
import type { Frame } from "../execute/frame.ts"
import { inTurns } from "../execute/turns.ts"
import type { Row, Version } from "../storage/tableData.ts"
import type { Step } from "../storage/waiting.ts"
import type { Expr } from "../syntax/ast.ts"
import { compilation } from "./plans.ts"

interface Compiled {
  readonly version: number
  readonly slot: number
  readonly values: (f: Frame) => Row
}

/** The checks that one session has compiled. */
export class TableChecks {
  readonly #compiled = new Map<number, Compiled>()
  readonly #catalog: Catalog
  readonly #context: () => CompilationContext
  /** A frame for expressions over single rows. */
  readonly #frame: () => Frame

  constructor(catalog: Catalog, context: () => CompilationContext, frame: () => Frame) {
    this.#catalog = catalog
    this.#context = context
    this.#frame = frame
  }

  #of(table: Table): Compiled {
    const { version } = this.#catalog
    const known = this.#compiled.get(table.id)
    if (known?.version === version) return known
    const context = this.#context()
    const c = compilation(context)
    c.schema = table.owner
    const scope = newScope(undefined)
    const { relation, source } = tableSource(c, table, undefined)
    scope.sources.push(source)
    const values = rowOf(table.checks.map((check) => condition(c, check.expr, scope)))
    const checks = { version, slot: relation.slot, values }
    this.#compiled.set(table.id, checks)
    return checks
  }

  /** The first enforced check that a row violates, of those that are not put off. */
  violated(table: Table, row: Row, isDeferred: (check: CheckConstraint) => boolean): CheckConstraint | undefined {
    const checks = this.#of(table)
    const frame = this.#frame()
    frame.rows[checks.slot] = row
    const values = checks.values(frame)
    return table.checks.find((check, i) => values[i] === 0 && check.state.enabled && !isDeferred(check))
  }

  /** The numbers of the rows for which a condition does not hold. */
  *failing(table: Table, expr: Expr, heads: Iterable<Version>, clock: () => number): Step<ReadonlyArray<number>> {
    const c = compilation(this.#context())
    const scope = newScope(undefined)
    const { relation, source } = tableSource(c, table, undefined)
    scope.sources.push(source)
    const term = condition(c, expr, scope)
    const frame = this.#frame()
    const found: Array<number> = []
    yield* inTurns(heads, clock, ({ values }) => {
      if (values === undefined) return
      frame.rows[relation.slot] = values
      if (term.eval(frame) === 0) found.push(values[0] as number)
    })
    return found
  }

  /** Whether a condition holds for the newest version of each row. */
  *holds(table: Table, expr: Expr, heads: Iterable<Version>, clock: () => number): Step<boolean> {
    const c = compilation(this.#context())
    const scope = newScope(undefined)
    const { relation, source } = tableSource(c, table, undefined)
    scope.sources.push(source)
    const term = condition(c, expr, scope)
    const frame = this.#frame()
    let holds = true
    yield* inTurns(heads, clock, ({ values }) => {
      if (!holds || values === undefined) return
      frame.rows[relation.slot] = values
      holds = term.eval(frame) !== 0
    })
    return holds
  }
}
