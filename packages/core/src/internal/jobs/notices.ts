/**
 * Tells of what a caller would not see otherwise: a tag that no code prepared a session for, work that was rolled back because
 * it was not committed, a fiber that waits for a session while it holds one itself.
 */
import * as Effect from "effect/Effect"
import { PoolEvent } from "../../PoolEvent.ts"
import { formatDuration } from "../data/durationText.ts"
import { escapeControls } from "../data/messageText.ts"
import type { PoolState } from "../entities/poolState.ts"
import type { Session } from "../entities/session.ts"
import type { Waiter } from "../entities/session.ts"

/** How long a request without a timeout waits before the pool looks whether it waits for itself. */
const nestedAfter = 10_000

/** How many fibers are remembered as told about. */
const remembered = 1024

type Fork = (effect: Effect.Effect<void>) => unknown

export class Notices<S> {
  readonly #state: PoolState<S>
  readonly #fork: Fork
  #hasToldOfPreparation = false
  #isLooking = false
  readonly #told = new Set<number>()

  constructor(state: PoolState<S>, fork: Fork) {
    this.#state = state
    this.#fork = fork
  }

  /** A request with a tag got a session in another state, and the pool has no `onSession`. */
  unprepared(session: Session<S>, requestedTag: string, now: number): void {
    const state = this.#state
    if (state.isWatched) {
      state.emit(
        PoolEvent.SessionUnprepared({
          at: state.date(now),
          session: session.id,
          requestedTag,
          tag: session.tag?.text
        })
      )
    }
    if (this.#hasToldOfPreparation) return
    this.#hasToldOfPreparation = true
    this.#logAfterStep(this.#log(
      Effect.logDebug,
      `A session was lent for the tag "${
        escapeControls(requestedTag)
      }" without being prepared for it: the pool has no ` +
        `onSession. This is logged once.`,
      { "sessionpool.session": session.id }
    ))
  }

  /** A lease ended with work that was not committed. */
  rolledBack(session: Session<S>): void {
    const state = this.#state
    const heldMillis = state.now() - session.takenAt
    if (state.isWatched) {
      state.emit(PoolEvent.WorkRolledBack({ at: state.date(), session: session.id, heldMillis }))
    }
    this.#logAfterStep(this.#log(
      Effect.logDebug,
      "Uncommitted work was rolled back at the end of a lease: commit it, or use a transaction.",
      { "sessionpool.session": session.id, "sessionpool.heldMillis": heldMillis }
    ))
  }

  /** A request without a timeout waits: if its fiber holds a session itself, it may wait without end. */
  waits(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#fork(Effect.andThen(Effect.sleep(nestedAfter), this.#look()))
  }

  /** Looks again and again, as long as there are waiting requests. */
  #look(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const state = this.#state
      if (state.waiting.size === 0) {
        this.#isLooking = false
        return Effect.void
      }
      this.#tellOfNested()
      return Effect.andThen(Effect.sleep(nestedAfter), this.#look())
    })
  }

  #tellOfNested(): void {
    const state = this.#state
    const now = state.now()
    const held = new Map<number, Session<S>>()
    for (const session of state.sessions) {
      const { fiber } = session.holder ?? {}
      if (session.place === "busy" && fiber !== undefined) held.set(fiber.id, session)
    }
    for (const waiter of state.waiting) {
      // They stand in the order in which they came.
      if (now - waiter.since < nestedAfter) return
      const session = held.get(waiter.fiberId)
      if (session !== undefined) this.#nested(waiter, session, now)
    }
  }

  #nested(waiter: Waiter<S>, session: Session<S>, now: number): void {
    if (this.#told.has(waiter.fiberId)) return
    if (this.#told.size >= remembered) this.#told.clear()
    this.#told.add(waiter.fiberId)
    const state = this.#state
    const waitedMillis = now - waiter.since
    if (state.isWatched) {
      state.emit(
        PoolEvent.NestedAcquireSuspected({
          at: state.date(now),
          session: session.id,
          fiber: waiter.fiberId,
          waitedMillis
        })
      )
    }
    this.#fork(this.#log(
      Effect.logWarning,
      `Fiber #${waiter.fiberId} has waited ${formatDuration(waitedMillis)} for a session and itself holds session ` +
        `${session.id} of this pool (nested acquire): once all sessions are held like this, it waits for itself. Pass the ` +
        `connection on instead, or set a waitTimeout.`,
      {
        "sessionpool.session": session.id,
        "sessionpool.fiber": waiter.fiberId,
        "sessionpool.waitedMillis": waitedMillis
      }
    ))
  }

  /** In the middle of a step no fiber may run: the line is written once it is complete. */
  #logAfterStep(effect: Effect.Effect<void>): void {
    this.#state.order({ _tag: "Run", effect })
  }

  #log(
    log: (...message: ReadonlyArray<unknown>) => Effect.Effect<void>,
    message: string,
    annotations: Record<string, unknown>
  ): Effect.Effect<void> {
    return Effect.annotateLogs(log(message), { "sessionpool.pool": this.#state.settings.name, ...annotations })
  }
}
