/** What all sessions of one database share. */
import { Catalog, type Sequence, type Table } from "./Catalog.ts"
import type { Stored } from "./Convert.ts"
import type { EngineHost, EngineOptions, Procedure } from "./Engine.ts"
import { fit } from "./Fit.ts"
import { Locks } from "./Locks.ts"
import { floor } from "./NumberArithmetic.ts"
import { fromDecimal, fromInteger, type NumberBytes, toInteger } from "./OracleNumber.ts"
import { oraError } from "./OraError.ts"
import { formatRowid, rowOf } from "./Rowid.ts"
import { type Environment, SessionState } from "./SessionState.ts"
import type { SqlType } from "./SqlType.ts"
import { Store } from "./Store.ts"

const defaultSleep = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error)
      return
    }
    const timer = setTimeout(resolve, milliseconds)
    signal.addEventListener("abort", () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }, { once: true })
  })

export interface SessionView {
  readonly state: SessionState
  readonly inTransaction: boolean
}

export class Core {
  readonly catalog = new Catalog()
  readonly locks: Locks
  readonly store: Store
  readonly host: EngineHost
  readonly environment: Environment
  readonly procedures = new Map<string, Procedure>()
  readonly sessions = new Map<number, SessionView>()
  /** Rows of a dictionary view; set by whoever knows the views. */
  dictionaryRows: (name: string, session: SessionState) => ReadonlyArray<ReadonlyArray<string | null>> = () => []
  /** A function written in TypeScript, called from SQL; `omitted` lists the parameters left out, as `,0,2,`. */
  callFunction: (key: string, omitted: string, args: ReadonlyArray<Stored>, session: SessionState) => Stored = () =>
    null

  constructor(options: EngineOptions) {
    this.host = {
      now: options.host?.now ?? Date.now,
      sleep: options.host?.sleep ?? defaultSleep,
      killSession: options.host?.killSession ?? (() => false)
    }
    this.environment = {
      databaseName: options.databaseName ?? "FREEPDB1",
      instanceName: options.instanceName ?? "FREE",
      hostName: options.hostName ?? "localhost",
      version: options.version ?? "23.7.0.25.01"
    }
    this.locks = new Locks(this.host.sleep)
    const nobody = new SessionState({ user: "SYS", sid: -1, serial: 0, service: "SYS$BACKGROUND" }, 0, this.environment)
    this.store = new Store(nobody)
    for (const procedure of options.procedures ?? []) this.procedures.set(procedure.name.toUpperCase(), procedure)
    this.registerFunctions()
  }

  /** The procedure by its path, with the schema before it or without. */
  procedure(
    path: ReadonlyArray<string>,
    schema: string
  ): { readonly key: string; readonly procedure: Procedure } | undefined {
    for (const key of [path.join("."), `${schema}.${path.join(".")}`, path.slice(1).join(".")]) {
      const procedure = this.procedures.get(key)
      if (procedure !== undefined && key !== "") return { key, procedure }
    }
    return undefined
  }

  sequence(id: number): Sequence {
    const known = this.sequencesById.get(id)
    if (known === undefined) throw oraError(2289, "sequence does not exist")
    return known
  }

  readonly sequencesById = new Map<number, Sequence>()
  readonly tablesById = new Map<number, Table>()

  nextValue(id: number, session: SessionState): NumberBytes {
    const sequence = this.sequence(id)
    let value = sequence.next
    if (value > sequence.max || value < sequence.min) {
      if (!sequence.cycle) {
        throw sequence.increment > 0n
          ? oraError(8004, `sequence ${sequence.name}.NEXTVAL exceeds MAXVALUE and cannot be instantiated`)
          : oraError(8004, `sequence ${sequence.name}.NEXTVAL goes below MINVALUE and cannot be instantiated`)
      }
      value = sequence.increment > 0n ? sequence.min : sequence.max
    }
    sequence.next = value + sequence.increment
    const bytes = fromDecimal(value, 0)
    session.sequenceValues.set(id, bytes)
    return bytes
  }

  private registerFunctions(): void {
    const { caller, db } = this.store
    const define = (name: string, run: (...args: ReadonlyArray<Stored>) => Stored): void => {
      db.function(name, { varargs: true }, run as never)
    }
    define("rowid_text", (table, row) => row === null ? null : formatRowid(table as number, row as number))
    define("rid", (table, text) => text === null ? null : rowOf(table as number, text as string))
    define("to_int", (value) => value === null ? null : toInteger(floor(value as NumberBytes)) ?? null)
    define("one_row", (count, value) => {
      if ((count as number) > 1) throw oraError(1427, "single-row subquery returns more than one row")
      return value ?? null
    })
    // A limit on rows: `strict` takes one off for `<` of a whole number.
    define("lim", (value, strict) => {
      if (value === null) return 0
      const whole = toInteger(floor(value as NumberBytes))
      if (whole === undefined) return 9_007_199_254_740_991
      const exact = strict === 1 && fromInteger(whole).length === (value as NumberBytes).length &&
        Buffer.compare(fromInteger(whole), value as NumberBytes) === 0
      return Math.max(0, exact ? whole - 1 : whole)
    })
    define("min_limit", (...limits) => {
      const real = (limits as ReadonlyArray<number>).filter((limit) => limit >= 0)
      return real.length === 0 ? -1 : Math.min(...real)
    })
    const specs = new Map<string, SqlType>()
    define("fit", (spec, value) => {
      if (value === null) return null
      let type = specs.get(spec as string)
      if (type === undefined) {
        const [name, precision, scale, size, chars] = JSON.parse(spec as string) as [
          SqlType["name"],
          number,
          number,
          number,
          number
        ]
        type = { name, precision, scale, size, chars }
        specs.set(spec as string, type)
      }
      return fit(value, type, { kind: "cast" })
    })
    define("no_cycle", (path, row, quiet) => {
      if (!(path as string).includes(row as string)) return 1
      if (quiet === 1) return 0
      throw oraError(1436, "CONNECT BY loop in user data")
    })
    define("seq_next", (id) => this.nextValue(id as number, caller.session))
    define("seq_curr", (id) => {
      const value = caller.session.sequenceValues.get(id as number)
      if (value === undefined) {
        throw oraError(8002, `sequence ${this.sequence(id as number).name}.CURRVAL is not yet defined in this session`)
      }
      return value
    })
    define("dictionary", (name) => JSON.stringify(this.dictionaryRows(name as string, caller.session)))
    define(
      "user_function",
      (key, omitted, ...args) => this.callFunction(key as string, omitted as string, args, caller.session)
    )
  }
}
