/**
 * How much memory the pool keeps of its own for each idle session and for each request that waits.
 *
 * ```sh
 * node --expose-gc benchmarks/memory.ts
 * ```
 *
 * The driver's sessions are empty objects, made beforehand. What a waiting request costs without any pool is measured apart:
 * a fiber that waits for nothing, and one that does so with something to do next and something to undo at the end.
 */
import { Connection, type SessionDriver, SessionPool } from "@sessionpool/core"
import { Effect, Exit, Fiber, Scope } from "effect"

const count = 10_000

const waits: Array<unknown> = []

class Handle extends Connection.Base {}

const handles = Array.from({ length: count + 1 }, () => ({}))
let opened = 0

const driver: SessionDriver.SessionDriver<object, Handle> = {
  open: () => Effect.sync(() => handles[opened++]!),
  close: () => Effect.void,
  ping: () => Effect.void,
  reset: () => undefined,
  interrupt: () => Effect.void,
  isHealthy: () => true,
  isAuthenticationFailure: () => false,
  lease: (_session, lease) => new Handle(lease)
}

const heap = Effect.promise(async () => {
  if (globalThis.gc === undefined) throw new Error("run with --expose-gc")
  for (let i = 0; i < 4; i++) {
    globalThis.gc()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return process.memoryUsage().heapUsed
})

/** Bytes for each of `count` things that `make` makes and that are there until the scope closes. */
const each = <E>(make: Effect.Effect<unknown, E, Scope.Scope>) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const before = yield* heap
    const made = yield* Scope.provide(make, scope)
    const bytes = ((yield* heap) - before) / count
    yield* Scope.close(scope, Exit.void)
    // What was made must be there while it is measured.
    return made === undefined ? Number.NaN : bytes
  })

const poolOf = (options: { readonly min?: number; readonly max: number }) =>
  SessionPool.make({ driver, user: "scott", queueMax: -1, timeout: 0, waitForMin: true, ...options })

const idle = (isUsed: boolean) =>
  Effect.gen(function*() {
    opened = 0
    const pool = yield* poolOf({ min: count, max: count })
    if (isUsed) yield* Effect.scoped(Effect.forEach(handles.slice(1), () => pool.acquire(), { discard: true }))
    return pool
  })

const fibers = (wait: Effect.Effect<unknown, unknown>) =>
  Effect.gen(function*() {
    const all = Array.from<Fiber.Fiber<unknown, unknown>>({ length: count })
    for (let i = 0; i < count; i++) all[i] = yield* Effect.forkDetach(wait)
    yield* Effect.addFinalizer(() => Fiber.interruptAll(all))
    yield* Effect.yieldNow
    return all
  })

const waiting = (options: { readonly waitTimeout?: number }) =>
  Effect.gen(function*() {
    opened = 0
    const pool = yield* poolOf({ max: 1 })
    yield* pool.acquire()
    return yield* each(fibers(Effect.asVoid(pool.use(options, () => Effect.void))))
  }).pipe(Effect.scoped)

const program = Effect.gen(function*() {
  // Once for nothing, so that what is made only once is there already.
  yield* each(idle(false))
  const plain = yield* each(idle(false))
  const used = yield* each(idle(true))
  yield* waiting({})
  const bare = yield* each(fibers(Effect.never))
  const careful = yield* each(fibers(Effect.suspend(() => {
    const taken = { isReleased: false }
    const wait = Effect.callback<void>((resume) => {
      waits.push(resume)
    })
    return Effect.onExit(
      Effect.flatMap(wait, () => Effect.void),
      () =>
        Effect.sync(() => {
          taken.isReleased = true
        })
    )
  })))
  waits.length = 0
  const waiter = yield* waiting({})
  const timed = yield* waiting({ waitTimeout: 3_600_000 })
  const rows: ReadonlyArray<readonly [what: string, bytes: number]> = [
    ["idle session, never lent", plain],
    ["idle session, lent before", used],
    ["waiting request, its fiber included", waiter],
    ["waiting request with a waitTimeout, its fiber included", timed],
    ["a fiber that waits for nothing", bare],
    ["a fiber that waits, and undoes something at the end", careful],
    ["waiting request, beyond that", waiter - careful],
    ["waiting request with a waitTimeout, beyond that", timed - careful]
  ]
  for (const [what, bytes] of rows) console.log(`${String(Math.round(bytes)).padStart(6)} bytes  ${what}`)
})

await Effect.runPromise(program)
