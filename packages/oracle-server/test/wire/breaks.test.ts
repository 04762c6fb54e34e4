import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cannedEngine, column, query, waits } from "./cannedEngine.ts"
import { codeOf, connect, dialects, serve } from "./served.ts"

const one = { run: () => query([column("N", "NUMBER")], [["1"]]) }

for (const { name, protocol } of dialects) {
  describe(`breaks, ${name}`, () => {
    it.live("end the call that runs with ORA-01013 and leave a usable session", () =>
      Effect.gen(function*() {
        const canned = cannedEngine({ "select 1": one, "begin wait; end;": waits })
        const connection = yield* connect(yield* serve(canned, { protocol }))
        for (let again = 0; again < 3; again++) {
          const waiting = codeOf(() => connection.execute("begin wait; end;"))
          const [code] = yield* Effect.all([
            waiting,
            Effect.delay(Effect.promise(() => connection.break()), "20 millis")
          ], { concurrency: "unbounded" })
          assert.strictEqual(code, "ORA-01013")
          const { rows } = yield* Effect.promise(() => connection.execute("select 1"))
          assert.deepStrictEqual(rows, [[1]])
        }
        assert.strictEqual(canned.opened[0]!.events.filter((event) => event === "cancel").length, 3)
      }))

    it.live("end a call that outlives its timeout", () =>
      Effect.gen(function*() {
        const canned = cannedEngine({ "select 1": one, "begin wait; end;": waits })
        const connection = yield* connect(yield* serve(canned, { protocol }))
        connection.callTimeout = 30
        assert.strictEqual(yield* codeOf(() => connection.execute("begin wait; end;")), "NJS-123")
        connection.callTimeout = 0
        assert.deepStrictEqual((yield* Effect.promise(() => connection.execute("select 1"))).rows, [[1]])
      }))

    it.live("while nothing runs hit the next call only", () =>
      Effect.gen(function*() {
        const connection = yield* connect(yield* serve(cannedEngine({ "select 1": one }), { protocol }))
        yield* Effect.promise(() => connection.break())
        assert.strictEqual(yield* codeOf(() => connection.execute("select 1")), "ORA-01013")
        assert.strictEqual(yield* codeOf(() => connection.execute("select 1")), "no error")
      }))

    it.live("survive any timing against the answer", () =>
      Effect.gen(function*() {
        const canned = cannedEngine({
          "select 1": one,
          "begin soon; end;": {
            run: () => new Promise((resolve) => setTimeout(() => resolve({ rowCount: 1 }), 5))
          }
        })
        const connection = yield* connect(yield* serve(canned, { protocol }))
        for (let delay = 0; delay < 12; delay++) {
          const running = codeOf(() => connection.execute("begin soon; end;"))
          yield* Effect.all([
            running,
            Effect.delay(Effect.promise(() => connection.break()), delay)
          ], { concurrency: "unbounded" })
          const after = yield* codeOf(() => connection.execute("select 1"))
          assert.include(["no error", "ORA-01013"], after)
          assert.strictEqual(yield* codeOf(() => connection.execute("select 1")), "no error")
        }
      }))
  })
}
