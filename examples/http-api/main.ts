/**
 * A small HTTP API over Oracle: `npm run exec -- node examples/http-api/main.ts`, then
 *
 *   curl localhost:3000/people
 *   curl localhost:3000/people -H 'content-type: application/json' -d '{"firstName":"Grace","email":"grace@example.com"}'
 *
 * It runs on the database that `ORACLE_CONNECT_STRING`, `ORACLE_USER` and `ORACLE_PASSWORD` name, else on an embedded server.
 */
import { Config, Context, Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { Api } from "./Api.ts"
import { database } from "./database.ts"
import { PeopleHandlers } from "./handlers.ts"
import { People } from "./People.ts"

const app = HttpApiBuilder.layer(Api).pipe(
  Layer.provide(PeopleHandlers),
  Layer.provide(People.layer),
  Layer.provide(database),
  Layer.provide(HttpServer.layerServices)
)

/** Answers a request of Node with a handler of the web's requests. */
const answer = async (
  handler: (request: Request) => Promise<Response>,
  message: IncomingMessage,
  reply: ServerResponse
): Promise<void> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  const headers = Object.entries(message.headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]]
  )
  const response = await handler(
    new Request(`http://localhost${message.url ?? "/"}`, {
      method: message.method ?? "GET",
      headers,
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) })
    })
  )
  reply.writeHead(response.status, Object.fromEntries(response.headers))
  reply.end(Buffer.from(await response.arrayBuffer()))
}

/** Serves the API until the scope ends; port 0 is any that is free. */
export const serve = Effect.fnUntraced(function*(port: number) {
  const { handler } = yield* Effect.acquireRelease(
    Effect.sync(() => HttpRouter.toWebHandler(app)),
    ({ dispose }) => Effect.promise(dispose)
  )
  return yield* Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly close: Effect.Effect<void> }>((resume) => {
      const server = createServer((message, reply) => {
        answer((request) => handler(request, Context.empty()), message, reply).catch((failure: unknown) => {
          console.error(failure)
          if (!reply.headersSent) reply.writeHead(500)
          reply.end()
        })
      })
      server.listen(port, () => {
        const address = server.address()
        resume(Effect.succeed({
          port: typeof address === "object" && address !== null ? address.port : port,
          close: Effect.callback<void>((closed) => {
            server.close(() => closed(Effect.void))
            server.closeAllConnections()
          })
        }))
      })
    }),
    ({ close }) => close
  )
})

if (import.meta.main) {
  await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const { port } = yield* serve(yield* Config.Port("PORT").pipe(Config.withDefault(3000)))
    yield* Effect.log(`http://localhost:${port}/people`)
    return yield* Effect.never
  })))
}
