/** Every change of what holds for all sessions raises the generation, so that each session is looked at anew before it is lent. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, type Fiber, Result, Scheduler } from "effect"
import { Deadlines } from "../src/internal/data/deadlines.ts"
import { Outbox } from "../src/internal/data/outbox.ts"
import { TurnClock } from "../src/internal/data/turnClock.ts"
import { Groups } from "../src/internal/entities/groups.ts"
import { PasswordDigests } from "../src/internal/entities/identity.ts"
import { PoolState } from "../src/internal/entities/poolState.ts"
import { type Holder, Session } from "../src/internal/entities/session.ts"
import type { Waiter } from "../src/internal/entities/session.ts"
import * as PoolOptions from "../src/PoolOptions.ts"

const settingsOf = (options: PoolOptions.Options) =>
  Result.getOrThrow(PoolOptions.fromInput({ user: "scott", ...options }))

const holder: Holder = { takenBy: undefined, fiber: undefined, running: 0, revoke: () => {} }
const isHealthy = () => true

/** The state of a pool with one session, which was lent once, all being looked at, and came back. */
const poolWithSession = (options: PoolOptions.Options = {}, hasLeaseHook = false) => {
  const groups = new Groups<object>(new PasswordDigests(), undefined)
  const clock = new TurnClock(Context.get(Context.empty(), Clock.Clock))
  const state = new PoolState<object>({
    settings: settingsOf(options),
    clock,
    outbox: new Outbox(Context.get(Context.empty(), Scheduler.Scheduler), () => {}),
    deadlines: new Deadlines<Waiter<object>>({
      now: () => clock.now(),
      fork: () => Effect.runFork(Effect.void) as Fiber.Fiber<void>,
      link: (waiter) => waiter.byDeadline,
      since: (waiter) => waiter.since,
      expired: () => {},
      done: () => {}
    }),
    ownGroup: groups.own,
    hasOwnUser: true,
    hasLeaseHook
  })
  const session = new Session<object>({
    id: 1,
    group: groups.own,
    handle: {},
    instance: undefined,
    now: clock.now(),
    account: "",
    lifetimePart: 1,
    suspicion: 0,
    epoch: 0
  })
  session.isFresh = false
  state.reserve(groups.own)
  state.admit(session)
  state.lend(session, holder, clock.now())
  const criteria = Result.getOrThrow(groups.read(undefined, state))
  const takeBack = () => state.fast.takeBack(session, clock.now(), isHealthy)
  const lend = () => state.fast.lend(criteria, holder, isHealthy)
  return { lend, session, state, takeBack }
}

describe("the fast path", () => {
  it("lends and takes back a session again and again while nothing changes", () => {
    const { lend, session, state, takeBack } = poolWithSession()
    const { generation } = state
    for (let i = 0; i < 3; i++) {
      assert.isTrue(takeBack())
      assert.strictEqual(lend(), session)
    }
    assert.strictEqual(state.generation, generation)
  })

  const changes: Record<string, (state: PoolState<object>) => void> = {
    "a fatal error": (state) => state.suspect(),
    "other credentials": (state) => state.adopt("other"),
    "other settings": (state) => state.configure(settingsOf({ max: 8 }), true),
    "a listener": (state) => state.listen(() => {}),
    "the end of the pool": (state) => state.enter("draining")
  }

  for (const [what, change] of Object.entries(changes)) {
    it(`does not apply after ${what}, at either end of a lease`, () => {
      const held = poolWithSession()
      change(held.state)
      assert.isFalse(held.takeBack())
      const idle = poolWithSession()
      assert.isTrue(idle.takeBack())
      change(idle.state)
      assert.isUndefined(idle.lend())
      // A long look makes it apply again, where the change lets it.
      assert.strictEqual(idle.state.idleFor({ ...criteriaOf(idle.state) }), idle.session)
    })
  }

  const without: Record<string, readonly [PoolOptions.Options, boolean]> = {
    "onLease": [{}, true],
    "leak detection": [{ leakDetectionThreshold: "1 minute" }, false],
    "a ping before every lease": [{ pingInterval: 0 }, false]
  }

  for (const [what, [options, hasLeaseHook]] of Object.entries(without)) {
    it(`is not there with ${what}`, () => {
      assert.isFalse(poolWithSession(options, hasLeaseHook).takeBack())
    })
  }

  it("does not apply to what comes back past a max that was lowered, and to what has expired", () => {
    const crowded = poolWithSession()
    crowded.state.reserve(crowded.session.group)
    crowded.state.reserve(crowded.session.group)
    crowded.state.reserve(crowded.session.group)
    assert.isTrue(crowded.takeBack())
    assert.strictEqual(crowded.lend(), crowded.session)
    crowded.state.reserve(crowded.session.group)
    assert.isFalse(crowded.takeBack())
    const expired = poolWithSession()
    expired.session.expiresAt = -1
    assert.isFalse(expired.takeBack())
  })
})

const criteriaOf = (state: PoolState<object>) => ({
  group: state.ownGroup,
  tag: undefined,
  matchAnyTag: false,
  fresh: false,
  password: undefined,
  list: undefined
})
