/** The console's routes: what they show of a pool, what they never show, and who may steer. */
import { assert, describe, it } from "@effect/vitest"
import { type SessionPool } from "@sessionpool/core"
import { PoolConsole } from "@sessionpool/core/console"
import { TestDatabase } from "@sessionpool/testing"
import { Effect, Fiber, Redacted } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { beside, openPool, settled, warm } from "./openPool.ts"

type Pool = SessionPool.SessionPool<TestDatabase.TestConnection, unknown>

/** A console of one pool, asked as a browser asks. */
const consoleOf = (pool: Pool, guard?: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<boolean>) =>
  Effect.gen(function*() {
    const app = yield* HttpRouter.toHttpEffect(PoolConsole.layer({ pools: Effect.succeed([pool]), guard }))
    yield* settled
    const ask = (path: string, init?: RequestInit) =>
      Effect.gen(function*() {
        const request = HttpServerRequest.fromWeb(new Request(`http://localhost${path}`, init))
        const answer = yield* Effect.provideService(app, HttpServerRequest.HttpServerRequest, request)
        const response = HttpServerResponse.toWeb(answer)
        return {
          status: response.status,
          headers: response.headers,
          text: yield* Effect.promise(() => response.text())
        }
      })
    const steer = (body: unknown, headers: Record<string, string> = { "x-pool-console": "1" }) =>
      ask("/pools/steer", { method: "POST", headers, body: JSON.stringify(body) })
    return { get: ask, steer }
  })

describe("the console", () => {
  it.effect("shows the counts of a pool, its waits, and how often its sessions had the state that was asked for", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, name: "payroll" })
      const { get } = yield* consoleOf(pool)
      for (const tag of ["A=1", "A=1", "B=2"]) {
        yield* pool.use({ tag }, (connection) => connection.setTag(tag))
      }
      yield* settled
      const { text } = yield* get("/pools/pools.json")
      const { pools } = JSON.parse(text)
      assert.strictEqual(pools[0].statistics.name, "payroll")
      assert.strictEqual(pools[0].statistics.opened, 1)
      assert.deepStrictEqual(pools[0].figures.tags, [{ tag: "A=1", lent: 2, hits: 1 }, {
        tag: "B=2",
        lent: 1,
        hits: 0
      }])
      assert.strictEqual(pools[0].figures.waits.p50, 0)
    }))

  it.effect("is one document that a browser lets speak with its own server alone", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ name: "</script><b>bold" })
      const { get } = yield* consoleOf(pool)
      const { headers, text } = yield* get("/pools")
      const nonce = /script-src 'nonce-(\w+)'/.exec(headers.get("content-security-policy") ?? "")?.[1]
      assert.isString(nonce)
      assert.lengthOf(Array.from(text.matchAll(/<script[^>]*>/g)), 2)
      for (const [tag] of text.matchAll(/<(?:script|style)[^>]*>/g)) assert.include(tag, `nonce="${nonce}"`)
      assert.notInclude(text, "<b>bold")
      assert.notMatch(text, /(?:src|href)="(?!data:,)/)
    }))

  it.effect("never shows a password, or what a failure says", () =>
    Effect.gen(function*() {
      const failure = new TestDatabase.TestDatabaseError({ kind: "connection", message: "no log-on for scott/tiger" })
      const { pool } = yield* openPool({
        password: Redacted.make("tiger"),
        wrap: (driver) => ({ ...driver, open: () => Effect.fail(failure) })
      })
      const { get } = yield* consoleOf(pool)
      yield* beside(Effect.exit(pool.use(() => Effect.void)))
      for (const path of ["/pools", "/pools/pools.json", "/pools/metrics"]) {
        assert.notInclude((yield* get(path)).text, "tiger", path)
      }
      assert.include((yield* get("/pools/pools.json")).text, "could not be opened")
    }))

  it.effect("has the metrics of the program in the text of Prometheus", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ name: "payroll" })
      yield* pool.use(() => Effect.void)
      const { get } = yield* consoleOf(pool)
      assert.match((yield* get("/pools/metrics")).text, /db_client_connection_count\{[^}]*payroll/)
    }))

  it.effect("lets nobody steer unless the program has said who may", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2 })
      const { get, steer } = yield* consoleOf(pool)
      const refused = yield* steer({ pool: 0, action: "size", max: 9 })
      assert.strictEqual(refused.status, 403)
      assert.include(refused.text, "switched off")
      assert.strictEqual((yield* pool.settings).max, 2)
      assert.notInclude((yield* get("/pools")).text, "data-action=\"drain\">")
    }))

  it.effect("lets those steer whom the guard lets in, from its own page alone", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2 })
      const { steer } = yield* consoleOf(pool, (request) => Effect.succeed(request.headers["x-role"] === "operator"))
      const own = { "x-pool-console": "1", "x-role": "operator" }
      const order = { pool: 0, action: "size", max: 9 }
      assert.strictEqual((yield* steer(order)).status, 403)
      assert.strictEqual((yield* steer(order, { "x-role": "operator" })).status, 403)
      assert.strictEqual((yield* steer(order, { ...own, "sec-fetch-site": "cross-site" })).status, 403)
      assert.strictEqual((yield* steer({ pool: 0, action: "explode" }, own)).status, 400)
      assert.strictEqual((yield* steer({ pool: 7, action: "drain" }, own)).status, 404)
      assert.strictEqual((yield* steer({ pool: 0, action: "size" }, own)).status, 400)
      assert.strictEqual((yield* pool.settings).max, 2)
      assert.strictEqual((yield* steer(order, own)).status, 200)
      assert.strictEqual((yield* pool.settings).max, 9)
      const wrong = yield* steer({ pool: 0, action: "size", min: 20 }, own)
      assert.strictEqual(wrong.status, 409)
      assert.include(wrong.text, "min")
    }))

  it.effect("drains a pool without holding the answer up", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, drainTimeout: "1 minute" })
      const { steer } = yield* consoleOf(pool, () => Effect.succeed(true))
      const held = yield* beside(pool.use(() => Effect.sleep("10 seconds")))
      assert.strictEqual((yield* steer({ pool: 0, action: "drain" })).status, 200)
      yield* settled
      const later = yield* Effect.flip(pool.use(() => Effect.void))
      assert.strictEqual(later._tag, "PoolClosedError")
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(held)
      assert.strictEqual((yield* pool.statistics).opened, 0)
    }))

  it.effect("shows the instances of the database, and drains one", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 4, database: { instances: ["ONE", "TWO"] } })
      const { get, steer } = yield* consoleOf(pool, () => Effect.succeed(true))
      yield* warm(pool, "", "", "")
      const shown = Effect.map(get("/pools/pools.json"), ({ text }) =>
        (JSON.parse(text).pools[0].statistics.instances as ReadonlyArray<Record<string, unknown>>).map(
          ({ instance, isDrained, opened }) => [instance, opened, isDrained]
        ))
      assert.deepStrictEqual(yield* shown, [["ONE", 2, false], ["TWO", 1, false]])
      assert.strictEqual((yield* steer({ pool: 0, action: "drainInstance" })).status, 409)
      assert.strictEqual((yield* steer({ pool: 0, action: "drainInstance", instance: "ONE" })).status, 200)
      yield* settled
      assert.deepStrictEqual(yield* shown, [["ONE", 0, true], ["TWO", 1, false]])
      assert.strictEqual((yield* steer({ pool: 0, action: "undrainInstance", instance: "ONE" })).status, 200)
      assert.deepStrictEqual(yield* shown, [["ONE", 0, false], ["TWO", 1, false]])
    }))

  it.effect("refreshes, suspends and resumes, and says how the pool is", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const { get, steer } = yield* consoleOf(pool, () => Effect.succeed(true))
      const first = yield* pool.use(({ id }) => Effect.succeed(id))
      assert.strictEqual((yield* steer({ pool: 0, action: "refresh" })).status, 200)
      yield* settled
      const second = yield* pool.use(({ id }) => Effect.succeed(id))
      assert.notStrictEqual(second, first)
      assert.strictEqual((yield* steer({ pool: 0, action: "suspend" })).status, 200)
      const waiting = yield* beside(pool.use(() => Effect.void))
      const { health, statistics } = JSON.parse((yield* get("/pools/pools.json")).text).pools[0]
      assert.strictEqual(statistics.pending, 1)
      assert.isFalse(health.ready)
      assert.strictEqual((yield* steer({ pool: 0, action: "resume" })).status, 200)
      yield* Fiber.join(waiting)
    }))

  it.effect("names the leases that are held, and who holds them", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2 })
      const { get } = yield* consoleOf(pool)
      yield* beside(Effect.withSpan(pool.use(() => Effect.never), "GET /payslips"))
      yield* TestClock.adjust("5 seconds")
      const [held] = JSON.parse((yield* get("/pools/pools.json")).text).pools[0].sessions
      assert.strictEqual(held.place, "busy")
      assert.strictEqual(held.placeMillis, 5000)
      assert.include(held.holder, "GET /payslips")
    }))
})
