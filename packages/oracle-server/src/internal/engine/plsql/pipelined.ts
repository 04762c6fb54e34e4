/** Pipelined functions: a run of their own, from which a query takes one row after the other. */
import { type PipedRows } from "../execute/pipeScan.ts"
import type { Step, Wait } from "../storage/waiting.ts"
import type { Call } from "../syntax/ast.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import { callSubprogram } from "./calls.ts"
import type { Candidate, Environment } from "./environment.ts"
import { newMachine } from "./interpreter.ts"
import type { PlsqlHost } from "./machine.ts"

/** The element of what the function gives. */
export const elementOf = (type: SqlType): SqlType => {
  const { composite } = type
  if (composite?.kind !== "collection") {
    throw oraError(6550, "PLS-00630: pipelined functions must have a supported collection return type")
  }
  return composite.element
}

/**
 * Starts the function. Between two rows the session is that of the query again: its schema, its transaction, what
 * surrounds its statement and the stored units that led to it are put back each time.
 */
export const startPipe = (
  host: PlsqlHost,
  candidate: Candidate,
  call: Call,
  env: Environment,
  returns: SqlType
): PipedRows => {
  const home = candidate.environment.unit!
  const machine = newMachine(host, home, [], [], home)
  const pipe = { element: elementOf(returns), transaction: host.executor.transaction, value: null }
  machine.pipe = pipe
  return { steps: apart(host, callSubprogram(machine, call, candidate, env)), take: () => machine.pipe!.value }
}

function* apart(host: PlsqlHost, steps: Step<unknown>): Step<void> {
  const { executor } = host
  const { state } = executor
  const { stack } = host
  let place = placeOf()
  function placeOf() {
    return {
      schema: state.currentSchema,
      rights: state.rights,
      surroundings: executor.surroundings,
      transaction: executor.transaction,
      stack: [...stack]
    }
  }
  const put = ({ rights, schema, surroundings, transaction, stack: units }: typeof place): void => {
    state.leave({ rights, schema })
    executor.surroundings = surroundings
    executor.transaction = transaction
    stack.splice(0, stack.length, ...units)
  }
  const within = <A>(go: () => A): A => {
    const outside = placeOf()
    const time = state.statementTime
    put(place)
    try {
      return go()
    } finally {
      place = placeOf()
      put(outside)
      state.statementTime = time
    }
  }
  try {
    let next: IteratorResult<Wait, unknown> = within(() => steps.next())
    while (next.done !== true) {
      let failure: { readonly error: unknown } | undefined
      try {
        yield next.value
      } catch (error) {
        failure = { error }
      }
      next = within(() => failure === undefined ? steps.next() : steps.throw(failure.error))
    }
  } finally {
    within(() => steps.return(undefined))
  }
}
