/** One run: processes with a real pool each, the requests that come to them, the database that they share, and what all that comes to. */
import { type PoolError, type PoolOptions, SessionPool } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { Counts, type DatabaseOptions, type Drcp, driverOf, makeServers, type Pool } from "./database.ts"
import { Level, type Waits, waitsFrom } from "./figures.ts"
import { type Load, type Next, numbersOf, requestsOf } from "./load.ts"
import { VirtualTime } from "./virtualTime.ts"

/** How long a run is: a number of requests, or a time in milliseconds. */
export type Extent = { readonly leases: number } | { readonly duration: number }

/** A run: what is the same for all of its processes, and how many there are. */
export interface RunOptions {
  readonly processes: number
  /** Whether the load is that of each process; else it is that of all together, shared at random. */
  readonly isEach: boolean
  readonly load: Load
  readonly pool: PoolOptions.Options
  readonly database: DatabaseOptions
  readonly drcp: Drcp | undefined
  readonly extent: Extent
  /** The share of the run, from its beginning, that is left out of the figures. */
  readonly warmUp: number
  readonly seed: string
}

interface Figures {
  /** Requests that were served, of those that came after the warm-up. */
  readonly leases: number
  /** Those that failed: the queue was full, or they had waited for too long. */
  readonly failed: number
  /** Those that were still waiting when the run was given up. */
  readonly unserved: number
  readonly waits: Waits
  /** Sessions in use, on average. */
  readonly busy: number
  /** What the database saw. */
  readonly database: Ends
  /** What the broker saw, with DRCP. */
  readonly broker: Ends
}

/**
 * Sessions, or connections to a broker, as they were counted at their other end.
 *
 * **Details**
 *
 * `mean` and `peak` count what was open at one moment, `mean` by time. All figures begin after the warm-up.
 *
 * @category models
 * @since 0.3.0
 */
export interface Ends {
  readonly mean: number
  readonly peak: number
  readonly logOnsPerSecond: number
  /** Log-ons that were refused, as there were as many sessions as allowed. */
  readonly refused: number
}

const endsOf = ({ logOns, refusals, sessions }: Counts, from: number, to: number): Ends => ({
  mean: sessions.mean(to),
  peak: sessions.peak,
  logOnsPerSecond: to > from ? logOns * 1000 / (to - from) : 0,
  refused: refusals
})

/** How long after its last request a run goes on for those that still wait, in milliseconds. */
const overtime = 600_000

/** Counts what happens to requests, from the end of the warm-up to the last request. */
class Tally {
  readonly busy = new Level()
  readonly database = new Counts()
  readonly broker = new Counts()
  readonly waits: Array<number> = []
  #began = 0
  /** When the last request came, and what was counted until then. */
  last: { readonly at: number; readonly figures: Pick<Figures, "busy" | "database" | "broker"> } | undefined = undefined
  arrived = 0
  ended = 0
  measured = 0
  failed = 0
  isMeasuring = false

  measure(now: number): void {
    this.isMeasuring = true
    this.#began = now
    this.busy.restart(now)
    this.database.restart(now)
    this.broker.restart(now)
  }

  /** No more requests come: what happens from now on would make levels look lower than they were. */
  close(now: number): void {
    if (this.last !== undefined) return
    this.last = {
      at: now,
      figures: {
        busy: this.busy.mean(now),
        database: endsOf(this.database, this.#began, now),
        broker: endsOf(this.broker, this.#began, now)
      }
    }
  }
}

const extentOf = (extent: Extent, warmUp: number) =>
  "leases" in extent
    ? {
      isWarm: (_now: number, arrived: number) => arrived >= extent.leases * warmUp,
      isOver: (_now: number, arrived: number) => arrived >= extent.leases,
      share: (_now: number, ended: number) => ended / extent.leases
    }
    : {
      isWarm: (now: number) => now >= extent.duration * warmUp,
      isOver: (now: number) => now >= extent.duration,
      share: (now: number) => Math.min(1, now / extent.duration)
    }

/** Plays a run from its beginning to its end. `onTurn` is told how much of it is done, from 0 to 1. */
export const simulate = <R>(
  options: RunOptions,
  onTurn: (done: number) => Effect.Effect<void, never, R>
): Effect.Effect<Figures, PoolError.InvalidOptionsError | PoolError.OpenSessionError, R> =>
  Effect.suspend(() => {
    const { database, drcp, isEach, load, processes, seed, warmUp } = options
    const time = new VirtualTime()
    const context = time.context(`${seed} pools`)
    const tally = new Tally()
    const { isOver, isWarm, share } = extentOf(options.extent, warmUp)
    const logOns = numbersOf(`${seed} log-ons`)
    const choice = numbersOf(`${seed} processes`)
    const draws = { gaps: numbersOf(`${seed} gaps`), holds: numbersOf(`${seed} holds`) }
    const run = Effect.runForkWith(context)
    let isStopped = false

    /** One request: it waits for a session, and with DRCP for a server behind it, and holds it. */
    const request = (pool: Pool, servers: Pool | undefined, hold: number): void => {
      const arrival = time.now
      const isMeasured = tally.isMeasuring
      tally.arrived++
      if (isMeasured) tally.measured++
      const work = Effect.suspend(() => {
        if (isMeasured) tally.waits.push(time.now - arrival)
        tally.busy.change(1, time.now)
        return Effect.ensuring(time.sleep(hold), Effect.sync(() => tally.busy.change(-1, time.now)))
      })
      const lease = servers === undefined ? work : servers.use(() => work)
      run(pool.use(() => lease)).addObserver((exit) => {
        if (isStopped) return
        tally.ended++
        if (isMeasured && Exit.isFailure(exit)) tally.failed++
      })
    }

    /** Lets requests come, one after the other, to whichever process `to` says. */
    const arrivals = (next: () => Next, to: () => Pool, servers: Pool | undefined): void => {
      const plan = (): void => {
        const { gap, hold } = next()
        time.after(gap, () => {
          if (isOver(time.now, tally.arrived)) return tally.close(time.now)
          if (!tally.isMeasuring && isWarm(time.now, tally.arrived)) tally.measure(time.now)
          request(to(), servers, hold)
          plan()
        })
      }
      plan()
    }

    const main = Effect.gen(function*() {
      const direct = driverOf(time, tally.database, database, logOns)
      const servers = drcp === undefined ? undefined : yield* makeServers(direct, drcp)
      const driver = drcp === undefined
        ? direct
        : driverOf(time, tally.broker, { ...database, sessionLimit: Infinity }, logOns)
      const pools: Array<Pool> = []
      for (let number = 1; number <= processes; number++) {
        pools.push(yield* SessionPool.make({ ...options.pool, driver, user: "simulated", name: `process ${number}` }))
      }
      if (isEach) {
        for (const pool of pools) {
          arrivals(requestsOf(load, draws, choice.nextDoubleUnsafe()), () => pool, servers)
        }
      } else {
        arrivals(requestsOf(load, draws), () => pools[Math.floor(choice.nextDoubleUnsafe() * processes)]!, servers)
      }
      return yield* Effect.never
    }).pipe(Effect.scoped)

    const fiber = run(main)
    const isDone = (): boolean =>
      fiber.pollUnsafe() !== undefined ||
      (tally.last !== undefined && (tally.ended === tally.arrived || time.now > tally.last.at + overtime))
    // What is left of it then, fibers and pools, holds nothing of this process: it is forgotten with its time.
    return Effect.gen(function*() {
      yield* time.pass(isDone, Effect.suspend(() => onTurn(share(time.now, tally.ended))))
      isStopped = true
      if (tally.last === undefined) return yield* Fiber.join(fiber)
      return {
        ...tally.last.figures,
        leases: tally.waits.length,
        failed: tally.failed,
        unserved: tally.measured - tally.waits.length - tally.failed,
        waits: waitsFrom(tally.waits)
      }
    })
  })
