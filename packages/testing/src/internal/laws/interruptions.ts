/**
 * Law 10. Every operation is run again and again, each time interrupted one task later, with fibers that yield after few
 * operations; whatever had happened by then, the pool must be whole afterwards.
 */
import type { Connection, SessionPool, SessionRequest } from "@sessionpool/core"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { worldFor } from "./sequences.ts"
import type { Bench, PoolSettings, PreparationFailed, Server, Subject } from "./subject.ts"
import { complete, type World } from "./world.ts"

type Pool<C extends Connection.Connection> = SessionPool.SessionPool<C, PreparationFailed>

/** What an operation under the sweep can use. */
interface Setting<C extends Connection.Connection> {
  readonly pool: Pool<C>
  /** Makes one more pool on the same server, under the account that all use. */
  readonly makePool: (settings: PoolSettings<C>) => Effect.Effect<Pool<C>, unknown, Scope.Scope>
  readonly server: Server<C>
  /** Takes a session and holds it, in a fiber of its own, until `free`. */
  readonly hold: (request?: SessionRequest.SessionRequest) => Effect.Effect<{
    readonly connection: C
    readonly free: Effect.Effect<void>
  }>
}

/** One operation under the sweep. */
interface Swept<C extends Connection.Connection> {
  readonly name: string
  readonly settings: PoolSettings<C>
  /** Brings the pool into the state that it is about; the answer is what is then interrupted, and what goes on beside it. */
  readonly prepare: (
    setting: Setting<C>
  ) => Effect.Effect<{
    readonly target: Effect.Effect<unknown, unknown>
    readonly beside?: ReadonlyArray<Effect.Effect<unknown, unknown>>
  }>
  /** Whether the pool may be closed afterwards. */
  readonly closes?: boolean
}

/** Why a pool is not whole. */
export interface SweepFailure {
  readonly problems: ReadonlyArray<string>
  readonly lines: ReadonlyArray<string>
}

/** The most tasks that an operation may take before it counts as one that does not end. */
const mostPoints = 5000
/** Longer than every timeout of the pool together. */
const longEnough = 120_000

const use = <C extends Connection.Connection>(pool: Pool<C>, request: SessionRequest.SessionRequest = {}) =>
  pool.use(request, () => Effect.yieldNow)

const acquire = <C extends Connection.Connection>(pool: Pool<C>, request: SessionRequest.SessionRequest = {}) =>
  Effect.scoped(Effect.andThen(pool.acquire(request), Effect.yieldNow))

const operations = <C extends Connection.Connection>(): ReadonlyArray<Swept<C>> => [
  {
    name: "acquire a session that is idle",
    settings: { max: 1 },
    prepare: ({ pool }) => Effect.as(Effect.orDie(use(pool)), { target: acquire(pool) })
  },
  {
    name: "acquire while a session is opened",
    settings: { max: 2, increment: 2 },
    prepare: ({ pool }) => Effect.succeed({ target: acquire(pool) })
  },
  {
    name: "acquire and wait for one who gives back",
    settings: { max: 1 },
    prepare: ({ hold, pool }) =>
      Effect.map(hold(), ({ free }) => ({ target: acquire(pool), beside: [free, Effect.ignore(use(pool))] }))
  },
  {
    name: "give back to one who waits",
    settings: { max: 1 },
    prepare: ({ pool }) => Effect.succeed({ target: use(pool), beside: [use(pool), acquire(pool)] })
  },
  {
    name: "acquire in place of a session with another tag",
    settings: { max: 1 },
    prepare: ({ hold, pool }) =>
      Effect.flatMap(
        hold(),
        ({ connection, free }) =>
          Effect.andThen(Effect.orDie(connection.setTag("A=1")), Effect.as(free, { target: acquire(pool) }))
      )
  },
  {
    name: "acquire with onSession",
    settings: {
      max: 1,
      onSession: (connection, { requestedTag }) =>
        Effect.andThen(Effect.yieldNow, Effect.orDie(connection.setTag(requestedTag)))
    },
    prepare: ({ pool }) => Effect.as(Effect.orDie(use(pool)), { target: acquire(pool, { tag: "A=1" }) })
  },
  {
    name: "acquire a session that is pinged first",
    settings: { max: 2, pingInterval: 0 },
    prepare: ({ pool }) => Effect.as(Effect.orDie(use(pool)), { target: acquire(pool) })
  },
  {
    name: "acquire when the session that is pinged is dead",
    settings: { max: 1, pingInterval: 0 },
    prepare: ({ pool, server }) =>
      Effect.as(Effect.andThen(Effect.orDie(use(pool)), server.killAll), { target: acquire(pool) })
  },
  {
    name: "acquire with a limit on the wait",
    settings: { max: 1 },
    prepare: ({ hold, pool }) => Effect.as(hold(), { target: Effect.ignore(acquire(pool, { waitTimeout: 1000 })) })
  },
  {
    name: "use",
    settings: { max: 1 },
    prepare: ({ pool }) => Effect.as(Effect.orDie(use(pool)), { target: use(pool) })
  },
  {
    name: "use with something to reset",
    settings: { max: 1, resetSession: () => Effect.yieldNow },
    prepare: ({ pool, server }) =>
      Effect.succeed({
        target: pool.use((connection) => server.begin?.(connection) ?? Effect.void),
        beside: [use(pool)]
      })
  },
  {
    name: "a statement in flight",
    settings: { max: 1 },
    prepare: ({ pool, server }) =>
      Effect.as(server.behave?.("execute", { latency: 1000 }) ?? Effect.void, {
        target: pool.use(server.execute),
        beside: [use(pool)]
      })
  },
  {
    name: "release with another tag",
    settings: { max: 1 },
    prepare: ({ hold, pool }) =>
      Effect.map(hold(), ({ connection, free }) => ({
        target: Effect.ensuring(pool.release(connection, { tag: "B=2" }), free),
        beside: [use(pool, { tag: "B=2" })]
      }))
  },
  {
    name: "drop",
    settings: { max: 1 },
    prepare: ({ hold, pool }) =>
      Effect.map(hold(), ({ connection, free }) => ({
        target: Effect.ensuring(pool.drop(connection), free),
        beside: [use(pool)]
      }))
  },
  {
    name: "reconfigure",
    settings: { max: 1 },
    prepare: ({ hold, pool }) =>
      Effect.map(hold(), () => ({ target: pool.reconfigure({ max: 3, min: 2 }), beside: [use(pool)] }))
  },
  {
    name: "make a pool and wait until min sessions are open",
    settings: { max: 1 },
    prepare: ({ makePool }) => Effect.succeed({ target: Effect.scoped(makePool({ min: 2, max: 2, waitForMin: true })) })
  },
  {
    name: "close",
    settings: { min: 2, max: 2 },
    closes: true,
    prepare: ({ pool }) => Effect.succeed({ target: Effect.ignore(pool.close()), beside: [Effect.ignore(use(pool))] })
  },
  {
    name: "close and drain",
    settings: { max: 2 },
    closes: true,
    prepare: ({ hold, pool }) =>
      Effect.map(hold(), () => ({
        target: pool.close({ drainTimeout: 100 }),
        beside: [Effect.ignore(use(pool))]
      }))
  },
  {
    name: "close by force",
    settings: { max: 1 },
    closes: true,
    prepare: ({ hold, pool }) =>
      Effect.map(hold(), () => ({ target: pool.close({ force: true }), beside: [Effect.ignore(use(pool))] }))
  }
]

/** Notes what is wrong with a pool that nobody uses any more. */
const examine = <C extends Connection.Connection>(
  world: World,
  bench: Bench<C>,
  pool: Pool<C>,
  closes: boolean
): Effect.Effect<ReadonlyArray<string>, unknown> =>
  Effect.gen(function*() {
    const problems = [...yield* bench.server.violations]
    const { busy, closing, idle, max, opened, opening, pending } = yield* pool.statistics
    const atServer = (yield* bench.server.sessions).length
    const counts =
      `${opened} open, ${busy} busy, ${idle} idle, ${opening} opening, ${closing} closing, ${pending} waiting`
    if (busy !== 0 || pending !== 0 || opened !== idle || opened > max || atServer !== opened + closing) {
      problems.push(`nobody uses the pool, but it counts ${counts}, and ${atServer} sessions are at the server`)
    }
    const fresh = world.fork(use(pool))
    yield* world.advance === undefined ? world.settle : world.advance(longEnough)
    if (world.advance === undefined) yield* Fiber.await(fresh)
    const exit = fresh.pollUnsafe()
    if (exit === undefined) {
      problems.push(`a fresh request waits for ever: ${counts}`)
      fresh.interruptUnsafe()
    } else if (Exit.isFailure(exit) && !(closes && String(exit.cause).includes("PoolClosedError"))) {
      problems.push(`a fresh request fails: ${String(exit.cause)}`)
    }
    return problems
  })

/** Whom an interruption hits: the operation, one that goes on beside it, or the pool as a whole, whose scope closes. */
type Victim = number | "scope"

const describeVictim = (victim: Victim): string =>
  victim === "scope" ? "close the pool's scope" : victim === 0 ? "interrupt it" : `interrupt number ${victim} beside it`

/** Runs one operation once and strikes before task `point`; the answer is whether the victim was still running then. */
const strikeAt = <C extends Connection.Connection>(
  subject: Subject<C>,
  swept: Swept<C>,
  options: { readonly seed: number; readonly maxOps: number; readonly victim: Victim },
  point: number
): Effect.Effect<{ readonly isMore: boolean; readonly victims: number }, SweepFailure> =>
  Effect.gen(function*() {
    const world = worldFor(subject, options)
    const outer = yield* Effect.scope
    const bench = yield* complete(world, Scope.provide(subject.make, outer))
    const scope = yield* Scope.make()
    const { password, user } = subject.account
    const makePool: Setting<C>["makePool"] = (settings) =>
      bench.makePool({ ...settings, name: "laws", user, password: Redacted.make(password) })
    const pool = yield* complete(world, Scope.provide(makePool(swept.settings), scope))
    const holders: Array<Fiber.Fiber<unknown, unknown>> = []
    const hold: Setting<C>["hold"] = (request = {}) =>
      Effect.gen(function*() {
        const held = yield* Deferred.make<C>()
        const gate = yield* Deferred.make<void>()
        holders.push(
          world.fork(
            pool.use(request, (connection) => Effect.andThen(Deferred.succeed(held, connection), Deferred.await(gate)))
          )
        )
        const connection = yield* Deferred.await(held)
        return { connection, free: Effect.asVoid(Deferred.succeed(gate, undefined)) }
      })
    const { beside = [], target } = yield* complete(
      world,
      swept.prepare({ pool, makePool, server: bench.server, hold })
    )
    const first = world.tasks()
    const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
    let closing: Fiber.Fiber<unknown, unknown> | undefined = undefined
    let wasRunning = false
    const strike = () => {
      const fiber = fibers[options.victim === "scope" ? 0 : options.victim]
      wasRunning = fiber !== undefined && fiber.pollUnsafe() === undefined
      if (options.victim === "scope") closing ??= world.fork(Scope.close(scope, Exit.void))
      else fiber?.interruptUnsafe()
    }
    if (point > 0) world.before(point, strike)
    for (const effect of [target, ...beside]) fibers.push(world.fork(effect))
    if (point === 0) strike()
    yield* world.settle
    const isLast = world.tasks() - first < point
    // Nothing is left to be run, so this is the last point: it waits for time to pass, or for ever.
    if (isLast) strike()
    yield* world.settle
    const pass = world.advance === undefined ? world.settle : world.advance(longEnough)
    yield* pass
    for (const other of [...holders, ...fibers]) other.interruptUnsafe()
    yield* pass
    const closes = swept.closes === true || options.victim === "scope"
    const problems = [...yield* examine(world, bench, pool, closes)]
    closing ??= world.fork(Scope.close(scope, Exit.void))
    yield* pass
    if (world.advance === undefined) yield* Fiber.await(closing)
    if (closing.pollUnsafe() === undefined) problems.push("closing the pool's scope does not end")
    problems.push(...yield* bench.server.imbalances, ...world.leftovers())
    if (problems.length > 0) {
      const where = `${describeVictim(options.victim)} before task ${point}, with fibers that yield after ` +
        `${options.maxOps} operations`
      return yield* Effect.fail<SweepFailure>({ problems, lines: [swept.name, where] })
    }
    return { isMore: wasRunning && !isLast, victims: fibers.length }
  }).pipe(
    Effect.scoped,
    Effect.catch((error) =>
      typeof error === "object" && error !== null && "problems" in error
        ? Effect.fail(error as SweepFailure)
        : Effect.die(error)
    )
  )

/** Strikes a victim at every point of an operation; the answer is how many there were, and how many victims there are. */
const strikeEverywhere = <C extends Connection.Connection>(
  subject: Subject<C>,
  swept: Swept<C>,
  options: { readonly seed: number; readonly maxOps: number; readonly victim: Victim }
): Effect.Effect<{ readonly points: number; readonly victims: number }, SweepFailure> =>
  Effect.gen(function*() {
    for (let point = 0; point <= mostPoints; point++) {
      const { isMore, victims } = yield* strikeAt(subject, swept, options, point)
      if (!isMore) return { points: point + 1, victims }
    }
    return yield* Effect.fail<SweepFailure>({ problems: ["it does not end"], lines: [swept.name] })
  })

/** Interrupts every operation at every point, and who is beside it; the answer is how many points there were. */
export const sweep = <C extends Connection.Connection>(
  subject: Subject<C>,
  options: { readonly seed: number; readonly maxOps: ReadonlyArray<number> }
): Effect.Effect<number, SweepFailure> =>
  Effect.gen(function*() {
    let total = 0
    for (const swept of operations<C>()) {
      for (const maxOps of options.maxOps) {
        const strike = (victim: Victim) => strikeEverywhere(subject, swept, { seed: options.seed, maxOps, victim })
        const { points, victims } = yield* strike(0)
        total += points + (yield* strike("scope")).points
        for (let victim = 1; victim < victims; victim++) total += (yield* strike(victim)).points
      }
    }
    return total
  })
