import { assert, describe, it } from "@effect/vitest"
import { OracleBind } from "@sessionpool/oracle"
import { Effect, Exit } from "effect"
import { asChecked } from "../src/internal/driverBatches.ts"
import {
  batchRows,
  connectionClass,
  driverInternals,
  fitConnection,
  fitPool,
  inbandNotice,
  modifiedSchema,
  objectTypeCache,
  parseOracleDate,
  parseOracleNumber,
  pendingBreak,
  pipelineFetchTypes,
  statementCache,
  temporaryLobs
} from "../src/internal/driverInternals.ts"
import { driver, type DriverConnection, type DriverPool } from "../src/internal/oracledb.ts"
import { connection, embedded, isReal } from "./database.ts"
import { watched } from "./watchedPool.ts"

const utc = (year: number, month: number, day: number, hour = 0, minute = 0, second = 0, millis = 0): Date => {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second, millis)
  return date
}

describe("the private members of the driver", () => {
  it.live.skipIf(isReal)(
    "are in the installed release as this package knows them",
    () =>
      Effect.gen(function*() {
        const { connect } = yield* embedded()
        const parameters = { connectString: connect.connectString, user: "scott", password: "tiger" }
        const raw = yield* Effect.acquireRelease(
          Effect.promise(() => driver.getConnection(parameters)),
          (made) => Effect.promise(() => made.close())
        )
        assert.deepStrictEqual(fitConnection(raw), [])
        const pool = yield* Effect.acquireRelease(
          Effect.promise(() => driver.createPool({ ...parameters, poolAlias: "internals", poolMin: 0 })),
          (made) => Effect.promise(() => made.close(0))
        )
        assert.deepStrictEqual(fitPool(pool, "SHOP"), [])
      })
  )

  it("are given up by name where a release has them otherwise", () => {
    const without = (readBuf: unknown) => ({ _impl: { _protocol: { readBuf } } }) as unknown as DriverConnection
    const all = [
      parseOracleDate,
      pendingBreak,
      statementCache,
      objectTypeCache,
      inbandNotice,
      modifiedSchema,
      pipelineFetchTypes,
      temporaryLobs,
      batchRows,
      parseOracleNumber
    ]
    assert.deepStrictEqual(fitConnection({} as DriverConnection), all)
    assert.deepStrictEqual(fitConnection(without({})), all)
    const changed = {
      parseOracleDate: () => "2001-02-01",
      parseOracleNumber: (_bytes: Uint8Array) => "1"
    }
    assert.deepStrictEqual(fitConnection(without(changed)), all)
    assert.strictEqual(changed.parseOracleDate(), "2001-02-01")
    assert.strictEqual(changed.parseOracleNumber(Buffer.from([193, 8])), "1")
    assert.deepStrictEqual(fitPool({} as DriverPool, "SHOP"), [connectionClass])
    assert.deepStrictEqual(fitPool({ _impl: { _userConfig: {} } } as unknown as DriverPool, "SHOP"), [connectionClass])
  })
})

describe("dates of the first century", () => {
  it.live("are no dates of the twentieth: in columns and OUT binds, both ways (D2)", () =>
    Effect.gen(function*() {
      for (const dates of ["utc", "local"] as const) {
        const held = yield* connection({ dates })
        const made = (...parts: Parameters<typeof utc>) => {
          if (dates === "utc") return utc(...parts)
          const [year, month, day, hour = 0, minute = 0, second = 0, millis = 0] = parts
          const date = new Date(2000, 0, 1)
          date.setFullYear(year, month - 1, day)
          date.setHours(hour, minute, second, millis)
          return date
        }
        assert.deepStrictEqual(
          yield* held.query(
            "select date '0001-01-01' as a, to_date('0099-12-31 23:59:58', 'yyyy-mm-dd hh24:mi:ss') as b, "
              + "timestamp '0042-03-04 05:06:07.089' as c, date '0100-01-01' as d, date '1901-01-01' as e, "
              + "date '1999-12-31' as f, timestamp '2042-03-04 05:06:07.089' as g from dual"
          ),
          [{
            A: made(1, 1, 1),
            B: made(99, 12, 31, 23, 59, 58),
            C: made(42, 3, 4, 5, 6, 7, 89),
            D: made(100, 1, 1),
            E: made(1901, 1, 1),
            F: made(1999, 12, 31),
            G: made(2042, 3, 4, 5, 6, 7, 89)
          }]
        )
        const { outBinds } = yield* held.execute(
          "begin :d := date '0001-01-01'; :t := timestamp '0099-12-31 23:59:59.5'; end;",
          { d: OracleBind.out("date"), t: OracleBind.out("timestamp") }
        )
        assert.deepStrictEqual(outBinds, { d: made(1, 1, 1), t: made(99, 12, 31, 23, 59, 59, 500) })
        // What goes in comes back.
        const given = made(1, 2, 3, 4, 5, 6)
        assert.deepStrictEqual(yield* held.query("select :d as d from dual", { d: OracleBind.input("date", given) }), [
          { D: given }
        ])
      }
    }))
})

/** A connection of the driver as it comes, and one that is fitted. */
const twoConnections = Effect.gen(function*() {
  const { connect } = yield* embedded()
  const parameters = { connectString: connect.connectString, user: "scott", password: "tiger" }
  const opened = Effect.acquireRelease(
    Effect.promise(() => driver.getConnection(parameters)),
    (made) => Effect.promise(() => made.close())
  )
  const [plain, fitted] = [yield* opened, yield* opened]
  assert.deepStrictEqual(fitConnection(fitted), [])
  return { plain, fitted }
})

describe.skipIf(isReal)("a fitted connection of the driver", () => {
  it.live("reads each NUMBER to the text that the driver reads", () =>
    Effect.gen(function*() {
      const { fitted, plain } = yield* twoConnections
      interface Numbers {
        readonly parseOracleNumber: (bytes: Uint8Array) => string
      }
      const bufferOf = (connection: DriverConnection) =>
        (connection as unknown as { readonly _impl: { readonly _protocol: { readonly readBuf: Numbers } } })._impl
          ._protocol
          .readBuf
      const [ours, theirs] = [bufferOf(fitted), bufferOf(plain)]
      assert.notStrictEqual(ours.parseOracleNumber, theirs.parseOracleNumber)
      /** As the server sends it: pairs of digits behind the power of a hundred of the first. */
      const bytesOf = (isNegative: boolean, power: number, pairs: ReadonlyArray<number>): Buffer =>
        Buffer.from(
          isNegative
            ? [~(193 + power) & 0xff, ...pairs.map((pair) => 101 - pair), ...(pairs.length < 20 ? [102] : [])]
            : [193 + power, ...pairs.map((pair) => pair + 1)]
        )
      let short = 0
      for (let index = 0; index < 40_000; index++) {
        // A walk over pairs; none begins or ends with 0, as none of the server does, but for a few that must be read all the same.
        const pairs = Array.from({ length: 1 + index % 9 }, (_, at) => (index * 7919 + at * 104_729) % 100)
        if (index % 50 !== 0) {
          pairs[0] ||= 1
          pairs[pairs.length - 1] ||= 10
        }
        const bytes = bytesOf(index % 2 === 1, index % 17 - 8, pairs)
        const text = theirs.parseOracleNumber(bytes)
        assert.strictEqual(ours.parseOracleNumber(bytes), text, String([...bytes]))
        if (text.length < 10) short++
      }
      assert.isAbove(short, 5000)
      for (const bytes of [[128], [0], [255, 101], [0, 2, 102], [193, 101], [193, 100, 100], [62, 100]]) {
        assert.strictEqual(ours.parseOracleNumber(Buffer.from(bytes)), theirs.parseOracleNumber(Buffer.from(bytes)))
      }
    }))

  it.live("makes of checked rows what the driver makes of them by itself", () =>
    Effect.gen(function*() {
      const { fitted, plain } = yield* twoConnections
      interface Batches {
        readonly _processExecuteManyBinds: (rows: unknown, definitions: unknown) => Promise<unknown>
      }
      const made = (connection: DriverConnection, rows: unknown, definitions: unknown) =>
        Effect.promise(() => (connection as unknown as Batches)._processExecuteManyBinds(rows, definitions))
      const definitions = [
        { type: driver.DB_TYPE_NUMBER },
        { type: driver.DB_TYPE_VARCHAR, maxSize: 40 },
        { type: driver.DB_TYPE_TIMESTAMP },
        { type: driver.DB_TYPE_RAW, maxSize: 8 },
        { type: driver.DB_TYPE_BOOLEAN },
        { type: driver.DB_TYPE_VARCHAR, maxSize: 1 }
      ]
      const date = new Date()
      const rows = [
        [1, "one", date, Buffer.from("1"), true, null],
        [2n ** 70n, "zwölf", null, undefined, false, undefined],
        [null, "", date, Buffer.alloc(8), null, null]
      ]
      const expected = yield* made(plain, rows, definitions)
      assert.deepStrictEqual(yield* made(fitted, asChecked(rows), definitions), expected)
      assert.deepStrictEqual(yield* made(fitted, rows, definitions), expected)
      // What is not checked is looked at.
      const refused = yield* Effect.exit(made(fitted, [["text", "one", date, null, true, null]], definitions))
      assert.isTrue(Exit.isFailure(refused))
    }))
})

describe.skipIf(isReal)("the driver", () => {
  it.live("drops a statement from its cache when it is told to forget it", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      const sql = "select 7 as seven from dual"
      const parses = Effect.map(server.requests, (requests) =>
        requests.filter((request) => request.function === "execute").length)
      yield* pool.use((held) =>
        Effect.gen(function*() {
          yield* held.query(sql)
          yield* server.clearRequests
          yield* held.query(sql)
          assert.strictEqual(yield* parses, 0)
          yield* held.caller.now({ operation: "forget" }, (connection) =>
            driverInternals(connection).forgetStatement?.(sql))
          yield* held.query(sql)
          assert.strictEqual(yield* parses, 1)
          yield* held.ping
          const [session] = yield* server.sessions
          assert.strictEqual(session?.openCursors, 1)
        })
      )
    }))

  it.live("says whether a break is still to be taken", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 1 })
      yield* pool.use((held) =>
        Effect.gen(function*() {
          const isPending = held.caller.now(
            { operation: "look" },
            (connection) => driverInternals(connection).isBreakPending?.()
          )
          yield* held.ping
          assert.isFalse(yield* isPending)
          yield* Effect.promise(() => held.caller.session.attached!.break())
          assert.isTrue(yield* isPending)
          yield* Effect.ignore(held.ping)
          assert.isFalse(yield* isPending)
        })
      )
    }))

  it.live.skipIf(isReal)("are not inside of JSON either (D2)", () =>
    Effect.gen(function*() {
      const { connect } = yield* embedded()
      const raw = yield* Effect.acquireRelease(
        Effect.promise(() =>
          driver.getConnection({ connectString: connect.connectString, user: "scott", password: "tiger" })
        ),
        (made) => Effect.promise(() => made.close())
      )
      assert.deepStrictEqual(fitConnection(raw), [])
      const early = new Date(2000, 0, 1)
      early.setFullYear(42, 1, 3)
      const document = { early, late: new Date(1942, 1, 3), fine: new Date(1942, 1, 3, 4, 5, 6, 789) }
      // As the database would send it.
      const { decodeOSON, encodeOSON } = raw as unknown as {
        readonly encodeOSON: (value: unknown) => Buffer
        readonly decodeOSON: (bytes: Buffer) => unknown
      }
      assert.deepStrictEqual(decodeOSON.call(raw, encodeOSON.call(raw, document)), document)
    }))
})
