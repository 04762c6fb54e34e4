/** Checks of what the server allows: limits, grants, Transaction Guard. */
import * as Effect from "effect/Effect"
import type { OracleConnection } from "../../OracleConnection.ts"
import { type Check, ok, type Outcome, skipped, warning } from "./finding.ts"
import { type Probe, valueOf } from "./probe.ts"

/** A value that the user may not be allowed to see. */
const visible = (connection: OracleConnection, sql: string): Effect.Effect<string | undefined> =>
  valueOf(connection, sql).pipe(
    Effect.map((value) => value === undefined || value === null ? undefined : String(value)),
    Effect.catch(() => Effect.as(Effect.void, undefined))
  )

const parameter = (connection: OracleConnection, name: string) =>
  visible(connection, `select value from v$parameter where name = '${name}'`)

export const serverLimits: Check<Probe> = {
  title: "limits of the server",
  area: "Limits",
  advice: "grant select on v_$parameter to the user, or ask the DBA for `processes`, `sessions` and `open_cursors`.",
  run: ({ pool, target }) =>
    pool.use((connection) =>
      Effect.gen(function*() {
        const sessions = yield* parameter(connection, "sessions")
        const processes = yield* parameter(connection, "processes")
        const cursors = yield* parameter(connection, "open_cursors")
        if (sessions === undefined && processes === undefined) {
          return skipped("v$parameter cannot be read", serverLimits.advice)
        }
        const found = `sessions ${sessions ?? "?"}, processes ${processes ?? "?"}, open_cursors ${cursors ?? "?"}`
        const least = Math.min(Number(sessions ?? Infinity), Number(processes ?? Infinity))
        return target.sessions > least
          ? warning(
            `${found}; you mean to open ${target.sessions}`,
            "Lower max × processes, use DRCP, or raise the limits: opening fails with ORA-00018 or ORA-12520 beyond them."
          )
          : ok(found)
      })
    )
}

const profileAdvice = "alter profile NAME limit sessions_per_user unlimited, or lower max × processes; "
  + "sessions that the profile ends when idle (idle_time) need a shorter `timeout` or `pingInterval` in the pool."

export const profile: Check<Probe> = {
  title: "limits of the user's profile",
  area: "Limits",
  advice: profileAdvice,
  run: ({ pool, target }) =>
    pool.use((connection) =>
      Effect.gen(function*() {
        const limit = (name: string) =>
          visible(connection, `select limit from user_resource_limits where resource_name = '${name}'`)
        const sessions = yield* limit("SESSIONS_PER_USER")
        const idle = yield* limit("IDLE_TIME")
        const attempts = yield* visible(
          connection,
          "select limit from user_password_limits where resource_name = 'FAILED_LOGIN_ATTEMPTS'"
        )
        if (sessions === undefined && idle === undefined) {
          return skipped("user_resource_limits cannot be read", "Ask the DBA for the profile of the user.")
        }
        const found = `sessions_per_user ${sessions ?? "?"}, idle_time ${idle ?? "?"} min, failed_login_attempts ${
          attempts ?? "?"
        }`
        const tooFew = Number(sessions) < target.sessions
        return tooFew || Number.isFinite(Number(idle)) ? warning(found, profileAdvice) : ok(found)
      })
    )
}

/** What uses a grant, and the statement that finds it out without doing anything. */
const grants: ReadonlyArray<readonly [what: string, usedBy: string, sql: string]> = [
  ["select on v_$session", "serial numbers in `info`, rebalancing", "select count(*) from v$session where rownum < 1"],
  ["execute on dbms_lock", "session locks of the cluster's stores", packageIs("DBMS_LOCK")],
  ["execute on dbms_alert", "listen and notify", packageIs("DBMS_ALERT")],
  ["execute on dbms_aq", "queues", packageIs("DBMS_AQ")],
  ["execute on dbms_app_cont", "certain commits (Transaction Guard)", packageIs("DBMS_APP_CONT")]
]

function packageIs(name: string): string {
  return `select 1 / count(*) from all_objects where object_name = '${name}' and object_type in ('PACKAGE', 'SYNONYM')`
}

export const missingGrants: Check<Probe> = {
  title: "grants",
  area: "Limits",
  advice: "Grant what you use.",
  run: ({ pool }) =>
    pool.use((connection) =>
      Effect.gen(function*() {
        const missing: Array<string> = []
        for (const [what, usedBy, sql] of grants) {
          if ((yield* visible(connection, sql)) === undefined) missing.push(`${what} (${usedBy})`)
        }
        return missing.length === 0
          ? ok(`all ${grants.length} that features ask for`)
          : warning(
            `missing: ${missing.join("; ")}`,
            "Grant what you use: grant ... to the user. What you do not use needs no grant."
          )
      })
    )
}

export const transactionGuard: Check<Probe> = {
  title: "Transaction Guard",
  area: "Limits",
  advice: "As a DBA, set commit_outcome to true on the service: dbms_service.modify_service, or srvctl modify service "
    + "-commit_outcome true. Without it the outcome of a commit whose answer is lost stays unknown.",
  run: ({ pool }) =>
    pool.use((connection) =>
      connection.caller.now({ operation: "ltxid" }, (driver): Outcome => {
        const ltxid: unknown = Reflect.get(driver, "ltxid")
        return ltxid instanceof Uint8Array && ltxid.length > 0
          ? ok("the service names its transactions")
          : warning("off for this service", transactionGuard.advice)
      })
    )
}
