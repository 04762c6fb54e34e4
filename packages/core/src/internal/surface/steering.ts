/** What those who run a program do to its pools: replacing sessions, and letting requests wait. */
import * as Effect from "effect/Effect"
import { PoolClosedError } from "../../PoolError.ts"
import { PoolEvent } from "../../PoolEvent.ts"
import * as Lending from "../decisions/lending.ts"
import type { Engine } from "../jobs/engine.ts"

/** One step of an open pool, which is completed afterwards. */
const step = <S>(engine: Engine<S>, run: () => void): Effect.Effect<void, PoolClosedError> =>
  Effect.suspend(() => {
    const { state } = engine
    if (state.phase !== "open") return Effect.fail(new PoolClosedError({ pool: state.settings.name }))
    run()
    engine.flush()
    return Effect.void
  })

export const refresh = <S>(engine: Engine<S>): Effect.Effect<void, PoolClosedError> =>
  step(engine, () => {
    const { state } = engine
    state.refresh()
    if (state.isWatched) state.emit(PoolEvent.Refreshed({ at: state.date() }))
  })

export const suspend = <S>(engine: Engine<S>): Effect.Effect<void, PoolClosedError> =>
  step(engine, () => {
    const { state } = engine
    if (state.isSuspended) return
    state.suspend()
    if (state.isWatched) state.emit(PoolEvent.Suspended({ at: state.date() }))
  })

export const resume = <S>(engine: Engine<S>): Effect.Effect<void, PoolClosedError> =>
  step(engine, () => {
    const { state } = engine
    if (!state.isSuspended) return
    state.resume()
    if (state.isWatched) state.emit(PoolEvent.Resumed({ at: state.date() }))
    Lending.resume(state, state.now(), engine.isHealthy)
  })
