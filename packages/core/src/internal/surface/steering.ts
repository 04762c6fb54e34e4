/** What those who run a program do to its pools: replacing sessions, letting requests wait, and leaving an instance of the database. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { InvalidOptionsError, PoolClosedError } from "../../PoolError.ts"
import { PoolEvent } from "../../PoolEvent.ts"
import { showValue } from "../data/messageText.ts"
import { expectedDuration, parseMillis } from "../data/optionField.ts"
import * as Lending from "../decisions/lending.ts"
import * as Moves from "../decisions/moves.ts"
import type { Engine } from "../jobs/engine.ts"
import type { DrainOptions } from "./contract.ts"

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

const refused = <S>(engine: Engine<S>, field: string, problem: string): InvalidOptionsError =>
  new InvalidOptionsError({ pool: engine.state.settings.name, problems: [{ field, problem }] })

/** Names come from people and from requests of theirs. */
const checkName = <S>(engine: Engine<S>, instance: unknown): InvalidOptionsError | undefined =>
  typeof instance === "string" && instance.trim() !== ""
    ? undefined
    : refused(engine, "instance", `must be the name of an instance, not ${showValue(instance)}`)

export const drain = <S>(
  engine: Engine<S>,
  instance: string,
  options: DrainOptions | undefined
): Effect.Effect<void, InvalidOptionsError | PoolClosedError> =>
  Effect.suspend((): Effect.Effect<void, InvalidOptionsError | PoolClosedError> => {
    const problem = checkName(engine, instance)
    if (problem !== undefined) return Effect.fail(problem)
    const { duration = Duration.infinity } = Object(options) as DrainOptions
    const millis = parseMillis(duration)
    if (millis === undefined || millis === 0) {
      return Effect.fail(refused(engine, "duration", `must be ${expectedDuration} above 0, not ${showValue(duration)}`))
    }
    return step(engine, () => Moves.drain(engine.state, instance.trim(), engine.state.now() + millis))
  })

export const undrain = <S>(
  engine: Engine<S>,
  instance: string
): Effect.Effect<void, InvalidOptionsError | PoolClosedError> =>
  Effect.suspend((): Effect.Effect<void, InvalidOptionsError | PoolClosedError> => {
    const problem = checkName(engine, instance)
    if (problem !== undefined) return Effect.fail(problem)
    return step(engine, () => {
      const known = engine.state.instances.find(instance.trim())
      if (known !== undefined) Moves.undrain(engine.state, known)
    })
  })
