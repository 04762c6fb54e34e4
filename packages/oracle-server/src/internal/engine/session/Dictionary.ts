/** The data dictionary and the V$ views: a useful few, made from the catalog and the sessions at each read. */
import type { Table } from "../Catalog.ts"
import type { DictionaryView } from "../compile/Compilation.ts"
import type { Stored } from "../Convert.ts"
import type { Core } from "../Core.ts"
import { userId } from "../functions/SessionFunctions.ts"
import { fromText } from "../OracleNumber.ts"
import type { SessionState } from "../SessionState.ts"
import { isBlankPadded, kindOf, NUMBER, shortName, varchar2 } from "../SqlType.ts"

type Cell = string | number | null
type Rows = ReadonlyArray<ReadonlyArray<Cell>>

interface View {
  /** `NAME` is text, `NAME#` a number. */
  readonly columns: string
  readonly rows: (core: Core, session: SessionState) => Rows
}

const tables = (core: Core): ReadonlyArray<Table> => [...core.catalog.tables()].sort((a, b) => a.name < b.name ? -1 : 1)

const tableRows = (core: Core, test: (owner: string) => boolean): Rows =>
  tables(core).filter((table) => test(table.owner)).map((
    table
  ) => [
    table.owner,
    table.name,
    table.temporary === undefined ? "N" : "Y",
    "VALID",
    table.temporary === "preserve" ? "SYS$SESSION" : table.temporary === "delete" ? "SYS$TRANSACTION" : null
  ])

const columnRows = (core: Core, test: (owner: string) => boolean): Rows =>
  tables(core).filter((table) => test(table.owner)).flatMap((table) =>
    table.columns.map((column, i): ReadonlyArray<Cell> => {
      const { type } = column
      const kind = kindOf(type)
      return [
        table.owner,
        table.name,
        column.name,
        shortName(type),
        kind === "c" || kind === "r" ? type.size : kind === "n" ? 22 : kind === "d" ? 7 : 11,
        kind === "n" && type.precision > 0 ? type.precision : null,
        (kind === "n" && type.precision > 0) || ["t", "z", "l", "s"].includes(kind) ? type.scale : null,
        column.nullable ? "Y" : "N",
        i + 1,
        column.defaultText ?? null,
        kind === "c" ? (type.chars > 0 ? type.chars : type.size) : 0,
        kind === "c" ? (type.chars > 0 ? "C" : "B") : null,
        column.identity === undefined ? "NO" : "YES",
        isBlankPadded(type) ? "CHAR_CS" : null
      ]
    })
  )

const objectRows = (core: Core, test: (owner: string) => boolean): Rows =>
  [...core.catalog.objects.values()].filter((object) => test(object.owner)).map((object) => [
    object.owner,
    object.name,
    object.id,
    object.kind === "procedure"
      ? (object.subprogram.returns === undefined ? "PROCEDURE" : "FUNCTION")
      : object.kind.toUpperCase(),
    "VALID"
  ])

const constraintRows = (core: Core, test: (owner: string) => boolean): Rows => {
  const rows: Array<ReadonlyArray<Cell>> = []
  for (const table of tables(core)) {
    if (!test(table.owner)) continue
    const add = (name: string, type: string, owner: string | null, key: string | null, rule: string | null): void => {
      rows.push([table.owner, name, type, table.name, owner, key, "ENABLED", rule])
    }
    for (const key of table.keys) add(key.name, key.type === "primary" ? "P" : "U", null, null, null)
    for (const key of table.foreign) {
      add(key.name, "R", key.parent.owner, key.key.name, (key.onDelete ?? "no action").toUpperCase())
    }
    for (const check of table.checks) add(check.name, "C", null, null, null)
  }
  return rows
}

const indexRows = (core: Core, test: (owner: string) => boolean): Rows => {
  const rows: Array<ReadonlyArray<Cell>> = []
  for (const table of tables(core)) {
    if (!test(table.owner)) continue
    for (const key of table.keys) rows.push([table.owner, key.indexName, table.name, "UNIQUE"])
    for (const index of table.indexes) {
      rows.push([index.owner, index.name, table.name, index.unique ? "UNIQUE" : "NONUNIQUE"])
    }
  }
  return rows
}

const sequenceRows = (core: Core, test: (owner: string) => boolean): Rows =>
  [...core.catalog.objects.values()].flatMap((object) =>
    object.kind === "sequence" && test(object.owner)
      ? [[
        object.owner,
        object.name,
        String(object.min),
        String(object.max),
        String(object.increment),
        object.cycle ? "Y" : "N",
        object.order ? "Y" : "N",
        object.cache,
        String(object.next)
      ]]
      : []
  )

const sessionRows = (core: Core): Rows =>
  [...core.sessions.values()].map(({ state }) => {
    const { info } = state
    return [
      info.sid,
      info.serial,
      userId(info.user),
      info.user,
      state.active ? "ACTIVE" : "INACTIVE",
      info.server ?? "DEDICATED",
      state.currentSchema,
      info.osUser ?? null,
      info.processId ?? null,
      info.machine ?? null,
      info.terminal ?? null,
      info.program ?? null,
      "USER",
      state.module,
      state.action,
      state.clientInfo,
      state.clientId,
      info.service,
      core.locks.blockerOf(info.sid) ?? null
    ]
  })

const owned = (
  columns: string,
  rows: (core: Core, test: (owner: string) => boolean) => Rows
): Readonly<Record<"user" | "all", View>> => ({
  user: {
    columns: columns.replace(/^OWNER /, ""),
    rows: (core, session) => rows(core, (owner) => owner === session.info.user).map((row) => row.slice(1))
  },
  all: { columns, rows: (core) => rows(core, () => true) }
})

const tablesView = owned("OWNER TABLE_NAME TEMPORARY STATUS DURATION", tableRows)
const columnsView = owned(
  "OWNER TABLE_NAME COLUMN_NAME DATA_TYPE DATA_LENGTH# DATA_PRECISION# DATA_SCALE# NULLABLE COLUMN_ID# DATA_DEFAULT CHAR_LENGTH# CHAR_USED IDENTITY_COLUMN CHARACTER_SET_NAME",
  columnRows
)
const objectsView = owned("OWNER OBJECT_NAME OBJECT_ID# OBJECT_TYPE STATUS", objectRows)
const constraintsView = owned(
  "OWNER CONSTRAINT_NAME CONSTRAINT_TYPE TABLE_NAME R_OWNER R_CONSTRAINT_NAME STATUS DELETE_RULE",
  constraintRows
)
const indexesView = owned("OWNER INDEX_NAME TABLE_NAME UNIQUENESS", indexRows)
const sequencesView = owned(
  "SEQUENCE_OWNER SEQUENCE_NAME MIN_VALUE# MAX_VALUE# INCREMENT_BY# CYCLE_FLAG ORDER_FLAG CACHE_SIZE# LAST_NUMBER#",
  sequenceRows
)
const viewsView = owned(
  "OWNER VIEW_NAME TEXT",
  (core, test) =>
    [...core.catalog.objects.values()].flatMap((object) =>
      object.kind === "view" && test(object.owner) ? [[object.owner, object.name, object.text]] : []
    )
)
const synonymsView = owned(
  "OWNER SYNONYM_NAME TABLE_OWNER TABLE_NAME",
  (core, test) =>
    [...core.catalog.objects.values()].flatMap((object) =>
      object.kind === "synonym" && test(object.owner)
        ? [[object.owner, object.name, object.target.length > 1 ? object.target[0]! : null, object.target.at(-1)!]]
        : []
    )
)

const nlsRows = (session: SessionState): Rows => session.nls.entries().map(([name, value]) => [name, value])
const databaseNls = (): Rows => [["NLS_CHARACTERSET", "AL32UTF8"], ["NLS_NCHAR_CHARACTERSET", "AL16UTF16"]]

const product = "Oracle Database 23ai Free Release 23.0.0.0.0 (sessionpool embedded server)"

const views: Readonly<Record<string, View>> = {
  USER_TABLES: tablesView.user,
  ALL_TABLES: tablesView.all,
  DBA_TABLES: tablesView.all,
  USER_TAB_COLUMNS: columnsView.user,
  ALL_TAB_COLUMNS: columnsView.all,
  USER_TAB_COLS: columnsView.user,
  ALL_TAB_COLS: columnsView.all,
  USER_OBJECTS: objectsView.user,
  ALL_OBJECTS: objectsView.all,
  USER_CONSTRAINTS: constraintsView.user,
  ALL_CONSTRAINTS: constraintsView.all,
  USER_INDEXES: indexesView.user,
  ALL_INDEXES: indexesView.all,
  USER_SEQUENCES: { ...sequencesView.user, columns: sequencesView.all.columns.replace(/^SEQUENCE_OWNER /, "") },
  ALL_SEQUENCES: sequencesView.all,
  USER_VIEWS: viewsView.user,
  ALL_VIEWS: viewsView.all,
  USER_SYNONYMS: synonymsView.user,
  ALL_SYNONYMS: synonymsView.all,
  USER_USERS: {
    columns: "USERNAME USER_ID# ACCOUNT_STATUS",
    rows: (_, session) => [[session.info.user, userId(session.info.user), "OPEN"]]
  },
  ALL_USERS: {
    columns: "USERNAME USER_ID#",
    rows: (core) => [...core.catalog.schemas].map((name) => [name, userId(name)])
  },
  NLS_SESSION_PARAMETERS: { columns: "PARAMETER VALUE", rows: (_, session) => nlsRows(session) },
  NLS_DATABASE_PARAMETERS: {
    columns: "PARAMETER VALUE",
    rows: (_, session) => [...nlsRows(session), ...databaseNls()]
  },
  "V$NLS_PARAMETERS": { columns: "PARAMETER VALUE", rows: (_, session) => [...nlsRows(session), ...databaseNls()] },
  "V$SESSION": {
    columns:
      "SID# SERIAL## USER## USERNAME STATUS SERVER SCHEMANAME OSUSER PROCESS MACHINE TERMINAL PROGRAM TYPE MODULE ACTION CLIENT_INFO CLIENT_IDENTIFIER SERVICE_NAME BLOCKING_SESSION#",
    rows: sessionRows
  },
  "V$MYSTAT": { columns: "SID# STATISTIC## VALUE#", rows: (_, session) => [[session.info.sid, 0, 0]] },
  "V$VERSION": {
    columns: "BANNER BANNER_FULL CON_ID#",
    rows: (core) => [[product, `${product}\nVersion ${core.environment.version}`, 0]]
  },
  PRODUCT_COMPONENT_VERSION: {
    columns: "PRODUCT VERSION VERSION_FULL STATUS",
    rows: (
      core
    ) => [[product, core.environment.version.split(".")[0] + ".0.0.0.0", core.environment.version, "Production"]]
  },
  "V$INSTANCE": {
    columns: "INSTANCE_NUMBER# INSTANCE_NAME HOST_NAME VERSION VERSION_FULL STATUS",
    rows: (
      core
    ) => [[
      1,
      core.environment.instanceName,
      core.environment.hostName,
      core.environment.version.split(".")[0] + ".0.0.0.0",
      core.environment.version,
      "OPEN"
    ]]
  },
  "V$DATABASE": { columns: "NAME OPEN_MODE", rows: (core) => [[core.environment.instanceName, "READ WRITE"]] },
  SESSION_ROLES: { columns: "ROLE", rows: () => [] }
}

const aliases: Readonly<Record<string, string>> = {
  TABS: "USER_TABLES",
  COLS: "USER_TAB_COLUMNS",
  SEQ: "USER_SEQUENCES",
  "GV$SESSION": "V$SESSION",
  "V_$SESSION": "V$SESSION",
  "GV$INSTANCE": "V$INSTANCE"
}

export const dictionaryView = (core: Core, path: ReadonlyArray<string>): DictionaryView | undefined => {
  if (path.length > 2 || (path.length === 2 && path[0] !== "SYS")) return undefined
  const name = aliases[path.at(-1)!] ?? path.at(-1)!
  const view = views[name]
  if (view === undefined) return undefined
  const columns = view.columns.split(" ").map((column) =>
    column.endsWith("#") && column !== "SERIAL#"
      ? { name: column.slice(0, -1), type: NUMBER }
      : { name: column, type: varchar2() }
  )
  return {
    columns,
    rows: (session) =>
      view.rows(core, session).map((row) =>
        columns.map(({ type }, i): Stored => {
          const cell = row[i] ?? null
          if (cell === null || cell === "") return null
          return type === NUMBER ? fromText(String(cell)) : String(cell)
        })
      )
  }
}
