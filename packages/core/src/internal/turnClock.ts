import * as Clock from "effect/Clock"
import * as Context from "effect/Context"

const settled = Promise.resolve()

/**
 * The time, for a pool that is asked for it at both ends of every lease, where reading the system's clock would cost more
 * than lending a session does. Nothing that a session does can happen within one turn of the event loop, and no timer
 * either: libuv itself reads the clock once a turn. So the time of the turn is enough there, and it is read once.
 *
 * A clock other than the system's, such as that of a test, may be moved within a turn: it is read every time.
 */
export class TurnClock {
  readonly #clock: Clock.Clock
  readonly #isOfSystem: boolean
  /** 0 when it was not read in this turn. */
  #time = 0
  readonly #forget = () => {
    this.#time = 0
  }

  constructor(clock: Clock.Clock) {
    this.#clock = clock
    this.#isOfSystem = clock === Context.get(Context.empty(), Clock.Clock)
  }

  /** The time, read now. */
  now(): number {
    const now = this.#clock.currentTimeMillisUnsafe()
    // What is asked for later in this turn is not earlier.
    if (this.#time !== 0) this.#time = now
    return now
  }

  /** The time as it was read last in this turn of the event loop. */
  ofTurn(): number {
    return this.#time === 0 ? this.#read() : this.#time
  }

  #read(): number {
    const now = this.#clock.currentTimeMillisUnsafe()
    if (this.#isOfSystem) {
      this.#time = now
      void settled.then(this.#forget)
    }
    return now
  }
}
