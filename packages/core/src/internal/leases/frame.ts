/** The effects of a lease, made once and used again. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Connection } from "../../Connection.ts"
import type { AcquireError } from "../../PoolError.ts"
import { ask, served, take } from "./asking.ts"
import { effectOf } from "./effectOf.ts"
import { finish } from "./ending.ts"
import type { Lease } from "./lease.ts"
import { endsWith, isClosed } from "./scopeFinalizer.ts"

/** How many frames are kept to be used again. */
const kept = 64

/** What a caller does with a connection. */
export type Body<C> = (connection: C) => Effect.Effect<unknown, unknown, unknown>

/**
 * Runs `body` with a connection and then ends the lease, whatever happens, or hands its end to `scope`. What ends it is installed before
 * the session is taken inside it, so no interrupt can fall between, nothing has to be uninterruptible, and a scope is not burdened with
 * what never was.
 *
 * Making these effects costs about as much as lending a session, and they are the same for every lease but for what runs in them. So
 * a frame is used again, by one lease at a time. One that was broken off before it began is left to the garbage collector.
 */
export class Frame<S, C extends Connection, E, OE> {
  lease: Lease<S, C, E, OE> | undefined = undefined
  body: Body<C> | undefined = undefined
  scope: Scope.Scope | undefined = undefined
  left: Effect.Effect<C, AcquireError | OE> | undefined = undefined

  /** Waits until the outcome is known; a session in it is the waiter's already, so an interrupt here loses nothing. */
  readonly asleep: Effect.Effect<void> = Effect.callback((resume) => {
    const waiter = this.lease!.waiter!
    if (waiter.outcome !== undefined) resume(Effect.void)
    else waiter.wake = resume
  })
  readonly #inside = (connection: C) => effectOf("use", this.body!(connection))
  readonly #waiting = Effect.flatMap(this.asleep, () => this.#goOn(served(this, this.lease!.fiber?.context)))
  readonly effect: Effect.Effect<unknown, unknown, unknown>

  constructor(free: Array<Frame<S, C, E, OE>>) {
    this.effect = Effect.onExitPrimitive(
      Effect.withFiber((fiber) => {
        const connection = take(this.lease!, fiber)
        return connection === undefined ? this.#ask(fiber) : this.#inside(connection)
      }),
      (exit) => {
        const { scope } = this
        const lease = this.lease!
        this.lease = undefined
        this.body = undefined
        this.scope = undefined
        this.left = undefined
        if (free.length < kept) free.push(this)
        if (scope === undefined || exit._tag === "Failure" || isClosed(scope)) return finish(lease)
        endsWith(scope, lease)
        return undefined
      }
    )
  }

  #ask(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<unknown, unknown, unknown> {
    const connection = ask(this, fiber)
    return connection === undefined && this.left === undefined ? this.#waiting : this.#goOn(connection)
  }

  /** What belongs to the caller begins once the step is complete. */
  #goOn(connection: C | undefined): Effect.Effect<unknown, unknown, unknown> {
    return connection === undefined ? Effect.flatMap(this.left!, this.#inside) : this.#inside(connection)
  }
}
