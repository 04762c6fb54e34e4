/** DBMS_CRYPTO's ENCRYPT and DECRYPT: what the number of a cipher suite means, and its run. */
import { createCipheriv, createDecipheriv } from "node:crypto"
import { oraError, unimplemented } from "../../values/oraError.ts"

interface Algorithm {
  readonly name: string
  readonly keyLength: number
  readonly block: number
}

const des3 = { name: "des-ede3", keyLength: 24, block: 8 }
const algorithms: Readonly<Record<number, Algorithm>> = {
  2: { name: "des-ede3", keyLength: 16, block: 8 },
  3: des3,
  6: { name: "aes-128", keyLength: 16, block: 16 },
  7: { name: "aes-192", keyLength: 24, block: 16 },
  8: { name: "aes-256", keyLength: 32, block: 16 }
}
const absent: Readonly<Record<number, string>> = { 1: "ENCRYPT_DES", 129: "ENCRYPT_RC4" }
const chainings: Readonly<Record<number, string>> = { 1: "cbc", 2: "cfb", 3: "ecb", 4: "ofb" }
const pad = { pkcs5: 1, none: 2, zero: 3, orcl: 4 } as const

const failed = (): Error => oraError(28817, "PL/SQL function returned an error.")

/** The parts of the number, whose last byte is the algorithm, then four bits each for the chaining and the padding. */
const suiteOf = (
  typ: number
): { readonly algorithm: Algorithm; readonly chaining: string; readonly padding: number } => {
  const missing = absent[typ & 0xff]
  if (missing !== undefined) throw unimplemented(`DBMS_CRYPTO.${missing}`)
  const algorithm = algorithms[typ & 0xff]
  if (algorithm === undefined) throw oraError(28827, "invalid cipher type passed")
  const mode = (typ >> 8) & 0xf
  if (mode > 4) throw unimplemented("DBMS_CRYPTO with GCM, CCM or XTS")
  const chaining = chainings[mode]
  const padding = typ >> 12
  if (chaining === undefined || padding < pad.pkcs5 || padding > pad.orcl) {
    throw oraError(28827, "invalid cipher type passed")
  }
  if (padding === pad.orcl) throw unimplemented("DBMS_CRYPTO.PAD_ORCL")
  return { algorithm, chaining, padding }
}

/** Encrypts or decrypts. Without a vector it starts with zeros; a longer key than the algorithm takes counts up to there. */
export const cipher = (
  decrypts: boolean,
  data: Uint8Array,
  typ: number,
  key: Uint8Array | null,
  iv: Uint8Array | null
): Uint8Array => {
  const { algorithm, chaining, padding } = suiteOf(typ)
  if (key === null) throw oraError(28239, "no key provided")
  const { block, keyLength, name } = algorithm
  if (key.length < keyLength) throw oraError(28234, "key length too short")
  if (iv !== null && iv.length !== block && chaining !== "ecb") throw failed()
  const used = key.slice(0, keyLength)
  // Two keys: the first is the third one as well.
  const keys = name === des3.name && keyLength === 16 ? Buffer.concat([used, used.slice(0, 8)]) : used
  const vector = chaining === "ecb" ? null : iv ?? new Uint8Array(block)
  const make = decrypts ? createDecipheriv : createCipheriv
  const run = make(chaining === "ecb" && name === des3.name ? "des-ede3" : `${name}-${chaining}`, keys, vector)
  run.setAutoPadding(padding === pad.pkcs5)
  const isStream = chaining === "cfb" || chaining === "ofb"
  const missing = (block - data.length % block) % block
  if (padding !== pad.pkcs5 && missing > 0 && !isStream && (decrypts || padding === pad.none)) throw failed()
  // A stream cipher pads nothing by itself.
  const filled = decrypts || padding === pad.none
    ? data
    : padding === pad.zero
    ? Buffer.concat([data, new Uint8Array(missing)])
    : isStream
    ? Buffer.concat([data, new Uint8Array(block - data.length % block).fill(block - data.length % block)])
    : data
  let result: Buffer
  try {
    result = Buffer.concat([run.update(filled), run.final()])
  } catch {
    throw failed()
  }
  if (!decrypts || padding === pad.none) return Uint8Array.from(result)
  if (padding === pad.zero) {
    let end = result.length
    while (end > 0 && result[end - 1] === 0) end--
    return Uint8Array.from(result.subarray(0, end))
  }
  if (!isStream) return Uint8Array.from(result)
  const count = result.at(-1) ?? 0
  if (count < 1 || count > block) throw failed()
  return Uint8Array.from(result.subarray(0, result.length - count))
}
