/** What a fleet's budget promises: never more sessions than it has, fair shares that move in seconds, and a floor without the table. */
import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OracleSessionPool, SessionBudget } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Context, Effect, Exit, Layer, References, Scope } from "effect"
import { MigrationError } from "effect/sql/Migrator"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { isLevelOld, levelOf, type Lifetimes, type Member, report, sweep } from "../src/internal/budget/budgetRules.ts"
import { memoryStore } from "../src/internal/budget/budgetStore.ts"
import { database, embedded, isReal } from "./database.ts"
import { floor, makeFleet, type Process, randomBelow } from "./fleet.ts"
import { openClient } from "./openClient.ts"

const lifetimes: Lifetimes = { expiryMillis: 15_000, forgetMillis: 300_000, levelMillis: 1000 }

describe("the rules of a budget", () => {
  it("find the highest level at which all shares fit, and leave none below its floor", () => {
    const member = fc.record({ floor: fc.integer({ min: 2, max: 5 }), demand: fc.integer({ min: 0, max: 60 }) })
    fc.assert(fc.property(fc.array(member, { maxLength: 40 }), fc.integer({ min: 2, max: 500 }), (members, total) => {
      const sum = (level: number) =>
        members.reduce((all, { floor, demand }) => all + Math.max(floor, Math.min(demand, level)), 0)
      const level = levelOf(total, members)
      if (sum(0) > total) assert.strictEqual(level, 0)
      else {
        assert.isAtMost(sum(level), total)
        assert.isTrue(level === total || sum(level + 1) > total)
      }
    }))
  })

  it("find a level, and let go of who is gone, also after the clock of the table was set back", () => {
    const hour = 3_600_000
    const ahead = 10 * hour
    const before = { total: 20, granted: 18, level: 3, levelledAt: ahead }
    const members = ["gone", "there"].map((id): Member => ({ id, floor: 2, demand: 20, granted: 9, seenAt: ahead }))
    const now = ahead - hour
    assert.isTrue(isLevelOld(before, now, lifetimes))
    const first = sweep(before, members, now, lifetimes)
    assert.deepStrictEqual([first.budget.granted, first.budget.level, first.budget.levelledAt], [18, 10, now])
    assert.deepStrictEqual(first.changed.map(({ seenAt }) => seenAt), [now, now])
    // Only one of them is heard of: the other falls to its floor in due time, not an hour later.
    const later = now + lifetimes.expiryMillis
    const there = { ...first.changed[1]!, seenAt: later }
    const second = sweep(first.budget, [first.changed[0]!, there], later, lifetimes)
    assert.deepStrictEqual([second.budget.granted, second.budget.level], [11, 18])
    assert.isFalse(isLevelOld(second.budget, later, lifetimes))
  })

  it("never grant more than the total, whatever members report, and count what they grant", () => {
    const step = fc.record({
      id: fc.integer({ min: 0, max: 7 }),
      demand: fc.integer({ min: 0, max: 80 }),
      closes: fc.boolean(),
      after: fc.integer({ min: 0, max: 20_000 })
    })
    fc.assert(fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 16, max: 100 }), (steps, total) => {
      let budget = { total, granted: 0, level: total, levelledAt: 0 }
      const members = new Map<string, Member>()
      const open = new Map<string, number>()
      let now = 0
      for (const { after, closes, id: number, demand } of steps) {
        now += after
        const id = String(number)
        const swept = sweep(budget, [...members.values()], now, lifetimes)
        budget = swept.budget
        for (const each of swept.changed) {
          members.set(each.id, each)
          open.set(each.id, Math.min(open.get(each.id) ?? 0, each.granted))
        }
        for (const gone of swept.gone) members.delete(gone)
        const outcome = report(budget, members.get(id), id, { floor, demand, open: open.get(id) ?? 0 }, now)
        budget = outcome.budget
        members.set(id, outcome.member)
        open.set(id, closes ? outcome.target : Math.max(open.get(id) ?? 0, outcome.target))
        const granted = [...members.values()].reduce((sum, member) => sum + member.granted, 0)
        assert.strictEqual(budget.granted, granted)
        assert.isAtMost(granted, total)
        for (const member of members.values()) assert.isAtMost(open.get(member.id) ?? 0, member.granted)
      }
    }))
  })
})

describe("a fleet of 200 processes under the virtual clock", () => {
  const total = 1000

  const running = Effect.fnUntraced(function*() {
    const fleet = makeFleet(memoryStore(total, lifetimes), total)
    const processes: Array<Process> = []
    for (let n = 0; n < 200; n++) processes.push(yield* fleet.start(50))
    yield* TestClock.adjust("30 seconds")
    return { fleet, processes }
  })
  const sessions = (processes: ReadonlyArray<Process>) => processes.map((each) => each.sessions())
  const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((all, each) => all + each, 0)

  it.effect(
    "shares what there is evenly when all want more, and gives it to those that need it when others do not",
    () =>
      Effect.gen(function*() {
        const { fleet, processes } = yield* running()
        for (const each of processes) each.work(40)
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual([...new Set(sessions(processes))], [5])
        for (const each of processes.slice(20)) each.work(0)
        yield* TestClock.adjust("20 seconds")
        // 180 keep one session and their floor; 20 have all that they want.
        assert.isAtLeast(Math.min(...sessions(processes.slice(0, 20))), 31)
        for (const each of processes) each.work(40)
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual([...new Set(sessions(processes))], [5])
        assert.strictEqual(fleet.seen().overdrawn, 0)
      }),
    60_000
  )

  it.effect(
    "never has more than its budget while processes come, go, crash, and change their minds",
    () =>
      Effect.gen(function*() {
        const { fleet, processes } = yield* running()
        const below = randomBelow(7)
        for (let second = 0; second < 60; second++) {
          for (let n = 0; n < 20; n++) processes[below(processes.length)]!.work(below(4) === 0 ? 50 : below(8))
          if (second % 3 === 0) {
            const index = below(processes.length)
            yield* processes[index]!.end(below(2) === 0 ? "crash" : "in order")
            processes[index] = yield* fleet.start(50)
          }
          yield* TestClock.adjust("1 second")
        }
        for (const each of processes) each.work(50)
        yield* TestClock.adjust("40 seconds")
        assert.strictEqual(fleet.seen().overdrawn, 0)
        // Only floors of those that crashed are still held back, 2 each.
        assert.isAtLeast(sum(sessions(processes)), total - 2 * 20 - 200)
      }),
    60_000
  )

  it.effect(
    "gives the share of the dead to the living, and lets a newcomer in within seconds",
    () =>
      Effect.gen(function*() {
        const { fleet, processes } = yield* running()
        for (const each of processes) each.work(50)
        yield* TestClock.adjust("20 seconds")
        yield* Effect.forEach(processes.slice(0, 100), (each) => each.end("crash"), { discard: true })
        const living = processes.slice(100)
        yield* TestClock.adjust("10 seconds")
        assert.isAtMost(Math.max(...sessions(living)), 5)
        yield* TestClock.adjust("15 seconds")
        // 1000, less the floors of 100 dead.
        assert.deepStrictEqual([...new Set(sessions(living))], [8])
        const newcomer = yield* fleet.start(50)
        newcomer.work(50)
        yield* TestClock.adjust("10 seconds")
        assert.isAtLeast(newcomer.sessions(), 7)
        assert.strictEqual(fleet.seen().overdrawn, 0)
      }),
    60_000
  )

  it.effect(
    "keeps its floors while the table is out of reach, and grows again when it is back",
    () =>
      Effect.gen(function*() {
        const { fleet, processes } = yield* running()
        for (const each of processes) each.work(50)
        yield* TestClock.adjust("20 seconds")
        yield* fleet.reach(false)
        yield* TestClock.adjust("14 seconds")
        assert.deepStrictEqual([...new Set(sessions(processes))], [floor])
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual([...new Set(sessions(processes))], [floor])
        yield* fleet.reach(true)
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual([...new Set(sessions(processes))], [5])
        for (let n = 0; n < 6; n++) {
          yield* fleet.reach(n % 2 === 1)
          yield* TestClock.adjust("5 seconds")
        }
        assert.strictEqual(fleet.seen().overdrawn, 0)
      }),
    60_000
  )
})

describe("SessionBudget", () => {
  it.live("says what is wrong with its options", () =>
    Effect.gen(function*() {
      const { pool, sql } = yield* openClient()
      const refusal = (options: object) =>
        Effect.map(
          Effect.flip(
            Effect.provideService(SessionBudget.join(pool, options as never), OracleClient.OracleClient, sql)
          ),
          (error) => {
            assert.instanceOf(error, MigrationError)
            return error.message
          }
        )
      assert.include(yield* refusal({ name: "orders", total: "many" }), "total must be an integer from 2 to 1000000")
      assert.include(yield* refusal({ name: "", total: 5 }), "name must be a non-empty string")
      for (const name of ["x".repeat(256), "half \ud800"]) {
        assert.include(yield* refusal({ name, total: 5 }), "name must be a non-empty string of at most 255 characters")
      }
      assert.include(yield* refusal({ total: 5 }), "must have a name and a total")
      assert.include(yield* refusal({ name: "orders", total: 5, floor: 6 }), "floor must be at most total (5), not 6")
      assert.include(yield* refusal({ name: "orders", total: 50, floor: 6, max: 5 }), "max must be at least floor (6)")
      assert.include(yield* refusal({ name: "orders", total: 50, flor: 2 }), "\"flor\" is not one of its options")
    }))

  it.live.skipIf(isReal)(
    "keeps its floor while the table does not answer, comes back, and ends without it",
    () =>
      Effect.gen(function*() {
        const { connect, server } = yield* embedded()
        const pool = yield* OracleSessionPool.make({ ...connect, max: 12 })
        yield* Layer.build(
          SessionBudget.layerMigrations().pipe(Layer.provide(OracleClient.layer({ ...connect, max: 3 })))
        )
        const context = yield* Layer.build(OracleClient.layer({ ...connect, max: 1 }))
        const scope = yield* Scope.make()
        const budget = yield* SessionBudget.join(pool, {
          name: "one",
          total: 12,
          floor: 3,
          interval: "400 millis",
          expiry: "2 seconds"
        }).pipe(Effect.provide(context), Scope.provide(scope))
        yield* Effect.forEach(
          Array.from({ length: 12 }),
          () => Effect.forkScoped(Effect.forever(pool.use(() => Effect.sleep("5 millis")))),
          { discard: true }
        )
        const until = (isSo: (max: number) => boolean) =>
          Effect.gen(function*() {
            while (!isSo((yield* pool.settings).max)) yield* Effect.sleep("10 millis")
          })
        yield* until((now) => now === 11)
        const silent = yield* server.inject(Fault.hang({ sql: /session_budget/i, times: Infinity }))
        yield* until((now) => now === 2)
        assert.strictEqual(yield* budget.share, 3)
        yield* silent.remove
        yield* until((now) => now === 11)
        yield* server.inject(Fault.hang({ sql: /session_budget/i, times: Infinity }))
        yield* Scope.close(scope, Exit.void)
      }).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  )

  it.live(
    "keeps the pools of four processes within it, moves shares to where the load is, and frees them at the end",
    () =>
      Effect.gen(function*() {
        const { connect } = yield* database
        const prefix = `sp_budget_${process.pid}`
        const client = yield* Effect.map(
          Layer.build(
            SessionBudget.layerMigrations({ prefix }).pipe(
              Layer.provideMerge(OracleClient.layer({ ...connect, max: 3 }))
            )
          ),
          (context) => Context.get(context, OracleClient.OracleClient)
        )
        yield* Effect.addFinalizer(() =>
          Effect.forEach(
            ["totals", "members", "migrations", "migrations_lock"],
            (table) => Effect.ignore(client`drop table ${client(`${prefix}_${table}`)}`),
            { discard: true }
          )
        )
        const total = 16
        const start = Effect.gen(function*() {
          const scope = yield* Scope.fork(yield* Effect.scope)
          return yield* Effect.gen(function*() {
            const pool = yield* OracleSessionPool.make({ ...connect, max: 14 })
            const context = yield* Layer.build(OracleClient.layer({ ...connect, max: 1 }))
            const budget = yield* Effect.provide(
              SessionBudget.join(pool, { name: "test", total, prefix, interval: "400 millis", expiry: "1 minute" }),
              context
            )
            return { pool, budget, end: Scope.close(scope, Exit.void) }
          }).pipe(Scope.provide(scope))
        })
        const all = [yield* start, yield* start, yield* start, yield* start] as const
        const most = { together: 0 }
        const look = Effect.gen(function*() {
          const counts = yield* Effect.forEach(
            all,
            ({ pool }) => Effect.map(pool.statistics, ({ closing, opened, opening }) => opened + opening + closing + 1)
          )
          most.together = Math.max(most.together, counts.reduce((sum, each) => sum + each, 0))
          return counts
        })
        const until = (isSo: (counts: ReadonlyArray<number>) => boolean) =>
          Effect.gen(function*() {
            while (!isSo(yield* look)) yield* Effect.sleep("20 millis")
          })
        const busy = (pool: typeof all[number]["pool"], fibers: number) =>
          Effect.forEach(
            Array.from({ length: fibers }),
            () => Effect.forkScoped(Effect.forever(pool.use(() => Effect.sleep("30 millis")))),
            { discard: true }
          )
        // One process works hard: it gets all that the floors of the others leave.
        yield* busy(all[0].pool, 20)
        yield* until(([first]) => first! >= 9)
        // All do: each comes to a quarter.
        yield* Effect.forEach(all.slice(1), ({ pool }) => busy(pool, 20), { discard: true })
        yield* until((counts) => counts.every((each) => each === 4))
        assert.strictEqual(yield* all[1].budget.share, 4)
        // What one leaves, the others have.
        yield* all[3].end
        yield* until((counts) => counts.slice(0, 3).every((each) => each >= 5))
        assert.isAtMost(most.together, total)
      }),
    60_000
  )
})
