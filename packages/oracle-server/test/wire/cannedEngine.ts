import type {
  BindDirection,
  Column,
  Cursor,
  Engine,
  EngineSession,
  ExecuteRequest,
  ExecuteResult,
  Lob,
  Row,
  Statement,
  StatementKind,
  TypeName
} from "../../src/internal/engine/engine.ts"
import { oraError } from "../../src/internal/engine/oraError.ts"

/** A column of the given type, as unconstrained as the type allows. */
export const column = (name: string, type: TypeName, extra: Partial<Column> = {}): Column => ({
  name,
  type,
  precision: 0,
  scale: type === "NUMBER" ? -127 : 0,
  maxSize: 4000,
  maxChars: type.includes("CHAR") ? 1000 : 0,
  nullable: true,
  national: type.startsWith("N") && type !== "NUMBER",
  isJson: false,
  ...extra
})

interface OpenCursor extends Cursor {
  rows: Array<Row>
  rowCount: number
  exhausted: boolean
}

/** A cursor over rows that are there already. */
export const cursor = (columns: ReadonlyArray<Column>, rows: ReadonlyArray<Row>): Cursor => {
  const open: OpenCursor = { _tag: "Cursor", columns, rows: [...rows], rowCount: 0, exhausted: rows.length === 0 }
  return open
}

export const query = (columns: ReadonlyArray<Column>, rows: ReadonlyArray<Row>): ExecuteResult => ({
  rowCount: 0,
  cursor: cursor(columns, rows)
})

/** A LOB in memory. */
export const makeLob = (type: Lob["type"], initial: string | Uint8Array = "", temporary = false): Lob => {
  let content: string | Buffer = type === "BLOB" ? Buffer.from(initial) : String(initial)
  const merge = (offset: number, data: string | Uint8Array) => {
    const at = offset - 1
    if (typeof content === "string") {
      const text = String(data)
      content = content.padEnd(at, " ").slice(0, at) + text + content.slice(at + text.length)
      return
    }
    const grown = Buffer.alloc(Math.max(content.length, at + data.length))
    content.copy(grown)
    grown.set(data as Uint8Array, at)
    content = grown
  }
  return {
    _tag: "Lob",
    type,
    temporary,
    chunkSize: 8132,
    length: () => content.length,
    read: (offset, amount) =>
      typeof content === "string"
        ? content.slice(offset - 1, offset - 1 + amount)
        : content.subarray(offset - 1, offset - 1 + amount),
    write: merge,
    trim: (length) => {
      content = content.slice(0, length)
    },
    free: () => undefined
  }
}

/** What a text does when it is executed. */
export interface Canned {
  readonly kind?: StatementKind
  /** Of the placeholders; default: all of them "in". */
  readonly directions?: ReadonlyArray<BindDirection>
  readonly columns?: ReadonlyArray<Column>
  readonly run: (request: ExecuteRequest, session: CannedSession) => ExecuteResult | Promise<ExecuteResult>
}

export interface CannedSession extends EngineSession {
  currentSchema: string
  /** What the wire side has done to this session, in order. */
  readonly events: Array<string>
  transaction: boolean
  /** Rejects what waits. */
  onCancel: (() => void) | undefined
}

const kindOf = (sql: string): StatementKind =>
  /^\s*(select|with)/i.test(sql)
    ? "query"
    : /^\s*(begin|declare|call)/i.test(sql)
    ? "plsql"
    : /^\s*create/i.test(sql)
    ? "ddl"
    : "insert"

const absent = (): never => {
  throw oraError(24_756, "transaction does not exist")
}

const noBranches = {
  sessionless: undefined,
  isGlobal: false,
  start: absent,
  detach: absent,
  prepare: absent,
  commit: absent,
  rollback: absent,
  forget: absent
}

/** An engine that answers the texts it is given, and nothing else: what is under test is the wire. */
export const cannedEngine = (
  texts: { readonly [sql: string]: Canned }
): Engine & { readonly opened: Array<CannedSession> } => {
  const opened: Array<CannedSession> = []
  return {
    opened,
    open: (info) => {
      const events: Array<string> = []
      const session: CannedSession = {
        info,
        events,
        transaction: false,
        onCancel: undefined,
        hasTemporaryRows: false,
        logicalTransaction: undefined,
        branches: noBranches,
        get inTransaction() {
          return session.transaction
        },
        currentSchema: info.user,
        edition: "ORA$BASE",
        parse: (sql): Statement => {
          events.push(`parse ${sql}`)
          const canned = texts[sql]
          if (canned === undefined) throw oraError(942, "table or view does not exist", 3)
          const names = [...sql.matchAll(/:(\w+)/g)].map((match) => match[1]!.toUpperCase())
          const placeholders = names.map((name, index) => ({ name, direction: canned.directions?.[index] ?? "in" }))
          return { _tag: "Statement", sql, kind: canned.kind ?? kindOf(sql), placeholders }
        },
        describe: (statement) => texts[statement.sql]?.columns ?? null,
        execute: (statement, request) => {
          events.push(`execute ${statement.sql}`)
          const result = texts[statement.sql]!.run(request, session)
          if (request.autoCommit === true) session.transaction = false
          return result
        },
        fetch: (open, count) => {
          const mine = open as OpenCursor
          const rows = mine.rows.splice(0, count)
          mine.rowCount += rows.length
          mine.exhausted = mine.rows.length === 0
          return rows
        },
        closeCursor: () => void events.push("close cursor"),
        objectType: () => undefined,
        enqueue: () => [],
        dequeue: () => [],
        createTemporaryLob: (type) => makeLob(type, type === "BLOB" ? new Uint8Array() : "", true),
        commit: () => {
          events.push("commit")
          session.transaction = false
        },
        rollback: () => {
          events.push("rollback")
          session.transaction = false
        },
        endToEnd: { module: null, action: null, clientId: null, clientInfo: null, dbOp: null, ecid: null },
        setEndToEnd: (attributes) => {
          events.push(`end to end ${JSON.stringify(attributes)}`)
          Object.assign(session.endToEnd, attributes)
        },
        setCurrentSchema: (name) => {
          if (name === "NOBODY") throw oraError(1435, "user does not exist")
          events.push(`schema ${name}`)
        },
        setContext: (namespace, key, value) => void events.push(`context ${namespace}.${key}=${value}`),
        reset: () => void events.push("reset"),
        cancel: () => {
          events.push("cancel")
          session.onCancel?.()
        },
        close: () => void events.push("close")
      }
      opened.push(session)
      return session
    },
    runScript: () => Promise.resolve(),
    addSchema: () => undefined,
    logOnLimits: () => ({ failedAttempts: Infinity, lockTime: Infinity, lifeTime: Infinity, graceTime: Infinity }),
    snapshot: () => ({ _tag: "EngineSnapshot" }),
    restore: () => undefined,
    loseInstance: () => undefined,
    sessions: () => opened,
    close: () => undefined
  }
}

/** A call that waits until it is cancelled. */
export const waits: Canned = {
  run: (_, session) =>
    new Promise((_, reject) => {
      session.onCancel = () => reject(oraError(1013, "User requested cancel of current operation."))
    })
}
