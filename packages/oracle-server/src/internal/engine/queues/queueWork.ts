/** What enqueuing and dequeuing need of the session that does it. */
import type { Catalog, Table } from "../catalog/catalog.ts"
import type { EngineHost } from "../engine.ts"
import type { Locks } from "../storage/locks.ts"
import type { Entry } from "../storage/orderedIndex.ts"
import type { Store } from "../storage/store.ts"
import type { Row } from "../storage/tableData.ts"
import type { Transaction } from "../storage/transaction.ts"
import type { Step } from "../storage/waiting.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { QueueKeeper } from "./queueKeeper.ts"

/** Where a session is in a queue. */
export interface QueuePosition {
  /** What its messages were looked for by. */
  readonly correlation: string | null
  /** The last one that it was given. */
  readonly last: Entry | undefined
}

export interface QueueWork {
  readonly core: {
    readonly catalog: Catalog
    readonly store: Store
    readonly locks: Locks
    readonly host: EngineHost
    readonly queues: QueueKeeper
    readonly nextInner: () => number
  }
  readonly state: SessionState
  readonly transaction: Transaction
  /** By `OWNER.NAME` of the queue. */
  readonly positions: Map<string, QueuePosition>
  /** Compiles a condition over the columns of the table, which has the alias TAB in it. */
  readonly condition: (table: Table, text: string) => (row: Row) => boolean
}

/** Takes the table for changing its rows. */
export function* lockForChange(work: QueueWork, transaction: Transaction, table: Table): Step<void> {
  for (;;) {
    const holder = transaction.lockTable(table, "ROW EXCLUSIVE")
    if (holder === 0) return
    yield work.core.locks.waitFor(transaction.sid, holder, undefined)
  }
}
