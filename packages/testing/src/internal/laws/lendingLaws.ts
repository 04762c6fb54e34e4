/** The laws about what came of each request: who was lent what, in which order, and who was refused and why. */
import type { ScriptSettings } from "./command.ts"
import {
  canonicalTag,
  freeSessions,
  isLendable,
  isOfIdentity,
  isWaiting,
  isWellFormed,
  matchesIdentity,
  type Observation,
  rankOf,
  rankOfNew,
  type RequestView,
  sessionsAtWork,
  type SessionView,
  slots
} from "./observation.ts"
import type { Breach } from "./restLaws.ts"

type Law = (before: Observation, after: Observation) => ReadonlyArray<Breach>

const breach = (law: number, ...problems: ReadonlyArray<string | false>): ReadonlyArray<Breach> =>
  problems.filter((problem) => problem !== false).map((problem) => ({ law, problem }))

const requestBefore = (before: Observation, request: RequestView): RequestView | undefined =>
  before.requests.find(({ name }) => name === request.name)

/** Requests that were lent a session since the moment before. */
const newlyLent = (before: Observation, after: Observation): ReadonlyArray<RequestView> =>
  after.requests.filter((request) => request.lent !== undefined && requestBefore(before, request)?.lent === undefined)

/** Requests that failed without a session since the moment before. */
const newlyFailed = (before: Observation, after: Observation): ReadonlyArray<RequestView> =>
  after.requests.filter((request) =>
    request.failure !== undefined && request.lent === undefined && requestBefore(before, request)?.stage !== "ended"
  )

/** Law 6: equal waiters in order, and none passes over an older one that the session fits. */
const order: Law = (before, after) => {
  // A caller whose session is being prepared, or made up for after a defect, has been served without having it yet.
  if (after.settings.onSession === "works" || after.hasDefects) return []
  const waited = after.requests.filter((request) => request.since < after.now || requestBefore(before, request))
  return newlyLent(before, after).flatMap((request) => {
    // A request that a session is being pinged for is as good as served: newcomers may take another.
    if (requestBefore(before, request) === undefined && sessionsAtWork(before) > 0) return []
    const { at, session, tagLeft, wasLent } = request.lent!
    const passedOver = waited.find((other) => {
      if (other.number >= request.number || other.wanted.identity !== request.wanted.identity) return false
      const isStill = isWaiting(other)
      // One that was served later in the same step has been passed over as well, if it is an equal. Of two that were served
      // at the same moment, the one whose fiber was running anyway may go on first.
      const isLater = other.wanted.key === request.wanted.key && other.lent !== undefined && other.lent.at > at
      if (!isStill && !isLater) return false
      const rank = rankOf(other.wanted, { tag: tagLeft, wasLent })
      return rank !== undefined
    })
    return breach(
      6,
      passedOver !== undefined &&
        `session ${session} went to ${request.name}, though ${passedOver.name} has waited longer and it fits that`
    )
  })
}

/** Law 7: nothing expired is lent. While `onSession` works on a session it is lent already, unseen. */
const expiry: Law = (before, after) =>
  newlyLent(before, after).flatMap(({ lent, name }) =>
    breach(
      7,
      lent!.lifetime > 0 && lent!.at - lent!.openedAt >= lent!.lifetime &&
        !(after.settings.onSession === "works" && lent!.wasPrepared) &&
        `session ${lent!.session} was lent to ${name} when it was older than maxLifetimeSession (${lent!.lifetime} ms)`
    )
  )

/** The idle sessions that a request found, by their rank. */
const candidates = (before: Observation, request: RequestView): ReadonlyArray<readonly [SessionView, number]> =>
  freeSessions(before).flatMap((session) => {
    const rank = isLendable(session, before) && session.isAlive !== false && isOfIdentity(session, request.wanted)
      ? rankOf(request.wanted, session)
      : undefined
    return rank === undefined ? [] : [[session, rank] as const]
  })

/** Whether a request was made in this very step and found everything at rest. */
const foundAtRest = (before: Observation, after: Observation, request: RequestView): boolean =>
  requestBefore(before, request) === undefined && request.isAtRest && after.now === before.now &&
  sessionsAtWork(before) === 0 && !before.isTroubled && before.phase === "open"

const isFitUnlessTagged = (tagLeft: string | undefined, request: RequestView): boolean =>
  tagLeft === undefined || tagLeft === request.wanted.tag ||
  (request.wanted.matchAnyTag && request.wanted.tag !== undefined)

/** Law 8: the tag rules. */
const tags: Law = (before, after) =>
  newlyLent(before, after).flatMap((request) => {
    const { session, tagLeft, tagShown, wasLent, wasPrepared } = request.lent!
    const { tag } = request.wanted
    const { onSession } = after.settings
    const mustPrepare = onSession !== "absent" && (!wasLent || tagLeft !== tag)
    const found = before.sessions.find(({ number }) => number === session)
    const rank = rankOf(request.wanted, { tag: tagLeft, wasLent })
    const rankServed = found === undefined ? rankOfNew : rank ?? rankOfNew
    const better = foundAtRest(before, after, request)
      ? candidates(before, request).find(([other, rankOther]) =>
        rankOther < rankServed ||
        (rankOther === rankServed && other.wasLent && found?.wasLent === true &&
          (other.idleSince ?? 0) > (found.idleSince ?? 0))
      )
      : undefined
    return breach(
      8,
      onSession === "absent" && canonicalTag(tagShown) !== tagLeft &&
        `${request.name} was shown the tag ${String(tagShown)} on session ${session}, which was left in ${
          String(tagLeft)
        }`,
      !isWellFormed(request.request.tag) && `${request.name} asked for a malformed tag and got session ${session}`,
      !isFitUnlessTagged(tagLeft, request) &&
        `${request.name} asked for ${tag ?? "no tag"} and got session ${session} with the tag ${String(tagLeft)}`,
      request.wanted.fresh && wasLent &&
        `${request.name} asked for a session that was never lent and got session ${session}`,
      onSession === "sets the tag" && canonicalTag(tagShown) !== tag &&
        `${request.name} got session ${session} in the state ${String(tagShown)}, though onSession sets the tag`,
      mustPrepare !== wasPrepared &&
        `onSession ${wasPrepared ? "was" : "was not"} run on session ${session} for ${request.name}`,
      better !== undefined && `${request.name} got session ${session}, though session ${better[0].number} fits better`
    )
  })

/** Law 9: the identity rules. */
const identities: Law = (before, after) =>
  newlyLent(before, after).flatMap((request) => {
    const { session } = request.lent!
    const { wanted } = request
    const found = after.sessions.find(({ number }) => number === session) ??
      before.sessions.find(({ number }) => number === session)
    const known = before.sessions.find(({ number }) => number === session)?.identity
    return breach(
      9,
      wanted.isPasswordWrong && `${request.name} came with a wrong password and got session ${session}`,
      found !== undefined && !matchesIdentity(found, wanted) &&
        `${request.name} got session ${session}, which is of ${found.user ?? ""}[${found.proxyUser ?? ""}]`,
      known !== undefined && known !== wanted.identity && `${request.name} got session ${session} of another identity`,
      wanted.namesUser && before.settings.homogeneous && after.settings.homogeneous &&
        `${request.name} named a user and got session ${session} of a homogeneous pool`
    )
  })

const usesOwnUser = ({ request }: RequestView): boolean => request.password === undefined

/** What a request must be refused for, whatever the state of the pool. */
const mustFail = (request: RequestView, settings: ScriptSettings): string | undefined =>
  !isWellFormed(request.request.tag)
    ? "InvalidTagError"
    : request.wanted.namesUser && settings.homogeneous
    ? "CredentialsNotAllowedError"
    : usesOwnUser(request) && !settings.hasOwnUser
    ? "InvalidOptionsError"
    : undefined

/** Requests that failed, each for a reason that there was. */
const refusals: Law = (before, after) =>
  newlyFailed(before, after).flatMap((request) => {
    const { failure, limit, name, wanted } = request
    const waited = request.endedAt - request.since
    const isNew = foundAtRest(before, after, request)
    const free = isNew && !after.isSuspended ? candidates(before, request) : []
    const steady = before.settings.homogeneous === after.settings.homogeneous
    const due = steady && before.phase === "open" ? mustFail(request, after.settings) : undefined
    const law = due === "InvalidTagError" ? 8 : 9
    if (due !== undefined && requestBefore(before, request) === undefined) {
      return breach(law, failure !== due && `${name} failed with ${String(failure)}, not with ${due}`)
    }
    const holdersOfSame = before.requests.filter((other) =>
      other.stage === "held" && other.wanted.identity === wanted.identity &&
      after.requests.some(({ name, stage }) => name === other.name && stage === "held")
    )
    const hadRoom = !after.isSuspended && before.statistics.pending === 0 && before.statistics.opening === 0 &&
      slots(before) < before.settings.max && wanted.shard === undefined && !before.backingOff(wanted.user) &&
      !after.backingOff(wanted.user) && !before.hasDefects && !(usesOwnUser(request) && before.isOwnAccountInDoubt)
    switch (failure) {
      case "interrupt":
        return breach(5, !request.wasInterrupted && `${name} failed as interrupted, but nothing interrupted it`)
      case "PoolClosedError":
        return breach(5, after.phase === "open" && `${name} was told that the pool is closed, which is open`)
      case "AcquireTimeoutError":
        // A pool may count whole milliseconds.
        return breach(5, waited <= limit - 1 && `${name} timed out after ${waited} ms, though it may wait ${limit} ms`)
      case "PoolOverloadedError":
        return breach(
          5,
          after.settings.queueTarget === 0 && `${name} was refused for overload, though queueTarget is off`
        )
      case "PoolExhaustedError":
      case "QueueFullError":
        return breach(
          5,
          free.length > 0 && `${name} was refused, though session ${free[0]![0].number} is idle and fits it`,
          isNew && hadRoom && `${name} was refused, though there is room`
        )
      case "OpenSessionError":
        return breach(
          5,
          !after.backingOff(wanted.user, request.endedAt) && !wanted.isPasswordWrong && !before.hasDefects &&
            !(usesOwnUser(request) && (before.isOwnAccountInDoubt || after.isOwnAccountInDoubt ||
              after.wasRefused(wanted.user, request.since))) &&
            `${name} was told that no session could be opened, but opening ${wanted.user} did not fail`,
          !wanted.fresh && (request.mode === "wait" || request.mode === "timedWait") && holdersOfSame.length > 0 &&
            `${name} was told that no session could be opened, though ${holdersOfSame[0]!.name} holds one that fits it`
        )
      case "PreparationFailed":
        return breach(8, after.settings.onSession !== "fails" && `${name} failed in onSession, which does not fail`)
      case "Sabotaged":
        return breach(5, !after.hasDefects && `${name} failed with a defect that nothing was told to have`)
      case "CredentialsNotAllowedError":
        return breach(9, !(wanted.namesUser && after.settings.homogeneous) && `${name} was refused its credentials`)
      default:
        return breach(5, `${name} failed with ${String(failure)}: ${request.failureMessage}`)
    }
  })

/** Law 7: no session serves more leases than `maxUsesPerSession`. */
const uses: Law = (before, after) => {
  const { maxUsesPerSession } = after.settings
  if (maxUsesPerSession === 0) return []
  return newlyLent(before, after).flatMap(({ lent, name }) => {
    const leases = after.requests.filter((other) => other.lent?.session === lent!.session).length
    return breach(
      7,
      leases > maxUsesPerSession &&
        `${name} got session ${lent!.session} as its lease number ${leases}, maxUsesPerSession is ${maxUsesPerSession}`
    )
  })
}

/** What requests that wait for a pool which is suspended must not fail with. */
const failuresOfWaiting: ReadonlySet<string> = new Set([
  "AcquireTimeoutError",
  "PoolExhaustedError",
  "PoolOverloadedError",
  "OpenSessionError"
])

/** Law 18: what steering a pool promises. */
const steering: Law = (before, after) => {
  // A caller whose session is being prepared was served before.
  if (after.settings.onSession === "works") return []
  const lent = newlyLent(before, after)
  const isSuspended = before.isSuspended && after.isSuspended
  return [
    ...lent.flatMap((request) =>
      breach(
        18,
        isSuspended && `${request.name} got session ${request.lent!.session} while the pool was suspended`,
        before.refreshed.has(request.lent!.session) &&
          `${request.name} got session ${request.lent!.session}, which was there before the pool was refreshed`,
        before.drained.has(request.lent!.session) && after.drained.has(request.lent!.session) &&
          `${request.name} got session ${request.lent!.session}, which was on an instance when that was drained`
      )
    ),
    ...(isSuspended ? newlyFailed(before, after) : []).flatMap(({ failure, name }) =>
      breach(18, failuresOfWaiting.has(failure!) && `${name} failed with ${failure} while the pool was suspended`)
    )
  ]
}

/** Law 14: nothing of one lease's identity is seen by the next. */
const identitiesOfLeases: Law = (before, after) =>
  newlyLent(before, after).flatMap(({ identitiesSeen, lent, name }) =>
    breach(
      14,
      identitiesSeen.length > 0 &&
        `${name} got session ${lent!.session}, which still works for ${identitiesSeen.join()}`
    )
  )

/** Everything that can be said of what happened between two moments of rest. */
export const betweenRests = (before: Observation, after: Observation): ReadonlyArray<Breach> =>
  [order, expiry, uses, tags, identities, identitiesOfLeases, refusals, steering].flatMap((law) => law(before, after))
