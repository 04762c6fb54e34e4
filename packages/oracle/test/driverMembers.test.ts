/** `docs/driver-members.md` names every public member of the installed driver, and none that it does not have. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { driver } from "../src/internal/oracledb.ts"

const page = readFileSync(new URL("../../../docs/driver-members.md", import.meta.url), "utf8")

const classes = ["Connection", "Pool", "ResultSet", "Lob", "Pipeline", "AqQueue"]

/** The rows of the table under a heading, as their cells. */
const rowsOf = (name: string): ReadonlyArray<ReadonlyArray<string>> =>
  page.split(`\n## ${name}\n`)[1]!.split("\n## ")[0]!
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))

const namesIn = (cell: string): ReadonlyArray<string> => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!)

describe("the page of the driver's members", () => {
  it.each(classes)("has those of %s", (name) => {
    const { prototype } = Reflect.get(driver, name) as { readonly prototype: object }
    const members = Object.getOwnPropertyNames(prototype)
      .filter((member) => member !== "constructor" && !member.startsWith("_"))
    const named = rowsOf(name).flatMap(([first]) => namesIn(first!))
    assert.deepStrictEqual([...named].sort(), members.sort())
  })

  it("names tests that are there", () => {
    for (const name of classes) {
      for (const [, , shown] of rowsOf(name)) {
        for (const test of namesIn(shown!)) {
          if (test === "OracleQueue") continue
          assert.isTrue(existsSync(new URL(`${test}.test.ts`, import.meta.url)), test)
        }
      }
    }
  })
})
