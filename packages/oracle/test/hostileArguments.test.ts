/** What programs without types pass to a connection: never a throw, never a defect, nothing sent, and the lease goes on. */
import { assert, describe, it } from "@effect/vitest"
import { OracleBind, type OracleConnection, type OracleError, OracleStatement } from "@sessionpool/oracle"
import { Cause, Effect, Exit, Redacted, Stream } from "effect"
import { isReal } from "./database.ts"
import { watched } from "./watchedPool.ts"

const hostile: ReadonlyArray<unknown> = [
  undefined,
  null,
  5,
  Number.NaN,
  -1,
  "nope; drop",
  "",
  true,
  Symbol("s"),
  1n,
  () => undefined,
  {},
  [],
  [null],
  [undefined],
  new Map([["a", 1]]),
  new Date(Number.NaN),
  Redacted.make("r"),
  Object.create(null),
  new Uint8Array(2)
]

/** A member, what it is called with, and for each argument which hostile values are none: nothing is sent for them either. */
interface Member {
  readonly name: string
  readonly call: (connection: never, ...args: ReadonlyArray<never>) => unknown
  readonly args: ReadonlyArray<unknown>
}

const sql = "select 1 as n from dual"
const passwords = { from: Redacted.make("a"), to: Redacted.make("b") }

type C = OracleConnection.OracleConnection

/** Calls a member with whatever it is given. */
const on = (name: keyof C, args: ReadonlyArray<unknown>): Member => ({
  name,
  args,
  call: (connection: C, ...given) => (connection[name] as (...args: ReadonlyArray<unknown>) => unknown)(...given)
})

/** One option of the last argument is hostile. */
const option = (name: keyof C, args: ReadonlyArray<unknown>, key: string, others: object = {}): Member => ({
  name: `${name} { ${key} }`,
  args: [undefined],
  call: (connection: C, value: unknown) =>
    (connection[name] as (...args: ReadonlyArray<unknown>) => unknown)(...args, { ...others, [key]: value })
})

const reading = ["numbers", "dates", "lobs", "columnNames", "fetchArraySize", "prefetchRows", "schema"]

const members: ReadonlyArray<Member> = [
  on("setTag", ["A=1"]),
  on("query", [sql, [], {}]),
  on("queryStream", [sql, [], {}]),
  on("execute", [sql, [], {}]),
  on("executeMany", ["insert into hostile values (:1)", [[1]], {}]),
  on("call", ["proc", [], {}]),
  on("callFunction", ["func", "number", [], {}]),
  on("pipeline", [[OracleStatement.query(sql)], {}]),
  on("driver", [() => Promise.resolve(1)]),
  on("withTransaction", [Effect.void, {}]),
  on("createLob", ["clob", "text"]),
  on("setCurrentSchema", ["SCOTT"]),
  on("setContext", [{}]),
  on("setModule", ["m"]),
  on("setAction", ["a"]),
  on("setClientIdentifier", ["c"]),
  on("setClientInfo", ["i"]),
  on("setDbOperation", ["o"]),
  on("setStatementCacheSize", [30]),
  on("setCallTimeout", ["1 minute"]),
  on("changePassword", ["scott", passwords]),
  ...reading.flatMap((key) => [
    option("query", [sql, []], key),
    option("queryStream", [sql, []], key),
    option("execute", [sql, []], key),
    option("executeMany", ["insert into hostile values (:1)", [[1]]], key)
  ]),
  ...["batchErrors", "rowCounts"].map((key) => option("executeMany", ["insert into hostile values (:1)", [[1]]], key)),
  ...["commit", "mode"].map((key) => option("pipeline", [[OracleStatement.query(sql)]], key)),
  ...["isolation", "readOnly", "recover"].map((key) => option("withTransaction", [Effect.void], key)),
  ...["from", "to"].map((key) => option("changePassword", ["scott"], key, passwords)),
  ...["clientIdentifier", "clientInfo", "operation", "module", "action", "ecid", "attributes"].map((key) =>
    option("setContext", [], key)
  ),
  { name: "a bind", args: [1], call: (c: C, bind: never) => c.query("select :1 as n from dual", [bind]) },
  {
    name: "a row",
    args: [[1]],
    call: (c: C, row: never) => c.executeMany("insert into hostile values (:1)", [[1], row])
  },
  { name: "a statement", args: [sql], call: (c: C, text: never) => c.pipeline([OracleStatement.query(text)]) },
  { name: "a piece", args: ["x"], call: (c: C, piece: never) => c.createLob("clob", Stream.make("a", piece)) },
  {
    name: "a policy",
    args: ["number"],
    call: (c: C, policy: never) => c.query(sql, [], { numbers: () => policy })
  },
  {
    name: "a name",
    args: ["n"],
    call: (c: C, name: never) => c.query(sql, [], { columnNames: () => name })
  },
  { name: "an answer of the driver", args: [1], call: (c: C, answer: never) => c.driver(() => answer) },
  {
    name: "an OUT bind",
    args: [1],
    call: (c: C, type: never) => c.execute("begin :1 := 1; end;", [OracleBind.out(type)])
  }
]

/** What a value is, for a message. */
const shown = (value: unknown): string =>
  typeof value === "object" && value !== null
    ? Redacted.isRedacted(value)
      ? "redacted"
      : `${value.constructor?.name ?? "null prototype"} ${JSON.stringify(value)}`
    : String(value)

/** Calls a member with one hostile value; says what is wrong with what came of it. */
const problemOf = (connection: C, member: Member, at: number, value: unknown) =>
  Effect.gen(function*() {
    const given = member.args.map((arg, index) => index === at ? value : arg) as unknown as ReadonlyArray<never>
    let made: unknown
    try {
      made = member.call(connection as never, ...given)
    } catch (thrown) {
      return `threw ${String(thrown)}`
    }
    const effect = Stream.isStream(made) ? Stream.runDrain(made) : made as Effect.Effect<unknown, unknown>
    const exit = yield* Effect.exit(effect as Effect.Effect<unknown, unknown>)
    if (Exit.isFailure(exit) && Cause.hasDies(exit.cause)) return `died of ${Cause.pretty(exit.cause).split("\n")[0]}`
    // Some values are good durations, and short ones.
    yield* connection.setCallTimeout(0)
    const [row] = yield* connection.query("select 7 as n from dual")
    return row?.["N"] === 7 ? undefined : `spoilt the call after it, which gave ${JSON.stringify(row)}`
  })

describe.skipIf(isReal)("a connection that is given anything", () => {
  it.live("fails, typed, or does as it is told, and goes on", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 1 })
      yield* pool.use((connection) => connection.execute("create table hostile (n number)"))
      const problems: Array<string> = []
      for (const member of members) {
        yield* pool.use((connection) =>
          Effect.gen(function*() {
            for (const at of member.args.keys()) {
              for (const value of hostile) {
                const problem = yield* problemOf(connection, member, at, value)
                if (problem !== undefined) {
                  problems.push(`${member.name}, argument ${at}, given ${shown(value)}: ${problem}`)
                }
              }
            }
          })
        )
        const { totals } = yield* pool.statistics
        if (totals.opened !== 1) problems.push(`${member.name}: its session was lost`)
      }
      assert.deepStrictEqual(problems, [])
    }), 60_000)

  it.live("says what an argument must be, and sends nothing (B4, B7, B8, B9)", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          yield* connection.ping
          const untyped = connection as unknown as {
            readonly [Name in keyof C]: (...args: ReadonlyArray<unknown>) => Effect.Effect<unknown, unknown>
          }
          const messageOf = (effect: Effect.Effect<unknown, unknown>) =>
            Effect.map(Effect.flip(effect), (error) => (error as OracleError.OracleError).message)
          const before = (yield* server.requests).length
          const messages = yield* Effect.forEach([
            untyped.pipeline([null]),
            untyped.pipeline(undefined),
            untyped.query(undefined),
            untyped.query(sql, "x"),
            untyped.query(sql, [], { numbers: "nope" }),
            untyped.query(sql, [], { columnNames: "nope" }),
            untyped.execute(sql, [OracleBind.out("numbr" as "number")]),
            untyped.executeMany("insert into hostile values (:1)", [[1], null]),
            untyped.createLob("clob", 5),
            untyped.changePassword("scott", { from: "tiger", to: Redacted.make("b") }),
            untyped.setCallTimeout(-5),
            untyped.setCurrentSchema("a b; drop")
          ], messageOf)
          assert.deepStrictEqual(messages.map((message) => message.split("\n")[0]), [
            "Element 0 of a pipeline must be an OracleStatement, not null: nothing was sent.",
            "The statements of a pipeline must be an array of OracleStatements, not undefined: nothing was sent.",
            "A statement must be a text, not undefined: nothing was sent.",
            "The binds of a statement must be an array, or an object with a property for each name, not a string: nothing was sent.",
            "The option numbers must be \"number\", \"bigint\", \"bigDecimal\", \"string\", \"double\", or a function, not \"nope\": nothing was sent.",
            "The option columnNames must be \"upper\", \"lower\", \"camel\", or a function, not \"nope\": nothing was sent.",
            "Bind :1 cannot be sent: its type must be one of string, nstring, char, number, bigint, bigDecimal, double, boolean, date, timestamp, timestampTz, timestampLtz, intervalDs, intervalYm, raw, clob, nclob, blob, json, vector, rowid, cursor",
            "Row 1 of a batch must be an array, or an object with a property for each name, not null: nothing was sent.",
            "The content of a LOB must be a text, bytes, or a stream of them, not a number: nothing was sent.",
            "The password `from` must be a Redacted text, not a string: nothing was sent.",
            "The call timeout must be a duration of 0 or more, such as \"30 seconds\", 30000 (milliseconds) or \"infinity\": nothing was changed.",
            "\"a b; drop\" cannot be the name of a schema: nothing was changed. Put it in double quotes unless it is a plain identifier."
          ])
          assert.strictEqual((yield* server.requests).length, before)
          const throwing = {
            get n() {
              throw new Error("mine")
            }
          }
          const noCode = String(yield* Effect.flip(untyped.query("select :n as n from dual", throwing)))
          assert.include(noCode, "mine")
          assert.include(noCode, "Neither the database nor the driver has given it a code")
        })
      )
    }))

  it.live("counts the rows of a batch also when its statement was prepared before", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 1 })
      const counts = yield* pool.use((connection) =>
        Effect.gen(function*() {
          yield* connection.execute("create table counted (n number)")
          yield* connection.executeMany("insert into counted values (:1)", [[1], [2]])
          return yield* connection.executeMany("insert into counted values (:1)", [[3], [4]], { rowCounts: true })
        })
      )
      assert.deepStrictEqual(counts.rowCounts, [1, 1])
    }))
})
