/** Whether the one who gives a definition may do so: which privilege each kind of definition asks for. */
import type { CatalogObject, Synonym, Table } from "../catalog/catalog.ts"
import type { Guarded } from "../catalog/privileges.ts"
import type { Ddl } from "../syntax/astDefinitions.ts"
import { type OraError, oraError } from "../values/oraError.ts"
import { definerRights, type Rights } from "../values/rights.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { Core } from "./core.ts"

export const insufficient = (at = 0): OraError => oraError(1031, "insufficient privileges", at)

/** Refuses who may not use an object: it is not there for those who have nothing on it. */
export const requireOn = (
  core: Core,
  rights: Rights,
  object: Guarded,
  privilege: string,
  missing: () => Error,
  at: number
): void => {
  const { privileges } = core
  if (privileges.allows(rights, privilege, object)) return
  throw privileges.sees(rights, object) ? insufficient(at) : missing()
}

export const requireSystem = (core: Core, rights: Rights, privilege: string, at: number): void => {
  if (!core.privileges.has(rights, privilege)) throw insufficient(at)
}

/** What is made in one's own schema takes one privilege, what is made in another's takes the one for any schema. */
const creates = (
  core: Core,
  { currentSchema, rights }: SessionState,
  path: ReadonlyArray<string>,
  kind: string,
  at: number
) => {
  const owner = path.length > 1 ? path[0]! : currentSchema
  if (owner === rights.user) requireSystem(core, rights, `CREATE ${kind}`, at)
  else if (!core.privileges.has(rights, `CREATE ANY ${kind}`, owner)) {
    if (path.length > 1 && !core.catalog.schemas.has(owner)) throw oraError(1918, `user '${owner}' does not exist`, at)
    throw insufficient(at)
  }
}

const unitKinds: Readonly<Record<string, string>> = {
  TRIGGER: "TRIGGER",
  TYPE: "TYPE",
  "TYPE BODY": "TYPE",
  TABLE: "TABLE",
  VIEW: "VIEW",
  SEQUENCE: "SEQUENCE",
  SYNONYM: "SYNONYM",
  INDEX: "INDEX",
  "MATERIALIZED VIEW": "MATERIALIZED VIEW",
  DOMAIN: "DOMAIN"
}

const systemOf: Partial<Record<Ddl["kind"], string>> = {
  createUser: "CREATE USER",
  proxyUser: "ALTER USER",
  dropUser: "DROP USER",
  createRole: "CREATE ROLE",
  createProfile: "CREATE PROFILE",
  alterProfile: "ALTER PROFILE",
  dropProfile: "DROP PROFILE",
  createContext: "CREATE ANY CONTEXT",
  dropContext: "DROP ANY CONTEXT"
}

/** The object that a definition names, if it is there and another's. */
const foreign = (
  core: Core,
  { currentSchema, rights }: SessionState,
  path: ReadonlyArray<string>
): Exclude<CatalogObject, Synonym> | undefined => {
  const object = core.catalog.find(path, currentSchema)
  return object === undefined || object.owner === rights.user ? undefined : object
}

const requireChange = (
  core: Core,
  session: SessionState,
  path: ReadonlyArray<string>,
  privilege: string,
  at: number
): void => {
  const object = foreign(core, session, path)
  if (object === undefined) return
  requireOn(core, session.rights, object, privilege, () => core.catalog.missing(path, session.currentSchema, at), at)
}

export const authorize = (core: Core, session: SessionState, ddl: Ddl): void => {
  const { currentSchema, rights } = session
  if (rights.user === "SYS") return
  const system = systemOf[ddl.kind]
  if (system !== undefined) return requireSystem(core, rights, system, ddl.at)
  switch (ddl.kind) {
    case "createTable":
      if (ddl.temporary === undefined || ddl.path.length > 0) creates(core, session, ddl.path, "TABLE", ddl.at)
      return
    case "createView":
      return creates(core, session, ddl.path, "VIEW", ddl.at)
    case "createMview":
      return creates(core, session, ddl.path, "MATERIALIZED VIEW", ddl.at)
    case "dropMview": {
      const owner = ddl.path.length > 1 ? ddl.path[0]! : currentSchema
      if (owner === rights.user || core.privileges.has(rights, "DROP ANY MATERIALIZED VIEW", owner)) return
      throw insufficient(ddl.at)
    }
    case "mviewLog":
      return requireChange(core, session, ddl.path, "ALTER", ddl.at)
    case "createSequence":
      return creates(core, session, ddl.path, "SEQUENCE", ddl.at)
    case "createSynonym":
      return ddl.public
        ? requireSystem(core, rights, "CREATE PUBLIC SYNONYM", ddl.at)
        : creates(core, session, ddl.path, "SYNONYM", ddl.at)
    case "createUnit":
      return creates(core, session, ddl.unit.path, unitKinds[ddl.unit.type] ?? "PROCEDURE", ddl.at)
    case "createIndex": {
      const owner = ddl.path.length > 1 ? ddl.path[0]! : currentSchema
      if (owner !== rights.user && !core.privileges.has(rights, "CREATE ANY INDEX", owner)) throw insufficient(ddl.at)
      return requireChange(core, session, ddl.table, "INDEX", ddl.at)
    }
    case "alterTable":
    case "alterSequence":
      return requireChange(core, session, ddl.path, "ALTER", ddl.at)
    case "truncate":
      return requireChange(core, session, ddl.path, "DROP", ddl.at)
    case "comment": {
      const object = foreign(core, session, ddl.column ? ddl.path.slice(0, -1) : ddl.path)
      if (object === undefined || core.privileges.has(rights, "COMMENT ANY TABLE", object.owner)) return
      throw core.privileges.sees(rights, object)
        ? insufficient(ddl.at)
        : core.catalog.missing(ddl.path, currentSchema, ddl.at)
    }
    case "alterIndex":
    case "alterUnit":
    case "dropType": {
      const owner = ddl.path.length > 1 ? ddl.path[0]! : currentSchema
      if (owner === rights.user) return
      const kind = ddl.kind === "alterUnit"
        ? unitKinds[ddl.type] ?? "PROCEDURE"
        : ddl.kind === "alterIndex"
        ? "INDEX"
        : "TYPE"
      if (!core.privileges.has(rights, `${ddl.kind === "dropType" ? "DROP" : "ALTER"} ANY ${kind}`, owner)) {
        throw insufficient(ddl.at)
      }
      return
    }
    case "drop": {
      if (ddl.public) return requireSystem(core, rights, "DROP PUBLIC SYNONYM", ddl.at)
      const owner = ddl.path.length > 1 ? ddl.path[0]! : currentSchema
      if (owner === rights.user) return
      const kind = unitKinds[ddl.object] ?? "PROCEDURE"
      if (core.privileges.has(rights, `DROP ANY ${kind}`, owner)) return
      const object = core.catalog.objects.get(`${owner}.${ddl.path.at(-1)!}`)
      if (object === undefined || !core.privileges.sees(rights, object)) {
        // The definition itself says what is missing.
        if (object === undefined) return
        throw ddl.object === "TABLE" || ddl.object === "VIEW"
          ? core.catalog.missing(ddl.path, currentSchema, ddl.at)
          : insufficient(ddl.at)
      }
      throw insufficient(ddl.at)
    }
    case "alterUser": {
      const { options } = ddl
      const isOwn = ddl.name === rights.user && options.profile === undefined && options.quotas.length === 0 &&
        options.account === undefined && options.defaultRoles === undefined
      return isOwn ? undefined : requireSystem(core, rights, "ALTER USER", ddl.at)
    }
    case "alterRole":
    case "dropRole": {
      const admin = [rights.user, ...rights.roles].some((grantee) =>
        core.privileges.roleGrant(grantee, ddl.name)?.admin === true
      )
      if (admin || !core.privileges.roles.has(ddl.name)) return
      return requireSystem(core, rights, ddl.kind === "alterRole" ? "ALTER ANY ROLE" : "DROP ANY ROLE", ddl.at)
    }
  }
}

/** Whoever may change or read the rows for a change may lock the table. */
export const requireLock = (core: Core, rights: Rights, object: Guarded, missing: () => Error): void => {
  const { privileges } = core
  if (["SELECT", "INSERT", "UPDATE", "DELETE", "ALTER"].some((name) => privileges.allows(rights, name, object))) return
  if (privileges.has(rights, "LOCK ANY TABLE", object.owner)) return
  throw privileges.sees(rights, object) ? insufficient() : missing()
}

/** New rows take room in a tablespace of their table's owner. */
export const requireQuota = (core: Core, { owner, temporary }: Table): void => {
  if (temporary !== undefined) return
  const user = core.accounts.users.get(owner)
  if (user === undefined || core.privileges.has(definerRights(owner), "UNLIMITED TABLESPACE", owner)) return
  if ((user.quotas.get(user.defaultTablespace) ?? 0) > 0) return
  throw oraError(1950, `The user ${owner} has insufficient quota on tablespace ${user.defaultTablespace}.`)
}
