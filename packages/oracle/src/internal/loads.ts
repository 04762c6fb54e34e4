/**
 * Loads of many rows: a sink that gathers rows into chunks and writes each in one round trip, by array DML or by direct path.
 *
 * A load pulls its rows itself: while a chunk is written nothing more is asked of whatever makes them, so no more than one chunk is held.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import type * as Sink from "effect/Sink"
import type * as OracleBind from "../OracleBind.ts"
import { isOracleError, type OracleError } from "../OracleError.ts"
import { RefusedBind } from "./bindRefusal.ts"
import { writeBinds } from "./bindWriter.ts"
import type { ReadError } from "./cursor.ts"
import { directRow } from "./directRows.ts"
import type { DriverCaller } from "./driverCaller.ts"
import { executeMany } from "./executeMany.ts"
import { LoadError } from "./loadError.ts"
import { type LoadFailure, type LoadOptions, type LoadProgress, type LoadRow, operation } from "./loadOptions.ts"
import type { ColumnMetadata } from "./oracledb.ts"
import { kindOf, refusal } from "./refusal.ts"
import type { ValueSettings } from "./valueSettings.ts"

/** A table to load, on a connection. */
interface LoadTarget {
  readonly caller: DriverCaller
  readonly values: ValueSettings
  /** As it stands in SQL. */
  readonly table: string
  /** As they stand in SQL. */
  readonly columns: ReadonlyArray<string>
  /** The properties of objects that are rows. */
  readonly properties: ReadonlyArray<string>
  /** The schema of names that have none. */
  readonly schema: Effect.Effect<string, ReadError>
  /** Whether a transaction has been begun that is not for the load to commit. */
  readonly isInTransaction: () => boolean
}

/** Where a chunk ends whatever the number of its rows, by the length of its texts and bytes. */
const mostBytes = 8 * 1024 * 1024

const sizeOf = (value: unknown): number =>
  typeof value === "string" ? value.length : value instanceof Uint8Array ? value.byteLength : 0

class Load {
  readonly #target: LoadTarget
  readonly #options: LoadOptions
  readonly #chunkSize: number
  #rows: Array<ReadonlyArray<OracleBind.Bind>> = []
  #bytes = 0
  #written = 0
  #committed = 0
  #chunks = 0
  /** Rows taken before those that are gathered now. */
  #before = 0

  constructor(target: LoadTarget, options: LoadOptions) {
    this.#target = target
    this.#options = options
    this.#chunkSize = options.chunkSize ?? (options.direct === true ? 10_000 : 1000)
  }

  get progress(): LoadProgress {
    return { rows: this.#written, chunks: this.#chunks, committed: this.#committed }
  }

  #failure(cause: OracleError, refused: ReadonlyArray<{ readonly row: number; readonly message: string }>): LoadError {
    const { length } = this.#rows
    return new LoadError({
      table: this.#target.table,
      from: this.#before + 1,
      to: this.#before + Math.max(1, length),
      refused,
      written: this.#written,
      committed: this.#committed,
      cause
    })
  }

  #refused(row: number, problem: string): LoadError {
    const cause = refusal(operation, `Row ${row} ${problem}`)
    return this.#failure(cause, [{ row, message: cause.message }])
  }

  /** The values of a row in the order of the columns, or what is wrong with it. */
  #inOrder(row: LoadRow): ReadonlyArray<OracleBind.Bind> | string {
    const { properties } = this.#target
    if (Array.isArray(row)) {
      return row.length === properties.length ? row : `has ${row.length} values for ${properties.length} columns`
    }
    if (typeof row !== "object" || row === null) return `must be an array or an object, not ${kindOf(row)}`
    const values = row as { readonly [column: string]: OracleBind.Bind }
    const inOrder: Array<OracleBind.Bind> = []
    for (let i = 0; i < properties.length; i++) {
      const name = properties[i]!
      const value = values[name]
      if (value === undefined && !(name in values)) return `has no property ${JSON.stringify(name)}`
      inOrder.push(value)
    }
    return inOrder
  }

  /** Takes rows, and writes a chunk whenever one is full. */
  add(rows: NonEmptyReadonlyArray<LoadRow>): Effect.Effect<void, LoadFailure> {
    const from = (start: number): Effect.Effect<void, LoadFailure> => {
      for (let at = start; at < rows.length; at++) {
        const values = this.#inOrder(rows[at]!)
        if (typeof values === "string") {
          return Effect.fail(this.#refused(this.#before + this.#rows.length + 1, values))
        }
        this.#rows.push(values)
        for (let i = 0; i < values.length; i++) this.#bytes += sizeOf(values[i])
        if (this.#rows.length >= this.#chunkSize || this.#bytes >= mostBytes) {
          return Effect.flatMap(this.flush, () => from(at + 1))
        }
      }
      return Effect.void
    }
    return Effect.suspend(() => from(0))
  }

  /** Writes what is gathered. */
  get flush(): Effect.Effect<void, LoadFailure> {
    return Effect.suspend(() => {
      if (this.#rows.length === 0) return Effect.void
      const written = this.#options.direct === true ? this.#byDirectPath : this.#byArray
      return Effect.flatMap(written, () => {
        this.#before += this.#rows.length
        this.#rows = []
        this.#bytes = 0
        this.#chunks++
        return this.#options.onProgress?.(this.progress) ?? Effect.void
      })
    })
  }

  get #byArray(): Effect.Effect<void, LoadFailure> {
    const { caller, columns, table, values } = this.#target
    const rows = this.#rows
    const places = columns.map((_, index) => `:${index + 1}`).join(", ")
    const sql = `insert into ${table} (${columns.join(", ")}) values (${places})`
    const commits = this.#options.commit === true
    const run = executeMany(
      caller,
      sql,
      rows,
      { batchErrors: true },
      values,
      commits ? { autoCommit: true } : undefined
    )
    return Effect.matchEffect(run, {
      onFailure: (error) =>
        Effect.fail(isOracleError(error) ? this.#failure(error, this.#unwritable(rows)) : error as LoadFailure),
      onSuccess: ({ errors, rowsAffected }) => {
        this.#written += rowsAffected
        const [first] = errors
        if (first !== undefined) {
          const refused = errors.map(({ error, row }) => ({ row: this.#before + row + 1, message: error.message }))
          return Effect.fail(this.#failure(first.error, refused))
        }
        if (commits) this.#committed = this.#written
        return Effect.void
      }
    })
  }

  /** The first row with a value that no bind can carry. */
  #unwritable(rows: ReadonlyArray<ReadonlyArray<OracleBind.Bind>>): LoadError["refused"] {
    for (const [index, row] of rows.entries()) {
      try {
        writeBinds(row, this.#target.values)
      } catch (thrown) {
        if (thrown instanceof RefusedBind) return [{ row: this.#before + index + 1, message: thrown.message }]
      }
    }
    return []
  }

  get #byDirectPath(): Effect.Effect<void, LoadFailure> {
    return Effect.flatMap(this.#direct, (direct) => {
      const { caller, isInTransaction, values } = this.#target
      const data: Array<ReadonlyArray<unknown>> = []
      for (const row of this.#rows) {
        try {
          data.push(directRow(row, direct.columns, values.dates))
        } catch (thrown) {
          if (!(thrown instanceof RefusedBind)) return Effect.die(thrown)
          return Effect.fail(this.#refused(this.#before + data.length + 1, `cannot be loaded: ${thrown.message}`))
        }
      }
      const call = caller.call({ operation: "DIRECT PATH LOAD", isAutoCommit: true }, (connection) => {
        if (isInTransaction() || connection.transactionInProgress === true) throw inTransaction()
        return connection.directPathLoad!(direct.schema, direct.table, direct.names, data)
      })
      return Effect.matchEffect(call, {
        onFailure: (error) => Effect.fail(isOracleError(error) ? this.#failure(error, []) : error),
        onSuccess: () => {
          this.#written += data.length
          this.#committed = this.#written
          return Effect.void
        }
      })
    })
  }

  #described: DirectTarget | undefined = undefined

  /** What the server says of the columns, asked for once. */
  get #direct(): Effect.Effect<DirectTarget, LoadFailure> {
    if (this.#described !== undefined) return Effect.succeed(this.#described)
    const { caller, columns, schema, table } = this.#target
    const sql = `select ${columns.join(", ")} from ${table}`
    const parts = table.split(".").map(plain)
    return Effect.gen({ self: this }, function*() {
      const info = yield* caller.call({ operation: "DESCRIBE", sql }, (connection) => connection.getStatementInfo(sql))
      this.#described = {
        schema: parts.length === 2 ? parts[0]! : plain(`"${yield* schema}"`),
        table: parts.at(-1)!,
        names: columns.map(plain),
        columns: info.metaData ?? []
      }
      return this.#described
    })
  }
}

interface DirectTarget {
  readonly schema: string
  readonly table: string
  readonly names: ReadonlyArray<string>
  readonly columns: ReadonlyArray<ColumnMetadata>
}

/** A name as a direct path load takes it: as it stands in SQL, without quotes that it does not need. */
const plain = (name: string): string =>
  name.startsWith("\"") ? /^"[A-Z][A-Z0-9_$#]*"$/.test(name) ? name.slice(1, -1) : name : name.toUpperCase()

const inTransaction = () =>
  refusal(
    operation,
    "A direct path load commits, and this connection has work that is not committed: nothing was sent.\n"
      + "Commit or roll back first, load outside of the transaction, or load by array DML."
  )

/** Loads all rows that `upstream` gives, and says how many. */
export const load = (
  target: LoadTarget,
  options: LoadOptions,
  upstream: Pull.Pull<NonEmptyReadonlyArray<LoadRow>, never, void>
): Effect.Effect<Sink.End<LoadProgress>, LoadFailure> =>
  Effect.suspend((): Effect.Effect<Sink.End<LoadProgress>, LoadFailure> => {
    if (options.commit === true && target.isInTransaction()) {
      return Effect.fail(
        refusal(
          operation,
          "A load that commits each chunk would commit the transaction around it: nothing was sent.\n"
            + "Load outside of the transaction, or without `commit`."
        )
      )
    }
    const running = new Load(target, options)
    return upstream.pipe(
      Effect.flatMap((rows) => running.add(rows)),
      Effect.forever({ disableYield: true }),
      Pull.catchDone(() => Effect.map(running.flush, (): Sink.End<LoadProgress> => [running.progress]))
    )
  })

/** A table on the connection that loads it. */
export const targetOn = (
  connection: OracleConnection,
  names: Pick<LoadTarget, "columns" | "properties" | "table">
): LoadTarget => ({
  ...names,
  caller: connection.caller,
  values: connection.values,
  schema: connection.currentSchema,
  isInTransaction: () => connection.transactions.isOpen
})

/** What a load needs of its connection. */
interface OracleConnection {
  readonly caller: DriverCaller
  readonly values: ValueSettings
  readonly currentSchema: Effect.Effect<string, ReadError>
  readonly transactions: { readonly isOpen: boolean }
}

/** The property of a row that holds the value of a column. */
export const propertyOf = (column: string): string => column.startsWith("\"") ? column.slice(1, -1) : column
