/** Making, changing and dropping queue tables and queues: what DBMS_AQADM does. Each commits, as definitions do. */
import { type Catalog, keyOf } from "../catalog/catalog.ts"
import { defaultExceptionQueue, type Queue, type QueueTable, type SortKey } from "../catalog/queues.ts"
import type { Step } from "../storage/waiting.ts"
import { oidOf } from "../values/composite.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { columnsOf } from "./message.ts"
import { findQueue, placeOf, tableOf } from "./names.ts"
import type { QueueKeeper } from "./queueKeeper.ts"

export interface Administration {
  readonly catalog: Catalog
  readonly keeper: QueueKeeper
  readonly schema: string
  /** Runs a definition, which commits, or a block. */
  readonly run: (sql: string) => Step<void>
  readonly commit: () => void
}

interface QueueTableOptions {
  readonly name: string | null
  readonly payload: string | null
  readonly sort: string | null
  readonly comment: string | null
  readonly isEventQueue: boolean
}

interface QueueOptions {
  readonly name: string | null
  readonly table: string | null
  readonly isException: boolean
  readonly maxRetries: number | null
  readonly retryDelay: number
  readonly retention: number
  readonly comment: string | null
}

const defaultMaxRetries = 5
const greatest = 2 ** 31 - 1

const quote = (owner: string, name: string): string => `"${owner}"."${name}"`

const sortKeys: ReadonlySet<string> = new Set<SortKey>(["PRIORITY", "ENQ_TIME"])

const sortOf = (text: string | null, isEventQueue: boolean): ReadonlyArray<SortKey> => {
  if (text === null) return isEventQueue ? ["PRIORITY", "ENQ_TIME"] : ["ENQ_TIME"]
  const keys = text.toUpperCase().split(",").map((key) => key.trim())
  if (keys.includes("COMMIT_TIME")) throw unimplemented("the sort list COMMIT_TIME of queue tables")
  if (new Set(keys).size !== keys.length || !keys.every((key) => sortKeys.has(key))) {
    throw oraError(24003, `Queue table index ${text} inconsistent with queue table sort list`)
  }
  return keys as ReadonlyArray<SortKey>
}

interface Payload {
  readonly kind: QueueTable["payload"]
  readonly column: string
  readonly objectType: string | undefined
  readonly oid: string | undefined
}

const payloadOf = ({ catalog, schema }: Administration, name: string | null): Payload => {
  const upper = name?.trim().toUpperCase() ?? ""
  if (upper === "RAW") return { kind: "RAW", column: "blob", objectType: undefined, oid: undefined }
  if (upper === "JSON") return { kind: "JSON", column: "json", objectType: undefined, oid: undefined }
  if (upper === "JMS" || upper.includes("AQ$_JMS") || upper === "SYS.ANYDATA" || upper === "SYS.XMLTYPE") {
    throw unimplemented(`queues of ${upper}`)
  }
  const [owner, own] = placeOf(name, schema, "QUEUE_PAYLOAD_TYPE")
  const type = catalog.typeOf([owner, own], schema)
  if (type?.kind !== "object") {
    throw oraError(24000, `invalid value ${name}, QUEUE_PAYLOAD_TYPE should be RAW or an object type`)
  }
  return { kind: "OBJECT", column: quote(owner, own), objectType: `${owner}.${own}`, oid: oidOf(type) }
}

export function* createQueueTable(admin: Administration, options: QueueTableOptions): Step<void> {
  const { catalog, keeper } = admin
  const [owner, name] = placeOf(options.name, admin.schema, "QUEUE_TABLE")
  const key = `${owner}.${name}`
  if (catalog.queueTables.has(key)) throw oraError(24001, `cannot create QUEUE_TABLE, ${key} already exists`)
  // AQ$_ and _E stand around it in the name of its exception queue.
  if (Buffer.byteLength(name) > 122) throw oraError(24019, "identifier for QUEUE_TABLE too long")
  const sort = sortOf(options.sort, options.isEventQueue)
  const payload = payloadOf(admin, options.payload)
  yield* admin.run(`create table ${quote(owner, name)} (${columnsOf(payload.column)})`)
  const index = `AQ$_${name}_I`
  try {
    yield* admin.run(
      `create index ${quote(owner, index)} on ${quote(owner, name)} (q_name, ${[...sort, "local_order_no"].join(", ")})`
    )
    yield* admin.run(
      `create view ${quote(owner, `AQ$${name}`)} as select q_name queue, msgid msg_id, corrid corr_id, ` +
        "priority msg_priority, case state when 0 then 'READY' when 1 then 'WAIT' when 2 then 'PROCESSED' " +
        "when 3 then 'EXPIRED' end msg_state, delay, expiration, enq_time, enq_uid enq_user_id, enq_tid enq_txn_id, " +
        "deq_time, deq_uid deq_user_id, deq_tid deq_txn_id, retry_count, exception_qschema exception_queue_owner, " +
        `exception_queue, user_data from ${quote(owner, name)}`
    )
  } catch (error) {
    yield* admin.run(`drop table ${quote(owner, name)}`)
    throw error
  }
  const table = catalog.objects.get(key)
  if (table?.kind !== "table") throw oraError(24002, `QUEUE_TABLE ${key} does not exist`)
  const { kind, objectType, oid } = payload
  catalog.queueTables.set(key, {
    tableId: table.id,
    owner,
    name,
    payload: kind,
    objectType,
    oid,
    sort,
    indexId: table.indexes.find((candidate) => candidate.name === index)!.indexId,
    isEventQueue: options.isEventQueue,
    comment: options.comment
  })
  addQueue(catalog, key, owner, {
    name: defaultExceptionQueue({ name } as QueueTable),
    isException: true,
    maxRetries: 0,
    retryDelay: 0,
    retention: 0,
    comment: "exception queue"
  })
  keeper.adopt(key)
}

const addQueue = (
  catalog: Catalog,
  table: string,
  owner: string,
  options: Pick<Queue, "name" | "isException" | "maxRetries" | "retryDelay" | "retention" | "comment">
): void => {
  const key = `${owner}.${options.name}`
  if (catalog.queues.has(key)) throw oraError(24006, `cannot create QUEUE, ${key} already exists`)
  catalog.queues.set(key, { id: catalog.nextId(), owner, table, enqueue: false, dequeue: false, ...options })
}

const within = (value: number, least: number, what: string): number => {
  if (!Number.isInteger(value) || value < least || value > greatest) {
    throw oraError(24000, `invalid value ${value}, ${what} should be a whole number from ${least} on`)
  }
  return value
}

export const createQueue = (admin: Administration, options: QueueOptions): void => {
  const { catalog, commit, schema } = admin
  const [tableOwner, tableName] = placeOf(options.table, schema, "QUEUE_TABLE")
  const { queueTable } = tableOf(catalog, `${tableOwner}.${tableName}`)
  const [owner, name] = placeOf(options.name, schema, "QUEUE_NAME")
  if (owner !== queueTable.owner) {
    throw oraError(24000, `invalid value ${owner}, a queue has the owner of its queue table`)
  }
  const retention = options.retention
  commit()
  addQueue(catalog, keyOf(queueTable), owner, {
    name,
    isException: options.isException,
    maxRetries: within(options.maxRetries ?? defaultMaxRetries, 0, "MAX_RETRIES"),
    retryDelay: within(options.retryDelay, 0, "RETRY_DELAY"),
    retention: within(retention, -1, "RETENTION_TIME"),
    comment: options.comment
  })
}

/** What is not given stays as it is. */
export const alterQueue = (
  admin: Administration,
  name: string | null,
  changes: { readonly maxRetries: number | null; readonly retryDelay: number | null; readonly retention: number | null }
): void => {
  const { queue, queueTable } = findQueue(admin.catalog, name, admin.schema)
  admin.commit()
  if (changes.maxRetries !== null) queue.maxRetries = within(changes.maxRetries, 0, "MAX_RETRIES")
  if (changes.retryDelay !== null) queue.retryDelay = within(changes.retryDelay, 0, "RETRY_DELAY")
  if (changes.retention !== null) queue.retention = within(changes.retention, -1, "RETENTION_TIME")
  admin.keeper.leave(keyOf(queueTable))
  admin.keeper.adopt(keyOf(queueTable))
}

/** What is not asked for stays as it is. */
export const startQueue = (admin: Administration, name: string | null, enqueue: boolean, dequeue: boolean): void => {
  const { queue } = findQueue(admin.catalog, name, admin.schema)
  if (queue.isException && enqueue) {
    throw oraError(24008, `cannot enable enqueue on exception queue ${keyOf(queue)}`)
  }
  admin.commit()
  if (enqueue) queue.enqueue = true
  if (dequeue) queue.dequeue = true
}

/** Dequeues that wait end with ORA-25226. */
export const stopQueue = (admin: Administration, name: string | null, enqueue: boolean, dequeue: boolean): void => {
  const { queue, queueTable } = findQueue(admin.catalog, name, admin.schema)
  admin.commit()
  if (enqueue) queue.enqueue = false
  if (dequeue) queue.dequeue = false
  admin.keeper.stir(queueTable.tableId)
}

/** Its messages go with it. */
export function* dropQueue(admin: Administration, name: string | null): Step<void> {
  const { queue, queueTable } = findQueue(admin.catalog, name, admin.schema)
  const key = keyOf(queue)
  if (queue.enqueue || queue.dequeue) throw oraError(24011, `cannot drop QUEUE, ${key} should be stopped first`)
  if (queue.name === defaultExceptionQueue(queueTable)) {
    throw oraError(24009, `invalid value for QUEUE_NAME, ${key} goes with its queue table`)
  }
  admin.commit()
  admin.catalog.queues.delete(key)
  yield* admin.run(
    `begin delete from ${quote(queueTable.owner, queueTable.name)} where q_name = '${
      queue.name.replaceAll("'", "''")
    }'; commit; end;`
  )
}

export function* dropQueueTable(admin: Administration, name: string | null, force: boolean): Step<void> {
  const { catalog, keeper } = admin
  const [owner, own] = placeOf(name, admin.schema, "QUEUE_TABLE")
  const key = `${owner}.${own}`
  const { queueTable } = tableOf(catalog, key)
  const queues = [...catalog.queues.values()].filter((queue) => queue.table === key)
  const others = queues.filter((queue) => queue.name !== defaultExceptionQueue(queueTable))
  if (others.length > 0 && !force) {
    throw oraError(24012, `cannot drop QUEUE_TABLE, some queues in ${key} have not been dropped`)
  }
  catalog.queueTables.delete(key)
  try {
    yield* admin.run(`drop table ${quote(owner, own)}`)
  } catch (error) {
    catalog.queueTables.set(key, queueTable)
    throw error
  }
  yield* admin.run(`drop view ${quote(owner, `AQ$${own}`)}`)
  for (const queue of queues) catalog.queues.delete(keyOf(queue))
  keeper.leave(key)
  keeper.stir(queueTable.tableId)
}
