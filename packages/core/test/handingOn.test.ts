/** To whom a session goes that is free, and what becomes of one that goes to no one. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { isOwed, openableGroups, unmetInShare, unmetInShares } from "../src/internal/decisions/demand.ts"
import { checked, claim, findIdle, needsPing, offer, resume } from "../src/internal/decisions/lending.ts"
import type { Session } from "../src/internal/entities/session.ts"
import * as SessionTag from "../src/SessionTag.ts"
import { asUser, failure, scriptedState } from "./scriptedState.ts"

const alice = asUser("alice")
const bob = asUser("bob")
const isHealthy = () => true
const worked = { warmest: true, proven: true }

type Scripted = ReturnType<typeof scriptedState>

const give = ({ state }: Scripted, session: Session<object>, was = worked) => offer(state, session, 0, isHealthy, was)

/** Two sessions of Alice in use, a request of hers, and one of Bob that came later. */
const contended = (options: object, mode: "forceGet" | "wait" = "wait") => {
  const scripted = scriptedState({ max: 2, ...options })
  const group = scripted.groupOf(alice)
  const [session] = [scripted.add("busy", { group }), scripted.add("busy", { group })]
  const first = scripted.wait(alice, mode)
  const second = scripted.wait(bob)
  return { ...scripted, first, second, session: session! }
}

describe("a session of a group with more than its fair share", () => {
  it("is closed for a request within its own", () => {
    const scripted = contended({ maxSessionsPerIdentity: 1 })
    give(scripted, scripted.session)
    assert.deepStrictEqual(scripted.orders(), [`close ${scripted.session.id} replaced`])
    assert.isTrue(scripted.first.isWaiting)
  })

  const served: Record<string, () => ReturnType<typeof contended>> = {
    "without shares": () => contended({}),
    "which is not beyond it": () => contended({ maxSessionsPerIdentity: 2 }),
    "with room for the other": () => contended({ maxSessionsPerIdentity: 1, max: 3 }),
    "past max": () => contended({ maxSessionsPerIdentity: 1, max: 1 }, "forceGet"),
    "whose session was opened for a request": () => {
      const scripted = contended({ maxSessionsPerIdentity: 1 })
      scripted.session.isFresh = true
      return scripted
    }
  }
  for (const [what, make] of Object.entries(served)) {
    it(`serves its own ${what}`, () => {
      const scripted = make()
      give(scripted, scripted.session)
      assert.deepStrictEqual(scripted.orders(), [])
      assert.deepStrictEqual(scripted.first.outcome, { _tag: "Served", session: scripted.session })
      assert.isTrue(scripted.second.isWaiting)
    })
  }
})

describe("a request that others pass over", () => {
  /** Bob has waited for longest; a session of Alice comes back, for which she waits. */
  const passed = (times: number, options: object = {}, request = bob) => {
    const scripted = scriptedState({ max: 2, ...options })
    const group = scripted.groupOf(alice)
    const [session] = [scripted.add("busy", { group }), scripted.add("busy", { group })]
    const oldest = scripted.wait(request)
    oldest.passedOver = times
    const younger = scripted.wait(alice)
    return { ...scripted, oldest, younger, session: session! }
  }
  const assertServed = (scripted: ReturnType<typeof passed>) => {
    give(scripted, scripted.session)
    assert.deepStrictEqual(scripted.orders(), [])
    assert.isFalse(scripted.younger.isWaiting)
  }

  it("is counted, and in the end a session is closed for it", () => {
    const before = passed(7)
    assertServed(before)
    assert.strictEqual(before.oldest.passedOver, 8)
    const overdue = passed(8)
    give(overdue, overdue.session)
    assert.deepStrictEqual(overdue.orders(), [`close ${overdue.session.id} replaced`])
    assert.strictEqual(overdue.oldest.passedOver, 0)
    assert.isTrue(overdue.younger.isWaiting)
  })

  it("is not counted while a session is pinged for it", () => {
    const scripted = passed(8)
    scripted.oldest.checking = scripted.add("checking", { group: scripted.groupOf(bob) })
    // That one takes a place, so the session that comes back is one too many, unless its group waits for no one else.
    scripted.state.configure({ ...scripted.state.settings, max: 3 }, true)
    assertServed(scripted)
    assert.strictEqual(scripted.oldest.passedOver, 8)
  })

  it("has none closed where that would not help it", () => {
    const stopped = passed(8)
    stopped.groupOf(bob).opener.wait("pausing")
    assertServed(stopped)
    const roomy = passed(12, { max: 3 })
    assertServed(roomy)
    const north = { shardingKey: ["north"] }
    const full = passed(12, { max: 3, maxSessionsPerShard: 1 }, { ...bob, ...north })
    full.add("busy", { group: full.groupOf({ ...asUser("carol"), ...north }) })
    assertServed(full)
    const opening = passed(12, { max: 3 })
    opening.opening(opening.groupOf(bob))
    assertServed(opening)
    assert.strictEqual(opening.oldest.passedOver, 13)
  })
})

describe("a session that comes back", () => {
  it("goes to no one while the pool is suspended", () => {
    const scripted = scriptedState({ max: 2 })
    const session = scripted.add("busy")
    const waiter = scripted.wait()
    scripted.state.suspend()
    give(scripted, session)
    assert.strictEqual(session.place, "idle")
    assert.isTrue(waiter.isWaiting)
  })

  it("is pinged before it is lent where it has to be, and serves its request then", () => {
    const scripted = scriptedState({ max: 2 })
    const { orders, state, wait } = scripted
    const session = scripted.add("busy")
    const waiter = wait()
    state.suspect()
    give(scripted, session, { warmest: true, proven: false })
    assert.deepStrictEqual(orders(), [`check ${session.id}`])
    assert.strictEqual(waiter.checking, session)
    assert.strictEqual(state.ownGroup.unserved, 0)
    checked(state, session, { isAlive: true, suspicion: 1 }, 5, isHealthy)
    assert.deepStrictEqual(waiter.outcome, { _tag: "Served", session })
    assert.deepStrictEqual([session.provenAt, session.provenAgainst], [5, 1])
    assert.strictEqual(state.ownGroup.unserved, 0)
  })

  it("is pinged once more where a fatal error came meanwhile", () => {
    const scripted = scriptedState({ max: 2 })
    const session = scripted.add("busy")
    scripted.wait()
    scripted.state.suspect()
    give(scripted, session, { warmest: true, proven: false })
    scripted.orders()
    scripted.state.suspect()
    checked(scripted.state, session, { isAlive: true, suspicion: 1 }, 5, isHealthy)
    assert.deepStrictEqual(scripted.orders(), [`check ${session.id}`])
  })

  it("is pinged beside another for a request that has one already", () => {
    const scripted = scriptedState({ max: 2 })
    const other = scripted.add("checking")
    const session = scripted.add("busy")
    const waiter = scripted.wait()
    waiter.checking = other
    other.checkedFor = waiter
    scripted.state.ownGroup.unserved--
    scripted.state.suspect()
    give(scripted, session, { warmest: true, proven: false })
    assert.strictEqual(waiter.checking, other)
    assert.isUndefined(session.checkedFor)
    assert.strictEqual(scripted.state.ownGroup.unserved, 0)
  })

  it("is closed where it is dead, and its request looks for another", () => {
    const scripted = scriptedState({ max: 2 })
    const session = scripted.add("busy")
    const waiter = scripted.wait()
    scripted.state.suspect()
    give(scripted, session, { warmest: true, proven: false })
    scripted.orders()
    const other = scripted.add("idle")
    checked(scripted.state, session, { isAlive: false, suspicion: 1 }, 0, isHealthy)
    assert.deepStrictEqual(scripted.orders(), [`close ${session.id} dead`])
    assert.deepStrictEqual(waiter.outcome, { _tag: "Served", session: other })
  })

  const unfit: Record<string, (scripted: Scripted, session: Session<object>) => string> = {
    "has expired this very moment": (_, session) => {
      session.expiresAt = 0
      return "expired"
    },
    "was asked for before a refresh": ({ state }) => {
      state.refresh()
      return "refreshed"
    },
    "is to leave its instance": ({ state }, session) => {
      state.leave(session, "drained")
      return "drained"
    },
    "has served as often as it may": ({ state }, session) => {
      state.configure({ ...state.settings, maxUsesPerSession: session.uses }, true)
      return "used"
    },
    "is one too many": ({ add, state }) => {
      add("busy")
      state.configure({ ...state.settings, max: 1 }, true)
      return "surplus"
    },
    "comes back to a pool that ends": ({ state }) => {
      state.enter("draining")
      return "closing"
    }
  }
  for (const [what, change] of Object.entries(unfit)) {
    it(`is closed where it ${what}`, () => {
      const scripted = scriptedState({ max: 2 })
      const session = scripted.add("busy")
      const reason = change(scripted, session)
      give(scripted, session)
      assert.deepStrictEqual(scripted.orders(), [`close ${session.id} ${reason}`])
    })
  }

  it("is closed where the driver calls it dead, for the reason that was announced, if any", () => {
    const scripted = scriptedState({ max: 2 })
    const session = scripted.add("busy")
    offer(scripted.state, session, 0, () => false, worked)
    assert.deepStrictEqual(scripted.orders(), [`close ${session.id} dead`])
  })
})

describe("an idle session", () => {
  it("is not looked for while the pool is suspended", () => {
    const { add, criteriaOf, state } = scriptedState()
    const session = add("idle")
    assert.strictEqual(findIdle(state, criteriaOf(), 0, isHealthy), session)
    state.suspend()
    assert.isUndefined(findIdle(state, criteriaOf(), 0, isHealthy))
  })

  it("that has expired or is dead is closed on the way", () => {
    const { add, criteriaOf, orders, state } = scriptedState()
    const last = add("idle")
    const dead = add("idle")
    const expired = add("idle")
    expired.expiresAt = 10
    assert.strictEqual(findIdle(state, criteriaOf(), 10, (session) => session !== dead), last)
    assert.deepStrictEqual(orders(), [`close ${expired.id} expired`, `close ${dead.id} dead`])
  })

  it("must be pinged before every lease where the interval is 0, after the interval, and after a fatal error", () => {
    const always = scriptedState({ pingInterval: 0 })
    assert.isTrue(needsPing(always.state, always.add("idle"), 0))
    const { add, state } = scriptedState({ pingInterval: "1 second" })
    const session = add("idle")
    assert.isFalse(needsPing(state, session, 1000))
    assert.isTrue(needsPing(state, session, 1001))
    state.suspect()
    assert.isTrue(needsPing(state, session, 0))
  })

  it("goes to those who waited while the pool was suspended, but not to one that another is pinged for", () => {
    const { add, state, wait } = scriptedState({ max: 3 })
    state.suspend()
    const pinged = wait()
    const other = add("checking")
    pinged.checking = other
    other.checkedFor = pinged
    const waiter = wait()
    const session = add("idle")
    state.resume()
    resume(state, 0, isHealthy)
    assert.deepStrictEqual(waiter.outcome, { _tag: "Served", session })
    assert.isTrue(pinged.isWaiting)
  })
})

describe("a session that is pinged to keep it alive", () => {
  const tagOf = (text: string) => Result.getOrThrow(SessionTag.parse(text))
  const tag = tagOf("region=north")

  it("becomes that of a request which would be refused otherwise, once, where it fits", () => {
    const { add, groupOf, state, wait } = scriptedState({ max: 9 })
    assert.isFalse(claim(state, wait()))
    add("idle")
    add("checking", { group: groupOf(alice) })
    assert.isFalse(claim(state, wait()))
    const session = add("checking")
    const waiter = wait()
    const { unserved } = state.ownGroup
    assert.isTrue(claim(state, waiter))
    assert.deepStrictEqual([waiter.checking, session.checkedFor], [session, waiter])
    assert.strictEqual(state.ownGroup.unserved, unserved - 1)
    assert.isFalse(claim(state, wait()))
  })

  it("fits a request for a new session only while it is new, and one for a tag only with that or none", () => {
    const fits = (request: object, made: { readonly isFresh?: boolean; readonly tag?: SessionTag.SessionTag }) => {
      const { add, state, wait } = scriptedState({ max: 9 })
      const session = add("checking", made)
      session.tag = made.tag
      return claim(state, wait(request))
    }
    const other = tagOf("region=south")
    const text = "region=north"
    assert.isTrue(fits({ purity: "new" }, { isFresh: true }))
    assert.isFalse(fits({ purity: "new" }, { isFresh: false }))
    assert.isFalse(fits({}, { tag }))
    assert.isFalse(fits({ matchAnyTag: true }, { tag }))
    assert.isTrue(fits({ tag: text }, {}))
    assert.isTrue(fits({ tag: text }, { tag }))
    assert.isFalse(fits({ tag: text }, { tag: other }))
    assert.isTrue(fits({ tag: text, matchAnyTag: true }, { tag: other }))
  })
})

describe("what a group needs within its fair share", () => {
  it("is all it needs without shares, and never more than its room, nor less than nothing", () => {
    const open = scriptedState({ max: 9 })
    open.wait(alice)
    open.wait(alice)
    assert.strictEqual(unmetInShare(open.state, open.groupOf(alice)), 2)
    const { add, groupOf, state, wait } = scriptedState({ max: 9, maxSessionsPerIdentity: 1 })
    wait(alice)
    wait(alice)
    const group = groupOf(alice)
    assert.strictEqual(unmetInShare(state, group), 1)
    add("busy", { group })
    add("busy", { group })
    assert.strictEqual(unmetInShare(state, group), 0)
  })

  it("is bounded by the room of its shard, which idle sessions there can make", () => {
    const north = { shardingKey: ["north"] }
    const { add, groupOf, state, wait } = scriptedState({
      max: 9,
      maxSessionsPerIdentity: 5,
      maxSessionsPerShard: 2
    })
    const request = { ...alice, ...north }
    for (let n = 0; n < 3; n++) wait(request)
    const others = groupOf({ ...bob, ...north })
    add("busy", { group: others })
    assert.strictEqual(unmetInShare(state, groupOf(request)), 1)
    add("idle", { group: others })
    assert.strictEqual(unmetInShare(state, groupOf(request)), 1)
    add("closing", { group: others })
    assert.strictEqual(unmetInShare(state, groupOf(request)), 1)
  })

  it("of all others counts no group that may not open, nor the one that asks", () => {
    const { groupOf, state, wait } = scriptedState({ max: 9, maxSessionsPerIdentity: 2 })
    wait(alice)
    wait(bob)
    wait(asUser("carol"))
    assert.strictEqual(unmetInShares(state, groupOf(alice)), 2)
    groupOf(bob).opener.wait("pausing")
    assert.strictEqual(unmetInShares(state, groupOf(alice)), 1)
  })

  it("is owed to a request as long as there are no more requests than room", () => {
    const { groupOf, opening, state, wait } = scriptedState({ max: 9, maxSessionsPerIdentity: 2 })
    const waiter = wait(alice)
    wait(alice)
    assert.isTrue(isOwed(state, waiter))
    wait(alice)
    assert.isFalse(isOwed(state, waiter))
    const group = groupOf(alice)
    opening(group)
    assert.isFalse(isOwed(state, waiter))
    // What is being opened serves one of the two.
    const other = scriptedState({ max: 9, maxSessionsPerIdentity: 2 })
    const [first] = [other.wait(alice), other.wait(alice)]
    other.opening(other.groupOf(alice))
    assert.isTrue(isOwed(other.state, first!))
    group.opener.wait("pausing")
    assert.isFalse(isOwed(state, waiter))
    const without = scriptedState({ max: 9 })
    assert.isFalse(isOwed(without.state, without.wait(alice)))
  })

  it("is asked of the group with the oldest request first, and of none that needs nothing", () => {
    const { groupOf, opening, state, wait } = scriptedState({ max: 9 })
    wait(bob)
    wait(alice)
    wait(asUser("carol"))
    wait(asUser("dave"))
    opening(groupOf(asUser("dave")))
    groupOf(asUser("carol")).opener.wait("stopped")
    assert.deepStrictEqual(openableGroups(state).map(({ identity }) => identity.user), ["bob", "alice"])
    groupOf(alice).opener.failed(failure)
    opening(groupOf(alice))
    assert.deepStrictEqual(openableGroups(state).map(({ identity }) => identity.user), ["bob"])
  })
})
