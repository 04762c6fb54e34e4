/** What the database keeps of its users beside their passwords: profiles with their limits, quotas, tablespaces. */

/** Limits by their names, as CREATE PROFILE gives them: a number, `UNLIMITED` or `DEFAULT`. */
type Limits = ReadonlyMap<string, string>

interface UserRecord {
  readonly name: string
  profile: string
  defaultTablespace: string
  temporaryTablespace: string
  /** Bytes by tablespace; Infinity for UNLIMITED. */
  readonly quotas: Map<string, number>
  /** Seconds since 1970. */
  readonly created: number
}

/** The limits of a profile, in the order of the manual, with those of DEFAULT. */
export const resourceLimits: ReadonlyArray<readonly [string, string]> = [
  ["COMPOSITE_LIMIT", "UNLIMITED"],
  ["SESSIONS_PER_USER", "UNLIMITED"],
  ["CPU_PER_SESSION", "UNLIMITED"],
  ["CPU_PER_CALL", "UNLIMITED"],
  ["LOGICAL_READS_PER_SESSION", "UNLIMITED"],
  ["LOGICAL_READS_PER_CALL", "UNLIMITED"],
  ["IDLE_TIME", "UNLIMITED"],
  ["CONNECT_TIME", "UNLIMITED"],
  ["PRIVATE_SGA", "UNLIMITED"]
]
export const passwordLimits: ReadonlyArray<readonly [string, string]> = [
  ["FAILED_LOGIN_ATTEMPTS", "UNLIMITED"],
  ["PASSWORD_LIFE_TIME", "180"],
  ["PASSWORD_REUSE_TIME", "UNLIMITED"],
  ["PASSWORD_REUSE_MAX", "UNLIMITED"],
  ["PASSWORD_VERIFY_FUNCTION", "NULL"],
  ["PASSWORD_LOCK_TIME", "1"],
  ["PASSWORD_GRACE_TIME", "7"],
  ["INACTIVE_ACCOUNT_TIME", "UNLIMITED"],
  ["PASSWORD_ROLLOVER_TIME", "0"]
]

export interface AccountsSnapshot {
  readonly users: ReadonlyArray<UserRecord>
  readonly profiles: ReadonlyMap<string, Limits>
}

const copyOf = (user: UserRecord): UserRecord => ({ ...user, quotas: new Map(user.quotas) })

export class Accounts {
  readonly users = new Map<string, UserRecord>()
  readonly profiles = new Map<string, Limits>([["DEFAULT", new Map([...resourceLimits, ...passwordLimits])]])

  add(name: string, created: number): UserRecord {
    const user: UserRecord = {
      name,
      profile: "DEFAULT",
      defaultTablespace: name === "SYS" || name === "SYSTEM" ? "SYSTEM" : "USERS",
      temporaryTablespace: "TEMP",
      quotas: new Map(),
      created
    }
    this.users.set(name, user)
    return user
  }

  /** A limit of the user's profile as it holds: what the profile leaves to DEFAULT is looked up there. */
  limit(user: string, name: string): string {
    const own = this.profiles.get(this.users.get(user)?.profile ?? "DEFAULT")?.get(name) ?? "DEFAULT"
    return own === "DEFAULT" ? this.profiles.get("DEFAULT")!.get(name)! : own
  }

  /** The same as a number; Infinity for UNLIMITED. */
  number(user: string, name: string): number {
    const limit = this.limit(user, name)
    return limit === "UNLIMITED" ? Infinity : Number(limit)
  }

  snapshot(): AccountsSnapshot {
    return { users: [...this.users.values()].map(copyOf), profiles: new Map(this.profiles) }
  }

  restore({ profiles, users }: AccountsSnapshot): void {
    this.users.clear()
    for (const user of users) this.users.set(user.name, copyOf(user))
    this.profiles.clear()
    for (const [name, limits] of profiles) this.profiles.set(name, limits)
  }
}
