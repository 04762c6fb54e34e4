import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ProtocolError } from "../../src/internal/net/protocolError.ts"
import { ByteReader, Incomplete } from "../../src/internal/ttc/byteReader.ts"
import { ByteWriter } from "../../src/internal/ttc/byteWriter.ts"

const written = (write: (writer: ByteWriter) => void): Buffer => {
  const writer = new ByteWriter()
  write(writer)
  return Buffer.from(writer.written())
}

describe("two-task primitives", () => {
  it("round-trips unsigned integers in as few bytes as the protocol has for them", () => {
    fc.assert(fc.property(fc.maxSafeNat(), (value) => {
      const bytes = written((writer) => writer.ub(value))
      assert.strictEqual(new ByteReader(bytes).ub8(), value)
      assert.strictEqual(bytes[0], value === 0 ? 0 : value < 2 ** 8 ? 1 : value < 2 ** 16 ? 2 : value < 2 ** 32 ? 4 : 8)
    }))
  })

  it("round-trips signed integers", () => {
    fc.assert(fc.property(fc.integer(), (value) => {
      assert.strictEqual(new ByteReader(written((writer) => writer.sb(value))).sb4(), value)
    }))
  })

  it("refuses integers with more bytes than the field has", () => {
    assert.throws(() => new ByteReader(Buffer.from("050102030405", "hex")).ub4(), ProtocolError)
    assert.throws(() => new ByteReader(Buffer.from("03010203", "hex")).ub2(), ProtocolError)
  })

  it("round-trips bytes of any length, in chunks when they are long", () => {
    const lengths = fc.oneof(fc.nat(300), fc.integer({ min: 32_000, max: 70_000 }))
    fc.assert(
      fc.property(lengths, fc.nat(255), (length, fill) => {
        const value = Buffer.alloc(length, fill)
        const read = new ByteReader(written((writer) => writer.lv(value))).lv()
        if (length === 0) assert.isNull(read)
        else assert.isTrue(value.equals(read!))
      }),
      { numRuns: 50 }
    )
  })

  it("round-trips text, whose length is that of its bytes", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      const whole = Buffer.from(text, "utf8").toString("utf8")
      assert.strictEqual(new ByteReader(written((writer) => writer.lvText(text))).lvText(), whole)
    }))
  })

  it("asks for more bytes at every place where a value is cut", () => {
    const bytes = written((writer) => writer.ub(70_000).lv(Buffer.alloc(40_000, 1)).lvText("end").u16(7))
    for (let end = 0; end < bytes.length; end += end < 100 || end > bytes.length - 100 ? 1 : 997) {
      const reader = new ByteReader(bytes, end)
      const readAll = () => {
        reader.ub4()
        reader.lv()
        reader.lvText()
        reader.u16()
      }
      assert.throws(readAll, Incomplete)
    }
  })
})
