/** ALTER SESSION SET. */
import type { Transaction } from "../storage/transaction.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { Core } from "./core.ts"

/** Settings of the optimizer and of tracing: they change no answer. */
const withoutEffect =
  /^(OPTIMIZER_|_|SQL_TRACE|STATISTICS_LEVEL|TIMED_STATISTICS|TRACEFILE_IDENTIFIER|CURSOR_SHARING|PARALLEL_|QUERY_REWRITE|RESULT_CACHE_|PLSQL_|DB_FILE_MULTIBLOCK|WORKAREA_|SORT_AREA|HASH_AREA|COMMIT_LOGGING|COMMIT_WAIT|RESUMABLE_TIMEOUT|DDL_LOCK_TIMEOUT|SESSION_CACHED_CURSORS)/

export const setCurrentSchema = (core: Core, session: SessionState, name: string): void => {
  if (!core.catalog.schemas.has(name)) throw oraError(1435, "user does not exist")
  session.currentSchema = name
}

export const applySettings = (
  core: Core,
  session: SessionState,
  transaction: Transaction,
  settings: ReadonlyArray<readonly [string, string, number]>
): void => {
  for (const [name, value, at] of settings) {
    if (name === "CURRENT_SCHEMA") setCurrentSchema(core, session, value)
    else if (name === "TIME_ZONE") session.setZone(value)
    else if (name === "EDITION") {
      if (value.toUpperCase() !== "ORA$BASE" && value !== session.edition) {
        throw oraError(38802, "edition does not exist", at)
      }
    } else if (name.startsWith("NLS_")) session.nls.set(name, value, at)
    else if (name === "CONSTRAINTS" || name === "CONSTRAINT") {
      const mode = value.toUpperCase()
      if (mode !== "DEFERRED" && mode !== "IMMEDIATE" && mode !== "DEFAULT") {
        throw oraError(922, "missing or invalid option", at)
      }
      transaction.deferral.setSession(mode === "DEFAULT" ? undefined : mode === "DEFERRED" ? "deferred" : "immediate")
    } else if (name === "ISOLATION_LEVEL") {
      transaction.defaultIsolation = value === "READ" ? "read committed" : "serializable"
      if (!transaction.active) transaction.isolation = transaction.defaultIsolation
    } else if (name === "CONTAINER") throw unimplemented("ALTER SESSION SET CONTAINER", at)
    else if (!withoutEffect.test(name)) throw oraError(2248, "invalid option for ALTER SESSION", at)
  }
}
