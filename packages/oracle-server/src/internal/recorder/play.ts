/** Plays a script on a database and records every answer. One statement that fails does not end the script. */
import type { Driver, DriverColumn, DriverConnection, DriverResult, DriverResultSet } from "./driver.ts"
import type {
  RecordedColumn,
  RecordedOutcome,
  RecordedRows,
  RecordedStep,
  RecordedValue,
  Recording
} from "./recording.ts"
import { type ScriptBind, ScriptError, type ScriptStep } from "./script.ts"

/** Rows that are recorded of each result. */
const maxRows = 1000
/** Milliseconds that one statement may take. */
const callTimeout = 60_000
const maxOutputLines = 1000

const typeOf = (column: DriverColumn): string => {
  const name = column.dbTypeName
  // A NUMBER that says nothing of itself has no precision and a scale of -127.
  if (name === "NUMBER") return column.precision ? `NUMBER(${column.precision},${column.scale ?? 0})` : name
  if (column.byteSize !== undefined) return `${name}(${column.byteSize})`
  return column.scale === undefined ? name : `${name}(${column.scale})`
}

const columnOf = (column: DriverColumn): RecordedColumn => ({
  name: column.name,
  type: typeOf(column),
  nullable: column.nullable
})

export class Player {
  readonly #driver: Driver
  readonly #connection: DriverConnection

  constructor(driver: Driver, connection: DriverConnection) {
    this.#driver = driver
    this.#connection = connection
  }

  async play(steps: ReadonlyArray<ScriptStep>): Promise<Recording> {
    this.#connection.callTimeout = callTimeout
    await this.#connection.execute("begin dbms_output.enable(null); end;", {}, {})
    const recorded: Array<RecordedStep> = []
    for (const step of steps) {
      recorded.push({ line: step.line, text: step.text, outcome: await this.#outcome(step) })
    }
    return { format: "sessionpool recording 1", version: this.#connection.oracleServerVersionString, steps: recorded }
  }

  async #outcome(step: ScriptStep): Promise<RecordedOutcome> {
    const binds = Object.fromEntries(
      Object.entries(step.binds).map(([name, bind]) => [name, this.#bind(bind, name, step.line)])
    )
    try {
      const result = await this.#connection.execute(step.text, binds, {
        resultSet: true,
        extendedMetaData: true,
        outFormat: this.#driver["OUT_FORMAT_ARRAY"],
        fetchTypeHandler: (column: DriverColumn) => this.#fetchType(column)
      })
      return await this.#done(result)
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause
      const { code, message, offset } = cause as Error & { readonly code?: string; readonly offset?: number }
      // Without a code it is no answer of a database.
      if (code === undefined) throw cause
      return { _tag: "Failed", code, offset: offset ?? null, message: message.split("\n")[0]! }
    }
  }

  /** What JavaScript's own types would change is fetched as text. */
  #fetchType({ dbType }: DriverColumn): object | undefined {
    const driver = this.#driver
    if ([driver["DB_TYPE_NUMBER"], driver["DB_TYPE_CLOB"], driver["DB_TYPE_NCLOB"]].includes(dbType)) {
      return { type: driver["STRING"] }
    }
    if (dbType === driver["DB_TYPE_BLOB"]) return { type: driver["BUFFER"] }
    return undefined
  }

  async #done(result: DriverResult): Promise<RecordedOutcome> {
    const outBinds: Record<string, RecordedValue | ReadonlyArray<RecordedValue>> = {}
    for (const [name, value] of Object.entries(result.outBinds ?? {})) {
      outBinds[name] = Array.isArray(value)
        ? await Promise.all(value.map((item) => this.#value(item)))
        : await this.#value(value)
    }
    const implicitResults: Array<RecordedRows> = []
    for (const resultSet of result.implicitResults ?? []) implicitResults.push(await this.#rows(resultSet))
    return {
      _tag: "Done",
      result: result.resultSet === undefined ? null : await this.#rows(result.resultSet),
      implicitResults,
      outBinds,
      rowsAffected: result.rowsAffected ?? null,
      warning: result.warning === undefined ? null : result.warning.code ?? result.warning.message,
      output: await this.#output()
    }
  }

  async #rows(resultSet: DriverResultSet): Promise<RecordedRows> {
    try {
      const rows = await resultSet.getRows(maxRows + 1)
      const values: Array<ReadonlyArray<RecordedValue>> = []
      for (const row of rows.slice(0, maxRows)) {
        const cells: Array<RecordedValue> = []
        for (const value of row) cells.push(await this.#value(value))
        values.push(cells)
      }
      return { columns: resultSet.metaData.map(columnOf), rows: values, cut: rows.length > maxRows }
    } finally {
      await resultSet.close()
    }
  }

  async #value(value: unknown): Promise<RecordedValue> {
    if (value === null || value === undefined) return null
    if (typeof value === "string") return value
    if (value instanceof Date) return value.toISOString()
    if (value instanceof Uint8Array) return Buffer.from(value).toString("hex")
    if (typeof value !== "object") return String(value)
    if ("getRows" in value) return this.#rows(value as DriverResultSet)
    if ("getData" in value) {
      return this.#value(await (value as { readonly getData: () => Promise<unknown> }).getData())
    }
    return JSON.stringify(ArrayBuffer.isView(value) ? [...value as unknown as Iterable<unknown>] : value)
  }

  #bind(bind: ScriptBind, name: string, line: number): unknown {
    if (typeof bind !== "object" || bind === null) return bind
    const { dir, maxSize, type, val } = bind
    const dbType = type === undefined ? undefined : this.#driver[`DB_TYPE_${type.toUpperCase()}`]
    if (type !== undefined && dbType === undefined) {
      throw new ScriptError(`line ${line}: the driver has no type "${type}" for the bind ${name}`)
    }
    const isTime = type !== undefined && /^(?:DATE|TIMESTAMP)/i.test(type)
    return {
      dir: this.#driver[dir === "out" ? "BIND_OUT" : dir === "inout" ? "BIND_INOUT" : "BIND_IN"],
      ...(dbType === undefined ? {} : { type: dbType }),
      ...(maxSize === undefined ? {} : { maxSize }),
      ...(val === undefined ? {} : { val: isTime && typeof val === "string" ? new Date(val) : val })
    }
  }

  async #output(): Promise<ReadonlyArray<string>> {
    const lines: Array<string> = []
    const { BIND_OUT, NUMBER, STRING } = this.#driver
    while (lines.length < maxOutputLines) {
      const { outBinds } = await this.#connection.execute("begin dbms_output.get_line(:line, :status); end;", {
        line: { dir: BIND_OUT, type: STRING, maxSize: 32_767 },
        status: { dir: BIND_OUT, type: NUMBER }
      }, {})
      if (outBinds?.["status"] !== 0) return lines
      lines.push(String(outBinds["line"] ?? ""))
    }
    return lines
  }
}
