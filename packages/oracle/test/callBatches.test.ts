import { assert, describe, it } from "@effect/vitest"
import { mock } from "node:test"
import { type Batch, CallBatches } from "../src/internal/callBatches.ts"
import type { DriverInternals } from "../src/internal/driverInternals.ts"
import type { DriverConnection } from "../src/internal/oracledb.ts"
import type { CallOutcome, CallResult, PreparedCall } from "../src/internal/pipelinedCall.ts"

const query = (sql: string, binds: ReadonlyArray<unknown> = []): PreparedCall =>
  ({ _tag: "Query", sql, binds, options: {} }) as PreparedCall

const plSql = (sql: string): PreparedCall => ({ _tag: "Execute", sql, binds: [], options: {} })

/** Needs a LOB, so that it goes alone. */
const long = (sql: string): PreparedCall => query(sql, ["x".repeat(40_000)])

const refusal = Object.assign(new Error("ORA-43616: no pipelines"), { errorNum: 43_616 })
const broken = () => Object.assign(new Error("ORA-01013: cancelled"), { errorNum: 1013, code: "ORA-01013" })

type Together = (sqls: ReadonlyArray<string>) => Promise<ReadonlyArray<object>>

/** A session's line with one place at a time, and a driver that answers each statement with its text. */
const lineOf = (options: {
  readonly together?: Together | "none"
  readonly alone?: (sql: string) => Promise<object>
  readonly callTimeout?: number
  readonly isHealthy?: boolean
} = {}) => {
  const sent: Array<string> = []
  const failures: Array<readonly [string, unknown]> = []
  const seen = { breaks: 0, isLost: false, abandoned: 0 }
  const connection = {
    isHealthy: () => options.isHealthy ?? true,
    execute: async (sql: string) => {
      sent.push(sql)
      return options.alone === undefined ? { rows: [[sql]] } : options.alone(sql)
    }
  } as unknown as DriverConnection
  const run: NonNullable<DriverInternals["pipelines"]>["run"] = async (_, operations) => {
    const sqls = operations.map(({ sql }) => sql)
    sent.push(sqls.join(" + "))
    const answers = typeof options.together === "function"
      ? await options.together(sqls)
      : sqls.map((sql) => ({ rows: [[sql]] }))
    return answers as never
  }
  const waiting: Array<() => Promise<void>> = []
  const begun: Array<Batch> = []
  const state = { isOn: true, isRefused: false }
  const batches = new CallBatches({
    internals: { pipelines: options.together === "none" ? undefined : { run } } as unknown as DriverInternals,
    callTimeout: options.callTimeout ?? 0,
    enqueue: (batch, work, onEnd) => {
      waiting.push(async () => {
        begun.push(batch)
        await work(connection).then(() => onEnd(undefined), (cause: unknown) => onEnd({ cause }))
      })
      return {
        abandon: () => {
          seen.abandoned++
        }
      }
    },
    breakRunning: () => {
      seen.breaks++
    },
    lose: () => {
      seen.isLost = true
    },
    noteFailure: (sql, failure) => failures.push([sql, failure])
  }, state)
  const ended = new Map<string, CallOutcome>()
  const lease = { isReleased: false }
  return {
    batches,
    state,
    sent,
    seen,
    failures,
    ended,
    begun,
    lease,
    waiting,
    add: (call: PreparedCall, of = lease) =>
      batches.add(of, call.sql, () => call, (outcome) => ended.set(call.sql, outcome)),
    /** Gives the next place its turn, as the session does. */
    turn: () => waiting.shift()!()
  }
}

const valueOf = (sql: string): CallOutcome => ({ value: { rows: [[sql]] } as unknown as CallResult })

describe("calls of one lease", () => {
  it("that are ready together go together, and each has its own answer", async () => {
    const line = lineOf()
    for (const sql of ["a", "b", "c"]) line.add(query(sql))
    assert.lengthOf(line.waiting, 1)
    await line.turn()
    assert.deepStrictEqual(line.sent, ["a + b + c"])
    assert.deepStrictEqual([...line.ended], ["a", "b", "c"].map((sql) => [sql, valueOf(sql)]))
    assert.isTrue(line.begun[0]!.isPipeline)
  })

  it("one alone is no pipeline", async () => {
    const line = lineOf()
    line.add(query("a"))
    await line.turn()
    assert.deepStrictEqual(line.sent, ["a"])
    assert.isFalse(line.begun[0]!.isPipeline)
  })

  it("join until the batch begins, and the turn after that is another's", async () => {
    const line = lineOf()
    line.add(query("a"))
    const first = line.turn()
    // Its turn has come, but fibers that are ready now have theirs first.
    line.add(query("b"))
    await first
    line.add(query("c"))
    assert.lengthOf(line.waiting, 1)
    await line.turn()
    assert.deepStrictEqual(line.sent, ["a + b", "c"])
  })

  it("do not overtake what stands between them", async () => {
    const line = lineOf()
    line.add(query("a"))
    line.batches.close()
    line.add(query("b"))
    line.add(query("c"))
    assert.lengthOf(line.waiting, 2)
    await line.turn()
    // The end of a batch that was closed closes no other.
    line.add(query("d"))
    assert.lengthOf(line.waiting, 1)
    await line.turn()
    assert.deepStrictEqual(line.sent, ["a", "b + c + d"])
  })

  it("never go with those of another", async () => {
    const line = lineOf()
    line.add(query("a"))
    line.add(query("b"), { isReleased: false })
    assert.lengthOf(line.waiting, 2)
    await line.turn()
    await line.turn()
    assert.deepStrictEqual(line.sent, ["a", "b"])
  })

  it("are 32 in a batch at most", async () => {
    const line = lineOf()
    for (let n = 0; n < 33; n++) line.add(query(String(n)))
    assert.lengthOf(line.waiting, 2)
    await line.turn()
    await line.turn()
    assert.deepStrictEqual(line.sent.map((sent) => sent.split(" + ").length), [32, 1])
  })

  it("go one by one where the driver or the server has no pipelines", async () => {
    const line = lineOf({ together: "none" })
    line.add(query("a"))
    line.add(query("b"))
    assert.isFalse(line.batches.isPossible)
    await line.turn()
    assert.deepStrictEqual(line.sent, ["a", "b"])
    assert.isFalse(line.begun[0]!.isPipeline)
  })

  it("that cannot go together stand alone between those that can", async () => {
    const line = lineOf()
    for (const call of [query("a"), query("b"), long("c"), long("d"), query("e"), long("f"), query("g"), query("h")]) {
      line.add(call)
    }
    await line.turn()
    assert.deepStrictEqual(line.sent, ["a + b", "c", "d", "e", "f", "g + h"])
    assert.lengthOf([...line.ended], 8)
  })

  it("whose binds cannot be written fail without the others", async () => {
    const line = lineOf()
    const wrong = new Error("wrong")
    line.add(query("a"))
    line.batches.add(line.lease, "b", () => {
      throw wrong
    }, (outcome) => line.ended.set("b", outcome))
    line.add(query("c"))
    await line.turn()
    assert.deepStrictEqual(line.sent, ["a + c"])
    assert.deepStrictEqual([...line.ended], [["a", valueOf("a")], ["b", { failure: wrong }], ["c", valueOf("c")]])
    // Nothing of it was sent, so the session hears nothing.
    assert.deepStrictEqual(line.failures, [])
  })

  it("that have failed leave the others their answers, and the session hears of it", async () => {
    const no = new Error("no")
    const line = lineOf({
      together: async ([first]) => [{ rows: [[first]] }, { error: no }],
      alone: async () => {
        throw no
      }
    })
    for (const call of [query("a"), query("b"), long("c")]) line.add(call)
    await line.turn()
    assert.deepStrictEqual([...line.ended], [["a", valueOf("a")], ["b", { failure: no }], ["c", { failure: no }]])
    assert.deepStrictEqual(line.failures, [["b", no], ["c", no]])
  })

  it("fail at once where the line refuses them at once", () => {
    const cause = new Error("the session is lost")
    const outcomes: Array<CallOutcome> = []
    const batches = new CallBatches({
      internals: { pipelines: undefined } as unknown as DriverInternals,
      callTimeout: 0,
      enqueue: (_, __, onEnd) => {
        onEnd({ cause })
        return { abandon: () => {} }
      },
      breakRunning: () => {},
      lose: () => {},
      noteFailure: () => {}
    }, { isOn: true, isRefused: false })
    for (const sql of ["a", "b"]) {
      batches.add({ isReleased: false }, sql, () => query(sql), (outcome) => outcomes.push(outcome))
    }
    assert.deepStrictEqual(outcomes, [{ failure: cause }, { failure: cause }])
  })

  it("all fail where their turn never comes", async () => {
    const line = lineOf()
    line.add(query("a"))
    line.add(query("b"))
    line.lease.isReleased = true
    const cause = new Error("the lease is over")
    const lost = new CallBatches({
      internals: { pipelines: undefined } as unknown as DriverInternals,
      callTimeout: 0,
      enqueue: (_, __, onEnd) => {
        line.waiting.push(async () => onEnd({ cause }))
        return { abandon: () => {} }
      },
      breakRunning: () => {},
      lose: () => {},
      noteFailure: () => {}
    }, line.state)
    lost.add(line.lease, "c", () => query("c"), (outcome) => line.ended.set("c", outcome))
    await line.waiting[1]!()
    assert.deepStrictEqual([...line.ended], [["c", { failure: cause }]])
    // What comes later does not join it.
    lost.add(line.lease, "d", () => query("d"), () => {})
    assert.lengthOf(line.waiting, 3)
  })
})

describe("callers who leave", () => {
  it("before the batch has begun have nothing sent", async () => {
    const line = lineOf()
    line.add(query("a"))
    const leave = line.add(query("b"))
    line.add(query("c"))
    leave()
    assert.strictEqual(line.seen.abandoned, 0)
    await line.turn()
    assert.deepStrictEqual(line.sent, ["a + c"])
    assert.deepStrictEqual([...line.ended.keys()], ["a", "c"])
  })

  it("after that take their answer along, and the others go on", async () => {
    const answer = Promise.withResolvers<ReadonlyArray<object>>()
    const line = lineOf({ together: () => answer.promise })
    const leave = line.add(query("a"))
    line.add(query("b"))
    const turn = line.turn()
    while (line.sent.length === 0) await Promise.resolve()
    leave()
    assert.strictEqual(line.seen.abandoned, 0)
    answer.resolve([{ rows: [["a"]] }, { rows: [["b"]] }])
    await turn
    assert.deepStrictEqual([...line.ended], [["b", valueOf("b")]])
  })

  it("while those before them run alone have nothing sent", async () => {
    let leave = () => {}
    const line = lineOf({
      alone: async (sql) => {
        leave()
        return { rows: [[sql]] }
      }
    })
    line.add(long("a"))
    leave = line.add(long("b"))
    await line.turn()
    assert.deepStrictEqual(line.sent, ["a"])
    assert.deepStrictEqual([...line.ended.keys()], ["a"])
  })

  it("all of them, after it has begun, give it up as well", async () => {
    const answer = Promise.withResolvers<ReadonlyArray<object>>()
    const line = lineOf({ together: () => answer.promise })
    const leaves = [line.add(query("a")), line.add(query("b"))]
    const turn = line.turn()
    while (line.sent.length === 0) await Promise.resolve()
    leaves[0]!()
    assert.strictEqual(line.seen.abandoned, 0)
    leaves[1]!()
    assert.strictEqual(line.seen.abandoned, 1)
    answer.resolve([{}, {}])
    await turn
    assert.strictEqual(line.ended.size, 0)
  })

  it("all of them give the batch up", () => {
    const line = lineOf()
    const leaveA = line.add(query("a"))
    const leaveB = line.add(query("b"))
    leaveA()
    assert.strictEqual(line.seen.abandoned, 0)
    leaveB()
    assert.strictEqual(line.seen.abandoned, 1)
  })
})

describe("a server that refuses pipelines", () => {
  for (const how of ["as one answer", "as the failure of the whole"]) {
    it(`${how}: what was sent goes one by one, and so does everything from then on`, async () => {
      const line = lineOf({
        together: async (sqls) => {
          if (how === "as one answer") return sqls.map(() => ({ error: refusal }))
          throw refusal
        }
      })
      assert.isTrue(line.batches.isPossible)
      line.add(query("a"))
      line.add(query("b"))
      await line.turn()
      assert.isTrue(line.state.isRefused)
      assert.isFalse(line.batches.isPossible)
      assert.isFalse(line.begun[0]!.isPipeline)
      line.add(query("c"))
      line.add(query("d"))
      await line.turn()
      assert.deepStrictEqual(line.sent, ["a + b", "a", "b", "c", "d"])
      assert.deepStrictEqual([...line.ended], ["a", "b", "c", "d"].map((sql) => [sql, valueOf(sql)]))
      assert.isFalse(line.seen.isLost)
    })
  }
})

describe("a driver that refuses one call of a pipeline", () => {
  const refused = Object.assign(new Error("NJS-178"), { code: "NJS-178" })

  it("gets a query once more by itself, but nothing that may have been done", async () => {
    const line = lineOf({ together: async (sqls) => sqls.map(() => ({ error: refused })) })
    line.add(query("a"))
    line.add(plSql("b"))
    await line.turn()
    assert.deepStrictEqual(line.sent, ["a + b", "a"])
    assert.deepStrictEqual([...line.ended], [["a", valueOf("a")], ["b", { failure: refused }]])
  })

  it("gets no query again that failed otherwise", async () => {
    const no = new Error("no")
    const line = lineOf({ together: async (sqls) => sqls.map(() => ({ error: no })) })
    line.add(query("a"))
    line.add(query("b"))
    await line.turn()
    assert.deepStrictEqual(line.sent, ["a + b"])
  })
})

describe("a pipeline that has failed as a whole", () => {
  const add = async (thrown: unknown, isHealthy: boolean) => {
    const line = lineOf({
      isHealthy,
      together: async () => {
        throw thrown
      }
    })
    line.add(query("a"))
    line.add(query("b"))
    await line.turn()
    const [a, b] = ["a", "b"].map((sql) => line.ended.get(sql))
    assert.deepStrictEqual(a, b)
    assert.isTrue(line.seen.isLost)
    assert.lengthOf(line.failures, 2)
    return (a as { readonly failure: Error & { readonly code?: string } }).failure
  }

  it("loses the session, and every call fails with what the driver says", async () => {
    const told = Object.assign(new Error("ORA-03113"), { errorNum: 3113, code: "ORA-03113" })
    assert.strictEqual(await add(told, false), told)
  })

  it("is a defect of the driver where the connection still stands", async () => {
    const defect = new TypeError("undefined is not a function")
    assert.strictEqual(await add(defect, true), defect)
  })

  it("has lost its connection where the driver stumbles over that", async () => {
    const defect = new TypeError("undefined is not a function")
    const failure = await add(defect, false)
    assert.deepStrictEqual([failure.code, failure.cause], ["NJS-500", defect])
  })
})

describe("a pipeline that takes longer than the call timeout", () => {
  const timed = async (outcomes: () => ReadonlyArray<object>, passed: number) => {
    mock.timers.enable({ apis: ["setTimeout"] })
    try {
      const answer = Promise.withResolvers<ReadonlyArray<object>>()
      const line = lineOf({ callTimeout: 50, together: () => answer.promise })
      line.add(query("a"))
      line.add(query("b"))
      const turn = line.turn()
      for (let n = 0; n < 5; n++) await Promise.resolve()
      mock.timers.tick(passed)
      answer.resolve(outcomes())
      await turn
      // An answer that has come is not broken later.
      mock.timers.tick(100)
      return line
    } finally {
      mock.timers.reset()
    }
  }
  const half = () => [{ rows: [["a"]] }, { error: broken() }]

  it("is broken; what had its answer keeps it, the rest has timed out", async () => {
    const line = await timed(half, 50)
    assert.strictEqual(line.seen.breaks, 1)
    assert.deepStrictEqual(line.ended.get("a"), valueOf("a"))
    const { failure } = line.ended.get("b") as { readonly failure: Error & { readonly code: string } }
    assert.deepStrictEqual([failure.code, failure.message], ["NJS-123", "NJS-123: call timeout of 50 ms exceeded"])
  })

  it("does not rename failures of another kind", async () => {
    const no = Object.assign(new Error("ORA-00942"), { errorNum: 942, code: "ORA-00942" })
    const line = await timed(() => [{ rows: [["a"]] }, { error: no }], 50)
    assert.deepStrictEqual(line.ended.get("b"), { failure: no })
  })

  it("is left alone before that, and a break by another is told as it is", async () => {
    const line = await timed(half, 49)
    assert.strictEqual(line.seen.breaks, 0)
    const { failure } = line.ended.get("b") as { readonly failure: Error & { readonly code: string } }
    assert.strictEqual(failure.code, "ORA-01013")
  })
})
