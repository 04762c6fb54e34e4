/** What the dictionary says of indexes, those of keys included, their columns and expressions. */
import type { ColumnDef, Table } from "../catalog/catalog.ts"
import { kindOf } from "../values/sqlType.ts"
import type { Core } from "./core.ts"
import { columnLength, type DictionaryRow, tables, y } from "./dictionaryRows.ts"

interface IndexFacts {
  readonly table: Table
  readonly owner: string
  readonly name: string
  readonly unique: boolean
  readonly generated: boolean
  readonly columns: ReadonlyArray<ColumnDef>
  readonly descending?: ReadonlyArray<boolean>
}

const isDescending = ({ descending }: IndexFacts, at?: number): boolean =>
  at === undefined ? descending?.includes(true) === true : descending?.[at] === true

const indexes = (core: Core): ReadonlyArray<IndexFacts> =>
  tables(core).flatMap((table) => [
    ...table.keys.map((key) => ({
      table,
      owner: table.owner,
      name: key.indexName,
      unique: true,
      generated: key.generated,
      columns: key.columns
    })),
    ...table.indexes.map((index) => ({
      table,
      owner: index.owner,
      name: index.name,
      unique: index.unique,
      generated: false,
      columns: index.columns,
      descending: index.descending
    }))
  ])

/** Function-based indexes, with their tables. */
const expressionIndexes = (core: Core) =>
  tables(core).flatMap((table) => table.expressionIndexes.map((index) => ({ ...index, table })))

export const indexRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  [
    ...indexes(core).map((index) => ({ ...index, form: isDescending(index) ? "FUNCTION-BASED NORMAL" : "NORMAL" })),
    ...expressionIndexes(core).map((index) => ({
      ...index,
      form: "FUNCTION-BASED NORMAL",
      generated: false,
      unique: false
    }))
  ].map(({ form, generated, name, owner, table, unique }) => ({
    OWNER: owner,
    INDEX_NAME: name,
    INDEX_TYPE: form,
    FUNCIDX_STATUS: form === "NORMAL" ? null : "ENABLED",
    TABLE_OWNER: table.owner,
    TABLE_NAME: table.name,
    TABLE_TYPE: "TABLE",
    UNIQUENESS: unique ? "UNIQUE" : "NONUNIQUE",
    COMPRESSION: "DISABLED",
    TABLESPACE_NAME: table.temporary === undefined ? "USERS" : null,
    LOGGING: "YES",
    BLEVEL: 0,
    LEAF_BLOCKS: 0,
    DISTINCT_KEYS: 0,
    CLUSTERING_FACTOR: 0,
    STATUS: "VALID",
    NUM_ROWS: 0,
    DEGREE: "1",
    INSTANCES: "1",
    PARTITIONED: "NO",
    TEMPORARY: y(table.temporary !== undefined),
    GENERATED: y(generated),
    SECONDARY: "N",
    JOIN_INDEX: "NO",
    DROPPED: "NO",
    VISIBILITY: "VISIBLE",
    SEGMENT_CREATED: "YES"
  }))

export const indexExpressionRows = (core: Core): ReadonlyArray<DictionaryRow> => {
  const row = (
    index: { readonly owner: string; readonly name: string; readonly table: Table },
    text: string,
    at: number
  ) => ({
    INDEX_OWNER: index.owner,
    INDEX_NAME: index.name,
    TABLE_OWNER: index.table.owner,
    TABLE_NAME: index.table.name,
    COLUMN_EXPRESSION: text,
    COLUMN_POSITION: at + 1
  })
  return [
    ...expressionIndexes(core).flatMap((index) =>
      index.columns.flatMap((column, at) => column.isColumn ? [] : [row(index, column.text, at)])
    ),
    ...indexes(core).flatMap((index) =>
      index.columns.flatMap((column, at) => isDescending(index, at) ? [row(index, `"${column.name}"`, at)] : [])
    )
  ]
}

export const indexColumnRows = (core: Core): ReadonlyArray<DictionaryRow> => [
  ...expressionIndexes(core).flatMap(({ columns, name, owner, table }) =>
    columns.map((column, index): DictionaryRow => ({
      INDEX_OWNER: owner,
      INDEX_NAME: name,
      TABLE_OWNER: table.owner,
      TABLE_NAME: table.name,
      COLUMN_NAME: column.name,
      COLUMN_POSITION: index + 1,
      DESCEND: "ASC"
    }))
  ),
  ...indexes(core).flatMap((facts) =>
    facts.columns.map((column, index) => ({
      INDEX_OWNER: facts.owner,
      INDEX_NAME: facts.name,
      TABLE_OWNER: facts.table.owner,
      TABLE_NAME: facts.table.name,
      // A column of the database's own stands for one in descending order.
      COLUMN_NAME: isDescending(facts, index)
        ? `SYS_NC${String(facts.table.columns.length + index + 1).padStart(5, "0")}$`
        : column.name,
      COLUMN_POSITION: index + 1,
      COLUMN_LENGTH: columnLength(column.type),
      CHAR_LENGTH: kindOf(column.type) === "c" ? column.type.chars : 0,
      DESCEND: isDescending(facts, index) ? "DESC" : "ASC"
    }))
  )
]
