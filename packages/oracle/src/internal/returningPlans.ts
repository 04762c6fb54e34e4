/** How statements give rows back, described once for all connections of a client that see the same objects. */
import type { ReturningPlan } from "./sqlReturning.ts"
import { definitionChanges } from "./statementText.ts"

interface Known {
  readonly plan: ReturningPlan
  /** Monotonic milliseconds. */
  readonly at: number
  readonly changes: number
}

/** Statements are few, but texts made up by a program can be many: the oldest makes room. */
const most = 500

export class ReturningPlans {
  readonly #plans = new Map<string, Known>()
  readonly #timeToLive: number

  /** A plan is forgotten after `timeToLive` milliseconds: another process may have changed the table. */
  constructor(timeToLive: number) {
    this.#timeToLive = timeToLive
  }

  /** The plan of a statement, unless it is too old, or this process has changed definitions since. */
  get(key: string, now: number): ReturningPlan | undefined {
    const known = this.#plans.get(key)
    if (known === undefined) return undefined
    if (now - known.at < this.#timeToLive && known.changes === definitionChanges()) return known.plan
    this.#plans.delete(key)
    return undefined
  }

  /** `changes` is what `definitionChanges` said before the table was described. */
  set(key: string, plan: ReturningPlan, now: number, changes: number): void {
    if (this.#plans.size >= most) {
      for (const oldest of this.#plans.keys()) {
        this.#plans.delete(oldest)
        break
      }
    }
    this.#plans.set(key, { plan, at: now, changes })
  }

  delete(key: string): void {
    this.#plans.delete(key)
  }
}
