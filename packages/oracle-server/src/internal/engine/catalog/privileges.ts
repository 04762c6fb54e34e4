/**
 * Who may do what: the system privileges, roles and object privileges that were granted, and the questions that statements ask.
 *
 * SYS may do everything, and an owner everything with what is his own. This is the only place that knows of grants; running
 * GRANT and REVOKE, with their errors, is `statements/grants.ts`.
 */
import { definerRights, type Rights } from "../values/rights.ts"
import {
  anyPrivileges,
  objectPrivileges,
  predefinedRoles,
  type PrivilegeKind,
  rolesOfRoles,
  systemPrivileges
} from "./privilegeNames.ts"

interface Role {
  readonly name: string
  /** What SET ROLE has to say, where the role has a password. */
  password: string | undefined
  readonly predefined: boolean
}

export interface ObjectGrant {
  /** `OWNER.NAME` of the object. */
  readonly key: string
  readonly kind: PrivilegeKind
  readonly grantor: string
  readonly grantee: string
  readonly privilege: string
  /** Of a privilege on one column. */
  readonly column: string | undefined
  grantable: boolean
}

interface SystemRight {
  readonly privilege: string
  /** Of a privilege on the objects of one schema. */
  readonly schema: string | undefined
  readonly admin: boolean
}

export interface SystemGrant extends SystemRight {
  readonly grantee: string
}

type SystemRights = ReadonlyMap<string, SystemRight>

const rights = (privileges: ReadonlyArray<string>, admin: boolean): SystemRights =>
  new Map(privileges.map((privilege) => [privilege, { privilege, schema: undefined, admin }]))

/** What users and roles with every privilege share until one of them differs. */
const everything = rights(systemPrivileges, true)
const predefined = new Map(
  Object.entries(predefinedRoles).map(([name, list]) => [
    name,
    name === "DBA"
      ? everything
      : rights(list === "*" ? systemPrivileges : list.split(",").filter((each) => each !== ""), false)
  ])
)

export interface RoleGrant {
  readonly grantee: string
  readonly role: string
  admin: boolean
}

/** An object as privileges see it. */
export interface Guarded {
  readonly owner: string
  readonly name: string
  readonly kind: string
}

export interface PrivilegesSnapshot {
  readonly roles: ReadonlyArray<Role>
  readonly system: ReadonlyMap<string, SystemRights>
  readonly roleGrants: ReadonlyArray<RoleGrant>
  readonly objects: ReadonlyArray<ObjectGrant>
  readonly withoutDefault: ReadonlyMap<string, ReadonlySet<string>>
}

const systemKey = (privilege: string, schema: string | undefined): string =>
  schema === undefined ? privilege : `${privilege}@${schema}`

export class Privileges {
  readonly roles = new Map<string, Role>()
  readonly #system = new Map<string, SystemRights>(predefined)
  readonly #roles = new Map<string, Map<string, RoleGrant>>()
  readonly #objects = new Map<string, Array<ObjectGrant>>()
  /** Roles of a user that a log-on does not enable. */
  readonly withoutDefault = new Map<string, ReadonlySet<string>>()

  constructor() {
    for (const name of predefined.keys()) this.roles.set(name, { name, password: undefined, predefined: true })
    for (const [name, inner] of Object.entries(rolesOfRoles)) {
      for (const role of inner) this.grantRole(name, role, false)
    }
    for (const user of ["SYS", "SYSTEM"]) this.grantEverything(user)
  }

  /** What a user has that the server's options name: nothing is refused to them, neither in SQL nor in stored units. */
  grantEverything(user: string): void {
    this.grantRole(user, "DBA", true)
    this.#system.set(user, everything)
  }

  grantSystem(grantee: string, privilege: string, schema: string | undefined, admin: boolean): void {
    const own = this.#system.get(grantee) ?? new Map()
    const key = systemKey(privilege, schema)
    const known = own.get(key)
    if (known !== undefined && (known.admin || !admin)) return
    this.#system.set(grantee, new Map(own).set(key, { privilege, schema, admin }))
  }

  revokeSystem(grantee: string, privilege: string, schema: string | undefined): boolean {
    const own = new Map(this.#system.get(grantee))
    const hadIt = own.delete(systemKey(privilege, schema))
    if (hadIt) this.#system.set(grantee, own)
    return hadIt
  }

  grantRole(grantee: string, role: string, admin: boolean): void {
    let own = this.#roles.get(grantee)
    if (own === undefined) this.#roles.set(grantee, own = new Map())
    const known = own.get(role)
    if (known === undefined) own.set(role, { grantee, role, admin })
    else known.admin ||= admin
  }

  revokeRole(grantee: string, role: string): boolean {
    return this.#roles.get(grantee)?.delete(role) === true
  }

  grantObject(grant: ObjectGrant): void {
    const list = this.#objects.get(grant.key) ?? []
    const known = list.find((other) =>
      other.grantor === grant.grantor && other.grantee === grant.grantee && other.privilege === grant.privilege &&
      other.column === grant.column
    )
    if (known === undefined) list.push(grant)
    else known.grantable ||= grant.grantable
    this.#objects.set(grant.key, list)
  }

  /** Takes it away, and what its holder has granted on by it. */
  revokeObject(grant: ObjectGrant): void {
    const list = this.#objects.get(grant.key) ?? []
    const rest = list.filter((other) => other !== grant)
    this.#objects.set(grant.key, rest)
    const still = rest.some((other) =>
      other.grantee === grant.grantee && other.privilege === grant.privilege && other.grantable
    )
    if (still) return
    for (const other of list) {
      if (other !== grant && other.grantor === grant.grantee && other.privilege === grant.privilege) {
        this.revokeObject(other)
      }
    }
  }

  /** An object is gone, and every grant on it. */
  forgetObject(key: string): void {
    this.#objects.delete(key)
  }

  /** A renamed object keeps its grants. */
  renameObject(from: string, to: string): void {
    const list = this.#objects.get(from)
    if (list === undefined) return
    this.#objects.delete(from)
    this.#objects.set(to, list.map((grant) => ({ ...grant, key: to })))
  }

  /** A user or a role is gone: what it had, and what others have through it. */
  forget(name: string): void {
    this.#system.delete(name)
    this.#roles.delete(name)
    this.withoutDefault.delete(name)
    for (const own of this.#roles.values()) own.delete(name)
    for (const { grantee, privilege, schema } of this.systemGrants()) {
      if (schema === name) this.revokeSystem(grantee, privilege, schema)
    }
    for (const list of this.#objects.values()) {
      for (const grant of list) if (grant.grantee === name || grant.grantor === name) this.revokeObject(grant)
    }
    this.roles.delete(name)
  }

  *systemGrants(): Iterable<SystemGrant> {
    for (const [grantee, own] of this.#system) for (const right of own.values()) yield { grantee, ...right }
  }

  *roleGrants(): Iterable<RoleGrant> {
    for (const own of this.#roles.values()) yield* own.values()
  }

  *objectGrants(): Iterable<ObjectGrant> {
    for (const list of this.#objects.values()) yield* list
  }

  grantsOn(key: string): ReadonlyArray<ObjectGrant> {
    return this.#objects.get(key) ?? []
  }

  roleGrant(grantee: string, role: string): RoleGrant | undefined {
    return this.#roles.get(grantee)?.get(role)
  }

  /** The roles of a user or a role, with those within them. */
  rolesOf(grantee: string): ReadonlySet<string> {
    return this.within([...this.#roles.get(grantee)?.keys() ?? [], ...this.#roles.get("PUBLIC")?.keys() ?? []])
  }

  /** These roles, with those within them. */
  within(roles: Iterable<string>): ReadonlySet<string> {
    const found = new Set<string>()
    const add = (role: string): void => {
      if (found.has(role) || !this.roles.has(role)) return
      found.add(role)
      for (const inner of this.#roles.get(role)?.keys() ?? []) add(inner)
    }
    for (const role of roles) add(role)
    return found
  }

  /** Those that a log-on enables. A role with a password is enabled by default like any other. */
  defaultRoles(user: string): ReadonlySet<string> {
    const without = this.withoutDefault.get(user)
    const own = [...this.#roles.get(user)?.keys() ?? []].filter((role) => without?.has(role) !== true)
    return this.within([...own, ...this.#roles.get("PUBLIC")?.keys() ?? []])
  }

  #grantees({ roles, user }: Rights): ReadonlyArray<string> {
    return [user, "PUBLIC", ...roles]
  }

  /** A system privilege, also one that is limited to the schema that is asked for. */
  has(rights: Rights, privilege: string, schema?: string): boolean {
    if (rights.user === "SYS") return true
    for (const grantee of this.#grantees(rights)) {
      const own = this.#system.get(grantee)
      if (own === undefined) continue
      if (own.has(privilege) || (schema !== undefined && own.has(systemKey(privilege, schema)))) return true
    }
    return false
  }

  hasWithAdmin(rights: Rights, privilege: string): boolean {
    return rights.user === "SYS" ||
      this.#grantees(rights).some((grantee) => this.#system.get(grantee)?.get(privilege)?.admin === true)
  }

  /** The system privileges of these rights. */
  systemOf(rights: Rights): ReadonlyArray<string> {
    if (rights.user === "SYS") return systemPrivileges
    const found = new Set<string>()
    for (const grantee of this.#grantees(rights)) {
      for (const grant of this.#system.get(grantee)?.values() ?? []) {
        if (grant.schema === undefined) found.add(grant.privilege)
      }
    }
    return [...found].toSorted()
  }

  /** Whether a privilege on the object is there, for all of these columns where it is one on columns. */
  allows(rights: Rights, privilege: string, object: Guarded, columns?: ReadonlyArray<string>): boolean {
    const { user } = rights
    if (user === object.owner || user === "SYS") return true
    const list = this.#objects.get(`${object.owner}.${object.name}`)
    if (list !== undefined) {
      const mine = list.filter((grant) =>
        (grant.privilege === privilege || (privilege === "READ" && grant.privilege === "SELECT")) &&
        (grant.grantee === user || grant.grantee === "PUBLIC" || rights.roles.has(grant.grantee))
      )
      if (mine.some((grant) => grant.column === undefined)) return true
      if (
        mine.length > 0 && columns !== undefined &&
        columns.every((column) => mine.some((grant) => grant.column === column))
      ) return true
    }
    return anyPrivileges(privilege, object.kind as PrivilegeKind).some((any) => this.has(rights, any, object.owner))
  }

  /** Whether the object is there at all for these rights. */
  sees(rights: Rights, object: Guarded): boolean {
    const { user } = rights
    if (user === object.owner || user === "SYS") return true
    const list = this.#objects.get(`${object.owner}.${object.name}`)
    if (
      list?.some(({ grantee }) => grantee === user || grantee === "PUBLIC" || rights.roles.has(grantee)) === true
    ) return true
    const kind = object.kind as PrivilegeKind
    return objectPrivileges[kind]?.some((privilege) =>
      anyPrivileges(privilege, kind).some((any) => this.has(rights, any, object.owner))
    ) ?? true
  }

  /** Whether the privilege may be granted on. */
  mayGrant(rights: Rights, privilege: string, object: Guarded, column?: string): boolean {
    const { roles, user } = rights
    if (user === object.owner || this.has(rights, "GRANT ANY OBJECT PRIVILEGE")) return true
    return this.grantsOn(`${object.owner}.${object.name}`).some((grant) =>
      grant.privilege === privilege && grant.grantable && (grant.column === undefined || grant.column === column) &&
      (grant.grantee === user || grant.grantee === "PUBLIC" || roles.has(grant.grantee))
    )
  }

  /** Whether an owner may show the object to others through a view of his own. */
  mayShow(owner: string, object: Guarded): boolean {
    if (owner === object.owner || owner === "SYS") return true
    return this.has(definerRights(owner), "SELECT ANY TABLE") ||
      this.grantsOn(`${object.owner}.${object.name}`).some((grant) =>
        grant.grantable && (grant.privilege === "SELECT" || grant.privilege === "READ") && grant.grantee === owner
      )
  }

  snapshot(): PrivilegesSnapshot {
    return {
      roles: [...this.roles.values()].map((role) => ({ ...role })),
      system: new Map(this.#system),
      roleGrants: [...this.roleGrants()].map((grant) => ({ ...grant })),
      objects: [...this.objectGrants()].map((grant) => ({ ...grant })),
      withoutDefault: new Map(this.withoutDefault)
    }
  }

  restore(snapshot: PrivilegesSnapshot): void {
    this.roles.clear()
    this.#system.clear()
    this.#roles.clear()
    this.#objects.clear()
    this.withoutDefault.clear()
    for (const role of snapshot.roles) this.roles.set(role.name, { ...role })
    for (const [grantee, own] of snapshot.system) this.#system.set(grantee, own)
    for (const { admin, grantee, role } of snapshot.roleGrants) this.grantRole(grantee, role, admin)
    for (const grant of snapshot.objects) this.grantObject({ ...grant })
    for (const [user, roles] of snapshot.withoutDefault) this.withoutDefault.set(user, roles)
  }
}
