import { assert, describe, it } from "@effect/vitest"
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Context, Deferred, Effect, Fiber, Scheduler, Scope, Stream } from "effect"
import { Outbox } from "../src/internal/data/outbox.ts"

const ofEffect = Context.get(Context.empty(), Scheduler.Scheduler)

/** A turn of the event loop. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

const item = (tell: () => void) => ({ tell, nextTold: undefined })

describe("the outbox", () => {
  it("tells what a step has come to before the step returns, in order, and not inside of it", () => {
    const outbox = new Outbox(ofEffect, () => {})
    const told: Array<string> = []
    outbox.tellAfter(() => {
      outbox.put(item(() => told.push("first")))
      outbox.put(item(() => told.push("second")))
      assert.isEmpty(told)
    })
    assert.deepStrictEqual(told, ["first", "second"])
  })

  it("tells what came about before in the same order", async () => {
    const outbox = new Outbox(ofEffect, () => {})
    const told: Array<string> = []
    outbox.put(item(() => told.push("before")))
    assert.isEmpty(told)
    outbox.tellAfter(() => outbox.put(item(() => told.push("after"))))
    assert.deepStrictEqual(told, ["before", "after"])
    await turn()
    assert.deepStrictEqual(told, ["before", "after"])
  })

  it("does not nest: what is told may run steps of its own", () => {
    const outbox = new Outbox(ofEffect, () => {})
    const told: Array<number> = []
    let depth = 0
    const step = (left: number) => () => {
      if (left === 0) return
      outbox.put(item(() => {
        depth++
        assert.strictEqual(depth, 1)
        outbox.tellAfter(step(left - 1))
        told.push(left)
        depth--
      }))
    }
    outbox.tellAfter(step(100))
    assert.deepStrictEqual(told, Array.from({ length: 100 }, (_, index) => 100 - index))
  })

  it("leaves the event loop its turns, however long a chain of steps is", async () => {
    const outbox = new Outbox(ofEffect, () => {})
    let told = 0
    const step = () =>
      outbox.put(item(() => {
        told++
        if (told < 1000) outbox.tellAfter(step)
      }))
    outbox.tellAfter(step)
    assert.isAbove(told, 100)
    assert.isBelow(told, 1000)
    for (let turns = 0; turns < 10; turns++) await turn()
    assert.strictEqual(told, 1000)
  })

  it("does not tell more in a turn for what came about outside of steps (256 in a turn)", async () => {
    const outbox = new Outbox(ofEffect, () => {})
    let told = 0
    const step = () =>
      outbox.put(item(() => {
        told++
        if (told < 5000) outbox.tellAfter(step)
      }))
    for (let i = 0; i < 1000; i++) {
      outbox.put(item(() => {}))
      outbox.tellAfter(() => {})
    }
    outbox.tellAfter(step)
    let most = 0
    for (let before = told; before < 5000; before = told) {
      await turn()
      most = Math.max(most, told - before)
    }
    assert.isAtMost(most, 512)
  })

  it("looks at the clock between two that are told one after the other, and not for one alone", () => {
    let looks = 0
    const outbox = new Outbox(ofEffect, () => looks++)
    const one = () => outbox.put(item(() => {}))
    outbox.tellAfter(one)
    assert.strictEqual(looks, 0)
    outbox.tellAfter(() => {
      one()
      one()
      one()
    })
    assert.strictEqual(looks, 2)
  })

  it("tells what a step had come to that failed, but not while it fails", async () => {
    const outbox = new Outbox(ofEffect, () => {})
    let isTold = false
    assert.throws(() =>
      outbox.tellAfter(() => {
        outbox.put(item(() => isTold = true))
        throw new Error("defect")
      }), "defect")
    assert.isFalse(isTold)
    await turn()
    assert.isTrue(isTold)
    outbox.tellAfter(() => outbox.put(item(() => isTold = false)))
    assert.isFalse(isTold)
  })

  it("tells what came of no such step when the scheduler says so", () => {
    const tasks: Array<() => void> = []
    const outbox = new Outbox({
      executionMode: "async",
      shouldYield: () => false,
      makeDispatcher: () => ({ scheduleTask: (task) => void tasks.push(task), flush: () => {} })
    }, () => {})
    const told: Array<string> = []
    outbox.put(item(() => {
      told.push("first")
      outbox.put(item(() => told.push("second")))
    }))
    assert.isEmpty(told)
    tasks.shift()!()
    assert.deepStrictEqual(told, ["first", "second"])
    assert.isEmpty(tasks)
  })
})

describe("a session that is given back", () => {
  const poolOfOne = Effect.gen(function*() {
    const database = yield* TestDatabase.make()
    return yield* SessionPool.make({ driver: database.driver, user: "scott", max: 1, queueMax: -1 })
  })

  it.effect("is with the next caller before the one before goes on", () =>
    Effect.gen(function*() {
      const pool = yield* poolOfOne
      // So that the session is there.
      yield* pool.use(() => Effect.void)
      const order: Array<string> = []
      const gate = yield* Deferred.make<void>()
      const first = yield* Effect.forkChild(
        Effect.andThen(pool.use(() => Deferred.await(gate)), Effect.sync(() => order.push("the first goes on"))),
        { startImmediately: true }
      )
      const second = yield* Effect.forkChild(
        pool.use(() => Effect.sync(() => order.push("the second has it"))),
        { startImmediately: true }
      )
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.joinAll([first, second])
      assert.deepStrictEqual(order, ["the second has it", "the first goes on"])
    }))

  it.effect("stays whole when the next caller interrupts the one before, which is in the middle of giving it back", () =>
    Effect.gen(function*() {
      const pool = yield* poolOfOne
      const gate = yield* Deferred.make<void>()
      const first = yield* Effect.forkChild(pool.use(() => Deferred.await(gate)), { startImmediately: true })
      const second = yield* Effect.forkChild(
        pool.use(() => Effect.sync(() => first.interruptUnsafe())),
        { startImmediately: true }
      )
      const third = yield* Effect.forkChild(pool.use(() => Effect.succeed(3)), { startImmediately: true })
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(third), 3)
      yield* Fiber.join(second)
      yield* Fiber.await(first)
      const { busy, idle, pending } = yield* pool.statistics
      assert.deepStrictEqual({ busy, idle, pending }, { busy: 0, idle: 1, pending: 0 })
    }))

  it.effect("can be taken in turns without end, by callers that never sleep", () =>
    Effect.gen(function*() {
      const pool = yield* poolOfOne
      let done = 0
      const caller = Effect.replicateEffect(pool.use(() => Effect.sync(() => done++)), 500)
      const fibers = yield* Effect.replicateEffect(Effect.forkChild(caller, { startImmediately: true }), 20)
      yield* Fiber.joinAll(fibers)
      assert.strictEqual(done, 10_000)
    }))

  it("leaves the event loop its turns also where the pool was made by an effect that ran at once", () =>
    Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const scope = yield* Scope.Scope
      const pool = Effect.runSync(Effect.provideService(poolOfOne, Scope.Scope, scope))
      yield* pool.use(() => Effect.void)
      let done = 0
      let most = 1_000_000
      const caller = Effect.whileLoop({
        while: () => done < most,
        body: () => pool.use(() => Effect.sync(() => done++)),
        step: () => {}
      })
      const held = yield* pool.acquire()
      const fibers = yield* Effect.replicateEffect(Effect.forkChild(caller, { startImmediately: true }), 2)
      yield* pool.release(held)
      yield* Effect.promise(turn)
      most = done
      yield* Fiber.joinAll(fibers)
      assert.isBelow(most, 1_000_000)
    }))))

  it.effect("is no hit for who has waited for it, however short the wait was", () =>
    Effect.gen(function*() {
      const pool = yield* poolOfOne
      yield* pool.use(() => Effect.void)
      const { hits } = (yield* pool.statistics).totals
      const held = yield* pool.acquire()
      const fibers = yield* Effect.replicateEffect(
        Effect.forkChild(pool.use(() => Effect.void), { startImmediately: true }),
        20
      )
      yield* pool.release(held)
      yield* Fiber.joinAll(fibers)
      assert.strictEqual((yield* pool.statistics).totals.hits, hits + 1)
    }))

  it("gives a listener every event, also when a long chain follows many leases in a turn", () =>
    Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const pool = yield* poolOfOne
      let seen = 0
      const watch = Stream.runForEach(
        pool.events,
        (event) => Effect.sync(() => event._tag === "SessionLent" && seen++)
      )
      yield* Effect.forkChild(watch, { startImmediately: true })
      yield* pool.use(() => Effect.void)
      let left = 20_000
      const caller = Effect.whileLoop({
        while: () => left-- > 0,
        body: () => pool.use(() => Effect.void),
        step: () => {}
      })
      const callers = yield* Effect.suspend(() => {
        for (let i = 0; i < 1000; i++) Effect.runSync(pool.use(() => Effect.void))
        return Effect.scoped(Effect.flatMap(pool.acquire(), (connection) =>
          Effect.tap(
            Effect.replicateEffect(Effect.forkDetach(caller, { startImmediately: true }), 2),
            pool.release(connection)
          )))
      })
      yield* Fiber.joinAll(callers)
      const { lent } = (yield* pool.statistics).totals
      const isMissing = Effect.as(Effect.promise(turn), () => seen < lent)
      yield* Effect.repeat(isMissing, { while: (isLeft) => isLeft(), times: 100 })
      assert.strictEqual(seen, lent)
    }))))
})
