/** Where rows are kept: segments, files and what is free. All of it is memory, shown in the words of a database on disk. */
import type { Table } from "../catalog/catalog.ts"
import type { Core } from "./core.ts"
import type { Cell } from "./dictionaryRows.ts"
import { tablespaces } from "./tablespaces.ts"
import type { Rows, View } from "./viewShapes.ts"

const blockSize = 8192
const blocks = (bytes: number): number => Math.ceil(bytes / blockSize)

const bytesOf = (core: Core, table: Table): number => core.store.all(table).reduce((sum, data) => sum + data.bytes, 0)

interface Segment {
  readonly owner: string
  readonly name: string
  readonly type: "TABLE" | "INDEX"
  readonly bytes: number
}

const segments = (core: Core): ReadonlyArray<Segment> =>
  [...core.catalog.tables()].filter(({ temporary }) => temporary === undefined).flatMap((table) => {
    const bytes = Math.max(65_536, bytesOf(core, table))
    const { name, owner } = table
    return [
      { owner, name, type: "TABLE" as const, bytes },
      ...[...table.keys.map(({ indexName }) => indexName), ...table.indexes.map((index) => index.name)].map((
        index
      ) => ({
        owner,
        name: index,
        type: "INDEX" as const,
        bytes: 65_536
      }))
    ]
  })

const segmentColumns =
  "SEGMENT_NAME PARTITION_NAME SEGMENT_TYPE SEGMENT_SUBTYPE TABLESPACE_NAME BYTES# BLOCKS# EXTENTS# " +
  "INITIAL_EXTENT# NEXT_EXTENT# MIN_EXTENTS# MAX_EXTENTS#"
const segmentRow = ({ bytes, name, type }: Segment): ReadonlyArray<Cell> => [
  name,
  null,
  type,
  "ASSM",
  "USERS",
  bytes,
  blocks(bytes),
  Math.ceil(bytes / 65_536),
  65_536,
  1_048_576,
  1,
  2_147_483_645
]

/** A file for each tablespace; the memory of the server is that of USERS. */
const sizes = (core: Core): ReadonlyMap<string, { readonly bytes: number; readonly used: number }> => {
  const used = segments(core).reduce((sum, segment) => sum + segment.bytes, 0)
  const limit = core.store.memory.limit
  return new Map(
    tablespaces.map(([name]) => [
      name,
      name === "USERS" ? { bytes: Math.max(limit, used), used } : { bytes: 100 * 1024 * 1024, used: 10 * 1024 * 1024 }
    ])
  )
}

const files = (core: Core, isTemporary: boolean): Rows => {
  const known = sizes(core)
  return tablespaces.flatMap(([name, contents], i) => {
    if ((contents === "TEMPORARY") !== isTemporary) return []
    const { bytes } = known.get(name)!
    return [[
      `/opt/oracle/oradata/${core.environment.instanceName}/${name.toLowerCase()}01.dbf`,
      i + 1,
      name,
      bytes,
      blocks(bytes),
      "AVAILABLE",
      i + 1,
      "NO",
      0,
      0,
      0,
      bytes,
      blocks(bytes),
      "ONLINE"
    ]]
  })
}
const fileColumns = "FILE_NAME FILE_ID# TABLESPACE_NAME BYTES# BLOCKS# STATUS RELATIVE_FNO# AUTOEXTENSIBLE MAXBYTES# " +
  "MAXBLOCKS# INCREMENT_BY# USER_BYTES# USER_BLOCKS# ONLINE_STATUS"

const permanent = (core: Core): ReadonlyArray<readonly [string, number, number, number]> =>
  [...sizes(core)].flatMap(([name, { bytes, used }], i) =>
    tablespaces[i]![1] === "TEMPORARY" ? [] : [[name, bytes, used, i + 1] as const]
  )

const freeRows = (core: Core): Rows =>
  permanent(core).map(([name, bytes, used, file]) => [name, file, 1, bytes - used, blocks(bytes - used), file])
const freeColumns = "TABLESPACE_NAME FILE_ID# BLOCK_ID# BYTES# BLOCKS# RELATIVE_FNO#"

export const spaceViews: Readonly<Record<string, View>> = {
  DBA_SEGMENTS: {
    columns: `OWNER ${segmentColumns}`,
    rows: (core) => segments(core).map((segment) => [segment.owner, ...segmentRow(segment)])
  },
  USER_SEGMENTS: {
    columns: segmentColumns,
    rows: (core, { info }) => segments(core).filter(({ owner }) => owner === info.user).map(segmentRow)
  },
  DBA_DATA_FILES: { columns: fileColumns, rows: (core) => files(core, false) },
  DBA_TEMP_FILES: { columns: fileColumns, rows: (core) => files(core, true) },
  DBA_FREE_SPACE: { columns: freeColumns, rows: freeRows },
  USER_FREE_SPACE: { columns: freeColumns, rows: freeRows },
  DBA_TABLESPACE_USAGE_METRICS: {
    columns: "TABLESPACE_NAME USED_SPACE# TABLESPACE_SIZE# USED_PERCENT#",
    rows: (core) =>
      permanent(core).map(([name, bytes, used]) => [
        name,
        blocks(used),
        blocks(bytes),
        Math.round((used / bytes) * 10_000) / 100
      ])
  },
  "V$TABLESPACE": {
    columns: "TS## NAME INCLUDED_IN_DATABASE_BACKUP BIGFILE FLASHBACK_ON ENCRYPT_IN_BACKUP CON_ID#",
    rows: () => tablespaces.map(([name], i) => [i, name, "YES", "NO", "YES", null, 0])
  }
}
