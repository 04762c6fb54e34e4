/** The pools that are compared, each behind the same two operations over a resource that costs nothing. */
import { Connection, type SessionDriver, SessionPool } from "@sessionpool/core"
import { Effect, Pool, type Scope } from "effect"
import { createPool } from "generic-pool"
import { Pool as LightningPool } from "lightning-pool"
import { Pool as TarnPool } from "tarn"

class Nothing extends Connection.Base {}

/** A driver whose every operation succeeds at once: what remains is the pool's own cost. */
const driver: SessionDriver.SessionDriver<object, Nothing> = {
  open: () => Effect.succeed({}),
  close: () => Effect.void,
  ping: () => Effect.void,
  reset: () => undefined,
  interrupt: () => Effect.void,
  isHealthy: () => true,
  isAuthenticationFailure: () => false,
  lease: (_session, lease) => new Nothing(lease)
}

/** One way to borrow and give back. */
export interface Candidate {
  readonly name: string
  /** Borrows and gives back `times` times, one after the other. */
  readonly run: (times: number) => Promise<void>
}

const repeat = <E>(lease: Effect.Effect<unknown, E>, times: number): Promise<void> => {
  let left = times
  return Effect.runPromise(Effect.asVoid(Effect.whileLoop({
    while: () => left-- > 0,
    body: () => lease,
    step: () => {}
  })))
}

const effectCandidate = <E>(name: string, lease: Effect.Effect<unknown, E>): Candidate => ({
  name,
  run: (times) => repeat(lease, times)
})

/** Everything that can borrow and give back, with `size` resources open. */
export const uncontended = (size: number): Effect.Effect<ReadonlyArray<Candidate>, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const pool = yield* SessionPool.make({
      driver,
      user: "bench",
      min: size,
      max: size,
      increment: size,
      waitForMin: true
    })
    const effectPool = yield* Pool.make({ acquire: Effect.succeed({}), size })
    const generic = yield* Effect.acquireRelease(
      Effect.sync(() =>
        createPool({ create: () => Promise.resolve({}), destroy: () => Promise.resolve() }, { min: size, max: size })
      ),
      (resource) => Effect.promise(async () => void await resource.drain().then(() => resource.clear()))
    )
    const tarn = yield* Effect.acquireRelease(
      Effect.sync(() => new TarnPool({ create: () => Promise.resolve({}), destroy: () => {}, min: size, max: size })),
      (resource) => Effect.promise(async () => void await resource.destroy())
    )
    const lightning = yield* Effect.acquireRelease(
      Effect.sync(() =>
        new LightningPool(
          { create: () => Promise.resolve({}), destroy: () => Promise.resolve() },
          { min: size, max: size }
        )
      ),
      (resource) => Effect.promise(async () => void await resource.closeAsync(true))
    )
    return [
      effectCandidate("sessionpool use", pool.use(() => Effect.void)),
      effectCandidate("Effect Pool.use", Pool.use(effectPool, () => Effect.void)),
      effectCandidate("sessionpool acquire (scoped)", Effect.scoped(pool.acquire())),
      effectCandidate("Effect Pool.get (scoped)", Effect.scoped(Pool.get(effectPool))),
      effectCandidate("sessionpool use, exact tag", pool.use({ tag: "A=1" }, (connection) => connection.setTag("A=1"))),
      {
        name: "generic-pool",
        run: async (times) => {
          for (let i = 0; i < times; i++) await generic.release(await generic.acquire())
        }
      },
      {
        name: "tarn",
        run: async (times) => {
          for (let i = 0; i < times; i++) tarn.release(await tarn.acquire().promise)
        }
      },
      {
        name: "lightning-pool",
        run: async (times) => {
          for (let i = 0; i < times; i++) await lightning.releaseAsync(await lightning.acquire())
        }
      }
    ]
  })
