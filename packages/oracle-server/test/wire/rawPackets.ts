/** Packets that are made by hand, for what no client would send. */
import { encodePacket, PacketType } from "../../src/internal/net/packet.ts"

/** The first packet of a connection, with what it says of where to. */
export const connectPacket = (data: string): Buffer => {
  const body = Buffer.alloc(66)
  body.writeUInt16BE(319, 0)
  body.writeUInt16BE(300, 2)
  body.writeUInt16BE(8192, 6)
  body.writeUInt16BE(65_535, 8)
  body.writeUInt16BE(data.length, 16)
  body.writeUInt16BE(74, 18)
  body.writeUInt32BE(8192, 50)
  body.writeUInt32BE(65_535, 54)
  return encodePacket(PacketType.connect, Buffer.concat([body, Buffer.from(data)]), false)
}
