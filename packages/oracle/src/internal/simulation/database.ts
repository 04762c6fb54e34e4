/**
 * The database of a simulation: log-ons take time, sessions are counted and bounded, and nothing else is. With DRCP, the processes connect to
 * a broker, whose servers are a pool of sessions of their own: one with the same rules as any other.
 */
import { Connection, type PoolError, type SessionDriver, SessionPool } from "@sessionpool/core"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { Level } from "./figures.ts"
import { draw, type Numbers, type Times } from "./times.ts"
import type { VirtualTime } from "./virtualTime.ts"

/** The database has as many sessions as it may have (ORA-00018, ORA-00020). */
class TooManySessions extends Data.TaggedError("TooManySessions")<{}> {}

class SimulatedConnection extends Connection.Base {}

type Driver = SessionDriver.SessionDriver<{}, SimulatedConnection, TooManySessions>
export type Pool = SessionPool.SessionPool<SimulatedConnection>

export interface DatabaseOptions {
  /** How long a log-on takes. */
  readonly logOn: Times
  /** How many log-ons the database does at the same time; others queue. */
  readonly logOnsAtOnce: number
  /** The most sessions that it allows. */
  readonly sessionLimit: number
}

/** What is counted where sessions end: at the database, or at the broker of its pooled servers. */
export class Counts {
  /** Sessions, those that are logging on included. */
  readonly sessions = new Level()
  logOns = 0
  refusals = 0

  restart(now: number): void {
    this.sessions.restart(now)
    this.logOns = 0
    this.refusals = 0
  }
}

/** A driver whose sessions are counted in `counts`. */
export const driverOf = (time: VirtualTime, counts: Counts, options: DatabaseOptions, numbers: Numbers): Driver => {
  const permits = Number.isFinite(options.logOnsAtOnce) ? Semaphore.makeUnsafe(options.logOnsAtOnce) : undefined
  const logOn = Effect.suspend(() => time.sleep(draw(options.logOn, numbers)))
  const served = permits === undefined ? logOn : permits.withPermits(1)(logOn)
  const end = Effect.sync(() => counts.sessions.change(-1, time.now))
  return {
    open: () =>
      Effect.suspend(() => {
        if (counts.sessions.level >= options.sessionLimit) {
          counts.refusals++
          return Effect.fail(new TooManySessions())
        }
        counts.sessions.change(1, time.now)
        return Effect.interruptible(served).pipe(
          Effect.andThen(Effect.sync(() => {
            counts.logOns++
            return {}
          })),
          Effect.onInterrupt(() => end)
        )
      }),
    close: () => end,
    ping: () => Effect.void,
    reset: () => undefined,
    interrupt: () => Effect.void,
    isHealthy: () => true,
    isAuthenticationFailure: () => false,
    lease: (_session, lease) => new SimulatedConnection(lease)
  }
}

/** The pooled servers of DRCP, named as `dbms_connection_pool.configure_pool` names them; `inactivity` is in milliseconds. */
export interface Drcp {
  readonly minSize: number
  readonly maxSize: number
  readonly inactivity: number
}

/** The servers behind the broker: who finds none free waits without a limit, first come first served. */
export const makeServers = (
  driver: Driver,
  { inactivity, maxSize, minSize }: Drcp
): Effect.Effect<Pool, PoolError.InvalidOptionsError | PoolError.OpenSessionError, Scope.Scope> =>
  SessionPool.make({
    driver,
    name: "drcp",
    user: "simulated",
    min: Math.min(minSize, maxSize),
    max: maxSize,
    timeout: inactivity,
    queueMax: -1,
    openTimeout: 0
  })
