/** What the dictionary says of constraints and their columns. */
import type { ColumnDef, Table } from "../catalog/catalog.ts"
import type { ConstraintState } from "../catalog/constraintState.ts"
import type { Core } from "./core.ts"
import { type DictionaryRow, tables } from "./dictionaryRows.ts"

const generated = (isGenerated: boolean): string => isGenerated ? "GENERATED NAME" : "USER NAME"

export const constraintRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  tables(core).flatMap((table): ReadonlyArray<DictionaryRow> => {
    const common = {
      OWNER: table.owner,
      TABLE_NAME: table.name
    }
    const shown = ({ deferrable, enabled, initiallyDeferred, rely, validated }: ConstraintState) => ({
      STATUS: enabled ? "ENABLED" : "DISABLED",
      DEFERRABLE: deferrable ? "DEFERRABLE" : "NOT DEFERRABLE",
      DEFERRED: initiallyDeferred ? "DEFERRED" : "IMMEDIATE",
      VALIDATED: validated ? "VALIDATED" : "NOT VALIDATED",
      RELY: rely ? "RELY" : null
    })
    return [
      ...table.keys.map((key) => ({
        ...common,
        ...shown(key.state),
        CONSTRAINT_NAME: key.name,
        CONSTRAINT_TYPE: key.type === "primary" ? "P" : "U",
        GENERATED: generated(key.generated),
        INDEX_OWNER: table.owner,
        INDEX_NAME: key.indexName
      })),
      ...table.foreign.map((key) => ({
        ...common,
        ...shown(key.state),
        CONSTRAINT_NAME: key.name,
        CONSTRAINT_TYPE: "R",
        R_OWNER: key.parent.owner,
        R_CONSTRAINT_NAME: key.key.name,
        DELETE_RULE: (key.onDelete ?? "no action").toUpperCase(),
        GENERATED: generated(key.generated)
      })),
      ...table.checks.map((check) => ({
        ...common,
        ...shown(check.state),
        CONSTRAINT_NAME: check.name,
        CONSTRAINT_TYPE: "C",
        SEARCH_CONDITION: check.text,
        SEARCH_CONDITION_VC: check.text,
        GENERATED: generated(check.generated)
      }))
    ]
  })

/** Columns that the text of a condition names. */
const columnsIn = (table: Table, text: string): ReadonlyArray<ColumnDef> => {
  const words = new Set(text.toUpperCase().match(/[\p{L}\p{N}_$#]+/gu) ?? [])
  return table.columns.filter(({ name }) => words.has(name.toUpperCase()))
}

export const constraintColumnRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  tables(core).flatMap((table) => {
    const row = (constraint: string, column: ColumnDef, position: number | null) => ({
      OWNER: table.owner,
      CONSTRAINT_NAME: constraint,
      TABLE_NAME: table.name,
      COLUMN_NAME: column.name,
      POSITION: position
    })
    return [
      ...[...table.keys, ...table.foreign].flatMap(({ columns, name }) =>
        columns.map((column, index) => row(name, column, index + 1))
      ),
      ...table.checks.flatMap(({ name, text }) => columnsIn(table, text).map((column) => row(name, column, null)))
    ]
  })
