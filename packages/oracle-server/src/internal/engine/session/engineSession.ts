/** One session of the engine: takes a statement to its parser, its plan and its transaction, and keeps what ALTER SESSION sets. */
import { bindSqlType } from "../compile/compilation.ts"
import type {
  BindType,
  Column,
  Cursor,
  EndToEnd,
  EngineSession,
  ExecuteRequest,
  ExecuteResult,
  Lob,
  Row,
  SessionBranches,
  SessionInfo,
  Statement
} from "../engine.ts"
import { QueryCursor } from "../execute/queryCursor.ts"
import { dynamicBlocks, runBlockStatement } from "../plsql/blockStatement.ts"
import { describedSubprograms, packageTypes } from "../plsql/describedUnits.ts"
import { methodFor } from "../plsql/methodCalls.ts"
import { asRoutine, objectMethods } from "../plsql/objectMethods.ts"
import { policyPredicates } from "../plsql/policyPredicates.ts"
import { SessionHost } from "../plsql/sessionHost.ts"
import { serveFunctions, storedFunction } from "../plsql/storedFunctions.ts"
import { systemPackage } from "../plsql/system/systemPackages.ts"
import { findTriggers } from "../plsql/triggers.ts"
import { dequeue } from "../queues/dequeue.ts"
import { enqueue } from "../queues/enqueue.ts"
import type { DequeueRequest, EnqueueRequest, ReceivedMessage } from "../queues/message.ts"
import type { Core } from "../statements/core.ts"
import type { DmlPlan } from "../statements/dmlPlan.ts"
import { asOraError, Executor } from "../statements/executor.ts"
import type { QueryPlan, SessionStatement } from "../statements/plans.ts"
import { setCurrentSchema } from "../statements/settings.ts"
import { runSteps, type Step } from "../storage/waiting.ts"
import { oidOf } from "../values/composite.ts"
import type { CompositeType, SqlType } from "../values/dataTypes.ts"
import { LobValue } from "../values/lobValue.ts"
import { oraError } from "../values/oraError.ts"
import { type Rights, rightsOf } from "../values/rights.ts"
import { SessionState } from "../values/sessionState.ts"
import { runBoundDml } from "./boundDml.ts"
import { encodeBlock, encodeRow } from "./boundValues.ts"
import { sessionBranches } from "./sessionBranches.ts"

const compilationWarning = oraError(24344, "success with compilation error")

/** A log-on enables the default roles, or those that a proxy is let have. */
const logOnRights = (core: Core, { proxyUser, user }: SessionInfo): Rights => {
  const allowed = proxyUser === undefined ? "all" : core.host.accounts.proxies(user).get(proxyUser) ?? "all"
  if (allowed === "all") return rightsOf(user, core.privileges.defaultRoles(user))
  return rightsOf(user, core.privileges.within(allowed === "none" ? [] : allowed))
}

export class Session implements EngineSession {
  readonly info: SessionInfo
  readonly state: SessionState
  readonly branches: SessionBranches
  readonly #core: Core
  readonly #executor: Executor
  readonly #plsql: SessionHost
  readonly #cursors = new Set<QueryCursor>()
  #abort = new AbortController()
  #waiting = false
  #closed = false

  constructor(core: Core, info: SessionInfo) {
    this.#core = core
    this.info = info
    this.state = new SessionState(info, core.host.now(), core.environment)
    this.state.rights = logOnRights(core, info)
    this.#executor = new Executor(core, this.state)
    core.systemPackage = systemPackage
    this.#executor.storedFunction = (path, args, names) => storedFunction(path, args, names, this.state)
    this.#executor.compileUnit = (unit) => this.#plsql.units.compile(unit)
    this.#plsql = new SessionHost(core, this.#executor, (cursor) => this.#cursors.add(cursor))
    this.#executor.findTriggers = findTriggers(this.#plsql)
    this.#executor.policies = policyPredicates(this.#plsql)
    this.#plsql.runDynamic = dynamicBlocks(this.#plsql)
    this.#plsql.methods = (type, name) => objectMethods(this.#plsql, type, name)
    this.#executor.method = (type, name, args, names, exactly) => {
      const method = methodFor(this.#plsql.methods(type, name), args, names)
      const routine = method === undefined ? undefined : asRoutine(this.#plsql, method, exactly)
      return routine === undefined ? undefined : { ...routine, kind: method!.method.kind }
    }
    core.packageTypes = () => packageTypes(this.#plsql)
    core.subprograms = () => describedSubprograms(this.#plsql)
    serveFunctions(this.state, this.#plsql)
    this.state.globalContexts = core.globalContexts
    this.branches = sessionBranches(this.#executor.branches, {
      enter: () => this.#enter(),
      drive: (steps) => this.#drive(steps)
    })
  }

  #releaseUserLocks(): void {
    const { sid } = this.info
    if (this.#core.userLocks.releaseAll(sid)) this.#core.locks.wake(sid)
  }

  get inTransaction(): boolean {
    return this.#executor.branches.current !== undefined || this.#executor.transaction.active
  }

  get lockOwner(): number {
    return this.#executor.transaction.sid
  }

  /** What `v$transaction` shows. */
  transactionFacts(): { readonly since: number; readonly records: number; readonly isolation: string } {
    const { changes, isolation, lockedRows } = this.#executor.transaction
    return { since: this.state.statementTime, records: Math.max(changes.length, lockedRows), isolation }
  }

  get logicalTransaction(): Buffer | undefined {
    return this.#executor.guard?.name
  }

  get currentSchema(): string {
    return this.state.currentSchema
  }

  get edition(): string {
    return this.state.edition
  }

  #enter(): void {
    if (this.#closed) throw oraError(28, "your session has been killed")
    this.state.statementTime = this.#core.host.now()
  }

  parse(sql: string): Statement {
    this.#enter()
    try {
      const statement = this.#executor.parse(sql)
      if (
        statement.placeholders.length === 0 &&
        (statement.kind === "query" || ["insert", "update", "delete", "merge"].includes(statement.kind))
      ) this.#executor.plan(statement, [])
      return statement
    } catch (error) {
      throw asOraError(error)
    }
  }

  #plan(
    statement: Statement,
    types: ReadonlyArray<BindType>
  ): { readonly plan: QueryPlan | DmlPlan; readonly types: ReadonlyArray<SqlType> } {
    const sqlTypes = statement.placeholders.map((_, i) => bindSqlType(types[i]))
    return { plan: this.#executor.plan(statement as SessionStatement, sqlTypes), types: sqlTypes }
  }

  describe(statement: Statement, bindTypes: ReadonlyArray<BindType> = []): ReadonlyArray<Column> | null {
    this.#enter()
    if (statement.kind !== "query") return null
    const { plan } = this.#plan(statement, bindTypes)
    return plan.kind === "query" ? plan.columns : null
  }

  execute(statement: Statement, request: ExecuteRequest): ExecuteResult | Promise<ExecuteResult> {
    this.#enter()
    this.state.sqlText = statement.sql
    if (request.describeOnly === true) return this.#described(statement, request)
    const { host, sqlArea } = this.#core
    const { currentSchema, module, statementTime } = this.state
    const entry = sqlArea.begin(statement.sql, currentSchema, module, statementTime)
    const begun = host.clock()
    const end = (rows: number): void => sqlArea.end(entry, rows, host.clock() - begun)
    let result: ExecuteResult | Promise<ExecuteResult>
    try {
      result = this.#executeNow(statement, request)
    } catch (error) {
      end(0)
      throw error
    }
    if (!(result instanceof Promise)) {
      end(result.rowCount)
      return result
    }
    return result.then((done) => {
      end(done.rowCount)
      return done
    }, (error: unknown) => {
      end(0)
      throw error
    })
  }

  #described(statement: Statement, request: ExecuteRequest): ExecuteResult {
    try {
      return this.#describeOnly(statement, request)
    } catch (error) {
      throw asOraError(error)
    }
  }

  #executeNow(statement: Statement, request: ExecuteRequest): ExecuteResult | Promise<ExecuteResult> {
    try {
      if (statement.kind === "query" && request.autoCommit !== true) {
        const { plan, types } = this.#plan(statement, request.bindTypes)
        if (plan.kind === "query" && plan.query.forUpdate === undefined) return this.#openQuery(plan, types, request)
      }
      return this.#drive(this.#steps(statement as SessionStatement, request))
    } catch (error) {
      throw asOraError(error)
    }
  }

  #openQuery(
    plan: QueryPlan,
    types: ReadonlyArray<SqlType>,
    request: ExecuteRequest
  ): ExecuteResult | Promise<ExecuteResult> {
    const values = encodeRow(request.rows?.[0] ?? [], types)
    const cursor = this.#executor.cursor(
      plan,
      (parameter) => parameter.kind === "bind" ? values[parameter.index]! : null
    )
    if (cursor.openNow()) return { rowCount: 0, cursor: this.#keep(cursor) }
    return this.#drive(this.#opening(cursor))
  }

  *#opening(cursor: QueryCursor): Step<ExecuteResult> {
    yield* cursor.open()
    return { rowCount: 0, cursor: this.#keep(cursor) }
  }

  /** Runs steps at once where they do not wait; a promise otherwise. */
  #drive<A>(steps: Step<A>): A | Promise<A> {
    this.state.active = true
    let result: A | Promise<A>
    try {
      result = runSteps(steps, () => this.#waitSignal(), () => {
        this.#waiting = false
      })
    } catch (error) {
      this.state.active = false
      throw asOraError(error)
    }
    if (!(result instanceof Promise)) {
      this.state.active = false
      return result
    }
    return result.then(
      (value) => {
        this.#waiting = false
        this.state.active = false
        return value
      },
      (error: unknown) => {
        this.#waiting = false
        this.state.active = false
        throw asOraError(error)
      }
    )
  }

  #waitSignal(): AbortSignal {
    if (this.#abort.signal.aborted && !this.#closed) this.#abort = new AbortController()
    this.#waiting = true
    return this.#abort.signal
  }

  #keep(cursor: QueryCursor): QueryCursor {
    this.#cursors.add(cursor)
    return cursor
  }

  #describeOnly(statement: Statement, request: ExecuteRequest): ExecuteResult {
    const columns = this.describe(statement, request.bindTypes)
    return columns === null ? { rowCount: 0 } : { rowCount: 0, columns }
  }

  *#steps(statement: SessionStatement, request: ExecuteRequest): Step<ExecuteResult> {
    if (request.autoCommit === true && this.#executor.transaction.isCoordinated) {
      throw oraError(2089, "COMMIT is not allowed in a subordinate session")
    }
    const result = yield* this.#run(statement, request)
    // A batch with rows that were refused is left to its client.
    const isRefused = result.batchErrors !== undefined && result.batchErrors.length > 0
    if (request.autoCommit === true && !isRefused) this.#executor.transaction.commit()
    return result
  }

  *#run(statement: SessionStatement, request: ExecuteRequest): Step<ExecuteResult> {
    const { parsed } = statement
    switch (parsed.kind) {
      case "ddl": {
        const unit = yield* this.#executor.define(parsed.ddl)
        return unit === undefined ? { rowCount: 0 } : { rowCount: 0, warning: compilationWarning }
      }
      case "session":
        yield* this.#executor.sessionStatement(parsed.statement)
        return { rowCount: 0 }
      case "plsql": {
        const types = statement.placeholders.map((_, i) => bindSqlType(request.bindTypes[i]))
        const rows = (request.rows === undefined || request.rows.length === 0 ? [[]] : request.rows).map((row) =>
          encodeBlock(row, types, request.bindTypes)
        )
        return yield* runBlockStatement(this.#plsql, statement, parsed.block, types, rows)
      }
      case "select": {
        const { plan, types } = this.#plan(statement, request.bindTypes)
        const values = encodeRow(request.rows?.[0] ?? [], types)
        const cursor = yield* this.#executor.query(
          plan as QueryPlan,
          (parameter) => parameter.kind === "bind" ? values[parameter.index]! : null
        )
        return { rowCount: 0, cursor: this.#keep(cursor) }
      }
      default: {
        const { plan, types } = this.#plan(statement, request.bindTypes)
        return yield* runBoundDml(this.#executor, plan as DmlPlan, types, request)
      }
    }
  }

  fetch(cursor: Cursor, count: number): ReadonlyArray<Row> | Promise<ReadonlyArray<Row>> {
    this.#enter()
    const own = cursor as QueryCursor
    let rows: ReadonlyArray<Row> | undefined
    try {
      rows = own.fetchNow(count)
    } catch (error) {
      throw asOraError(error)
    }
    if (rows === undefined) return this.#drive(this.#fetchSteps(own, count))
    return this.#fetched(own, rows)
  }

  *#fetchSteps(cursor: QueryCursor, count: number): Step<ReadonlyArray<Row>> {
    return this.#fetched(cursor, yield* cursor.fetch(count))
  }

  /** Cursors that are values in the rows are the session's from now on. */
  #fetched(cursor: QueryCursor, rows: ReadonlyArray<Row>): ReadonlyArray<Row> {
    if (cursor.exhausted) this.#cursors.delete(cursor)
    if (cursor.columns.some(({ type }) => type === "CURSOR")) {
      for (const row of rows) for (const value of row) if (value instanceof QueryCursor) this.#keep(value)
    }
    return rows
  }

  closeCursor(cursor: Cursor): void {
    const own = cursor as QueryCursor
    own.close()
    this.#cursors.delete(own)
  }

  objectType(oid: string): CompositeType | undefined {
    return this.#core.catalog.typeById(oid) ?? packageTypes(this.#plsql).find((type) => oidOf(type) === oid)
  }

  enqueue(request: EnqueueRequest): ReadonlyArray<Uint8Array> | Promise<ReadonlyArray<Uint8Array>> {
    this.#enter()
    return this.#drive(enqueue(this.#executor.queues.work, request))
  }

  dequeue(request: DequeueRequest): ReadonlyArray<ReceivedMessage> | Promise<ReadonlyArray<ReceivedMessage>> {
    this.#enter()
    return this.#drive(dequeue(this.#executor.queues.work, request))
  }

  createTemporaryLob(type: Lob["type"]): Lob {
    return new LobValue(type, type === "BLOB" ? new Uint8Array(0) : "", true)
  }

  commit(): void {
    this.#enter()
    this.#executor.transaction.commit()
  }

  rollback(): void {
    this.#enter()
    this.#executor.transaction.rollback()
  }

  setEndToEnd(attributes: EndToEnd): void {
    this.state.setEndToEnd(attributes)
  }

  get endToEnd(): EngineSession["endToEnd"] {
    const { action, clientId, clientInfo, dbOp, ecid, module } = this.state
    return { module, action, clientId, clientInfo, dbOp, ecid }
  }

  setCurrentSchema(name: string): void {
    setCurrentSchema(this.#core, this.state, name)
  }

  setContext(namespace: string, key: string, value: string | null): void {
    const name = `${namespace.toUpperCase()}.${key.toUpperCase()}`
    if (value === null || value === "") this.state.contexts.delete(name)
    else this.state.contexts.set(name, value)
  }

  reset(): void {
    this.#closeCursors()
    this.state.reset()
    this.state.rights = logOnRights(this.#core, this.info)
    this.#plsql.reset()
    this.#executor.queues.forget()
    this.#releaseUserLocks()
    this.#dropTemporaryRows()
  }

  cancel(): void {
    if (!this.#waiting) return
    this.#waiting = false
    this.#abort.abort(oraError(1013, "User requested cancel of current operation."))
  }

  #closeCursors(): void {
    for (const cursor of this.#cursors) cursor.close()
    this.#cursors.clear()
  }

  get hasTemporaryRows(): boolean {
    for (const table of this.#core.tablesById.values()) {
      if (table.temporary === "preserve" && this.#core.store.hasOwn(table, this.info.sid)) return true
    }
    return false
  }

  #dropTemporaryRows(): void {
    this.#core.store.forget(this.info.sid)
  }

  /** The database is about to become another one: nothing that was under way goes on. */
  abandon(): void {
    this.cancel()
    for (const cursor of this.#cursors) cursor.lose()
    this.#cursors.clear()
    this.#executor.rollbackAll()
    this.state.sequenceValues.clear()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#abort.abort(oraError(28, "your session has been killed"))
    this.#closeCursors()
    this.#executor.rollbackAll()
    this.#releaseUserLocks()
    this.#core.alerts.forget(this.info.sid)
    if (this.#executor.guard !== undefined) this.#executor.guard.isOpen = false
    this.#dropTemporaryRows()
    this.#core.sessions.delete(this.info.sid)
  }
}
