/**
 * Lets one session log on before the others do with the same credentials.
 *
 * A pool opens several sessions at once. With a wrong password each of them would be a failed logon, and some ten of those
 * lock an account. So the first one goes alone; when it is refused, those who waited for it are refused with the same error.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { createHmac, randomBytes } from "node:crypto"
import type { OracleError } from "../OracleError.ts"
import type { OpenRequest } from "./connectSettings.ts"

/** How many credentials are remembered: tokens change every hour, and old ones need not be known for ever. */
const mostRemembered = 1000

export class LogonGate {
  /** Credentials are told apart by digests under a key that only this pool has. */
  readonly #key = randomBytes(32)
  readonly #accepted = new Set<string>()
  readonly #first = new Map<string, Deferred.Deferred<OracleError | undefined>>()

  #digest(request: OpenRequest): string {
    const secret = (value: Redacted.Redacted<string> | undefined) => value === undefined ? "" : Redacted.value(value)
    const parts = [request.user ?? "", request.proxyUser ?? "", secret(request.password), secret(request.token)]
    return createHmac("sha256", this.#key).update(JSON.stringify(parts)).digest("base64")
  }

  /** Runs `logon`, alone as long as nobody has got in with these credentials. */
  through<A>(request: OpenRequest, logon: Effect.Effect<A, OracleError>): Effect.Effect<A, OracleError> {
    const credentials = this.#digest(request)
    const enter: Effect.Effect<A, OracleError> = Effect.suspend(() => {
      if (this.#accepted.has(credentials)) return this.#noted(credentials, logon)
      const first = this.#first.get(credentials)
      if (first === undefined) return this.#alone(credentials, logon)
      return Effect.flatMap(
        Effect.interruptible(Deferred.await(first)),
        (refusal) => refusal === undefined ? enter : Effect.fail(refusal)
      )
    })
    return enter
  }

  #alone<A>(credentials: string, logon: Effect.Effect<A, OracleError>): Effect.Effect<A, OracleError> {
    const done = Deferred.makeUnsafe<OracleError | undefined>()
    this.#first.set(credentials, done)
    return Effect.onExit(this.#noted(credentials, logon), (exit) => {
      this.#first.delete(credentials)
      return Deferred.succeed(done, refusalIn(exit))
    })
  }

  #noted<A>(credentials: string, logon: Effect.Effect<A, OracleError>): Effect.Effect<A, OracleError> {
    return Effect.onExit(logon, (exit) =>
      Effect.sync(() => {
        if (Exit.isSuccess(exit)) {
          if (this.#accepted.size >= mostRemembered) this.#accepted.clear()
          this.#accepted.add(credentials)
        } else if (refusalIn(exit) !== undefined) {
          this.#accepted.delete(credentials)
        }
      }))
  }
}

/** Why the server did not let it in; `undefined` when it did, or when something else went wrong. */
const refusalIn = <A>(exit: Exit.Exit<A, OracleError>): OracleError | undefined => {
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  return error?.reason._tag === "AuthenticationError" ? error : undefined
}
