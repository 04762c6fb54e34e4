/**
 * A small HTTP API over Oracle: `npm run exec -- node examples/http-api/main.ts`, then
 *
 *   curl localhost:3000/people
 *   curl localhost:3000/people -H 'content-type: application/json' -d '{"firstName":"Grace","email":"grace@example.com"}'
 *
 * It runs on the database that `ORACLE_CONNECT_STRING`, `ORACLE_USER` and `ORACLE_PASSWORD` name, else on an embedded server.
 * SIGTERM and SIGINT let it answer the requests that it has begun with, and close its sessions.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { PoolShutdown } from "@sessionpool/core"
import { OracleClient } from "@sessionpool/oracle"
import { Config, Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { createServer } from "node:http"
import { Api } from "./Api.ts"
import { database } from "./database.ts"
import { PeopleHandlers } from "./handlers.ts"
import { People } from "./People.ts"

/** The routes, served on whatever HTTP server there is. */
export const app = HttpRouter.serve(
  HttpApiBuilder.layer(Api).pipe(Layer.provide(PeopleHandlers), Layer.provide(People.layer))
)

/** Port 0 is any that is free. */
const server = Layer.unwrap(Effect.map(
  Config.Int("PORT").pipe(Config.withDefault(3000)),
  (port) => NodeHttpServer.layer(createServer, { port })
))

/** Serves until it is interrupted; then requests that have begun are answered before the pool is closed. */
export const main = Effect.gen(function*() {
  const { pool } = yield* OracleClient.OracleClient
  return yield* Layer.launch(Layer.provide(app, server)).pipe(
    PoolShutdown.drainFirst(pool, { drainTimeout: "20 seconds" })
  )
}).pipe(Effect.provide(database))

if (import.meta.main) NodeRuntime.runMain(main)
