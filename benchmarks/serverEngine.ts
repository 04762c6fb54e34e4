/** Row 9: the embedded server's engine, beside the figures of the one it had before, which ran on SQLite. */
import { OracleServer } from "@sessionpool/oracle-server"
import { Effect, type Scope } from "effect"
// @ts-expect-error The driver has no types of its own.
import oracledb from "oracledb"
import { again } from "./compare.ts"
import type { Figure, Report, Row, Scale } from "./row.ts"
import { median } from "./row.ts"

/** The part of the driver that is used here. */
interface Connection {
  readonly execute: (sql: string, binds?: ReadonlyArray<unknown>) => Promise<unknown>
  readonly rollback: () => Promise<void>
  readonly close: () => Promise<void>
}

const driver = oracledb as { readonly getConnection: (options: object) => Promise<Connection> }

const title = "The embedded server's engine"

/** Rows of each side of the join. */
const side = 1000
const inserted = 100_000

/** The old engine's figures, taken on the machine and in the hour in which the new one was first measured. */
const before = { join: 2127, insert: 1005 }

const connect = (server: OracleServer.Service): Effect.Effect<Connection, unknown, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() =>
      driver.getConnection({ user: "scott", password: "tiger", connectString: server.connectString })
    ),
    (connection) => Effect.promise(() => connection.close())
  )

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now()
  await work()
  return performance.now() - start
}

const queries = async (connections: ReadonlyArray<Connection>, count: number): Promise<number> => {
  const milliseconds = await timed(() =>
    Promise.all(connections.map(async (connection, place) => {
      for (let i = place; i < count; i += connections.length) {
        await connection.execute("select name from keyed where id = :1", [1 + i % side])
      }
    }))
  )
  return count / milliseconds * 1000
}

const run = (scale: Scale): Effect.Effect<Report, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const rounds = scale === "full" ? 7 : 1
    const rows = scale === "full" ? inserted : 1000
    const count = scale === "full" ? 4000 : 50
    const server = yield* OracleServer.make({
      users: { scott: "tiger" },
      logCapacity: 0,
      script: `
        create table one_side (id number);
        create table other_side (id number);
        create table keyed (id number primary key, name varchar2(40));
        create table target (id number, name varchar2(40));
        insert into one_side select level from dual connect by level <= ${side};
        insert into other_side select level from dual connect by level <= ${side};
        insert into keyed select level, 'name ' || level from dual connect by level <= ${side};
      `
    })
    const connections: Array<Connection> = []
    for (let i = 0; i < 16; i++) connections.push(yield* connect(server))
    const [first] = connections as [Connection]
    const values = {
      join: [] as Array<number>,
      joinAgain: [] as Array<number>,
      insert: [] as Array<number>,
      one: [] as Array<number>,
      all: [] as Array<number>
    }
    yield* Effect.promise(async () => {
      for (let round = 0; round < rounds; round++) {
        for (const list of round % 2 === 0 ? [values.join, values.joinAgain] : [values.joinAgain, values.join]) {
          list.push(
            await timed(() => first.execute("select count(*) from one_side a, other_side b where a.id + b.id = 7"))
          )
        }
        values.insert.push(
          await timed(() =>
            first.execute(`insert into target select level, 'name ' || level from dual connect by level <= ${rows}`)
          )
        )
        await first.rollback()
        values.one.push(await queries([first], count))
        values.all.push(await queries(connections, count))
      }
    })
    const figure = (
      group: string,
      metric: string,
      unit: Figure["unit"],
      list: ReadonlyArray<number>,
      candidate = "sessionpool"
    ): Figure => ({
      group,
      candidate,
      metric,
      unit,
      values: list
    })
    return {
      figures: [
        figure(`join of ${side} by ${side} rows`, "time", "ms", values.join),
        figure(`join of ${side} by ${side} rows`, "time", "ms", values.joinAgain, again("sessionpool")),
        figure(`insert … select of ${rows} rows`, "time", "ms", values.insert),
        figure("query by key, 1 connection", "queries", "per second", values.one),
        figure("query by key, 16 connections", "queries", "per second", values.all)
      ],
      targets: [
        {
          text: "ten times faster than the engine on SQLite",
          bound: before.join / 10,
          direction: "at most",
          measured: median(values.join)
        },
        { text: "100,000 rows in 2 s", bound: 2000, direction: "at most", measured: median(values.insert) }
      ],
      notes: [
        `The engine on SQLite took ${before.join} ms for the join and ${before.insert} ms for the rows. A query by key took 2.9 µs in it and takes 1.1 µs now: over a connection that difference is lost in the protocol.`,
        "Client and server share one process and one event loop."
      ]
    }
  })

export const serverEngine: Row = { id: "server-engine", title, run }
