/** A column that is written in one pass is what any other way of writing it would make of it. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { RefusedBind } from "../src/internal/bindRefusal.ts"
import { driver } from "../src/internal/oracledb.ts"
import { plainColumn } from "../src/internal/plainColumn.ts"

const column = (...values: ReadonlyArray<unknown>) => plainColumn(":a", values.map((a) => ({ a })), "a", "utc")

describe("a column of plain values", () => {
  it("has the type of its first value that says one", () => {
    assert.strictEqual(column(null, undefined, 7)?.definition.type, driver.DB_TYPE_NUMBER)
    assert.strictEqual(column(7n)?.definition.type, driver.DB_TYPE_NUMBER)
    assert.strictEqual(column(null, true)?.definition.type, driver.DB_TYPE_BOOLEAN)
    assert.strictEqual(column(new Date(0))?.definition.type, driver.DB_TYPE_TIMESTAMP)
    assert.deepStrictEqual(column(Buffer.alloc(7), Buffer.alloc(9))?.definition, {
      type: driver.DB_TYPE_RAW,
      maxSize: 9
    })
    assert.deepStrictEqual(column(null, undefined)?.definition, { type: driver.DB_TYPE_VARCHAR, maxSize: 1 })
  })

  it("has room for each of its texts, and exactly as much where the server takes long ones otherwise", () => {
    fc.assert(fc.property(fc.array(fc.string({ unit: "binary", maxLength: 6000 }), { minLength: 1 }), (texts) => {
      const { maxSize = 0 } = column(...texts)!.definition
      const longest = Math.max(1, ...texts.map((text) => Buffer.byteLength(text)))
      assert.isAtLeast(maxSize, longest)
      if (maxSize > 4000) assert.strictEqual(maxSize, longest)
    }))
    assert.strictEqual(column("é".repeat(2000))?.definition.maxSize, 4000)
    assert.strictEqual(column("é".repeat(2001))?.definition.maxSize, 4002)
  })

  it("keeps the values in their order", () => {
    assert.deepStrictEqual(column("a", null, "", undefined, "b")?.values, ["a", null, "", undefined, "b"])
  })

  it("gives bytes to the driver as a Buffer over the same memory", () => {
    const memory = new Uint8Array([1, 2, 3, 4])
    const [written] = column(memory.subarray(1, 3))!.values
    assert.isTrue(Buffer.isBuffer(written))
    assert.deepStrictEqual(written, Buffer.from([2, 3]))
    memory[1] = 9
    assert.deepStrictEqual(written, Buffer.from([9, 3]))
  })

  it("is left to others when a value needs more", () => {
    assert.isUndefined(column(1, { val: 1 }))
    assert.isUndefined(column(1, new Float32Array(3)))
    assert.isUndefined(column(() => 1))
  })

  it("names the row whose value cannot be sent", () => {
    for (const wrong of [Number.NaN, 1e126, 10n ** 130n, new Date(Number.NaN), new Date("-000001-01-01T00:00:00Z")]) {
      try {
        column(1, null, wrong)
        assert.fail("it was written")
      } catch (thrown) {
        assert.instanceOf(thrown, RefusedBind)
        assert.strictEqual(thrown.where, ":a of row 2")
      }
    }
  })
})
