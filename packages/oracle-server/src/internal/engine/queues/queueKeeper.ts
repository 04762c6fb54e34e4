/**
 * What happens to messages by itself: delays end, messages expire, those that were handled and kept long enough go, and those
 * whose transaction was rolled back count it and end in an exception queue. Each is a small transaction of its own.
 *
 * The keeper hears of every change of a queue table and knows for each table when something is due next; one timer waits for
 * the earliest of them.
 */
import { randomBytes } from "node:crypto"
import type { Catalog, Table } from "../catalog/catalog.ts"
import { defaultExceptionQueue, type Queue, type QueueTable } from "../catalog/queues.ts"
import type { EngineHost } from "../engine.ts"
import type { Locks } from "../storage/locks.ts"
import type { Store } from "../storage/store.ts"
import type { Row } from "../storage/tableData.ts"
import { Transaction } from "../storage/transaction.ts"
import { blankRow, copyMessage, MessageRow, MessageState, numberOf, stampOf } from "./message.ts"
import { tableOf } from "./names.ts"

interface QueueSurroundings {
  readonly catalog: Catalog
  readonly store: Store
  readonly locks: Locks
  readonly host: EngineHost
  readonly nextInner: () => number
}

interface Kept {
  readonly queueTable: QueueTable
  readonly table: Table
}

const payloadName = ({ objectType, payload }: QueueTable): string => objectType ?? payload

export class QueueKeeper {
  readonly #around: QueueSurroundings
  /** By `OWNER.NAME` of a queue table: when something is due in it, in milliseconds since 1970. */
  readonly #due = new Map<string, number>()
  readonly #watches = new Map<string, () => void>()
  #timer: { readonly at: number; readonly stop: AbortController } | undefined
  readonly #prefix = randomBytes(8)
  /** Messages that were enqueued so far. */
  #count = 0

  constructor(around: QueueSurroundings) {
    this.#around = around
  }

  /** A message id that no other message has, and the place of the message among all that were enqueued. */
  nextId(): { readonly id: Uint8Array; readonly order: number } {
    const id = Buffer.alloc(16)
    this.#prefix.copy(id)
    id.writeBigUInt64BE(BigInt(++this.#count), 8)
    return { id: Uint8Array.from(id), order: this.#count }
  }

  /** Takes a queue table in its care. */
  adopt(key: string): void {
    const kept = tableOf(this.#around.catalog, key)
    const { store } = this.#around
    this.#watches.set(
      key,
      store.watch(kept.table.id, (rows) => {
        const data = store.data(kept.table, 0)
        for (const row of rows) this.#note(key, kept, data.head(row)?.values)
        this.#arm()
      })
    )
    this.#look(key, kept)
    this.#arm()
  }

  /** The table is about to go. */
  leave(key: string): void {
    this.#watches.get(key)?.()
    this.#watches.delete(key)
    this.#due.delete(key)
  }

  /** The catalog has become another one. */
  restart(): void {
    this.close()
    for (const key of this.#around.catalog.queueTables.keys()) this.adopt(key)
  }

  /** Sessions that wait for messages of the table look again. */
  stir(tableId: number): void {
    this.#around.store.tell([[tableId, -1]])
  }

  close(): void {
    for (const key of this.#watches.keys()) this.leave(key)
    this.#timer?.stop.abort()
    this.#timer = undefined
  }

  #queueOf({ queueTable }: Kept, message: MessageRow): Queue | undefined {
    return this.#around.catalog.queues.get(`${queueTable.owner}.${message.text("Q_NAME") ?? ""}`)
  }

  #payloadOf(queue: Queue): string | undefined {
    const queueTable = this.#around.catalog.queueTables.get(queue.table)
    return queueTable === undefined ? undefined : payloadName(queueTable)
  }

  /** When something is due for a message, if ever. */
  #dueOf(kept: Kept, message: MessageRow): number | undefined {
    const queue = this.#queueOf(kept, message)
    if (queue === undefined || queue.isException) return undefined
    const expires = message.time("TIME_MANAGER_INFO")
    switch (message.number("STATE")) {
      case MessageState.ready:
        return expires
      case MessageState.waiting:
        return Math.min(message.time("DELAY") ?? 0, expires ?? Infinity)
      case MessageState.processed:
        return queue.retention < 0 ? undefined : (message.time("DEQ_TIME") ?? 0) + queue.retention * 1000
      default:
        return undefined
    }
  }

  #note(key: string, kept: Kept, values: Row | undefined): void {
    const due = values === undefined ? undefined : this.#dueOf(kept, new MessageRow(kept.table, values))
    if (due !== undefined && due < (this.#due.get(key) ?? Infinity)) this.#due.set(key, due)
  }

  /** Finds what is due first among the messages of a table that no session holds. */
  #look(key: string, kept: Kept): void {
    this.#due.delete(key)
    const data = this.#around.store.data(kept.table, 0)
    for (const { values } of data.heads()) {
      if (values !== undefined && data.holder(values[0] as number) === 0) this.#note(key, kept, values)
    }
  }

  #arm(): void {
    let at = Infinity
    for (const due of this.#due.values()) at = Math.min(at, due)
    if (this.#timer !== undefined) {
      if (this.#timer.at <= at) return
      this.#timer.stop.abort()
      this.#timer = undefined
    }
    if (at === Infinity) return
    const stop = new AbortController()
    this.#timer = { at, stop }
    const { host } = this.#around
    host.sleep(Math.max(0, at - host.now()), stop.signal).then(() => {
      if (stop.signal.aborted) return
      this.#timer = undefined
      this.#pass()
      this.#arm()
    }, () => undefined)
  }

  /** Does everything that is due. What a session holds is looked at again when it lets go. */
  #pass(): void {
    const now = this.#around.host.now()
    for (const [key, due] of this.#due) {
      if (due > now) continue
      const kept = tableOf(this.#around.catalog, key)
      const data = this.#around.store.data(kept.table, 0)
      const rows: Array<number> = []
      for (const { values } of data.heads()) {
        if (values === undefined || data.holder(values[0] as number) !== 0) continue
        const at = this.#dueOf(kept, new MessageRow(kept.table, values))
        if (at !== undefined && at <= now) rows.push(values[0] as number)
      }
      if (rows.length > 0) {
        this.#alone((transaction) => {
          for (const row of rows) this.#come(transaction, kept, row, now)
        })
      }
      this.#look(key, kept)
    }
  }

  #alone(work: (transaction: Transaction) => void): void {
    const { locks, nextInner, store } = this.#around
    const transaction = new Transaction(store, locks, nextInner())
    try {
      work(transaction)
      transaction.commit()
    } finally {
      transaction.rollback(true)
    }
  }

  /** The time of one message has come. */
  #come(transaction: Transaction, kept: Kept, row: number, now: number): void {
    const { store } = this.#around
    const message = new MessageRow(kept.table, store.data(kept.table, 0).head(row)!.values!)
    if (message.number("STATE") === MessageState.processed) {
      transaction.replace(kept.table, row, undefined, store.nextStatement())
    } else if ((message.time("TIME_MANAGER_INFO") ?? Infinity) <= now) {
      this.#except(transaction, kept, row, message)
    } else {
      transaction.replace(
        kept.table,
        row,
        message.with({ STATE: numberOf(MessageState.ready), DELAY: null }),
        store.nextStatement()
      )
    }
  }

  /** A transaction that had dequeued the message was rolled back. */
  returned(tableId: number, row: number): void {
    const { catalog, host, store } = this.#around
    for (const [key, queueTable] of catalog.queueTables) {
      if (queueTable.tableId !== tableId) continue
      const kept = tableOf(catalog, key)
      const data = store.data(kept.table, 0)
      const values = data.head(row)?.values
      if (values === undefined || data.holder(row) !== 0) return
      const message = new MessageRow(kept.table, values)
      const queue = this.#queueOf(kept, message)
      if (queue === undefined || queue.isException) return
      const attempts = message.number("RETRY_COUNT") + 1
      const waits = queue.retryDelay > 0
      const counted = message.with({
        RETRY_COUNT: numberOf(attempts),
        ...(waits
          ? { STATE: numberOf(MessageState.waiting), DELAY: stampOf(host.now() + queue.retryDelay * 1000) }
          : {})
      })
      this.#alone((transaction) => {
        if (attempts > queue.maxRetries) this.#except(transaction, kept, row, new MessageRow(kept.table, counted))
        else transaction.replace(kept.table, row, counted, store.nextStatement())
      })
      return
    }
  }

  /** Moves a message into its exception queue, or the one of its table. */
  #except(transaction: Transaction, { queueTable, table }: Kept, row: number, message: MessageRow): void {
    const { catalog, store } = this.#around
    const named = catalog.queues.get(
      `${message.text("EXCEPTION_QSCHEMA") ?? ""}.${message.text("EXCEPTION_QUEUE") ?? ""}`
    )
    const own = catalog.queues.get(`${queueTable.owner}.${defaultExceptionQueue(queueTable)}`)
    // One with another payload cannot hold it.
    const target = named?.isException === true && this.#payloadOf(named) === payloadName(queueTable) ? named : own
    const expired = { STATE: numberOf(MessageState.expired), DELAY: null, TIME_MANAGER_INFO: null } as const
    if (target === undefined || target.table === `${queueTable.owner}.${queueTable.name}`) {
      const place = target === undefined ? {} : { Q_NAME: target.name }
      transaction.replace(table, row, message.with({ ...expired, ...place }), store.nextStatement())
      return
    }
    const other = tableOf(catalog, target.table)
    const moved = copyMessage(message, blankRow(other.table)).with({ ...expired, Q_NAME: target.name })
    transaction.insert(other.table, moved, store.nextStatement())
    transaction.replace(table, row, undefined, store.nextStatement())
  }
}
