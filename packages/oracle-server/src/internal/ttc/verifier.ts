/** Password verifiers and the cryptography of a logon. */
import { createCipheriv, createDecipheriv, createHash, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto"

/** Which password verifier a user has; the client takes over whichever the server offers. */
export type VerifierKind = "11g" | "12c"

/** What is stored of a password: enough to check it, not enough to know it. */
export interface Verifier {
  readonly kind: VerifierKind
  readonly salt: Buffer
  /** The key that both sides derive from the password. */
  readonly key: Buffer
}

/** The `AUTH_VFR_DATA` flags that name the kind. */
const verifierType = (kind: VerifierKind): number => kind === "12c" ? 0x4815 : 0x1b25

/** The number of PBKDF2 rounds of a 12c verifier. */
const verifierRounds = 4096
const speedySuffix = Buffer.from("AUTH_PBKDF2_SPEEDY_KEY")

const derive = (secret: Buffer, salt: Buffer, rounds: number, size: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    pbkdf2(secret, salt, rounds, size, "sha512", (error, key) => error === null ? resolve(key) : reject(error))
  })

const keyOfSpeedyKey = (speedyKey: Buffer, salt: Buffer): Buffer =>
  createHash("sha512").update(speedyKey).update(salt).digest().subarray(0, 32)

const keyOfPassword = async (kind: VerifierKind, password: string, salt: Buffer): Promise<Buffer> => {
  const secret = Buffer.from(password, "utf8")
  if (kind === "12c") {
    const speedyKey = await derive(secret, Buffer.concat([salt, speedySuffix]), verifierRounds, 64)
    return keyOfSpeedyKey(speedyKey, salt)
  }
  return Buffer.concat([createHash("sha1").update(secret).update(salt).digest(), Buffer.alloc(4)])
}

export const makeVerifier = async (kind: VerifierKind, password: string): Promise<Verifier> => {
  const salt = randomBytes(kind === "12c" ? 16 : 10)
  return { kind, salt, key: await keyOfPassword(kind, password, salt) }
}

/** A verifier that no password matches, the same for every attempt of the same unknown user. */
export const fakeVerifier = (secret: Buffer, user: string): Verifier => {
  const bytes = createHash("sha512").update(secret).update(user).digest()
  return { kind: "12c", salt: bytes.subarray(0, 16), key: bytes.subarray(16, 48) }
}

const cipherName = (key: Buffer) => key.length === 24 ? "aes-192-cbc" : "aes-256-cbc"
const zeroVector = Buffer.alloc(16)

const encrypt = (key: Buffer, clear: Buffer): Buffer => {
  const cipher = createCipheriv(cipherName(key), key, zeroVector).setAutoPadding(false)
  return Buffer.concat([cipher.update(clear), cipher.final()])
}

const decrypt = (key: Buffer, secret: Buffer): Buffer | undefined => {
  if (secret.length === 0 || secret.length % 16 !== 0) return undefined
  const decipher = createDecipheriv(cipherName(key), key, zeroVector).setAutoPadding(false)
  return Buffer.concat([decipher.update(secret), decipher.final()])
}

const hex = (bytes: Buffer): string => bytes.toString("hex").toUpperCase()
const unhex = (text: string | undefined): Buffer => Buffer.from(text ?? "", "hex")

export interface AuthPair {
  readonly key: string
  readonly value: string
  readonly flags: number
}

/** The key that only the two ends of this logon share; passwords travel under it. */
export type ComboKey = Buffer

/** One challenge and its answer (PROTOCOL section 6). */
export class Challenge {
  readonly #serverPart: Buffer
  readonly #mixingSalt = randomBytes(16)
  readonly #verifier: Verifier
  /** The keys are mixed by PBKDF2, also for an 11g verifier; older clients mix those otherwise. */
  readonly #derives: boolean

  constructor(verifier: Verifier, mixesAllKeys: boolean) {
    this.#verifier = verifier
    this.#derives = verifier.kind === "12c" || mixesAllKeys
    // The client tells the ways apart by this length.
    this.#serverPart = randomBytes(this.#derives ? 32 : 48)
  }

  pairs(): ReadonlyArray<AuthPair> {
    const verifier = this.#verifier
    const pairs: Array<AuthPair> = [
      { key: "AUTH_SESSKEY", value: hex(encrypt(verifier.key, this.#serverPart)), flags: 0 },
      { key: "AUTH_VFR_DATA", value: hex(verifier.salt), flags: verifierType(verifier.kind) }
    ]
    if (this.#derives) {
      pairs.push(
        { key: "AUTH_PBKDF2_CSK_SALT", value: hex(this.#mixingSalt), flags: 0 },
        { key: "AUTH_PBKDF2_VGEN_COUNT", value: String(verifierRounds), flags: 0 },
        { key: "AUTH_PBKDF2_SDER_COUNT", value: "3", flags: 0 }
      )
    }
    return pairs
  }

  /** The combo key, or `undefined` when the answer is not even well-formed. */
  async comboKey(sessionKey: string | undefined): Promise<ComboKey | undefined> {
    const serverPart = this.#serverPart
    const verifier = this.#verifier
    const clientPart = decrypt(verifier.key, unhex(sessionKey))
    if (clientPart === undefined || clientPart.length < serverPart.length) return undefined
    if (this.#derives) {
      const size = verifier.key.length
      // The client's part comes first, and it is the text of the two that is hashed.
      const mixed = hex(Buffer.concat([clientPart.subarray(0, size), serverPart.subarray(0, size)]))
      return derive(Buffer.from(mixed, "latin1"), this.#mixingSalt, 3, size)
    }
    const mixed = Buffer.alloc(24)
    for (let index = 0; index < 24; index++) mixed[index] = serverPart[16 + index]! ^ clientPart[16 + index]!
    const md5 = (bytes: Buffer) => createHash("md5").update(bytes).digest()
    return Buffer.concat([md5(mixed.subarray(0, 16)), md5(mixed.subarray(16))]).subarray(0, 24)
  }
}

const blockSize = 16

/** The clear text of a password sent under `key`, or `undefined` when it was sent under another one. */
export const openPassword = (key: ComboKey, encrypted: string | undefined): string | undefined => {
  const clear = decrypt(key, unhex(encrypted))
  if (clear === undefined || clear.length <= blockSize) return undefined
  const padding = clear[clear.length - 1]!
  if (padding < 1 || padding > blockSize || clear.length - padding < blockSize) return undefined
  for (let index = clear.length - padding; index < clear.length; index++) {
    if (clear[index] !== padding) return undefined
  }
  return clear.toString("utf8", blockSize, clear.length - padding)
}

const same = (one: Buffer, other: Buffer): boolean => one.length === other.length && timingSafeEqual(one, other)

/**
 * Whether `password` is the right one. A client that sends its speedy key (the outcome of the 4096 rounds) saves the
 * server the same rounds.
 */
export const checkPassword = async (
  verifier: Verifier,
  password: string,
  comboKey: ComboKey,
  speedyKey: string | undefined
): Promise<boolean> => {
  if (verifier.kind === "12c" && speedyKey !== undefined) {
    const clear = decrypt(comboKey, unhex(speedyKey))
    if (clear !== undefined && clear.length >= 80) {
      return same(keyOfSpeedyKey(clear.subarray(16, 80), verifier.salt), verifier.key)
    }
  }
  return same(await keyOfPassword(verifier.kind, password, verifier.salt), verifier.key)
}

/** `AUTH_SVR_RESPONSE`: proves to the client that the server knows the verifier too. */
export const serverResponse = (key: ComboKey): string =>
  hex(
    encrypt(
      key,
      Buffer.concat([randomBytes(blockSize), Buffer.from("SERVER_TO_CLIENT"), Buffer.alloc(blockSize, blockSize)])
    )
  )
