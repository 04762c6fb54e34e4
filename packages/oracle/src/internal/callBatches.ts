/**
 * Gathers calls of one lease that are ready together and sends them in one round trip.
 *
 * The first call of a batch takes a place in the session's line. Until its turn has come, and then until all fibers of the
 * scheduler's current run have had theirs, others join it; no timer is involved. A call that cannot be sent in a pipeline closes
 * the batch, so that nothing overtakes it. A caller who leaves takes its answer along and lets the others go on; when the last has
 * left, the batch is given up, and whoever stops it breaks it at the server.
 */
import { isBroken, isOfDriver, lostMidway } from "./driverFailure.ts"
import type { DriverInternals } from "./driverInternals.ts"
import type { DriverConnection } from "./oracledb.ts"
import {
  type CallOutcome,
  fitsPipeline,
  isPipelineRefusal,
  isRefusedByDriver,
  outcomeAlone,
  type Preparation,
  type PreparedCall,
  runTogether
} from "./pipelinedCall.ts"
import type { LeaseState } from "./sessionCall.ts"

/** What is known of pipelines by all sessions of a pool. */
export interface PipelineState {
  /** Whether calls of a pool go together unless an effect says otherwise. */
  readonly isOn: boolean
  /** The server has refused one (ORA-43616): calls go one by one from then on. */
  isRefused: boolean
}

/** Every copy of a text opens a cursor of its own, so a batch is kept well below `OPEN_CURSORS` (300 unless told otherwise). */
const mostCalls = 32

interface Entry {
  readonly prepare: Preparation
  readonly sql: string
  readonly onEnd: (outcome: CallOutcome) => void
  isGone: boolean
  outcome: CallOutcome | undefined
}

/** A place in the session's line. */
interface Place {
  /** No caller waits for the call any more. */
  readonly abandon: () => void
}

/** What a batch needs of its session. */
interface BatchHost {
  readonly internals: DriverInternals
  /** The holder's limit for a round trip in milliseconds, 0 for none. */
  readonly callTimeout: number
  /** Takes a place in the line; `work` begins when its turn has come, `onEnd` hears what has come of it. */
  readonly enqueue: (
    batch: Batch,
    work: (connection: DriverConnection) => Promise<void>,
    onEnd: (failure: { readonly cause: unknown } | undefined) => void
  ) => Place
  /** Breaks the call that runs, as it has taken too long. */
  readonly breakRunning: () => void
  /** The state of the connection is not known: nothing more is tried on it. */
  readonly lose: () => void
  /** A call of the batch that runs has failed. */
  readonly noteFailure: (sql: string, failure: unknown) => void
}

/** The driver's own words for a call that took longer than its limit. */
const timedOut = (millis: number): Error =>
  Object.assign(new Error(`NJS-123: call timeout of ${millis} ms exceeded`), { code: "NJS-123" })

/** Calls that go together. */
export class Batch {
  readonly lease: LeaseState
  readonly #host: BatchHost
  readonly #state: PipelineState
  readonly #entries: Array<Entry> = []
  #place: Place | undefined = undefined
  #hasBegun = false
  /** Whether it has been sent as a pipeline. */
  isPipeline = false

  constructor(lease: LeaseState, host: BatchHost, state: PipelineState) {
    this.lease = lease
    this.#host = host
    this.#state = state
  }

  /** Takes a place in the line, with the first call in it: its turn may come, or be refused, at once. */
  enter(onBegin: () => void): void {
    this.#place = this.#host.enqueue(
      this,
      async (connection) => {
        // Fibers that are ready now have their turn first.
        await Promise.resolve()
        onBegin()
        this.#hasBegun = true
        await this.#run(connection)
      },
      (failure) => {
        onBegin()
        // Outcomes are told when the session has taken note of the call: a caller may go on with it at once.
        for (const { isGone, onEnd, outcome } of this.#entries) {
          const ending = outcome ?? (failure === undefined ? undefined : { failure: failure.cause })
          if (!isGone && ending !== undefined) onEnd(ending)
        }
      }
    )
  }

  get isFull(): boolean {
    return this.#entries.length >= mostCalls
  }

  /** Adds a call; the answer is how its caller leaves. */
  add(sql: string, prepare: Preparation, onEnd: (outcome: CallOutcome) => void): () => void {
    const entry: Entry = { prepare, sql, onEnd, isGone: false, outcome: undefined }
    this.#entries.push(entry)
    return () => {
      entry.isGone = true
      if (!this.#hasBegun) this.#entries.splice(this.#entries.indexOf(entry), 1)
      if (this.#entries.every(({ isGone }) => isGone)) this.#place?.abandon()
    }
  }

  async #run(connection: DriverConnection): Promise<void> {
    const ready: Array<{ readonly entry: Entry; readonly call: PreparedCall }> = []
    for (const entry of this.#entries) {
      try {
        ready.push({ entry, call: entry.prepare() })
      } catch (failure) {
        entry.outcome = { failure }
      }
    }
    const end = ({ entry }: { readonly entry: Entry }, outcome: CallOutcome) => {
      if ("failure" in outcome) this.#host.noteFailure(entry.sql, outcome.failure)
      entry.outcome = outcome
    }
    // What a pipeline does not take stands alone between the pipelines before and after it.
    let from = 0
    while (from < ready.length) {
      let to = from
      while (to < ready.length && fitsPipeline(ready[to]!.call)) to++
      const together = ready.slice(from, to)
      if (together.length > 1 && this.#host.internals.pipelines !== undefined && !this.#state.isRefused) {
        const outcomes = await this.#together(connection, together.map(({ call }) => call))
        together.forEach((each, index) => end(each, outcomes[index]!))
      } else {
        for (const each of ready.slice(from, Math.max(to, from + 1))) {
          // Whoever has left before it was sent wants nothing sent.
          if (!each.entry.isGone) end(each, await outcomeAlone(connection, each.call))
        }
      }
      from = Math.max(to, from + 1)
    }
  }

  async #together(
    connection: DriverConnection,
    calls: ReadonlyArray<PreparedCall>
  ): Promise<ReadonlyArray<CallOutcome>> {
    const { callTimeout, internals } = this.#host
    let isLate = false
    // The driver's own time limit does not hold in a pipeline.
    const timer = callTimeout === 0 ? undefined : setTimeout(() => {
      isLate = true
      this.#host.breakRunning()
    }, callTimeout)
    this.isPipeline = true
    try {
      const outcomes = await runTogether(connection, calls, internals.pipelines!)
      if (outcomes.some((outcome) => "failure" in outcome && isPipelineRefusal(outcome.failure))) {
        return await this.#refused(connection, calls)
      }
      const told: Array<CallOutcome> = []
      for (const [index, outcome] of outcomes.entries()) {
        if (isLate && "failure" in outcome && isBroken(outcome.failure)) told.push({ failure: timedOut(callTimeout) })
        else if (calls[index]!._tag === "Query" && "failure" in outcome && isRefusedByDriver(outcome.failure)) {
          told.push(await outcomeAlone(connection, calls[index]!))
        } else told.push(outcome)
      }
      return told
    } catch (thrown) {
      if (isPipelineRefusal(thrown)) return await this.#refused(connection, calls)
      // The driver closes a connection whose session was ended, and then reads on from what it has dropped.
      const failure = isOfDriver(thrown) || connection.isHealthy() ? thrown : lostMidway(thrown)
      this.#host.lose()
      return calls.map(() => ({ failure }))
    } finally {
      clearTimeout(timer)
    }
  }

  async #refused(
    connection: DriverConnection,
    calls: ReadonlyArray<PreparedCall>
  ): Promise<ReadonlyArray<CallOutcome>> {
    this.#state.isRefused = true
    this.isPipeline = false
    const outcomes: Array<CallOutcome> = []
    for (const call of calls) outcomes.push(await outcomeAlone(connection, call))
    return outcomes
  }
}

/** The batches of one session: at most one of them takes more calls. */
export class CallBatches {
  readonly state: PipelineState
  readonly #host: BatchHost
  #open: Batch | undefined = undefined

  constructor(host: BatchHost, state: PipelineState) {
    this.#host = host
    this.state = state
  }

  /** Whether the session can send calls together. */
  get isPossible(): boolean {
    return this.#host.internals.pipelines !== undefined && !this.state.isRefused
  }

  add(lease: LeaseState, sql: string, prepare: Preparation, onEnd: (outcome: CallOutcome) => void): () => void {
    const open = this.#open
    if (open !== undefined && open.lease === lease && !open.isFull) return open.add(sql, prepare, onEnd)
    const batch = new Batch(lease, this.#host, this.state)
    this.#open = batch
    const leave = batch.add(sql, prepare, onEnd)
    batch.enter(() => {
      if (this.#open === batch) this.#open = undefined
    })
    return leave
  }

  /** Something stands in the line behind the open batch: nothing may join that any more. */
  close(): void {
    this.#open = undefined
  }
}
