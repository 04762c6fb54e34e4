/** The operations that the sweep of law 10 interrupts, each with the state that it begins in. */
import type { Connection, SessionPool, SessionRequest } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Operation, PoolSettings, PreparationFailed, Server } from "./subject.ts"

export type Pool<C extends Connection.Connection> = SessionPool.SessionPool<C, PreparationFailed>

/** What an operation under the sweep can use. */
export interface Setting<C extends Connection.Connection> {
  readonly pool: Pool<C>
  /** Makes one more pool on the same server, under the account that all use. */
  readonly makePool: (settings: PoolSettings<C>) => Effect.Effect<Pool<C>, unknown, Scope.Scope>
  readonly server: Server<C>
  /** Makes operations take their time from now on, where time is virtual. */
  readonly slowly: (latencies: Partial<Record<Operation, number>>) => Effect.Effect<unknown>
  /** Takes a session and holds it, in a fiber of its own, until `free`. */
  readonly hold: (request?: SessionRequest.SessionRequest) => Effect.Effect<{
    readonly connection: C
    readonly free: Effect.Effect<void>
  }>
}

/** One operation under the sweep. */
export interface Swept<C extends Connection.Connection> {
  readonly name: string
  readonly settings: PoolSettings<C>
  /** Hooks that need the server. */
  readonly hooks?: (server: Server<C>) => Partial<PoolSettings<C>>
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

export const use = <C extends Connection.Connection>(pool: Pool<C>, request: SessionRequest.SessionRequest = {}) =>
  pool.use(request, () => Effect.yieldNow)

const acquire = <C extends Connection.Connection>(pool: Pool<C>, request: SessionRequest.SessionRequest = {}) =>
  Effect.scoped(Effect.andThen(pool.acquire(request), Effect.yieldNow))

/** An operation that does not end by itself is struck while it lasts. */
const slow = { execute: 100, interrupt: 20, ping: 10, reset: 10, close: 10 }

/** Two statements of a hook with a yield between. */
const twoStatements = <C extends Connection.Connection>(server: Server<C>, connection: C): Effect.Effect<unknown> =>
  Effect.andThen(Effect.ignore(server.execute(connection)), Effect.ignore(server.execute(connection)))

export const operations = <C extends Connection.Connection>(): ReadonlyArray<Swept<C>> => [
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
  },
  {
    name: "several statements at once on one connection",
    settings: { max: 1 },
    prepare: ({ pool, server, slowly }) =>
      Effect.as(slowly(slow), {
        target: pool.use((connection) =>
          Effect.all([server.execute(connection), server.execute(connection), server.execute(connection)], {
            concurrency: "unbounded"
          })
        ),
        beside: [use(pool), pool.use(server.execute)]
      })
  },
  {
    name: "several statements at once under a limit that they exceed",
    settings: { max: 1 },
    prepare: ({ pool, server, slowly }) =>
      Effect.as(slowly(slow), {
        target: pool.use((connection) => {
          const statement = Effect.timeoutOption(server.execute(connection), 50)
          return Effect.all([statement, statement], { concurrency: "unbounded" })
        }),
        beside: [pool.use(server.execute)]
      })
  },
  {
    name: "a statement in a fiber that outlives its lease",
    settings: { max: 1 },
    prepare: ({ pool, server, slowly }) =>
      Effect.as(slowly(slow), {
        target: Effect.flatMap(pool.use((connection) => Effect.forkDetach(server.execute(connection))), Fiber.await),
        beside: [pool.use(server.execute)]
      })
  },
  {
    name: "a lease with something to reset, slowly",
    settings: { max: 1, pingInterval: 0 },
    prepare: ({ pool, server, slowly }) =>
      Effect.as(slowly(slow), {
        target: pool.use((connection) => server.begin?.(connection) ?? Effect.void),
        beside: [pool.use(server.execute)]
      })
  },
  {
    name: "acquire with an onSession that runs statements",
    settings: { max: 1 },
    hooks: (server) => ({ onSession: (connection) => twoStatements(server, connection) }),
    prepare: ({ pool, slowly }) => Effect.as(slowly(slow), { target: acquire(pool), beside: [use(pool)] })
  },
  {
    name: "give back with a resetSession that runs statements",
    settings: { max: 1 },
    hooks: (server) => ({ resetSession: (connection) => twoStatements(server, connection) }),
    prepare: ({ pool, slowly }) => Effect.as(slowly(slow), { target: use(pool), beside: [use(pool)] })
  },
  {
    name: "open while another identity of the same account is opened",
    settings: { max: 2, homogeneous: false },
    prepare: ({ pool, slowly }) =>
      Effect.as(slowly({ open: 20 }), {
        target: acquire(pool, { user: "carol" }),
        beside: [acquire(pool, { cclass: "web" }), use(pool)]
      })
  }
]
