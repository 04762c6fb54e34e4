/**
 * One process of a fleet: it reports to the budget, and moves the size of its pool to what it is granted.
 *
 * The pool's `max` is never above what is granted. It is lowered at once when the budget says so, or when the table was out of reach for so
 * long that others may count on it; the budget hears of it once the sessions are closed.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { BudgetStore } from "./budgetStore.ts"

/** What a pool must be able to do. */
export interface Sizable {
  readonly load: Effect.Effect<{ readonly busy: number; readonly pending: number; readonly open: number }>
  /** Sets the most sessions that it may have; 1 or more. */
  readonly resize: (max: number) => Effect.Effect<void>
}

interface MemberSettings {
  readonly id: string
  /** Sessions that it keeps without the table, the one that it reports with included. */
  readonly floor: number
  /** The most sessions that it can use. */
  readonly max: number
  /** Sessions that it has beside those of the pool: the one that it reports with. */
  readonly beside: number
  readonly interval: Duration.Duration
  /** Without an answer for this long it falls back to its floor: before others may count on that. */
  readonly fallbackAfter: Duration.Duration
}

/** How often the load is looked at between reports, so that a burst is told of at once. */
const lookEvery = Duration.millis(250)

/** What it could use: what it does use, and a quarter more to grow. */
const demandOf = (
  load: { readonly busy: number; readonly pending: number },
  { beside, floor, max }: MemberSettings
): number => {
  const used = load.busy + load.pending
  return Math.max(floor, Math.min(max, used + Math.ceil(used / 4) + 1 + beside))
}

/** Joins the budget, waiting for a first share, and keeps the pool within it until the scope ends. */
export const joinBudget = Effect.fnUntraced(function*<E>(
  store: BudgetStore<E>,
  pool: Sizable,
  settings: MemberSettings
): Effect.fn.Return<SubscriptionRef.SubscriptionRef<number>, E, Scope.Scope> {
  const { beside, floor, id, interval, fallbackAfter } = settings
  const monotonic = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1_000_000)
  const granted = yield* SubscriptionRef.make(0)
  let answeredAt = yield* monotonic
  let size = 0
  /** It has more than it is to come to: the budget waits to hear that its sessions are closed. */
  let owes = false

  const resize = (sessions: number) =>
    Effect.suspend(() => {
      const next = Math.max(1, sessions - beside)
      if (next === size) return Effect.void
      size = next
      return pool.resize(next)
    })

  const send = Effect.gen(function*() {
    // The answer holds from when it was asked for.
    const askedAt = yield* monotonic
    const load = yield* pool.load
    const answer = yield* store.report(id, {
      floor,
      demand: demandOf(load, settings),
      // What it may open counts as well: it is told of a smaller share only after this.
      open: Math.max(load.open, size) + beside
    })
    answeredAt = askedAt
    owes = answer.target < answer.granted
    yield* resize(answer.target)
    yield* SubscriptionRef.set(granted, answer.target)
    return answer
  })

  // A table that does not answer keeps no scope from closing: the share then comes back as that of a dead process does.
  yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeoutOption(store.leave(id), interval)))
  yield* pool.resize(1)
  size = 1
  // A share for one session of the pool is the least to begin with; those who have more give it back within an interval or two.
  while ((yield* send).granted < 1 + beside) yield* Effect.sleep(lookEvery)

  const isBurst = Effect.map(
    pool.load,
    ({ busy, pending }) => pending > 0 && busy >= size && size + beside < settings.max
  )
  const untilNext = Effect.gen(function*() {
    const jitter = 0.75 + (yield* Random.next) / 2
    const until = (yield* monotonic) + Duration.toMillis(interval) * jitter
    const earliest = (yield* monotonic) + Duration.toMillis(interval) / 4
    for (;;) {
      const now = yield* monotonic
      if (now >= until) return
      yield* Effect.sleep(Duration.min(lookEvery, Duration.millis(Math.max(1, until - now))))
      if ((yield* monotonic) >= earliest && (owes || (yield* isBurst))) return
    }
  })
  const fallBack = Effect.gen(function*() {
    if ((yield* monotonic) - answeredAt < Duration.toMillis(fallbackAfter)) return
    if (size + beside <= floor) return
    yield* Effect.logWarning(`The session budget is out of reach: the pool keeps ${floor} sessions until it answers`)
    yield* resize(floor)
    yield* SubscriptionRef.set(granted, floor)
  })
  yield* untilNext.pipe(
    Effect.andThen(send.pipe(
      Effect.timeoutOption(interval),
      Effect.catchCause((cause) => Effect.logDebug("A report to the session budget failed", cause))
    )),
    Effect.andThen(fallBack),
    Effect.forever,
    Effect.forkScoped
  )
  return granted
})
