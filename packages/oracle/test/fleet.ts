/**
 * A fleet of processes that share a budget, simulated: each has a pool and a load that changes. Whenever one of them opens a session, what all
 * have together is compared with the budget.
 */
import { Duration, Effect, Exit, Scope } from "effect"
import type { BudgetStore } from "../src/internal/budget/budgetStore.ts"
import { joinBudget, type Sizable } from "../src/internal/budget/member.ts"

/** A process of the fleet. */
export interface Process {
  /** Sets how many sessions its work could use. */
  readonly work: (want: number) => void
  /** Its sessions, the one that it reports with included. */
  readonly sessions: () => number
  /** Shuts it down cleanly, or ends it as a crash does: without notice, its sessions gone. */
  readonly end: (how: "in order" | "crash") => Effect.Effect<void>
}

export const floor = 2

export const makeFleet = (store: BudgetStore<never>, total: number) => {
  let open = 0
  let overdrawn = 0
  let mostOpen = 0
  let isReachable = true
  let ids = 0

  const count = (change: number): void => {
    open += change
    mostOpen = Math.max(mostOpen, open)
    if (change > 0 && open > total) overdrawn++
  }

  const start = (most: number): Effect.Effect<Process> =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      let want = 0
      let max = 0
      let busy = 0
      let state: "joining" | "working" | "over" = "joining"
      let reporting = 0
      let isOrderly = false
      const settle = (): void => {
        const next = state === "working" ? Math.min(want, max) : 0
        const asks = state === "working" ? 1 : 0
        count(next + asks - busy - reporting)
        busy = next
        reporting = asks
      }
      const pool: Sizable = {
        load: Effect.sync(() => ({ busy, pending: Math.max(0, want - busy), open: busy })),
        resize: (next) =>
          Effect.sync(() => {
            max = next
            settle()
          })
      }
      const reached = <A>(effect: Effect.Effect<A>): Effect.Effect<A, string> =>
        Effect.suspend(() => isReachable && (state !== "over" || isOrderly) ? effect : Effect.fail("out of reach"))
      const joining = joinBudget(
        { report: (id, given) => reached(store.report(id, given)), leave: (id) => reached(store.leave(id)) },
        pool,
        {
          id: `process ${++ids}`,
          floor,
          max: most,
          beside: 1,
          interval: Duration.seconds(2),
          fallbackAfter: Duration.seconds(9)
        }
      )
      yield* Effect.forkIn(
        Scope.provide(joining, scope).pipe(
          Effect.andThen(Effect.sync(() => {
            state = "working"
            settle()
          })),
          Effect.ignore
        ),
        scope
      )
      return {
        work: (next) => {
          want = next
          settle()
        },
        sessions: () => busy + reporting,
        end: (how) =>
          Effect.suspend(() => {
            // Its sessions are closed before it says that it leaves.
            state = "over"
            isOrderly = how === "in order"
            settle()
            return Scope.close(scope, Exit.void)
          })
      }
    })

  return {
    start,
    /** Puts the table out of reach of all processes, or back. */
    reach: (next: boolean) =>
      Effect.sync(() => {
        isReachable = next
      }),
    seen: () => ({ open, mostOpen, overdrawn })
  }
}

/** Random whole numbers below a bound, that a seed gives again. */
export const randomBelow = (seed: number) => {
  let state = seed >>> 0
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor(state / 4_294_967_296 * below)
  }
}
