/**
 * Parts of expressions that may have to stop half-way: subqueries and calls of PL/SQL. A suspension makes the whole
 * expression begin again, so what is complete is kept until the evaluation is over.
 */
import type { Eval, Frame } from "../execute/frame.ts"
import type { Operator, Plan } from "../execute/operator.ts"
import type { Step, Wait } from "../storage/waiting.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import type { Compilation, Site } from "./compilation.ts"
import { derived, type Term } from "./term.ts"

const epochOf = (f: Frame, site: Site): number => (f.state[site.place] as number | undefined) ?? 0

interface CallState {
  epoch: number
  value: Stored
  steps: Step<Stored> | undefined
  waits: boolean
}

/** A value that steps lead to: they may wait and take turns. */
export const stepTerm = (
  c: Compilation,
  parts: ReadonlyArray<Term>,
  name: string,
  type: SqlType,
  start: (f: Frame) => Step<Stored>
): Term => {
  const { site } = c
  site.heavy = true
  const place = c.place()
  const evaluate: Eval = (f) => {
    let state = f.state[place] as CallState | undefined
    if (state === undefined) {
      const created: CallState = { epoch: -1, value: null, steps: undefined, waits: false }
      state = created
      f.state[place] = created
      f.atEnd(() => {
        const { steps } = created
        created.steps = undefined
        steps?.return(null)
      })
    }
    const epoch = epochOf(f, site)
    if (state.epoch === epoch) return state.value
    if (state.steps === undefined) state.steps = start(f)
    const { steps } = state
    const { failure } = f
    try {
      let next: IteratorResult<Wait, Stored>
      if (state.waits && failure !== undefined) {
        f.failure = undefined
        state.waits = false
        next = steps.throw(failure.error)
      } else next = steps.next()
      if (next.done !== true) {
        state.waits = true
        return f.suspend(next.value)
      }
      state.value = next.value
      state.waits = false
    } catch (error) {
      if (!state.waits) state.steps = undefined
      throw error
    }
    state.steps = undefined
    state.epoch = epoch
    return state.value
  }
  return derived(parts, `${name}#${place}`, type, true, evaluate, { heavy: true })
}

interface QueryState<R> {
  epoch: number
  result: R | undefined
  readonly operator: Operator
  open: boolean
  running: R | undefined
}

/**
 * The result of a subquery: `begin` makes the state of a run over its rows, `row` takes a row into it and says whether
 * that was enough. It is computed once for the whole run when nothing around it can change it.
 */
export const queryResult = <R>(
  c: Compilation,
  plan: Plan,
  begin: () => R,
  row: (f: Frame, state: R) => boolean
): (f: Frame) => R => {
  const { site } = c
  site.heavy = true
  const place = c.place()
  const isFixed = plan.free.size === 0
  return (f) => {
    let state = f.state[place] as QueryState<R> | undefined
    if (state === undefined) {
      state = { epoch: -1, result: undefined, operator: plan.make(f), open: false, running: undefined }
      f.state[place] = state
    }
    const epoch = isFixed ? 0 : epochOf(f, site)
    if (state.result !== undefined && state.epoch === epoch) return state.result
    if (state.running === undefined) {
      state.running = begin()
      state.open = false
      state.result = undefined
    }
    if (!state.open) {
      state.operator.open()
      state.open = true
    }
    while (state.operator.next()) {
      if (row(f, state.running)) break
      f.step()
    }
    state.result = state.running
    state.running = undefined
    state.epoch = epoch
    return state.result
  }
}
