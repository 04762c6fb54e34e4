/** Which requests learn that a session could not be opened, and what they are told. */
import { assert, describe, it } from "@effect/vitest"
import { openingFailed, openSessionError, settle } from "../src/internal/decisions/settling.ts"
import { failure, scriptedState } from "./scriptedState.ts"

describe("a session that could not be opened", () => {
  const outcomes = (...waiters: ReadonlyArray<{ readonly outcome: { readonly _tag: string } | undefined }>) =>
    waiters.map(({ outcome }) => outcome?._tag)

  it("is told with the attempts, and with how long it is until the next", () => {
    const { at, state } = scriptedState({ max: 2 })
    at(1000)
    const error = openSessionError(state, state.ownGroup, { ...failure, attempts: 3, retryAt: 5000 })
    assert.deepStrictEqual([error.attempts, error.retryMillis], [3, 4000])
    assert.isUndefined(openSessionError(state, state.ownGroup, failure).retryMillis)
    at(9000)
    assert.strictEqual(openSessionError(state, state.ownGroup, { ...failure, retryAt: 5000 }).retryMillis, 0)
  })

  it("refuses all who wait where no session of the group is left, and nobody while the pool is suspended", () => {
    const { state, wait } = scriptedState({ max: 2 })
    const waiters = [wait(), wait(undefined, "noWait")]
    state.suspend()
    openingFailed(state, state.ownGroup, failure)
    assert.deepStrictEqual(outcomes(...waiters), [undefined, undefined])
    state.resume()
    openingFailed(state, state.ownGroup, failure)
    assert.deepStrictEqual(outcomes(...waiters), ["Refused", "Refused"])
    assert.strictEqual(state.lastOpenFailure, failure.cause)
  })

  it("refuses only those who wait for nothing else where sessions are left, and none that a session is pinged for", () => {
    const { add, state, wait } = scriptedState({ max: 3 })
    add("busy")
    const pinged = wait(undefined, "noWait")
    pinged.checking = add("checking")
    state.ownGroup.unserved--
    const waiters = [wait(), wait(undefined, "noWait"), pinged]
    openingFailed(state, state.ownGroup, failure)
    assert.deepStrictEqual(outcomes(...waiters), [undefined, "Refused", undefined])
  })

  it("refuses the youngest beyond what is still being opened", () => {
    const { add, opening, state, wait } = scriptedState({ max: 4 })
    add("busy")
    opening()
    const pinged = wait(undefined, "noWait")
    pinged.checking = add("checking")
    state.ownGroup.unserved--
    const waiters = [wait(undefined, "noWait"), wait(undefined, "noWait"), pinged]
    openingFailed(state, state.ownGroup, failure)
    assert.deepStrictEqual(outcomes(...waiters), [undefined, "Refused", undefined])
  })

  it("refuses those whose group has stopped opening as soon as it has no session left, nor one to come", () => {
    const refused = (change: (scripted: ReturnType<typeof scriptedState>) => void) => {
      const scripted = scriptedState({ max: 4 })
      const waiter = scripted.wait()
      scripted.state.ownGroup.opener.failed(failure)
      scripted.state.ownGroup.opener.wait("stopped")
      change(scripted)
      settle(scripted.state)
      return !waiter.isWaiting
    }
    assert.isTrue(refused(() => {}))
    assert.isFalse(refused(({ add }) => add("busy")))
    assert.isFalse(refused(({ opening }) => opening()))
    assert.isFalse(refused(({ state }) => state.ownGroup.opener.reset()))
  })
})
