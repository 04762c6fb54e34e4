import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { systemPackageNames } from "../../src/internal/engine/plsql/system/systemPackages.ts"
import { featureName, functionName, namedByBody } from "../../src/internal/ttc/call.ts"
import { FunctionCode } from "../../src/internal/ttc/message.ts"

const page = readFileSync(new URL("../../../../docs/oracle-server.md", import.meta.url), "utf8")

const rows = [...page.matchAll(/^\| (\d+) +\| (\w+) +\| ([\w-]+) +\| ([\w, ]+?) +\|$/gm)].map((match) => ({
  code: Number(match[1]),
  name: match[2]!,
  as: match[3]!,
  by: match[4]!
}))

describe("docs/oracle-server.md", () => {
  it("lists the packages of the system", () => {
    const listed = [...page.matchAll(/^\| `((?:DBMS|UTL)_\w+)` +\| /gm)].map((match) => match[1]!)
    assert.deepStrictEqual(listed, [...systemPackageNames].toSorted())
  })

  it("lists every function of the protocol by its code and name", () => {
    const codes = Object.entries(FunctionCode).map(([name, code]) => ({ code, name }))
    assert.deepStrictEqual(
      rows.map(({ code, name }) => ({ code, name })),
      codes.toSorted((one, other) => one.code - other.code)
    )
  })

  it("says of each function whether it is answered or refused", () => {
    for (const { as, by, code, name } of rows) {
      const isRefused = !featureName(code).startsWith("two-task function")
      assert.strictEqual(by === "refused", isRefused, name)
      if (isRefused || namedByBody.has(code) || as === "piggyback") continue
      assert.strictEqual(functionName(code), name)
    }
  })
})
