/** Statements that control a session and its transaction: COMMIT, SAVEPOINT, ALTER SESSION, LOCK TABLE and the like. */
import type { Constrained } from "../catalog/constraintState.ts"
import type { TableMode } from "../storage/locks.ts"
import type { Transaction } from "../storage/transaction.ts"
import type { Step } from "../storage/waiting.ts"
import type { Parsed } from "../syntax/astDefinitions.ts"
import { oraError } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import { requireLock, requireSystem } from "./authorization.ts"
import type { BranchWork } from "./branchWork.ts"
import type { Core } from "./core.ts"
import { setRoles } from "./grants.ts"
import { applySettings } from "./settings.ts"
import { refuseEnd, type Surroundings } from "./surroundings.ts"

export type ControlStatement = Extract<Parsed, { kind: "session" }>["statement"]

/** The session that a statement controls. */
interface ControlledSession {
  readonly core: Core
  readonly state: SessionState
  readonly transaction: Transaction
  readonly branches: BranchWork
  readonly surroundings: Surroundings | undefined
}

/** A deferrable constraint of the schema. */
const constraintNamed = (
  core: Core,
  { currentSchema }: SessionState,
  { at, path }: { readonly path: ReadonlyArray<string>; readonly at: number }
): Constrained => {
  const [owner, name] = path.length === 1 ? [currentSchema, path[0]!] : [path[0]!, path[1]!]
  for (const table of core.catalog.tables()) {
    if (table.owner !== owner) continue
    const found = [...table.keys, ...table.foreign, ...table.checks].find((constraint) => constraint.name === name)
    if (found === undefined) continue
    if (!found.state.deferrable) throw oraError(2447, "cannot defer a constraint that is not deferrable", at)
    return found
  }
  throw oraError(2448, "constraint does not exist", at)
}

export function* runSessionStatement(statement: ControlStatement, session: ControlledSession): Step<void> {
  const { branches, core, state, surroundings, transaction } = session
  switch (statement.kind) {
    case "force":
      branches.force(statement.name, statement.commits)
      return
    case "commit":
      refuseEnd(surroundings, "COMMIT", transaction)
      transaction.commit()
      return
    case "rollback":
      refuseEnd(surroundings, statement.savepoint === undefined ? "ROLLBACK" : "ROLLBACK TO SAVEPOINT", transaction)
      if (statement.savepoint === undefined) transaction.rollback()
      else transaction.rollbackTo(statement.savepoint)
      return
    case "savepoint":
      refuseEnd(surroundings, "SET SAVEPOINT", transaction)
      transaction.savepoint(statement.name)
      return
    case "settransaction":
      transaction.begin(statement.isolation)
      return
    case "altersession":
      applySettings(core, state, transaction, statement.settings)
      return
    case "killsession":
      requireSystem(core, state.rights, "ALTER SYSTEM", 0)
      if (statement.sid === state.info.sid && statement.serial === state.info.serial) {
        throw oraError(27, "cannot kill current session")
      }
      if (!core.host.killSession(statement.sid, statement.serial, statement.immediate)) {
        throw oraError(30, "User session ID does not exist.")
      }
      return
    case "noop":
      return
    case "setconstraints":
      transaction.deferral.set(statement.names?.map((name) => constraintNamed(core, state, name)), statement.mode)
      return
    case "setrole":
      setRoles(core, state, statement.choice)
      return
    case "lock":
      for (const target of statement.tables) {
        const table = core.catalog.table(target.path, state.currentSchema, target.at)
        const missing = () => core.catalog.missing(target.path, state.currentSchema, target.at)
        requireLock(core, state.rights, table, missing)
        const mode = (statement.mode === "SHARE UPDATE" ? "ROW SHARE" : statement.mode) as TableMode
        for (;;) {
          const holder = transaction.lockTable(table, mode, true)
          if (holder === 0) break
          yield core.locks.waitFor(transaction.sid, holder, statement.wait)
        }
      }
  }
}
