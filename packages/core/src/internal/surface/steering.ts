/** What those who run a program do to its pools: replacing sessions, letting requests wait, and leaving an instance of the database. */
import * as Effect from "effect/Effect"
import { InvalidOptionsError, PoolClosedError } from "../../PoolError.ts"
import { PoolEvent } from "../../PoolEvent.ts"
import { mistake } from "../data/messageText.ts"
import * as Lending from "../decisions/lending.ts"
import * as Moves from "../decisions/moves.ts"
import type { Instance } from "../entities/instances.ts"
import type { PoolState } from "../entities/poolState.ts"
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

/** Names come from people. */
const onInstance = <S>(
  engine: Engine<S>,
  name: unknown,
  run: (state: PoolState<S>, instance: Instance) => void
): Effect.Effect<void, InvalidOptionsError | PoolClosedError> =>
  typeof name === "string" && name !== ""
    ? step(engine, () => run(engine.state, engine.state.instances.of(name)))
    : Effect.fail(
      new InvalidOptionsError({
        pool: engine.state.settings.name,
        problems: [mistake("instance", "a name", name)]
      })
    )

export const drain = <S>(engine: Engine<S>, instance: string) => onInstance(engine, instance, Moves.drain)

export const undrain = <S>(engine: Engine<S>, instance: string) => onInstance(engine, instance, Moves.undrain)
