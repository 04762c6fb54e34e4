/**
 * Tokens in place of passwords: signed JWTs of OAuth 2.0, and of IAM, whose client also proves that it has the key that the
 * token names. What is wrong with a token is told to the server's owner; the client only learns that it is denied.
 */
import { createPublicKey, type JsonWebKeyInput, type KeyObject, verify } from "node:crypto"
import type { TokenChecks } from "../ttc/ttcHost.ts"

/** The claims of a token. */
export interface TokenClaims {
  readonly sub?: string
  readonly iss?: string
  readonly aud?: string | ReadonlyArray<string>
  /** Seconds since 1970. */
  readonly exp?: number
  readonly nbf?: number
  readonly [name: string]: unknown
}

export interface TokenOptions {
  /** The key that tokens are signed with: a public key or a certificate in PEM, or a JWK. */
  readonly key: string | KeyObject | { readonly [member: string]: unknown }
  /** The `iss` that tokens must have; default any. */
  readonly issuer?: string
  /** What the `aud` of tokens must hold; default any. */
  readonly audience?: string
  /** The database user a token stands for; default: the user whose `externalName` is the token's `sub`, or who is named so. */
  readonly user?: (claims: TokenClaims) => string | undefined
  /** Seconds that clocks may differ; default 0. */
  readonly clockTolerance?: number
}

/** Why a token is not accepted. */
class TokenRefusal extends Error {
  override readonly name = "TokenRefusal"
}

const refuse = (why: string): never => {
  throw new TokenRefusal(why)
}

const keyOf = (key: TokenOptions["key"]): KeyObject => {
  if (typeof key === "string") return createPublicKey(key)
  if ("asymmetricKeyType" in key && typeof key["export"] === "function") return key as KeyObject
  return createPublicKey({ key: key as JsonWebKeyInput["key"], format: "jwk" })
}

interface Algorithm {
  readonly keyTypes: ReadonlyArray<string>
  readonly digest: string | null
  readonly options: object
}

const pss = { padding: 6, saltLength: -1 }
const ecdsa = { dsaEncoding: "ieee-p1363" }

/** Algorithms by the name in a token's header. There is none without a signature, and none with a shared secret. */
const algorithms: Readonly<Record<string, Algorithm>> = {
  RS256: { keyTypes: ["rsa"], digest: "sha256", options: {} },
  RS384: { keyTypes: ["rsa"], digest: "sha384", options: {} },
  RS512: { keyTypes: ["rsa"], digest: "sha512", options: {} },
  PS256: { keyTypes: ["rsa", "rsa-pss"], digest: "sha256", options: pss },
  PS384: { keyTypes: ["rsa", "rsa-pss"], digest: "sha384", options: pss },
  PS512: { keyTypes: ["rsa", "rsa-pss"], digest: "sha512", options: pss },
  ES256: { keyTypes: ["ec"], digest: "sha256", options: ecdsa },
  ES384: { keyTypes: ["ec"], digest: "sha384", options: ecdsa },
  EdDSA: { keyTypes: ["ed25519", "ed448"], digest: null, options: {} }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const decodePart = (part: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"))
    if (isRecord(value)) return value
  } catch {
    // It is refused below.
  }
  return refuse("it is no JWT")
}

const checkTimes = (claims: Record<string, unknown>, now: number, tolerance: number): void => {
  const { exp, nbf } = claims
  if (typeof exp !== "number") return refuse("it has no expiry")
  if (now >= exp + tolerance) refuse(`it expired at ${new Date(exp * 1000).toISOString()}`)
  if (typeof nbf === "number" && now < nbf - tolerance) refuse("it is not valid yet")
}

/** Checks tokens against one key. */
export class TokenVerifier {
  readonly #key: KeyObject
  readonly #options: TokenOptions

  constructor(options: TokenOptions) {
    this.#key = keyOf(options.key)
    this.#options = options
  }

  /** The claims of a token that holds now; throws a {@link TokenRefusal}. `now` is in milliseconds since 1970. */
  verify(token: string, now: number): TokenClaims {
    const parts = token.split(".")
    if (parts.length !== 3) refuse("it is no JWT")
    const [header, payload, signature] = parts as [string, string, string]
    const { alg } = decodePart(header)
    const algorithm = typeof alg === "string" && Object.hasOwn(algorithms, alg) ? algorithms[alg] : undefined
    if (algorithm === undefined) return refuse(`its algorithm ${String(alg)} is not accepted`)
    if (!algorithm.keyTypes.includes(this.#key.asymmetricKeyType ?? "")) {
      return refuse(`its algorithm ${String(alg)} does not go with the key`)
    }
    const holds = verify(
      algorithm.digest,
      Buffer.from(`${header}.${payload}`),
      { key: this.#key, ...algorithm.options },
      Buffer.from(signature, "base64url")
    )
    if (!holds) refuse("its signature does not hold")
    const claims = decodePart(payload)
    const { audience, clockTolerance = 0, issuer } = this.#options
    checkTimes(claims, now / 1000, clockTolerance)
    if (issuer !== undefined && claims["iss"] !== issuer) refuse(`its issuer is ${String(claims["iss"])}`)
    const audiences = [claims["aud"]].flat()
    if (audience !== undefined && !audiences.includes(audience)) refuse(`its audience is ${audiences.join(", ")}`)
    return claims
  }

  /** The checks for connections to a service. */
  checks(serviceName: string): TokenChecks {
    return {
      verify: (token) => this.verify(token, Date.now()),
      userOf: (claims) => this.#options.user?.(claims),
      prove: (claims, proof) => checkPossession(claims, { ...proof, serviceName }, Date.now())
    }
  }
}

/** What an IAM client signs beside its token. */
interface Possession {
  readonly header: string
  readonly signature: string
  readonly serviceName: string
}

/** Milliseconds that the date of a proof may be away. */
const proofAge = 5 * 60_000

/** Checks that the client has the key that the token names in `jwk`; throws a {@link TokenRefusal}. */
const checkPossession = (
  claims: TokenClaims,
  { header, serviceName, signature }: Possession,
  now: number
): void => {
  const { jwk } = claims
  let key: KeyObject
  try {
    const member: unknown = typeof jwk === "string" ? JSON.parse(jwk) : jwk
    if (!isRecord(member)) return refuse("it names no key of its client")
    key = createPublicKey({ key: member as JsonWebKeyInput["key"], format: "jwk" })
  } catch (cause) {
    if (cause instanceof TokenRefusal) throw cause
    return refuse("the key of its client cannot be read")
  }
  if (!verify("sha256", Buffer.from(header), key, Buffer.from(signature, "base64"))) {
    refuse("its client has not signed with the key that it names")
  }
  const fields = new Map(
    header.split("\n").map((line) => {
      const colon = line.indexOf(":", 1)
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const
    })
  )
  const date = Date.parse(fields.get("date") ?? "")
  if (Number.isNaN(date) || Math.abs(now - date) > proofAge) refuse("the proof of its client is not from now")
  if ((fields.get("(request-target)") ?? "").toUpperCase() !== serviceName.toUpperCase()) {
    refuse("the proof of its client is for another service")
  }
}
