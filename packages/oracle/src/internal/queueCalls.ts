/** Enqueuing and dequeuing as calls of the driver, each in turn on a connection and broken off when it is interrupted. */
import type * as Effect from "effect/Effect"
import type { OracleConnection } from "../OracleConnection.ts"
import { RefusedBind } from "./bindRefusal.ts"
import type { CallError } from "./driverCaller.ts"
import type { DbClass, DriverConnection } from "./oracledb.ts"
import { driverType, type PayloadType, writePayload } from "./queuePayload.ts"

/** A message as the driver takes it: times in whole seconds. */
export interface OutgoingMessage {
  readonly payload: unknown
  readonly priority?: number
  readonly delay?: number
  readonly expiration?: number
  readonly correlation?: string
  readonly exceptionQueue?: string
}

export interface IncomingMessage {
  readonly payload: unknown
  readonly msgId: Buffer
  readonly priority: number
  readonly correlation: string | null
  readonly numAttempts: number
  readonly enqTime: Date | undefined
}

interface DriverQueue {
  /** Of a queue of objects. */
  readonly payloadTypeClass?: DbClass
  readonly deqOptions: {
    mode: number
    navigation: number
    visibility: number
    wait: number
    correlation: string | null
    condition: string | null
    msgId: Buffer
  }
  readonly enqOptions: { visibility: number }
  readonly enqOne: (message: OutgoingMessage) => Promise<IncomingMessage>
  readonly enqMany: (messages: ReadonlyArray<OutgoingMessage>) => Promise<ReadonlyArray<IncomingMessage>>
  readonly deqOne: () => Promise<IncomingMessage | undefined>
}

interface Queueing {
  readonly getQueue: (name: string, options: { readonly payloadType: unknown }) => Promise<DriverQueue>
}

/** The driver's own numbers. */
const onCommit = 2
const remove = 3
const firstMessage = 1

export interface QueueTarget<A> {
  readonly name: string
  readonly payload: PayloadType<A>
}

/** The driver has no types for queues. */
const open = <A>(connection: DriverConnection, { name, payload }: QueueTarget<A>): Promise<DriverQueue> =>
  (connection as unknown as Queueing).getQueue(name, { payloadType: driverType(payload) })

/** Runs `write` for one message; what it refuses says which. */
const naming = <A>(subject: string, write: () => A): A => {
  try {
    return write()
  } catch (thrown) {
    if (thrown instanceof RefusedBind) thrown.subject = subject
    throw thrown
  }
}

/** Puts messages into the queue in the connection's transaction, all or none; gives their ids. */
export const enqueue = <A>(
  connection: OracleConnection,
  target: QueueTarget<A>,
  messages: ReadonlyArray<{ readonly value: A; readonly options: Omit<OutgoingMessage, "payload"> }>
): Effect.Effect<ReadonlyArray<string>, CallError> =>
  connection.caller.call({ operation: "ENQUEUE" }, async (driverConnection) => {
    const queue = await open(driverConnection, target)
    queue.enqOptions.visibility = onCommit
    const count = messages.length
    const all = messages.map(({ options, value }, index) => ({
      ...options,
      payload: naming(
        count === 1 ? "The message" : `Message ${index + 1} of ${count}`,
        () => writePayload(target.payload, value, queue.payloadTypeClass, connection.values)
      )
    }))
    const sent = count === 1 ? [await queue.enqOne(all[0]!)] : await queue.enqMany(all)
    return sent.map(({ msgId }) => msgId.toString("hex").toUpperCase())
  })

/** Which message is wanted. */
export interface Selection {
  readonly correlation?: string | undefined
  readonly condition?: string | undefined
  readonly messageId?: string | undefined
}

/** Takes the first message in the connection's transaction; `undefined` when none has come in `wait` seconds. */
export const dequeue = <A>(
  connection: OracleConnection,
  target: QueueTarget<A>,
  { condition, correlation, messageId }: Selection,
  wait: number
): Effect.Effect<IncomingMessage | undefined, CallError> =>
  connection.caller.call({ operation: "DEQUEUE", serverWait: wait * 1000 }, async (driverConnection) => {
    const queue = await open(driverConnection, target)
    const { deqOptions } = queue
    deqOptions.mode = remove
    // The first one always: of a queue by priority the next one would not be.
    deqOptions.navigation = firstMessage
    deqOptions.visibility = onCommit
    deqOptions.wait = wait
    if (correlation !== undefined) deqOptions.correlation = correlation
    if (condition !== undefined) deqOptions.condition = condition
    if (messageId !== undefined) deqOptions.msgId = Buffer.from(messageId, "hex")
    return await queue.deqOne()
  })
