/** Runs parsed statements for one session in stored form: the session's face converts values around it. */
import type { ColumnDef, Table } from "../catalog/catalog.ts"
import { allMethods } from "../catalog/methods.ts"
import type { Unit } from "../catalog/units.ts"
import { type CompilationContext, type Parameter } from "../compile/compilation.ts"
import { convertTo } from "../compile/operators.ts"
import { tableSource } from "../compile/tableSources.ts"
import { newScope, type OutColumn } from "../compile/term.ts"
import { type Changing, Frame } from "../execute/frame.ts"
import { QueryCursor } from "../execute/queryCursor.ts"
import type { LogicalTransaction } from "../storage/logicalTransactions.ts"
import type { Row } from "../storage/row.ts"
import { type Savepoint, Transaction } from "../storage/transaction.ts"
import type { Step } from "../storage/waiting.ts"
import type { Expr, Query } from "../syntax/ast.ts"
import type { Ddl, Parsed } from "../syntax/astDefinitions.ts"
import type { Dml } from "../syntax/astStatements.ts"
import { parseStatement } from "../syntax/statementParser.ts"
import { compositeType, type Stored } from "../values/composite.ts"
import type { ObjectType, SqlType } from "../values/dataTypes.ts"
import { fit } from "../values/fit.ts"
import { OraError, oraError, unimplemented } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import { define } from "./alterations.ts"
import { authorize, requireQuota } from "./authorization.ts"
import { BranchWork } from "./branchWork.ts"
import type { Core } from "./core.ts"
import type { DefinitionServices } from "./definitions.ts"
import { dictionaryView } from "./dictionary.ts"
import { defaultOf } from "./dmlColumns.ts"
import { type DmlPlan } from "./dmlPlan.ts"
import { type DmlOutcome, type DmlServices, runDml } from "./dmlRun.ts"
import { lobWriter, writeLob } from "./lobWrites.ts"
import { lockingQuery } from "./lockingQuery.ts"
import { partitionFor } from "./partitionChanges.ts"
import { placeholders } from "./placeholders.ts"
import { planDml } from "./planDml.ts"
import {
  compilation,
  newStatement,
  type ParameterReader,
  parameterValues,
  planQuery,
  type QueryPlan,
  type SessionStatement,
  typesKey
} from "./plans.ts"
import { registeredFunction } from "./registeredProcedures.ts"
import { SessionQueues } from "./sessionQueues.ts"
import { type ControlStatement, runSessionStatement } from "./sessionStatements.ts"
import { refuseEnd, refuseInQuery, refuseMutating, type Surroundings } from "./surroundings.ts"
import { TableChecks } from "./tableChecks.ts"
import { triggerRequest } from "./triggeredRows.ts"
import type { FindTriggers } from "./triggering.ts"

/** Names of PL/SQL around a statement: none for plain SQL. */
export interface Variables {
  readonly type: (path: ReadonlyArray<string>) => SqlType | undefined
  readonly read: (path: ReadonlyArray<string>) => Stored
  /** Types that a block declares. */
  readonly named?: (path: ReadonlyArray<string>) => SqlType | undefined
}

const noVariables: Variables = {
  type: () => undefined,
  read: () => {
    throw unimplemented("variables outside of PL/SQL")
  }
}

const statementCacheSize = 500
const noSlots: ReadonlyArray<number> = []

/** What JavaScript itself refuses, in the server's words: a text or a nesting that is too large for the process. */
export const asOraError = (error: unknown): unknown => {
  if (error instanceof RangeError) {
    return oraError(4030, "out of process memory when trying to allocate 4096 bytes (sessionpool server,depth)")
  }
  return error
}

export class Executor {
  readonly core: Core
  readonly state: SessionState
  /** The session's own, one that it has taken, or an autonomous one that runs within either. */
  transaction: Transaction
  /** The session's own. */
  local: Transaction
  readonly branches: BranchWork
  readonly guard: LogicalTransaction | undefined
  readonly #statements = new Map<string, SessionStatement>()
  /** Set by the session, which knows how to run PL/SQL. */
  storedFunction: CompilationContext["routine"] = () => undefined
  /** Set by the session likewise. */
  findTriggers: FindTriggers = () => undefined
  /** Set by the session likewise. */
  compileUnit: (unit: Unit) => void = () => undefined
  /** Set by the session likewise. */
  policies: NonNullable<CompilationContext["policies"]> = () => undefined
  /** The statement of SQL that runs the code which runs now; undefined for none. */
  surroundings: Surroundings | undefined
  /** Set by the session too. */
  method: NonNullable<CompilationContext["method"]> = () => undefined
  readonly #tableChecks: TableChecks
  readonly queues: SessionQueues

  constructor(core: Core, state: SessionState) {
    this.core = core
    this.state = state
    this.guard = core.guard?.open(state.info.user, state.info.sid)
    this.queues = new SessionQueues(this, () => this.#rowFrame())
    this.local = this.#transaction(state.info.sid, this.guard)
    this.transaction = this.local
    // oxlint-disable-next-line no-this-alias, unicorn/no-this-assignment -- getters have a `this` of their own.
    const executor = this
    this.branches = new BranchWork({
      core,
      state,
      guard: this.guard,
      fresh: () => this.#transaction(core.nextInner()),
      get transaction() {
        return executor.transaction
      },
      set transaction(transaction) {
        executor.transaction = transaction
      },
      get local() {
        return executor.local
      },
      set local(local) {
        executor.local = local
      }
    })
    this.#tableChecks = new TableChecks(core.catalog, () => this.context([]), () => this.#rowFrame())
  }

  /** With it end the locks of applications that were asked for until then. */
  #transaction(sid: number, guard?: LogicalTransaction): Transaction {
    const { core, state } = this
    const transaction = new Transaction(core.store, core.locks, sid, state.info.sid, guard)
    transaction.endings.push(() => {
      if (core.userLocks.releaseAll(transaction.session, sid)) core.locks.wake(transaction.session)
    })
    return transaction
  }

  /** A commit by a package of the system, which stands where the statement COMMIT may stand. */
  commit(): void {
    refuseEnd(this.surroundings, "COMMIT", this.transaction)
    this.transaction.commit()
  }

  /** The transaction that the session is in, whatever runs within it. */
  get base(): Transaction {
    return this.branches.current?.transaction ?? this.local
  }

  /** The session is over, within whatever autonomous transaction it is: that one is rolled back, and the one around it. */
  rollbackAll(): void {
    if (this.transaction !== this.base) this.transaction.rollback(true)
    this.base.rollback(true)
  }

  /** Takes back what has been done since a mark, also where the work has gone on in another transaction. */
  undoSince(transaction: Transaction, mark: Savepoint): void {
    const now = this.transaction
    now.undoTo(now === transaction ? mark : this.branches.mark ?? now.start, false)
    now.settle()
  }

  parse(sql: string): SessionStatement {
    const known = this.#statements.get(sql)
    // A procedure that came since may use its placeholders in another direction.
    const { version } = this.core.catalog
    if (known !== undefined && (known.kind !== "plsql" || known.parsedVersion === version)) return known
    const { binds, parsed, returning } = parseStatement(sql, this.core.environment.release)
    const statement = newStatement(sql, parsed, placeholders(this.core, this.state, parsed, binds, returning), version)
    if (parsed.kind !== "ddl") {
      if (this.#statements.size >= statementCacheSize) this.#statements.delete(this.#statements.keys().next().value!)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  context(bindTypes: ReadonlyArray<SqlType>, variables: Variables = noVariables): CompilationContext {
    const { core, state } = this
    return {
      catalog: core.catalog,
      privileges: core.privileges,
      session: state,
      bindTypes,
      variable: variables.type,
      type: (path) => variables.named?.(path) ?? this.#namedType(path),
      dictionary: (path) => dictionaryView(core, path, state.rights),
      routine: (path, args, names) => registeredFunction(core, path, state) ?? this.storedFunction(path, args, names),
      method: (type, name, args, names, exactly) => this.method(type, name, args, names, exactly),
      order: (type) => this.#order(type),
      policies: (table, kind, written) => this.policies(table, kind, written),
      nextValue: (id, session) => core.nextValue(id, session),
      currentValue: (id, session) => core.currentValue(id, session)
    }
  }

  #namedType(path: ReadonlyArray<string>): SqlType | undefined {
    try {
      const type = this.core.catalog.typeOf(path, this.state.currentSchema)
      return type === undefined ? undefined : compositeType(type)
    } catch (error) {
      if (!(error instanceof OraError) || error.code !== 6550) throw error
      throw oraError(6553, error.message.replace(/^.*PLS-0*/, "PLS-"))
    }
  }

  #order(type: ObjectType): ReturnType<NonNullable<CompilationContext["order"]>> {
    for (const { method: { kind, name } } of allMethods(this.core.catalog, type)) {
      if (kind === "map" || kind === "order") return { kind, name }
    }
    return undefined
  }

  /** Compiled once for each set of bind types, schema and state of the catalog. */
  plan(statement: SessionStatement, bindTypes: ReadonlyArray<SqlType>): QueryPlan | DmlPlan {
    const { catalog } = this.core
    if (statement.catalogVersion !== catalog.version) {
      statement.plans.clear()
      statement.lastPlan = undefined
      statement.catalogVersion = catalog.version
    }
    const key = `${typesKey(bindTypes)}${this.state.currentSchema} ${this.state.rights.key}`
    if (statement.lastPlan !== undefined && statement.lastKey === key) return statement.lastPlan
    let plan = statement.plans.get(key)
    if (plan === undefined) {
      plan = this.compile(statement.parsed, this.context(bindTypes))
      if (plan.compilation.volatile) return plan
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

  #frame(parameters: ReadonlyArray<Parameter>, read: ParameterReader): Frame {
    return new Frame(this.core.store, this.state, this.transaction.snapshot(), parameterValues(parameters, read))
  }

  *query(plan: QueryPlan, read: ParameterReader): Step<QueryCursor> {
    // Within PL/SQL each statement has a moment of its own.
    this.state.statementTime = this.core.host.now()
    if (plan.query.forUpdate !== undefined) {
      refuseInQuery(this.surroundings)
      refuseMutating(this.surroundings, plan)
      return yield* lockingQuery(plan, {
        transaction: this.transaction,
        locks: this.core.locks,
        frame: () => this.#frame(plan.parameters, read),
        lobs: this
      })
    }
    const cursor = this.cursor(plan, read)
    yield* cursor.open()
    return cursor
  }

  /** A cursor of a query that locks nothing, not yet open. */
  cursor(plan: QueryPlan, read: ParameterReader): QueryCursor {
    refuseMutating(this.surroundings, plan)
    const frame = this.#frame(plan.parameters, read)
    const { owners } = plan
    return new QueryCursor(
      plan,
      {
        frame,
        operator: plan.plan.make(frame),
        slot: plan.slot,
        lockSlots: owners.length === 0 ? noSlots : owners.map(({ slot }) => slot),
        take: undefined
      },
      owners.length === 0 ? undefined : (column, numbers) => lobWriter(this, plan, owners, column, numbers)
    )
  }

  /** Work in a transaction of its own: it has to be ended there. */
  *autonomously<A>(work: () => Step<A>): Step<A> {
    const { core } = this
    const outer = this.transaction
    const isOutermost = outer === this.base
    const inner = this.#transaction(core.nextInner())
    const leave = core.locks.nest(outer.sid, inner.sid)
    this.transaction = inner
    // What runs apart may do what the statement around it may not.
    const { surroundings } = this
    this.surroundings = undefined
    try {
      const result = yield* work()
      if (inner.active) throw oraError(6519, "active autonomous transaction detected and rolled back")
      return result
    } finally {
      inner.rollback()
      leave()
      // What it ran within may have ended meanwhile.
      this.transaction = isOutermost ? this.base : outer
      this.surroundings = surroundings
    }
  }

  dml(plan: DmlPlan, read: ParameterReader): Step<DmlOutcome> {
    const { core, state, transaction } = this
    refuseInQuery(this.surroundings)
    refuseMutating(this.surroundings, plan)
    state.statementTime = core.host.now()
    if (plan.kind === "insert" || plan.kind === "merge") requireQuota(core, plan.table)
    const isSingle = plan.kind === "insert" && plan.single
    const changing: Changing = { table: plan.kind === "instead" ? undefined : plan.table, mutating: !isSingle }
    const services: DmlServices = {
      transaction,
      locks: core.locks,
      sid: transaction.sid,
      partitionFor: (table, row) =>
        partitionFor({ core, value: (text, type) => this.#textValue(text, type) }, table, row),
      violated: (table, row, isDeferred) => this.#tableChecks.violated(table, row, isDeferred),
      triggers: core.catalog.triggers.size === 0 ? undefined : this.findTriggers(triggerRequest(plan)),
      refuseCascade: (table) => {
        const fired = this.findTriggers({
          object: table,
          events: ["DELETE", "UPDATE"],
          changed: new Set(),
          single: false
        })
        if (fired !== undefined) throw unimplemented("triggers on rows that a foreign key deletes or empties")
      },
      frame: () => {
        const frame = this.#frame(plan.parameters, read)
        frame.changing = changing
        return frame
      }
    }
    return runDml(plan, services)
  }

  /** The value of an expression without columns. */
  #constant(expr: Expr, type: SqlType): Stored {
    const c = compilation(this.context([]))
    return fit(convertTo(c.expr(c, expr, newScope(undefined)), type, expr.at).eval(this.#rowFrame()), type, {
      kind: "castText"
    })
  }

  #textValue(text: string, type: SqlType): Stored {
    const { parsed } = parseStatement(`select ${text} from dual`)
    const expr = parsed.kind === "select" && parsed.query.body.kind === "block"
      ? parsed.query.body.items[0]?.expr
      : undefined
    if (expr === undefined) throw oraError(14019, "partition bound element must be a constant")
    return this.#constant(expr, type)
  }

  /** A frame for expressions over single rows. */
  #rowFrame(): Frame {
    return new Frame(this.core.store, this.state, { scn: 0, sid: 0, statement: 0 }, [])
  }

  writeLob(table: Table, number: number, name: string, data: Stored): void {
    writeLob(this.core.store, this.transaction, table, number, name, data)
  }

  /** A definition: commits what is open, then itself. Gives the unit that was compiled and has errors. */
  *define(ddl: Ddl): Step<Unit | undefined> {
    refuseEnd(this.surroundings, "perform DDL", this.transaction)
    this.transaction.commit()
    const { core, state } = this
    authorize(core, state, ddl)
    const services: DefinitionServices = {
      core,
      session: state,
      describe: (query: Query): ReadonlyArray<OutColumn> => planQuery(compilation(this.context([])), query).out,
      compile: (unit) => this.compileUnit(unit),
      lock: (table) => this.transaction.lockTable(table, "EXCLUSIVE") === 0,
      holds: (table, expr) =>
        this.#tableChecks.holds(table, expr, core.store.data(table, state.info.sid).heads(), core.store.clock),
      constant: (expr, type) => this.#constant(expr, type),
      removeRow: (table, row) => this.transaction.replace(table, row, undefined, core.store.nextStatement()),
      addRow: (table, row) => {
        this.transaction.insert(table, row, core.store.nextStatement())
      },
      failing: (table, expr) =>
        this.#tableChecks.failing(table, expr, core.store.data(table, state.info.sid).heads(), core.store.clock),
      note: (table, rows) => {
        for (const values of rows) {
          const row: Row = Array.from({ length: table.nextPlace }, () => null)
          for (const column of table.columns) if (column.place > 0) row[column.place] = values.get(column.name) ?? null
          this.transaction.insert(table, row, core.store.nextStatement())
        }
        this.transaction.commit()
      },
      typeOf: (table: Table, expr: Expr): SqlType => {
        const c = compilation(this.context([]))
        const scope = newScope(undefined)
        scope.sources.push(tableSource(c, table, undefined).source)
        return c.expr(c, expr, scope).type
      },
      defaultOf: (column: ColumnDef) => {
        const c = compilation(this.context([]))
        const scope = newScope(undefined)
        scope.sequences = true
        const value = defaultOf(c, column, scope)
        return () => value.eval(this.#rowFrame())
      }
    }
    let unit: Unit | undefined
    try {
      unit = yield* define(services, ddl)
      if (unit !== undefined) this.compileUnit(unit)
      if (ddl.kind === "createTable" && ddl.query !== undefined) yield* this.#copyRows(ddl.path, ddl.query, ddl.at)
      if (ddl.kind === "createMview" && !ddl.isDeferred) yield* this.#refresh(ddl.path, ddl.at, true)
      if (ddl.kind === "refreshMview") yield* this.#refresh(ddl.path, ddl.at, false)
    } catch (error) {
      // It gives back the table that it had for itself.
      this.transaction.rollback()
      throw error
    }
    this.transaction.commit()
    return unit === undefined || unit.valid ? undefined : unit
  }

  /** The rows of a materialized view become what its query gives now. */
  *#refresh(path: ReadonlyArray<string>, at: number, isNew: boolean): Step<void> {
    const { core, state } = this
    const table = core.catalog.table(path, state.currentSchema, at)
    const { materialized } = table
    if (materialized === undefined) return
    const outer = state.enter(table.owner)
    try {
      if (!isNew) {
        yield* this.#runPlan(table, {
          kind: "delete",
          target: { path, alias: undefined, at },
          from: undefined,
          where: undefined,
          returning: undefined,
          at
        })
      }
      yield* this.#copyRows([table.owner, table.name], materialized.query, at)
      materialized.refreshed = Math.floor(core.host.now() / 1000)
    } finally {
      state.leave(outer)
    }
  }

  /** A change of a materialized view, which only its refresh may make. */
  *#runPlan(table: Table, dml: Dml): Step<void> {
    const { materialized } = table
    delete table.materialized
    let plan: DmlPlan
    try {
      plan = planDml(compilation(this.context([])), dml)
    } finally {
      if (materialized !== undefined) table.materialized = materialized
    }
    yield* this.dml(plan, () => null)
  }

  /** CREATE TABLE … AS SELECT: when the query fails there is no table. */
  *#copyRows(path: ReadonlyArray<string>, query: Query, at: number): Step<void> {
    const table = this.core.catalog.table(path, this.state.currentSchema, at)
    try {
      yield* this.#runPlan(table, {
        kind: "insert",
        target: { path, alias: undefined, at },
        columns: [],
        rows: undefined,
        query,
        record: undefined,
        returning: undefined,
        at
      })
    } catch (error) {
      this.transaction.rollback()
      // A view that was there keeps its rows.
      if (table.materialized?.refreshed !== undefined) throw error
      yield* this.define({
        kind: "drop",
        object: "TABLE",
        path: [table.owner, table.name],
        cascade: true,
        public: false,
        ifExists: true,
        at
      })
      throw error
    }
  }

  /** COMMIT, SAVEPOINT, ALTER SESSION and the like. */
  sessionStatement(statement: ControlStatement): Step<void> {
    const { branches, core, state, surroundings, transaction } = this
    return runSessionStatement(statement, { branches, core, state, surroundings, transaction })
  }
}
