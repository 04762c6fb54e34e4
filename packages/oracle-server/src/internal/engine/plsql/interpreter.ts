/** Blocks and their statements. */
import type { Routine } from "../compile/compilation.ts"
import { piped } from "../execute/pipeScan.ts"
import type { QueryCursor } from "../execute/queryCursor.ts"
import { turn } from "../execute/turns.ts"
import { convertStored } from "../statements/registeredProcedures.ts"
import type { Step } from "../storage/waiting.ts"
import type { Expr } from "../syntax/ast.ts"
import type { Handler, PlsqlBlock, PlsqlStatement } from "../syntax/astPlsql.ts"
import { RecordValue, type Stored } from "../values/composite.ts"
import type { RecordType, SqlType } from "../values/dataTypes.ts"
import { rescale } from "../values/numberArithmetic.ts"
import { fromInteger, type NumberValue, toInteger } from "../values/oracleNumber.ts"
import { type OraError, oraError } from "../values/oraError.ts"
import { kindOf, NUMBER } from "../values/sqlType.ts"
import { assigned } from "./assignment.ts"
import { invoke, runCall } from "./calls.ts"
import { declare, declaredType } from "./declarations.ts"
import { executeImmediate, openFor } from "./dynamicSql.ts"
import { type Candidate, Environment } from "./environment.ts"
import { evaluate, evaluateNow, expressionType } from "./evaluator.ts"
import { isCatchable, located, predefined, predefinedError, raisedAgain, stacked, UserException } from "./exceptions.ts"
import { forall } from "./forall.ts"
import type { Leave, Machine, PlsqlHost, SqlState } from "./machine.ts"
import { objectCall } from "./methodCalls.ts"
import type { Program, Unit, UnitProgram } from "./program.ts"
import { openQuery } from "./queryPlans.ts"
import { closeCursor, fetchInto, openDeclared, runDmlStatement, selectInto } from "./sqlStatements.ts"
import { collectionChange, cursorOf, store, storeNow } from "./targets.ts"
import type { Typed } from "./typed.ts"
import { newVariable, rowType } from "./variables.ts"

/** A loop gives the event loop a turn after so many milliseconds, so that a break can arrive. */
const slice = 4
/** Iterations before the first look at the clock, and at most between two: a look is meant to come once in a millisecond. */
const firstLook = 8
const maxBetweenLooks = 256

/** The statement has to be run by steps. */
const later: unique symbol = Symbol("later")

class BlockMachine implements Machine {
  readonly host: PlsqlHost
  readonly session: Machine["session"]
  readonly program: Program
  readonly bindTypes: ReadonlyArray<SqlType>
  readonly binds: Array<Stored>
  readonly bindCursors = new Map<number, QueryCursor>()
  readonly bindArrays = new Map<number, ReadonlyArray<Stored>>()
  readonly bindRooms = new Map<number, number>()
  readonly sql: SqlState = { rowCount: undefined, bulkCounts: new Map(), bulkErrors: [] }
  readonly home: UnitProgram | undefined
  unit: Unit
  pipe: Machine["pipe"] = undefined
  #since: number
  #iterations = 0
  #betweenLooks = firstLook
  #lastLook: number

  constructor(
    host: PlsqlHost,
    program: Program,
    bindTypes: ReadonlyArray<SqlType>,
    binds: Array<Stored>,
    home: UnitProgram | undefined
  ) {
    this.host = host
    this.session = host.executor.state
    this.program = program
    this.bindTypes = bindTypes
    this.binds = binds
    this.home = home
    this.unit = { name: home?.name, sql: program.sql, at: 0, linesBefore: home?.linesBefore ?? 0 }
    this.#since = host.core.host.clock()
    this.#lastLook = this.#since
  }

  evaluate(expr: Expr, env: Environment): Step<Typed> {
    return evaluate(this, expr, env)
  }

  *test(expr: Expr, env: Environment): Step<boolean> {
    return this.#isTrue(expr, yield* evaluate(this, expr, env))
  }

  #isTrue(expr: Expr, { type, value }: Typed): boolean {
    if (kindOf(type) !== "b" && kindOf(type) !== "null") {
      throw oraError(6550, "PLS-00382: expression is of wrong type", expr.at)
    }
    return value === 1
  }

  store(target: Expr, value: Typed, env: Environment): Step<void> {
    return store(this, target, value, env)
  }

  openQuery(query: Parameters<Machine["openQuery"]>[0], env: Environment): Step<QueryCursor> {
    return openQuery(this, query, env)
  }

  dml(statement: Parameters<Machine["dml"]>[0], env: Environment): Step<number> {
    return runDmlStatement(this, statement, env)
  }

  call(call: Parameters<Machine["call"]>[0], env: Environment): Step<Typed | undefined> {
    return runCall(this, call, env)
  }

  typeOf(spec: Parameters<Machine["typeOf"]>[0], env: Environment): SqlType {
    return declaredType(this, spec, env)
  }

  invoke(...[call, callee, env]: Parameters<Machine["invoke"]>): Step<Typed | undefined> {
    return invoke(this, call, callee, env)
  }

  expressionType(expr: Expr, env: Environment): SqlType | undefined {
    return expressionType(this, expr, env)
  }

  functionInSql(...[path, entry, args, names]: Parameters<Machine["functionInSql"]>): Routine | undefined {
    // What is private to a text has no name that SQL could use.
    if (!entry.candidates.some((candidate) => isStored(candidate))) {
      throw oraError(6550, `PLS-00231: function '${path.at(-1)!}' may not be used in SQL`)
    }
    return this.host.units.routineOf(path, entry, args, names)
  }

  fail(error: OraError): never {
    throw error
  }

  block(block: PlsqlBlock, parent: Environment): Step<Leave> {
    return block.declarations.some((declaration) => declaration.kind === "autonomous")
      ? this.host.executor.autonomously(() => this.#block(block, parent))
      : this.#block(block, parent)
  }

  *#block(block: PlsqlBlock, parent: Environment): Step<Leave> {
    const env = new Environment(parent, block.label)
    yield* declare(this, block.declarations, env)
    if (block.handlers.length === 0) return yield* this.statements(block.body, env)
    try {
      return yield* this.statements(block.body, env)
    } catch (error) {
      if (!isCatchable(error)) throw error
      const handler = block.handlers.find((candidate) => this.#handles(candidate, error, env))
      if (handler === undefined) throw error
      const scope = new Environment(env)
      const handled = located(error, this.unit)
      scope.handling = handled
      try {
        return yield* this.statements(handler.body, scope)
      } catch (again) {
        throw isCatchable(again) ? stacked(again, handled, this.unit) : again
      }
    }
  }

  #handles(handler: Handler, error: OraError, env: Environment): boolean {
    if (handler.names.length === 0) return true
    return handler.names.some((path) => {
      const entry = env.lookup(path)
      if (entry?.kind === "exception") {
        return error instanceof UserException
          ? error.source === entry
          : entry.code === error.code
      }
      const code = predefined[path.at(-1)!]
      if (code === undefined) throw oraError(6550, `PLS-00201: identifier '${path.join(".")}' must be declared`)
      return code === error.code
    })
  }

  *statements(list: ReadonlyArray<PlsqlStatement>, env: Environment): Step<Leave> {
    for (let i = 0; i < list.length; i++) {
      const statement = list[i]!
      this.unit.at = statement.at
      const now = this.#statementNow(statement, env)
      const leave = now === later ? yield* this.#statement(statement, env) : now
      if (leave === undefined) continue
      const target = leave.kind === "goto"
        ? list.findIndex((each) => each.kind === "label" && each.name === leave.label)
        : -1
      if (target < 0) return leave
      yield* this.breathe()
      i = target
    }
    return undefined
  }

  /** What a plain statement does at once; `later` when it may call or wait: it has done nothing then. */
  #statementNow(s: PlsqlStatement, env: Environment): Leave | typeof later {
    switch (s.kind) {
      case "null":
      case "label":
        return undefined
      case "goto":
        return s
      case "assign": {
        if (s.target.kind !== "name" || s.target.path.length > 1) return later
        const value = evaluateNow(this, s.value, env)
        if (value === undefined) return later
        return storeNow(this, s.target, value, env) ? undefined : later
      }
      case "exit":
      case "continue": {
        if (s.when !== undefined) {
          const value = evaluateNow(this, s.when, env)
          if (value === undefined) return later
          if (!this.#isTrue(s.when, value)) return undefined
        }
        return s
      }
      case "if":
        for (const [condition, body] of s.branches) {
          const value = evaluateNow(this, condition, env)
          if (value === undefined) return later
          if (this.#isTrue(condition, value)) return this.#onlyStatementNow(body, env)
        }
        return s.otherwise === undefined ? undefined : this.#onlyStatementNow(s.otherwise, env)
      default:
        return later
    }
  }

  #onlyStatementNow(list: ReadonlyArray<PlsqlStatement>, env: Environment): Leave | typeof later {
    const [only] = list
    if (list.length !== 1 || only === undefined) return later
    this.unit.at = only.at
    return this.#statementNow(only, env)
  }

  /** Whether it is time for a turn of the event loop. */
  #isDue(): boolean {
    if (++this.#iterations < this.#betweenLooks) return false
    this.#iterations = 0
    const now = this.host.core.host.clock()
    const spent = now - this.#lastLook
    this.#lastLook = now
    // An iteration may copy a long collection, or do nothing.
    this.#betweenLooks = spent < 1
      ? Math.min(maxBetweenLooks, this.#betweenLooks * 2)
      : Math.max(1, Math.floor(this.#betweenLooks / spent))
    return now - this.#since >= slice
  }

  spend(elements: number): void {
    this.#iterations += elements >> 6
  }

  *breathe(): Step<void> {
    if (!this.#isDue()) return
    yield* this.#turn()
  }

  *#turn(): Step<void> {
    yield turn
    this.#since = this.host.core.host.clock()
    this.#lastLook = this.#since
  }

  *#statement(s: PlsqlStatement, env: Environment): Step<Leave> {
    switch (s.kind) {
      case "null":
      case "label":
        return undefined
      case "goto":
        return s
      case "block":
        return yield* this.block(s, env)
      case "assign":
        // A package of the target is set up before its variable gets a value.
        if (s.target.kind === "name" && s.target.path.length > 1) {
          env.headOf(s.target.path)
          if (this.host.units.pending.length > 0) yield* this.host.units.elaborate()
        }
        yield* store(this, s.target, yield* evaluate(this, s.value, env), env)
        return undefined
      case "if":
        for (const [condition, body] of s.branches) {
          if (yield* this.test(condition, env)) return yield* this.statements(body, env)
        }
        return s.otherwise === undefined ? undefined : yield* this.statements(s.otherwise, env)
      case "case": {
        for (const [when, body] of s.branches) {
          const condition: Expr = s.operand === undefined ? when : this.#equality(s.operand, when)
          if (yield* this.test(condition, env)) return yield* this.statements(body, env)
        }
        if (s.otherwise === undefined) throw oraError(6592, "CASE not found while executing CASE statement")
        return yield* this.statements(s.otherwise, env)
      }
      case "loop":
        for (;;) {
          if (s.condition !== undefined && !(yield* this.test(s.condition, env))) return undefined
          const leave = yield* this.#iteration(s.body, s.label, env)
          if (leave !== "next") return leave
        }
      case "forRange":
        return yield* this.#forRange(s, env)
      case "forCursor":
        return yield* this.#forCursor(s, env)
      case "exit":
      case "continue":
        if (s.when !== undefined && !(yield* this.test(s.when, env))) return undefined
        return { kind: s.kind, label: s.label }
      case "return":
        return { kind: "return", value: s.value === undefined ? undefined : yield* evaluate(this, s.value, env) }
      case "raise":
        throw this.#raised(s.name, env)
      case "call": {
        const change = collectionChange(this, s.call, env) ?? objectCall(this, s.call, env)
        if (change === undefined) yield* runCall(this, s.call, env)
        else yield* change
        return undefined
      }
      case "method": {
        const change = collectionChange(this, s.expr, env) ?? objectCall(this, s.expr, env)
        if (change === undefined) throw oraError(6550, "PLS-00221: is not a procedure or is undefined", s.at)
        yield* change
        return undefined
      }
      case "sql":
        yield* runDmlStatement(this, s.statement, env)
        return undefined
      case "forall":
        yield* forall(this, s, env)
        return undefined
      case "selectInto":
        yield* selectInto(this, s.query, env)
        return undefined
      case "session":
        yield* this.host.executor.sessionStatement({ ...s.statement })
        return undefined
      case "pipe": {
        const { pipe } = this
        if (pipe === undefined) {
          throw oraError(6550, "PLS-00629: PIPE statement cannot be used in non-pipelined functions", s.at)
        }
        pipe.value = assigned(this, pipe.element, yield* evaluate(this, s.value, env), false)
        const { transaction } = this.host.executor
        if (transaction !== pipe.transaction && transaction.active) {
          throw oraError(6519, "active autonomous transaction detected and rolled back")
        }
        yield piped
        return undefined
      }
      case "execute":
        yield* executeImmediate(this, s, env)
        return undefined
      case "open":
        if (s.query !== undefined || s.text !== undefined) yield* openFor(this, s, env)
        else {
          const entry = cursorOf(s.cursor, env)
          if (entry?.query === undefined) throw oraError(6550, "PLS-00201: cursor must be declared", s.at)
          yield* openDeclared(this, entry, s.args, env)
        }
        return undefined
      case "fetch":
        yield* fetchInto(this, s, env)
        return undefined
      case "close":
        closeCursor(this, s.cursor, env)
        return undefined
    }
  }

  readonly #equalities = new WeakMap<Expr, Expr>()

  /** One equality for each pair of nodes, so that it is compiled once. */
  #equality(operand: Expr, when: Expr): Expr {
    const known = this.#equalities.get(when)
    if (known !== undefined) return known
    const made: Expr = { kind: "binary", op: "=", left: operand, right: when, at: when.at }
    this.#equalities.set(when, made)
    return made
  }

  *#iteration(
    body: ReadonlyArray<PlsqlStatement>,
    label: string | undefined,
    env: Environment
  ): Step<Leave | "next"> {
    if (this.#isDue()) {
      yield* this.#turn()
    }
    const leave = yield* this.statements(body, env)
    if (leave === undefined) return "next"
    if (leave.kind === "return" || leave.kind === "goto") return leave
    if (leave.label !== undefined && leave.label !== label) return leave
    return leave.kind === "exit" ? undefined : "next"
  }

  *integer(expr: Expr, env: Environment): Step<number> {
    const { type, value } = yield* evaluate(this, expr, env)
    if (value === null) throw oraError(6502, "PL/SQL: value or conversion error")
    const whole = toInteger(rescale(convertStored(value, type, NUMBER, this.session) as NumberValue, 0, false))
    if (whole === undefined) throw oraError(1426, "numeric overflow")
    return whole
  }

  *#forRange(s: Extract<PlsqlStatement, { kind: "forRange" }>, env: Environment): Step<Leave> {
    const [low, high] = [yield* this.integer(s.low, env), yield* this.integer(s.high, env)]
    const scope = new Environment(env)
    const counter = newVariable(NUMBER, true, true)
    scope.declare(s.variable, counter)
    for (let i = 0; i <= high - low; i++) {
      counter.value = fromInteger(s.reverse ? high - i : low + i)
      const leave = yield* this.#iteration(s.body, s.label, scope)
      if (leave !== "next") return leave
    }
    return undefined
  }

  *#forCursor(s: Extract<PlsqlStatement, { kind: "forCursor" }>, env: Environment): Step<Leave> {
    let rows: QueryCursor
    if (s.query === undefined) {
      const entry = env.lookup(s.cursor!)
      if (entry?.kind !== "cursor" || entry.query === undefined) {
        throw oraError(6550, `PLS-00201: identifier '${s.cursor!.join(".")}' must be declared`, s.at)
      }
      yield* openDeclared(this, entry, s.args, env)
      rows = entry.cell.open!
    } else rows = yield* openQuery(this, s.query, env)
    const types = this.program.types
    let row = types.get(s)
    if (row === undefined) {
      row = rowType(undefined, s.variable, rows.columns.map(({ name }, i) => ({ name, type: rows.types[i]! })))
      types.set(s, row)
    }
    const record = row.composite as RecordType
    try {
      for (;;) {
        const values = (yield* rows.take(1))[0]
        if (values === undefined) return undefined
        const scope = new Environment(env)
        scope.declare(s.variable, newVariable(row, false, false, new RecordValue(record, [...values])))
        const leave = yield* this.#iteration(s.body, s.label, scope)
        if (leave !== "next") return leave
      }
    } finally {
      rows.close()
      const entry = s.cursor === undefined ? undefined : env.lookup(s.cursor)
      if (entry?.kind === "cursor") entry.cell.open = undefined
    }
  }

  #raised(name: ReadonlyArray<string> | undefined, env: Environment): Error {
    if (name === undefined) {
      if (env.handling === undefined) {
        return oraError(6550, "PLS-00367: a RAISE statement with no exception name must be inside an exception handler")
      }
      return raisedAgain(env.handling, this.unit)
    }
    const entry = env.lookup(name)
    if (entry?.kind === "exception") return new UserException(entry, entry.code)
    return predefinedError(name.at(-1)!) ??
      oraError(6550, `PLS-00201: identifier '${name.join(".")}' must be declared`)
  }
}

export const newMachine = (
  host: PlsqlHost,
  program: Program,
  bindTypes: ReadonlyArray<SqlType>,
  binds: Array<Stored>,
  home?: UnitProgram
): Machine => new BlockMachine(host, program, bindTypes, binds, home)

/** Declared by a unit of its own, or by the specification of a package. */
const isStored = ({ scope }: Candidate): boolean =>
  scope.unit !== undefined && (scope.parent === undefined || scope.unit.isSpec)
