/**
 * What has to be told once a step is complete: outcomes to the fibers that wait for them, events to listeners. No fiber runs
 * inside a step, where it could see half of it.
 */
import type { Scheduler, SchedulerDispatcher } from "effect/Scheduler"

/** Something to be told. It may run fibers. */
interface Told {
  readonly tell: () => void
  /** What is told after it, while it has not been told. */
  nextTold: Told | undefined
}

/** How many are told one after the other before something else must have had a turn of the event loop. */
const inTurn = 256

/**
 * Tells things in the order in which they came about: at the end of the step, where nothing is left to do in it, so that a session that is
 * freed is in use again at once; else when the scheduler says so. But not without end, or nothing else would have its turn.
 */
export class Outbox {
  readonly #dispatcher: SchedulerDispatcher
  #first: Told | undefined = undefined
  #last: Told | undefined = undefined
  /** Whether a step runs that tells when it is complete, or what such a step has come to is being told, or is told after a pause. */
  #isHeld = false

  constructor(scheduler: Scheduler) {
    this.#dispatcher = scheduler.makeDispatcher()
  }

  /** Something that is in no outbox is told once what runs now is done. */
  put(item: Told): void {
    const last = this.#last
    this.#last = item
    if (last !== undefined) {
      last.nextTold = item
      return
    }
    this.#first = item
    if (!this.#isHeld) this.#dispatcher.scheduleTask(this.#tell, 0)
  }

  /**
   * Runs a step after which nothing is left to do, and tells what has come of it before it returns. What is told may run such a step
   * in its turn, and that step's is told from here as well: nothing nests.
   */
  tellAfter(step: () => void): void {
    if (this.#isHeld) return step()
    this.#isHeld = true
    try {
      step()
      for (let told = 0; this.#first !== undefined && told < inTurn; told++) this.#tellFirst(this.#first)
    } finally {
      this.#isHeld = this.#first !== undefined
      if (this.#isHeld) this.#dispatcher.scheduleTask(this.#tell, 0)
    }
  }

  readonly #tell = (): void => {
    this.#isHeld = false
    this.tellAfter(() => {})
  }

  #tellFirst(item: Told): void {
    this.#first = item.nextTold
    if (this.#first === undefined) this.#last = undefined
    item.nextTold = undefined
    try {
      item.tell()
    } catch (defect) {
      // What an observer of a fiber throws is its own, as it would be in a promise: the others are told all the same.
      void Promise.reject(defect)
    }
  }
}
