/**
 * How a pool ends: no more requests, then the idle sessions, then the busy ones as they come back, then, by force, the rest.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { PoolBusyError, PoolClosedError } from "../../PoolError.ts"
import { PoolEvent } from "../../PoolEvent.ts"
import { within } from "../data/timeLimit.ts"
import { refuse } from "../decisions/lending.ts"
import type { Engine } from "../jobs/engine.ts"

export class Closing<S> {
  readonly #engine: Engine<S>
  readonly #emptied = Deferred.makeUnsafe<void>()
  /** Ends what runs on its own: openings in flight, eviction, keep-alive. */
  readonly #stopWork: () => void
  /** Called once nothing is left. */
  readonly #closed: () => void

  constructor(engine: Engine<S>, stopWork: () => void, closed: () => void) {
    this.#engine = engine
    this.#stopWork = stopWork
    this.#closed = closed
    engine.whenEmpty = () => this.#empty()
  }

  /** Refuses when sessions are busy; then nothing has changed. */
  plainly(): Effect.Effect<void, PoolBusyError> {
    return Effect.suspend((): Effect.Effect<void, PoolBusyError> => {
      const { state } = this.#engine
      const { busy } = state.counts
      if (state.phase === "open" && busy > 0) {
        return Effect.fail(new PoolBusyError({ pool: state.settings.name, busy }))
      }
      this.#begin(false)
      return Deferred.await(this.#emptied)
    })
  }

  /** Waits up to `limit` for busy sessions to come back, then takes them away. */
  draining(limit: Duration.Duration): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#begin(false)
      // In the pool's own scope: who asked for it may give up, the pool closes all the same.
      const drain = within(Deferred.await(this.#emptied), Duration.toMillis(limit), "draining")
      this.#engine.forkJob(Effect.catch(drain, () => Effect.sync(() => this.#force())))
      return Deferred.await(this.#emptied)
    })
  }

  /** Takes busy sessions away at once. */
  byForce(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#begin(true)
      this.#force()
      return Deferred.await(this.#emptied)
    })
  }

  #begin(force: boolean): void {
    const engine = this.#engine
    const { state } = engine
    if (state.phase !== "open") return
    state.enter("draining")
    if (state.isWatched) state.emit(PoolEvent.PoolClosing({ at: state.date(), force }))
    for (const waiter of state.waiting) refuse(state, waiter, new PoolClosedError({ pool: state.settings.name }))
    for (const session of state.recency) engine.attempt(session, () => state.retire(session, "closing"))
    engine.flush()
    this.#stopWork()
  }

  #force(): void {
    const engine = this.#engine
    const { state } = engine
    for (const session of state.sessions) {
      // Idle sessions are closed already, unless a defect came between.
      engine.attempt(
        session,
        () => session.place === "idle" ? state.retire(session, "closing") : state.takeAway(session, "closing")
      )
    }
    engine.flush()
  }

  #empty(): void {
    const { state } = this.#engine
    if (state.phase === "closed") return
    state.enter("closed")
    if (state.isWatched) state.emit(PoolEvent.PoolClosed({ at: state.date() }))
    this.#closed()
    Deferred.doneUnsafe(this.#emptied, Effect.void)
  }
}
