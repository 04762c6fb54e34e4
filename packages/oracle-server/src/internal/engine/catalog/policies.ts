/** Row level security: which rows of a table a statement sees, by the predicate that a function gives. */
import type { Expr } from "../syntax/ast.ts"

export type PolicyStatement = "SELECT" | "INSERT" | "UPDATE" | "DELETE"

export interface Policy {
  readonly name: string
  /** Key of the table. */
  readonly object: string
  readonly functionPath: ReadonlyArray<string>
  readonly statements: ReadonlySet<PolicyStatement>
  /** A row that INSERT or UPDATE leaves has to satisfy the predicate too. */
  readonly updateCheck: boolean
  /** The columns that it protects: a statement that names none of them is left alone. undefined for whole rows. */
  readonly columns: ReadonlySet<string> | undefined
  /** SEC_RELEVANT_COLS_OPT: a query has all rows, with null in those columns where the predicate does not hold. */
  readonly masks: boolean
  /** As the dictionary shows it. */
  readonly type: string
  enabled: boolean
}

/** What one policy asks of a statement. */
export interface PolicyCondition extends Pick<Policy, "columns" | "masks"> {
  readonly expr: Expr
}

export class Policies {
  readonly #byObject = new Map<string, Array<Policy>>()

  snapshot(): ReadonlyArray<Policy> {
    return this.all().map((policy) => ({ ...policy }))
  }

  restore(policies: ReadonlyArray<Policy>): void {
    this.#byObject.clear()
    for (const policy of policies) this.add({ ...policy })
  }

  /** The table or view is gone, and its policies with it. */
  forget(object: string): void {
    this.#byObject.delete(object)
  }

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
