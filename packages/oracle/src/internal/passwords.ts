/** What is given to change a password: it must not be sent, nor shown, when it is no password. */
import * as Redacted from "effect/Redacted"
import type { OracleError } from "../OracleError.ts"
import { wrongArgument } from "./refusal.ts"

export const passwordProblem = (user: unknown, passwords: unknown): OracleError | undefined => {
  const operation = "change password"
  if (typeof user !== "string" || user === "") return wrongArgument(operation, "The user", "a name", user)
  if (typeof passwords !== "object" || passwords === null) {
    return wrongArgument(operation, "The passwords", "an object with `from` and `to`", passwords)
  }
  for (const name of ["from", "to"]) {
    const password: unknown = Reflect.get(passwords, name)
    if (!Redacted.isRedacted(password) || typeof Redacted.value(password) !== "string") {
      return wrongArgument(operation, `The password \`${name}\``, "a Redacted text", password)
    }
  }
  return undefined
}
