/**
 * What a program does first, in a process of its own, started by `start.ts`: imports something, and, where it is told of a server, runs
 * its first query. It tells how long each took, in milliseconds.
 */
import type * as Oracle from "@sessionpool/oracle"

const [kind, entry = "", connectString] = process.argv.slice(2)

const began = performance.now()
const imported = await import(entry) as Record<string, unknown>
const import_ = performance.now() - began

const user = { connectString, user: "scott" }
const statement = "select 1 from dual"

const firstRow = async (): Promise<void> => {
  if (kind !== "driver") {
    const { Effect, Redacted } = kind === "subpaths"
      ? { Effect: await import("effect/Effect"), Redacted: await import("effect/Redacted") }
      : await import("effect")
    const { OracleSessionPool } = imported as unknown as typeof Oracle
    const { connectString = "" } = user
    await Effect.runPromise(Effect.scoped(Effect.flatMap(
      OracleSessionPool.make({ ...user, connectString, password: Redacted.make("tiger"), max: 4 }),
      (pool) => Effect.scoped(Effect.flatMap(pool.acquire(), (connection) => connection.query(statement)))
    )))
    return
  }
  interface Pool {
    readonly getConnection: () => Promise<{
      readonly execute: (sql: string) => Promise<unknown>
      readonly close: () => Promise<void>
    }>
  }
  const driver = imported["default"] as { readonly createPool: (options: object) => Promise<Pool> }
  const pool = await driver.createPool({ ...user, password: "tiger", poolMin: 0, poolMax: 4 })
  const connection = await pool.getConnection()
  await connection.execute(statement)
  await connection.close()
}

if (connectString !== undefined) await firstRow()
process.send?.({ import: import_, firstRow: performance.now() - began })
process.exit(0)
