import { assert, describe, it } from "@effect/vitest"
import { Fault } from "@sessionpool/oracle-server"
import { Effect, Fiber } from "effect"
import { LogOnTurns } from "../src/internal/logOnTurns.ts"
import { isReal } from "./database.ts"
import { until, watched } from "./watchedPool.ts"

/** Log-ons that end when they are told to. */
class LogOns {
  readonly begun: Array<string> = []
  readonly #ends = new Map<string, () => void>()
  readonly #turns: LogOnTurns

  constructor(apart: number) {
    this.#turns = new LogOnTurns(apart)
  }

  /** The log-on, which begins or waits. */
  run(name: string) {
    const logOn = Effect.callback<string>((resume) => {
      this.begun.push(name)
      this.#ends.set(name, () => resume(Effect.succeed(name)))
    })
    return this.#turns.run(logOn)
  }

  fork(name: string) {
    return Effect.forkChild(this.run(name), { startImmediately: true })
  }

  end(name: string) {
    return Effect.sync(() => this.#ends.get(name)?.())
  }

  begins(...names: ReadonlyArray<string>) {
    return until(Effect.sync(() => this.begun.join() === names.join()))
  }
}

const long = 600_000

describe("log-ons that begin in one moment", () => {
  it.live("begin one by one as those before them end, in their order", () =>
    Effect.gen(function*() {
      const logOns = new LogOns(long)
      const a = yield* logOns.fork("a")
      yield* logOns.fork("b")
      yield* logOns.fork("c")
      assert.deepStrictEqual(logOns.begun, ["a"])
      yield* logOns.end("a")
      assert.strictEqual(yield* Fiber.join(a), "a")
      yield* logOns.begins("a", "b")
      yield* logOns.end("b")
      yield* logOns.begins("a", "b", "c")
    }))

  it.live("leave no place behind that they never had, when they are interrupted before they begin", () =>
    Effect.gen(function*() {
      const logOns = new LogOns(long)
      const abandoned = Effect.withFiber((fiber) => {
        fiber.interruptUnsafe()
        return logOns.run("abandoned")
      })
      yield* Effect.forkChild(Effect.uninterruptible(abandoned), { startImmediately: true })
      yield* logOns.fork("a")
      yield* logOns.fork("b")
      assert.deepStrictEqual(logOns.begun, ["a"])
    }))

  it.live("begin all, though none ends", () =>
    Effect.gen(function*() {
      const logOns = new LogOns(1)
      const names = ["a", "b", "c", "d", "e"]
      yield* Effect.forEach(names, (name) => logOns.fork(name))
      yield* logOns.begins(...names)
    }))

  it.live("hold up none when they are interrupted, waiting or under way", () =>
    Effect.gen(function*() {
      const logOns = new LogOns(long)
      const a = yield* logOns.fork("a")
      const b = yield* logOns.fork("b")
      yield* logOns.fork("c")
      yield* Fiber.interrupt(b)
      yield* Fiber.interrupt(a)
      yield* logOns.begins("a", "c")
      const d = yield* logOns.fork("d")
      yield* Fiber.interrupt(d)
      yield* logOns.end("c")
      // Nothing waits and nothing is under way: it begins in the same moment.
      yield* Effect.sleep(0)
      yield* logOns.fork("e")
      assert.deepStrictEqual(logOns.begun, ["a", "c", "e"])
    }))

  it.live.skipIf(isReal)("wait for a slow database together", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 6, drainTimeout: "10 millis" })
      // The first goes alone: it shows that the password is right.
      yield* server.inject(Fault.hang({ on: "authPhaseTwo", skip: 1, times: Infinity }))
      yield* Effect.replicateEffect(Effect.forkChild(pool.use(() => Effect.never)), 6)
      yield* until(Effect.map(server.counters, ({ openConnections }) => openConnections === 6))
    }))
})
