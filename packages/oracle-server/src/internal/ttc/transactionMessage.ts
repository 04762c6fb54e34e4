/** The bytes of TPC SWITCH and TPC CHANGE STATE: transactions that a session takes, leaves and ends. */
import type { BranchId, StartBranch } from "../engine/engine.ts"
import { ProtocolError } from "../net/protocolError.ts"
import type { ByteReader } from "./byteReader.ts"
import type { ByteWriter } from "./byteWriter.ts"
import { MessageType } from "./message.ts"

const SwitchOperation = { start: 1, detach: 2, detachAfter: 4 } as const
const StartFlag = { new: 1, join: 2, resume: 4, promote: 8, sessionless: 0x10 } as const
const ChangeOperation = { commit: 1, rollback: 2, prepare: 3, forget: 4 } as const

/** What a transaction has come to, or is to come to. */
export const TransactionState = {
  prepared: 0,
  requiresCommit: 1,
  committed: 2,
  aborted: 3,
  readOnly: 4,
  forgotten: 5
} as const

/** A branch as a client names it. */
interface Named {
  readonly id: BranchId | undefined
  /** The number of the branch, from the context that the client was given. */
  readonly number: number | undefined
}

/** What TPC SWITCH asks for: a start, a detachment, or a start for the length of one call. */
export interface TransactionSwitch extends Named {
  readonly kind: StartBranch["kind"]
  readonly start: { readonly mode: StartBranch["mode"]; readonly timeout: number } | undefined
  readonly detaches: boolean
  /** When the call that it rides with has succeeded. */
  readonly detachesAfter: boolean
}

export interface TransactionChange extends Named {
  readonly operation: "commit" | "commitOnePhase" | "rollback" | "prepare" | "forget"
}

const idBytes = 128
const mostPart = 64
const contextLength = 8

interface Lengths {
  readonly context: number
  readonly formatId: number
  readonly global: number
  readonly qualifier: number
  readonly bytes: number
}

const readLengths = (reader: ByteReader): Lengths => {
  const context = reader.u8() !== 0 ? reader.ub4() : (reader.ub4(), 0)
  const formatId = reader.ub4()
  const global = reader.ub4()
  const qualifier = reader.ub4()
  const bytes = reader.u8() !== 0 ? reader.ub4() : (reader.ub4(), 0)
  if (context > idBytes || bytes > idBytes || global > mostPart || qualifier > mostPart) {
    throw new ProtocolError("the identifier of a transaction is too long")
  }
  if (bytes > 0 && global + qualifier > bytes) throw new ProtocolError("the identifier of a transaction is cut short")
  return { context, formatId, global, qualifier, bytes }
}

// The bytes are only there until the next request.
const readNamed = (reader: ByteReader, { bytes, context, formatId, global, qualifier }: Lengths): Named => {
  const given = reader.bytes(context)
  const number = context === contextLength ? Number(given.readBigUInt64BE(0)) : undefined
  if (bytes === 0) return { id: undefined, number }
  const id = Buffer.from(reader.bytes(bytes))
  return {
    id: { formatId, global: id.subarray(0, global), qualifier: id.subarray(global, global + qualifier) },
    number
  }
}

const modes: ReadonlyArray<readonly [number, StartBranch["mode"]]> = [
  [StartFlag.new, "new"],
  [StartFlag.join, "join"],
  [StartFlag.resume, "resume"],
  [StartFlag.promote, "promote"]
]

/** Reads the body of TPC SWITCH, as a call and as a piggyback. */
export const parseTransactionSwitch = (reader: ByteReader): TransactionSwitch => {
  const operation = reader.ub4()
  const lengths = readLengths(reader)
  const flags = reader.ub4()
  const timeout = reader.ub4()
  reader.skip(3)
  const internalName = reader.u8() !== 0 ? reader.ub4() : (reader.ub4(), 0)
  const externalName = reader.u8() !== 0 ? reader.ub4() : (reader.ub4(), 0)
  const named = readNamed(reader, lengths)
  reader.ub4()
  reader.bytes(internalName)
  reader.bytes(externalName)
  const starts = (operation & SwitchOperation.start) !== 0
  const mode = modes.find(([flag]) => (flags & flag) !== 0)?.[1]
  if (starts && (mode === undefined || named.id === undefined)) {
    throw new ProtocolError(`a transaction is started with the flags ${flags}`)
  }
  return {
    ...named,
    kind: (flags & StartFlag.sessionless) !== 0 ? "sessionless" : "global",
    start: starts ? { mode: mode!, timeout } : undefined,
    detaches: (operation & SwitchOperation.detach) !== 0,
    detachesAfter: (operation & SwitchOperation.detachAfter) !== 0
  }
}

/** Reads the body of TPC CHANGE STATE. */
export const parseTransactionChange = (reader: ByteReader): TransactionChange => {
  const operation = reader.ub4()
  const lengths = readLengths(reader)
  reader.ub4()
  const state = reader.ub4()
  reader.skip(1)
  reader.ub4()
  const named = readNamed(reader, lengths)
  switch (operation) {
    case ChangeOperation.commit:
      return { ...named, operation: state === TransactionState.readOnly ? "commitOnePhase" : "commit" }
    case ChangeOperation.rollback:
      return { ...named, operation: "rollback" }
    case ChangeOperation.prepare:
      return { ...named, operation: "prepare" }
    case ChangeOperation.forget:
      return { ...named, operation: "forget" }
    default:
      throw new ProtocolError(`operation ${operation} on a transaction`)
  }
}

/** PARAMETER of TPC SWITCH: the context by which the client names the branch from now on. */
export const writeSwitched = (writer: ByteWriter, number: number | undefined): void => {
  writer.u8(MessageType.parameter).ub(0)
  if (number === undefined) {
    writer.ub(0)
    return
  }
  const context = Buffer.alloc(contextLength)
  context.writeBigUInt64BE(BigInt(number))
  writer.ub(contextLength).bytes(context)
}

/** PARAMETER of TPC CHANGE STATE. */
export const writeChanged = (writer: ByteWriter, state: number): void => {
  writer.u8(MessageType.parameter).ub(state)
}

const syncPiggyback = 5
const transactionIdKeyword = 201
const Sync = { set: 0x40, unset: 0x80, byStatement: 0x01, byCall: 0x02, ended: 0x03, version: 1 } as const

/** Tells the client which sessionless transaction its session is in: it may have come or gone with any statement. */
export const writeSessionless = (
  writer: ByteWriter,
  current: { readonly id: Uint8Array; readonly byStatement: boolean } | undefined
): void => {
  const state = current === undefined
    ? Sync.unset | Sync.ended
    : Sync.set | (current.byStatement ? Sync.byStatement : Sync.byCall)
  const value = Buffer.concat([current?.id ?? new Uint8Array(0), Uint8Array.of(state, Sync.version)])
  writer.u8(MessageType.serverPiggyback).u8(syncPiggyback).ub(0).u8(0).ub(1).u8(0)
  writer.ub(0).ub(value.length).lv(value).ub(transactionIdKeyword).ub(0)
}
