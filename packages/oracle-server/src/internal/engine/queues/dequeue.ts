/**
 * Takes messages from a queue.
 *
 * A message that another transaction has is passed over, never waited for; a session that finds none waits until something
 * becomes of a message of the table, or until the delay of one of them ends.
 */
import { matchesLike } from "../functions/patternFunctions.ts"
import type { Entry } from "../storage/orderedIndex.ts"
import { current, type Row } from "../storage/tableData.ts"
import { Transaction } from "../storage/transaction.ts"
import type { Step, Wait } from "../storage/waiting.ts"
import { decodeTimestamp, toDateTime } from "../values/calendar.ts"
import { oraError } from "../values/oraError.ts"
import type { Value } from "../values/value.ts"
import { decoderFor } from "../values/values.ts"
import { checkPayloadType } from "./enqueue.ts"
import {
  DequeueMode,
  type DequeueRequest,
  MessageRow,
  MessageState,
  Navigation,
  numberOf,
  payloadTypeOf,
  type ReceivedMessage,
  stampOf,
  Visibility,
  waitForever
} from "./message.ts"
import { findQueue, type FoundQueue } from "./names.ts"
import { lockForChange, type QueueWork } from "./queueWork.ts"

/** Why there is no message: when the next one that is there becomes ready. */
interface NoMessage {
  readonly readyAt: number
}

interface Candidate {
  readonly entry: Entry
  readonly message: MessageRow
}

const nameOf = ({ queue }: FoundQueue): string => `${queue.owner}.${queue.name}`

const check = (work: QueueWork, request: DequeueRequest, found: FoundQueue): void => {
  const name = nameOf(found)
  if (!found.queue.dequeue) throw oraError(25226, `dequeue failed, queue ${name} is not enabled for dequeue`)
  checkPayloadType(found, request.payloadType)
  const { condition, consumer, correlation, id, mode, navigation, visibility, wait } = request
  if (consumer !== null) {
    throw oraError(25256, "consumer cannot be specified with a single-consumer queue or an exception queue")
  }
  if (mode < DequeueMode.browse || mode > DequeueMode.removeNoData) {
    throw oraError(25225, `invalid value ${mode}, DEQUEUE_MODE should be REMOVE or BROWSE or LOCKED`)
  }
  if (visibility !== Visibility.immediate && visibility !== Visibility.onCommit) {
    throw oraError(25201, "invalid value, VISIBILITY should be ON_COMMIT or IMMEDIATE")
  }
  if (navigation === Navigation.nextTransaction) {
    throw oraError(25234, `NEXT_TRANSACTION navigation option invalid for queue table ${found.queue.table}`)
  }
  if (navigation !== Navigation.first && navigation !== Navigation.next) {
    throw oraError(25222, `invalid value ${navigation}, NAVIGATION should be FIRST_MESSAGE or NEXT_MESSAGE`)
  }
  if (wait < 0) throw oraError(25203, `invalid value ${wait}, WAIT should be non-negative`)
  if (id !== null && (condition !== null || correlation !== null)) {
    throw oraError(25240, "message ID and dequeue condition/correlation ID specified in dequeue options")
  }
  const position = work.positions.get(name)
  if (navigation === Navigation.next && position !== undefined && position.correlation !== correlation) {
    throw oraError(
      25241,
      `cannot change correlation ID from '${position.correlation ?? ""}' to '${
        correlation ?? ""
      }' without FIRST_MESSAGE option`
    )
  }
}

const isReady = (found: FoundQueue, message: MessageRow, now: number, byId: boolean): boolean => {
  const state = message.number("STATE")
  if (found.queue.isException) return state === MessageState.expired
  if (state !== MessageState.ready && state !== MessageState.waiting) return false
  if ((message.time("TIME_MANAGER_INFO") ?? Infinity) <= now) return false
  // Who asks for a message by its id gets it before its time.
  return byId || state === MessageState.ready || (message.time("DELAY") ?? 0) <= now
}

/** The messages that this session could get now, in their order. */
function* candidates(
  work: QueueWork,
  request: DequeueRequest,
  found: FoundQueue,
  test: ((row: Row) => boolean) | undefined
): Generator<Candidate, NoMessage> {
  const { queue, queueTable, table } = found
  const { mode } = request
  const data = work.transaction.data(table)
  const index = data.index(queueTable.indexId)
  const bound = { key: [queue.name], inclusive: true }
  const walk = index.range(bound, bound)
  const now = work.core.host.now()
  const browses = mode === DequeueMode.browse
  // Who takes messages away always gets the first one; who looks at them goes on.
  const after = request.navigation === Navigation.next && (browses || mode === DequeueMode.locked)
    ? work.positions.get(nameOf(found))?.last
    : undefined
  let readyAt = Infinity
  for (let entry = walk.next(); entry !== undefined; entry = walk.next()) {
    if (after !== undefined && (index.compare(entry.key, after.key) || entry.row - after.row) <= 0) continue
    const version = current(data.head(entry.row), work.transaction.sid)
    if (version?.values === undefined || index.compare(index.keyOf(version.values), entry.key) !== 0) continue
    const holder = data.holder(entry.row)
    if (!browses && holder !== 0 && holder !== work.transaction.sid) continue
    const message = new MessageRow(table, version.values)
    if (request.id !== null && Buffer.compare(message.get("MSGID") as Uint8Array, request.id) !== 0) continue
    if (request.correlation !== null && !matchesLike(message.text("CORRID") ?? "", request.correlation)) continue
    if (!isReady(found, message, now, request.id !== null)) {
      if (message.number("STATE") === MessageState.waiting) readyAt = Math.min(readyAt, message.time("DELAY") ?? now)
      continue
    }
    if (test !== undefined && !test(version.values)) continue
    yield { entry, message }
  }
  return { readyAt }
}

/** Whether a message with this id is in the queue, whoever has it. */
const isThere = ({ core, transaction }: QueueWork, { table }: FoundQueue, id: Uint8Array): boolean => {
  for (const head of core.store.data(table, 0).heads()) {
    const values = current(head, transaction.sid)?.values
    if (values === undefined) continue
    const message = new MessageRow(table, values)
    if (
      message.number("STATE") !== MessageState.processed && Buffer.compare(message.get("MSGID") as Uint8Array, id) === 0
    ) {
      return true
    }
  }
  return false
}

/** Until something becomes of a message of the table, or until a moment. */
const untilChange = ({ core }: QueueWork, tableId: number, until: number): Wait => (signal) => {
  const done = new AbortController()
  return new Promise<void>((resolve, reject) => {
    signal.throwIfAborted()
    const unwatch = core.store.watch(tableId, () => resolve())
    done.signal.addEventListener("abort", unwatch, { once: true })
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true, signal: done.signal })
    const left = until - core.host.now()
    if (until < Infinity) core.host.sleep(Math.max(0, left), done.signal).then(resolve, () => undefined)
  }).finally(() => done.abort())
}

/** Waits for the first message only; the others are those that are there then. ORA-25228 when there is none. */
export function* dequeue(work: QueueWork, request: DequeueRequest): Step<ReadonlyArray<ReceivedMessage>> {
  const { core, state } = work
  const until = request.wait === waitForever ? Infinity : core.host.now() + request.wait * 1000
  for (let first = true;; first = false) {
    // Looked up again after each wait: it may have been stopped or dropped meanwhile.
    const found = findQueue(core.catalog, request.queue, state.currentSchema)
    if (first || !found.queue.dequeue) check(work, request, found)
    const test = request.condition === null ? undefined : work.condition(found.table, request.condition)
    const messages: Array<ReceivedMessage> = []
    let none: NoMessage = { readyAt: Infinity }
    if (first) {
      if (request.mode !== DequeueMode.browse) work.transaction.beforeWrite()
      if (request.navigation === Navigation.first || !work.positions.has(nameOf(found))) {
        work.positions.set(nameOf(found), { correlation: request.correlation, last: undefined })
      }
    }
    if (request.mode !== DequeueMode.browse && request.visibility === Visibility.onCommit) {
      yield* lockForChange(work, work.transaction, found.table)
    }
    const walk = candidates(work, request, found, test)
    for (;;) {
      const next = walk.next()
      if (next.done === true) {
        none = next.value
        break
      }
      work.positions.set(nameOf(found), { correlation: request.correlation, last: next.value.entry })
      messages.push(take(work, request, found, next.value))
      if (messages.length === request.count) break
    }
    if (messages.length > 0) return messages
    work.transaction.settle()
    const { id } = request
    if (id !== null && !isThere(work, found, id)) {
      throw oraError(
        25263,
        `no message in queue ${nameOf(found)} with message ID ${Buffer.from(id).toString("hex").toUpperCase()}`
      )
    }
    if (core.host.now() >= until) {
      throw oraError(25228, `timeout or end-of-fetch during message dequeue from ${nameOf(found)}`)
    }
    yield untilChange(work, found.table.id, Math.min(until, none.readyAt))
  }
}

const take = (work: QueueWork, request: DequeueRequest, found: FoundQueue, candidate: Candidate): ReceivedMessage => {
  const { core, state, transaction } = work
  const { mode, visibility } = request
  const { queue, table } = found
  const { entry: { row }, message } = candidate
  if (mode === DequeueMode.locked) transaction.lockRow(table, row)
  else if (mode !== DequeueMode.browse) {
    const remove = (within: Transaction): void => {
      const kept = queue.retention === 0 || queue.isException ? undefined : message.with({
        STATE: numberOf(MessageState.processed),
        DEQ_TIME: stampOf(core.host.now()),
        DEQ_UID: state.info.user,
        DELAY: null
      })
      within.replace(table, row, kept, core.store.nextStatement())
    }
    if (visibility === Visibility.immediate) {
      const alone = new Transaction(core.store, core.locks, core.nextInner())
      // The session itself may have it from a look at it under a lock.
      if (core.store.data(table, 0).holder(row) === transaction.sid) remove(transaction)
      else {
        remove(alone)
        alone.commit()
      }
    } else {
      transaction.onRollback(() => core.queues.returned(table.id, row))
      remove(transaction)
    }
  }
  return received(found, message, mode !== DequeueMode.removeNoData)
}

const received = ({ table }: FoundQueue, message: MessageRow, withPayload: boolean): ReceivedMessage => {
  const enqueued = message.get("ENQ_TIME")
  const schema = message.text("EXCEPTION_QSCHEMA")
  const payload = message.get("USER_DATA")
  return {
    id: message.get("MSGID") as Uint8Array,
    payload: withPayload ? payloadOf(payload, table) : undefined,
    priority: message.number("PRIORITY"),
    delay: 0,
    expiration: message.get("EXPIRATION") === null ? -1 : message.number("EXPIRATION"),
    correlation: message.text("CORRID"),
    attempts: message.number("RETRY_COUNT"),
    exceptionQueue: schema === null ? null : `${schema}.${message.text("EXCEPTION_QUEUE") ?? ""}`,
    state: message.number("STATE"),
    enqueuedAt: enqueued === null ? null : toDateTime(decodeTimestamp(enqueued as string))
  }
}

const payloadOf = (stored: MessageRow["row"][number], table: FoundQueue["table"]): Value => {
  if (stored === null) return null
  // The bytes themselves, not a LOB of them.
  return stored instanceof Uint8Array ? stored : decoderFor(payloadTypeOf(table))(stored)
}
