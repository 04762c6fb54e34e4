import { assert, describe, it } from "@effect/vitest"
import { type OracleConnection, OracleSessionPool } from "@sessionpool/oracle"
import { Effect } from "effect"
import { isReal } from "./database.ts"
import { watched } from "./watchedPool.ts"

const table = {
  SCHEMA: "current_schema",
  TIME_ZONE: { set: "TIME_ZONE", default: "UTC" },
  DATES: "NLS_DATE_FORMAT",
  NOTE: ({ literal }: OracleSessionPool.TagValue) => `begin dbms_application_info.set_client_info(${literal}); end;`
} as const

const prepared = Effect.gen(function*() {
  const { pool, server } = yield* watched({ max: 1, onSession: OracleSessionPool.tagState(table) })
  yield* server.script("create table own (n number)", "hr")
  const sent = Effect.map(
    server.requests,
    (requests) => requests.flatMap(({ sql }) => sql === undefined || sql.startsWith("select") ? [] : [sql])
  )
  const use = (tag: string, matchAnyTag = false) =>
    Effect.gen(function*() {
      yield* server.clearRequests
      const state = yield* pool.use({ tag, matchAnyTag }, look)
      return { ...state, sent: yield* sent }
    })
  return { pool, use }
})

const look = (held: OracleConnection.OracleConnection) =>
  Effect.map(
    held.query(
      `select sys_context('userenv', 'current_schema') as s, sessiontimezone as z, to_char(date '2024-02-03') as d,
        sys_context('userenv', 'client_info') as n from dual`
    ),
    ([row]) => ({ tag: held.tag, schema: row?.["S"], zone: row?.["Z"], date: row?.["D"], note: row?.["N"] })
  )

describe.skipIf(isReal)("tagState", () => {
  it.live("puts a session in the state that its tag names, and sends only what differs", () =>
    Effect.gen(function*() {
      const { use } = yield* prepared
      const first = yield* use("SCHEMA=hr;DATES=DD.MM.YYYY")
      assert.deepInclude(first, { schema: "HR", date: "03.02.2024", tag: "SCHEMA=hr;DATES=DD.MM.YYYY" })
      assert.deepStrictEqual(first.sent, [
        "alter session set CURRENT_SCHEMA = \"HR\" NLS_DATE_FORMAT = 'DD.MM.YYYY'"
      ])
      assert.deepStrictEqual((yield* use("DATES=DD.MM.YYYY;SCHEMA=hr")).sent, [])
      // A near one is changed as far as it has to be, and keeps what nothing puts back.
      const near = yield* use("SCHEMA=hr;TIME_ZONE=+02:00", true)
      assert.deepInclude(near, { schema: "HR", zone: "+02:00", date: "03.02.2024" })
      assert.deepStrictEqual(near.sent, ["alter session set TIME_ZONE = '+02:00'"])
      assert.strictEqual(near.tag, "SCHEMA=hr;TIME_ZONE=+02:00;DATES=DD.MM.YYYY")
      const back = yield* use("SCHEMA=hr", true)
      assert.deepInclude(back, { zone: "UTC", tag: "SCHEMA=hr;DATES=DD.MM.YYYY" })
      assert.deepStrictEqual(back.sent, ["alter session set TIME_ZONE = 'UTC'"])
    }))

  it.live("quotes what it is given", () =>
    Effect.gen(function*() {
      const { use } = yield* prepared
      const note = "it's '); delete from emp; --"
      assert.deepInclude(yield* use(`NOTE=${note.replaceAll(";", ",")}`), { note: note.replaceAll(";", ",") })
      const format = "\"don't\" YYYY"
      assert.deepInclude(yield* use(`DATES=${format}`), { date: "don't 2024" })
    }))

  it.live("refuses a property that it does not know and a value that cannot be a name, and sends nothing", () =>
    Effect.gen(function*() {
      const { pool, use } = yield* prepared
      const refused = (tag: string) => Effect.flip(use(tag))
      const unknown = yield* refused("LANG=FR")
      assert.strictEqual(unknown._tag, "InvalidTagError")
      assert.match(unknown.message, /no statement for LANG; it knows SCHEMA, TIME_ZONE, DATES, NOTE/)
      const hostile = yield* refused("SCHEMA=hr x 'y'")
      assert.match(hostile.message, /value of SCHEMA must be a name/)
      assert.match((yield* refused("SCHEMA=\"hr\" x")).message, /must be a name/)
      assert.deepStrictEqual((yield* pool.use(look)).tag, undefined)
    }))

  it.live("leaves a session without a tag alone", () =>
    Effect.gen(function*() {
      const { pool } = yield* prepared
      assert.deepInclude(yield* pool.use(look), { schema: "SCOTT", tag: undefined })
    }))
})
