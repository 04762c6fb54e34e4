import { assert, describe, it } from "@effect/vitest"
import { OracleSessionPool } from "@sessionpool/oracle"
import { Effect, Redacted } from "effect"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ConnectParameters, type ConnectSettings, type OpenRequest } from "../src/internal/connectSettings.ts"

const nothing: OpenRequest = {
  user: "scott",
  password: Redacted.make("tiger"),
  proxyUser: undefined,
  cclass: undefined,
  edition: undefined,
  shardingKey: undefined,
  superShardingKey: undefined,
  purity: "default",
  stmtCacheSize: 30
}

const parameters = (settings: Partial<ConnectSettings> = {}, request: Partial<OpenRequest> = {}) =>
  new ConnectParameters({ connectString: "db.example.com/SALES", ...settings }).of({ ...nothing, ...request })

describe("the parameters of a session", () => {
  it.effect("hold no duration that a timer of the driver cannot wait (A23)", () =>
    Effect.gen(function*() {
      const given = yield* parameters({
        transportConnectTimeout: "60 days",
        expireTime: "60 days",
        connectTimeout: "infinity"
      })
      assert.deepInclude(given, { transportConnectTimeout: 2_147_483, expireTime: 35_791, connectTimeout: 0 })
    }))

  it.effect("leave the connect string alone where nothing has to be in it", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* parameters({ connectString: "an_alias" }), {
        connectString: "an_alias",
        user: "scott",
        password: "tiger",
        stmtCacheSize: 30
      })
    }))

  it.effect("carry class, purity and keys in the connect string", () =>
    Effect.gen(function*() {
      const routed = yield* parameters({ poolBoundary: "transaction" }, {
        cclass: "SHOP",
        purity: "new",
        shardingKey: ["GOLD", 7],
        superShardingKey: "EU"
      })
      assert.strictEqual(
        routed["connectString"],
        "(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=db.example.com)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=SALES)" +
          "(SERVER=POOLED)(POOL_CONNECTION_CLASS=SHOP)(POOL_PURITY=NEW)(POOL_BOUNDARY=TRANSACTION)" +
          "(SHARDING_KEY=GOLD,7)(SUPER_SHARDING_KEY=EU)))"
      )
      assert.match(String((yield* parameters({ serverPool: "release" }))["connectString"]), /\(SERVER=POOLED\)/)
    }))

  it.effect("pass the driver's settings on, durations in its units", () =>
    Effect.gen(function*() {
      const given = yield* parameters({
        privilege: "sysdba",
        walletLocation: "wallet",
        walletPassword: Redacted.make("secret"),
        events: true,
        transportConnectTimeout: "1500 millis",
        expireTime: "90 seconds",
        retryDelay: 2000,
        connectTimeout: "infinity",
        appContext: [["CTX", "name", "value"]]
      }, { edition: "E2" })
      assert.deepInclude(given, {
        privilege: 2,
        walletLocation: "wallet",
        walletPassword: "secret",
        events: true,
        transportConnectTimeout: 2,
        expireTime: 2,
        retryDelay: 2,
        connectTimeout: 0,
        edition: "E2"
      })
      assert.deepStrictEqual(given["appContext"], [["CTX", "name", "value"]])
    }))

  it.effect("say who it is: a password, a proxy, a token, nobody", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* parameters({}, { proxyUser: "hr" }), { user: "scott[hr]", password: "tiger" })
      const token = { user: undefined, password: undefined, token: Redacted.make("jwt") }
      const byToken = yield* parameters({}, token)
      assert.deepInclude(byToken, { externalAuth: true, accessToken: "jwt" })
      assert.notProperty(byToken, "user")
      const iam = yield* parameters({}, { ...token, privateKey: Redacted.make("pem"), proxyUser: "hr" })
      assert.deepInclude(iam, { user: "[hr]", accessToken: { token: "jwt", privateKey: "pem" } })
      const external = yield* parameters({ externalAuth: true }, { user: undefined, password: undefined })
      assert.deepInclude(external, { externalAuth: true })
      assert.notProperty(external, "password")
    }))

  it.effect("read an alias where the driver would, when something has to be added to it", () =>
    Effect.gen(function*() {
      const directory = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "sessionpool-"))),
        (path) => Effect.promise(() => rm(path, { recursive: true }))
      )
      yield* Effect.promise(() => writeFile(join(directory, "tnsnames.ora"), "sales = db.example.com:1522/SALES\n"))
      const routed = yield* parameters({ connectString: "SALES", configDir: directory, sourceRoute: true }, {
        shardingKey: "ada"
      })
      assert.strictEqual(
        routed["connectString"],
        "(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=db.example.com)(PORT=1522))(CONNECT_DATA=(SERVICE_NAME=SALES)" +
          "(SHARDING_KEY=ada))(SOURCE_ROUTE=yes))"
      )
      const unknown = yield* Effect.flip(parameters({ connectString: "NOPE", configDir: directory }, { cclass: "A" }))
      assert.match(String(unknown), /no tnsnames.ora entry is called "NOPE"/)
    }))
})

describe("a pool that is made without types", () => {
  const made = (options: unknown) =>
    Effect.flip(Effect.scoped(OracleSessionPool.make(options as OracleSessionPool.Options)))

  it.effect("names what is wrong with its options and hooks in place of dying of them", () =>
    Effect.gen(function*() {
      for (const options of [undefined, null, 5, "localhost/FREEPDB1"]) {
        const error = yield* made(options)
        assert.isTrue(error._tag === "InvalidOptionsError" && error.problems[0]?.field === "options")
      }
      for (const field of ["onSession", "onLease", "resetSession"]) {
        const error = yield* made({ connectString: "localhost/FREEPDB1", user: "scott", [field]: 5 })
        assert.isTrue(error._tag === "InvalidOptionsError" && error.problems.some((problem) => problem.field === field))
      }
    }))
})
