/** Pipelined functions: a run of their own, from which a query takes one row after the other. */
import { type PipedRows } from "../execute/pipeScan.ts"
import { turn } from "../execute/turns.ts"
import type { Step, Wait } from "../storage/waiting.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import type { Candidate } from "./environment.ts"
import { predefinedError } from "./exceptions.ts"
import { newMachine } from "./interpreter.ts"
import type { Machine, PlsqlHost } from "./machine.ts"

/** The element of what the function gives. */
const elementOf = (type: SqlType): SqlType => {
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
  returns: SqlType,
  run: (machine: Machine) => Step<unknown>
): PipedRows => {
  const home = candidate.environment.unit!
  const machine = newMachine(host, home, [], [], home)
  const pipe = { element: elementOf(returns), transaction: host.executor.transaction, value: null }
  machine.pipe = pipe
  return { steps: apart(host, run(machine)), take: () => machine.pipe!.value }
}

/** Work of a handler of NO_DATA_NEEDED, in turns of some milliseconds: nothing else is served meanwhile. */
const maxTurns = 250

/**
 * No more rows are wanted: NO_DATA_NEEDED is raised where the function stands, and a handler of it may clean up. What it
 * does not handle ends it quietly; whatever else it raises concerns no statement any more.
 */
const stop = (steps: Step<unknown>): void => {
  try {
    let next = steps.throw(predefinedError("NO_DATA_NEEDED"))
    for (let turns = 0; next.done !== true && next.value === turn && turns < maxTurns; turns++) next = steps.next()
  } catch {
    // The function is over either way.
  } finally {
    steps.return(undefined)
  }
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
  let done = false
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
    done = true
  } finally {
    if (!done) within(() => stop(steps))
  }
}
