/** Changes the settings of a pool while it runs, and draws the consequences for its sessions and requests. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { CredentialsNotAllowedError, InvalidOptionsError, PoolClosedError } from "../../PoolError.ts"
import { PoolEvent } from "../../PoolEvent.ts"
import * as PoolOptions from "../../PoolOptions.ts"
import { showValue } from "../data/messageText.ts"
import { refuse } from "../decisions/lending.ts"
import type { Engine } from "../jobs/engine.ts"

export const besideCredentials = (pool: string, field: string): InvalidOptionsError =>
  new InvalidOptionsError({
    pool,
    problems: [{ field, problem: "cannot be combined with `credentials`, which already supplies the user" }]
  })

export const reconfigure = <S>(
  engine: Engine<S>,
  hasCredentialsEffect: boolean,
  changes: PoolOptions.Changes,
  upkeep: () => void
): Effect.Effect<void, InvalidOptionsError | PoolClosedError> =>
  Effect.suspend((): Effect.Effect<void, InvalidOptionsError | PoolClosedError> => {
    const { state } = engine
    if (state.phase !== "open") return Effect.fail(new PoolClosedError({ pool: state.settings.name }))
    if (typeof changes !== "object" || changes === null) {
      const problem = `must be an object with the settings to change, not ${showValue(changes)}`
      return Effect.fail(
        new InvalidOptionsError({ pool: state.settings.name, problems: [{ field: "changes", problem }] })
      )
    }
    const own = changes.user !== undefined ? "user" : changes.password !== undefined ? "password" : undefined
    if (own !== undefined && hasCredentialsEffect) {
      return Effect.fail(besideCredentials(state.settings.name, own))
    }
    const changed = PoolOptions.change(state.settings, changes)
    if (Result.isFailure(changed)) return Effect.fail(changed.failure)
    const settings = changed.success
    const upkeepChanged = !Duration.Equivalence(settings.keepAlive, state.settings.keepAlive) ||
      !Duration.Equivalence(settings.idleLeaseThreshold, state.settings.idleLeaseThreshold)
    const hasOtherUser = settings.user !== state.settings.user
    state.configure(settings, own === undefined ? state.hasOwnUser : settings.user !== undefined)
    if (hasOtherUser) engine.openings.adoptUser()
    // Whoever changes settings may also have mended an account: what was refused may be tried again.
    engine.openings.retry(engine.groups, own !== undefined)
    if (settings.homogeneous) refuseOtherUsers(engine)
    state.retireUsed()
    if (state.isWatched) {
      state.emit(PoolEvent.Reconfigured({ at: state.date(), changed: Object.keys(changes) }))
    }
    engine.flush()
    if (upkeepChanged) upkeep()
    return Effect.void
  })

/** A pool that has become homogeneous keeps only sessions of its own user. */
const refuseOtherUsers = <S>({ state }: Engine<S>): void => {
  for (const session of state.recency) {
    if (session.group.isNamedByRequest) state.retire(session, "credentials")
  }
  for (const waiter of state.waiting) {
    if (waiter.criteria.group.isNamedByRequest) {
      refuse(state, waiter, new CredentialsNotAllowedError({ pool: state.settings.name }))
    }
  }
}
