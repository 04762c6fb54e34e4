/** Procedures of the built-in packages. */
import { convertStored, raiseApplication } from "../statements/registeredProcedures.ts"
import type { Step } from "../storage/waiting.ts"
import type { Call, Expr } from "../syntax/ast.ts"
import { rescale } from "../values/numberArithmetic.ts"
import { fromInteger, type NumberValue, toDouble, toInteger } from "../values/oracleNumber.ts"
import { OraError, oraError, unimplemented } from "../values/oraError.ts"
import { kindOf, NUMBER, type SqlType, varchar2 } from "../values/sqlType.ts"
import type { Environment } from "./environment.ts"
import { replaces } from "./exceptions.ts"
import type { Machine, Typed } from "./machine.ts"
import { cursorOf } from "./targets.ts"

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

function* sleep(machine: Machine, args: Arguments): Step<void> {
  const value = yield* args.get("SECONDS")
  if (value === undefined || value.value === null) return
  const seconds = toDouble(convertStored(value.value, value.type, NUMBER, machine.session) as NumberValue)
  yield (signal) => machine.host.core.host.sleep(seconds * 1000, signal)
}

const setter = (
  parameters: ReadonlyArray<string>,
  apply: (machine: Machine, values: ReadonlyArray<string | null>) => void
): Builtin => ({
  parameters,
  *run(machine, args) {
    const values: Array<string | null> = []
    for (const parameter of parameters) values.push(yield* args.text(parameter))
    apply(machine, values)
  }
})

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
  "DBMS_SESSION.SLEEP": { parameters: ["SECONDS"], run: sleep },
  "DBMS_OUTPUT.ENABLE": {
    parameters: ["BUFFER_SIZE"],
    *run(machine) {
      machine.host.outputEnabled = true
    }
  },
  "DBMS_OUTPUT.DISABLE": {
    parameters: [],
    *run(machine) {
      machine.host.disable()
    }
  },
  "DBMS_OUTPUT.PUT": {
    parameters: ["A"],
    *run(machine, args) {
      machine.host.put((yield* args.text("A")) ?? "")
    }
  },
  "DBMS_OUTPUT.PUT_LINE": {
    parameters: ["A"],
    *run(machine, args) {
      machine.host.put((yield* args.text("A")) ?? "")
      machine.host.newLine()
    }
  },
  "DBMS_OUTPUT.NEW_LINE": {
    parameters: [],
    *run(machine) {
      machine.host.newLine()
    }
  },
  "DBMS_OUTPUT.GET_LINE": {
    parameters: ["LINE", "STATUS"],
    *run(machine, args) {
      const line = machine.host.takeLine()
      yield* args.set("LINE", { value: line === undefined || line === "" ? null : line, type: varchar2(32767) })
      yield* args.set("STATUS", { value: fromInteger(line === undefined ? 1 : 0), type: NUMBER })
    }
  },
  "DBMS_OUTPUT.GET_LINES": {
    parameters: ["LINES", "NUMLINES"],
    *run(machine, args) {
      const lines = args.expr("LINES")
      if (lines?.kind !== "bind") throw unimplemented("DBMS_OUTPUT.GET_LINES into a variable")
      const wanted = (yield* args.integer("NUMLINES")) ?? 0
      const taken: Array<string> = []
      while (taken.length < wanted) {
        const line = machine.host.takeLine()
        if (line === undefined) break
        taken.push(line)
      }
      machine.bindArrays.set(lines.index, taken.map((line) => line === "" ? null : line))
      yield* args.set("NUMLINES", { value: fromInteger(taken.length), type: NUMBER })
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
  },
  "DBMS_APPLICATION_INFO.SET_MODULE": setter(["MODULE_NAME", "ACTION_NAME"], ({ session }, [module, action]) => {
    session.setEndToEnd({ module: module ?? null, action: action ?? null })
  }),
  "DBMS_APPLICATION_INFO.SET_ACTION": setter(["ACTION_NAME"], ({ session }, [action]) => {
    session.setEndToEnd({ action: action ?? null })
  }),
  "DBMS_APPLICATION_INFO.SET_CLIENT_INFO": setter(["CLIENT_INFO"], ({ session }, [info]) => {
    session.setEndToEnd({ clientInfo: info ?? null })
  }),
  "DBMS_APPLICATION_INFO.READ_MODULE": {
    parameters: ["MODULE_NAME", "ACTION_NAME"],
    *run(machine, args) {
      yield* args.set("MODULE_NAME", { value: machine.session.module, type: varchar2(64) })
      yield* args.set("ACTION_NAME", { value: machine.session.action, type: varchar2(64) })
    }
  },
  "DBMS_SESSION.SET_IDENTIFIER": setter(["CLIENT_ID"], ({ session }, [id]) => {
    session.setEndToEnd({ clientId: id ?? null })
  }),
  "DBMS_SESSION.CLEAR_IDENTIFIER": setter([], ({ session }) => {
    session.setEndToEnd({ clientId: null })
  }),
  "DBMS_SESSION.SET_NLS": setter(["PARAM", "VALUE"], ({ session }, [name, value]) => {
    session.nls.set((name ?? "").toUpperCase(), (value ?? "").replace(/^'(.*)'$/, "$1"))
  }),
  "DBMS_SESSION.SET_CONTEXT": setter(
    ["NAMESPACE", "ATTRIBUTE", "VALUE", "USERNAME", "CLIENT_ID"],
    ({ session }, [namespace, attribute, value]) => {
      const name = `${(namespace ?? "").toUpperCase()}.${(attribute ?? "").toUpperCase()}`
      if (value === null || value === undefined) session.contexts.delete(name)
      else session.contexts.set(name, value)
    }
  ),
  "DBMS_SESSION.CLEAR_CONTEXT": setter(
    ["NAMESPACE", "CLIENT_ID", "ATTRIBUTE"],
    ({ session }, [namespace, , attribute]) => {
      for (const name of session.contexts.keys()) {
        if (
          name.startsWith((namespace ?? "").toUpperCase() + ".") &&
          (attribute === null || attribute === undefined || name.endsWith("." + attribute.toUpperCase()))
        ) session.contexts.delete(name)
      }
    }
  ),
  "DBMS_SESSION.RESET_PACKAGE": setter([], (machine) => {
    machine.host.disable()
  }),
  "DBMS_SESSION.MODIFY_PACKAGE_STATE": setter(["ACTION_FLAGS"], (machine) => {
    machine.host.disable()
  })
}

export const isBuiltin = (call: Call): boolean =>
  Object.hasOwn(builtins, (call.path[0] === "SYS" ? call.path.slice(1) : call.path).join("."))

/** undefined when there is no such procedure. */
export const builtin = (machine: Machine, call: Call, env: Environment): Step<void> | undefined => {
  const path = call.path[0] === "SYS" ? call.path.slice(1) : call.path
  const found = builtins[path.join(".")]
  return found?.run(machine, argumentsFor(machine, call, found.parameters, env))
}
