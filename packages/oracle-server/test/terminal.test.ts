import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { oracledb } from "./driver.ts"

const entry = fileURLToPath(new URL("../src/bin/sessionpool-oracle-server.ts", import.meta.url))

const launch = (...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => spawn(process.execPath, [entry, ...args], { stdio: ["ignore", "pipe", "pipe"] })),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

const output = (child: ChildProcess, pattern: RegExp) =>
  Effect.promise(() =>
    new Promise<string>((resolve, reject) => {
      let text = ""
      const take = (chunk: Buffer) => {
        text += chunk.toString()
        if (pattern.test(text)) resolve(text)
      }
      child.stdout!.on("data", take)
      child.stderr!.on("data", take)
      child.on("exit", (code) => reject(new Error(`ended with ${code}: ${text}`)))
    })
  )

const ended = (child: ChildProcess) =>
  Effect.promise(() => new Promise<number | null>((resolve) => child.on("exit", (code) => resolve(code))))

describe("sessionpool-oracle-server", () => {
  it.live("listens, runs its script, serves any program and ends with SIGTERM", () =>
    Effect.gen(function*() {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "oracle-server-"))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true }))
      )
      const script = join(folder, "setup.sql")
      writeFileSync(script, "create table greetings (text varchar2(20));\ninsert into greetings values ('hello');")
      const child = yield* launch("--port", "0", "--service", "SALES", "--user", "app/secret", "--script", script)
      const text = yield* output(child, /listening: .*\n/)
      const connectString = /@(\S+)/.exec(text)![1]!
      assert.notInclude(text, "secret")
      const rows = yield* Effect.promise(async () => {
        const connection = await oracledb.getConnection({ user: "app", password: "secret", connectString })
        const result = await connection.execute("select text from greetings")
        await connection.close()
        return result.rows
      })
      assert.deepStrictEqual(rows, [["hello"]])
      const exit = ended(child)
      child.kill("SIGTERM")
      assert.strictEqual(yield* exit, 0)
    }))

  it.live("explains itself and refuses what it does not know", () =>
    Effect.gen(function*() {
      yield* output(yield* launch("--help"), /--port/)
      const child = yield* launch("--nonsense")
      assert.strictEqual(yield* ended(child), 1)
    }))
})
