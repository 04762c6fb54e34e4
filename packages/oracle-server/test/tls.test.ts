/** TLS, certificates, tokens and end users, with the real driver over a real socket. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as OracleServer from "../src/OracleServer.ts"
import { type Connection, oracledb } from "./driver.ts"

type Attributes = { readonly [name: string]: unknown }

const open = (attributes: Attributes): Promise<Connection> =>
  (oracledb.getConnection as (attributes: Attributes) => Promise<Connection>)(attributes)

const connect = (attributes: Attributes): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => open(attributes)),
    (connection) => Effect.promise(() => connection.close().catch(() => undefined))
  )

/** The code of the failure, and its message. */
const refusal = (attributes: Attributes): Effect.Effect<string> =>
  Effect.promise(() =>
    open(attributes).then(
      async (connection) => {
        await connection.close()
        return "no error"
      },
      (cause: Error) => cause.message
    )
  )

const context = (connection: Connection, ...names: ReadonlyArray<string>) =>
  Effect.promise(async () => {
    const list = names.map((name) => `sys_context('userenv', '${name}')`)
    return (await connection.execute(`select ${list.join(", ")} from dual`)).rows[0]
  })

/** A server that speaks TLS, with a wallet for its clients. */
const serve = (options: OracleServer.Options) =>
  Effect.gen(function*() {
    const server = yield* OracleServer.make(options)
    return { ...server, walletContent: yield* server.tls!.wallet() }
  })

type Served = Effect.Success<ReturnType<typeof serve>>

const logon = (server: Served, more: Attributes = {}): Attributes => ({
  user: "scott",
  password: "tiger",
  connectString: server.tls!.connectString,
  walletContent: server.walletContent,
  ...more
})

describe("TLS", () => {
  it.live("serves a client that trusts its authority, whatever it asks, beside clients without TLS", () =>
    Effect.gen(function*() {
      const server = yield* serve({ tls: {}, script: "create table t (d clob)" })
      const connection = yield* connect(logon(server))
      assert.deepStrictEqual(yield* context(connection, "network_protocol", "authentication_method"), [
        "tcps",
        "PASSWORD"
      ])
      const long = "x".repeat(200_000)
      yield* Effect.promise(() => connection.execute("insert into t values (:1)", [long]))
      const read = yield* Effect.promise(() =>
        connection.execute("select d from t", [], { fetchInfo: { D: { type: oracledb["STRING"] } } })
      )
      assert.strictEqual(read.rows[0]![0], long)
      const running = connection.execute("begin dbms_session.sleep(60); end;").then(
        () => "no error",
        (cause: Error) => cause.message
      )
      yield* Effect.promise(() => connection.break())
      assert.match(yield* Effect.promise(() => running), /^ORA-01013/)
      const plain = yield* connect({ user: "scott", password: "tiger", connectString: server.connectString })
      assert.deepStrictEqual(yield* context(plain, "network_protocol"), ["tcp"])
      assert.strictEqual((yield* server.counters).failedHandshakes, 0)
      // Both ways of going away.
      yield* server.dropConnections({ reset: true })
      assert.strictEqual(
        yield* Effect.promise(() =>
          connection.execute("select 1 from dual").then(() => "", (cause: Error) => cause.message.slice(0, 7))
        ),
        "NJS-500"
      )
      assert.strictEqual(yield* refusal(logon(server)), "no error")
    }))

  it.live("is not trusted without its authority, after its time, or under another name", () =>
    Effect.gen(function*() {
      const server = yield* serve({ tls: {} })
      assert.match(yield* refusal(logon(server, { walletContent: undefined })), /^NJS-506.*self-signed/s)
      const expired = yield* serve({ tls: { expires: new Date(Date.now() - 1000) } })
      assert.match(yield* refusal(logon(expired)), /^NJS-506.*expired/s)
      const other = yield* serve({ tls: { subject: "CN=db.example.com,O=Shop", names: ["db.example.com"] } })
      assert.match(yield* refusal(logon(other)), /^NJS-506/)
      assert.strictEqual(yield* refusal(logon(other, { sslServerDNMatch: false })), "no error")
      assert.strictEqual(yield* refusal(logon(other, { sslServerCertDN: "CN=db.example.com,O=Shop" })), "no error")
      assert.match(yield* refusal(logon(other, { sslServerCertDN: "CN=db.example.com,O=Other" })), /^NJS-506/)
    }))

  it.live("takes a certificate that it is given, and another one for a service that a client names", () =>
    Effect.gen(function*() {
      const origin = yield* serve({ tls: {} })
      const own = yield* origin.tls!.issue({ subject: "CN=given", names: ["localhost"] })
      const orders = yield* origin.tls!.issue({ subject: "CN=orders,O=Shop" })
      const server = yield* serve({
        instances: [{ name: "FREE", services: ["FREEPDB1", "orders"] }],
        tls: { certificate: own, certificates: { orders } }
      })
      const to = (service: string, dn: string, useSNI: boolean) =>
        refusal({
          user: "scott",
          password: "tiger",
          connectString: server.tls!.connectStringOf({ service }),
          walletContent: origin.walletContent,
          sslServerCertDN: dn,
          useSNI
        })
      assert.strictEqual(yield* to("FREEPDB1", "CN=given", false), "no error")
      assert.strictEqual(yield* to("FREEPDB1", "CN=given", true), "no error")
      assert.strictEqual(yield* to("orders", "CN=orders,O=Shop", true), "no error")
      assert.strictEqual(yield* to("orders", "CN=given", false), "no error")
      assert.match(yield* to("orders", "CN=given", true), /^NJS-506/)
    }))

  it.live("sends clients on to the TLS listener of another instance", () =>
    Effect.gen(function*() {
      const server = yield* serve({ instances: [{ name: "ONE" }, { name: "TWO" }], tls: {} })
      yield* server.shutdown({ instance: "ONE" })
      const connection = yield* connect(logon(server))
      assert.strictEqual(connection.instanceName, "TWO")
      assert.deepStrictEqual(yield* context(connection, "network_protocol"), ["tcps"])
      yield* server.shutdown({ instance: "TWO", mode: "listener" })
      yield* server.startup()
      assert.strictEqual((yield* connect(logon(server))).instanceName, "ONE")
      const fork = yield* server.fork()
      assert.notStrictEqual(fork.tls!.port, server.tls!.port)
      assert.strictEqual(yield* refusal(logon({ ...fork, walletContent: yield* fork.tls!.wallet() })), "no error")
    }))

  it.live("reads a wallet from a folder, and a client without one is told so", () =>
    Effect.gen(function*() {
      const server = yield* serve({ tls: {} })
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "wallet-"))),
        (path) => Effect.promise(() => rm(path, { recursive: true }))
      )
      yield* Effect.promise(() => writeFile(join(folder, "cwallet.sso"), "not read in Thin mode"))
      const attributes = logon(server, { walletContent: undefined, walletLocation: folder })
      assert.match(yield* refusal(attributes), /^NJS-507|^NJS-5/)
      yield* Effect.promise(() => writeFile(join(folder, "ewallet.pem"), server.walletContent))
      assert.strictEqual(yield* refusal(attributes), "no error")
    }))
})

describe("certificates of clients", () => {
  const options: OracleServer.Options = {
    tls: { clientCertificates: "required" },
    users: { scott: "tiger", app: { password: "secret", externalName: "CN=app, O=Shop" } }
  }

  it.live("are needed where they are required, and must come from the authority", () =>
    Effect.gen(function*() {
      const server = yield* serve(options)
      const stranger = yield* serve({ tls: {} })
      assert.match(yield* refusal(logon(server, { walletContent: undefined, sslServerDNMatch: false })), /^NJS-506/)
      assert.strictEqual(yield* refusal(logon(server)), "no error")
      const foreign = yield* stranger.tls!.wallet("CN=app,O=Shop")
      const mixed = foreign.replaceAll(stranger.tls!.certificate, server.tls!.certificate)
      const failed = (yield* server.counters).failedHandshakes
      assert.match(yield* refusal(logon(server, { walletContent: mixed })), /^NJS-50/)
      assert.isAbove((yield* server.counters).failedHandshakes, failed)
    }))

  it.live("stand for the user who has their subject as external name", () =>
    Effect.gen(function*() {
      const server = yield* serve({ ...options, tls: { clientCertificates: "optional" } })
      const as = (walletContent: string) => ({
        externalAuth: true,
        connectString: server.tls!.connectString,
        walletContent
      })
      const connection = yield* connect(as(yield* server.tls!.wallet("CN=app,O=Shop")))
      assert.deepStrictEqual(
        yield* context(
          connection,
          "session_user",
          "authentication_method",
          "enterprise_identity",
          "identification_type"
        ),
        ["APP", "SSL", "CN=app,O=Shop", "GLOBAL EXCLUSIVE"]
      )
      assert.match(yield* refusal(as(yield* server.tls!.wallet("CN=nobody,O=Shop"))), /^ORA-01017/)
      const foreign = (yield* serve({ tls: {} })).tls!
      const strange = (yield* foreign.wallet("CN=app,O=Shop")).replace(foreign.certificate, server.tls!.certificate)
      assert.match(yield* refusal(as(strange)), /^ORA-01017/)
      const failed = (yield* server.requests).filter(({ error }) => error === 1017).map(({ detail }) => detail)
      assert.deepStrictEqual(failed, [
        "there is no user for CN=nobody,O=Shop",
        "neither a password nor a certificate was shown"
      ])
      yield* server.setAccountState("app", "locked")
      assert.match(yield* refusal(as(yield* server.tls!.wallet("CN=app,O=Shop"))), /^ORA-28000/)
    }))
})

const rsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 })

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")

const sign = (key: KeyObject, claims: object, header: object = { alg: "RS256", typ: "JWT" }) => {
  const body = `${encode(header)}.${encode(claims)}`
  return `${body}.${createSign("sha256").update(body).sign(key, "base64url")}`
}

const soon = () => Math.floor(Date.now() / 1000) + 600

describe("tokens", () => {
  it.live("of OAuth 2.0 log on the user that they stand for; expired, forged and foreign ones do not", () =>
    Effect.gen(function*() {
      const provider = rsa()
      const server = yield* serve({
        users: {
          scott: "tiger",
          app: { password: "secret", externalName: "client-7", proxies: [] },
          hr: { password: "x", proxies: ["app"] }
        },
        tls: {},
        tokens: {
          key: provider.publicKey.export({ type: "spki", format: "pem" }).toString(),
          issuer: "https://login.example.com",
          audience: "db"
        }
      })
      const good = { iss: "https://login.example.com", aud: ["db", "other"], sub: "client-7", exp: soon() }
      const by = (token: string, more: Attributes = {}) => ({
        externalAuth: true,
        accessToken: token,
        connectString: server.tls!.connectString,
        walletContent: server.walletContent,
        ...more
      })
      const connection = yield* connect(by(sign(provider.privateKey, good)))
      assert.deepStrictEqual(
        yield* context(connection, "session_user", "authentication_method", "authenticated_identity"),
        ["APP", "TOKEN_GLOBAL", "client-7"]
      )
      const proxied = yield* connect(by(sign(provider.privateKey, good), { user: "[hr]" }))
      assert.deepStrictEqual(yield* context(proxied, "session_user", "proxy_user"), ["HR", "APP"])
      const byName = yield* connect(by(sign(provider.privateKey, { ...good, sub: "scott" })))
      assert.deepStrictEqual(yield* context(byName, "session_user"), ["SCOTT"])
      const [header, payload, signature] = sign(provider.privateKey, good).split(".") as [string, string, string]
      const changed = encode({ ...good, sub: "scott" })
      const cases: ReadonlyArray<readonly [string, RegExp]> = [
        [`${header}.${changed}.${signature}`, /signature does not hold/],
        [sign(rsa().privateKey, good), /signature does not hold/],
        [`${encode({ alg: "none" })}.${payload}.`, /algorithm none is not accepted/],
        [`${encode({ alg: "HS256" })}.${payload}.${signature}`, /algorithm HS256 is not accepted/],
        [`${encode({ alg: "ES256" })}.${payload}.${signature}`, /does not go with the key/],
        [sign(provider.privateKey, { ...good, iss: "https://evil.example.com" }), /issuer is https:\/\/evil/],
        [sign(provider.privateKey, { ...good, aud: "shop" }), /audience is shop/],
        [sign(provider.privateKey, { ...good, nbf: soon() }), /not valid yet/],
        [sign(provider.privateKey, { ...good, sub: "stranger" }), /no user for stranger/]
      ]
      for (const [token, why] of cases) {
        yield* server.clearRequests
        assert.match(yield* refusal(by(token)), /^ORA-01017/, String(why))
        assert.match((yield* server.requests).find(({ error }) => error === 1017)?.detail ?? "", why)
      }
      // The driver itself holds an expired token back; the server does so for clients that do not.
      assert.match(yield* refusal(by(sign(provider.privateKey, { ...good, exp: 1 }))), /^NJS-087/)
      assert.match(
        yield* refusal({ ...by(sign(provider.privateKey, good)), connectString: server.connectString }),
        /^ORA-01017|^NJS/
      )
    }))

  it.live("of IAM need the proof of their client's key", () =>
    Effect.gen(function*() {
      const provider = rsa()
      const client = rsa()
      const server = yield* serve({
        users: { scott: "tiger" },
        tls: {},
        tokens: { key: provider.publicKey, user: ({ sub }) => sub === "ocid1.user" ? "scott" : undefined }
      })
      const claims = { sub: "ocid1.user", exp: soon(), jwk: JSON.stringify(client.publicKey.export({ format: "jwk" })) }
      const token = sign(provider.privateKey, claims)
      const privateKeyOf = (key: KeyObject) =>
        key.export({ type: "pkcs8", format: "pem" }).toString().replaceAll(/-----[^-]+-----|\n/g, "")
      const by = (accessToken: unknown) => ({
        externalAuth: true,
        accessToken,
        connectString: server.tls!.connectString,
        walletContent: server.walletContent
      })
      const connection = yield* connect(by({ token, privateKey: privateKeyOf(client.privateKey) }))
      assert.deepStrictEqual(yield* context(connection, "session_user", "authentication_method"), [
        "SCOTT",
        "TOKEN_GLOBAL"
      ])
      yield* server.clearRequests
      assert.match(yield* refusal(by({ token, privateKey: privateKeyOf(rsa().privateKey) })), /^ORA-01017/)
      assert.match(yield* refusal(by(token)), /^ORA-01017/)
      assert.deepStrictEqual(
        (yield* server.requests).filter(({ error }) => error === 1017).map(({ detail }) => detail),
        [
          "the token is refused: its client has not signed with the key that it names",
          "the token is refused: its client has not signed with the key that it names"
        ]
      )
    }))
})

describe("an end-user security context", () => {
  interface WithContext extends Connection {
    setEndUserSecurityContext(context: unknown): void
    clearEndUserSecurityContext(): void
  }

  it.live("says for whom an application's calls are, as long as they bring it", () =>
    Effect.gen(function*() {
      const provider = rsa()
      const server = yield* serve({ tls: {}, tokens: { key: provider.publicKey } })
      const connection = (yield* connect(logon(server))) as WithContext
      const { EndUserSecurityContext } = oracledb as unknown as Record<string, new(options: object) => unknown>
      const application = sign(provider.privateKey, { sub: "web-shop", exp: soon() })
      const endUser = Effect.map(server.sessions, ([session]) => session!.endUser)
      connection.setEndUserSecurityContext(
        new EndUserSecurityContext!({
          databaseAccessToken: application,
          endUserName: "ann",
          dataRoles: ["reader"],
          attributes: { region: ["eu"] }
        })
      )
      yield* context(connection, "session_user")
      assert.deepStrictEqual(yield* endUser, {
        application: "web-shop",
        name: "ann",
        contextId: undefined,
        roles: ["reader"],
        attributes: { region: ["eu"] }
      })
      connection.setEndUserSecurityContext(
        new EndUserSecurityContext!({
          databaseAccessToken: application,
          endUserToken: sign(provider.privateKey, { sub: "bob", exp: soon() })
        })
      )
      yield* context(connection, "session_user")
      assert.strictEqual((yield* endUser)?.name, "bob")
      connection.setEndUserSecurityContext(
        new EndUserSecurityContext!({
          databaseAccessToken: application,
          endUserToken: sign(provider.privateKey, { sub: "eve", exp: 1 })
        })
      )
      assert.match(
        yield* Effect.promise(() =>
          connection.execute("select 1 from dual").then(() => "", (cause: Error) => cause.message)
        ),
        /^ORA-01017/
      )
      assert.match((yield* server.requests).at(-1)?.detail ?? "", /end user token: it expired/)
      connection.clearEndUserSecurityContext()
      yield* context(connection, "session_user")
      assert.strictEqual(yield* endUser, undefined)
    }))
})
