/** Procedures that need more than the values of their arguments. */
import { convertStored, raiseApplication } from "../statements/registeredProcedures.ts"
import type { Step } from "../storage/waiting.ts"
import type { Call, Expr } from "../syntax/ast.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { rescale } from "../values/numberArithmetic.ts"
import { type NumberValue, toInteger } from "../values/oracleNumber.ts"
import { OraError, oraError } from "../values/oraError.ts"
import { BOOLEAN, kindOf, NUMBER, raw, varchar2 } from "../values/sqlType.ts"
import type { Environment } from "./environment.ts"
import { replaces } from "./exceptions.ts"
import type { Machine } from "./machine.ts"
import { cursorOf } from "./targets.ts"
import type { Typed } from "./typed.ts"

/** Parameter names by position; `out` marks those that are written. */
interface Builtin {
  readonly parameters: ReadonlyArray<string>
  readonly run: (machine: Machine, args: Arguments) => Step<void>
}

interface Arguments {
  readonly get: (name: string) => Step<Typed | undefined>
  readonly text: (name: string) => Step<string | null>
  readonly integer: (name: string) => Step<number | null>
  readonly set: (name: string, value: Typed) => Step<void>
  readonly expr: (name: string) => Expr | undefined
  readonly env: Environment
}

const argumentsFor = (machine: Machine, call: Call, parameters: ReadonlyArray<string>, env: Environment): Arguments => {
  const exprs = new Map<string, Expr>()
  call.args.forEach((arg, i) => {
    const name = call.names[i] ?? parameters[i]
    if (name === undefined || !parameters.includes(name)) {
      throw oraError(6550, `PLS-00306: wrong number or types of arguments in call to '${call.path.at(-1)}'`, call.at)
    }
    exprs.set(name, arg)
  })
  function* get(name: string): Step<Typed | undefined> {
    const expr = exprs.get(name)
    return expr === undefined ? undefined : yield* machine.evaluate(expr, env)
  }
  function* as(name: string, type: SqlType): Step<Typed["value"]> {
    const value = yield* get(name)
    return value === undefined || kindOf(value.type) === "null"
      ? null
      : convertStored(value.value, value.type, type, machine.session)
  }
  return {
    get,
    *text(name) {
      return (yield* as(name, varchar2())) as string | null
    },
    *integer(name) {
      const value = yield* as(name, NUMBER)
      return value === null ? null : toInteger(rescale(value as NumberValue, 0, true)) ?? null
    },
    *set(name, value) {
      const expr = exprs.get(name)
      if (expr !== undefined) yield* machine.store(expr, value, env)
    },
    expr: (name) => exprs.get(name),
    env
  }
}

const builtins: Readonly<Record<string, Builtin>> = {
  "RAISE_APPLICATION_ERROR": {
    parameters: ["NUM", "MSG", "KEEPERRORSTACK"],
    *run(_machine, args) {
      const code = yield* args.integer("NUM")
      const message = (yield* args.text("MSG")) ?? ""
      const keeps = (yield* args.get("KEEPERRORSTACK"))?.value === 1
      try {
        raiseApplication(code ?? 0, message)
      } catch (error) {
        throw keeps || !(error instanceof OraError) ? error : replaces(error)
      }
    }
  },
  "DBMS_APP_CONT.GET_LTXID_OUTCOME": {
    parameters: ["CLIENT_LTXID", "COMMITTED", "USER_CALL_COMPLETED"],
    *run(machine, args) {
      const { guard } = machine.host.core
      if (guard === undefined) {
        throw oraError(6550, "PLS-00201: identifier 'DBMS_APP_CONT.GET_LTXID_OUTCOME' must be declared")
      }
      const given = yield* args.get("CLIENT_LTXID")
      const name = given === undefined ? null : convertStored(given.value, given.type, raw(), machine.session)
      const { sid, user } = machine.session.info
      const committed = guard.outcome(name instanceof Uint8Array ? name : new Uint8Array(), user, sid)
      const value = committed ? 1 : 0
      yield* args.set("COMMITTED", { value, type: BOOLEAN })
      // A commit has nothing more to say than that it was one.
      yield* args.set("USER_CALL_COMPLETED", { value, type: BOOLEAN })
    }
  },
  "DBMS_SQL.RETURN_RESULT": {
    parameters: ["RC", "TO_CLIENT"],
    *run(machine, args) {
      const expr = args.expr("RC")
      const cell = expr === undefined ? undefined : cursorOf(expr, args.env)?.cell
      if (cell?.open === undefined) throw oraError(1001, "invalid cursor")
      machine.host.implicitResults.push(cell.open)
      cell.open = undefined
    }
  }
}

export const isBuiltin = (call: Call): boolean =>
  Object.hasOwn(builtins, (call.path[0] === "SYS" ? call.path.slice(1) : call.path).join("."))

/** undefined when there is no such procedure. */
export const builtin = (machine: Machine, call: Call, env: Environment): Step<void> | undefined => {
  const path = call.path[0] === "SYS" ? call.path.slice(1) : call.path
  const found = builtins[path.join(".")]
  return found?.run(machine, argumentsFor(machine, call, found.parameters, env))
}
