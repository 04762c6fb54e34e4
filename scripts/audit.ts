/**
 * Looks at the dependencies: known weaknesses, as the registry tells them, and licenses. Where the registry has no list of weaknesses or
 * cannot be reached, that part is skipped by name, and fails where `CI` is set.
 */
import { root } from "./lib/files.ts"
import { Report, run } from "./lib/report.ts"

/** Licenses that ask for no more than to be named; MPL-2.0 is for tools alone, which are not part of a package. */
const allowed = [
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
  "Python-2.0",
  "UPL-1.0"
]
const allowedForTools = [...allowed, "CC-BY-4.0", "MPL-2.0"]

const report = new Report("audit")
const lines: Array<string> = []

/** Whether an expression such as `(Apache-2.0 OR UPL-1.0)` leaves a choice that is allowed. */
const isAllowed = (license: string, list: ReadonlyArray<string>): boolean =>
  license.replaceAll(/[()]/g, "").split(" OR ").some((choice) =>
    choice.split(" AND ").every((part) => list.includes(part.trim()))
  )

const json = (output: string): unknown => JSON.parse(output.slice(output.indexOf("{")))

for (const [scope, args, list] of [["packages", ["--prod"], allowed], ["tools", [], allowedForTools]] as const) {
  const { ok, output } = run("pnpm", ["--recursive", "licenses", "list", "--json", ...args], root)
  if (!ok) report.add(`the licenses of the ${scope} cannot be read:\n${output}`)
  else if (/No licenses/.test(output)) lines.push(`${scope}: no dependencies`)
  else {
    const found = json(output) as Record<string, ReadonlyArray<{ readonly name: string }>>
    for (const [license, of] of Object.entries(found)) {
      if (!isAllowed(license, list)) report.add(`${of.map(({ name }) => name).join(", ")}: license ${license}`)
    }
    lines.push(`${scope}: ${Object.values(found).flat().length} dependencies, ${Object.keys(found).join(", ")}`)
  }
}

const { output } = run("pnpm", ["audit", "--json"], root)
const audit = json(output) as {
  readonly error?: { readonly message?: string }
  readonly advisories?: Record<
    string,
    { readonly module_name: string; readonly severity: string; readonly title: string }
  >
}
if (audit.error !== undefined) {
  const why = /responded with (\d+)/.exec(audit.error.message ?? "")?.[1]
  const said = `weaknesses: not known here, the registry answered ${why ?? "nothing"}`
  if (process.env["CI"] === undefined) lines.push(`skipped: ${said}`)
  else report.add(said)
} else {
  const found = Object.values(audit.advisories ?? {})
  for (const { module_name, severity, title } of found) report.add(`${module_name}: ${severity}, ${title}`)
  if (found.length === 0) lines.push("weaknesses: none is known")
}

for (const line of lines) console.log(line)
report.end("licenses are among those allowed")
