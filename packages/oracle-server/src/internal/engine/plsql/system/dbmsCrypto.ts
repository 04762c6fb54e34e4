/** DBMS_CRYPTO: hashes, keyed hashes and random bytes. */
import { createHash, createHmac, randomBytes } from "node:crypto"
import { fromText } from "../../values/oracleNumber.ts"
import { oraError, unimplemented } from "../../values/oraError.ts"
import type { Native, SystemPackage } from "../native.ts"
import { bytesOf, integerOf, number } from "./arguments.ts"

const hashes: ReadonlyArray<string | undefined> = [undefined, undefined, "md5", "sha1", "sha256", "sha384", "sha512"]
const keyed: ReadonlyArray<string | undefined> = [undefined, "md5", "sha1", "sha256", "sha384", "sha512"]

const invalidType = (): Error => oraError(28817, "PL/SQL function returned an error.")
const noValue = (): Error => oraError(28239, "no key provided")

const source = (value: unknown): Uint8Array => {
  if (value === null || value === undefined) return new Uint8Array()
  return typeof value === "string" ? Buffer.from(value) : value as Uint8Array
}

const hash: Native = (_, args) => {
  const type = integerOf(args["typ"]) ?? 0
  if (type === 1) throw unimplemented("DBMS_CRYPTO.HASH_MD4")
  const algorithm = hashes[type]
  if (algorithm === undefined) throw invalidType()
  return Uint8Array.from(createHash(algorithm).update(source(args["src"])).digest())
}

const mac: Native = (_, args) => {
  const algorithm = keyed[integerOf(args["typ"]) ?? 0]
  if (algorithm === undefined) throw invalidType()
  const key = bytesOf(args["key"])
  if (key === null) throw noValue()
  return Uint8Array.from(createHmac(algorithm, key).update(source(args["src"])).digest())
}

export const dbmsCrypto: SystemPackage = {
  spec: `package dbms_crypto is
  hash_md4 constant pls_integer := 1;
  hash_md5 constant pls_integer := 2;
  hash_sh1 constant pls_integer := 3;
  hash_sh256 constant pls_integer := 4;
  hash_sh384 constant pls_integer := 5;
  hash_sh512 constant pls_integer := 6;
  hmac_md5 constant pls_integer := 1;
  hmac_sh1 constant pls_integer := 2;
  hmac_sh256 constant pls_integer := 3;
  hmac_sh384 constant pls_integer := 4;
  hmac_sh512 constant pls_integer := 5;
  function hash(src in raw, typ in pls_integer) return raw;
  function hash(src in blob, typ in pls_integer) return raw;
  function hash(src in clob, typ in pls_integer) return raw;
  function mac(src in raw, typ in pls_integer, key in raw) return raw;
  function mac(src in blob, typ in pls_integer, key in raw) return raw;
  function mac(src in clob, typ in pls_integer, key in raw) return raw;
  function randombytes(number_bytes in pls_integer) return raw;
  function randominteger return binary_integer;
  function randomnumber return number;
end;`,
  natives: {
    HASH: hash,
    "HASH#2": hash,
    "HASH#3": hash,
    MAC: mac,
    "MAC#2": mac,
    "MAC#3": mac,
    RANDOMBYTES: (_, args) => {
      const count = integerOf(args["number_bytes"]) ?? 0
      if (count < 1 || count > 2000) throw invalidType()
      return Uint8Array.from(randomBytes(count))
    },
    RANDOMINTEGER: () => number(randomBytes(4).readInt32BE()),
    RANDOMNUMBER: () => fromText(BigInt(`0x${randomBytes(16).toString("hex")}`).toString())
  }
}
