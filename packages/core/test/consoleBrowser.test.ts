/**
 * The console's page in a browser: Chromium, where the machine has one (`CHROMIUM`, or in its usual places); skipped by name elsewhere.
 * The page is asked what it shows, with time limits that a busy machine keeps.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { SessionPool } from "@sessionpool/core"
import { PoolConsole } from "@sessionpool/core/console"
import { TestDatabase } from "@sessionpool/testing"
import { Context, Deferred, Effect, Layer, Schedule } from "effect"
import { HttpServer } from "effect/http"
import { existsSync } from "node:fs"
import { createServer } from "node:http"
import { chromium, type Page } from "playwright-core"

const places = [
  process.env["CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe"
]
const executable = places.find((place) => place !== undefined && existsSync(place))

const isRoot = process.getuid?.() === 0
const args = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]

/** A pool without a database, by the clock of the machine: the browser has no other. */
const openPool = (
  settings: { readonly name?: string; readonly min?: number; readonly max: number; readonly increment?: number }
) =>
  Effect.gen(function*() {
    const database = yield* TestDatabase.make()
    return yield* SessionPool.make({ driver: database.driver, user: "scott", ...settings })
  })

type Pool = Effect.Success<ReturnType<typeof openPool>>

/** The page of a pool's console, open in a browser; what it complains of is collected. */
const open = (pool: Pool, isSteered: boolean) =>
  Effect.gen(function*() {
    const served = PoolConsole.serve({
      pools: Effect.succeed([pool]),
      path: "/",
      ...(isSteered ? { guard: () => Effect.succeed(true) } : undefined)
    }).pipe(Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 })))
    const { address } = Context.get(yield* Layer.build(served), HttpServer.HttpServer)
    const browser = yield* Effect.acquireRelease(
      Effect.promise(() =>
        chromium.launch({ executablePath: executable!, args: isRoot ? [...args, "--no-sandbox"] : args })
      ),
      (browser) => Effect.promise(() => browser.close())
    )
    const page = yield* Effect.promise(() => browser.newPage())
    const complaints: Array<string> = []
    page.on("console", (message) => complaints.push(message.text()))
    page.on("pageerror", (error) => complaints.push(error.message))
    const url = `${HttpServer.formatAddress(address)}/`
    yield* Effect.promise(() => page.goto(url))
    return { page, complaints, url }
  })

/** Asks the page until it shows what is expected; what it shows at last is in the failure. */
const shows = (page: Page, selector: string, text: RegExp) =>
  Effect.promise(() => page.innerText(selector)).pipe(
    Effect.repeat({
      until: (shown) => text.test(shown),
      schedule: Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(200)])
    }),
    Effect.map((shown) => assert.match(shown, text, selector))
  )

/** Asks the page for a number. */
const evaluated = (page: Page, expression: string) => Effect.promise(() => page.evaluate<number>(expression))

/** How many rows of the canvas have anything painted on them. */
const paintedRows = (page: Page) =>
  evaluated(
    page,
    `(() => {
    const canvas = document.querySelector("canvas")
    const { data, height, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
    const isPainted = (y) => { for (let x = 0; x < width; x++) if (data[(y * width + x) * 4 + 3] !== 0) return true }
    return Array.from({ length: height }, (_, y) => y).filter(isPainted).length
  })()`
  )

describe.skipIf(executable === undefined)("the console's page in Chromium", () => {
  it.live("shows a pool as it works, without being asked again", () =>
    Effect.gen(function*() {
      const pool = yield* openPool({ name: "payroll", max: 3 })
      const { complaints, page } = yield* open(pool, false)
      yield* shows(page, "nav", /payroll/)
      yield* shows(page, "#numbers", /0 of 3\s+sessions open/)
      const end = yield* Deferred.make<void>()
      yield* Effect.forkScoped(
        pool.use({ tag: "A=1" }, (connection) => Effect.andThen(connection.setTag("A=1"), Deferred.await(end)))
      )
      yield* shows(page, "#numbers", /1 of 3\s+sessions open\s+1\s+busy/)
      yield* shows(page, "#tags", /A=1/)
      yield* Deferred.succeed(end, undefined)
      yield* shows(page, "#numbers", /0\s+busy\s+1\s+idle/)
      assert.deepStrictEqual(complaints, [])
      const painted = yield* Effect.repeat(paintedRows(page), {
        until: (rows) => rows > 0,
        schedule: Schedule.spaced("100 millis")
      })
      assert.isAbove(painted, 0)
    }), 60_000)

  it.live("steers where that is allowed, and has no buttons where it is not", () =>
    Effect.gen(function*() {
      const pool = yield* openPool({ max: 3 })
      const { page } = yield* open(pool, true)
      yield* Effect.promise(() => page.fill("#max", "7"))
      yield* Effect.promise(() => page.click("[data-action=size]"))
      yield* shows(page, "#said", /Changed/)
      yield* shows(page, "#numbers", /of 7\s+sessions open/)
      assert.strictEqual((yield* pool.settings).max, 7)
      yield* Effect.promise(() => page.fill("#min", "9"))
      yield* Effect.promise(() => page.click("[data-action=size]"))
      yield* shows(page, "#said", /min/)
      const { page: looking, url } = yield* open(pool, false)
      yield* shows(looking, "#numbers", /sessions open/)
      assert.strictEqual(yield* Effect.promise(() => looking.locator("[data-action]").count()), 0)
      const status = yield* Effect.promise(() =>
        looking.evaluate(async (address) => {
          const body = JSON.stringify({ pool: 0, action: "drain" })
          return (await fetch(address, { method: "POST", headers: { "x-pool-console": "1" }, body })).status
        }, `${url}steer`)
      )
      assert.strictEqual(status, 403)
    }), 60_000)

  it.live("has a lane for each of a thousand sessions, and stays awake", () =>
    Effect.gen(function*() {
      const pool = yield* openPool({ min: 1000, max: 1000, increment: 100 })
      const { page } = yield* open(pool, false)
      yield* Effect.forkScoped(
        Effect.forEach(
          Array.from({ length: 50 }),
          () => Effect.forever(Effect.andThen(pool.use(() => Effect.sleep("20 millis")), Effect.sleep("20 millis"))),
          { concurrency: "unbounded", discard: true }
        )
      )
      yield* shows(page, "#numbers", /1000 of 1000\s+sessions open/)
      const height = yield* evaluated(page, "document.querySelector('canvas').height").pipe(
        Effect.repeat({ until: (height) => height >= 1000, schedule: Schedule.spaced("200 millis") })
      )
      assert.isAtLeast(height, 1000)
      // It still answers: a click selects, while fifty callers are at work.
      yield* Effect.promise(() => page.click("nav button"))
      yield* shows(page, "#numbers", /1000 of 1000\s+sessions open/)
    }), 60_000)
})
