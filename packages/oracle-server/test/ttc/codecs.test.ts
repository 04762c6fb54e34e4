import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { DateTime } from "../../src/internal/engine/engine.ts"
import { ByteReader } from "../../src/internal/ttc/byteReader.ts"
import { ByteWriter } from "../../src/internal/ttc/byteWriter.ts"
import {
  decodeBinaryDouble,
  decodeBinaryFloat,
  encodeBinaryDouble,
  encodeBinaryFloat
} from "../../src/internal/ttc/floatCodec.ts"
import { decodeNumber, encodeNumber } from "../../src/internal/ttc/numberCodec.ts"
import { decodeOson } from "../../src/internal/ttc/osonDecoder.ts"
import { encodeOson } from "../../src/internal/ttc/osonEncoder.ts"
import { formatRowid, parseRowid } from "../../src/internal/ttc/rowidCodec.ts"
import {
  readDateTime,
  readIntervalDayToSecond,
  readIntervalYearToMonth,
  writeDate,
  writeIntervalDayToSecond,
  writeIntervalYearToMonth,
  writeTimestamp,
  writeTimestampTz
} from "../../src/internal/ttc/temporalCodec.ts"
import { decodeVector, encodeVector } from "../../src/internal/ttc/vectorCodec.ts"

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

/** What `write` writes, without the length in front. */
const value = (write: (writer: ByteWriter) => void): Buffer => {
  const writer = new ByteWriter()
  write(writer)
  return Buffer.from(new ByteReader(Buffer.from(writer.written())).lv()!)
}

describe("NUMBER", () => {
  it("has the bytes that Oracle documents with DUMP", () => {
    assert.strictEqual(hex(encodeNumber("0")), "80")
    assert.strictEqual(hex(encodeNumber("1")), "c102")
    assert.strictEqual(hex(encodeNumber("-1")), "3e6466")
    assert.strictEqual(hex(encodeNumber("100")), "c202")
    assert.strictEqual(hex(encodeNumber("123.45")), "c202182e")
    assert.strictEqual(hex(encodeNumber("-123.45")), "3d644e3866")
    assert.strictEqual(hex(encodeNumber("0.001")), "bf0b")
    assert.strictEqual(hex(encodeNumber("1e-130")), "8002")
  })

  it("keeps every digit of 38, at any scale", () => {
    const digits = fc.stringMatching(/^[1-9][0-9]{0,37}$/)
    fc.assert(fc.property(digits, fc.integer({ min: -60, max: 60 }), fc.boolean(), (text, exponent, negative) => {
      const sign = negative ? "-" : ""
      const expected = exponent >= 0
        ? text + "0".repeat(exponent)
        : `${text.padStart(1 - exponent, "0").slice(0, exponent)}.${text.padStart(1 - exponent, "0").slice(exponent)}`
          .replace(/\.?0+$/, "")
      assert.strictEqual(decodeNumber(encodeNumber(`${sign}${text}e${exponent}`)), sign + expected)
    }))
  })

  it("takes integers without going through text, with the same bytes", () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (integer) => {
      assert.strictEqual(hex(encodeNumber(integer)), hex(encodeNumber(String(integer))))
      assert.strictEqual(decodeNumber(encodeNumber(integer)), String(integer))
    }))
  })

  it("sorts its bytes as the numbers sort", () => {
    const number = fc.tuple(fc.maxSafeInteger(), fc.integer({ min: -20, max: 20 })).map(([digits, scale]) => ({
      text: `${digits}e${scale}`,
      value: Number(`${digits}e${scale}`)
    }))
    fc.assert(fc.property(number, number, (one, other) => {
      fc.pre(Math.abs(one.value - other.value) > Math.abs(one.value) * 1e-12)
      const order = Buffer.compare(encodeNumber(one.text), encodeNumber(other.text))
      assert.strictEqual(order < 0, one.value < other.value)
    }))
  })

  it("rounds what is beyond 40 digits and refuses what is beyond 1e126", () => {
    assert.strictEqual(decodeNumber(encodeNumber("9".repeat(41))), `1${"0".repeat(41)}`)
    assert.throws(() => encodeNumber("1e126"), /ORA-01426/)
    assert.strictEqual(decodeNumber(encodeNumber("1e-140")), "0")
  })
})

const moment: fc.Arbitrary<DateTime> = fc.record({
  _tag: fc.constant("DateTime"),
  year: fc.integer({ min: 1, max: 9998 }),
  month: fc.integer({ min: 1, max: 12 }),
  day: fc.integer({ min: 1, max: 28 }),
  hour: fc.integer({ min: 0, max: 23 }),
  minute: fc.integer({ min: 0, max: 59 }),
  second: fc.integer({ min: 0, max: 59 }),
  nanosecond: fc.integer({ min: 0, max: 999_999_999 }),
  offsetMinutes: fc.constant(0)
})

describe("dates and intervals", () => {
  it("round-trips DATE, TIMESTAMP and TIMESTAMP WITH TIME ZONE", () => {
    fc.assert(fc.property(moment, fc.integer({ min: -12 * 60, max: 14 * 60 }), (time, offsetMinutes) => {
      assert.deepStrictEqual(readDateTime(value((writer) => writeDate(writer, time))), { ...time, nanosecond: 0 })
      assert.deepStrictEqual(readDateTime(value((writer) => writeTimestamp(writer, time))), time)
      const zoned = { ...time, offsetMinutes }
      assert.deepStrictEqual(readDateTime(value((writer) => writeTimestampTz(writer, zoned))), zoned)
    }))
  })

  it("sends a time with a zone in UTC", () => {
    const bytes = value((writer) =>
      writeTimestampTz(writer, {
        _tag: "DateTime",
        year: 2024,
        month: 1,
        day: 1,
        hour: 0,
        minute: 30,
        second: 0,
        nanosecond: 0,
        offsetMinutes: 120
      })
    )
    // 2023-12-31 22:30:00, zone +02:00
    assert.strictEqual(hex(bytes), "787b0c1f171f0100000000163c")
  })

  it("goes back before the year 1", () => {
    const ancient: DateTime = {
      _tag: "DateTime",
      year: -4712,
      month: 1,
      day: 1,
      hour: 0,
      minute: 0,
      second: 0,
      nanosecond: 0,
      offsetMinutes: 0
    }
    assert.deepStrictEqual(readDateTime(value((writer) => writeDate(writer, ancient))), ancient)
  })

  it("round-trips both kinds of intervals, with their signs", () => {
    const sign = fc.constantFrom(1, -1)
    fc.assert(fc.property(sign, fc.nat(999_999_999), fc.nat(11), (sign, years, months) => {
      const interval = { _tag: "IntervalYearToMonth" as const, years: sign * years + 0, months: sign * months + 0 }
      assert.deepEqual(readIntervalYearToMonth(value((writer) => writeIntervalYearToMonth(writer, interval))), interval)
    }))
    const parts = fc.tuple(fc.nat(999_999_999), fc.nat(23), fc.nat(59), fc.nat(59), fc.nat(999_999_999))
    fc.assert(fc.property(sign, parts, (sign, [days, hours, minutes, seconds, nanoseconds]) => {
      const interval = {
        _tag: "IntervalDayToSecond" as const,
        days: sign * days + 0,
        hours: sign * hours + 0,
        minutes: sign * minutes + 0,
        seconds: sign * seconds + 0,
        nanoseconds: sign * nanoseconds + 0
      }
      assert.deepEqual(readIntervalDayToSecond(value((writer) => writeIntervalDayToSecond(writer, interval))), interval)
    }))
  })
})

describe("floats, rowids and vectors", () => {
  it("round-trips BINARY_DOUBLE and BINARY_FLOAT", () => {
    fc.assert(fc.property(fc.double(), fc.float(), (double, float) => {
      assert.isTrue(Object.is(decodeBinaryDouble(encodeBinaryDouble(double)), double))
      assert.isTrue(Object.is(decodeBinaryFloat(encodeBinaryFloat(float)), float))
    }))
  })

  it("sorts the bytes of doubles as the numbers sort", () => {
    const double = fc.double({ noNaN: true })
    fc.assert(fc.property(double, double, (one, other) => {
      fc.pre(one !== other)
      assert.strictEqual(Buffer.compare(encodeBinaryDouble(one), encodeBinaryDouble(other)) < 0, one < other)
    }))
  })

  it("round-trips rowids", () => {
    const parts = fc.record({
      rba: fc.nat(2 ** 32 - 1),
      partition: fc.nat(2 ** 16 - 1),
      block: fc.nat(2 ** 32 - 1),
      slot: fc.nat(2 ** 16 - 1)
    })
    fc.assert(fc.property(parts, (rowid) => {
      assert.strictEqual(formatRowid(rowid).length, 18)
      assert.deepStrictEqual(parseRowid(formatRowid(rowid)), rowid)
    }))
  })

  it("round-trips vectors of every format", () => {
    const check = (format: "FLOAT32" | "FLOAT64" | "INT8" | "BINARY", element: fc.Arbitrary<number>) =>
      fc.assert(fc.property(fc.array(element, { minLength: 1 }), (values) => {
        const vector = { _tag: "Vector" as const, format, values }
        assert.deepStrictEqual(decodeVector(encodeVector(vector)), vector)
      }))
    check("FLOAT64", fc.double({ noNaN: true }))
    check("FLOAT32", fc.float({ noNaN: true }))
    check("INT8", fc.integer({ min: -128, max: 127 }))
    check("BINARY", fc.nat(255))
  })
})

describe("OSON", () => {
  it("round-trips JSON values", () => {
    fc.assert(fc.property(fc.jsonValue(), (json) => {
      // NUMBER has no negative zero.
      const expected: unknown = JSON.parse(JSON.stringify(json), (_, part: unknown) => part === 0 ? 0 : part)
      fc.pre(!/e[+-]\d{3}/.test(JSON.stringify(json)))
      assert.deepEqual(decodeOson(encodeOson(json)), expected)
    }))
  })

  it("round-trips field names of any length and number, and long texts", () => {
    const many = Object.fromEntries(Array.from({ length: 700 }, (_, index) => [`field ${index}`, index]))
    const json = { many, ["n".repeat(300)]: 1, ["m".repeat(40_000)]: ["x".repeat(70_000), "", "y".repeat(300)] }
    assert.deepStrictEqual(decodeOson(encodeOson(json)), json)
    const array = Array.from({ length: 70_000 }, (_, index) => index % 10)
    assert.deepStrictEqual(decodeOson(encodeOson(array)), array)
  })

  it("keeps a field called __proto__ a field", () => {
    const json: unknown = JSON.parse("{\"__proto__\":{\"admin\":true}}")
    const decoded = decodeOson(encodeOson(json))
    assert.deepStrictEqual(Object.keys(decoded as object), ["__proto__"])
  })

  it("fails on damaged images instead of hanging or running off", () => {
    const image = encodeOson({ a: [1, { b: "text" }], c: null })
    fc.assert(fc.property(fc.nat(image.length - 1), fc.nat(255), fc.nat(image.length), (at, byte, length) => {
      const damaged = Buffer.from(image.subarray(0, length))
      if (at < damaged.length) damaged[at] = byte
      try {
        decodeOson(damaged)
      } catch (cause) {
        assert.instanceOf(cause, Error)
      }
    }))
  })
})
