/** Calls that may go together, in the line of a session over a connection that does what a test says. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import type { PreparedCall } from "../src/internal/pipelinedCall.ts"
import { LeaseIsOver } from "../src/internal/sessionCall.ts"
import { connectionOf, never, pass, scriptedSession, withTimers } from "./scriptedSession.ts"

const ending = { succeed: Effect.succeed, fail: Effect.fail }

const failureOf = (exit: Exit.Exit<unknown, unknown>): unknown =>
  Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined

const codeOf = (exit: Exit.Exit<unknown, unknown>): unknown =>
  (failureOf(exit) as { readonly code?: string } | undefined)?.code

const sessionOf = (
  execute: (sql: string) => Promise<object>,
  runPipeline?: (sqls: ReadonlyArray<string>) => Promise<unknown>
) => {
  const pipelines = runPipeline === undefined ? {} : {
    runPipeline: ({ operations }: { readonly operations: ReadonlyArray<{ readonly statement: string }> }) =>
      runPipeline(operations.map(({ statement }) => statement)),
    // The driver's has one parameter, by which it is known.
    _createFetchTypeHandler: (fetchLobs: unknown) => fetchLobs,
    _impl: { supportsPipelining: () => true }
  }
  const session = scriptedSession(connectionOf({ execute, ...pipelines }))
  const lease = { isReleased: false }
  session.beginLease(lease, undefined)
  return {
    session,
    lease,
    batched: (sql: string) => {
      const call = { _tag: "Query", sql, binds: [], options: {} } as unknown as PreparedCall
      return session.batched(lease, sql, () => call, ending)
    }
  }
}

describe("calls of a lease that may go together", () => {
  it.effect("keep their place before and behind a call that may not", () =>
    Effect.gen(function*() {
      const sent: Array<string> = []
      const { batched, lease, session } = sessionOf(async (sql) => {
        sent.push(sql)
        return {}
      })
      const fibers = [
        yield* Effect.forkChild(batched("a")),
        yield* Effect.forkChild(session.call(async () => {
          sent.push("b")
        }, { lease })),
        yield* Effect.forkChild(batched("c"))
      ]
      for (const fiber of fibers) yield* Fiber.join(fiber)
      assert.deepStrictEqual(sent, ["a", "b", "c"])
    }))

  it.effect("fail on a session that is lost, or whose lease has ended", () =>
    withTimers(Effect.gen(function*() {
      const { batched, lease, session } = sessionOf(never)
      const first = yield* Effect.forkChild(session.call(never, { limit: 50 }))
      yield* Effect.yieldNow
      const waiting = yield* Effect.forkChild(batched("a"))
      yield* Effect.yieldNow
      pass(50)
      assert.strictEqual(codeOf(yield* Fiber.await(waiting)), "NJS-500")
      yield* Fiber.interrupt(first)
      assert.strictEqual(codeOf(yield* Effect.exit(batched("b"))), "NJS-500")
      lease.isReleased = true
      assert.instanceOf(failureOf(yield* Effect.exit(batched("c"))), LeaseIsOver)
    })))

  it.effect("fail where it cannot be told whose work they are", () =>
    Effect.gen(function*() {
      const { batched, lease, session } = sessionOf(never)
      const problem = new Error("too long") as never
      const values = { clientIdentifier: "", clientInfo: "", operation: "", module: "", action: "", ecid: "" }
      session.beginLease(lease, { values, attributes: undefined, problem })
      assert.strictEqual(failureOf(yield* Effect.exit(batched("a"))), problem)
    }))

  it.effect("go in one pipeline, and a pipeline that fails as a whole costs the session", () =>
    Effect.gen(function*() {
      const pipelines: Array<ReadonlyArray<string>> = []
      const broken = Object.assign(new Error("ORA-03113"), { errorNum: 3113, code: "ORA-03113" })
      const { batched, session } = sessionOf(never, (sqls) => {
        pipelines.push(sqls)
        return Promise.reject(broken)
      })
      const exits = yield* Effect.all([
        Effect.exit(batched("select 1 from dual")),
        Effect.exit(batched("select 2 from dual"))
      ], {
        concurrency: "unbounded"
      })
      assert.lengthOf(pipelines, 1)
      for (const exit of exits) assert.strictEqual(failureOf(exit), broken)
      assert.isFalse(session.isHealthy)
    }))

  it.effect("that all callers have left are to be stopped; while one is left, they are not", () =>
    Effect.gen(function*() {
      const { batched, session } = sessionOf(never, never)
      const [first, second] = [yield* Effect.forkChild(batched("a")), yield* Effect.forkChild(batched("b"))]
      yield* Effect.yieldNow
      yield* Effect.promise(() => Promise.resolve())
      yield* Fiber.interrupt(first)
      assert.isFalse(session.mustBeStopped)
      yield* Fiber.interrupt(second)
      assert.isTrue(session.mustBeStopped)
    }))
})
