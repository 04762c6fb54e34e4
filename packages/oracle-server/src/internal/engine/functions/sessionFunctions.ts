/** What SQL can ask about the session and the session.environment. */
import { randomUUID } from "node:crypto"
import { fromInteger } from "../values/oracleNumber.ts"
import { oraError } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import { NUMBER, raw, varchar2 } from "../values/sqlType.ts"
import { define, type FunctionTable } from "./functionDef.ts"

/** A stable number for a user's name: the engine keeps no user table. */
export const userId = (name: string): number => {
  if (name === "SYS") return 0
  let hash = 7
  for (const c of name) hash = (hash * 31 + c.codePointAt(0)!) % 100_000
  return 100 + hash
}

/** Parameters that have no value here. */
const withoutValue = new Set(
  ("AUDITED_CURSORID AUTHENTICATION_DATA BG_JOB_ID CDB_DOMAIN CLOUD_SERVICE CON_ID CURRENT_BIND CURRENT_EDITION_ID " +
    "CURRENT_SQL_LENGTH DB_DOMAIN DB_SUPPLEMENTAL_LOG_LEVEL DBLINK_INFO DRAIN_STATUS ENTERPRISE_IDENTITY ENTRYID " +
    "FG_JOB_ID GLOBAL_CONTEXT_MEMORY GLOBAL_UID IS_APPLICATION_PDB IS_APPLICATION_ROOT LDAP_SERVER_TYPE NLS_CURRENCY " +
    "ORACLE_HOME PID POLICY_INVOKER PROXY_ENTERPRISE_IDENTITY SCHEDULER_JOB SESSION_EDITION_ID STANDBY_MAX_DATA_DELAY " +
    "STATEMENTID UNIFIED_AUDIT_SESSIONID").split(" ")
)

const userenv = (session: SessionState, name: string): string | null => {
  const info = session.info
  switch (name) {
    case "SESSION_USER":
      return info.user
    case "AUTHENTICATED_IDENTITY":
      return info.externalName ?? info.user
    case "CURRENT_USER":
      return session.rights.user
    case "SESSION_SCHEMA":
      return info.user
    case "CURRENT_SCHEMA":
      return session.currentSchema
    case "PROXY_USER":
      return info.proxyUser ?? null
    case "SESSION_USERID":
      return String(userId(info.user))
    case "CURRENT_USERID":
      return String(userId(session.rights.user))
    case "CURRENT_SCHEMAID":
      return String(userId(session.currentSchema))
    case "PROXY_USERID":
      return info.proxyUser === undefined ? null : String(userId(info.proxyUser))
    case "SID":
      return String(info.sid)
    case "SESSIONID":
      return String(info.sid * 100_000 + info.serial)
    case "MODULE":
      return session.module
    case "ACTION":
      return session.action
    case "CLIENT_IDENTIFIER":
      return session.clientId
    case "CLIENT_INFO":
      return session.clientInfo
    case "CLIENT_PROGRAM_NAME":
      return info.program ?? null
    case "HOST":
      return info.machine ?? null
    case "OS_USER":
      return info.osUser ?? null
    case "TERMINAL":
      return info.terminal ?? null
    case "IP_ADDRESS":
      return info.clientAddress ?? null
    case "SERVICE_NAME":
      return info.service
    case "DB_NAME":
    case "CON_NAME":
      return session.environment.databaseName
    case "DB_UNIQUE_NAME":
      return session.environment.instanceName
    case "INSTANCE_NAME":
      return info.instance ?? session.environment.instanceName
    case "INSTANCE":
      return String(info.instanceNumber ?? 1)
    case "SERVER_HOST":
      return session.environment.hostName
    case "LANGUAGE":
      return `${session.nls.get("NLS_LANGUAGE")}_${session.nls.get("NLS_TERRITORY")}.AL32UTF8`
    case "LANG":
      return "US"
    case "NLS_CALENDAR":
    case "NLS_CURRENCY":
    case "NLS_DATE_FORMAT":
    case "NLS_DATE_LANGUAGE":
    case "NLS_SORT":
    case "NLS_TERRITORY":
      return session.nls.get(name)
    case "ISDBA":
      return "FALSE"
    case "CURRENT_EDITION_NAME":
    case "SESSION_EDITION_NAME":
      return session.edition
    case "AUTHENTICATION_METHOD":
      return info.authenticationMethod ?? "PASSWORD"
    case "NETWORK_PROTOCOL":
      return info.networkProtocol ?? "tcp"
    case "ENTERPRISE_IDENTITY":
      return info.externalName ?? null
    case "DATABASE_ROLE":
      return "PRIMARY"
    case "CDB_NAME":
      return session.environment.instanceName
    case "IDENTIFICATION_TYPE":
      return info.externalName === undefined ? "LOCAL" : "GLOBAL EXCLUSIVE"
    case "PLATFORM_SLASH":
      return "/"
    case "SESSION_DEFAULT_COLLATION":
      return "USING_NLS_COMP"
    case "IS_APPLY_SERVER":
      return "FALSE"
    case "CURRENT_SQL":
      return session.sqlText
    default:
      if (withoutValue.has(name)) return null
      throw oraError(2003, "invalid USERENV parameter")
  }
}

const orNull = (value: string | null): string | null => value === "" ? null : value

export const sessionFunctions: FunctionTable = {
  USER: define<[]>({ params: [], returns: varchar2(128), run: (s) => s.info.user }),
  UID: define<[]>({ params: [], returns: NUMBER, run: (s) => fromInteger(userId(s.info.user)) }),
  SYS_CONTEXT: define<[string, string, number?]>({
    params: ["c", "c", "int"],
    min: 2,
    returns: varchar2(),
    run: (s, namespace, attribute) =>
      namespace.toUpperCase() === "USERENV"
        ? orNull(userenv(s, attribute.toUpperCase()))
        : s.contextValue(`${namespace.toUpperCase()}.${attribute.toUpperCase()}`)
  }),
  USERENV: define<[string]>({
    params: ["c"],
    returns: varchar2(64),
    run: (s, name) => orNull(userenv(s, name.toUpperCase()))
  }),
  SYS_GUID: define<[]>({
    params: [],
    returns: raw(16),
    run: () => Uint8Array.from(Buffer.from(randomUUID().replaceAll("-", ""), "hex"))
  })
}
