/** The data dictionary and the V$ views: a useful few, made from the catalog and the sessions at each read. */
import type { DictionaryView } from "../compile/compilation.ts"
import { userId } from "../functions/sessionFunctions.ts"
import type { Stored } from "../values/composite.ts"
import { unhex } from "../values/convert.ts"
import { fromText } from "../values/oracleNumber.ts"
import { unimplemented } from "../values/oraError.ts"
import { productOf } from "../values/product.ts"
import type { SessionState } from "../values/sessionState.ts"
import { DATE, NUMBER, raw, varchar2 } from "../values/sqlType.ts"
import { isAbsentView } from "./absentViews.ts"
import { argumentRows } from "./argumentRows.ts"
import { branchViews } from "./branchViews.ts"
import type { Core } from "./core.ts"
import { dictionaryColumns } from "./dictionaryColumns.ts"
import {
  type Cell,
  columnCommentRows,
  columnRows,
  constraintColumnRows,
  constraintRows,
  type DictionaryRow,
  identityRows,
  indexColumnRows,
  indexExpressionRows,
  indexRows,
  objectRows,
  sequenceRows,
  synonymRows,
  tableCommentRows,
  tableRows,
  userRows,
  viewRows
} from "./dictionaryRows.ts"
import {
  collectionTypeRows,
  plsqlCollectionTypeRows,
  plsqlTypeAttributeRows,
  plsqlTypeRows,
  typeAttributeRows,
  typeMethodRows,
  typeRows
} from "./typeRows.ts"
import {
  dependencyRows,
  errorRows,
  jobRows,
  jobRunRows,
  procedureRows,
  sourceRows,
  triggerColumnRows,
  triggerRows
} from "./unitRows.ts"

type Rows = ReadonlyArray<ReadonlyArray<Cell>>

interface View {
  /** `NAME` is text, `NAME#` a number, `NAME@` a date, `NAME~` RAW. */
  readonly columns: string
  readonly rows: (core: Core, session: SessionState) => Rows
}

const instanceOf = ({ info }: SessionState): number => info.instanceNumber ?? 1

/** Sessions of one instance, or of all of them with the number of each. */
const sessionRows = (core: Core, instance?: number): Rows =>
  [...core.sessions.values()].filter(({ state }) => instance === undefined || instanceOf(state) === instance).map((
    { lockOwner, state }
  ) => {
    const { info } = state
    return [
      ...(instance === undefined ? [instanceOf(state)] : []),
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
      blockingSession(core, lockOwner)
    ]
  })

/** The session behind the lock that a session waits for; none when the transaction that has it is suspended. */
const blockingSession = (core: Core, waiting: number): number | null => {
  const holder = core.locks.blockerOf(waiting)
  if (holder === undefined) return null
  for (const { lockOwner, state } of core.sessions.values()) if (lockOwner === holder) return state.info.sid
  return holder > 0 ? holder : null
}

const sessionColumns =
  "SID# SERIAL## USER## USERNAME STATUS SERVER SCHEMANAME OSUSER PROCESS MACHINE TERMINAL PROGRAM TYPE MODULE ACTION CLIENT_INFO CLIENT_IDENTIFIER SERVICE_NAME BLOCKING_SESSION#"

const instanceColumns =
  "INSTANCE_NUMBER# INSTANCE_NAME HOST_NAME VERSION VERSION_FULL STARTUP_TIME@ STATUS PARALLEL THREAD## ARCHIVER LOGINS SHUTDOWN_PENDING DATABASE_STATUS INSTANCE_ROLE ACTIVE_STATE BLOCKED CON_ID#"

/** The open instances: this session's own, or all of them with the number of each. */
const instanceRows = (core: Core, number?: number): Rows => {
  const instances = core.host.instances()
  const { hostName, version } = core.environment
  return instances.filter((instance) => number === undefined || instance.number === number).map((instance) => [
    ...(number === undefined ? [instance.number] : []),
    instance.number,
    instance.name,
    hostName,
    version.split(".")[0] + ".0.0.0.0",
    version,
    Math.floor(instance.startedAt / 1000),
    "OPEN",
    instances.length > 1 ? "YES" : "NO",
    instance.number,
    "STOPPED",
    "ALLOWED",
    "NO",
    "ACTIVE",
    "PRIMARY_INSTANCE",
    "NORMAL",
    "NO",
    0
  ])
}

type RowsOf = (core: Core) => ReadonlyArray<DictionaryRow>

const none: RowsOf = () => []

/** The views that show the catalog, each with its rows and the column that says whose they are. */
const catalogViews: Readonly<
  Record<keyof typeof dictionaryColumns, { readonly rows: RowsOf; readonly owner?: string }>
> = {
  SCHEDULER_JOBS: { rows: jobRows },
  SCHEDULER_JOB_RUN_DETAILS: { rows: jobRunRows },
  TABLES: { rows: tableRows },
  VIEWS: { rows: viewRows },
  SEQUENCES: { rows: sequenceRows, owner: "SEQUENCE_OWNER" },
  USERS: { rows: userRows, owner: "USERNAME" },
  MVIEWS: { rows: none },
  TAB_IDENTITY_COLS: { rows: identityRows },
  TAB_COLS: { rows: columnRows },
  TAB_COMMENTS: { rows: tableCommentRows },
  COL_COMMENTS: { rows: columnCommentRows },
  MVIEW_COMMENTS: { rows: none },
  IND_COLUMNS: { rows: indexColumnRows, owner: "TABLE_OWNER" },
  INDEXES: { rows: indexRows },
  IND_EXPRESSIONS: { rows: indexExpressionRows, owner: "TABLE_OWNER" },
  CONSTRAINTS: { rows: constraintRows },
  CONS_COLUMNS: { rows: constraintColumnRows },
  DB_LINKS: { rows: none },
  SYNONYMS: { rows: synonymRows },
  OBJECTS: { rows: objectRows },
  TRIGGERS: { rows: triggerRows },
  TRIGGER_COLS: { rows: triggerColumnRows, owner: "TABLE_OWNER" },
  SOURCE: { rows: sourceRows },
  ERRORS: { rows: errorRows },
  PROCEDURES: { rows: procedureRows },
  ARGUMENTS: { rows: argumentRows },
  TAB_PRIVS: { rows: none, owner: "TABLE_SCHEMA" },
  COL_PRIVS: { rows: none, owner: "TABLE_SCHEMA" },
  TYPES: { rows: typeRows },
  TYPE_ATTRS: { rows: typeAttributeRows },
  COLL_TYPES: { rows: collectionTypeRows },
  TYPE_METHODS: { rows: typeMethodRows },
  PLSQL_TYPES: { rows: plsqlTypeRows },
  PLSQL_TYPE_ATTRS: { rows: plsqlTypeAttributeRows },
  PLSQL_COLL_TYPES: { rows: plsqlCollectionTypeRows },
  TAB_PARTITIONS: { rows: none, owner: "TABLE_OWNER" },
  DEPENDENCIES: { rows: dependencyRows },
  LOBS: { rows: none }
}

const nameOf = (column: string): string => column.replace(/[#@~]$/, "")

/** `ALL_`, `DBA_` and `USER_` of a view of the catalog. */
const catalogView = (name: string): View | undefined => {
  const match = /^(ALL|DBA|USER)_(.*)$/.exec(name)
  const key = match?.[2] === "TAB_COLUMNS" ? "TAB_COLS" : match?.[2]
  if (match === null || key === undefined || !Object.hasOwn(catalogViews, key)) return undefined
  const { owner = "OWNER", rows } = catalogViews[key as keyof typeof catalogViews]
  const all = dictionaryColumns[key as keyof typeof catalogViews].split(" ")
  const isUsers = match[1] === "USER"
  // The views of one's own objects have no column for the owner; indexes are their table's owner's.
  const left = new Set(isUsers && key !== "USERS" ? [owner, ...(key.startsWith("IND_") ? ["INDEX_OWNER"] : [])] : [])
  const more = key === "USERS" && match[1] !== "ALL"
    ? ["ACCOUNT_STATUS", "DEFAULT_TABLESPACE", "TEMPORARY_TABLESPACE", "PROFILE"]
    : []
  const columns = [...all, ...more].filter((column) => !left.has(nameOf(column)))
  return {
    columns: columns.join(" "),
    rows: (core, session) =>
      rows(core)
        .filter((row) => !isUsers || row[owner] === session.info.user)
        .map((row) => columns.map((column) => row[nameOf(column)] ?? null))
  }
}

const nlsRows = (session: SessionState): Rows => session.nls.entries().map(([name, value]) => [name, value])
const databaseNls = (): Rows => [["NLS_CHARACTERSET", "AL32UTF8"], ["NLS_NCHAR_CHARACTERSET", "AL16UTF16"]]

const statistics = ["opened cursors cumulative", "opened cursors current", "user calls"]

const privileges = [
  "CREATE SESSION",
  "ALTER SESSION",
  "CREATE TABLE",
  "CREATE VIEW",
  "CREATE SEQUENCE",
  "CREATE SYNONYM",
  "CREATE PROCEDURE",
  "UNLIMITED TABLESPACE"
]

const parameters = ({ environment }: Core): ReadonlyArray<readonly [string, string]> => [
  ["compatible", `${environment.version.split(".")[0]}.0.0`],
  ["db_block_size", "8192"],
  ["db_name", environment.instanceName],
  ["instance_name", environment.instanceName],
  ["max_string_size", "EXTENDED"],
  ["nls_language", "AMERICAN"],
  ["nls_territory", "AMERICA"],
  ["open_cursors", String(environment.openCursors)],
  ["processes", "320"],
  ["sessions", "10000"]
]

const tablespaceColumns = "TABLESPACE_NAME BLOCK_SIZE# STATUS CONTENTS LOGGING EXTENT_MANAGEMENT"
const tablespaces: Rows = [
  ["SYSTEM", "PERMANENT"],
  ["SYSAUX", "PERMANENT"],
  ["UNDOTBS1", "UNDO"],
  ["TEMP", "TEMPORARY"],
  ["USERS", "PERMANENT"]
].map(([name, contents]) => [
  name!,
  8192,
  "ONLINE",
  contents!,
  contents === "TEMPORARY" ? "NOLOGGING" : "LOGGING",
  "LOCAL"
])

/** Tables and views of a user, with their types. */
const ownRelations = (core: Core, user: string): ReadonlyArray<readonly [string, string]> =>
  [...core.catalog.objects.values()].flatMap((object) =>
    object.owner === user && (object.kind === "table" || object.kind === "view")
      ? [[object.name, object.kind.toUpperCase()] as const]
      : []
  )

const views: Readonly<Record<string, View>> = {
  NLS_SESSION_PARAMETERS: { columns: "PARAMETER VALUE", rows: (_, session) => nlsRows(session) },
  NLS_DATABASE_PARAMETERS: {
    columns: "PARAMETER VALUE",
    rows: (_, session) => [...nlsRows(session), ...databaseNls()]
  },
  "V$NLS_PARAMETERS": { columns: "PARAMETER VALUE", rows: (_, session) => [...nlsRows(session), ...databaseNls()] },
  "V$SESSION": { columns: sessionColumns, rows: (core, session) => sessionRows(core, instanceOf(session)) },
  "GV$SESSION": { columns: `INST_ID# ${sessionColumns}`, rows: (core) => sessionRows(core) },
  "V$MYSTAT": { columns: "SID# STATISTIC## VALUE#", rows: (_, session) => [[session.info.sid, 0, 0]] },
  "V$VERSION": {
    columns: "BANNER BANNER_FULL CON_ID#",
    rows: ({ environment: { version } }) => [[productOf(version), `${productOf(version)}\nVersion ${version}`, 0]]
  },
  PRODUCT_COMPONENT_VERSION: {
    columns: "PRODUCT VERSION VERSION_FULL STATUS",
    rows: ({ environment: { version } }) => [[
      productOf(version),
      `${version.split(".")[0]}.0.0.0.0`,
      version,
      "Production"
    ]]
  },
  "V$INSTANCE": { columns: instanceColumns, rows: (core, session) => instanceRows(core, instanceOf(session)) },
  "GV$INSTANCE": { columns: `INST_ID# ${instanceColumns}`, rows: (core) => instanceRows(core) },
  "V$DATABASE": { columns: "NAME OPEN_MODE", rows: (core) => [[core.environment.instanceName, "READ WRITE"]] },
  "V$PARAMETER": {
    columns:
      "NUM# NAME TYPE# VALUE DISPLAY_VALUE DEFAULT_VALUE ISDEFAULT ISSES_MODIFIABLE ISSYS_MODIFIABLE DESCRIPTION",
    rows: (core) =>
      parameters(core).map(([name, value], index) => [
        index + 1,
        name,
        /^\d+$/.test(value) ? 3 : 2,
        value,
        value,
        value,
        "TRUE",
        "FALSE",
        "FALSE",
        null
      ])
  },
  "V$STATNAME": {
    columns: "STATISTIC## NAME CLASS# STAT_ID# DISPLAY_NAME",
    rows: () => statistics.map((name, index) => [index, name, 1, index, name])
  },
  "V$SESSTAT": {
    columns: "SID# STATISTIC## VALUE#",
    rows: (core) =>
      [...core.sessions.values()].flatMap(({ state: { info: { sid } } }) => {
        const { openCursors, calls } = core.host.usage(sid)
        return [openCursors, openCursors, calls].map((value, index) => [sid, index, value])
      })
  },
  "V$OPEN_CURSOR": {
    columns: "SID# USER_NAME SQL_ID SQL_TEXT CURSOR_TYPE",
    rows: (core) =>
      [...core.sessions.values()].flatMap(({ state: { info: { sid, user } } }) =>
        core.host.usage(sid).statements.map((text) => [sid, user, null, text.slice(0, 60), "OPEN"])
      )
  },
  "V$TEMPORARY_LOBS": {
    columns: "SID# CACHE_LOBS# NOCACHE_LOBS# ABSTRACT_LOBS# CON_ID#",
    rows: (core) =>
      [...core.sessions.values()].map((
        { state: { info: { sid } } }
      ) => [sid, core.host.usage(sid).temporaryLobs, 0, 0, 0])
  },
  ...branchViews,
  SESSION_PRIVS: { columns: "PRIVILEGE", rows: () => privileges.map((name) => [name]) },
  SESSION_ROLES: { columns: "ROLE", rows: () => [] },
  USER_SYS_PRIVS: {
    columns: "USERNAME PRIVILEGE ADMIN_OPTION COMMON INHERITED",
    rows: (_, session) => privileges.map((name) => [session.info.user, name, "NO", "NO", "NO"])
  },
  GLOBAL_NAME: { columns: "GLOBAL_NAME", rows: (core) => [[core.environment.databaseName]] },
  DICTIONARY: {
    columns: "TABLE_NAME COMMENTS",
    rows: () =>
      [
        ...Object.keys(catalogViews).flatMap((name) => ["USER", "ALL", "DBA"].map((prefix) => `${prefix}_${name}`)),
        ...Object.keys(views)
      ].toSorted().map((name) => [name, null])
  },
  TAB: {
    columns: "TNAME TABTYPE CLUSTERID#",
    rows: (core, { info }) => ownRelations(core, info.user).map(([name, type]) => [name, type, null])
  },
  CAT: {
    columns: "TABLE_NAME TABLE_TYPE",
    rows: (core, { info }) =>
      objectRows(core).filter((row) =>
        row["OWNER"] === info.user && ["TABLE", "VIEW", "SEQUENCE", "SYNONYM"].includes(String(row["OBJECT_TYPE"]))
      ).map((row) => [row["OBJECT_NAME"] ?? null, row["OBJECT_TYPE"] ?? null])
  },
  "V$TIMEZONE_NAMES": {
    columns: "TZNAME TZABBREV CON_ID#",
    rows: () => Intl.supportedValuesOf("timeZone").map((name) => [name, "LMT", 0])
  },
  USER_TABLESPACES: { columns: tablespaceColumns, rows: () => tablespaces },
  DBA_TABLESPACES: { columns: tablespaceColumns, rows: () => tablespaces }
}

const aliases: Readonly<Record<string, string>> = {
  TABS: "USER_TABLES",
  COLS: "USER_TAB_COLUMNS",
  SEQ: "USER_SEQUENCES",
  OBJ: "USER_OBJECTS",
  IND: "USER_INDEXES",
  SYN: "USER_SYNONYMS",
  DICT: "DICTIONARY",
  USER_CATALOG: "CAT",
  "V_$SESSION": "V$SESSION",
  "V_$INSTANCE": "V$INSTANCE"
}

export const dictionaryView = (core: Core, path: ReadonlyArray<string>): DictionaryView | undefined => {
  if (path.length > 2 || (path.length === 2 && path[0] !== "SYS")) return undefined
  const name = aliases[path.at(-1)!] ?? path.at(-1)!
  const view = views[name] ?? catalogView(name)
  if (view === undefined) {
    if (isAbsentView(name)) throw unimplemented(`the view ${name}`)
    return undefined
  }
  const columns = view.columns.split(" ").map((column) =>
    column.endsWith("#") && column !== "SERIAL#"
      ? { name: column.slice(0, -1), type: NUMBER }
      : column.endsWith("@")
      ? { name: column.slice(0, -1), type: DATE }
      : column.endsWith("~")
      ? { name: column.slice(0, -1), type: raw(64) }
      : { name: column, type: varchar2() }
  )
  return {
    columns,
    rows: (session) =>
      view.rows(core, session).map((row) =>
        columns.map(({ type }, i): Stored => {
          const cell = row[i] ?? null
          if (cell === null || cell === "") return null
          if (type === DATE) return cell
          if (type === NUMBER) return fromText(String(cell))
          return type.name === "RAW" ? unhex(String(cell)) : String(cell)
        })
      )
  }
}
