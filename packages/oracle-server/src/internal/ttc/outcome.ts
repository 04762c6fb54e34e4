/** The ends of answers: STATUS, WARNING, ERROR. */
import type { BatchError, OraErrorLike } from "../engine/engine.ts"
import type { ByteWriter } from "./byteWriter.ts"
import { FieldVersion, MessageType } from "./message.ts"
import type { RowidParts } from "./rowidCodec.ts"

/** Bits of the call status. */
export const CallStatus = {
  inTransaction: 0x2,
  sessionReleased: 0x8000
} as const

/** The end of a call that has no data: STATUS. */
export const writeStatus = (writer: ByteWriter, callStatus: number, sequence: number): void => {
  writer.u8(MessageType.status).ub(callStatus).ub(sequence)
}

/** A warning that rides with a successful call. */
export const writeWarning = (writer: ByteWriter, code: number, message: string): void => {
  const text = Buffer.from(message, "utf8")
  writer.u8(MessageType.warning).ub(code).ub(text.length).ub(0).lv(text)
}

/** What the ERROR message, the normal end of execute and fetch too, tells. */
interface CallOutcome {
  readonly callStatus: number
  readonly sequence: number
  readonly cursorId: number
  readonly rowCount: number
  readonly rowid?: RowidParts | undefined
  readonly batchErrors?: ReadonlyArray<BatchError> | undefined
  readonly error?: OraErrorLike | undefined
  /** A unit was stored that does not compile. */
  readonly compilationFailed?: boolean | undefined
}

/** Of the warning flags. */
const compilationFlag = 0x20

const noRowid: RowidParts = { rba: 0, partition: 0, block: 0, slot: 0 }

/** ORA-01403: on a query not an error but the news that there are no more rows. */
export const noDataFound: OraErrorLike = Object.assign(new Error("ORA-01403: no data found"), { code: 1403, offset: 0 })

const maxOffset = 32_767

const batchCode = (batch: BatchError): number => Math.min(batch.error.code, 65_535)

export const writeOutcome = (writer: ByteWriter, outcome: CallOutcome, fieldVersion: number): void => {
  const { error } = outcome
  const code = error?.code ?? 0
  const batch = outcome.batchErrors ?? []
  const rowid = outcome.rowid ?? noRowid
  writer.u8(MessageType.error).ub(outcome.callStatus).ub(outcome.sequence).ub(0).ub(Math.min(code, 65_535)).ub(0).ub(0)
  // The place of an error: in the text, or the iteration of a batch.
  writer.ub(outcome.cursorId).sb(Math.min(error?.done?.iterations ?? error?.offset ?? 0, maxOffset))
  // SQL type, fatal, flags, cursor options, UPI parameter, warning flags.
  writer.zeros(5).u8(outcome.compilationFailed === true ? compilationFlag : 0)
  writer.ub(rowid.rba).ub(rowid.partition).u8(0).ub(rowid.block).ub(rowid.slot)
  // OS error, statement number, the number of the call that is answered, padding.
  writer.ub(0).u8(0).u8(outcome.sequence & 0xff).ub(0)
  // Successful iterations, logical rowid.
  writer.ub(error?.done?.iterations ?? 0).ub(0)
  writer.ub(batch.length)
  if (batch.length > 0) {
    writer.u8(0)
    for (const one of batch) writer.ub(batchCode(one))
  }
  writer.ub(batch.length)
  if (batch.length > 0) {
    writer.u8(0)
    for (const one of batch) writer.ub(one.row)
  }
  writer.ub(batch.length)
  if (batch.length > 0) {
    writer.u8(0)
    for (const one of batch) {
      const text = Buffer.from(one.error.message, "utf8")
      writer.ub(Math.min(text.length, 65_535)).lv(text).u16(0)
    }
  }
  writer.ub(code).ub(outcome.rowCount)
  if (fieldVersion >= FieldVersion.v20) writer.ub(0).ub(0)
  if (error !== undefined) writer.lvText(error.message)
}
