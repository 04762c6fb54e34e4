/** What the names of calls mean. */
import type { Call } from "../syntax/ast.ts"
import { OraError, unimplemented } from "../values/oraError.ts"
import type { Entry, Environment } from "./environment.ts"
import type { Callee, Machine } from "./machine.ts"
import { choose, compilerError } from "./subprograms.ts"
import { restrictedPackages } from "./system/systemPackages.ts"

/** A name nearer by hides what is farther away; procedures of the tests stand before stored ones. */
export const calleeOf = (machine: Machine, call: Call, env: Environment): Callee | undefined => {
  const isLocal = env.local(call.path[0]!) !== undefined
  if (!isLocal) {
    const registered = machine.host.core.procedure(call.path, machine.session.currentSchema)
    if (registered !== undefined) return { kind: "registered", procedure: registered.procedure }
  }
  const entry = entryOf(machine, call, env)
  return entry?.kind === "subprogram"
    ? { kind: "subprogram", candidate: choose(machine, call, entry, env) }
    : undefined
}

const entryOf = (machine: Machine, call: Call, env: Environment): Entry | undefined => {
  try {
    return env.lookup(call.path)
  } catch (error) {
    if (!(error instanceof OraError) || error.code !== 6550 || error.message.includes(": line ")) throw error
    throw compilerError(machine, error.message.replace(/^ORA-06550: /, ""), call.at)
  }
}

/** A name that nothing has; of the system's packages it is one that the engine lacks. */
export const unknownCall = (machine: Machine, call: Call): OraError => {
  const [first, second] = call.path
  const name = first === "SYS" && second !== undefined ? second : first!
  // A package of the system that one may not execute is not there; one that the engine lacks says so.
  const isHidden = restrictedPackages.has(name) && machine.host.units.root.lookup([name]) === undefined
  if (!isHidden && /^(?:DBMS|UTL|APEX|OWA|HTP|CTX)_/.test(name)) {
    return unimplemented(call.path.join("."), call.at)
  }
  return compilerError(machine, `PLS-00201: identifier '${call.path.join(".")}' must be declared`, call.at)
}
