/** Runs the calls of Advanced Queuing and writes what they give. */
import type { Dialogue } from "./dialogue.ts"
import {
  payloadOf,
  persistentOnly,
  type QueueDequeue,
  type QueueEnqueue,
  writeDequeued,
  writeEnqueued,
  writeManyDequeued,
  writeManyEnqueued
} from "./queueMessage.ts"
import type { FunctionBody } from "./requestParser.ts"

type QueueBody = Extract<FunctionBody, { readonly _tag: "Enqueue" | "Dequeue" | "QueueArray" }>

/** Gives the number of messages. */
export const runQueueCall = async (dialogue: Dialogue, body: QueueBody): Promise<number> => {
  const session = dialogue.requireSession()
  const { engine } = session
  const { terms, writer } = dialogue
  const put = async ({ flags, messages, payloadType, queue, visibility }: QueueEnqueue) => {
    persistentOnly(flags)
    return await engine.enqueue({
      queue,
      payloadType,
      visibility,
      messages: messages.map((message) => payloadOf(message, payloadType, session))
    })
  }
  const take = async ({ flags, request }: QueueDequeue) => {
    persistentOnly(flags)
    return await engine.dequeue(request)
  }
  if (body._tag === "Enqueue") {
    const ids = await put(body.request)
    writeEnqueued(writer, ids)
    return ids.length
  }
  if (body._tag === "Dequeue") {
    const messages = await take(body.dequeue)
    writeDequeued(writer, messages[0]!, terms)
    return messages.length
  }
  if (body.array.operation === "enqueue") {
    const ids = await put(body.array.request)
    writeManyEnqueued(writer, ids)
    return ids.length
  }
  const messages = await take(body.array.dequeue)
  writeManyDequeued(writer, messages, terms)
  return messages.length
}
