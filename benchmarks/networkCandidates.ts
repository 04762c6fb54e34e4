/**
 * What a program does with a session over a network, in the ways of every pool that it could use from Effect: statements one after the
 * other and at once, a transaction, a stream of rows.
 */
import { OracleClient, type OracleConnection, OracleSessionPool } from "@sessionpool/oracle"
import { Effect, Pool, Redacted, type Scope, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { type DriverConnection, driverPool, driverSessions, type Size } from "./driverCandidates.ts"
import type { ServerProcess } from "./serverProcess.ts"

/** One session, as far as the workloads use it. */
export interface Session {
  readonly query: Effect.Effect<unknown, unknown>
  /** So many inserts one after the other, and a commit. */
  readonly transaction: (statements: number) => Effect.Effect<unknown, unknown>
  /** All rows of a query, so many with each round trip; how many there were. */
  readonly stream: (sql: string, fetchArraySize: number) => Effect.Effect<number, unknown>
}

export interface Candidate {
  readonly name: string
  readonly lease: (work: (session: Session) => Effect.Effect<unknown, unknown>) => Effect.Effect<unknown, unknown>
}

export interface Make {
  readonly name: string
  readonly make: (server: ServerProcess, size: Size) => Effect.Effect<Candidate, unknown, Scope.Scope>
}

export const query = "select 1 from dual"
export const insert = "insert into written values (1)"

const times = (effect: Effect.Effect<unknown, unknown>, count: number): Effect.Effect<unknown, unknown> =>
  Effect.suspend(() => {
    let left = count
    return Effect.whileLoop({ while: () => left-- > 0, body: () => effect, step: () => {} })
  })

const ourSession = (connection: OracleConnection.OracleConnection): Session => ({
  query: connection.query(query),
  transaction: (statements) => connection.withTransaction(times(connection.execute(insert), statements)),
  stream: (sql, fetchArraySize) =>
    Stream.runFold(connection.queryStream(sql, [], { fetchArraySize }), () => 0, (count) => count + 1)
})

interface Pipelining {
  readonly pipelining?: boolean
}

const made = ({ connectString, password, user }: ServerProcess, size: Size, { pipelining = false }: Pipelining = {}) =>
  OracleSessionPool.make({
    ...size,
    connectString,
    user,
    password: Redacted.make(password),
    increment: Math.max(1, size.min),
    // A log-on that is still under way would count among the round trips of what is measured.
    waitForMin: true,
    queueMax: -1,
    pipelining
  })

export const ours = (name: string, pipelining?: Pipelining): Make => ({
  name,
  make: (server, size) =>
    Effect.map(made(server, size, pipelining), (pool) => ({
      name,
      lease: (work) => pool.use((connection) => work(ourSession(connection)))
    }))
})

const none = Effect.die("the client is asked for single queries only")

/** Our client with the sessions of its pool shared by the single queries of all fibers. */
export const sharedSessions = (name: string): Make => ({
  name,
  make: (server, size) =>
    Effect.gen(function*() {
      const pool = yield* made(server, size)
      const sql = yield* Effect.provide(
        OracleClient.fromPool(pool, { multiplex: { sessions: size.max } }),
        Reactivity.layer
      )
      const session: Session = { query: sql`select 1 from dual`, transaction: () => none, stream: () => none }
      return { name, lease: (work) => work(session) }
    })
})

const theirSession = (connection: DriverConnection): Session => ({
  query: Effect.tryPromise(() => connection.execute(query, [], {})),
  transaction: (statements) =>
    Effect.onError(
      Effect.andThen(
        times(Effect.tryPromise(() => connection.execute(insert, [], {})), statements),
        Effect.tryPromise(() => connection.commit())
      ),
      () => Effect.promise(() => connection.rollback())
    ),
  stream: (sql, fetchArraySize) =>
    Effect.tryPromise(async () => {
      let count = 0
      for await (const _ of connection.queryStream(sql, [], { fetchArraySize })) count++
      return count
    })
})

/** The driver's own pool, as an Effect user would wrap it. */
export const driversPool = (name: string): Make => ({
  name,
  make: (server, size) =>
    Effect.map(driverPool(server, size), (pool) => ({
      name,
      lease: (work) =>
        Effect.acquireUseRelease(
          Effect.tryPromise(() => pool.getConnection()),
          (connection) => work(theirSession(connection)),
          (connection) => Effect.promise(() => connection.close())
        )
    }))
})

/** Effect's pool over sessions of the driver. */
export const effectPool = (name: string): Make => ({
  name,
  make: (server, size) =>
    Effect.map(driverSessions(server, size), (pool) => ({
      name,
      lease: (work) => Pool.use(pool, (connection) => work(theirSession(connection)))
    }))
})
