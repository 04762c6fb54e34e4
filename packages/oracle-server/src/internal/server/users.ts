/** The accounts of a server: their verifiers, states and proxies, and how they are changed. */
import type { EngineHost } from "../engine/engine.ts"
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
}

interface UserFacts {
  readonly name: string
  readonly sysdba: boolean
  readonly externalName: string | undefined
  readonly state: AccountState
  readonly verifier: Promise<Verifier>
  readonly kind: VerifierKind
  readonly proxies: ReadonlySet<string>
  readonly failures: number
  readonly maxFailures: number
}

export class StoredUser implements Account {
  readonly name: string
  readonly sysdba: boolean
  readonly externalName: string | undefined
  state: AccountState
  verifier: Promise<Verifier>
  readonly #kind: VerifierKind
  readonly #proxies: ReadonlySet<string>
  readonly #maxFailures: number
  #failures: number

  constructor(facts: UserFacts) {
    this.name = facts.name
    this.sysdba = facts.sysdba
    this.externalName = facts.externalName
    this.state = facts.state
    this.verifier = facts.verifier
    this.#kind = facts.kind
    this.#proxies = facts.proxies
    this.#maxFailures = facts.maxFailures
    this.#failures = facts.failures
  }

  /** The same account, with the same password, of another server or for later. */
  copy(): StoredUser {
    return new StoredUser({
      name: this.name,
      sysdba: this.sysdba,
      externalName: this.externalName,
      state: this.state,
      verifier: this.verifier,
      kind: this.#kind,
      proxies: this.#proxies,
      failures: this.#failures,
      maxFailures: this.#maxFailures
    })
  }

  allowsProxy(proxy: string): boolean {
    return this.#proxies.has(proxy)
  }

  async changePassword(password: string): Promise<void> {
    this.verifier = makeVerifier(this.#kind, password)
    await this.verifier
    if (this.state === "expired" || this.state === "expiring") this.state = "open"
  }

  refused(): void {
    this.#failures++
    if (this.#failures >= this.#maxFailures) this.state = "locked"
  }

  accepted(): void {
    this.#failures = 0
  }
}

/** The users of a server as they were at one moment. */
export interface UsersSnapshot {
  readonly users: ReadonlyMap<string, StoredUser>
}

/** The users of a server. Only verifiers of their passwords are kept. */
export class Users {
  readonly #users = new Map<string, StoredUser>()
  readonly #kind: VerifierKind
  readonly #maxFailures: number

  constructor(kind: VerifierKind, maxFailures: number) {
    this.#kind = kind
    this.#maxFailures = maxFailures
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
      proxies: new Set((settings.proxies ?? []).map((proxy) => proxy.toUpperCase())),
      failures: 0,
      maxFailures: this.#maxFailures
    })
  }

  set(name: string, settings: UserSettings): void {
    const key = name.toUpperCase()
    this.#users.set(key, this.#make(key, settings))
  }

  remove(name: string): boolean {
    return this.#users.delete(name.toUpperCase())
  }

  setState(name: string, state: AccountState): boolean {
    const user = this.#users.get(name.toUpperCase())
    if (user === undefined) return false
    user.state = state
    if (state === "open") user.accepted()
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

  /** What CREATE, ALTER and DROP USER do. A user without a password has a schema and cannot log on. */
  readonly accounts: EngineHost["accounts"] = {
    create: (name, password) => {
      if (password !== undefined) {
        this.#users.set(name, this.#make(name, { password }))
      }
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
    }
  }

  snapshot(): UsersSnapshot {
    return { users: new Map([...this.#users].map(([name, user]) => [name, user.copy()])) }
  }

  restore({ users }: UsersSnapshot): void {
    this.#users.clear()
    for (const [name, user] of users) this.#users.set(name, user.copy())
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
