/** docs/from-node-oracledb.md names every member of the driver's module; those of its classes are in docs/driver-members.md. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { driver } from "../src/internal/oracledb.ts"

const page = readFileSync(join(import.meta.dirname, "..", "..", "..", "docs", "from-node-oracledb.md"), "utf8")

/** Numbers by which the driver names types and modes; words stand for them here. */
const constant = /^(?:[A-Z][A-Z0-9_]*)$/

/** What of a prototype is its own, down to what Node gives every emitter and stream. */
const membersOf = (prototype: object): ReadonlyArray<string> => {
  const found = new Set<string>()
  for (
    let at: object | null = prototype;
    at !== null && !["Object", "EventEmitter", "Readable", "Duplex"].includes(at.constructor.name);
    at = Object.getPrototypeOf(at) as object | null
  ) {
    for (const name of Object.getOwnPropertyNames(at)) found.add(name)
  }
  return [...found].filter((name) => !name.startsWith("_") && name !== "constructor")
}

/** The names in the code of the first column of each table. */
const named = new Set(
  page.split("\n")
    .filter((line) => line.startsWith("|"))
    .flatMap((line) => Array.from(line.split("|")[1]!.matchAll(/`(\w+)/g), ([, name = ""]) => name))
)

const module = driver as unknown as Record<string, { readonly prototype: object }>

describe("the page for those who come from node-oracledb", () => {
  it("names every member of the module", () => {
    const names = new Set([...Object.keys(module), ...membersOf(Object.getPrototypeOf(module) as object)])
    const missing = [...names].filter((name) => !name.startsWith("_") && !constant.test(name) && !named.has(name))
    assert.deepStrictEqual(missing, [])
  })
})
