/** The views of users, roles, privileges, profiles and quotas. */
import { passwordLimits, resourceLimits } from "../catalog/accounts.ts"
import { objectPrivileges, systemPrivileges } from "../catalog/privilegeNames.ts"
import type { ObjectGrant, RoleGrant, SystemGrant } from "../catalog/privileges.ts"
import { definerRights } from "../values/rights.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { Core } from "./core.ts"
import { tablespaceNames } from "./tablespaces.ts"
import type { Rows, View } from "./viewShapes.ts"

const yes = (holds: boolean): string => holds ? "YES" : "NO"

const ownerOf = ({ key }: ObjectGrant): string => key.slice(0, key.indexOf("."))
const nameOf = ({ key }: ObjectGrant): string => key.slice(key.indexOf(".") + 1)

const grants = (core: Core, onColumns: boolean): ReadonlyArray<ObjectGrant> =>
  [...core.privileges.objectGrants()].filter((grant) => (grant.column !== undefined) === onColumns)

/** Grants that have to do with the user: of his objects, by him, to him or to everybody. */
const concerns = (grant: ObjectGrant, user: string): boolean =>
  ownerOf(grant) === user || grant.grantor === user || grant.grantee === user || grant.grantee === "PUBLIC"

const isVisible = (grant: ObjectGrant, session: SessionState): boolean =>
  concerns(grant, session.info.user) || session.rights.roles.has(grant.grantee)

/** Those of tables end with four columns that those of columns lack, but for the two about containers. */
const tail = (grant: ObjectGrant): ReadonlyArray<string> =>
  grant.column === undefined
    ? [yes(grant.grantable), "NO", "NO", grant.kind === "procedure" ? "PROCEDURE" : grant.kind.toUpperCase(), "NO"]
    : [yes(grant.grantable), "NO", "NO"]
const tailColumns = (onColumns: boolean): string =>
  onColumns ? "GRANTABLE COMMON INHERITED" : "GRANTABLE HIERARCHY COMMON TYPE INHERITED"

const columnCell = ({ column }: ObjectGrant): ReadonlyArray<string> => column === undefined ? [] : [column]

const privileges = (onColumns: boolean): Readonly<Record<string, View>> => {
  const what = onColumns ? "COL" : "TAB"
  const column = onColumns ? "COLUMN_NAME " : ""
  const own = (
    columns: string,
    cells: (grant: ObjectGrant) => ReadonlyArray<string>,
    test: (grant: ObjectGrant, core: Core, session: SessionState) => boolean
  ): View => ({
    columns: `${columns} ${tailColumns(onColumns)}`,
    rows: (core, session) =>
      grants(core, onColumns).filter((grant) => test(grant, core, session)).map((
        grant
      ) => [...cells(grant), ...tail(grant)])
  })
  const whole = (grant: ObjectGrant) => [
    grant.grantee,
    ownerOf(grant),
    nameOf(grant),
    ...columnCell(grant),
    grant.grantor,
    grant.privilege
  ]
  const wholeColumns = `GRANTEE OWNER TABLE_NAME ${column}GRANTOR PRIVILEGE`
  const madeColumns = `TABLE_NAME ${column}GRANTOR PRIVILEGE`
  const made = (grant: ObjectGrant) => [nameOf(grant), ...columnCell(grant), grant.grantor, grant.privilege]
  return {
    [`DBA_${what}_PRIVS`]: own(wholeColumns, whole, () => true),
    [`USER_${what}_PRIVS`]: own(
      wholeColumns,
      whole,
      (grant, _, { info: { user } }) => ownerOf(grant) === user || grant.grantor === user || grant.grantee === user
    ),
    [`ALL_${what}_PRIVS`]: own(
      `GRANTOR GRANTEE TABLE_SCHEMA TABLE_NAME ${column}PRIVILEGE`,
      (grant) => [grant.grantor, grant.grantee, ownerOf(grant), nameOf(grant), ...columnCell(grant), grant.privilege],
      (grant, _, session) => isVisible(grant, session)
    ),
    [`USER_${what}_PRIVS_MADE`]: own(
      `GRANTEE ${madeColumns}`,
      (grant) => [grant.grantee, ...made(grant)],
      (grant, _, { info }) => ownerOf(grant) === info.user
    ),
    [`ALL_${what}_PRIVS_MADE`]: own(
      `GRANTEE OWNER ${madeColumns}`,
      (grant) => [grant.grantee, ownerOf(grant), ...made(grant)],
      (grant, _, { info }) => ownerOf(grant) === info.user || grant.grantor === info.user
    ),
    [`USER_${what}_PRIVS_RECD`]: own(
      `OWNER ${madeColumns}`,
      (grant) => [ownerOf(grant), ...made(grant)],
      (grant, _, { info }) => grant.grantee === info.user
    ),
    [`ALL_${what}_PRIVS_RECD`]: own(
      `GRANTEE OWNER ${madeColumns}`,
      (grant) => [grant.grantee, ownerOf(grant), ...made(grant)],
      (grant, _, { info, rights }) =>
        grant.grantee === info.user || grant.grantee === "PUBLIC" || rights.roles.has(grant.grantee)
    )
  }
}

const systemGrants = (core: Core): ReadonlyArray<SystemGrant> =>
  [...core.privileges.systemGrants()].filter(({ schema }) => schema === undefined)
const schemaGrants = (core: Core): ReadonlyArray<SystemGrant> =>
  [...core.privileges.systemGrants()].filter(({ schema }) => schema !== undefined)

const roleRow = (core: Core, grant: RoleGrant, isEnabled: boolean): ReadonlyArray<string> => [
  grant.grantee,
  grant.role,
  yes(grant.admin),
  "NO",
  yes(isEnabled && core.privileges.withoutDefault.get(grant.grantee)?.has(grant.role) !== true),
  "NO",
  "NO"
]

const profileRows = (core: Core): Rows =>
  [...core.accounts.profiles].flatMap(([profile, limits]) =>
    ([["KERNEL", resourceLimits], ["PASSWORD", passwordLimits]] as const).flatMap(([type, names]) =>
      names.map(([name]) => [profile, name, type, limits.get(name) ?? "DEFAULT", "NO", "NO", "NO"])
    )
  )

const proxyRows = (core: Core): Rows =>
  [...core.catalog.schemas].flatMap((client) =>
    [...core.host.accounts.proxies(client)].flatMap(([proxy, roles]) => {
      const flag = roles === "all"
        ? "PROXY MAY ACTIVATE ALL CLIENT ROLES"
        : roles === "none"
        ? "NO CLIENT ROLES MAY BE ACTIVATED"
        : "PROXY MAY ACTIVATE ROLE"
      return (typeof roles === "string" ? [null] : roles).map((role) => [proxy, client, "NO", flag, role])
    })
  )

const quotaColumns = "TABLESPACE_NAME BYTES# MAX_BYTES# BLOCKS# MAX_BLOCKS# DROPPED"
const quotaRows = (core: Core, user: string): Rows => {
  const quotas = core.privileges.has(definerRights(user), "UNLIMITED TABLESPACE")
    ? new Map<string, number>()
    : core.accounts.users.get(user)?.quotas ?? new Map<string, number>()
  return [...quotas].map(([name, bytes]) => [
    name,
    0,
    bytes === Infinity ? -1 : bytes,
    0,
    bytes === Infinity ? -1 : Math.ceil(bytes / 8192),
    "NO"
  ])
}

const roleTablePrivileges = (core: Core, { rights }: SessionState): Rows =>
  [...core.privileges.objectGrants()].filter(({ grantee }) => rights.roles.has(grantee)).map((grant) => [
    grant.grantee,
    ownerOf(grant),
    nameOf(grant),
    grant.column ?? null,
    grant.privilege,
    yes(grant.grantable),
    "NO",
    "NO"
  ])

export const privilegeViews: Readonly<Record<string, View>> = {
  ...privileges(false),
  ...privileges(true),
  DBA_SYS_PRIVS: {
    columns: "GRANTEE PRIVILEGE ADMIN_OPTION COMMON INHERITED",
    rows: (core) => systemGrants(core).map((grant) => [grant.grantee, grant.privilege, yes(grant.admin), "NO", "NO"])
  },
  USER_SYS_PRIVS: {
    columns: "USERNAME PRIVILEGE ADMIN_OPTION COMMON INHERITED",
    rows: (core, { info: { user } }) =>
      systemGrants(core).filter(({ grantee }) => grantee === user || grantee === "PUBLIC").map((grant) => [
        grant.grantee,
        grant.privilege,
        yes(grant.admin),
        "NO",
        "NO"
      ])
  },
  DBA_SCHEMA_PRIVS: {
    columns: "GRANTEE PRIVILEGE SCHEMA ADMIN_OPTION COMMON INHERITED",
    rows: (core) =>
      schemaGrants(core).map((grant) => [grant.grantee, grant.privilege, grant.schema!, yes(grant.admin), "NO", "NO"])
  },
  USER_SCHEMA_PRIVS: {
    columns: "PRIVILEGE SCHEMA ADMIN_OPTION COMMON INHERITED",
    rows: (core, { info: { user } }) =>
      schemaGrants(core).filter(({ grantee }) => grantee === user).map((grant) => [
        grant.privilege,
        grant.schema!,
        yes(grant.admin),
        "NO",
        "NO"
      ])
  },
  DBA_ROLES: {
    columns:
      "ROLE ROLE_ID# PASSWORD_REQUIRED AUTHENTICATION_TYPE COMMON ORACLE_MAINTAINED INHERITED IMPLICIT EXTERNAL_NAME",
    rows: (core) =>
      [...core.privileges.roles.values()].map(({ name, password, predefined }, i) => [
        name,
        i + 2,
        yes(password !== undefined),
        password === undefined ? "NONE" : "PASSWORD",
        yes(predefined),
        predefined ? "Y" : "N",
        "NO",
        "NO",
        null
      ])
  },
  DBA_ROLE_PRIVS: {
    columns: "GRANTEE GRANTED_ROLE ADMIN_OPTION DELEGATE_OPTION DEFAULT_ROLE COMMON INHERITED",
    rows: (core) => [...core.privileges.roleGrants()].map((grant) => roleRow(core, grant, true))
  },
  USER_ROLE_PRIVS: {
    columns: "USERNAME GRANTED_ROLE ADMIN_OPTION DELEGATE_OPTION DEFAULT_ROLE OS_GRANTED COMMON INHERITED",
    rows: (core, { info: { user } }) =>
      [...core.privileges.roleGrants()].filter(({ grantee }) => grantee === user || grantee === "PUBLIC").map(
        (grant) => {
          const [name, role, admin, delegate, byDefault, common, inherited] = roleRow(core, grant, true)
          return [name!, role!, admin!, delegate!, byDefault!, "NO", common!, inherited!]
        }
      )
  },
  ROLE_ROLE_PRIVS: {
    columns: "ROLE GRANTED_ROLE ADMIN_OPTION COMMON INHERITED",
    rows: (core, { rights }) =>
      [...core.privileges.roleGrants()].filter(({ grantee }) => rights.roles.has(grantee)).map((grant) => [
        grant.grantee,
        grant.role,
        yes(grant.admin),
        "NO",
        "NO"
      ])
  },
  ROLE_SYS_PRIVS: {
    columns: "ROLE PRIVILEGE ADMIN_OPTION COMMON INHERITED",
    rows: (core, { rights }) =>
      systemGrants(core).filter(({ grantee }) => rights.roles.has(grantee)).map((grant) => [
        grant.grantee,
        grant.privilege,
        yes(grant.admin),
        "NO",
        "NO"
      ])
  },
  ROLE_TAB_PRIVS: {
    columns: "ROLE OWNER TABLE_NAME COLUMN_NAME PRIVILEGE GRANTABLE COMMON INHERITED",
    rows: roleTablePrivileges
  },
  SESSION_PRIVS: {
    columns: "PRIVILEGE",
    rows: (core, { rights }) => core.privileges.systemOf(rights).map((name) => [name])
  },
  SESSION_ROLES: { columns: "ROLE", rows: (_, { rights }) => [...rights.roles].map((name) => [name]) },
  DBA_PROFILES: {
    columns: "PROFILE RESOURCE_NAME RESOURCE_TYPE LIMIT COMMON INHERITED IMPLICIT",
    rows: profileRows
  },
  USER_RESOURCE_LIMITS: {
    columns: "RESOURCE_NAME LIMIT",
    rows: (core, { info: { user } }) => resourceLimits.map(([name]) => [name, core.accounts.limit(user, name)])
  },
  USER_PASSWORD_LIMITS: {
    columns: "RESOURCE_NAME LIMIT",
    rows: (core, { info: { user } }) => passwordLimits.map(([name]) => [name, core.accounts.limit(user, name)])
  },
  PROXY_USERS: { columns: "PROXY CLIENT AUTHENTICATION FLAGS ROLE", rows: proxyRows },
  DBA_PROXIES: {
    columns: "PROXY CLIENT AUTHENTICATION AUTHORIZATION_CONSTRAINT ROLE PROXY_AUTHORITY",
    rows: (core) => proxyRows(core).map((row) => [...row, "DATABASE"])
  },
  USER_PROXIES: {
    columns: "CLIENT AUTHENTICATION AUTHORIZATION_CONSTRAINT ROLE",
    rows: (core, { info: { user } }) => proxyRows(core).filter(([proxy]) => proxy === user).map((row) => row.slice(1))
  },
  DBA_TS_QUOTAS: {
    columns: `TABLESPACE_NAME USERNAME ${quotaColumns.slice("TABLESPACE_NAME ".length)}`,
    rows: (core) =>
      [...core.accounts.users.keys()].flatMap((user) =>
        quotaRows(core, user).map(([name, ...rest]) => [name!, user, ...rest])
      )
  },
  USER_TS_QUOTAS: {
    columns: quotaColumns,
    rows: (core, { info: { user } }) => quotaRows(core, user).filter(([name]) => tablespaceNames.includes(String(name)))
  },
  SYSTEM_PRIVILEGE_MAP: {
    columns: "PRIVILEGE# NAME PROPERTY#",
    rows: () => systemPrivileges.map((name, i) => [-3 - i, name, 0])
  },
  TABLE_PRIVILEGE_MAP: {
    columns: "PRIVILEGE# NAME",
    rows: () => [...new Set(Object.values(objectPrivileges).flat())].toSorted().map((name, i) => [i, name])
  }
}

/** Views of the dictionary that everybody may read, beside those of the user's own and of what the user may see. */
const publicViews = new Set([
  "V$VERSION",
  "V$NLS_PARAMETERS",
  "V$NLS_VALID_VALUES",
  "V$TIMEZONE_NAMES",
  "V$OPTION",
  "V$MYSTAT",
  "V$SESSION_LONGOPS"
])

/** Whether these rights include reading a view of the dictionary. */
export const mayRead = (core: Core, session: Pick<SessionState, "rights">, name: string): boolean => {
  if (!/^(DBA_|CDB_|G?V_?\$|AUTH\$)/.test(name) || publicViews.has(name)) return true
  const { privileges } = core
  const { rights } = session
  if (rights.user === "SYS" || rights.roles.has("SELECT_CATALOG_ROLE")) return true
  if (privileges.has(rights, "SELECT ANY DICTIONARY")) return true
  const real = name.replace(/^(G?V)\$/, "$1_$$")
  return [name, real].some((each) =>
    privileges.grantsOn(`SYS.${each}`).some(({ grantee }) =>
      grantee === rights.user || grantee === "PUBLIC" || rights.roles.has(grantee)
    )
  )
}
