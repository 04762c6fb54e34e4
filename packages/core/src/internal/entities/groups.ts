/**
 * Reads requests: which identity, which tag, what to refuse. Keeps the groups of sessions by identity.
 */
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { CredentialsNotAllowedError, InvalidOptionsError, InvalidTagError } from "../../PoolError.ts"
import type { Settings } from "../../PoolOptions.ts"
import type { SessionRequest } from "../../SessionRequest.ts"
import * as SessionTag from "../../SessionTag.ts"
import { showValue } from "../data/messageText.ts"
import {
  copyOfKey,
  type Identity,
  identityText,
  parseUser,
  type PasswordDigests,
  sameDigest,
  shardText
} from "./identity.ts"
import { isRecord, type Problem, problemsOf } from "./requestFields.ts"
import { Shard } from "./session.ts"
import { SessionGroup } from "./session.ts"
import type { Criteria } from "./session.ts"
import { type Share, Shares } from "./share.ts"

/** What a request can be refused for before anything is looked for. */
type RequestError = CredentialsNotAllowedError | InvalidOptionsError | InvalidTagError

/** What reading a request depends on. */
interface Reader {
  readonly settings: Settings
  readonly hasOwnUser: boolean
  /** The credentials that the pool's own sessions were last opened with. */
  readonly account: string | undefined
}

/** A tag that was read, and requests for it that name nothing else. */
interface KnownTag<S> {
  readonly parsed: Result.Result<SessionTag.SessionTag | undefined, string>
  readonly exact: Criteria<S> | undefined
  readonly any: Criteria<S> | undefined
}

/** A user and a password that were read, and what a request for no more than them comes to. */
interface KnownUser<S> {
  readonly user: string
  /** What else it depends on: under other settings, or with other sessions of the pool's own, it is read again. */
  readonly account: string | undefined
  readonly settings: Settings
  readonly criteria: Criteria<S>
}

/** Whether a request names nothing but a tag, a user and a password, and nothing that has to be refused. */
const isPlain = (request: SessionRequest): boolean => {
  if (!isRecord(request)) return false
  for (const name in request) {
    const value = request[name as keyof SessionRequest]
    const isRead = name === "tag" || name === "user" || name === "password" ||
      (name === "matchAnyTag" && typeof value === "boolean")
    if (!isRead && value !== undefined) return false
  }
  return true
}

/** How many parsed tags, and how many groups whose credentials were refused, are remembered. */
const remembered = 16_384
const refusedRemembered = 256

export class Groups<S> {
  readonly own: SessionGroup<S>
  readonly #digests: PasswordDigests
  readonly #byIdentity = new Map<string, Array<SessionGroup<S>>>()
  readonly #shards = new Map<string, Shard<S>>()
  readonly #users = new Shares()
  readonly #classes = new Shares()
  readonly #tags = new Map<string, KnownTag<S>>()
  /** Unused groups that are kept so that refused credentials are not tried again, the oldest first. */
  readonly #refused = new Set<SessionGroup<S>>()
  /** What a request without anything in it comes to. */
  readonly ownCriteria: Criteria<S>
  /** What was last asked for with a password, by who holds that. */
  readonly #byPassword = new WeakMap<Redacted.Redacted<string>, KnownUser<S>>()

  constructor(digests: PasswordDigests, cclass: string | undefined) {
    this.#digests = digests
    const identity: Identity = {
      credentials: "pool",
      user: undefined,
      proxyUser: undefined,
      cclass,
      shardingKey: undefined,
      superShardingKey: undefined
    }
    this.own = new SessionGroup(identity, undefined, undefined, this.#sharesOf(identity))
    this.#byIdentity.set(identityText(identity), [this.own])
    this.ownCriteria = {
      group: this.own,
      tag: undefined,
      matchAnyTag: false,
      fresh: false,
      password: undefined,
      list: undefined
    }
  }

  *[Symbol.iterator](): Generator<SessionGroup<S>> {
    for (const groups of this.#byIdentity.values()) yield* groups
  }

  /** Reads a tag; no tag and an empty one are the same. */
  tag(text: unknown, pool: string): Result.Result<SessionTag.SessionTag | undefined, InvalidTagError> {
    if (text === undefined || text === "") return Result.succeed(undefined)
    if (typeof text !== "string") {
      return Result.fail(new InvalidTagError({ pool, tag: showValue(text), problem: "a tag must be a string" }))
    }
    const { parsed } = this.#known(text)
    return Result.isSuccess(parsed)
      ? Result.succeed(parsed.success)
      : Result.fail(new InvalidTagError({ pool, tag: text, problem: parsed.failure }))
  }

  #known(text: string): KnownTag<S> {
    const known = this.#tags.get(text)
    if (known !== undefined) return known
    const parsed = Result.map(
      SessionTag.parse(text),
      (tag) => SessionTag.equals(tag, undefined) ? undefined : tag
    )
    const criteria = (matchAnyTag: boolean): Criteria<S> | undefined =>
      Result.isFailure(parsed)
        ? undefined
        : parsed.success === undefined
        ? this.ownCriteria
        : { group: this.own, tag: parsed.success, matchAnyTag, fresh: false, password: undefined, list: undefined }
    const tag = { parsed, exact: criteria(false), any: criteria(true) }
    if (this.#tags.size >= remembered) this.#tags.clear()
    this.#tags.set(text, tag)
    return tag
  }

  /**
   * What a request comes to that names no more than a tag, or a user and a password that were read before; `undefined` for
   * every other and for one that is refused, which `read` reads.
   */
  readPlain(request: SessionRequest | undefined, pool: Reader): Criteria<S> | undefined {
    if (request !== undefined) return this.#readPlainRequest(request, pool)
    return pool.hasOwnUser ? this.ownCriteria : undefined
  }

  #readPlainRequest(request: SessionRequest, pool: Reader): Criteria<S> | undefined {
    if (!isPlain(request)) return undefined
    const { matchAnyTag, password, tag, user } = request
    if (user !== undefined || password !== undefined) {
      const known = tag === undefined && password !== undefined ? this.#byPassword.get(password) : undefined
      return known !== undefined && known.user === user && known.account === pool.account &&
          known.settings === pool.settings && !known.criteria.group.isGone
        ? known.criteria
        : undefined
    }
    if (!pool.hasOwnUser) return undefined
    if (typeof tag !== "string") return tag === undefined ? this.ownCriteria : undefined
    if (tag === "") return this.ownCriteria
    const known = this.#known(tag)
    return matchAnyTag === true ? known.any : known.exact
  }

  /** What a request comes to, or why it is refused. */
  read(request: SessionRequest | undefined, pool: Reader): Result.Result<Criteria<S>, RequestError> {
    const { settings } = pool
    const plain = this.readPlain(request, pool)
    if (plain !== undefined) return Result.succeed(plain)
    if (request === undefined) return Result.fail(userMissing(settings.name))
    const problems = problemsOf(request)
    if (problems.length > 0) return Result.fail(refusal(settings.name, problems))
    const tag = this.tag(request.tag, settings.name)
    if (Result.isFailure(tag)) return Result.fail(tag.failure)
    const group = this.#groupFor(request, pool)
    if (Result.isFailure(group)) return Result.fail(group.failure)
    const { password, user } = request
    const criteria: Criteria<S> = {
      group: group.success,
      tag: tag.success,
      matchAnyTag: request.matchAnyTag === true,
      fresh: request.purity === "new",
      password: group.success.identity.credentials === "request" ? password : undefined,
      list: undefined
    }
    if (isPlain(request) && password !== undefined && user !== undefined && request.tag === undefined) {
      this.#byPassword.set(password, { user, account: pool.account, settings: pool.settings, criteria })
    }
    return Result.succeed(criteria)
  }

  #groupFor(request: SessionRequest, pool: Reader): Result.Result<SessionGroup<S>, RequestError> {
    const { hasOwnUser, settings } = pool
    const { password, user } = request
    const cclass = request.cclass?.trim() ?? settings.cclass
    const shardingKey = copyOfKey(request.shardingKey)
    const superShardingKey = copyOfKey(request.superShardingKey)
    const shared = { cclass, shardingKey, superShardingKey }
    const ofThePool = (proxyUser: string | undefined) =>
      proxyUser === undefined && cclass === settings.cclass && shardingKey === undefined &&
        superShardingKey === undefined
        ? this.own
        : this.#find({ ...shared, credentials: "pool", user: undefined, proxyUser }, undefined)
    if (user === undefined && password === undefined) {
      return hasOwnUser ? Result.succeed(ofThePool(undefined)) : Result.fail(userMissing(settings.name))
    }
    if (settings.homogeneous) return Result.fail(new CredentialsNotAllowedError({ pool: settings.name }))
    if (user === undefined) {
      return Result.fail(invalid(settings.name, "user", "is required with a password"))
    }
    const names = parseUser(user)
    if (names === undefined) {
      return Result.fail(invalid(settings.name, "user", `must have the form "user" or "user[proxy]"`))
    }
    if (password !== undefined && names.user !== undefined) {
      const digest = this.#digests.of(password)
      if (this.#isOwn(names.user, digest, pool)) return Result.succeed(ofThePool(names.proxyUser))
      return Result.succeed(this.#find({ ...shared, ...names, credentials: "request" }, digest))
    }
    // A user without password, or "[user]": the pool's own user acts for it.
    if (!hasOwnUser || password !== undefined || (names.user !== undefined && names.proxyUser !== undefined)) {
      return Result.fail(invalid(settings.name, "password", `is required for the user "${user}"`))
    }
    return Result.succeed(ofThePool(names.proxyUser ?? names.user))
  }

  /**
   * Whether a request names the pool's own user, with the password that its sessions are opened with and that the database
   * has accepted: then it may share them.
   */
  #isOwn(user: string, digest: Buffer, { account, settings }: Reader): boolean {
    const { password } = settings
    return user === settings.user && password !== undefined && sameDigest(digest, this.#digests.of(password)) &&
      account === this.#digests.account({ user, password })
  }

  /** The group of an identity; passwords are compared in constant time, as digests. */
  #find(identity: Identity, digest: Buffer | undefined): SessionGroup<S> {
    const key = identityText(identity)
    const groups = this.#byIdentity.get(key)
    const known = groups?.find((group) => sameDigest(group.digest, digest))
    if (known !== undefined) return known
    const group = new SessionGroup<S>(identity, digest, this.#shard(identity), this.#sharesOf(identity))
    if (group.shard !== undefined) group.shard.groups++
    if (groups === undefined) this.#byIdentity.set(key, [group])
    else groups.push(group)
    return group
  }

  /** Whoever the work is done for is the user: behind a proxy the one that it acts for. */
  #sharesOf({ cclass, proxyUser, user }: Identity): { readonly ofUser: Share; readonly ofClass: Share } {
    return { ofUser: this.#users.enter(proxyUser ?? user ?? ""), ofClass: this.#classes.enter(cclass ?? "") }
  }

  #shard(identity: Identity): Shard<S> | undefined {
    const key = shardText(identity)
    if (key === undefined) return undefined
    let shard = this.#shards.get(key)
    if (shard === undefined) {
      shard = new Shard(key)
      this.#shards.set(key, shard)
    }
    return shard
  }

  /** Lets go of a group that nothing refers to any more; refused credentials are remembered for a while. */
  tidy(group: SessionGroup<S>): void {
    if (group.waiting === 0 && group.opening === 0) group.password = undefined
    if (group === this.own || !group.isUnused) return
    if (!group.opener.isStopped) {
      this.#refused.delete(group)
      return this.#remove(group)
    }
    this.#refused.add(group)
    for (const oldest of this.#refused) {
      if (this.#refused.size <= refusedRemembered) return
      this.#refused.delete(oldest)
      if (oldest.isUnused) this.#remove(oldest)
    }
  }

  #remove(group: SessionGroup<S>): void {
    if (group.isGone) return
    group.isGone = true
    this.#users.leave(group.shareOfUser)
    this.#classes.leave(group.shareOfClass)
    const key = identityText(group.identity)
    const groups = this.#byIdentity.get(key)?.filter((other) => other !== group) ?? []
    if (groups.length === 0) this.#byIdentity.delete(key)
    else this.#byIdentity.set(key, groups)
    const shard = group.shard
    if (shard !== undefined && --shard.groups === 0) this.#shards.delete(shard.key)
  }
}

const refusal = (pool: string, problems: ReadonlyArray<Problem>): InvalidOptionsError =>
  new InvalidOptionsError({ pool, problems })

const invalid = (pool: string, field: string, problem: string): InvalidOptionsError =>
  refusal(pool, [{ field, problem }])

const userMissing = (pool: string): InvalidOptionsError =>
  invalid(pool, "user", "is required in every request: the pool has no user of its own")
