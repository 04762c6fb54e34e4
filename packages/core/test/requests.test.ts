import { assert, describe, it } from "@effect/vitest"
import { PoolError } from "@sessionpool/core"
import { Effect, Exit, Fiber, Schema, Scope } from "effect"
import { beside, openPool, settled } from "./openPool.ts"

describe("acquire and use", () => {
  it.effect("use gives the session back before the next effect runs", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const connection = yield* pool.use((held) => Effect.succeed(held))
      assert.isTrue(connection.isReleased)
      assert.strictEqual((yield* pool.statistics).busy, 0)
    }))

  it.effect("use takes the request first", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      assert.strictEqual(yield* pool.use({ cclass: "B" }, ({ session }) => Effect.succeed(session.cclass)), "B")
    }))

  it.effect("acquire is a description: each run leases anew", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 2 })
      const acquire = pool.acquire()
      assert.strictEqual((yield* pool.statistics).opened, 0)
      const first = yield* acquire
      const second = yield* acquire
      assert.notStrictEqual(first.id, second.id)
    }))

  it.effect("a scope that is closed already gets nothing that stays", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)
      const connection = yield* Scope.provide(pool.acquire(), scope)
      assert.isTrue(connection.isReleased)
      assert.strictEqual((yield* pool.statistics).busy, 0)
    }))

  it.effect("one that is interrupted before it began leaves nothing behind", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const fiber = yield* Effect.forkScoped(pool.use(() => Effect.never))
      yield* Fiber.interrupt(fiber)
      yield* settled
      assert.deepInclude(yield* pool.statistics, { busy: 0, pending: 0 })
    }))

  it.effect("a lease may be given to another fiber, and ended there", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1 })
      const connection = yield* pool.acquire()
      yield* Fiber.join(yield* beside(pool.release(connection)))
      assert.isTrue(connection.isReleased)
    }))

  it.effect("connections know their session, their tag and whether they are released", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, name: "hr" })
      const connection = yield* pool.acquire()
      assert.deepInclude({ ...connection.lease, pool: connection.lease.pool }, { pool: "hr" })
      assert.deepStrictEqual([connection.id, connection.tag, connection.isReleased], [1, undefined, false])
    }))
})

describe("failures", () => {
  it.effect("are matched by their tag, and survive a journey through JSON", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({ max: 1, getMode: "noWait", name: "hr" })
      yield* pool.acquire()
      const caught = yield* pool.use(() => Effect.succeed("lent")).pipe(
        Effect.catchTag("PoolExhaustedError", (error) => Effect.succeed(error))
      )
      assert.instanceOf(caught, PoolError.PoolExhaustedError)
      const codec = Schema.toCodecJson(PoolError.PoolExhaustedError)
      const text = JSON.stringify(Schema.encodeUnknownSync(codec)(caught))
      const read = Schema.decodeUnknownSync(codec)(JSON.parse(text))
      assert.strictEqual(read.message, (caught as PoolError.PoolExhaustedError).message)
    }))

  it("OpenSessionError and AcquireTimeoutError keep their causes on the way", () => {
    const snapshot = { opened: 1, busy: 1, opening: 0, pending: 1, max: 1, leases: [] }
    const timeout = new PoolError.AcquireTimeoutError({
      pool: "hr",
      waitedMillis: 1500,
      request: "the pool's user",
      snapshot,
      lastOpenFailure: new Error("no listener")
    })
    const codec = Schema.toCodecJson(PoolError.AcquireTimeoutError)
    const read = Schema.decodeUnknownSync(codec)(JSON.parse(JSON.stringify(Schema.encodeUnknownSync(codec)(timeout))))
    assert.strictEqual(read.message, timeout.message)
    assert.include(read.message, "The last attempt to open a session failed: no listener.")
  })

  const causes: ReadonlyArray<readonly [cause: unknown, text: string]> = [
    [new Error("ORA-12541: no listener."), "ORA-12541: no listener."],
    ["plain text", "plain text."],
    [{ code: 12541 }, `{"code":12541}.`],
    [Object.create(null), "{}."],
    [undefined, "undefined."],
    [new Error(""), "Error"]
  ]
  for (const [cause, text] of causes) {
    it(`say what the cause was: ${text}`, () => {
      const error = new PoolError.OpenSessionError({
        pool: "hr",
        identity: "scott",
        isAuthentication: false,
        attempts: 1,
        cause
      })
      assert.include(error.message, `could not open a session for scott: ${text}`)
      assert.include(error.message, "The attempt failed; the pool keeps trying, with growing pauses.")
    })
  }
})
