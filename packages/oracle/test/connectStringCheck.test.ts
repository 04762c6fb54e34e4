import { assert, describe, it } from "@effect/vitest"
import { ConnectDescriptor, OracleError, OracleSessionPool } from "@sessionpool/oracle"
import { Cause, Effect, Exit, Redacted, Result } from "effect"
import * as fc from "fast-check"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { embedded, isReal } from "./database.ts"

const secret = "Zq7pw"

type Made = Partial<OracleSessionPool.Options>

const made = (options: Made) =>
  Effect.exit(Effect.scoped(OracleSessionPool.make({
    connectString: "localhost/x",
    user: "scott",
    password: Redacted.make("tiger"),
    ...options
  })))

/** The problems that a pool is refused for. */
const problems = (options: Made) =>
  Effect.map(made(options), (exit) => {
    const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
    if (typeof error !== "object" || error === null || !("problems" in error)) throw new Error("the pool was made")
    assert.notInclude(inspect(error, { depth: 9 }), secret)
    return error.problems as ReadonlyArray<{ readonly field: string; readonly problem: string }>
  })

const refused = (connectString: string, options: Made = {}) =>
  Effect.map(problems({ connectString, ...options }), (found) => {
    assert.deepStrictEqual(found.map(({ field }) => field), ["connectString"], connectString)
    return found[0]!.problem
  })

describe("a connect string with a password", () => {
  it.effect("is refused when the pool is made, and not repeated (S4)", () =>
    Effect.gen(function*() {
      const holding = [
        `scott:${secret}@host/x`,
        `scott/${secret}@host`,
        `scott/${secret} @host`,
        `scott/"a ${secret}"@host/x`,
        `tcps://scott:${secret}@host:1521/x`,
        `//scott/${secret}@//host:1521/x`,
        `host/x?token=${secret}`,
        `host/x?${secret}`,
        `jdbc:oracle:thin:scott/${secret}@host:1521/x`,
        `jdbc:oracle:thin:@host/x?password=${secret}`,
        `(DESCRIPTION=(PASSWORD=${secret})`,
        `scott/${secret}`,
        `\0scott/${secret}`
      ]
      for (const text of holding) {
        const problem = yield* refused(text, { user: "scott", password: Redacted.make(secret) })
        assert.isAbove(problem.length, 10)
      }
      // Nobody else is to log on, so this is no address.
      assert.match(yield* refused(`app/${secret}`, { user: undefined, password: undefined }), /looks like a user/)
    }))

  it("is not in the failure of parse, whatever it looks like (S4)", () => {
    const part = fc.constantFrom(
      "scott",
      "host",
      secret,
      "/",
      ":",
      "@",
      "?",
      "=",
      "&",
      "(",
      ")",
      " ",
      "tcp://",
      "jdbc:",
      "x"
    )
    fc.assert(fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const text = `${parts.join("")}${secret}@host`
      const read = ConnectDescriptor.parse(text)
      if (Result.isFailure(read)) assert.notInclude(inspect(read.failure), secret)
    }))
  })

  it.live("is in no statistics, setting, failure or span where it is let pass (S4)", () =>
    Effect.gen(function*() {
      if (isReal) return
      const texts = [
        `config-https://127.0.0.1:1/x?key=${secret}`,
        `config-file://nowhere/${"x"}?password=${secret}&key=${secret}%21`,
        `127.0.0.1:1/${secret}`,
        `(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT=1))(CONNECT_DATA=(SERVICE_NAME=x)(PASSWORD=${secret})))`
      ]
      for (const connectString of texts) {
        const pool = yield* OracleSessionPool.make({
          connectString,
          user: "scott",
          password: Redacted.make(secret),
          getMode: "timedWait",
          waitTimeout: "300 millis"
        })
        const failure = yield* Effect.flip(pool.use((held) => held.ping))
        const seen = [failure, failure.message, yield* pool.settings, yield* pool.statistics]
        assert.notInclude(inspect(seen, { depth: 9 }), secret, connectString)
        assert.notInclude(JSON.stringify(seen), secret, connectString)
      }
    }))

  it.live("that credentials fail or die with is in no failure (S4)", () =>
    Effect.gen(function*() {
      if (isReal) return
      const { connect } = yield* embedded()
      const ends: ReadonlyArray<Effect.Effect<never, unknown>> = [
        Effect.die({ password: secret }),
        Effect.fail({ password: secret }),
        Effect.die(Object.assign(new Error("vault"), { token: secret })),
        Effect.sync(() => {
          throw Object.assign(new Error(`password: ${secret}`), { secret })
        })
      ]
      for (const credentials of ends) {
        const { connectString } = connect
        const pool = yield* OracleSessionPool.make({
          connectString,
          credentials,
          getMode: "timedWait",
          waitTimeout: "300 millis"
        })
        const failure = yield* Effect.flip(pool.use((held) => held.ping))
        assert.notInclude(inspect(failure, { depth: 12 }), secret)
        assert.notInclude(JSON.stringify(failure), secret)
      }
    }))
})

describe("a connect string", () => {
  it.effect("of JDBC is answered with what to write (E21)", () =>
    Effect.gen(function*() {
      const instead: ReadonlyArray<readonly [url: string, address: string]> = [
        ["jdbc:oracle:thin:@//db.example.com:1521/sales", "write db.example.com:1521/sales, and"],
        ["jdbc:oracle:thin:scott/ti@ger@db:1521/sales", "write db:1521/sales, and"],
        [
          "jdbc:oracle:thin:@db:1521:ORCL",
          "write (DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=db)(PORT=1521))(CONNECT_DATA=(SID=ORCL))), and"
        ],
        ["jdbc:oracle:thin:@sales_alias?TNS_ADMIN=/x", "write sales_alias, and"],
        ["jdbc:oracle:thin:@tcps://db:2484/sales", "write tcps://db:2484/sales, and"],
        ["jdbc:oracle:oci8:@", "write host:port/service, a descriptor or an alias, and"]
      ]
      for (const [url, address] of instead) {
        const problem = yield* refused(url)
        assert.match(problem, /^is a JDBC URL/)
        assert.include(problem, address)
        const read = ConnectDescriptor.parse(url)
        assert.include(Result.isFailure(read) ? read.failure.message : "", address)
      }
    }))

  it.effect("of a configuration provider is refused where it would have to be read here (E19)", () =>
    Effect.gen(function*() {
      const connectString = "config-myprov://somewhere"
      for (
        const options of [{ cclass: "C" }, { serverPool: "hold" }, { poolBoundary: "statement" }, { sourceRoute: true }]
      ) {
        assert.match(yield* refused(connectString, options as Made), /configuration provider/)
      }
      const read = ConnectDescriptor.parse(connectString)
      assert.include(Result.isFailure(read) ? read.failure.message : "", "configuration provider")
      // A class that a request asks for finds out when a session is opened, and says so.
      const failure = yield* Effect.scoped(Effect.flatMap(
        OracleSessionPool.make({ connectString, user: "scott", password: Redacted.make("tiger") }),
        (pool) => Effect.flip(pool.use({ cclass: "C" }, (held) => held.ping))
      ))
      assert.strictEqual(failure._tag, "OpenSessionError")
      assert.match(inspect(failure, { depth: 9 }), /configuration provider/)
    }))

  it.live("that leads nowhere is a ConnectionError that names file and line (E20)", () =>
    Effect.gen(function*() {
      const configDir = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "tns-"))),
        (directory) => Effect.promise(() => rm(directory, { recursive: true }))
      )
      const reasonOf = (directory: string) =>
        Effect.gen(function*() {
          const pool = yield* OracleSessionPool.make({
            connectString: "sales",
            configDir: directory,
            cclass: "C",
            user: "scott",
            password: Redacted.make("tiger")
          })
          const failure = yield* Effect.flip(pool.use((held) => held.ping))
          assert.strictEqual(failure._tag, "OpenSessionError")
          const cause = failure._tag === "OpenSessionError" ? failure.cause : undefined
          if (!OracleError.isOracleError(cause)) throw new Error("no failure of the database")
          assert.strictEqual(cause.reason._tag, "ConnectionError")
          return cause.message
        })
      yield* Effect.promise(() => writeFile(join(configDir, "tnsnames.ora"), "a = db/a\nsales = (X\n"))
      assert.include(yield* reasonOf(configDir), `${join(configDir, "tnsnames.ora")}, line 2, in the entry sales`)
      assert.match(yield* reasonOf(join(configDir, "nowhere")), /NotFound/)
    }))

  it.effect("that can be used is used as before", () =>
    Effect.gen(function*() {
      const usable: ReadonlyArray<string> = [
        "localhost/FREEPDB1",
        "localhost:1521/FREEPDB1?sdu=8192",
        "scott/orcl",
        "sales_alias",
        "(DESCRIPTION=\n  (ADDRESS=(PROTOCOL=TCP)(HOST=a)(PORT=1))\n\t(CONNECT_DATA=(SERVICE_NAME=b)))",
        "config-azure://store?key=x"
      ]
      for (const connectString of usable) {
        assert.isTrue(Exit.isSuccess(yield* made({ connectString, user: "app" })), connectString)
      }
      assert.isTrue(
        Exit.isSuccess(yield* made({ connectString: "db/x", user: undefined, password: undefined, homogeneous: false }))
      )
    }))
})

describe("control characters and parts of a descriptor", () => {
  it.effect("are refused in settings that the driver writes into the descriptor (S6)", () =>
    Effect.gen(function*() {
      for (const value of ["c)(SERVICE_NAME=EVIL", "a b", "a\nb", "a\0", "(", "é", ""]) {
        for (const field of ["connectionIdPrefix", "program", "machine", "osUser"]) {
          const found = yield* problems({ [field]: value })
          assert.deepStrictEqual(found.map((each) => each.field), [field])
          // oxlint-disable-next-line no-control-regex
          assert.notMatch(found[0]!.problem, /[\u0000-\u001f]/)
        }
      }
      assert.isTrue(Exit.isSuccess(yield* made({ connectionIdPrefix: "app-1.x", program: "node/24" })))
    }))

  it("are written out in the failures of the driver (S6)", () => {
    const error = OracleError.fromDriver(new Error("ORA-01017: user \"sc\u001b[2Jott\0\r\" \u202eis wrong\r\nline 2"))
    // oxlint-disable-next-line no-control-regex
    assert.notMatch(error.message + inspect(error), /[\u0000-\u0008\u000b-\u001f\u007f\u202e]/)
    assert.include(error.message, "sc\\u001b[2Jott\\u0000\\u000d\" \\u202eis wrong\nline 2")
  })
})
