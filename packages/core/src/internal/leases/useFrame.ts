/** The effect of `pool.use`, made once and used again. */
import * as Effect from "effect/Effect"
import type { Connection } from "../../Connection.ts"
import { ask, take } from "./asking.ts"
import { effectOf } from "./effectOf.ts"
import { finish } from "./ending.ts"
import type { Lease } from "./lease.ts"

/** How many frames are kept to be used again. */
const kept = 64

/** What a caller does with a connection. */
export type Body<C> = (connection: C) => Effect.Effect<unknown, unknown, unknown>

/**
 * The effect that runs `body` with a connection and then ends the lease, whatever happens: the end is installed before the
 * session is taken inside it, so no interrupt can fall between.
 *
 * Making this effect costs about as much as lending a session, and it is the same for every run but for what runs in it. So
 * a frame is used again, by one run at a time.
 */
class Frame<S, C extends Connection, E, OE> {
  lease: Lease<S, C, E, OE> | undefined = undefined
  body: Body<C> | undefined = undefined
  readonly effect: Effect.Effect<unknown, unknown, unknown>
  readonly #inside = (connection: C) => effectOf("use", this.body!(connection))

  constructor(free: Array<Frame<S, C, E, OE>>) {
    this.effect = Effect.onExitPrimitive(
      Effect.withFiber((fiber) => {
        const lease = this.lease!
        const connection = take(lease, fiber)
        return connection === undefined ? Effect.flatMap(ask(lease, fiber), this.#inside) : this.#inside(connection)
      }),
      () => {
        const lease = this.lease!
        this.lease = undefined
        this.body = undefined
        if (free.length < kept) free.push(this)
        return finish(lease)
      }
    )
  }
}

/** The frames of one pool. A run that is broken off before its frame has begun leaves it to the garbage collector. */
export class UseFrames<S, C extends Connection, E, OE> {
  readonly #free: Array<Frame<S, C, E, OE>> = []

  /** Runs `body` with the connection of `lease`, which has not begun. */
  run(lease: Lease<S, C, E, OE>, body: Body<C>): Effect.Effect<unknown, unknown, unknown> {
    const frame = this.#free.pop() ?? new Frame(this.#free)
    frame.lease = lease
    frame.body = body
    return frame.effect
  }
}
