/** Runs CREATE, ALTER and DROP of users, roles and profiles. Passwords and whether an account is open are the server's. */
import { passwordLimits, resourceLimits } from "../catalog/accounts.ts"
import { keyOf } from "../catalog/catalog.ts"
import type { AccountDdl, Named, UserOptions } from "../syntax/astAccounts.ts"
import { oraError } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { Core } from "./core.ts"
import { dropTable } from "./definitions.ts"
import { chosenRoles } from "./grants.ts"
import { tablespaceNames } from "./tablespaces.ts"

type Definition = Exclude<AccountDdl, { kind: "grant" | "revoke" }>

const limitNames = new Set([...resourceLimits, ...passwordLimits].map(([name]) => name))

const noUser = ({ at, name }: Named) => oraError(1918, `user '${name}' does not exist`, at)

const applyOptions = (core: Core, name: string, options: UserOptions, at: number): void => {
  const user = core.accounts.users.get(name) ?? core.accounts.add(name, Math.floor(core.host.now() / 1000))
  const tablespace = (wanted: string): string => {
    if (!tablespaceNames.includes(wanted)) throw oraError(959, `tablespace '${wanted}' does not exist`, at)
    return wanted
  }
  if (options.profile !== undefined) {
    if (!core.accounts.profiles.has(options.profile.name)) {
      throw oraError(2380, `profile ${options.profile.name} does not exist`, options.profile.at)
    }
    user.profile = options.profile.name
  }
  if (options.defaultTablespace !== undefined) user.defaultTablespace = tablespace(options.defaultTablespace)
  if (options.temporaryTablespace !== undefined) user.temporaryTablespace = tablespace(options.temporaryTablespace)
  for (const [wanted, bytes] of options.quotas) user.quotas.set(tablespace(wanted), bytes)
  const choice = options.defaultRoles
  if (choice === undefined) return
  const granted = core.privileges.rolesOf(name)
  if (choice.kind === "some") {
    for (const role of choice.roles) {
      if (core.privileges.roleGrant(name, role.name) === undefined) {
        throw oraError(1955, `DEFAULT ROLE '${role.name}' not granted to user`, role.at)
      }
    }
  }
  const kept = chosenRoles(core, name, choice)
  core.privileges.withoutDefault.set(name, new Set([...granted].filter((role) => !kept.has(role))))
}

const conflict = (core: Core, name: string, at: number, code: number): void => {
  if (!core.catalog.schemas.has(name) && !core.privileges.roles.has(name)) return
  throw code === 1920
    ? oraError(1920, `user name '${name}' conflicts with another user or role name`, at)
    : oraError(1921, `role name '${name}' conflicts with another user or role name`, at)
}

const dropUser = (core: Core, { at, cascade, name }: Extract<Definition, { kind: "dropUser" }>): void => {
  const { catalog } = core
  if (!catalog.schemas.has(name)) throw noUser({ at, name })
  if ([...core.sessions.values()].some(({ state }) => state.info.user === name)) {
    throw oraError(1940, "cannot drop a user that is currently connected", at)
  }
  const owned = [...catalog.objects.values()].filter((object) => object.owner === name)
  if (owned.length > 0 && !cascade) throw oraError(1922, `CASCADE must be specified to drop '${name}'`, at)
  for (const [key, trigger] of catalog.triggers) {
    if (trigger.owner === name) {
      catalog.triggers.delete(key)
      catalog.invalidate(key)
    }
  }
  // Others' foreign keys to these tables go with them.
  for (const object of owned) {
    if (object.kind === "table") {
      for (const { constraint, table } of object.children) {
        const place = table.foreign.indexOf(constraint)
        if (place >= 0) table.foreign.splice(place, 1)
      }
      dropTable(core, object)
    } else catalog.remove(object)
    core.privileges.forgetObject(keyOf(object))
  }
  core.host.accounts.drop(name)
  core.accounts.users.delete(name)
  core.privileges.forget(name)
  catalog.schemas.delete(name)
  catalog.version++
}

const checkedLimits = (
  limits: ReadonlyArray<readonly [string, string]>,
  at: number
): ReadonlyArray<readonly [string, string]> => {
  const seen = new Set<string>()
  for (const [name, value] of limits) {
    if (!limitNames.has(name) || seen.has(name)) throw oraError(2376, "invalid or redundant resource", at)
    seen.add(name)
    const isNumber = /^\d*\.?\d+(e-?\d+)?$/i.test(value)
    const isWord = value === "UNLIMITED" || value === "DEFAULT" || name === "PASSWORD_VERIFY_FUNCTION"
    if ((!isNumber && !isWord) || (isNumber && Number(value) <= 0 && name !== "PASSWORD_ROLLOVER_TIME")) {
      throw oraError(2377, `invalid profile limit ${name}`, at)
    }
  }
  return limits
}

export const defineAccount = (core: Core, session: SessionState, ddl: Definition): void => {
  const { accounts, privileges } = core
  switch (ddl.kind) {
    case "createUser":
      conflict(core, ddl.name, ddl.at, 1920)
      core.addUser(ddl.name, ddl.options.password)
      try {
        applyOptions(core, ddl.name, ddl.options, ddl.at)
      } catch (error) {
        core.host.accounts.drop(ddl.name)
        core.catalog.schemas.delete(ddl.name)
        accounts.users.delete(ddl.name)
        throw error
      }
      if (ddl.options.account !== undefined) core.host.accounts.alter(ddl.name, undefined, ddl.options.account)
      return
    case "alterUser":
      if (!core.catalog.schemas.has(ddl.name)) throw noUser(ddl)
      applyOptions(core, ddl.name, ddl.options, ddl.at)
      core.host.accounts.alter(ddl.name, ddl.options.password, ddl.options.account)
      return
    case "proxyUser": {
      for (const { at, name } of [...ddl.names, ddl.proxy]) {
        if (!core.catalog.schemas.has(name)) throw noUser({ at, name })
      }
      for (const { name } of ddl.names) {
        const roles = ddl.roles.kind === "some" ? [...chosenRoles(core, name, ddl.roles)] : ddl.roles.kind
        if (!core.host.accounts.proxy(name, ddl.proxy.name, ddl.grant ? roles : undefined)) {
          throw ddl.grant
            ? oraError(1918, `user '${name}' does not exist`, ddl.at)
            : oraError(28150, "proxy not authorized to connect as client", ddl.at)
        }
      }
      return
    }
    case "dropUser":
      return dropUser(core, ddl)
    case "createRole":
      conflict(core, ddl.name, ddl.at, 1921)
      privileges.roles.set(ddl.name, { name: ddl.name, password: ddl.password, predefined: false })
      // Who makes a role has it.
      privileges.grantRole(session.rights.user, ddl.name, true)
      return
    case "alterRole": {
      const role = privileges.roles.get(ddl.name)
      if (role === undefined || ddl.name === "PUBLIC") throw oraError(1919, `role '${ddl.name}' does not exist`, ddl.at)
      role.password = ddl.password
      return
    }
    case "dropRole":
      if (!privileges.roles.has(ddl.name)) throw oraError(1919, `role '${ddl.name}' does not exist`, ddl.at)
      privileges.forget(ddl.name)
      core.catalog.version++
      return
    case "createProfile":
      if (accounts.profiles.has(ddl.name)) throw oraError(2379, `profile ${ddl.name} already exists`, ddl.at)
      accounts.profiles.set(ddl.name, new Map(checkedLimits(ddl.limits, ddl.at)))
      return
    case "alterProfile": {
      const profile = accounts.profiles.get(ddl.name)
      if (profile === undefined) throw oraError(2380, `profile ${ddl.name} does not exist`, ddl.at)
      const limits = checkedLimits(ddl.limits, ddl.at)
      if (ddl.name === "DEFAULT" && limits.some(([, value]) => value === "DEFAULT")) {
        throw oraError(2377, "invalid profile limit DEFAULT", ddl.at)
      }
      accounts.profiles.set(ddl.name, new Map([...profile, ...limits]))
      return
    }
    case "dropProfile": {
      if (ddl.name === "DEFAULT") throw oraError(2381, "cannot drop DEFAULT profile", ddl.at)
      if (!accounts.profiles.has(ddl.name)) throw oraError(2380, `profile ${ddl.name} does not exist`, ddl.at)
      const users = [...accounts.users.values()].filter(({ profile }) => profile === ddl.name)
      if (users.length > 0 && !ddl.cascade) {
        throw oraError(2382, `profile ${ddl.name} has users assigned, cannot drop without CASCADE`, ddl.at)
      }
      for (const user of users) user.profile = "DEFAULT"
      accounts.profiles.delete(ddl.name)
    }
  }
}
