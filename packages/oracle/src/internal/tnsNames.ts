/**
 * The text of `tnsnames.ora` files.
 *
 * As in the driver (`lib/thin/sqlnet/paramParser.js`) an entry begins in the first column and goes on over lines that begin
 * with a space or a parenthesis, the list of its names too; `#` begins a comment anywhere in a line; the last entry of a name counts.
 * Unlike the driver, space inside a value is kept.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import { attempt, ConnectDescriptorError } from "./connectDescriptorError.ts"

/**
 * The text that one or more names stand for, and where it begins: in characters from the start of its file, 0 for the first, and in lines, 1
 * for the first.
 *
 * **Example** (An entry of a file)
 *
 * ```ts
 * import type { ConnectDescriptor } from "@sessionpool/oracle"
 *
 * const entry: ConnectDescriptor.TnsEntry = { text: "db/SALES", position: 8, line: 1 }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface TnsEntry {
  readonly text: string
  readonly position: number
  readonly line: number
  /** Its file, where it was read from one. */
  readonly file?: string | undefined
}

/** What a file holds, in its order. */
type TnsItem =
  | { readonly _tag: "Entry"; readonly names: ReadonlyArray<string>; readonly entry: TnsEntry }
  | { readonly _tag: "Include"; readonly path: string }

/** Comments become space, so that positions stay true. */
const withoutComments = (text: string): string =>
  text.replace(/^\uFEFF/, " ").replace(/#[^\r\n]*/g, (comment) => " ".repeat(comment.length))

const lineOf = (text: string, position: number): number => text.slice(0, position).split("\n").length

/**
 * Splits a file into its entries; what an entry stands for is read only when it is asked for. As in the driver, what is no entry (names
 * without `=`) stands for its own text, which cannot be used and harms no other.
 */
export const parseTnsItems = (text: string, file?: string): ReadonlyArray<TnsItem> => {
  const clean = withoutComments(text)
  const starts = [...clean.matchAll(/^[^\s()]/gm)].map((match) => match.index)
  if (text.startsWith("\uFEFF") && /^ [^\s()]/.test(clean)) starts.unshift(1)
  const before = clean.slice(0, starts[0] ?? clean.length).search(/\S/)
  if (before >= 0) starts.unshift(before)
  return starts.flatMap((start, index): ReadonlyArray<TnsItem> => {
    const whole = clean.slice(start, starts[index + 1] ?? clean.length)
    const equals = whole.indexOf("=")
    const names = whole.slice(0, equals < 0 ? undefined : equals).split(",")
      .map((name) => name.trim().toUpperCase()).filter((name) => name !== "")
    const value = whole.slice(equals + 1)
    const text = value.trim()
    if (names[0] === "IFILE") return [{ _tag: "Include", path: text.replace(/^(["'])(.*)\1$/, "$2") }]
    const position = start + equals + 1 + Math.max(0, value.indexOf(text))
    const entry: TnsEntry = { text, position, line: lineOf(clean, position), ...(file !== undefined && { file }) }
    return [{ _tag: "Entry", names, entry }]
  })
}

/** What is wrong with an entry, with the file and the line that it is in. */
export const inEntry = (alias: string, entry: TnsEntry, error: ConnectDescriptorError): ConnectDescriptorError => {
  const offset = (error.position ?? entry.position) - entry.position
  const line = entry.line + lineOf(entry.text, Math.max(0, offset)) - 1
  return new ConnectDescriptorError({
    problem: error.problem,
    ...(error.position !== undefined && { position: error.position }),
    ...(entry.file !== undefined && { file: entry.file }),
    line,
    message: `${entry.file ?? "tnsnames.ora"}, line ${line}, in the entry ${alias}: ${error.message}`
  })
}

/**
 * The names of one `tnsnames.ora`, in capitals, and what they stand for.
 *
 * **Example** (All aliases)
 *
 * ```ts
 * import { ConnectDescriptor } from "@sessionpool/oracle"
 *
 * const aliases = (names: ConnectDescriptor.TnsNames) => [...names.entries.keys()]
 * ```
 *
 * @category models
 * @since 0.1.0
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
  const items = yield* Effect.fromResult(attempt(() => parseTnsItems(text, file)))
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
