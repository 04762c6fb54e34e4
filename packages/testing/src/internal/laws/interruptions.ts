/**
 * Law 10. Every operation is run again and again, each time interrupted one task later, with fibers that yield after few
 * operations; whatever had happened by then, the pool must be whole afterwards.
 */
import type { Connection } from "@sessionpool/core"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { worldFor } from "./sequences.ts"
import type { Bench, Operation, Subject } from "./subject.ts"
import { operations, type Pool, type Setting, type Swept, use } from "./sweptOperations.ts"
import { complete, type World } from "./world.ts"

/** Why a pool is not whole. */
interface SweepFailure {
  readonly problems: ReadonlyArray<string>
  readonly lines: ReadonlyArray<string>
}

/** The most tasks that an operation may take before it counts as one that does not end. */
const mostPoints = 5000
/** Longer than every timeout of the pool together. */
const longEnough = 120_000

/** Notes what is wrong with a pool that is not used any more. */
const examine = <C extends Connection.Connection>(
  world: World,
  bench: Bench<C>,
  pool: Pool<C>,
  closes: boolean
): Effect.Effect<ReadonlyArray<string>, unknown> =>
  Effect.gen(function*() {
    const { lateBreaks, violations } = bench.server
    const problems = [...yield* violations, ...lateBreaks === undefined ? [] : yield* lateBreaks]
    const { busy, closing, idle, max, opened, opening, pending } = yield* pool.statistics
    const atServer = (yield* bench.server.sessions).length
    const counts =
      `${opened} open, ${busy} busy, ${idle} idle, ${opening} opening, ${closing} closing, ${pending} waiting`
    if (busy !== 0 || pending !== 0 || opened !== idle || opened > max || atServer !== opened + closing) {
      problems.push(`the pool is not in use, but it counts ${counts}, and ${atServer} sessions are at the server`)
    }
    const fresh = world.fork(use(pool))
    yield* world.advance === undefined ? world.settle : world.advance(longEnough)
    if (world.advance === undefined) yield* Fiber.await(fresh)
    const exit = fresh.pollUnsafe()
    if (exit === undefined) {
      problems.push(`a fresh request is never served: ${counts}`)
      fresh.interruptUnsafe()
    } else if (Exit.isFailure(exit) && !(closes && String(exit.cause).includes("PoolClosedError"))) {
      problems.push(`a fresh request fails: ${String(exit.cause)}`)
    }
    return problems
  })

/** What is hit: the operation, one that goes on beside it, or the pool as a whole, whose scope closes or that is closed by force. */
type Victim = number | "scope" | "pool"

const describeVictim = (victim: Victim): string =>
  victim === "scope"
    ? "close the pool's scope"
    : victim === "pool"
    ? "close the pool by force"
    : victim === 0
    ? "interrupt it"
    : `interrupt number ${victim} beside it`

/** When to strike: before a task, counted from the beginning, or when nothing is left to run until time passes. */
type Point = number | "rest"

/** How an operation is swept. */
interface SweepOptions {
  readonly seed: number
  readonly maxOps: number
  readonly isShuffled: boolean
  readonly victim: Victim
}

/** Runs one operation once and strikes at `point`; the answer is whether the victim was still running then. */
const strikeAt = <C extends Connection.Connection>(
  subject: Subject<C>,
  swept: Swept<C>,
  options: SweepOptions,
  point: Point
): Effect.Effect<{ readonly isMore: boolean; readonly victims: number }, SweepFailure> =>
  Effect.gen(function*() {
    const world = worldFor(subject, options)
    const outer = yield* Effect.scope
    const bench = yield* complete(world, Scope.provide(subject.make, outer))
    const scope = yield* Scope.make()
    const { password, user } = subject.account
    const makePool: Setting<C>["makePool"] = (settings) =>
      bench.makePool({ ...settings, name: "laws", user, password: Redacted.make(password) })
    const settings = { ...swept.settings, ...swept.hooks?.(bench.server) }
    const pool = yield* complete(world, Scope.provide(makePool(settings), scope))
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
    const { server } = bench
    const slowly: Setting<C>["slowly"] = (latencies) =>
      world.advance === undefined || server.behave === undefined ? Effect.void : Effect.forEach(
        Object.entries(latencies),
        ([operation, latency]) => server.behave!(operation as Operation, { latency })
      )
    const { beside = [], target } = yield* complete(world, swept.prepare({ pool, makePool, server, slowly, hold }))
    const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
    let closing: Fiber.Fiber<unknown, unknown> | undefined = undefined
    let hasStruck = false
    let wasRunning = false
    const strike = () => {
      const fiber = fibers[typeof options.victim === "number" ? options.victim : 0]
      hasStruck = true
      wasRunning = fiber !== undefined && fiber.pollUnsafe() === undefined
      if (options.victim === "scope") closing ??= world.fork(Scope.close(scope, Exit.void))
      else if (options.victim === "pool") world.fork(pool.close({ force: true }))
      else fiber?.interruptUnsafe()
    }
    if (point !== "rest" && point > 0) world.before(point, strike)
    for (const effect of [target, ...beside]) fibers.push(world.fork(effect))
    if (point === 0) strike()
    yield* world.settle
    if (point === "rest" && !hasStruck) strike()
    const pass = world.advance === undefined ? world.settle : world.advance(longEnough)
    yield* pass
    // Nothing is left to be run, so this is the last point.
    const isLast = !hasStruck
    if (isLast) strike()
    yield* world.settle
    yield* pass
    for (const other of [...holders, ...fibers]) other.interruptUnsafe()
    yield* pass
    const closes = swept.closes === true || typeof options.victim === "string"
    const problems = [...yield* examine(world, bench, pool, closes)]
    closing ??= world.fork(Scope.close(scope, Exit.void))
    yield* pass
    if (world.advance === undefined) yield* Fiber.await(closing)
    if (closing.pollUnsafe() === undefined) problems.push("closing the pool's scope does not end")
    problems.push(...yield* bench.server.imbalances, ...world.leftovers())
    if (problems.length > 0) {
      const when = point === "rest" ? "when nothing is left to run" : `before task ${point}`
      const where =
        `${describeVictim(options.victim)} ${when}, with fibers that yield after ${options.maxOps} operations` +
        (options.isShuffled ? " and tasks in any order" : "")
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
  options: SweepOptions,
  stride: number
): Effect.Effect<{ readonly points: number; readonly victims: number }, SweepFailure> =>
  Effect.gen(function*() {
    yield* strikeAt(subject, swept, options, "rest")
    let points = 1
    for (let point = options.seed % stride; point <= mostPoints; point += stride) {
      const { isMore, victims } = yield* strikeAt(subject, swept, options, point)
      points++
      if (!isMore) return { points, victims }
    }
    return yield* Effect.fail<SweepFailure>({ problems: ["it does not end"], lines: [swept.name] })
  })

/** How the points of a sweep are chosen. */
interface SweepPlan {
  readonly seed: number
  /** After how many operations fibers yield, in order and with tasks shuffled. */
  readonly maxOps: ReadonlyArray<number>
  readonly maxOpsShuffled: ReadonlyArray<number>
  /** How many tasks lie between two points; with 1 every point is struck. */
  readonly stride: number
}

/** Interrupts every operation at every point, and who is beside it; the answer is how many points there were. */
export const sweep = <C extends Connection.Connection>(
  subject: Subject<C>,
  { maxOps, maxOpsShuffled, seed, stride }: SweepPlan
): Effect.Effect<number, SweepFailure> =>
  Effect.gen(function*() {
    const orders = [
      ...maxOps.map((maxOps) => ({ maxOps, isShuffled: false })),
      ...maxOpsShuffled.map((maxOps) => ({ maxOps, isShuffled: true }))
    ]
    let total = 0
    for (const swept of operations<C>()) {
      for (const order of orders) {
        const strike = (victim: Victim) => strikeEverywhere(subject, swept, { seed, ...order, victim }, stride)
        const { points, victims } = yield* strike(0)
        total += points + (yield* strike("scope")).points + (yield* strike("pool")).points
        for (let victim = 1; victim < victims; victim++) total += (yield* strike(victim)).points
      }
    }
    return total
  })
