/** The end user on whose behalf an application's session works: read from the piggyback, checked, and kept with the session. */
import { oraError } from "../engine/oraError.ts"
import type { EndUser } from "./serverSession.ts"
import type { TokenChecks } from "./ttcHost.ts"

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const textOf = (value: unknown): string | undefined => typeof value === "string" && value !== "" ? value : undefined

const denied = (reason: string) => {
  const error = oraError(1017, "invalid credential or not authorized; logon denied")
  error.cause = `the end-user security context is refused: ${reason}`
  return error
}

/**
 * Who the payload says the end user is. The database access token, and the end user's own when there is one, must hold; an
 * end user that is only named is taken at the application's word, as that token allows.
 */
export const endUserOf = (payload: unknown, tokens: TokenChecks | undefined): EndUser => {
  if (!isRecord(payload)) throw denied("it is no object")
  if (tokens === undefined) throw denied("there are no tokens on this connection")
  const verified = (token: unknown, what: string) => {
    const text = textOf(token)
    if (text === undefined) throw denied(`it has no ${what}`)
    try {
      return tokens.verify(text)
    } catch (cause) {
      throw denied(`the ${what}: ${cause instanceof Error ? cause.message : String(cause)}`)
    }
  }
  const application = verified(payload["database_access_token"], "database access token")
  const own = payload["end_user_token"] === undefined
    ? undefined
    : verified(payload["end_user_token"], "end user token")
  const roles = payload["data_roles"]
  const attributes = payload["attributes"]
  return {
    application: String(application.sub ?? ""),
    name: own === undefined ? textOf(payload["end_user_name"]) : String(own.sub ?? ""),
    contextId: textOf(payload["end_user_contextid"]),
    roles: Array.isArray(roles) ? roles.map(String) : [],
    attributes: Array.isArray(attributes)
      ? Object.fromEntries(attributes.filter(isRecord).map((one) => [String(one["name"]), one["values"]]))
      : {}
  }
}
