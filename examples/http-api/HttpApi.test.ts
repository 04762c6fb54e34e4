/** The same tests over a repository in memory and over Oracle: only the layer differs. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import { HttpApiTest } from "effect/http-api"
import { Api } from "./Api.ts"
import { database } from "./database.ts"
import { PeopleHandlers } from "./handlers.ts"
import { serve } from "./main.ts"
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
  it.live("answers over HTTP", () =>
    Effect.scoped(Effect.gen(function*() {
      const { port } = yield* serve(0)
      const response = yield* Effect.promise(() => fetch(`http://localhost:${port}/people`))
      assert.strictEqual(response.status, 200)
      assert.deepStrictEqual(yield* Effect.promise(() => response.json()), [
        { id: 1, firstName: "Ada", email: "ada@example.com" }
      ])
    })).pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({})))))
})
