/** Writes the module of TypeScript that stands for a schema: its types, its rows, its procedures and functions. */
import { namer } from "../valueSettings.ts"
import type { Dictionary, Subprogram } from "./dictionary.ts"
import { camel, Names } from "./names.ts"
import { writeRoutine } from "./routineModules.ts"
import type { Numbers } from "./scalars.ts"
import { TypeWriter, Unmade } from "./typeModules.ts"

interface RenderOptions {
  /** How properties are named, which the functions also tell the connection. */
  readonly columnNames: "upper" | "lower" | "camel"
  readonly numbers: Numbers
  /** Whether names in statements have the owner before them. */
  readonly isQualified: boolean
}

const kindOf = (routine: Subprogram): string =>
  routine.arguments.some(({ name }) => name === undefined) ? "function" : "procedure"

/** Those of each package together, those without one first. */
const byPackage = (routines: ReadonlyArray<Subprogram>): Map<string, Array<Subprogram>> => {
  const packages = new Map<string, Array<Subprogram>>()
  for (const routine of routines) {
    const name = routine.package ?? ""
    packages.set(name, [...packages.get(name) ?? [], routine])
  }
  return packages
}

export const render = (dictionary: Dictionary, options: RenderOptions): string => {
  const { owner } = dictionary
  const names = new Names()
  const writing = {
    numbers: options.numbers,
    columnNames: namer(options.columnNames),
    prefix: options.isQualified ? `${owner}.` : ""
  }
  const types = new TypeWriter(dictionary, names, writing)
  types.writeAll()
  for (const table of dictionary.tables) types.writeRow(table)
  const unmade = types.unmade
  const functions: Array<string> = []

  const routine = (each: Subprogram): ReadonlyArray<string> | undefined => {
    const lines = writeRoutine(each, types, writing)
    if (!(lines instanceof Unmade)) return lines
    unmade.push(
      `${kindOf(each)} ${each.package === undefined ? "" : `${each.package}.`}${each.name}: ${lines.problem}`
    )
    return undefined
  }

  for (const [packageName, routines] of byPackage(dictionary.subprograms)) {
    if (packageName === "") {
      for (const each of routines) {
        const lines = routine(each)
        if (lines === undefined) continue
        functions.push(
          `/** The ${kindOf(each)} ${each.name}. */`,
          `export const ${names.take(camel(each.name))} = ${lines[0]!}`,
          ...lines.slice(1),
          ""
        )
      }
      continue
    }
    const own = new Names()
    const members = routines.flatMap((each) => {
      const lines = routine(each)
      return lines === undefined ? [] : [[
        `  /** The ${kindOf(each)} ${each.name}. */`,
        `  ${own.take(camel(each.name))}: ${lines[0]!}`,
        ...lines.slice(1).map((line) => `  ${line}`)
      ].join("\n")]
    })
    if (members.length === 0) continue
    functions.push(
      `/** The package ${packageName}. */`,
      `export const ${names.take(camel(packageName))} = {`,
      members.join(",\n"),
      "}",
      ""
    )
  }

  const body = [...types.lines, ...functions].join("\n")
  const has = (name: string): boolean => body.includes(`${name}.`)
  const oracle = [...has("OracleBind") ? ["OracleBind"] : [], ...functions.length > 0 ? ["type OracleConnection"] : []]
  const effect = [...has("Effect") ? ["Effect"] : [], ...has("Schema") ? ["Schema"] : []]
  const head = [
    `/** The schema ${owner}, made by \`sessionpool-oracle generate\`: not to be edited, but made again. */`,
    ...oracle.length === 0 ? [] : [`import { ${oracle.join(", ")} } from "@sessionpool/oracle"`],
    ...effect.length === 0 ? [] : [`import { ${effect.join(", ")} } from "effect"`],
    ""
  ]
  const settings = functions.length === 0 ? [] : [
    "type Connection = OracleConnection.OracleConnection",
    "",
    `const values = { columnNames: "${options.columnNames}", numbers: "${options.numbers}" } as const`,
    ""
  ]
  const missing = unmade.length === 0 ? [] : ["// Not made:", ...unmade.map((each) => `// - ${each}`), ""]
  return [...head, ...settings, body, ...missing].join("\n")
}
