/** Transactions over a driver that does what a test says: what is sent, what is undone, and what becomes of the lease. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Schedule } from "effect"
import { Level, transactionProblem, Transactions } from "../src/internal/transaction.ts"

const no = (why: string) => Effect.fail(new Error(why) as never)

/** `fails` says which statement the server refuses. */
const scripted = (fails: (sent: string) => boolean = () => false) => {
  const sent: Array<string> = []
  const lease = {
    isReleased: false,
    fatal: [] as Array<unknown>,
    reportFatal: (cause: unknown) => lease.fatal.push(cause)
  }
  const call = ({ operation, sql = operation }: { readonly operation: string; readonly sql?: string }) =>
    Effect.suspend(() => {
      sent.push(sql)
      return fails(sql) ? no(sql) : Effect.void
    })
  const caller = {
    lease,
    session: { commitLimit: 0, outcomeOf: () => Effect.succeed("unknown") },
    call,
    callThen: (details: { readonly operation: string }, _: unknown, succeed: () => Effect.Effect<void>) =>
      Effect.flatMap(call(details), succeed)
  }
  const transactions = new Transactions(caller as unknown as ConstructorParameters<typeof Transactions>[0])
  return { sent, lease, transactions }
}

describe("a transaction", () => {
  it.effect("is open from its beginning until it has ended, however it ends", () =>
    Effect.gen(function*() {
      const { sent, transactions } = scripted()
      const seen: Array<boolean> = []
      const look = Effect.sync(() => seen.push(transactions.isOpen))
      yield* transactions.within(look, undefined)
      yield* look
      yield* Effect.exit(transactions.within(Effect.andThen(look, no("work")), { readOnly: true }))
      yield* look
      assert.deepStrictEqual(seen, [true, false, true, false])
      assert.deepStrictEqual(sent, ["COMMIT", "set transaction read only", "ROLLBACK"])
      yield* transactions.begun
      assert.isTrue(transactions.isOpen)
      yield* transactions.over
      assert.isFalse(transactions.isOpen)
    }))

  it.effect("that cannot be rolled back costs the session, unless its lease has ended", () =>
    Effect.gen(function*() {
      const held = scripted((sent) => sent === "ROLLBACK")
      yield* Effect.exit(held.transactions.within(no("work"), undefined))
      assert.strictEqual((held.lease.fatal[0] as Error).message, "ROLLBACK")
      assert.isFalse(held.transactions.isOpen)
      const over = scripted((sent) => sent === "ROLLBACK")
      over.lease.isReleased = true
      yield* Effect.exit(over.transactions.within(no("work"), undefined))
      assert.deepStrictEqual(over.lease.fatal, [])
      const fine = scripted()
      yield* Effect.exit(fine.transactions.within(no("work"), undefined))
      assert.deepStrictEqual(fine.lease.fatal, [])
    }))

  it.effect("whose commit fails is rolled back", () =>
    Effect.gen(function*() {
      const { sent, transactions } = scripted((sent) => sent === "COMMIT")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(transactions.within(Effect.void, undefined))))
      assert.deepStrictEqual(sent, ["COMMIT", "ROLLBACK"])
    }))

  it.effect("inside another is a savepoint, which only its own failure undoes", () =>
    Effect.gen(function*() {
      const { sent, transactions } = scripted()
      yield* transactions.within(
        Effect.gen(function*() {
          yield* transactions.within(Effect.void, undefined)
          yield* Effect.exit(transactions.within(no("inner"), undefined))
        }),
        { isolation: "serializable" }
      )
      assert.deepStrictEqual(sent, [
        "set transaction isolation level serializable",
        "savepoint sp_1",
        "savepoint sp_2",
        "rollback to savepoint sp_2",
        "COMMIT"
      ])
    }))

  it.effect("whose savepoint was not set has nothing to undo", () =>
    Effect.gen(function*() {
      const { sent, transactions } = scripted((sent) => sent.startsWith("savepoint"))
      yield* transactions.within(Effect.exit(transactions.within(Effect.void, undefined)), undefined)
      assert.deepStrictEqual(sent, ["savepoint sp_1", "COMMIT"])
    }))
})

describe("a transaction that others begin and end", () => {
  const ends = (log: Array<string>, fails?: "attach" | "keep") => {
    const end = (name: "attach" | "keep" | "undo") =>
      Effect.suspend(() => {
        log.push(name)
        return name === fails ? Effect.fail(name) : Effect.void
      })
    return {
      attach: () => end("attach"),
      keep: () => end("keep"),
      undo: () => end("undo") as Effect.Effect<void>,
      fail: () => "refused"
    }
  }

  it.effect("is open meanwhile, and kept or undone by their ways", () =>
    Effect.gen(function*() {
      const { sent, transactions } = scripted()
      const log: Array<string> = []
      const look = Effect.sync(() => log.push(`open ${transactions.isOpen}`))
      yield* transactions.taken(look, ends(log))
      assert.isFalse(transactions.isOpen)
      yield* Effect.exit(transactions.taken(no("work"), ends(log)))
      yield* Effect.exit(transactions.taken(look, ends(log, "keep")))
      yield* Effect.exit(transactions.taken(look, ends(log, "attach")))
      assert.deepStrictEqual(log, [
        "attach",
        "open true",
        "keep",
        "attach",
        "undo",
        "attach",
        "open true",
        "keep",
        "undo",
        "attach"
      ])
      assert.isFalse(transactions.isOpen)
      assert.deepStrictEqual(sent, [])
    }))

  it.effect("cannot begin inside another", () =>
    Effect.gen(function*() {
      const { transactions } = scripted()
      const log: Array<string> = []
      const failure = yield* transactions.within(Effect.flip(transactions.taken(Effect.void, ends(log))), undefined)
      assert.deepStrictEqual([failure, log], ["refused", []])
    }))
})

describe("levels", () => {
  it("are looked for from the innermost on, among those that are open along with all around them", () => {
    const outer = new Level(undefined)
    const middle = new Level(outer)
    const inner = new Level(middle)
    assert.strictEqual(inner.nearestOpen, inner)
    inner.isOpen = false
    assert.strictEqual(inner.nearestOpen, middle)
    inner.isOpen = true
    middle.isOpen = false
    assert.strictEqual(inner.nearestOpen, outer)
    outer.isOpen = false
    assert.isUndefined(inner.nearestOpen)
  })

  it.effect("that close are kept as long as the one around them is open along with all around it", () =>
    Effect.gen(function*() {
      const outer = new Level(undefined)
      const inner = new Level(outer)
      assert.isTrue(yield* inner.close)
      assert.isFalse(inner.isOpen)
      outer.isOpen = false
      assert.isFalse(yield* new Level(outer).close)
      assert.isTrue(yield* new Level(undefined).close)
    }))
})

describe("what is no transaction", () => {
  const work = Effect.void
  const taken: Record<string, unknown> = {
    "no options": undefined,
    "an isolation": { isolation: "read committed" },
    "read only": { readOnly: true },
    "read only or not": { readOnly: false, isolation: undefined, recover: undefined },
    "a schedule": { recover: Schedule.recurs(2) }
  }
  for (const [what, options] of Object.entries(taken)) {
    it(`takes ${what}`, () => assert.isUndefined(transactionProblem(work, options)))
  }
  const refused: Record<string, readonly [unknown, unknown, string]> = {
    "something else than an effect": [() => {}, undefined, "What runs in a transaction"],
    "options that are none": [work, "serializable", "The options"],
    "null for options": [work, null, "The options"],
    "an isolation that Oracle does not have": [work, { isolation: "repeatable read" }, "isolation"],
    "a recover that is no schedule": [work, { recover: 3 }, "recover"],
    "a readOnly that is neither true nor false": [work, { readOnly: "yes" }, "readOnly"]
  }
  for (const [what, [effect, options, names]] of Object.entries(refused)) {
    it(`is told of ${what}`, () => assert.include(transactionProblem(effect, options)?.message, names))
  }
})
