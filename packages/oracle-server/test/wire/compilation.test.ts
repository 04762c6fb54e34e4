/** What the driver is told of units that do not compile. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as OracleServer from "../../src/OracleServer.ts"
import { oracledb } from "../driver.ts"

describe("compilation over the wire", () => {
  it.live("warns the driver of a unit that does not compile, and of no other", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* OracleServer.make({})
      const connection = yield* Effect.acquireRelease(
        Effect.promise(() =>
          oracledb.getConnection({ user: "scott", password: "tiger", connectString: server.connectString })
        ),
        (open) => Effect.promise(() => open.close())
      )
      const run = (sql: string) => Effect.promise(() => connection.execute(sql))
      const bad = yield* run("create or replace procedure p is begin nothing; end;")
      assert.match(bad.warning?.message ?? "none", /^NJS-700: creation succeeded with compilation errors/)
      const good = yield* run("create or replace procedure p is begin null; end;")
      assert.isUndefined(good.warning)
      yield* run("begin p; end;")
    })))
})
