/** The bytes of BINARY_FLOAT and BINARY_DOUBLE. */
// Oracle's order-preserving form: positive numbers get the top bit set, all bits of negative ones are complemented.

const fold = (bytes: Buffer): Buffer => {
  if (bytes[0]! & 0x80) { for (let index = 0; index < bytes.length; index++) bytes[index]! ^= 0xff }
  else bytes[0]! |= 0x80
  return bytes
}

const unfold = (bytes: Buffer): Buffer => {
  const out = Buffer.from(bytes)
  if (out[0]! & 0x80) out[0]! &= 0x7f
  else for (let index = 0; index < out.length; index++) out[index]! ^= 0xff
  return out
}

export const encodeBinaryDouble = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeDoubleBE(value)
  return fold(bytes)
}

export const encodeBinaryFloat = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeFloatBE(value)
  return fold(bytes)
}

export const decodeBinaryDouble = (bytes: Buffer): number => unfold(bytes).readDoubleBE(0)

export const decodeBinaryFloat = (bytes: Buffer): number => unfold(bytes).readFloatBE(0)
