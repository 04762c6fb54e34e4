/** The bytes of NUMBER on the wire, as decimal text. */
import { fromBytes, fromInteger, fromText, toBytes, toText } from "../engine/values/oracleNumber.ts"
import { ProtocolError } from "../net/protocolError.ts"

/** The bytes of a NUMBER, from decimal text (an exponent is allowed), or from a number or bigint. */
export const encodeNumber = (value: string | number | bigint): Uint8Array =>
  toBytes(typeof value === "number" && Number.isSafeInteger(value) ? fromInteger(value) : fromText(String(value)))

const maxLength = 22

/** Decimal text, without an exponent, of the bytes of a NUMBER that a client has sent. */
export const decodeNumber = (bytes: Uint8Array): string => {
  const negative = bytes[0]! < 0x80
  const last = bytes.length - 1
  if (last < 0 || bytes.length > maxLength || (last === 0 && bytes[0] !== 0x80)) throw new ProtocolError("NUMBER")
  for (let index = 1; index <= last; index++) {
    const byte = bytes[index]!
    if (negative ? byte < 2 || byte > (index === last ? 102 : 101) : byte < 1 || byte > 100) {
      throw new ProtocolError("NUMBER digit")
    }
  }
  return toText(fromBytes(bytes))
}
