/** Where and on what a row runs; nothing that tells whose machine it is. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { arch, cpus, loadavg, platform, totalmem } from "node:os"
import { join } from "node:path"
import type { Setting } from "./results.ts"

const root = join(import.meta.dirname, "..")

const git = (...args: ReadonlyArray<string>): string | undefined => {
  try {
    return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim()
  } catch {
    return undefined
  }
}

/** What is run against each other, in the versions of the manifests. */
const versions = (): Record<string, string> => {
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8")) as {
    readonly dependencies: Record<string, string>
  }
  const catalog = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8")
  const named = (name: string) => new RegExp(`^ +"?${name}"?: (\\S+)$`, "m").exec(catalog)?.[1] ?? "unknown"
  return Object.fromEntries(
    Object.entries(dependencies).flatMap(([name, version]) =>
      version.startsWith("workspace:") ? [] : [[name, version === "catalog:" ? named(name) : version]]
    )
  )
}

const load = () => Math.round(loadavg()[0]! * 100) / 100

/** Begins now; the answer says how it was when that is called. */
export const begin = (): () => Setting => {
  const began = performance.now()
  const loadBefore = load()
  const [cpu, ...others] = cpus()
  return () => ({
    date: new Date().toISOString().slice(0, 10),
    commit: git("rev-parse", "--short=12", "HEAD") ?? "unknown",
    isClean: git("status", "--porcelain", "--", ".", ":!benchmarks/results", ":!docs/performance.md") === "",
    cpu: cpu?.model.trim() ?? "unknown",
    cores: others.length + 1,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${platform()} ${arch()}`,
    node: process.version,
    versions: versions(),
    loadBefore,
    loadAfter: load(),
    seconds: Math.round((performance.now() - began) / 100) / 10,
    processes: 1
  })
}
