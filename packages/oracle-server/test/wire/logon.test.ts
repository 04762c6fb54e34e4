import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Options } from "../../src/OracleServer.ts"
import { oracledb } from "../driver.ts"
import { cannedEngine, column, query } from "./cannedEngine.ts"
import { codeOf, connect, connectString, dialects, serve } from "./served.ts"

const one = { run: () => query([column("N", "NUMBER")], [["1"]]) }
const engine = () => cannedEngine({ "select 1": one })

const attempt = (server: Parameters<typeof connectString>[0], user: string, password: string, more: object = {}) =>
  codeOf(async () => {
    const connection = await oracledb.getConnection({ user, password, connectString: connectString(server), ...more })
    await connection.close()
  })

describe("logging on", () => {
  for (const { name, protocol } of dialects) {
    for (const verifier of ["11g", "12c"] as const) {
      it.live(`${name}, ${verifier} verifier`, () =>
        Effect.gen(function*() {
          const server = yield* serve(engine(), { protocol, verifier, version: "19.3.0.0.0" })
          const connection = yield* connect(server)
          assert.strictEqual(connection.oracleServerVersionString, "19.3.0.0.0")
          assert.strictEqual(connection.instanceName, "FREE")
          assert.strictEqual(connection.serviceName.toUpperCase(), "FREEPDB1")
          assert.deepStrictEqual((yield* Effect.promise(() => connection.execute("select 1"))).rows, [[1]])
          assert.strictEqual(yield* attempt(server, "scott", "lion"), "ORA-01017")
          assert.strictEqual(yield* attempt(server, "nobody", "tiger"), "ORA-01017")
        }))
    }
  }

  const withUsers = (options: Options) =>
    serve(engine(), {
      users: {
        scott: { password: "tiger", proxies: ["gate"] },
        gate: "open",
        lost: { password: "key", state: "locked" },
        old: { password: "bread", state: "expired" },
        sys: { password: "boss", sysdba: true }
      },
      ...options
    })

  it.live("locked, expired and unknown accounts are told apart", () =>
    Effect.gen(function*() {
      const server = yield* withUsers({})
      assert.strictEqual(yield* attempt(server, "lost", "key"), "ORA-28000")
      assert.strictEqual(yield* attempt(server, "old", "bread"), "ORA-28001")
      assert.strictEqual(yield* attempt(server, "old", "wrong"), "ORA-01017")
      assert.strictEqual(yield* attempt(server, "old", "bread", { newPassword: "fresh" }), "no error")
      assert.strictEqual(yield* attempt(server, "old", "fresh"), "no error")
      assert.strictEqual(yield* attempt(server, "old", "bread"), "ORA-01017")
    }))

  it.live("a password that expires soon gives a warning with the logon", () =>
    Effect.gen(function*() {
      const server = yield* serve(engine(), { users: { scott: { password: "tiger", state: "expiring" } } })
      const connection = yield* connect(server)
      assert.match(connection.warning!.message, /^ORA-28002/)
      yield* Effect.promise(() => connection.changePassword("scott", "tiger", "lion"))
      assert.isUndefined((yield* connect(server, { password: "lion" })).warning)
    }))

  it.live("so many wrong passwords in a row lock an account", () =>
    Effect.gen(function*() {
      const server = yield* withUsers({ failedLoginAttempts: 2 })
      assert.strictEqual(yield* attempt(server, "scott", "a"), "ORA-01017")
      assert.strictEqual(yield* attempt(server, "scott", "tiger"), "no error")
      assert.strictEqual(yield* attempt(server, "scott", "a"), "ORA-01017")
      assert.strictEqual(yield* attempt(server, "scott", "b"), "ORA-01017")
      assert.strictEqual(yield* attempt(server, "scott", "tiger"), "ORA-28000")
    }))

  it.live("a proxy opens sessions for those who allow it", () =>
    Effect.gen(function*() {
      const canned = engine()
      const server = yield* serve(canned, {
        users: { scott: { password: "tiger", proxies: ["gate"] }, gate: "open", other: "x" }
      })
      yield* connect(server, { user: "gate[scott]", password: "open" })
      assert.deepInclude(canned.opened[0]!.info, { user: "SCOTT", proxyUser: "GATE" })
      assert.strictEqual(yield* attempt(server, "gate[other]", "open"), "ORA-28150")
      assert.strictEqual(yield* attempt(server, "other[scott]", "x"), "ORA-28150")
    }))

  it.live("SYSDBA is for those who have it", () =>
    Effect.gen(function*() {
      const server = yield* withUsers({})
      const privilege = oracledb["SYSDBA"]
      assert.strictEqual(yield* attempt(server, "sys", "boss", { privilege }), "no error")
      assert.strictEqual(yield* attempt(server, "scott", "tiger", { privilege }), "ORA-01017")
    }))

  for (const verifier of ["11g", "12c"] as const) {
    it.live(`a password is changed by its owner, ${verifier}`, () =>
      Effect.gen(function*() {
        const server = yield* withUsers({ verifier })
        const connection = yield* connect(server)
        assert.strictEqual(yield* codeOf(() => connection.changePassword("scott", "wrong", "lion")), "ORA-28008")
        yield* Effect.promise(() => connection.changePassword("scott", "tiger", "lion"))
        yield* Effect.promise(() => connection.changePassword("scott", "lion", "puma"))
        assert.strictEqual(yield* attempt(server, "scott", "tiger"), "ORA-01017")
        assert.strictEqual(yield* attempt(server, "scott", "puma"), "no error")
      }))
  }

  it.live("what the client says of itself reaches the session", () =>
    Effect.gen(function*() {
      const canned = engine()
      const server = yield* serve(canned)
      yield* connect(server, { edition: "E1", appContext: [["CLIENTCONTEXT", "tenant", "42"]] })
      const [session] = canned.opened
      assert.deepInclude(session!.info, { user: "SCOTT", service: "FREEPDB1", edition: "E1", server: "DEDICATED" })
      assert.match(session!.info.timeZone!, /^[+-]\d\d:\d\d$/)
      assert.match(session!.info.driverName!, /node-oracledb/)
      assert.isTrue(session!.events.includes("context CLIENTCONTEXT.tenant=42"))
    }))
})

describe("the listener", () => {
  it.live("refuses services, SIDs and instances that it does not know", () =>
    Effect.gen(function*() {
      const server = yield* serve(engine())
      const { port } = server.cluster.instances[0]!
      const ask = (data: string) =>
        attempt(server, "scott", "tiger", {
          connectString: `(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT=${port}))(CONNECT_DATA=${data}))`
        })
      assert.strictEqual(yield* ask("(SERVICE_NAME=NOPE)"), "NJS-518")
      assert.strictEqual(yield* ask("(SID=NOPE)"), "NJS-519")
      assert.strictEqual(yield* ask("(SID=FREE)"), "no error")
      assert.strictEqual(yield* ask("(SERVICE_NAME=freepdb1)(INSTANCE_NAME=OTHER)"), "NJS-511")
      assert.strictEqual(yield* ask("(SERVICE_NAME=freepdb1)(INSTANCE_NAME=FREE)"), "no error")
    }))

  it.live("redirects by sharding key to the instance that has it, long descriptors included", () =>
    Effect.gen(function*() {
      const canned = engine()
      const server = yield* serve(canned, {
        instances: [{ name: "GSM" }, { name: "SH1" }, { name: "SH2" }],
        route: ({ shardingKey }) =>
          shardingKey === undefined
            ? "GSM"
            : ({ EU: "SH1", US: "SH2" } as Record<string, string>)[shardingKey] ?? "NONE"
      })
      const { port } = server.cluster.instances[0]!
      const descriptor = (key: string, padding = "") =>
        `(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT=${port}))` +
        `(CONNECT_DATA=(SERVICE_NAME=FREEPDB1)(SHARDING_KEY=${key})(NOTE=${padding})))`
      const instanceOf = (connectString: string) =>
        Effect.map(connect(server, { connectString }), (connection) => connection.instanceName)
      assert.strictEqual(yield* instanceOf(connectString(server)), "GSM")
      assert.strictEqual(yield* instanceOf(descriptor("EU")), "SH1")
      assert.strictEqual(yield* instanceOf(descriptor("US", "x".repeat(600))), "SH2")
      assert.strictEqual(
        yield* codeOf(() =>
          oracledb.getConnection({ user: "scott", password: "tiger", connectString: descriptor("XX") })
        ),
        "NJS-518"
      )
      assert.deepStrictEqual(server.cluster.instances.map((instance) => instance.sessions.size), [1, 1, 1])
    }))
})
