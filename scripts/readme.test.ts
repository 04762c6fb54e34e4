/** The tables of the README name every setting, with its default, and every failure. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Result } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { PoolError, PoolOptions } from "../packages/core/src/index.ts"
import { root } from "./lib/files.ts"

const readme = readFileSync(join(root, "README.md"), "utf8")

/** The rows of the table under a heading, as cells. */
const table = (heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? ""
  return section.split("\n")
    // The tables of one heading may be several: their heads have no name of code.
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
}

const namesIn = (cell: string | undefined): ReadonlyArray<string> =>
  [...(cell ?? "").matchAll(/`(\w+)`/g)].map(([, name]) => name!)

describe("README", () => {
  it("has every setting", () => {
    const names = table("Settings").flatMap(([name]) => namesIn(name))
    assert.sameMembers(names, Object.keys(PoolOptions.Settings.fields))
  })

  it("marks the settings that cannot be changed", () => {
    const fixed = table("Settings").filter(([name]) => name?.includes("fixed")).flatMap(([name]) => namesIn(name))
    const settings = Result.getOrThrow(PoolOptions.fromInput({}))
    const refused = Object.keys(PoolOptions.Settings.fields).filter((name) => {
      const result = PoolOptions.change(settings, { [name]: undefined })
      return Result.isFailure(result)
    })
    assert.sameMembers([...fixed], refused)
  })

  it("has the defaults", () => {
    const settings: Readonly<Record<string, unknown>> = { ...Result.getOrThrow(PoolOptions.fromInput({})) }
    const units: Readonly<Record<string, Duration.Input>> = { s: "1 second", min: "1 minute" }
    const defaults = table("Settings").map(([name, cell]) => ({ name: namesIn(name)[0] ?? "", cell: cell ?? "" }))
    for (const { cell, name } of defaults) {
      const value = settings[name]
      const [number = "", unit = ""] = cell.split(/[ ,]/)
      const told = cell === "–"
        ? undefined
        : cell.startsWith("`")
        ? JSON.parse(cell.slice(1, -1))
        : Duration.isDuration(value)
        ? Number(number) * Duration.toMillis(units[unit] ?? 0)
        : Number(number)
      assert.strictEqual(told, Duration.isDuration(value) ? Duration.toMillis(value) : value, name)
    }
  })

  it("shows and runs on its first screen, and leaves figures to their page (G4)", () => {
    const first = readme.split("\n## ")[0] ?? ""
    const picture = /!\[[^\]]+\]\((docs\/[\w-]+\.svg)\)/.exec(first)?.[1]
    assert.isTrue(existsSync(join(root, picture ?? "nowhere")))
    assert.isBelow(first.indexOf("docs/demo-timeline.svg"), first.indexOf("```ts"))
    for (const command of ["npm run demo", "npm test", "not affiliated with Oracle"]) assert.include(first, command)
    assert.notMatch(readme, /targets? (?:met|that were missed)|benchmarks\/results/)
  })

  it("has tables of settings that fit a page (G4)", () => {
    const section = readme.split("\n## Settings\n")[1]?.split("\n## ")[0] ?? ""
    for (const line of section.split("\n")) if (line.startsWith("|")) assert.isAtMost(line.length, 120, line)
  })

  it("has every failure", () => {
    const names = table("Errors").flatMap(([name]) => namesIn(name))
    const failures = Object.keys(PoolError).filter((name) => name.endsWith("Error"))
    assert.sameMembers(names, failures)
  })
})
