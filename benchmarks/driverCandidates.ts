/**
 * Ways to run statements over node-oracledb: this pool, and what one would write without it. All run the same statement and
 * give rows as objects.
 *
 * What ends a lease differs. This pool and node-oracledb's own roll back when the server has said that a transaction is open;
 * Effect's pool knows nothing of transactions, so it is here as it is and with the same rollback written out.
 */
import { OracleSessionPool } from "@sessionpool/oracle"
import { type Cause, Effect, Pool, Redacted, type Schedule, type Scope } from "effect"
// @ts-expect-error The driver has no types of its own.
import oracledb from "oracledb"
import type { ServerProcess } from "./serverProcess.ts"

const statement = "select 1 from dual"

/** The part of the driver that is used here, as its release 26 has it. */
export interface DriverConnection {
  readonly execute: (sql: string, binds: ReadonlyArray<unknown>, options: object) => Promise<unknown>
  readonly queryStream: (sql: string, binds: ReadonlyArray<unknown>, options: object) => AsyncIterable<unknown>
  readonly commit: () => Promise<void>
  readonly rollback: () => Promise<void>
  readonly close: () => Promise<void>
  readonly transactionInProgress: boolean | undefined
}

export interface DriverPool {
  readonly getConnection: () => Promise<DriverConnection>
  readonly close: (drainTime: number) => Promise<void>
}

interface Driver {
  readonly OUT_FORMAT_OBJECT: number
  readonly getConnection: (options: object) => Promise<DriverConnection>
  readonly createPool: (options: object) => Promise<DriverPool>
}

const driver = oracledb as Driver

/** How many sessions a pool opens at once and how many it may have. */
export interface Size {
  readonly min: number
  readonly max: number
}

export interface Candidate {
  readonly name: string
  /** One lease with so many statements, one after the other. */
  readonly lease: (statements: number) => Effect.Effect<unknown, unknown>
  /** Leases, one after the other, as long as `next` says so. */
  readonly caller: (statements: number, next: () => boolean) => Effect.Effect<void, unknown>
}

/** How a candidate is made, with a pool of its own that ends with the scope. */
export type Make = (server: ServerProcess, size: Size) => Effect.Effect<Candidate, unknown, Scope.Scope>

const repeat = <E>(effect: Effect.Effect<unknown, E>, next: () => boolean): Effect.Effect<void, E> =>
  Effect.whileLoop({ while: next, body: () => effect, step: () => {} })

const times = <E>(effect: Effect.Effect<unknown, E>, count: number): Effect.Effect<unknown, E> =>
  count === 1 ? effect : Effect.suspend(() => {
    let left = count
    return repeat(effect, () => left-- > 0)
  })

const candidate = (name: string, lease: Candidate["lease"]): Candidate => ({
  name,
  lease,
  caller: (statements, next) => repeat(lease(statements), next)
})

const execute = (connection: DriverConnection): Promise<unknown> =>
  connection.execute(statement, [], { outFormat: driver.OUT_FORMAT_OBJECT })

const executed = (connection: DriverConnection): Effect.Effect<unknown, unknown> =>
  Effect.tryPromise(() => execute(connection))

const close = (connection: DriverConnection): Effect.Effect<void> => Effect.promise(() => connection.close())

const sessionpool = ({ connectString, password, user }: ServerProcess, size: Size, options: Options) =>
  OracleSessionPool.make({
    ...size,
    ...options,
    connectString,
    user,
    password: Redacted.make(password),
    increment: Math.max(1, size.min),
    queueMax: -1
  })

interface Options {
  readonly openRetry?: Schedule.Schedule<unknown>
}

export const ours = (name: string, options: Options = {}): Make => (server, size) =>
  Effect.map(
    sessionpool(server, size, options),
    (pool) =>
      candidate(
        name,
        (statements) => pool.use((connection) => times(connection.query(statement), statements))
      )
  )

export const oursScoped = (name: string): Make => (server, size) =>
  Effect.map(
    sessionpool(server, size, {}),
    (pool) =>
      candidate(name, (statements) =>
        Effect.scoped(
          Effect.flatMap(pool.acquire(), (connection) => times(connection.query(statement), statements))
        ))
  )

let driverPools = 0

/** The driver's own pool. A pool that cannot be closed, because it is in trouble, must not hold up what follows. */
export const driverPool = ({ connectString, password, user }: ServerProcess, { max, min }: Size) =>
  Effect.acquireRelease(
    Effect.tryPromise(() =>
      driver.createPool({
        connectString,
        user,
        password,
        poolMin: min,
        poolMax: max,
        poolIncrement: Math.max(1, min),
        queueMax: -1,
        // Without a name of its own the first would become the default pool of the process.
        poolAlias: `benchmark-${++driverPools}`
      })
    ),
    (pool) => Effect.ignore(Effect.timeout(Effect.tryPromise(() => pool.close(0)), "2 seconds"))
  )

/** The driver's pool as an Effect user would wrap it. */
export const driverPoolUse = (name: string): Make => (server, size) =>
  Effect.map(driverPool(server, size), (pool) => {
    const taken = Effect.tryPromise(() => pool.getConnection())
    return candidate(name, (statements) =>
      Effect.acquireUseRelease(taken, (connection) => times(executed(connection), statements), close))
  })

export const driverPoolScoped = (name: string): Make => (server, size) =>
  Effect.map(driverPool(server, size), (pool) => {
    const taken = Effect.acquireRelease(Effect.tryPromise(() => pool.getConnection()), close)
    return candidate(
      name,
      (statements) => Effect.scoped(Effect.flatMap(taken, (connection) => times(executed(connection), statements)))
    )
  })

/** The driver's pool as it is used without Effect. */
export const driverPoolPlain = (name: string): Make => (server, size) =>
  Effect.map(driverPool(server, size), (pool) => {
    const lease = async (statements: number): Promise<void> => {
      const connection = await pool.getConnection()
      try {
        for (let i = 0; i < statements; i++) await execute(connection)
      } finally {
        await connection.close()
      }
    }
    return {
      name,
      lease: (statements) => Effect.tryPromise(() => lease(statements)),
      caller: (statements, next) =>
        Effect.tryPromise(async () => {
          while (next()) await lease(statements)
        })
    }
  })

type Work = (connection: DriverConnection) => Effect.Effect<unknown, unknown>

type AroundWork = (work: Work, pool: Pool.Pool<DriverConnection, Cause.UnknownError>) => Work

const asItIs: AroundWork = (work) => work

/** What both other pools do by themselves at the end of a lease. */
export const rollingBack: AroundWork = (work) => (connection) =>
  Effect.ensuring(
    work(connection),
    Effect.suspend(() =>
      connection.transactionInProgress === true ? Effect.promise(() => connection.rollback()) : Effect.void
    )
  )

/** A session on which something failed is not lent again. */
export const invalidating: AroundWork = (work, pool) => (connection) =>
  Effect.onError(work(connection), () => Pool.invalidate(pool, connection))

/** Effect's pool over sessions of the driver. */
export const driverSessions = ({ connectString, password, user }: ServerProcess, { max, min }: Size) => {
  const opened = Effect.acquireRelease(
    Effect.tryPromise(() => driver.getConnection({ connectString, user, password })),
    (connection) => Effect.ignore(Effect.tryPromise(() => connection.close()))
  )
  return min === max
    ? Pool.make({ acquire: opened, size: max })
    : Pool.makeWithTTL({ acquire: opened, min, max, timeToLive: "1 minute" })
}

export const effectPool = (name: string, around = asItIs): Make => (server, size) =>
  Effect.map(
    driverSessions(server, size),
    (pool) =>
      candidate(
        name,
        (statements) => Pool.use(pool, around((connection) => times(executed(connection), statements), pool))
      )
  )
