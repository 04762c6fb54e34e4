/** Effect's sharding and its durable workflows over both cluster storages, each runner a process: what moves when one ends. */
import { assert, describe, it } from "@effect/vitest"
import { OracleClient } from "@sessionpool/oracle"
import { Context, Effect, Layer, Redacted } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { Account, doneTable, Order, type Place, sharding } from "./clusterRunner.ts"
import { database } from "./database.ts"

const entry = fileURLToPath(new URL("./clusterRunnerMain.ts", import.meta.url))

const ended = (child: ChildProcess, signal: "SIGKILL" | "SIGTERM") =>
  Effect.promise(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, "exit")
    child.kill(signal)
    await exit
  })

const startRunner = ({ connectString, password, prefix, user }: Place, number: number) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [entry, connectString, user, prefix, String(number)], {
        env: { ...process.env, RUNNER_PASSWORD: Redacted.value(password) },
        stdio: ["ignore", "inherit", "inherit"]
      })
    ),
    (child) => ended(child, "SIGKILL")
  )

let prefixes = 0

/** An empty cluster, with this process as its client. */
const cluster = Effect.gen(function*() {
  const { connect } = yield* database
  const place: Place = { ...connect, prefix: `sp_sharding_${process.pid}_${++prefixes}` }
  const name = (table: string) => `${place.prefix}_${table}`
  const sql = yield* Effect.map(
    Layer.build(OracleClient.layer({ ...connect, max: 1 })),
    (context) => Context.get(context, OracleClient.OracleClient)
  )
  yield* sql`create table ${sql(doneTable(place.prefix))} (what varchar2(100) not null, runner number not null)`
  yield* Effect.addFinalizer(() =>
    Effect.forEach(
      [
        "done",
        "messages",
        "replies",
        "migrations",
        "migrations_lock",
        "runners",
        "locks",
        "runner_migrations",
        "runner_migrations_lock"
      ],
      (table) => Effect.ignore(sql`drop table ${sql(name(table))}`),
      { discard: true }
    )
  )
  const until = <A, E>(what: Effect.Effect<A, E>, isSo: (found: A) => boolean): Effect.Effect<void> =>
    Effect.gen(function*() {
      while (!isSo(yield* what)) yield* Effect.sleep("50 millis")
    }).pipe(Effect.orDie)
  const holders = Effect.map(
    sql<{ readonly address: string }>`select distinct address from ${sql(name("locks"))}`,
    (rows) => rows.map(({ address }) => address).sort()
  )
  return {
    client: yield* Layer.build(sharding(place)),
    start: (number: number) => startRunner(place, number),
    /** Waits until these runners, and no others, hold shards. */
    heldBy: (...numbers: ReadonlyArray<number>) =>
      until(holders, (found) => found.join() === numbers.map((number) => `runner:${number}`).join()),
    /** Waits until a message for later is stored. */
    waitsForTime: until(
      sql`select tag from ${sql(name("messages"))} where deliver_at is not null`,
      (rows) => rows.length > 0
    ),
    done: Effect.map(
      sql<{ readonly what: string; readonly runner: number }>`select what, runner from ${sql(doneTable(place.prefix))}`,
      (rows) => rows.map(({ runner, what }) => `${what} by ${runner}`).sort()
    )
  }
})

const names = ["ada", "bob", "cy", "dee", "eve", "flo", "gil", "hal"]

describe("both cluster storages", () => {
  it.live("move entities to the runners that are left, and hand each message out once", () =>
    Effect.gen(function*() {
      const { client, done, heldBy, start } = yield* cluster
      /** A payment for every account at once; the runners that made them. */
      const pay = (round: string) =>
        Effect.gen(function*() {
          const account = yield* Account.client
          const runners = yield* Effect.forEach(
            names,
            (name) => account(name).pay({ payment: `${name} ${round}` }),
            { concurrency: "unbounded" }
          )
          return names.map((name, index) => `${name} ${round} by ${runners[index]}`)
        }).pipe(Effect.provide(client))

      const one = yield* start(1)
      const two = yield* start(2)
      yield* heldBy(1, 2)
      const first = yield* pay("first")
      assert.strictEqual(new Set(first.map((text) => text.at(-1))).size, 2)

      yield* ended(two, "SIGKILL")
      const second = yield* pay("second")
      assert.deepStrictEqual(second, names.map((name) => `${name} second by 1`))

      yield* start(3)
      yield* heldBy(1, 3)
      yield* ended(one, "SIGTERM")
      assert.strictEqual(one.exitCode, 0)
      const third = yield* pay("third")
      assert.deepStrictEqual(third, names.map((name) => `${name} third by 3`))

      assert.deepStrictEqual(yield* done, [...first, ...second, ...third].sort())
    }), 90_000)

  it.live("let a workflow that sleeps go on in another process after its own was killed", () =>
    Effect.gen(function*() {
      const { client, done, start, waitsForTime } = yield* cluster
      const order = { id: "order-1" }
      const one = yield* start(1)
      yield* Effect.provide(Order.execute(order, { discard: true }), client)
      yield* waitsForTime
      yield* ended(one, "SIGKILL")
      assert.deepStrictEqual(yield* done, ["reserve by 1"])

      yield* start(2)
      assert.strictEqual(yield* Effect.provide(Order.execute(order), client), "order-1: reserve, charge")
      assert.deepStrictEqual(yield* done, ["charge by 2", "reserve by 1"])
    }), 90_000)
})
