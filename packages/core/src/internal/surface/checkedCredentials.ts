/** What a `credentials` effect comes to: checked, and without what may be secret in how it fails. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { Credentials } from "../../SessionDriver.ts"
import { expectedUser, parseUserName } from "../data/optionField.ts"

const isSecret = (value: unknown): boolean => Redacted.isRedacted(value) && typeof Redacted.value(value) === "string"

const problemsOf = (credentials: Credentials): ReadonlyArray<string> => {
  if (typeof credentials !== "object" || credentials === null) return ["it must provide an object"]
  const { password, token, user } = credentials
  return [
    ...(user === undefined || (user as unknown) === "" || parseUserName(user) !== undefined
      ? []
      : [`user must be ${expectedUser}`]),
    ...(password === undefined || isSecret(password) ? [] : ["password must be a Redacted string"]),
    ...(token === undefined || isSecret(token) ? [] : ["token must be a Redacted string"])
  ]
}

const nameOf = (value: object): string => {
  if (Predicate.hasProperty(value, "_tag") && typeof value._tag === "string") return value._tag
  return Array.isArray(value) ? "an array" : "an object"
}

/** An object that is no error may be the credentials themselves: messages and logs must not show what is in it. */
const withoutContents = (failure: unknown): unknown =>
  typeof failure === "object" && failure !== null && !(failure instanceof Error)
    ? new Error(
      `the credentials effect failed with ${nameOf(failure)}, which is not an Error: its contents are not shown`
    )
    : failure

const unusable = (problems: ReadonlyArray<string>): Error =>
  new Error(`the credentials effect returned unusable credentials: ${problems.join("; ")}`)

export const checkedCredentials = (effect: Effect.Effect<Credentials, unknown>): Effect.Effect<Credentials, unknown> =>
  effect.pipe(
    Effect.flatMap((credentials): Effect.Effect<Credentials, unknown> => {
      const problems = problemsOf(credentials)
      return problems.length === 0 ? Effect.succeed(credentials) : Effect.fail(unusable(problems))
    }),
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.failCause(cause)
        : Effect.fail(withoutContents(Cause.squash(cause)))
    )
  )
