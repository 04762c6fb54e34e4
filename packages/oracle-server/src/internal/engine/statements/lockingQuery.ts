/** SELECT … FOR UPDATE: locks the rows that it finds, and begins anew when another session has changed one in the meantime. */
import type { Frame } from "../execute/frame.ts"
import { QueryCursor } from "../execute/queryCursor.ts"
import type { Locks } from "../storage/locks.ts"
import type { Transaction } from "../storage/transaction.ts"
import type { Step } from "../storage/waiting.ts"
import { oraError } from "../values/oraError.ts"
import { type LobTarget, lobWriter } from "./lobWrites.ts"
import type { QueryPlan } from "./plans.ts"
import { Blocked, Changed } from "./rowWriter.ts"

/** What it needs of the session. */
interface LockingServices {
  readonly transaction: Transaction
  readonly locks: Locks
  /** A frame that sees what is committed now. */
  readonly frame: () => Frame
  readonly lobs: LobTarget
}

/** Takes the rows that are in the frame; the holder of the first one that another session has. */
const lockRows = (transaction: Transaction, plan: QueryPlan, frame: Frame): number => {
  for (const { slot, table } of plan.locks) {
    const number = frame.rows[slot]![0] as number | null
    if (number === null) continue
    const holder = transaction.lockRow(table, number)
    if (holder !== 0) return holder
    const head = transaction.data(table).head(number)
    if (head === undefined || (head.owner === 0 && head.scn > frame.snapshot.scn)) {
      if (transaction.isolation === "serializable") {
        throw oraError(8177, "can't serialize access for this transaction")
      }
      throw new Changed()
    }
  }
  return 0
}

/** The open cursor, its rows locked. */
export function* lockingQuery(plan: QueryPlan, services: LockingServices): Step<QueryCursor> {
  const { lobs, locks, transaction } = services
  const { sid } = transaction
  const { skipLocked, wait } = plan.query.forUpdate!
  transaction.beforeWrite()
  for (;;) {
    const mark = transaction.mark()
    let cursor: QueryCursor | undefined
    try {
      for (const { table } of plan.locks) {
        const holder = transaction.lockTable(table, "ROW SHARE")
        if (holder !== 0) throw new Blocked(holder)
      }
      const frame = services.frame()
      const take = (): boolean => {
        // A row that has changed since is no longer the one that was looked for.
        try {
          return lockRows(transaction, plan, frame) === 0
        } catch (error) {
          if (error instanceof Changed) return false
          throw error
        }
      }
      cursor = new QueryCursor(plan, {
        frame,
        operator: plan.plan.make(frame),
        slot: plan.slot,
        lockSlots: plan.locks.map((lock) => lock.slot),
        take: skipLocked ? take : () => {
          const holder = lockRows(transaction, plan, frame)
          if (holder !== 0) throw new Blocked(holder)
          return true
        }
      }, (column, numbers) => lobWriter(lobs, plan, plan.locks, column, numbers))
      yield* cursor.open()
      // With SKIP LOCKED a row is locked when it is fetched; otherwise all of them before the first one is.
      if (!skipLocked) {
        yield* cursor.readAll()
        if (cursor.exhausted) transaction.settle()
      }
      return cursor
    } catch (error) {
      cursor?.close()
      if (!(error instanceof Blocked) && !(error instanceof Changed)) {
        transaction.undoTo(mark, false)
        transaction.settle()
        throw error
      }
      transaction.undoTo(mark, true)
      if (error instanceof Changed) continue
      try {
        yield locks.waitFor(sid, error.holder, wait)
      } catch (failure) {
        transaction.undoTo(mark, false)
        transaction.settle()
        throw failure
      }
    }
  }
}
