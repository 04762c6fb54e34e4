/** What runs at the ends of a lease: the driver's own part, `onLease`, `resetSession`. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool, served, settled } from "./openPool.ts"

const Tenant = Context.Reference<string>("test/Tenant", { defaultValue: () => "none" })

describe("onLease", () => {
  it.effect("runs at every lease, after onSession, before the caller sees the connection", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const { pool } = yield* openPool({
        max: 1,
        onSession: () => Effect.sync(() => seen.push("onSession")),
        onLease: ({ id }, { requestedTag }) =>
          Effect.map(Effect.service(Tenant), (tenant) => seen.push(`onLease ${id} ${requestedTag} ${tenant}`))
      })
      yield* Effect.provideService(pool.use(() => Effect.sync(() => seen.push("caller"))), Tenant, "a")
      yield* Effect.provideService(pool.use(() => Effect.sync(() => seen.push("caller"))), Tenant, "b")
      yield* Effect.scoped(pool.acquire({ tag: "A=1" }))
      assert.deepStrictEqual(seen, [
        "onSession",
        "onLease 1 undefined a",
        "caller",
        "onLease 1 undefined b",
        "caller",
        "onSession",
        "onLease 1 A=1 none"
      ])
    }))

  it.effect("may refuse: the session goes back, what it did is rolled back, and the failure is the caller's", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool<"not you">({
        max: 1,
        onLease: (connection) =>
          Effect.flatMap(
            Effect.service(Tenant),
            (tenant) =>
              tenant === "b"
                ? Effect.andThen(Effect.orDie(connection.begin), Effect.fail("not you" as const))
                : Effect.void
          )
      })
      const as = (tenant: string) => Effect.provideService(served(pool), Tenant, tenant)
      assert.strictEqual(yield* as("a"), 1)
      assert.strictEqual(yield* Effect.flip(as("b")), "not you")
      assert.strictEqual(
        yield* Effect.flip(Effect.scoped(Effect.provideService(pool.acquire(), Tenant, "b"))),
        "not you"
      )
      assert.strictEqual(yield* database.count("reset"), 2)
      assert.strictEqual(yield* as("a"), 1)
      assert.deepInclude(yield* pool.statistics, { opened: 1, idle: 1 })
    }))

  it.effect("that is interrupted gives the session back", () =>
    Effect.gen(function*() {
      let isSlow = true
      const { pool } = yield* openPool({
        max: 1,
        onLease: () => Effect.suspend(() => isSlow ? Effect.never : Effect.void)
      })
      const fiber = yield* beside(served(pool))
      yield* Fiber.interrupt(fiber)
      isSlow = false
      assert.strictEqual(yield* served(pool), 1)
    }))
})

describe("the driver", () => {
  it.effect("learns at every lease whom it is for: by the fiber's context and by the request", () =>
    Effect.gen(function*() {
      const leases: Array<string> = []
      const { pool } = yield* openPool({
        max: 1,
        wrap: (driver) => ({
          ...driver,
          lease: (session, lease, context, requested) => {
            const tenant = context === undefined ? "the pool" : Context.get(context, Tenant)
            const span = context === undefined ? undefined : Context.getOrUndefined(context, Tracer.ParentSpan)
            leases.push([tenant, requested, span?._tag === "Span" ? span.name : "no span"].join(", "))
            return driver.lease(session, lease, context, requested)
          }
        }),
        resetSession: () => Effect.void
      })
      yield* Effect.provideService(served(pool, { context: "request 1" }), Tenant, "a")
      yield* Effect.provideService(served(pool), Tenant, "b")
      yield* Effect.scoped(Effect.gen(function*() {
        const held = yield* pool.acquire()
        const waiting = yield* beside(Effect.withSpan(Effect.provideService(served(pool), Tenant, "c"), "the caller"))
        yield* pool.release(held)
        yield* Fiber.join(waiting)
      }))
      assert.deepStrictEqual(leases.filter((lease) => !lease.startsWith("the pool")), [
        "a, request 1, no span",
        "b, , no span",
        "none, , no span",
        "c, , the caller"
      ])
      assert.lengthOf(leases.filter((lease) => lease.startsWith("the pool")), 4)
    }))

  it.effect("puts back what a lease was for at its end, also after an interrupted statement and after resetSession", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const { database, pool } = yield* openPool({
        max: 1,
        wrap: (driver) => ({
          ...driver,
          reset: (session, settings) => {
            log.push("reset")
            return driver.reset(session, settings)
          }
        }),
        resetSession: () => Effect.sync(() => log.push("resetSession"))
      })
      yield* database.behave("execute", { latency: "1 minute" })
      const fiber = yield* beside(pool.use((connection) => connection.execute("slow")))
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(log, ["reset", "resetSession", "reset"])
    }))

  it.effect("that throws when it leases a new session leaves none unprepared (A21)", () =>
    Effect.gen(function*() {
      let throws = true
      const prepared: Array<number> = []
      const { pool } = yield* openPool({
        max: 1,
        onSession: ({ id }) => Effect.sync(() => prepared.push(id)),
        wrap: (driver) => ({
          ...driver,
          lease: (...parts) => {
            if (throws) throw new Error("no lease")
            return driver.lease(...parts)
          }
        })
      })
      for (const lease of [served(pool), Effect.asVoid(Effect.scoped(pool.acquire()))]) {
        throws = true
        const exit = yield* Effect.exit<unknown, unknown, never>(lease)
        assert.strictEqual(exit._tag, "Failure")
        yield* settled
        throws = false
        const id = yield* served(pool)
        assert.include(prepared, id)
      }
    }))
})

describe("the connection of resetSession", () => {
  it.effect("is taken away by a forced close like every other (A20)", () =>
    Effect.gen(function*() {
      let failure: unknown
      const { database, pool } = yield* openPool({
        max: 1,
        resetSession: (connection) =>
          Effect.andThen(
            Effect.sleep("1 second"),
            Effect.catch(connection.execute("reset"), (error) =>
              Effect.sync(() => {
                failure = error
              }))
          )
      })
      const using = yield* beside(served(pool))
      yield* database.behave("close", { latency: "4 seconds" })
      const closing = yield* beside(pool.close({ force: true }))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(using)
      yield* Fiber.join(closing)
      assert.strictEqual((failure as { readonly _tag?: string } | undefined)?._tag, "ConnectionReleasedError")
      assert.deepStrictEqual(yield* database.violations, [])
    }))
})

describe("a hook that gives no effect", () => {
  it.effect("costs its caller a defect that says so, and no session or place", () =>
    Effect.gen(function*() {
      for (const hook of ["onSession", "onLease", "resetSession"]) {
        for (const given of [undefined, Promise.resolve(), 5]) {
          const { database, pool } = yield* openPool({ max: 1, [hook]: () => given as unknown as Effect.Effect<void> })
          const exit = yield* Effect.exit(pool.use(() => Effect.void))
          // What resets a session runs after its caller has had its answer.
          if (hook !== "resetSession") {
            assert.include(String(exit), `${hook} must give an effect`)
          }
          yield* settled
          assert.strictEqual((yield* pool.statistics).busy, 0)
          yield* Effect.exit(pool.use(() => Effect.void))
          yield* pool.close()
          assert.strictEqual(yield* database.count("opened"), yield* database.count("closed"))
        }
      }
    }))

  it.effect("costs the caller of `use` a defect that says so, and no session", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      for (const given of [undefined, Promise.resolve(), 5]) {
        // With a session that is there at once, and with one that is waited for.
        for (const isAwaited of [false, true]) {
          const holder = isAwaited ? yield* Effect.forkChild(pool.use(() => Effect.sleep("1 second"))) : undefined
          yield* settled
          const user = yield* Effect.forkChild(Effect.exit(pool.use(() => given as unknown as Effect.Effect<void>)))
          yield* settled
          if (holder !== undefined) {
            yield* TestClock.adjust("1 second")
            yield* Fiber.join(holder)
          }
          assert.include(String(yield* Fiber.join(user)), "use must give an effect")
          yield* settled
          assert.strictEqual((yield* pool.statistics).busy, 0)
        }
      }
    }))
})
