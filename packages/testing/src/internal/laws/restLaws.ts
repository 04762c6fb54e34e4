/** The laws that a single picture, or two in a row, must obey: sizes, states, holders, waiters, eviction. */
import {
  freeSessions,
  isHeld,
  isLendable,
  isOfIdentity,
  isWaiting,
  type Observation,
  rankOf,
  type RequestView,
  sessionsAtWork,
  slots
} from "./observation.ts"

/** A law that does not hold, and how. */
export interface Breach {
  readonly law: number
  readonly problem: string
}

type Law = (before: Observation, after: Observation) => ReadonlyArray<Breach>

const breach = (law: number, ...problems: ReadonlyArray<string | false>): ReadonlyArray<Breach> =>
  problems.filter((problem) => problem !== false).map((problem) => ({ law, problem }))

/** Whether sessions may be opened past `max`: requests that were made with "forceGet" keep that right. */
const forces = (picture: Observation) =>
  picture.settings.getMode === "forceGet" ||
  picture.requests.some((request) => isWaiting(request) && request.mode === "forceGet")

/** Law 1: `opened <= max` unless `forceGet`, at the server too. */
const size: Law = (before, after) => {
  const { max } = after.settings
  if (forces(before) || forces(after)) return []
  const taken = slots(after)
  const atServer = after.sessions.length + after.statistics.opening
  const shards = new Set(after.sessions.flatMap(({ shard }) => shard === undefined ? [] : [shard]))
  const of = (picture: Observation, shard: string) =>
    picture.sessions.filter((session) => session.shard === shard).length
  return breach(
    1,
    taken > max && taken > slots(before) && `${taken} sessions are open, opening or closing, but max is ${max}`,
    atServer > max && atServer > before.sessions.length + before.statistics.opening &&
      `the server has ${atServer} sessions open or opening, but max is ${max}`,
    after.mostOpen > after.mostAllowed &&
      `the server had ${after.mostOpen} sessions at once, but max was never above ${after.mostAllowed}`,
    ...[...shards].map((shard) =>
      of(after, shard) > after.mostInShard &&
      `shard ${shard} has ${of(after, shard)} sessions, but maxSessionsPerShard was never above ${after.mostInShard}`
    )
  )
}

/** Law 2: every session is in exactly one state, and the counts say so. */
const states: Law = (_, after) => {
  const { busy, closing, idle, opened, opening, pending } = after.statistics
  const held = after.requests.filter(isHeld).length
  const waiting = after.requests.filter(isWaiting).length
  const atWork = sessionsAtWork(after)
  const free = freeSessions(after).length
  // A caller whose session is being prepared, or made up for after a defect, waits without being in the queue.
  const served = after.preparing + (after.hasDefects ? atWork : 0)
  return breach(
    2,
    [busy, closing, idle, opened, opening, pending].some((count) => count < 0) && "a count is negative",
    opened !== idle + busy && `opened is ${opened}, but idle and busy are ${idle} and ${busy}`,
    after.sessions.length !== opened + closing &&
      `the server has ${after.sessions.length} sessions, the pool counts ${opened} open and ${closing} closing`,
    after.phase === "open" && (busy < held || busy > held + atWork) &&
      `the pool counts ${busy} busy sessions, callers hold ${held} and ${atWork} are being worked on`,
    after.phase === "open" && (free > idle || idle > free + atWork) &&
      `the pool counts ${idle} idle sessions, at the server ${free} are free and ${atWork} being worked on`,
    (pending > waiting || pending < waiting - served) &&
      `the pool counts ${pending} waiting requests, there are ${waiting}`
  )
}

/** Law 3: no session has two holders. */
const holders: Law = (_, after) => {
  const bySession = new Map<number, Array<string>>()
  for (const request of after.requests.filter(isHeld)) {
    const session = request.lent!.session
    bySession.set(session, [...bySession.get(session) ?? [], request.name])
  }
  return [...bySession].flatMap(([session, names]) =>
    breach(3, names.length > 1 && `session ${session} is held by ${names.join(" and ")}`)
  )
}

/** Law 4, as far as it can be seen while the pool lives: a closed pool has nothing open. */
const closed: Law = (_, after) =>
  breach(4, after.phase === "closed" && after.sessions.length > 0 && "the pool is closed, but sessions are open")

/** Whether a shard may be what a request waits for. */
const mayWaitForShard = ({ settings }: Observation, { wanted }: RequestView): boolean =>
  wanted.shard !== undefined && settings.maxSessionsPerShard > 0

/** Law 5: no request waits for nothing. */
const waiters: Law = (_, after) => {
  if (after.phase !== "open" || after.isSuspended) return []
  const waiting = after.requests.filter(isWaiting)
  const free = freeSessions(after)
  const overdue = waiting.filter((request) =>
    after.now - request.since - after.suspendedSince(request.since) > request.limit
  )
  const fitting = waiting.flatMap((request) => {
    const session = free.find((session) =>
      isLendable(session, after) && isOfIdentity(session, request.wanted) &&
      rankOf(request.wanted, session) !== undefined
    )
    return session === undefined ? [] : [`${request.name} waits while session ${session.number} is idle and fits it`]
  })
  const openable = waiting.filter((request) =>
    !after.backingOff(request.wanted.user) && !mayWaitForShard(after, request) &&
    !(request.request.password === undefined && after.isOwnAccountInDoubt) && !after.hasDefects &&
    // Refused credentials are not tried again; who came with them may wait for an opening that was begun before.
    !(request.wanted.isPasswordWrong && after.statistics.opening > 0)
  )
  const toCome = after.statistics.opening + after.statistics.closing + sessionsAtWork(after)
  const room = after.settings.max - slots(after)
  const impatient = openable.filter(({ mode }) => mode === "noWait" || mode === "forceGet")
  return breach(
    5,
    impatient.length > toCome &&
      `${impatient.map(({ name }) => name).join(", ")} wait for others to end their leases, in get mode ${
        impatient[0]!.mode
      }`,
    // A session may be being pinged for a request that another one would fit as well.
    ...(fitting.length > sessionsAtWork(after) ? fitting : []),
    openable.length > toCome && room > 0 &&
      `${openable.map(({ name }) => name).join(", ")} wait while there is room for ${room} sessions`,
    // What another identity has idle within its fair share stays.
    openable.length > toCome && free.length > 0 && slots(after) <= after.settings.max &&
      after.settings.maxSessionsPerIdentity === 0 &&
      `${openable.map(({ name }) => name).join(", ")} wait while session ${
        free[0]!.number
      } is idle and could make room`,
    ...(overdue.length <= after.preparing ? [] : overdue).map(({ limit, name }) =>
      `${name} still waits, though its time of ${limit} ms is over`
    )
  )
}

/** Law 7: what is idle for too long or too old goes, what is in use stays, and eviction stops at `min`. */
const eviction: Law = (before, after) => {
  if (after.phase !== "open") return []
  const { hasOwnUser, max, maxLifetimeSession, min, timeout } = after.settings
  const { closing, opened, opening } = after.statistics
  const free = freeSessions(after)
  const held = after.requests.filter(isHeld)
  const isFull = opened + opening + closing >= max
  return breach(
    7,
    ...held.map(({ lent, name }) =>
      !after.sessions.some((session) => session.number === lent!.session) &&
      `session ${lent!.session} was closed while ${name} held it`
    ),
    ...free.map((session) =>
      maxLifetimeSession > 0 && after.now - session.openedAt > maxLifetimeSession + 1 &&
      `session ${session.number} is idle, though it is older than maxLifetimeSession (${maxLifetimeSession} ms)`
    ),
    ...free.map((session) =>
      timeout > 0 && opened > min && session.idleSince !== undefined && after.now - session.idleSince > timeout + 1 &&
      `session ${session.number} has been idle for longer than timeout (${timeout} ms) and ${opened} are open, min is ${min}`
    ),
    hasOwnUser && opened + opening < min && !isFull && !after.isSuspended && !after.backingOff("") &&
      !before.backingOff("") &&
      !before.isOwnAccountInDoubt && !after.isOwnAccountInDoubt && !after.hasDefects &&
      `${opened} sessions are open, fewer than min (${min})`
  )
}

/** Requests that may need a session of their own where another one is idle: those that some session of the pool does not fit. */
const mayNeedRoom = (all: ReadonlyArray<RequestView>): ReadonlyArray<RequestView> => {
  const isOneIdentity = all.every(({ wanted }) => wanted.identity === all[0]!.wanted.identity)
  return isOneIdentity ? all.filter(({ wanted }) => !wanted.matchAnyTag || wanted.fresh) : all
}

/** Law 18, as far as it can be seen at rest: what was on an instance when that was drained is in use or gone. */
const drains: Law = (_, after) => {
  if (after.phase !== "open" || after.isTroubled) return []
  return breach(
    18,
    ...freeSessions(after).map(({ instance, number }) =>
      after.drained.has(number) && `session ${number} is idle, but was on ${instance} when that was drained`
    )
  )
}

/** Law 11: one request causes at most one replacement. */
const replacements: Law = (_, after) => {
  const most = mayNeedRoom(after.requests).length
  return breach(
    11,
    after.replaced > most && `${after.replaced} sessions were replaced for ${most} requests that may have needed it`
  )
}

/** Law 13: a lease that has ended leaves nothing running. */
const quietAfterLeases: Law = (_, after) => {
  const atWork = new Set(after.sessions.filter(({ isAtWork }) => isAtWork === true).map(({ number }) => number))
  return breach(
    13,
    ...after.requests.map(({ lent, name, running, stage }) =>
      stage === "ended" && running.length > 0 && !atWork.has(lent!.session) &&
      `the lease of ${name} has ended, but its statements still run: ${running.join(", ")}`
    ),
    ...freeSessions(after).map(({ isRunning, number }) =>
      isRunning === true && `session ${number} is free, but a statement runs on it`
    )
  )
}

/** Law 15: no fiber runs inside a step. Who waited for a pool with `min` sessions finds them idle, not half lent. */
const steps: Law = (_, after) => {
  const { asksAtOnce, hasOwnUser, min } = after.settings
  const { opened } = after.statistics.totals
  return breach(
    15,
    after.command === undefined && hasOwnUser && asksAtOnce > 0 && asksAtOnce <= min && opened > min &&
      `${opened} sessions were opened for ${asksAtOnce} requests that were made when the ${min} of min were there`
  )
}

/** Everything that can be said of one moment of rest. */
export const atRest = (before: Observation, after: Observation): ReadonlyArray<Breach> =>
  [size, states, holders, closed, waiters, eviction, drains, replacements, quietAfterLeases, steps].flatMap((law) =>
    law(before, after)
  )
