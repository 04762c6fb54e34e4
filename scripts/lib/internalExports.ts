/**
 * Finds exports under `internal` that no other file imports. They hide dead code: the linter reports a name that is not used only where it
 * is not exported.
 */
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { root } from "./files.ts"

const declared =
  /^export (?:declare )?(?:abstract )?(?:const|let|function\*?|class|interface|type|enum|namespace) (\w+)/gm

/** `import a, { b as c } from`, `import * as d from`, `export { e } from` and `export * from`, types included. */
const statements =
  /^\s*(import|export)\s+(?:type\s+)?(?:\w+\s*,\s*)?(?:\*\s*(?:as\s+(\w+)\s+)?|\{([^}]*)\}\s*)from\s+"(\.[^"]+)"/gm

const dynamic = /import\("(\.[^"]+)"\)/g

const namesIn = (list: string): ReadonlyArray<string> =>
  list.split(",").map((name) => name.trim().replace(/^type\s+/, "").replace(/\s+as\s.*$/, "")).filter((name) =>
    name !== ""
  )

/** Exports that no other file imports, as `file: name`. `users` are all files that may import them. */
export const unusedExports = (sources: ReadonlyArray<string>, users: ReadonlyArray<string>): ReadonlyArray<string> => {
  const texts = new Map(users.map((file) => [file, readFileSync(join(root, file), "utf8")]))
  const used = new Map<string, Set<string>>()
  /** Whole files that another hands on, and the files that are imported in a way that may use everything. */
  const handedOn = new Map<string, Array<string>>()
  const open = new Set<string>()
  const use = (file: string, name: string): void => {
    const names = used.get(file)
    if (names?.has(name) === true) return
    if (names === undefined) used.set(file, new Set([name]))
    else names.add(name)
  }
  for (const [file, text] of texts) {
    const pathOf = (target: string): string => join(dirname(file), target).replaceAll("\\", "/")
    for (const [, keyword, namespace, list, target = ""] of text.matchAll(statements)) {
      const path = pathOf(target)
      if (list !== undefined) { for (const name of namesIn(list)) use(path, name) }
      else if (namespace === undefined) handedOn.set(file, [...handedOn.get(file) ?? [], path])
      else if (keyword === "export") open.add(path)
      else for (const [, name = ""] of text.matchAll(new RegExp(`\\b${namespace}\\.(\\w+)`, "g"))) use(path, name)
    }
    for (const [, target = ""] of text.matchAll(dynamic)) open.add(pathOf(target))
  }
  const isUsed = (file: string, name: string): boolean =>
    open.has(file) || used.get(file)?.has(name) === true ||
    [...handedOn].some(([by, files]) => files.includes(file) && (!by.includes("/internal/") || isUsed(by, name)))
  return sources.flatMap((file) => {
    const text = texts.get(file)!
    const names = [...text.matchAll(declared)].map(([, name = ""]) => name)
    for (const [, keyword, , list] of text.matchAll(statements)) {
      if (keyword === "export" && list !== undefined) {
        names.push(
          ...list.split(",").map((name) => name.trim().replace(/^(?:type\s+)?(?:\w+\s+as\s+)?/, "")).filter((name) =>
            name !== ""
          )
        )
      }
    }
    return [...new Set(names)].filter((name) => !isUsed(file, name)).map((name) => `${file}: ${name}`)
  })
}
