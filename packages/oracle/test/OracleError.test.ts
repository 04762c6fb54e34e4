import { describe, expect, it } from "@effect/vitest"
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
    expect(error).toMatchObject({ isCommitInDoubt: true, isRetryable: false, isSessionFatal: true })
    expect(error.message).toMatch(/unknown whether the work was committed/)
  })

  it("that the server refused is not in doubt; nor is another call that was lost", () => {
    const refused = OracleError.fromDriver(fromServer(2091, "transaction rolled back"), { operation: "commit" })
    expect(refused.isCommitInDoubt).toBe(false)
    const query = OracleError.fromDriver(lost, { operation: "query" })
    expect(query).toMatchObject({ isCommitInDoubt: false, isRetryable: true, isSessionFatal: true })
  })
})

describe("the table", () => {
  it("has every code once", () => {
    const codes = Table.rows.flatMap((row) => row.codes)
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([])
    expect(Table.codes.length).toBe(codes.length)
  })

  it("writes every code in its full form, and names a known source for it", () => {
    for (const row of Table.rows) {
      for (const code of row.codes) expect(code).toMatch(/^(ORA-\d{5}|NJS-\d{3}|DPI-\d{4}|DPY-\d{4}|E[A-Z]+)$/)
      expect(row.source).toMatch(/^[NRMIPOKSGJDHQEX]+$/)
    }
  })

  it("gives every code its own reason when the driver reports it", () => {
    for (const [code, meaning] of OracleError.classifications) {
      const error = OracleError.fromDriver(Object.assign(new Error(`${code}: said the server`), { code }))
      expect([code, error.code, error.reason._tag]).toEqual([code, code, meaning.reason])
      expect([code, error.isRetryable]).toEqual([code, meaning.isRetryable])
      expect([code, error.isSessionFatal]).toEqual([code, meaning.isSessionFatal])
    }
  })

  it("calls every connection that the driver closes fatal", () => {
    const closed = [22, 28, 31, 45, 378, 600, 602, 603, 609, 1012, 1041, 1043, 1089, 1092, 2396, 3113, 3114, 3122, 3135]
      .concat(12153, 12537, 12547, 12570, 12583, 27146, 28511, 56600)
    for (const number of closed) {
      const thrown = fromServer(number, "gone")
      expect(thrown).toMatchObject({ code: "NJS-500" })
      const error = OracleError.fromDriver(thrown)
      expect([number, error.isSessionFatal]).toEqual([number, true])
      expect(error.codes).toEqual(["NJS-500", `ORA-${String(number).padStart(5, "0")}`])
      expect(error.code).toBe(error.codes[1])
    }
  })

  it("agrees with the driver on what breaks a rule of the data", () => {
    for (const number of driver.ERR_INTEGRITY_ERROR_CODES) {
      expect(OracleError.fromDriver(fromServer(number, "broken")).reason._tag).toBe(
        number === 1 ? "UniqueViolation" : "ConstraintError"
      )
    }
  })

  it("decides once where the field disagrees", () => {
    const decided = (number: number) => {
      const { reason, isRetryable, isSessionFatal } = OracleError.fromDriver(fromServer(number, "x"))
      return [reason._tag, isRetryable, isSessionFatal]
    }
    expect(decided(600)).toEqual(["UnknownError", false, true])
    expect(decided(12514)).toEqual(["ConnectionError", true, false])
    expect(decided(1033)).toEqual(["ConnectionError", true, true])
    expect(decided(1034)).toEqual(["ConnectionError", true, true])
    expect(decided(3136)).toEqual(["StatementTimeoutError", true, false])
    expect(decided(3156)).toEqual(["StatementTimeoutError", true, false])
    expect(decided(1045)).toEqual(["AuthenticationError", false, false])
  })
})

describe("fromDriver", () => {
  it("reads the constraint, the code, the operation and the statement", () => {
    const error = OracleError.fromDriver(
      fromServer(1, "unique constraint (HR.PK_JOBS) violated on table HR.JOBS columns (ID)"),
      { operation: "execute", sql: "insert into jobs (id) values (:id)" }
    )
    expect(error.reason._tag).toBe("UniqueViolation")
    expect(error.constraint).toBe("HR.PK_JOBS")
    expect(error.sql).toBe("insert into jobs (id) values (:id)")
    expect(error.reason.operation).toBe("execute")
    expect(error.offset).toBeUndefined()
    expect(error.message).toBe(
      "ORA-00001: unique constraint (HR.PK_JOBS) violated on table HR.JOBS columns (ID) (execute)\n"
        + "A row with this key exists already: choose another key, update the row or use MERGE."
    )
  })

  it("says where in the statement", () => {
    const error = OracleError.fromDriver(fromServer(942, "table or view does not exist", 14), {
      operation: "query",
      sql: "select * from nope"
    })
    expect(error.offset).toBe(14)
    expect(error.message).toContain("(query, at offset 14 of the SQL)")
    expect(OracleError.fromDriver(fromServer(900, "invalid SQL statement", 0), { sql: "selct" }).offset).toBe(0)
  })

  it("names the column where the server names no constraint", () => {
    const error = OracleError.fromDriver(fromServer(1400, "cannot insert NULL into (\"HR\".\"JOBS\".\"TITLE\")"))
    expect(error.constraint).toBe("\"HR\".\"JOBS\".\"TITLE\"")
    expect(OracleError.fromDriver(fromServer(1, "unique")).constraint).toBe("unknown")
  })

  it("looks past the codes that only announce another one", () => {
    const error = OracleError.fromDriver(
      fromServer(604, "error occurred at recursive SQL level 1\nORA-01000: maximum open cursors exceeded")
    )
    expect(error.code).toBe("ORA-01000")
    expect(error.codes).toEqual(["ORA-00604", "ORA-01000"])
    const refused = OracleError.fromDriver(driver.getErr(511, "db", 1521, "id", "ORA-12516"))
    expect([refused.code, refused.reason._tag]).toEqual(["ORA-12516", "ResourceError"])
    expect(OracleError.fromDriver(driver.getErr(511, "db", 1521, "id", "refused")).code).toBe("NJS-511")
  })

  it("does not take a code out of the text of an application error", () => {
    const error = OracleError.fromDriver(fromServer(20001, "order refused: ORA-00028 in history\nORA-06512: at line 1"))
    expect([error.code, error.reason._tag, error.isSessionFatal]).toEqual(["ORA-20001", "UnknownError", false])
  })

  it("reads codes from nested causes and from Node's own errors", () => {
    const nested = new Error("could not open", { cause: fromServer(1017, "invalid username/password; logon denied") })
    expect(OracleError.fromDriver(nested).reason._tag).toBe("AuthenticationError")
    const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
    expect(OracleError.fromDriver(reset)).toMatchObject({ isSessionFatal: true, isRetryable: true })
  })

  it("believes the driver about codes that it does not know", () => {
    const unheard = Object.assign(fromServer(64999, "new in this release"), { isRecoverable: true })
    const error = OracleError.fromDriver(unheard)
    expect([error.reason._tag, error.isRetryable]).toEqual(["UnknownError", true])
  })

  it("takes anything that can be thrown, a loop of causes included", () => {
    const loop: { message: string; cause?: unknown } = { message: "round" }
    loop.cause = loop
    fc.assert(fc.property(fc.oneof(fc.anything(), fc.constant(loop)), (thrown) => {
      const error = OracleError.fromDriver(thrown)
      expect(error._tag).toBe("OracleError")
      expect(error.message.length).toBeGreaterThan(10)
    }))
    const once = OracleError.fromDriver("ORA-00054: resource busy")
    expect(once.reason._tag).toBe("LockTimeoutError")
    expect(OracleError.fromDriver(once)).toBe(once)
  })

  it("leaves out the row values that the server quotes", () => {
    const thrown = fromServer(
      1,
      "unique constraint (HR.PK) violated\nORA-03301: (ORA-00001 details) row with column values (NAME:'s3cret') already exists"
    )
    expect(everythingShown(OracleError.fromDriver(thrown))).not.toContain("s3cret")
  })

  it("keeps nothing of an object that is no error, whatever it holds", () => {
    expect(everythingShown(OracleError.fromDriver({ binds: ["s3cret"], password: "tiger" }))).not.toMatch(
      /s3cret|tiger/
    )
    const withConfig = Object.assign(new Error("ORA-01017: denied"), { config: { user: "hr", key: "s3cret" } })
    expect(everythingShown(OracleError.fromDriver(withConfig))).not.toContain("s3cret")
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
      expect(kept).toEqual(["HR.PK", "ORA-00001"])
      const passed = yield* Effect.fail(unique).pipe(
        Effect.catchReason("OracleError", "DeadlockError", () =>
          Effect.succeed("caught")),
        Effect.flip
      )
      expect(passed).toBe(unique)
    }))

  it.effect("catchReasons and unwrapReason work on it", () =>
    Effect.gen(function*() {
      const handled = yield* Effect.fail(unique).pipe(
        Effect.catchReasons("OracleError", {
          DeadlockError: () => Effect.succeed("again"),
          UniqueViolation: (reason) => Effect.succeed(reason.constraint)
        })
      )
      expect(handled).toBe("HR.PK")
      const tag = yield* Effect.fail(unique).pipe(
        Effect.unwrapReason("OracleError"),
        Effect.catchTag("UniqueViolation", (reason) => Effect.succeed(reason._tag))
      )
      expect(tag).toBe("UniqueViolation")
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
      expect([own.reason._tag, own.isRetryable, own.isSessionFatal]).toEqual(["LockTimeoutError", true, false])
      expect(own.message).toContain("Wait for the nightly run.")
      const corrected = yield* failing(60)
      expect([corrected.reason._tag, corrected.isRetryable]).toEqual(["SerializationError", true])
      const killed = yield* failing(28)
      expect([killed.reason._tag, killed.isSessionFatal]).toEqual(["InterruptedError", true])
    }))

  it.effect("survives encoding and decoding", () =>
    Effect.gen(function*() {
      const codec = Schema.toCodecJson(OracleError.OracleError)
      const decoded = yield* Schema.decodeEffect(codec)(yield* Schema.encodeEffect(codec)(unique))
      expect(OracleError.isOracleError(decoded)).toBe(true)
      expect(OracleError.isOracleErrorReason(decoded.reason)).toBe(true)
      expect([decoded.code, decoded.constraint, decoded.message]).toEqual([
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
      expect(leaks(secret, { operation: "open session", sql: shape(secret) }, shape(secret))).toBe(false)
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
      expect(leaks(secret, { sql: shape(secret) }, shape(secret))).toBe(false)
    }))
  })

  it("removes a known secret wherever it stands", () => {
    fc.assert(fc.property(fc.string({ minLength: 4 }).map((value) => `Zq${value}`), (secret) => {
      const secrets = [Redacted.make(secret)]
      expect(OracleError.fromDriver(`said ${secret} aloud`, { secrets, sql: `-- ${secret}` }).message).not.toContain(
        secret
      )
    }))
  })

  it("keeps the frames of a stack, and cleans the message above them", () => {
    const stack = "Error: bad string scott/tiger@db\n  at scott/tiger@db:1521:1\n"
      + "    at open (/app/.pnpm/oracledb@26.0.0/lib/errors.js:910:10)\n    at async file:///app/a@b/c.js:1:2"
    const { cause } = OracleError.fromDriver(Object.assign(new Error("NJS-515: scott/tiger@db"), { stack })).reason
    expect((cause as Error).stack).toBe(stack.replaceAll("tiger", mask))
  })

  it("takes no longer for odd text", () => {
    const odd = ["password", "(password=", "(PASSWORD", "identified by ", "a/", "aaaa_", "/\"", "eyJ", "(", "=\""]
    const started = performance.now()
    for (const piece of odd) redactSecrets(`${piece.repeat(20_000)}@`)
    expect(performance.now() - started).toBeLessThan(5000)
  })

  it("leaves ordinary text alone", () => {
    const ordinary = [
      "ORA-01017: invalid username/password; logon denied",
      "connection to host db.example.com port 1521 could not be established. (CONNECTION_ID=a/b+c==)",
      "select id from t where email = :email and note = 'a@b'",
      "ORA-12514: Service FREE is not registered with the listener at host 10.0.0.1 port 1521"
    ]
    for (const text of ordinary) expect(redactSecrets(text)).toBe(text)
    const update = "update app_user set password = :pw where id = :id"
    expect(redactStatement(update)).toBe(update)
    expect(redactStatement("update app_user set password = 'tiger'")).toBe(`update app_user set password = ${mask}`)
    expect(redactSecrets("scott/tiger@db/FREE")).toBe(`scott/${mask}@db/FREE`)
  })
})
