/**
 * Shutdowns that the database has announced, which a driver sees on a session without a round trip. The session is closed in good order when it
 * would be lent, or comes back; with the first, all others that are idle on the same instance are looked at, so that none waits for the end.
 */
import * as Effect from "effect/Effect"
import { PoolEvent } from "../../PoolEvent.ts"
import type { Instance } from "../entities/instances.ts"
import { type Session, whyUnhealthy } from "../entities/session.ts"
import type { Host } from "./host.ts"

export class Shutdowns<S> {
  readonly #host: Host<S>
  /** Instances whose idle sessions are about to be looked at; `undefined` is that of all whose instance is not known. */
  readonly #looked = new Set<Instance | undefined>()

  constructor(host: Host<S>) {
    this.#host = host
  }

  /** The end of a session was announced. */
  noticed(session: Session<S>): void {
    session.leaves ??= "drained"
    const { instance } = session
    if (this.#looked.has(instance)) return
    this.#looked.add(instance)
    this.#host.state.order({ _tag: "Run", effect: Effect.suspend(() => this.#lookAt(instance)) })
  }

  #lookAt(instance: Instance | undefined): Effect.Effect<void> {
    const { flush, isHealthy, state } = this.#host
    let idle = 0
    for (const session of state.recency) {
      if (session.instance !== instance || isHealthy(session)) continue
      state.retire(session, whyUnhealthy(session))
      idle++
    }
    this.#looked.delete(instance)
    if (state.isWatched) {
      state.emit(PoolEvent.InstanceStopping({ at: state.date(), instance: instance?.name, idle }))
    }
    flush()
    return Effect.logInfo("The database has announced a shutdown: sessions leave the instance").pipe(
      Effect.annotateLogs({ "sessionpool.pool": state.settings.name, "sessionpool.instance": instance?.name })
    )
  }
}
