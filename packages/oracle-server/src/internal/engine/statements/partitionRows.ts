/** What the dictionary shows of tables that are divided. */
import type { Table } from "../catalog/catalog.ts"
import type { Core } from "./core.ts"
import type { DictionaryRow } from "./dictionaryRows.ts"

const divided = (core: Core) =>
  [...core.catalog.tables()].flatMap((table) =>
    table.partitioning === undefined ? [] : [{ table, partitioning: table.partitioning }]
  )

const named = ({ name, owner }: Table) => ({ OWNER: owner, TABLE_OWNER: owner, TABLE_NAME: name, NAME: name })

export const partitionRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  divided(core).flatMap(({ partitioning, table }) =>
    partitioning.partitions.map(({ isInterval, name, text }, i) => ({
      ...named(table),
      COMPOSITE: "NO",
      PARTITION_NAME: name,
      SUBPARTITION_COUNT: 0,
      HIGH_VALUE: partitioning.method === "HASH" ? null : text,
      HIGH_VALUE_LENGTH: partitioning.method === "HASH" ? 0 : text.length,
      PARTITION_POSITION: i + 1,
      TABLESPACE_NAME: "USERS",
      LOGGING: "YES",
      COMPRESSION: "DISABLED",
      INTERVAL: isInterval ? "YES" : "NO",
      SEGMENT_CREATED: "YES",
      READ_ONLY: "NO"
    }))
  )

export const partitionedTableRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  divided(core).map(({ partitioning, table }) => ({
    ...named(table),
    PARTITIONING_TYPE: partitioning.method,
    SUBPARTITIONING_TYPE: "NONE",
    PARTITION_COUNT: partitioning.interval === undefined ? partitioning.partitions.length : 1_048_575,
    DEF_SUBPARTITION_COUNT: 0,
    PARTITIONING_KEY_COUNT: partitioning.columns.length,
    SUBPARTITIONING_KEY_COUNT: 0,
    STATUS: "VALID",
    DEF_TABLESPACE_NAME: "USERS",
    INTERVAL: partitioning.interval ?? null,
    AUTOLIST: partitioning.automatic ? "YES" : "NO",
    IS_NESTED: "NO"
  }))

export const partitionKeyRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  divided(core).flatMap(({ partitioning, table }) =>
    partitioning.columns.map((column, i) => ({
      ...named(table),
      OBJECT_TYPE: "TABLE",
      COLUMN_NAME: column.name,
      COLUMN_POSITION: i + 1
    }))
  )
