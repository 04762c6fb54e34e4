/**
 * Compiles a stored unit: every expression and statement of it, without running any. What is wrong becomes the unit's
 * errors; what it names becomes its references. What the engine does not know is left to the moment when it would run.
 */
import { keyOf } from "../catalog/catalog.ts"
import { isSameMethod } from "../catalog/methods.ts"
import { bodyOf, methodBodiesOf, methodsOf, specOf, type Unit, type UnitError } from "../catalog/units.ts"
import type { Expr, Query } from "../syntax/ast.ts"
import type { Declaration, PlsqlBlock, PlsqlStatement, Subprogram } from "../syntax/astPlsql.ts"
import { lineAndColumn } from "../syntax/places.ts"
import { compositeType } from "../values/composite.ts"
import { conversion } from "../values/convert.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { OraError, oraError } from "../values/oraError.ts"
import { CURSOR, kindOf, NUMBER } from "../values/sqlType.ts"
import { calleeOf, unknownCall } from "./callees.ts"
import { declareNames } from "./declarations.ts"
import { Environment } from "./environment.ts"
import { expressionType } from "./evaluator.ts"
import { predefined } from "./exceptions.ts"
import type { Machine, PlsqlHost } from "./machine.ts"
import { namedType } from "./names.ts"
import { scopeOf } from "./objectMethods.ts"
import { isBuiltin } from "./packages.ts"
import { queryColumns } from "./queryPlans.ts"
import { dmlPlan } from "./sqlStatements.ts"
import { compilerError } from "./subprograms.ts"
import { triggerScope } from "./triggerScope.ts"
import { newCursor, newVariable, rowType } from "./variables.ts"

const placed = /^ORA-06550: line (\d+), column (\d+):\n/

class Check {
  readonly machine: Machine
  readonly #found: Array<UnitError> = []

  constructor(machine: Machine) {
    this.machine = machine
  }

  get errors(): ReadonlyArray<UnitError> {
    const seen = new Set<string>()
    return this.#found
      .filter(({ line, position, text }) => {
        const key = `${line} ${position} ${text}`
        return !seen.has(key) && seen.add(key) !== undefined
      })
      .sort((a, b) => a.line - b.line || a.position - b.position || Number(b.number === 0) - Number(a.number === 0))
  }

  /** What is wrong in the statement or the declaration that begins at `at`. */
  note(error: unknown, at: number, ignored: "Statement" | "SQL Statement" | "Item" = "Statement"): void {
    if (!(error instanceof OraError)) throw error
    // Only what the compiler refuses counts: other failures are of a run.
    if (error.code !== 6550) return
    const where = placed.exec(error.message)
    const text = (where === null ? error.message.slice("ORA-06550: ".length) : error.message.slice(where[0].length))
      .split("\nORA-06550")[0]!
      .replace(/PLS-00201: identifier ':([^']+)' must be declared/, "PLS-00049: bad bind variable '$1'")
    const [line, column] = where === null
      ? lineAndColumn(this.machine.unit.sql, error.offset === 0 ? at : error.offset)
      : [Number(where[1]), Number(where[2])]
    const before = this.machine.unit.linesBefore ?? 0
    const number = Number(/(?:PLS|ORA)-(\d+)/.exec(text)?.[1] ?? "0")
    this.#found.push({ line: line - before, position: column, text, number })
    if (number === 103 || number === 49) return
    const kind = /PL\/SQL: (SQL Statement|Statement) ignored/.exec(error.message)?.[1] ?? ignored
    const [statementLine, statementColumn] = lineAndColumn(this.machine.unit.sql, at)
    this.#found.push({
      line: statementLine - before,
      position: statementColumn,
      text: `PL/SQL: ${ignored === "Item" ? "Item" : kind} ignored`,
      number: 0
    })
  }

  /** One error at a place in a text, which may be that of the specification. */
  noteAt(sql: string, at: number, text: string): void {
    const [line, position] = lineAndColumn(sql, at)
    this.#found.push({ line, position, text, number: Number(/PLS-(\d+)/.exec(text)?.[1] ?? "0") })
  }

  /** A body whose specification is not there, or not good. */
  withoutSpec({ name, nameAt, text }: Unit, cause: string): void {
    this.#found.push({ line: 0, position: 0, text: "PL/SQL: Compilation unit analysis terminated", number: 0 })
    this.noteAt(text, nameAt, cause)
    this.noteAt(text, nameAt, `PLS-00304: cannot compile body of '${name}' without its specification`)
  }

  #try(at: number, work: () => void, ignored?: "SQL Statement" | "Item"): void {
    try {
      work()
    } catch (error) {
      this.note(error, at, ignored)
    }
  }

  /** The names of a scope, then the bodies that stand in it. */
  declarations(list: ReadonlyArray<Declaration>, env: Environment): void {
    declareNames(this.machine, list, env, (error, declaration) => this.note(error, declaration.at, "Item"))
    for (const declaration of list) {
      if (declaration.kind === "variable" && declaration.value !== undefined) {
        const entry = env.own(declaration.name)
        this.#try(declaration.at, () => {
          const from = expressionType(this.machine, declaration.value!, env)
          if (entry?.kind === "variable") this.#convertible(from, entry.type, declaration.value!.at)
        }, "Item")
      } else if (declaration.kind === "cursor") {
        this.#try(declaration.at, () => {
          const scope = new Environment(env)
          for (const parameter of declaration.parameters) {
            scope.declare(parameter.name, newVariable(this.machine.typeOf(parameter.type, env), true))
          }
          queryColumns(this.machine, declaration.query, scope)
        }, "SQL Statement")
      } else if (declaration.kind === "subprogram" && declaration.subprogram.block !== undefined) {
        this.subprogram(declaration.subprogram, env)
      }
    }
  }

  subprogram(subprogram: Subprogram, env: Environment): void {
    const local = new Environment(env, subprogram.name)
    for (const parameter of subprogram.parameters) {
      this.#try(subprogram.at, () => {
        const type = this.machine.typeOf(parameter.type, env)
        local.declare(parameter.name, type === CURSOR ? newCursor() : newVariable(type, parameter.direction === "in"))
        if (parameter.default !== undefined) expressionType(this.machine, parameter.default, env)
      }, "Item")
    }
    if (subprogram.returns !== undefined) {
      this.#try(subprogram.at, () => void this.machine.typeOf(subprogram.returns!, env), "Item")
    }
    if (subprogram.block !== undefined) this.block(subprogram.block, local)
  }

  block(block: PlsqlBlock, parent: Environment): void {
    const env = new Environment(parent, block.label)
    this.declarations(block.declarations, env)
    this.statements(block.body, env)
    for (const handler of block.handlers) {
      for (const name of handler.names) this.#try(handler.body[0]?.at ?? block.at, () => this.#exception(name, env))
      this.statements(handler.body, env)
    }
  }

  #exception(path: ReadonlyArray<string>, env: Environment): void {
    if (env.lookup(path)?.kind === "exception" || predefined[path.at(-1)!] !== undefined) return
    throw oraError(6550, `PLS-00201: identifier '${path.join(".")}' must be declared`)
  }

  statements(list: ReadonlyArray<PlsqlStatement>, env: Environment): void {
    for (const statement of list) this.#try(statement.at, () => this.#statement(statement, env))
  }

  #convertible(from: SqlType | undefined, to: SqlType, at: number): void {
    if (from === undefined || from === CURSOR || to === CURSOR || kindOf(from) === "null") return
    // Records and collections are compared when they are assigned.
    if (from.composite !== undefined || to.composite !== undefined) return
    if (kindOf(from) !== kindOf(to) && conversion(kindOf(from), kindOf(to)) === undefined) {
      throw compilerError(this.machine, "PLS-00382: expression is of wrong type", at)
    }
  }

  #expr(expr: Expr, env: Environment): SqlType | undefined {
    return expressionType(this.machine, expr, env)
  }

  /** What the condition of a trigger says. */
  condition(expr: Expr, env: Environment): void {
    this.#try(expr.at, () => this.#condition(expr, env))
  }

  #condition(expr: Expr, env: Environment): void {
    const type = this.#expr(expr, env)
    if (type !== undefined && kindOf(type) !== "b" && kindOf(type) !== "null") {
      throw compilerError(this.machine, "PLS-00382: expression is of wrong type", expr.at)
    }
  }

  #target(target: Expr, from: SqlType | undefined, env: Environment): void {
    if (target.kind !== "name") return
    const name = target.path.join(".")
    const entry = env.lookup(target.path)
    const head = env.headOf(target.path)
    if (entry === undefined && head === undefined) {
      throw compilerError(this.machine, `PLS-00201: identifier '${name}' must be declared`, target.at)
    }
    if (head === undefined) return
    const { rest, variable } = head
    if (variable.constant) {
      throw compilerError(
        this.machine,
        `PLS-00363: expression '${name}' cannot be used as an assignment target`,
        target.at
      )
    }
    if (rest.length === 0) return this.#convertible(from, variable.type, target.at)
    const { composite } = variable.type
    if (composite === undefined || composite.kind === "collection") return
    if (composite.attributes.some((attribute) => attribute.name === rest[0])) return
    throw compilerError(
      this.machine,
      target.path[0]!.startsWith(":")
        ? `PLS-00049: bad bind variable '${name.slice(1)}'`
        : `PLS-00302: component '${rest[0]!}' must be declared`,
      target.at
    )
  }

  #cursor(expr: Expr, env: Environment): void {
    if (expr.kind !== "name" || env.lookup(expr.path) !== undefined) return
    throw compilerError(this.machine, `PLS-00201: identifier '${expr.path.join(".")}' must be declared`, expr.at)
  }

  /** A method of a collection or an object, or a static one of a type: they are looked for when they are called. */
  #isMethod(path: ReadonlyArray<string>, env: Environment): boolean {
    const of = path.slice(0, -1)
    return of.length > 0 && (env.headOf(of) !== undefined || namedType(this.machine, of, env) !== undefined)
  }

  #query(query: Query, env: Environment): ReadonlyArray<{ readonly name: string; readonly type: SqlType }> {
    return queryColumns(this.machine, query, env)
  }

  #statement(s: PlsqlStatement, env: Environment): void {
    switch (s.kind) {
      case "block":
        this.block(s, env)
        return
      case "assign": {
        const from = this.#expr(s.value, env)
        this.#target(s.target, from, env)
        return
      }
      case "if":
        for (const [condition, body] of s.branches) {
          this.#try(s.at, () => this.#condition(condition, env))
          this.statements(body, env)
        }
        if (s.otherwise !== undefined) this.statements(s.otherwise, env)
        return
      case "case":
        if (s.operand !== undefined) this.#expr(s.operand, env)
        for (const [when, body] of s.branches) {
          this.#try(s.at, () => s.operand === undefined ? this.#condition(when, env) : void this.#expr(when, env))
          this.statements(body, env)
        }
        if (s.otherwise !== undefined) this.statements(s.otherwise, env)
        return
      case "loop":
        if (s.condition !== undefined) this.#try(s.at, () => this.#condition(s.condition!, env))
        this.statements(s.body, env)
        return
      case "forRange": {
        this.#try(s.at, () => {
          this.#expr(s.low, env)
          this.#expr(s.high, env)
        })
        const scope = new Environment(env, s.label)
        scope.declare(s.variable, newVariable(NUMBER, true))
        this.statements(s.body, scope)
        return
      }
      case "forCursor": {
        const scope = new Environment(env, s.label)
        let query = s.query
        let place = env
        if (query === undefined) {
          const entry = env.lookup(s.cursor!)
          if (entry?.kind !== "cursor" || entry.query === undefined) {
            throw compilerError(this.machine, `PLS-00201: identifier '${s.cursor!.join(".")}' must be declared`, s.at)
          }
          query = entry.query
          place = new Environment(env)
          for (const parameter of entry.parameters) {
            place.declare(parameter.name, newVariable(this.machine.typeOf(parameter.type, env), true))
          }
        }
        scope.declare(s.variable, newVariable(rowType(undefined, s.variable, this.#query(query, place))))
        this.statements(s.body, scope)
        return
      }
      case "exit":
      case "continue":
        if (s.when !== undefined) this.#condition(s.when, env)
        return
      case "return":
        if (s.value !== undefined) this.#expr(s.value, env)
        return
      case "raise":
        if (s.name !== undefined) this.#exception(s.name, env)
        return
      case "call": {
        if (isBuiltin(s.call) || this.#isMethod(s.call.path, env)) return
        const callee = calleeOf(this.machine, s.call, env)
        if (callee === undefined) {
          throw unknownCall(this.machine, s.call)
        }
        if (callee.kind === "subprogram" && callee.candidate.declared.returns !== undefined) {
          throw compilerError(
            this.machine,
            `PLS-00221: '${s.call.path.at(-1)}' is not a procedure or is undefined`,
            s.at
          )
        }
        for (const arg of s.call.args) this.#expr(arg, env)
        return
      }
      case "sql":
        dmlPlan(this.machine, s.statement, env)
        return
      case "forall": {
        const scope = new Environment(env)
        scope.declare(s.variable, newVariable(NUMBER, true))
        if (s.run.kind === "sql") dmlPlan(this.machine, s.run.statement, scope)
        return
      }
      case "selectInto": {
        const columns = this.#query(s.query, env)
        const { body } = s.query
        if (body.kind !== "block" || body.into === undefined) {
          throw compilerError(
            this.machine,
            "PLS-00428: an INTO clause is expected in this SELECT statement",
            s.query.at
          )
        }
        const isPlain = !body.bulkInto && body.into.length === columns.length
        body.into.forEach((target, i) => this.#target(target, isPlain ? columns[i]?.type : undefined, env))
        return
      }
      case "execute":
        this.#expr(s.text, env)
        return
      case "open":
        this.#cursor(s.cursor, env)
        if (s.query !== undefined) this.#query(s.query, env)
        return
      case "fetch":
        this.#cursor(s.cursor, env)
        for (const target of s.into) this.#target(target, undefined, env)
        return
      case "close":
        this.#cursor(s.cursor, env)
        return
      default:
        return
    }
  }
}

/** What is declared and has no body is told with its place in the specification. */
const missingBodies = (check: Check, env: Environment): void => {
  for (const [name, entry] of env.entries()) {
    if (entry.kind !== "subprogram") continue
    for (const { declared, implementation, scope } of entry.candidates) {
      if (implementation !== undefined) continue
      check.noteAt(
        scope.unit?.sql ?? check.machine.unit.sql,
        declared.at,
        scope.unit?.isSpec === true
          ? `PLS-00323: subprogram or cursor '${name}' is declared in a package specification and must be defined in the package body`
          : `PLS-00328: A subprogram body must be defined for the forward declaration of ${name}.`
      )
    }
  }
}

const checkTypeBody = (host: PlsqlHost, unit: Unit, check: Check): void => {
  const stored = host.core.catalog.objects.get(keyOf(unit))
  if (stored?.kind !== "type" || stored.spec.isAbsent || stored.type?.kind === "collection") {
    return check.withoutSpec(unit, `PLS-00201: identifier '${unit.name}' must be declared`)
  }
  host.core.catalog.recorder?.add(keyOf(unit))
  if (!host.units.isGood(stored.spec)) return check.withoutSpec(unit, `PLS-00905: object ${keyOf(unit)} is invalid`)
  const declared = methodsOf(stored)
  const bodies = methodBodiesOf(stored)
  for (const method of bodies) {
    if (!declared.some((each) => isSameMethod(each, method))) {
      check.noteAt(
        unit.text,
        method.nameAt,
        `PLS-00539: subprogram '${method.name}' is declared in an object type body and must be defined in the object type specification`
      )
    }
    const type = compositeType(stored.type!)
    const self = method.kind === "static" ? undefined : newVariable(type, !method.changesSelf)
    check.subprogram({ ...method, deterministic: false, pipelined: false }, scopeOf(host, stored, self))
  }
  for (const method of declared) {
    if (!method.instantiable || bodies.some((each) => isSameMethod(each, method))) continue
    check.noteAt(
      stored.spec.text,
      method.nameAt,
      `PLS-00538: subprogram or cursor '${method.name}' is declared in an object type specification and must be defined in the object type body`
    )
  }
}

const checkTree = (host: PlsqlHost, unit: Unit, check: Check): void => {
  const { tree } = unit
  const { units } = host
  switch (tree?.kind) {
    case "subprogram":
      check.subprogram(tree.subprogram, units.scopeOf(unit, false))
      return
    case "packageSpec": {
      const spec = new Environment(units.scopeOf(unit, false), unit.name)
      check.declarations(tree.declarations, spec)
      return
    }
    case "packageBody": {
      const pkg = host.core.catalog.objects.get(keyOf(unit))
      if (pkg?.kind !== "package" || specOf(pkg.spec) === undefined) {
        return check.withoutSpec(unit, `PLS-00201: identifier '${unit.name}' must be declared`)
      }
      if (!units.isGood(pkg.spec)) return check.withoutSpec(unit, `PLS-00905: object ${keyOf(unit)} is invalid`)
      const body = units.bodyScope({ ...pkg, body: unit }, units.specScope(pkg))
      check.declarations(bodyOf(unit)!.declarations, body)
      if (tree.initialization !== undefined) check.block(tree.initialization, body)
      missingBodies(check, body)
      return
    }
    case "typeSpec":
      return
    case "typeBody":
      return checkTypeBody(host, unit, check)
    case "trigger": {
      const { scope, when } = triggerScope(check.machine, unit, tree, { event: "INSERT", changed: new Set() })
      check.declarations(tree.declarations, scope)
      if (tree.when !== undefined) check.condition(tree.when, when)
      for (const { block } of tree.sections) check.block(block, scope)
      return
    }
    case undefined:
      return
  }
}

export const compileUnit = (host: PlsqlHost, unit: Unit): void => {
  const { catalog } = host.core
  if (unit.type === "TYPE") {
    const stored = catalog.objects.get(keyOf(unit))
    if (stored?.kind === "type") catalog.compileType(stored)
    return
  }
  const { state } = host.executor
  const machine = host.units.machineOf(host.units.programOf(unit, false))
  const check = new Check(machine)
  const references = new Set<string>()
  const { recorder } = catalog
  catalog.recorder = references
  const outer = state.enter(unit.owner)
  try {
    if (unit.syntaxError !== undefined) throw unit.syntaxError
    checkTree(host, unit, check)
  } catch (error) {
    check.note(error, 0)
  } finally {
    state.leave(outer)
    catalog.recorder = recorder
  }
  unit.compiled(catalog.version, check.errors, references)
}
