/** Who a session is: identities as texts, user names taken apart, and passwords compared without being kept. */
import * as Redacted from "effect/Redacted"
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import type { Credentials } from "../../SessionDriver.ts"
import type { ShardingKey, ShardingValue } from "../../SessionRequest.ts"
import { escapeControls } from "../data/messageText.ts"

/** Who a session is, apart from its password. Sessions of different identities are never exchanged. */
export interface Identity {
  /** Whose credentials open it: the pool's own, or the request's. */
  readonly credentials: "pool" | "request"
  readonly user: string | undefined
  readonly proxyUser: string | undefined
  readonly cclass: string | undefined
  readonly shardingKey: ShardingKey | undefined
  readonly superShardingKey: ShardingKey | undefined
}

const name = `"[^"]+"|[^\\[\\]"]+`
const userForm = new RegExp(`^\\s*(${name})?\\s*(?:\\[\\s*(${name})\\s*\\])?\\s*$`)

/** `user[proxy]` taken apart; `undefined` when the text is not of that form. Quoted names may hold anything. */
export const parseUser = (
  text: string
): { readonly user: string | undefined; readonly proxyUser: string | undefined } | undefined => {
  const match = userForm.exec(text)
  if (match === null) return undefined
  const user = match[1]?.trim()
  const proxyUser = match[2]?.trim()
  return user === undefined && proxyUser === undefined ? undefined : { user, proxyUser }
}

const valueText = (value: ShardingValue): string => {
  if (typeof value === "string") return `s${value}`
  if (typeof value === "number" || typeof value === "bigint") return `n${value}`
  if (value instanceof Date) return `d${value.getTime()}`
  return `b${Buffer.from(value).toString("hex")}`
}

/** A sharding key as a text: equal texts are equal keys, whatever they hold. */
export const shardingKeyText = (key: ShardingKey | undefined): string => {
  if (key === undefined) return ""
  const values = Array.isArray(key) ? key as ReadonlyArray<ShardingValue> : [key as ShardingValue]
  return JSON.stringify(values.map(valueText))
}

const copyOfValue = (value: ShardingValue): ShardingValue =>
  value instanceof Date ? new Date(value) : value instanceof Uint8Array ? Uint8Array.from(value) : value

/** A sharding key of the pool's own, which does not change with that of the request. */
export const copyOfKey = (key: ShardingKey | undefined): ShardingKey | undefined =>
  key === undefined ? undefined : Array.isArray(key) ? key.map(copyOfValue) : copyOfValue(key as ShardingValue)

/** The shard that a key belongs to; `undefined` when the request names none. */
export const shardText = (identity: Identity): string | undefined => {
  if (identity.shardingKey === undefined && identity.superShardingKey === undefined) return undefined
  return `${shardingKeyText(identity.superShardingKey)}/${shardingKeyText(identity.shardingKey)}`
}

/** The identity as a text, without its password. */
export const identityText = (identity: Identity): string =>
  JSON.stringify([
    identity.credentials,
    identity.user ?? "",
    identity.proxyUser ?? "",
    identity.cclass ?? "",
    shardText(identity) ?? ""
  ])

/** The identity as a person reads it in a message. */
export const describeIdentity = (identity: Identity): string => {
  const user = identity.user ?? (identity.credentials === "pool" ? "the pool's user" : "a user")
  const parts = [identity.proxyUser === undefined ? user : `${user}[${identity.proxyUser}]`]
  if (identity.cclass !== undefined) parts.push(`connection class ${identity.cclass}`)
  const shard = shardText(identity)
  if (shard !== undefined) parts.push(`shard ${shard}`)
  return escapeControls(parts.join(", "))
}

/**
 * Digests of passwords under a key that only this pool has, so that they can be compared without being kept. The digest
 * of one `Redacted` is remembered with it, not the password.
 */
export class PasswordDigests {
  readonly #key = randomBytes(32)
  readonly #known = new WeakMap<Redacted.Redacted<string>, Buffer>()

  of(password: Redacted.Redacted<string>): Buffer {
    const known = this.#known.get(password)
    if (known !== undefined) return known
    const digest = createHmac("sha256", this.#key).update(Redacted.value(password)).digest()
    this.#known.set(password, digest)
    return digest
  }

  /** Everything that distinguishes one set of credentials from another, in a text without secrets. */
  fingerprint(credentials: Credentials): string {
    return JSON.stringify([this.account(credentials), this.#text(credentials.token)])
  }

  /**
   * What sessions must have been opened with to be lent on: the user and the password. A token is left out, which is another
   * at every renewal: the database asks for it when a session is opened, and the session then outlives it.
   */
  account(credentials: Credentials): string {
    return JSON.stringify([credentials.user ?? "", this.#text(credentials.password)])
  }

  #text(secret: Redacted.Redacted<string> | undefined): string {
    return secret === undefined ? "" : this.of(secret).toString("base64")
  }
}

/** Constant-time comparison of digests; no password equals only no password. */
export const sameDigest = (a: Buffer | undefined, b: Buffer | undefined): boolean =>
  a === undefined || b === undefined ? a === b : timingSafeEqual(a, b)
