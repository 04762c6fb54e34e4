/** What runs and what waits: sessions, locks, transactions and the statements that were run. */
import { userId } from "../functions/sessionFunctions.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { Core, SessionView } from "./core.ts"
import type { Cell } from "./dictionaryRows.ts"
import { hashValueOf, type SqlEntry, sqlIdOf } from "./sqlArea.ts"
import type { Rows, View } from "./viewShapes.ts"

const instanceOf = ({ info }: SessionState): number => info.instanceNumber ?? 1

/** An address that stands for a session, its process or its transaction. */
const address = (sid: number, kind: "1" | "2" | "3"): string =>
  `0000000${kind}${(sid >>> 0).toString(16).toUpperCase().padStart(8, "0")}`

/** Undo segment, slot and sequence number of a session's transaction. */
const transactionId = ({ info: { serial, sid } }: SessionState): readonly [number, number, number] => [10, sid, serial]

/** The two numbers of a transaction's lock. */
const lockIds = (state: SessionState): readonly [number, number] => {
  const [segment, slot, sequence] = transactionId(state)
  return [segment * 65536 + slot, sequence]
}

const seconds = (core: Core, since: number): number => Math.max(0, Math.floor((core.host.now() - since) / 1000))

/** The session that works in the transaction which has these locks; none while that is suspended. */
const sessionOf = (core: Core, owner: number | undefined): SessionView | undefined => {
  if (owner === undefined) return undefined
  for (const view of core.sessions.values()) if (view.lockOwner === owner) return view
  return undefined
}

/** The session that another one waits for. */
const blockerOf = (core: Core, { lockOwner }: SessionView): SessionView | undefined =>
  sessionOf(core, core.locks.blockerOf(lockOwner))

const sidOf = (view: SessionView | undefined): number | null => view?.state.info.sid ?? null

/** The session at the end of the chain of those that wait. */
const finalBlocker = (core: Core, view: SessionView): SessionView | undefined => {
  let blocker = blockerOf(core, view)
  for (let next = blocker; next !== undefined; next = blockerOf(core, next)) blocker = next
  return blocker
}

const commands: Readonly<Record<string, number>> = { INSERT: 2, SELECT: 3, UPDATE: 6, DELETE: 7, MERGE: 189, BEGIN: 47 }
const commandOf = (text: string): number => commands[/^\s*(\w+)/.exec(text)?.[1]?.toUpperCase() ?? ""] ?? 0

const sessionColumns =
  "SADDR SID# SERIAL## AUDSID# PADDR USER## USERNAME COMMAND# TADDR LOCKWAIT STATUS SERVER SCHEMA## SCHEMANAME OSUSER " +
  "PROCESS MACHINE PORT# TERMINAL PROGRAM TYPE SQL_ADDRESS SQL_HASH_VALUE# SQL_ID SQL_CHILD_NUMBER# SQL_EXEC_START@ " +
  "PREV_SQL_ID MODULE ACTION CLIENT_INFO ROW_WAIT_OBJ## LOGON_TIME@ LAST_CALL_ET# FAILOVER_TYPE FAILOVER_METHOD " +
  "FAILED_OVER RESOURCE_CONSUMER_GROUP PDML_STATUS CLIENT_IDENTIFIER BLOCKING_SESSION_STATUS BLOCKING_INSTANCE# " +
  "BLOCKING_SESSION# FINAL_BLOCKING_SESSION_STATUS FINAL_BLOCKING_INSTANCE# FINAL_BLOCKING_SESSION# SEQ## EVENT## EVENT " +
  "WAIT_CLASS SECONDS_IN_WAIT# STATE WAIT_TIME_MICRO# SERVICE_NAME SQL_TRACE ECID CON_ID#"

const sessionRow = (core: Core, view: SessionView): ReadonlyArray<Cell> => {
  const { inTransaction, state } = view
  const { info } = state
  const blocker = sidOf(blockerOf(core, view))
  const last = sidOf(finalBlocker(core, view))
  const isRunning = state.active && state.sqlText !== ""
  const sqlId = state.sqlText === "" ? null : sqlIdOf(state.sqlText)
  const event = blocker !== null
    ? ["enq: TX - row lock contention", "Application", "WAITING"]
    : state.active
    ? ["resmgr:cpu quantum", "Scheduler", "WAITED SHORT TIME"]
    : ["SQL*Net message from client", "Idle", "WAITING"]
  return [
    address(info.sid, "1"),
    info.sid,
    info.serial,
    info.sid * 100_000 + info.serial,
    address(info.sid, "2"),
    userId(info.user),
    info.user,
    isRunning ? commandOf(state.sqlText) : 0,
    inTransaction ? address(info.sid, "3") : null,
    blocker === null ? null : address(info.sid, "3"),
    state.active ? "ACTIVE" : "INACTIVE",
    info.server ?? "DEDICATED",
    userId(state.currentSchema),
    state.currentSchema,
    info.osUser ?? null,
    info.processId ?? null,
    info.machine ?? null,
    0,
    info.terminal ?? null,
    info.program ?? null,
    "USER",
    isRunning ? sqlId : "00",
    isRunning ? hashValueOf(state.sqlText) : 0,
    isRunning ? sqlId : null,
    isRunning ? 0 : null,
    isRunning ? Math.floor(state.statementTime / 1000) : null,
    isRunning ? null : sqlId,
    state.module,
    state.action,
    state.clientInfo,
    -1,
    Math.floor(state.logonTime / 1000),
    seconds(core, state.statementTime === 0 ? state.logonTime : state.statementTime),
    "NONE",
    "NONE",
    "NO",
    null,
    "DISABLED",
    state.clientId,
    blocker === null ? "NO HOLDER" : "VALID",
    blocker === null ? null : 1,
    blocker,
    last === null ? "NO HOLDER" : "VALID",
    last === null ? null : 1,
    last,
    0,
    0,
    event[0]!,
    event[1]!,
    seconds(core, state.statementTime === 0 ? state.logonTime : state.statementTime),
    event[2]!,
    seconds(core, state.statementTime) * 1_000_000,
    info.service,
    "DISABLED",
    state.ecid,
    0
  ]
}

/** Sessions of one instance, or of all of them with the number of each. */
const sessionRows = (core: Core, instance?: number): Rows =>
  [...core.sessions.values()].filter(({ state }) => instance === undefined || instanceOf(state) === instance).map((
    view
  ) => [...(instance === undefined ? [instanceOf(view.state)] : []), ...sessionRow(core, view)])

const modeNumbers: Readonly<Record<string, number>> = {
  "ROW SHARE": 2,
  "ROW EXCLUSIVE": 3,
  SHARE: 4,
  "SHARE ROW EXCLUSIVE": 5,
  EXCLUSIVE: 6
}

interface LockFacts {
  readonly sid: number
  readonly type: "TM" | "TX"
  readonly id1: number
  readonly id2: number
  readonly held: number
  readonly requested: number
  readonly blocks: boolean
}

const lockFacts = (core: Core): ReadonlyArray<LockFacts> => {
  const blockers = new Set([...core.sessions.values()].map((view) => blockerOf(core, view)))
  const facts: Array<LockFacts> = []
  for (const { id, mode, sid: owner } of core.locks.tableLocks()) {
    const sid = sidOf(sessionOf(core, owner))
    if (sid === null) continue
    facts.push({ sid, type: "TM", id1: id, id2: 0, held: modeNumbers[mode]!, requested: 0, blocks: false })
  }
  for (const view of core.sessions.values()) {
    const { sid } = view.state.info
    if (view.inTransaction) {
      const [id1, id2] = lockIds(view.state)
      facts.push({ sid, type: "TX", id1, id2, held: 6, requested: 0, blocks: blockers.has(view) })
    }
    const blocker = blockerOf(core, view)
    if (blocker !== undefined) {
      const [id1, id2] = lockIds(blocker.state)
      facts.push({ sid, type: "TX", id1, id2, held: 0, requested: 6, blocks: false })
    }
  }
  return facts
}

const lockRows = (core: Core): Rows =>
  lockFacts(core).map(({ blocks, held, id1, id2, requested, sid, type }) => [
    address(sid, "3"),
    address(sid, "3"),
    sid,
    type,
    id1,
    id2,
    held,
    requested,
    seconds(core, core.sessions.get(sid)?.state.statementTime ?? 0),
    blocks ? 1 : 0,
    0
  ])

const lockedObjectRows = (core: Core): Rows =>
  [...core.locks.tableLocks()].flatMap(({ id, mode, sid: owner }) => {
    const state = sessionOf(core, owner)?.state
    if (state === undefined) return []
    return [[
      ...transactionId(state),
      id,
      state.info.sid,
      state.info.user,
      state.info.osUser ?? null,
      state.info.processId ?? null,
      modeNumbers[mode]!,
      0
    ]]
  })

const transactionRows = (core: Core): Rows =>
  [...core.sessions.values()].filter((view) => view.transactionFacts().records > 0).map((view) => {
    const { state } = view
    const { isolation, records, since } = view.transactionFacts()
    return [
      address(state.info.sid, "3"),
      ...transactionId(state),
      "ACTIVE",
      new Date(since).toISOString().replace(/^\d\d(\d\d)-(\d\d)-(\d\d)T(.{8}).*$/, "$2/$3/$1 $4"),
      Math.floor(since / 1000),
      address(state.info.sid, "1"),
      Math.ceil(records / 50),
      records,
      isolation === "read only" ? "YES" : "NO",
      0
    ]
  })

const waits = (core: Core): ReadonlyArray<readonly [SessionState, SessionState]> =>
  [...core.sessions.values()].flatMap((view) => {
    const blocker = blockerOf(core, view)
    return blocker === undefined ? [] : [[view.state, blocker.state] as const]
  })

const sqlColumns = "SQL_TEXT SQL_FULLTEXT SQL_ID SHARABLE_MEM# EXECUTIONS# USERS_EXECUTING# LOADS# FIRST_LOAD_TIME " +
  "PARSE_CALLS# DISK_READS# BUFFER_GETS# ROWS_PROCESSED# COMMAND_TYPE# PARSING_USER_ID# PARSING_SCHEMA_NAME HASH_VALUE# " +
  "PLAN_HASH_VALUE# CHILD_NUMBER# MODULE CPU_TIME# ELAPSED_TIME# LAST_LOAD_TIME LAST_ACTIVE_TIME@ CON_ID#"

const loadTime = (at: number): string => new Date(at).toISOString().slice(0, 19).replace("T", "/")

const sqlRow = (entry: SqlEntry): ReadonlyArray<Cell> => [
  entry.text.slice(0, 1000),
  entry.text,
  sqlIdOf(entry.text),
  entry.text.length * 8,
  entry.executions,
  entry.users,
  1,
  loadTime(entry.firstLoad),
  entry.executions,
  0,
  entry.rows,
  entry.rows,
  commandOf(entry.text),
  userId(entry.schema),
  entry.schema,
  hashValueOf(entry.text),
  hashValueOf(entry.text),
  0,
  entry.module,
  Math.round(entry.elapsed * 1000),
  Math.round(entry.elapsed * 1000),
  loadTime(entry.firstLoad),
  Math.floor(entry.lastActive / 1000),
  0
]

const sqlView: View = { columns: sqlColumns, rows: (core) => core.sqlArea.entries().map(sqlRow) }

/** Pieces of 64 characters. */
const textRows = (core: Core): Rows =>
  core.sqlArea.entries().flatMap(({ text }) =>
    Array.from({ length: Math.ceil(text.length / 64) }, (_, piece) => [
      hashValueOf(text),
      sqlIdOf(text),
      commandOf(text),
      piece,
      text.slice(piece * 64, piece * 64 + 64),
      0
    ])
  )

export const activityViews: Readonly<Record<string, View>> = {
  "V$SESSION": { columns: sessionColumns, rows: (core, session) => sessionRows(core, instanceOf(session)) },
  "GV$SESSION": { columns: `INST_ID# ${sessionColumns}`, rows: (core) => sessionRows(core) },
  "V$LOCK": { columns: "ADDR KADDR SID# TYPE ID1# ID2# LMODE# REQUEST# CTIME# BLOCK# CON_ID#", rows: lockRows },
  "GV$LOCK": {
    columns: "INST_ID# ADDR KADDR SID# TYPE ID1# ID2# LMODE# REQUEST# CTIME# BLOCK# CON_ID#",
    rows: (core) => lockRows(core).map((row) => [1, ...row])
  },
  "V$LOCKED_OBJECT": {
    columns:
      "XIDUSN# XIDSLOT# XIDSQN# OBJECT_ID# SESSION_ID# ORACLE_USERNAME OS_USER_NAME PROCESS LOCKED_MODE# CON_ID#",
    rows: lockedObjectRows
  },
  "V$TRANSACTION": {
    columns:
      "ADDR XIDUSN# XIDSLOT# XIDSQN# STATUS START_TIME START_DATE@ SES_ADDR USED_UBLK# USED_UREC# READONLY CON_ID#",
    rows: transactionRows
  },
  "V$SQL": sqlView,
  "V$SQLAREA": {
    columns: `${sqlColumns} VERSION_COUNT#`,
    rows: (core) => sqlView.rows(core, undefined as never).map((row) => [...row, 1])
  },
  "V$SQLSTATS": sqlView,
  "V$SQLTEXT": { columns: "HASH_VALUE# SQL_ID COMMAND_TYPE# PIECE# SQL_TEXT CON_ID#", rows: textRows },
  "V$SESSION_WAIT": {
    columns: "SID# EVENT WAIT_CLASS STATE SECONDS_IN_WAIT#",
    rows: (core) =>
      [...core.sessions.values()].map((view) => {
        const row = sessionRow(core, view)
        const names = sessionColumns.split(" ")
        return ["SID#", "EVENT", "WAIT_CLASS", "STATE", "SECONDS_IN_WAIT#"].map((name) => row[names.indexOf(name)]!)
      })
  },
  "V$SESSION_LONGOPS": {
    columns:
      "SID# SERIAL## OPNAME TARGET SOFAR# TOTALWORK# UNITS START_TIME@ TIME_REMAINING# ELAPSED_SECONDS# MESSAGE SQL_ID",
    rows: () => []
  },
  "V$PROCESS": {
    columns: "ADDR PID# SPID PNAME USERNAME SERIAL## TERMINAL PROGRAM BACKGROUND CON_ID#",
    rows: (core) =>
      [...core.sessions.values()].map(({ state: { info } }) => [
        address(info.sid, "2"),
        info.sid,
        String(10_000 + info.sid),
        null,
        "oracle",
        info.serial,
        "UNKNOWN",
        `oracle@${core.environment.hostName}`,
        null,
        0
      ])
  },
  DBA_BLOCKERS: {
    columns: "HOLDING_SESSION# CON_ID#",
    rows: (core) => [...new Set(waits(core).map(([, holder]) => holder.info.sid))].map((sid) => [sid, 0])
  },
  DBA_WAITERS: {
    columns:
      "WAITING_SESSION# WAITING_CON_ID# HOLDING_SESSION# HOLDING_CON_ID# LOCK_TYPE MODE_HELD MODE_REQUESTED LOCK_ID1# LOCK_ID2#",
    rows: (core) =>
      waits(core).map(([waiter, holder]) => [
        waiter.info.sid,
        0,
        holder.info.sid,
        0,
        "Transaction",
        "Exclusive",
        "Exclusive",
        ...lockIds(holder)
      ])
  }
}
