/** The calls of a session: one at a time, in their order, within their limits. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import { LeaseIsOver } from "../src/internal/sessionCall.ts"
import {
  codeOf,
  connectionOf,
  never,
  pass,
  scriptedSession,
  ScriptedSockets,
  settle,
  withTimers
} from "./scriptedSession.ts"

describe("the line of a session", () => {
  it.effect("has one call at a time, in the order they came", () =>
    Effect.gen(function*() {
      const session = scriptedSession({})
      const log: Array<string> = []
      const answers = ["a", "b", "c"].map((name) => ({ name, ...Promise.withResolvers<string>() }))
      const fibers = []
      for (const { name, promise } of answers) {
        fibers.push(
          yield* Effect.forkChild(session.call(() => {
            log.push(name)
            return promise
          }))
        )
        yield* Effect.yieldNow
      }
      assert.deepStrictEqual(log, ["a"])
      answers[0]!.resolve("A")
      assert.strictEqual(yield* Fiber.join(fibers[0]!), "A")
      assert.deepStrictEqual(log, ["a", "b"])
      answers[1]!.reject(Object.assign(new Error("no"), { code: "ORA-00942" }))
      assert.isTrue(Exit.isFailure(yield* Fiber.await(fibers[1]!)))
      assert.deepStrictEqual(log, ["a", "b", "c"])
      answers[2]!.resolve("C")
      yield* Fiber.join(fibers[2]!)
      assert.isTrue(session.isHealthy)
    }))

  it.effect("forgets a call that was given up while it waited", () =>
    Effect.gen(function*() {
      const session = scriptedSession({})
      const log: Array<string> = []
      const answer = Promise.withResolvers<void>()
      const first = yield* Effect.forkChild(session.call(() => answer.promise))
      yield* Effect.yieldNow
      const second = yield* Effect.forkChild(session.call(async () => {
        log.push("second")
      }))
      const third = yield* Effect.forkChild(session.call(async () => {
        log.push("third")
      }))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(second)
      assert.isFalse(session.mustBeStopped)
      answer.resolve()
      yield* Fiber.join(first)
      yield* Fiber.join(third)
      assert.deepStrictEqual(log, ["third"])
    }))

  it.effect("does not begin a call whose lease is over, and goes on", () =>
    Effect.gen(function*() {
      const session = scriptedSession({})
      const lease = { isReleased: false }
      const answer = Promise.withResolvers<void>()
      const first = yield* Effect.forkChild(session.call(() => answer.promise))
      yield* Effect.yieldNow
      let begun = 0
      const work = async () => ++begun
      const second = yield* Effect.forkChild(session.call(work, { lease }))
      const third = yield* Effect.forkChild(session.call(work))
      yield* Effect.yieldNow
      lease.isReleased = true
      answer.resolve()
      yield* Fiber.join(first)
      const exit = yield* Fiber.await(second)
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof LeaseIsOver)
      assert.strictEqual(yield* Fiber.join(third), 1)
    }))

  it.effect("begins no call that cannot be told whose work it is, unless it is the pool's own", () =>
    Effect.gen(function*() {
      const session = scriptedSession({})
      const problem = new Error("no such context") as never
      session.beginLease({ isReleased: false }, {
        values: {
          clientIdentifier: "",
          clientInfo: "",
          operation: "",
          module: "",
          action: "",
          ecid: ""
        },
        attributes: undefined,
        problem
      })
      let begun = 0
      const work = async () => ++begun
      const exit = yield* Effect.exit(session.call(work, { lease: { isReleased: false } }))
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) === problem)
      assert.strictEqual(yield* session.call(work), 1)
    }))

  it.effect("goes on when a call throws at once", () =>
    Effect.gen(function*() {
      const session = scriptedSession({})
      const thrown = Object.assign(new Error("NJS-012"), { code: "NJS-012" })
      const exit = yield* Effect.exit(session.call(() => {
        throw thrown
      }))
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) === thrown)
      assert.strictEqual(yield* session.call(async () => "next"), "next")
      assert.isTrue(session.isHealthy)
    }))

  it.effect("dies where the application's policy for values throws, and goes on", () =>
    Effect.gen(function*() {
      const session = scriptedSession({})
      const exit = yield* Effect.exit(session.callFor(async () => 1, {}, {
        succeed: () => {
          throw new Error("a policy")
        },
        fail: Effect.fail
      }))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.strictEqual(yield* session.call(async () => 2), 2)
    }))

  it.effect("waits until what a call has brought that was given up is freed, also when that fails", () =>
    Effect.gen(function*() {
      const session = scriptedSession({})
      const log: Array<string> = []
      const answer = Promise.withResolvers<string>()
      const freed = Promise.withResolvers<void>()
      const first = yield* Effect.forkChild(session.call(() => answer.promise, {
        discard: (value) => {
          log.push(`discard ${value}`)
          return freed.promise
        }
      }))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(first)
      const next = yield* Effect.forkChild(session.call(async () => {
        log.push("next")
      }))
      yield* Effect.yieldNow
      answer.resolve("rows")
      yield* settle
      assert.deepStrictEqual(log, ["discard rows"])
      freed.reject(new Error("no"))
      yield* Fiber.join(next)
      assert.deepStrictEqual(log, ["discard rows", "next"])
    }))
})

describe("time limits", () => {
  it.effect("a call of the holder has the holder's limit for a round trip, the pool's own have none", () =>
    Effect.gen(function*() {
      const connection = connectionOf({})
      const session = scriptedSession(connection)
      const lease = { isReleased: false }
      const during = (options: object) => session.call(async ({ callTimeout }) => callTimeout, options)
      session.callTimeout = 70
      assert.strictEqual(yield* during({ lease }), 70)
      assert.strictEqual(yield* during({}), 0)
      assert.strictEqual(yield* during({ lease }), 70)
      assert.strictEqual(yield* during({ lease, isUrgent: true }), 0)
      assert.strictEqual(yield* during({ lease }), 70)
      assert.strictEqual(yield* during({ lease, limit: 5000 }), 0)
      session.putBack()
      assert.strictEqual(yield* during({ lease }), 0)
    }))

  it.effect("the driver is told of a limit once, and anew after a caller had its connection", () =>
    Effect.gen(function*() {
      const told: Array<number> = []
      const connection = connectionOf({})
      Object.defineProperty(connection, "callTimeout", {
        set: (limit: number) => {
          told.push(limit)
        }
      })
      const session = scriptedSession(connection)
      const lease = { isReleased: false }
      const work = async () => {}
      yield* session.call(work, { lease })
      session.callTimeout = 70
      yield* session.call(work, { lease })
      yield* session.call(work, { lease })
      assert.deepStrictEqual(told, [70])
      session.giveToCaller()
      yield* session.call(work, { lease })
      assert.deepStrictEqual(told, [70, 70])
    }))

  it("a commit is not broken off: the holder's limit counts where it is longer than a break may take", () => {
    const limits = { breakLimit: 100, commitLimit: 0 }
    const session = scriptedSession({}, { limits })
    assert.strictEqual(session.commitLimit, 0)
    session.callTimeout = 40
    assert.strictEqual(session.commitLimit, 100)
    session.callTimeout = 400
    assert.strictEqual(session.commitLimit, 400)
    limits.commitLimit = 300
    assert.strictEqual(session.commitLimit, 300)
    session.callTimeout = 0
    assert.strictEqual(session.commitLimit, 300)
  })

  it.effect("a session is lost when a call with a limit takes longer, and is not before", () =>
    withTimers(Effect.gen(function*() {
      const sockets = new ScriptedSockets()
      const session = scriptedSession({}, { sockets })
      const fiber = yield* Effect.forkChild(session.call(never, { limit: 50 }))
      yield* Effect.yieldNow
      pass(49)
      assert.isTrue(session.isHealthy)
      pass(1)
      assert.isFalse(session.isHealthy)
      assert.isTrue(sockets.isCut)
      yield* Fiber.interrupt(fiber)
    })))

  it.effect("a limit of nothing is none", () =>
    withTimers(Effect.gen(function*() {
      const session = scriptedSession({})
      const fiber = yield* Effect.forkChild(session.call(never, { limit: 0 }))
      yield* Effect.yieldNow
      pass(60_000)
      assert.isTrue(session.isHealthy)
      yield* Fiber.interrupt(fiber)
    })))

  it.effect("what must come to an end is bounded from when it was asked for, whatever runs before it", () =>
    withTimers(Effect.gen(function*() {
      const session = scriptedSession({}, { limits: { breakLimit: 80, commitLimit: 0 } })
      const first = yield* Effect.forkChild(session.call(never))
      yield* Effect.yieldNow
      const urgent = yield* Effect.forkChild(session.call(async () => {}, { isUrgent: true }))
      yield* Effect.yieldNow
      pass(79)
      assert.isTrue(session.isHealthy)
      pass(1)
      assert.isFalse(session.isHealthy)
      assert.strictEqual(codeOf(yield* Fiber.await(urgent)), "NJS-500")
      yield* Fiber.interrupt(first)
    })))

  it.effect("and no longer once it has ended, was given up, or could not begin", () =>
    withTimers(Effect.gen(function*() {
      const session = scriptedSession({})
      yield* session.call(async () => {}, { isUrgent: true })
      pass(60_000)
      assert.isTrue(session.isHealthy)
      yield* Effect.ignore(
        session.call(() => Promise.reject(Object.assign(new Error("no"), { code: "x" })), { isUrgent: true })
      )
      pass(60_000)
      assert.isTrue(session.isHealthy)
      yield* Effect.ignore(session.call(async () => {}, { isUrgent: true, lease: { isReleased: true } }))
      pass(60_000)
      assert.isTrue(session.isHealthy)
      const first = yield* Effect.forkChild(session.call(never))
      yield* Effect.yieldNow
      const urgent = yield* Effect.forkChild(session.call(async () => {}, { isUrgent: true }))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(urgent)
      pass(60_000)
      assert.isTrue(session.isHealthy)
      yield* Fiber.interrupt(first)
    })))

  it.effect("silence of three times the call timeout loses the session, an answer begins it anew", () =>
    withTimers(Effect.gen(function*() {
      const sockets = new ScriptedSockets()
      const session = scriptedSession({}, { sockets })
      session.callTimeout = 1000
      const fiber = yield* Effect.forkChild(session.call(never, { lease: { isReleased: false } }))
      yield* Effect.yieldNow
      pass(2999)
      sockets.bytes = 100
      pass(1)
      assert.isTrue(session.isHealthy)
      pass(2999)
      assert.isTrue(session.isHealthy)
      pass(1)
      assert.isFalse(session.isHealthy)
      yield* Fiber.interrupt(fiber)
    })))

  for (
    const { breakLimit, most } of [
      // As long as the answer to a break may take over a slow network,
      { breakLimit: 60_000, most: 1000 },
      // or as long as the pool waits for one at all.
      { breakLimit: 200, most: 200 }
    ]
  ) {
    it.effect(`silence counts for ${most} ms at least where a break may take ${breakLimit} ms`, () =>
      withTimers(Effect.gen(function*() {
        const session = scriptedSession({}, { limits: { breakLimit, commitLimit: 0 }, sockets: new ScriptedSockets() })
        session.callTimeout = 10
        const fiber = yield* Effect.forkChild(session.call(never, { lease: { isReleased: false } }))
        yield* Effect.yieldNow
        pass(most - 1)
        assert.isTrue(session.isHealthy)
        pass(1)
        assert.isFalse(session.isHealthy)
        yield* Fiber.interrupt(fiber)
      })))
  }

  it.effect("silence does not count once the call has its answer", () =>
    withTimers(Effect.gen(function*() {
      const session = scriptedSession({}, { sockets: new ScriptedSockets() })
      session.callTimeout = 10
      yield* session.call(async () => {}, { lease: { isReleased: false } })
      pass(60_000)
      assert.isTrue(session.isHealthy)
    })))
})

describe("a lost session", () => {
  it.effect("fails what waits in its line, and whatever is asked of it later", () =>
    withTimers(Effect.gen(function*() {
      const session = scriptedSession({})
      const first = yield* Effect.forkChild(session.call(never, { limit: 50 }))
      yield* Effect.yieldNow
      let begun = 0
      const work = async () => ++begun
      const waiting = [yield* Effect.forkChild(session.call(work)), yield* Effect.forkChild(session.call(work))]
      yield* Effect.yieldNow
      pass(50)
      for (const fiber of waiting) assert.strictEqual(codeOf(yield* Fiber.await(fiber)), "NJS-500")
      assert.strictEqual(codeOf(yield* Effect.exit(session.call(work))), "NJS-500")
      assert.strictEqual(begun, 0)
      yield* Fiber.interrupt(first)
    })))
})
