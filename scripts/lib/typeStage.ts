/** Which mutants the type check finds: `npm test` begins with it, so these never get as far as a test. */
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./files.ts"
import type { Place } from "./mutationKeys.ts"

/** One change of a file. */
export interface Change {
  readonly file: string
  readonly source: string
  /** Lines and columns count from 1. */
  readonly location: Place
  readonly replacement: string
}

const offsetOf = (source: string, { column, line }: Place["start"]): number => {
  let offset = 0
  for (let i = 1; i < line; i++) offset = source.indexOf("\n", offset) + 1
  return offset + column - 1
}

const applied = ({ location, replacement, source }: Change): string =>
  source.slice(0, offsetOf(source, location.start)) + replacement + source.slice(offsetOf(source, location.end))

/** Of some changes in one package those that do not pass the type check, made one at a time in a copy of the package. */
export const failTypeCheck = <A extends Change>(pack: string, changes: ReadonlyArray<A>): ReadonlySet<A> => {
  const copy = join(root, "build", "mutation", "types", pack)
  const check = (): boolean =>
    spawnSync("tsc", ["--project", join(copy, "tsconfig.json")], { cwd: root, encoding: "utf8" }).status === 0
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy, { recursive: true })
  cpSync(join(root, "packages", pack, "src"), join(copy, "src"), { recursive: true })
  symlinkSync(join(root, "packages", pack, "node_modules"), join(copy, "node_modules"))
  cpSync(join(root, "packages", pack, "package.json"), join(copy, "package.json"))
  const options = { composite: false, declaration: false, declarationMap: false, incremental: true, noEmit: true }
  const config = {
    extends: join(root, "tsconfig.base.json"),
    include: ["src"],
    compilerOptions: { ...options, tsBuildInfoFile: "types.tsbuildinfo" }
  }
  writeFileSync(join(copy, "tsconfig.json"), JSON.stringify(config))
  if (!check()) throw new Error(`the package ${pack} does not pass the type check as it is`)
  const failing = new Set<A>()
  for (const change of changes) {
    const file = join(copy, change.file.replace(`packages/${pack}/`, ""))
    writeFileSync(file, applied(change))
    if (!check()) failing.add(change)
    writeFileSync(file, change.source)
  }
  rmSync(copy, { recursive: true })
  return failing
}
