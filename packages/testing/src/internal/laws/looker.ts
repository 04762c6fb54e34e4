/** Takes the picture of a pool, its server and its callers at a moment of rest. */
import type { Connection } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import type { Command } from "./command.ts"
import { isFree, type Observation, type SessionView, shardText } from "./observation.ts"
import type { Play } from "./play.ts"
import type { Breach } from "./restLaws.ts"
import { gaugesWrong } from "./seriesLaw.ts"
import type { Refusal } from "./subject.ts"

/** How long opening may pause after a failure, with its jitter. */
const longestPause = 1201

export class Looker<C extends Connection.Connection> {
  readonly #play: Play<C>
  /** What the log-ons up to the last look came to. */
  #logOns: ReadonlyArray<Breach> = []
  readonly #idle = new Map<number, { readonly leases: number; readonly since: number | undefined }>()

  constructor(play: Play<C>) {
    this.#play = play
  }

  /** What the server saw that must never be, what the log-ons came to, and what the metrics say. */
  get violations(): Effect.Effect<ReadonlyArray<Breach>> {
    return Effect.gen({ self: this }, function*() {
      const { bench, hasDefects, phase, pool, twins, world } = this.#play
      const { lateBreaks, violations } = bench.server
      const seen = yield* violations
      const late = lateBreaks === undefined ? [] : yield* lateBreaks
      const series = world.metrics === undefined || phase !== "open"
        ? []
        : gaugesWrong(world.metrics(), yield* pool.statistics, twins.length > 0)
      return [
        ...seen.map((problem) => ({ law: 3, problem: `the server saw that ${problem}` })),
        ...late.map((problem) => ({ law: 13, problem: `the server saw that ${problem}` })),
        ...series.map((problem) => ({ law: 17, problem })),
        // A driver whose functions throw may not say what a log-on was refused for.
        ...(hasDefects ? [] : this.#logOns)
      ]
    })
  }

  /** Looks at everything, after `command`. */
  look(command: Command | undefined): Effect.Effect<Observation, unknown> {
    return Effect.gen({ self: this }, function*() {
      const play = this.#play
      const { memory } = play
      const { server } = play.bench
      const now = play.world.now()
      const requests = play.callers.map((caller) => caller.view())
      const seen = yield* server.sessions
      const sessions = seen.map((session): SessionView => {
        const holder = requests.find(({ lent, stage }) => stage === "held" && lent!.session === session.number)
        const openedAt = memory.openedAt.get(session.number) ?? session.openedAt ?? now
        memory.openedAt.set(session.number, openedAt)
        const view: SessionView = {
          ...session,
          isAtWork: session.isAtWork === true || memory.inOnSession.has(session.number) ||
            memory.inResetSession.has(session.number),
          identity: memory.identities.get(session.number),
          wasLent: memory.identities.has(session.number),
          tag: memory.tags.get(session.number),
          shard: shardText(session),
          holder: holder?.name,
          openedAt,
          idleSince: undefined
        }
        return { ...view, idleSince: this.#idleAt(view, requests, now) }
      })
      const refusals = server.refusals === undefined ? undefined : yield* server.refusals
      const { hasRefused } = play
      // Before it is asked whether the pool's own account is in doubt.
      this.#logOns = play.logOns.look(refusals ?? [])
      const statistics = yield* play.pool.statistics
      // After a failure, opening goes on with one session; the others follow once that is open.
      const isProbed = ({ at, proxyUser, user }: Refusal): boolean =>
        statistics.opening > 0 &&
        !sessions.some((session) => session.openedAt > at && session.user === user && session.proxyUser === proxyUser)
      const backingOff = (user: string, at = now): boolean =>
        refusals === undefined ?
          hasRefused :
          refusals.some((refusal) =>
            !refusal.isAuthentication && (user === "" || refusal.user === user) && refusal.at <= at &&
            (at - refusal.at <= longestPause || isProbed(refusal))
          )
      return {
        now,
        command,
        settings: play.settings,
        phase: play.phase,
        statistics,
        sessions,
        // Looked at once more: sessions have told by now when they were opened.
        requests: play.callers.map((caller) => caller.view()),
        mostOpen: yield* server.mostOpen,
        mostAllowed: play.mostAllowed,
        mostInShard: play.mostInShard,
        backingOff,
        isOwnAccountInDoubt: play.isOwnAccountInDoubt,
        wasRefused: (user, since) =>
          refusals?.some((refusal) => refusal.isAuthentication && refusal.user === user && refusal.at >= since) ===
            true,
        isSuspended: play.suspensions.isOn && play.phase === "open",
        suspendedSince: (since) => play.suspensions.between(since, now),
        refreshed: new Set(play.refreshed),
        drained: new Set(play.drained),
        isTroubled: play.isTroubled,
        hasDefects: play.hasDefects,
        replaced: play.replaced,
        preparing: memory.inOnSession.size
      }
    })
  }

  /** Since when a session has been idle: being pinged in between does not count. */
  #idleAt(session: SessionView, requests: Observation["requests"], now: number): number | undefined {
    const leases = requests.filter(({ lent }) => lent?.session === session.number).length
    const known = this.#idle.get(session.number)
    const since = known !== undefined && known.leases === leases && session.holder === undefined
      ? known.since
      : undefined
    const idle = { leases, since: since ?? (isFree(session) ? now : undefined) }
    this.#idle.set(session.number, idle)
    return idle.since
  }
}
