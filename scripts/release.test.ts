/** What a release publishes, with a registry that this test stands in for, and what the workflows may do. */
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { packages, root } from "./lib/files.ts"

const work = mkdtempSync(join(tmpdir(), "release-"))
const calls = join(work, "calls")

/** Packs a manifest as a package manager would. */
const pack = (folder: string, name: string, manifest: object): void => {
  mkdirSync(join(folder, name, "package"), { recursive: true })
  writeFileSync(
    join(folder, name, "package", "package.json"),
    JSON.stringify({ name: `@sessionpool/${name}`, ...manifest })
  )
  const archive = join(folder, `sessionpool-${name}.tgz`)
  assert.strictEqual(spawnSync("tar", ["-czf", archive, "-C", join(folder, name), "package"]).status, 0)
}

/** A folder with all four packages, of which one may differ. */
const packedAll = (change: Readonly<Record<string, object>> = {}): string => {
  const folder = mkdtempSync(join(work, "packed-"))
  for (const name of packages) pack(folder, name, { version: "1.2.3", ...change[name] })
  return folder
}

const release = (folder: string, ...args: ReadonlyArray<string>) => {
  writeFileSync(calls, "")
  const { status, stderr, stdout } = spawnSync(process.execPath, [join(root, "scripts", "release.mjs"), ...args], {
    encoding: "utf8",
    env: { ...process.env, SESSIONPOOL_PACKED: folder, PATH: `${work}${delimiter}${process.env["PATH"]}` }
  })
  return { status, stderr, lines: stdout.trim().split("\n"), calls: readFileSync(calls, "utf8").trim().split("\n") }
}

// Windows has another kind of program; a release is not made there.
describe.skipIf(process.platform === "win32")("a release", () => {
  beforeAll(() => {
    // The registry has core already, cannot be asked for 9.9.9, and takes everything else.
    writeFileSync(
      join(work, "npx"),
      `#!/bin/sh
echo "$*" >> "${calls}"
case "$*" in
  *view*9.9.9*) echo "ETIMEDOUT" >&2; exit 1;;
  *view*core*) echo 1.2.3;;
  *view*) echo "npm error code E404" >&2; exit 1;;
esac
`
    )
    chmodSync(join(work, "npx"), 0o755)
  })

  it("says what would be published, and publishes nothing, unless told to", () => {
    const { calls, lines, status } = release(packedAll())
    assert.strictEqual(status, 0)
    assert.deepStrictEqual(lines, [
      "@sessionpool/core@1.2.3: is there",
      "@sessionpool/testing@1.2.3: would be published",
      "@sessionpool/oracle-server@1.2.3: would be published",
      "@sessionpool/oracle@1.2.3: would be published"
    ])
    assert.isFalse(calls.some((call) => call.includes("publish")))
  })

  it("publishes what the registry has not, with provenance, what others depend on first", () => {
    const { calls, status } = release(packedAll(), "--publish")
    assert.strictEqual(status, 0)
    const published = calls.filter((call) => call.includes(" publish "))
    assert.deepStrictEqual(
      published.map((call) => /sessionpool-([\w-]+)\.tgz/.exec(call)?.[1]),
      ["testing", "oracle-server", "oracle"]
    )
    for (const call of published) assert.match(call, /--provenance --access public$/)
  })

  it("stops where the registry gives no clear answer", () => {
    const all = { version: "9.9.9" }
    const { calls, status, stderr } = release(
      packedAll(Object.fromEntries(packages.map((name) => [name, all]))),
      "--publish"
    )
    assert.strictEqual(status, 1)
    assert.include(stderr, "@sessionpool/core@9.9.9")
    assert.isFalse(calls.some((call) => call.includes("publish")))
  })

  it("refuses packages that do not belong together, or that were packed by other means", () => {
    assert.include(release(packedAll({ oracle: { version: "1.2.4" } })).stderr, "1.2.3, 1.2.4")
    const local = { oracle: { peerDependencies: { "@sessionpool/core": "workspace:^" } } }
    assert.include(release(packedAll(local)).stderr, "workspace:^")
    const some = mkdtempSync(join(work, "packed-"))
    pack(some, "core", { version: "1.2.3" })
    assert.include(release(some).stderr, "@sessionpool/oracle-server")
  })
})

describe("the workflows", () => {
  const folder = join(root, ".github", "workflows")
  const workflows = readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), "utf8")] as const)

  it("use actions by their commits", () => {
    for (const [file, text] of workflows) {
      for (const [, action = ""] of text.matchAll(/uses: (.*)/g)) {
        assert.match(action, /^[\w./-]+@[0-9a-f]{40} # v\d/, file)
      }
    }
  })

  it("may read and no more, but for the one that publishes", () => {
    for (const [file, text] of workflows) {
      assert.match(text, /^permissions:\n {2}contents: read$/m, file)
      if (file !== "release.yml") assert.notInclude(text, ": write", file)
    }
  })
})
