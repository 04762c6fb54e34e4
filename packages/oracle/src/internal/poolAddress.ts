/** Where a pool's connect string leads, for spans that are made before a session is known. */
import * as Effect from "effect/Effect"
import type * as ConnectDescriptor from "../ConnectDescriptor.ts"

type Summary = Effect.Effect<ConnectDescriptor.Summary, unknown>

const summaries = new WeakMap<object, Summary>()

/** Notes what the connect string of a pool says; `summary` is asked by those who need it only. */
export const noteAddress = (pool: object, summary: Summary): void => {
  summaries.set(pool, summary)
}

/** A pool that stands for another one leads where that one does. */
export const shareAddress = (from: object, to: object): void => {
  const summary = summaries.get(from)
  if (summary !== undefined) summaries.set(to, summary)
}

/**
 * The service, and the host where there is one alone: of several the session knows which. Nothing where the connect string can be read
 * by the driver only.
 */
export const addressAttributes = (pool: object): Effect.Effect<Record<string, unknown>> => {
  const summary = summaries.get(pool)
  if (summary === undefined) return Effect.succeed({})
  return Effect.match(summary, {
    onFailure: () => ({}),
    onSuccess: ({ addresses, serviceName, sid }) => {
      const [address] = addresses
      const namespace = serviceName ?? sid
      return {
        ...(namespace !== undefined && namespace !== "" && { "db.namespace": namespace }),
        ...(addresses.length === 1 && address !== undefined
          && { "server.address": address.host, "server.port": address.port })
      }
    }
  })
}
