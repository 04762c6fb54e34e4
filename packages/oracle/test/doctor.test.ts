/** The command `sessionpool-oracle doctor`, run as a user runs it: on a healthy database, on bad ones, on none. */
import { assert, describe, it } from "@effect/vitest"
import { Fault, type OracleServer } from "@sessionpool/oracle-server"
import { Effect, Redacted } from "effect"
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { examine } from "../src/internal/doctor/examine.ts"
import { markdownReport } from "../src/internal/doctor/report.ts"
import { embedded } from "./database.ts"

const entry = fileURLToPath(new URL("../src/bin/sessionpool-oracle.ts", import.meta.url))

const command = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  Effect.promise(() =>
    new Promise<{ readonly code: number; readonly output: string }>((resolve) => {
      execFile(process.execPath, [entry, ...args], { env: { ...process.env, ...env } }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr })
      })
    })
  )

/** Examines an embedded server; the findings by the title of their check. */
const examined = (options: OracleServer.Options = {}, password = "tiger", faults: ReadonlyArray<Fault.Fault> = []) =>
  Effect.gen(function*() {
    const { server } = yield* embedded(options)
    for (const fault of faults) yield* server.inject(fault)
    const target = {
      connectString: server.connectString,
      user: "scott",
      password: Redacted.make(password),
      proxyUser: "hr",
      sessions: 16,
      openTimeout: "2 seconds" as const
    }
    const findings = yield* examine(target, () => Effect.void)
    return {
      findings: new Map(findings.map((finding) => [finding.check, finding])),
      report: markdownReport(findings, target, "today")
    }
  })

describe("doctor", () => {
  it.live("finds a database healthy, says so, and writes a report without secrets", () =>
    Effect.gen(function*() {
      const { server } = yield* embedded()
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "doctor-"))),
        (path) => Effect.promise(() => rm(path, { recursive: true }))
      )
      const file = join(folder, "report.md")
      const { code, output } = yield* command(
        ["doctor", "--connect-string", server.connectString, "--user", "scott", "--proxy-user", "hr", "--report", file],
        { ORACLE_PASSWORD: "tiger" }
      )
      assert.notInclude(output, "FAILED")
      assert.strictEqual(code, 0)
      assert.match(output, /an interrupted statement stops within a second: \d+ ms, the session is reused/)
      assert.match(output, /proxy user: HR through SCOTT/)
      const report = yield* Effect.promise(() => readFile(file, "utf8"))
      assert.include(report, "| log-on | ok |")
      assert.notInclude(output + report, "tiger")
      // It leaves nothing behind at the server, but for what the server's own pool keeps.
      assert.deepEqual((yield* server.sessions).filter(({ connection }) => connection !== undefined), [])
    }), 60_000)

  it.live("says what to do about a password that is refused, and tries nothing else", () =>
    Effect.gen(function*() {
      const { findings, report } = yield* examined({}, "wrong-secret")
      assert.strictEqual(findings.get("log-on")?.status, "failed")
      assert.include(findings.get("log-on")?.found, "ORA-01017")
      assert.strictEqual(findings.get("ping")?.status, "skipped")
      assert.notInclude(report, "wrong-secret")
    }))

  it.live("goes on after a check that fails, and names what a grant or a release lacks", () =>
    Effect.gen(function*() {
      const { findings } = yield* examined(
        { version: "19.24.0.0.0", protocol: { fieldVersion: 14, netVersion: 318, endOfResponse: false } },
        "tiger",
        [Fault.error({ sql: /alter session set time_zone/i, code: 1031 })]
      )
      assert.strictEqual(findings.get("tags and onSession")?.status, "failed")
      assert.strictEqual(findings.get("purity \"new\"")?.status, "ok")
      assert.strictEqual(findings.get("a break in a pipeline")?.status, "skipped")
      assert.include(findings.get("release")?.found, "no pipelining")
    }))

  it.live("names the connect string that cannot be read, and the flag that is missing", () =>
    Effect.gen(function*() {
      const malformed = yield* command(["doctor", "-c", "(DESCRIPTION=(", "-u", "scott"], { ORACLE_PASSWORD: "tiger" })
      assert.strictEqual(malformed.code, 1)
      assert.match(malformed.output, /FAILED {3}connect string is read and resolved: .*position/)
      const missing = yield* command(["doctor", "-u", "scott"], { ORACLE_PASSWORD: "tiger", ORACLE_CONNECT_STRING: "" })
      assert.notStrictEqual(missing.code, 0)
      assert.notInclude(missing.output, "    at ")
    }))
})
