/** Runs GRANT, REVOKE and SET ROLE: finds what they name, checks who may grant it, and tells what is wrong. */
import { column as columnOf, keyOf } from "../catalog/catalog.ts"
import {
  administrative,
  forUsersAlone,
  isObjectPrivilege,
  isSystemPrivilege,
  objectPrivileges,
  type PrivilegeKind,
  systemPrivileges
} from "../catalog/privilegeNames.ts"
import type { Guarded } from "../catalog/privileges.ts"
import type { AccountDdl, Named, PrivilegeName, RoleChoice } from "../syntax/astAccounts.ts"
import { oraError } from "../values/oraError.ts"
import { type Rights, rightsOf } from "../values/rights.ts"
import type { SessionState } from "../values/sessionState.ts"
import { insufficient } from "./authorization.ts"
import type { Core } from "./core.ts"
import { systemKind } from "./dictionary.ts"

type Grant = Extract<AccountDdl, { kind: "grant" }>
type Revoke = Extract<AccountDdl, { kind: "revoke" }>

const invalidPrivilege = (at: number) => oraError(990, "missing or invalid privilege", at)

const granteesOf = (core: Core, { grantees }: Grant | Revoke): ReadonlyArray<string> =>
  grantees.map(({ at, name }) => {
    if (!core.catalog.schemas.has(name) && !core.privileges.roles.has(name)) {
      throw oraError(1917, `user or role '${name}' does not exist`, at)
    }
    return name
  })

/** The object of a grant. A package of the system that the engine lacks may be granted: the grant then means nothing. */
const objectOf = (core: Core, session: SessionState, terms: Grant | Revoke): Guarded | undefined => {
  const { at, path } = terms.on!
  const object = core.catalog.find(path, session.currentSchema)
  if (object !== undefined) {
    if (
      core.privileges.sees(session.rights, object) || core.privileges.has(session.rights, "GRANT ANY OBJECT PRIVILEGE")
    ) {
      return object
    }
  } else if (path.length < 3 && (path.length === 1 || path[0] === "SYS")) {
    const name = path.at(-1)!
    const kind = systemKind(core, name)
    if (kind !== undefined) {
      if (session.rights.user !== "SYS" && !core.privileges.has(session.rights, "GRANT ANY OBJECT PRIVILEGE")) {
        throw insufficient(at)
      }
      return { owner: "SYS", name, kind }
    }
  }
  const isExecute = terms.privileges.every(({ name }) => name === "EXECUTE")
  throw isExecute
    ? oraError(4042, "procedure, function, package, or package body does not exist", at)
    : core.catalog.missing(path, session.currentSchema, at)
}

/** Those that the object can have. */
const checkObjectPrivilege = (object: Guarded, { at, columns, name }: PrivilegeName): ReadonlyArray<string> => {
  const allowed = objectPrivileges[object.kind as PrivilegeKind] ?? []
  if (name === "ALL") return allowed
  if (!isObjectPrivilege(name)) throw invalidPrivilege(at)
  if (!allowed.includes(name)) {
    switch (object.kind) {
      case "view":
        throw oraError(2204, "ALTER, INDEX and EXECUTE not allowed for views", at)
      case "sequence":
        throw oraError(2205, "only SELECT and ALTER privileges are valid for sequences", at)
      case "table":
        throw oraError(2224, "EXECUTE privilege not allowed for tables", at)
      default:
        throw oraError(2225, "only EXECUTE and DEBUG privileges are valid for procedures", at)
    }
  }
  if (columns.length > 0 && !["INSERT", "UPDATE", "REFERENCES"].includes(name)) {
    throw oraError(969, "missing ON keyword", columns[0]!.at)
  }
  return [name]
}

const columnsOf = (core: Core, object: Guarded, columns: ReadonlyArray<Named>): ReadonlyArray<string | undefined> => {
  if (columns.length === 0) return [undefined]
  const full = core.catalog.objects.get(keyOf(object))
  return columns.map(({ at, name }) => {
    if (full?.kind === "table") columnOf(full, name, at)
    else if (full?.kind === "view" && !full.described.some((column) => column.name === name)) {
      throw oraError(904, `"${name}": invalid identifier`, at)
    }
    return name
  })
}

/** Tables that a view shows must be ones that its owner may show to others. */
const checkShown = (core: Core, object: Guarded, grantees: ReadonlyArray<string>): void => {
  const view = core.catalog.objects.get(keyOf(object))
  if (view?.kind !== "view" || grantees.every((grantee) => grantee === view.owner)) return
  for (const key of view.references ?? []) {
    const base = core.catalog.objects.get(key)
    if (
      base !== undefined && (base.kind === "table" || base.kind === "view") &&
      !core.privileges.mayShow(view.owner, base)
    ) {
      throw oraError(1720, `grant option does not exist for '${key}'`)
    }
  }
}

const grantObject = (core: Core, session: SessionState, terms: Grant): void => {
  const object = objectOf(core, session, terms)
  if (object === undefined) return
  const grantees = granteesOf(core, terms)
  const { rights } = session
  if (terms.option && grantees.some((grantee) => core.privileges.roles.has(grantee))) {
    throw oraError(1926, "cannot GRANT to a role WITH GRANT OPTION", terms.at)
  }
  if (grantees.includes(object.owner) || grantees.includes(rights.user)) {
    throw oraError(1749, "you may not GRANT/REVOKE privileges to/from yourself", terms.at)
  }
  checkShown(core, object, grantees)
  // A grant by the right to grant everything is the owner's.
  const isOwners = rights.user === object.owner || rights.user === "SYS" || (
    !core.privileges.grantsOn(keyOf(object)).some((grant) => grant.grantee === rights.user && grant.grantable) &&
    core.privileges.has(rights, "GRANT ANY OBJECT PRIVILEGE")
  )
  for (const privilege of terms.privileges) {
    const names = checkObjectPrivilege(object, privilege)
    const columns = columnsOf(core, object, privilege.columns)
    const mine = names.filter((name) =>
      columns.every((column) => core.privileges.mayGrant(rights, name, object, column))
    )
    if (mine.length === 0 || (privilege.name !== "ALL" && mine.length < names.length)) {
      throw core.privileges.sees(rights, object)
        ? insufficient(privilege.at)
        : core.catalog.missing(terms.on!.path, session.currentSchema, terms.on!.at)
    }
    for (const name of mine) {
      for (const grantee of grantees) {
        if (core.privileges.roles.has(grantee) && forUsersAlone.has(name)) {
          if (privilege.name === "ALL") continue
          throw oraError(1931, `cannot grant ${name} to a role`, privilege.at)
        }
        for (const column of columns) {
          core.privileges.grantObject({
            key: keyOf(object),
            kind: object.kind as PrivilegeKind,
            grantor: isOwners ? object.owner : rights.user,
            grantee,
            privilege: name,
            column,
            grantable: terms.option
          })
        }
      }
    }
  }
}

const revokeObject = (core: Core, session: SessionState, terms: Revoke): void => {
  const object = objectOf(core, session, terms)
  if (object === undefined) return
  const { rights } = session
  const grantees = granteesOf(core, terms)
  if (grantees.includes(rights.user)) {
    throw oraError(1749, "you may not GRANT/REVOKE privileges to/from yourself", terms.at)
  }
  const anyones = rights.user === object.owner || core.privileges.has(rights, "GRANT ANY OBJECT PRIVILEGE")
  for (const privilege of terms.privileges) {
    const names = checkObjectPrivilege(object, privilege)
    if (privilege.columns.length > 0) {
      throw oraError(1750, "UPDATE/REFERENCES may only be REVOKEd from the whole table, not by column", privilege.at)
    }
    for (const grantee of grantees) {
      const found = core.privileges.grantsOn(keyOf(object)).filter((grant) =>
        grant.grantee === grantee && names.includes(grant.privilege) &&
        (grant.grantor === rights.user || (anyones && grant.grantor === object.owner))
      )
      if (found.length === 0) throw oraError(1927, "cannot REVOKE privileges you did not grant", privilege.at)
      const foreign = [...core.catalog.tables()].find((table) =>
        table.owner === grantee && table.foreign.some(({ parent }) => keyOf(parent) === keyOf(object))
      )
      if (foreign !== undefined && found.some((grant) => grant.privilege === "REFERENCES")) {
        if (!terms.cascadeConstraints) {
          throw oraError(1981, "CASCADE CONSTRAINTS must be specified to perform this revoke", privilege.at)
        }
        const parent = core.catalog.objects.get(keyOf(object))
        for (const constraint of foreign.foreign.filter((candidate) => candidate.parent === parent)) {
          foreign.foreign.splice(foreign.foreign.indexOf(constraint), 1)
          const at = constraint.parent.children.findIndex((child) => child.constraint === constraint)
          if (at >= 0) constraint.parent.children.splice(at, 1)
        }
      }
      for (const grant of found) core.privileges.revokeObject(grant)
    }
  }
  core.catalog.invalidate(keyOf(object))
}

const mayGrantRole = (core: Core, rights: Rights, role: string): boolean =>
  rights.user === "SYS" || core.privileges.has(rights, "GRANT ANY ROLE") ||
  [rights.user, ...rights.roles].some((grantee) => core.privileges.roleGrant(grantee, role)?.admin === true)

const grantSystem = (core: Core, session: SessionState, terms: Grant): void => {
  const { privileges } = core
  const { rights } = session
  terms.passwords.forEach((password, i) => {
    const { at, name } = terms.grantees[i]!
    if (privileges.roles.has(name)) throw oraError(1917, `user or role '${name}' does not exist`, at)
    if (core.catalog.schemas.has(name)) core.host.accounts.alter(name, password, undefined)
    else core.addUser(name, password)
  })
  const grantees = granteesOf(core, terms)
  for (const { at, name } of terms.privileges) {
    if (privileges.roles.has(name) && !isSystemPrivilege(name)) {
      if (terms.schema !== undefined) throw invalidPrivilege(at)
      if (!mayGrantRole(core, rights, name)) throw oraError(1932, `ADMIN option not granted for role '${name}'`, at)
      for (const grantee of grantees) {
        if (grantee === name || privileges.rolesOf(name).has(grantee)) {
          throw oraError(1934, "circular role grant detected", at)
        }
        privileges.grantRole(grantee, name, terms.option)
      }
      continue
    }
    const names = name === "ALL" ? systemPrivileges : [name]
    if (!names.every(isSystemPrivilege)) {
      if (isObjectPrivilege(name)) throw oraError(990, "missing or invalid privilege", at)
      throw /[ ]/.test(name) ? invalidPrivilege(at) : oraError(1919, `role '${name}' does not exist`, at)
    }
    for (const privilege of names) {
      const isAllowed = administrative.has(privilege)
        ? rights.user === "SYS"
        : privileges.has(rights, terms.schema === undefined ? "GRANT ANY PRIVILEGE" : "GRANT ANY SCHEMA PRIVILEGE") ||
          privileges.hasWithAdmin(rights, privilege) || terms.schema?.name === rights.user
      if (!isAllowed) throw insufficient(at)
      if (terms.schema !== undefined) {
        if (!core.catalog.schemas.has(terms.schema.name)) {
          throw oraError(1918, `user '${terms.schema.name}' does not exist`, terms.schema.at)
        }
        if (!privilege.includes(" ANY ")) throw invalidPrivilege(at)
      }
      for (const grantee of grantees) {
        if (privileges.roles.has(grantee) && (forUsersAlone.has(privilege) || administrative.has(privilege))) {
          if (name === "ALL") continue
          throw oraError(1931, `cannot grant ${privilege} to a role`, at)
        }
        privileges.grantSystem(grantee, privilege, terms.schema?.name, terms.option)
      }
    }
  }
}

const revokeSystem = (core: Core, session: SessionState, terms: Revoke): void => {
  const { privileges } = core
  const { rights } = session
  const grantees = granteesOf(core, terms)
  for (const { at, name } of terms.privileges) {
    if (privileges.roles.has(name) && !isSystemPrivilege(name)) {
      if (!mayGrantRole(core, rights, name)) throw oraError(1932, `ADMIN option not granted for role '${name}'`, at)
      for (const grantee of grantees) {
        if (!privileges.revokeRole(grantee, name)) {
          throw oraError(1951, `ROLE '${name}' not granted to '${grantee}'`, at)
        }
      }
      continue
    }
    if (name !== "ALL" && !isSystemPrivilege(name)) {
      throw /[ ]/.test(name) || isObjectPrivilege(name)
        ? invalidPrivilege(at)
        : oraError(1919, `role '${name}' does not exist`, at)
    }
    for (const grantee of grantees) {
      for (const privilege of name === "ALL" ? systemPrivileges : [name]) {
        if (
          !privileges.has(rights, terms.schema === undefined ? "GRANT ANY PRIVILEGE" : "GRANT ANY SCHEMA PRIVILEGE") &&
          !privileges.hasWithAdmin(rights, privilege) && terms.schema?.name !== rights.user
        ) throw insufficient(at)
        if (!privileges.revokeSystem(grantee, privilege, terms.schema?.name) && name !== "ALL") {
          throw oraError(1952, `system privileges not granted to '${grantee}'`, at)
        }
      }
    }
  }
}

/** What was compiled with other privileges is compiled again. */
export const runGrant = (core: Core, session: SessionState, ddl: Grant | Revoke): void => {
  if (ddl.privileges.length === 0) {
    granteesOf(core, ddl)
    return
  }
  if (ddl.kind === "grant") {
    if (ddl.on === undefined) grantSystem(core, session, ddl)
    else grantObject(core, session, ddl)
  } else if (ddl.on === undefined) revokeSystem(core, session, ddl)
  else revokeObject(core, session, ddl)
  core.catalog.version++
}

/** The roles that a choice means, of those that the user has been granted. */
export const chosenRoles = (core: Core, user: string, choice: RoleChoice): ReadonlySet<string> => {
  const granted = [...core.privileges.rolesOf(user)]
  if (choice.kind === "none") return new Set()
  if (choice.kind === "all") {
    const except = new Set(choice.except.map(({ name }) => name))
    return core.privileges.within(granted.filter((role) => !except.has(role)))
  }
  return core.privileges.within(choice.roles.map(({ at, name }) => {
    if (!granted.includes(name)) throw oraError(1924, `role '${name}' not granted or does not exist`, at)
    return name
  }))
}

/** SET ROLE: a role with a password has to be named with it, unless ALL finds it without. */
export const setRoles = (core: Core, session: SessionState, choice: RoleChoice): void => {
  const { user } = session.info
  const roles = chosenRoles(core, user, choice)
  if (choice.kind === "some") {
    for (const { at, name, password } of choice.roles) {
      const wanted = core.privileges.roles.get(name)?.password
      if (wanted !== undefined && wanted !== password) {
        throw oraError(1979, `missing or invalid password for role '${name}'`, at)
      }
    }
  } else if (choice.kind === "all") {
    for (const role of roles) {
      if (core.privileges.roles.get(role)?.password !== undefined) {
        throw oraError(1979, `missing or invalid password for role '${role}'`)
      }
    }
  }
  session.rights = rightsOf(user, roles)
}
