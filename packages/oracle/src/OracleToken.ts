/**
 * Log-on by tokens (OAuth 2.0, IAM) that are renewed in time.
 *
 * A pool asks its `credentials` for each session that it opens, and a session outlives the token that it was opened with. What is
 * here keeps a token between two openings and fetches another one shortly before it expires. It fetches nothing by itself: where
 * tokens come from is the caller's effect.
 *
 * @since 0.1.0
 */
import { Clock, Duration, Effect, Redacted, Semaphore } from "effect"
import type { OracleCredentials } from "./internal/connectSettings.ts"

/**
 * A token as its provider gave it.
 *
 * **When to use**
 *
 * Use as the success of the effect that fetches tokens.
 *
 * **Details**
 *
 * An IAM token comes with the private key that it names, in PEM or without the lines around it. `expires` is needed for tokens
 * that do not say it themselves; a JWT does, in its claim `exp`.
 *
 * **Example** (A token of OAuth 2.0)
 *
 * ```ts
 * import type { OracleToken } from "@sessionpool/oracle"
 * import { Redacted } from "effect"
 *
 * export const fetched: OracleToken.Token = { token: Redacted.make("eyJhbGciOi...") }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Token {
  readonly token: Redacted.Redacted<string>
  readonly privateKey?: Redacted.Redacted<string> | undefined
  readonly expires?: Date | undefined
}

/**
 * How tokens are fetched and renewed.
 *
 * **When to use**
 *
 * Use with {@link credentials}.
 *
 * **Example** (Tokens of a provider, renewed two minutes ahead)
 *
 * ```ts
 * import type { OracleToken } from "@sessionpool/oracle"
 * import { Effect, Redacted } from "effect"
 *
 * export const options: OracleToken.Options<never, never> = {
 *   fetch: Effect.succeed({ token: Redacted.make("eyJhbGciOi...") }),
 *   before: "2 minutes"
 * }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<E, R> {
  /** Asks the provider for a token. */
  readonly fetch: Effect.Effect<Token, E, R>
  /** How long before its expiry a token is replaced; default 1 minute. */
  readonly before?: Duration.Input | undefined
}

const expiryOf = ({ expires, token }: Token): number | undefined => {
  if (expires !== undefined) return expires.getTime()
  try {
    const claims: unknown = JSON.parse(
      Buffer.from(Redacted.value(token).split(".")[1] ?? "", "base64url").toString("utf8")
    )
    const exp = typeof claims === "object" && claims !== null && "exp" in claims ? claims.exp : undefined
    return typeof exp === "number" ? exp * 1000 : undefined
  } catch {
    // An opaque token says nothing of itself.
    return undefined
  }
}

/**
 * Makes the `credentials` of a pool from an effect that fetches tokens.
 *
 * **When to use**
 *
 * Use where the database takes tokens in place of passwords, so that the provider is asked once in a token's life and not for each
 * session.
 *
 * **Details**
 *
 * The token is kept until `before` its expiry; the next session to open then waits for another one. Openings that need a
 * token at the same time share one fetch. A fetch that fails is not remembered: the next opening tries again, after the pool's own pauses.
 * Sessions that are open stay open. A token without a known expiry is fetched for each session.
 *
 * **Gotchas**
 *
 * Expiry goes by the system clock, as in the database: a clock that is late by more than `before` presents expired tokens.
 *
 * **Example** (A pool that logs on with tokens)
 *
 * ```ts
 * import { OracleSessionPool, OracleToken } from "@sessionpool/oracle"
 * import { Effect, Layer, Redacted } from "effect"
 *
 * const fetchToken = Effect.tryPromise(async () => {
 *   const response = await fetch("https://login.example.com/token")
 *   return { token: Redacted.make(await response.text()) }
 * })
 *
 * export const PoolLive = Layer.unwrap(Effect.map(
 *   OracleToken.credentials({ fetch: fetchToken }),
 *   (credentials) =>
 *     OracleSessionPool.layer({
 *       connectString: "tcps://db.example.com:2484/sales",
 *       credentials
 *     })
 * ))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const credentials = <E, R>(
  options: Options<E, R>
): Effect.Effect<Effect.Effect<OracleCredentials, E>, never, R> => {
  const before = Duration.toMillis(options.before ?? "1 minute")
  // Not `Cache`: a caller who is interrupted during its fetch must not decide for those who wait.
  return Effect.map(Effect.all([Semaphore.make(1), Effect.context<R>()]), ([oneFetch, context]) => {
    let kept: { readonly credentials: OracleCredentials; readonly until: number } | undefined
    const ask = Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      if (kept !== undefined && now < kept.until) return kept.credentials
      const token = yield* options.fetch
      const { privateKey } = token
      kept = {
        credentials: { token: token.token, ...(privateKey !== undefined && { privateKey }) },
        until: (expiryOf(token) ?? 0) - before
      }
      return kept.credentials
    })
    return Effect.provideContext(Semaphore.withPermit(oneFetch, ask), context)
  })
}
