/** Blocks and their statements. */
import type { QueryCursor } from "../execute/queryCursor.ts"
import { turn } from "../execute/turns.ts"
import { convertStored } from "../statements/registeredProcedures.ts"
import type { Step } from "../storage/waiting.ts"
import type { Expr } from "../syntax/ast.ts"
import type { Handler, PlsqlBlock, PlsqlStatement } from "../syntax/astDefinitions.ts"
import type { Stored } from "../values/convert.ts"
import { rescale } from "../values/numberArithmetic.ts"
import { fromInteger, type NumberValue, toInteger } from "../values/oracleNumber.ts"
import { type OraError, oraError } from "../values/oraError.ts"
import { CURSOR, kindOf, NUMBER, type SqlType } from "../values/sqlType.ts"
import { runCall } from "./calls.ts"
import { declare, newRecord, scalarType } from "./declarations.ts"
import { Environment } from "./environment.ts"
import { assignScalar, evaluate } from "./evaluator.ts"
import { isCatchable, predefined, UserException } from "./exceptions.ts"
import type { Leave, Machine, Program, Typed } from "./machine.ts"
import type { PlsqlHost } from "./plsqlHost.ts"
import {
  closeCursor,
  executeImmediate,
  fetchInto,
  openDeclared,
  openFor,
  openQuery,
  queryColumns,
  runDmlStatement,
  selectInto
} from "./sqlStatements.ts"

/** A loop gives the event loop a turn after so many milliseconds, so that a break can arrive. */
const slice = 4
/** Short loops never look at the clock, and so never wait. */
const iterationsBetweenLooks = 256

type RunBlock = (sql: string, binds: Array<Typed>, outs: ReadonlyArray<boolean>) => Step<ReadonlyArray<Typed>>

class BlockMachine implements Machine {
  readonly host: PlsqlHost
  readonly session: Machine["session"]
  readonly program: Program
  readonly bindTypes: ReadonlyArray<SqlType>
  readonly binds: Array<Stored>
  readonly bindCursors = new Map<number, QueryCursor>()
  readonly bindArrays = new Map<number, ReadonlyArray<Stored>>()
  sqlRowCount: number | undefined
  readonly #nested: RunBlock
  #since: number
  #iterations = 0

  constructor(
    host: PlsqlHost,
    program: Program,
    bindTypes: ReadonlyArray<SqlType>,
    binds: Array<Stored>,
    nested: RunBlock
  ) {
    this.host = host
    this.session = host.executor.state
    this.program = program
    this.bindTypes = bindTypes
    this.binds = binds
    this.#nested = nested
    this.#since = host.core.host.clock()
  }

  evaluate(expr: Expr, env: Environment): Step<Typed> {
    return evaluate(this, expr, env)
  }

  *test(expr: Expr, env: Environment): Step<boolean> {
    const { type, value } = yield* evaluate(this, expr, env)
    if (kindOf(type) !== "b" && kindOf(type) !== "null") {
      throw oraError(6550, "PLS-00382: expression is of wrong type", expr.at)
    }
    return value === 1
  }

  assign(target: Expr, value: Typed, env: Environment): void {
    if (target.kind === "bind") {
      this.binds[target.index] = assignScalar(this, this.bindTypes[target.index]!, value, false)
      return
    }
    if (target.kind !== "name") {
      throw oraError(6550, "PLS-00363: expression cannot be used as an assignment target", target.at)
    }
    const variable = env.scalar(target.path)
    if (variable === undefined) {
      throw oraError(6550, `PLS-00201: identifier '${target.path.join(".")}' must be declared`, target.at)
    }
    if (variable.constant) {
      throw oraError(
        6550,
        `PLS-00363: expression '${target.path.join(".")}' cannot be used as an assignment target`,
        target.at
      )
    }
    variable.value = assignScalar(this, variable.type, value, variable.notNull)
  }

  assignCursor(target: Expr, cursor: QueryCursor | undefined, env: Environment): void {
    if (target.kind === "bind") {
      if (this.bindTypes[target.index]?.name !== CURSOR.name) {
        throw oraError(6550, "PLS-00382: expression is of wrong type", target.at)
      }
      if (cursor === undefined) this.bindCursors.delete(target.index)
      else this.bindCursors.set(target.index, cursor)
      return
    }
    const entry = target.kind === "name" ? env.find(target.path[0]!) : undefined
    if (entry?.kind !== "cursor") throw oraError(6550, "PLS-00382: expression is of wrong type", target.at)
    entry.open = cursor
    entry.found = null
    entry.rowCount = 0
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
    return scalarType(this, spec, env)
  }

  fail(error: OraError): never {
    throw error
  }

  *block(block: PlsqlBlock, parent: Environment): Step<Leave> {
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
      scope.handling = error
      return yield* this.statements(handler.body, scope)
    }
  }

  #handles(handler: Handler, error: OraError, env: Environment): boolean {
    if (handler.names.length === 0) return true
    return handler.names.some((path) => {
      const entry = path.length === 1 ? env.find(path[0]!) : undefined
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
    for (const statement of list) {
      const leave = yield* this.#statement(statement, env)
      if (leave !== undefined) return leave
    }
    return undefined
  }

  *#breathe(): Step<void> {
    if (++this.#iterations % iterationsBetweenLooks !== 0) return
    if (this.host.core.host.clock() - this.#since < slice) return
    yield turn
    this.#since = this.host.core.host.clock()
  }

  *#statement(s: PlsqlStatement, env: Environment): Step<Leave> {
    switch (s.kind) {
      case "null":
        return undefined
      case "block":
        return yield* this.block(s, env)
      case "assign": {
        const source = s.value.kind === "name" && s.value.path.length === 1 ? env.find(s.value.path[0]!) : undefined
        if (source?.kind === "cursor") this.assignCursor(s.target, source.open, env)
        else if (source?.kind === "record") this.#copyRecord(s.target, source.fields, env)
        else this.assign(s.target, yield* evaluate(this, s.value, env), env)
        return undefined
      }
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
      case "call":
        yield* runCall(this, s.call, env)
        return undefined
      case "sql":
        yield* runDmlStatement(this, s.statement, env)
        return undefined
      case "forall": {
        const [low, high] = [yield* this.#integer(s.low, env), yield* this.#integer(s.high, env)]
        let total = 0
        for (let i = low; i <= high; i++) {
          total += yield* runDmlStatement(this, s.statement, this.#counter(env, s.variable, i))
        }
        this.sqlRowCount = total
        return undefined
      }
      case "selectInto":
        yield* selectInto(this, s.query, env)
        return undefined
      case "session":
        yield* this.host.executor.sessionStatement({ ...s.statement })
        return undefined
      case "execute":
        yield* executeImmediate(this, s, env, this.#nested)
        return undefined
      case "open":
        if (s.query !== undefined || s.text !== undefined) yield* openFor(this, s, env)
        else {
          const entry = s.cursor.kind === "name" ? env.find(s.cursor.path[0]!) : undefined
          if (entry?.kind !== "cursor" || entry.query === undefined) {
            throw oraError(6550, "PLS-00201: cursor must be declared", s.at)
          }
          yield* openDeclared(
            this,
            entry,
            s.args,
            env,
            (scope) => entry.parameters.map((parameter) => scalarType(this, parameter.type, scope))
          )
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

  /** One equality for each pair of nodes, so that it is compiled once. */
  #equality(operand: Expr, when: Expr): Expr {
    const known = this.#equalities.get(when)
    if (known !== undefined) return known
    const made: Expr = { kind: "binary", op: "=", left: operand, right: when, at: when.at }
    this.#equalities.set(when, made)
    return made
  }

  readonly #equalities = new WeakMap<Expr, Expr>()

  #copyRecord(
    target: Expr,
    fields: ReadonlyMap<string, { readonly type: SqlType; readonly value: Stored }>,
    env: Environment
  ): void {
    const entry = target.kind === "name" ? env.find(target.path[0]!) : undefined
    if (entry?.kind !== "record") throw oraError(6550, "PLS-00382: expression is of wrong type", target.at)
    const own = [...entry.fields.values()]
    const others = [...fields.values()]
    if (own.length !== others.length) throw oraError(6550, "PLS-00382: expression is of wrong type", target.at)
    own.forEach((field, i) => {
      field.value = assignScalar(this, field.type, others[i]!, false)
    })
  }

  *#iteration(
    body: ReadonlyArray<PlsqlStatement>,
    label: string | undefined,
    env: Environment
  ): Step<Leave | "next"> {
    yield* this.#breathe()
    const leave = yield* this.statements(body, env)
    if (leave === undefined) return "next"
    if (leave.kind === "return") return leave
    if (leave.label !== undefined && leave.label !== label) return leave
    return leave.kind === "exit" ? undefined : "next"
  }

  *#integer(expr: Expr, env: Environment): Step<number> {
    const { type, value } = yield* evaluate(this, expr, env)
    if (value === null) throw oraError(6502, "PL/SQL: value or conversion error")
    const whole = toInteger(rescale(convertStored(value, type, NUMBER, this.session) as NumberValue, 0, false))
    if (whole === undefined) throw oraError(1426, "numeric overflow")
    return whole
  }

  #counter(env: Environment, name: string, value: number): Environment {
    const scope = new Environment(env)
    scope.declare(name, { kind: "scalar", type: NUMBER, constant: true, notNull: true, value: fromInteger(value) })
    return scope
  }

  *#forRange(s: Extract<PlsqlStatement, { kind: "forRange" }>, env: Environment): Step<Leave> {
    const [low, high] = [yield* this.#integer(s.low, env), yield* this.#integer(s.high, env)]
    for (let i = 0; i <= high - low; i++) {
      const leave = yield* this.#iteration(
        s.body,
        s.label,
        this.#counter(env, s.variable, s.reverse ? high - i : low + i)
      )
      if (leave !== "next") return leave
    }
    return undefined
  }

  *#forCursor(s: Extract<PlsqlStatement, { kind: "forCursor" }>, env: Environment): Step<Leave> {
    let { query } = s
    let rows: QueryCursor
    if (query === undefined) {
      const entry = env.find(s.cursor!)
      if (entry?.kind !== "cursor" || entry.query === undefined) {
        throw oraError(6550, `PLS-00201: identifier '${s.cursor!}' must be declared`, s.at)
      }
      query = entry.query
      yield* openDeclared(
        this,
        entry,
        s.args,
        env,
        (scope) => entry.parameters.map((parameter) => scalarType(this, parameter.type, scope))
      )
      rows = entry.open!
      entry.open = undefined
    } else rows = yield* openQuery(this, query, env)
    const columns = query === s.query
      ? queryColumns(this, query, env)
      : rows.columns.map((column) => ({
        name: column.name,
        type: { name: column.type, precision: column.precision, scale: column.scale, size: 0, chars: 0 }
      }))
    try {
      for (;;) {
        const row = (yield* rows.take(1))[0]
        if (row === undefined) return undefined
        const record = newRecord(columns)
        let i = 0
        for (const field of record.fields.values()) field.value = row[i++]!
        const scope = new Environment(env)
        scope.declare(s.variable, record)
        const leave = yield* this.#iteration(s.body, s.label, scope)
        if (leave !== "next") return leave
      }
    } finally {
      rows.close()
    }
  }

  #raised(name: ReadonlyArray<string> | undefined, env: Environment): Error {
    if (name === undefined) {
      if (env.handling === undefined) {
        return oraError(6550, "PLS-00367: a RAISE statement with no exception name must be inside an exception handler")
      }
      return env.handling
    }
    const entry = name.length === 1 ? env.find(name[0]!) : undefined
    if (entry?.kind === "exception") return new UserException(entry, entry.code)
    const code = predefined[name.at(-1)!]
    if (code === undefined) return oraError(6550, `PLS-00201: identifier '${name.join(".")}' must be declared`)
    return oraError(code, messages[code] ?? name.at(-1)!.toLowerCase().replaceAll("_", " "))
  }
}

const messages: Readonly<Record<number, string>> = {
  1403: "no data found",
  1422: "exact fetch returns more than requested number of rows",
  1476: "divisor is equal to zero",
  1722: "invalid number",
  6502: "PL/SQL: value or conversion error",
  1001: "invalid cursor",
  1: "unique constraint (.) violated"
}

export const newMachine = (
  host: PlsqlHost,
  program: Program,
  bindTypes: ReadonlyArray<SqlType>,
  binds: Array<Stored>,
  nested: RunBlock
): BlockMachine => new BlockMachine(host, program, bindTypes, binds, nested)
