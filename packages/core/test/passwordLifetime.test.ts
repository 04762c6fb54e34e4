/** How long a pool keeps the password of a request: no longer than `docs/design.md` says. */
import { assert, describe, it } from "@effect/vitest"
import type { SessionRequest } from "@sessionpool/core"
import { Effect, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { beside, openPool, settled } from "./openPool.ts"

setFlagsFromString("--expose_gc")
const collectGarbage = runInNewContext("gc") as () => void

/**
 * Which of the passwords are still there. What only the stack, a task of the event loop or code that is being optimized still
 * refers to goes after a few rounds of the collector; what the pool keeps never does.
 */
const left = (passwords: ReadonlyArray<WeakRef<object>>) =>
  Effect.gen(function*() {
    for (let round = 0; round < 50 && passwords.some((password) => password.deref() !== undefined); round++) {
      yield* settled
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      collectGarbage()
    }
    return passwords.filter((password) => password.deref() !== undefined).length
  })

/** A request whose password nothing else keeps, and a reference that does not keep it either. */
const fresh = (user: string): readonly [request: SessionRequest.SessionRequest, password: WeakRef<object>] => {
  const password = Redacted.make(["pass", "word", "of", user].join("-"))
  return [{ user, password }, new WeakRef(password)]
}

const open = openPool({ max: 2, homogeneous: false, user: "scott", database: {} })

describe("the password of a request", () => {
  it.effect("is let go when its lease ends, while the session stays open (S5)", () =>
    Effect.gen(function*() {
      const { pool } = yield* open
      const passwords: Array<WeakRef<object>> = []
      for (let i = 0; i < 3; i++) {
        passwords.push(
          yield* Effect.suspend(() => {
            const [request, password] = fresh("hr")
            return Effect.as(pool.use(request, () => Effect.void), password)
          })
        )
      }
      assert.strictEqual(yield* left(passwords), 0)
      assert.strictEqual((yield* pool.statistics).opened, 1)
    }))

  it.effect("is let go when its lease ends, though the scope and the connection of the lease live on (S5)", () =>
    Effect.gen(function*() {
      const { pool } = yield* open
      const lease = Effect.fnUntraced(function*() {
        const [request, password] = fresh("hr")
        const connection = yield* pool.acquire({ ...request, tag: "A=1" })
        yield* pool.release(connection)
        return [connection, password] as const
      })
      const [connection, password] = yield* lease()
      assert.strictEqual(yield* left([password]), 0)
      assert.isTrue(connection.isReleased)
    }))

  it.effect("is let go when it was refused, or waited in vain (S5)", () =>
    Effect.gen(function*() {
      const { pool } = yield* openPool({
        max: 1,
        homogeneous: false,
        user: "scott",
        password: Redacted.make("tiger"),
        database: { accounts: { scott: "tiger", hr: "people" } }
      })
      const fails = (waitTimeout: "infinity" | "1 second") =>
        Effect.suspend(() => {
          const [request, password] = fresh("hr")
          return Effect.as(Effect.flip(pool.use({ ...request, waitTimeout }, () => Effect.void)), password)
        })
      const passwords = [yield* fails("infinity")]
      yield* pool.use(() =>
        Effect.gen(function*() {
          const late = yield* beside(fails("1 second"))
          yield* TestClock.adjust("1 second")
          passwords.push(yield* Fiber.join(late))
        })
      )
      assert.strictEqual(yield* left(passwords), 0)
    }))
})
