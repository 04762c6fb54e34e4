/** TLS, wallets and tokens as a pool uses them, over a real socket to an embedded server. */
import { assert, describe, it } from "@effect/vitest"
import { OracleSessionPool, OracleToken } from "@sessionpool/oracle"
import { OracleServer } from "@sessionpool/oracle-server"
import { Effect, Redacted } from "effect"
import { createSign, generateKeyPairSync } from "node:crypto"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

const who = "select sys_context('userenv', 'session_user'), sys_context('userenv', 'network_protocol') from dual"

const userOf = (connection: { readonly query: (sql: string) => Effect.Effect<ReadonlyArray<object>, unknown> }) =>
  Effect.map(connection.query(who), ([row]) => Object.values(row!))

const openOne = (options: OracleSessionPool.Options) =>
  Effect.scoped(Effect.flatMap(OracleSessionPool.make({ min: 0, max: 2, ...options }), (pool) => pool.use(userOf)))

const scott = { user: "scott", password: Redacted.make("tiger") }

describe("a pool over TLS", () => {
  it.live("uses a wallet from a text or from a folder", () =>
    Effect.gen(function*() {
      const server = yield* OracleServer.make({ tls: { clientCertificates: "required" } })
      const { connectString } = server.tls!
      const wallet = yield* server.tls!.wallet()
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "wallet-"))),
        (path) => Effect.promise(() => rm(path, { recursive: true }))
      )
      const content = Redacted.make(wallet)
      assert.deepStrictEqual(yield* openOne({ ...scott, connectString, walletContent: content }), ["SCOTT", "tcps"])
      // A wallet of the other kind is no wallet in Thin mode.
      yield* Effect.promise(() => writeFile(join(folder, "cwallet.sso"), "auto-login"))
      const missing = yield* Effect.flip(
        openOne({ ...scott, connectString, walletLocation: folder, waitTimeout: "2 seconds", getMode: "timedWait" })
      )
      assert.include(String(missing), "ewallet.pem")
      yield* Effect.promise(() => writeFile(join(folder, "ewallet.pem"), wallet))
      assert.deepStrictEqual(yield* openOne({ ...scott, connectString, walletLocation: folder }), ["SCOTT", "tcps"])
    }))

  it.live("trusts no server with another name unless it is told which name to expect", () =>
    Effect.gen(function*() {
      const server = yield* OracleServer.make({
        tls: { subject: "CN=db.example.com,O=Shop", names: ["db.example.com"] }
      })
      const { connectString } = server.tls!
      const walletContent = Redacted.make(yield* server.tls!.wallet())
      const options = { ...scott, connectString, walletContent }
      const failure = yield* Effect.flip(openOne({ ...options, getMode: "timedWait", waitTimeout: "2 seconds" }))
      assert.match(String(failure), /NJS-506|TLS/)
      assert.notInclude(JSON.stringify(failure), "PRIVATE KEY")
      const named = { ...options, sslServerCertDN: "CN=db.example.com,O=Shop" }
      assert.deepStrictEqual(yield* openOne(named), ["SCOTT", "tcps"])
      assert.deepStrictEqual(yield* openOne({ ...named, useSNI: true }), ["SCOTT", "tcps"])
    }))
})

describe("a pool with tokens", () => {
  it.live("renews its token between two openings; a session outlives the token that it was opened with", () =>
    Effect.gen(function*() {
      const provider = generateKeyPairSync("rsa", { modulusLength: 2048 })
      const subjects: Array<string> = []
      const server = yield* OracleServer.make({
        tls: {},
        tokens: {
          key: provider.publicKey,
          user: ({ jti }) => {
            subjects.push(String(jti))
            return "scott"
          }
        }
      })
      const sign = (claims: object) => {
        const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
        const body = `${encode({ alg: "RS256" })}.${encode(claims)}`
        return `${body}.${createSign("sha256").update(body).sign(provider.privateKey, "base64url")}`
      }
      let fetched = 0
      // Each token is as good as expired when it comes: every opening gets one of its own.
      const credentials = yield* OracleToken.credentials({
        fetch: Effect.sync(() => ({
          token: Redacted.make(
            sign({ sub: "app", jti: `token ${++fetched}`, exp: Math.floor(Date.now() / 1000) + 600 })
          )
        })),
        before: "1 hour"
      })
      const pool = yield* OracleSessionPool.make({
        connectString: server.tls!.connectString,
        walletContent: Redacted.make(yield* server.tls!.wallet()),
        credentials,
        min: 0,
        max: 2,
        increment: 1
      })
      const sid = "select sys_context('userenv', 'sid') from dual"
      const outer = yield* pool.use((first) =>
        Effect.gen(function*() {
          const own = yield* first.query(sid)
          const other = yield* pool.use((second) => second.query(sid))
          assert.notDeepEqual(own, other)
          return own
        })
      )
      assert.deepStrictEqual(subjects, ["token 1", "token 2"])
      // Both sessions are still there, and are lent again without another token.
      yield* pool.use((connection) => connection.query(sid))
      assert.strictEqual(fetched, 2)
      assert.lengthOf(yield* server.sessions, 2)
      assert.isNotEmpty(outer)
    }))

  it.live("fails with what the database says of a token that it does not accept, and asks no more with it", () =>
    Effect.gen(function*() {
      const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
      const server = yield* OracleServer.make({ tls: {}, tokens: { key: publicKey } })
      const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
      const forged = `${encode({ alg: "RS256" })}.${
        encode({ sub: "scott", exp: Math.floor(Date.now() / 1000) + 600 })
      }.AAAA`
      const failure = yield* Effect.flip(openOne({
        connectString: server.tls!.connectString,
        walletContent: Redacted.make(yield* server.tls!.wallet()),
        credentials: Effect.succeed({ token: Redacted.make(forged) })
      }))
      assert.deepInclude(failure, { _tag: "OpenSessionError" })
      assert.include(String(failure), "ORA-01017")
      assert.notInclude(JSON.stringify(failure), forged)
      assert.match((yield* server.requests).at(-1)?.detail ?? "", /signature does not hold/)
    }))
})
