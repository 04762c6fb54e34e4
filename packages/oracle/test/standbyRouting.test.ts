/** Which of two pools a lease comes from: regions, one's own writes, and a standby that cannot be reached. */
import { assert, describe, it } from "@effect/vitest"
import { SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Access, CurrentWrites, routed, Writes } from "../src/internal/standbyRouting.ts"

const database = (instance: string) =>
  TestDatabase.make({
    instances: [instance],
    answer: ({ session, text }) => Effect.succeed(`${text} on ${session.instance}`)
  })

const settled = TestClock.adjust(0)

const open = (settings: object = {}) =>
  Effect.gen(function*() {
    const primaryDatabase = yield* database("PRIMARY")
    const standbyDatabase = yield* database("STANDBY")
    const pool = (driver: typeof primaryDatabase.driver, name: string) =>
      SessionPool.make({ driver, name, user: "app", max: 2, ...settings })
    const primary = yield* pool(primaryDatabase.driver, "primary")
    const standby = yield* pool(standbyDatabase.driver, "standby")
    const both = routed(primary, standby, 10_000)
    /** Where a lease is, taken by `use`; the same by `acquire`. */
    const used = both.use((connection) => Effect.succeed(connection.session.instance))
    const acquired = Effect.scoped(Effect.map(both.acquire(), (connection) => connection.session.instance))
    return { acquired, both, primary, primaryDatabase, standby, standbyDatabase, used }
  })

const reading = Effect.provideService(Access, "read")
const newest = Effect.provideService(Access, "newest")
const own = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => Effect.provideService(self, CurrentWrites, new Writes()))

describe("a pool over two", () => {
  it.effect("takes the standby's sessions for what reads, the primary's for the rest", () =>
    Effect.gen(function*() {
      const { acquired, used } = yield* open()
      for (const where of [used, acquired]) {
        assert.strictEqual(yield* own(reading(where)), "STANDBY")
        assert.strictEqual(yield* own(newest(where)), "PRIMARY")
        assert.strictEqual(yield* own(where), "PRIMARY")
      }
    }))

  it.effect("reads one's own writes from the primary for a time, and not those of others", () =>
    own(Effect.gen(function*() {
      const { acquired, used } = yield* open()
      for (const write of [used, acquired]) {
        assert.strictEqual(yield* reading(used), "STANDBY")
        // In a fiber of its own, as with a timeout: it is the same unit of work.
        yield* Effect.timeout(write, "1 minute")
        assert.strictEqual(yield* reading(used), "PRIMARY")
        assert.strictEqual(yield* reading(acquired), "PRIMARY")
        assert.strictEqual(yield* own(reading(used)), "STANDBY")
        yield* TestClock.adjust("9 seconds")
        // A read does not prolong it.
        assert.strictEqual(yield* reading(used), "PRIMARY")
        yield* newest(used)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* reading(used), "STANDBY")
      }
    })))

  it.effect("counts a write for as long as its lease lasts, however that ends", () =>
    own(Effect.gen(function*() {
      const { both, used } = yield* open()
      const ways: ReadonlyArray<(connection: TestDatabase.TestConnection) => Effect.Effect<unknown, unknown>> = [
        (connection) => both.release(connection),
        (connection) => both.drop(connection)
      ]
      for (const end of ways) {
        yield* Effect.scoped(Effect.gen(function*() {
          const held = yield* both.acquire()
          yield* TestClock.adjust("1 hour")
          assert.strictEqual(yield* reading(used), "PRIMARY")
          yield* end(held)
          yield* TestClock.adjust("10 seconds")
          assert.strictEqual(yield* reading(used), "STANDBY")
        }))
        // The end of its scope is not another write.
        assert.strictEqual(yield* reading(used), "STANDBY")
      }
      for (const exit of ["fails", "dies", "interrupted"] as const) {
        const body = exit === "fails" ? Effect.fail("no") : exit === "dies" ? Effect.die("no") : Effect.interrupt
        yield* Effect.exit(both.use(() => body))
        assert.strictEqual(yield* reading(used), "PRIMARY", exit)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* reading(used), "STANDBY", exit)
      }
    })))

  it.effect("counts a request that gets no session as over, and one that waits as under way", () =>
    own(Effect.gen(function*() {
      const { both, used } = yield* open({ max: 1, getMode: "timedWait", waitTimeout: "30 seconds" })
      const scope = yield* Scope.make()
      yield* newest(Scope.provide(both.acquire(), scope))
      const outer = yield* Scope.make()
      const waiting = yield* Effect.forkScoped(Effect.exit(Scope.provide(both.acquire(), outer)))
      yield* settled
      const read = yield* Effect.forkScoped(Effect.exit(reading(used)))
      yield* settled
      // The write that waits is one: the read waits behind it, for the primary.
      assert.deepInclude(yield* both.statistics, { pending: 2 })
      yield* TestClock.adjust("30 seconds")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(read)))
      assert.isTrue(Exit.isFailure(yield* Fiber.join(waiting)))
      yield* TestClock.adjust("10 seconds")
      // The scope of the request is open still.
      assert.strictEqual(yield* reading(used), "STANDBY")
      yield* Scope.close(outer, Exit.void)
      yield* Scope.close(scope, Exit.void)
    })))

  it.effect("gives connections back to the pool that they are of", () =>
    own(Effect.gen(function*() {
      const { both, primary, standby } = yield* open()
      const held = yield* reading(both.acquire())
      assert.strictEqual((yield* standby.statistics).busy, 1)
      yield* both.release(held, { tag: "A=1" })
      assert.strictEqual((yield* standby.statistics).idle, 1)
      assert.deepStrictEqual((yield* standby.sessions).map(({ tag }) => tag), ["A=1"])
      assert.strictEqual((yield* Effect.flip(both.release(held)))._tag, "ConnectionReleasedError")
      yield* both.drop(yield* reading(both.acquire({ tag: "A=1" })))
      yield* settled
      assert.strictEqual((yield* standby.statistics).opened, 0)
      assert.strictEqual((yield* primary.statistics).opened, 0)
      assert.strictEqual((yield* both.statistics).name, "primary")
    })))

  it.effect("reads from the primary while the standby cannot be reached, and runs nothing twice", () =>
    own(Effect.gen(function*() {
      const { acquired, both, standby, standbyDatabase, used } = yield* open()
      yield* standbyDatabase.refuseToOpen()
      assert.strictEqual(yield* reading(used), "PRIMARY")
      // It is known now: no read waits for another try, but one each second.
      for (let n = 0; n < 10; n++) assert.strictEqual(yield* reading(acquired), "PRIMARY")
      assert.strictEqual(yield* standbyDatabase.count("openRequested"), 1)
      yield* standbyDatabase.behave("open", { latency: "10 seconds", outcome: "fail" })
      yield* TestClock.adjust("1 second")
      const tried = yield* Effect.forkScoped(reading(used))
      yield* settled
      for (let n = 0; n < 10; n++) assert.strictEqual(yield* reading(used), "PRIMARY")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(tried), "PRIMARY")
      yield* standbyDatabase.behave("open", { latency: 0 })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* reading(used), "STANDBY")
      let runs = 0
      const inner = yield* Effect.flip(
        standby.use(() => Effect.void).pipe(
          Effect.andThen(standby.close()),
          Effect.andThen(standby.use(() => Effect.void))
        )
      )
      assert.strictEqual(inner._tag, "PoolClosedError")
      assert.strictEqual(yield* reading(used), "PRIMARY")
      // What the body fails with is its own failure, whatever it looks like.
      const failed = yield* Effect.flip(reading(both.use(() => {
        runs++
        return Effect.fail(inner)
      })))
      assert.strictEqual(failed, inner)
      assert.strictEqual(runs, 1)
    })))

  it.effect("does not run a body again that fails on the standby as if that were out of reach", () =>
    own(Effect.gen(function*() {
      const { both } = yield* open()
      const other = yield* SessionPool.make({ driver: (yield* database("OTHER")).driver, user: "app" })
      yield* other.close()
      let runs = 0
      const failed = yield* Effect.flip(reading(both.use(() => {
        runs++
        return other.use(() => Effect.void)
      })))
      assert.strictEqual(failed._tag, "PoolClosedError")
      assert.strictEqual(runs, 1)
    })))

  it.effect("lets reads wait for a standby that is busy: its load stays where it is", () =>
    own(Effect.gen(function*() {
      const { both, standby, used } = yield* open({ max: 1 })
      const held = yield* standby.acquire()
      const waiting = yield* Effect.forkScoped(reading(used))
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(waiting.pollUnsafe())
      yield* standby.release(held)
      assert.strictEqual(yield* Fiber.join(waiting), "STANDBY")
      assert.strictEqual((yield* both.statistics).totals.lent, 0)
    })))
})
