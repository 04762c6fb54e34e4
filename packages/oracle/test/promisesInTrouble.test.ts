/** Time, endings and trouble: what becomes of sessions at the server when nobody looks, or when things go wrong. */
import { assert, describe, it } from "@effect/vitest"
import { OracleSessionPool } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Effect, Exit, Fiber } from "effect"
import { isReal } from "./database.ts"
import { active, counts, endless, nothingLeft, type Pool, sidOf, until, watched } from "./watchedPool.ts"

const one = "select 1 as one from dual"

/** Opens so many sessions and gives them all back. */
const open = (pool: Pool, count: number) => Effect.scoped(Effect.replicateEffect(pool.acquire(), count))

describe.skipIf(isReal)("time", () => {
  it.live("closes idle sessions at the server, down to min, though nobody asks for anything", () =>
    Effect.gen(function*() {
      const { pool, sids } = yield* watched({ min: 1, max: 4, timeout: "100 millis" })
      yield* open(pool, 4)
      yield* until(Effect.map(sids, ({ length }) => length === 1))
      assert.strictEqual((yield* pool.statistics).opened, 1)
    }))

  it.live("renews sessions that are too old, though nobody asks, and leaves the one in use", () =>
    Effect.gen(function*() {
      const { pool, sids } = yield* watched({ min: 2, max: 2, maxLifetimeSession: "200 millis", waitForMin: true })
      const held = yield* pool.acquire()
      const sid = yield* sidOf(held)
      const other = (yield* sids).find((each) => each !== sid)
      const isRenewed = (old: number | undefined) =>
        Effect.map(sids, (open) => open.length === 2 && !open.some((each) => each === old))
      yield* until(isRenewed(other))
      assert.strictEqual(yield* sidOf(held), sid)
      yield* pool.release(held)
      yield* until(isRenewed(sid))
    }))

  it.live("has a session pinged before it is lent: one that was killed is replaced, and no caller notices", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 2, pingInterval: 0 })
      yield* open(pool, 2)
      assert.strictEqual(yield* server.killWhere(() => true), 2)
      assert.deepStrictEqual(yield* pool.use((held) => held.query(one)), [{ ONE: 1 }])
      assert.strictEqual((yield* server.counters).logons, 3)
    }))

  it.live("finds the dead with keepAlive, and refills min, with no traffic", () =>
    Effect.gen(function*() {
      const { pool, server, sids } = yield* watched({ min: 2, max: 2, keepAlive: "50 millis", waitForMin: true })
      const old = yield* sids
      yield* server.killWhere(() => true)
      yield* until(Effect.map(sids, (open) => open.length === 2 && !open.some((sid) => old.includes(sid))))
      yield* counts(pool, { idle: 2, busy: 0 })
    }))
})

describe.skipIf(isReal)("the end of a lease", () => {
  it.live("undoes what was not committed, however it comes, as another session sees it", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 2 }, { script: "create table t (n number)" })
      const seen = pool.use((other) => other.query("select count(*) as n from t"))
      const insert = (then: Effect.Effect<unknown, string>) =>
        pool.use((held) =>
          Effect.gen(function*() {
            yield* held.execute("insert into t values (1)")
            assert.deepStrictEqual(yield* held.query("select count(*) as n from t"), [{ N: 1 }])
            assert.deepStrictEqual(yield* seen, [{ N: 0 }])
            yield* then
          })
        )
      for (const then of [Effect.void, Effect.fail("no"), Effect.die("defect"), Effect.interrupt]) {
        yield* Effect.exit(insert(then))
        assert.deepStrictEqual(yield* seen, [{ N: 0 }])
      }
      assert.strictEqual((yield* pool.statistics).totals.opened, 2)
    }))

  it.live("puts the call timeout back, and says what Thin mode cannot change", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1, stmtCacheSize: 7 })
      const sid = yield* pool.use((held) => Effect.andThen(held.setCallTimeout("50 millis"), sidOf(held)))
      yield* server.inject(Fault.delay({ on: "execute", sql: "slowly", milliseconds: 200 }))
      const rows = yield* pool.use((held) =>
        Effect.all([held.query("select 'slowly' as s from dual"), sidOf(held), held.statementCacheSize])
      )
      assert.deepStrictEqual(rows, [[{ S: "slowly" }], sid, 7])
    }))

  it.live("leaves the state of the server's session, unless resetSession puts it back", () =>
    Effect.gen(function*() {
      const format = (options: Partial<OracleSessionPool.Options>) =>
        Effect.gen(function*() {
          const { pool } = yield* watched({ max: 1, ...options })
          yield* pool.use((held) => held.execute("alter session set nls_date_format = 'YYYY'"))
          return yield* pool.use((held) =>
            held.query("select value from nls_session_parameters where parameter = 'NLS_DATE_FORMAT'")
          )
        })
      assert.deepStrictEqual(yield* format({}), [{ VALUE: "YYYY" }])
      const undo = "alter session set nls_date_format = 'DD-MON-RR'"
      assert.deepStrictEqual(yield* format({ resetSession: (held) => held.execute(undo) }), [{ VALUE: "DD-MON-RR" }])
    }))

  it.live("has stopped at the server what its caller gave up, and the session is used again", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      const sid = yield* pool.use(sidOf)
      const fiber = yield* Effect.forkChild(pool.use((held) => held.execute(endless)))
      yield* active(server, 1)
      yield* Fiber.interrupt(fiber)
      yield* active(server, 0)
      assert.strictEqual(yield* pool.use(sidOf), sid)
      const broken = (yield* server.requests).find((request) => request.sql === endless)
      assert.strictEqual(broken?.error, 1013)
    }))
})

describe.skipIf(isReal)("trouble", () => {
  it.live("that is announced lets a lease finish, and retires its session afterwards", () =>
    Effect.gen(function*() {
      const { pool, server, sids } = yield* watched({ max: 1 })
      const held = yield* pool.acquire()
      const sid = yield* sidOf(held)
      yield* server.announceShutdown
      assert.deepStrictEqual(yield* held.query(one), [{ ONE: 1 }])
      assert.strictEqual(yield* sidOf(held), sid)
      yield* pool.release(held)
      yield* until(Effect.map(sids, (open) => !open.includes(sid)))
      assert.notStrictEqual(yield* pool.use(sidOf), sid)
    }))

  it.live("of all sessions costs one failure: the siblings of a lost one are checked before they are lent", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 4 })
      yield* open(pool, 4)
      assert.strictEqual(yield* server.killWhere(() => true), 4)
      const error = yield* Effect.flip(pool.use((held) => held.query(one)))
      assert.isTrue(error._tag === "OracleError" && error.isSessionFatal)
      const rows = yield* Effect.all(
        Array.from({ length: 8 }, () => pool.use((held) => held.query(one))),
        { concurrency: "unbounded" }
      )
      assert.lengthOf(rows, 8)
    }))

  it.live("of a whole database is over by itself when it is back: min is refilled with no traffic", () =>
    Effect.gen(function*() {
      const { pool, server, sids } = yield* watched({ min: 2, max: 4, keepAlive: "50 millis", waitForMin: true })
      yield* server.shutdown({ mode: "listener" })
      yield* server.dropConnections({ reset: true })
      yield* counts(pool, { opened: 0 })
      yield* server.startup()
      yield* until(Effect.map(sids, ({ length }) => length === 2))
      yield* counts(pool, { idle: 2 })
    }))

  it.live("of a whole database gives typed failures meanwhile, asks it seldom, and serves who waits afterwards", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 4, getMode: "timedWait", waitTimeout: "10 seconds" })
      yield* open(pool, 2)
      yield* server.shutdown()
      const before = (yield* server.counters).connections
      const query = pool.use((held) => held.query(one))
      const tags = new Set<string>()
      yield* Effect.forEach(
        Array.from({ length: 30 }),
        () => Effect.map(Effect.flip(query), (error) => tags.add(error._tag)),
        { concurrency: "unbounded" }
      )
      assert.includeMembers(["OpenSessionError", "OracleError", "AcquireTimeoutError"], [...tags])
      assert.isAtMost((yield* server.counters).connections - before, 10)
      yield* server.startup()
      const rows = yield* Effect.retry(query, { times: 3 })
      assert.deepStrictEqual(rows, [{ ONE: 1 }])
      yield* counts(pool, { busy: 0, pending: 0 })
    }))
})

describe.skipIf(isReal)("closing", () => {
  it.live("plainly is refused while a statement runs, and leaves nothing once it is done", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 3 })
      yield* open(pool, 3)
      const fiber = yield* Effect.forkChild(pool.use((held) => held.execute(endless)))
      yield* active(server, 1)
      const busy = yield* Effect.flip(pool.close())
      assert.isTrue(busy._tag === "PoolBusyError" && busy.busy === 1)
      assert.deepStrictEqual(yield* pool.use((held) => held.query(one)), [{ ONE: 1 }])
      yield* Fiber.interrupt(fiber)
      yield* pool.close()
      assert.strictEqual((yield* Effect.flip(pool.use((held) => held.ping)))._tag, "PoolClosedError")
      yield* nothingLeft(server)
    }))

  it.live("with a drain lets what runs finish", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 2 }, { script: "create table t (n number)" })
      const begin = `begin dbms_session.sleep(0.3); insert into t values (1); commit; end;`
      const fiber = yield* Effect.forkChild(pool.use((held) => held.execute(begin)))
      yield* active(server, 1)
      yield* pool.close({ drainTimeout: "10 seconds" })
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(fiber)))
      yield* nothingLeft(server)
    }))

  it.live("by force stops what runs at the server, and every caller is told", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 3 })
      const fibers = yield* Effect.replicateEffect(
        Effect.forkChild(Effect.flip(pool.use((held) => held.execute(endless)))),
        3
      )
      const waiting = yield* Effect.forkChild(Effect.flip(pool.use((held) => held.ping)))
      yield* active(server, 3)
      yield* counts(pool, { pending: 1 })
      yield* pool.close({ force: true })
      const errors = yield* Fiber.joinAll([...fibers, waiting])
      for (const error of errors) {
        assert.include(["OracleError", "ConnectionReleasedError", "PoolClosedError"], error._tag)
      }
      yield* nothingLeft(server)
    }))

  it.live("with the scope leaves no session, no socket and no timer, whatever was going on", () =>
    Effect.gen(function*() {
      const { connect, server } = yield* watched()
      const sockets = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length
      const before = sockets()
      const began = (yield* server.counters).logons
      yield* Effect.scoped(Effect.gen(function*() {
        const pool: Pool = yield* OracleSessionPool.make({
          ...connect,
          min: 3,
          max: 6,
          drainTimeout: "50 millis",
          keepAlive: "20 millis",
          timeout: "1 second",
          maxLifetimeSession: "1 second"
        })
        yield* Effect.forkDetach(Effect.exit(pool.use((held) => held.execute(endless))))
        yield* active(server, 1)
        yield* pool.acquire()
        yield* until(Effect.map(pool.statistics, ({ opened }) => opened >= 3))
        yield* server.inject(Fault.hang({ on: "authPhaseOne" }))
        yield* Effect.forkDetach(Effect.exit(pool.use({ purity: "new" }, (held) => held.execute(endless))))
        yield* until(Effect.map(pool.statistics, ({ busy }) => busy >= 2))
      }))
      yield* nothingLeft(server)
      yield* until(Effect.sync(() => sockets() <= before))
      assert.isAtLeast((yield* server.counters).logons - began, 3)
      assert.notInclude((yield* server.sessions).map(({ status }) => status), "ACTIVE")
    }))
})
