/** Runs parsed statements for one session in stored form: the session's face converts values around it. */
import type { ColumnDef, Table } from "../catalog/catalog.ts"
import type { Unit } from "../catalog/units.ts"
import { type CompilationContext, type Parameter, rowOf } from "../compile/compilation.ts"
import { condition } from "../compile/logic.ts"
import { tableSource } from "../compile/tableSources.ts"
import { newScope, type OutColumn } from "../compile/term.ts"
import { type Changing, Frame } from "../execute/frame.ts"
import { QueryCursor } from "../execute/queryCursor.ts"
import { inTurns } from "../execute/turns.ts"
import type { TableMode } from "../storage/locks.ts"
import type { LogicalTransaction } from "../storage/logicalTransactions.ts"
import type { Row, Version } from "../storage/tableData.ts"
import { Transaction } from "../storage/transaction.ts"
import type { Step } from "../storage/waiting.ts"
import type { Expr, Query } from "../syntax/ast.ts"
import type { Ddl, Parsed } from "../syntax/astDefinitions.ts"
import { parseStatement } from "../syntax/statementParser.ts"
import { compositeType, type Stored } from "../values/composite.ts"
import type { ObjectType, SqlType } from "../values/dataTypes.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import { define } from "./alterations.ts"
import type { Core } from "./core.ts"
import type { DefinitionServices } from "./definitions.ts"
import { dictionaryView } from "./dictionary.ts"
import { defaultOf } from "./dmlColumns.ts"
import { type DmlPlan } from "./dmlPlan.ts"
import { type DmlOutcome, type DmlServices, runDml } from "./dmlRun.ts"
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
import { Blocked, Changed } from "./rowWriter.ts"
import { applySettings } from "./settings.ts"
import { triggerRequest } from "./triggeredRows.ts"
import type { FindTriggers } from "./triggering.ts"

/** Names of PL/SQL around a statement: none for plain SQL. */
export interface Variables {
  readonly type: (path: ReadonlyArray<string>) => SqlType | undefined
  readonly read: (path: ReadonlyArray<string>) => Stored
  /** Types that a block declares. */
  readonly named?: (path: ReadonlyArray<string>) => SqlType | undefined
}

export const noVariables: Variables = {
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

/** A statement of SQL that runs PL/SQL: what the code in it may not do. */
export interface Surroundings {
  /** undefined for a query. */
  readonly changing: Changing | undefined
  /** The name of the trigger that runs, if one does. */
  readonly trigger?: string
  readonly around: Surroundings | undefined
}

/** Whether a condition holds for the newest version of each row. */
function* holdsForAll(heads: Iterable<Version>, clock: () => number, condition: (row: Row) => boolean): Step<boolean> {
  let holds = true
  yield* inTurns(heads, clock, ({ values }) => {
    if (holds && values !== undefined && !condition(values)) holds = false
  })
  return holds
}

interface TableChecks {
  readonly version: number
  readonly slot: number
  readonly values: (f: Frame) => Row
}

export class Executor {
  readonly core: Core
  readonly state: SessionState
  /** The session's, or an autonomous one that runs within it. */
  transaction: Transaction
  readonly #main: Transaction
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
  readonly #tableChecks = new Map<number, TableChecks>()

  constructor(core: Core, state: SessionState) {
    this.core = core
    this.state = state
    this.guard = core.guard?.open(state.info.user, state.info.sid)
    this.#main = this.#transaction(state.info.sid, this.guard)
    this.transaction = this.#main
  }

  /** With it end the locks of applications that were asked for until then. */
  #transaction(sid: number, guard?: LogicalTransaction): Transaction {
    const { core, state } = this
    const session = state.info.sid
    const transaction = new Transaction(core.store, core.locks, sid, session, guard)
    transaction.endings.push(() => {
      if (core.userLocks.releaseAll(session, sid)) core.locks.wake(session)
    })
    return transaction
  }

  /** A commit by a package of the system, which stands where the statement COMMIT may stand. */
  commit(): void {
    this.#mayEnd("COMMIT")
    this.transaction.commit()
  }

  /** The session is over, within whatever autonomous transaction it is: that one is rolled back, and the one around it. */
  rollbackAll(): void {
    this.transaction.rollback()
    if (this.transaction !== this.#main) this.#main.rollback()
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
      session: state,
      bindTypes,
      variable: variables.type,
      type: (path) => variables.named?.(path) ?? this.#namedType(path),
      dictionary: (path) => dictionaryView(core, path),
      routine: (path, args, names) => registeredFunction(core, path, state) ?? this.storedFunction(path, args, names),
      method: (type, name, count, names) => this.method(type, name, count, names),
      order: (type) => this.#order(type),
      policies: (table, kind) => this.policies(table, kind),
      nextValue: (id, session) => core.nextValue(id, session),
      currentValue: (id, session) => core.currentValue(id, session)
    }
  }

  #namedType(path: ReadonlyArray<string>): SqlType | undefined {
    const type = this.core.catalog.typeOf(path, this.state.currentSchema)
    return type === undefined ? undefined : compositeType(type)
  }

  #order(type: ObjectType): ReturnType<NonNullable<CompilationContext["order"]>> {
    const object = this.core.catalog.objects.get(`${type.owner}.${type.name}`)
    if (object?.kind !== "type") return undefined
    for (const { kind, name } of object.methods) if (kind === "map" || kind === "order") return { kind, name }
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
    const key = typesKey(bindTypes) + this.state.currentSchema
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

  /** Code that a statement runs may not see a table which that statement is changing. */
  #notMutating(plan: { readonly tables: ReadonlySet<Table> }): void {
    for (let outer = this.surroundings; outer !== undefined; outer = outer.around) {
      const { changing } = outer
      if (changing?.table !== undefined && changing.mutating && plan.tables.has(changing.table)) {
        const { name, owner } = changing.table
        throw oraError(4091, `table ${owner}.${name} is mutating, trigger/function may not see it`)
      }
    }
  }

  /** A query changes nothing, whatever it calls. */
  #mayChange(): void {
    for (let outer = this.surroundings; outer !== undefined; outer = outer.around) {
      if (outer.changing === undefined) throw oraError(14551, "cannot perform a DML operation inside a query ")
    }
  }

  /** Neither a query nor a change ends its own transaction. */
  #mayEnd(what: string): void {
    const { surroundings } = this
    if (surroundings === undefined) return
    if (surroundings.trigger !== undefined) throw oraError(4092, `cannot ${what} in a trigger`)
    throw oraError(14552, "cannot perform a DDL, commit or rollback inside a query or DML ")
  }

  *query(plan: QueryPlan, read: ParameterReader): Step<QueryCursor> {
    // Within PL/SQL each statement has a moment of its own.
    this.state.statementTime = this.core.host.now()
    if (plan.query.forUpdate !== undefined) return yield* this.#lockingQuery(plan, read)
    const cursor = this.cursor(plan, read)
    yield* cursor.open()
    return cursor
  }

  /** A cursor of a query that locks nothing, not yet open. */
  cursor(plan: QueryPlan, read: ParameterReader): QueryCursor {
    if (this.surroundings !== undefined) this.#notMutating(plan)
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
      owners.length === 0 ? undefined : (column, numbers) => this.#lobWriter(plan, owners, column, numbers)
    )
  }

  /** Work in a transaction of its own: it has to be ended there. */
  *autonomously<A>(work: () => Step<A>): Step<A> {
    const { core } = this
    const outer = this.transaction
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
      this.transaction = outer
      this.surroundings = surroundings
    }
  }

  /** Takes the rows that are in the frame; the holder of the first one that another session has. */
  #lockRows(plan: QueryPlan, frame: Frame): number {
    for (const { slot, table } of plan.locks) {
      const number = frame.rows[slot]![0] as number | null
      if (number === null) continue
      const holder = this.transaction.lockRow(table, number)
      if (holder !== 0) return holder
      const head = this.transaction.data(table).head(number)
      if (head === undefined || (head.owner === 0 && head.scn > frame.snapshot.scn)) {
        if (this.transaction.isolation === "serializable") {
          throw oraError(8177, "can't serialize access for this transaction")
        }
        throw new Changed()
      }
    }
    return 0
  }

  *#lockingQuery(plan: QueryPlan, read: ParameterReader): Step<QueryCursor> {
    const { sid } = this.transaction
    const { skipLocked, wait } = plan.query.forUpdate!
    this.#mayChange()
    this.#notMutating(plan)
    this.transaction.beforeWrite()
    for (;;) {
      const mark = this.transaction.mark()
      let cursor: QueryCursor | undefined
      try {
        for (const { table } of plan.locks) {
          const holder = this.transaction.lockTable(table, "ROW SHARE")
          if (holder !== 0) throw new Blocked(holder)
        }
        const frame = this.#frame(plan.parameters, read)
        const take = (): boolean => {
          // A row that has changed since is no longer the one that was looked for.
          try {
            return this.#lockRows(plan, frame) === 0
          } catch (error) {
            if (error instanceof Changed) return false
            throw error
          }
        }
        cursor = new QueryCursor(plan, {
          frame,
          operator: plan.plan.make(frame),
          slot: plan.slot,
          lockSlots: plan.locks.map((lock) => lock.slot),
          take: skipLocked ? take : () => {
            const holder = this.#lockRows(plan, frame)
            if (holder !== 0) throw new Blocked(holder)
            return true
          }
        }, (column, numbers) => this.#lobWriter(plan, plan.locks, column, numbers))
        yield* cursor.open()
        // With SKIP LOCKED a row is locked when it is fetched; otherwise all of them before the first one is.
        if (!skipLocked) {
          yield* cursor.readAll()
          if (cursor.exhausted) this.transaction.settle()
        }
        return cursor
      } catch (error) {
        cursor?.close()
        if (!(error instanceof Blocked) && !(error instanceof Changed)) {
          this.transaction.undoTo(mark, false)
          this.transaction.settle()
          throw error
        }
        this.transaction.undoTo(mark, true)
        if (error instanceof Changed) continue
        try {
          yield this.core.locks.waitFor(sid, error.holder, wait)
        } catch (failure) {
          this.transaction.undoTo(mark, false)
          this.transaction.settle()
          throw failure
        }
      }
    }
  }

  dml(plan: DmlPlan, read: ParameterReader): Step<DmlOutcome> {
    const { core, state, transaction } = this
    if (this.surroundings !== undefined) {
      this.#mayChange()
      this.#notMutating(plan)
    }
    state.statementTime = core.host.now()
    const isSingle = plan.kind === "insert" && plan.single
    const changing: Changing = { table: plan.kind === "instead" ? undefined : plan.table, mutating: !isSingle }
    const services: DmlServices = {
      transaction,
      locks: core.locks,
      sid: transaction.sid,
      violated: (table, row) => this.#violated(table, row),
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

  /** A frame for expressions over single rows. */
  #rowFrame(): Frame {
    return new Frame(this.core.store, this.state, { scn: 0, sid: 0, statement: 0 }, [])
  }

  #checksOf(table: Table): TableChecks {
    const { version } = this.core.catalog
    const known = this.#tableChecks.get(table.id)
    if (known?.version === version) return known
    const c = compilation(this.context([]))
    c.schema = table.owner
    const scope = newScope(undefined)
    const { relation, source } = tableSource(c, table, undefined)
    scope.sources.push(source)
    const values = rowOf(table.checks.map((check) => condition(c, check.expr, scope)))
    const checks = { version, slot: relation.slot, values }
    this.#tableChecks.set(table.id, checks)
    return checks
  }

  #violated(table: Table, row: Row): string | undefined {
    const checks = this.#checksOf(table)
    const frame = this.#rowFrame()
    frame.rows[checks.slot] = row
    const index = checks.values(frame).indexOf(0)
    return index < 0 ? undefined : table.checks[index]!.name
  }

  /** How a LOB of a fetched row is written back, when it stands in a row of one of these tables. */
  #lobWriter(
    plan: QueryPlan,
    owners: QueryPlan["locks"],
    column: number,
    numbers: ReadonlyArray<number | null>
  ): ((data: Stored) => void) | undefined {
    const origin = plan.out[column]!.origin
    const index = owners.findIndex(({ slot }) => slot === origin?.source.slot)
    const number = numbers[index]
    if (origin === undefined || number === undefined || number === null) return undefined
    return (data) => this.writeLob(owners[index]!.table, number, origin.column, data)
  }

  /** Writes a LOB back into the row it was read from, which this session must have locked. */
  writeLob(table: Table, number: number, name: string, data: Stored): void {
    const table_ = this.transaction.data(table)
    if (table_.holder(number) !== this.transaction.sid) {
      throw oraError(22920, "row containing the LOB value is not locked")
    }
    const values = table_.head(number)?.values
    const column = table.columns.find((candidate) => candidate.name === name)
    if (values === undefined || column === undefined) throw oraError(22922, "nonexistent LOB value")
    const row = [...values]
    row[column.place] = data
    this.transaction.replace(table, number, row, this.core.store.nextStatement())
  }

  /** A definition: commits what is open, then itself. Gives the unit that was compiled and has errors. */
  *define(ddl: Ddl, text: string): Step<Unit | undefined> {
    this.#mayEnd("perform DDL")
    this.transaction.commit()
    const { core, state } = this
    const services: DefinitionServices = {
      core,
      session: state,
      describe: (query: Query): ReadonlyArray<OutColumn> => planQuery(compilation(this.context([])), query).out,
      compile: (unit) => this.compileUnit(unit),
      lock: (table) => this.transaction.lockTable(table, "EXCLUSIVE") === 0,
      holds: (table, expr) => {
        const c = compilation(this.context([]))
        const scope = newScope(undefined)
        const { relation, source } = tableSource(c, table, undefined)
        scope.sources.push(source)
        const term = condition(c, expr, scope)
        const frame = this.#rowFrame()
        return holdsForAll(core.store.data(table, state.info.sid).heads(), core.store.clock, (row) => {
          frame.rows[relation.slot] = row
          return term.eval(frame) !== 0
        })
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
      unit = yield* define(services, ddl, text)
      if (unit !== undefined) this.compileUnit(unit)
      if (ddl.kind === "createTable" && ddl.query !== undefined) yield* this.#copyRows(ddl.path, ddl.query, ddl.at)
    } catch (error) {
      // It gives back the table that it had for itself.
      this.transaction.rollback()
      throw error
    }
    this.transaction.commit()
    return unit === undefined || unit.valid ? undefined : unit
  }

  /** CREATE TABLE … AS SELECT: when the query fails there is no table. */
  *#copyRows(path: ReadonlyArray<string>, query: Query, at: number): Step<void> {
    const table = this.core.catalog.table(path, this.state.currentSchema, at)
    try {
      const plan = planDml(compilation(this.context([])), {
        kind: "insert",
        target: { path, alias: undefined, at },
        columns: [],
        rows: undefined,
        query,
        record: undefined,
        returning: undefined,
        at
      })
      yield* this.dml(plan, () => null)
    } catch (error) {
      this.transaction.rollback()
      yield* this.define({
        kind: "drop",
        object: "TABLE",
        path: [table.owner, table.name],
        cascade: true,
        public: false,
        ifExists: true,
        at
      }, "")
      throw error
    }
  }

  /** COMMIT, SAVEPOINT, ALTER SESSION and the like. */
  *sessionStatement(statement: Extract<Parsed, { kind: "session" }>["statement"]): Step<void> {
    const { core, state, transaction } = this
    switch (statement.kind) {
      case "commit":
        this.#mayEnd("COMMIT")
        transaction.commit()
        return
      case "rollback":
        this.#mayEnd(statement.savepoint === undefined ? "ROLLBACK" : "ROLLBACK TO SAVEPOINT")
        if (statement.savepoint === undefined) transaction.rollback()
        else transaction.rollbackTo(statement.savepoint)
        return
      case "savepoint":
        this.#mayEnd("SET SAVEPOINT")
        transaction.savepoint(statement.name)
        return
      case "settransaction":
        transaction.begin(statement.isolation)
        return
      case "altersession":
        applySettings(core, state, transaction, statement.settings)
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
            yield core.locks.waitFor(transaction.sid, holder, statement.wait)
          }
        }
    }
  }
}
