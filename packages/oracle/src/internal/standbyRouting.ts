/**
 * One pool over two: leases of read-only work go to the standby, the others to the primary, and after one's own writes all of them for a time.
 * What a region of a program does, and whose writes are whose, is carried by the fiber; nothing here looks at statements.
 */
import { type Connection, PoolError, type SessionPool, type SessionRequest } from "@sessionpool/core"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

export type Access = "write" | "read" | "newest"

export const Access: Context.Reference<Access> = Context.Reference<Access>("@sessionpool/oracle/OracleStandby/Access", {
  defaultValue: () => "write"
})

/** When one of several writes has ended is noted once, however often it is told. */
type End = (now: number) => void

/** The writes of one unit of work, as far as reads after them are concerned: whether one is under way, and when the last has ended. */
export class Writes {
  #underWay = 0
  /** By the monotonic clock, in milliseconds. */
  #lastEnded = -Infinity

  begin(): End {
    this.#underWay++
    let isOver = false
    return (now) => {
      if (isOver) return
      isOver = true
      this.#underWay--
      this.#lastEnded = now
    }
  }

  /** Whether what was written may not be on the standby yet. */
  areFresh(now: number, millis: number): boolean {
    return this.#underWay > 0 || now - this.#lastEnded < millis
  }
}

const ofProcess = new Writes()

export const CurrentWrites: Context.Reference<Writes> = Context.Reference<Writes>(
  "@sessionpool/oracle/OracleStandby/CurrentWrites",
  { defaultValue: () => ofProcess }
)

const clockMillis = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000

const note = (end: End): Effect.Effect<void> => Effect.clockWith((clock) => Effect.sync(() => end(clockMillis(clock))))

/** A standby that cannot be reached, or is closed, is no reason for a read to fail. One that is busy is: its load must not move. */
const isOutOfReach = (error: unknown): boolean =>
  error instanceof PoolError.OpenSessionError || error instanceof PoolError.PoolClosedError

/** How long a standby that could not be reached is left alone, in milliseconds; then one read tries it, and the others do not wait for that. */
const leftAlone = 1000

/** Whether the standby can be reached, as far as is known. */
class Reach {
  #isLost = false
  #isTried = false
  #nextTry = 0

  mayBeTried(now: number): boolean {
    return !this.#isLost || (!this.#isTried && now >= this.#nextTry)
  }

  begin(): void {
    if (this.#isLost) this.#isTried = true
  }

  reached(): void {
    this.#isLost = false
    this.#isTried = false
  }

  lost(now: number): void {
    this.#isLost = true
    this.#isTried = false
    this.#nextTry = now + leftAlone
  }

  /** It is not known what the try would have come to. */
  gaveUp(): void {
    this.#isTried = false
  }
}

const routedPools = new WeakSet<object>()

/** Whether a pool takes its sessions from two databases. */
export const isRouted = (pool: object): boolean => routedPools.has(pool)

/** Where a lease goes; `writes` are those that it is one of. */
interface Way {
  readonly to: "primary" | "standby"
  readonly writes: Writes | undefined
}

type Body<C> = (connection: C) => Effect.Effect<unknown, unknown, unknown>
type Request = SessionRequest.SessionRequest

/** `afterWrites` is for how many milliseconds reads go to the primary after a write. */
export const routed = <C extends Connection.Connection, E>(
  primary: SessionPool.SessionPool<C, E>,
  standby: SessionPool.SessionPool<C, E>,
  afterWrites: number
): SessionPool.SessionPool<C, E> => {
  type Pool = SessionPool.SessionPool<C, E>
  /** Connections of the standby, which go back to it. */
  const ofStandby = new WeakSet<C>()
  /** What ends the write that a connection counts as. */
  const ends = new WeakMap<C, End>()

  const reach = new Reach()

  /** Where the next lease of this fiber goes, and whether that is a write. */
  const wayOf = Effect.withFiber((fiber): Effect.Effect<Way> => {
    const access = fiber.getRef(Access)
    const writes = fiber.getRef(CurrentWrites)
    if (access === "write") return Effect.succeed({ to: "primary", writes })
    const now = clockMillis(fiber.getRef(Clock.Clock))
    const isOfPrimary = access === "newest" || writes.areFresh(now, afterWrites) || !reach.mayBeTried(now)
    return Effect.succeed({ to: isOfPrimary ? "primary" : "standby", writes: undefined })
  })

  /** A lease of the standby; `otherwise` where that cannot be reached, as long as `hasBegun` does not say that there was one. */
  const trying = <A, E2, R, E3, R2>(
    lease: Effect.Effect<A, E2, R>,
    hasBegun: () => boolean,
    otherwise: Effect.Effect<A, E3, R2>
  ): Effect.Effect<A, E2 | E3, R | R2> =>
    Effect.suspend(() => {
      reach.begin()
      return Effect.onExit(lease, () => Effect.sync(() => reach.gaveUp()))
    }).pipe(
      Effect.catchIf(
        (error) => !hasBegun() && isOutOfReach(error),
        () => Effect.andThen(Effect.clockWith((clock) => Effect.sync(() => reach.lost(clockMillis(clock)))), otherwise)
      )
    )

  const acquireOf = (pool: Pool, request: Request | undefined): ReturnType<Pool["acquire"]> =>
    request === undefined ? pool.acquire() : pool.acquire(request)

  const acquire: Pool["acquire"] = (request) =>
    Effect.flatMap(wayOf, ({ to, writes }) => {
      if (to === "standby") {
        const ofIt = Effect.tap(acquireOf(standby, request), (connection) =>
          Effect.sync(() => {
            reach.reached()
            ofStandby.add(connection)
          }))
        return trying(ofIt, () => false, acquireOf(primary, request))
      }
      if (writes === undefined) return acquireOf(primary, request)
      // It ends after the lease: finalizers run in reverse.
      return Effect.acquireRelease(Effect.sync(() => writes.begin()), note).pipe(
        Effect.flatMap((end) =>
          acquireOf(primary, request).pipe(
            Effect.tap((connection) => Effect.sync(() => ends.set(connection, end))),
            Effect.onError(() => note(end))
          )
        )
      )
    })

  const useOf = (
    pool: Pool,
    request: Request | undefined,
    body: Body<C>
  ): Effect.Effect<unknown, unknown, unknown> => request === undefined ? pool.use(body) : pool.use(request, body)

  const use = (first: Request | Body<C>, second?: Body<C>): Effect.Effect<unknown, unknown, unknown> => {
    const request = typeof first === "function" ? undefined : first
    const body = typeof first === "function" ? first : second!
    return Effect.flatMap(wayOf, ({ to, writes }) => {
      if (to === "standby") {
        let hasBegun = false
        const onStandby = useOf(standby, request, (connection) => {
          hasBegun = true
          reach.reached()
          ofStandby.add(connection)
          return body(connection)
        })
        // What the body itself fails with is not the standby's failure.
        return trying(onStandby, () => hasBegun, useOf(primary, request, body))
      }
      if (writes === undefined) return useOf(primary, request, body)
      return Effect.acquireUseRelease(
        Effect.sync(() => writes.begin()),
        (end) =>
          useOf(primary, request, (connection) => {
            ends.set(connection, end)
            return body(connection)
          }),
        note
      )
    })
  }

  /** Ends a lease on the pool that it is of, and with it the write that it counted as. */
  const ending = <A, E2>(connection: C, end: (pool: Pool) => Effect.Effect<A, E2>): Effect.Effect<A, E2> =>
    Effect.tap(
      Effect.suspend(() => end(ofStandby.has(connection) ? standby : primary)),
      () =>
        Effect.suspend(() => {
          const over = ends.get(connection)
          return over === undefined ? Effect.void : note(over)
        })
    )

  const pool: Pool = {
    ...primary,
    acquire,
    use: use as Pool["use"],
    release: (connection, options) => ending(connection, (pool) => pool.release(connection, options)),
    drop: (connection) => ending(connection, (pool) => pool.drop(connection))
  }
  routedPools.add(pool)
  return pool
}
