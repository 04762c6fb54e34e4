/** The accounts of a server: their verifiers, states and proxies, and how they are changed. */
import { randomBytes } from "node:crypto"
import type { EngineHost, LogOnLimits, ProxyRoles } from "../engine/engine.ts"
import type { Account } from "../ttc/ttcHost.ts"
import { makeVerifier, type Verifier, type VerifierKind } from "../ttc/verifier.ts"
import { isSameName } from "./distinguishedName.ts"

export type AccountState = "open" | "expiring" | "locked" | "expired"

export interface UserSettings {
  readonly password: string
  readonly state?: AccountState
  readonly sysdba?: boolean
  /**
   * Who may log on as this user without a password: the subject of a client's certificate (`CN=scott,O=Shop`), or the `sub` of a
   * token.
   */
  readonly externalName?: string
  readonly verifier?: VerifierKind
  /** Users that may open sessions for this one: `GRANT CONNECT THROUGH`. */
  readonly proxies?: ReadonlyArray<string>
  /**
   * The roles the user is granted, and nothing else. Default: every privilege, so that a test may do what it likes; with
   * `["CONNECT", "RESOURCE"]` or less, privileges are checked as a database checks them. It counts when the user is new.
   */
  readonly roles?: ReadonlyArray<string>
}

interface UserFacts {
  readonly name: string
  readonly sysdba: boolean
  readonly externalName: string | undefined
  readonly state: AccountState
  readonly verifier: Promise<Verifier>
  readonly kind: VerifierKind
  readonly proxies: ReadonlyMap<string, ProxyRoles>
  readonly failures: number
  readonly passwordSince: number
  readonly surroundings: Surroundings
}

/** What the accounts of a server ask for. */
interface Surroundings {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly limits: (user: string) => LogOnLimits
}

class StoredUser implements Account {
  readonly name: string
  readonly sysdba: boolean
  readonly externalName: string | undefined
  verifier: Promise<Verifier>
  readonly #kind: VerifierKind
  readonly proxies: Map<string, ProxyRoles>
  readonly #surroundings: Surroundings
  #state: AccountState
  #failures: number
  /** When wrong passwords have locked it: it opens again after a while. */
  #lockedAt: number | undefined
  #passwordSince: number
  /** The first log-on after the password's time was over: the grace period begins. */
  #graceSince: number | undefined

  constructor(facts: UserFacts) {
    this.name = facts.name
    this.sysdba = facts.sysdba
    this.externalName = facts.externalName
    this.#state = facts.state
    this.verifier = facts.verifier
    this.#kind = facts.kind
    this.proxies = new Map(facts.proxies)
    this.#surroundings = facts.surroundings
    this.#failures = facts.failures
    this.#passwordSince = facts.passwordSince
  }

  get state(): AccountState {
    const now = this.#surroundings.now()
    const { graceTime, lifeTime, lockTime } = this.#surroundings.limits(this.name)
    if (this.#lockedAt !== undefined && now - this.#lockedAt >= lockTime) this.#set("open")
    if (this.#state !== "open" || now - this.#passwordSince < lifeTime) return this.#state
    return this.#graceSince !== undefined && now - this.#graceSince >= graceTime ? "expired" : "expiring"
  }

  set state(state: AccountState) {
    this.#set(state)
  }

  #set(state: AccountState): void {
    this.#state = state
    this.#lockedAt = undefined
    if (state === "open") this.#failures = 0
  }

  /** As `dba_users` gives it. */
  get status(): string {
    switch (this.state) {
      case "locked":
        return this.#lockedAt === undefined ? "LOCKED" : "LOCKED(TIMED)"
      case "expired":
        return "EXPIRED"
      case "expiring":
        return "EXPIRED(GRACE)"
      case "open":
        return "OPEN"
    }
  }

  /** The same account, with the same password, of another server or for later. */
  copy(surroundings = this.#surroundings): StoredUser {
    return new StoredUser({
      name: this.name,
      sysdba: this.sysdba,
      externalName: this.externalName,
      state: this.#state,
      verifier: this.verifier,
      kind: this.#kind,
      proxies: this.proxies,
      failures: this.#failures,
      passwordSince: this.#passwordSince,
      surroundings
    })
  }

  allowsProxy(proxy: string): boolean {
    return this.proxies.has(proxy)
  }

  async changePassword(password: string): Promise<void> {
    this.verifier = makeVerifier(this.#kind, password)
    this.#passwordSince = this.#surroundings.now()
    this.#graceSince = undefined
    if (this.#state === "expired" || this.#state === "expiring") this.state = "open"
    await this.verifier
  }

  refused(): void {
    this.#failures++
    if (this.#state !== "open" || this.#failures < this.#surroundings.limits(this.name).failedAttempts) return
    this.#state = "locked"
    this.#lockedAt = this.#surroundings.now()
  }

  accepted(): void {
    this.#failures = 0
    if (this.#state === "open" && this.state === "expiring") this.#graceSince ??= this.#surroundings.now()
  }
}

/** The users of a server as they were at one moment. */
export interface UsersSnapshot {
  readonly users: ReadonlyMap<string, StoredUser>
}

/** The users of a server. Only verifiers of their passwords are kept. */
export class Users {
  readonly #users = new Map<string, StoredUser>()
  readonly #roles = new Map<string, ReadonlyArray<string>>()
  readonly #kind: VerifierKind
  readonly #surroundings: Surroundings
  /** What the profiles of the database say; set once there is one. */
  limits: (user: string) => LogOnLimits = () => ({
    failedAttempts: Infinity,
    lockTime: Infinity,
    lifeTime: Infinity,
    graceTime: Infinity
  })

  constructor(kind: VerifierKind, maxFailures: number, now: () => number = Date.now) {
    this.#kind = kind
    this.#surroundings = {
      now,
      limits: (user) => {
        const limits = this.limits(user)
        // An option of the server counts for every user.
        return maxFailures < limits.failedAttempts
          ? { ...limits, failedAttempts: maxFailures, lockTime: Infinity }
          : limits
      }
    }
  }

  #make(name: string, settings: UserSettings): StoredUser {
    const kind = settings.verifier ?? this.#kind
    return new StoredUser({
      name,
      sysdba: settings.sysdba ?? false,
      externalName: settings.externalName,
      state: settings.state ?? "open",
      verifier: makeVerifier(kind, settings.password),
      kind,
      proxies: new Map((settings.proxies ?? []).map((proxy) => [proxy.toUpperCase(), "all"])),
      failures: 0,
      passwordSince: this.#surroundings.now(),
      surroundings: this.#surroundings
    })
  }

  set(name: string, settings: UserSettings): void {
    const key = name.toUpperCase()
    this.#users.set(key, this.#make(key, settings))
    if (settings.roles !== undefined) this.#roles.set(key, settings.roles)
  }

  /** The roles that a new user is granted in the databases; undefined for every privilege. */
  rolesOf(name: string): ReadonlyArray<string> | undefined {
    return this.#roles.get(name.toUpperCase())
  }

  remove(name: string): boolean {
    return this.#users.delete(name.toUpperCase())
  }

  setState(name: string, state: AccountState): boolean {
    const user = this.#users.get(name.toUpperCase())
    if (user === undefined) return false
    user.state = state
    return true
  }

  async setPassword(name: string, password: string): Promise<boolean> {
    const user = this.#users.get(name.toUpperCase())
    if (user === undefined) return false
    await user.changePassword(password)
    return true
  }

  names(): ReadonlyArray<string> {
    return [...this.#users.keys()]
  }

  /** What CREATE, ALTER and DROP USER do. */
  readonly accounts: EngineHost["accounts"] = {
    create: (name, password) => {
      // Without a password only a proxy can log on for it: no one knows this one.
      this.#users.set(name, this.#make(name, { password: password ?? randomBytes(24).toString("hex") }))
    },
    alter: (name, password, state) => {
      if (password !== undefined) {
        const known = this.#users.get(name)
        if (known === undefined) this.accounts.create(name, password)
        else void known.changePassword(password)
      }
      if (state !== undefined) this.setState(name, state)
    },
    drop: (name) => {
      this.#users.delete(name)
      for (const user of this.#users.values()) user.proxies.delete(name)
    },
    proxy: (name, proxy, roles) => {
      const user = this.#users.get(name)
      if (user === undefined) return false
      if (roles === undefined) return user.proxies.delete(proxy)
      user.proxies.set(proxy, roles)
      return true
    },
    proxies: (name) => this.#users.get(name)?.proxies ?? new Map(),
    status: (name) => this.#users.get(name)?.status ?? "OPEN"
  }

  snapshot(): UsersSnapshot {
    return { users: new Map([...this.#users].map(([name, user]) => [name, user.copy()])) }
  }

  restore({ users }: UsersSnapshot): void {
    this.#users.clear()
    for (const [name, user] of users) this.#users.set(name, user.copy(this.#surroundings))
  }

  /** The user that a certificate's subject or a token stands for. */
  findExternal(name: string): Account | undefined {
    for (const user of this.#users.values()) {
      if (user.externalName !== undefined && isSameName(user.externalName, name)) return user
    }
    return undefined
  }

  find(name: string): Account | undefined {
    return this.#users.get(name)
  }
}
