/** Envelopes and replies of a cluster as rows of the message storage's tables, and back. */
import type * as Envelope from "effect/cluster/Envelope"
import type * as Reply from "effect/cluster/Reply"
import * as ShardId from "effect/cluster/ShardId"
import * as Option from "effect/Option"

/** The numbers that stand for the kinds of messages. */
export const messageKind = { Request: 0, AckChunk: 1, Interrupt: 2 } as const

/** The number that stands for a reply with the exit of its request; chunks have none. */
export const withExit = 0

/** The columns of a message, its texts without those that may be long. */
interface MessageValues {
  readonly id: string
  readonly message_id: string | null
  readonly shard_id: string
  readonly entity_type: string
  readonly entity_id: string
  readonly kind: number
  readonly tag: string | null
  readonly trace_id: string | null
  readonly span_id: string | null
  readonly sampled: number | null
  readonly request_id: string
  readonly reply_id: string | null
  readonly deliver_at: number | null
}

const textProblem = (what: string, text: string, longest: number): string | undefined =>
  text.length < 1 || text.length > longest
    ? `The ${what} has ${text.length} characters, and must have 1 to ${longest}`
    : text.isWellFormed()
    ? undefined
    : `The ${what} has half a surrogate pair, which a database cannot store as text`

/** Says what of a message has no place in its row. To Oracle an empty text is none. */
export const envelopeProblem = (envelope: Envelope.Encoded): string | undefined =>
  textProblem("entity's id", envelope.address.entityId, 255)
    ?? textProblem("entity's type", envelope.address.entityType, 150)
    ?? (envelope._tag === "Request" ? textProblem("request's tag", envelope.tag, 50) : undefined)

/** A message as values of its row, and its texts that may be long, which Oracle wants last. */
export const messageValues = (
  envelope: Envelope.Encoded,
  messageId: string | null,
  deliverAt: number | null
): { readonly values: MessageValues; readonly payload: string | null; readonly headers: string | null } => {
  const { address } = envelope
  const isRequest = envelope._tag === "Request"
  return {
    values: {
      id: isRequest ? envelope.requestId : envelope.id,
      message_id: messageId,
      shard_id: ShardId.toString(address.shardId),
      entity_type: address.entityType,
      entity_id: address.entityId,
      kind: messageKind[envelope._tag],
      tag: isRequest ? envelope.tag : null,
      trace_id: isRequest ? envelope.traceId ?? null : null,
      span_id: isRequest ? envelope.spanId ?? null : null,
      sampled: isRequest && envelope.sampled !== undefined ? Number(envelope.sampled) : null,
      request_id: envelope.requestId,
      reply_id: envelope._tag === "AckChunk" ? envelope.replyId : null,
      deliver_at: deliverAt
    },
    payload: isRequest ? JSON.stringify(envelope.payload) : null,
    headers: isRequest ? JSON.stringify(envelope.headers) : null
  }
}

/** A message as it is read, with the last reply that was sent for it. Numbers of 64 bits come as text. */
export interface MessageRow {
  readonly id: string
  readonly shard_id: string
  readonly entity_type: string
  readonly entity_id: string
  readonly kind: number
  readonly tag: string | null
  readonly payload: string | null
  readonly headers: string | null
  readonly trace_id: string | null
  readonly span_id: string | null
  readonly sampled: number | null
  readonly request_id: string
  readonly reply_id: string | null
  readonly last_reply_id: string | null
}

/** A reply as it is read. */
export interface ReplyRow {
  readonly id: string
  readonly kind: number | null
  readonly request_id: string
  readonly sequence: number | null
  readonly payload: string
}

/** What a row of the messages says, without its last reply. */
const envelopeOf = (row: MessageRow): Envelope.Encoded => {
  const address = {
    shardId: ShardId.fromStringEncoded(row.shard_id),
    entityType: row.entity_type,
    entityId: row.entity_id
  }
  switch (row.kind) {
    case messageKind.Request:
      return {
        _tag: "Request",
        requestId: row.id,
        address,
        tag: row.tag!,
        payload: JSON.parse(row.payload!),
        headers: JSON.parse(row.headers!),
        ...(row.trace_id !== null && { traceId: row.trace_id, spanId: row.span_id!, sampled: row.sampled === 1 })
      }
    case messageKind.AckChunk:
      return { _tag: "AckChunk", id: row.id, requestId: row.request_id, replyId: row.reply_id!, address }
    default:
      return { _tag: "Interrupt", id: row.id, requestId: row.request_id, address }
  }
}

/** What a row of the replies says. */
export const replyOf = (row: ReplyRow): Reply.Encoded =>
  row.kind === withExit
    ? { _tag: "WithExit", id: row.id, requestId: row.request_id, exit: JSON.parse(row.payload) }
    : {
      _tag: "Chunk",
      id: row.id,
      requestId: row.request_id,
      values: JSON.parse(row.payload),
      sequence: row.sequence!
    }

/** A message with its last reply, which is sent again only where it is a chunk. */
export const messageOf = (row: MessageRow, lastReply: ReplyRow | undefined) => ({
  envelope: envelopeOf(row),
  lastSentReply: row.kind === messageKind.Request && lastReply !== undefined
    ? Option.some(replyOf(lastReply))
    : Option.none<Reply.Encoded>()
})
