/** The same tests over a repository in memory and over Oracle: only the layer differs. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { HttpClient, HttpServer } from "effect/http"
import { HttpApiTest } from "effect/http-api"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Api } from "./Api.ts"
import { database } from "./database.ts"
import { PeopleHandlers } from "./handlers.ts"
import { app } from "./main.ts"
import { People } from "./People.ts"

const inMemory = People.layerMemory

/** An embedded server of its own, whatever the environment names. */
const onOracle = People.layer.pipe(
  Layer.provide(database),
  Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({})))
)

for (const [name, people] of [["memory", inMemory], ["Oracle", onOracle]] as const) {
  describe(`people in ${name}`, () => {
    it.live("are added, found and renamed", () =>
      Effect.scoped(Effect.gen(function*() {
        const client = yield* HttpApiTest.groups(Api, ["people"])
        const before = yield* client.people.list()
        const grace = yield* client.people.add({ payload: { firstName: "Grace", email: "grace@example.com" } })
        assert.deepStrictEqual(yield* client.people.find({ params: { id: grace.id } }), grace)
        const taken = yield* Effect.flip(
          client.people.add({ payload: { firstName: "G", email: "grace@example.com" } })
        )
        assert.strictEqual(taken._tag, "EmailTaken")
        const renamed = yield* client.people.rename({ params: { id: grace.id }, payload: { firstName: "Hopper" } })
        assert.strictEqual(renamed.firstName, "Hopper")
        assert.lengthOf(yield* client.people.list(), before.length + 1)
        const missing = yield* Effect.flip(client.people.find({ params: { id: 4711 } }))
        assert.strictEqual(missing._tag, "PersonNotFound")
      })).pipe(
        Effect.provide(Layer.mergeAll(PeopleHandlers.pipe(Layer.provide(people)), HttpServer.layerServices))
      ))
  })
}

describe("the program", () => {
  const environment = ConfigProvider.layer(ConfigProvider.fromUnknown({}))

  it.live("answers over HTTP", () =>
    Effect.gen(function*() {
      const client = yield* HttpClient.HttpClient
      const response = yield* client.get("/people")
      assert.strictEqual(response.status, 200)
      assert.deepStrictEqual(yield* response.json, [{ id: 1, firstName: "Ada", email: "ada@example.com" }])
    }).pipe(
      Effect.provide(
        app.pipe(Layer.provideMerge(NodeHttpServer.layerTest), Layer.provide(database), Layer.provide(environment))
      )
    ))
})

describe.skipIf(process.platform === "win32")("the process", () => {
  it.live("answers, and shuts down cleanly on SIGTERM (S11)", () =>
    Effect.scoped(Effect.gen(function*() {
      const path = new URL("./main.ts", import.meta.url)
      const { ORACLE_CONNECT_STRING: _, ...env } = process.env
      const child = yield* Effect.acquireRelease(
        Effect.sync(() => spawn(process.execPath, [fileURLToPath(path)], { env: { ...env, PORT: "0" } })),
        (started) => Effect.sync(() => started.kill("SIGKILL"))
      )
      let printed = ""
      const exit = new Promise<number | null>((resolve) => child.once("exit", resolve))
      const port = yield* Effect.callback<string>((resume) => {
        const note = (chunk: Buffer) => {
          printed += String(chunk)
          const found = /Listening on http:\/\/\S+:(\d+)/.exec(printed)
          if (found !== null) resume(Effect.succeed(found[1]!))
        }
        child.stdout.on("data", note)
        child.stderr.on("data", note)
        child.once("exit", () => resume(Effect.die(new Error(printed))))
      })
      const response = yield* Effect.promise(() => fetch(`http://localhost:${port}/people`))
      assert.strictEqual(response.status, 200)
      yield* Effect.promise(() => response.text())
      child.kill("SIGTERM")
      // As NodeRuntime.runMain says that it was ended by a signal.
      assert.strictEqual(yield* Effect.promise(() => exit), 130)
      assert.notMatch(printed, /WARN|ERROR/)
    })))
})
