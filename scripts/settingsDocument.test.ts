/** `docs/settings.md` is what the lists of settings in the sources say. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { PoolOptions } from "../packages/core/src/index.ts"
import { defaultOf, documentPath, settingsDocument, settingsOf } from "./settingsDocument.ts"

/** A document without the widths of its tables. */
const plain = (document: string): ReadonlyArray<string> =>
  document.split("\n").map((line) =>
    line.startsWith("|")
      ? line.replace(/-+/g, (dashes) => dashes.length > 2 ? "---" : dashes).replace(/ +/g, " ")
      : line
  )

const pool = ["writable", "fixed"].flatMap((list) => settingsOf("packages/core/src/PoolOptions.ts", list))

describe("docs/settings.md", () => {
  it("is made from the sources (run scripts/settingsDocument.ts and npm run format)", () => {
    assert.deepStrictEqual(plain(readFileSync(documentPath, "utf8")), plain(settingsDocument()))
  })

  it("has every setting of the pool, each with a meaning", () => {
    assert.sameMembers(pool.map(({ name }) => name), Object.keys(PoolOptions.Settings.fields))
    for (const { meaning, name } of pool) assert.isNotEmpty(meaning, name)
  })

  it("has the defaults that the comments state", () => {
    for (const { name, stated } of pool) assert.strictEqual(stated.replaceAll("`", ""), defaultOf(name), name)
  })
})
