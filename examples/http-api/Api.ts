/** What clients can ask for. */
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { EmailTaken, Person, PersonNotFound } from "./Person.ts"

export class PeopleApi extends HttpApiGroup.make("people")
  .add(
    HttpApiEndpoint.get("list", "/", { success: Schema.Array(Person.json) }),
    HttpApiEndpoint.get("find", "/:id", {
      params: { id: Schema.FiniteFromString },
      success: Person.json,
      error: PersonNotFound
    }),
    HttpApiEndpoint.post("add", "/", { payload: Person.jsonCreate, success: Person.json, error: EmailTaken }),
    HttpApiEndpoint.put("rename", "/:id", {
      params: { id: Schema.FiniteFromString },
      payload: Schema.Struct({ firstName: Schema.String }),
      success: Person.json,
      error: PersonNotFound
    })
  )
  .prefix("/people")
{}

export class Api extends HttpApi.make("example").add(PeopleApi) {}
