/** PARAMETER: what changed in the session with an execution. */
import type { EngineSession } from "../engine/engine.ts"
import type { ByteWriter } from "./byteWriter.ts"
import { MessageType } from "./message.ts"
import type { ReportedState } from "./serverSession.ts"

/** Numbers of the session's properties in the PARAMETER message. */
const currentSchemaKeyword = 168
const editionKeyword = 172

/** What PARAMETER tells after an execution. */
interface ExecuteParameters {
  readonly session: EngineSession
  /** What the client has last been told, or has said itself. */
  readonly reported: ReportedState
  readonly cursorId: number
  /** `undefined` when the client has no room for them. */
  readonly rowCounts: ReadonlyArray<number> | undefined
}

/**
 * PARAMETER of an execution: the cursor, which some clients look for only here, what ALTER SESSION may have changed of the
 * schema and edition that the client shows, and row counts.
 */
export const writeExecuteParameters = (writer: ByteWriter, parameters: ExecuteParameters): void => {
  const { cursorId, reported, rowCounts, session } = parameters
  const news: Array<readonly [string, number]> = []
  if (session.currentSchema !== reported.schema) news.push([session.currentSchema, currentSchemaKeyword])
  if (session.edition !== reported.edition) news.push([session.edition, editionKeyword])
  reported.schema = session.currentSchema
  reported.edition = session.edition
  // Two halves of a system change number, the cursor, and three numbers that mean nothing here.
  writer.u8(MessageType.parameter).ub(6).ub(0).ub(0).ub(cursorId).ub(0).ub(0).ub(0)
  writer.ub(0).ub(news.length)
  for (const [text, keyword] of news) writer.countedText(text).ub(0).ub(keyword)
  writer.ub(0)
  if (rowCounts === undefined) return
  writer.ub(rowCounts.length)
  for (const count of rowCounts) writer.ub(count)
}
