/**
 * Single queries of many callers on four sessions, through a relay that delays each direction: node-oracledb's own pool, our pool with
 * a session for each query, and our client with shared sessions. `npm run exec -- node benchmarks/multiplex.ts [callers] [milliseconds]`.
 */
import { OracleClient, OracleSessionPool } from "@sessionpool/oracle"
import { OracleServer } from "@sessionpool/oracle-server"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
// @ts-expect-error The driver has no types of its own.
import oracledb from "oracledb"
import { relayTo } from "../packages/oracle/test/relay.ts"

const [callers = 512, delay = 1] = process.argv.slice(2).map(Number)
const sessions = 4
const seconds = 3
const rounds = 5

/** The driver's own pool, as far as it is used here. */
interface OwnPool {
  readonly getConnection: () => Promise<{
    readonly execute: (sql: string) => Promise<unknown>
    readonly close: () => Promise<void>
  }>
  readonly close: (drainTime: number) => Promise<void>
}

/** How many queries a second all callers make together. */
const measure = async (query: () => Promise<unknown>): Promise<number> => {
  const end = performance.now() + seconds * 1000
  let done = 0
  const began = performance.now()
  await Promise.all(Array.from({ length: callers }, async () => {
    while (performance.now() < end) {
      await query()
      done++
    }
  }))
  return done / (performance.now() - began) * 1000
}

const median = (values: ReadonlyArray<number>): number => [...values].sort((a, b) => a - b)[values.length >> 1]!

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const server = yield* OracleServer.make({ users: { scott: "tiger" } })
  const relay = yield* relayTo(server.port, delay)
  const connectString = `127.0.0.1:${relay.port}/FREEPDB1`
  const user = { user: "scott", connectString }
  const own = yield* Effect.acquireRelease(
    Effect.promise((): Promise<OwnPool> =>
      oracledb.createPool({
        ...user,
        password: "tiger",
        poolMin: sessions,
        poolMax: sessions,
        queueMax: -1,
        queueTimeout: 0
      })
    ),
    (made) => Effect.promise(() => made.close(0))
  )
  const pool = yield* OracleSessionPool.make({
    ...user,
    password: Redacted.make("tiger"),
    min: sessions,
    max: sessions,
    queueMax: 10_000,
    waitTimeout: "1 minute"
  })
  const client = (options: OracleClient.ClientOptions) =>
    Effect.provide(OracleClient.fromPool(pool, options), Reactivity.layer)
  const plain = yield* client({})
  const shared = yield* client({ multiplex: { sessions } })
  const ways: ReadonlyArray<readonly [string, () => Promise<unknown>]> = [
    ["node-oracledb's pool", async () => {
      const connection = await own.getConnection()
      try {
        await connection.execute("select 1 as n from dual")
      } finally {
        await connection.close()
      }
    }],
    ["a session for each query", () => Effect.runPromise(plain`select 1 as n from dual`)],
    ["shared sessions", () => Effect.runPromise(shared`select 1 as n from dual`)]
  ]
  const figures = new Map<string, Array<number>>(ways.map(([name]) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, query] of ways) figures.get(name)!.push(yield* Effect.promise(() => measure(query)))
  }
  for (const [name, values] of figures) {
    const shown = (value: number) => Math.round(value).toLocaleString("en-US")
    console.log(
      `${name}: ${shown(median(values))} queries/s (${shown(Math.min(...values))} to ${shown(Math.max(...values))})`
    )
  }
})))
