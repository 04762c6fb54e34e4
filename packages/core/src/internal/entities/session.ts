/** A session as the pool keeps it, and the shard that it may be in. Where a session is, and who has it, is changed by `PoolState` alone. */
import type * as Deferred from "effect/Deferred"
import type * as Fiber from "effect/Fiber"
import type { SessionTag } from "../../SessionTag.ts"
import type { Expiring } from "../data/expiryHeap.ts"
import { Link, LinkedList } from "../data/linkedList.ts"
import type { ListOfTag, SessionGroup } from "./sessionGroup.ts"
import type { Waiter } from "./waiter.ts"

/**
 * Where a session is. There is no other place, and only `Places` changes it:
 *
 * ```text
 *            open                lend                    end of lease
 *   (opening) --> idle <-----------------------> busy ------------------+
 *                  | ^                             |                     |
 *            check | | proved alive                | dead, expired,      | unfit to be lent again
 *                  v |                             | surplus             |
 *               checking --------------------------+----> closing -----> gone
 * ```
 *
 * A session that is being opened is only counted; its object is made when it is open. `checking` is an idle session set aside
 * while it is pinged.
 */
export type Place = "opening" | "idle" | "checking" | "busy" | "closing" | "gone"

/** What the pool knows of the lease on a busy session. */
export interface Holder {
  /** Where in the program it was taken; known while leaks are looked for. */
  readonly takenBy: string | undefined
  /** The fiber that asked for it; the span in which that is now says what the session is used for. */
  readonly fiber: Fiber.Fiber<unknown, unknown> | undefined
  /** How many calls run on its session. */
  readonly running: number
  /** Ends the lease from outside: nothing can be done with its connection any more. */
  readonly revoke: () => void
}

/** One authenticated conversation with the database, as the pool keeps it. */
export class Session<S> implements Expiring {
  readonly id: number
  readonly group: SessionGroup<S>
  readonly handle: S
  readonly openedAt: number
  /** The account that it was opened with, as `PasswordDigests.account` gives it. */
  readonly account: string
  /** The part of the lifetime setting that this session lives, drawn when it was opened. */
  readonly lifetimePart: number
  readonly place: Place = "opening"
  tag: SessionTag | undefined = undefined
  expiresAt = Infinity
  heapIndex = -1
  idleSince: number
  /** When it was last known to answer. */
  provenAt: number
  /** The value of `PoolState.suspicion` when it last proved to be alive. */
  provenAgainst: number
  /** The pool's epoch when it was asked for. */
  readonly epoch: number
  /** How many leases it has served, the present one included. */
  uses = 0
  /** When the last call on it ended. */
  calledAt = 0
  /** Since when the lease had been idle that was named last. */
  namedIdleSince = -1
  /** Whether it has never been lent. */
  isFresh = true
  /** Who holds it while it is busy, and since when. */
  holder: Holder | undefined = undefined
  takenAt: number
  /** The generation of the pool's facts in which everything was looked at before it was lent; -1: always look. */
  vettedIn = -1
  /** The break that is under way on it, which `breakOff` begins and ends. */
  breaking: Deferred.Deferred<void, unknown> | undefined = undefined
  /** The fiber of what the pool itself runs on it, such as a ping; `runOwnWork` sets it. */
  worker: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** Whether it was taken away from whoever had it: it is closed as soon as nothing runs on it. */
  isTaken = false
  /** The request on whose behalf it is being pinged, as long as that still waits. */
  checkedFor: Waiter<S> | undefined = undefined
  readonly byRecency: Link<Session<S>> = new Link(this)
  readonly byTag: Link<Session<S>> = new Link(this)
  readonly byShard: Link<Session<S>> | undefined
  /** The list of sessions with one tag that it was in last. */
  list: ListOfTag<Session<S>> | undefined = undefined

  constructor(options: {
    readonly id: number
    readonly group: SessionGroup<S>
    readonly handle: S
    readonly now: number
    readonly account: string
    readonly lifetimePart: number
    readonly suspicion: number
    readonly epoch: number
  }) {
    this.id = options.id
    this.group = options.group
    this.handle = options.handle
    this.openedAt = options.now
    this.idleSince = options.now
    this.provenAt = options.now
    this.takenAt = options.now
    this.account = options.account
    this.lifetimePart = options.lifetimePart
    this.provenAgainst = options.suspicion
    this.epoch = options.epoch
    this.byShard = options.group.shard === undefined ? undefined : new Link<Session<S>>(this)
  }
}

/** When a session expires: `lifetime` after it was opened, shortened by the part drawn for it. */
export const expiry = (openedAt: number, lifetime: number, part: number): number => openedAt + lifetime * part

/** What a driver knows about a session without a round trip. */
export type IsHealthy<S> = (session: Session<S>) => boolean

/** The sessions of one sharding key, as far as `maxSessionsPerShard` is concerned. */
export class Shard<S> {
  readonly key: string
  /** The counts are written by `Places` alone. Opening, idle, checking, busy and closing sessions. */
  readonly slots: number = 0
  readonly closing: number = 0
  /** How many groups have this sharding key. */
  groups = 0
  readonly idle = new LinkedList<Session<S>>()

  constructor(key: string) {
    this.key = key
  }
}
