/** What is opened and what is closed so that requests which wait are served. */
import { assert, describe, it } from "@effect/vitest"
import { isProvidedFor, queueLength, settle, unprovided } from "../src/internal/decisions/settling.ts"
import { asUser, failure, scriptedState } from "./scriptedState.ts"

const times = <A>(count: number, make: () => A): ReadonlyArray<A> => Array.from({ length: count }, make)

const alice = asUser("alice")
const bob = asUser("bob")

describe("opening for requests that wait", () => {
  it("goes in increments for the pool's own user, and one by one for others", () => {
    const own = scriptedState({ max: 10, increment: 4 })
    own.wait()
    settle(own.state)
    assert.lengthOf(own.orders(), 4)
    const other = scriptedState({ max: 10, increment: 4 })
    other.wait(alice)
    settle(other.state)
    assert.deepStrictEqual(other.orders(), ["open alice"])
  })

  it("tries one alone while the last attempt has failed", () => {
    const { orders, state, wait } = scriptedState({ max: 10, increment: 4 })
    state.ownGroup.opener.failed(failure)
    times(3, () => wait())
    settle(state)
    assert.deepStrictEqual(orders(), ["open own"])
    state.unsettle()
    settle(state)
    assert.deepStrictEqual(orders(), [])
  })

  it("leaves room for what others need, beyond the need of the oldest", () => {
    const { orders, state, wait } = scriptedState({ max: 5, increment: 4 })
    wait()
    times(3, () => wait(alice))
    settle(state)
    assert.deepStrictEqual(orders(), ["open own", "open own", ...times(3, () => "open alice")])
  })

  it("serves the oldest first where there is not room for all", () => {
    const { orders, state, wait } = scriptedState({ max: 2 })
    wait(alice)
    wait(bob)
    wait()
    settle(state)
    assert.deepStrictEqual(orders(), ["open alice", "open bob"])
  })

  it("opens nothing for groups that may not be opened now, nor while the pool is suspended or closing", () => {
    const pausing = scriptedState({ max: 4 })
    pausing.state.ownGroup.opener.wait("pausing")
    pausing.wait()
    settle(pausing.state)
    assert.deepStrictEqual(pausing.orders(), [])
    const suspended = scriptedState({ max: 4, min: 2 })
    suspended.state.suspend()
    suspended.wait()
    settle(suspended.state)
    assert.deepStrictEqual(suspended.orders(), [])
    suspended.state.resume()
    settle(suspended.state)
    assert.lengthOf(suspended.orders(), 2)
    const closing = scriptedState({ max: 4 })
    closing.state.enter("draining")
    closing.wait()
    settle(closing.state)
    assert.deepStrictEqual(closing.orders(), [])
  })
})

describe("replacing idle sessions that no request fits", () => {
  it("closes the longest idle, as many as are needed, while what is closing counts", () => {
    const { add, groupOf, orders, state, wait } = scriptedState({ max: 4 })
    const group = groupOf(bob)
    const [first, second] = times(3, () => add("idle", { group }))
    add("closing", { group })
    times(2, () => wait(alice))
    settle(state)
    assert.deepStrictEqual(orders(), [`close ${first!.id} replaced`])
    wait(alice)
    settle(state)
    assert.deepStrictEqual(orders(), [`close ${second!.id} replaced`])
  })

  it("closes the longest idle of all, be it of the group that asks", () => {
    const { add, groupOf, orders, state, wait } = scriptedState({ max: 2 })
    const other = add("idle", { group: groupOf(bob) })
    add("idle", { group: groupOf(alice) })
    wait(alice)
    settle(state)
    assert.deepStrictEqual(orders(), [`close ${other.id} replaced`])
  })

  it("never closes more than a group needs, nor what is in use", () => {
    const { add, groupOf, orders, state, wait } = scriptedState({ max: 2 })
    const group = groupOf(bob)
    add("busy", { group })
    const idle = add("idle", { group })
    times(3, () => wait(alice))
    settle(state)
    assert.deepStrictEqual(orders(), [`close ${idle.id} replaced`])
  })

  it("closes those of a full shard for what wants that shard, and none elsewhere", () => {
    const { add, groupOf, orders, state, wait } = scriptedState({ max: 10, maxSessionsPerShard: 2 })
    const north = { shardingKey: ["north"] }
    const bobs = groupOf({ ...bob, ...north })
    add("idle")
    const [first] = times(2, () => add("idle", { group: bobs }))
    wait({ ...alice, ...north })
    settle(state)
    assert.deepStrictEqual(orders(), [`close ${first!.id} replaced`])
    // One is closing for it: no other has to go.
    state.unsettle()
    settle(state)
    assert.deepStrictEqual(orders(), [])
  })

  it("closes no more of a shard than are idle there", () => {
    const { add, groupOf, orders, state, wait } = scriptedState({ max: 10, maxSessionsPerShard: 2 })
    const north = { shardingKey: ["north"] }
    const group = groupOf({ ...bob, ...north })
    add("busy", { group })
    const idle = add("idle", { group })
    times(3, () => wait({ ...alice, ...north }))
    settle(state)
    assert.deepStrictEqual(orders(), [`close ${idle.id} replaced`])
  })
})

describe("requests that do not wait for others", () => {
  it("have sessions opened past max, with what stands before them", () => {
    const { add, orders, state, wait } = scriptedState({ max: 1 })
    add("busy")
    wait()
    wait(undefined, "forceGet")
    wait()
    settle(state)
    assert.deepStrictEqual(orders(), ["open own", "open own"])
    state.unsettle()
    settle(state)
    assert.deepStrictEqual(orders(), [])
  })

  it("use the room below max first", () => {
    const { orders, state, wait } = scriptedState({ max: 3 })
    times(2, () => wait(undefined, "forceGet"))
    settle(state)
    assert.lengthOf(orders(), 2)
  })

  it("open what is missing for all of them while the last attempt has failed: one", () => {
    const { add, orders, state, wait } = scriptedState({ max: 1 })
    add("busy")
    state.ownGroup.opener.failed(failure)
    times(2, () => wait(undefined, "forceGet"))
    settle(state)
    assert.deepStrictEqual(orders(), ["open own"])
  })

  it("do not all wait for the one place that a closing session leaves, while the last attempt has failed", () => {
    const { add, orders, state, wait } = scriptedState({ max: 1 })
    add("closing")
    state.ownGroup.opener.failed(failure)
    wait(undefined, "forceGet")
    settle(state)
    assert.deepStrictEqual(orders(), [])
    wait(undefined, "forceGet")
    settle(state)
    assert.deepStrictEqual(orders(), ["open own"])
    state.unsettle()
    settle(state)
    assert.deepStrictEqual(orders(), [])
  })

  it("do not go past the bound of their shard", () => {
    const { add, groupOf, orders, state, wait } = scriptedState({ max: 9, maxSessionsPerShard: 1 })
    const north = { shardingKey: ["north"] }
    add("busy", { group: groupOf(north) })
    wait(north, "forceGet")
    settle(state)
    assert.deepStrictEqual(orders(), [])
  })

  it("are not counted as needing a session while one is pinged for them", () => {
    const { add, orders, state, wait } = scriptedState({ max: 1 })
    const session = add("checking")
    const waiter = wait(undefined, "forceGet")
    waiter.checking = session
    session.checkedFor = waiter
    state.ownGroup.unserved--
    settle(state)
    assert.deepStrictEqual(orders(), [])
  })
})

describe("a request that goes past max and has a session pinged for it", () => {
  it("has none opened for it, nor for what stands behind it", () => {
    const { add, orders, state, wait } = scriptedState({ max: 1 })
    const session = add("checking")
    const waiter = wait(undefined, "forceGet")
    waiter.checking = session
    session.checkedFor = waiter
    state.ownGroup.unserved--
    wait()
    settle(state)
    assert.deepStrictEqual(orders(), [])
  })
})

describe("the least number of sessions", () => {
  it("is opened without any request, what is closing not counted, as far as there is room", () => {
    const { add, orders, state } = scriptedState({ min: 3, max: 4 })
    add("idle")
    add("closing")
    settle(state)
    assert.lengthOf(orders(), 2)
    state.unsettle()
    settle(state)
    assert.deepStrictEqual(orders(), [])
    const full = scriptedState({ min: 3, max: 3 })
    times(2, () => full.add("closing"))
    settle(full.state)
    assert.lengthOf(full.orders(), 1)
  })

  it("is tried one by one while opening fails, and not at all where it has stopped", () => {
    const { orders, state } = scriptedState({ min: 3, max: 4 })
    state.ownGroup.opener.failed(failure)
    settle(state)
    assert.lengthOf(orders(), 1)
    state.unsettle()
    settle(state)
    assert.deepStrictEqual(orders(), [])
    const stopped = scriptedState({ min: 3, max: 4 })
    stopped.state.ownGroup.opener.wait("stopped")
    settle(stopped.state)
    assert.deepStrictEqual(stopped.orders(), [])
  })
})

describe("more sessions than there may be", () => {
  it("lose the longest idle, and no more than that", () => {
    const { add, orders, state } = scriptedState({ max: 2 })
    add("busy")
    const [first, second] = times(3, () => add("idle"))
    settle(state)
    assert.deepStrictEqual(orders(), [`close ${first!.id} surplus`, `close ${second!.id} surplus`])
  })
})

describe("fair shares", () => {
  const shared = { max: 4, maxSessionsPerIdentity: 2 }

  it("let every group grow to its share first, and beyond where that leaves room", () => {
    const tight = scriptedState(shared)
    times(4, () => tight.wait(alice))
    times(2, () => tight.wait(bob))
    settle(tight.state)
    assert.deepStrictEqual(tight.orders(), ["open alice", "open alice", "open bob", "open bob"])
    const roomy = scriptedState(shared)
    times(4, () => roomy.wait(alice))
    roomy.wait(bob)
    settle(roomy.state)
    assert.deepStrictEqual(roomy.orders(), ["open alice", "open alice", "open bob", "open alice"])
  })

  it("bound an increment only where others wait", () => {
    const alone = scriptedState({ ...shared, increment: 4 })
    alone.wait()
    settle(alone.state)
    assert.lengthOf(alone.orders(), 4)
    const beside = scriptedState({ ...shared, increment: 4 })
    beside.wait()
    beside.wait(alice)
    settle(beside.state)
    assert.deepStrictEqual(beside.orders(), ["open own", "open own", "open alice"])
  })

  it("close the longest idle of a group beyond its share, for a request within its own", () => {
    const { add, groupOf, orders, state, wait } = scriptedState(shared)
    const within = groupOf(bob)
    add("idle", { group: within })
    const beyond = times(3, () => add("idle", { group: groupOf(asUser("carol")) }))
    wait(alice)
    settle(state)
    assert.deepStrictEqual(orders(), [`close ${beyond[0]!.id} replaced`])
  })

  it("close what is within its share only for what is within its own", () => {
    const idle = (more: object) => {
      const scripted = scriptedState({ ...shared, ...more })
      const session = scripted.add("idle", { group: scripted.groupOf(bob) })
      times(3, () => scripted.add("busy", { group: scripted.groupOf(alice) }))
      return { ...scripted, session }
    }
    const owed = idle({})
    owed.wait(asUser("carol"))
    settle(owed.state)
    assert.deepStrictEqual(owed.orders(), [`close ${owed.session.id} replaced`])
    const beyond = idle({})
    beyond.wait(alice)
    settle(beyond.state)
    assert.deepStrictEqual(beyond.orders(), [])
    // Where idle sessions never end by themselves, nothing else would make room.
    const endless = idle({ timeout: 0 })
    endless.wait(alice)
    settle(endless.state)
    assert.deepStrictEqual(endless.orders(), [`close ${endless.session.id} replaced`])
    const fixed = idle({ min: 4 })
    fixed.wait(alice)
    settle(fixed.state)
    assert.deepStrictEqual(fixed.orders(), [`close ${fixed.session.id} replaced`])
  })

  it("let a group that wants more than its share close an idle session of its own, not that of another", () => {
    const { add, groupOf, orders, state, wait } = scriptedState({ max: 3, maxSessionsPerIdentity: 2 })
    const group = groupOf(alice)
    add("idle", { group: groupOf(bob) })
    add("busy", { group })
    const own = add("idle", { group })
    wait(alice)
    settle(state)
    assert.deepStrictEqual(orders(), [`close ${own.id} replaced`])
  })

  it("close one session for the request within its share, and none for the one beyond", () => {
    const { add, groupOf, orders, state, wait } = scriptedState({ max: 4, maxSessionsPerIdentity: 1 })
    times(2, () => add("busy", { group: groupOf(alice) }))
    const [idle] = [bob, asUser("dave")].map((user) => add("idle", { group: groupOf(user) }))
    wait(alice)
    wait(asUser("carol"))
    settle(state)
    assert.deepStrictEqual(orders(), [`close ${idle!.id} replaced`])
  })
})

describe("whether a request is provided for", () => {
  it("is so for one that is served, and for one that a session is pinged for", () => {
    const { add, state, wait } = scriptedState({ max: 1 })
    const busy = add("busy")
    const waiter = wait()
    assert.isFalse(isProvidedFor(state, waiter))
    waiter.checking = busy
    assert.isTrue(isProvidedFor(state, waiter))
    waiter.checking = undefined
    state.dequeue(waiter)
    assert.isTrue(isProvidedFor(state, waiter))
  })

  it("is so where as many sessions are being opened as are waited for", () => {
    const { add, opening, state, wait } = scriptedState({ max: 2 })
    add("busy")
    const first = wait()
    opening()
    assert.isTrue(isProvidedFor(state, first))
    const second = wait()
    assert.isFalse(isProvidedFor(state, second))
  })

  it("is so where closing sessions leave room for all that is missing, in the pool and in the shard", () => {
    const { add, groupOf, state, wait } = scriptedState({ max: 2, maxSessionsPerShard: 2 })
    const north = { shardingKey: ["north"] }
    add("closing", { group: groupOf(north) })
    add("busy", { group: groupOf(north) })
    const first = wait(north)
    assert.isTrue(isProvidedFor(state, first))
    wait(alice)
    assert.isFalse(isProvidedFor(state, first))
  })

  it("is not so while the pool is suspended, or opening waits or is tried out", () => {
    const suspended = scriptedState({ max: 2 })
    const first = suspended.wait()
    assert.isTrue(isProvidedFor(suspended.state, first))
    suspended.state.suspend()
    assert.isFalse(isProvidedFor(suspended.state, first))
    const pausing = scriptedState({ max: 2 })
    const second = pausing.wait()
    pausing.state.ownGroup.opener.wait("pausing")
    assert.isFalse(isProvidedFor(pausing.state, second))
    const probing = scriptedState({ max: 5 })
    const third = probing.wait()
    probing.wait()
    probing.state.ownGroup.opener.failed(failure)
    assert.isTrue(isProvidedFor(probing.state, third))
    probing.opening()
    assert.isFalse(isProvidedFor(probing.state, third))
  })
})

describe("requests that wait for nothing that is under way", () => {
  it("are the impatient ones beyond what is being opened, which goes to the oldest", () => {
    const { add, opening, state, wait } = scriptedState({ max: 2 })
    add("busy")
    const [first, second, patient, third] = [
      wait(undefined, "noWait"),
      wait(undefined, "noWait"),
      wait(),
      wait(undefined, "noWait")
    ]
    opening()
    assert.deepStrictEqual(unprovided(state), [second, third])
    assert.notInclude(unprovided(state), first)
    assert.notInclude(unprovided(state), patient)
    second!.checking = add("checking")
    assert.deepStrictEqual(unprovided(state), [third])
  })

  it("are told in the order in which they came, also where some want a tag", () => {
    const { add, opening, state, wait } = scriptedState({ max: 2 })
    add("busy")
    const first = wait({ tag: "a=1" }, "noWait")
    const second = wait(undefined, "noWait")
    const third = wait({ tag: "a=1" }, "noWait")
    opening()
    assert.deepStrictEqual(unprovided(state), [second, third])
    first.checking = add("checking")
    state.ownGroup.unserved--
    assert.deepStrictEqual(unprovided(state), [third])
  })

  it("are none while the pool is suspended, while one opening shows whether it works, or where all wait for others", () => {
    const suspended = scriptedState({ max: 1 })
    suspended.add("busy")
    suspended.wait(undefined, "noWait")
    assert.lengthOf(unprovided(suspended.state), 1)
    suspended.state.suspend()
    assert.lengthOf(unprovided(suspended.state), 0)
    const probing = scriptedState({ max: 2 })
    probing.add("busy")
    times(3, () => probing.wait(undefined, "noWait"))
    probing.state.ownGroup.opener.failed(failure)
    probing.opening()
    assert.lengthOf(unprovided(probing.state), 0)
    const patient = scriptedState({ max: 1 })
    patient.add("busy")
    patient.wait()
    assert.lengthOf(unprovided(patient.state), 0)
  })
})

describe("the length of the queue", () => {
  it("counts what waits for others, not what sessions are being opened for or there is room for", () => {
    const { add, opening, state, wait } = scriptedState({ max: 4 })
    add("busy")
    times(2, () => wait())
    times(3, () => wait(alice))
    opening()
    // Two places are left for one of the own user and three of Alice.
    assert.strictEqual(queueLength(state), 2)
  })

  it("counts all while the pool is suspended or every place is taken", () => {
    const suspended = scriptedState({ max: 4 })
    times(2, () => suspended.wait())
    assert.strictEqual(queueLength(suspended.state), 0)
    suspended.state.suspend()
    assert.strictEqual(queueLength(suspended.state), 2)
    const full = scriptedState({ max: 1 })
    full.add("busy")
    times(2, () => full.wait())
    assert.strictEqual(queueLength(full.state), 2)
  })

  it("is not below nothing where more sessions are open than may be", () => {
    const { add, state, wait } = scriptedState({ max: 1 })
    times(3, () => add("busy"))
    wait()
    wait(alice)
    assert.strictEqual(queueLength(state), 2)
  })

  it("counts for no group less than nothing where more is being opened than is waited for", () => {
    const { opening, state, wait } = scriptedState({ max: 3 })
    wait()
    times(3, () => opening())
    wait(alice)
    assert.strictEqual(queueLength(state), 1)
  })
})
