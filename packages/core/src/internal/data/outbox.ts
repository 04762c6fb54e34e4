/**
 * What has to be told once a step is complete: outcomes to the fibers that wait for them, events to listeners. No fiber runs
 * inside a step, where it could see half of it.
 */
import { MixedScheduler, type Scheduler, type SchedulerDispatcher } from "effect/Scheduler"

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
  readonly #between: () => void
  #first: Told | undefined = undefined
  #last: Told | undefined = undefined
  /** Whether a step runs that tells when it is complete, or what such a step has come to is being told. */
  #isHeld = false
  #isScheduled = false
  /** How many were told since something else had its turn. */
  #told = 0

  /** `between` is called between two that are told one after the other. */
  constructor(scheduler: Scheduler, between: () => void) {
    // One that is to run an effect at once has no turns: what outlives the effect has those of Effect's own.
    const isPassing = scheduler.executionMode === "sync" && scheduler instanceof MixedScheduler
    const lasting = isPassing ? new MixedScheduler() : scheduler
    this.#dispatcher = lasting.makeDispatcher()
    this.#between = between
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
    if (!this.#isHeld) this.#tellSoon()
  }

  /**
   * Runs a step after which nothing is left to do, and tells what has come of it before it returns. What is told may run such a step
   * in its turn, and that step's is told from here as well: nothing nests.
   */
  tellAfter(step: () => void): void {
    if (this.#isHeld || this.#told >= inTurn) return step()
    this.#isHeld = true
    try {
      step()
      while (this.#first !== undefined && this.#told < inTurn) {
        this.#tellFirst(this.#first)
        if (this.#first !== undefined) this.#between()
      }
    } finally {
      this.#isHeld = false
      if (this.#first !== undefined) this.#tellSoon()
    }
  }

  #tellSoon(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#dispatcher.scheduleTask(this.#tell, 0)
  }

  readonly #tell = (): void => {
    this.#isScheduled = false
    this.#told = 0
    this.tellAfter(() => {})
  }

  #tellFirst(item: Told): void {
    this.#told++
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
