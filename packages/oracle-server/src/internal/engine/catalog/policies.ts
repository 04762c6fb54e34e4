/** Row level security: which rows of a table a statement sees, by the predicate that a function gives. */
export type PolicyStatement = "SELECT" | "INSERT" | "UPDATE" | "DELETE"

export interface Policy {
  readonly name: string
  /** Key of the table. */
  readonly object: string
  readonly functionPath: ReadonlyArray<string>
  readonly statements: ReadonlySet<PolicyStatement>
  /** A row that INSERT or UPDATE leaves has to satisfy the predicate too. */
  readonly updateCheck: boolean
  /** As the dictionary shows it. */
  readonly type: string
  enabled: boolean
}

export class Policies {
  readonly #byObject = new Map<string, Array<Policy>>()

  get isEmpty(): boolean {
    return this.#byObject.size === 0
  }

  of(object: string): ReadonlyArray<Policy> {
    return this.#byObject.get(object) ?? none
  }

  all(): ReadonlyArray<Policy> {
    return [...this.#byObject.values()].flat()
  }

  /** False when the table has one of that name. */
  add(policy: Policy): boolean {
    const list = this.#byObject.get(policy.object) ?? []
    if (list.some(({ name }) => name === policy.name)) return false
    this.#byObject.set(policy.object, [...list, policy])
    return true
  }

  find(object: string, name: string): Policy | undefined {
    return this.of(object).find((policy) => policy.name === name)
  }

  drop(policy: Policy): void {
    const rest = this.of(policy.object).filter((other) => other !== policy)
    if (rest.length === 0) this.#byObject.delete(policy.object)
    else this.#byObject.set(policy.object, rest)
  }
}

const none: ReadonlyArray<Policy> = []
