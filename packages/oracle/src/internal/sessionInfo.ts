/** What the server says about itself and about the session. */
import * as Effect from "effect/Effect"
import type { ReadError } from "./cursor.ts"
import type { DriverCaller } from "./driverCaller.ts"
import { query } from "./statements.ts"
import { defaultValues } from "./valueSettings.ts"

/**
 * The server and the session of a connection.
 *
 * **When to use**
 *
 * Use it to log which session does the work, to find it in `v$session`, and to look at the server's version (`23.6.0.0.0`).
 *
 * **Details**
 *
 * `serial` is `undefined` where the user may ask for it neither of `dbms_debug_jdwp` nor of `v$session`.
 *
 * **Example** (The text that kills a session)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const killedWith = (info: OracleConnection.ConnectionInfo) => `alter system kill session '${info.sid},${info.serial}'`
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface ConnectionInfo {
  readonly serverVersion: string
  readonly sid: number
  readonly serial: number | undefined
  readonly service: string | undefined
  readonly instance: string | undefined
  readonly database: string | undefined
}

const serials = [
  "select dbms_debug_jdwp.current_session_serial as serial from dual",
  "select serial# as serial from v$session where sid = to_number(sys_context('userenv', 'sid'))"
]

const number = (caller: DriverCaller, sql: string, column: string): Effect.Effect<number, ReadError> =>
  Effect.map(query(caller, sql, [], defaultValues), ([row]) => Number(row?.[column]))

/** The serial number, from whichever place lets this user see it. */
const serial = (caller: DriverCaller): Effect.Effect<number | undefined, ReadError> =>
  serials.reduceRight<Effect.Effect<number | undefined, ReadError>>(
    (otherwise, sql) =>
      Effect.catchIf(
        number(caller, sql, "SERIAL"),
        (error) =>
          error._tag === "OracleError"
          && (error.reason._tag === "SqlSyntaxError" || error.reason._tag === "AuthorizationError"),
        () => otherwise
      ),
    Effect.as(Effect.void, undefined)
  )

export const readInfo = (caller: DriverCaller): Effect.Effect<ConnectionInfo, ReadError> =>
  Effect.gen(function*() {
    const known = yield* caller.now({ operation: "info" }, (connection) => ({
      serverVersion: connection.oracleServerVersionString ?? "",
      service: connection.serviceName,
      instance: connection.instanceName,
      database: connection.dbUniqueName ?? connection.dbName
    }))
    const sid = yield* number(caller, "select sys_context('userenv', 'sid') as sid from dual", "SID")
    const info = { ...known, sid, serial: yield* serial(caller) }
    const { session } = caller
    if (!session.isPooledServer) session.numbers = { sid: info.sid, serial: info.serial }
    return info
  })
