/** Which sessions leave their instance, and when. */
import { assert, describe, it } from "@effect/vitest"
import { drain, moveDue, nextMove, undrain } from "../src/internal/decisions/moves.ts"
import { asUser, failure, holder, scriptedState } from "./scriptedState.ts"

describe("draining an instance", () => {
  it("closes its idle sessions now and the others as they come back, and no session of another", () => {
    const { add, at, orders, state } = scriptedState()
    at(500)
    const idle = add("idle", { instance: "one" })
    const busy = add("busy", { instance: "one" })
    const checking = add("checking", { instance: "one" })
    const closing = add("closing", { instance: "one" })
    const elsewhere = [add("idle", { instance: "two" }), add("busy", { instance: "two" }), add("idle")]
    drain(state, state.instances.of("ONE"))
    assert.deepStrictEqual(orders(), [`close ${idle.id} drained`])
    assert.deepStrictEqual([busy.leaves, checking.leaves], ["drained", "drained"])
    assert.isUndefined(closing.leaves)
    for (const session of elsewhere) assert.isUndefined(session.leaves)
    assert.strictEqual(nextMove(state), 10_500)
  })

  it("leaves a session that leaves already its reason", () => {
    const { add, state } = scriptedState()
    const busy = add("busy", { instance: "one" })
    state.leave(busy, "rebalanced")
    drain(state, state.instances.of("one"))
    assert.strictEqual(busy.leaves, "rebalanced")
  })

  it("ends with what it began: sessions that have not left stay, for whatever else they leave they go", () => {
    const { add, state } = scriptedState()
    const busy = add("busy", { instance: "one" })
    const balanced = add("busy", { instance: "one" })
    state.leave(balanced, "rebalanced")
    const elsewhere = add("busy", { instance: "two" })
    drain(state, state.instances.of("one"))
    drain(state, state.instances.of("two"))
    undrain(state, state.instances.of("one"))
    assert.deepStrictEqual([busy.leaves, balanced.leaves, elsewhere.leaves], [undefined, "rebalanced", "drained"])
    assert.isUndefined(state.instances.of("one").nextStray)
  })
})

describe("a session that lands on a drained instance", () => {
  const strays = (options = {}) => {
    const scripted = scriptedState(options)
    scripted.add("idle", { instance: "two" })
    drain(scripted.state, scripted.state.instances.of("one"))
    return scripted
  }

  it("is closed after ten seconds, one after the other, the longest idle one first", () => {
    const { add, orders, state } = strays()
    const first = add("idle", { instance: "one" })
    const second = add("idle", { instance: "one" })
    moveDue(state, 9999)
    assert.deepStrictEqual(orders(), [])
    moveDue(state, 10_000)
    assert.deepStrictEqual(orders(), [`close ${first.id} drained`])
    assert.strictEqual(nextMove(state), 20_000)
    moveDue(state, 19_999)
    assert.deepStrictEqual(orders(), [])
    moveDue(state, 20_001)
    assert.deepStrictEqual(orders(), [`close ${second.id} drained`])
    assert.strictEqual(nextMove(state), 30_001)
  })

  it("leaves as it comes back where none is idle", () => {
    const { add, orders, state } = strays()
    const [first, second] = [add("busy", { instance: "one" }), add("busy", { instance: "one" })]
    moveDue(state, 10_000)
    assert.deepStrictEqual(orders(), [])
    assert.deepStrictEqual([first.leaves, second.leaves], ["drained", undefined])
  })

  it("stays while the pool is suspended, or where no other can be opened", () => {
    const suspended = strays()
    suspended.add("idle", { instance: "one" })
    suspended.state.suspend()
    moveDue(suspended.state, 10_000)
    assert.deepStrictEqual(suspended.orders(), [])
    const failing = strays()
    const group = failing.groupOf(asUser("alice"))
    failing.add("idle", { instance: "one", group })
    const own = failing.add("busy", { instance: "one" })
    group.opener.failed(failure)
    moveDue(failing.state, 10_000)
    assert.deepStrictEqual(failing.orders(), [])
    assert.strictEqual(own.leaves, "drained")
  })
})

describe("balance between instances", () => {
  const interval = 60_000

  const crowds = (counts: Readonly<Record<string, number>>, place: "busy" | "idle" = "idle") => {
    const scripted = scriptedState({ max: 50, rebalanceInterval: interval })
    const sessions = Object.entries(counts).flatMap(([instance, count]) =>
      Array.from({ length: count }, () => scripted.add(place, { instance }))
    )
    return { ...scripted, sessions }
  }

  for (
    const [what, counts, moves] of [
      ["that differ by more than a third", { one: 5, two: 3 }, true],
      ["that differ by a third", { one: 6, two: 4 }, false],
      ["that differ by one", { one: 2, two: 1 }, false],
      ["of which one has none left", { one: 2, two: 0 }, false],
      ["of one alone", { one: 9 }, false],
      ["of three, the fullest and the emptiest of which count", { one: 3, two: 5, three: 3 }, true]
    ] as const
  ) {
    it(`${moves ? "moves a session" : "moves nothing"} between counts ${what}`, () => {
      const { orders, state } = crowds(counts)
      moveDue(state, interval)
      assert.lengthOf(orders(), moves ? 1 : 0)
    })
  }

  it("takes the longest-idle session of the most crowded instance, once an interval", () => {
    const { orders, sessions, state } = crowds({ two: 2, one: 6 })
    // The first of all has been in use since.
    state.lend(sessions[2]!, holder, 0)
    state.makeIdle(sessions[2]!, true)
    const first = sessions[3]!
    moveDue(state, interval - 1)
    assert.deepStrictEqual(orders(), [])
    assert.strictEqual(nextMove(state), interval)
    moveDue(state, interval + 5)
    assert.deepStrictEqual(orders(), [`close ${first.id} rebalanced`])
    assert.strictEqual(nextMove(state), 2 * interval + 5)
  })

  it("moves one that is in use as it comes back, and no other before that", () => {
    const { add, orders, sessions, state } = crowds({ one: 6, two: 2 }, "busy")
    moveDue(state, interval)
    assert.deepStrictEqual(sessions.map(({ leaves }) => leaves).filter((leaves) => leaves !== undefined), [
      "rebalanced"
    ])
    add("idle", { instance: "one" })
    moveDue(state, 2 * interval)
    assert.deepStrictEqual(orders(), [])
    assert.lengthOf(sessions.filter(({ leaves }) => leaves !== undefined), 1)
  })

  it("does not wait for one in use that leaves for another reason", () => {
    const { orders, sessions, state } = crowds({ one: 7, two: 2 })
    const busy = sessions[0]!
    state.lend(busy, holder, 0)
    state.leave(busy, "drained")
    moveDue(state, interval)
    assert.lengthOf(orders(), 1)
  })

  it("counts neither drained instances, nor sessions that leave, nor those of a sharding key, nor instances never seen", () => {
    const drained = crowds({ one: 6, two: 2, three: 6 })
    drain(drained.state, drained.state.instances.of("two"))
    drained.orders()
    moveDue(drained.state, interval)
    assert.notInclude(drained.orders().join(), "rebalanced")

    const typed = crowds({ one: 2 })
    typed.state.instances.of("never seen")
    typed.state.instances.balanceAt = interval
    moveDue(typed.state, interval)
    assert.deepStrictEqual(typed.orders(), [])

    const sharded = crowds({ one: 2, two: 2 })
    const group = sharded.groupOf({ shardingKey: ["north"] })
    for (let n = 0; n < 6; n++) sharded.add("idle", { instance: "one", group })
    moveDue(sharded.state, interval)
    assert.deepStrictEqual(sharded.orders(), [])

    const leaving = crowds({ one: 5, two: 3 }, "busy")
    for (const session of leaving.sessions.slice(0, 2)) leaving.state.leave(session, "credentials")
    moveDue(leaving.state, interval)
    assert.notInclude(leaving.sessions.map(({ leaves }) => leaves), "rebalanced")
  })
})
