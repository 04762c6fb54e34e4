/** What the triggers of a table or a view do around a statement: the contract between DML and the room that runs them. */
import type { Table, View } from "../catalog/catalog.ts"
import type { Row } from "../storage/tableData.ts"
import type { Step } from "../storage/waiting.ts"
import type { TriggerEvent } from "../syntax/astUnits.ts"

export interface StatementTriggers {
  readonly beforeStatement: () => Step<void>
  readonly afterStatement: () => Step<void>
  /** Gives the new row as the triggers leave it; undefined for a row that is deleted. */
  readonly beforeRow: (event: TriggerEvent, old: Row | undefined, now: Row | undefined) => Step<Row | undefined>
  readonly afterRow: (event: TriggerEvent, old: Row | undefined, now: Row | undefined) => Step<void>
  readonly insteadOfRow: (event: TriggerEvent, old: Row | undefined, now: Row | undefined) => Step<void>
}

export interface TriggerRequest {
  readonly object: Table | View
  readonly events: ReadonlyArray<TriggerEvent>
  /** The columns that an UPDATE sets. */
  readonly changed: ReadonlySet<string>
  /** An INSERT of one row of values: a trigger before it may look at the table. */
  readonly single: boolean
}

/** undefined when no enabled trigger is concerned. */
export type FindTriggers = (request: TriggerRequest) => StatementTriggers | undefined
