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
  hasLeaked = false

  constructor(lease: WatchedLease, origin: Error) {
    this.origin = origin
    this.link = new Link(lease)
  }
}

/** What the watch needs to know of a lease. */
export interface WatchedLease {
  readonly sessionId: number
  readonly takenBy: string | undefined
  /** There while leaks are looked for. */
  readonly watched: Watched | undefined
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

  constructor(options: Pick<Host<unknown>, "flush" | "fork"> & { readonly state: WatchedPool }) {
    this.#state = options.state
    this.#deadlines = new Deadlines<WatchedLease>({
      now: () => options.state.now(),
      fork: options.fork,
      link: (lease) => lease.watched!.link,
      since: (lease) => lease.watched!.takenAt,
      expired: (lease) => this.#report(lease),
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
    this.#deadlines.add(lease, this.#state.limits.leakThreshold)
    this.#deadlines.setTimer()
  }

  forget(lease: WatchedLease): void {
    if (lease.watched === undefined) return
    // The timer stays until it is over: most leases follow one another.
    this.#deadlines.remove(lease)
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

  #report(lease: WatchedLease): void {
    this.#deadlines.remove(lease)
    lease.watched!.hasLeaked = true
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
