/** Runs parsed statements for one session in stored form: the session's face converts values around it. */
import type { Query } from "../Ast.ts"
import type { Ddl, Parsed } from "../AstDefinitions.ts"
import type { ColumnDef, Table } from "../Catalog.ts"
import { conditionText } from "../compile/Blocks.ts"
import { type CompilationContext, finish, type Parameter } from "../compile/Compilation.ts"
import { convertTo } from "../compile/Operators.ts"
import { tableSource } from "../compile/Sources.ts"
import { newScope, type OutColumn } from "../compile/Sql.ts"
import type { Stored } from "../Convert.ts"
import type { Core } from "../Core.ts"
import { type DmlPlan, planDml, type Prepared, storedColumns } from "../dml/DmlPlan.ts"
import { type DmlOutcome, type DmlServices, runDml } from "../dml/DmlRun.ts"
import { Blocked } from "../dml/RowWriter.ts"
import type { TableMode } from "../Locks.ts"
import { OraError, oraError, unimplemented } from "../OraError.ts"
import { parseStatement } from "../parser/StatementParser.ts"
import { QueryCursor } from "../QueryCursor.ts"
import type { SessionState } from "../SessionState.ts"
import type { SqlType } from "../SqlType.ts"
import { NULL } from "../SqlType.ts"
import { visible } from "../Store.ts"
import { Transaction } from "../Transaction.ts"
import type { Step } from "../Waiting.ts"
import { define } from "./Alterations.ts"
import type { DefinitionServices } from "./Definitions.ts"
import { dictionaryView } from "./Dictionary.ts"
import { placeholders } from "./Placeholders.ts"
import {
  compilation,
  newStatement,
  openQuery,
  type ParameterReader,
  parameterValues,
  planQuery,
  type QueryPlan,
  readAll,
  type SessionStatement,
  typesKey
} from "./Plans.ts"
import { applySettings } from "./Settings.ts"

/** Names of PL/SQL around a statement: none for plain SQL. */
export interface Variables {
  readonly type: (path: ReadonlyArray<string>) => SqlType | undefined
  readonly read: (path: ReadonlyArray<string>) => Stored
}

export const noVariables: Variables = {
  type: () => undefined,
  read: () => {
    throw unimplemented("variables outside of PL/SQL")
  }
}

const statementCacheSize = 500

/** An error of the store itself, which no statement should be able to cause. */
export const asOraError = (error: unknown): unknown => {
  if (error instanceof OraError || !(error instanceof Error)) return error
  if ("code" in error && error.code === "ERR_SQLITE_ERROR") {
    return unimplemented(`statement the store refuses (${error.message})`)
  }
  return error
}

export class Executor {
  readonly core: Core
  readonly state: SessionState
  readonly transaction: Transaction
  private readonly statements = new Map<string, SessionStatement>()
  private readonly tableChecks = new Map<number, { readonly version: number; readonly prepared: Prepared }>()

  constructor(core: Core, state: SessionState) {
    this.core = core
    this.state = state
    this.transaction = new Transaction(core.store, core.locks, state.info.sid)
  }

  /** The store works for this session now. */
  enter(): void {
    this.core.store.caller.session = this.state
  }

  parse(sql: string): SessionStatement {
    const known = this.statements.get(sql)
    // A procedure that came since may use its placeholders in another direction.
    const { version } = this.core.catalog
    if (known !== undefined && (known.kind !== "plsql" || known.parsedVersion === version)) return known
    const { binds, parsed, returning } = parseStatement(sql)
    const statement = newStatement(sql, parsed, placeholders(this.core, this.state, parsed, binds, returning), version)
    if (parsed.kind !== "ddl") {
      if (this.statements.size >= statementCacheSize) this.statements.delete(this.statements.keys().next().value!)
      this.statements.set(sql, statement)
    }
    return statement
  }

  context(bindTypes: ReadonlyArray<SqlType>, variables: Variables = noVariables): CompilationContext {
    const { core, state } = this
    return {
      catalog: core.catalog,
      session: state,
      bindTypes,
      variable: variables.type,
      dictionary: dictionaryView,
      userFunction: (path) => {
        const found = core.procedure(path, state.currentSchema)
        if (found === undefined || found.procedure.returns === undefined) return undefined
        return {
          ...found,
          returns: {
            ...NULL,
            name: found.procedure.returns,
            scale: found.procedure.returns === "NUMBER" ? -127 : 0,
            size: found.procedure.returns === "VARCHAR2" ? 4000 : 0
          }
        }
      }
    }
  }

  /** Compiled once for each set of bind types, schema and state of the catalog. */
  plan(statement: SessionStatement, bindTypes: ReadonlyArray<SqlType>): QueryPlan | DmlPlan {
    const { catalog } = this.core
    if (statement.catalogVersion !== catalog.version) {
      statement.plans.clear()
      statement.lastPlan = undefined
      statement.catalogVersion = catalog.version
    }
    const key = typesKey(bindTypes) + this.state.currentSchema
    if (statement.lastPlan !== undefined && statement.lastKey === key) return statement.lastPlan
    let plan = statement.plans.get(key)
    if (plan === undefined) {
      plan = this.compile(statement.parsed, this.context(bindTypes))
      statement.plans.set(key, plan)
    }
    statement.lastKey = key
    statement.lastPlan = plan
    return plan
  }

  compile(parsed: Parsed, context: CompilationContext): QueryPlan | DmlPlan {
    const c = compilation(context)
    if (parsed.kind === "select") return planQuery(c, parsed.query)
    if (parsed.kind === "insert" || parsed.kind === "update" || parsed.kind === "delete" || parsed.kind === "merge") {
      return planDml(c, parsed)
    }
    throw unimplemented(`compiling ${parsed.kind}`)
  }

  *query(plan: QueryPlan, read: ParameterReader): Step<QueryCursor> {
    const values = parameterValues(plan.order, read)
    if (plan.query.forUpdate === undefined) return openQuery(this.core.store, this.state, plan, values)
    return yield* this.lockingQuery(plan, values)
  }

  private *lockingQuery(plan: QueryPlan, values: ReadonlyArray<Stored>): Step<QueryCursor> {
    const { sid } = this.state.info
    const { skipLocked, wait } = plan.query.forUpdate!
    for (;;) {
      const mark = this.transaction.mark()
      try {
        for (const { table } of plan.locks) {
          const holder = this.transaction.lockTable(table, "ROW SHARE")
          if (holder !== 0) throw new Blocked(holder)
        }
        const cursor = openQuery(this.core.store, this.state, plan, values)
        const rows = cursor.take(Number.MAX_SAFE_INTEGER)
        cursor.close()
        const kept = rows.filter((row) => {
          for (const { column, table } of plan.locks) {
            if (row[column] === null) continue
            const holder = this.transaction.lockRow(table, row[column] as number)
            if (holder === 0) continue
            if (skipLocked) return false
            throw new Blocked(holder)
          }
          return true
        })
        if (kept.length === 0) this.transaction.settle()
        return new QueryCursor(this.core.store, this.state, plan, kept, (column, values) => {
          const origin = plan.out[column]!.origin
          const lock = plan.locks.find(({ table }) => table === origin?.source.table)
          if (origin === undefined || lock === undefined) return undefined
          return (data) => this.writeLob(lock.table, values[lock.column] as number, origin.column, data)
        })
      } catch (error) {
        if (!(error instanceof Blocked)) throw error
        this.transaction.undoTo(mark, wait !== 0)
        if (wait === 0) this.transaction.settle()
        yield this.core.locks.waitFor(sid, error.holder, wait)
      }
    }
  }

  dml(plan: DmlPlan, read: ParameterReader): Step<DmlOutcome> {
    const { core, state, transaction } = this
    const services: DmlServices = {
      store: core.store,
      transaction,
      locks: core.locks,
      sid: state.info.sid,
      nextSequence: (id) => core.nextValue(id, state),
      checks: (table, version) => readAll(core.store, this.checksOf(table), [version])[0]!,
      read: (prepared, version) =>
        readAll(
          core.store,
          prepared,
          parameterValues(
            prepared.order,
            (parameter: Parameter) => parameter.kind === "version" ? version : read(parameter)
          )
        )
    }
    return runDml(plan, services)
  }

  private checksOf(table: Table): Prepared {
    const { version } = this.core.catalog
    const known = this.tableChecks.get(table.id)
    if (known?.version === version) return known.prepared
    const c = compilation(this.context([]))
    c.schema = table.owner
    const scope = newScope(undefined)
    const { source, sql } = tableSource(c, table, undefined, c.parameter({ kind: "version" }))
    scope.sources.push(source)
    const list = table.checks.map((check) => conditionText(c, check.expr, scope))
    const prepared = finish(c, `SELECT ${list.join(",")} FROM ${sql}`)
    this.tableChecks.set(table.id, { version, prepared })
    return prepared
  }

  /** Writes a LOB back into the row it was read from, which this session must have locked. */
  writeLob(table: Table, row: number, name: string, data: Stored): void {
    const { sid } = this.state.info
    if (table.rowLocks.get(row) !== sid) throw oraError(22920, "row containing the LOB value is not locked")
    this.enter()
    const stored = storedColumns(table)
    const [version] = this.core.store.rows(
      `SELECT v,x,${stored.map((column) => column.physical).join(",")} FROM ${table.physical} WHERE r=? AND ${
        visible(sid)
      }`,
      row
    )
    if (version === undefined) throw oraError(22922, "nonexistent LOB value")
    const values = version.slice(2).map((value, i) => stored[i]!.name === name ? data : value)
    this.transaction.replace(table, version[0] as number, version[1] === sid, row, values)
  }

  /** A definition: commits what is open, then itself. */
  define(ddl: Ddl, text: string): void {
    this.transaction.commit()
    const { core, state } = this
    const services: DefinitionServices = {
      core,
      session: state,
      describe: (query: Query): ReadonlyArray<OutColumn> => planQuery(compilation(this.context([])), query).out,
      copyRows: (table, query) => {
        const c = compilation(this.context([]))
        const plan = planQuery(c, query)
        const cursor = openQuery(core.store, state, plan, parameterValues(plan.order, () => null))
        for (const row of cursor.take(Number.MAX_SAFE_INTEGER)) {
          this.transaction.insert(table, table.nextRow++, row.slice(0, storedColumns(table).length))
        }
        cursor.close()
        this.transaction.commit()
      },
      holds: (table, condition) => {
        const c = compilation(this.context([]))
        const scope = newScope(undefined)
        const { source, sql } = tableSource(c, table, undefined)
        scope.sources.push(source)
        const text_ = conditionText(c, condition, scope)
        return core.store.rows(`SELECT 1 FROM ${sql} WHERE NOT ${text_} LIMIT 1`).length === 0
      },
      fillDefault: (table: Table, column: ColumnDef) => {
        const c = compilation(this.context([]))
        const scope = newScope(undefined)
        scope.sequences = true
        const value = convertTo(c.expr(c, column.default!, scope), column.type, 0)
        core.store.run(`UPDATE ${table.physical} SET ${column.physical}=${value.sql}`)
      }
    }
    define(services, ddl, text)
    this.transaction.commit()
  }

  /** COMMIT, SAVEPOINT, ALTER SESSION and the like. */
  *sessionStatement(statement: Extract<Parsed, { kind: "session" }>["statement"]): Step<void> {
    const { core, state, transaction } = this
    switch (statement.kind) {
      case "commit":
        transaction.commit()
        return
      case "rollback":
        if (statement.savepoint === undefined) transaction.rollback()
        else transaction.rollbackTo(statement.savepoint)
        return
      case "savepoint":
        transaction.savepoint(statement.name)
        return
      case "settransaction":
        if (transaction.active) throw oraError(1453, "SET TRANSACTION must be first statement of transaction")
        return
      case "altersession":
        applySettings(core, state, statement.settings)
        return
      case "killsession":
        if (statement.sid === state.info.sid && statement.serial === state.info.serial) {
          throw oraError(27, "cannot kill current session")
        }
        if (!core.host.killSession(statement.sid, statement.serial, statement.immediate)) {
          throw oraError(30, "User session ID does not exist.")
        }
        return
      case "noop":
        return
      case "lock":
        for (const target of statement.tables) {
          const table = core.catalog.table(target.path, state.currentSchema, target.at)
          const mode = (statement.mode === "SHARE UPDATE" ? "ROW SHARE" : statement.mode) as TableMode
          for (;;) {
            const holder = transaction.lockTable(table, mode, true)
            if (holder === 0) break
            yield core.locks.waitFor(state.info.sid, holder, statement.wait)
          }
        }
    }
  }
}
