import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Option } from "effect"
import { dateForDriver, dateReader } from "../src/internal/datePolicy.ts"
import { bindText, exactNumber, numberReader, outNumberReader, Unfit } from "../src/internal/numberPolicy.ts"

describe("the NUMBER policies", () => {
  it("read all forms in which Oracle and the driver write numbers", () => {
    const forms: ReadonlyArray<readonly [text: string, printed: string]> = [
      ["0", "0"],
      ["-0", "0"],
      [".5", "0.5"],
      ["-.5", "-0.5"],
      ["0,25", "0.25"],
      ["00012.500", "12.5"],
      ["1E+3", "1000"],
      ["-12.5e-3", "-0.0125"],
      [`1${"0".repeat(125)}`, `1${"0".repeat(125)}`]
    ]
    for (const [text, printed] of forms) assert.strictEqual(numberReader("string")(text), printed)
  })

  it("give a number only where it prints with the same digits", () => {
    const read = numberReader("number")
    const held = ["0.1", "123456789012345", "9007199254740991", "1e125", "-1e-130", "0.30000000000000004", ".5"]
    for (const text of held) assert.strictEqual(read(text), Number(text))
    const lost = ["9007199254740993", "0.1000000000000000055", "12345678901234567890", "0.3333333333333333333333333333"]
    for (const text of lost) assert.instanceOf(read(text), Unfit)
    assert.strictEqual(numberReader("double")("9007199254740993"), 9007199254740992)
  })

  it("give the nearest double for every short decimal", () => {
    const read = numberReader("number")
    for (let index = 0; index < 20_000; index++) {
      // A walk over digits that repeats none of its texts.
      const digits = String((index * 7_919_317_331) % 10 ** (1 + index % 15))
      const point = index % (digits.length + 2)
      const unsigned = point > digits.length ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`
      const text = index % 2 === 0 ? unsigned : `-${unsigned}`
      assert.strictEqual(read(text), Number(text), text)
    }
    assert.isTrue(Object.is(read("-0"), -0))
    for (const text of [".", "-", "1.2.3", "--1", "1-", "0x10x"]) assert.instanceOf(read(text), Unfit, text)
  })

  it("give a bigint only for whole numbers", () => {
    assert.strictEqual(numberReader("bigint")("1E+3"), 1000n)
    assert.strictEqual(numberReader("bigint")("-12345678901234567890.0"), -12345678901234567890n)
    assert.instanceOf(numberReader("bigint")("0.5"), Unfit)
  })

  it("refuse what the server may have rounded on its way into a text", () => {
    assert.instanceOf(outNumberReader("bigDecimal")("1.234567890123456789012345678901234567E-10"), Unfit)
    assert.strictEqual(outNumberReader("string")("1.5E-10"), "0.00000000015")
  })

  it("bind without a decimal character", () => {
    assert.strictEqual(bindText(1.5), "15E-1")
    assert.strictEqual(bindText(-1e21), "-1E21")
    assert.strictEqual(bindText(BigDecimal.fromStringUnsafe("-0.00120")), "-12E-4")
    assert.strictEqual(bindText(0n), "0")
    assert.deepStrictEqual(exactNumber(BigDecimal.fromStringUnsafe("0.25")), Option.some(0.25))
    assert.deepStrictEqual(exactNumber(BigDecimal.fromStringUnsafe("1e30")), Option.some(10n ** 30n))
    assert.isTrue(Option.isNone(exactNumber(BigDecimal.fromStringUnsafe("0.1234567890123456789"))))
  })
})

describe("the DATE policy", () => {
  /** What the driver makes of a DATE: a time of the process's own zone. */
  const fromDriver = (text: string): Date => {
    const [year, month, day, hour, minute] = text.split(/\D/).map(Number)
    return new Date(year!, month! - 1, day!, hour!, minute!)
  }

  const inZone = (zone: string, run: () => void) => {
    const before = process.env["TZ"]
    process.env["TZ"] = zone
    try {
      run()
    } finally {
      if (before === undefined) delete process.env["TZ"]
      else process.env["TZ"] = before
    }
  }

  it("takes DATE for UTC in every zone, both ways", () => {
    for (const zone of ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]) {
      inZone(zone, () => {
        for (const text of ["2026-01-15T12:00", "2026-07-15T23:59", "1970-01-01T00:00", "2026-10-25T02:30"]) {
          const utc = new Date(`${text}:00Z`)
          assert.deepStrictEqual(dateReader("utc")!(fromDriver(text)), utc)
          const written = dateForDriver("utc", utc)
          const parts = [
            written.getFullYear(),
            written.getMonth() + 1,
            written.getDate(),
            written.getHours(),
            written.getMinutes()
          ]
          assert.deepStrictEqual(parts, text.split(/\D/).map(Number))
        }
      })
    }
  })

  it("writes the hours that the zone leaves out, and refuses to guess when it reads them", () => {
    inZone("Europe/Berlin", () => {
      const written = dateForDriver("utc", new Date("2026-03-29T02:30:00Z"))
      assert.deepStrictEqual([written.getHours(), written.getMinutes()], [2, 30])
      assert.instanceOf(dateReader("utc")!(fromDriver("2026-03-29T02:30")), Unfit)
      assert.instanceOf(dateReader("utc")!(fromDriver("2026-03-29T03:30")), Unfit)
      assert.instanceOf(dateReader("utc")!(fromDriver("2026-03-29T04:00")), Date)
      assert.instanceOf(dateReader("utc")!(fromDriver("2026-03-29T01:59")), Date)
    })
    inZone("UTC", () => assert.instanceOf(dateReader("utc")!(fromDriver("2026-03-29T02:30")), Date))
  })

  it("leaves dates alone under \"local\"", () => {
    const date = new Date()
    assert.strictEqual(dateForDriver("local", date), date)
    assert.isUndefined(dateReader("local"))
  })
})
