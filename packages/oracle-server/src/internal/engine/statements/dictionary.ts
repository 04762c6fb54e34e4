/** The data dictionary and the V$ views: a useful few, made from the catalog and the sessions at each read. */
import type { DictionaryView } from "../compile/compilation.ts"
import type { Stored } from "../values/composite.ts"
import { unhex } from "../values/convert.ts"
import { fromText } from "../values/oracleNumber.ts"
import { unimplemented } from "../values/oraError.ts"
import { productOf } from "../values/product.ts"
import type { Rights } from "../values/rights.ts"
import type { SessionState } from "../values/sessionState.ts"
import { DATE, NUMBER, raw, varchar2 } from "../values/sqlType.ts"
import { isAbsentView } from "./absentViews.ts"
import { activityViews } from "./activityViews.ts"
import { argumentRows } from "./argumentRows.ts"
import { branchViews } from "./branchViews.ts"
import { constraintColumnRows, constraintRows } from "./constraintRows.ts"
import type { Core } from "./core.ts"
import { dictionaryColumns } from "./dictionaryColumns.ts"
import {
  columnCommentRows,
  columnRows,
  type DictionaryRow,
  identityRows,
  jsonColumnRows,
  objectRows,
  sequenceRows,
  synonymRows,
  tableCommentRows,
  tableRows,
  userRows,
  viewRows
} from "./dictionaryRows.ts"
import { emptyViewColumns } from "./emptyViews.ts"
import { indexColumnRows, indexExpressionRows, indexRows } from "./indexRows.ts"
import { mviewRows } from "./materializedViews.ts"
import { partitionedTableRows, partitionKeyRows, partitionRows } from "./partitionRows.ts"
import { policyColumnRows, policyRows } from "./policyRows.ts"
import { mayRead, privilegeViews } from "./privilegeViews.ts"
import { queueObjectRows, queueRows, queueTableRows } from "./queueRows.ts"
import { spaceViews } from "./spaceViews.ts"
import { tablespaces } from "./tablespaces.ts"
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
import type { Rows, View } from "./viewShapes.ts"

const instanceOf = ({ info }: SessionState): number => info.instanceNumber ?? 1

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
  QUEUES: { rows: queueRows },
  QUEUE_TABLES: { rows: queueTableRows },
  TABLES: { rows: tableRows },
  VIEWS: { rows: viewRows },
  SEQUENCES: { rows: sequenceRows, owner: "SEQUENCE_OWNER" },
  USERS: { rows: userRows, owner: "USERNAME" },
  MVIEWS: { rows: mviewRows },
  TAB_IDENTITY_COLS: { rows: identityRows },
  TAB_COLS: { rows: columnRows },
  JSON_COLUMNS: { rows: jsonColumnRows },
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
  OBJECTS: { rows: (core) => [...objectRows(core), ...queueObjectRows(core)] },
  TRIGGERS: { rows: triggerRows },
  TRIGGER_COLS: { rows: triggerColumnRows, owner: "TABLE_OWNER" },
  SOURCE: { rows: sourceRows },
  ERRORS: { rows: errorRows },
  PROCEDURES: { rows: procedureRows },
  ARGUMENTS: { rows: argumentRows },
  TYPES: { rows: typeRows },
  TYPE_ATTRS: { rows: typeAttributeRows },
  COLL_TYPES: { rows: collectionTypeRows },
  TYPE_METHODS: { rows: typeMethodRows },
  PLSQL_TYPES: { rows: plsqlTypeRows },
  PLSQL_TYPE_ATTRS: { rows: plsqlTypeAttributeRows },
  PLSQL_COLL_TYPES: { rows: plsqlCollectionTypeRows },
  TAB_PARTITIONS: { rows: partitionRows, owner: "TABLE_OWNER" },
  PART_TABLES: { rows: partitionedTableRows },
  PART_KEY_COLUMNS: { rows: partitionKeyRows },
  DEPENDENCIES: { rows: dependencyRows },
  LOBS: { rows: none },
  POLICIES: { rows: policyRows, owner: "OBJECT_OWNER" },
  SEC_RELEVANT_COLS: { rows: policyColumnRows, owner: "OBJECT_OWNER" }
}

const nameOf = (column: string): string => column.replace(/[#@~]$/, "")

/** The columns that say which object a row is about, the first that is there. */
const objectColumns = [
  "TABLE_NAME",
  "VIEW_NAME",
  "SEQUENCE_NAME",
  "PACKAGE_NAME",
  "OBJECT_NAME",
  "TYPE_NAME",
  "NAME"
]

/** Whether a row of an ALL_ view is about something that the user may see. */
const isSeen = (core: Core, { rights }: SessionState, row: DictionaryRow, owner: string): boolean => {
  const user = row[owner]
  if (user === rights.user || user === "PUBLIC" || owner === "USERNAME") return true
  const column = objectColumns.find((name) => row[name] !== undefined && row[name] !== null)
  const object = column === undefined ? undefined : core.catalog.objects.get(`${user}.${row[column]}`)
  return object === undefined || core.privileges.sees(rights, object)
}

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
    ? ["ACCOUNT_STATUS", "DEFAULT_TABLESPACE", "TEMPORARY_TABLESPACE", "PROFILE", "AUTHENTICATION_TYPE"]
    : []
  const columns = [...all, ...more].filter((column) => !left.has(nameOf(column)))
  return {
    columns: columns.join(" "),
    rows: (core, session) =>
      rows(core)
        .filter((row) =>
          isUsers ? row[owner] === session.info.user : match[1] !== "ALL" || isSeen(core, session, row, owner)
        )
        .map((row) => columns.map((column) => row[nameOf(column)] ?? null))
  }
}

const nlsRows = (session: SessionState): Rows => session.nls.entries().map(([name, value]) => [name, value])
const databaseNls = (): Rows => [["NLS_CHARACTERSET", "AL32UTF8"], ["NLS_NCHAR_CHARACTERSET", "AL16UTF16"]]

const statistics = ["opened cursors cumulative", "opened cursors current", "user calls"]

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
const tablespaceRows: Rows = tablespaces.map(([name, contents]) => [
  name,
  8192,
  "ONLINE",
  contents,
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

/** What is installed of the options that tools ask about. */
const options = {
  "Partitioning": "TRUE",
  "Objects": "TRUE",
  "Advanced replication": "FALSE",
  "Bit-mapped indexes": "FALSE",
  "Flashback Data Archive": "FALSE",
  "Java": "FALSE",
  "OLAP": "FALSE",
  "Oracle Database Vault": "FALSE",
  "Oracle Label Security": "FALSE",
  "Real Application Clusters": "FALSE",
  "Spatial": "FALSE",
  "Transparent Data Encryption": "FALSE"
}

const contextRows = (core: Core): Rows =>
  [...core.contexts].map(([name, { global, using }]) => {
    const [schema, packageName] = using.split(".")
    return [name, schema!, packageName!, global ? "ACCESSED GLOBALLY" : "ACCESSED LOCALLY"]
  })

const views: Readonly<Record<string, View>> = {
  ...privilegeViews,
  ...activityViews,
  ...spaceViews,
  NLS_SESSION_PARAMETERS: { columns: "PARAMETER VALUE", rows: (_, session) => nlsRows(session) },
  NLS_DATABASE_PARAMETERS: {
    columns: "PARAMETER VALUE",
    rows: (_, session) => [...nlsRows(session), ...databaseNls()]
  },
  DATABASE_PROPERTIES: {
    columns: "PROPERTY_NAME PROPERTY_VALUE DESCRIPTION",
    rows: (core) => [
      ["DEFAULT_TEMP_TABLESPACE", "TEMP", "Name of default temporary tablespace"],
      ["DEFAULT_PERMANENT_TABLESPACE", "USERS", "Name of default permanent tablespace"],
      ["DEFAULT_EDITION", "ORA$BASE", "Name of the database default edition"],
      ["DEFAULT_COLLATION", "USING_NLS_COMP", "Default collation"],
      ["DBTIMEZONE", "+00:00", "DB time zone"],
      ["GLOBAL_DB_NAME", core.environment.databaseName, "Global database name"],
      ...databaseNls().map(([name, value]) => [name!, value!, String(name).replace("NLS_", "").toLowerCase()])
    ]
  },
  "V$NLS_PARAMETERS": { columns: "PARAMETER VALUE", rows: (_, session) => [...nlsRows(session), ...databaseNls()] },
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
  "V$DATABASE": {
    columns:
      "DBID# NAME CREATED@ LOG_MODE OPEN_MODE PROTECTION_MODE DATABASE_ROLE PLATFORM_NAME DB_UNIQUE_NAME CDB CURRENT_SCN#",
    rows: ({ environment: { instanceName }, host, store }) => [[
      1,
      instanceName,
      Math.floor((host.instances()[0]?.startedAt ?? host.now()) / 1000),
      "NOARCHIVELOG",
      "READ WRITE",
      "MAXIMUM PERFORMANCE",
      "PRIMARY",
      "Linux x86 64-bit",
      instanceName,
      "YES",
      store.scn
    ]]
  },
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
  ALL_CONTEXT: {
    columns: "NAMESPACE SCHEMA PACKAGE",
    // Those that the session has set something in.
    rows: (core, session) =>
      contextRows(core)
        .filter(([name]) => [...session.contexts.keys()].some((key) => key.startsWith(`${name}.`)))
        .map((row) => row.slice(0, 3))
  },
  DBA_CONTEXT: {
    columns: "NAMESPACE SCHEMA PACKAGE TYPE",
    rows: contextRows
  },
  DBA_REGISTRY: {
    columns: "COMP_ID COMP_NAME VERSION VERSION_FULL STATUS NAMESPACE SCHEMA",
    rows: ({ environment: { version } }) =>
      [["CATALOG", "Oracle Database Catalog Views"], ["CATPROC", "Oracle Database Packages and Types"]].map((
        [id, title]
      ) => [id!, title!, `${version.split(".")[0]}.0.0.0.0`, version, "VALID", "SERVER", "SYS"])
  },
  "V$OPTION": {
    columns: "PARAMETER VALUE CON_ID#",
    rows: () => Object.entries(options).map(([name, value]) => [name, value, 0])
  },
  USER_TABLESPACES: { columns: tablespaceColumns, rows: () => tablespaceRows },
  DBA_TABLESPACES: { columns: tablespaceColumns, rows: () => tablespaceRows }
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
  "V$SYSTEM_PARAMETER": "V$PARAMETER"
}

const emptyView = (name: string): View | undefined => {
  const columns = emptyViewColumns(name)
  return columns === undefined ? undefined : { columns, rows: () => [] }
}

/** What a name of the system's own is to GRANT; undefined when there is nothing of that name. */
export const systemKind = (core: Core, name: string): "view" | "package" | undefined => {
  if (core.systemPackage(name) !== undefined || /^(DBMS|UTL|CTX|OWA)_/.test(name)) return "package"
  const view = name.replace(/^(G?V)_\$/, "$1$$")
  return views[view] !== undefined || catalogView(view) !== undefined || emptyView(view) !== undefined ||
      isAbsentView(view)
    ? "view"
    : undefined
}

export const dictionaryView = (
  core: Core,
  path: ReadonlyArray<string>,
  rights: Rights
): DictionaryView | undefined => {
  if (path.length > 2 || (path.length === 2 && path[0] !== "SYS")) return undefined
  const written = path.at(-1)!
  const name = aliases[written] ?? written.replace(/^(G?V)_\$/, "$1$$")
  if (!mayRead(core, { rights }, name)) return undefined
  const view = views[name] ?? catalogView(name) ?? emptyView(name)
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
