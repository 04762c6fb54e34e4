/**
 * A page that shows pools while they work, for a program's own HTTP router: sessions as lanes that move, waits, states, failures, the
 * longest leases. Import it from `@sessionpool/core/console`; nothing else of the package loads it.
 *
 * @since 0.2.0
 */
import * as Effect from "effect/Effect"
import type { HttpServer } from "effect/http"
import { HttpRouter, type HttpServerRequest } from "effect/http"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { addRoutes } from "./internal/console/routes.ts"
import { type AnyPool, PoolView } from "./internal/console/view.ts"

export type {
  /**
   * A pool that a console can show: of any connection, with any failures.
   *
   * @category models
   * @since 0.2.0
   */
  AnyPool
} from "./internal/console/view.ts"

/**
 * What a console shows, where, and who may steer.
 *
 * **Details**
 *
 * - `pools`: an effect that gives the pools, such as `Effect.all([OracleSessionPool, HrPool])`.
 * - `path`: where the page is. Default: `"/pools"`. Beside it are `…/pools.json` with the counts, `…/metrics` for Prometheus with all of
 *   the program's metrics, and `…/events`, the news that the page lives on.
 * - `guard`: who may refresh, suspend, resume, drain an instance or the pool, and change sizes, by the request that asks for it. Without one, no one may.
 *
 * **Gotchas**
 *
 * Whoever reaches the page sees the names of users, tags, and the places of the code that hold sessions; no password and no value of a
 * bind is ever on it. Put the route behind the middleware that guards the rest of your operations, or serve it on loopback.
 *
 * @category options
 * @since 0.2.0
 */
export interface Options<E = never, R = never> {
  readonly pools: Effect.Effect<ReadonlyArray<AnyPool>, E, R>
  readonly path?: `/${string}` | undefined
  readonly guard?: ((request: HttpServerRequest.HttpServerRequest) => Effect.Effect<boolean>) | undefined
}

/**
 * Adds the console to the router of a program.
 *
 * **When to use**
 *
 * Use beside the routes of a service.
 *
 * **Details**
 *
 * It listens to the pools' events for as long as the layer lives, which costs a lease some hundred nanoseconds. News are sent four times a
 * second, and only while a page is open.
 *
 * **Example** (A console that operators may steer)
 *
 * ```ts
 * import { PoolConsole } from "@sessionpool/core/console"
 * import { TestDatabase } from "@sessionpool/testing"
 * import { Effect, Layer } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 *
 * const routes = Layer.mergeAll(
 *   HttpRouter.add("GET", "/", HttpServerResponse.text("the service")),
 *   PoolConsole.layer({
 *     pools: Effect.all([TestDatabase.Pool]),
 *     guard: (request) => Effect.succeed(request.headers["x-role"] === "operator")
 *   })
 * )
 * ```
 *
 * @see {@link serve} for a server of its own
 * @category layers
 * @since 0.2.0
 */
export const layer = <E = never, R = never>(options: Options<E, R>): Layer.Layer<never, E, R | HttpRouter.HttpRouter> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const pools = yield* options.pools
    const views = yield* Effect.forEach(
      pools,
      (pool) => Effect.map(pool.statistics, ({ name }) => new PoolView(pool, name))
    )
    for (const view of views) {
      yield* Effect.forkScoped(Stream.runForEach(view.pool.events, (event) => Effect.sync(() => view.add(event))))
    }
    yield* addRoutes({ path: options.path ?? "/pools", views, guard: options.guard })
  }))

/**
 * Serves the console alone, on the server that is provided.
 *
 * **When to use**
 *
 * Use for a program without HTTP routes, with a server on loopback: `NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 4000 })`.
 *
 * **Example** (A console on a port of its own)
 *
 * ```ts
 * import { PoolConsole } from "@sessionpool/core/console"
 * import { TestDatabase } from "@sessionpool/testing"
 * import { Effect } from "effect"
 *
 * export const ConsoleLive = PoolConsole.serve({ pools: Effect.all([TestDatabase.Pool]), path: "/" })
 * ```
 *
 * @see {@link layer} for a console beside other routes
 * @category layers
 * @since 0.2.0
 */
export const serve = <E = never, R = never>(
  options: Options<E, R>
): Layer.Layer<never, E, Exclude<R, HttpRouter.HttpRouter> | HttpServer.HttpServer> =>
  HttpRouter.serve(layer(options), { disableLogger: true, disableListenLog: true })
