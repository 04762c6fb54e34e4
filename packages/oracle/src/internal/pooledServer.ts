/** Pooled servers (DRCP, PRCP): what a pool must not promise when the database lends it sessions of its own pool. */
import { type Connection, PoolError, type SessionPool } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import type { ConnectSettings } from "./connectSettings.ts"
import { driver } from "./oracledb.ts"

/** A boundary that the connect string itself asks for, as a descriptor or as a parameter of easy connect plus. */
const boundaryInText = /\bpool_boundary\s*=\s*(?:statement|transaction)\b/i

/** Whether the server's session changes under a session of this pool. */
export const changesServerSession = (settings: ConnectSettings): boolean =>
  settings.poolBoundary !== undefined || settings.serverPool === "release" ||
  boundaryInText.test(settings.connectString)

interface Hooks {
  readonly onSession?: unknown
  readonly resetSession?: unknown
}

type Problems = PoolError.InvalidOptionsError["problems"]

/** What cannot be had where the server exchanges its session under ours. */
export const pooledServerProblems = (settings: ConnectSettings, hooks: Hooks): Problems => {
  const problems: Array<Problems[number]> = []
  const releases = settings.serverPool === "release"
  if (releases && !driver.thin) {
    const problem =
      "cannot be \"release\" in Thick mode: Oracle's client library logs on again by itself, past the pool's " +
      "rules for refused passwords; use \"hold\", or poolBoundary"
    problems.push({ field: "serverPool", problem })
  }
  if (settings.connectString === undefined || !changesServerSession(settings)) return problems
  if (hooks.onSession !== undefined) {
    const problem =
      "would prepare only the first of the server's sessions: with serverPool \"release\" or poolBoundary the " +
      "server exchanges its session unseen; prepare each lease in onLease, or use serverPool \"hold\""
    problems.push({ field: "onSession", problem })
  }
  if (hooks.resetSession !== undefined) {
    const problem =
      "has nothing to reset: with serverPool \"release\" or poolBoundary the server has taken its session back " +
      "by then"
    problems.push({ field: "resetSession", problem })
  }
  return problems
}

/** The refusal of a tag where nothing can carry it. */
export const tagRefused = (pool: string, tag: string): PoolError.InvalidTagError =>
  new PoolError.InvalidTagError({
    pool,
    tag,
    problem: "a pooled server takes its session back between uses, and the next one knows nothing of the tag; use a " +
      "dedicated server for tags, or set the state anew in each lease"
  })

/** A pool that refuses tags, wherever they could be given. */
export const withoutTags = <C extends Connection.Connection, OE>(
  pool: SessionPool.SessionPool<C, OE>,
  name: string
): SessionPool.SessionPool<C, OE> => {
  type Use = typeof pool.use
  const refusalOf = (tag: string | undefined): PoolError.InvalidTagError | undefined =>
    // What is no text, the pool itself refuses.
    typeof tag !== "string" || tag.trim() === "" ? undefined : tagRefused(name, tag)
  return {
    ...pool,
    use: ((...args: Parameters<Use>) => {
      const request: { readonly tag?: string | undefined } = typeof args[0] === "function" ? {} : args[0]
      const refusal = refusalOf(request.tag)
      return refusal === undefined ? pool.use(...args) : Effect.fail(refusal)
    }) as Use,
    acquire: (request) => {
      const refusal = refusalOf(request?.tag)
      return refusal === undefined ? pool.acquire(request) : Effect.fail(refusal)
    },
    release: (connection, options) => {
      const refusal = refusalOf(options?.tag)
      return refusal === undefined ? pool.release(connection, options) : Effect.fail(refusal)
    }
  }
}
