/** Requests to the API, answered from `People`. */
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "./Api.ts"
import { People } from "./People.ts"

export const PeopleHandlers = HttpApiBuilder.group(
  Api,
  "people",
  Effect.fnUntraced(function*(handlers) {
    const people = yield* People
    return handlers.handleAll({
      list: () => people.list,
      find: ({ params }) => people.find(params.id),
      add: ({ payload }) => people.add(payload),
      rename: ({ params, payload }) => people.rename(params.id, payload.firstName)
    })
  })
)
