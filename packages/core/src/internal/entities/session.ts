/**
 * What a pool consists of: sessions, requests that wait, the group of one identity that both belong to, and shards. They know each
 * other, so they stand together. Where a session is, and who has it, is changed by `PoolState` alone; who gets which is decided elsewhere.
 */
import type * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Redacted from "effect/Redacted"
import type { CloseReason } from "../../PoolEvent.ts"
import type { GetMode } from "../../PoolOptions.ts"
import type { SessionTag } from "../../SessionTag.ts"
import type { Expiring } from "../data/expiryHeap.ts"
import { Link, LinkedList } from "../data/linkedList.ts"
import type { ListOfTag } from "../data/listsByTag.ts"
import { GroupOpening } from "./groupOpening.ts"
import type { Identity } from "./identity.ts"
import { IdleByTag } from "./idleByTag.ts"
import type { Instance } from "./instances.ts"
import type { Share } from "./share.ts"
import { WaitingByTag } from "./waitingByTag.ts"

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
  /** Where at the database it is, if the driver knows. */
  readonly instance: Instance | undefined
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
  /** Why it is closed as soon as its holder returns it, or the ping that it is set aside for has ended. */
  leaves: CloseReason | undefined = undefined
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
    readonly instance: Instance | undefined
    readonly now: number
    readonly account: string
    readonly lifetimePart: number
    readonly suspicion: number
    readonly epoch: number
  }) {
    this.id = options.id
    this.group = options.group
    this.handle = options.handle
    this.instance = options.instance
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

/** Why a session goes that the driver calls unhealthy: it is dead, unless its end was announced. */
export const whyUnhealthy = <S>({ leaves }: Session<S>): CloseReason => leaves ?? "dead"

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

/**
 * All sessions and all waiting requests of one identity. It knows which idle session fits a request, and which waiting
 * request a session fits, each in constant time for requests without tag or with an exact one.
 */
export class SessionGroup<S> {
  readonly identity: Identity
  readonly digest: Buffer | undefined
  readonly shard: Shard<S> | undefined
  readonly shareOfUser: Share
  readonly shareOfClass: Share
  /** The password of a request's own credentials, kept only while a session is wanted or being opened with it. */
  password: Redacted.Redacted<string> | undefined = undefined

  /** Sessions that are idle, checking or busy. This count and the next two are written by `Places` alone. */
  readonly live: number = 0
  readonly opening: number = 0
  readonly closing: number = 0
  /** Waiting requests that no session is being pinged for. */
  unserved = 0
  waiting = 0

  /** What it knows about opening sessions. */
  readonly opener = new GroupOpening()
  /** Whether the pool has let go of the group: who asks for its identity again gets another. */
  isGone = false

  readonly idle = new IdleByTag<Session<S>>()
  readonly queue = new WaitingByTag<Waiter<S>>()
  /** Waiting requests that go past `max`. */
  forced = 0

  constructor(
    identity: Identity,
    digest: Buffer | undefined,
    shard: Shard<S> | undefined,
    shares: { readonly ofUser: Share; readonly ofClass: Share }
  ) {
    this.identity = identity
    this.digest = digest
    this.shard = shard
    this.shareOfUser = shares.ofUser
    this.shareOfClass = shares.ofClass
  }

  /** Whether its sessions belong to a user that a request has named, which a homogeneous pool does not have. */
  get isNamedByRequest(): boolean {
    return this.identity.credentials === "request" || this.identity.proxyUser !== undefined
  }

  /** Whether nothing refers to the group any more. */
  get isUnused(): boolean {
    return this.live + this.opening + this.closing + this.waiting === 0 && !this.opener.isPausing
  }

  addWaiter(waiter: Waiter<S>): void {
    this.waiting++
    this.unserved++
    if (waiter.isForced) this.forced++
    this.queue.add(waiter)
  }

  removeWaiter(waiter: Waiter<S>): void {
    this.waiting--
    if (waiter.isForced) this.forced--
    if (waiter.checking === undefined) this.unserved--
    this.queue.remove(waiter)
  }
}

/** What a request for a session comes to, once it has been read. */
export interface Criteria<S> {
  readonly group: SessionGroup<S>
  readonly tag: SessionTag | undefined
  readonly matchAnyTag: boolean
  /** Whether only a session that was never lent will do (purity "new"). */
  readonly fresh: boolean
  /** The password to open a session with, when it is the request's own. */
  readonly password: Redacted.Redacted<string> | undefined
  /** Where the idle sessions with this tag were found last. */
  list: ListOfTag<Session<S>> | undefined
}

/** How a wait ended: with a session, which is the holder's from that very step on, or with a failure. */
export type Outcome<S> =
  | { readonly _tag: "Served"; readonly session: Session<S> }
  | { readonly _tag: "Refused"; readonly error: unknown }

/** A request that waits. It stands in the queue of the pool, in one of its group, and in one for its deadline. */
export class Waiter<S> {
  readonly criteria: Criteria<S>
  readonly holder: Holder
  readonly fiberId: number
  readonly since: number
  /** Order of arrival, over all groups. */
  readonly number: number
  /** Whether it waits only for what was ordered for it, not for others to end their leases. */
  readonly isImpatient: boolean
  /** Whether sessions are opened for it past `max`. */
  readonly isForced: boolean
  /** A session that is being pinged for this request. */
  checking: Session<S> | undefined = undefined
  /** How many requests that came later have been served before it, while it was the oldest of all. */
  passedOver = 0
  outcome: Outcome<S> | undefined = undefined
  /** How long it may wait, and how much of its wait does not count, because the pool was suspended. */
  timeout = Infinity
  pausedMillis = 0
  /** Set once its fiber sleeps: tells it that the outcome is known. */
  wake: ((then: Effect.Effect<void>) => void) | undefined = undefined
  nextTold: { readonly tell: () => void; nextTold: Waiter<S>["nextTold"] } | undefined = undefined
  readonly inPool: Link<Waiter<S>> = new Link(this)
  readonly inGroup: Link<Waiter<S>> = new Link(this)
  /** There for a request that names a tag. */
  readonly byTag: Link<Waiter<S>> | undefined
  readonly byDeadline: Link<Waiter<S>> = new Link(this)

  constructor(criteria: Criteria<S>, holder: Holder, fiberId: number, since: number, number: number, mode: GetMode) {
    this.criteria = criteria
    this.holder = holder
    this.fiberId = fiberId
    this.since = since
    this.number = number
    this.isForced = mode === "forceGet"
    this.isImpatient = this.isForced || mode === "noWait"
    this.byTag = criteria.tag === undefined ? undefined : new Link<Waiter<S>>(this)
  }

  /** Tells its fiber that the outcome is known. */
  tell(): void {
    this.wake?.(Effect.void)
  }

  /** How long it has waited, as far as that counts. */
  waited(now: number): number {
    return now - this.since - this.pausedMillis
  }

  get isWaiting(): boolean {
    return this.inPool.list !== undefined
  }
}
