/**
 * Random work over a real socket with latency: statements of one connection and of the SQL client in several fibers, interrupted at
 * random, with leases and pools that end under them. After each round the server must be as if nothing had happened.
 */
import { OracleClient, type OracleConnection, OracleSessionPool } from "@sessionpool/oracle"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { embedded } from "./database.ts"
import { relayTo } from "./relay.ts"
import { endless } from "./watchedPool.ts"

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
const drawFrom = (seed: number): () => number => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What became of the rows that a round has written. */
class Rows {
  #last = 0
  readonly committed = new Set<number>()
  /** Neither: the round was interrupted while the commit was on its way. */
  readonly inDoubt = new Set<number>()

  next(): number {
    return ++this.#last
  }
}

/** What a round draws from. */
class Dice {
  readonly draw: () => number

  constructor(seed: number) {
    this.draw = drawFrom(seed)
  }

  upTo(most: number): number {
    return Math.floor(this.draw() * (most + 1))
  }

  among<T>(items: ReadonlyArray<T>): T {
    return items[this.upTo(items.length - 1)]!
  }
}

type Work = Effect.Effect<unknown, unknown>

/** Work that leaves nothing: what it writes is rolled back with the lease. */
const plain = (connection: OracleConnection.OracleConnection, dice: Dice, rows: Rows): Work =>
  dice.among<() => Work>([
    () => connection.query("select level as n from dual connect by level <= 300"),
    () => connection.execute(endless),
    () => connection.execute("insert into t values (:id)", { id: rows.next() }),
    () => connection.createLob("clob", "some text"),
    () => connection.query("select to_clob('some text') as c from dual connect by level <= 3"),
    () =>
      Stream.runDrain(Stream.take(connection.queryStream("select level as n from dual connect by level <= 900"), 20)),
    () => connection.setClientIdentifier("somebody"),
    () => connection.setModule("a module"),
    () => connection.ping
  ])()

/** A transaction that says whether its row is there. */
const transaction = (
  run: (body: Effect.Effect<void, unknown>) => Work,
  insert: (id: number) => Work,
  dice: Dice,
  rows: Rows
): Work =>
  Effect.suspend(() => {
    const id = rows.next()
    const fails = dice.draw() < 0.3
    const body = Effect.andThen(insert(id), fails ? Effect.fail("undone") : Effect.void)
    return Effect.onExit(run(body), (exit) =>
      Effect.sync(() => {
        if (Exit.isSuccess(exit)) rows.committed.add(id)
        else if (!fails) rows.inDoubt.add(id)
      }))
  })

type Sql = Effect.Success<ReturnType<typeof OracleClient.fromPool>>
type Pool = Effect.Success<ReturnType<typeof OracleSessionPool.make<OracleSessionPool.Failure>>>

/** How many sessions a pool has. */
const sessions = 2

/** What one fiber of a round does. */
const life = (pool: Pool, sql: Sql, dice: Dice, rows: Rows): Work => {
  const several = (work: () => Work) => Array.from({ length: 1 + dice.upTo(2) }, work)
  return dice.among<() => Work>([
    () =>
      pool.use((connection) =>
        Effect.all(several(() => Effect.exit(plain(connection, dice, rows))), { concurrency: "unbounded" })
      ),
    () =>
      pool.use((connection) =>
        Effect.timeout(
          Effect.all([connection.execute(endless), plain(connection, dice, rows)], { concurrency: "unbounded" }),
          20
        )
      ),
    () =>
      pool.use((connection) =>
        Effect.all(
          several(() =>
            Effect.exit(transaction(
              (body) => connection.withTransaction(body),
              (id) => connection.execute("insert into t values (:id)", { id }),
              dice,
              rows
            ))
          ),
          { concurrency: "unbounded" }
        )
      ),
    () => transaction((body) => sql.withTransaction(body), (id) => sql`insert into t values (${id})`, dice, rows),
    () =>
      sql.withTransaction(Effect.andThen(
        Effect.exit(
          sql.withTransaction(Effect.andThen(sql`insert into t values (${rows.next()})`, Effect.fail("undone")))
        ),
        sql`select count(*) as n from t`
      )),
    () => sql`select level as n from dual connect by level <= 300`
  ])()
}

/** A session that works again, and what is left of the round: each problem as a sentence. */
const problemsAfter = (pool: Pool, rows: Rows) =>
  Effect.gen(function*() {
    // What a driver frees, it frees along with the next call of the session: each has one.
    yield* Effect.ignore(Effect.scoped(Effect.gen(function*() {
      const connections = yield* Effect.all(Array.from({ length: sessions }, () => pool.acquire()))
      for (const connection of connections) yield* connection.ping
    })))
    const look = pool.use((connection) =>
      Effect.gen(function*() {
        const [env] = yield* connection.query(
          "select sys_context('userenv', 'client_identifier') as who, sys_context('userenv', 'module') as module from dual"
        )
        const there = yield* connection.query("select id from t order by id")
        return { env, ids: there.map((row) => Number(row["ID"])) }
      })
    )
    const seen = yield* Effect.result(Effect.timeout(look, "20 seconds"))
    if (seen._tag === "Failure") return [`the next lease does not work: ${String(seen.failure)}`]
    const { env, ids } = seen.success
    const lost = [...rows.committed].filter((id) => !ids.includes(id))
    const foreign = ids.filter((id) => !rows.committed.has(id) && !rows.inDoubt.has(id))
    return [
      ...(env?.["WHO"] === null ? [] : [`the next lease works for ${String(env?.["WHO"])}`]),
      ...(env?.["MODULE"] === "a module" ? ["the next lease shows the module of the one before"] : []),
      ...(lost.length === 0 ? [] : [`rows that were committed are gone: ${lost.join(", ")}`]),
      ...(foreign.length === 0 ? [] : [`rows that were rolled back are there: ${foreign.join(", ")}`])
    ]
  })

/** What was done. */
export interface SocketReport {
  readonly rounds: number
  readonly interrupts: number
  /** What was wrong after a round, with its number. */
  readonly problems: ReadonlyArray<string>
}

/** Plays rounds until one leaves something behind. */
export const playRounds = (seed: number, rounds: number, settings: Partial<OracleSessionPool.Options> = {}) =>
  Effect.gen(function*() {
    const { connect, server } = yield* embedded()
    const relay = yield* relayTo(server.port, 5)
    yield* server.script("create table t (id number)", "scott")
    const dice = new Dice(seed)
    const rows = new Rows()
    const open = Effect.gen(function*() {
      const scope = yield* Scope.make()
      const pool = yield* Scope.provide(
        OracleSessionPool.make<OracleSessionPool.Failure>({
          ...connect,
          connectString: connect.connectString.replace(`:${server.port}`, `:${relay.port}`),
          max: sessions,
          // What a session keeps open beyond a lease would be its statement cache.
          stmtCacheSize: 0,
          ...settings
        }),
        scope
      )
      const sql = yield* Effect.provide(OracleClient.fromPool(pool, {}), Reactivity.layer)
      return { pool, scope, sql }
    })
    let current = yield* open
    let interrupts = 0
    for (let round = 1; round <= rounds; round++) {
      relay.state.delay = 5 + dice.upTo(5)
      const { pool, scope, sql } = current
      const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
      for (let i = 0; i <= dice.upTo(2); i++) fibers.push(yield* Effect.forkDetach(life(pool, sql, dice, rows)))
      for (const fiber of fibers) {
        yield* Effect.sleep(dice.upTo(40))
        if (fiber.pollUnsafe() === undefined) interrupts++
        fiber.interruptUnsafe()
      }
      if (dice.draw() < 0.1) {
        if (dice.draw() < 0.5) yield* Effect.ignore(pool.close({ force: true }))
        yield* Scope.close(scope, Exit.void)
        current = yield* open
      }
      for (const fiber of fibers) yield* Fiber.await(fiber)
      const problems = [...yield* problemsAfter(current.pool, rows)]
      for (const { inTransaction, openCursors, sid, status, temporaryLobs } of yield* server.sessions) {
        if (status !== "INACTIVE") continue
        if (inTransaction) problems.push(`session ${sid} is still in a transaction`)
        if (openCursors > 1) problems.push(`session ${sid} has ${openCursors} cursors open`)
        if (temporaryLobs > 0) problems.push(`session ${sid} has ${temporaryLobs} temporary LOBs`)
      }
      if (problems.length > 0) {
        yield* Scope.close(current.scope, Exit.void)
        return { rounds: round, interrupts, problems } satisfies SocketReport
      }
    }
    yield* Scope.close(current.scope, Exit.void)
    const left = (yield* server.sessions).map(({ sid }) => `session ${sid} is left after the pool`)
    return { rounds, interrupts, problems: left } satisfies SocketReport
  }).pipe(Effect.scoped)
