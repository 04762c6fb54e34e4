/**
 * What has to be told once a step is complete: outcomes to the fibers that wait for them, events to listeners. No fiber runs
 * inside a step, where it could see half of it.
 */
import * as Context from "effect/Context"
import { Scheduler, type SchedulerDispatcher } from "effect/Scheduler"

/** Something to be told. It may run fibers. */
interface Told {
  readonly tell: () => void
}

const settled = Promise.resolve()

/** How often something is told before something else must have had a turn of the event loop. */
const inTurn = 256

/**
 * Tells things in the order in which they came about, once what runs now is done, in the same turn of the event loop: a session
 * that is freed is in use again at once. But not without end, or nothing else would have its turn. A scheduler that is not
 * Effect's own decides by itself when something runs.
 */
export class Outbox {
  readonly #isAtOnce: boolean
  readonly #dispatcher: SchedulerDispatcher
  #items: Array<Told> = []
  #timesInTurn = 0

  constructor(scheduler: Scheduler) {
    this.#dispatcher = scheduler.makeDispatcher()
    this.#isAtOnce = scheduler === Context.get(Context.empty(), Scheduler)
  }

  put(item: Told): void {
    if (this.#items.push(item) > 1) return
    if (this.#isAtOnce && ++this.#timesInTurn < inTurn) void settled.then(this.#tell)
    else {
      this.#timesInTurn = 0
      this.#dispatcher.scheduleTask(this.#tell, 0)
    }
  }

  readonly #tell = (): void => {
    const items = this.#items
    this.#items = []
    for (const item of items) item.tell()
  }
}
