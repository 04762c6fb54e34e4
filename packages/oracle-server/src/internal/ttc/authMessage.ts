/** The bytes of the two rounds of a logon. */
import { ProtocolError } from "../net/protocolError.ts"
import type { ByteReader } from "./byteReader.ts"
import type { ByteWriter } from "./byteWriter.ts"
import { MessageType } from "./message.ts"
import type { TtcTerms } from "./negotiation.ts"
import type { AuthPair } from "./verifier.ts"

/** Bits of the mode. */
export const AuthMode = {
  changePassword: 0x2,
  sysdba: 0x20,
  sysoper: 0x40
} as const

export interface AuthMessage {
  readonly user: string
  readonly mode: number
  readonly pairs: ReadonlyMap<string, string>
  /** `AUTH_APPCTX_*` triples, which use the same keys again for each entry. */
  readonly contexts: ReadonlyArray<{ namespace: string; key: string; value: string }>
}

const maxPairs = 1000

export const parseAuthMessage = (reader: ByteReader, terms: TtcTerms): AuthMessage => {
  reader.skip(1)
  const userLength = reader.ub4()
  const mode = reader.ub4()
  reader.skip(1)
  const count = reader.ub4()
  if (count > maxPairs) throw new ProtocolError(`${count} authentication keys`)
  reader.skip(2)
  const user = reader.text(userLength, terms.countedTexts)
  const pairs = new Map<string, string>()
  const contexts: Array<{ namespace: string; key: string; value: string }> = []
  let namespace = ""
  let attribute = ""
  for (let index = 0; index < count; index++) {
    const key = reader.countedText().replace(/\0$/, "")
    const value = reader.countedText()
    reader.ub4()
    if (key === "AUTH_APPCTX_NSPACE") namespace = value
    else if (key === "AUTH_APPCTX_ATTR") attribute = value
    else if (key === "AUTH_APPCTX_VALUE") contexts.push({ namespace, key: attribute, value })
    else pairs.set(key, value)
  }
  return { user, mode, pairs, contexts }
}

/** PARAMETER with key and value pairs, as both phases answer. */
export const writeAuthPairs = (writer: ByteWriter, pairs: ReadonlyArray<AuthPair>): void => {
  writer.u8(MessageType.parameter).ub(pairs.length)
  for (const pair of pairs) writer.countedText(pair.key).countedText(pair.value).ub(pair.flags)
}
