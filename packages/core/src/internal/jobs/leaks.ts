/** Reports leases that are held for too long. */
import * as Effect from "effect/Effect"
import { PoolEvent } from "../../PoolEvent.ts"
import { Deadlines } from "../data/deadlines.ts"
import { Link } from "../data/linkedList.ts"
import type { PoolState } from "../entities/poolState.ts"
import type { Host } from "./host.ts"

/** What the watch keeps with a lease that it looks at. */
export class Watched {
  /** The stack at which the session was asked for. */
  readonly origin: Error
  readonly link: Link<WatchedLease>
  takenAt = 0
  /** Since when its present deadline runs. */
  since = 0
  hasLeaked = false

  constructor(lease: WatchedLease, origin: Error) {
    this.origin = origin
    this.link = new Link(lease)
  }
}

/** What the watch needs to know of a lease. */
interface WatchedLease {
  readonly sessionId: number
  readonly takenBy: string | undefined
  /** There while leaks are looked for. */
  readonly watched: Watched | undefined
  /** How many calls run on its session. */
  readonly running: number
  /** Takes its session away. */
  readonly reclaim: () => void
}

type WatchedPool = Pick<
  PoolState<unknown>,
  "count" | "date" | "emit" | "isWatched" | "limits" | "now" | "order" | "settings"
>

/** Where the frames of the pool itself and of Effect stand, which say nothing about who took a session. */
const own = new URL("../..", import.meta.url).pathname

/** The first line of a stack that is the caller's. */
const callSite = (origin: Error): string | undefined =>
  (origin.stack ?? "").split("\n").slice(1)
    .find((line) => !line.includes(own) && !line.includes("/node_modules/effect/"))
    ?.trim().replace(/^at /, "")

/** Reports leases that are held for longer than `leakDetectionThreshold`; while that is off it looks at nothing. */
export class LeakWatch {
  readonly #state: WatchedPool
  readonly #deadlines: Deadlines<WatchedLease>
  /** Leases that were reported and have not ended. */
  readonly #leaked = new Set<WatchedLease>()

  constructor(options: Pick<Host<unknown>, "flush" | "fork"> & { readonly state: WatchedPool }) {
    this.#state = options.state
    this.#deadlines = new Deadlines<WatchedLease>({
      now: () => options.state.now(),
      fork: options.fork,
      link: (lease) => lease.watched!.link,
      since: (lease) => lease.watched!.since,
      expired: (lease) => this.#expired(lease),
      done: () => {
        options.flush()
        this.#deadlines.setTimer()
      }
    })
  }

  get isOn(): boolean {
    return this.#state.limits.leakThreshold !== Infinity
  }

  watch(lease: WatchedLease, takenAt: number): void {
    if (lease.watched === undefined || !this.isOn) return
    lease.watched.takenAt = takenAt
    lease.watched.since = takenAt
    this.#deadlines.add(lease, this.#state.limits.leakThreshold)
    this.#deadlines.setTimer()
  }

  /** How many leases were reported as leaks and have not ended. */
  get leaked(): number {
    return this.#leaked.size
  }

  /** A lease has lost its session. */
  leave(lease: WatchedLease): void {
    if (lease.watched === undefined) return
    // The timer stays until it is over: most leases follow one another.
    this.#deadlines.remove(lease)
    this.#leaked.delete(lease)
  }

  /** A lease has ended. */
  forget(lease: WatchedLease): void {
    if (lease.watched === undefined) return
    this.leave(lease)
    if (!lease.watched.hasLeaked) return
    const at = this.#state.now()
    const heldMillis = at - lease.watched.takenAt
    if (this.#state.isWatched) {
      this.#state.emit(PoolEvent.LeakReturned({ at: this.#state.date(at), session: lease.sessionId, heldMillis }))
    }
    this.#log(
      "A session that was held for longer than leakDetectionThreshold was returned",
      lease,
      heldMillis,
      Effect.logInfo
    )
  }

  describe(lease: WatchedLease): string | undefined {
    return lease.watched === undefined ? undefined : callSite(lease.watched.origin)
  }

  #expired(lease: WatchedLease): void {
    const watched = lease.watched!
    this.#deadlines.remove(lease)
    if (!watched.hasLeaked) this.#report(lease)
    if (this.#state.settings.leakReclaim && lease.running === 0) return this.#reclaim(lease)
    if (!this.isOn) return
    // A call shows that the lease is in use, and `leakReclaim` may be switched on later: it is looked at again after another such time.
    watched.since = this.#state.now()
    this.#deadlines.add(lease, this.#state.limits.leakThreshold)
  }

  #reclaim(lease: WatchedLease): void {
    const at = this.#state.now()
    const heldMillis = at - lease.watched!.takenAt
    if (this.#state.isWatched) {
      this.#state.emit(PoolEvent.LeakReclaimed({ at: this.#state.date(at), session: lease.sessionId, heldMillis }))
    }
    this.#log("The session of a leaked lease is taken away and closed", lease, heldMillis, Effect.logWarning)
    lease.reclaim()
  }

  #report(lease: WatchedLease): void {
    lease.watched!.hasLeaked = true
    this.#leaked.add(lease)
    const at = this.#state.now()
    const heldMillis = at - lease.watched!.takenAt
    this.#state.count("leaks")
    if (this.#state.isWatched) {
      this.#state.emit(
        PoolEvent.LeakSuspected({
          at: this.#state.date(at),
          session: lease.sessionId,
          heldMillis,
          takenAt: lease.takenBy
        })
      )
    }
    this.#log("A session is held for longer than leakDetectionThreshold", lease, heldMillis, Effect.logWarning)
  }

  #log(
    message: string,
    lease: WatchedLease,
    heldMillis: number,
    log: (...message: ReadonlyArray<unknown>) => Effect.Effect<void>
  ): void {
    const effect = log(`${message}; acquired at ${lease.takenBy ?? "an unknown place"}`).pipe(
      Effect.annotateLogs({
        "sessionpool.pool": this.#state.settings.name,
        "sessionpool.session": lease.sessionId,
        "sessionpool.heldMillis": heldMillis
      })
    )
    this.#state.order({ _tag: "Run", effect })
  }
}
