/** What the catalog says of queues, as the views of the dictionary show it. */
import type { Core } from "./core.ts"
import type { DictionaryRow } from "./dictionaryRows.ts"

const padded = (isOn: boolean): string => isOn ? "  YES  " : "  NO  "

export const queueTableRows = ({ catalog }: Core): ReadonlyArray<DictionaryRow> =>
  [...catalog.queueTables.values()].map(({ comment, name, objectType, owner, payload, sort }) => ({
    OWNER: owner,
    QUEUE_TABLE: name,
    TYPE: payload,
    OBJECT_TYPE: objectType ?? null,
    SORT_ORDER: sort.map((key) => key === "PRIORITY" ? "PRIORITY" : "ENQUEUE_TIME").join(", "),
    RECIPIENTS: "SINGLE",
    MESSAGE_GROUPING: "NONE",
    COMPATIBLE: "10.0.0",
    PRIMARY_INSTANCE: 0,
    SECONDARY_INSTANCE: 0,
    OWNER_INSTANCE: 1,
    USER_COMMENT: comment,
    SECURE: "NO",
    REPLICATION_MODE: "NONE"
  }))

export const queueRows = ({ catalog }: Core): ReadonlyArray<DictionaryRow> =>
  [...catalog.queues.values()].map((queue) => {
    const table = catalog.queueTables.get(queue.table)
    return {
      OWNER: queue.owner,
      NAME: queue.name,
      QUEUE_TABLE: table?.name ?? null,
      QID: queue.id,
      QUEUE_TYPE: queue.isException ? "EXCEPTION_QUEUE" : "NORMAL_QUEUE",
      MAX_RETRIES: queue.maxRetries,
      RETRY_DELAY: queue.retryDelay,
      ENQUEUE_ENABLED: padded(queue.enqueue),
      DEQUEUE_ENABLED: padded(queue.dequeue),
      RETENTION: queue.retention < 0 ? "FOREVER" : String(queue.retention),
      USER_COMMENT: queue.comment,
      SHARDED: table?.isEventQueue === true ? "TRUE" : "FALSE",
      QUEUE_CATEGORY: table?.isEventQueue === true ? "Transactional Event Queue" : "Classic Queue",
      RECIPIENTS: "SINGLE"
    }
  })

export const queueObjectRows = ({ catalog }: Core): ReadonlyArray<DictionaryRow> =>
  [...catalog.queues.values()].map(({ id, name, owner }) => ({
    OWNER: owner,
    OBJECT_NAME: name,
    OBJECT_ID: id,
    OBJECT_TYPE: "QUEUE",
    STATUS: "VALID",
    TEMPORARY: "N",
    GENERATED: "N",
    SECONDARY: "N",
    NAMESPACE: 10,
    ORACLE_MAINTAINED: "N"
  }))
