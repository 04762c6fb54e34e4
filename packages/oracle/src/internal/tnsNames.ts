/**
 * The text of `tnsnames.ora` files.
 *
 * As in the driver (`lib/thin/sqlnet/paramParser.js`) an entry begins in the first column and goes on over lines that begin
 * with a space or a parenthesis; `#` begins a comment anywhere in a line; the last entry of a name counts. Unlike the driver,
 * space inside a value is kept.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import { attempt, type ConnectDescriptorError, malformed } from "./connectDescriptorError.ts"

/**
 * The text that one or more names stand for, and where in its file it begins (in characters, 0 is the first).
 *
 * @example
 * ```ts
 * import type { ConnectDescriptor } from "@sessionpool/oracle"
 *
 * const entry: ConnectDescriptor.TnsEntry = { text: "db/SALES", position: 8 }
 * ```
 */
export interface TnsEntry {
  readonly text: string
  readonly position: number
}

/** What a file holds, in its order. */
export type TnsItem =
  | { readonly _tag: "Entry"; readonly names: ReadonlyArray<string>; readonly entry: TnsEntry }
  | { readonly _tag: "Include"; readonly path: string }

/** Comments become space, so that positions stay true. */
const withoutComments = (text: string): string =>
  text.replace(/^\uFEFF/, " ").replace(/#[^\r\n]*/g, (comment) => " ".repeat(comment.length))

/** Splits a file into its entries; what an entry stands for is read only when it is asked for. */
export const parseTnsItems = (text: string): ReadonlyArray<TnsItem> => {
  const clean = withoutComments(text)
  const starts = [...clean.matchAll(/^[^\s()]/gm)].map((match) => match.index)
  if (text.startsWith("\uFEFF") && /^ [^\s()]/.test(clean)) starts.unshift(1)
  const before = clean.slice(0, starts[0] ?? clean.length).search(/\S/)
  if (before >= 0) malformed(before, "expected a name in the first column of a line")
  return starts.map((start, index): TnsItem => {
    const whole = clean.slice(start, starts[index + 1] ?? clean.length)
    const equals = whole.indexOf("=")
    if (equals < 0) malformed(start, "expected \"=\" after the name")
    const names = whole.slice(0, equals).split(",").map((name) => name.trim().toUpperCase())
    if (names.some((name) => name === "" || /[\s()]/.test(name))) {
      malformed(start, "expected a name, or names with commas")
    }
    const value = whole.slice(equals + 1)
    const text = value.trim()
    if (names[0] === "IFILE") return { _tag: "Include", path: text.replace(/^(["'])(.*)\1$/, "$2") }
    return { _tag: "Entry", names, entry: { text, position: start + equals + 1 + value.indexOf(text) } }
  })
}

/**
 * The names of one `tnsnames.ora`, in capitals, and what they stand for.
 *
 * @example
 * ```ts
 * import { ConnectDescriptor } from "@sessionpool/oracle"
 *
 * const aliases = (names: ConnectDescriptor.TnsNames) => [...names.entries.keys()]
 * ```
 */
export interface TnsNames {
  readonly entries: ReadonlyMap<string, TnsEntry>
  /** Paths of `IFILE` lines that were not read. */
  readonly includes: ReadonlyArray<string>
}

/** The last entry of a name counts. */
export const collect = (items: ReadonlyArray<TnsItem>): TnsNames => ({
  entries: new Map(
    items.flatMap((item) => item._tag === "Entry" ? item.names.map((name) => [name, item.entry] as const) : [])
  ),
  includes: items.flatMap((item) => item._tag === "Include" ? [item.path] : [])
})

/** As deep as the driver follows `IFILE` (`MAX_IFILE_DEPTH`). */
const deepestInclude = 4

/** Reads a file and, where they stand, the files that it includes. */
export const loadItems = Effect.fnUntraced(function*(
  file: string,
  depth: number
): Effect.fn.Return<
  ReadonlyArray<TnsItem>,
  ConnectDescriptorError | PlatformError,
  FileSystem.FileSystem | Path.Path
> {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const text = yield* fileSystem.readFileString(file)
  const items = yield* Effect.fromResult(attempt(() => parseTnsItems(text)))
  const all: Array<TnsItem> = []
  for (const item of items) {
    if (item._tag === "Include" && depth < deepestInclude) {
      all.push(...(yield* loadItems(path.resolve(path.dirname(file), item.path), depth + 1)))
    } else {
      all.push(item)
    }
  }
  return all
})
