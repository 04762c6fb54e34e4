import { assert, describe, it } from "@effect/vitest"
import { OracleClient, OracleSessionPool } from "@sessionpool/oracle"
import { ConfigProvider, Duration, Effect, Exit, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { inspect } from "node:util"
import { connectSettingNames, leaseSettingNames, valueSettingNames } from "../src/internal/settingFields.ts"
import { database } from "./database.ts"

const parse = (environment: Record<string, string>, prefix?: string) =>
  OracleSessionPool.config(prefix).parse(ConfigProvider.fromUnknown(environment))

const minimal = { HR_CONNECT_STRING: "db/HR", HR_USER: "hr", HR_PASSWORD: " secret " }

/** A value for every setting of this package, as it stands in the environment, and as it is read. */
const every: { readonly [name: string]: readonly [variable: string, text: string, value: unknown] } = {
  configDir: ["HR_CONFIG_DIR", "/net/admin", "/net/admin"],
  privilege: ["HR_PRIVILEGE", " SYSDBA", "sysdba"],
  externalAuth: ["HR_EXTERNAL_AUTH", "true", true],
  events: ["HR_EVENTS", "false", false],
  sourceRoute: ["HR_SOURCE_ROUTE", "TRUE", true],
  poolBoundary: ["HR_POOL_BOUNDARY", "transaction", "transaction"],
  serverPool: ["HR_SERVER_POOL", "hold", "hold"],
  walletLocation: ["HR_WALLET_LOCATION", "/wallet", "/wallet"],
  walletContent: ["HR_WALLET_CONTENT", "abc", "abc"],
  walletPassword: ["HR_WALLET_PASSWORD", "def", "def"],
  sslServerDNMatch: ["HR_SSL_SERVER_DN_MATCH", "false", false],
  sslServerCertDN: ["HR_SSL_SERVER_CERT_DN", "CN=x", "CN=x"],
  sslAllowWeakDNMatch: ["HR_SSL_ALLOW_WEAK_DN_MATCH", "true", true],
  useSNI: ["HR_USE_SNI", "true", true],
  httpsProxy: ["HR_HTTPS_PROXY", "proxy", "proxy"],
  httpsProxyPort: ["HR_HTTPS_PROXY_PORT", "8080", 8080],
  retryCount: ["HR_RETRY_COUNT", "3", 3],
  retryDelay: ["HR_RETRY_DELAY", "2 seconds", Duration.seconds(2)],
  connectTimeout: ["HR_CONNECT_TIMEOUT", "3 seconds", Duration.seconds(3)],
  transportConnectTimeout: ["HR_TRANSPORT_CONNECT_TIMEOUT", "infinity", Duration.infinity],
  expireTime: ["HR_EXPIRE_TIME", "1 minute", Duration.minutes(1)],
  sdu: ["HR_SDU", "8192", 8192],
  connectionIdPrefix: ["HR_CONNECTION_ID_PREFIX", "app", "app"],
  networkCompression: ["HR_NETWORK_COMPRESSION", "true", true],
  networkCompressionThreshold: ["HR_NETWORK_COMPRESSION_THRESHOLD", "1024", 1024],
  machine: ["HR_MACHINE", "m", "m"],
  osUser: ["HR_OS_USER", "u", "u"],
  program: ["HR_PROGRAM", "p", "p"],
  terminal: ["HR_TERMINAL", "t", "t"],
  driverName: ["HR_DRIVER_NAME", "d", "d"],
  appContext: ["HR_APP_CONTEXT", "[[\"n\",\"a\",\"v\"]]", [["n", "a", "v"]]],
  txnPriority: ["HR_TXN_PRIORITY", "HIGH", "high"],
  commitTimeout: ["HR_COMMIT_TIMEOUT", "9 seconds", Duration.seconds(9)],
  serviceName: ["HR_SERVICE_NAME", "billing", "billing"],
  endToEnd: ["HR_END_TO_END", "Keep", "keep"],
  pipelining: ["HR_PIPELINING", "true", true],
  columnNames: ["HR_COLUMN_NAMES", "camel", "camel"],
  numbers: ["HR_NUMBERS", "bigDecimal", "bigDecimal"],
  dates: ["HR_DATES", "local", "local"],
  lobs: ["HR_LOBS", "handle", "handle"],
  fetchArraySize: ["HR_FETCH_ARRAY_SIZE", "50", 50],
  prefetchRows: ["HR_PREFETCH_ROWS", "0", 0]
}

const shown = (value: unknown): unknown =>
  Redacted.isRedacted(value) ? Redacted.value(value) : Duration.isDuration(value) ? Duration.toMillis(value) : value

describe("OracleSessionPool.config", () => {
  it.effect("reads every setting of the pool, of the connection and of values (E17)", () =>
    Effect.gen(function*() {
      const names = [...connectSettingNames, ...leaseSettingNames, ...valueSettingNames].filter((name) =>
        name !== "connectString"
      )
      assert.includeMembers([...names], Object.keys(every))
      const environment = Object.fromEntries(Object.values(every).map(([variable, text]) => [variable, text]))
      const fields = yield* parse(
        { ...minimal, ...environment, HR_MAX: "7", HR_TIMEOUT: "5 minutes", HR_CCLASS: "C" },
        "HR"
      )
      for (const [name, [, , value]] of Object.entries(every)) {
        const found: unknown = Reflect.get(fields, name)
        const plain = Array.isArray(value) ? value : shown(value)
        assert.deepStrictEqual(Array.isArray(found) ? found : shown(found), plain, name)
      }
      assert.deepInclude(fields, { connectString: "db/HR", user: "hr", max: 7, cclass: "C" })
      assert.strictEqual(shown(fields.password), " secret ")
      assert.strictEqual(shown(fields.timeout), 300_000)
    }))

  it.effect("takes the connect string under either name, and says which variable is wrong or missing (E17)", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* parse({ HR_DSN: "db/DSN" }, "HR")).connectString, "db/DSN")
      assert.strictEqual((yield* parse({ HR_DSN: "db/DSN", HR_CONNECT_STRING: "db/CS" }, "HR")).connectString, "db/CS")
      assert.strictEqual((yield* parse({ ORACLE_CONNECT_STRING: "db/x" })).connectString, "db/x")
      const wrong: ReadonlyArray<readonly [environment: Record<string, string>, said: RegExp]> = [
        [{}, /HR_CONNECT_STRING/],
        [{ ...minimal, HR_MAX: "many" }, /HR_MAX/],
        [{ ...minimal, HR_SERVER_POOL: "bogus" }, /HR_SERVER_POOL must be "hold", "release"/],
        [{ ...minimal, HR_SSL_SERVER_DN_MATCH: "maybe", HR_SDU: "-1" }, /HR_SSL_SERVER_DN_MATCH .*; HR_SDU/],
        [{ ...minimal, HR_APP_CONTEXT: "[[1]]" }, /HR_APP_CONTEXT must be a list/]
      ]
      for (const [environment, said] of wrong) {
        const exit = yield* Effect.exit(parse(environment, "HR"))
        if (Exit.isSuccess(exit)) throw new Error("it was read")
        assert.match(inspect(exit.cause, { depth: 9 }).replaceAll("\\", ""), said)
      }
    }))

  it.live("makes pools and clients by their layerConfig (E17)", () =>
    Effect.gen(function*() {
      const { connect } = yield* database
      const environment = ConfigProvider.layer(ConfigProvider.fromUnknown({
        HR_CONNECT_STRING: connect.connectString,
        HR_USER: connect.user,
        HR_PASSWORD: Redacted.value(connect.password),
        HR_MAX: "2",
        HR_NUMBERS: "string"
      }))
      class HrPool extends OracleSessionPool.Service<HrPool>()("test/poolConfig/HrPool") {}
      const pool = HrPool.layerConfig(OracleSessionPool.config("HR")).pipe(Layer.provide(environment))
      const rows = Effect.flatMap(HrPool, (pool) => pool.use((held) => held.query("select 1 as one from dual")))
      assert.deepStrictEqual(yield* Effect.provide(rows, pool), [{ ONE: "1" }])
      const client = OracleClient.layerConfig(OracleSessionPool.config("HR"), {
        onSession: (held) => held.execute("alter session set nls_date_format = 'YYYY'")
      }).pipe(Layer.provide(environment))
      const year = Effect.flatMap(SqlClient.SqlClient, (sql) =>
        sql<{ y: string }>`select to_char(date '2024-01-01') as y from dual`)
      assert.deepStrictEqual(yield* Effect.provide(year, client), [{ y: "2024" }])
    }))
})
