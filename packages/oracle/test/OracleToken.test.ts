import { assert, it } from "@effect/vitest"
import { OracleToken } from "@sessionpool/oracle"
import { Deferred, Effect, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"

const jwt = (claims: object) =>
  ["header", Buffer.from(JSON.stringify(claims)).toString("base64url"), "signature"].join(".")

/** Tokens that are good for ten minutes, counted. */
const provider = () => {
  let fetches = 0
  const fetch = Effect.map(Effect.clockWith((clock) => clock.currentTimeMillis), (now) => {
    fetches++
    return { token: Redacted.make(jwt({ n: fetches, exp: now / 1000 + 600 })) }
  })
  return { fetch, fetches: () => fetches }
}

it.effect("a token is kept until shortly before it expires, and shared by those who ask together", () =>
  Effect.gen(function*() {
    const { fetch, fetches } = provider()
    const credentials = yield* OracleToken.credentials({ fetch })
    assert.strictEqual(fetches(), 0)
    const [first, second] = yield* Effect.all([credentials, credentials], { concurrency: 2 })
    assert.strictEqual(fetches(), 1)
    assert.strictEqual(Redacted.value(first!.token!), Redacted.value(second!.token!))
    yield* TestClock.adjust("8 minutes")
    yield* credentials
    assert.strictEqual(fetches(), 1)
    yield* TestClock.adjust("61 seconds")
    const renewed = yield* credentials
    assert.strictEqual(fetches(), 2)
    assert.notStrictEqual(Redacted.value(renewed.token!), Redacted.value(first!.token!))
  }))

it.effect("a failed fetch is not remembered, and a token without an expiry is fetched each time", () =>
  Effect.gen(function*() {
    let fetches = 0
    const credentials = yield* OracleToken.credentials({
      fetch: Effect.suspend(() =>
        ++fetches === 1
          ? Effect.fail("the provider is down")
          : Effect.succeed({ token: Redacted.make("opaque"), privateKey: Redacted.make("key") })
      )
    })
    assert.strictEqual(yield* Effect.flip(credentials), "the provider is down")
    const given = yield* credentials
    assert.deepStrictEqual([Redacted.value(given.token!), Redacted.value(given.privateKey!)], ["opaque", "key"])
    yield* credentials
    assert.strictEqual(fetches, 3)
  }))

it.effect("an expiry that is given counts; a caller who leaves does not take the token from the others", () =>
  Effect.gen(function*() {
    let fetches = 0
    const answer = yield* Deferred.make<OracleToken.Token>()
    const credentials = yield* OracleToken.credentials({
      fetch: Effect.suspend(() => {
        fetches++
        return Deferred.await(answer)
      }),
      before: "10 minutes"
    })
    const leaving = yield* Effect.forkChild(credentials)
    const staying = yield* Effect.forkChild(credentials)
    yield* Effect.yieldNow
    yield* Fiber.interrupt(leaving)
    yield* Deferred.succeed(answer, { token: Redacted.make("opaque"), expires: new Date(3_600_000) })
    assert.strictEqual(Redacted.value((yield* Fiber.join(staying)).token!), "opaque")
    yield* TestClock.adjust("49 minutes")
    yield* credentials
    const before = fetches
    yield* TestClock.adjust("2 minutes")
    yield* credentials
    assert.strictEqual(fetches, before + 1)
  }))
