/**
 * What one transaction puts off to its end: which deferrable constraints, and the rows and keys that are to be looked at then.
 *
 * A check is kept by what it is about, so a row that is written often is looked at once; it says what is wrong at the time when it runs.
 */
import type { Constrained } from "../catalog/constraintState.ts"
import type { OraError } from "../values/oraError.ts"

interface Pending {
  readonly constraint: Constrained
  readonly check: () => OraError | undefined
}

type DeferralMode = "deferred" | "immediate"

export class Deferral {
  readonly #pending = new Map<string, Pending>()
  readonly #named = new Map<Constrained, DeferralMode>()
  #all: DeferralMode | undefined
  /** ALTER SESSION SET CONSTRAINTS: for this transaction and those after it. */
  #session: DeferralMode | undefined

  isDeferred(constraint: Constrained): boolean {
    const { state } = constraint
    if (!state.deferrable) return false
    const mode = this.#named.get(constraint) ?? this.#all ?? this.#session
    return mode === undefined ? state.initiallyDeferred : mode === "deferred"
  }

  put(key: string, constraint: Constrained, check: () => OraError | undefined): void {
    this.#pending.set(key, { constraint, check })
  }

  /** What is wrong with what was put off: of one constraint, or of all. */
  failure(constraint?: Constrained): OraError | undefined {
    for (const [key, pending] of this.#pending) {
      if (constraint !== undefined && pending.constraint !== constraint) continue
      const failure = pending.check()
      if (failure !== undefined) return failure
      this.#pending.delete(key)
    }
    return undefined
  }

  /** SET CONSTRAINTS: what becomes immediate has to hold now. */
  set(constraints: ReadonlyArray<Constrained> | undefined, mode: DeferralMode): void {
    if (mode === "immediate") {
      for (const constraint of constraints ?? [undefined]) {
        const failure = this.failure(constraint)
        if (failure !== undefined) throw failure
      }
    }
    if (constraints === undefined) {
      this.#all = mode
      this.#named.clear()
    } else for (const constraint of constraints) this.#named.set(constraint, mode)
  }

  setSession(mode: DeferralMode | undefined): void {
    if (mode === "immediate") this.set(undefined, "immediate")
    this.#all = undefined
    this.#named.clear()
    this.#session = mode
  }

  /** The transaction is over. */
  clear(): void {
    this.#pending.clear()
    this.#named.clear()
    this.#all = undefined
  }
}
