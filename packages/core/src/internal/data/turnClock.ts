/** The pool's clock: monotonic, and cheap enough to be read at both ends of every lease. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"

/** Taken when the module is loaded: a test may put other timers in their place. */
const nextTurn: (then: () => void) => unknown = typeof setImmediate === "function" ? setImmediate : queueMicrotask
const unread = -(2 ** 30)

/** A turn in which the time is asked for less often is not worth remembering it: to forget it costs more than to read it. */
const worthwhile = 8
/** How often the clock is read after a turn that was not. */
const readsBetween = 64

/**
 * The time, for a pool that notes it at both ends of every lease, where reading the system's clock would cost more than
 * lending a session does. Nothing that a session does can happen within one turn of the event loop, and no timer either:
 * libuv itself reads the clock once a turn. So the time of the turn is enough there, and where many leases come in a turn it is
 * read once. A clock other than the system's, such as that of a test, may be moved within a turn: it is read every time.
 *
 * Times are whole milliseconds of monotonic time since the clock was made: setting the system's clock does not move them, and
 * numbers so small can be noted in an object without making another. Only dates that are shown are of the wall clock.
 */
export class TurnClock {
  readonly #clock: Clock.Clock
  readonly #isOfSystem: boolean
  readonly #origin: number
  #time = unread
  /** How often the time was remembered in this turn. */
  #uses = 0
  #readsLeft = 0
  /** The time is read anew: the turn is over, or something else may have run for long. */
  readonly forget = (): void => {
    this.#time = unread
    this.#readsLeft = this.#uses < worthwhile ? readsBetween : 0
  }

  constructor(clock: Clock.Clock) {
    this.#clock = clock
    this.#origin = this.#monotonic()
    this.#isOfSystem = clock === Context.get(Context.empty(), Clock.Clock)
  }

  #monotonic(): number {
    return Number(this.#clock.monotonicTimeNanosUnsafe()) / 1e6
  }

  #sinceOrigin(): number {
    return Math.floor(this.#monotonic() - this.#origin)
  }

  /** The time, read now. */
  now(): number {
    const now = this.#sinceOrigin()
    // What is asked for later in this turn is not earlier.
    if (this.#time !== unread) this.#time = now
    return now
  }

  /** The date of a time, as the wall clock has it now. */
  date(time: number): number {
    return this.#clock.currentTimeMillisUnsafe() - (this.#sinceOrigin() - time)
  }

  /** The time as it was read last in this turn of the event loop. */
  ofTurn(): number {
    if (this.#time === unread) return this.#read()
    this.#uses++
    return this.#time
  }

  #read(): number {
    const now = this.#sinceOrigin()
    if (!this.#isOfSystem) return now
    if (this.#readsLeft > 0) this.#readsLeft--
    else {
      this.#time = now
      this.#uses = 0
      nextTurn(this.forget)
    }
    return now
  }
}
