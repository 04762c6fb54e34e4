/** The failures of requests that had to wait, with the figures that they carry. */
import { AcquireTimeoutError, PoolExhaustedError, type Snapshot } from "../../PoolError.ts"
import { PoolEvent, type RefusalReason } from "../../PoolEvent.ts"
import { isOpenable } from "../decisions/demand.ts"
import * as Lending from "../decisions/lending.ts"
import { openSessionError, unprovided } from "../decisions/settling.ts"
import { describeIdentity } from "../entities/identity.ts"
import type { PoolState } from "../entities/poolState.ts"
import type { Session } from "../entities/session.ts"
import type { Waiter } from "../entities/session.ts"

export class Refusals<S> {
  readonly #state: PoolState<S>
  #lent: ReadonlyArray<Session<S>> | undefined = undefined

  constructor(state: PoolState<S>) {
    this.#state = state
  }

  /** Sessions may have changed hands. */
  forget(): void {
    this.#lent = undefined
  }

  /** Refuses requests that do not wait for others, once nothing is under way for them. */
  refuseUnprovided(): void {
    const state = this.#state
    for (const waiter of unprovided(state)) {
      const { group } = waiter.criteria
      const { failure } = group.opener
      if (Lending.claim(state, waiter)) continue
      if (failure !== undefined && !isOpenable(group)) {
        Lending.refuse(state, waiter, openSessionError(state, group, failure))
      } else if (!waiter.isForced) {
        Lending.refuse(state, waiter, new PoolExhaustedError(this.refused("exhausted")))
      }
    }
  }

  timedOut(waiter: Waiter<S>): void {
    const state = this.#state
    const now = state.now()
    const nested = this.#lentSessions().find(({ holder }) => holder?.fiber?.id === waiter.fiberId)
    const { criteria } = waiter
    const request = [
      describeIdentity(criteria.group.identity),
      ...(criteria.fresh ? [`with purity "new"`] : []),
      ...(criteria.tag === undefined ? [] : [`with tag "${criteria.tag.text}"`])
    ].join(" ")
    state.count("timeouts")
    if (state.isWatched) {
      state.emit(PoolEvent.RequestTimedOut({ at: state.date(now), waitedMillis: now - waiter.since }))
    }
    Lending.refuse(
      state,
      waiter,
      new AcquireTimeoutError({
        pool: state.settings.name,
        waitedMillis: now - waiter.since,
        request,
        snapshot: this.#snapshot(),
        ...(state.lastOpenFailure === undefined ? {} : { lastOpenFailure: state.lastOpenFailure }),
        ...(nested === undefined ? {} : { nestedSession: nested.id })
      })
    )
  }

  /** Notes that a request is refused; the answer is what every such failure carries. */
  refused(reason: RefusalReason): { readonly pool: string; readonly snapshot: Snapshot } {
    const state = this.#state
    state.count("refused")
    if (state.isWatched) state.emit(PoolEvent.RequestRefused({ at: state.date(), reason }))
    return { pool: state.settings.name, snapshot: this.#snapshot() }
  }

  /** Sessions that are lent, those held longest first. Requests that time out together share one look. */
  #lentSessions(): ReadonlyArray<Session<S>> {
    this.#lent ??= [...this.#state.sessions]
      .filter((session) => session.place === "busy" && session.holder !== undefined)
      .sort((a, b) => a.takenAt - b.takenAt)
    return this.#lent
  }

  /** The counts as failures carry them, with the leases that are held longest. */
  #snapshot(): Snapshot {
    const state = this.#state
    const now = state.now()
    return {
      opened: state.opened,
      busy: state.counts.busy,
      opening: state.counts.opening,
      pending: state.waiting.size,
      max: state.limits.max,
      leases: this.#lentSessions().slice(0, 5).map(({ holder, id, takenAt }) => ({
        session: id,
        heldMillis: now - takenAt,
        fiber: holder!.fiber?.id ?? 0,
        ...(holder!.takenBy === undefined ? {} : { takenAt: holder!.takenBy })
      }))
    }
  }
}
