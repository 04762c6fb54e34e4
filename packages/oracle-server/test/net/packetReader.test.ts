import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { encodeAccept, type NetTerms } from "../../src/internal/net/handshake.ts"
import { encodeData, encodeMarker, encodePacket, PacketReader, PacketType } from "../../src/internal/net/packet.ts"
import { ProtocolError } from "../../src/internal/net/protocolError.ts"

/** Cuts `bytes` at the given places. */
const split = (bytes: Buffer, cuts: ReadonlyArray<number>): Array<Buffer> => {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((one, other) => one - other)
  const pieces: Array<Buffer> = []
  let from = 0
  for (const place of [...places, bytes.length]) {
    pieces.push(bytes.subarray(from, place))
    from = place
  }
  return pieces
}

const readAll = (reader: PacketReader, pieces: ReadonlyArray<Buffer>) => {
  const packets = []
  for (const piece of pieces) {
    reader.push(piece)
    for (let packet = reader.next(); packet !== undefined; packet = reader.next()) packets.push(packet)
  }
  return packets
}

describe("PacketReader", () => {
  it("finds the same packets however the stream is cut", () => {
    const packets = fc.array(
      fc.record({ type: fc.integer({ min: 1, max: 14 }), body: fc.uint8Array({ maxLength: 300 }) })
    )
    fc.assert(fc.property(packets, fc.array(fc.nat()), fc.boolean(), (sent, cuts, large) => {
      const stream = Buffer.concat(sent.map(({ body, type }) => encodePacket(type, body, large)))
      const reader = new PacketReader()
      if (large) reader.agree(true, 2_097_152)
      const received = readAll(reader, split(stream, cuts))
      assert.deepStrictEqual(
        received.map(({ body, type }) => ({ type, body: [...body] })),
        sent.map(({ body, type }) => ({ type, body: [...body] }))
      )
    }))
  })

  it("changes to 32-bit lengths between two packets", () => {
    const reader = new PacketReader()
    reader.push(encodePacket(PacketType.connect, Buffer.from("first"), false))
    assert.strictEqual(reader.next()?.body.toString(), "first")
    reader.agree(true, 2_097_152)
    reader.push(encodePacket(PacketType.data, Buffer.alloc(100_000, 7), true))
    assert.strictEqual(reader.next()?.body.length, 100_000)
  })

  it("refuses lengths that no packet has", () => {
    for (const length of [0, 1, 7]) {
      const reader = new PacketReader()
      const head = Buffer.alloc(8)
      head.writeUInt16BE(length, 0)
      reader.push(head)
      assert.throws(() => reader.next(), ProtocolError)
    }
    const reader = new PacketReader()
    reader.agree(true, 2_097_152)
    reader.push(Buffer.from("ffffffff06000000", "hex"))
    assert.throws(() => reader.next(), ProtocolError)
  })
})

describe("encodeData", () => {
  it("keeps to the SDU and marks only the last packet", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 512, max: 2048 }), (payload, sdu) => {
      const reader = new PacketReader()
      reader.agree(true, 2_097_152)
      const packets = readAll(reader, [encodeData(payload, sdu, true, 0x2000)])
      assert.isTrue(packets.every(({ body }) => body.length + 8 <= sdu))
      assert.deepStrictEqual(Buffer.concat(packets.map(({ body }) => body.subarray(2))), Buffer.from(payload))
      const flags = packets.map(({ body }) => body.readUInt16BE(0))
      assert.strictEqual(flags.at(-1), 0x2000)
      assert.isTrue(flags.slice(0, -1).every((flag) => flag === 0))
    }))
  })
})

describe("fixed packets", () => {
  it("writes ACCEPT with the terms at the offsets where clients look", () => {
    const terms: NetTerms = { version: 319, sdu: 8192, tdu: 65_535, large: true, endOfResponse: true, fastAuth: true }
    const accept = encodeAccept(terms)
    assert.strictEqual(accept.length, 61)
    assert.deepStrictEqual(accept.subarray(45), Buffer.alloc(16))
    assert.strictEqual(accept.readUInt16BE(8), 319)
    assert.strictEqual(accept.readUInt32BE(32), 8192)
    assert.strictEqual(accept.readUInt32BE(41), 0x1200_0000)
    assert.strictEqual(accept[23]! & 0x08, 0x08)
    assert.strictEqual(encodeAccept({ ...terms, version: 315, endOfResponse: false, fastAuth: false }).length, 41)
  })

  it("writes markers of eleven bytes", () => {
    assert.strictEqual(encodeMarker(2, false).toString("hex"), "000b00000c000000010002")
  })
})
