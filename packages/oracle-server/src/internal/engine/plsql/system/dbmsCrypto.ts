/** DBMS_CRYPTO: hashes, keyed hashes, ciphers and random bytes. */
import { createHash, createHmac, randomBytes } from "node:crypto"
import { fromText } from "../../values/oracleNumber.ts"
import { oraError, unimplemented } from "../../values/oraError.ts"
import type { Native, SystemPackage } from "../native.ts"
import { type Arguments, bytesOf, integerOf, number } from "./arguments.ts"
import { cipher } from "./ciphers.ts"

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

const crypt = (decrypts: boolean, args: Arguments): Uint8Array | null => {
  const src = args["src"]
  if (src === null || src === undefined) return null
  return cipher(decrypts, source(src), integerOf(args["typ"]) ?? 0, bytesOf(args["key"]), bytesOf(args["iv"]))
}

const encrypt: Native = (_, args) => {
  const result = crypt(false, args)
  return result?.length === 0 ? null : result
}

const decrypt: Native = (_, args) => {
  const result = crypt(true, args)
  return result?.length === 0 ? null : result
}

const into = (decrypts: boolean, isText: boolean): Native => (_, args) => {
  const result = crypt(decrypts, args)
  args["dst"] = isText && result !== null ? Buffer.from(result).toString("utf8") : result
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
  encrypt_des constant pls_integer := 1;
  encrypt_3des_2key constant pls_integer := 2;
  encrypt_3des constant pls_integer := 3;
  encrypt_aes128 constant pls_integer := 6;
  encrypt_aes192 constant pls_integer := 7;
  encrypt_aes256 constant pls_integer := 8;
  encrypt_rc4 constant pls_integer := 129;
  chain_cbc constant pls_integer := 256;
  chain_cfb constant pls_integer := 512;
  chain_ecb constant pls_integer := 768;
  chain_ofb constant pls_integer := 1024;
  pad_pkcs5 constant pls_integer := 4096;
  pad_none constant pls_integer := 8192;
  pad_zero constant pls_integer := 12288;
  pad_orcl constant pls_integer := 16384;
  des_cbc_pkcs5 constant pls_integer := 4353;
  des3_cbc_pkcs5 constant pls_integer := 4355;
  aes_cbc_pkcs5 constant pls_integer := 4358;
  function encrypt(src in raw, typ in pls_integer, key in raw, iv in raw default null) return raw;
  procedure encrypt(dst in out nocopy blob, src in blob, typ in pls_integer, key in raw, iv in raw default null);
  procedure encrypt(dst in out nocopy blob, src in clob, typ in pls_integer, key in raw, iv in raw default null);
  function decrypt(src in raw, typ in pls_integer, key in raw, iv in raw default null) return raw;
  procedure decrypt(dst in out nocopy blob, src in blob, typ in pls_integer, key in raw, iv in raw default null);
  procedure decrypt(dst in out nocopy clob, src in blob, typ in pls_integer, key in raw, iv in raw default null);
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
    ENCRYPT: encrypt,
    "ENCRYPT#2": into(false, false),
    "ENCRYPT#3": into(false, false),
    DECRYPT: decrypt,
    "DECRYPT#2": into(true, false),
    "DECRYPT#3": into(true, true),
    RANDOMBYTES: (_, args) => {
      const count = integerOf(args["number_bytes"]) ?? 0
      if (count < 1 || count > 2000) throw invalidType()
      return Uint8Array.from(randomBytes(count))
    },
    RANDOMINTEGER: () => number(randomBytes(4).readInt32BE()),
    RANDOMNUMBER: () => fromText(BigInt(`0x${randomBytes(16).toString("hex")}`).toString())
  }
}
