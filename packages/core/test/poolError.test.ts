import { assert, describe, it } from "@effect/vitest"
import { PoolError } from "@sessionpool/core"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { beside, openPool } from "./openPool.ts"

const snapshot = { opened: 1, busy: 1, opening: 0, pending: 1, max: 1, leases: [] }
const pool = "hr"
const request = "the pool's user"

describe("isRetryable", () => {
  const opening = { pool, identity: "scott", attempts: 1 }
  const answers: ReadonlyArray<
    readonly [name: string, error: { readonly isRetryable: boolean }, isRetryable: boolean]
  > = [
    ["PoolClosedError", new PoolError.PoolClosedError({ pool }), false],
    ["PoolBusyError", new PoolError.PoolBusyError({ pool, busy: 1 }), true],
    ["PoolExhaustedError", new PoolError.PoolExhaustedError({ pool, snapshot }), true],
    ["AcquireTimeoutError", new PoolError.AcquireTimeoutError({ pool, waitedMillis: 1, request, snapshot }), true],
    ["QueueFullError", new PoolError.QueueFullError({ pool, queueMax: 1, snapshot }), true],
    [
      "PoolOverloadedError",
      new PoolError.PoolOverloadedError({ pool, expectedWaitMillis: 1, targetMillis: 1, snapshot }),
      true
    ],
    [
      "OpenSessionError of a database that is down",
      new PoolError.OpenSessionError({ ...opening, isAuthentication: false, cause: new Error("x") }),
      true
    ],
    [
      "OpenSessionError of a failure that says no",
      new PoolError.OpenSessionError({ ...opening, isAuthentication: false, cause: { isRetryable: false } }),
      false
    ],
    [
      "OpenSessionError of refused credentials",
      new PoolError.OpenSessionError({ ...opening, isAuthentication: true, cause: { isRetryable: true } }),
      false
    ],
    ["CredentialsNotAllowedError", new PoolError.CredentialsNotAllowedError({ pool }), false],
    ["InvalidTagError", new PoolError.InvalidTagError({ pool, tag: "A", problem: "x" }), false],
    ["InvalidOptionsError", new PoolError.InvalidOptionsError({ pool, problems: [] }), false],
    ["ConnectionReleasedError", new PoolError.ConnectionReleasedError({ pool, session: 1 }), false]
  ]
  for (const [name, error, isRetryable] of answers) {
    it(`${name}: ${isRetryable} (A11)`, () => assert.strictEqual(error.isRetryable, isRetryable))
  }

  it("is there on every failure of the pool (A11)", () => {
    const named = new Set(answers.map(([name]) => name.split(" ")[0]))
    assert.sameMembers([...named], Object.keys(PoolError).filter((name) => name.endsWith("Error")))
  })
})

describe("an AcquireTimeoutError", () => {
  const advice = (parts: Partial<typeof snapshot>, more: object = {}) =>
    new PoolError.AcquireTimeoutError({
      pool,
      waitedMillis: 2000,
      request,
      snapshot: { ...snapshot, ...parts },
      ...more
    })
      .message.replace(/^.*?\)\. /, "")

  it("advises what follows from the counts (A4)", () => {
    const full = "All sessions are busy: raise max or waitTimeout, or hold sessions for a shorter time."
    assert.strictEqual(advice({}), full)
    assert.match(
      advice({ busy: 0, opened: 0, opening: 1 }),
      /^Opening a session took longer than the wait: raise waitTimeout/
    )
    assert.match(
      advice({ busy: 0, opened: 0 }, { lastOpenFailure: new Error("no listener") }),
      /^The last attempt to open a session failed: no listener\. Fix the cause/
    )
    assert.match(advice({ busy: 0, opened: 1 }), /^Not all sessions are busy, but none fits this request yet/)
    assert.match(advice({}, { nestedSession: 1 }), /Pass the connection on instead\. All sessions/)
  })

  it.effect("with nothing busy and one session opening speaks of opening (A4)", () =>
    Effect.gen(function*() {
      const { database, pool } = yield* openPool({ max: 4, database: { latency: { open: "10 seconds" } } })
      const fiber = yield* beside(Effect.flip(pool.acquire({ waitTimeout: "2 seconds" })))
      yield* TestClock.adjust("2 seconds")
      const exit = fiber.pollUnsafe()
      assert.isTrue(exit?._tag === "Success")
      const message = exit?._tag === "Success" ? exit.value.message : ""
      assert.include(message, "0 busy of 0 open, 1 opening")
      assert.include(message, "Opening a session took longer than the wait")
      assert.notInclude(message, "raise max")
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(yield* database.sessions, 1)
    }))
})

describe("messages", () => {
  const hostile = "a\n\u0000\u202eb"
  const shown = "a\\n\\u0000\\u202eb"
  const errors: ReadonlyArray<Error> = [
    new PoolError.PoolClosedError({ pool: hostile }),
    new PoolError.AcquireTimeoutError({ pool, waitedMillis: 1, request: hostile, snapshot }),
    new PoolError.OpenSessionError({ pool, identity: hostile, isAuthentication: false, attempts: 1, cause: "x" }),
    new PoolError.InvalidTagError({ pool, tag: hostile, problem: "x" }),
    new PoolError.InvalidOptionsError({ pool, problems: [{ field: "tag", problem: `must not be ${hostile}` }] }),
    new PoolError.ConnectionReleasedError({ pool, session: 1, owner: hostile })
  ]
  for (const error of errors) {
    it(`of ${error.name} have no control characters (S6)`, () => {
      assert.include(error.message, shown)
      assert.notInclude(error.message, hostile)
    })
  }

  it("keep the lines of the database's own message, and nothing else of it that is not text (S6)", () => {
    const cause = new Error("ORA-06550: line 1\nPLS-00201: identifier\u0000")
    const error = new PoolError.OpenSessionError({
      pool,
      identity: "scott",
      isAuthentication: false,
      attempts: 1,
      cause
    })
    assert.include(error.message, "ORA-06550: line 1\nPLS-00201: identifier\\u0000.")
  })
})
