/** Pooled servers (DRCP, PRCP): what a pool must not promise when the database lends it sessions of its own pool. */
import { PoolError, type SessionPool } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import type { OracleConnection } from "../OracleConnection.ts"
import type { ConnectSettings } from "./connectSettings.ts"

/** Whether the server's session changes under a session of this pool. */
export const changesServerSession = (settings: ConnectSettings): boolean =>
  settings.poolBoundary !== undefined || settings.serverPool === "release"

/** The refusal of a tag where nothing can carry it. */
export const tagRefused = (pool: string, tag: string): PoolError.InvalidTagError =>
  new PoolError.InvalidTagError({
    pool,
    tag,
    problem: "a pooled server takes its session back between uses, and the next one knows nothing of the tag; use a " +
      "dedicated server for tags, or set the state anew in each lease"
  })

type Pool<OE> = SessionPool.SessionPool<OracleConnection, OE>

/** A pool that refuses tags, wherever they could be given. */
export const withoutTags = <OE>(pool: Pool<OE>, name: string): Pool<OE> => {
  const refusalOf = (tag: string | undefined): PoolError.InvalidTagError | undefined =>
    tag === undefined || tag.trim() === "" ? undefined : tagRefused(name, tag)
  return {
    ...pool,
    use: ((...args: Parameters<Pool<OE>["use"]>) => {
      const request: { readonly tag?: string | undefined } = typeof args[0] === "function" ? {} : args[0]
      const refusal = refusalOf(request.tag)
      return refusal === undefined ? pool.use(...args) : Effect.fail(refusal)
    }) as Pool<OE>["use"],
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
