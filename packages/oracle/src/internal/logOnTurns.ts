/**
 * The log-ons of a process, begun a little apart: each computes for some milliseconds, most of them for the password, and all of them
 * on the one thread of JavaScript. Of log-ons that begin in one moment none is done before all have computed. Begun about as far
 * apart as one computes, the first is done while others compute, and the last is done when it would be anyway.
 *
 * It bounds no number: where the network or the database takes the time, all are under way together.
 */
import * as Effect from "effect/Effect"
import { clearTimeout, setImmediate, setTimeout } from "node:timers"

/** How far apart log-ons begin, in milliseconds, while others are under way. */
const apart = 3

/** Of many an eighth begins at a time: they compute for longer than it takes to begin them, so that the thread is never without work. */
const part = 1 / 8

/** A log-on that waits, is under way or is over; it may be over before it has waited. */
interface Turn {
  /** Begins it, once it waits. */
  begin: (() => void) | undefined
  isUnderWay: boolean
}

/**
 * Every log-on waits or is under way, and then it is over. Those that wait begin, in their order, when one that was under way is over, and
 * `apart` after the last that has begun.
 */
export class LogOnTurns {
  readonly #apart: number
  readonly #waiting = new Set<Turn>()
  #underWay = 0
  #lastBegan = 0
  #timer: ReturnType<typeof setTimeout> | undefined = undefined

  constructor(millis = apart) {
    this.#apart = millis
  }

  /** The same log-on, begun when it is its turn. It can be interrupted while it waits and while it is under way, and only then. */
  run<A, E>(logOn: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      const turn: Turn = { begin: undefined, isUnderWay: false }
      const begun = Effect.suspend(() => this.#take(turn))
      return Effect.onExitPrimitive(
        Effect.andThen(Effect.interruptible(begun), Effect.interruptible(logOn)),
        () => {
          this.#leave(turn)
          return undefined
        }
      )
    })
  }

  #take(turn: Turn): Effect.Effect<void> {
    if (this.#waiting.size === 0 && (this.#underWay === 0 || performance.now() - this.#lastBegan >= this.#apart)) {
      this.#begun(turn)
      return Effect.void
    }
    return Effect.callback((resume) => {
      turn.begin = () => resume(Effect.void)
      this.#waiting.add(turn)
      this.#timer ??= setTimeout(this.#beginNext, this.#apart)
    })
  }

  #begun(turn: Turn): void {
    turn.isUnderWay = true
    this.#underWay++
    this.#lastBegan = performance.now()
  }

  readonly #beginNext = (): void => {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const turns: Array<Turn> = []
    const count = Math.ceil(this.#waiting.size * part)
    for (const turn of this.#waiting) {
      if (turns.length === count) break
      this.#waiting.delete(turn)
      this.#begun(turn)
      turns.push(turn)
    }
    if (this.#waiting.size > 0) this.#timer = setTimeout(this.#beginNext, this.#apart)
    for (const turn of turns) turn.begin?.()
  }

  #leave(turn: Turn): void {
    if (turn.isUnderWay) {
      turn.isUnderWay = false
      this.#underWay--
      // First what has waited for the session that this log-on has made.
      if (this.#waiting.size > 0) setImmediate(this.#beginNext)
    } else if (this.#waiting.delete(turn) && this.#waiting.size === 0) {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
  }
}

/** Those of all pools of the process, which compute on the same thread. */
export const logOnTurns = new LogOnTurns()
