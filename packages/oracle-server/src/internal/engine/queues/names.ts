/** Finds queues by the names that clients give. */
import { type Catalog, keyOf, type Table } from "../catalog/catalog.ts"
import type { Queue, QueueTable } from "../catalog/queues.ts"
import { oraError } from "../values/oraError.ts"

const part = "(?:\"([^\"]+)\"|([A-Za-z][\\w$#]*))"
const shape = new RegExp(`^\\s*(?:${part}\\s*\\.\\s*)?${part}\\s*$`)

const longest = 128

/** `[SCHEMA.]NAME` as the dictionary has it: in capitals unless it is quoted. */
export const placeOf = (name: string | null, schema: string, what: string): readonly [owner: string, name: string] => {
  if (name === null || name.trim() === "") throw oraError(25202, `invalid value NULL, ${what} should be non-NULL`)
  const match = shape.exec(name)
  if (match === null) throw oraError(25200, `invalid value ${name}, ${what} should be [SCHEMA.]NAME`)
  const owner = match[1] ?? match[2]?.toUpperCase() ?? schema
  const own = match[3] ?? match[4]!.toUpperCase()
  if (Buffer.byteLength(own) > longest) throw oraError(24019, `identifier for ${what} too long`)
  return [owner, own]
}

export interface FoundQueue {
  readonly queue: Queue
  readonly queueTable: QueueTable
  readonly table: Table
}

const noTable = (key: string): Error => oraError(24002, `QUEUE_TABLE ${key} does not exist`)

export const tableOf = (catalog: Catalog, key: string): { readonly queueTable: QueueTable; readonly table: Table } => {
  const queueTable = catalog.queueTables.get(key)
  const table = catalog.objects.get(key)
  if (queueTable === undefined || table?.kind !== "table") throw noTable(key)
  return { queueTable, table }
}

/** Follows synonyms, as other names do. */
export const findQueue = (catalog: Catalog, name: string | null, schema: string): FoundQueue => {
  const [owner, own] = placeOf(name, schema, "QUEUE_NAME")
  const key = `${owner}.${own}`
  const queue = catalog.queues.get(key)
  if (queue === undefined) throw oraError(24010, `QUEUE ${key} does not exist`)
  return { queue, ...tableOf(catalog, queue.table) }
}

export { keyOf }
