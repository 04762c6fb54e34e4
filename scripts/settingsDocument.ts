/**
 * Writes `docs/settings.md` from the lists of settings in the sources: their names, their defaults, and the first paragraph of the comment
 * above each. Run it, and `npm run format` after it, when a setting has changed; a test compares the two.
 */
import { Duration, Result } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { PoolOptions } from "../packages/core/src/index.ts"
import { root } from "./lib/files.ts"

interface Setting {
  readonly name: string
  /** What its comment says, without the default. */
  readonly meaning: string
  /** The default as the comment says it; empty without one. */
  readonly stated: string
}

const settingOf = (name: string, comment: string): Setting => {
  // Its first paragraph; what follows is for those who read the docstring.
  const text = comment.replace(/^\s*\/\*\*/, "").replace(/\*\/$/, "").split(/\n\s*\*\s*\n/)[0]!
    .replace(/\n\s*\*/g, " ").replace(/^\s*\*/, "").replace(/\s+/g, " ").trim()
  const stated = /(?:^| )Default(?:: the| ) ?(.+?)\.$/.exec(text)
  return {
    name,
    meaning: stated === null ? text : text.slice(0, stated.index).trim(),
    stated: stated?.[1] ?? ""
  }
}

/** The settings of a list in a source: an object whose properties have a comment each. */
export const settingsOf = (file: string, list: string): ReadonlyArray<Setting> => {
  const source = readFileSync(join(root, file), "utf8")
  const body = new RegExp(
    `\\nconst ${list} = \\{\\n([\\s\\S]*?)\\n\\}\\n|\\nexport const ${list} = \\{\\n([\\s\\S]*?)\\n\\}\\n`
  )
    .exec(source)
  const text = body?.[1] ?? body?.[2]
  if (text === undefined) throw new Error(`${file} has no list ${list}`)
  return [...text.matchAll(/( {2}\/\*\*[\s\S]*?\*\/)\n {2}(\w+):/g)].map(([, comment, name]) =>
    settingOf(name!, comment!)
  )
}

const defaults: Readonly<Record<string, unknown>> = { ...Result.getOrThrow(PoolOptions.fromInput({})) }

const durationText = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  if (millis === 0) return "0"
  const [count, unit] = millis % 60_000 === 0 ? [millis / 60_000, "minute"] : [millis / 1000, "second"]
  return `${count} ${unit}${count === 1 ? "" : "s"}`
}

/** The default that is really in force. */
export const defaultOf = (name: string): string => {
  const value = defaults[name]
  if (value === undefined) return ""
  if (Duration.isDuration(value)) return durationText(value)
  return typeof value === "string" ? `"${value}"` : String(value)
}

const cell = (text: string): string => text.replaceAll("|", "\\|")

const row = (...cells: ReadonlyArray<string>): string => `| ${cells.map(cell).join(" | ")} |`

const code = (text: string): string => text === "" ? "" : `\`${text}\``

const poolRows = (list: "writable" | "fixed"): ReadonlyArray<string> =>
  settingsOf("packages/core/src/PoolOptions.ts", list).map(({ meaning, name }) =>
    row(code(name), code(defaultOf(name)), meaning)
  )

const connectRows = (): ReadonlyArray<string> =>
  ["requiredFields", "optionalFields"]
    .flatMap((list) => settingsOf("packages/oracle/src/internal/connectFields.ts", list))
    .map(({ meaning, name, stated }) => row(code(name), stated, meaning))

const head = [row("setting", "default", "meaning"), row("---", "---", "---")]

/** The document, but for the widths of its tables. */
export const settingsDocument = (): string =>
  [
    "# Settings",
    "",
    "<!-- Made from the sources by scripts/settingsDocument.ts: change the comments there. -->",
    "",
    "Durations take any `Duration.Input`, such as `\"5 minutes\"`, or `\"infinity\"`. **A bare number is milliseconds**, where Oracle's drivers often",
    "count seconds. Everything is checked when the pool is made; what cannot be used is an `InvalidOptionsError` that names the field.",
    "",
    "## The pool",
    "",
    "Of every pool (`@sessionpool/core`). `pool.reconfigure` changes them while the pool runs. `PoolOptions.config(\"HR_POOL\")` reads all settings of",
    "the pool from the environment: `maxLifetimeSession` from `HR_POOL_MAX_LIFETIME_SESSION`.",
    "",
    ...head,
    ...poolRows("writable"),
    "",
    "These are fixed once the pool is made:",
    "",
    ...head,
    ...poolRows("fixed"),
    "",
    "## How Oracle sessions are opened",
    "",
    "Of `OracleSessionPool`, beside those of the pool but for `dsn` and `tnsentry`, which it takes from `connectString`. Where no default is given,",
    "it is the driver's.",
    "",
    ...head,
    ...connectRows(),
    "",
    "The [README of `@sessionpool/oracle`](../packages/oracle/README.md) has the options that say how values are read and what leases are given, and",
    "those that are functions.",
    ""
  ].join("\n")

export const documentPath = join(root, "docs", "settings.md")

if (import.meta.main) writeFileSync(documentPath, settingsDocument())
