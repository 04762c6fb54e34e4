/**
 * What the laws are about: a picture of the pool, its server and its callers at one moment of rest, and the rules of lending
 * as pure functions of such pictures.
 */
import type { PoolStatistics } from "@sessionpool/core"
import type { Command, ScriptRequest, ScriptSettings } from "./command.ts"
import type { ServerSession } from "./subject.ts"

/** What a request asks for, apart from how it may wait. Requests with equal keys are equal waiters. */
export interface Wanted {
  /** User, proxy, password, connection class and shard as one text. */
  readonly identity: string
  readonly user: string
  readonly proxyUser: string | undefined
  readonly cclass: string | undefined
  readonly shard: string | undefined
  readonly namesUser: boolean
  readonly isPasswordWrong: boolean
  /** The properties in order; `undefined` without a tag. */
  readonly tag: string | undefined
  readonly matchAnyTag: boolean
  readonly fresh: boolean
  readonly key: string
}

/** A tag with its properties in order, as the laws compare them; `undefined` when it holds none. */
export const canonicalTag = (tag: string | undefined): string | undefined => {
  if (tag === undefined) return undefined
  const properties = tag.split(";").map((property) => property.trim()).filter((property) => property !== "")
  return properties.length === 0 ? undefined : [...new Set(properties)].sort().join(";")
}

/** Whether a tag can be used at all. */
export const isWellFormed = (tag: string | undefined): boolean =>
  tag === undefined || tag === "" || tag.split(";").every((property) => /^[^=]+=[^=]+$/.test(property))

/** Reads a script's request; `ownUser` is the pool's. */
export const wantedOf = (request: ScriptRequest, ownUser: string): Wanted => {
  const namesUser = request.user !== undefined || request.proxy !== undefined || request.password !== undefined
  const hasPassword = request.password !== undefined
  const user = hasPassword ? request.user ?? "" : ownUser
  const proxyUser = hasPassword ? request.proxy : request.proxy ?? request.user
  const shard = request.shardingKey === undefined && request.superShardingKey === undefined
    ? undefined
    : `${request.superShardingKey ?? ""}/${request.shardingKey ?? ""}`
  const identity = JSON.stringify([hasPassword, user, request.password, proxyUser, request.cclass, shard])
  const tag = canonicalTag(request.tag)
  const fresh = request.purity === "new"
  const matchAnyTag = tag !== undefined && request.matchAnyTag === true
  return {
    identity,
    user,
    proxyUser,
    cclass: request.cclass,
    shard,
    namesUser,
    isPasswordWrong: request.password === "wrong",
    tag,
    matchAnyTag,
    fresh,
    key: JSON.stringify([identity, tag, matchAnyTag, fresh])
  }
}

/** Where a request is. */
export type Stage = "waiting" | "held" | "ended"

/** A request, from the call to the end of its lease. */
export interface RequestView {
  readonly name: string
  readonly request: ScriptRequest
  readonly wanted: Wanted
  readonly stage: Stage
  readonly since: number
  readonly number: number
  /** How long it may wait. */
  readonly limit: number
  /** The get mode that was in force when it was made. */
  readonly mode: ScriptSettings["getMode"]
  /** Its lease, once it had one. */
  readonly lent: LentView | undefined
  /** When it ended, and the tag of its failure, `"interrupt"`, or `undefined` when it succeeded. */
  readonly endedAt: number
  readonly failure: string | undefined
  readonly failureMessage: string
  /** Statements that it has started and that still run. */
  readonly running: ReadonlyArray<string>
  /** On whose behalf the session seemed to work when the lease began. */
  readonly identitiesSeen: ReadonlyArray<string>
  readonly wasInterrupted: boolean
  /** Whether it was made alone and everything was at rest then. */
  readonly isAtRest: boolean
}

/** What was lent, as it was at that moment. */
export interface LentView {
  readonly session: number
  readonly at: number
  /** The tag it was left in by its last holder, and the tag that the connection showed. */
  readonly tagLeft: string | undefined
  readonly tagShown: string | undefined
  readonly wasLent: boolean
  readonly openedAt: number
  readonly lifetime: number
  /** Whether `onSession` has seen the connection first. */
  readonly wasPrepared: boolean
}

/** A session at the server, and what the script knows of it. */
export interface SessionView extends ServerSession {
  /** Of the request that it was opened for, as soon as one has held it. */
  readonly identity: string | undefined
  readonly shard: string | undefined
  readonly tag: string | undefined
  readonly wasLent: boolean
  readonly holder: string | undefined
  readonly openedAt: number
  /** Since when it has been seen neither held nor at work. */
  readonly idleSince: number | undefined
}

/** Everything at one moment of rest. */
export interface Observation {
  readonly now: number
  /** What happened since the moment before. */
  readonly command: Command | undefined
  readonly settings: ScriptSettings
  readonly phase: "open" | "closing" | "closed"
  readonly statistics: PoolStatistics.PoolStatistics
  readonly sessions: ReadonlyArray<SessionView>
  readonly requests: ReadonlyArray<RequestView>
  readonly mostOpen: number
  /** The most sessions that were ever allowed. */
  readonly mostAllowed: number
  /** The same for one shard. */
  readonly mostInShard: number
  /** Whether opening for a user (`""`: for any) may have been backing off at a time, now when left out. */
  readonly backingOff: (user: string, at?: number) => boolean
  /** Whether the pool was suspended and is still. */
  readonly isSuspended: boolean
  /** For how long the pool was suspended since a time. */
  readonly suspendedSince: (since: number) => number
  /** Sessions that were open when the pool was refreshed. */
  readonly refreshed: ReadonlySet<number>
  /** Sessions that were on an instance when that was drained. */
  readonly drained: ReadonlySet<number>
  /** Whether nothing can be said of pings, resets and closes: they fail, hang or take their time. */
  readonly isTroubled: boolean
  /** Whether functions of the driver or hooks were told to throw. */
  readonly hasDefects: boolean
  /** Whether log-ons to the pool's own account may be refused, or are not tried any more. */
  readonly isOwnAccountInDoubt: boolean
  /** Whether credentials of a user were refused at a time or later. */
  readonly wasRefused: (user: string, since: number) => boolean
  /** Sessions that were closed to make room for others, where somebody listens. */
  readonly replaced: number
  /** Sessions that are lent and on which `onSession` is at work: their callers still wait. */
  readonly preparing: number
}

/** Whether no session is held and the pool is not at work on it. */
export const isFree = (session: SessionView): boolean => session.holder === undefined && session.isAtWork !== true

export const freeSessions = (picture: Observation): ReadonlyArray<SessionView> => picture.sessions.filter(isFree)

/** Sessions that the pool is pinging, resetting, stopping or closing. */
export const sessionsAtWork = (picture: Observation): number =>
  picture.sessions.reduce((count, session) => session.isAtWork === true ? count + 1 : count, 0)

/** Places of `max` that are taken. */
export const slots = ({ statistics }: Observation): number =>
  statistics.opened + statistics.opening + statistics.closing

export const isWaiting = (request: RequestView): boolean => request.stage === "waiting"
export const isHeld = (request: RequestView): boolean => request.stage === "held"

const shardOf = (session: ServerSession): string | undefined =>
  session.shardingKey === undefined && session.superShardingKey === undefined
    ? undefined
    : `${String(session.superShardingKey ?? "")}/${String(session.shardingKey ?? "")}`

/** The shard of a session as requests write it. */
export const shardText = shardOf

/** Whether the server's session can be one for this wanted at all, as far as the server tells. */
export const matchesIdentity = (session: ServerSession, wanted: Wanted): boolean =>
  (session.user === undefined || session.user === wanted.user) &&
  ("proxyUser" in session ? session.proxyUser === wanted.proxyUser : true) &&
  ("cclass" in session ? session.cclass === wanted.cclass : true) &&
  ("shardingKey" in session ? shardOf(session) === wanted.shard : true)

/** Whether the server tells everything that identities are made of; only then is a session that was never held unmistakable. */
const tellsAll = (session: ServerSession): boolean =>
  session.user !== undefined && "proxyUser" in session && "cclass" in session && "shardingKey" in session &&
  "superShardingKey" in session

/** Whether a session is known to be of the identity that is asked for: it was held under it before, or is unmistakable. */
export const isOfIdentity = (session: SessionView, wanted: Wanted): boolean =>
  session.identity === undefined
    // Opened and never lent: with a password in play the server's view does not say with which.
    ? !wanted.isPasswordWrong && tellsAll(session) && matchesIdentity(session, wanted)
    : session.identity === wanted.identity

/**
 * The step of the tag rules that a session falls under for a wanted, 1 to 3; within step 3 the fewer properties are shared, the
 * later. `undefined` when it does not fit.
 */
export const rankOf = (wanted: Wanted, session: { readonly tag: string | undefined; readonly wasLent: boolean }) => {
  if (wanted.fresh) return session.wasLent ? undefined : 1
  if (session.tag === wanted.tag) return 1
  if (session.tag === undefined) return 2
  if (!wanted.matchAnyTag || wanted.tag === undefined) return undefined
  const properties = new Set(wanted.tag.split(";"))
  const shared = session.tag.split(";").filter((property) => properties.has(property)).length
  return 3 + 1 / (1 + shared)
}

/** The rank of a session that had to be opened. */
export const rankOfNew = 4

/** Whether an idle session may be lent as it stands. */
export const isLendable = (session: SessionView, picture: Observation): boolean =>
  session.hasNotice !== true &&
  (picture.settings.maxLifetimeSession === 0 ||
    // A lifetime may be shortened by its jitter.
    picture.now - session.openedAt < picture.settings.maxLifetimeSession * 0.9) &&
  !(picture.settings.homogeneous && session.user !== undefined && session.proxyUser !== undefined)

/** What a step came to, as a remark behind its line. */
export const remark = (before: Observation, after: Observation): string => {
  const parts = after.requests.flatMap((request) => {
    const previous = before.requests.find(({ name }) => name === request.name)
    if (request.lent !== undefined && previous?.lent === undefined) {
      return [`${request.name} got session ${request.lent.session}`]
    }
    if (request.failure !== undefined && previous?.stage !== "ended" && request.lent === undefined) {
      return [`${request.name}: ${request.failure}`]
    }
    return request.stage === "waiting" && previous === undefined ? [`${request.name} waits`] : []
  })
  const { busy, closing, idle, opening, pending } = after.statistics
  const counts = Object.entries({ busy, idle, opening, closing, waiting: pending })
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${count} ${name}`)
  return [...parts, counts.join(", ")].filter((part) => part !== "").join("; ")
}
