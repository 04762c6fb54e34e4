import { assert, describe, it } from "@effect/vitest"
import { Connection, SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { openPool, served, settled, warm } from "./openPool.ts"

class HrPool extends SessionPool.Service<HrPool, TestDatabase.TestConnection>()("app/HrPool") {}
class SalesPool extends SessionPool.Service<SalesPool, TestDatabase.TestConnection>()("app/SalesPool") {}

describe("a pool as a service", () => {
  it.effect("has a tag and a layer of its own, that live and end together", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make({ answer: ({ session }) => Effect.succeed(session.user) })
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(
        Layer.merge(
          HrPool.layer({ driver: database.driver, user: "hr", name: "hr" }),
          SalesPool.layer({ driver: database.driver, user: "sales", name: "sales" })
        ),
        scope
      )
      const who = Effect.gen(function*() {
        const hr = yield* HrPool
        const sales = yield* SalesPool
        return [
          yield* hr.use((connection) => connection.execute("who")),
          yield* sales.use((connection) => connection.execute("who"))
        ]
      })
      assert.deepStrictEqual(yield* Effect.provideContext(who, context), ["hr", "sales"])
      assert.lengthOf(yield* database.sessions, 2)
      yield* Scope.close(scope, Exit.void)
      assert.lengthOf(yield* database.sessions, 0)
      const closed = yield* Effect.flip(Effect.provideContext(who, context))
      assert.propertyVal(closed, "_tag", "PoolClosedError")
    }))

  it.effect("its layer fails when its options cannot be used", () =>
    Effect.gen(function*() {
      const database = yield* TestDatabase.make()
      const layer = HrPool.layer({ driver: database.driver, user: "hr", max: 0 })
      const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
      assert.strictEqual(error._tag, "InvalidOptionsError")
    }))

  it.effect("onSession, resetSession and credentials have the services that the pool was made with", () =>
    Effect.gen(function*() {
      class TimeZone extends Context.Service<TimeZone, string>()("app/TimeZone") {}
      const seen: Array<string> = []
      const see = (what: string) => Effect.map(TimeZone, (zone) => seen.push(`${what} ${zone}`))
      const database = yield* TestDatabase.make()
      const layer = HrPool.layer({
        driver: database.driver,
        credentials: Effect.as(see("credentials"), { user: "hr" }),
        onSession: () => see("onSession"),
        resetSession: () => see("resetSession")
      }).pipe(Layer.provide(Layer.succeed(TimeZone, "UTC")))
      yield* Effect.provide(Effect.flatMap(HrPool, (pool) => pool.use(() => Effect.void)), layer)
      assert.deepStrictEqual(seen, ["credentials UTC", "onSession UTC", "resetSession UTC"])
    }))

  it.effect("the layer of the test database is a pool without a database", () =>
    Effect.gen(function*() {
      const answer = yield* Effect.gen(function*() {
        const pool = yield* TestDatabase.Pool
        return yield* pool.use((connection) => connection.execute("select 1"))
      }).pipe(Effect.provide(TestDatabase.layer({ max: 1, database: { answer: () => Effect.succeed(1) } })))
      assert.strictEqual(answer, 1)
    }))
})

describe("a driver", () => {
  it.effect("needs a few effects only, and its connection extends Connection.Base", () =>
    Effect.gen(function*() {
      class Greeter extends Connection.Base {
        greet(name: string) {
          return this.lease.run(Effect.succeed(`hello ${name} from session ${this.id}`))
        }
      }
      const pool = yield* SessionPool.make({
        user: "scott",
        driver: {
          open: () => Effect.succeed({}),
          close: () => Effect.void,
          ping: () => Effect.void,
          reset: () => undefined,
          interrupt: () => Effect.void,
          isHealthy: () => true,
          isAuthenticationFailure: () => false,
          lease: (_session: object, lease) => new Greeter(lease)
        }
      })
      const connection = yield* pool.acquire()
      assert.strictEqual(yield* connection.greet("world"), "hello world from session 1")
      assert.strictEqual(connection.lease.pool, "default")
      yield* pool.release(connection)
      assert.isTrue(connection.isReleased)
      assert.strictEqual((yield* Effect.flip(connection.greet("nobody")))._tag, "ConnectionReleasedError")
    }))

  it.effect("one that throws costs the session or the request, never the pool", () =>
    Effect.gen(function*() {
      let next: "open" | "isHealthy" | "reset" | "lease" | undefined = undefined
      const mayThrow = (what: typeof next) => {
        if (next !== what) return
        next = undefined
        throw new Error(`the driver's ${what} threw`)
      }
      let open = 0
      const pool = yield* SessionPool.make({
        user: "scott",
        max: 1,
        driver: {
          open: () =>
            Effect.sync(() => {
              mayThrow("open")
              return { number: ++open }
            }),
          close: () => Effect.sync(() => open--),
          ping: () => Effect.void,
          reset: () => {
            mayThrow("reset")
            return undefined
          },
          interrupt: () => Effect.void,
          isHealthy: () => {
            mayThrow("isHealthy")
            return true
          },
          isAuthenticationFailure: () => false,
          lease: (_session: object, lease) => {
            mayThrow("lease")
            return new (class extends Connection.Base {})(lease)
          }
        }
      })
      const use = pool.use(({ id }) => Effect.succeed(id))
      assert.strictEqual(yield* use, 1)
      next = "isHealthy"
      assert.strictEqual(yield* use, 2)
      next = "reset"
      assert.strictEqual(yield* use, 2)
      assert.strictEqual(yield* use, 3)
      next = "lease"
      assert.isTrue(Exit.hasDies(yield* Effect.exit(use)))
      assert.isUndefined(next)
      yield* pool.use((connection) => pool.drop(connection))
      next = "open"
      const error = yield* Effect.flip(use)
      assert.include(error.message, "the driver's open threw")
      assert.strictEqual(open, 0)
      assert.deepInclude(yield* pool.statistics, { opened: 0, busy: 0, opening: 0, closing: 0 })
    }))

  it.effect("that finds a session dead and throws when it lends another closes the first all the same", () =>
    Effect.gen(function*() {
      let throws = false
      const { database, pool } = yield* openPool({
        max: 2,
        wrap: (driver) => ({
          ...driver,
          lease: (...given) => {
            if (throws) throw new Error("the driver's lease threw")
            return driver.lease(...given)
          }
        })
      })
      const [, warmest] = yield* warm(pool, "", "")
      yield* database.announceShutdown(warmest!)
      throws = true
      assert.isTrue(Exit.hasDies(yield* Effect.exit(served(pool))))
      yield* settled
      assert.deepInclude(yield* pool.statistics, { opened: 1, idle: 1, closing: 0 })
      assert.lengthOf(yield* database.sessions, 1)
    }))
})
