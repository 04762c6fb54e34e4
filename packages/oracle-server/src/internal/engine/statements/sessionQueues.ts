/** What one session has of queues: where it is in each of them, and the conditions by which it looks for messages. */
import type { Table } from "../catalog/catalog.ts"
import type { CompilationContext } from "../compile/compilation.ts"
import { condition } from "../compile/logic.ts"
import { tableSource } from "../compile/tableSources.ts"
import { newScope } from "../compile/term.ts"
import type { Frame } from "../execute/frame.ts"
import type { QueuePosition, QueueWork } from "../queues/queueWork.ts"
import type { Row } from "../storage/tableData.ts"
import type { Transaction } from "../storage/transaction.ts"
import { parseStatement } from "../syntax/statementParser.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import { compilation } from "./plans.ts"

/** The executor, as far as it is needed. */
interface Surroundings {
  readonly core: QueueWork["core"]
  readonly state: SessionState
  /** The one that is under way now. */
  readonly transaction: Transaction
  readonly context: (bindTypes: ReadonlyArray<SqlType>) => CompilationContext
}

export class SessionQueues {
  readonly #session: Surroundings
  readonly #frame: () => Frame
  readonly #positions = new Map<string, QueuePosition>()

  constructor(session: Surroundings, frame: () => Frame) {
    this.#session = session
    this.#frame = frame
  }

  /** What enqueuing and dequeuing need now. */
  get work(): QueueWork {
    const { core, state, transaction } = this.#session
    return {
      core,
      state,
      transaction,
      positions: this.#positions,
      condition: (table, text) => this.#condition(table, text)
    }
  }

  #condition(table: Table, text: string): (row: Row) => boolean {
    const { parsed } = parseStatement(`select 1 from dual where ${text}`)
    const where = parsed.kind === "select" && parsed.query.body.kind === "block" ? parsed.query.body.where : undefined
    if (where === undefined) throw oraError(936, "missing expression")
    const c = compilation(this.#session.context([]))
    const scope = newScope(undefined)
    const { relation, source } = tableSource(c, table, "TAB")
    scope.sources.push(source)
    const term = condition(c, where, scope)
    const frame = this.#frame()
    return (row) => {
      frame.rows[relation.slot] = row
      return term.eval(frame) === 1
    }
  }

  /** The session begins anew. */
  forget(): void {
    this.#positions.clear()
  }
}
