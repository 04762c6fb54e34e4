/**
 * Builds the documentation as a static site in `build/site`: the pages of this repository, a page for each example, and a reference made
 * from the docstrings. Every link and anchor of what was built is followed; one that leads nowhere fails.
 *
 *     npm run site
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { basename, dirname, join, relative, resolve } from "node:path"
import { filesBelow, packages, root } from "./lib/files.ts"
import { Report, run } from "./lib/report.ts"

const report = new Report("site")
const began = performance.now()
const site = join(root, "site")
const pages = join(site, "pages")
const built = join(root, "build", "site")
const repository = "https://github.com/sessionpool/sessionpool/blob/main"

const rank = (name: string): number => ["core", "oracle", "testing", "oracle-server"].indexOf(name)

/** What a reader needs first. */
const ordered = packages.toSorted((a, b) => rank(a) - rank(b))

/** The pages, as files of the repository and of the site. */
const guides: ReadonlyArray<readonly [source: string, page: string]> = [
  ["README.md", "index.md"],
  ...ordered.map((name) => [`packages/${name}/README.md`, `packages/${name}.md`] as const),
  ...filesBelow(join(root, "docs"))
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".md"))
    .map((file) => [`docs/${file}`, `docs/${file.replace(/README\.md$/, "index.md")}`] as const),
  ["CONTRIBUTING.md", "contributing.md"],
  ["SECURITY.md", "security.md"]
]

const examples = readdirSync(join(root, "examples"))
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
  .map((file) => [`examples/${file}`, `examples/${file.replace(/\.ts$/, ".md")}`] as const)

const pageOf = new Map([...guides, ...examples])

const write = (page: string, text: string): void => {
  mkdirSync(dirname(join(pages, page)), { recursive: true })
  writeFileSync(join(pages, page), text)
}

/** Where a link of one file leads in the site; what is no page of it is shown by the repository. */
const linkOf = (source: string, page: string, link: string): string => {
  if (/^(?:[a-z]+:|#)/i.test(link)) return link
  const [path = "", anchor] = link.split("#")
  const target = relative(root, resolve(root, dirname(source), path)).replaceAll("\\", "/")
  if (!existsSync(join(root, target))) {
    report.add(`${source}: the link to ${link} leads nowhere`)
    return link
  }
  const known = pageOf.get(target) ?? pageOf.get(`${target}/README.md`)
  const suffix = anchor === undefined ? "" : `#${anchor}`
  if (known !== undefined) {
    const way = relative(dirname(page), known).replaceAll("\\", "/")
    return `${way.startsWith(".") ? way : `./${way}`}${suffix}`
  }
  if (/\.(?:svg|png)$/.test(target)) {
    mkdirSync(dirname(join(pages, "public", target)), { recursive: true })
    cpSync(join(root, target), join(pages, "public", target))
    return `/${target}`
  }
  return `${repository}/${target}${suffix}`
}

/** Changes the text between blocks of code, or between all code. */
const outside = (code: RegExp, text: string, change: (prose: string) => string): string =>
  text.split(code).map((part, index) => (index % 2 === 1 ? part : change(part))).join("")

const blocks = /(^ *```[^]*?^ *```$)/m
const blocksAndSpans = /(^ *```[^]*?^ *```$|`[^`\n]*`)/m

/** The site's templates must not take a text for one of theirs. */
const escaped = (text: string): string =>
  outside(blocksAndSpans, text, (prose) => prose.replaceAll("{{", "{&#8203;{").replaceAll(/<(?!https?:|!--)/g, "&lt;"))

const guide = (source: string, page: string): string =>
  escaped(
    outside(blocks, readFileSync(join(root, source), "utf8"), (prose) =>
      prose.replaceAll(/\]\(([^)\s]+)\)/g, (_, link: string) =>
        `](${linkOf(source, page, link)})`))
  )

/** An example as a page: its first comment, its code, what it prints. */
const exampleOf = (source: string): string => {
  const text = readFileSync(join(root, source), "utf8")
  const [, comment = ""] = /^\/\*\*([^]*?)\*\//.exec(text) ?? []
  const said = comment.split("\n").map((line) => line.replace(/^ ?\* ?/, "").trim()).join(" ").trim()
  const [, printed] = /\/\* Prints:\n([^]*?)\n\*\//.exec(text) ?? []
  const code = text
    .replace(/^\/\*\*[^]*?\*\/\n/, "")
    .replace(/\n\/\* Prints:\n[^]*?\n\*\//, "")
    .trim()
  const title = basename(source, ".ts").replaceAll("-", " ")
  return [
    `# ${title.slice(0, 1).toUpperCase()}${title.slice(1)}`,
    escaped(said),
    `\`\`\`ts\n${code}\n\`\`\``,
    ...(printed === undefined ? [] : ["It prints:", `\`\`\`text\n${printed}\n\`\`\``]),
    `Run it in a clone: \`npm run exec -- node ${source}\`.`
  ].join("\n\n")
}

/** The reference of a package, module by module, from its docstrings. */
const reference = (name: string): ReadonlyArray<string> => {
  const modules = readdirSync(join(root, "packages", name, "src")).filter((file) => /^[A-Z]\w*\.ts$/.test(file))
  const config = {
    entryPoints: modules.map((file) => join(root, "packages", name, "src", file)),
    tsconfig: join(site, "tsconfig.json"),
    out: join(pages, "api", name),
    plugin: ["typedoc-plugin-markdown"],
    readme: "none",
    name: `@sessionpool/${name}`,
    skipErrorChecking: true,
    excludeInternal: true,
    excludePrivate: true,
    excludeExternals: true,
    disableSources: true,
    hideBreadcrumbs: true,
    hidePageHeader: true,
    outputFileStrategy: "modules",
    entryFileName: "index",
    categorizeByGroup: false,
    parametersFormat: "table",
    validation: { notExported: false, invalidLink: false, notDocumented: false },
    logLevel: "Error"
  }
  const file = join(site, `typedoc.${name}.json`)
  writeFileSync(file, JSON.stringify(config))
  const { ok, output } = run("node", [join(site, "node_modules", "typedoc", "bin", "typedoc"), "--options", file], site)
  rmSync(file)
  if (!ok) report.add(`the reference of ${name} could not be made:\n${output}`)
  // A field that types alone need has no place of its own to link to.
  for (const page of filesBelow(join(pages, "api", name))) {
    const path = join(pages, "api", name, page)
    writeFileSync(path, readFileSync(path, "utf8").replaceAll("[`_`](#_)", "`_`"))
  }
  return modules.map((module) => module.replace(/\.ts$/, ""))
}

const titleOf = (page: string): string =>
  /^# (.*)$/m.exec(readFileSync(join(pages, page), "utf8"))?.[1]?.replaceAll("`", "") ?? basename(page, ".md")

const linksOf = (all: ReadonlyArray<readonly [string, string]>) =>
  all.map(([, page]) => ({
    text: titleOf(page),
    link: `/${page.replace(/(?:^|\/)index\.md$/, "/").replace(/\.md$/, "")}`
  }))

/** Follows every link of every page that was built. */
const follow = (): number => {
  const files = filesBelow(built).map((file) => file.replaceAll("\\", "/")).filter((file) => file.endsWith(".html"))
  const texts = new Map(files.map((file) => [file, readFileSync(join(built, file), "utf8")]))
  const ids = new Map([...texts].map(([file, text]) => [
    file,
    new Set(Array.from(text.matchAll(/ id="([^"]+)"/g), ([, id = ""]) => id))
  ]))
  let followed = 0
  for (const [file, text] of texts) {
    if (file === "404.html") continue
    for (const [, href = ""] of text.matchAll(/<a[^>]* href="([^"]+)"/g)) {
      if (/^[a-z]+:/i.test(href)) continue
      followed++
      const [path = "", anchor] = decodeURI(href).replaceAll("&amp;", "&").split("#")
      const target = path === ""
        ? file
        : path.startsWith("/")
        ? path.slice(1)
        : relative(built, resolve(built, dirname(file), path)).replaceAll("\\", "/")
      const found = [target, `${target}.html`, `${target}/index.html`, join(target, "index.html")]
        .map((one) => one.replaceAll("\\", "/").replace(/^\//, ""))
        .find((one) =>
          texts.has(one) || (one !== "" && existsSync(join(built, one)) && statSync(join(built, one)).isFile())
        )
      if (found === undefined) report.add(`${file}: the link to ${href} leads nowhere`)
      else if (anchor !== undefined && anchor !== "" && ids.has(found) && !ids.get(found)!.has(anchor)) {
        report.add(`${file}: ${href} has no such place`)
      }
    }
  }
  return followed
}

rmSync(pages, { recursive: true, force: true })
rmSync(built, { recursive: true, force: true })
for (const [source, page] of guides) write(page, guide(source, page))
for (const [source, page] of examples) write(page, exampleOf(source))
const references = ordered.map((name) => [name, reference(name)] as const)
const byPath = (prefix: string) => guides.filter(([source]) => source.startsWith(prefix))
const sidebar = [
  { text: "Begin", items: [{ text: "sessionpool", link: "/" }, ...linksOf(byPath("packages/"))] },
  { text: "Guides", items: linksOf(byPath("docs/")) },
  { text: "Examples", collapsed: true, items: linksOf(examples) },
  ...references.map(([name, modules]) => ({
    text: `Reference: ${name}`,
    collapsed: true,
    // A module with a namespace in it is a folder.
    items: modules.map((module) => ({
      text: module,
      link: `/api/${name}/${module}${existsSync(join(pages, "api", name, module)) ? "/" : ""}`
    }))
  })),
  { text: "Project", items: linksOf([["", "contributing.md"], ["", "security.md"]]) }
]
mkdirSync(join(pages, ".vitepress"), { recursive: true })
writeFileSync(join(pages, ".vitepress", "sidebar.json"), JSON.stringify(sidebar, null, 2))
cpSync(join(site, "config.mts"), join(pages, ".vitepress", "config.mts"))
cpSync(join(site, "theme"), join(pages, ".vitepress", "theme"), { recursive: true })
const vitepress = join(site, "node_modules", "vitepress", "bin", "vitepress.js")
const { ok, output } = report.isClean
  ? run("node", [vitepress, "build", pages, "--outDir", built], site)
  : { ok: true, output: "" }
if (!ok) report.add(`the pages could not be built:\n${output}`)
const followed = ok && report.isClean ? follow() : 0
const count = existsSync(built) ? filesBelow(built).filter((file) => file.endsWith(".html")).length : 0
const size = existsSync(built) ? filesBelow(built).reduce((sum, file) => sum + statSync(join(built, file)).size, 0) : 0
const seconds = ((performance.now() - began) / 1000).toFixed(0)
report.end(`${count} pages, ${(size / 1e6).toFixed(1)} MB in build/site, ${followed} links followed (${seconds} s)`)
