import { readdirSync } from "node:fs"
import { join, relative } from "node:path"

/** The root of the repository. */
export const root = join(import.meta.dirname, "..", "..")

/** The packages that are published, as folders under `packages`. */
export const packages = ["core", "testing", "oracle-server", "oracle"] as const

/** All files below a folder, as paths from it. */
export const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()

/** The same without what is installed and what is built, which it does not look into. */
export const sourceFilesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return entry.isFile() ? [entry.name] : []
    if (/^(?:node_modules|dist|build)$/.test(entry.name)) return []
    return sourceFilesBelow(join(folder, entry.name)).map((file) => `${entry.name}/${file}`)
  }).sort()
