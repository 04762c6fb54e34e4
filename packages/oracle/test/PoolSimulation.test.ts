/** Simulations agree with the formula where there is one, are the same for the same seed, and show what the formula does not know. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { PoolSimulation } from "../src/simulation.ts"

const { assumed, erlangC, exponential, fixed, fleet, logNormal, recorded, waits } = PoolSimulation

const near = (actual: number, expected: number, share: number, what: string): void =>
  assert.isTrue(
    Math.abs(actual - expected) <= share * expected,
    `${what}: ${actual} is not within ${share * 100} % of ${expected}`
  )

/** Sessions that are there from the start, as the formula takes for granted. */
const standing = (max: number) => ({ min: max, timeout: 0, queueMax: -1 })

describe("erlangC", () => {
  it("gives the values of published tables", () => {
    // One server: the probability of waiting is the utilization, the mean wait rho/(1-rho) services.
    const single = erlangC({ sessions: 1, rate: 50, hold: 10 })
    near(single.probability, 0.5, 1e-12, "probability")
    near(single.mean, 10, 1e-12, "mean")
    // Two servers: rho^2 * 2 / (1 + rho), by hand.
    near(erlangC({ sessions: 2, rate: 100, hold: 10 }).probability, 1 / 3, 1e-12, "two servers")
    // From tables of Erlang C: 10 servers, 8 erlangs; 55 servers, 50 erlangs.
    near(erlangC({ sessions: 10, rate: 400, hold: 20 }).probability, 0.409, 0.002, "10 servers")
    assert.isTrue(Number.isFinite(erlangC({ sessions: 5000, rate: 240_000, hold: 20 }).probability))
  })

  it("has quantiles that fit its probability and its mean", () => {
    const { mean, probability, quantile } = erlangC({ sessions: 8, rate: 320, hold: 20 })
    assert.strictEqual(quantile(1 - probability - 0.001), 0)
    assert.isAbove(quantile(1 - probability + 0.001), 0)
    // The mean is the area above the distribution.
    const steps = 200_000
    const area = Array.from({ length: steps }, (_, index) => quantile((index + 0.5) / steps)).reduce((a, b) => a + b, 0)
    near(area / steps, mean, 0.001, "mean")
  })

  it("says that waits are endless when there is too much work", () => {
    const { mean, probability, quantile, utilization } = erlangC({ sessions: 4, rate: 200, hold: 20 })
    assert.deepStrictEqual([mean, probability, quantile(0.5), utilization], [Infinity, 1, Infinity, 1])
  })
})

describe("waits", () => {
  it.live("agree with M/M/c within 5 % in mean and in probability", () =>
    Effect.gen(function*() {
      // As many requests as it takes for chance alone to move the mean by less than half of that.
      for (const [max, rate, leases] of [[1, 25, 150_000], [4, 120, 300_000], [8, 240, 400_000]] as const) {
        const [point] = yield* waits({
          load: assumed({ rate, hold: exponential("20 millis") }),
          max: [max],
          pool: standing(max),
          leases
        })
        near(point!.waits.waited, point!.erlang.probability, 0.05, `waiting at max ${max}`)
        near(point!.waits.mean, point!.erlang.mean, 0.05, `mean at max ${max}`)
        near(point!.busy / max, point!.erlang.utilization, 0.02, `utilization at max ${max}`)
        assert.strictEqual(point!.failed + point!.unserved, 0)
        assert.strictEqual(point!.leases, leases * 0.9)
      }
    }), 120_000)

  it.live("are half those of M/M/1 when each request takes the same time (M/D/1)", () =>
    Effect.gen(function*() {
      const [point] = yield* waits({
        load: assumed({ rate: 30, hold: fixed("20 millis") }),
        max: [1],
        pool: standing(1),
        leases: 150_000
      })
      near(point!.waits.mean, point!.erlang.mean / 2, 0.05, "mean")
    }), 60_000)

  it.live("are the same for the same seed, and others for another", () =>
    Effect.gen(function*() {
      const run = (seed: number) =>
        waits({
          load: assumed({ rate: 150, hold: logNormal("20 millis", 1.2), arrivals: 1.5 }),
          max: [4, 6],
          leases: 5000,
          seed
        })
      const first = yield* run(1)
      assert.deepStrictEqual(JSON.stringify(yield* run(1)), JSON.stringify(first))
      assert.notStrictEqual(JSON.stringify(yield* run(2)), JSON.stringify(first))
      // A larger pool serves the same requests sooner.
      assert.isBelow(first[1]!.waits.p99, first[0]!.waits.p99)
    }))

  it.live("show what opening costs, what the queue refuses, and what a database refuses", () =>
    Effect.gen(function*() {
      const load = assumed({ rate: 20, hold: exponential("20 millis") })
      const [cold] = yield* waits({ load, max: [8], leases: 2000, pool: { timeout: "10 millis" }, logOn: fixed(300) })
      assert.isAbove(cold!.waits.p99, 5)
      assert.isAbove(cold!.database.logOnsPerSecond, 1)
      const busy = assumed({ rate: 400, hold: exponential("20 millis") })
      const [full] = yield* waits({ load: busy, max: [4], leases: 5000, pool: { queueMax: 10 } })
      assert.isAbove(full!.failed, 1000)
      assert.strictEqual(full!.leases + full!.failed, 4500)
      const [limited] = yield* waits({ load: busy, max: [12], leases: 5000, sessionLimit: 4, pool: { queueMax: 10 } })
      assert.strictEqual(limited!.database.peak, 4)
      assert.isAbove(limited!.database.refused, 0)
      const [timed] = yield* waits({
        load: busy,
        max: [4],
        leases: 5000,
        pool: { getMode: "timedWait", waitTimeout: "50 millis" }
      })
      assert.isAtMost(timed!.waits.longest, 51)
    }))

  it.live("replay a recording as it was, faster, and again from its beginning", () =>
    Effect.gen(function*() {
      // Every 10 ms a request of 15 ms: one session is too few by half, two are enough.
      const leases = Array.from({ length: 500 }, (_, index) => ({ arrival: 1e12 + index * 10, hold: 15 }))
      const [two] = yield* waits({ load: recorded(leases), max: [2], leases: 1500, pool: standing(2) })
      assert.strictEqual(two!.waits.longest, 0)
      near(two!.busy, 1.5, 0.01, "busy")
      const [faster] = yield* waits({ load: recorded(leases, { times: 2 }), max: [5], leases: 1500, pool: standing(5) })
      assert.strictEqual(faster!.waits.longest, 0)
      near(faster!.busy, 3, 0.01, "busy, twice as fast")
      near(faster!.erlang.offered, 3, 0.01, "offered")
    }))

  it.live("tell how far they are", () =>
    Effect.gen(function*() {
      const seen: Array<PoolSimulation.Progress> = []
      yield* waits({
        load: assumed({ rate: 100, hold: fixed("1 milli") }),
        max: [1, 2],
        leases: 2000,
        onProgress: (progress) => Effect.sync(() => void seen.push(progress))
      })
      assert.deepStrictEqual([...new Set(seen.map(({ number, of, what }) => `${number}/${of} ${what}`))], [
        "1/2 max 1",
        "2/2 max 2"
      ])
      assert.strictEqual(seen.at(-1)!.done, 1)
      assert.isTrue(seen.every(({ done }) => done >= 0 && done <= 1))
    }))

  it.live("stop when they are interrupted", () =>
    Effect.gen(function*() {
      const exit = yield* waits({
        load: assumed({ rate: 100, hold: fixed("1 milli") }),
        max: [1],
        leases: 10_000_000,
        onProgress: () => Effect.interrupt
      }).pipe(Effect.exit)
      assert.isTrue(Exit.hasInterrupts(exit))
    }))
})

describe("fleet", () => {
  it.live(
    "counts sessions at the database, by the number of processes, with and without DRCP",
    () =>
      Effect.gen(function*() {
        const points = yield* fleet({
          load: assumed({ rate: 100, hold: exponential("20 millis") }),
          processes: [1, 20],
          max: 4,
          pool: { min: 1 },
          drcp: { minSize: 2, maxSize: 10, inactivityTimeout: "30 seconds" },
          duration: "3 minutes"
        })
        const at = (processes: number, servers: string) =>
          points.find((point) => point.processes === processes && point.servers === servers)!
        // Each process keeps its min, whatever there is to do; with DRCP only connections are kept.
        assert.isAtLeast(at(20, "dedicated").database.mean, 20)
        assert.isAtLeast(at(20, "drcp").broker.mean, 20)
        assert.isAtMost(at(20, "drcp").database.peak, 10)
        assert.isBelow(at(20, "drcp").database.mean, at(20, "dedicated").database.mean / 2)
        assert.isAtMost(at(1, "dedicated").database.peak, 4)
        assert.strictEqual(at(20, "dedicated").broker.peak, 0)
        for (const point of points) {
          // Work for two sessions, wherever it is done.
          near(point.busy, 2, 0.1, `busy with ${point.processes} processes, ${point.servers}`)
          assert.strictEqual(point.failed + point.unserved, 0)
        }
      }),
    60_000
  )

  it.live("lets requests wait for pooled servers where there are too few", () =>
    Effect.gen(function*() {
      const points = yield* fleet({
        load: assumed({ rate: 180, hold: exponential("10 millis") }),
        processes: [10],
        max: 4,
        drcp: { minSize: 2, maxSize: 2 },
        leases: 20_000
      })
      assert.deepStrictEqual(points.map(({ servers }) => servers), ["dedicated", "drcp"])
      assert.isAbove(points[1]!.waits.mean, 10 * points[0]!.waits.mean)
      // M/M/2 decides, as no pool is ever full.
      near(points[1]!.waits.mean, erlangC({ sessions: 2, rate: 180, hold: 10 }).mean, 0.25, "mean behind the broker")
    }), 60_000)

  it.live("gives each process a load of its own", () =>
    Effect.gen(function*() {
      const points = yield* fleet({
        load: assumed({ rate: 50, hold: fixed("20 millis") }),
        processes: [1, 8],
        perProcess: true,
        duration: "1 minute"
      })
      near(points[0]!.busy, 1, 0.1, "one process")
      near(points[1]!.busy, 8, 0.1, "eight processes")
    }))
})

describe("options", () => {
  const load = assumed({ rate: 10, hold: fixed(1) })

  it.live("that cannot be used are named, all at once", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(waits({
        load: assumed({ rate: -1, hold: logNormal("20 millis", 0) }),
        max: [0],
        leases: 5,
        duration: 0,
        warmUp: 1,
        logOn: exponential("infinity" as never),
        logOnsAtOnce: 0,
        seed: Number.NaN
      }))
      assert.strictEqual(error._tag, "SimulationError")
      assert.sameMembers(error._tag === "SimulationError" ? error.problems.map(({ field }) => field) : [], [
        "load.rate",
        "load.hold",
        "leases",
        "duration",
        "warmUp",
        "logOn",
        "logOnsAtOnce",
        "seed",
        "max"
      ])
      assert.include(error.message, "leases must be an integer from 100 to 10000000, not 5")
    }))

  it.live("of other types are refused as well", () =>
    Effect.gen(function*() {
      for (
        const given of [
          undefined,
          {},
          { load, max: 4 },
          { load: recorded([] as never), max: [4] },
          { load: recorded("x" as never), max: [4] },
          { load: recorded([{ arrival: 0, hold: -1 }, { arrival: 1, hold: 1 }]), max: [4] },
          { load: assumed({ rate: 1, hold: fixed("soon" as never) }), max: [4] },
          { load, max: [4], leases: 100, duration: "1 minute" },
          { load, max: [4], onProgress: 5 }
        ]
      ) {
        const error = yield* Effect.flip(waits(given as never))
        assert.strictEqual(error._tag, "SimulationError", JSON.stringify(given))
      }
      const drcp = yield* Effect.flip(fleet({ load, processes: [0], drcp: { maxSize: 0 } }))
      assert.match(
        drcp.message,
        /drcp\.maxSize must be .*; processes must be|processes must be .*drcp\.maxSize must be/
      )
    }))

  it.live("of the pool are refused by the pool", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(waits({ load, max: [4], leases: 100, pool: { increment: 0 } }))
      assert.strictEqual(error._tag, "InvalidOptionsError")
    }))
})

describe("plots", () => {
  it.live("label each line, and tables name each size", () =>
    Effect.gen(function*() {
      const points = yield* waits({
        load: assumed({ rate: 150, hold: exponential("20 millis") }),
        max: [3, 4, 6],
        leases: 3000
      })
      const svg = PoolSimulation.waitsPlot(points, "a < b")
      for (const name of ["p99.9", "p99", "p90", "mean", "p99 by the formula M/M/c"]) {
        assert.include(svg, `>${name}</text>`)
      }
      assert.include(svg, "a &lt; b")
      assert.notInclude(svg, "NaN")
      assert.notInclude(svg, "Infinity")
      const table = PoolSimulation.waitsTable(points).split("\n")
      assert.strictEqual(table.length, 4)
      assert.match(table[1]!, /^ {2}3 .*endless$/)
      assert.strictEqual(
        new Set(table.map((line) => line.length)).size,
        1
      )
    }))

  it.live("of a fleet have at most six lines", () =>
    Effect.gen(function*() {
      const points = yield* fleet({
        load: assumed({ rate: 50, hold: fixed("10 millis") }),
        processes: [1, 10],
        drcp: {},
        leases: 2000
      })
      const svg = PoolSimulation.fleetPlot(points)
      assert.strictEqual(svg.match(/stroke-width="2"/g)?.length, 6)
      assert.notInclude(svg, "NaN")
      assert.match(PoolSimulation.fleetTable(points), /drcp/)
    }))
})
