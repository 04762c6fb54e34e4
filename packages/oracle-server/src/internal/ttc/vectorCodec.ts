/** The bytes of VECTOR. */
import type { VectorValue } from "../engine/engine.ts"
import { ProtocolError } from "../net/protocolError.ts"
import { decodeBinaryDouble, decodeBinaryFloat, encodeBinaryDouble, encodeBinaryFloat } from "./floatCodec.ts"

const magic = 0xdb
const versionBase = 0
const versionWithBinary = 1
const versionWithSparse = 2
const flagNorm = 0x0002
const flagNormReserved = 0x0010
const flagSparse = 0x0020

/** Numbers of the element formats on the wire; 0 stands for any format in metadata. */
export const vectorFormatNumber = { ANY: 0, FLOAT32: 2, FLOAT64: 3, INT8: 4, BINARY: 5 } as const

const formats = new Map<number, VectorValue["format"]>([[2, "FLOAT32"], [3, "FLOAT64"], [4, "INT8"], [5, "BINARY"]])
const elementSize = { FLOAT32: 4, FLOAT64: 8, INT8: 1, BINARY: 1 } as const

export const encodeVector = (value: VectorValue): Buffer => {
  const binary = value.format === "BINARY"
  const size = elementSize[value.format]
  const out = Buffer.alloc(17 + value.values.length * size)
  out[0] = magic
  out[1] = binary ? versionWithBinary : versionBase
  out.writeUInt16BE(binary ? flagNormReserved : flagNorm | flagNormReserved, 2)
  out[4] = vectorFormatNumber[value.format]
  // A BINARY vector has eight dimensions a byte. Eight bytes for the norm follow in every format.
  out.writeUInt32BE(value.values.length * (binary ? 8 : 1), 5)
  let at = 17
  for (const element of value.values) {
    if (value.format === "FLOAT32") out.set(encodeBinaryFloat(element), at)
    else if (value.format === "FLOAT64") out.set(encodeBinaryDouble(element), at)
    else out[at] = element & 0xff
    at += size
  }
  return out
}

/** Sparse vectors come back dense. */
export const decodeVector = (bytes: Buffer): VectorValue => {
  if (bytes.length < 9 || bytes[0] !== magic) throw new ProtocolError("VECTOR image")
  if (bytes[1]! > versionWithSparse) throw new ProtocolError(`VECTOR version ${bytes[1]}`)
  const flags = bytes.readUInt16BE(2)
  const format = formats.get(bytes[4]!)
  if (format === undefined) throw new ProtocolError(`VECTOR format ${bytes[4]}`)
  const dimensions = bytes.readUInt32BE(5)
  let at = 9
  if (format === "BINARY" || (flags & flagNorm) !== 0) at += 8
  const size = elementSize[format]
  const element = (): number => {
    if (at + size > bytes.length) throw new ProtocolError("VECTOR image is cut short")
    const piece = bytes.subarray(at, at + size)
    at += size
    if (format === "FLOAT32") return decodeBinaryFloat(piece)
    if (format === "FLOAT64") return decodeBinaryDouble(piece)
    return format === "INT8" ? piece.readInt8(0) : piece[0]!
  }
  if ((flags & flagSparse) === 0) {
    const count = format === "BINARY" ? dimensions / 8 : dimensions
    if (count * size > bytes.length - at) throw new ProtocolError("VECTOR image is cut short")
    return { _tag: "Vector", format, values: Array.from({ length: count }, element) }
  }
  if (at + 2 > bytes.length || dimensions > 65_535) throw new ProtocolError("VECTOR image is cut short")
  const count = bytes.readUInt16BE(at)
  at += 2
  if (count * (4 + size) > bytes.length - at) throw new ProtocolError("VECTOR image is cut short")
  const indices = Array.from({ length: count }, (_, index) => bytes.readUInt32BE(at + index * 4))
  at += count * 4
  const values = Array.from({ length: dimensions }, () => 0)
  for (const index of indices) {
    if (index >= dimensions) throw new ProtocolError("VECTOR index")
    values[index] = element()
  }
  return { _tag: "Vector", format, values }
}
