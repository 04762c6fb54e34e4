/** What the functions of policies say: the conditions that a statement's tables get beside its own. */
import { keyOf, type Table, type View } from "../catalog/catalog.ts"
import type { PolicyCondition, PolicyStatement } from "../catalog/policies.ts"
import { turn } from "../execute/turns.ts"
import type { Expr } from "../syntax/ast.ts"
import { parseStatement } from "../syntax/statementParser.ts"
import type { Stored } from "../values/composite.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { varchar2 } from "../values/sqlType.ts"
import type { PlsqlHost } from "./machine.ts"
import { callFunction } from "./storedFunctions.ts"

/** Turns of a policy function, of some milliseconds each. No other session is served meanwhile, and no break arrives. */
const maxTurns = 250

/** Runs to its end while a statement is compiled: it may work for a moment, but not wait. */
const now = (host: PlsqlHost, path: ReadonlyArray<string>, args: ReadonlyArray<string>): Stored => {
  const steps = callFunction(host, path, args, args.map(() => varchar2()))
  let next = steps.next()
  for (let turns = 1; next.done !== true; turns++) {
    const refused = next.value !== turn
      ? "waiting in a policy function"
      : turns > maxTurns
      ? "policy functions that work for longer than a second"
      : undefined
    next = refused === undefined ? steps.next() : steps.throw(unimplemented(refused))
  }
  return next.value
}

const parsedCondition = (text: string): Expr | undefined => {
  try {
    const { parsed } = parseStatement(`select 1 from dual where ${text}`)
    if (parsed.kind === "select" && parsed.query.body.kind === "block") return parsed.query.body.where
  } catch {
    // Said below.
  }
  throw oraError(28113, "policy predicate has error")
}

export const policyPredicates = (
  host: PlsqlHost
): (object: Table | View, kind: PolicyStatement, written: boolean) => ReadonlyArray<PolicyCondition> | undefined => {
  const asked = new Set<string>()
  return (object, kind, written) => {
    const { policies } = host.core
    if (policies.isEmpty || host.executor.state.info.user === "SYS") return undefined
    const key = keyOf(object)
    if (policies.of(key).length === 0) return undefined
    const conditions: Array<PolicyCondition> = []
    for (const policy of policies.of(key)) {
      if (!policy.enabled || !policy.statements.has(kind) || (written && !policy.updateCheck)) continue
      if (asked.has(key)) throw oraError(28108, "circular security policies detected")
      asked.add(key)
      let text: Stored
      const outer = host.executor.state.enter(policy.functionPath[0]!)
      try {
        text = now(host, policy.functionPath, [object.owner, object.name])
      } catch (error) {
        const { code } = error as { readonly code?: number }
        if (code === 28108 || code === 3001) throw error
        throw oraError(28112, "failed to execute policy function")
      } finally {
        asked.delete(key)
        host.executor.state.leave(outer)
      }
      const expr = text === null ? undefined : parsedCondition(text as string)
      if (expr !== undefined) conditions.push({ expr, columns: policy.columns, masks: policy.masks })
    }
    return conditions
  }
}
