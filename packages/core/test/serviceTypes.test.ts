/** What compiles on a pool's service, and which types come of it. That this file compiles is half of the test. */
import { assert, describe, it } from "@effect/vitest"
import { Connection, type PoolError, type SessionDriver, SessionPool } from "@sessionpool/core"
import { TestDatabase } from "@sessionpool/testing"
import { Context, Effect, Layer, Redacted } from "effect"

/** Compiles only when both types are the same. */
const same = <A, B>(
  ..._proof: (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? [] : [never]
): void => {}

type PoolOf<T> = T extends Effect.Effect<infer A, infer _E, infer _R> ? A : never
type TestFailure = TestDatabase.TestDatabaseError | PoolError.ConnectionReleasedError | PoolError.InvalidTagError

/** A driver for the calls that are made at the class, over a database of the test. */
const driverOf = (database: () => TestDatabase.TestDatabase): TestDatabase.TestDatabase["driver"] => ({
  open: (request) => database().driver.open(request),
  close: (session, options) => database().driver.close(session, options),
  ping: (session) => database().driver.ping(session),
  reset: (session, settings) => database().driver.reset(session, settings),
  interrupt: (session) => database().driver.interrupt(session),
  isHealthy: (session) => database().driver.isHealthy(session),
  isAuthenticationFailure: (error) => database().driver.isAuthenticationFailure(error),
  lease: (...lease) => database().driver.lease(...lease)
})

let current: TestDatabase.TestDatabase | undefined
const driver = driverOf(() => current!)

const useTag = Effect.fnUntraced(function*<Self, OE>(
  tag: Context.Key<Self, SessionPool.SessionPool<TestDatabase.TestConnection, OE>>
) {
  const pool = yield* tag
  return yield* pool.use({ tag: "A=1" }, (connection) => Effect.succeed(connection.tag))
})

const withDatabase = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    current = yield* TestDatabase.make()
    return yield* effect
  }).pipe(Effect.scoped)

class Zone extends Context.Service<Zone, string>()("test/Zone") {}

describe("a service that knows its driver", () => {
  class Inferred extends SessionPool.Service<Inferred>()("test/Inferred", {
    driver,
    onSession: (connection) => connection.setTag("A=1")
  }) {}

  it.effect("infers the connection and the failures, and takes the settings in its layer (A10)", () => {
    same<
      PoolOf<typeof Inferred>,
      SessionPool.SessionPool<
        TestDatabase.TestConnection,
        PoolError.InvalidTagError | PoolError.ConnectionReleasedError
      >
    >()
    const layer = Inferred.layer({ user: "scott", max: 1 })
    same<
      typeof layer,
      Layer.Layer<Inferred, PoolError.InvalidOptionsError | PoolError.OpenSessionError>
    >()
    return withDatabase(
      Effect.map(Effect.provide(useTag(Inferred), layer), (tag) => assert.strictEqual(tag, "A=1"))
    )
  })

  it.effect("has what its hooks need as a requirement of its layer (A10)", () => {
    class Plain extends SessionPool.Service<Plain>()("test/Plain", { driver }) {}
    same<PoolOf<typeof Plain>, SessionPool.SessionPool<TestDatabase.TestConnection>>()
    class Demanding extends SessionPool.Service<Demanding>()("test/Demanding", {
      driver,
      credentials: Effect.map(Zone, (zone) => ({ user: zone })),
      onSession: (connection, { requestedTag }) => Effect.andThen(Zone, connection.setTag(requestedTag)),
      onLease: () => Effect.fail("not now" as const)
    }) {}
    same<
      PoolOf<typeof Demanding>,
      SessionPool.SessionPool<
        TestDatabase.TestConnection,
        "not now" | PoolError.InvalidTagError | PoolError.ConnectionReleasedError
      >
    >()
    const layer = Demanding.layer()
    same<Layer.Services<typeof layer>, Zone>()
    const provided = Layer.provide(layer, Layer.succeed(Zone, "utc"))
    return withDatabase(
      Effect.map(
        Effect.flip(Effect.provide(useTag(Demanding), provided)),
        (error) => assert.strictEqual(error, "not now")
      )
    )
  })
})

describe("a service whose driver an effect makes", () => {
  it.effect("lets onSession fail with what the connection's operations fail with (A10)", () => {
    class P extends SessionPool.Service<P, TestDatabase.TestConnection>()("test/P") {}
    same<PoolOf<typeof P>, SessionPool.SessionPool<TestDatabase.TestConnection, TestFailure>>()
    const set = P.layer({ driver, user: "scott", onSession: (c) => c.setTag("A=1") })
    const executes = P.layer({ driver, user: "scott", onSession: (c) => c.execute("alter session") })
    same<typeof set, typeof executes>()
    return withDatabase(Effect.map(Effect.provide(useTag(P), set), (tag) => assert.strictEqual(tag, "A=1")))
  })

  it.effect("takes the failures that are named (A10)", () => {
    class Explicit
      extends SessionPool.Service<Explicit, TestDatabase.TestConnection, "no" | PoolError.InvalidTagError>()(
        "test/Explicit"
      )
    {}
    class Never extends SessionPool.Service<Never, TestDatabase.TestConnection, never>()("test/Never") {}
    same<PoolOf<typeof Never>, SessionPool.SessionPool<TestDatabase.TestConnection>>()
    type OnSession = NonNullable<Parameters<typeof Never.layer>[0]["onSession"]>
    same<
      TestDatabase.TestConnection["setTag"] extends (...args: never) => ReturnType<OnSession> ? true : false,
      false
    >()
    return withDatabase(
      Effect.map(
        Effect.flip(
          Effect.provide(
            useTag(Explicit),
            Explicit.layer({ driver, user: "scott", onSession: () => Effect.fail("no" as const) })
          )
        ),
        (error) => assert.strictEqual(error, "no")
      )
    )
  })
})

describe("a service class", () => {
  it("has the statics that its type shows, and no others (E18)", () => {
    class P extends SessionPool.Service<P, TestDatabase.TestConnection>()("test/Statics") {}
    const context = Context.Service<string>("test/Reference")
    const base: object = Object.getPrototypeOf(P)
    const added = Object.keys(base).filter((name) => !Object.keys(context).includes(name))
    assert.deepStrictEqual(added, ["layer"] satisfies ReadonlyArray<keyof typeof P>)
  })
})

describe("credentials of a driver's own", () => {
  interface Keyed extends SessionDriver.Credentials {
    readonly privateKey?: Redacted.Redacted<string> | undefined
  }

  it.effect("reach open from the credentials effect, with their type", () =>
    Effect.gen(function*() {
      const keys: Array<string | undefined> = []
      const keyed: SessionDriver.SessionDriver<object, Connection.Base, never, Keyed> = {
        open: (request) =>
          Effect.sync(() => {
            keys.push(request.privateKey === undefined ? undefined : Redacted.value(request.privateKey))
            return {}
          }),
        close: () => Effect.void,
        ping: () => Effect.void,
        reset: () => undefined,
        interrupt: () => Effect.void,
        isHealthy: () => true,
        isAuthenticationFailure: () => false,
        lease: (_session, lease) => new (class extends Connection.Base {})(lease)
      }
      const credentials = Effect.succeed({ user: "scott", privateKey: Redacted.make("key") })
      const pool = yield* SessionPool.make({ driver: keyed, credentials })
      yield* pool.use(() => Effect.void)
      const plain = yield* SessionPool.make({ driver: keyed, user: "scott" })
      yield* plain.use(() => Effect.void)
      assert.deepStrictEqual(keys, ["key", undefined])
      const mistyped = Effect.succeed({ user: "scott", privateKey: 5 })
      // @ts-expect-error The driver's credentials have a Redacted key.
      assert.isFunction(() => SessionPool.make({ driver: keyed, credentials: mistyped }))
    }))
})

describe("a pool as a value", () => {
  it.effect("is told from others, and can be piped", () =>
    withDatabase(Effect.gen(function*() {
      const pool = yield* SessionPool.make({ driver, user: "scott", name: "hr" })
      assert.isTrue(SessionPool.isSessionPool(pool))
      for (const other of [undefined, null, {}, { acquire: () => {} }, "pool"]) {
        assert.isFalse(SessionPool.isSessionPool(other))
      }
      const name = yield* pool.pipe((it) => it.settings, Effect.map((settings) => settings.name))
      assert.strictEqual(name, "hr")
    })))

  it("of a more capable connection is one of a less capable, and its failures may be fewer", () => {
    const accept = (_pool: SessionPool.SessionPool<Connection.Connection, "a" | "b">): void => {}
    const check = (pool: SessionPool.SessionPool<TestDatabase.TestConnection, "a">) => accept(pool)
    const refuse = (pool: SessionPool.SessionPool<Connection.Connection, "c">) =>
      // @ts-expect-error "c" is not among the failures.
      accept(pool)
    assert.isFunction(check)
    assert.isFunction(refuse)
  })
})

describe("parts that no pool can be made of", () => {
  const wrong: ReadonlyArray<readonly [options: unknown, fields: ReadonlyArray<string>]> = [
    [null, ["driver"]],
    [{}, ["driver"]],
    [{ driver: 5 }, ["driver"]],
    [
      { driver: { ...driver, ping: undefined, lease: 5 }, onSession: 5, onLease: {}, resetSession: "x" },
      ["driver.ping", "driver.lease", "onSession", "onLease", "resetSession"]
    ],
    [{ driver, credentials: { user: "scott" }, openRetry: "1 second" }, ["credentials", "openRetry"]]
  ]
  for (const [options, fields] of wrong) {
    it.effect(`are named when it is made: ${fields.join(", ")} (A26)`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(
          SessionPool.make(options as SessionPool.MakeOptions<object, never, never, never, never>)
        )
        assert.deepStrictEqual(
          error._tag === "InvalidOptionsError" ? error.problems.map(({ field }) => field) : [],
          [...fields]
        )
      }))
  }
})
