/** What the console's buttons do, once the program has allowed it. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { AnyPool } from "./view.ts"

/** The body of a request that steers. */
export const Order = Schema.Struct({
  pool: Schema.Int,
  action: Schema.Literals(["refresh", "suspend", "resume", "drain", "size", "drainInstance", "undrainInstance"]),
  min: Schema.optional(Schema.Int),
  max: Schema.optional(Schema.Int),
  instance: Schema.optional(Schema.String)
})

export type Order = typeof Order.Type

/** What came of an order, as a sentence for whoever gave it. */
interface Answer {
  readonly status: number
  readonly text: string
}

const done = (text: string): Answer => ({ status: 200, text })

const answered = (order: Effect.Effect<void, { readonly message: string }>, text: string): Effect.Effect<Answer> =>
  Effect.match(order, { onSuccess: () => done(text), onFailure: ({ message }) => ({ status: 409, text: message }) })

/** Carries an order out. Draining goes on after the answer: it may take as long as the longest lease. */
export const carryOut = (pool: AnyPool, order: Order): Effect.Effect<Answer> => {
  switch (order.action) {
    case "drain":
      return Effect.as(
        Effect.forkDetach(
          Effect.ignore(Effect.flatMap(pool.settings, ({ drainTimeout }) => pool.close({ drainTimeout })))
        ),
        done("Draining: requests are refused now, and the pool closes when its leases have ended.")
      )
    case "size": {
      if (order.min === undefined && order.max === undefined) {
        return Effect.succeed({ status: 400, text: "Say which: min, max, or both." })
      }
      const changes = {
        ...(order.min === undefined ? undefined : { min: order.min }),
        ...(order.max === undefined ? undefined : { max: order.max })
      }
      return answered(pool.reconfigure(changes), "Changed.")
    }
    case "refresh":
      return answered(pool.refresh, "Every session is being replaced: idle ones now, busy ones as they come back.")
    case "drainInstance":
      return answered(
        pool.drain(order.instance ?? ""),
        "Sessions leave the instance: idle ones now, busy ones as they come back."
      )
    case "undrainInstance":
      return answered(pool.undrain(order.instance ?? ""), "The instance is not drained any more.")
    case "suspend":
      return answered(pool.suspend, "Requests wait until the pool is resumed.")
    case "resume":
      return answered(pool.resume, "Waiting requests are served.")
  }
}
