/** The console's routes: the page, its news, the counts as JSON and as metrics, and the orders of whoever may steer. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { encoder } from "effect/encoding/Sse"
import type { HttpServerRequest } from "effect/http"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { page, policy } from "./page.ts"
import { carryOut, Order } from "./steering.ts"
import { type Frame, type PoolView, sentHealth, sentSession } from "./view.ts"

/** What the routes are made of. */
interface Console {
  readonly path: `/${string}`
  readonly views: ReadonlyArray<PoolView>
  /** Whether the sender of a request may steer; `undefined` lets none. */
  readonly guard: ((request: HttpServerRequest.HttpServerRequest) => Effect.Effect<boolean>) | undefined
}

/** How often there are news, for as long as a page listens. */
const newsEvery = "250 millis"

/** What a pool is at this moment. */
const present = (view: PoolView, withSessions = true) =>
  Effect.all({
    statistics: view.pool.statistics,
    health: Effect.map(view.pool.health, sentHealth),
    sessions: withSessions ? Effect.map(view.pool.sessions, (sessions) => sessions.map(sentSession)) : Effect.undefined,
    figures: Effect.sync(() => view.figures)
  })

/** How many frames there are to one that says which sessions there are. */
const framesToSessions = 4

const frame = (views: ReadonlyArray<PoolView>, index: number): Effect.Effect<Frame> =>
  Effect.gen(function*() {
    const pools = yield* Effect.forEach(views, (view) =>
      Effect.map(present(view, index % framesToSessions === 0), (now) => ({ ...now, strokes: view.takeStrokes() })))
    return { now: yield* Clock.currentTimeMillis, pools }
  })

/** JSON has no infinity: what never happens is null. */
const json = (value: unknown): string => JSON.stringify(value)

const headers = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer"
}

const text = (status: number, said: string) => HttpServerResponse.text(said, { status, headers })

const nonce = Effect.sync(() => crypto.randomUUID().replaceAll("-", ""))

/** Why a request may not steer, or `undefined`. Another site's page can neither read our answers nor set this header. */
const refusal = (console: Console, request: HttpServerRequest.HttpServerRequest) =>
  Effect.gen(function*() {
    if (console.guard === undefined) return "Steering is switched off: give the console a guard to allow it."
    const site = request.headers["sec-fetch-site"]
    if (
      request.headers["x-pool-console"] !== "1" || (site !== undefined && site !== "same-origin" && site !== "none")
    ) {
      return "Only the console's own page may steer."
    }
    return (yield* console.guard(request)) ? undefined : "You may look, but not steer."
  })

const steer = (console: Console) => (request: HttpServerRequest.HttpServerRequest) =>
  Effect.gen(function*() {
    const refused = yield* refusal(console, request)
    if (refused !== undefined) return text(403, refused)
    const body = yield* Effect.option(Effect.flatMap(request.json, Schema.decodeUnknownEffect(Order)))
    if (Option.isNone(body)) return text(400, "The order is not understood.")
    const view = console.views[body.value.pool]
    if (view === undefined) return text(404, "There is no such pool.")
    const { status, text: said } = yield* carryOut(view.pool, body.value)
    yield* Effect.logInfo(`The console: ${body.value.action} for session pool "${view.name}": ${said}`)
    return text(status, said)
  })

/** Adds the routes; their news end with the scope. */
export const addRoutes = (console: Console): Effect.Effect<void, never, HttpRouter.HttpRouter | Scope.Scope> =>
  Effect.gen(function*() {
    const router = yield* HttpRouter.HttpRouter
    const { path, views } = console
    const base = path === "/" ? "" : path
    // All pages share one stream; it stops with the last of them, and one that is too slow misses the oldest news.
    const news = yield* Stream.tick(newsEvery).pipe(
      Stream.zipWithIndex,
      Stream.mapEffect(([, index]) => frame(views, index)),
      Stream.share({ capacity: 8, strategy: "sliding" })
    )
    const events = news.pipe(
      Stream.map((each) => encoder.write({ _tag: "Event", event: "message", id: undefined, data: json(each) })),
      Stream.encodeText
    )
    yield* router.add(
      "GET",
      path,
      Effect.map(nonce, (known) =>
        HttpServerResponse.text(
          page({ path: base, pools: views.map(({ name }) => name), steering: console.guard !== undefined }, known),
          { contentType: "text/html; charset=utf-8", headers: { ...headers, "content-security-policy": policy(known) } }
        ))
    )
    yield* router.add(
      "GET",
      `${base}/events`,
      Effect.sync(() => HttpServerResponse.stream(events, { contentType: "text/event-stream", headers }))
    )
    yield* router.add(
      "GET",
      `${base}/pools.json`,
      Effect.map(
        Effect.forEach(views, (view) => present(view)),
        (pools) => HttpServerResponse.text(json({ pools }), { contentType: "application/json", headers })
      )
    )
    yield* router.add(
      "GET",
      `${base}/metrics`,
      Effect.map(
        PrometheusMetrics.format(),
        (metrics) =>
          HttpServerResponse.text(metrics, { contentType: "text/plain; version=0.0.4; charset=utf-8", headers })
      )
    )
    yield* router.add("POST", `${base}/steer`, steer(console))
  })
