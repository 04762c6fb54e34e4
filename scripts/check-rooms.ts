/**
 * Checks that the rooms of a package look down only: every import of a source, those of types included, goes to its own room or to
 * one further down. A room that is not in the list is one that somebody has to place first. Packages without rooms have no cycles.
 */
import { readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { filesBelow, root } from "./lib/files.ts"
import { Report } from "./lib/report.ts"

const report = new Report("rooms")

interface House {
  /** The folder of the sources. */
  readonly folder: string
  /** The rooms, the uppermost first. */
  readonly rooms: ReadonlyArray<string>
  /** Which room a source is in. */
  readonly roomOf: (file: string) => string
}

/** The public modules of core that all of its rooms may speak of; the others are made of them. */
const vocabulary: ReadonlySet<string> = new Set([
  "Connection.ts",
  "PoolError.ts",
  "PoolEvent.ts",
  "PoolHealth.ts",
  "PoolMetrics.ts",
  "PoolOptions.ts",
  "PoolSession.ts",
  "PoolStatistics.ts",
  "SessionDriver.ts",
  "SessionRequest.ts",
  "SessionTag.ts"
])

const houses: ReadonlyArray<House> = [
  {
    folder: "packages/core/src",
    rooms: ["console", "surface", "leases", "jobs", "decisions", "entities", "vocabulary", "data"],
    // The console stands on top: it uses pools as every other program does.
    roomOf: (file) =>
      /^internal\/(\w+)\//.exec(file)?.[1] ??
        (vocabulary.has(file) ? "vocabulary" : /^(?:PoolConsole|console)\.ts$/.test(file) ? "console" : "surface")
  }
]

const importing = /(?:^|\n)(?:import|export)\s[^;"']*?from\s+"(\.[^"]+)"|import\("(\.[^"]+)"\)/g

let sources = 0
for (const { folder, roomOf, rooms } of houses) {
  const base = join(root, folder)
  for (const file of filesBelow(base).map((name) => name.replaceAll("\\", "/"))) {
    sources++
    const room = roomOf(file)
    if (!rooms.includes(room)) {
      report.add(`${folder}/${file}: the room "${room}" has no place in scripts/check-rooms.ts`)
    }
    for (const [, from, dynamic] of readFileSync(join(base, file), "utf8").matchAll(importing)) {
      const target = relative(base, join(base, dirname(file), from ?? dynamic!)).replaceAll("\\", "/")
      const other = roomOf(target)
      if (rooms.indexOf(other) < rooms.indexOf(room)) {
        report.add(`${folder}/${file}: "${room}" imports ${target}, which is above it in "${other}"`)
      }
    }
  }
}
/** Packages whose sources import each other in one direction, whatever their folders. */
const acyclic: ReadonlyArray<string> = [
  "packages/core/src",
  "packages/oracle/src",
  "packages/oracle-server/src",
  "packages/testing/src"
]

/** The first cycle below `folder`, as a path that ends where it begins. */
const cycleIn = (folder: string): ReadonlyArray<string> | undefined => {
  const base = join(root, folder)
  const done = new Set<string>()
  const visit = (file: string, path: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
    const at = path.indexOf(file)
    if (at >= 0) return [...path.slice(at), file]
    if (done.has(file)) return undefined
    for (const [, from, dynamic] of readFileSync(join(base, file), "utf8").matchAll(importing)) {
      const target = relative(base, join(base, dirname(file), from ?? dynamic!)).replaceAll("\\", "/")
      const found = visit(target, [...path, file])
      if (found !== undefined) return found
    }
    done.add(file)
    return undefined
  }
  for (const file of filesBelow(base).map((name) => name.replaceAll("\\", "/"))) {
    sources++
    const found = visit(file, [])
    if (found !== undefined) return found
  }
  return undefined
}

for (const folder of acyclic) {
  const cycle = cycleIn(folder)
  if (cycle !== undefined) report.add(`${folder}: these import each other: ${cycle.join(" -> ")}`)
}
report.end(`${sources} sources import only from their own room or from rooms below`)
