/** The break of a session: which call it hits, what may follow it, and what becomes of one that is not answered. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import type { DriverConnection } from "../src/internal/oracledb.ts"
import { cancelled, codeOf, connectionOf, never, pass, scriptedSession, settle, withTimers } from "./scriptedSession.ts"

describe("a break", () => {
  it.effect("hits no call that somebody waits for", () =>
    Effect.gen(function*() {
      let breaks = 0
      const session = scriptedSession({
        break: async () => {
          breaks++
        }
      })
      const answer = Promise.withResolvers<void>()
      const fiber = yield* Effect.forkChild(session.call(() => answer.promise))
      yield* Effect.yieldNow
      assert.isFalse(session.mustBeStopped)
      yield* session.stop
      assert.strictEqual(breaks, 0)
      answer.resolve()
      yield* Fiber.join(fiber)
    }))

  it.effect("hits a call that has outlived its lease", () =>
    Effect.gen(function*() {
      const answer = Promise.withResolvers<void>()
      const session = scriptedSession({
        break: async () => answer.reject(cancelled()),
        ping: async () => {}
      })
      const lease = { isReleased: false }
      session.beginLease(lease, undefined)
      const fiber = yield* Effect.forkChild(session.call(() => answer.promise, { lease }))
      yield* Effect.yieldNow
      assert.isFalse(session.mustBeStopped)
      lease.isReleased = true
      assert.isTrue(session.mustBeStopped)
      yield* session.stop
      assert.strictEqual(codeOf(yield* Fiber.await(fiber)), "ORA-01013")
      assert.isFalse(session.mustBeStopped)
    }))

  const stopped = Effect.fnUntraced(function*(
    members: (answer: PromiseWithResolvers<void>) => object,
    isPipeline?: () => boolean
  ) {
    const answer = Promise.withResolvers<void>()
    const session = scriptedSession(members(answer))
    const fiber = yield* Effect.forkChild(session.call(() => answer.promise, { isPipeline }))
    yield* Effect.yieldNow
    yield* Fiber.interrupt(fiber)
    const exit = yield* Effect.exit(session.stop)
    return { session, exit }
  })

  it.effect("that has hit leaves nothing to take, unless it was in a pipeline", () =>
    Effect.gen(function*() {
      let pings = 0
      const members = (answer: PromiseWithResolvers<void>) => ({
        break: async () => answer.reject(cancelled()),
        ping: async () => {
          pings++
        }
      })
      yield* stopped(members)
      assert.strictEqual(pings, 0)
      yield* stopped(members, () => false)
      assert.strictEqual(pings, 0)
      yield* stopped(members, () => true)
      assert.strictEqual(pings, 1)
    }))

  it.effect("is left where the driver says so, and not where it says that none is", () =>
    Effect.gen(function*() {
      let pings = 0
      const members = (isBreak: boolean) => (answer: PromiseWithResolvers<void>) => ({
        _impl: { nscon: { isBreak } },
        break: async () => answer.resolve(),
        ping: async () => {
          pings++
        }
      })
      yield* stopped(members(false))
      assert.strictEqual(pings, 0)
      yield* stopped(members(true))
      assert.strictEqual(pings, 1)
    }))

  it.effect("holds the next call back until it is certain that it has hit, and the call that takes it has no limit", () =>
    Effect.gen(function*() {
      const answer = Promise.withResolvers<void>()
      const ping = Promise.withResolvers<void>()
      const log: Array<unknown> = []
      const connection: DriverConnection = connectionOf({
        break: async () => answer.resolve(),
        ping: () => {
          log.push(`ping ${connection.callTimeout}`)
          return ping.promise
        }
      })
      const session = scriptedSession(connection)
      session.callTimeout = 5000
      const lease = { isReleased: false }
      const fiber = yield* Effect.forkChild(session.call(() => answer.promise, { lease }))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      const stopping = yield* Effect.forkChild(session.stop)
      yield* Effect.yieldNow
      const next = yield* Effect.forkChild(session.call(async () => {
        log.push("next")
      }))
      yield* settle
      assert.deepStrictEqual(log, ["ping 0"])
      ping.resolve()
      yield* Fiber.join(stopping)
      yield* Fiber.join(next)
      assert.deepStrictEqual(log, ["ping 0", "next"])
    }))

  it.effect("whose taking fails otherwise tells so, and the next call still begins", () =>
    Effect.gen(function*() {
      const failure = Object.assign(new Error("ORA-03113"), { code: "ORA-03113" })
      const { exit, session } = yield* stopped((answer) => ({
        break: async () => answer.resolve(),
        ping: () => Promise.reject(failure)
      }))
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) === failure)
      assert.strictEqual(yield* session.call(async () => 1), 1)
    }))

  it.effect("that the driver cannot send fails those who wait for it", () =>
    Effect.gen(function*() {
      const failure = Object.assign(new Error("NJS-500"), { code: "NJS-500" })
      const { exit } = yield* stopped(() => ({ break: () => Promise.reject(failure) }))
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) === failure)
    }))

  it.effect("has its own limit, and whoever gives up waiting for it gives the session up", () =>
    withTimers(Effect.gen(function*() {
      const session = scriptedSession({ break: async () => {} })
      const fiber = yield* Effect.forkChild(session.call(never))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      const stopping = yield* Effect.forkChild(session.stop)
      yield* Effect.yieldNow
      pass(999)
      assert.isTrue(session.isHealthy)
      yield* Fiber.interrupt(stopping)
      assert.isFalse(session.isHealthy)
      // And it stays so for whoever asks later.
      assert.strictEqual(codeOf(yield* Effect.exit(session.stop)), "NJS-500")
    })))

  it.effect("that has been answered leaves no timer, and giving up later loses nothing", () =>
    withTimers(Effect.gen(function*() {
      const { exit, session } = yield* stopped((answer) => ({
        break: async () => answer.reject(cancelled()),
        ping: async () => {}
      }))
      assert.isTrue(Exit.isSuccess(exit))
      pass(2000)
      assert.isTrue(session.isHealthy)
    })))
})
