/** A cluster whose runners are processes, with this process as its client: they are started, killed, and what they did is read. */
import { OracleClient } from "@sessionpool/oracle"
import { Context, Effect, Layer, Redacted } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { doneTable, type Place, sharding } from "./clusterRunner.ts"
import { database } from "./database.ts"

const entry = fileURLToPath(new URL("./clusterRunnerMain.ts", import.meta.url))

export type Signal = "SIGKILL" | "SIGTERM"

const ended = (child: ChildProcess, signal: Signal) =>
  Effect.promise(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, "exit")
    child.kill(signal)
    await exit
  })

const spawned = ({ connectString, locks, password, prefix, user }: Place, number: number) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [entry, connectString, user, prefix, String(number), locks], {
        env: { ...process.env, RUNNER_PASSWORD: Redacted.value(password) },
        stdio: ["ignore", "inherit", "inherit"]
      })
    ),
    (child) => ended(child, "SIGKILL")
  )

const tables = [
  "done",
  "messages",
  "replies",
  "migrations",
  "migrations_lock",
  "runners",
  "locks",
  "runner_migrations",
  "runner_migrations_lock"
]

let prefixes = 0

/** An empty cluster. Runners reach each other by its tables alone. */
export const openCluster = Effect.fnUntraced(function*({ locks }: Pick<Place, "locks">) {
  const { connect } = yield* database
  const place: Place = { ...connect, locks, prefix: `sp_sharding_${process.pid}_${++prefixes}` }
  const name = (table: string) => `${place.prefix}_${table}`
  const sql = yield* Effect.map(
    Layer.build(OracleClient.layer({ ...connect, max: 2 })),
    (context) => Context.get(context, OracleClient.OracleClient)
  )
  yield* sql`create table ${sql(doneTable(place.prefix))} (what varchar2(100) not null, runner number not null)`
  yield* Effect.addFinalizer(() =>
    Effect.forEach(tables, (table) => Effect.ignore(sql`drop table ${sql(name(table))}`), { discard: true })
  )
  const until = <A, E>(what: Effect.Effect<A, E>, isSo: (found: A) => boolean): Effect.Effect<void> =>
    Effect.gen(function*() {
      while (!isSo(yield* what)) yield* Effect.sleep("50 millis")
    }).pipe(Effect.orDie)
  const children = new Map<number, ChildProcess>()
  return {
    client: yield* Layer.build(sharding(place)),
    start: (number: number) => Effect.map(spawned(place, number), (child) => void children.set(number, child)),
    /** Ends a runner; gives the code that it exited with, `null` when it was killed. */
    end: (number: number, signal: Signal) =>
      Effect.suspend(() => {
        const child = children.get(number)!
        return Effect.map(ended(child, signal), () => child.exitCode)
      }),
    /** Waits until these runners are registered; those that were killed stay in the table until another one unregisters. */
    isThere: (...numbers: ReadonlyArray<number>) =>
      until(
        sql<{ readonly address: string }>`select address from ${sql(name("runners"))}`,
        (found) => numbers.every((number) => found.some(({ address }) => address === `runner:${number}`))
      ),
    /** Waits until so many messages for later are stored: those that wake workflows. */
    waitsForTime: (count: number) =>
      until(
        sql`select tag from ${sql(name("messages"))} where deliver_at is not null`,
        (rows) => rows.length >= count
      ),
    done: Effect.map(
      sql<{ readonly what: string; readonly runner: number }>`select what, runner from ${sql(doneTable(place.prefix))}`,
      (rows) => rows.map(({ runner, what }) => `${what} by ${runner}`).sort()
    )
  }
})
