/** What the catalog knows of Advanced Queuing: tables of queues and the queues in them. The messages are rows of those tables. */

/** In which order the messages of a table are given out. */
export type SortKey = "PRIORITY" | "ENQ_TIME"

export interface QueueTable {
  /** Of the table with the messages. */
  readonly tableId: number
  readonly owner: string
  readonly name: string
  readonly payload: "RAW" | "JSON" | "OBJECT"
  /** `OWNER.NAME` of the payload's type, for objects. */
  readonly objectType: string | undefined
  /** Its id in hexadecimal digits. */
  readonly oid: string | undefined
  readonly sort: ReadonlyArray<SortKey>
  /** Of the index that has the messages of each queue in their order. */
  readonly indexId: number
  /** Made with its one queue and dropped with it: a transactional event queue. */
  readonly isEventQueue: boolean
  readonly comment: string | null
}

export interface Queue {
  readonly id: number
  readonly owner: string
  readonly name: string
  /** `OWNER.NAME`. */
  readonly table: string
  readonly isException: boolean
  maxRetries: number
  /** Seconds before a message that was rolled back is given out again. */
  retryDelay: number
  /** Seconds for which a dequeued message stays in the table; -1: for good. */
  retention: number
  enqueue: boolean
  dequeue: boolean
  comment: string | null
}

/** The queue to which a table's messages go that could not be handled, unless they name another one. */
export const defaultExceptionQueue = (table: QueueTable): string => `AQ$_${table.name}_E`
