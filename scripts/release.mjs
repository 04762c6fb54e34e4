/**
 * Publishes the packages in build/packed whose versions the registry does not have yet; without `--publish` it only says which. It needs
 * no token: the registry trusts the workflow that runs it, for which npm 11.5.1 is the first that knows how to ask.
 */
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const packed = process.env.SESSIONPOOL_PACKED ?? fileURLToPath(new URL("../build/packed", import.meta.url))
/** What others depend on comes first, so that a release that stops half-way can be installed as far as it came. */
const order = ["@sessionpool/core", "@sessionpool/testing", "@sessionpool/oracle-server", "@sessionpool/oracle"]
const npm = "npm@11.6.2"

const fail = (message) => {
  console.error(message)
  process.exit(1)
}

const run = (command, args) => spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })

const manifestOf = (archive) => {
  const { status, stdout, stderr } = run("tar", ["-xzOf", join(packed, archive), "package/package.json"])
  if (status !== 0) fail(`${archive} cannot be read: ${stderr}`)
  return JSON.parse(stdout)
}

if (!existsSync(packed)) fail("There is nothing in build/packed; npm run pack makes it.")
const found = readdirSync(packed)
  .filter((file) => file.endsWith(".tgz"))
  .map((archive) => ({ archive, manifest: manifestOf(archive) }))

const missing = order.filter((name) => !found.some(({ manifest }) => manifest.name === name))
if (missing.length > 0) fail(`Not packed: ${missing.join(", ")}. All packages are released together.`)
const versions = [...new Set(found.map(({ manifest }) => manifest.version))]
if (versions.length > 1) fail(`The packages have different versions: ${versions.join(", ")}.`)
for (const { archive, manifest } of found) {
  const ranges = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })
  const local = ranges.find(([, range]) => /^(workspace|catalog|file|link):/.test(range))
  if (local !== undefined) {
    fail(`${archive} depends on ${local[0]} by "${local[1]}"; it was not packed by npm run pack.`)
  }
}

/** Whether the registry has a version; anything but a clear no stops the release. */
const isPublished = ({ name, version }) => {
  const { status, stdout, stderr } = run("npx", ["--yes", npm, "view", `${name}@${version}`, "version"])
  if (status === 0) return stdout.trim() !== ""
  if (/E404/.test(stderr)) return false
  return fail(`The registry could not be asked for ${name}@${version}: ${stderr.trim()}`)
}

for (const name of order) {
  const { archive, manifest } = found.find((one) => one.manifest.name === name)
  const title = `${name}@${manifest.version}`
  if (isPublished(manifest)) console.log(`${title}: is there`)
  else if (!process.argv.includes("--publish")) console.log(`${title}: would be published`)
  else {
    const args = ["--yes", npm, "publish", join(packed, archive), "--provenance", "--access", "public"]
    const { status, stderr } = run("npx", args)
    if (status !== 0) fail(`${title} could not be published: ${stderr.trim()}`)
    console.log(`${title}: published`)
  }
}
