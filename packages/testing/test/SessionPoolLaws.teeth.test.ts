import { PoolError, PoolMetrics, type SessionPool } from "@sessionpool/core"
import { SessionPoolLaws, type TestDatabase } from "@sessionpool/testing"
import { Clock, Deferred, Effect, Metric, Redacted, Scope } from "effect"
import { assert, describe, it } from "vitest"

type Driver = TestDatabase.TestDatabase["driver"]
type Subject = SessionPoolLaws.Subject<TestDatabase.TestConnection>
type Pool = SessionPool.SessionPool<TestDatabase.TestConnection, SessionPoolLaws.PreparationFailed>

const violation = (
  law: SessionPoolLaws.Law,
  subject: Subject,
  options: SessionPoolLaws.RunOptions = {}
): Promise<SessionPoolLaws.LawViolation> =>
  Effect.runPromise(Effect.flip(law.check(subject, { runs: 400, maxOps: [3], ...options })))

/** Our subject with another pool in front of ours, or with other settings. */
const withPool = (
  change: (pool: Pool) => Pool,
  settings: Partial<SessionPoolLaws.PoolSettings<TestDatabase.TestConnection>> = {}
): Subject => {
  const ours = SessionPoolLaws.testDatabase()
  return {
    ...ours,
    make: Effect.map(ours.make, (bench) => ({
      ...bench,
      makePool: (given) => Effect.map(bench.makePool({ ...given, ...settings }), change)
    }))
  }
}

const driverThat = (change: (driver: Driver) => Partial<Driver>): Subject =>
  SessionPoolLaws.testDatabase((driver) => ({ ...driver, ...change(driver) }))

/** The shortest script that shows a mutation is a few lines. */
const expectReadable = (found: SessionPoolLaws.LawViolation) => {
  assert.match(found.script[0]!, /^pool \{ min: \d, max: \d/)
  assert.isAtMost(found.script.length, 10)
  assert.include(found.message, `Again: { seed: 1, path: "`)
}

describe("the laws find", () => {
  it("a driver that forgets to close (4)", async () => {
    const found = await violation(SessionPoolLaws.endings, driverThat(() => ({ close: () => Effect.void })))
    assert.include([2, 4], found.law)
    expectReadable(found)
  })

  it("a driver that loses every third session that it opens (2)", async () => {
    let opened = 0
    const found = await violation(
      SessionPoolLaws.sizes,
      driverThat((driver) => ({
        open: (request) =>
          Effect.flatMap(
            driver.open(request),
            (session) => ++opened % 3 === 0 ? driver.open(request) : Effect.succeed(session)
          )
      }))
    )
    assert.include([1, 2], found.law)
    expectReadable(found)
  })

  it("a driver that opens every session as the pool's own user (9)", async () => {
    const found = await violation(
      SessionPoolLaws.identities,
      driverThat((driver) => ({
        open: (request) => driver.open({ ...request, user: "app", password: Redacted.make("app-secret") })
      }))
    )
    assert.strictEqual(found.law, 9)
    expectReadable(found)
  })

  it("a pool that hands out a session twice (3)", async () => {
    let last: TestDatabase.TestConnection | undefined
    const found = await violation(
      SessionPoolLaws.order,
      withPool((pool) => ({
        ...pool,
        acquire: (request) =>
          last !== undefined && !last.isReleased ?
            Effect.succeed(last) :
            Effect.tap(pool.acquire(request), (connection) =>
              Effect.sync(() => {
                last = connection
              }))
      }))
    )
    assert.include([2, 3, 8], found.law)
    expectReadable(found)
  })

  it("a pool that ignores tags (8)", async () => {
    const found = await violation(
      SessionPoolLaws.tags,
      withPool((pool) => ({
        ...pool,
        acquire: (request) => pool.acquire({ ...request, tag: undefined })
      }))
    )
    assert.strictEqual(found.law, 8)
    expectReadable(found)
  })

  it("a pool that serves the last who waits first (6)", async () => {
    const found = await violation(SessionPoolLaws.order, withPool(lastComeFirstServed))
    assert.include([2, 5, 6], found.law)
    expectReadable(found)
  })

  it("a pool that lends what has expired (7)", async () => {
    const found = await violation(SessionPoolLaws.time, withPool((pool) => pool, { maxLifetimeSession: 0 }))
    assert.strictEqual(found.law, 7)
    expectReadable(found)
  })

  it("a pool that opens more than max (1)", async () => {
    const found = await violation(SessionPoolLaws.sizes, withPool((pool) => pool, { max: 6 }))
    assert.strictEqual(found.law, 1)
    expectReadable(found)
  })

  it("a pool that lets requests wait while there is room (5)", async () => {
    const found = await violation(SessionPoolLaws.order, withPool((pool) => pool, { min: 0, max: 1 }))
    assert.strictEqual(found.law, 5)
    expectReadable(found)
  })

  it("a lease whose end comes after the session was taken, with a yield between (10)", async () => {
    const found = await violation(
      SessionPoolLaws.interruptions,
      withPool((pool) => ({
        ...pool,
        acquire: (request) =>
          Effect.gen(function*() {
            const connection = yield* Effect.scope.pipe(
              Effect.andThen(Effect.provideService(pool.acquire(request), Scope.Scope, yield* Scope.make()))
            )
            yield* Effect.addFinalizer(() => Effect.ignore(pool.release(connection)))
            return connection
          })
      }))
    )
    assert.strictEqual(found.law, 10)
    assert.match(found.script[1]!, /^interrupt it before task \d+/)
  })

  it("a pool that makes room twice for one request (11)", async () => {
    const found = await violation(
      SessionPoolLaws.replacements,
      withPool((pool) => {
        const makeRoom = Effect.ignore(pool.use({ purity: "new" }, () => Effect.void))
        return { ...pool, acquire: (request) => Effect.andThen(makeRoom, pool.acquire(request)) }
      })
    )
    assert.strictEqual(found.law, 11)
    expectReadable(found)
  })

  it.runIf(SessionPoolLaws.groups.includes(SessionPoolLaws.accounts))(
    "a driver that logs on once more by itself (12)",
    async () => {
      const found = await violation(
        SessionPoolLaws.identities,
        driverThat((driver) => ({ open: (request) => Effect.retry(driver.open(request), { times: 1 }) }))
      )
      assert.strictEqual(found.law, 12)
      expectReadable(found)
    }
  )

  it("a driver whose breaks are still on their way when it says that they have ended (13)", async () => {
    const found = await violation(
      SessionPoolLaws.breaks,
      driverThat((driver) => ({
        interrupt: (session) =>
          Effect.andThen(
            driver.interrupt(session),
            Effect.asVoid(Effect.forkDetach(Effect.delay(Effect.ignore(driver.interrupt(session)), 40)))
          )
      }))
    )
    assert.strictEqual(found.law, 13)
    assert.match(found.problems.join(), /break/)
  })

  it("a driver that leaves a statement running when its lease has ended (13)", async () => {
    const found = await violation(SessionPoolLaws.breaks, driverThat(() => ({ interrupt: () => Effect.void })))
    assert.include([3, 13], found.law)
    expectReadable(found)
  })

  it("a driver that forgets to take back whom the last lease worked for (14)", async () => {
    const found = await violation(SessionPoolLaws.breaks, driverThat(() => ({ reset: () => undefined })))
    assert.strictEqual(found.law, 14)
    expectReadable(found)
  })

  it("a pool that is told of before its sessions are idle (15)", async () => {
    const ours = SessionPoolLaws.testDatabase()
    const found = await violation(SessionPoolLaws.steps, {
      ...ours,
      make: Effect.map(ours.make, (bench) => ({
        ...bench,
        makePool: (settings) =>
          Effect.tap(
            bench.makePool(settings),
            (pool) => Effect.forkDetach(pool.use(() => Effect.yieldNow), { startImmediately: true })
          )
      }))
    })
    assert.strictEqual(found.law, 15)
  })

  it("a pool that measures waits by the wall clock (16)", async () => {
    const found = await violation(
      SessionPoolLaws.clocks,
      withPool((pool) => ({
        ...pool,
        acquire: (request) =>
          Effect.gen(function*() {
            const began = yield* Clock.currentTimeMillis
            const connection = yield* pool.acquire(request)
            if ((yield* Clock.currentTimeMillis) - began > 600_000) yield* Effect.sleep(1)
            return connection
          })
      }))
    )
    // It sleeps with a session that nobody has been given yet, which law 2 sees as well.
    assert.include([2, 16], found.law)
    expectReadable(found)
  })

  it("a pool that leaves a fiber behind (17)", async () => {
    const ours = SessionPoolLaws.testDatabase()
    const found = await violation(SessionPoolLaws.endings, {
      ...ours,
      make: Effect.map(ours.make, (bench) => ({
        ...bench,
        makePool: (settings) => Effect.tap(bench.makePool(settings), () => Effect.forkDetach(Effect.never))
      }))
    })
    assert.strictEqual(found.law, 17)
    expectReadable(found)
  })

  it("a pool that leaves a gauge behind (17)", async () => {
    const ours = SessionPoolLaws.testDatabase()
    const gauge = Metric.gauge(PoolMetrics.max, { attributes: { [PoolMetrics.poolName]: "laws" } })
    const found = await violation(SessionPoolLaws.endings, {
      ...ours,
      make: Effect.map(ours.make, (bench) => ({
        ...bench,
        makePool: (settings) =>
          Effect.tap(bench.makePool(settings), () => Effect.addFinalizer(() => Metric.update(gauge, 1)))
      }))
    })
    assert.strictEqual(found.law, 17)
  })

  it("a pool that lends while it is suspended (18)", async () => {
    const found = await violation(SessionPoolLaws.steering, withPool((pool) => ({ ...pool, suspend: Effect.void })))
    assert.strictEqual(found.law, 18)
    expectReadable(found)
  })

  it("a pool that fails requests for the time in which it is suspended (18)", async () => {
    const found = await violation(
      SessionPoolLaws.steering,
      withPool((pool) => ({
        ...pool,
        acquire: (request) =>
          Effect.timeoutOrElse(pool.acquire(request), {
            duration: 400,
            orElse: () =>
              Effect.fail(
                new PoolError.PoolOverloadedError({
                  pool: "laws",
                  expectedWaitMillis: 1,
                  targetMillis: 1,
                  snapshot: { opened: 0, busy: 0, opening: 0, pending: 0, max: 1, leases: [] }
                })
              )
          })
      }))
    )
    assert.include([5, 18], found.law)
  })

  it("a pool that stays on an instance that is drained (18)", async () => {
    const found = await violation(SessionPoolLaws.steering, withPool((pool) => ({ ...pool, drain: () => Effect.void })))
    assert.strictEqual(found.law, 18)
    assert.match(found.problems.join(), /was on (?:ONE|TWO|an instance) when that was drained/)
  })

  it("a pool that keeps its sessions when it is refreshed (18)", async () => {
    const found = await violation(SessionPoolLaws.steering, withPool((pool) => ({ ...pool, refresh: Effect.void })))
    assert.strictEqual(found.law, 18)
    expectReadable(found)
  })

  it("a pool that lends a session more often than it may (7)", async () => {
    const found = await violation(SessionPoolLaws.steering, withPool((pool) => pool, { maxUsesPerSession: 0 }))
    assert.strictEqual(found.law, 7)
    expectReadable(found)
  })

  it("the same script again from the seed and path that it has printed", async () => {
    const subject = driverThat(() => ({ close: () => Effect.void }))
    const found = await violation(SessionPoolLaws.endings, subject)
    const again = await violation(SessionPoolLaws.endings, subject, { seed: found.seed, path: found.path })
    assert.deepStrictEqual(again.script, found.script)
  })
})

/** A pool in front of ours that lets one request in at a time, the youngest first. */
const lastComeFirstServed = (pool: Pool): Pool => {
  const stack: Array<Deferred.Deferred<void>> = []
  let isServing = false
  const next = Effect.suspend(() => {
    const gate = stack.pop()
    if (gate === undefined) isServing = false
    return gate === undefined ? Effect.void : Effect.asVoid(Deferred.succeed(gate, undefined))
  })
  return {
    ...pool,
    acquire: (request) =>
      Effect.suspend(() => {
        const gate = Deferred.makeUnsafe<void>()
        if (isServing) stack.push(gate)
        else {
          isServing = true
          Deferred.doneUnsafe(gate, Effect.void)
        }
        return Effect.ensuring(Effect.andThen(Deferred.await(gate), pool.acquire(request)), next)
      })
  }
}
