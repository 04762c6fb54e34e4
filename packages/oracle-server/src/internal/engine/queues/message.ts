/** A message: as clients hand it in and get it, and as a row of its queue table has it. */
import type { ColumnDef, Table } from "../catalog/catalog.ts"
import type { Row } from "../storage/tableData.ts"
import { decodeTimestamp, encodeTimestamp, normalize } from "../values/calendar.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { fromInteger, type NumberValue, toDouble } from "../values/oracleNumber.ts"
import type { DateTime, Value } from "../values/value.ts"

export const MessageState = { ready: 0, waiting: 1, processed: 2, expired: 3 } as const
export const Visibility = { immediate: 1, onCommit: 2 } as const
export const DequeueMode = { browse: 1, locked: 2, remove: 3, removeNoData: 4 } as const
export const Navigation = { first: 1, nextTransaction: 2, next: 3 } as const

export const waitForever = 0xffffffff
export const neverExpires = -1

/** What is sent. */
export interface OutgoingMessage {
  readonly payload: Value
  readonly priority: number
  /** Seconds. */
  readonly delay: number
  /** Seconds after the delay; -1: never. */
  readonly expiration: number
  readonly correlation: string | null
  readonly exceptionQueue: string | null
  /** How many consumers are named to get it. */
  readonly recipients: number
}

export interface EnqueueRequest {
  readonly queue: string
  /** `RAW`, `JSON` or the id of an object type. */
  readonly payloadType: string
  readonly visibility: number
  readonly messages: ReadonlyArray<OutgoingMessage>
}

export interface DequeueRequest {
  readonly queue: string
  readonly payloadType: string
  readonly mode: number
  readonly navigation: number
  readonly visibility: number
  /** Seconds; {@link waitForever}. */
  readonly wait: number
  readonly id: Uint8Array | null
  /** `%` and `_` stand for any texts and characters. */
  readonly correlation: string | null
  readonly condition: string | null
  readonly consumer: string | null
  /** The most messages that are wanted: only the first one is waited for. */
  readonly count: number
}

/** What is received. */
export interface ReceivedMessage {
  readonly id: Uint8Array
  /** undefined where it was not asked for. */
  readonly payload: Value | undefined
  readonly priority: number
  readonly delay: number
  readonly expiration: number
  readonly correlation: string | null
  readonly attempts: number
  readonly exceptionQueue: string | null
  readonly state: number
  readonly enqueuedAt: DateTime | null
}

/** The columns of a queue table, with the type of its payloads. */
export const columnsOf = (payload: string): string =>
  "q_name varchar2(128), msgid raw(16) not null primary key, corrid varchar2(128), priority number, state number, " +
  "delay timestamp(6), expiration number, time_manager_info timestamp(6), local_order_no number, chain_no number, " +
  "cscn number, dscn number, enq_time timestamp(6), enq_uid varchar2(128), enq_tid varchar2(30), " +
  "deq_time timestamp(6), deq_uid varchar2(128), deq_tid varchar2(30), retry_count number, " +
  "exception_qschema varchar2(128), exception_queue varchar2(128), step_no number, recipient_key number, " +
  `dequeue_msgid raw(16), sender_name varchar2(128), sender_address varchar2(1024), sender_protocol number, ` +
  `user_data ${payload}`

const messageColumns = [
  "Q_NAME",
  "MSGID",
  "CORRID",
  "PRIORITY",
  "STATE",
  "DELAY",
  "EXPIRATION",
  "TIME_MANAGER_INFO",
  "LOCAL_ORDER_NO",
  "ENQ_TIME",
  "ENQ_UID",
  "DEQ_TIME",
  "DEQ_UID",
  "RETRY_COUNT",
  "EXCEPTION_QSCHEMA",
  "EXCEPTION_QUEUE",
  "USER_DATA"
] as const

type MessageColumn = typeof messageColumns[number]

/** Milliseconds since 1970, as a TIMESTAMP. */
export const stampOf = (milliseconds: number): string =>
  encodeTimestamp(normalize(Math.floor(milliseconds / 1000), (milliseconds % 1000) * 1_000_000))

const millisecondsOf = (stamp: Stored): number | undefined => {
  if (stamp === null) return undefined
  const { nanos, seconds } = decodeTimestamp(stamp as string)
  return seconds * 1000 + Math.floor(nanos / 1_000_000)
}

const layouts = new WeakMap<Table, ReadonlyMap<string, ColumnDef>>()

const layoutOf = (table: Table): ReadonlyMap<string, ColumnDef> => {
  const known = layouts.get(table)
  if (known !== undefined) return known
  const layout = new Map(table.columns.map((column) => [column.name, column]))
  layouts.set(table, layout)
  return layout
}

export const payloadTypeOf = (table: Table): SqlType => layoutOf(table).get("USER_DATA")!.type

/** A row of a queue table by the names of its columns. */
export class MessageRow {
  readonly #table: Table
  readonly #layout: ReadonlyMap<string, ColumnDef>
  readonly row: Row

  constructor(table: Table, row: Row) {
    this.#table = table
    this.#layout = layoutOf(table)
    this.row = row
  }

  get(column: MessageColumn): Stored {
    return this.row[this.#layout.get(column)!.place] ?? null
  }

  text(column: MessageColumn): string | null {
    return this.get(column) as string | null
  }

  number(column: MessageColumn): number {
    const value = this.get(column)
    return value === null ? 0 : toDouble(value as NumberValue)
  }

  /** Milliseconds since 1970. */
  time(column: MessageColumn): number | undefined {
    return millisecondsOf(this.get(column))
  }

  /** The row with other values. */
  with(values: Partial<Record<MessageColumn, Stored>>): Row {
    const row = [...this.row]
    for (const [name, value] of Object.entries(values)) row[this.#layout.get(name)!.place] = value
    return row
  }

  moved(values: Partial<Record<MessageColumn, Stored>>): MessageRow {
    return new MessageRow(this.#table, this.with(values))
  }
}

/** An empty row of the table, to be filled. */
export const blankRow = (table: Table): MessageRow =>
  new MessageRow(table, Array.from({ length: table.nextPlace }, () => null))

/** The message in the columns of another table. */
export const copyMessage = (message: MessageRow, into: MessageRow): MessageRow => {
  const values: Partial<Record<MessageColumn, Stored>> = {}
  for (const column of messageColumns) values[column] = message.get(column)
  return into.moved(values)
}

export const numberOf = (value: number): NumberValue => fromInteger(value)
