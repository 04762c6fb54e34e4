/** The state of a pool without its fibers: a test sets its clock, its sessions and its requests, and sees what a decision orders. */
import { Context, Effect, type Fiber, Redacted, Result, Scheduler } from "effect"
import { Deadlines } from "../src/internal/data/deadlines.ts"
import { Outbox } from "../src/internal/data/outbox.ts"
import type { TurnClock } from "../src/internal/data/turnClock.ts"
import { Groups } from "../src/internal/entities/groups.ts"
import { PasswordDigests } from "../src/internal/entities/identity.ts"
import { PoolState } from "../src/internal/entities/poolState.ts"
import { type Holder, Session, type SessionGroup, Waiter } from "../src/internal/entities/session.ts"
import type { CloseReason } from "../src/PoolEvent.ts"
import * as PoolOptions from "../src/PoolOptions.ts"
import type { SessionRequest } from "../src/SessionRequest.ts"

export const holder: Holder = { takenBy: undefined, fiber: undefined, running: 0, revoke: () => {} }

/** A log-on that has failed and may work again. */
export const failure = {
  cause: "no listener",
  isAuthentication: false,
  refusal: undefined,
  attempts: 1,
  fingerprint: "",
  retryAt: Infinity
}

/** A request of another user than the pool's own. */
export const asUser = (user: string, more: SessionRequest = {}): SessionRequest => ({
  user,
  password: Redacted.make(`of ${user}`),
  ...more
})

interface Made {
  readonly group?: SessionGroup<object>
  readonly instance?: string
  readonly isFresh?: boolean
}

export const scriptedState = (options: PoolOptions.Options = {}) => {
  const groups = new Groups<object>(new PasswordDigests(), undefined)
  let time = 0
  const state = new PoolState<object>({
    settings: Result.getOrThrow(PoolOptions.fromInput({ user: "scott", homogeneous: false, ...options })),
    clock: { now: () => time, ofTurn: () => time, date: (at: number) => at } as unknown as TurnClock,
    outbox: new Outbox(Context.get(Context.empty(), Scheduler.Scheduler), () => {}),
    deadlines: new Deadlines<Waiter<object>>({
      now: () => time,
      fork: () => Effect.runFork(Effect.void) as Fiber.Fiber<void>,
      link: (waiter) => waiter.byDeadline,
      since: (waiter) => waiter.since,
      expired: () => {},
      done: () => {}
    }),
    ownGroup: groups.own,
    hasOwnUser: true,
    hasLeaseHook: false
  })
  let ids = 0
  const read = (request?: SessionRequest) => Result.getOrThrow(groups.read(request, state))
  return {
    state,
    /** Sets the clock. */
    at: (now: number) => {
      time = now
    },
    groupOf: (request?: SessionRequest) => read(request).group,
    criteriaOf: read,
    /** A session that was brought to a place, without what that has ordered. */
    add: (place: "busy" | "checking" | "closing" | "idle", made: Made = {}) => {
      const group = made.group ?? state.ownGroup
      const session = new Session<object>({
        id: ++ids,
        group,
        handle: {},
        instance: made.instance === undefined
          ? undefined
          : state.instances.landed(made.instance, time, state.limits.rebalance),
        now: time,
        account: "",
        lifetimePart: 1,
        suspicion: state.suspicion,
        epoch: state.epoch
      })
      const before = state.takeJobs()
      state.reserve(group)
      state.admit(session)
      session.isFresh = made.isFresh ?? false
      if (place === "idle") state.makeIdle(session, true)
      if (place === "busy") state.lend(session, holder, time)
      if (place === "closing") state.retire(session, "surplus")
      state.takeJobs()
      for (const job of before) state.order(job)
      return session
    },
    /** A session is being opened. */
    opening: (group = state.ownGroup) => {
      state.reserve(group)
      state.takeJobs()
    },
    wait: (request?: SessionRequest, mode: "forceGet" | "noWait" | "timedWait" | "wait" = "wait") => {
      const criteria = read(request)
      const waiter = new Waiter<object>(criteria, holder, 0, time, state.nextWaiterNumber(), mode)
      state.enqueue(waiter)
      return waiter
    },
    /** What was ordered since this was asked last: `open alice`, `close 3 drained`, `check 4`. */
    orders: (): ReadonlyArray<string> =>
      state.takeJobs().map((job) => {
        switch (job._tag) {
          case "Open":
            return `open ${job.group.identity.user ?? "own"}`
          case "Close":
            return `close ${job.session.id} ${job.reason satisfies CloseReason}`
          case "Check":
            return `check ${job.session.id}`
          default:
            return job._tag
        }
      })
  }
}
