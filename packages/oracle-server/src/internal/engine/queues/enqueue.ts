/** Puts messages into a queue. */
import { defaultExceptionQueue } from "../catalog/queues.ts"
import { Transaction } from "../storage/transaction.ts"
import type { Step } from "../storage/waiting.ts"
import { oraError } from "../values/oraError.ts"
import type { Value } from "../values/value.ts"
import { encodeValue } from "../values/values.ts"
import {
  blankRow,
  type EnqueueRequest,
  MessageState,
  neverExpires,
  numberOf,
  type OutgoingMessage,
  payloadTypeOf,
  stampOf,
  Visibility
} from "./message.ts"
import { findQueue, type FoundQueue, placeOf } from "./names.ts"
import { lockForChange, type QueueWork } from "./queueWork.ts"

const longestCorrelation = 128

export const checkPayloadType = ({ queueTable }: FoundQueue, given: string): void => {
  const own = queueTable.payload === "OBJECT" ? queueTable.oid : queueTable.payload
  if (own !== given) throw oraError(25215, "user_data type and queue type do not match")
}

const checkMessage = (
  { correlation, delay, expiration, recipients }: OutgoingMessage,
  { queue }: FoundQueue
): void => {
  if (recipients > 0) {
    throw oraError(24039, `QUEUE ${queue.name} not created in queue table for multiple consumers`)
  }
  if (delay < 0) throw oraError(25203, `invalid value ${delay}, DELAY should be non-negative`)
  if (expiration < neverExpires) {
    throw oraError(25209, `invalid value ${expiration}, EXPIRATION should be non-negative or NEVER`)
  }
  if (correlation !== null && Buffer.byteLength(correlation) > longestCorrelation) {
    throw oraError(25217, "enqueue failed, correlation identifier too long")
  }
}

/** Gives the ids of the messages. Either all of them are in the queue or none. */
export function* enqueue(work: QueueWork, request: EnqueueRequest): Step<ReadonlyArray<Uint8Array>> {
  const { core, state } = work
  const found = findQueue(core.catalog, request.queue, state.currentSchema)
  const { queue, table } = found
  const name = `${queue.owner}.${queue.name}`
  if (queue.isException) {
    throw oraError(25206, `enqueue failed, enqueue to exception queue ${name} not permitted`)
  }
  if (!queue.enqueue) throw oraError(25207, `enqueue failed, queue ${name} is disabled from enqueueing`)
  if (request.visibility !== Visibility.immediate && request.visibility !== Visibility.onCommit) {
    throw oraError(25201, `invalid value, VISIBILITY should be ON_COMMIT or IMMEDIATE`)
  }
  checkPayloadType(found, request.payloadType)
  const immediate = request.visibility === Visibility.immediate
  const transaction = immediate ? new Transaction(core.store, core.locks, core.nextInner()) : work.transaction
  const mark = transaction.mark()
  try {
    transaction.beforeWrite()
    yield* lockForChange(work, transaction, table)
    const statement = core.store.nextStatement()
    const ids: Array<Uint8Array> = []
    for (const message of request.messages) {
      checkMessage(message, found)
      ids.push(insert(work, transaction, found, message, statement))
    }
    if (immediate) transaction.commit()
    return ids
  } catch (error) {
    if (!immediate) {
      transaction.undoTo(mark, false)
      transaction.settle()
    }
    throw error
  } finally {
    if (immediate) transaction.rollback(true)
  }
}

const insert = (
  { core, state }: QueueWork,
  transaction: Transaction,
  { queue, queueTable, table }: FoundQueue,
  message: OutgoingMessage,
  statement: number
): Uint8Array => {
  const { correlation, delay, exceptionQueue, expiration, payload, priority } = message
  const now = core.host.now()
  const { id, order } = core.queues.nextId()
  const [exceptionOwner, exceptionName] = exceptionQueue === null
    ? [queueTable.owner, defaultExceptionQueue(queueTable)]
    : placeOf(exceptionQueue, queueTable.owner, "EXCEPTION_QUEUE")
  const row = blankRow(table).with({
    Q_NAME: queue.name,
    MSGID: id,
    CORRID: correlation,
    PRIORITY: numberOf(priority),
    STATE: numberOf(delay > 0 ? MessageState.waiting : MessageState.ready),
    DELAY: delay > 0 ? stampOf(now + delay * 1000) : null,
    EXPIRATION: expiration === neverExpires ? null : numberOf(expiration),
    TIME_MANAGER_INFO: expiration === neverExpires ? null : stampOf(now + (delay + expiration) * 1000),
    LOCAL_ORDER_NO: numberOf(order),
    ENQ_TIME: stampOf(now),
    ENQ_UID: state.info.user,
    RETRY_COUNT: numberOf(0),
    EXCEPTION_QSCHEMA: exceptionOwner,
    EXCEPTION_QUEUE: exceptionName,
    USER_DATA: payload === null ? null : encodeValue(payload as Value, payloadTypeOf(table))
  })
  transaction.insert(table, row, statement)
  return id
}
