/** The decisions of the shared stores give what Effect's own stores in memory give, for any sequence of calls and times. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { CircuitBreaker, RateLimiter } from "effect/persistence"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { admit, type Circuit, record } from "../src/internal/cluster/circuits.ts"
import type { Decision } from "../src/internal/cluster/lockedState.ts"
import {
  type Bucket,
  consume,
  learn,
  type Learned,
  takeOfBucket,
  takeOfWindow,
  type Window
} from "../src/internal/cluster/rateLimits.ts"

/** One key's state as the table would keep it. */
class Row<S> {
  #kept: { readonly state: S; readonly expiresAt: number } | undefined

  change<A>(now: number, decide: (state: S | undefined) => Decision<S, A>): A {
    const state = this.#kept !== undefined && this.#kept.expiresAt > now ? this.#kept.state : undefined
    const decision = decide(state)
    // As text and back, as in the table.
    if (decision.keep !== undefined) this.#kept = JSON.parse(JSON.stringify(decision.keep))
    return decision.answer
  }
}

const steps = <A>(step: fc.Arbitrary<A>) =>
  fc.array(fc.record({ wait: fc.integer({ min: 0, max: 400 }), step }), { minLength: 1, maxLength: 30 })

/** Runs a property whose body is an effect under a clock of its own. */
const property = <A>(arbitrary: fc.Arbitrary<A>, body: (value: A) => Effect.Effect<void>, runs = 100) =>
  Effect.promise(() =>
    fc.assert(
      fc.asyncProperty(arbitrary, (value) => Effect.runPromise(Effect.provide(body(value), TestClock.layer()))),
      {
        numRuns: runs
      }
    )
  )

const now = Effect.clockWith((clock) => Effect.sync(() => clock.currentTimeMillisUnsafe()))

describe("shared limits", () => {
  it.live("take of windows and buckets as the store in memory does", () =>
    property(
      steps(fc.record({
        isWindow: fc.boolean(),
        tokens: fc.integer({ min: 1, max: 4 }),
        allowOverflow: fc.boolean()
      })),
      (sequence) =>
        Effect.gen(function*() {
          const model = yield* RateLimiter.RateLimiterStore
          const window = new Row<Window>()
          const bucket = new Row<Bucket>()
          const refillRate = Duration.millis(100)
          for (const { step: { allowOverflow, isWindow, tokens }, wait } of sequence) {
            yield* TestClock.adjust(wait)
            const at = yield* now
            if (isWindow) {
              const expected = yield* model.fixedWindow({ key: "k", tokens, refillRate, limit: 5 })
              assert.deepStrictEqual(window.change(at, (state) => takeOfWindow(state, at, tokens, 100, 5)), expected)
            } else {
              const expected = yield* model.tokenBucket({ key: "k", tokens, refillRate, limit: 5, allowOverflow })
              assert.deepStrictEqual(
                bucket.change(
                  at,
                  (state) => takeOfBucket(state, at, { tokens, limit: 5, refillMillis: 100, allowOverflow })
                ),
                expected
              )
            }
          }
        }).pipe(Effect.provide(RateLimiter.layerStoreMemory), Effect.orDie)
    ))

  it.live("learn limits from refusals as the store in memory does", () =>
    property(
      steps(fc.oneof(
        fc.record({ tokens: fc.integer({ min: 1, max: 3 }) }),
        fc.record({
          tokens: fc.integer({ min: 1, max: 3 }),
          epochsAgo: fc.integer({ min: 0, max: 1 }),
          retryAfter: fc.integer({ min: 1, max: 600 })
        })
      )),
      (sequence) =>
        Effect.gen(function*() {
          const model = yield* RateLimiter.RateLimiterStore
          const row = new Row<Learned>()
          let epoch = 0
          for (const { step, wait } of sequence) {
            yield* TestClock.adjust(wait)
            const at = yield* now
            if ("retryAfter" in step) {
              const refused = { epoch: epoch - step.epochsAgo, tokens: step.tokens }
              yield* model.adaptiveFeedback({
                key: "k",
                ...refused,
                status: 429,
                retryAfter: Duration.millis(step.retryAfter)
              })
              row.change(at, (state) => learn(state, at, { ...refused, retryAfterMillis: step.retryAfter }))
              continue
            }
            const expected = yield* model.adaptiveConsume({
              key: "k",
              tokens: step.tokens,
              fallbackLimit: 5,
              fallbackWindow: Duration.seconds(1)
            })
            const found = row.change(at, (state) => consume(state, at, step.tokens, 1000))
            assert.deepStrictEqual(
              [Math.round(found.delayMillis), found.epoch, found.phase],
              [Math.round(Duration.toMillis(expected.delay)), expected.epoch, expected.phase]
            )
            epoch = expected.epoch
          }
        }).pipe(Effect.provide(RateLimiter.layerStoreMemory), Effect.orDie)
    ))

  it.live("open, try and close circuits as the store in memory does", () =>
    property(
      steps(fc.record({
        outcome: fc.constantFrom("Success" as const, "Failure" as const, "Failure" as const, "Ignored" as const),
        isLate: fc.boolean()
      })).chain((sequence) => fc.record({ sequence: fc.constant(sequence), isRate: fc.boolean() })),
      ({ isRate, sequence }) =>
        Effect.scoped(Effect.gen(function*() {
          const model = yield* CircuitBreaker.CircuitBreakerStore
          const row = new Row<Circuit>()
          const policy = isRate
            ? CircuitBreaker.rate({ threshold: 0.5, size: 4, minimumCalls: 2 })
            : CircuitBreaker.consecutive(2)
          const lifetimes = { probeMillis: 3_600_000, idleMillis: 3_600_000 }
          let generations = 0
          /** Admitted calls that have not reported yet: the model's generation and ours. */
          const calls: Array<readonly [theirs: number, ours: number]> = []
          for (const { step, wait } of sequence) {
            yield* TestClock.adjust(wait)
            const at = yield* now
            const expected = yield* Effect.result(model.admit("k"))
            const found = row.change(at, (state) => admit(state, at, ++generations, lifetimes))
            assert.strictEqual(found._tag === "Admitted", expected._tag === "Success")
            if (expected._tag === "Success" && found._tag === "Admitted") {
              assert.deepStrictEqual([found.isProbe, found.openings], [
                expected.success.probe,
                expected.success.consecutiveOpenings
              ])
              calls.push([expected.success.generation, found.generation])
            }
            if (step.isLate) continue
            const call = calls.pop()
            if (call === undefined) continue
            const ended = { key: "k", outcome: step.outcome, tripPolicy: policy, openFor: Duration.millis(150) }
            const theirs = yield* model.record({ ...ended, generation: call[0] })
            const ours = row.change(at, (state) =>
              record(state, at, {
                generation: call[1],
                nextGeneration: ++generations,
                outcome: step.outcome,
                policy,
                openForMillis: 150
              }, lifetimes))
            assert.deepStrictEqual(
              ours === undefined ? undefined : ours._tag === "Closed" ? "Closed" : `Open ${ours.from} ${ours.openings}`,
              theirs === undefined
                ? undefined
                : theirs.to === "Open"
                ? `Open ${theirs.from} ${theirs.consecutiveOpenings}`
                : theirs.to
            )
          }
        })).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()), Effect.orDie)
    ))
})
