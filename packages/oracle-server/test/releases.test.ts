/** A server of an older version speaks the protocol of its release, to the unmodified driver. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as OracleServer from "../src/OracleServer.ts"
import { oracledb } from "./driver.ts"
import { codeOf } from "./wire/served.ts"

describe("a server of an older release", () => {
  for (const version of ["12.1.0.2.0", "12.2.0.1.0", "18.4.0.0.0", "19.3.0.0.0", "21.3.0.0.0", "23.7.0.25.1"]) {
    it.live(`speaks the protocol of ${version}`, () =>
      Effect.gen(function*() {
        const server = yield* OracleServer.make({ version })
        const connection = yield* Effect.acquireRelease(
          Effect.promise(() =>
            oracledb.getConnection({ user: "scott", password: "tiger", connectString: server.connectString })
          ),
          (open) => Effect.promise(() => open.close())
        )
        assert.strictEqual(connection.oracleServerVersionString, version)
        const { rows } = yield* Effect.promise(() => connection.execute("select 1 n, 'a' from dual"))
        assert.deepStrictEqual(rows, [[1, "a"]])
        const code = yield* codeOf(() => connection.execute("select json_scalar(1) from dual"))
        assert.strictEqual(code, Number(version.slice(0, 2)) < 21 ? "ORA-00904" : "no error")
      }))
  }

  it.effect("needs a version that begins with a number", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(Effect.scoped(OracleServer.make({ version: "latest" })))
      assert.match(failure.message, /version has to begin with a number, as in "19.3.0.0.0", not "latest"/)
    }))
})
