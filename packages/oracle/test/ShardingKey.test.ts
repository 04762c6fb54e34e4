import { assert, describe, it } from "@effect/vitest"
import { ConnectDescriptor } from "@sessionpool/oracle"
import { Result } from "effect"
import * as fc from "fast-check"
import { createRequire } from "node:module"

/** The driver's own reader of descriptors; its `toString` is what goes over the wire. */
const { createNVPair }: { readonly createNVPair: (text: string) => { toString: () => string } } = createRequire(
  import.meta.url
)("oracledb/lib/thin/sqlnet/nvStrToNvPair.js")

const changed = (text: string, settings: ConnectDescriptor.ConnectDataSettings) =>
  ConnectDescriptor.parse(text).pipe(
    Result.flatMap(ConnectDescriptor.withConnectData(settings)),
    Result.map(ConnectDescriptor.print),
    Result.getOrThrow
  )

describe("sharding keys", () => {
  const keyOf = (text: string) => /\((SHARDING_KEY(?:_B64)?)=([^()]*)\)/.exec(text)?.slice(1) ?? []
  const rendered = (shardingKey: ConnectDescriptor.ShardingKey) => keyOf(changed("db/s", { shardingKey }))

  /** Reads Oracle's NUMBER, written apart from the code that makes it. */
  const readNumber = (bytes: ReadonlyArray<number>): string => {
    const [head = 0, ...rest] = bytes
    if (head === 0x80) return "0"
    const negative = head < 0x80
    const exponent = (negative ? ~head & 0xff : head) - 193
    const digits = rest.filter((byte) => !(negative && byte === 102))
      .map((byte) => String(negative ? 101 - byte : byte - 1).padStart(2, "0")).join("")
    const point = (exponent + 1) * 2
    const whole = point <= 0 ? "" : digits.slice(0, point).padEnd(point, "0").replace(/^0+/, "")
    const fraction = (point <= 0 ? "0".repeat(-point) + digits : digits.slice(point)).replace(/0+$/, "")
    return `${negative ? "-" : ""}${whole || "0"}${fraction === "" ? "" : `.${fraction}`}`
  }

  const columns = (text: string): ReadonlyArray<ReadonlyArray<number>> =>
    text.split(",").slice(1).map((column) => Array.from(Buffer.from(column, "base64")))

  it("print numbers in full", () => {
    assert.deepStrictEqual(rendered([1e21, -0.5, 1.25e-7, 0, -0, 123n]), [
      "SHARDING_KEY",
      "1000000000000000000000,-0.5,0.000000125,0,0,123"
    ])
  })

  it("take the base64 form when a column cannot stand in text", () => {
    for (const text of ["a(b", "a)b", "a=b", "a,b", "a#b", "a\\", "\"a", "'a", " a", "é", "a\nb"]) {
      const [name, value = ""] = rendered([text, 7])
      assert.strictEqual(name, "SHARDING_KEY_B64")
      assert.strictEqual(Buffer.from(value.split(",")[1] ?? "", "base64").toString("utf8"), text)
      assert.deepStrictEqual(columns(value)[1], [0xc1, 8])
    }
    assert.deepStrictEqual(rendered("O'Brien & Co."), ["SHARDING_KEY", "O'Brien & Co."])
  })

  it("encode numbers as Oracle does", () => {
    const known: ReadonlyArray<readonly [number | bigint, ReadonlyArray<number>]> = [
      [0, [0x80]],
      [1, [0xc1, 2]],
      [-1, [0x3e, 100, 102]],
      [100, [0xc2, 2]],
      [123, [0xc2, 2, 24]],
      [-123.45, [0x3d, 100, 78, 56, 102]],
      [0.01, [0xc0, 2]]
    ]
    for (const [value, bytes] of known) {
      assert.deepStrictEqual([value, columns(rendered([value, "é"])[1] ?? "")[0]], [value, bytes])
    }
    const numbers = fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }))
    fc.assert(fc.property(numbers, (value) => {
      assert.strictEqual(readNumber(columns(rendered([value, "é"])[1] ?? "")[0] ?? []), String(value))
    }))
    fc.assert(fc.property(fc.double({ noNaN: true, min: -1e30, max: 1e30 }), (value) => {
      fc.pre(value === 0 || Math.abs(value) > 1e-30)
      assert.strictEqual(Number(readNumber(columns(rendered([value, "é"])[1] ?? "")[0] ?? [])), value === 0 ? 0 : value)
    }))
  })

  it("encode dates in UTC", () => {
    assert.deepStrictEqual(columns(rendered(new Date("2026-08-07T13:14:15Z"))[1] ?? "")[0], [
      120,
      126,
      8,
      7,
      14,
      15,
      16
    ])
    assert.deepStrictEqual(columns(rendered(new Date("2026-08-07T13:14:15.250Z"))[1] ?? "")[0]?.slice(7), [
      0x0e,
      0xe6,
      0xb2,
      0x80
    ])
  })

  it("reach the server through the driver as they were given", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string({ minLength: 1 }), fc.integer()), { minLength: 1, maxLength: 4 }),
        (key) => {
          const text = changed("db/sales", { shardingKey: key })
          // Twice, as the driver reads the text that it has built once more; then one byte a character.
          const sent = createNVPair(createNVPair(text).toString()).toString()
          assert.include(Buffer.from(sent, "ascii").toString("latin1"), `(${rendered(key).join("=")})`)
        }
      )
    )
  })
})
