/** The pool's page, on a port of this machine, while the demo runs and after it. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { PoolConsole } from "@sessionpool/core/console"
import type { OracleSessionPool } from "@sessionpool/oracle"
import { Context, Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import { createServer } from "node:http"

/** Serves the page until the scope ends; the answer is its address. Whoever sits at this machine may steer. */
export const serveConsole = (pool: OracleSessionPool.Pool, port: number) =>
  Effect.gen(function*() {
    const console = PoolConsole.serve({
      pools: Effect.succeed([pool]),
      path: "/",
      guard: () => Effect.succeed(true)
    }).pipe(Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port })))
    const { address } = Context.get(yield* Layer.build(console), HttpServer.HttpServer)
    return `${HttpServer.formatAddress(address)}/`
  })

/** Ends when somebody presses Ctrl+C. */
export const untilInterrupted = Effect.callback<void>((resume) => {
  const end = () => resume(Effect.void)
  process.once("SIGINT", end)
  return Effect.sync(() => void process.off("SIGINT", end))
})
