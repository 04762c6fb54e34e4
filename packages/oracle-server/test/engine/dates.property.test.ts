import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import {
  addMonths,
  decodeTimestamp,
  decodeZoned,
  encodeTimestamp,
  encodeZoned,
  fieldsOf,
  lastDayOfMonth,
  secondsOf
} from "../../src/internal/engine/values/calendar.ts"
import { readDate } from "../../src/internal/engine/values/format/dateReader.ts"
import { dayOfYear, formatDate, isoWeek } from "../../src/internal/engine/values/format/dateWriter.ts"
import { parseZone, toUtc } from "../../src/internal/engine/values/timeZones.ts"

const first = Math.floor(Date.UTC(1, 0, 1) / 1000)
const seconds = fc.integer({
  min: Math.floor(Date.UTC(1582, 9, 15) / 1000),
  max: Math.floor(Date.UTC(9999, 11, 31) / 1000)
})
const nanos = fc.integer({ min: 0, max: 999_999_999 })

describe("dates", () => {
  it("have the calendar of the language", () => {
    fc.assert(fc.property(seconds, (at) => {
      const date = new Date(at * 1000)
      const f = fieldsOf(at)
      assert.deepStrictEqual([f.year, f.month, f.day, f.hour, f.minute, f.second], [
        date.getUTCFullYear(),
        date.getUTCMonth() + 1,
        date.getUTCDate(),
        date.getUTCHours(),
        date.getUTCMinutes(),
        date.getUTCSeconds()
      ])
      assert.strictEqual(secondsOf(f), at)
      assert.isAbove(dayOfYear(f), 0)
      assert.isAtMost(isoWeek(f)[1], 53)
    }))
    assert.isBelow(first, 0)
  })

  it("have every day of the Julian calendar in its order (F17)", () => {
    let [year, month, day] = [-4712, 1, 1]
    for (let days = -2440588; days < -141427; days++) {
      const f = fieldsOf(days * 86400)
      if (f.year !== year || f.month !== month || f.day !== day || secondsOf(f) !== days * 86400) {
        assert.deepStrictEqual([days, f], [days, { ...f, year, month, day }])
      }
      day++
      if (day > lastDayOfMonth(year, month)) [month, day] = [month + 1, 1]
      if (month > 12) [year, month] = [year + 1, 1]
    }
    assert.deepStrictEqual([year, month, day], [1582, 10, 5])
    assert.containSubset(fieldsOf(-141427 * 86400), { year: 1582, month: 10, day: 15 })
  })

  it("come back through every full format", () => {
    const formats = [
      "YYYY-MM-DD HH24:MI:SS.FF9",
      "DD.MM.YYYY HH:MI:SS.FF9 AM",
      "fmDay, DD Month YYYY fmHH24:MI:SS.FF9",
      "YYYYDDD SSSSS.FF9",
      "J HH24MISS.FF9",
      "\"on\" DD-MON-YYYY \"at\" HH24:MI:SS.FF9"
    ]
    fc.assert(fc.property(seconds, nanos, fc.constantFrom(...formats), (at, ns, format) => {
      const text = formatDate({ seconds: at, nanos: ns }, format, undefined, true, 6)
      const read = readDate(text, format, 0)
      assert.deepStrictEqual([read.seconds, read.nanos, text], [at, ns, text])
    }))
  })

  it("sort as text the way they sort in time", () => {
    fc.assert(fc.property(seconds, nanos, seconds, nanos, (s1, n1, s2, n2) => {
      const a = encodeTimestamp({ seconds: s1, nanos: n1 })
      const b = encodeTimestamp({ seconds: s2, nanos: n2 })
      assert.deepStrictEqual(decodeTimestamp(a), { seconds: s1, nanos: n1 })
      assert.strictEqual(Math.sign(a < b ? -1 : a > b ? 1 : 0), Math.sign(s1 - s2 || n1 - n2))
    }))
  })

  it("keep zones", () => {
    fc.assert(fc.property(seconds, nanos, fc.integer({ min: -899, max: 840 }), (at, ns, offsetMinutes) => {
      const zoned = { seconds: at, nanos: ns, offsetMinutes, region: "" }
      assert.deepStrictEqual(decodeZoned(encodeZoned(zoned)), zoned)
    }))
    const berlin = parseZone("Europe/Berlin")
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000_000_000 }), (utc) => {
        const local = utc + berlin.offsetAt(utc) * 60
        // In the hour that the clock shows twice, the first reading is meant.
        assert.include([0, 3600], utc - toUtc(berlin, local))
      }),
      { numRuns: 40, examples: [[749_001_600], [749_005_200]] }
    )
  })

  it("take the first of two equal readings of the clock, and one that is left out by the time before", () => {
    const berlin = parseZone("Europe/Berlin")
    const reading = Date.UTC(1993, 8, 26, 2) / 1000
    assert.strictEqual(toUtc(berlin, reading), Date.UTC(1993, 8, 26, 0) / 1000)
    assert.strictEqual(toUtc(berlin, Date.UTC(2024, 2, 31, 2, 30) / 1000), Date.UTC(2024, 2, 31, 1, 30) / 1000)
    const york = parseZone("America/New_York")
    assert.strictEqual(toUtc(york, Date.UTC(2024, 10, 3, 1, 30) / 1000), Date.UTC(2024, 10, 3, 5, 30) / 1000)
    assert.strictEqual(toUtc(york, Date.UTC(2024, 2, 10, 2, 30) / 1000), Date.UTC(2024, 2, 10, 7, 30) / 1000)
  })

  it("add months back and forth except at the end of a month", () => {
    fc.assert(fc.property(seconds, fc.integer({ min: -240, max: 240 }), (at, months) => {
      if (fieldsOf(at).day > 27 || fieldsOf(at).year > 9970 || fieldsOf(at).year < 1030) return
      assert.strictEqual(addMonths(addMonths(at, months), -months), at)
    }))
  })
})
