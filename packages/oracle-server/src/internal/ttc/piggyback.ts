/** The bytes of piggybacks, the requests that ride with a call. */
import { ProtocolError } from "../net/protocolError.ts"
import type { ByteReader } from "./byteReader.ts"
import { FunctionCode } from "./message.ts"
import type { TtcTerms } from "./negotiation.ts"
import { parseTransactionSwitch, type TransactionSwitch } from "./transactionMessage.ts"

/** What a piggyback asks for; its tag is the name that it is noted under. It is applied, in order, before the function message that it rides with. */
export type Piggyback =
  | { readonly _tag: "closeCursors"; readonly ids: ReadonlyArray<number> }
  | { readonly _tag: "cancelCursors"; readonly ids: ReadonlyArray<number> }
  | { readonly _tag: "currentSchema"; readonly schema: string }
  | { readonly _tag: "endToEnd"; readonly attributes: EndToEndAttributes }
  | { readonly _tag: "freeTempLobs"; readonly locators: ReadonlyArray<Buffer> }
  | {
    readonly _tag: "applicationContext"
    readonly namespace: string
    readonly clear: boolean
    readonly pairs: ReadonlyArray<readonly [string, string | null]>
  }
  | { readonly _tag: "securityContext"; readonly payload: Buffer }
  | { readonly _tag: "pipelineBegin"; readonly abortOnError: boolean }
  | { readonly _tag: "transactionStart" | "transactionDetach"; readonly request: TransactionSwitch }

/** Only what was set; `null` clears. */
interface EndToEndAttributes {
  module?: string | null
  action?: string | null
  clientId?: string | null
  clientInfo?: string | null
  dbOp?: string | null
  ecid?: string | null
}

const maxItems = 65_536

const readIds = (reader: ByteReader): Array<number> => {
  reader.skip(1)
  const count = reader.ub4()
  if (count > maxItems) throw new ProtocolError(`${count} cursors in a piggyback`)
  return Array.from({ length: count }, () => reader.ub4())
}

// Which attributes come is said first, for all of them; their texts follow in the same order.
const parseEndToEnd = (reader: ByteReader, counted: boolean): EndToEndAttributes => {
  reader.skip(2)
  reader.ub4()
  const present: Array<{ name: keyof EndToEndAttributes; length: number }> = []
  const slot = (name: keyof EndToEndAttributes | undefined) => {
    const given = reader.u8() !== 0
    const length = reader.ub4()
    if (given && name !== undefined) present.push({ name, length })
  }
  slot("clientId")
  slot("module")
  slot("action")
  slot("ecid")
  slot(undefined)
  slot("clientInfo")
  slot(undefined)
  slot(undefined)
  slot("dbOp")
  const attributes: EndToEndAttributes = {}
  for (const { length, name } of present) {
    attributes[name] = length > 0 ? reader.text(length, counted) : null
  }
  return attributes
}

const locatorLength = 40

const parseFreeTempLobs = (reader: ByteReader): Array<Buffer> => {
  reader.skip(1)
  const total = reader.ub4()
  reader.skip(1)
  reader.ub4()
  reader.ub4()
  reader.ub4()
  reader.skip(3)
  reader.ub4()
  reader.skip(1)
  reader.ub4()
  reader.ub8()
  reader.ub8()
  reader.skip(1)
  for (let index = 0; index < 3; index++) {
    reader.skip(1)
    reader.ub4()
  }
  const bytes = reader.bytes(total)
  const locators: Array<Buffer> = []
  for (let at = 0; at + locatorLength <= bytes.length; at += locatorLength) {
    locators.push(Buffer.from(bytes.subarray(at, at + locatorLength)))
  }
  return locators
}

const contextClear = 2

const parseApplicationContext = (reader: ByteReader, counted: boolean): Piggyback => {
  const length = reader.u8() !== 0 ? reader.ub4() : 0
  reader.skip(1)
  const count = reader.ub4()
  if (count > maxItems) throw new ProtocolError(`${count} context values in a piggyback`)
  const flags = reader.ub2()
  reader.skip(1)
  const namespace = reader.text(length, counted)
  const pairs = Array.from({ length: count }, () => {
    const key = reader.countedText()
    const value = reader.counted()?.toString("utf8") ?? null
    reader.ub4()
    return [key, value] as const
  })
  return { _tag: "applicationContext", namespace, clear: (flags & contextClear) !== 0, pairs }
}

const securityContextKey = "ORCL_XS_AUTHZ_CONTEXT"

const parseSecurityContext = (reader: ByteReader): Piggyback => {
  reader.ub4()
  reader.skip(1)
  const count = reader.ub4()
  if (count > maxItems) throw new ProtocolError(`${count} keys in a security context`)
  let payload: Buffer | undefined
  for (let index = 0; index < count; index++) {
    reader.ub4()
    const key = reader.countedText()
    reader.counted()
    const value = reader.counted()
    // The bytes are only there until the next request.
    if (key === securityContextKey && value !== null) payload = Buffer.from(value)
  }
  if (payload === undefined) throw new ProtocolError("a security context without its payload")
  return { _tag: "securityContext", payload }
}

/** Reads the body of a piggyback; `undefined` for one that this server does not know, whose length is unknown. */
export const parsePiggyback = (reader: ByteReader, code: number, terms: TtcTerms): Piggyback | undefined => {
  const { countedTexts } = terms
  switch (code) {
    case FunctionCode.closeCursors:
      return { _tag: "closeCursors", ids: readIds(reader) }
    case FunctionCode.cancelCursors:
      return { _tag: "cancelCursors", ids: readIds(reader) }
    case FunctionCode.currentSchema:
      reader.skip(1)
      return { _tag: "currentSchema", schema: reader.text(reader.ub4(), countedTexts) }
    case FunctionCode.endToEnd:
      return { _tag: "endToEnd", attributes: parseEndToEnd(reader, countedTexts) }
    case FunctionCode.lobOperation:
      return { _tag: "freeTempLobs", locators: parseFreeTempLobs(reader) }
    case FunctionCode.applicationContext:
      return parseApplicationContext(reader, countedTexts)
    case FunctionCode.securityContext:
      return parseSecurityContext(reader)
    case FunctionCode.pipelineBegin: {
      reader.ub2()
      reader.skip(1)
      return { _tag: "pipelineBegin", abortOnError: reader.u8() === 2 }
    }
    case FunctionCode.transactionSwitch: {
      const request = parseTransactionSwitch(reader)
      return { _tag: request.start === undefined ? "transactionDetach" : "transactionStart", request }
    }
    default:
      return undefined
  }
}
