/** The users of a server: passwords, failed attempts, proxies. */
import type { EngineHost } from "../engine/engine.ts"
import type { Account } from "../ttc/ttcHost.ts"
import { makeVerifier, type Verifier, type VerifierKind } from "../ttc/verifier.ts"

export type AccountState = "open" | "expiring" | "locked" | "expired"

export interface UserSettings {
  readonly password: string
  readonly state?: AccountState
  readonly sysdba?: boolean
  readonly verifier?: VerifierKind
  /** Users that may open sessions for this one: `GRANT CONNECT THROUGH`. */
  readonly proxies?: ReadonlyArray<string>
}

class StoredUser implements Account {
  readonly name: string
  readonly sysdba: boolean
  state: AccountState
  verifier: Promise<Verifier>
  readonly #kind: VerifierKind
  readonly #proxies: ReadonlySet<string>
  readonly #maxFailures: number
  #failures = 0

  constructor(name: string, settings: UserSettings, kind: VerifierKind, maxFailures: number) {
    this.name = name
    this.sysdba = settings.sysdba ?? false
    this.state = settings.state ?? "open"
    this.#kind = kind
    this.#maxFailures = maxFailures
    this.#proxies = new Set((settings.proxies ?? []).map((proxy) => proxy.toUpperCase()))
    this.verifier = makeVerifier(kind, settings.password)
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

/** The users of a server. Only verifiers of their passwords are kept. */
export class Users {
  readonly #users = new Map<string, StoredUser>()
  readonly #kind: VerifierKind
  readonly #maxFailures: number

  constructor(kind: VerifierKind, maxFailures: number) {
    this.#kind = kind
    this.#maxFailures = maxFailures
  }

  set(name: string, settings: UserSettings): void {
    const key = name.toUpperCase()
    this.#users.set(key, new StoredUser(key, settings, settings.verifier ?? this.#kind, this.#maxFailures))
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
        this.#users.set(name, new StoredUser(name, { password }, this.#kind, this.#maxFailures))
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

  find(name: string): Account | undefined {
    return this.#users.get(name)
  }
}
