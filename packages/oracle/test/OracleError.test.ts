import { assert, describe, it } from "@effect/vitest"
import { OracleError } from "@sessionpool/oracle"
import { Effect, Redacted, Schema } from "effect"
import * as fc from "fast-check"
import { createRequire } from "node:module"
import { inspect } from "node:util"
import * as Table from "../src/internal/errorTable.ts"
import { mask, redactSecrets, redactStatement } from "../src/internal/secretRedaction.ts"

const driver: {
  readonly getErr: (number: number, ...args: ReadonlyArray<unknown>) => Error
  readonly transformErr: (error: Error) => Error
  readonly ERR_INTEGRITY_ERROR_CODES: ReadonlyArray<number>
} = createRequire(import.meta.url)("oracledb/lib/errors.js")

/** An error as the Thin driver makes it from what the server answers. */
const fromServer = (errorNum: number, message: string, offset = 0) =>
  driver.transformErr(
    Object.assign(new Error(`ORA-${String(errorNum).padStart(5, "0")}: ${message}`), { errorNum, offset })
  )

/** Everything that a log, a console or a wire could show of a value. */
const everythingShown = (u: unknown): string => {
  const error = u as { message?: unknown; stack?: unknown; cause?: unknown }
  return [
    String(u),
    JSON.stringify(u),
    inspect(u, { depth: 20, showHidden: true }),
    inspect(error.cause, { depth: 20, showHidden: true, customInspect: false }),
    error.message,
    error.stack
  ].join("\n")
}

describe("a commit", () => {
  const lost = new Error("NJS-500: connection to Oracle Database was closed or broken")

  it("whose answer was lost with the session is in doubt, and not to be done again", () => {
    const error = OracleError.fromDriver(lost, { operation: "commit" })
    assert.containSubset(error, { isCommitInDoubt: true, isRetryable: false, isSessionFatal: true })
    assert.match(error.message, /unknown whether the work was committed/)
  })

  it("that the server refused is not in doubt; nor is another call that was lost", () => {
    const refused = OracleError.fromDriver(fromServer(2091, "transaction rolled back"), { operation: "commit" })
    assert.isFalse(refused.isCommitInDoubt)
    const query = OracleError.fromDriver(lost, { operation: "query" })
    assert.containSubset(query, { isCommitInDoubt: false, isRetryable: true, isSessionFatal: true })
  })
})

describe("the table", () => {
  it("has every code once", () => {
    const codes = Table.rows.flatMap((row) => row.codes)
    assert.deepStrictEqual(codes.filter((code, index) => codes.indexOf(code) !== index), [])
    assert.strictEqual(Table.codes.length, codes.length)
  })

  it("writes every code in its full form, and names a known source for it", () => {
    for (const row of Table.rows) {
      for (const code of row.codes) assert.match(code, /^(ORA-\d{5}|NJS-\d{3}|DPI-\d{4}|DPY-\d{4}|E[A-Z]+)$/)
      assert.match(row.source, /^[NRMIPOKSGJDHQEX]+$/)
    }
  })

  it("gives every code its own reason when the driver reports it", () => {
    for (const [code, meaning] of OracleError.classifications) {
      const error = OracleError.fromDriver(Object.assign(new Error(`${code}: said the server`), { code }))
      assert.deepStrictEqual([code, error.code, error.reason._tag], [code, code, meaning.reason])
      assert.deepStrictEqual([code, error.isRetryable], [code, meaning.isRetryable])
      assert.deepStrictEqual([code, error.isSessionFatal], [code, meaning.isSessionFatal])
    }
  })

  it("calls every connection that the driver closes fatal", () => {
    const closed = [22, 28, 31, 45, 378, 600, 602, 603, 609, 1012, 1041, 1043, 1089, 1092, 2396, 3113, 3114, 3122, 3135]
      .concat(12153, 12537, 12547, 12570, 12583, 27146, 28511, 56600)
    for (const number of closed) {
      const thrown = fromServer(number, "gone")
      assert.containSubset(thrown, { code: "NJS-500" })
      const error = OracleError.fromDriver(thrown)
      assert.deepStrictEqual([number, error.isSessionFatal], [number, true])
      assert.deepStrictEqual(error.codes, ["NJS-500", `ORA-${String(number).padStart(5, "0")}`])
      assert.strictEqual(error.code, error.codes[1])
    }
  })

  it("agrees with the driver on what breaks a rule of the data", () => {
    for (const number of driver.ERR_INTEGRITY_ERROR_CODES) {
      assert.strictEqual(
        OracleError.fromDriver(fromServer(number, "broken")).reason._tag,
        number === 1 ? "UniqueViolation" : "ConstraintError"
      )
    }
  })

  it("decides once where the field disagrees", () => {
    const decided = (number: number) => {
      const { reason, isRetryable, isSessionFatal } = OracleError.fromDriver(fromServer(number, "x"))
      return [reason._tag, isRetryable, isSessionFatal]
    }
    assert.deepStrictEqual(decided(600), ["UnknownError", false, true])
    assert.deepStrictEqual(decided(12514), ["ConnectionError", true, false])
    assert.deepStrictEqual(decided(1033), ["ConnectionError", true, true])
    assert.deepStrictEqual(decided(1034), ["ConnectionError", true, true])
    assert.deepStrictEqual(decided(3136), ["StatementTimeoutError", true, false])
    assert.deepStrictEqual(decided(3156), ["StatementTimeoutError", true, false])
    assert.deepStrictEqual(decided(1045), ["AuthenticationError", false, false])
  })
})

describe("fromDriver", () => {
  it("reads the constraint, the code, the operation and the statement", () => {
    const error = OracleError.fromDriver(
      fromServer(1, "unique constraint (HR.PK_JOBS) violated on table HR.JOBS columns (ID)"),
      { operation: "execute", sql: "insert into jobs (id) values (:id)" }
    )
    assert.strictEqual(error.reason._tag, "UniqueViolation")
    assert.strictEqual(error.constraint, "HR.PK_JOBS")
    assert.strictEqual(error.sql, "insert into jobs (id) values (:id)")
    assert.strictEqual(error.reason.operation, "execute")
    assert.isUndefined(error.offset)
    assert.strictEqual(
      error.message,
      "ORA-00001: unique constraint (HR.PK_JOBS) violated on table HR.JOBS columns (ID) (execute)\n"
        + "A row with this key exists already: choose another key, update the row or use MERGE."
    )
  })

  it("says where in the statement", () => {
    const error = OracleError.fromDriver(fromServer(942, "table or view does not exist", 14), {
      operation: "query",
      sql: "select * from nope"
    })
    assert.strictEqual(error.offset, 14)
    assert.include(error.message, "(query, at offset 14 of the SQL)")
    assert.strictEqual(OracleError.fromDriver(fromServer(900, "invalid SQL statement", 0), { sql: "selct" }).offset, 0)
  })

  it("names the column where the server names no constraint", () => {
    const error = OracleError.fromDriver(fromServer(1400, "cannot insert NULL into (\"HR\".\"JOBS\".\"TITLE\")"))
    assert.strictEqual(error.constraint, "\"HR\".\"JOBS\".\"TITLE\"")
    assert.strictEqual(OracleError.fromDriver(fromServer(1, "unique")).constraint, "unknown")
  })

  it("looks past the codes that only announce another one", () => {
    const error = OracleError.fromDriver(
      fromServer(604, "error occurred at recursive SQL level 1\nORA-01000: maximum open cursors exceeded")
    )
    assert.strictEqual(error.code, "ORA-01000")
    assert.deepStrictEqual(error.codes, ["ORA-00604", "ORA-01000"])
    const refused = OracleError.fromDriver(driver.getErr(511, "db", 1521, "id", "ORA-12516"))
    assert.deepStrictEqual([refused.code, refused.reason._tag], ["ORA-12516", "ResourceError"])
    assert.strictEqual(OracleError.fromDriver(driver.getErr(511, "db", 1521, "id", "refused")).code, "NJS-511")
  })

  it("does not take a code out of the text of an application error", () => {
    const error = OracleError.fromDriver(fromServer(20001, "order refused: ORA-00028 in history\nORA-06512: at line 1"))
    assert.deepStrictEqual([error.code, error.reason._tag, error.isSessionFatal], ["ORA-20001", "UnknownError", false])
  })

  it("reads codes from nested causes and from Node's own errors", () => {
    const nested = new Error("could not open", { cause: fromServer(1017, "invalid username/password; logon denied") })
    assert.strictEqual(OracleError.fromDriver(nested).reason._tag, "AuthenticationError")
    const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
    assert.containSubset(OracleError.fromDriver(reset), { isSessionFatal: true, isRetryable: true })
  })

  it("believes the driver about codes that it does not know", () => {
    const unheard = Object.assign(fromServer(64999, "new in this release"), { isRecoverable: true })
    const error = OracleError.fromDriver(unheard)
    assert.deepStrictEqual([error.reason._tag, error.isRetryable], ["UnknownError", true])
  })

  it("takes anything that can be thrown, a loop of causes included", () => {
    const loop: { message: string; cause?: unknown } = { message: "round" }
    loop.cause = loop
    fc.assert(fc.property(fc.oneof(fc.anything(), fc.constant(loop)), (thrown) => {
      const error = OracleError.fromDriver(thrown)
      assert.strictEqual(error._tag, "OracleError")
      assert.isAbove(error.message.length, 10)
    }))
    const once = OracleError.fromDriver("ORA-00054: resource busy")
    assert.strictEqual(once.reason._tag, "LockTimeoutError")
    assert.strictEqual(OracleError.fromDriver(once), once)
  })

  it("leaves out the row values that the server quotes", () => {
    const thrown = fromServer(
      1,
      "unique constraint (HR.PK) violated\nORA-03301: (ORA-00001 details) row with column values (NAME:'s3cret') already exists"
    )
    assert.notInclude(everythingShown(OracleError.fromDriver(thrown)), "s3cret")
  })

  it("keeps nothing of an object that is no error, whatever it holds", () => {
    assert.notMatch(everythingShown(OracleError.fromDriver({ binds: ["s3cret"], password: "tiger" })), /s3cret|tiger/)
    const withConfig = Object.assign(new Error("ORA-01017: denied"), { config: { user: "hr", key: "s3cret" } })
    assert.notInclude(everythingShown(OracleError.fromDriver(withConfig)), "s3cret")
  })
})

describe("in an effect", () => {
  const unique = OracleError.fromDriver(fromServer(1, "unique constraint (HR.PK) violated"))

  it.effect("catchReason picks one reason out", () =>
    Effect.gen(function*() {
      const kept = yield* Effect.fail(unique).pipe(
        Effect.catchReason("OracleError", "UniqueViolation", (reason, error) =>
          Effect.succeed([reason.constraint, error.code]))
      )
      assert.deepStrictEqual(kept, ["HR.PK", "ORA-00001"])
      const passed = yield* Effect.fail(unique).pipe(
        Effect.catchReason("OracleError", "DeadlockError", () =>
          Effect.succeed("caught")),
        Effect.flip
      )
      assert.strictEqual(passed, unique)
    }))

  it.effect("catchReasons and unwrapReason work on it", () =>
    Effect.gen(function*() {
      const handled = yield* Effect.fail(unique).pipe(
        Effect.catchReasons("OracleError", {
          DeadlockError: () => Effect.succeed("again"),
          UniqueViolation: (reason) => Effect.succeed(reason.constraint)
        })
      )
      assert.strictEqual(handled, "HR.PK")
      const tag = yield* Effect.fail(unique).pipe(
        Effect.unwrapReason("OracleError"),
        Effect.catchTag("UniqueViolation", (reason) => Effect.succeed(reason._tag))
      )
      assert.strictEqual(tag, "UniqueViolation")
    }))

  it.effect("Classification extends and corrects the table", () =>
    Effect.gen(function*() {
      const failing = (number: number) =>
        OracleError.failFromDriver(fromServer(number, "x")).pipe(
          Effect.provideService(OracleError.Classification, {
            "ORA-20054": { reason: "LockTimeoutError", isRetryable: true, advice: "Wait for the nightly run." },
            "ORA-00060": { reason: "SerializationError" },
            "ORA-00028": { reason: "InterruptedError", isSessionFatal: false }
          }),
          Effect.flip
        )
      const own = yield* failing(20054)
      assert.deepStrictEqual([own.reason._tag, own.isRetryable, own.isSessionFatal], ["LockTimeoutError", true, false])
      assert.include(own.message, "Wait for the nightly run.")
      const corrected = yield* failing(60)
      assert.deepStrictEqual([corrected.reason._tag, corrected.isRetryable], ["SerializationError", true])
      const killed = yield* failing(28)
      assert.deepStrictEqual([killed.reason._tag, killed.isSessionFatal], ["InterruptedError", true])
    }))

  it.effect("survives encoding and decoding", () =>
    Effect.gen(function*() {
      const codec = Schema.toCodecJson(OracleError.OracleError)
      const decoded = yield* Schema.decodeEffect(codec)(yield* Schema.encodeEffect(codec)(unique))
      assert.isTrue(OracleError.isOracleError(decoded))
      assert.isTrue(OracleError.isOracleErrorReason(decoded.reason))
      assert.deepStrictEqual([decoded.code, decoded.constraint, decoded.message], [
        unique.code,
        unique.constraint,
        unique.message
      ])
    }))
})

describe("secrets", () => {
  /** Passwords that could not be part of the surrounding text by chance. */
  const password = fc.string({ minLength: 4, maxLength: 24, unit: "grapheme-ascii" })
    .filter((value) => /^\S+$/.test(value) && !value.includes("\""))
    .map((value) => `Zq${value}`)

  const shapes: ReadonlyArray<(secret: string) => string> = [
    (secret) => `NJS-515: error in Easy Connect connection string: scott/${secret}@db.example.com:1521/FREE`,
    (secret) => `NJS-515: input "scott/"${secret}"@//db:1521/FREE"`,
    (secret) => `cannot use mkt[hr]/${secret}@sales`,
    (secret) => `jdbc:oracle:thin:scott/${secret}@tcps://db:2484/FREE`,
    (secret) => `oracle://scott:${secret}@db:1521/FREE`
  ]

  const leaks = (secret: string, details: OracleError.Details, message: string): boolean => {
    const thrown = new Error(message, {
      cause: Object.assign(new Error(message), { code: "NJS-515", connect: message })
    })
    return everythingShown(OracleError.fromDriver(thrown, details)).includes(secret)
  }

  it("never shows the password of a connect string, in any form of the error", () => {
    fc.assert(fc.property(password, fc.constantFrom(...shapes), (secret, shape) => {
      assert.isFalse(leaks(secret, { operation: "open session", sql: shape(secret) }, shape(secret)))
    }))
  })

  it("never shows the value of a PASSWORD parameter or property", () => {
    const plain = password.map((value) => value.replace(/[^\w]/g, "_"))
    const named: ReadonlyArray<(secret: string) => string> = [
      (secret) => `(DESCRIPTION=(SECURITY=(WALLET_PASSWORD = ${secret}))(CONNECT_DATA=(PASSWORD=${secret} x)))`,
      (secret) => `{"user":"hr","password":"${secret}"}`,
      (secret) => `{ user: 'hr', newPassword: '${secret}' }`,
      (secret) => `host/svc?wallet_password=${secret}&sdu=8192`,
      (secret) => `ORA-00911: alter user hr identified by ${secret} replace ${secret}`,
      (secret) => `create user hr identified by values '${secret}'`,
      (secret) => `accessToken: eyJhbGciOi.${secret}.c2ln`
    ]
    fc.assert(fc.property(plain, fc.constantFrom(...named), (secret, shape) => {
      assert.isFalse(leaks(secret, { sql: shape(secret) }, shape(secret)))
    }))
  })

  it("removes a known secret wherever it stands", () => {
    fc.assert(fc.property(fc.string({ minLength: 4 }).map((value) => `Zq${value}`), (secret) => {
      const secrets = [Redacted.make(secret)]
      assert.notInclude(
        OracleError.fromDriver(`said ${secret} aloud`, { secrets, sql: `-- ${secret}` }).message,
        secret
      )
    }))
  })

  it("keeps the frames of a stack, and cleans the message above them", () => {
    const stack = "Error: bad string scott/tiger@db\n  at scott/tiger@db:1521:1\n"
      + "    at open (/app/.pnpm/oracledb@26.0.0/lib/errors.js:910:10)\n    at async file:///app/a@b/c.js:1:2"
    const { cause } = OracleError.fromDriver(Object.assign(new Error("NJS-515: scott/tiger@db"), { stack })).reason
    assert.strictEqual((cause as Error).stack, stack.replaceAll("tiger", mask))
  })

  it("takes no longer for odd text", () => {
    const odd = ["password", "(password=", "(PASSWORD", "identified by ", "a/", "aaaa_", "/\"", "eyJ", "(", "=\""]
    const started = performance.now()
    for (const piece of odd) redactSecrets(`${piece.repeat(20_000)}@`)
    assert.isBelow(performance.now() - started, 5000)
  })

  it("leaves ordinary text alone", () => {
    const ordinary = [
      "ORA-01017: invalid username/password; logon denied",
      "connection to host db.example.com port 1521 could not be established. (CONNECTION_ID=a/b+c==)",
      "select id from t where email = :email and note = 'a@b'",
      "ORA-12514: Service FREE is not registered with the listener at host 10.0.0.1 port 1521"
    ]
    for (const text of ordinary) assert.strictEqual(redactSecrets(text), text)
    const update = "update app_user set password = :pw where id = :id"
    assert.strictEqual(redactStatement(update), update)
    assert.strictEqual(
      redactStatement("update app_user set password = 'tiger'"),
      `update app_user set password = ${mask}`
    )
    assert.strictEqual(redactSecrets("scott/tiger@db/FREE"), `scott/${mask}@db/FREE`)
  })
})
