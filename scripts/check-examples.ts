/**
 * Checks the code in the documentation: every `@example` and `**Example** (Title)` in the packages and every `ts` block in a Markdown file compiles,
 * and a block of a Markdown file that a `text` block follows prints that text.
 *
 * Each piece of code becomes a file of its own in a `build` folder near its source, on the same lines as there, so that what
 * the compiler says of it points at the source.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, dirname, join, relative } from "node:path"
import { filesBelow, packages, root } from "./lib/files.ts"
import { Report, run } from "./lib/report.ts"

/** A piece of code in the documentation. */
interface Example {
  /** The file that it stands in, from the root. */
  readonly source: string
  /** The line of its first line of code, from 1. */
  readonly line: number
  readonly code: ReadonlyArray<string>
  /** What it prints, where the documentation says so. */
  readonly prints: string | undefined
  /** The file that it was put into. */
  readonly file: string
}

const report = new Report("documentation")

/** Where the code of a document finds its imports: in the package it belongs to, else in the one that has all of them. */
const buildFolder = (source: string): string => {
  const [first, second] = source.split("/")
  return join(root, "packages", first === "packages" && second !== undefined ? second : "oracle", "build", "docs")
}

const example = (source: string, line: number, code: ReadonlyArray<string>, prints?: string): Example => ({
  source,
  line,
  code,
  prints,
  file: join(buildFolder(source), `${source.replaceAll("/", "-").replace(/\.\w+$/, "")}-${line}.ts`)
})

/** The blocks of an `@example`, and those under an `**Example** (Title)`: fenced code in comments. */
const inComments = (source: string): ReadonlyArray<Example> => {
  const found: Array<Example> = []
  const lines = readFileSync(join(root, source), "utf8").split("\n")
  let isExample = false
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!
    if (/^\s*\/\*\*/.test(line) || /^\s*\* (?:@(?!example)|\*\*(?!Example))/.test(line)) isExample = false
    const isTitled = /^\s*\* \*\*Example\*\* \(.+\)$/.test(line)
    if (isTitled || /^\s*\* @example/.test(line)) {
      isExample = true
      if (!/^\s*\* ```ts$/.test(lines[at + (isTitled ? 2 : 1)] ?? "")) {
        report.add(`${source}:${at + 1}: the example does not begin with \`\`\`ts`)
      }
    } else if (/^\s*\* \*\*Example/.test(line)) report.add(`${source}:${at + 1}: the example has no title`)
    if (!isExample || !/^\s*\* ```ts$/.test(line)) continue
    const end = lines.findIndex((other, index) => index > at && /^\s*\* ```$/.test(other))
    const code = lines.slice(at + 1, end).map((other) => other.replace(/^\s*\* ?/, ""))
    found.push(example(source, at + 2, code))
    at = end
  }
  return found
}

/** The `ts` blocks of a Markdown file. */
const inMarkdown = (source: string): ReadonlyArray<Example> => {
  const found: Array<Example> = []
  const lines = readFileSync(join(root, source), "utf8").split("\n")
  const endOf = (begin: number) => lines.findIndex((line, index) => index > begin && line === "```")
  for (let at = 0; at < lines.length; at++) {
    if (lines[at] !== "```ts") continue
    const end = endOf(at)
    const next = lines.findIndex((line, index) => index > end && line !== "")
    const prints = lines[next] === "```text" ? lines.slice(next + 1, endOf(next)).join("\n") : undefined
    found.push(example(source, at + 2, lines.slice(at + 1, end), prints))
    at = end
  }
  return found
}

const documents = ["README.md", "CONTRIBUTING.md", ...filesBelow(join(root, "docs")).map((file) => `docs/${file}`)]
  .concat(packages.map((name) => `packages/${name}/README.md`))
  .filter((file) => file.endsWith(".md") && existsSync(join(root, file)))

const sources = packages.flatMap((name) =>
  filesBelow(join(root, "packages", name, "src"))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => `packages/${name}/src/${file}`)
)

const examples = [...sources.flatMap(inComments), ...documents.flatMap(inMarkdown)]

for (const folder of new Set(examples.map(({ file }) => dirname(file)))) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
}
for (const { code, file, line } of examples) {
  writeFileSync(file, `${"\n".repeat(line - 1)}${code.join("\n")}\n`)
}

const project = join(root, "build", "docs.tsconfig.json")
mkdirSync(dirname(project), { recursive: true })
writeFileSync(
  project,
  JSON.stringify({
    extends: "../tsconfig.base.json",
    files: examples.map(({ file }) => relative(dirname(project), file)),
    compilerOptions: {
      typeRoots: ["../node_modules/@types"],
      composite: false,
      declaration: false,
      declarationMap: false,
      noEmit: true,
      noUnusedLocals: false,
      noUnusedParameters: false
    }
  })
)

const compiled = run("tsc", ["--project", project, "--pretty", "false"], root)
if (!compiled.ok) {
  const byFile = new Map(examples.map((example) => [basename(example.file), example]))
  const told = compiled.output.replace(
    /^[^\s(][^(\n]*?([^/(\n]+\.ts)\((\d+),\d+\): error/gm,
    (text: string, file: string, line: string) => {
      const known = byFile.get(file)
      return known === undefined ? text : `${known.source}:${line}: error`
    }
  )
  for (const problem of told.trim().split(/\n(?=\S)/)) report.add(problem)
}

const programs = examples.filter(({ prints }) => prints !== undefined)
if (compiled.ok) {
  for (const { file, line, prints, source } of programs) {
    const { ok, output } = run("node", [file], root)
    if (!ok) report.add(`${source}:${line}: the program fails:\n${output}`)
    else if (output.trimEnd() !== prints) {
      report.add(`${source}:${line}: the program prints\n${output.trimEnd()}\nand not\n${prints}`)
    }
  }
}

report.end(`${examples.length} pieces of code compile, ${programs.length} of them were run`)
