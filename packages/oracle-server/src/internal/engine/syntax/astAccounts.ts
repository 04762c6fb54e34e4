/** The parsed form of statements about users, roles, profiles and privileges. */

/** What CREATE USER and ALTER USER say. */
export interface UserOptions {
  /** undefined where none is given: a user that has never had one cannot log on. */
  readonly password: string | undefined
  readonly account: "locked" | "open" | "expired" | undefined
  readonly profile: { readonly name: string; readonly at: number } | undefined
  readonly defaultTablespace: string | undefined
  readonly temporaryTablespace: string | undefined
  /** Bytes by tablespace; Infinity for UNLIMITED. */
  readonly quotas: ReadonlyArray<readonly [string, number]>
  readonly defaultRoles: RoleChoice | undefined
}

export interface Named {
  readonly name: string
  readonly at: number
}

/** Some roles, all of them, or all but some. */
export type RoleChoice =
  | { readonly kind: "none" }
  | { readonly kind: "all"; readonly except: ReadonlyArray<Named> }
  | { readonly kind: "some"; readonly roles: ReadonlyArray<Named & { readonly password: string | undefined }> }

/** A privilege or a role as GRANT and REVOKE name it. */
export interface PrivilegeName extends Named {
  readonly columns: ReadonlyArray<Named>
}

interface PrivilegeTerms {
  readonly privileges: ReadonlyArray<PrivilegeName>
  /** The object they are about; undefined for system privileges and roles. */
  readonly on: { readonly path: ReadonlyArray<string>; readonly at: number } | undefined
  /** `ON SCHEMA`: system privileges on the objects of one schema. */
  readonly schema: Named | undefined
  readonly grantees: ReadonlyArray<Named>
  readonly at: number
}

export type AccountDdl =
  | { readonly kind: "createUser"; readonly name: string; readonly options: UserOptions; readonly at: number }
  | { readonly kind: "alterUser"; readonly name: string; readonly options: UserOptions; readonly at: number }
  | {
    readonly kind: "proxyUser"
    readonly names: ReadonlyArray<Named>
    readonly grant: boolean
    readonly proxy: Named
    /** The roles that the client has in such a session. */
    readonly roles: RoleChoice
    readonly at: number
  }
  | { readonly kind: "dropUser"; readonly name: string; readonly cascade: boolean; readonly at: number }
  | {
    readonly kind: "createRole" | "alterRole"
    readonly name: string
    readonly password: string | undefined
    readonly at: number
  }
  | { readonly kind: "dropRole"; readonly name: string; readonly at: number }
  | {
    readonly kind: "createProfile" | "alterProfile"
    readonly name: string
    readonly limits: ReadonlyArray<readonly [string, string]>
    readonly at: number
  }
  | { readonly kind: "dropProfile"; readonly name: string; readonly cascade: boolean; readonly at: number }
  | PrivilegeTerms & {
    readonly kind: "grant"
    /** WITH ADMIN OPTION, or WITH GRANT OPTION. */
    readonly option: boolean
    /** GRANT … TO user IDENTIFIED BY: it makes the user, or gives another password. */
    readonly passwords: ReadonlyArray<string>
  }
  | PrivilegeTerms & { readonly kind: "revoke"; readonly cascadeConstraints: boolean }
