import { assert, describe, it } from "@effect/vitest"
import { OracleConnection } from "@sessionpool/oracle"
import { Effect, Redacted } from "effect"
import * as fc from "fast-check"
import { inspect } from "node:util"
import { SecretMark } from "../src/internal/secretMark.ts"
import { redactSecrets } from "../src/internal/secretRedaction.ts"
import { isReal } from "./database.ts"
import { watched } from "./watchedPool.ts"

describe("the mark of a secret (S5)", () => {
  it("finds the secret wherever it stands, as the secret itself would be found", () => {
    fc.assert(fc.property(
      fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom("a", "b", "€", "👩") }),
      fc.array(fc.string({ maxLength: 8, unit: fc.constantFrom("a", "b", "€", "👩") }), { maxLength: 6 }),
      (secret, parts) => {
        const text = parts.join(secret)
        const mark = new SecretMark(Redacted.make(secret))
        assert.strictEqual(mark.removeFrom(text, "#"), text.replaceAll(secret, "#"))
      }
    ))
  })

  it("does not hold the secret, and cleans texts like one", () => {
    const mark = new SecretMark(Redacted.make("tiger-in-the-night"))
    assert.notInclude(inspect(mark, { showHidden: true, depth: 9 }) + JSON.stringify(mark), "tiger")
    assert.strictEqual(
      redactSecrets("ORA-01017: tiger-in-the-night is not it", [mark]),
      "ORA-01017: <redacted> is not it"
    )
  })

  it.live.skipIf(isReal)(
    "is all that a session keeps of a request's password",
    () =>
      Effect.gen(function*() {
        const { pool } = yield* watched({ homogeneous: false })
        const held = yield* pool.acquire({ user: "ada", password: Redacted.make("ada-secret") })
        assert.isTrue(held instanceof OracleConnection.OracleConnection)
        const { secrets } = held.caller.session
        assert.isTrue(secrets.length > 0 && secrets.every((secret) => secret instanceof SecretMark))
        const error = yield* Effect.flip(held.execute("begin raise_application_error(-20001, 'ada-secret'); end;"))
        assert.notInclude(error.message + inspect(error, { depth: 9 }) + JSON.stringify(error), "ada-secret")
      })
  )
})
