/**
 * Checks the conventions of CONTRIBUTING.md that the linter does not know: names of files, the first comment of each source,
 * docstrings of public exports, words that have made way for the field's own, tags of unions, exports that no file imports, and which
 * package may import which.
 *
 * A convention that a folder does not keep yet is listed in `notYet`; the list only ever gets shorter.
 */
import { readFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { filesBelow, packages, root, sourceFilesBelow } from "./lib/files.ts"
import { unusedExports } from "./lib/internalExports.ts"
import { Report } from "./lib/report.ts"

const report = new Report("house")

/** What a convention does not hold for yet, as the beginnings of paths. */
const notYet = {
  names: [] as ReadonlyArray<string>,
  firstComments: [] as ReadonlyArray<string>,
  docstrings: [] as ReadonlyArray<string>,
  whenToUse: [] as ReadonlyArray<string>,
  words: [] as ReadonlyArray<string>,
  tags: ["packages/oracle-server/src/internal/engine/"],
  assertions: [] as ReadonlyArray<string>
}

const isExempt = (convention: keyof typeof notYet, file: string): boolean =>
  notYet[convention].some((beginning) => file.startsWith(beginning))

const sourcesBelow = (folder: string): ReadonlyArray<string> =>
  sourceFilesBelow(join(root, folder))
    .filter((file) => /\.m?ts$/.test(file))
    .map((file) => `${folder}/${file}`)

const read = (file: string): string => readFileSync(join(root, file), "utf8")

const sources = packages.flatMap((name) => sourcesBelow(`packages/${name}/src`))
const tests = packages.flatMap((name) => sourcesBelow(`packages/${name}/test`))

/** What users read beside the sources. */
const pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...packages.map((name) => `packages/${name}/README.md`)]
  .concat(
    filesBelow(join(root, "docs")).map((file) => `docs/${file.replaceAll("\\", "/")}`).filter((file) =>
      file.endsWith(".md")
    )
  )

/** Files under `internal` are in camelCase, modules in PascalCase; commands keep the name that they are called by. */
const checkName = (file: string): void => {
  if (isExempt("names", file) || file.includes("/bin/") || file.endsWith("/index.ts")) return
  const name = basename(file).replace(/\..*$/, "")
  const isInternal = file.includes("/internal/")
  if (isInternal ? /^[a-z][A-Za-z0-9]*$/.test(name) : /^[A-Z][A-Za-z0-9]*$|^[a-z]+$/.test(name)) return
  report.add(
    `${file}: ${isInternal ? "name it in camelCase, it lies under internal" : "name it in PascalCase, it is a module"}`
  )
}

/** The first comment says what a file is responsible for. */
const checkFirstComment = (file: string): void => {
  if (isExempt("firstComments", file) || file.endsWith("/index.ts")) return
  if (!/^(?:#!.*\n)?\/\*\*/.test(read(file))) {
    report.add(`${file}: does not begin with a comment that says what it is for`)
  }
}

const exported = /^export (?:declare )?(?:abstract )?(?:const|function|class|interface|type|namespace)\*? (\w+)/

/** Exports that are there when a program runs, and not only types. */
const isValue = (line: string): boolean => /^export (?:declare )?(?:abstract )?(?:const|function|class)/.test(line)

const docstringProblem = (docstring: string): string | undefined => {
  if (docstring === "") return "is missing"
  if (/(?<!\w)@example/.test(docstring)) return "says @example; write **Example** (Title)"
  if (!/@category \S/.test(docstring)) return "has no @category"
  if (!/@since \d/.test(docstring)) return "has no @since"
  return undefined
}

/** What public modules export of files under `internal`, by file. */
const reexported = new Map<string, Set<string>>()
for (const file of sources.filter((source) => !source.includes("/internal/"))) {
  for (const [, names = "", target = ""] of read(file).matchAll(/^export (?:type )?\{([^}]*)\} from "(\.[^"]+)"/gm)) {
    const path = join(dirname(file), target).replaceAll("\\", "/")
    const known = reexported.get(path) ?? new Set()
    for (const name of names.split(",")) known.add(name.trim().replace(/^type | as .*/g, ""))
    reexported.set(path, known)
  }
}

/** Each public export has a docstring with `@category` and `@since`; one that is called or made also says when to use it. */
const checkDocstrings = (file: string): void => {
  if (isExempt("docstrings", file) || file.includes("/bin/") || file.endsWith("/index.ts")) return
  const isPublic = (name: string): boolean => !file.includes("/internal/") || reexported.get(file)?.has(name) === true
  const lines = read(file).split("\n")
  const documented = new Set<string>()
  for (const [at, line] of lines.entries()) {
    const name = exported.exec(line)?.[1]
    if (name === undefined || documented.has(name) || !isPublic(name)) continue
    const end = lines[at - 1]?.trim() ?? ""
    const begin = lines.findLastIndex((other, index) => index < at && other.startsWith("/**"))
    const docstring = end.endsWith("*/") && begin >= 0 ? lines.slice(begin, at).join("\n") : ""
    // An overload or a companion type may stand below the docstring of its name.
    documented.add(name)
    if (docstring.includes("@internal")) continue
    const problem = docstringProblem(docstring)
    if (problem !== undefined) report.add(`${file}:${at + 1}: the docstring of ${name} ${problem}`)
    else if (isValue(line) && !docstring.includes("**When to use**") && !isExempt("whenToUse", file)) {
      report.add(`${file}:${at + 1}: the docstring of ${name} does not say when to use it`)
    }
  }
}

/** Names that say less than the field's own words. */
const replacedWords =
  /\b(?:wish|calm|atHand|forsaken|hopeless|needy|putAway|comeBack|turnAway|lender|patience|at hand|in good order)\b/i

/** Words that a reader outside of the project's tests stumbles over. */
const stiltedWords = /\b(?:nobody|whom|for ever)\b/i

/** British spelling; the sources and the pages have American spelling. */
const britishWords =
  /\w*(?:behaviour|colour|favour|honour|neighbour|catalogue|licence|labell(?:ed|ing)|serialis|recognis|initialis|normalis|optimis[ei](?!st)|organis|synchronis)\w*/i

const checkWords = (
  file: string,
  words: ReadonlyArray<RegExp> = [replacedWords, stiltedWords, britishWords]
): void => {
  if (isExempt("words", file)) return
  for (const [at, line] of read(file).split("\n").entries()) {
    const word = words.map((expression) => expression.exec(line)?.[0]).find((found) => found !== undefined)
    if (word !== undefined) {
      report.add(`${file}:${at + 1}: "${word}" is not used here: take the word of the field, in American spelling`)
    }
  }
}

/** The members of a union are told apart by `_tag`, as everywhere in Effect. A `kind` of several words is a fact like any other. */
const checkTags = (file: string): void => {
  if (isExempt("tags", file)) return
  for (const [at, line] of read(file).split("\n").entries()) {
    if (/\breadonly kind: "[^"]*"(?!\s*\|)/.test(line)) {
      report.add(`${file}:${at + 1}: tell the members of a union apart by _tag`)
    }
  }
}

/** What no file imports, and the types that TypeScript writes for another file have in them. */
const namedInDeclarations: ReadonlySet<string> = new Set([
  "packages/oracle-server/src/internal/recorder/database.ts: RecorderError"
])

/** What is exported under `internal` is there for other files. */
const checkExports = (): void => {
  const folders = [...packages.map((name) => `packages/${name}`), "benchmarks", "examples", "scripts", "site"]
  const exporting = sources.filter((file) => file.includes("/internal/"))
  for (const unused of unusedExports(exporting, folders.flatMap(sourcesBelow))) {
    if (!namedInDeclarations.has(unused)) report.add(`${unused} is exported, and no other file imports it`)
  }
}

/** Tests speak `assert`; a second style says the same in other words. Each test has a scope already. */
const checkTests = (file: string): void => {
  if (isExempt("assertions", file)) return
  const text = read(file)
  if (/\bexpect\(/.test(text)) report.add(`${file}: uses expect; the tests use assert`)
  for (const { index } of text.matchAll(/\bit(?:\.\w+)+\([^\n]*=>\s*Effect\.scoped\(/g)) {
    report.add(
      `${file}:${text.slice(0, index).split("\n").length}: a test has a scope of its own, without Effect.scoped`
    )
  }
}

/** What each package may import of the others. Tests may also use those of `inTests`. */
const imports: Readonly<
  Record<string, { readonly inSources: ReadonlyArray<string>; readonly inTests: ReadonlyArray<string> }>
> = {
  core: { inSources: [], inTests: ["testing"] },
  testing: { inSources: ["core"], inTests: [] },
  oracle: { inSources: ["core"], inTests: ["testing", "oracle-server"] },
  "oracle-server": { inSources: [], inTests: [] }
}

const checkImports = (file: string): void => {
  const [, owner = "", folder] = file.split("/")
  const { inSources, inTests } = imports[owner]!
  // What helps applications to test may know the server.
  const isForTests = folder !== "src" || file === "packages/oracle/src/OracleTest.ts"
  const allowed = isForTests ? [...inSources, ...inTests] : inSources
  for (const [, name = ""] of read(file).matchAll(/^(?!\s*\*).*from "@sessionpool\/([\w-]+)/gm)) {
    if (name !== owner && !allowed.includes(name)) {
      report.add(`${file}: ${owner} must not import @sessionpool/${name} here`)
    }
  }
}

const engine = "packages/oracle-server/src/internal/engine/"

/** Rooms of the server's engine, the lowest first. Files beside them are the contract on top, which is made of types. */
const engineRooms = [
  "values",
  "syntax",
  "functions",
  "catalog",
  "storage",
  "execute",
  "compile",
  "queues",
  "statements",
  "plsql",
  "session"
]

/** The rooms that carry out the contract know its types. */
const firstRoomWithContract = engineRooms.indexOf("queues")

/** Imports of the engine point down, from room to room. */
const checkRooms = (file: string): void => {
  if (!file.startsWith(engine)) return
  const roomOf = (path: string): number => {
    const [room = "", below] = path.slice(engine.length).split("/")
    return below === undefined ? Infinity : engineRooms.indexOf(room)
  }
  const own = roomOf(file)
  if (own === -1) report.add(`${file}: lies in no room of the engine (${engineRooms.join(", ")})`)
  for (
    const [, kind = "", target = ""] of read(file).matchAll(/^(import type|import|export)\b[^"]*? from "(\.[^"]+)"/gm)
  ) {
    const path = join(dirname(file), target).replaceAll("\\", "/")
    const isContract = kind === "import type" && path === `${engine}engine.ts` && own >= firstRoomWithContract
    if (roomOf(path) > own && !isContract) report.add(`${file}: imports ${target}, which is above it`)
  }
}

for (const file of sources) {
  checkRooms(file)
  checkName(file)
  checkFirstComment(file)
  checkDocstrings(file)
  checkWords(file)
  checkTags(file)
}
for (const file of tests) checkTests(file)
for (const file of tests) checkWords(file, [replacedWords, britishWords])
for (const file of [...sourcesBelow("examples"), ...sourcesBelow("benchmarks"), ...pages]) checkWords(file)
for (const file of [...sources, ...tests]) checkImports(file)
checkExports()

report.end(`${sources.length} sources and ${tests.length} tests keep the conventions`)
