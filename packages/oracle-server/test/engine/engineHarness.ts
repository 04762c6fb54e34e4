/** An engine with a hand-driven clock, and short ways to run SQL in a test. */
import { make } from "../../src/internal/engine/database.ts"
import type {
  BindType,
  Cursor,
  DateTime,
  Engine,
  EngineOptions,
  EngineSession,
  ExecuteRequest,
  ExecuteResult,
  Row,
  TypeName,
  Value
} from "../../src/internal/engine/engine.ts"

export const fixedNow = Date.UTC(2024, 4, 17, 13, 30, 45, 123)

interface Sleeper {
  readonly milliseconds: number
  readonly wake: () => void
}

export interface Harness {
  readonly engine: Engine
  readonly sleepers: Array<Sleeper>
  readonly open: (user?: string) => Sql
}

export interface Sql {
  readonly session: EngineSession
  /** Rows of a query in plain form; throws when the statement waits. */
  readonly rows: (sql: string, ...binds: ReadonlyArray<unknown>) => Array<Array<unknown>>
  readonly value: (sql: string, ...binds: ReadonlyArray<unknown>) => unknown
  readonly run: (sql: string, ...binds: ReadonlyArray<unknown>) => ExecuteResult
  readonly later: (sql: string, ...binds: ReadonlyArray<unknown>) => Promise<ExecuteResult>
  /** `ORA-nnnnn: text` of the failure, or the word "none". */
  readonly error: (sql: string, ...binds: ReadonlyArray<unknown>) => string
}

export interface Typed {
  readonly type: TypeName
  readonly value: Value
}

export const typed = (type: TypeName, value: Value): Typed => ({ type, value })

const bindOf = (value: unknown): Typed => {
  if (typeof value === "object" && value !== null && "type" in value && "value" in value) return value as Typed
  if (typeof value === "number") return { type: "NUMBER", value: String(value) }
  if (value instanceof Uint8Array) return { type: "RAW", value }
  return { type: "VARCHAR2", value: value as string | null }
}

const pad = (value: number, width = 2): string => String(value).padStart(width, "0")

export const plain = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex")
  const tagged = value as { readonly _tag?: string }
  if (tagged._tag === "DateTime") {
    const at = value as DateTime
    const fraction = at.nanosecond === 0 ? "" : `.${pad(at.nanosecond, 9).replace(/0+$/, "")}`
    const zone = at.offsetMinutes === 0 ? "" : ` ${at.offsetMinutes}`
    return `${pad(at.year, 4)}-${pad(at.month)}-${pad(at.day)} ${pad(at.hour)}:${pad(at.minute)}:${
      pad(at.second)
    }${fraction}${zone}`
  }
  if (tagged._tag === "Lob") {
    return plain((value as { readonly read: (from: number, n: number) => unknown }).read(1, 1_000_000))
  }
  return value
}

export const request = (binds: ReadonlyArray<unknown>): ExecuteRequest => {
  const list = binds.map(bindOf)
  return {
    bindTypes: list.map(({ type }): BindType => ({ type, maxSize: 4000 })),
    rows: list.length === 0 ? [] : [list.map(({ value }) => value)]
  }
}

/** Rows of a fetch that does not wait. */
export const fetched = (session: EngineSession, cursor: Cursor, count: number): ReadonlyArray<Row> => {
  const rows = session.fetch(cursor, count)
  if (!(rows instanceof Promise)) return rows
  rows.catch(() => undefined)
  throw new Error("the fetch waits")
}

export const sqlOf = (session: EngineSession): Sql => {
  const start = (sql: string, binds: ReadonlyArray<unknown>) => session.execute(session.parse(sql), request(binds))
  const run: Sql["run"] = (sql, ...binds) => {
    const result = start(sql, binds)
    if (result instanceof Promise) {
      result.catch(() => undefined)
      throw new Error(`waits: ${sql}`)
    }
    return result
  }
  const all = (cursor: Cursor): Array<Array<unknown>> => {
    const rows: Array<Array<unknown>> = []
    while (!cursor.exhausted) rows.push(...fetched(session, cursor, 100).map((row) => row.map(plain)))
    return rows
  }
  const rows: Sql["rows"] = (sql, ...binds) => all(run(sql, ...binds).cursor!)
  return {
    session,
    run,
    rows,
    value: (sql, ...binds) => rows(sql, ...binds)[0]?.[0],
    later: async (sql, ...binds) => start(sql, binds),
    error: (sql, ...binds) => {
      try {
        const result = run(sql, ...binds)
        if (result.cursor !== undefined) all(result.cursor)
        return "none"
      } catch (error) {
        return (error as Error).message
      }
    }
  }
}

export const harness = (options: EngineOptions = {}): Harness => {
  const sleepers: Array<Sleeper> = []
  const engine = make({
    ...options,
    host: {
      now: () => fixedNow,
      // No statement is long by this clock: what does not have to wait answers at once.
      clock: () => 0,
      sleep: (milliseconds, signal) =>
        new Promise((resolve, reject) => {
          sleepers.push({ milliseconds, wake: resolve })
          signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true })
        }),
      ...options.host
    }
  })
  let sid = 100
  return {
    engine,
    sleepers,
    open: (user = "HR") => {
      sid++
      return sqlOf(
        engine.open({
          user,
          sid,
          serial: sid * 7,
          service: "FREEPDB1",
          program: "vitest",
          machine: "host",
          osUser: "me"
        })
      )
    }
  }
}

/** Lets everything that is ready run. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
