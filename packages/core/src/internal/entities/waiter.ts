/** A request as it was read, and as it waits. */
import type * as Redacted from "effect/Redacted"
import type { GetMode } from "../../PoolOptions.ts"
import type { SessionTag } from "../../SessionTag.ts"
import { Link } from "../data/linkedList.ts"
import type { Holder, Session } from "./session.ts"
import type { ListOfTag, SessionGroup } from "./sessionGroup.ts"

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
  wake: (() => void) | undefined = undefined
  readonly inPool: Link<Waiter<S>> = new Link(this)
  readonly inGroup: Link<Waiter<S>> = new Link(this)
  /** There for a request that names a tag. */
  readonly byTag: Link<Waiter<S>> | undefined
  readonly byDeadline: Link<Waiter<S>> = new Link(this)

  constructor(options: {
    readonly criteria: Criteria<S>
    readonly holder: Holder
    readonly fiberId: number
    readonly since: number
    readonly number: number
    readonly mode: GetMode
  }) {
    const { mode, criteria } = options
    this.criteria = criteria
    this.holder = options.holder
    this.fiberId = options.fiberId
    this.since = options.since
    this.number = options.number
    this.isImpatient = mode === "noWait" || mode === "forceGet"
    this.isForced = mode === "forceGet"
    this.byTag = criteria.tag === undefined ? undefined : new Link<Waiter<S>>(this)
  }

  /** Tells its fiber that the outcome is known. */
  tell(): void {
    this.wake?.()
  }

  /** How long it has waited, as far as that counts. */
  waited(now: number): number {
    return now - this.since - this.pausedMillis
  }

  get isWaiting(): boolean {
    return this.inPool.list !== undefined
  }
}
